"""Losses of one element and its target at a time."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastact._arrays import Array, OutputBuffer, check_no_overlap, float_array, split_out
from fastact._config import _core
from fastact._docs import LOSSES, complete
from fastact._functions.parameter_gradient import sum_to_shape
from fastact._losses.base import G, Loss, P
from fastact._losses.interface import Layout, Request
from fastact._losses.options import (
    FINITE,
    ONE,
    REDUCTIONS,
    Range,
    Shape,
    boolean,
    check_broadcast,
    compensated_sum,
    divide_or_zero,
    flat,
    grad_output_array,
    needs_rescaling,
    refuse_negative,
    rescale_weight,
)
from fastact._losses.targets import ANY, Signs, Targets, real_targets


class Parameter(NamedTuple):
    """An option that is a parameter of the core's formula: an array of numbers in a range, or if `boolean`
    True or False, for 1 or 0. `if_none`: what None stands for, if None is allowed."""

    allowed: Range = FINITE
    if_none: float | None = None
    boolean: bool = False


class ElementwiseLoss(Loss[P, G]):
    """A loss of one element and its target at a time.

    A second input with a gradient is the first parameter of the core's formula. `form` names an option
    that is True or False; where it is true, the formula is the table's row `<name>_<form>`.
    """

    _integer_operands = ()  # a target may always be 1

    def __init__(
        self,
        definition: Callable[P, Any],
        parameters: dict[str, Parameter],
        mean_by_weight: bool = False,
        form: str | None = None,
        batchmean: bool = False,
        targets: Targets | Signs = ANY,
    ) -> None:
        super().__init__(definition)
        self._targets = targets
        rows = _core.table()["loss"]
        self._index: int = rows[self.__name__]["index"]
        self._form = form
        self._form_index: int = rows[f"{self.__name__}_{form}"]["index"] if form else self._index
        self._parameters = parameters
        self._array_options = ("weight", *(n for n, p in parameters.items() if not p.boolean))
        self._default_parameters = {name: self._parameter(self._defaults[name], name) for name in parameters}
        self._mean_by_weight = mean_by_weight
        self._inputs = tuple(n for n in self._operands if n != "target")
        # the core's order: the input, the target, then a second input
        self._order = tuple(self._operands.index(n) for n in (self._inputs[0], "target", *self._inputs[1:]))
        if batchmean:
            self._reductions = (*REDUCTIONS, "batchmean")
        default_index = self._form_index if form and self._defaults[form] else self._index
        parameters_by_default = tuple(self._default_parameters.values())
        self._set_fast_path(_core.FastElementwiseLoss(default_index, parameters_by_default))

    @staticmethod
    def _documented(definition: Callable[..., Any]) -> str | None:
        return complete(definition, LOSSES)

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        first, target, *others = (operands[k] for k in self._order)
        x, t = float_array(first, self._inputs[0]), real_targets(target, self._targets, options)
        shape, reduction = x.shape, options["reduction"]
        self._check_target(t.shape, shape)
        weight, narrow = self._weight(options, shape), x.dtype != np.float64
        parameters = [
            self._broadcast(float_array(a, self._inputs[1]), self._inputs[1], shape) for a in others
        ]
        parameters += [
            default
            if options[name] is self._defaults[name]
            else self._broadcast(self._parameter(options[name], name, narrow), name, shape)
            for name, default in self._default_parameters.items()
        ]
        scale = grad_output_array(grad_output, shape, reduction)
        weight, denominator = self._weight_and_denominator(weight, shape, options)
        arrays = [x, t, weight, scale, *parameters]
        outputs = self._two_outputs(arrays, others[0], request) if others else _Outputs(arrays, request)
        value = np.empty(shape, x.dtype) if request.value and reduction == "none" else None
        if denominator != 1.0 and (request.grad or request.hess):
            arrays[3] = np.asarray(divide_or_zero(float(scale), denominator))
        total = _core.elementwise_loss(
            self._form_index if self._form and boolean(options[self._form], self._form) else self._index,
            x.size,
            [flat(a) for a in arrays],
            (None if value is None else flat(value), *outputs.arrays()),
            request.value and value is None,
        )
        return divide_or_zero(total, denominator) if value is None else value, *outputs.write_back()

    def _weight_and_denominator(
        self, weight: Array, shape: Shape, options: dict[str, Any]
    ) -> tuple[Array, float]:
        """The weights, and what sums with them are divided by. A mean by weight does not depend on their
        size: weights that float32 would not hold are rescaled."""
        if options["reduction"] in ("none", "sum"):
            return weight, 1.0
        denominator = self._denominator(shape, None, options)
        if self._mean_by_weight and denominator and needs_rescaling(denominator):
            weight, _ = rescale_weight(weight, weight)
            denominator = compensated_sum(weight, prod(shape))
        return weight, denominator

    def _scale_free_weights(self, operands: tuple[Any, ...], options: dict[str, Any]) -> Array | None:
        given = options["weight"]
        return float_array(given, "weight") if self._mean_by_weight and given is not None else None

    def _two_outputs(self, arrays: list[Array], second: Any, request: Request) -> _TwoInputOutputs:
        return _TwoInputOutputs(arrays, np.shape(second), request, self._inputs[1] in request.shared_inputs)

    @staticmethod
    def _check_target(target: Shape, shape: Shape) -> None:
        if target and target != shape:
            raise ValueError(f"target must be a scalar or have the input's shape {shape}, got {target}")

    def _weight(self, options: dict[str, Any], shape: Shape) -> Array:
        given = options["weight"]
        return ONE if given is None else self._broadcast(float_array(given, "weight"), "weight", shape)

    @staticmethod
    def _broadcast(array: Array, name: str, shape: Shape) -> Array:
        """What is 0-d stays so, for the core to repeat it."""
        if not array.ndim or array.shape == shape:
            return array
        check_broadcast(array.shape, shape, name)
        return np.broadcast_to(array, shape)

    def _parameter(self, given: Any, name: str, narrow: bool = False) -> Array:
        """narrow: it will be computed in float32."""
        allowed, if_none, is_boolean = self._parameters[name]
        if is_boolean:
            return np.asarray(float(boolean(given, name)))
        if given is None:
            if if_none is None:
                raise TypeError(f"{name} must be a number or an array of numbers, got None")
            return np.asarray(if_none)
        array = float_array(given, name)
        allowed.check(given, name, array, narrow)
        return array

    def _check_options(self, options: dict[str, Any]) -> None:
        super()._check_options(options)
        for name in self._parameters:
            self._parameter(options[name], name)
        if self._form:
            boolean(options[self._form], self._form)

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes[self._inputs[0]]
        self._check_target(shapes["target"], shape)
        for name in (*self._array_options, *self._inputs[1:]):
            check_broadcast(shapes.get(name, ()), shape, name)
        all_axes = tuple(range(len(shape)))
        axes = {name: all_axes[len(all_axes) - len(s) :] for name, s in shapes.items()}
        return Layout(axes, all_axes, ("weight",) if self._mean_by_weight else ())

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        if options["reduction"] == "batchmean":
            return float(shape[0]) if shape else 1.0
        if options["weight"] is None or not self._mean_by_weight:
            return float(prod(shape))
        weight = self._weight(options, shape)
        refuse_negative(weight, "weight")
        return compensated_sum(weight, prod(shape))


# ---- outputs ------------------------------------------------------------------------


class _Outputs:
    """Gradient and Hessian diagonal by the input."""

    def __init__(self, arrays: list[Array], request: Request) -> None:
        x, sources = arrays[0], [a for a in arrays if a is not ONE]
        shape, dtype = x.shape, x.dtype
        self.grad = OutputBuffer(request.grad_out, "out", shape, dtype, sources, x) if request.grad else None
        self.hess = (
            OutputBuffer(request.hess_out, "out[1]", shape, dtype, sources, None) if request.hess else None
        )

    def arrays(self) -> tuple[Array | None, ...]:
        """In the order of the core's results."""
        return tuple(flat(output.array) if output else None for output in (self.grad, self.hess))

    def write_back(self) -> tuple[Any, Any]:
        return self.grad and self.grad.write_back(), self.hess and self.hess.write_back()


