"""PyTorch's activations. Public functions where there are, since the bare operators cost more
a call; what it lacks is composed as its users do."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import halves
from benchmarks.peers.torch_calls import Pair, Table, after, either, kernel, steps, value
from benchmarks.timing import Call

_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805  # of selu


def calls(torch: Any) -> Table:
    table = {(op, "value"): pair for op, pair in _values(torch).items()}
    table |= {(op, "backward"): pair for op, pair in _gradients(torch).items()}
    table |= {(op, "backward_from_output"): pair for op, pair in _from_outputs(torch.ops.aten).items()}
    return table | _composed(torch) | _gated(torch)


def _values(torch: Any) -> dict[str, Pair]:
    nn, aten = torch._C._nn, torch.ops.aten
    weights = _weights(torch)
    return {
        "identity": value(torch.mul, 1.0),
        "relu": (lambda x: Call(torch.relu, x), lambda o, x: Call(torch.clamp, x, min=0, out=o)),
        "relu6": value(nn.hardtanh, 0.0, 6.0),
        "leaky_relu": value(nn.leaky_relu, 0.01),
        "prelu": either(lambda x: Call(torch.prelu, x, weights[x.dtype])),
        "threshold": value(torch.threshold, 0.5, -2.0, into=aten.threshold.out),
        "hardtanh": value(nn.hardtanh, -1.0, 1.0),
        "hardsigmoid": value(nn.hardsigmoid),
        "hardswish": value(nn.hardswish),
        "hardshrink": value(torch.hardshrink, 0.5, into=aten.hardshrink.out),
        "softshrink": value(nn.softshrink, 0.5),
        "elu": value(nn.elu),
        "selu": (
            lambda x: Call(torch.selu, x),
            lambda o, x: Call(nn.elu, x, _ALPHA, _SCALE, out=o),
        ),
        "celu": value(torch.celu, into=nn.elu),  # one with alpha = 1
        "sigmoid": value(torch.sigmoid),
        "tanh": value(torch.tanh),
        # PyTorch composes softsign, and has neither out= nor a backward kernel of it.
        "softsign": either(lambda x: Call(torch.nn.functional.softsign, x)),
        "softplus": value(nn.softplus),
        "logsigmoid": value(nn.log_sigmoid),
        "silu": value(nn.silu),
        "swish": value(nn.silu),  # with beta = 1
        "gelu": value(nn.gelu),
        "gelu_tanh": value(nn.gelu, approximate="tanh"),
        "mish": value(nn.mish),
        "glu": value(nn.glu, -1),
    }


def _weights(torch: Any) -> dict[Any, Any]:
    """prelu's, by dtype."""
    return {dtype: torch.full((1,), 0.25, dtype=dtype) for dtype in (torch.float32, torch.float64)}


def _gradients(torch: Any) -> dict[str, Pair]:
    aten = torch.ops.aten

    def prelu_backward(dy: Any, x: Any, weight: Any) -> Any:
        by_x, by_weight = aten._prelu_kernel_backward(dy, x, weight)
        return by_x, by_weight.sum()

    def log_sigmoid_backward(dy: Any, x: Any) -> tuple[Any, Any, Any]:
        return dy, x, aten.log_sigmoid_forward(x)[1]  # which the forward pass leaves: not timed

    weights = _weights(torch)
    return {
        "identity": (
            lambda dy, x: Call(torch.mul, dy, 1.0),
            lambda o, dy, x: Call(torch.mul, dy, 1.0, out=o),
        ),
        "relu": kernel(aten.threshold_backward, 0),
        "relu6": kernel(aten.hardtanh_backward, 0, 6),
        "leaky_relu": kernel(aten.leaky_relu_backward, 0.01, False),
        "prelu": either(lambda dy, x: Call(prelu_backward, dy, x, weights[x.dtype])),
        "threshold": kernel(aten.threshold_backward, 0.5),
        "hardtanh": kernel(aten.hardtanh_backward, -1, 1),
        "hardsigmoid": kernel(aten.hardsigmoid_backward),
        "hardswish": (
            lambda dy, x: Call(aten.hardswish_backward, dy, x),
            lambda o, dy, x: Call(aten.hardswish_backward.out, dy, x, out=o),
        ),
        "hardshrink": kernel(aten.hardshrink_backward, 0.5),
        "softshrink": kernel(aten.softshrink_backward, 0.5),
        "elu": _elu_backward(aten, 1, 1, False),
        "selu": _elu_backward(aten, _ALPHA, _SCALE, False),
        "celu": _elu_backward(aten, 1, 1, False),
        "sigmoid": after(torch.sigmoid, aten.sigmoid_backward),
        "tanh": after(torch.tanh, aten.tanh_backward),
        "softplus": kernel(aten.softplus_backward, 1, 20),
        "logsigmoid": (
            lambda dy, x: Call(aten.log_sigmoid_backward, *log_sigmoid_backward(dy, x)),
            lambda o, dy, x: Call(
                aten.log_sigmoid_backward.grad_input, *log_sigmoid_backward(dy, x), grad_input=o
            ),
        ),
        "silu": kernel(aten.silu_backward),
        "gelu": kernel(aten.gelu_backward),
        "gelu_tanh": kernel(aten.gelu_backward, approximate="tanh"),
        "mish": either(lambda dy, x: Call(aten.mish_backward, dy, x)),
        "glu": kernel(aten.glu_backward, -1),
    }


