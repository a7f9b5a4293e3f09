"""The ops as one writes them with NumPy (`xp` is numpy or jax.numpy), and references.

A formula takes the operands of `cases.Data.operands`, then the op's `parameters`. The
reference of an op is its formula in extended precision, or where that still cancels, one
of the stable forms below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Formula = Callable[..., Any]
Key = tuple[str, str]  # op, variant


def _sigmoid(xp: Any, x: Any) -> Any:
    return 1 / (1 + xp.exp(-x))


def _silu_backward(xp: Any, dy: Any, x: Any) -> Any:
    s = _sigmoid(xp, x)
    return dy * s * (1 + x * (1 - s))


def _gelu_tanh_parts(xp: Any, x: Any) -> tuple[Any, Any]:
    """tanh's argument and its derivative."""
    c = 0.7978845608028654
    return c * (x + 0.044715 * x * x * x), c * (1 + 0.134145 * x * x)


def _gelu_tanh(xp: Any, x: Any) -> Any:
    return 0.5 * x * (1 + xp.tanh(_gelu_tanh_parts(xp, x)[0]))


def _gelu_tanh_backward(xp: Any, dy: Any, x: Any) -> Any:
    u, du = _gelu_tanh_parts(xp, x)
    t = xp.tanh(u)
    return dy * 0.5 * (1 + t + x * (1 - t * t) * du)


def _sigmoid_backward(xp: Any, dy: Any, x: Any) -> Any:
    s = _sigmoid(xp, x)
    return dy * s * (1 - s)


def _tanh_backward(xp: Any, dy: Any, x: Any) -> Any:
    t = xp.tanh(x)
    return dy * (1 - t * t)


def _softmax(xp: Any, x: Any) -> Any:
    e = xp.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _log_softmax(xp: Any, x: Any) -> Any:
    d = x - x.max(-1, keepdims=True)
    return d - xp.log(xp.exp(d).sum(-1, keepdims=True))


def _logsumexp(xp: Any, x: Any) -> Any:
    m = x.max(-1, keepdims=True)
    return m[..., 0] + xp.log(xp.exp(x - m).sum(-1))


def _softmax_from_output(xp: Any, dy: Any, y: Any) -> Any:
    return y * (dy - (dy * y).sum(-1, keepdims=True))


def _log_softmax_from_output(xp: Any, dy: Any, y: Any) -> Any:
    return dy - xp.exp(y) * dy.sum(-1, keepdims=True)


def _mse_value(xp: Any, x: Any, t: Any) -> Any:
    d = x - t
    return (d * d).mean()


def _mse(xp: Any, x: Any, t: Any) -> Any:
    d = x - t
    return (d * d).mean(), d * (2.0 / x.size)


def _bce_value(xp: Any, x: Any, t: Any) -> Any:
    return (xp.maximum(x, 0) - x * t + xp.log1p(xp.exp(-abs(x)))).mean()


def _bce(xp: Any, x: Any, t: Any) -> Any:
    return _bce_value(xp, x, t), (_sigmoid(xp, x) - t) / x.size


def _picked(x: Any, t: Any) -> Any:
    return x[np.arange(len(t)), t]


def _nll_value(xp: Any, x: Any, t: Any) -> Any:
    return -_picked(x, t).mean()


def _nll(xp: Any, x: Any, t: Any) -> Any:
    g = xp.zeros_like(x)
    g[np.arange(len(t)), t] = -1.0 / len(t)
    return _nll_value(xp, x, t), g


def _cross_entropy_value(xp: Any, x: Any, t: Any) -> Any:
    return (_logsumexp(xp, x) - _picked(x, t)).mean()


def _cross_entropy(xp: Any, x: Any, t: Any) -> Any:
    m = x.max(-1, keepdims=True)
    g = xp.exp(x - m)
    s = g.sum(-1, keepdims=True)
    g /= s
    g[np.arange(len(t)), t] -= 1
    g /= len(t)
    return ((m + xp.log(s))[:, 0] - _picked(x, t)).mean(), g


PARAMETERS = {"leaky_relu": (0.01,)}  # what an op is called with besides arrays: its defaults


def parameters(op: str, dtype: np.dtype) -> tuple[Any, ...]:
    """The op's parameters as libraries compute with them, rounded to the arrays' dtype."""
    return tuple(dtype.type(value) for value in PARAMETERS.get(op, ()))


