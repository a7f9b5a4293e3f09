"""Losses of rows of classes: cross entropy and its kin."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from fastact._arrays import Array, OutputBuffer, as_ndarray, float_array, integer_array, is_integer
from fastact._config import _core
from fastact._losses.base import Loss, P
from fastact._losses.interface import Layout, Request
from fastact._losses.options import (
    ONE,
    Range,
    Shape,
    check_class_weight,
    class_weight_array,
    grad_output_array,
    int64,
    number,
)
from fastact._losses.targets import COUNTS, real_targets

LABEL_SMOOTHING_RANGE, Z_LOSS_RANGE = Range(0.0, 1.0), Range(0.0, finite=True)

_MINUS_ONE = np.asarray(-1.0)
_TABLE = _core.table()["class_loss"]


class ClassLoss(Loss[P, Array]):
    """A loss of a row of classes and its label; where the op table says so, a distribution will do."""

    def __init__(self, definition: Callable[P, Any]) -> None:
        super().__init__(definition)
        row = _TABLE[definition.__name__]
        self._index, self._soft_targets = row["index"], row["targets"] == "labels_or_probabilities"
        self._set_fast_path(_core.FastClassLoss(self._index, self._defaults["ignore_index"]))

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        x, target = float_array(operands[0], "input"), operands[1]
        shape, reduction = x.shape, options["reduction"]
        axis = normalize_axis(options["axis"], len(shape))
        rows = without_axis(shape, axis)
        t = as_ndarray(target, "target")
        soft = self._is_soft(t.shape, shape, rows)
        t = self._shares(t, options) if soft else integer_array(target, "target")
        weight = class_weight_array(options["weight"], shape[axis])
        smoothing, z_loss = self._numbers(options)
        scale = grad_output_array(grad_output, rows, reduction)
        sources = [a for a in (x, t, scale, weight) if a is not None and a is not ONE]
        grad = OutputBuffer(request.grad_out, "out", shape, x.dtype, sources, x) if request.grad else None
        hess = (
            OutputBuffer(request.hess_out, "out[1]", shape, x.dtype, sources, None) if request.hess else None
        )
        value = np.empty(rows, x.dtype) if request.value and reduction == "none" else None
        views = RowViews(shape, axis)
        total = _core.class_loss(
            self._index,
            views.view3(x),
            views.view3(t) if soft else views.view2(np.atleast_1d(t)),
            soft,
            weight,
            int64(options["ignore_index"], "ignore_index"),
            smoothing,
            z_loss,
            views.view2(scale),
            reduction == "mean",
            None if value is None else views.view2(value.reshape(-1)),
            None if grad is None else views.view3(grad.array),
            None if hess is None else views.view3(hess.array),
            request.value and value is None,
        )
        return total if value is None else value, grad and grad.write_back(), hess and hess.write_back()

    @staticmethod
    def _numbers(options: dict[str, Any]) -> tuple[float, float]:
        """label_smoothing and z_loss, where a loss has them."""
        return (
            number(options.get("label_smoothing", 0.0), "label_smoothing", LABEL_SMOOTHING_RANGE),
            number(options.get("z_loss", 0.0), "z_loss", Z_LOSS_RANGE),
        )

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        self._numbers(options)
        int64(options["ignore_index"], "ignore_index")

    def _shares(self, target: Array, options: dict[str, Any]) -> Array:
        """Targets that are distributions."""
        ignored = int64(options["ignore_index"], "ignore_index")
        if ignored != self._defaults["ignore_index"]:
            raise ValueError(
                f"ignore_index must be left out where targets are probabilities of classes, got {ignored}; "
                "leave the rows out that are not to count"
            )
        return real_targets(target, COUNTS, options)

    def _is_soft(self, target: Shape, shape: Shape, rows: Shape) -> bool:
        """Whether targets are distributions, by their shape; refuses what fits neither these nor labels."""
        soft = self._soft_targets and target == shape
        if soft or target == rows:
            return soft
        wanted = f"labels of shape {rows}" + (
            f" or probabilities of shape {shape}" if self._soft_targets else ""
        )
        places = [a for a in range(len(shape)) if without_axis(shape, a) == target]
        hint = (
            f"; say axis={places[0]} if classes are there (PyTorch's place is 1, here it is -1)"
            if places
            else ""
        )
        raise ValueError(f"target must be {wanted} for input of shape {shape}, got shape {target}{hint}")

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes["input"]
        all_axes, axis = tuple(range(len(shape))), normalize_axis(options["axis"], len(shape))
        loss_axes = without_axis(all_axes, axis)
        soft = self._is_soft(shapes["target"], shape, without_axis(shape, axis))
        if "weight" in shapes:
            check_class_weight(shapes["weight"], shape[axis])
        axes = {"input": all_axes, "target": all_axes if soft else loss_axes, "weight": (axis,)}
        return Layout(axes, loss_axes, () if soft else ("target", "weight"))

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        axis = normalize_axis(options["axis"], len(shape))
        if target is None:
            return float(prod(without_axis(shape, axis)))
        return label_weight_sum(integer_array(target, "target"), shape, axis, options)

    def _scale_free_weights(self, operands: tuple[Any, ...], options: dict[str, Any]) -> Array | None:
        x, target = operands
        return scale_free_label_weights(target, options) if np.ndim(target) < np.ndim(x) else None


# ---- weights of labels --------------------------------------------------------------


def scale_free_label_weights(labels: Any, options: dict[str, Any]) -> Array | None:
    """The weight of each label, if a mean does not depend on their size: z_loss does not scale with them."""
    if options["weight"] is None or options.get("z_loss"):
        return None
    weight, t = float_array(options["weight"], "weight"), np.asarray(labels)
    of_labels: Array = weight[t[(t != options["ignore_index"]) & (t >= 0) & (t < len(weight))]]
    return of_labels


def label_weight_sum(labels: Array, shape: Shape, axis: int, options: dict[str, Any]) -> float:
    """The sum of the labels' weights: it is the negative log-likelihood of log-probabilities of -1."""
    views = RowViews(shape, axis)
    total = _core.class_loss(
        _TABLE["nll_loss"]["index"],
        views.view3(np.broadcast_to(_MINUS_ONE, shape)),
        views.view2(np.atleast_1d(labels)),
        False,
        class_weight_array(options["weight"], shape[axis]),
        int64(options["ignore_index"], "ignore_index"),
        0.0,
        0.0,
        ONE,
        False,
        None,
        None,
        None,
        True,
    )
    return float(total)


