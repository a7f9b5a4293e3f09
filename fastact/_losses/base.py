"""What all losses share: the calls, and what a kind of loss must define.

A call goes one of three ways:

1. `_fast_path`: without options, for arrays that the core takes as they are; of methods in the core itself.
2. `_compute`: other NumPy arrays, and whatever makes one.
3. `blocks.run`: Dask arrays. Each block is a call of the second way.

A loss computes in the input's float type: target and weights are converted to it. Reduced values are
Python floats, accumulated in float64 in an order that neither layout, threads nor instruction set changes.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike

from fastact._arrays import Array, any_dask, choice, float_array
from fastact._config import _core
from fastact._functions.containers import check_loss_labels, has_containers
from fastact._losses.interface import Layout, Request
from fastact._losses.options import NO_GRAD_OUTPUT, REDUCTIONS, Shape, refuse_negative, rescale_weight

P = ParamSpec("P")  # a loss's arguments, as its definition has them
G = TypeVar("G")  # its gradient: an array, or of several inputs a tuple

_VALUE, _VALUE_AND_GRAD, _GRAD = Request(value=True), Request(value=True, grad=True), Request(grad=True)


class Loss(ABC, Generic[P, G]):
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
    _unaligned_operands: tuple[str, ...] = ()  # of no element for each of the first's, whatever their shape
    _reductions: tuple[str, ...] = REDUCTIONS
    _fast_path = _core.FastLoss()

    def __init__(self, definition: Callable[P, Any]) -> None:
        self.__name__ = self.__qualname__ = definition.__name__
        self.__module__ = "fastact"
        self.__doc__ = self._documented(definition)
        self.__signature__ = inspect.signature(definition)
        parameters = self.__signature__.parameters.values()
        self._operands = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self._inputs = self._operands[:1]  # that have gradients
        self._defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        for name in ("value_and_grad", "grad", "backward", "grad_and_hess"):
            setattr(self, name, self._method(name))

    def _set_fast_path(self, fast_path: _core.FastLoss) -> None:
        """For calls where nothing needs a check or a conversion."""
        self._fast_path = self.value_and_grad.fast_path = self.grad.fast_path = fast_path  # type: ignore[attr-defined]

    def _method(self, name: str) -> Any:
        """The method with the loss's own arguments in its signature."""
        method: Any = _core.LossMethod(self, getattr(type(self), name))
        kind = inspect.Parameter
        first = [kind("grad_output", kind.POSITIONAL_OR_KEYWORD)] if name == "backward" else []
        own = self.__signature__.parameters.values()
        method.__signature__ = inspect.Signature([*first, *own, kind("out", kind.KEYWORD_ONLY, default=None)])
        return method

    @staticmethod
    def _documented(definition: Callable[..., Any]) -> str | None:
        return definition.__doc__

    # ---- calls ----------------------------------------------------------------------

    # What type checkers see: calls with `out` or reduction "none" are told apart, all others have the
    # definition's arguments. Dask arrays give lazy arrays, which the types do not say.

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, *args: Any, reduction: Literal["none"], **kwargs: Any
    ) -> Array: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> float: ...
    def __call__(self, *operands: Any, **options: Any) -> Any:
        if not options and (result := self._fast_path(operands, True, False, None)) is not NotImplemented:
            return result[0]
        return self._run(operands, options, _VALUE, NO_GRAD_OUTPUT)[0]

    @overload
    def value_and_grad(  # type: ignore[overload-overlap]
        self, *args: Any, reduction: Literal["none"], **kwargs: Any
    ) -> tuple[Array, G]: ...
    @overload
    def value_and_grad(self, *args: Any, out: Any, **kwargs: Any) -> tuple[float, G]: ...
    @overload
    def value_and_grad(self, *args: P.args, **kwargs: P.kwargs) -> tuple[float, G]: ...
    def value_and_grad(self, *operands: Any, out: Any = None, **options: Any) -> Any:
        """The value and its gradient, in one pass."""
        request = _VALUE_AND_GRAD if out is None else Request(value=True, grad=True, out=out)
        return self._run(operands, options, request, NO_GRAD_OUTPUT)[:2]

    @overload
    def grad(self, *args: Any, out: Any, **kwargs: Any) -> G: ...
    @overload
    def grad(self, *args: P.args, **kwargs: P.kwargs) -> G: ...
    def grad(self, *operands: Any, out: Any = None, **options: Any) -> Any:
        """The gradient of the reduced value; with "none", of the sum."""
        request = _GRAD if out is None else Request(grad=True, out=out)
        return self._run(operands, options, request, NO_GRAD_OUTPUT)[1]

    @overload
    def backward(self, grad_output: ArrayLike, *args: Any, out: Any, **kwargs: Any) -> G: ...
    @overload
    def backward(self, grad_output: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> G: ...
    def backward(self, grad_output: Any, *operands: Any, out: Any = None, **options: Any) -> Any:
        """`grad_output` times the gradient."""
        request = _GRAD if out is None else Request(grad=True, out=out)
        return self._run(operands, options, request, grad_output)[1]

    @overload
    def grad_and_hess(self, *args: Any, out: Any, **kwargs: Any) -> tuple[G, G]: ...
    @overload
    def grad_and_hess(self, *args: P.args, **kwargs: P.kwargs) -> tuple[G, G]: ...
    def grad_and_hess(self, *operands: Any, out: Any = None, **options: Any) -> Any:
        """The gradient and the Hessian's diagonal."""
        return self._run(operands, options, Request(grad=True, hess=True, out=out), NO_GRAD_OUTPUT)[1:]

    def _run(
        self, operands: tuple[Any, ...], given: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        """Value, gradient and Hessian diagonal, those that are requested. `given` are keywords."""
        try:
            if given or len(operands) != len(self._operands):
                operands = self._bind(operands, given)
            options = self._all_options(given)
            if request.hess:
                request.split_out()
            if has_containers(*operands):
                check_loss_labels(self.__name__, self._operands, operands, self._unaligned_operands)
            if any_dask(*operands, grad_output, *options.values()):
                from fastact._losses import blocks  # here: only Dask arrays need Dask

                named = dict(zip(self._operands, operands, strict=True))
                return blocks.run(self, named, options, request, grad_output)
            with _core.DefaultFloat():
                return self._compute(operands, options, request, grad_output)
        except (TypeError, ValueError, IndexError, MemoryError) as error:
            _core.rename(self.__name__, error)  # whoever finds a fault need not know whose it is
            raise

    def _bind(self, operands: tuple[Any, ...], given: dict[str, Any]) -> tuple[Any, ...]:
        """All operands in their order; those given by name are taken out of `given`."""
        first, others = self._operands[: len(operands)], self._operands[len(operands) :]
        if len(operands) > len(first) or not given.keys().isdisjoint(first) or not given.keys() >= {*others}:
            _core.check_call(self, operands, given)
        return operands + tuple([given.pop(name) for name in others]) if others else operands

    def _all_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """All options: those given, else their defaults."""
        if not given:
            return self._defaults
        if not given.keys() <= self._defaults.keys():
            _core.check_call(self, (None,) * len(self._operands), given)
        options = {**self._defaults, **given}
        choice(options["reduction"], "reduction", self._reductions)
        return options

    def _check_options(self, options: dict[str, Any]) -> None:
        """Refuses what is wrong with options whatever the operands are: before there are any."""
        if options["weight"] is not None:
            refuse_negative(float_array(options["weight"], "weight"), "weight")

    # ---- what a kind of loss defines --------------------------------------------------

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
