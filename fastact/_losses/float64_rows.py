"""What losses of whole rows that the core computes in float64 have in common: shapes, results, the call."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np

from fastact._arrays import Array, Result, float_array, integer_array
from fastact._config import _core
from fastact._docs import LABELLED, ROW_LOSSES, Shared, complete
from fastact._losses.base import (
    ONE,
    Layout,
    Loss,
    Range,
    Shape,
    Wanted,
    check_apart,
    check_row_weight,
    checked_weight,
    number,
    parts,
    switch,
    upstream,
)
from fastact._losses.class_rows import _class_axis, _Cubes, _without, check_class_weight


class Operands(NamedTuple):
    """What a loss computes from beside the inputs that have gradients."""

    also: tuple[Array, ...] = ()  # arrays of their shape
    labels: Array | None = None  # integers, one a row
    label_lists: Array | None = None  # integers, of the inputs' shape
    target: Array | None = None  # reals, one a row
    weight: Array | None = None  # one a class


class WideLoss(Loss):
    """A loss of rows of one or several inputs, each with its gradient."""

    _targets_are_rows: bool = False  # has the target one element a row?
    _weights_are_rows: bool = True  # or one a class
    _shared: Shared = ROW_LOSSES

    def __init__(self, definition: Callable[..., Any]) -> None:
        super().__init__(definition)
        self._inputs = tuple(n for n in self._operands if n != "target")
        self.__doc__ = complete(definition, self._shared)

    def _given(self, named: dict[str, Any], options: dict[str, Any], shape: Shape, axis: int) -> Operands:
        """The other operands, as arrays that fit inputs of `shape`."""
        return Operands()

    def _numbers(self, options: dict[str, Any]) -> tuple[float, float, float, bool]:
        """margin, p, eps, swap."""
        return number(options["margin"], "margin"), 1.0, 0.0, False

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        named = dict(zip(self._operands, operands, strict=True))
        inputs = [float_array(named[name], name) for name in self._inputs]
        shape, dtype, reduction = inputs[0].shape, inputs[0].dtype, options["reduction"]
        axis = self._axis([x.shape for x in inputs], options)
        rows = _without(shape, axis)
        given, numbers = self._given(named, options, shape, axis), self._numbers(options)
        scale = upstream(grad_output, rows, reduction)
        of_rows = (
            checked_weight(options["weight"], check_row_weight, rows) if self._weights_are_rows else None
        )
        arrays = [*inputs, *given.also, given.labels, given.label_lists, given.target, given.weight]
        arrays += [of_rows, scale]
        sources = [a for a in arrays if a is not None and a is not ONE]
        results = _Results(inputs, sources, wanted)
        value = np.empty(rows, dtype) if wanted.value and reduction == "none" else None
        view = _Cubes(shape, axis)
        total = _core.wide_loss(
            self.__name__,
            [view.cube(x) for x in (*inputs, *given.also)],
            None if given.labels is None else view.plane(np.atleast_1d(given.labels)),
            None if given.label_lists is None else view.cube(given.label_lists),
            None if given.target is None else view.plane(np.atleast_1d(given.target)),
            given.weight,
            None if of_rows is None else view.plane(of_rows),
            numbers,
            view.plane(scale),
            reduction == "mean",
            None if value is None else view.plane(value.reshape(-1)),
            [view.cube(r.array) for r in results.grads],
            [view.cube(r.array) for r in results.hesses],
            wanted.value and value is None,
        )
        return total if value is None else value, *results.deliver()

    def _axis(self, shapes: list[Shape], options: dict[str, Any]) -> int:
        """The axis along which rows lie; refuses inputs of shapes that differ."""
        first, *others = self._inputs
        if not shapes[0]:
            raise ValueError(f"{first} must have an axis along which rows lie, got a scalar")
        for name, shape in zip(others, shapes[1:], strict=True):
            if shape != shapes[0]:
                raise ValueError(f"{name} must have the shape of {first}, {shapes[0]}, got {shape}")
        return _class_axis(options["axis"], len(shapes[0]))

    def _check_target(self, target: Shape, shape: Shape, axis: int) -> None:
        wanted = _without(shape, axis) if self._targets_are_rows else shape
        if target != wanted:
            what = "one for each row" if self._targets_are_rows else "that of input"
            raise ValueError(f"target must have shape {wanted}, {what}, got {target}")

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes[self._inputs[0]]
        axis = self._axis([shapes[name] for name in self._inputs], options)
        every = tuple(range(len(shape)))
        terms = _without(every, axis)
        axes = {**dict.fromkeys(self._inputs, every), "weight": (axis,)}
        if self._weights_are_rows and "weight" in shapes:
            check_row_weight(shapes["weight"], _without(shape, axis))
            axes["weight"] = terms if shapes["weight"] else ()
        if "target" in shapes:
            self._check_target(shapes["target"], shape, axis)
            axes["target"] = terms if self._targets_are_rows else every
        return Layout(axes, terms)

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        return float(prod(_without(shape, _class_axis(options["axis"], len(shape)))))


class _Results:
    """Gradients and Hessian diagonals by each input: in tuples if there are several."""

    def __init__(self, inputs: list[Array], sources: list[Array], wanted: Wanted) -> None:
        self.alone = len(inputs) == 1
        outs = [self._outs(wanted.grad_out, "out", inputs), self._outs(wanted.hess_out, "out[1]", inputs)]
        check_apart([*outs[0], *outs[1]])
        shape, dtype = inputs[0].shape, inputs[0].dtype
        self.grads = [
            Result(out, name, shape, dtype, sources, x)
            for x, (out, name) in zip(inputs, outs[0] if wanted.grad else (), strict=wanted.grad)
        ]
        self.hesses = [
            Result(out, name, shape, dtype, sources, None) for out, name in (outs[1] if wanted.hess else ())
        ]

    def _outs(self, out: Any, name: str, inputs: list[Array]) -> list[tuple[Any, str]]:
        return [(out, name)] if self.alone else parts(out, name, len(inputs))

    def deliver(self) -> tuple[Any, Any]:
        grads, hesses = (tuple(r.deliver() for r in results) for results in (self.grads, self.hesses))
        if self.alone:
            return (grads or (None,))[0], (hesses or (None,))[0]
        return grads or None, hesses or None


# ---- kinds ---------------------------------------------------------------------------


class MarginLoss(WideLoss):
    """A loss of rows of scores; targets are a label a row, a list of labels, or a share of each class."""

    _shared = LABELLED

    def __init__(self, definition: Callable[..., Any], targets: Literal["labels", "lists", "shares"]) -> None:
        self._targets = targets
        self._targets_are_rows = targets == "labels"
        self._weights_are_rows = targets == "lists"
        super().__init__(definition)

    def _given(self, named: dict[str, Any], options: dict[str, Any], shape: Shape, axis: int) -> Operands:
        shares = self._targets == "shares"
        target = (
            float_array(named["target"], "target") if shares else integer_array(named["target"], "target")
        )
        self._check_target(target.shape, shape, axis)
        weight = (
            None
            if self._weights_are_rows
            else checked_weight(options["weight"], check_class_weight, shape[axis])
        )
        if shares:
            return Operands(also=(target,), weight=weight)
        if self._targets == "lists":
            return Operands(label_lists=target)
        return Operands(labels=target, weight=weight)

    def _numbers(self, options: dict[str, Any]) -> tuple[float, float, float, bool]:
        p = number(options.get("p", 1), "p")
        if p not in (1.0, 2.0):
            raise ValueError(f"p must be 1 or 2, got {options['p']!r}")
        return number(options.get("margin", 1.0), "margin"), p, 0.0, False


def margin_loss(targets: Literal["labels", "lists", "shares"]) -> Callable[[Callable[..., Any]], MarginLoss]:
    """Decorate a documented definition of a loss with such targets."""
    return lambda definition: MarginLoss(definition, targets)


class CosineLoss(WideLoss):
    """A loss of the cosine of two vectors, and a target a row."""

    _targets_are_rows = True

    def _given(self, named: dict[str, Any], options: dict[str, Any], shape: Shape, axis: int) -> Operands:
        target = float_array(named["target"], "target")
        self._check_target(target.shape, shape, axis)
        return Operands(target=target)


class TripletLoss(WideLoss):
    """A loss of the distances of three vectors."""

    def _numbers(self, options: dict[str, Any]) -> tuple[float, float, float, bool]:
        margin = number(options["margin"], "margin", Range(0.0, open=True, finite=True))
        p = number(options["p"], "p", Range())
        return margin, p, number(options["eps"], "eps"), switch(options["swap"], "swap")
