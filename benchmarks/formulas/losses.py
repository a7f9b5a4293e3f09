"""Losses as one writes them: formulas of (xp, input, target)."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.formulas.activations import Formula, Key, sigmoid
from benchmarks.formulas.likelihoods import MORE_TERMS
from benchmarks.formulas.rows import logsumexp


def _mse_value(xp: Any, x: Any, t: Any) -> Any:
    d = x - t
    return (d * d).mean()


def _mse(xp: Any, x: Any, t: Any) -> Any:
    d = x - t
    return (d * d).mean(), d * (2.0 / x.size)


def _bce_value(xp: Any, x: Any, t: Any) -> Any:
    return (xp.maximum(x, 0) - x * t + xp.log1p(xp.exp(-abs(x)))).mean()


def _bce(xp: Any, x: Any, t: Any) -> Any:
    return _bce_value(xp, x, t), (sigmoid(xp, x) - t) / x.size


def _near(xp: Any, x: Any, t: Any, tip: Any, arms: Any) -> Any:
    """tip(d) where abs(d) < 1, arms(d) elsewhere; d = x - t."""
    d = x - t
    return xp.where(abs(d) < 1, tip(d), arms(d))


def _log_cosh(xp: Any, x: Any, t: Any) -> Any:
    a = abs(x - t)
    return a + xp.log1p(xp.exp(-2 * a)) - 0.6931471805599453


# Terms and their slopes by x, and by a second input, of default parameters.
TERMS: dict[str, tuple[Formula, ...]] = {
    "half_squared_error": (lambda xp, x, t: 0.5 * (x - t) ** 2, lambda xp, x, t: x - t),
    "l1_loss": (lambda xp, x, t: abs(x - t), lambda xp, x, t: xp.sign(x - t)),
    "smooth_l1_loss": (
        lambda xp, x, t: _near(xp, x, t, lambda d: 0.5 * d * d, lambda d: abs(d) - 0.5),
        lambda xp, x, t: xp.clip(x - t, -1, 1),
    ),
    "log_cosh_loss": (_log_cosh, lambda xp, x, t: xp.tanh(x - t)),
    "pinball_loss": (
        lambda xp, x, t: xp.maximum(0.5 * (t - x), -0.5 * (t - x)),
        lambda xp, x, t: 0.5 * xp.sign(x - t),
    ),
    "hinge_loss": (
        lambda xp, x, t: xp.maximum(1 - t * x, 0),
        lambda xp, x, t: xp.where(t * x < 1, -t, 0 * t),
    ),
    "squared_hinge_loss": (
        lambda xp, x, t: xp.maximum(1 - t * x, 0) ** 2,
        lambda xp, x, t: -2 * t * xp.maximum(1 - t * x, 0),
    ),
    "exponential_loss": (lambda xp, x, t: xp.exp(-t * x), lambda xp, x, t: -t * xp.exp(-t * x)),
    "soft_margin_loss": (
        lambda xp, x, t: xp.maximum(-t * x, 0) + xp.log1p(xp.exp(-abs(x))),
        lambda xp, x, t: -t * sigmoid(xp, -t * x),
    ),
    "hinge_embedding_loss": (
        lambda xp, x, t: xp.where(t == 1, x, xp.maximum(1 - x, 0)),
        lambda xp, x, t: xp.where(t == 1, t, xp.where(x <= 1, t, 0 * t)),
    ),
}
TERMS["huber_loss"] = TERMS["smooth_l1_loss"]
TERMS |= MORE_TERMS


def _picked(x: Any, t: Any) -> Any:
    return x[np.arange(len(t)), t]


def _nll_value(xp: Any, x: Any, t: Any) -> Any:
    return -_picked(x, t).mean()


def _nll(xp: Any, x: Any, t: Any) -> Any:
    g = xp.zeros_like(x)
    g[np.arange(len(t)), t] = -1.0 / len(t)
    return _nll_value(xp, x, t), g


def _cross_entropy_value(xp: Any, x: Any, t: Any) -> Any:
    return (logsumexp(xp, x) - _picked(x, t)).mean()


def _cross_entropy(xp: Any, x: Any, t: Any) -> Any:
    m = x.max(-1, keepdims=True)
    g = xp.exp(x - m)
    s = g.sum(-1, keepdims=True)
    g /= s
    g[np.arange(len(t)), t] -= 1
    g /= len(t)
    return ((m + xp.log(s))[:, 0] - _picked(x, t)).mean(), g


def _linear(xp: Any, x: Any, w: Any, t: Any) -> Any:
    value, g = _cross_entropy(xp, x @ w.T, t)
    return value, g @ w, g.T @ x


def _mean(terms: Formula) -> Formula:
    return lambda xp, *operands: terms(xp, *operands).mean()


def _mean_and_grad(terms: Formula, *slopes: Formula) -> Formula:
    def value_and_grad(xp: Any, x: Any, *others: Any) -> Any:
        grads = (slope(xp, x, *others) * (1.0 / x.size) for slope in slopes)
        return terms(xp, x, *others).mean(), *grads

    return value_and_grad


FORMULAS: dict[Key, Formula] = {
    **{(op, "value"): _mean(terms) for op, (terms, *_) in TERMS.items()},
    **{(op, "value_and_grad"): _mean_and_grad(*formulas) for op, formulas in TERMS.items()},
    ("mse_loss", "value"): _mse_value,
    ("mse_loss", "value_and_grad"): _mse,
    ("binary_cross_entropy_with_logits", "value"): _bce_value,
    ("binary_cross_entropy_with_logits", "value_and_grad"): _bce,
    ("nll_loss", "value"): _nll_value,
    ("nll_loss", "value_and_grad"): _nll,
    ("cross_entropy", "value"): _cross_entropy_value,
    ("cross_entropy", "value_and_grad"): _cross_entropy,
    ("linear_cross_entropy", "value"): lambda xp, x, w, t: _cross_entropy_value(xp, x @ w.T, t),
    ("linear_cross_entropy", "value_and_grad"): _linear,
}
