"""Losses of rows that the core computes in float64, whatever the input's type: margins and distances."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastact._arrays import (
    Array,
    OutputBuffer,
    check_no_overlap,
    float_array,
    integer_array,
    split_out,
)
from fastact._config import _core
from fastact._docs import LABELLED, ROW_LOSSES, Shared, complete
from fastact._losses.base import G, Loss, P
from fastact._losses.class_rows import RowViews, normalize_axis, without_axis
from fastact._losses.interface import Layout, Request
from fastact._losses.options import (
    ONE,
    Range,
    Shape,
    boolean,
    check_row_weight,
    class_weight_array,
    grad_output_array,
    number,
    weight_array,
)
from fastact._losses.targets import SHARES, SIGNS, real_targets

_TABLE = _core.table()["float64_row_loss"]


class Operands(NamedTuple):
    """What a loss computes from, beside the inputs that have gradients."""

    labels: Array | None = None  # integers, one a row
    label_lists: Array | None = None  # integers, of the inputs' shape
    target: Array | None = None  # reals, one a row
    target_rows: Array | None = None  # reals, of the inputs' shape
    class_weight: Array | None = None


class Float64RowLoss(Loss[P, G]):
    """A loss of rows of one or several inputs, each with its gradient.

    The op table says what targets are: none, a label or a sign a row, a list of labels a row, or a
    probability of each class.
    """

    _has_row_weights: bool = True  # a weight is of a row; else of a class
    _shared: Shared = ROW_LOSSES

    def __init__(self, definition: Callable[P, Any]) -> None:
        super().__init__(definition)
        row = _TABLE[definition.__name__]
        self._index, self._targets = row["index"], row["targets"]
        self._has_row_targets = self._targets in ("labels", "signs")  # else they have the inputs' shape
        self._inputs = tuple(n for n in self._operands if n != "target")
        self.__doc__ = complete(definition, self._shared)

    def _other_operands(
        self, named: dict[str, Any], options: dict[str, Any], shape: Shape, axis: int
    ) -> Operands:
        """As arrays that fit inputs of `shape`."""
        return Operands()

    def _kernel_numbers(self, options: dict[str, Any]) -> tuple[float, float, float, bool]:
        return number(options["margin"], "margin"), 1.0, 0.0, False

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        named = dict(zip(self._operands, operands, strict=True))
        inputs = [float_array(named[name], name) for name in self._inputs]
        shape, dtype, reduction = inputs[0].shape, inputs[0].dtype, options["reduction"]
        axis = self._axis([x.shape for x in inputs], options)
        rows = without_axis(shape, axis)
        given = self._other_operands(named, options, shape, axis)
        numbers = self._kernel_numbers(options)
        scale = grad_output_array(grad_output, rows, reduction)
        row_weight = (
            weight_array(options["weight"], check_row_weight, rows) if self._has_row_weights else None
        )
        sources = [a for a in (*inputs, *given, row_weight, scale) if a is not None and a is not ONE]
        outputs = _Outputs(inputs, sources, request)
        value = np.empty(rows, dtype) if request.value and reduction == "none" else None
        views = RowViews(shape, axis)
        if given.target_rows is not None:
            inputs.append(given.target_rows)
        total = _core.float64_row_loss(
            self._index,
            [views.view3(x) for x in inputs],
            None if given.labels is None else views.view2(np.atleast_1d(given.labels)),
            None if given.label_lists is None else views.view3(given.label_lists),
            None if given.target is None else views.view2(np.atleast_1d(given.target)),
            given.class_weight,
            None if row_weight is None else views.view2(row_weight),
            numbers,
            views.view2(scale),
            reduction == "mean",
            None if value is None else views.view2(value.reshape(-1)),
            [views.view3(output.array) for output in outputs.grads],
            [views.view3(output.array) for output in outputs.hesses],
            request.value and value is None,
        )
        return total if value is None else value, *outputs.write_back()

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        self._kernel_numbers(options)

    def _axis(self, shapes: list[Shape], options: dict[str, Any]) -> int:
        """The axis along which rows lie; refuses inputs of shapes that differ."""
        first, *others = self._inputs
        if not shapes[0]:
            raise ValueError(f"{first} must have an axis along which rows lie, got a scalar")
        for name, shape in zip(others, shapes[1:], strict=True):
            if shape != shapes[0]:
                raise ValueError(f"{name} must have the shape of {first}, {shapes[0]}, got {shape}")
        return normalize_axis(options["axis"], len(shapes[0]))

    def _check_target(self, target: Shape, shape: Shape, axis: int) -> None:
        wanted = without_axis(shape, axis) if self._has_row_targets else shape
        if target != wanted:
            what = "one for each row" if self._has_row_targets else "that of input"
            raise ValueError(f"target must have shape {wanted}, {what}, got {target}")

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes[self._inputs[0]]
        axis = self._axis([shapes[name] for name in self._inputs], options)
        all_axes = tuple(range(len(shape)))
        loss_axes = without_axis(all_axes, axis)
        axes = {**dict.fromkeys(self._inputs, all_axes), "weight": (axis,)}
        if self._has_row_weights and "weight" in shapes:
            check_row_weight(shapes["weight"], without_axis(shape, axis))
            axes["weight"] = loss_axes if shapes["weight"] else ()
        if "target" in shapes:
            self._check_target(shapes["target"], shape, axis)
            axes["target"] = loss_axes if self._has_row_targets else all_axes
        return Layout(axes, loss_axes)

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        return float(prod(without_axis(shape, normalize_axis(options["axis"], len(shape)))))


class _Outputs:
    """Gradients and Hessian diagonals by each input: in tuples if there are several."""

    def __init__(self, inputs: list[Array], sources: list[Array], request: Request) -> None:
        self.single = len(inputs) == 1
        grad_outs = self._outs(request.grad_out, "out", inputs)
        hess_outs = self._outs(request.hess_out, "out[1]", inputs)
        check_no_overlap([*grad_outs, *hess_outs])
        shape, dtype = inputs[0].shape, inputs[0].dtype
        self.grads = [
            OutputBuffer(out, name, shape, dtype, sources, x)
            for x, (out, name) in zip(inputs, grad_outs if request.grad else (), strict=request.grad)
        ]
        self.hesses = [
            OutputBuffer(out, name, shape, dtype, sources, None)
            for out, name in (hess_outs if request.hess else ())
        ]

    def _outs(self, out: Any, name: str, inputs: list[Array]) -> list[tuple[Any, str]]:
        return [(out, name)] if self.single else split_out(out, name, len(inputs))

    def write_back(self) -> tuple[Any, Any]:
        grads, hesses = (tuple(o.write_back() for o in outputs) for outputs in (self.grads, self.hesses))
        if self.single:
            return (grads or (None,))[0], (hesses or (None,))[0]
        return grads or None, hesses or None


# ---- margins ------------------------------------------------------------------------


class MarginLoss(Float64RowLoss[P, Array]):
    """A loss of rows of scores."""

    _shared = LABELLED

    def __init__(self, definition: Callable[P, Any]) -> None:
        super().__init__(definition)
        self._has_row_weights = self._targets == "label_lists"

    def _other_operands(
        self, named: dict[str, Any], options: dict[str, Any], shape: Shape, axis: int
    ) -> Operands:
        if self._targets == "probabilities":
            target = real_targets(named["target"], SHARES, options)
        else:
            target = integer_array(named["target"], "target")
        self._check_target(target.shape, shape, axis)
        if self._targets == "label_lists":
            return Operands(label_lists=target)
        class_weight = class_weight_array(options["weight"], shape[axis])
        if self._targets == "labels":
            return Operands(labels=target, class_weight=class_weight)
        return Operands(target_rows=target, class_weight=class_weight)

    def _kernel_numbers(self, options: dict[str, Any]) -> tuple[float, float, float, bool]:
        p = number(options.get("p", 1), "p")
        if p not in (1.0, 2.0):
            raise ValueError(f"p must be 1 or 2, got {options['p']!r}")
        return number(options.get("margin", 1.0), "margin"), p, 0.0, False


# ---- distances ----------------------------------------------------------------------


class CosineLoss(Float64RowLoss[P, tuple[Array, Array]]):
    """A loss of the cosine of two vectors, and a target a row."""

    _integer_operands = ()  # a target may always be 1

    def _other_operands(
        self, named: dict[str, Any], options: dict[str, Any], shape: Shape, axis: int
    ) -> Operands:
        target = real_targets(named["target"], SIGNS, options)
        self._check_target(target.shape, shape, axis)
        return Operands(target=target)


class TripletLoss(Float64RowLoss[P, tuple[Array, Array, Array]]):
    """A loss of the distances of three vectors."""

    def _kernel_numbers(self, options: dict[str, Any]) -> tuple[float, float, float, bool]:
        margin = number(options["margin"], "margin", Range(0.0, open=True, finite=True))
        p = number(options["p"], "p", Range())
        return margin, p, number(options["eps"], "eps"), boolean(options["swap"], "swap")
