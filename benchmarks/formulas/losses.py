"""Losses as one writes them: formulas of (xp, input, target)."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.formulas.activations import Formula, Key, sigmoid
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


FORMULAS: dict[Key, Formula] = {
    ("mse_loss", "value"): _mse_value,
    ("mse_loss", "value_and_grad"): _mse,
    ("binary_cross_entropy_with_logits", "value"): _bce_value,
    ("binary_cross_entropy_with_logits", "value_and_grad"): _bce,
    ("nll_loss", "value"): _nll_value,
    ("nll_loss", "value_and_grad"): _nll,
    ("cross_entropy", "value"): _cross_entropy_value,
    ("cross_entropy", "value_and_grad"): _cross_entropy,
}