FORMULAS: dict[Key, Formula] = {
    ("relu", "value"): lambda xp, x: xp.maximum(x, 0),
    ("relu", "backward"): lambda xp, dy, x: dy * (x > 0),
    ("relu", "backward_from_output"): lambda xp, dy, y: dy * (y > 0),
    ("leaky_relu", "value"): lambda xp, x, slope: xp.where(x >= 0, x, slope * x),
    ("leaky_relu", "backward"): lambda xp, dy, x, slope: xp.where(x > 0, dy, slope * dy),
    ("sigmoid", "value"): _sigmoid,
    ("sigmoid", "backward"): _sigmoid_backward,
    ("sigmoid", "backward_from_output"): lambda xp, dy, y: dy * y * (1 - y),
    ("tanh", "value"): lambda xp, x: xp.tanh(x),
    ("tanh", "backward"): _tanh_backward,
    ("tanh", "backward_from_output"): lambda xp, dy, y: dy * (1 - y * y),
    ("gelu_tanh", "value"): _gelu_tanh,
    ("gelu_tanh", "backward"): _gelu_tanh_backward,
    ("silu", "value"): lambda xp, x: x / (1 + xp.exp(-x)),
    ("silu", "backward"): _silu_backward,
    ("softsign", "value"): lambda xp, x: x / (1 + abs(x)),
    ("softsign", "backward"): lambda xp, dy, x: dy / (1 + abs(x)) ** 2,
    ("softplus", "value"): lambda xp, x: xp.logaddexp(x.dtype.type(0), x),
    ("softplus", "backward"): lambda xp, dy, x: dy / (1 + xp.exp(-x)),
    ("softplus", "backward_from_output"): lambda xp, dy, y: dy * -xp.expm1(-y),
    ("softmax", "value"): _softmax,
    ("softmax", "backward"): lambda xp, dy, x: _softmax_from_output(xp, dy, _softmax(xp, x)),
    ("softmax", "backward_from_output"): _softmax_from_output,
    ("log_softmax", "value"): _log_softmax,
    ("log_softmax", "backward"): lambda xp, dy, x: dy - _softmax(xp, x) * dy.sum(-1, keepdims=True),
    ("log_softmax", "backward_from_output"): _log_softmax_from_output,
    ("logsumexp", "value"): _logsumexp,
    ("logsumexp", "backward"): lambda xp, dy, x: dy[..., None] * _softmax(xp, x),
    ("mse_loss", "value"): _mse_value,
    ("mse_loss", "value_and_grad"): _mse,
    ("binary_cross_entropy_with_logits", "value"): _bce_value,
    ("binary_cross_entropy_with_logits", "value_and_grad"): _bce,
    ("nll_loss", "value"): _nll_value,
    ("nll_loss", "value_and_grad"): _nll,
    ("cross_entropy", "value"): _cross_entropy_value,
    ("cross_entropy", "value_and_grad"): _cross_entropy,
}


# ---- references where the formula cancels: x is a longdouble array ----------------

_L = np.longdouble
_PI = 4 * np.arctan(_L(1))


def _erfc(z: np.ndarray) -> np.ndarray:
    """erfc(z): below 2 by the series of positive terms, above by the continued fraction."""
    a = np.abs(z)
    small = np.minimum(a, 2)
    term = total = 2 * small / np.sqrt(_PI) * np.exp(-small * small)
    for k in range(1, 80):
        term = term * (2 * small * small) / (2 * k + 1)
        total = total + term
    large = np.maximum(a, 2)
    tail = large
    for k in range(160, 0, -1):
        tail = large + _L(k) / 2 / tail
    upper = np.where(a < 2, 1 - total, np.exp(-large * large) / (np.sqrt(_PI) * tail))
    return np.where(z < 0, 2 - upper, upper)


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    return _erfc(-x / np.sqrt(_L(2))) / 2


def _normal_pdf(x: np.ndarray) -> np.ndarray:
    return np.exp(-x * x / 2) / np.sqrt(2 * _PI)


def _exact_gelu_tanh(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and derivative, by (1 + tanh u) / 2 = sigmoid(2u)."""
    c = np.sqrt(2 / _PI)
    cubic = _L("0.044715")
    u, du = c * (x + cubic * x**3), c * (1 + 3 * cubic * x * x)
    s = _sigmoid(np, 2 * u)
    return x * s, s + 2 * x * s * _sigmoid(np, -2 * u) * du


def _exact_silu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    s, r = _sigmoid(np, x), _sigmoid(np, -x)
    return dy * s * (1 + x * r)


STABLE: dict[Key, Callable[..., Any]] = {
    ("sigmoid", "backward"): lambda dy, x: dy * _sigmoid(np, x) * _sigmoid(np, -x),
    ("tanh", "backward"): lambda dy, x: dy * 4 * _sigmoid(np, 2 * x) * _sigmoid(np, -2 * x),
    ("tanh", "backward_from_output"): lambda dy, y: dy * (1 - y) * (1 + y),
    ("gelu", "value"): lambda x: x * _normal_cdf(x),
    ("gelu", "backward"): lambda dy, x: dy * (_normal_cdf(x) + x * _normal_pdf(x)),
    ("gelu_tanh", "value"): lambda x: _exact_gelu_tanh(x)[0],
    ("gelu_tanh", "backward"): lambda dy, x: dy * _exact_gelu_tanh(x)[1],
    ("silu", "backward"): _exact_silu_backward,
}


def reference(op: str, variant: str, dtype: np.dtype) -> Callable[..., Any] | None:
    """The op on longdouble operands, or None if no formula of it is known."""
    if (op, variant) in STABLE:
        return STABLE[op, variant]
    formula = FORMULAS.get((op, variant))
    if formula is None:
        return None
    exact = [_L(value) for value in parameters(op, dtype)]
    return lambda *operands: formula(np, *operands, *exact)
