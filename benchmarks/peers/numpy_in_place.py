"""NumPy's steps with every one in place: functions of (operands, parameters, out).

They are for ops that need no second array. Step by step they are what one writes for speed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import halves


def _one_plus_exp_minus(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.negative(x, out)
    np.exp(out, out)
    return np.add(out, 1, out)


def _sigmoid(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.divide(1, _one_plus_exp_minus(x, out), out)


def _silu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.divide(x, _one_plus_exp_minus(x, out), out)


def _softplus_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.divide(dy, _one_plus_exp_minus(x, out), out)


def _relu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0, out)


def _leaky_relu(x: np.ndarray, slope: Any, out: np.ndarray) -> np.ndarray:
    return np.maximum(x, np.multiply(x, slope, out), out)


def _softplus(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x, out)


def _gelu_tanh(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.multiply(x, x, out)
    np.multiply(out, 0.044715, out)
    np.add(out, 1, out)
    np.multiply(out, x, out)
    np.multiply(out, 0.7978845608028654, out)
    np.tanh(out, out)
    np.add(out, 1, out)
    np.multiply(out, x, out)
    return np.multiply(out, 0.5, out)


def _softsign(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.add(np.abs(x, out), 1, out)
    return np.divide(x, out, out)


def _sigmoid_from_output(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.subtract(1, y, out)
    np.multiply(out, y, out)
    return np.multiply(out, dy, out)


def _tanh_from_output(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.multiply(y, y, out)
    np.subtract(1, out, out)
    return np.multiply(out, dy, out)


def _softmax(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.subtract(x, x.max(-1, keepdims=True), out)
    np.exp(out, out)
    return np.divide(out, out.sum(-1, keepdims=True), out)


def _softmax_from_output(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.multiply(dy, y, out)
    np.subtract(dy, out.sum(-1, keepdims=True), out)
    return np.multiply(out, y, out)


def _relu6(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 6, out)


def _relu_squared(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.square(np.maximum(x, 0, out), out)


def _relu_squared_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.multiply(np.maximum(x, 0, out), dy, out)
    return np.add(out, out, out)


def _above(dy: np.ndarray, x: np.ndarray, threshold: Any, value: Any, out: np.ndarray) -> np.ndarray:
    return np.multiply(np.greater(x, threshold, out), dy, out)


def _hardsigmoid(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.clip(np.add(x, 3, out), 0, 6, out)
    return np.multiply(out, 1 / 6, out)


def _hardswish(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.multiply(_hardsigmoid(x, out), x, out)


def _shrink_backward(dy: np.ndarray, x: np.ndarray, lambd: Any, out: np.ndarray) -> np.ndarray:
    return np.multiply(np.greater(np.abs(x, out), lambd, out), dy, out)


def _hardshrink(x: np.ndarray, lambd: Any, out: np.ndarray) -> np.ndarray:
    return _shrink_backward(x, x, lambd, out)


def _softshrink(x: np.ndarray, lambd: Any, out: np.ndarray) -> np.ndarray:
    return np.subtract(x, np.clip(x, -lambd, lambd, out), out)


def _elu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.expm1(np.minimum(x, 0, out), out)
    return np.maximum(x, out, out)  # which lies above x where x < 0


def _elu_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.exp(np.minimum(x, 0, out), out)
    return np.multiply(out, dy, out)


def _elu_from_output(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.add(np.minimum(y, 0, out), 1, out)
    return np.multiply(out, dy, out)


def _tanhshrink(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.subtract(x, np.tanh(x, out), out)


def _tanhshrink_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.square(np.tanh(x, out), out)
    return np.multiply(out, dy, out)


def _logsigmoid(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.negative(x, out)
    np.logaddexp(0, out, out)
    return np.negative(out, out)


def _logsigmoid_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.add(np.exp(x, out), 1, out)
    return np.divide(dy, out, out)


def _squareplus(x: np.ndarray, b: Any, out: np.ndarray) -> np.ndarray:
    np.sqrt(np.add(np.multiply(x, x, out), b, out), out)
    np.add(out, x, out)
    return np.multiply(out, 0.5, out)


def _squareplus_backward(dy: np.ndarray, x: np.ndarray, b: Any, out: np.ndarray) -> np.ndarray:
    np.sqrt(np.add(np.multiply(x, x, out), b, out), out)
    np.add(np.divide(x, out, out), 1, out)
    np.multiply(out, dy, out)
    return np.multiply(out, 0.5, out)


def _swish(x: np.ndarray, beta: Any, out: np.ndarray) -> np.ndarray:
    np.exp(np.multiply(x, -beta, out), out)
    return np.divide(x, np.add(out, 1, out), out)


def _mish(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.tanh(np.log1p(np.exp(x, out), out), out)
    return np.multiply(out, x, out)


def _gated(gate: Callable[..., Any]) -> Callable[..., Any]:
    def unit(x: np.ndarray, out: np.ndarray) -> np.ndarray:
        a, b = halves(x)
        return np.multiply(gate(b, out), a, out)

    return unit


def _glu_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    (a, b), (by_a, by_b) = halves(x), halves(out)
    s = _sigmoid(b, by_a)
    np.multiply(np.subtract(1, s, by_b), s, by_b)
    np.multiply(np.multiply(by_b, a, by_b), dy, by_b)
    np.multiply(s, dy, by_a)
    return out


def _swiglu_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    (a, b), (by_a, by_b) = halves(x), halves(out)
    s = _sigmoid(b, by_a)
    np.multiply(np.subtract(1, s, by_b), b, by_b)
    np.multiply(np.add(by_b, 1, by_b), s, by_b)
    np.multiply(np.multiply(by_b, a, by_b), dy, by_b)
    np.multiply(np.multiply(s, b, by_a), dy, by_a)
    return out


def _reglu_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    (a, b), (by_a, by_b) = halves(x), halves(out)
    np.multiply(np.maximum(b, 0, by_a), dy, by_a)
    np.multiply(np.greater(b, 0, by_b), a, by_b)
    np.multiply(by_b, dy, by_b)
    return out


def _zeros(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    out.fill(0)
    return out


def _hardmax(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    out.fill(0)
    np.put_along_axis(out, x.argmax(-1, keepdims=True), 1, -1)
    return out


def _softmin(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.exp(np.subtract(x.min(-1, keepdims=True), x, out), out)
    return np.divide(out, out.sum(-1, keepdims=True), out)


def _softmin_from_output(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.multiply(dy, y, out)
    np.subtract(out.sum(-1, keepdims=True), dy, out)
    return np.multiply(out, y, out)


IN_PLACE: dict[tuple[str, str], Callable[..., Any]] = {
    ("step", "value"): lambda x, out: np.greater(x, 0, out),
    ("step", "backward"): _zeros,
    ("identity", "value"): np.multiply,
    ("identity", "backward"): lambda dy, x, k, out: np.multiply(dy, k, out),
    ("relu", "value"): _relu,
    ("relu6", "value"): _relu6,
    ("leaky_relu", "value"): _leaky_relu,
    ("prelu", "value"): _leaky_relu,
    ("threshold", "backward"): _above,
    ("relu_squared", "value"): _relu_squared,
    ("relu_squared", "backward"): _relu_squared_backward,
    ("hardtanh", "value"): np.clip,
    ("hardsigmoid", "value"): _hardsigmoid,
    ("hardswish", "value"): _hardswish,
    ("hardshrink", "value"): _hardshrink,
    ("hardshrink", "backward"): _shrink_backward,
    ("softshrink", "value"): _softshrink,
    ("softshrink", "backward"): _shrink_backward,
    ("elu", "value"): _elu,
    ("elu", "backward"): _elu_backward,
    ("elu", "backward_from_output"): _elu_from_output,
    ("celu", "value"): _elu,
    ("celu", "backward"): _elu_backward,
    ("celu", "backward_from_output"): _elu_from_output,
    ("sigmoid", "value"): _sigmoid,
    ("sigmoid", "backward_from_output"): _sigmoid_from_output,
    ("tanh", "value"): np.tanh,
    ("tanh", "backward_from_output"): _tanh_from_output,
    ("tanhshrink", "value"): _tanhshrink,
    ("tanhshrink", "backward"): _tanhshrink_backward,
    ("softsign", "value"): _softsign,
    ("softplus", "value"): _softplus,
    ("softplus", "backward"): _softplus_backward,
    ("logsigmoid", "value"): _logsigmoid,
    ("logsigmoid", "backward"): _logsigmoid_backward,
    ("squareplus", "value"): _squareplus,
    ("squareplus", "backward"): _squareplus_backward,
    ("silu", "value"): _silu,
    ("swish", "value"): _swish,
    ("quick_gelu", "value"): _swish,
    ("gelu_tanh", "value"): _gelu_tanh,
    ("mish", "value"): _mish,
    ("glu", "value"): _gated(_sigmoid),
    ("glu", "backward"): _glu_backward,
    ("swiglu", "value"): _gated(_silu),
    ("swiglu", "backward"): _swiglu_backward,
    ("reglu", "value"): _gated(_relu),
    ("reglu", "backward"): _reglu_backward,
    ("softmax", "value"): _softmax,
    ("softmax", "backward_from_output"): _softmax_from_output,
    ("softmin", "value"): _softmin,
    ("softmin", "backward_from_output"): _softmin_from_output,
    ("hardmax", "value"): _hardmax,
    ("hardmax", "backward"): _zeros,
}
