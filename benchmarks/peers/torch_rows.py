"""PyTorch's row ops, along the last axis."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.torch_calls import Pair, Table, steps
from benchmarks.timing import Call


def calls(torch: Any) -> Table:
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

    def softmin_from_output(o: Any, dy: Any, y: Any) -> Any:
        return softmax_backward.out(dy, y, -1, y.dtype, grad_input=o).neg_()

    def softmin(o: Any, x: Any) -> Any:
        return torch.softmax(torch.neg(x, out=o), -1, out=o)

    def softmin_backward(o: Any, dy: Any, x: Any) -> Any:
        return softmin_from_output(o, dy, softmin(o, x))

    def hardmax(o: Any, x: Any) -> Any:
        return o.zero_().scatter_(-1, x.argmax(-1, keepdim=True), 1)

    def sparsemax(o: Any, x: Any) -> Any:
        d = torch.sub(x, x.amax(-1, keepdim=True), out=o)
        falling = torch.sort(d, -1, descending=True).values
        total = falling.cumsum(-1) - 1
        rank = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
        support = (rank * falling > total).sum(-1, keepdim=True)
        return d.sub_(total.gather(-1, support - 1) / support).clamp_(min=0)

    def sparsemax_from_output(o: Any, dy: Any, y: Any) -> Any:
        support = y > 0
        inside = torch.mul(dy, support, out=o)
        mean = inside.sum(-1, keepdim=True) / support.sum(-1, keepdim=True)
        return inside.sub_(mean * support)

    def sparsemax_backward(o: Any, dy: Any, x: Any) -> Any:
        return sparsemax_from_output(o, dy, sparsemax(torch.empty_like(x), x))

    composed = {
        ("softmin", "value"): softmin,
        ("softmin", "backward"): softmin_backward,
        ("softmin", "backward_from_output"): softmin_from_output,
        ("hardmax", "value"): hardmax,
        ("hardmax", "backward"): lambda o, dy, x: o.zero_(),
        ("sparsemax", "value"): sparsemax,
        ("sparsemax", "backward"): sparsemax_backward,
        ("sparsemax", "backward_from_output"): sparsemax_from_output,
    }
    return {
        **{key: steps(into, torch.empty_like) for key, into in composed.items()},
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
