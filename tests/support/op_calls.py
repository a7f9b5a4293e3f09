"""Every public function of every op, with operands for it: for tests that walk all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import fastact as fa
from support import loss_calls, walk

SHAPE = (4, 6)


@dataclass
class Call:
    """A function, its operands by name, those that hold arrays first, and the rest of a call of it."""

    function: Any
    name: str
    operands: dict[str, np.ndarray]
    input: str  # the operand whose shape results have
    keywords: dict[str, Any] = field(default_factory=dict)
    is_loss: bool = False

    def __call__(self, **changed: Any) -> tuple[Any, ...]:
        """Its results, in a tuple: there are several of some losses."""
        operands = self.operands | changed
        keywords = {k: v for k, v in operands.items() if k == "where"} | self.keywords
        result = self.function(*(v for k, v in operands.items() if k != "where"), **keywords)
        return tuple(_flattened(result))


def _flattened(result: Any) -> Iterator[Any]:
    for part in result if isinstance(result, tuple) else (result,):
        if isinstance(part, tuple):
            yield from _flattened(part)
        elif part is not None:
            yield part


def calls(op: Any, shape: tuple[int, ...] = SHAPE, dtype: Any = np.float64) -> Iterator[Call]:
    """The calls of an op with inputs of this shape; losses have their own."""
    if op.kind == "loss":
        yield from _loss_calls(op, dtype)
    elif op.kind == "rows":
        yield from _row_calls(op, shape, dtype)
    elif hasattr(op, "ufunc"):
        yield from _activation_calls(op, shape, dtype)
    else:
        yield from _composed_calls(op, shape, dtype)


def _values(shape: tuple[int, ...], dtype: Any, seed: int) -> np.ndarray:
    return walk.values(shape, dtype, seed, specials=False)


def _activation_calls(op: Any, shape: tuple[int, ...], dtype: Any) -> Iterator[Call]:
    x, dy, more = _values(shape, dtype, 1), _values(shape, dtype, 2), {}
    positional = [p for p in op.__signature__.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    for p in positional[1:]:
        more[p.name] = np.asarray(0.75 if p.default is p.empty else p.default, dtype)
    name = op.__name__
    yield Call(op, name, {"input": x, **more}, "input")
    for order in (1, 2):
        keywords = {"order": order}
        yield Call(op.derivative, f"{name}.derivative", {"input": x, **more}, "input", keywords)
    yield Call(op.backward, f"{name}.backward", {"grad_output": dy, "input": x, **more}, "input")
    if hasattr(op, "backward_from_output"):
        named = {"grad_output": dy, "output": op(x, *more.values()), **more}
        yield Call(op.backward_from_output, f"{name}.backward_from_output", named, "output")


def _composed_calls(op: Any, shape: tuple[int, ...], dtype: Any) -> Iterator[Call]:
    x, name = _values(shape, dtype, 1), op.__name__
    random = {"training": True, "rng": 3}
    for keywords in ({}, random) if name == "rrelu" else ({}, {"axis": 0}, {"gate": "first"}):
        dy = _values(op(x, **keywords).shape, dtype, 2)
        yield Call(op, name, {"input": x}, "input", keywords)
        yield Call(op.backward, f"{name}.backward", {"grad_output": dy, "input": x}, "input", keywords)
        for order in (1, 2):
            yield Call(
                op.derivative, f"{name}.derivative", {"input": x}, "input", {**keywords, "order": order}
            )


def _row_calls(op: Any, shape: tuple[int, ...], dtype: Any) -> Iterator[Call]:
    x, where, name = _values(shape, dtype, 1), _values(shape, dtype, 7) > -4, op.__name__
    for axis in dict.fromkeys((-1, 0, tuple(range(len(shape))))):
        for masks in ({}, {"where": where}):
            more = {"axis": axis}
            y = op(x, **more, **masks)
            dy = _values(np.shape(y), dtype, 2)
            yield Call(op, name, {"input": x, **masks}, "input", more)
            named = {"grad_output": dy, "input": x, **masks}
            yield Call(op.backward, f"{name}.backward", named, "input", more)
            if hasattr(op, "backward_from_output"):
                named = {"grad_output": dy, "output": y, **masks}
                yield Call(op.backward_from_output, f"{name}.backward_from_output", named, "output", more)
            if op.reduces:
                yield Call(op, name, {"input": x, **masks}, "input", {**more, "keepdims": True})
        if hasattr(op, "jacobian") and isinstance(axis, int):
            yield Call(op.jacobian, f"{name}.jacobian", {"input": x}, "input", {"axis": axis})


def _loss_calls(op: Any, dtype: Any) -> Iterator[Call]:
    named, name = loss_calls.operands(op, dtype), op.__name__
    input = next(iter(named))
    for reduction in ("mean", "none"):
        keywords = {"reduction": reduction}
        terms = np.shape(op(**named, reduction="none"))
        dy = _values(terms if reduction == "none" else (), dtype, 2)
        yield Call(op, name, named, input, keywords, True)
        yield Call(op.value_and_grad, f"{name}.value_and_grad", named, input, keywords, True)
        yield Call(op.grad, f"{name}.grad", named, input, keywords, True)
        yield Call(op.backward, f"{name}.backward", {"grad_output": dy, **named}, input, keywords, True)
        yield Call(op.grad_and_hess, f"{name}.grad_and_hess", named, input, keywords, True)


OPS = fa.list_ops()