class _TwoInputOutputs:
    """Gradients and Hessian diagonals by two inputs.

    `shape` is the second input's, before it was broadcast. If that is `shared` with other blocks, results
    by it are float64.
    """

    def __init__(self, arrays: list[Array], shape: Shape, request: Request, shared: bool) -> None:
        outs = [*split_out(request.grad_out, "out", 2), *split_out(request.hess_out, "out[1]", 2)]
        check_no_overlap(outs)
        sources, inputs = [a for a in arrays if a is not ONE], (arrays[0], arrays[4])
        self.outputs = [
            _SummedOutput(
                out,
                name,
                inputs[0],
                shape if k % 2 else inputs[0].shape,
                sources,
                inputs[k] if k < 2 else None,
                bool(k % 2) and shared,
            )
            if (request.grad, request.hess)[k // 2]
            else None
            for k, (out, name) in enumerate(outs)
        ]

    def arrays(self) -> tuple[Array | None, ...]:
        """In the order of the core's results."""
        grad, second_grad, hess, second_hess = (flat(o.array) if o else None for o in self.outputs)
        return grad, hess, second_grad, second_hess

    def write_back(self) -> tuple[Any, Any]:
        results = [output and output.write_back() for output in self.outputs]
        return self.outputs[0] and tuple(results[:2]), self.outputs[2] and tuple(results[2:])


class _SummedOutput:
    """A result by an input of `shape`, summed to that where the input was broadcast."""

    def __init__(
        self,
        out: Any,
        name: str,
        x: Array,
        shape: Shape,
        sources: list[Array],
        in_place: Array | None,
        shared: bool,
    ) -> None:
        self.is_sum = shared or shape != x.shape
        dtype = np.dtype(np.float64) if shared else x.dtype
        self.output = OutputBuffer(out, name, shape, dtype, sources, None if self.is_sum else in_place)
        self.array = (
            np.empty(x.shape, np.result_type(x.dtype, np.float32)) if self.is_sum else self.output.array
        )

    def write_back(self) -> Array:
        if self.is_sum:
            to = self.output.array
            to[...] = sum_to_shape(self.array, to.shape, to.dtype).reshape(to.shape)
        return self.output.write_back()


def elementwise_loss(**settings: Any) -> Callable[[Callable[P, Any]], ElementwiseLoss[P, Array]]:
    """Decorate a documented definition. `settings` are the arguments of `ElementwiseLoss`, and by its name
    the `Parameter` of each option that is one."""
    parameters = {name: settings.pop(name) for name in [*settings] if isinstance(settings[name], Parameter)}

    def decorate(definition: Callable[P, Any]) -> ElementwiseLoss[P, Array]:
        return ElementwiseLoss(definition, parameters, **settings)

    return decorate


def pairwise_loss(
    **settings: Any,
) -> Callable[[Callable[P, Any]], ElementwiseLoss[P, tuple[Array, Array]]]:
    """The same for a loss of two inputs, whose gradients are a pair."""
    return elementwise_loss(**settings)  # type: ignore[return-value]