# ---- axes ---------------------------------------------------------------------------


def without_axis(values: Shape, axis: int) -> Shape:
    return values[:axis] + values[axis + 1 :]


def normalize_axis(axis: Any, ndim: int) -> int:
    """The class axis, counted from 0."""
    if not ndim:
        raise ValueError("input must have a class axis, got a scalar")
    if type(axis) is not int and not is_integer(axis):
        raise TypeError(f"axis must be an int, got {axis!r}")
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis must be one of the {ndim} of input, got {axis}")
    return int(axis) % ndim


class RowViews:
    """Arrays as the core's loops walk them.

    `view3` is of arrays with a class axis, as (outer, inner, classes); `view2` of arrays with one element
    a row, as (outer, inner). Rows of a last axis are all inner, and there is no outer axis then.
    """

    def __init__(self, shape: Shape, axis: int) -> None:
        self.is_matrix = len(shape) == 2 and axis == 1  # then arrays are their own views
        self.is_last = True
        if not self.is_matrix:
            self.outer, self.classes, self.inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
            self.is_last = self.inner == 1

    def view3(self, array: Array) -> Array:
        if self.is_last:
            return array if self.is_matrix else array.reshape(self.outer, self.classes)
        return array.reshape(self.outer, self.classes, self.inner).transpose(0, 2, 1)

    def view2(self, array: Array) -> Array:
        """A scalar stays one, for the core to repeat it."""
        if self.is_last:
            return array if array.ndim <= 1 else array.reshape(-1)
        return array.reshape(self.outer, self.inner) if array.ndim else array


def class_loss(definition: Callable[P, Any]) -> ClassLoss[P]:
    """Decorate a documented definition of a class loss of the op table."""
    return ClassLoss(definition)
