"""Losses of float64 rows, in mpmath from their formulas: value, gradients and Hessian diagonals of one row.

Kinks are PyTorch 2.13's: see KINKS in losses/test_margins.py and losses/test_distances.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mpmath import mp, mpf
from support.remember import remembered

from reference.losses import RowLoss
from reference.rows import exact

COSINE_EPS = mpf(1e-12)


@dataclass(frozen=True)
class Float64RowLoss(RowLoss):
    """value, grad and hess take a row's operands (inputs as object arrays) and options; the latter two give
    a list, one array an input."""

    of_row: Callable | None = None


def _loss(of_row):
    parts = [lambda *a, k=k, **o: of_row(*a, **o)[k] for k in range(3)]
    return Float64RowLoss(*parts, of_row=of_row)


def _zeros(*inputs):
    return [0 * exact([0.0] * len(x)) for x in inputs]


def _hinges(x, y, others, margin, power, g, h):
    """The sum of hinges of the other classes against label y, added to gradient and curvature."""
    total = mpf(0)
    for j in others:
        z = margin - x[y] + x[j]
        if z > 0:
            slope, curve = (1, 0) if power == 1 else (2 * z, 2)
            total += z**power
            g[j], g[y], h[j], h[y] = g[j] + slope, g[y] - slope, h[j] + curve, h[y] + curve
    return total


def multi_margin(x, y, p=1, margin=1.0, weight=None):
    (g,), (h,), n = _zeros(x), _zeros(x), len(x)
    w = mpf(1) if weight is None else weight[y]
    total = _hinges(x, y, [j for j in range(n) if j != y], mpf(margin), p, g, h)
    return w * total / n, [w * g / n], [w * h / n]


def multilabel_margin(x, labels):
    (g,), (h,), n = _zeros(x), _zeros(x), len(x)
    labels = [int(v) for v in labels]
    labels = labels[: labels.index(-1)] if -1 in labels else labels
    others = [j for j in range(n) if j not in labels]
    total = sum((_hinges(x, y, others, mpf(1), 1, g, h) for y in labels), mpf(0))
    return total / n, [g / n], [h / n]


def multilabel_soft_margin(x, y, weight=None):
    (g,), (h,), n, total = _zeros(x), _zeros(x), len(x), mpf(0)
    for c in range(n):
        w, s = mpf(1) if weight is None else weight[c], 1 / (1 + mp.exp(-x[c]))
        if w:
            total += w * (y[c] * mp.log1p(mp.exp(-x[c])) + (1 - y[c]) * mp.log1p(mp.exp(x[c])))
            g[c], h[c] = w * (s - y[c]), w * s * (1 - s)
    return total / n, [g / n], [h / n]


def cosine_embedding(a, b, t, margin=0.0):
    u, v, dot = (a * a).sum() + COSINE_EPS, (b * b).sum() + COSINE_EPS, (a * b).sum()
    c = dot / mp.sqrt(u * v)
    sign = -1 if t == 1 else 1 if t == -1 and c >= mpf(margin) else 0
    value = 1 - c if t == 1 else max(c - mpf(margin), mpf(0)) if t == -1 else mpf(0)
    grads, hesses = [], []
    for x, z, s, r in ((a, b, u, v), (b, a, v, u)):
        grads.append(sign * (z / mp.sqrt(u * v) - dot * x / (s * mp.sqrt(u * v))))
        d = dot / (s**1.5 * mp.sqrt(r))
        hesses.append(sign * (-2 * x * z / (s**1.5 * mp.sqrt(r)) - d + 3 * d * x * x / s))
    return value, grads, hesses


@remembered
def norm(d, p):
    """The p-norm with its slopes and second derivatives."""
    size, n = [abs(v) for v in d], len(d)
    u, h = _zeros(d)[0], _zeros(d)[0]
    if p == 0:
        return mpf(sum(v != 0 for v in size)), u, h
    if mp.isinf(p):
        total = max(size) if p > 0 else min(size)
        ties = sum(v == total for v in size)
        for k in range(n):
            u[k] = mp.sign(d[k]) / ties if size[k] == total else mpf(0)
        return total, u, h
    p = mpf(p)
    if (p < 0 and min(size) == 0) or max(size) == 0:
        return mpf(0), u, h
    total = sum(v**p for v in size) ** (1 / p)
    for k in range(n):
        if size[k] or p == 2:
            q = size[k] / total
            u[k] = mp.sign(d[k]) * q ** (p - 1)
            h[k] = (p - 1) * ((q ** (p - 2) if p != 2 else 1) - q ** (2 * p - 2)) / total
    return total, u, h


def triplet_margin(a, p, n, margin=1.0, power=2.0, eps=1e-6, swap=False):
    near, u, uh = norm(a - p + mpf(eps), power)
    far, v, vh = norm(a - n + mpf(eps), power)
    other, w, wh = norm(p - n + mpf(eps), power)
    weight = mpf(1) if not swap or far < other else mpf(0) if other < far else mpf(0.5)
    value = mpf(margin) + near - (min(far, other) if swap else far)
    if value < 0:
        return mpf(0), _zeros(a, p, n), _zeros(a, p, n)
    v, vh, w, wh = v * weight, vh * weight, w * (1 - weight), wh * (1 - weight)
    return value, [u - v, -u - w, v + w], [uh - vh, uh - wh, -vh - wh]


LOSSES = {
    "multi_margin_loss": _loss(multi_margin),
    "multilabel_margin_loss": _loss(multilabel_margin),
    "multilabel_soft_margin_loss": _loss(multilabel_soft_margin),
    "cosine_embedding_loss": _loss(cosine_embedding),
    "triplet_margin_loss": _loss(triplet_margin),
}
