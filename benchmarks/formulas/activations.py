"""Activations as one writes them: formulas of (xp, operands, parameters)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.cases import GATES, halves

Formula = Callable[..., Any]
Key = tuple[str, str]  # op, variant


def sigmoid(xp: Any, x: Any) -> Any:
    return 1 / (1 + xp.exp(-x))


def _sigmoid_backward(xp: Any, dy: Any, x: Any) -> Any:
    s = sigmoid(xp, x)
    return dy * s * (1 - s)


def _tanh_backward(xp: Any, dy: Any, x: Any) -> Any:
    t = xp.tanh(x)
    return dy * (1 - t * t)


def _tanhshrink_backward(xp: Any, dy: Any, x: Any) -> Any:
    t = xp.tanh(x)
    return dy * t * t


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


def _silu_backward(xp: Any, dy: Any, x: Any) -> Any:
    s = sigmoid(xp, x)
    return dy * s * (1 + x * (1 - s))


def _swish(xp: Any, x: Any, beta: Any) -> Any:
    return x / (1 + xp.exp(-beta * x))


def _quick_gelu_backward(xp: Any, dy: Any, x: Any, k: Any) -> Any:
    return _silu_backward(xp, dy, k * x)


def _swish_backward(xp: Any, dy: Any, x: Any, beta: Any) -> Any:
    u = beta * x
    s = sigmoid(xp, u)
    ds = s * (1 - s)
    return dy * (s + u * ds), (dy * x * x * ds).sum()


def _mish(xp: Any, x: Any) -> Any:
    return x * xp.tanh(xp.log1p(xp.exp(x)))


def _mish_backward(xp: Any, dy: Any, x: Any) -> Any:
    e = xp.exp(x)
    t = xp.tanh(xp.log1p(e))
    return dy * (t + x * (1 - t * t) * e / (1 + e))


def _prelu_backward(xp: Any, dy: Any, x: Any, w: Any) -> Any:
    return xp.where(x > 0, dy, w * dy), (dy * xp.minimum(x, 0)).sum()


def _softshrink(xp: Any, x: Any, lambd: Any) -> Any:
    return xp.sign(x) * xp.maximum(abs(x) - lambd, 0)


def _shrink_backward(xp: Any, dy: Any, x: Any, lambd: Any) -> Any:
    return dy * (abs(x) > lambd)


def _inside(xp: Any, dy: Any, x: Any, low: Any, high: Any) -> Any:
    return dy * ((x > low) & (x < high))


def _hardswish_backward(xp: Any, dy: Any, x: Any) -> Any:
    return dy * xp.where(x <= -3, 0, xp.where(x >= 3, 1, x / 3 + 0.5))


# elu and celu with alpha = 1, in which they are one
def _elu(xp: Any, x: Any) -> Any:
    return xp.where(x > 0, x, xp.expm1(xp.minimum(x, 0)))


def _elu_backward(xp: Any, dy: Any, x: Any) -> Any:
    return dy * xp.exp(xp.minimum(x, 0))


def _elu_from_output(xp: Any, dy: Any, y: Any) -> Any:
    return dy * (1 + xp.minimum(y, 0))


def _selu(xp: Any, x: Any, scale: Any, alpha: Any) -> Any:
    return scale * xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


def _selu_backward(xp: Any, dy: Any, x: Any, scale: Any, alpha: Any) -> Any:
    return scale * dy * xp.where(x > 0, 1, alpha * xp.exp(xp.minimum(x, 0)))


def _selu_from_output(xp: Any, dy: Any, y: Any, scale: Any, alpha: Any) -> Any:
    return dy * xp.where(y > 0, scale, y + scale * alpha)


def _squareplus(xp: Any, x: Any, b: Any) -> Any:
    return (x + xp.sqrt(x * x + b)) / 2


def _squareplus_backward(xp: Any, dy: Any, x: Any, b: Any) -> Any:
    return dy * (1 + x / xp.sqrt(x * x + b)) / 2


FORMULAS: dict[Key, Formula] = {
    ("step", "value"): lambda xp, x: (x > 0).astype(x.dtype),
    ("step", "backward"): lambda xp, dy, x: xp.zeros_like(dy),
    ("identity", "value"): lambda xp, x, k: k * x,
    ("identity", "backward"): lambda xp, dy, x, k: k * dy,
    ("relu", "value"): lambda xp, x: xp.maximum(x, 0),
    ("relu", "backward"): lambda xp, dy, x: dy * (x > 0),
    ("relu", "backward_from_output"): lambda xp, dy, y: dy * (y > 0),
    ("relu6", "value"): lambda xp, x: xp.clip(x, 0, 6),
    ("relu6", "backward"): lambda xp, dy, x: _inside(xp, dy, x, 0, 6),
    ("relu6", "backward_from_output"): lambda xp, dy, y: _inside(xp, dy, y, 0, 6),
    ("leaky_relu", "value"): lambda xp, x, slope: xp.where(x >= 0, x, slope * x),
    ("leaky_relu", "backward"): lambda xp, dy, x, slope: xp.where(x > 0, dy, slope * dy),
    ("prelu", "value"): lambda xp, x, w: xp.where(x > 0, x, w * x),
    ("prelu", "backward"): _prelu_backward,
    ("threshold", "value"): lambda xp, x, t, v: xp.where(x > t, x, v),
    ("threshold", "backward"): lambda xp, dy, x, t, v: dy * (x > t),
    ("relu_squared", "value"): lambda xp, x: xp.square(xp.maximum(x, 0)),
    ("relu_squared", "backward"): lambda xp, dy, x: 2 * dy * xp.maximum(x, 0),
    ("hardtanh", "value"): lambda xp, x, low, high: xp.clip(x, low, high),
    ("hardtanh", "backward"): _inside,
    ("hardtanh", "backward_from_output"): _inside,
    ("hardsigmoid", "value"): lambda xp, x: xp.clip(x + 3, 0, 6) / 6,
    ("hardsigmoid", "backward"): lambda xp, dy, x: _inside(xp, dy, x, -3, 3) / 6,
    ("hardsigmoid", "backward_from_output"): lambda xp, dy, y: _inside(xp, dy, y, 0, 1) / 6,
    ("hardswish", "value"): lambda xp, x: x * xp.clip(x + 3, 0, 6) / 6,
    ("hardswish", "backward"): _hardswish_backward,
    ("hardshrink", "value"): lambda xp, x, lambd: x * (abs(x) > lambd),
    ("hardshrink", "backward"): _shrink_backward,
    ("softshrink", "value"): _softshrink,
    ("softshrink", "backward"): _shrink_backward,
    ("elu", "value"): _elu,
    ("elu", "backward"): _elu_backward,
    ("elu", "backward_from_output"): _elu_from_output,
    ("selu", "value"): _selu,
    ("selu", "backward"): _selu_backward,
    ("selu", "backward_from_output"): _selu_from_output,
    ("celu", "value"): _elu,
    ("celu", "backward"): _elu_backward,
    ("celu", "backward_from_output"): _elu_from_output,
    ("sigmoid", "value"): sigmoid,
    ("sigmoid", "backward"): _sigmoid_backward,
    ("sigmoid", "backward_from_output"): lambda xp, dy, y: dy * y * (1 - y),
    ("tanh", "value"): lambda xp, x: xp.tanh(x),
    ("tanh", "backward"): _tanh_backward,
    ("tanh", "backward_from_output"): lambda xp, dy, y: dy * (1 - y * y),
    ("tanhshrink", "value"): lambda xp, x: x - xp.tanh(x),
    ("tanhshrink", "backward"): _tanhshrink_backward,
    ("softsign", "value"): lambda xp, x: x / (1 + abs(x)),
    ("softsign", "backward"): lambda xp, dy, x: dy / (1 + abs(x)) ** 2,
    ("softplus", "value"): lambda xp, x: xp.logaddexp(x.dtype.type(0), x),
    ("softplus", "backward"): lambda xp, dy, x: dy / (1 + xp.exp(-x)),
    ("softplus", "backward_from_output"): lambda xp, dy, y: dy * -xp.expm1(-y),
    ("logsigmoid", "value"): lambda xp, x: -xp.logaddexp(x.dtype.type(0), -x),
    ("logsigmoid", "backward"): lambda xp, dy, x: dy / (1 + xp.exp(x)),
    ("squareplus", "value"): _squareplus,
    ("squareplus", "backward"): _squareplus_backward,
    ("silu", "value"): lambda xp, x: x / (1 + xp.exp(-x)),
    ("silu", "backward"): _silu_backward,
    ("swish", "value"): _swish,
    ("swish", "backward"): _swish_backward,
    ("quick_gelu", "value"): _swish,
    ("quick_gelu", "backward"): _quick_gelu_backward,
    ("gelu_tanh", "value"): _gelu_tanh,
    ("gelu_tanh", "backward"): _gelu_tanh_backward,
    ("mish", "value"): _mish,
    ("mish", "backward"): _mish_backward,
}


def gated(value: Callable[..., Any]) -> Callable[..., Any]:
    """a act(b), of the activation's value."""

    def unit(x: Any) -> Any:
        a, b = halves(x)
        return a * value(b)

    return unit


def gated_backward(xp: Any, value: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Any]:
    def unit_backward(dy: Any, x: Any) -> Any:
        a, b = halves(x)
        return xp.concatenate((dy * value(b), backward(dy * a, b)), -1)

    return unit_backward


def _gated_formulas(act: str) -> dict[str, Formula]:
    value, backward = FORMULAS[act, "value"], FORMULAS[act, "backward"]
    return {
        "value": lambda xp, x: gated(partial(value, xp))(x),
        "backward": lambda xp, dy, x: gated_backward(xp, partial(value, xp), partial(backward, xp))(dy, x),
    }


FORMULAS |= {
    (op, variant): formula
    for op, act in GATES.items()
    if (act, "value") in FORMULAS  # gelu's normal distribution is no function of NumPy's
    for variant, formula in _gated_formulas(act).items()
}
