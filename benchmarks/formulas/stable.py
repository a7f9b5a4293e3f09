"""References where the formula cancels: functions of longdouble operands and parameters."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from benchmarks.cases import GATES
from benchmarks.formulas.activations import FORMULAS, Key, gated, gated_backward, sigmoid

SELU = ("1.0507009873554804934193349852946", "1.6732632423543772848170429916717")  # scale, alpha

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
    s = sigmoid(np, 2 * u)
    return x * s, s + 2 * x * s * sigmoid(np, -2 * u) * du


def _swish_parts(x: np.ndarray, beta: Any) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives by x and by beta."""
    s, r = sigmoid(np, beta * x), sigmoid(np, -beta * x)
    return s * (1 + beta * x * r), x * x * s * r


def _tanhshrink(x: np.ndarray) -> np.ndarray:
    """Near 0 (x cosh x - sinh x) / cosh x by the numerator's series, whose terms have one sign."""
    small = np.clip(x, -1, 1)
    power, total = small, np.zeros_like(x)
    for k in range(1, 16):
        power = power * small * small / (2 * k * (2 * k + 1))
        total = total + 2 * k * power
    return np.where(np.abs(x) < 1, total / np.cosh(small), x - np.tanh(x))


def _squareplus(x: np.ndarray, b: Any) -> np.ndarray:
    root = np.sqrt(x * x + b)
    return np.where(x < 0, b / (root + np.abs(x)), root + x) / 2


def _squareplus_backward(dy: np.ndarray, x: np.ndarray, b: Any) -> np.ndarray:
    return dy * _squareplus(x, b) / np.sqrt(x * x + b)


def _selu_from_output(dy: np.ndarray, y: np.ndarray, scale: Any, alpha: Any) -> np.ndarray:
    """y nearly cancels scale alpha, which longdouble does not hold well enough: in two parts."""
    product = Fraction(SELU[0]) * Fraction(SELU[1])
    high = float(product)
    low = float(product - Fraction(high))
    return dy * np.where(y > 0, scale, y + high + low)


STABLE: dict[Key, Callable[..., Any]] = {
    ("sigmoid", "backward"): lambda dy, x: dy * sigmoid(np, x) * sigmoid(np, -x),
    ("tanh", "backward"): lambda dy, x: dy * 4 * sigmoid(np, 2 * x) * sigmoid(np, -2 * x),
    ("tanh", "backward_from_output"): lambda dy, y: dy * (1 - y) * (1 + y),
    ("tanhshrink", "value"): _tanhshrink,
    ("selu", "backward_from_output"): _selu_from_output,
    ("squareplus", "value"): _squareplus,
    ("squareplus", "backward"): _squareplus_backward,
    ("gelu", "value"): lambda x: x * _normal_cdf(x),
    ("gelu", "backward"): lambda dy, x: dy * (_normal_cdf(x) + x * _normal_pdf(x)),
    ("gelu_tanh", "value"): lambda x: _exact_gelu_tanh(x)[0],
    ("gelu_tanh", "backward"): lambda dy, x: dy * _exact_gelu_tanh(x)[1],
    ("silu", "backward"): lambda dy, x: dy * _swish_parts(x, 1)[0],
    ("quick_gelu", "backward"): lambda dy, x, k: dy * _swish_parts(x, k)[0],
    ("swish", "backward"): lambda dy, x, beta: (
        dy * _swish_parts(x, beta)[0],
        (dy * _swish_parts(x, beta)[1]).sum(),
    ),
}


def _exact(op: str, variant: str) -> Callable[..., Any]:
    return STABLE.get((op, variant)) or partial(FORMULAS[op, variant], np)


STABLE |= {(op, "value"): gated(_exact(act, "value")) for op, act in GATES.items()}
STABLE |= {
    (op, "backward"): gated_backward(np, _exact(act, "value"), _exact(act, "backward"))
    for op, act in GATES.items()
}
