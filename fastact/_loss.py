"""What makes a loss of a documented definition and the core's fused kernels.

A loss computes in the input's float type: target and weights are converted to it.
Reduced values are Python floats, accumulated in float64 in an order that neither
layout, threads nor instruction set changes.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf, prod
from typing import Any, Literal, NamedTuple

import numpy as np

from fastact._arrays import Array, Result, any_dask, choice, float_array, integer_array
from fastact._config import _core
from fastact._docs import LOSSES, complete

Reduction = Literal["none", "mean", "sum"]
REDUCTIONS = ("none", "mean", "sum")

_NO_UPSTREAM = 1.0  # by identity: a gradient asked for without a grad_output
_ONE = np.ones(())
_MINUS_ONE = np.asarray(-1.0)
_ZERO = np.zeros(())
_SQUARE: int = _core.table()["loss"]["mse_loss"]["index"]

Shape = tuple[int, ...]


class Wanted:
    """What a call is to compute, and where gradients are to go."""

    def __init__(self, value: bool = False, grad: bool = False, hess: bool = False, out: Any = None) -> None:
        self.value, self.grad, self.hess = value, grad, hess
        if hess and out is not None and not (isinstance(out, tuple) and len(out) == 2):
            raise TypeError("out must be a tuple of two arrays, for the gradient and the Hessian diagonal")
        self.grad_out: Any
        self.hess_out: Any
        self.grad_out, self.hess_out = out if hess and out is not None else (out, None)
        both = isinstance(self.grad_out, np.ndarray) and isinstance(self.hess_out, np.ndarray)
        if both and np.shares_memory(self.grad_out, self.hess_out):
            raise ValueError("out[0] and out[1] must not share memory")


class Layout(NamedTuple):
    """How a loss's arrays lie along its input's axes, for whoever computes it by blocks."""

    axes: dict[str, tuple[int, ...]]  # of each array, by the argument's name
    terms: tuple[int, ...]  # of the unreduced value; a block must hold the other axes whole
    counted: tuple[str, ...] = ()  # arrays that decide what a mean divides by


_VALUE, _VALUE_AND_GRAD, _GRAD = Wanted(value=True), Wanted(value=True, grad=True), Wanted(grad=True)


class Loss(ABC):
    """A loss with its gradients by the input.

    All take the same arguments; ``out=`` is where to put the gradient, and may be the
    input itself, which is then overwritten.

    ``loss(input, target, ...)``
        The value: a Python float for "mean" and "sum", an array for "none".
    ``value_and_grad(input, target, ..., out=None)``
        Value and gradient in one pass.
    ``grad(input, target, ..., out=None)``
        The gradient of the reduced value (for "none", of the sum).
    ``backward(grad_output, input, target, ..., out=None)``
        The gradient times `grad_output`: a scalar, or with "none" one a loss term.
    ``grad_and_hess(input, target, ..., out=None)``
        Gradient and Hessian diagonal; `out` is a pair.

    If any argument is a Dask array, results are lazy Dask arrays in the blocks of `input`,
    reduced values 0-d float64 ones. Labels are checked when they are computed; the row
    that an error names is counted within its block.
    """

    kind = "loss"
    _array_options: tuple[str, ...] = ("weight",)

    def __init__(self, definition: Callable[..., Any]) -> None:
        self.__name__ = self.__qualname__ = definition.__name__
        self.__module__ = "fastact"
        self.__doc__ = self._documented(definition)
        self.__signature__ = inspect.signature(definition)
        self._defaults = {
            p.name: p.default for p in self.__signature__.parameters.values() if p.kind is p.KEYWORD_ONLY
        }

    @staticmethod
    def _documented(definition: Callable[..., Any]) -> str | None:
        return definition.__doc__

    def __call__(self, input: Any, target: Any, **options: Any) -> Any:
        return self._run(input, target, options, _VALUE, _NO_UPSTREAM)[0]

    def value_and_grad(self, input: Any, target: Any, *, out: Any = None, **options: Any) -> tuple[Any, Any]:
        """The value and its gradient by `input`, in one pass."""
        wanted = _VALUE_AND_GRAD if out is None else Wanted(value=True, grad=True, out=out)
        return self._run(input, target, options, wanted, _NO_UPSTREAM)[:2]

    def grad(self, input: Any, target: Any, *, out: Any = None, **options: Any) -> Any:
        """The gradient of the reduced value by `input`; with "none", of the sum."""
        wanted = _GRAD if out is None else Wanted(grad=True, out=out)
        return self._run(input, target, options, wanted, _NO_UPSTREAM)[1]

    def backward(self, grad_output: Any, input: Any, target: Any, *, out: Any = None, **options: Any) -> Any:
        """`grad_output` times the gradient by `input`."""
        wanted = _GRAD if out is None else Wanted(grad=True, out=out)
        return self._run(input, target, options, wanted, grad_output)[1]

    def grad_and_hess(self, input: Any, target: Any, *, out: Any = None, **options: Any) -> tuple[Any, Any]:
        """The gradient and the Hessian's diagonal by `input`."""
        return self._run(input, target, options, Wanted(grad=True, hess=True, out=out), _NO_UPSTREAM)[1:]

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given:
            return self._defaults
        unknown = given.keys() - self._defaults.keys()
        if unknown:
            raise TypeError(
                f"{self.__name__} has no option {sorted(unknown)[0]!r}; it takes {', '.join(self._defaults)}"
            )
        options = {**self._defaults, **given}
        choice(options["reduction"], "reduction", REDUCTIONS)
        return options

    def _run(
        self, input: Any, target: Any, given: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        options = self._options(given)
        if any_dask(input, target, grad_output, *options.values()):
            from fastact import _dask

            return _dask.run(self, {"input": input, "target": target}, options, wanted, grad_output)
        with _core.DefaultFloat():
            return self._compute(float_array(input, "input"), target, options, wanted, grad_output)

    @abstractmethod
    def _compute(
        self, x: Array, target: Any, options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        """Value, gradient and Hessian diagonal, as wanted, of an array of a float type."""

    @abstractmethod
    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        """Where arrays of these shapes lie; refuses what does not go together."""

    @abstractmethod
    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        """What a mean over input of `shape` divides by: a sum over terms, so that blocks'
        add up. `target` and weights are None unless the layout counts them."""

    def __repr__(self) -> str:
        return f"<fastact.{self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__


def _check_broadcast(shape: Shape, to: Shape, name: str) -> None:
    try:
        fits = np.broadcast_shapes(shape, to) == to
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} of shape {shape} does not broadcast to input of shape {to}")


def _flat(array: Array) -> Array:
    """0-d as it is, which repeats; else 1-d in C order, copied unless it is a view."""
    return array if array.ndim <= 1 else array.reshape(-1)


def check_upstream(shape: Shape, terms: Shape, reduction: str) -> None:
    if reduction != "none" and shape:
        raise ValueError(f'grad_output must be a scalar with reduction="{reduction}", got shape {shape}')
    if shape and shape != terms:
        raise ValueError(f"grad_output must be a scalar or of the loss's shape {terms}, got {shape}")


def _upstream(grad_output: Any, terms: Shape, reduction: str) -> Array:
    if grad_output is _NO_UPSTREAM:
        return _ONE
    array = float_array(grad_output, "grad_output")
    check_upstream(array.shape, terms, reduction)
    return array


def exact_sum(array: Array, size: int) -> float:
    """The sum of `size` values, a 0-d array's repeated, in the order of every other sum."""
    # of array * (1 - 0)^2
    operands = [_ONE, _ZERO, _flat(array), _ONE]
    return float(_core.elementwise_loss(_SQUARE, size, operands, None, None, None, True))


def norm(denominator: float) -> float:
    """A mean's factor; over nothing 0, so that the mean is 0 too."""
    return 1.0 / denominator if denominator else 0.0


class Parameter(NamedTuple):
    """What None stands for, and the least and the largest value allowed; `open`: more than the least."""

    default: float = 1.0
    low: float = -inf
    high: float = inf
    open: bool = False

    def check(self, array: Array, name: str) -> None:
        least, most = array.min(initial=inf), array.max(initial=-inf)
        if (least > self.low if self.open else least >= self.low) and most <= self.high:
            return
        wanted = f"more than {self.low:g}" if self.open else f"at least {self.low:g}"
        wanted = wanted if self.high == inf else f"between {self.low:g} and {self.high:g}"
        raise ValueError(f"{name} must be {wanted}, got {array}")


class ElementwiseLoss(Loss):
    """A loss of one element and its target at a time."""

    def __init__(
        self, definition: Callable[..., Any], parameters: dict[str, Parameter], mean_by_weight: bool
    ) -> None:
        super().__init__(definition)
        self._index: int = _core.table()["loss"][self.__name__]["index"]
        self._parameters = parameters
        self._array_options = ("weight", *parameters)
        self._mean_by_weight = mean_by_weight

    @staticmethod
    def _documented(definition: Callable[..., Any]) -> str | None:
        return complete(definition, LOSSES)

    def _compute(
        self, x: Array, target: Any, options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        shape, reduction = x.shape, options["reduction"]
        t = float_array(target, "target")
        self._check_target(t.shape, shape)
        weight = self._factor(options["weight"], 1.0, "weight", shape)
        parameters = [self._parameter(options[name], name, shape) for name in self._parameters]
        scale = _upstream(grad_output, shape, reduction)
        factor = norm(self._denominator(shape, None, options)) if reduction == "mean" else 1.0
        sources = [a for a in (x, t, weight, scale, *parameters) if a is not _ONE]
        grad = Result(wanted.grad_out, "out", shape, x.dtype, sources, x) if wanted.grad else None
        hess = Result(wanted.hess_out, "out[1]", shape, x.dtype, sources, None) if wanted.hess else None
        value = np.empty(shape, x.dtype) if wanted.value and reduction == "none" else None
        if factor != 1.0 and (wanted.grad or wanted.hess):
            scale = np.array(factor if scale is _ONE else scale.astype(np.float64) * factor)
        total = _core.elementwise_loss(
            self._index,
            x.size,
            [_flat(a) for a in (x, t, weight, scale, *parameters)],
            None if value is None else _flat(value),
            None if grad is None else _flat(grad.array),
            None if hess is None else _flat(hess.array),
            wanted.value and value is None,
        )
        result = value if value is not None else total * factor
        return result, grad and grad.deliver(), hess and hess.deliver()

    @staticmethod
    def _check_target(target: Shape, shape: Shape) -> None:
        if target and target != shape:
            raise ValueError(f"target must be a scalar or have the input's shape {shape}, got {target}")

    @staticmethod
    def _factor(given: Any, default: float, name: str, shape: Shape) -> Array:
        if given is None:
            return _ONE if default == 1.0 else np.asarray(default)
        array = float_array(given, name)
        if not array.ndim:
            return array
        _check_broadcast(array.shape, shape, name)
        return np.broadcast_to(array, shape)

    def _parameter(self, given: Any, name: str, shape: Shape) -> Array:
        parameter = self._parameters[name]
        array = self._factor(given, parameter.default, name, shape)
        if parameter.low != -inf:
            parameter.check(array, name)
        return array

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes["input"]
        self._check_target(shapes["target"], shape)
        for name in self._array_options:
            _check_broadcast(shapes.get(name, ()), shape, name)
        every = tuple(range(len(shape)))
        axes = {name: every[len(every) - len(s) :] for name, s in shapes.items()}
        return Layout(axes, every, ("weight",) if self._mean_by_weight else ())

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        if options["weight"] is None or not self._mean_by_weight:
            return float(prod(shape))
        return exact_sum(self._factor(options["weight"], 1.0, "weight", shape), prod(shape))


class RowLoss(Loss):
    """A loss of a row of classes and its label or target distribution."""

    def __init__(self, definition: Callable[..., Any], soft_targets: bool) -> None:
        super().__init__(definition)
        self._soft_targets = soft_targets

    def _compute(
        self, x: Array, target: Any, options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        shape, reduction = x.shape, options["reduction"]
        axis = _class_axis(options["axis"], len(shape))
        rows = _without(shape, axis)
        t = target if type(target) is np.ndarray else np.asarray(target)
        soft = self._is_soft(t.shape, shape, rows)
        t = float_array(t, "target") if soft else integer_array(t, "target")
        weight = _class_weight(options["weight"], shape[axis])
        smoothing = _smoothing(options.get("label_smoothing", 0.0))
        scale = _upstream(grad_output, rows, reduction)
        sources = [a for a in (x, t, scale, weight) if a is not None and a is not _ONE]
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
            _ignore_index(options["ignore_index"]),
            smoothing,
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
            _check_class_weight(shapes["weight"], shape[axis])
        axes = {"input": every, "target": every if soft else terms, "weight": (axis,)}
        return Layout(axes, terms, () if soft else ("target", "weight"))

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        axis = _class_axis(options["axis"], len(shape))
        if target is None:
            return float(prod(_without(shape, axis)))
        # The labels' weights are the negative log-likelihoods of log-probabilities -1.
        view = _Cubes(shape, axis)
        total = _core.row_loss(
            False,
            view.cube(np.broadcast_to(_MINUS_ONE, shape)),
            view.plane(np.atleast_1d(integer_array(target, "target"))),
            False,
            _class_weight(options["weight"], shape[axis]),
            _ignore_index(options["ignore_index"]),
            0.0,
            _ONE,
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


def _class_weight(given: Any, classes: int) -> Array | None:
    if given is None:
        return None
    weight = float_array(given, "weight")
    _check_class_weight(weight.shape, classes)
    return weight


def _check_class_weight(shape: Shape, classes: int) -> None:
    if shape != (classes,):
        raise ValueError(f"weight must have shape ({classes},), one for each class of input, got {shape}")


def _smoothing(value: Any) -> float:
    try:
        smoothing = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"label_smoothing must be a number between 0 and 1, got {value!r}") from None
    if not 0.0 <= smoothing <= 1.0:
        raise ValueError(f"label_smoothing must be between 0 and 1, got {value!r}")
    return smoothing


def _ignore_index(value: Any) -> int:
    if type(value) is not int and (isinstance(value, bool) or not hasattr(value, "__index__")):
        raise TypeError(f"ignore_index must be an integer, got {value!r}")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"ignore_index must fit int64, got {value}")
    return int(value)


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


def elementwise_loss(
    mean_by_weight: bool = False, **parameters: Parameter
) -> Callable[[Callable[..., Any]], ElementwiseLoss]:
    """Decorate a documented definition; `parameters` are the body's."""
    return lambda definition: ElementwiseLoss(definition, parameters, mean_by_weight)


def row_loss(soft_targets: bool = False) -> Callable[[Callable[..., Any]], RowLoss]:
    """Decorate a documented definition of a loss over the core's row kernels."""
    return lambda definition: RowLoss(definition, soft_targets)
