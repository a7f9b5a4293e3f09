"""PyTorch: functions and their backward kernels; losses by forward and autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import Case, Data
from benchmarks.peers.base import Candidate, Peer
from benchmarks.timing import Call


def _arrays(returned: Any) -> tuple[np.ndarray, ...]:
    values = returned if isinstance(returned, tuple) else (returned,)
    return tuple(value.detach().numpy() for value in values)


class Torch(Peer):
    needs = ("torch",)

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import torch

        torch.set_num_threads(threads)
        self._torch = torch
        self._functions = {**_activations(torch), **_rows(torch)}
        self._losses = {
            "mse_loss": torch.nn.functional.mse_loss,
            "binary_cross_entropy_with_logits": torch.nn.functional.binary_cross_entropy_with_logits,
            "nll_loss": torch.nn.functional.nll_loss,
            "cross_entropy": torch.nn.functional.cross_entropy,
        }

    def version(self) -> str:
        return self._torch.__version__

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        operands = [self._torch.from_numpy(a) for a in data.operands(case)]
        if case.op in self._losses:
            return self._loss(case, *operands)
        if (case.op, case.variant) not in self._functions:
            return None
        plain, with_out = self._functions[case.op, case.variant]
        out = data.result(case)
        call = plain(*operands) if out is None else with_out(self._torch.from_numpy(out), *operands)
        return Candidate(call, _arrays)

    def _loss(self, case: Case, x: Any, target: Any) -> Candidate:
        function = self._losses[case.op]
        if case.variant == "value":
            return Candidate(Call(function, x, target), _arrays)
        leaf = x.detach().requires_grad_()

        def forward_and_backward() -> Any:
            leaf.grad = None
            loss = function(leaf, target)
            loss.backward()
            return loss, leaf.grad

        return Candidate(Call(forward_and_backward), _arrays)


Pair = tuple[Callable[..., Call], Callable[..., Call]]


def _activations(torch: Any) -> dict[tuple[str, str], Pair]:
    """For each op and variant the call on its operands, and the one that writes to `o`.

    Public functions where there are, since the bare operators cost more a call."""
    nn, aten = torch._C._nn, torch.ops.aten
    backward = {
        "relu": (aten.threshold_backward, (0,)),
        "leaky_relu": (aten.leaky_relu_backward, (0.01, False)),
        "gelu": (aten.gelu_backward, ()),
        "silu": (aten.silu_backward, ()),
        "softplus": (aten.softplus_backward, (1, 20)),
    }
    table: dict[tuple[str, str], Pair] = {
        ("relu", "value"): (lambda x: Call(torch.relu, x), lambda o, x: Call(torch.clamp, x, min=0, out=o)),
        ("sigmoid", "value"): (lambda x: Call(torch.sigmoid, x), lambda o, x: Call(torch.sigmoid, x, out=o)),
        ("tanh", "value"): (lambda x: Call(torch.tanh, x), lambda o, x: Call(torch.tanh, x, out=o)),
        ("leaky_relu", "value"): (
            lambda x: Call(nn.leaky_relu, x, 0.01),
            lambda o, x: Call(nn.leaky_relu, x, 0.01, out=o),
        ),
        ("gelu", "value"): (lambda x: Call(nn.gelu, x), lambda o, x: Call(nn.gelu, x, out=o)),
        ("gelu_tanh", "value"): (
            lambda x: Call(nn.gelu, x, approximate="tanh"),
            lambda o, x: Call(nn.gelu, x, approximate="tanh", out=o),
        ),
        ("silu", "value"): (lambda x: Call(nn.silu, x), lambda o, x: Call(nn.silu, x, out=o)),
        ("softplus", "value"): (lambda x: Call(nn.softplus, x), lambda o, x: Call(nn.softplus, x, out=o)),
        # PyTorch composes softsign, and has neither out= nor a backward kernel of it.
        ("softsign", "value"): (
            lambda x: Call(torch.nn.functional.softsign, x),
            lambda o, x: Call(torch.nn.functional.softsign, x),
        ),
        ("gelu_tanh", "backward"): (
            lambda dy, x: Call(aten.gelu_backward, dy, x, approximate="tanh"),
            lambda o, dy, x: Call(aten.gelu_backward.grad_input, dy, x, approximate="tanh", grad_input=o),
        ),
        ("relu", "backward_from_output"): _pair(*backward["relu"]),
    }
    table |= {(op, "backward"): _pair(*entry) for op, entry in backward.items()}
    for op, value in (("sigmoid", torch.sigmoid), ("tanh", torch.tanh)):
        from_output = getattr(aten, f"{op}_backward")
        table[op, "backward_from_output"] = _pair(from_output, ())
        table[op, "backward"] = _after(value, from_output)
    return table


def _pair(operator: Any, extra: tuple[Any, ...]) -> Pair:
    return (
        lambda dy, x: Call(operator, dy, x, *extra),
        lambda o, dy, x: Call(operator.grad_input, dy, x, *extra, grad_input=o),
    )


def _after(value: Any, from_output: Any) -> Pair:
    """The gradient from the input, of an op whose backward kernel takes the output."""

    def with_out(dy: Any, x: Any, o: Any) -> Any:
        return from_output.grad_input(dy, value(x, out=o), grad_input=o)

    return (
        lambda dy, x: Call(lambda dy, x: from_output(dy, value(x)), dy, x),
        lambda o, dy, x: Call(with_out, dy, x, o),
    )


def _rows(torch: Any) -> dict[tuple[str, str], Pair]:
    aten = torch.ops.aten
    softmax_backward, log_softmax_backward = aten._softmax_backward_data, aten._log_softmax_backward_data

    def softmax(x: Any) -> Call:
        return Call(torch.softmax, x, -1)

    def log_softmax(x: Any) -> Call:
        return Call(torch.log_softmax, x, -1)

    def from_output(operator: Any, keyword: str) -> Pair:
        return (
            lambda dy, y: Call(operator, dy, y, -1, y.dtype),
            lambda o, dy, y: Call(operator.out, dy, y, -1, y.dtype, **{keyword: o}),
        )

    def from_input(value: Any, operator: Any, keyword: str) -> Pair:
        def with_out(dy: Any, x: Any, o: Any) -> Any:
            return operator.out(dy, value(x, -1), -1, x.dtype, **{keyword: o})

        return (
            lambda dy, x: Call(lambda dy, x: operator(dy, value(x, -1), -1, x.dtype), dy, x),
            lambda o, dy, x: Call(with_out, dy, x, o),
        )

    def logsumexp_backward(dy: Any, x: Any) -> Any:
        return torch.softmax(x, -1).mul_(dy.unsqueeze(-1))

    def logsumexp_backward_out(dy: Any, x: Any, o: Any) -> Any:
        return torch.mul(torch.softmax(x, -1, out=o), dy.unsqueeze(-1), out=o)

    return {
        ("softmax", "value"): (softmax, lambda o, x: Call(torch.softmax, x, -1, out=o)),
        ("softmax", "backward_from_output"): from_output(softmax_backward, "grad_input"),
        ("softmax", "backward"): from_input(torch.softmax, softmax_backward, "grad_input"),
        ("log_softmax", "value"): (log_softmax, lambda o, x: Call(torch.log_softmax, x, -1, out=o)),
        ("log_softmax", "backward_from_output"): from_output(log_softmax_backward, "out"),
        ("log_softmax", "backward"): from_input(torch.log_softmax, log_softmax_backward, "out"),
        ("logsumexp", "value"): (
            lambda x: Call(torch.logsumexp, x, -1),
            lambda o, x: Call(torch.logsumexp, x, -1, out=o),
        ),
        ("logsumexp", "backward"): (
            lambda dy, x: Call(logsumexp_backward, dy, x),
            lambda o, dy, x: Call(logsumexp_backward_out, dy, x, o),
        ),
    }
