"""Losses: their terms, as functions of object arrays of mpf."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

from reference.rows import exact, exp, log, log_softmax, softmax, weighted


@dataclass(frozen=True)
class ElementwiseLoss:
    """Terms of (input, target, *parameters), without weight and reduction; all broadcast."""

    value: Callable
    grad: Callable
    hess: Callable
    parameters: tuple[str, ...] = ()
    mean_by_weight: bool = False
    within: tuple[float, float] = (0.1, 9.0)  # where parameters may lie
    targets: str = "near"  # the input, "signs" -1 and 1, "shares" between 0 and 1


def _sigmoid(x):
    return 1 / (1 + exp(-x))


def _softplus(x):
    return log(1 + exp(x))


_tanh, _cosh = (np.frompyfunc(f, 1, 1) for f in (mp.tanh, mp.cosh))


def _sign(d):
    return np.where(d > 0, mpf(1), np.where(d < 0, mpf(-1), mpf(0)))


def _where(condition, a, b=0):
    return np.where(condition, a + mpf(0), b + mpf(0))


@dataclass(frozen=True)
class RowLoss:
    """Of input (rows, classes) and target shares (rows, classes), each share times its class
    weight already: terms a row, gradient and Hessian diagonal."""

    value: Callable
    grad: Callable
    hess: Callable
    soft_targets: bool = False


LOSSES: dict[str, ElementwiseLoss | RowLoss] = {
    "mse_loss": ElementwiseLoss(
        value=lambda x, t: (x - t) ** 2,
        grad=lambda x, t: 2 * (x - t),
        hess=lambda x, t: 0 * (x - t) + 2,
        mean_by_weight=True,
    ),
    "half_squared_error": ElementwiseLoss(
        value=lambda x, t: (x - t) ** 2 / 2,
        grad=lambda x, t: x - t,
        hess=lambda x, t: 0 * (x - t) + 1,
    ),
    "l1_loss": ElementwiseLoss(
        value=lambda x, t: abs(x - t),
        grad=lambda x, t: _sign(x - t),
        hess=lambda x, t: 0 * x,
    ),
    "smooth_l1_loss": ElementwiseLoss(
        value=lambda x, t, b: _where(abs(x - t) < b, (x - t) ** 2 / (2 * b), abs(x - t) - b / 2),
        grad=lambda x, t, b: _where(abs(x - t) < b, (x - t) / b, _sign(x - t)),
        hess=lambda x, t, b: _where(abs(x - t) < b, 1 / b),
        parameters=("beta",),
    ),
    "huber_loss": ElementwiseLoss(
        value=lambda x, t, d: _where(abs(x - t) < d, (x - t) ** 2 / 2, d * (abs(x - t) - d / 2)),
        grad=lambda x, t, d: _where(abs(x - t) < d, x - t, d * _sign(x - t)),
        hess=lambda x, t, d: _where(abs(x - t) < d, 1),
        parameters=("delta",),
    ),
    "log_cosh_loss": ElementwiseLoss(
        value=lambda x, t: log(_cosh(x - t)),
        grad=lambda x, t: _tanh(x - t),
        hess=lambda x, t: 1 / _cosh(x - t) ** 2,
    ),
    "pinball_loss": ElementwiseLoss(
        value=lambda x, t, q: _where(t > x, q * (t - x), (q - 1) * (t - x)),
        grad=lambda x, t, q: _where(t > x, -q, _where(t < x, 1 - q)),
        hess=lambda x, t, q: 0 * x,
        parameters=("quantile",),
        within=(0.0, 1.0),
    ),
    "binary_cross_entropy_with_logits": ElementwiseLoss(
        value=lambda x, y, p: weighted(1 - y, _softplus(x)) + weighted(p * y, _softplus(-x)),
        grad=lambda x, y, p: (1 - y) * _sigmoid(x) - p * y * _sigmoid(-x),
        hess=lambda x, y, p: ((1 - y) + p * y) * _sigmoid(x) * _sigmoid(-x),
        parameters=("pos_weight",),
        targets="shares",
    ),
    "hinge_loss": ElementwiseLoss(
        value=lambda x, t: _where(t * x < 1, 1 - t * x),
        grad=lambda x, t: _where(t * x < 1, -t),
        hess=lambda x, t: 0 * x,
        targets="signs",
    ),
    "squared_hinge_loss": ElementwiseLoss(
        value=lambda x, t: _where(t * x < 1, (1 - t * x) ** 2),
        grad=lambda x, t: _where(t * x < 1, -2 * t * (1 - t * x)),
        hess=lambda x, t: _where(t * x < 1, 2 * t**2),
        targets="signs",
    ),
    "exponential_loss": ElementwiseLoss(
        value=lambda x, t: exp(-t * x),
        grad=lambda x, t: -t * exp(-t * x),
        hess=lambda x, t: t**2 * exp(-t * x),
        targets="signs",
    ),
    "soft_margin_loss": ElementwiseLoss(
        value=lambda x, t: _softplus(-t * x),
        grad=lambda x, t: -t * _sigmoid(-t * x),
        hess=lambda x, t: t**2 * _sigmoid(t * x) * _sigmoid(-t * x),
        targets="signs",
    ),
    "hinge_embedding_loss": ElementwiseLoss(
        value=lambda x, t, m: _where(t == 1, x, _where(x < m, m - x)),
        grad=lambda x, t, m: _where(t == 1, 1, _where(x <= m, -1)),
        hess=lambda x, t, m: 0 * x,
        parameters=("margin",),
        targets="signs",
    ),
    "nll_loss": RowLoss(
        value=lambda x, q: -weighted(q, x).sum(axis=-1),
        grad=lambda x, q: -q,
        hess=lambda x, q: 0 * q,
    ),
    "cross_entropy": RowLoss(
        value=lambda x, q: -weighted(q, log_softmax(x)).sum(axis=-1),
        grad=lambda x, q: softmax(x) * q.sum(axis=-1, keepdims=True) - q,
        hess=lambda x, q: q.sum(axis=-1, keepdims=True) * softmax(x) * (1 - softmax(x)),
        soft_targets=True,
    ),
}


def z_terms(x, z):
    """z lse(x)^2 a row, its gradient and Hessian diagonal."""
    lse, p = (x - log_softmax(x))[..., :1], softmax(x)
    return z * lse[..., 0] ** 2, 2 * z * lse * p, 2 * z * (p**2 + lse * p * (1 - p))


def label_shares(labels, classes, smoothing=0.0):
    """One-hot rows, (1 - smoothing) at the label and smoothing / classes everywhere."""
    shares = exact(np.eye(classes)[np.asarray(labels, np.intp)])
    return spread(shares, smoothing)


def spread(shares, smoothing):
    s, classes = mpf(float(smoothing)), shares.shape[-1]
    return shares * (1 - s) + s / classes
