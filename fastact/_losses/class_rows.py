"""What makes a loss of a documented definition and the core's kernels over rows of classes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from fastact._arrays import Array, Result, float_array, integer_array, plain_array
from fastact._config import _core
from fastact._losses.base import (
    ONE,
    Layout,
    Loss,
    Range,
    Shape,
    Wanted,
    checked_weight,
    int64,
    number,
    upstream,
)

SMOOTHING, Z_FACTOR = Range(0.0, 1.0), Range(0.0, finite=True)

_MINUS_ONE = np.asarray(-1.0)


class RowLoss(Loss):
    """A loss of a row of classes and its label or target distribution."""

    def __init__(self, definition: Callable[..., Any], soft_targets: bool) -> None:
        super().__init__(definition)
        self._soft_targets = soft_targets

    def _plain(
        self, operands: tuple[Any, ...], value: bool, grad: bool, out: Any
    ) -> tuple[float, Array | None] | None:
        ignored = self._defaults["ignore_index"]
        return _core.plain_row_loss(self._soft_targets, operands, ignored, value, grad, out)

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        x, target = float_array(operands[0], "input"), operands[1]
        shape, reduction = x.shape, options["reduction"]
        axis = _class_axis(options["axis"], len(shape))
        rows = _without(shape, axis)
        t = plain_array(target, "target")
        soft = self._is_soft(t.shape, shape, rows)
        t = float_array(t, "target") if soft else integer_array(t, "target")
        weight = checked_weight(options["weight"], check_class_weight, shape[axis])
        smoothing = number(options.get("label_smoothing", 0.0), "label_smoothing", SMOOTHING)
        z = number(options.get("z_loss", 0.0), "z_loss", Z_FACTOR)
        scale = upstream(grad_output, rows, reduction)
        sources = [a for a in (x, t, scale, weight) if a is not None and a is not ONE]
        grad = Result(wanted.grad_out, "out", shape, x.dtype, sources, x) if wanted.grad else None
        hess = Result(wanted.hess_out, "out[1]", shape, x.dtype, sources, None) if wanted.hess else None
        value = np.empty(rows, x.dtype) if wanted.value and reduction == "none" else None
        view = _Cubes(shape, axis)
        total = _core.row_loss(
            self._soft_targets,
            view.cube(x),
            view.cube(t) if soft else view.plane(np.atleast_1d(t)),
            soft,
            weight,
            int64(options["ignore_index"], "ignore_index"),
            smoothing,
            z,
            view.plane(scale),
            reduction == "mean",
            None if value is None else view.plane(value.reshape(-1)),
            None if grad is None else view.cube(grad.array),
            None if hess is None else view.cube(hess.array),
            wanted.value and value is None,
        )
        return total if value is None else value, grad and grad.deliver(), hess and hess.deliver()

    def _is_soft(self, target: Shape, shape: Shape, rows: Shape) -> bool:
        soft = self._soft_targets and target == shape
        if soft or target == rows:
            return soft
        wanted = f"labels of shape {rows}" + (
            f" or probabilities of shape {shape}" if self._soft_targets else ""
        )
        raise ValueError(f"target must be {wanted} for input of shape {shape}, got shape {target}")

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes["input"]
        every, axis = tuple(range(len(shape))), _class_axis(options["axis"], len(shape))
        terms = _without(every, axis)
        soft = self._is_soft(shapes["target"], shape, _without(shape, axis))
        if "weight" in shapes:
            check_class_weight(shapes["weight"], shape[axis])
        axes = {"input": every, "target": every if soft else terms, "weight": (axis,)}
        return Layout(axes, terms, () if soft else ("target", "weight"))

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        axis = _class_axis(options["axis"], len(shape))
        if target is None:
            return float(prod(_without(shape, axis)))
        return label_weights(integer_array(target, "target"), shape, axis, options)

    def _counted_weights(self, operands: tuple[Any, ...], options: dict[str, Any]) -> Array | None:
        x, target = operands
        return counted_weights(target, options) if np.ndim(target) < np.ndim(x) else None


def counted_weights(labels: Any, options: dict[str, Any]) -> Array | None:
    """The weights of labels, if a mean does not depend on their size; z_loss does not scale with them."""
    if options["weight"] is None or options.get("z_loss"):
        return None
    weight, t = float_array(options["weight"], "weight"), np.asarray(labels)
    counted: Array = weight[t[(t != options["ignore_index"]) & (t >= 0) & (t < len(weight))]]
    return counted


def label_weights(labels: Array, shape: Shape, axis: int, options: dict[str, Any]) -> float:
    """The sum of the labels' weights: they are the negative log-likelihoods of log-probabilities -1."""
    view = _Cubes(shape, axis)
    total = _core.row_loss(
        False,
        view.cube(np.broadcast_to(_MINUS_ONE, shape)),
        view.plane(np.atleast_1d(labels)),
        False,
        checked_weight(options["weight"], check_class_weight, shape[axis]),
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


def _without(values: Shape, axis: int) -> Shape:
    return values[:axis] + values[axis + 1 :]


def _class_axis(axis: Any, ndim: int) -> int:
    if not ndim:
        raise ValueError("input must have a class axis, got a scalar")
    if type(axis) is not int and (isinstance(axis, bool) or not hasattr(axis, "__index__")):
        raise TypeError(f"axis must be an int, got {axis!r}")
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of range for input of {ndim} dimension(s)")
    return int(axis) % ndim


def check_class_weight(shape: Shape, classes: int) -> None:
    if shape != (classes,):
        raise ValueError(f"weight must have shape ({classes},), one for each class of input, got {shape}")


class _Cubes:
    """Views of arrays as (outer, inner, classes), and of what there is one of a row as (outer, inner);
    rows that lie one after another are the inner dimension, and there is no outer one."""

    def __init__(self, shape: tuple[int, ...], axis: int) -> None:
        self.ready = len(shape) == 2 and axis == 1  # arrays are what they should be
        self.last = True
        if not self.ready:
            self.outer, self.classes, self.inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
            self.last = self.inner == 1

    def cube(self, array: Array) -> Array:
        if self.last:
            return array if self.ready else array.reshape(self.outer, self.classes)
        return array.reshape(self.outer, self.classes, self.inner).transpose(0, 2, 1)

    def plane(self, array: Array) -> Array:
        """A scalar stays one: it repeats."""
        if self.last:
            return array if array.ndim <= 1 else array.reshape(-1)
        return array.reshape(self.outer, self.inner) if array.ndim else array


def row_loss(soft_targets: bool = False) -> Callable[[Callable[..., Any]], RowLoss]:
    """Decorate a documented definition of a loss over the core's row kernels."""
    return lambda definition: RowLoss(definition, soft_targets)