def _from_outputs(aten: Any) -> dict[str, Pair]:
    return {
        "relu": kernel(aten.threshold_backward, 0),
        "relu6": kernel(aten.hardtanh_backward, 0, 6),
        "hardtanh": kernel(aten.hardtanh_backward, -1, 1),
        "elu": _elu_backward(aten, 1, 1, True),
        "selu": _elu_backward(aten, _ALPHA, _SCALE, True),
        "celu": _elu_backward(aten, 1, 1, True),
        "sigmoid": kernel(aten.sigmoid_backward),
        "tanh": kernel(aten.tanh_backward),
    }


def _elu_backward(aten: Any, alpha: float, scale: float, is_result: bool) -> Pair:
    """The kernel takes its input, or result, last."""
    operator, extra = aten.elu_backward, (alpha, scale, 1, is_result)
    return (
        lambda dy, x: Call(operator, dy, *extra, x),
        lambda o, dy, x: Call(operator.grad_input, dy, *extra, x, grad_input=o),
    )


def _composed(torch: Any) -> Table:
    aten = torch.ops.aten

    def swish_backward(o: Any, dy: Any, x: Any) -> Any:
        s = torch.sigmoid(x, out=o)
        slope = aten.sigmoid_backward(dy, s).mul_(x)
        by_beta = torch.dot(slope, x)
        return torch.addcmul(slope, dy, s, out=o), by_beta

    def relu(o: Any, x: Any) -> Any:
        return torch.clamp(x, min=0, out=o)

    def root(o: Any, x: Any) -> Any:
        return torch.mul(x, x, out=o).add_(4)

    def scaled(o: Any, x: Any) -> Any:
        return torch.mul(x, 1.702, out=o)

    def hardsigmoid_from_output(o: Any, dy: Any, y: Any) -> Any:
        return aten.hardtanh_backward.grad_input(dy, y, 0, 1, grad_input=o).mul_(1 / 6)

    table = {
        ("step", "value"): lambda o, x: torch.gt(x, 0, out=o),
        ("step", "backward"): lambda o, dy, x: o.zero_(),
        ("relu_squared", "value"): lambda o, x: relu(o, x).square_(),
        ("relu_squared", "backward"): lambda o, dy, x: relu(o, x).mul_(dy).mul_(2),
        ("hardsigmoid", "backward_from_output"): hardsigmoid_from_output,
        ("tanhshrink", "value"): lambda o, x: torch.sub(x, torch.tanh(x, out=o), out=o),
        ("tanhshrink", "backward"): lambda o, dy, x: torch.tanh(x, out=o).square_().mul_(dy),
        ("squareplus", "value"): lambda o, x: root(o, x).sqrt_().add_(x).mul_(0.5),
        ("squareplus", "backward"): lambda o, dy, x: root(o, x).rsqrt_().mul_(x).add_(1).mul_(dy).mul_(0.5),
        ("swish", "backward"): swish_backward,
        ("quick_gelu", "value"): lambda o, x: scaled(o, x).sigmoid_().mul_(x),
        ("quick_gelu", "backward"): lambda o, dy, x: aten.silu_backward.grad_input(
            dy, scaled(o, x), grad_input=o
        ),
    }
    return {key: steps(into, torch.empty_like) for key, into in table.items()}


def _gated(torch: Any) -> Table:
    """a act(b); glu is one function of its own."""
    nn, aten = torch._C._nn, torch.ops.aten

    def relu(b: Any, out: Any) -> Any:
        return torch.clamp(b, min=0, out=out)

    def unit(act: Any) -> Pair:
        def into(o: Any, x: Any) -> Any:
            a, b = halves(x)
            return act(b, out=o).mul_(a)

        return steps(into, lambda x: torch.empty_like(halves(x)[0]))

    def backward(act: Any, operator: Any, *extra: Any) -> Pair:
        def into(o: Any, dy: Any, x: Any) -> Any:
            (a, b), (by_a, by_b) = halves(x), halves(o)
            act(b, out=by_a).mul_(dy)
            torch.mul(dy, a, out=by_b)
            operator.grad_input(by_b, b, *extra, grad_input=by_b)
            return o

        return steps(into, torch.empty_like)

    return {
        ("swiglu", "value"): unit(nn.silu),
        ("swiglu", "backward"): backward(nn.silu, aten.silu_backward),
        ("geglu", "value"): unit(nn.gelu),
        ("geglu", "backward"): backward(nn.gelu, aten.gelu_backward),
        ("reglu", "value"): unit(relu),
        ("reglu", "backward"): backward(relu, aten.threshold_backward, 0),
    }
