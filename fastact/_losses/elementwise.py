"""What makes a loss of a documented definition and a kernel of one element at a time."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastact._arrays import Array, Result, float_array
from fastact._config import _core
from fastact._docs import LOSSES, complete
from fastact._functions.parameter_gradient import summed
from fastact._losses.base import (
    ONE,
    REDUCTIONS,
    Layout,
    Loss,
    Range,
    Shape,
    Wanted,
    check_apart,
    check_broadcast,
    exact_sum,
    flat,
    is_far_from_1,
    near_1,
    over,
    parts,
    switch,
    upstream,
)


class Parameter(NamedTuple):
    """What a body's parameter may be, and what None stands for, if it may be None; `switch`: True or False,
    for 1 or 0."""

    allowed: Range = Range()
    absent: float | None = None
    switch: bool = False


class ElementwiseLoss(Loss):
    """A loss of one element and its target at a time.

    A second input with a gradient is the body's first parameter. `form` names an option that is True or
    False; where it is true, the body is that of the table's row `<name>_<form>`.
    """

    def __init__(
        self,
        definition: Callable[..., Any],
        parameters: dict[str, Parameter],
        mean_by_weight: bool = False,
        form: str | None = None,
        batchmean: bool = False,
    ) -> None:
        super().__init__(definition)
        rows = _core.table()["loss"]
        self._index: int = rows[self.__name__]["index"]
        self._form = form
        self._form_index: int = rows[f"{self.__name__}_{form}"]["index"] if form else self._index
        self._parameters = parameters
        self._array_options = ("weight", *(n for n, p in parameters.items() if not p.switch))
        self._ready = {name: self._parameter(self._defaults[name], name) for name in parameters}
        self._plain_parameters = tuple(self._ready.values())
        self._mean_by_weight = mean_by_weight
        self._inputs = tuple(n for n in self._operands if n != "target")
        self._places = tuple(self._operands.index(n) for n in (self._inputs[0], "target", *self._inputs[1:]))
        if batchmean:
            self._reductions = (*REDUCTIONS, "batchmean")

    @staticmethod
    def _documented(definition: Callable[..., Any]) -> str | None:
        return complete(definition, LOSSES)

    def _plain(
        self, operands: tuple[Any, ...], value: bool, grad: bool, out: Any
    ) -> tuple[float, Array | None] | None:
        index = self._form_index if self._form and self._defaults[self._form] else self._index
        return _core.plain_elementwise_loss(index, operands, self._plain_parameters, value, grad, out)

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        first, target, *others = (operands[k] for k in self._places)
        x, t = float_array(first, self._inputs[0]), float_array(target, "target")
        shape, reduction = x.shape, options["reduction"]
        self._check_target(t.shape, shape)
        weight = self._weight(options, shape)
        parameters = [self._spread(float_array(a, self._inputs[1]), self._inputs[1], shape) for a in others]
        parameters += [
            ready
            if options[name] is self._defaults[name]
            else self._spread(self._parameter(options[name], name), name, shape)
            for name, ready in self._ready.items()
        ]
        scale = upstream(grad_output, shape, reduction)
        weight, denominator = self._divided(weight, shape, options)
        arrays = [x, t, weight, scale, *parameters]
        results = self._pair(arrays, others[0], wanted) if others else _Results(arrays, wanted)
        value = np.empty(shape, x.dtype) if wanted.value and reduction == "none" else None
        if denominator != 1.0 and (wanted.grad or wanted.hess):
            arrays[3] = np.asarray(over(1.0 if scale is ONE else scale.astype(np.float64), denominator))
        total = _core.elementwise_loss(
            self._form_index if self._form and switch(options[self._form], self._form) else self._index,
            x.size,
            [flat(a) for a in arrays],
            (None if value is None else flat(value), *results.places()),
            wanted.value and value is None,
        )
        return over(total, denominator) if value is None else value, *results.deliver()

    def _divided(self, weight: Array, shape: Shape, options: dict[str, Any]) -> tuple[Array, float]:
        """Weights, and what sums with them are divided by. A mean by weight does not depend on their size:
        where float32 would not hold them they are brought near 1."""
        if options["reduction"] in ("none", "sum"):
            return weight, 1.0
        denominator = self._denominator(shape, None, options)
        if self._mean_by_weight and denominator and is_far_from_1(denominator):
            weight, _ = near_1(weight, weight)
            denominator = exact_sum(weight, prod(shape))
        return weight, denominator

    def _counted_weights(self, operands: tuple[Any, ...], options: dict[str, Any]) -> Array | None:
        given = options["weight"]
        return float_array(given, "weight") if self._mean_by_weight and given is not None else None

    def _pair(self, arrays: list[Array], second: Any, wanted: Wanted) -> _PairResults:
        return _PairResults(arrays, np.shape(second), wanted, self._inputs[1] in wanted.parts)

    @staticmethod
    def _check_target(target: Shape, shape: Shape) -> None:
        if target and target != shape:
            raise ValueError(f"target must be a scalar or have the input's shape {shape}, got {target}")

    def _weight(self, options: dict[str, Any], shape: Shape) -> Array:
        given = options["weight"]
        return ONE if given is None else self._spread(float_array(given, "weight"), "weight", shape)

    @staticmethod
    def _spread(array: Array, name: str, shape: Shape) -> Array:
        """Over the elements; 0-d as it is, which repeats."""
        if not array.ndim or array.shape == shape:
            return array
        check_broadcast(array.shape, shape, name)
        return np.broadcast_to(array, shape)

    def _parameter(self, given: Any, name: str) -> Array:
        allowed, absent, is_switch = self._parameters[name]
        if is_switch:
            return np.asarray(float(switch(given, name)))
        if given is None:
            if absent is None:
                raise TypeError(f"{name} must be a number or an array of numbers, got None")
            return np.asarray(absent)
        array = float_array(given, name)
        allowed.check(given, name, array)
        return array

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes[self._inputs[0]]
        self._check_target(shapes["target"], shape)
        for name in (*self._array_options, *self._inputs[1:]):
            check_broadcast(shapes.get(name, ()), shape, name)
        every = tuple(range(len(shape)))
        axes = {name: every[len(every) - len(s) :] for name, s in shapes.items()}
        return Layout(axes, every, ("weight",) if self._mean_by_weight else ())

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        if options["reduction"] == "batchmean":
            return float(shape[0]) if shape else 1.0
        if options["weight"] is None or not self._mean_by_weight:
            return float(prod(shape))
        return exact_sum(self._weight(options, shape), prod(shape))


class _Results:
    """Gradient and Hessian diagonal by the input."""

    def __init__(self, arrays: list[Array], wanted: Wanted) -> None:
        x, sources = arrays[0], [a for a in arrays if a is not ONE]
        self.grad = Result(wanted.grad_out, "out", x.shape, x.dtype, sources, x) if wanted.grad else None
        self.hess = (
            Result(wanted.hess_out, "out[1]", x.shape, x.dtype, sources, None) if wanted.hess else None
        )

    def places(self) -> tuple[Array | None, ...]:
        """In the order of the core's results."""
        return tuple(flat(result.array) if result else None for result in (self.grad, self.hess))

    def deliver(self) -> tuple[Any, Any]:
        return self.grad and self.grad.deliver(), self.hess and self.hess.deliver()


