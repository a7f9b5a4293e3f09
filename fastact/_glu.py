"""Gated linear units: an axis split in two halves, one of which gates the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastact._arrays import any_dask, as_array, as_weak_array, check_order, check_out, choice, single
from fastact._config import _core
from fastact._docs import GATES, complete
from fastact._method import Method
from fastact._row_op import normalize

BLOCK = 1 << 17  # elements of a half: what two passes read is then still in a cache


class Glu(Method):
    """A gated linear unit with its derivatives.

    In the core it is an activation of the gate b whose parameter is a: ``backward`` by b is
    that activation's, and ``backward`` by a that by its parameter.
    """

    kind = "activation"

    def __init__(self, definition: Callable[..., Any]) -> None:
        super().__init__(definition.__name__, self._value, inspect.signature(definition))
        self.__doc__ = complete(definition.__doc__, GATES)
        self.backward = Method(f"{self.__name__}.backward", self._backward)
        self.derivative = Method(f"{self.__name__}.derivative", self._derivative)

    def _ufunc(self, suffix: str) -> Any:
        return getattr(_core, self.__name__ + suffix)

    def _value(self, input: Any, axis: int = -1, *, gate: str = "second", out: Any = None) -> Any:
        a, b = self._halves(as_array(input), axis, gate)
        out = single(out)
        if out is not None and np.shape(out) != a.shape:
            raise ValueError(f"{self.__name__}: out must have shape {a.shape}, got {np.shape(out)}")
        return self._ufunc("")(b, a, out=out)

    def _backward(
        self, grad_output: Any, input: Any, axis: int = -1, *, gate: str = "second", out: Any = None
    ) -> Any:
        """Gradient by the input, in its shape. `grad_output` has the shape of the result."""
        x, dy = as_array(input), as_weak_array(grad_output)
        a, b = self._halves(x, axis, gate)
        if np.ndim(dy) and dy.shape != a.shape:
            raise ValueError(f"{self.__name__}: grad_output must have shape {a.shape}, got {dy.shape}")
        functions = self._ufunc("_backward_by_parameter"), self._ufunc("_backward")
        return self._both(x, functions, [dy, b, a], axis, gate, out)

    def _derivative(
        self, input: Any, axis: int = -1, *, gate: str = "second", order: int = 1, out: Any = None
    ) -> Any:
        """First (``order=1``) or second (``order=2``) derivative by each element of the input, in its
        shape: by an element of a they are act(b) and 0, by one of b a act'(b) and a act''(b)."""
        check_order(order, f"{self.__name__}.derivative")
        if order == 1:
            return self._backward(1.0, input, axis, gate=gate, out=out)
        x = as_array(input)
        a, b = self._halves(x, axis, gate)
        second = self._ufunc("_second_derivative")
        return self._both(x, (_nothing, second), [b, a], axis, gate, out)

    def _both(
        self, x: Any, functions: tuple[Any, Any], operands: list[Any], axis: int, gate: str, out: Any
    ) -> Any:
        """What the functions give by a and by b of the same operands, in the halves of an array."""
        if not any_dask(x, *operands):
            return self._into(x, functions, operands, axis, gate, out)
        if out is not None:
            raise TypeError(f"{self.__name__}: out cannot be used with Dask arrays")
        import dask.array

        by_a, by_b = (function(*operands) for function in functions)
        return dask.array.concatenate((by_a, by_b) if gate == "second" else (by_b, by_a), axis=axis)

    def _halves(self, x: Any, axis: Any, gate: str) -> tuple[Any, Any]:
        """a and the gate b, of which `axis` is split."""
        if gate != "second":
            choice(gate, f"{self.__name__}: gate", ("second", "first"))
        if not x.ndim:
            raise ValueError(f"{self.__name__}: the input must have at least one dimension, got a scalar")
        if isinstance(axis, bool) or not hasattr(axis, "__index__"):
            raise TypeError(f"{self.__name__}: axis must be an int, got {axis!r}")
        (along,) = normalize(axis, x.ndim, self.__name__)
        length = x.shape[along]
        if length % 2:
            raise ValueError(
                f"{self.__name__}: axis {axis} of the input must have an even length, got {length}"
            )
        halves = [_slice(x, along, k * (length // 2), (k + 1) * (length // 2)) for k in (0, 1)]
        return (halves[0], halves[1]) if gate == "second" else (halves[1], halves[0])

    def _into(
        self, x: Any, functions: tuple[Any, Any], operands: list[Any], axis: int, gate: str, out: Any
    ) -> Any:
        """functions(*operands) to the halves of an array like x, block by block."""
        out = single(out)
        nothing = [a if np.ndim(a) == 0 else a[:0] for a in operands]
        dtype = functions[1](*nothing).dtype
        result = np.empty_like(x, dtype) if out is None else check_out(out, "out", x.shape, dtype)
        if out is None and x.size <= 2 * BLOCK:
            for function, half in zip(functions, self._halves(result, axis, gate), strict=True):
                function(*operands, out=half)
            return result
        shared = out is not None and any(np.may_share_memory(out, a) for a in operands)
        target = np.empty_like(x, dtype) if shared else result
        halves = self._halves(target, axis, gate)
        longest = int(np.argmax(halves[0].shape))
        length = halves[0].shape[longest]
        step = max(1, BLOCK * length // max(1, halves[0].size))
        for start in range(0, length, step):
            block = [a if np.ndim(a) == 0 else _slice(a, longest, start, start + step) for a in operands]
            for function, half in zip(functions, halves, strict=True):
                function(*block, out=_slice(half, longest, start, start + step))
        if shared:
            result[...] = target
        return result


def _slice(a: Any, axis: int, start: int, stop: int) -> Any:
    return a[(slice(None),) * axis + (slice(start, stop),)]


def _nothing(b: Any, a: Any, out: Any = None) -> Any:
    """The second derivative by a, which is 0; NaN stays."""
    return np.add(_core.step_derivative(b), _core.step_derivative(a), out=out)


def gated_linear_unit(definition: Callable[..., Any]) -> Glu:
    """Decorate a documented definition into a `Glu`."""
    return Glu(definition)
