"""What losses have in common: the calls, the options, upstream gradients, what a mean divides by.

A loss computes in the input's float type: target and weights are converted to it.
Reduced values are Python floats, accumulated in float64 in an order that neither
layout, threads nor instruction set changes.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import combinations
from math import frexp, inf, isfinite
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np

from fastact._arrays import Array, any_dask, choice, float_array
from fastact._config import _core

Reduction = Literal["none", "mean", "sum"]
REDUCTIONS = ("none", "mean", "sum")

_NO_UPSTREAM = 1.0  # by identity: a gradient asked for without a grad_output
ONE = np.ones(())
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
        # inputs of which it is a part of a gradient: not to be rounded
        self.parts: frozenset[str] = frozenset()
        if hess:
            check_apart([(self.grad_out, "out[0]"), (self.hess_out, "out[1]")])


def check_apart(outputs: list[tuple[Any, str]]) -> None:
    """Refuses outputs, with their names, of which two share memory."""
    arrays = [pair for pair in outputs if isinstance(pair[0], np.ndarray)]
    for (a, first), (b, second) in combinations(arrays, 2):
        if np.shares_memory(a, b):
            raise ValueError(f"{first} and {second} must not share memory")


def parts(out: Any, name: str, count: int) -> list[tuple[Any, str]]:
    """Where the result by each of `count` inputs goes, with its name."""
    if out is None:
        return [(None, name)] * count
    if not isinstance(out, tuple) or len(out) != count:
        number = {2: "two", 3: "three"}[count]
        raise TypeError(f"{name} must be a tuple of {number} arrays, one for each input")
    return [(part, f"{name}[{k}]") for k, part in enumerate(out)]


class Layout(NamedTuple):
    """How a loss's arrays lie along its input's axes, for whoever computes it by blocks."""

    axes: dict[str, tuple[int, ...]]  # of each array, by the argument's name; own ones come after the input's
    terms: tuple[int, ...]  # of the unreduced value; a block must hold the other axes whole
    counted: tuple[str, ...] = ()  # arrays that decide what a mean divides by
    joined: bool = False  # chunks along the other axes are joined, not refused
    least: int = 0  # length of own axes beside no terms


_VALUE, _VALUE_AND_GRAD, _GRAD = Wanted(value=True), Wanted(value=True, grad=True), Wanted(grad=True)


class Loss(ABC):
    """A loss with its gradients by its inputs.

    All take the same arguments; ``out=`` is where to put the gradient, and may be the
    input itself, which is then overwritten. Where a loss has several inputs with gradients, the
    gradient is a tuple of theirs, and so is ``out``.

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

    If any argument is a Dask array, results are lazy Dask arrays in the blocks of the first
    input, reduced values 0-d float64 ones; gradients by an input that all blocks share are sums
    over blocks. Labels are checked when they are computed; the row that an error names is
    counted within its block.
    """

    kind = "loss"
    _array_options: tuple[str, ...] = ("weight",)
    _labels: tuple[str, ...] = ("target",)  # arrays that may hold integers, of which 0 is always right
    _reductions: tuple[str, ...] = REDUCTIONS

    def __init__(self, definition: Callable[..., Any]) -> None:
        self.__name__ = self.__qualname__ = definition.__name__
        self.__module__ = "fastact"
        self.__doc__ = self._documented(definition)
        self.__signature__ = inspect.signature(definition)
        parameters = self.__signature__.parameters.values()
        self._operands = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self._inputs = self._operands[:1]  # that have gradients
        self._defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @staticmethod
    def _documented(definition: Callable[..., Any]) -> str | None:
        return definition.__doc__

    def __call__(self, *operands: Any, **options: Any) -> Any:
        if not options and (plain := self._plain(operands, True, False, None)) is not None:
            return plain[0]
        return self._run(operands, options, _VALUE, _NO_UPSTREAM)[0]

    def value_and_grad(self, *operands: Any, out: Any = None, **options: Any) -> tuple[Any, Any]:
        """The value and its gradient, in one pass."""
        if not options and (plain := self._plain(operands, True, True, out)) is not None:
            return plain
        wanted = _VALUE_AND_GRAD if out is None else Wanted(value=True, grad=True, out=out)
        return self._run(operands, options, wanted, _NO_UPSTREAM)[:2]

    def grad(self, *operands: Any, out: Any = None, **options: Any) -> Any:
        """The gradient of the reduced value; with "none", of the sum."""
        if not options and (plain := self._plain(operands, False, True, out)) is not None:
            return plain[1]
        wanted = _GRAD if out is None else Wanted(grad=True, out=out)
        return self._run(operands, options, wanted, _NO_UPSTREAM)[1]

    def backward(self, grad_output: Any, *operands: Any, out: Any = None, **options: Any) -> Any:
        """`grad_output` times the gradient."""
        wanted = _GRAD if out is None else Wanted(grad=True, out=out)
        return self._run(operands, options, wanted, grad_output)[1]

    def grad_and_hess(self, *operands: Any, out: Any = None, **options: Any) -> tuple[Any, Any]:
        """The gradient and the Hessian's diagonal."""
        return self._run(operands, options, Wanted(grad=True, hess=True, out=out), _NO_UPSTREAM)[1:]

    def _bound(self, operands: tuple[Any, ...], given: dict[str, Any]) -> tuple[Any, ...]:
        """All operands in their order, those given by name taken out of `given`."""
        if len(operands) > len(self._operands):
            raise TypeError(
                f"{self.__name__} takes {len(self._operands)} positional arguments "
                f"({', '.join(self._operands)}), got {len(operands)}; options are given by name"
            )
        for name in self._operands[: len(operands)]:
            if name in given:
                raise TypeError(f"{self.__name__} got two values for {name}")
        for name in self._operands[len(operands) :]:
            if name not in given:
                raise TypeError(f"{self.__name__} needs {name}")
            operands += (given.pop(name),)
        return operands

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given:
            return self._defaults
        unknown = given.keys() - self._defaults.keys()
        if unknown:
            raise TypeError(
                f"{self.__name__} has no option {sorted(unknown)[0]!r}; it takes {', '.join(self._defaults)}"
            )
        options = {**self._defaults, **given}
        choice(options["reduction"], "reduction", self._reductions)
        return options

    def _run(
        self, operands: tuple[Any, ...], given: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        if given or len(operands) != len(self._operands):
            operands = self._bound(operands, given)
        options = self._options(given)
        if any_dask(*operands, grad_output, *options.values()):
            from fastact._losses import blocks

            named = dict(zip(self._operands, operands, strict=True))
            return blocks.run(self, named, options, wanted, grad_output)
        with _core.DefaultFloat():
            return self._compute(operands, options, wanted, grad_output)

    def _plain(
        self, operands: tuple[Any, ...], value: bool, grad: bool, out: Any
    ) -> tuple[float, Array | None] | None:
        """Value and gradient, as wanted, of a call that needs no checks and no options; None: of another."""
        return None

    @abstractmethod
    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        """Value, gradient and Hessian diagonal, as wanted."""

    @abstractmethod
    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        """Where arrays of these shapes lie; refuses what does not go together."""

    @abstractmethod
    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        """What a mean over input of `shape` divides by: a sum over terms, so that blocks'
        add up. `target` and weights are None unless the layout counts them."""

    def _summed(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        """The sum of the terms that a reduction adds up, and its gradients: blocks' add up."""
        counted = self._counted_weights(operands, options) if options["reduction"] == "mean" else None
        options = {**options, "reduction": "sum"}
        if counted is None:
            return self._run(operands, options, wanted, grad_output)
        weight, exponent = near_1(float_array(options["weight"], "weight"), counted)
        with np.errstate(all="ignore"):
            if wanted.grad:  # else it has not been divided
                grad_output = np.ldexp(float_array(grad_output, "grad_output").astype(np.float64), exponent)
            value, *gradients = self._run(operands, {**options, "weight": weight}, wanted, grad_output)
            return None if value is None else float(np.ldexp(value, exponent)), *gradients

    def _counted_weights(self, operands: tuple[Any, ...], options: dict[str, Any]) -> Array | None:
        """Those that a mean divides by, if it does not depend on their size."""
        return None

    def _for_blocks(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """A call's arrays by their names, some of them lazy, in a form that can be cut to blocks."""
        return arrays

    def _of_block(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """A block of what `_for_blocks` gave, in the form that a call takes."""
        return arrays

    def __repr__(self) -> str:
        return f"<fastact.{self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__


class Range(NamedTuple):
    """Which numbers an option may be, never NaN. `open`: more than the least; `outside`: not strictly
    between these."""

    low: float = -inf
    high: float = inf
    open: bool = False
    outside: tuple[float, float] | None = None
    finite: bool = False

    def check(self, given: Any, name: str, values: Array) -> None:
        """Of `given` as an array."""
        # of a number as a list: minimum and maximum would take longer than the loss
        ends = [values.min(), values.max()] if values.size > 1 else values.reshape(-1).tolist()
        if not all(map(self.holds, ends)):
            self.refuse(given, name)
        if self.outside is not None and ((values > self.outside[0]) & (values < self.outside[1])).any():
            self.refuse(given, name)

    def holds(self, value: float) -> bool:
        """False for NaN."""
        above = value >= self.low if not self.open else value > self.low
        return above and value <= self.high and (not self.finite or isfinite(value))

    def refuse(self, given: Any, name: str) -> NoReturn:
        raise ValueError(f"{name} must be {self._wanted()}, got {given!r}")

    def _wanted(self) -> str:
        if self.outside is not None:
            return "at most {:g} or at least {:g}".format(*self.outside)
        number = "a finite number" if self.finite else "a number"
        if self.high < inf:
            return f"{number} between {self.low:g} and {self.high:g}"
        if self.low > -inf:
            return f"{number}, {'more than' if self.open else 'at least'} {self.low:g}"
        return number if self.finite else f"{number}, not NaN"


FINITE = Range(finite=True)


def _as_float(value: Any) -> float | None:
    if isinstance(value, (str, bytes)) or np.ndim(value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def number(value: Any, name: str, allowed: Range = FINITE) -> float:
    """An option that is one number."""
    found = value if type(value) is float else _as_float(value)
    if found is None:
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not allowed.holds(found):
        allowed.refuse(value, name)
    return found


def integer(value: Any, name: str) -> int:
    """An option that is an integer of any size."""
    if type(value) is not int and (isinstance(value, bool) or not hasattr(value, "__index__")):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    return int(value)


def int64(value: Any, name: str) -> int:
    found = integer(value, name)
    if not -(2**63) <= found < 2**63:
        raise ValueError(f"{name} must fit int64, got {found}")
    return found


def switch(value: Any, name: str) -> bool:
    """An option that is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_broadcast(shape: Shape, to: Shape, name: str) -> None:
    try:
        fits = np.broadcast_shapes(shape, to) == to
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} of shape {shape} does not broadcast to input of shape {to}")


def flat(array: Array) -> Array:
    """0-d as it is, which repeats; else 1-d in C order, copied unless it is a view."""
    return array if array.ndim <= 1 else array.reshape(-1)


def check_upstream(shape: Shape, terms: Shape, reduction: str) -> None:
    if reduction != "none" and shape:
        raise ValueError(f'grad_output must be a scalar with reduction="{reduction}", got shape {shape}')
    if shape and shape != terms:
        raise ValueError(f"grad_output must be a scalar or of the loss's shape {terms}, got {shape}")


def upstream(grad_output: Any, terms: Shape, reduction: str) -> Array:
    if grad_output is _NO_UPSTREAM:
        return ONE
    array = float_array(grad_output, "grad_output")
    check_upstream(array.shape, terms, reduction)
    return array


def checked_weight(given: Any, check: Callable[[Shape, Any], None], of: Any) -> Array | None:
    """The weights, if there are any, of a shape that `check` does not refuse."""
    if given is None:
        return None
    array = float_array(given, "weight")
    check(array.shape, of)
    return array


def check_row_weight(shape: Shape, terms: Shape) -> None:
    """One for each of the loss's terms, or one for all."""
    if shape and shape != terms:
        raise ValueError(f"weight must be a scalar or of the loss's shape {terms}, got {shape}")


def exact_sum(array: Array, size: int) -> float:
    """The sum of `size` values, a 0-d array's repeated, in the order of every other sum."""
    # of array * (1 - 0)^2
    operands = [ONE, _ZERO, flat(array), ONE]
    return float(_core.elementwise_loss(_SQUARE, size, operands, (), True))


def is_far_from_1(size: float) -> bool:
    """So that float32 might not hold it, its reciprocal or a product with it."""
    return not 2**-60 < abs(size) < 2**60


def near_1(weight: Array, counted: Array) -> tuple[Array, int]:
    """weight / 2**exponent, and the exponent: 0 unless the largest of the weights that are counted is so far
    from 1 that float32 might not hold it. Then it is about 1, and weights are float64."""
    largest = float(np.abs(counted).max(initial=0.0))
    if not (0.0 < largest < inf and is_far_from_1(largest)):
        return weight, 0
    exponent = frexp(largest)[1]
    with np.errstate(all="ignore"):  # of weights that are not counted
        return np.ldexp(weight.astype(np.float64), -exponent), exponent


def over(total: Any, denominator: float) -> Any:
    """A mean; over nothing 0."""
    return total / denominator if denominator else total * 0.0