class _PairResults:
    """The same by two inputs, of which the second has `shape`, or the first's before it was broadcast; by
    `part` of that, results are sums in float64."""

    def __init__(self, arrays: list[Array], shape: Shape, wanted: Wanted, part: bool) -> None:
        outs = [*parts(wanted.grad_out, "out", 2), *parts(wanted.hess_out, "out[1]", 2)]
        check_apart(outs)
        sources, inputs = [a for a in arrays if a is not ONE], (arrays[0], arrays[4])
        self.results = [
            _Summed(
                out,
                name,
                inputs[0],
                shape if k % 2 else inputs[0].shape,
                sources,
                inputs[k] if k < 2 else None,
                bool(k % 2) and part,
            )
            if (wanted.grad, wanted.hess)[k // 2]
            else None
            for k, (out, name) in enumerate(outs)
        ]

    def places(self) -> tuple[Array | None, ...]:
        grad, second_grad, hess, second_hess = (flat(r.array) if r else None for r in self.results)
        return grad, hess, second_grad, second_hess

    def deliver(self) -> tuple[Any, Any]:
        found = [result and result.deliver() for result in self.results]
        return self.results[0] and tuple(found[:2]), self.results[2] and tuple(found[2:])


class _Summed:
    """A result by an input, summed to the input's shape where that was broadcast."""

    def __init__(
        self,
        out: Any,
        name: str,
        x: Array,
        shape: Shape,
        sources: list[Array],
        in_place: Array | None,
        part: bool,
    ) -> None:
        self.sums = part or shape != x.shape
        dtype = np.dtype(np.float64) if part else x.dtype
        self.result = Result(out, name, shape, dtype, sources, None if self.sums else in_place)
        self.array = (
            np.empty(x.shape, np.result_type(x.dtype, np.float32)) if self.sums else self.result.array
        )

    def deliver(self) -> Array:
        if self.sums:
            to = self.result.array
            to[...] = summed(self.array, to.shape, to.dtype).reshape(to.shape)
        return self.result.deliver()


def elementwise_loss(**facts: Any) -> Callable[[Callable[..., Any]], ElementwiseLoss]:
    """Decorate a documented definition; facts are those of `ElementwiseLoss`, and each body's `Parameter`."""
    parameters = {name: facts.pop(name) for name in [*facts] if isinstance(facts[name], Parameter)}
    return lambda definition: ElementwiseLoss(definition, parameters, **facts)
