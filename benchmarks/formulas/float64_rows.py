"""Losses of float64 rows as one writes them: formulas of (xp, inputs, target).

What has a gradient is followed by it, one an input."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases import LABELS
from benchmarks.formulas.activations import Formula, Key, sigmoid

Rows = tuple[Any, ...]


def _picked(x: Any, t: Any) -> Any:
    return x[np.arange(len(t))[:, None], t]


def _members(xp: Any, x: Any, t: Any) -> Any:
    """Which classes a row's labels are."""
    found = xp.zeros(x.shape, bool)
    for k in range(t.shape[1]):
        found = found | (t[:, k : k + 1] == np.arange(x.shape[1]))
    return found


def _hinges(xp: Any, x: Any, t: Any) -> list[Any]:
    """Of each label, the margins of the classes that are none; others are -1."""
    members = _members(xp, x, t)
    return [xp.where(members, -1, 1 - _picked(x, t[:, k : k + 1]) + x) for k in range(t.shape[1])]


def _margin_value(xp: Any, x: Any, t: Any) -> Any:
    return sum(xp.maximum(z, 0).sum() for z in _hinges(xp, x, t)) / x.size


def _margin(xp: Any, x: Any, t: Any) -> Rows:
    g, value = xp.zeros_like(x), 0.0
    for k, z in enumerate(_hinges(xp, x, t)):
        inside = z > 0
        value = value + xp.maximum(z, 0).sum()
        g += inside
        g[np.arange(len(t)), t[:, k]] -= inside.sum(-1)
    return value / x.size, g / x.size


def _soft_margin_value(xp: Any, x: Any, y: Any) -> Any:
    return (xp.maximum(x, 0) - x * y + xp.log1p(xp.exp(-abs(x)))).mean()


def _cosine_value(xp: Any, a: Any, b: Any, t: Any) -> Any:
    c = (a * b).sum(-1) / xp.sqrt(((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12))
    return xp.where(t > 0, 1 - c, xp.maximum(c, 0)).mean()


def _cosine(xp: Any, a: Any, b: Any, t: Any) -> Rows:
    aa, bb, ab = ((u * v).sum(-1, keepdims=True) for u, v in ((a, a), (b, b), (a, b)))
    size = xp.sqrt((aa + 1e-12) * (bb + 1e-12))
    c, t = ab / size, t[:, None]
    slope = xp.where(t > 0, -1, c >= 0) / len(a)
    by_a, by_b = slope * (b / size - a * c / (aa + 1e-12)), slope * (a / size - b * c / (bb + 1e-12))
    return xp.where(t > 0, 1 - c, xp.maximum(c, 0)).mean(), by_a, by_b


def _triplet_value(xp: Any, a: Any, p: Any, n: Any) -> Any:
    near, far = (xp.sqrt(((a - x + 1e-6) ** 2).sum(-1)) for x in (p, n))
    return xp.maximum(1 + near - far, 0).mean()


def _triplet(xp: Any, a: Any, p: Any, n: Any) -> Rows:
    d, e = a - p + 1e-6, a - n + 1e-6
    near, far = (xp.sqrt((x * x).sum(-1, keepdims=True)) for x in (d, e))
    slope = (1 + near - far >= 0) / a.dtype.type(len(a))
    u, v = slope * d / near, slope * e / far
    return xp.maximum(1 + near - far, 0).mean(), u - v, -u, v


VALUES: dict[str, Formula] = {
    "multi_margin_loss": lambda xp, x, t: _margin_value(xp, x, t[:, None]),
    "multilabel_margin_loss": lambda xp, x, t: _margin_value(xp, x, t[:, :LABELS]),
    "multilabel_soft_margin_loss": _soft_margin_value,
    "cosine_embedding_loss": _cosine_value,
    "triplet_margin_loss": _triplet_value,
}
FORMULAS: dict[Key, Formula] = {
    **{(op, "value"): formula for op, formula in VALUES.items()},
    ("multi_margin_loss", "value_and_grad"): lambda xp, x, t: _margin(xp, x, t[:, None]),
    ("multilabel_margin_loss", "value_and_grad"): lambda xp, x, t: _margin(xp, x, t[:, :LABELS]),
    ("multilabel_soft_margin_loss", "value_and_grad"): lambda xp, x, y: (
        _soft_margin_value(xp, x, y),
        (sigmoid(xp, x) - y) / x.size,
    ),
    ("cosine_embedding_loss", "value_and_grad"): _cosine,
    ("triplet_margin_loss", "value_and_grad"): _triplet,
}
