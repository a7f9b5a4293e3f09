"""What all losses share: the calls, and what a kind of loss must define.

A call goes one of three ways:

1. `_fast_path`: without options, for arrays that the core takes as they are.
2. `_compute`: other NumPy arrays, and whatever makes one.
3. `blocks.run`: Dask arrays. Each block is a call of the second way.

A loss computes in the input's float type: target and weights are converted to it. Reduced values are
Python floats, accumulated in float64 in an order that neither layout, threads nor instruction set changes.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from fastact._arrays import Array, any_dask, choice, float_array
from fastact._config import _core
from fastact._losses.interface import Layout, Request
from fastact._losses.options import NO_GRAD_OUTPUT, REDUCTIONS, Shape, rescale_weight

_VALUE, _VALUE_AND_GRAD, _GRAD = Request(value=True), Request(value=True, grad=True), Request(grad=True)


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
    _integer_operands: tuple[str, ...] = ("target",)  # which may hold integers, of which 0 is always right
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

    # ---- calls ----------------------------------------------------------------------

    def __call__(self, *operands: Any, **options: Any) -> Any:
        if not options and (result := self._fast_path(operands, True, False, None)) is not NotImplemented:
            return result[0]
        return self._run(operands, options, _VALUE, NO_GRAD_OUTPUT)[0]

    def value_and_grad(self, *operands: Any, out: Any = None, **options: Any) -> tuple[Any, Any]:
        """The value and its gradient, in one pass."""
        if not options and (result := self._fast_path(operands, True, True, out)) is not NotImplemented:
            return result
        request = _VALUE_AND_GRAD if out is None else Request(value=True, grad=True, out=out)
        return self._run(operands, options, request, NO_GRAD_OUTPUT)[:2]

    def grad(self, *operands: Any, out: Any = None, **options: Any) -> Any:
        """The gradient of the reduced value; with "none", of the sum."""
        if not options and (result := self._fast_path(operands, False, True, out)) is not NotImplemented:
            return result[1]
        request = _GRAD if out is None else Request(grad=True, out=out)
        return self._run(operands, options, request, NO_GRAD_OUTPUT)[1]

    def backward(self, grad_output: Any, *operands: Any, out: Any = None, **options: Any) -> Any:
        """`grad_output` times the gradient."""
        request = _GRAD if out is None else Request(grad=True, out=out)
        return self._run(operands, options, request, grad_output)[1]

    def grad_and_hess(self, *operands: Any, out: Any = None, **options: Any) -> tuple[Any, Any]:
        """The gradient and the Hessian's diagonal."""
        return self._run(operands, options, Request(grad=True, hess=True, out=out), NO_GRAD_OUTPUT)[1:]

    def _run(
        self, operands: tuple[Any, ...], given: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        """Value, gradient and Hessian diagonal, those that are requested. `given` are keywords."""
        if given or len(operands) != len(self._operands):
            operands = self._bind(operands, given)
        options = self._all_options(given)
        if any_dask(*operands, grad_output, *options.values()):
            from fastact._losses import blocks  # here: only Dask arrays need Dask

            named = dict(zip(self._operands, operands, strict=True))
            return blocks.run(self, named, options, request, grad_output)
        with _core.DefaultFloat():
            return self._compute(operands, options, request, grad_output)

    def _bind(self, operands: tuple[Any, ...], given: dict[str, Any]) -> tuple[Any, ...]:
        """All operands in their order; those given by name are taken out of `given`."""
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

    def _all_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """All options: those given, else their defaults."""
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

    # ---- what a kind of loss defines --------------------------------------------------

    def _fast_path(self, operands: tuple[Any, ...], value: bool, grad: bool, out: Any) -> tuple[Any, Any]:
        """Value and gradient, as wanted, where nothing needs a check or a conversion; else NotImplemented."""
        return NotImplemented  # type: ignore[no-any-return]

    @abstractmethod
    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        """Value, gradient and Hessian diagonal, those that are requested."""

    @abstractmethod
    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        """How arrays of these shapes lie along the input's axes; refuses shapes that do not go together."""

    @abstractmethod
    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        """What a mean over an input of `shape` divides by. It is a sum over terms, so those of blocks add
        up. `target` and weights are None unless the layout names them in `denominator_arguments`."""

    # ---- blocks -----------------------------------------------------------------------

    def _block_sum(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        """The sum of a block's terms, and the gradients of that: the whole's are the sums over blocks."""
        weights = self._scale_free_weights(operands, options) if options["reduction"] == "mean" else None
        options = {**options, "reduction": "sum"}
        if weights is None:
            return self._run(operands, options, request, grad_output)
        weight, exponent = rescale_weight(float_array(options["weight"], "weight"), weights)
        with np.errstate(all="ignore"):
            if request.grad:  # then grad_output has been divided by the sum of weights as given
                grad_output = np.ldexp(float_array(grad_output, "grad_output").astype(np.float64), exponent)
            value, *gradients = self._run(operands, {**options, "weight": weight}, request, grad_output)
            return None if value is None else float(np.ldexp(value, exponent)), *gradients

    def _scale_free_weights(self, operands: tuple[Any, ...], options: dict[str, Any]) -> Array | None:
        """The weights that a mean divides by, if a factor that they share cancels; else None."""
        return None

    def _before_chunking(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """A call's arrays by their names, some of them lazy, in a form that can be cut into blocks."""
        return arrays

    def _of_block(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """A block of what `_before_chunking` gave, in the form that a call takes."""
        return arrays

    def __repr__(self) -> str:
        return f"<fastact.{self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__
