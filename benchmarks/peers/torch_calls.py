"""How PyTorch's functions are called: for each op and variant what makes the call on its
operands, and what makes the one that writes to `o`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.timing import Call

Pair = tuple[Callable[..., Call], Callable[..., Call]]
Table = dict[tuple[str, str], Pair]


def either(call: Callable[..., Call]) -> Pair:
    """A function that has no out=."""
    return call, lambda o, *operands: call(*operands)


def value(function: Any, *extra: Any, into: Any = None, **keywords: Any) -> Pair:
    """`into` is what takes out=, where the function itself does not."""
    into = into or function
    return (
        lambda x: Call(function, x, *extra, **keywords),
        lambda o, x: Call(into, x, *extra, **keywords, out=o),
    )


def kernel(operator: Any, *extra: Any, **keywords: Any) -> Pair:
    """A backward kernel of (dy, x or y, ...)."""
    return (
        lambda dy, x: Call(operator, dy, x, *extra, **keywords),
        lambda o, dy, x: Call(operator.grad_input, dy, x, *extra, **keywords, grad_input=o),
    )


def after(function: Any, from_output: Any) -> Pair:
    """The gradient from the input, of an op whose backward kernel takes the output."""

    def with_out(dy: Any, x: Any, o: Any) -> Any:
        return from_output.grad_input(dy, function(x, out=o), grad_input=o)

    return (
        lambda dy, x: Call(lambda dy, x: from_output(dy, function(x)), dy, x),
        lambda o, dy, x: Call(with_out, dy, x, o),
    )


def steps(into: Callable[..., Any], empty: Callable[..., Any]) -> Pair:
    """What PyTorch does not have as one function: `into` takes its steps in place, in `o` or in
    a new array as empty(last operand)."""
    return (
        lambda *operands: Call(lambda *operands: into(empty(operands[-1]), *operands), *operands),
        lambda o, *operands: Call(into, o, *operands),
    )
