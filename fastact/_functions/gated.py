"""Gated linear units: one half of an axis gates the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastact._arrays import (
    any_dask,
    as_array,
    as_weak_array,
    check_order,
    check_out,
    choice,
    is_float,
    is_integer,
    same_shape,
    unpack_out,
)
from fastact._config import _core
from fastact._docs import GATES, complete
from fastact._functions.containers import Opened, close_out, has_containers, open_out
from fastact._functions.python_function import PythonFunction
from fastact._functions.row_op import normalize_axes


class Glu(_core.Gated):
    """A gated linear unit, a act(b), with its derivatives.

    In the core it is an activation of the gate b with a parameter a. So the gradient by b is that
    activation's ``backward``, and the gradient by a its gradient by the parameter.
    """

    kind = "activation"

    def __init__(self, definition: Callable[..., Any]) -> None:
        name, signature = definition.__name__, inspect.signature(definition)
        super().__init__(name, getattr(_core, name), PythonFunction(name, self._value, signature))
        self.__doc__, self.__signature__ = complete(definition, GATES), signature
        general = PythonFunction(f"{name}.backward", self._backward)
        backward: Any = _core.Gated(general.__name__, getattr(_core, f"{name}_backward_both"), general)
        backward.__doc__, backward.__signature__ = general.__doc__, general.__signature__
        self.backward = backward
        self.derivative = PythonFunction(f"{self.__name__}.derivative", self._derivative)

    def _ufunc(self, suffix: str) -> Any:
        return getattr(_core, self.__name__ + suffix)

    def _value(self, input: Any, axis: int = -1, *, gate: str = "second", out: Any = None) -> Any:
        return self._call(self._plain_value, {"input": input}, axis, gate, out)

    def _backward(
        self, grad_output: Any, input: Any, axis: int = -1, *, gate: str = "second", out: Any = None
    ) -> Any:
        """Gradient by the input, in its shape. `grad_output` has the shape of the result."""
        named = {"input": input, "grad_output": grad_output}
        return self._call(self._plain_backward, named, axis, gate, out)

    def _derivative(
        self, input: Any, axis: int = -1, *, gate: str = "second", order: int = 1, out: Any = None
    ) -> Any:
        """First (``order=1``) or second (``order=2``) derivative by each element of the input, in its
        shape: by an element of a they are act(b) and 0, by one of b a act'(b) and a act''(b)."""
        check_order(order, f"{self.__name__}.derivative")
        if order == 1:
            return self._call(self._plain_backward, {"input": input}, axis, gate, out)
        return self._call(self._plain_second_derivative, {"input": input}, axis, gate, out)

    def _call(self, function: Any, named: dict[str, Any], axis: Any, gate: str, out: Any) -> Any:
        """A function of plain arrays. A result is hidden where one of the entries that make it is."""
        if not has_containers(*named.values(), out):
            return function(*named.values(), axis=axis, gate=gate, out=out)
        opened, halves = Opened(self.__name__, named, out), function == self._plain_value
        plain_out = open_out(self.__name__, out)
        result = function(*opened.arrays.values(), axis=axis, gate=gate, out=plain_out)
        hidden, mask = opened.mask("input"), None
        if "grad_output" in named:
            mask = opened.mask("grad_output")
        if hidden is not None:
            first, second = np.split(hidden, 2, axis)
            mask = first | second if mask is None else first | second | mask
        if mask is not None and not halves:
            mask = np.concatenate((mask, mask), axis)
        if out is not None:
            return close_out(self.__name__, out, result, mask)
        return opened.close(result, (), (axis % result.ndim,) * halves, mask)

    def _plain_value(self, input: Any, axis: int, gate: str, out: Any) -> Any:
        x = as_array(input)
        a, b = self._halves(x, self._split(x, axis, gate))
        out = unpack_out(out)
        if out is not None and not any_dask(a, out):
            check_out(out, f"{self.__name__}: out", a.shape, _result_type((b, a), self._ufunc("")))
        return self._ufunc("")(b, a, out=out)

    def _plain_backward(self, input: Any, grad_output: Any = 1.0, *, axis: int, gate: str, out: Any) -> Any:
        x, dy = as_array(input), as_weak_array(grad_output)
        split = self._split(x, axis, gate)
        a, b = self._halves(x, split)
        if np.ndim(dy) and not same_shape(dy.shape, a.shape):
            raise ValueError(f"{self.__name__}: grad_output must have shape {a.shape}, got {dy.shape}")
        if any_dask(x, dy):
            by_a, by_b = self._ufunc("_backward_by_parameter"), self._ufunc("_backward")
            return self._concatenated(by_a(dy, b, a), by_b(dy, b, a), axis, gate, out)
        return self._write_halves(x, self._ufunc("_backward_both"), (dy, b, a), split, out)

    def _plain_second_derivative(self, input: Any, axis: int, gate: str, out: Any) -> Any:
        x = as_array(input)
        split = self._split(x, axis, gate)
        a, b = self._halves(x, split)
        if any_dask(x):
            return self._concatenated(*self._second_derivatives(b, a)[::-1], axis, gate, out)
        return self._write_halves(x, self._second_derivatives, (b, a), split, out)

    def _second_derivatives(self, b: Any, a: Any, out: tuple[Any, Any] = (None, None)) -> tuple[Any, Any]:
        """Second derivatives by b and by a: that by a is 0, where nothing is NaN."""
        by_a = np.add(_core.step_derivative(b), _core.step_derivative(a))
        by_b = self._ufunc("_second_derivative")(b, a, out=out[0])
        return by_b, by_a if out[1] is None else np.positive(by_a, out=out[1])

    def _concatenated(self, by_a: Any, by_b: Any, axis: int, gate: str, out: Any) -> Any:
        if out is not None:
            raise TypeError(f"{self.__name__}: out cannot be used with Dask arrays")
        import dask.array

        halves = (by_a, by_b) if gate == "second" else (by_b, by_a)  # of one array, so other axes agree
        return dask.array.concatenate(halves, axis=axis, allow_unknown_chunksizes=True)

    def _split(self, x: Any, axis: Any, gate: str) -> tuple[Any, Any]:
        """The indices of a and of the gate b in x."""
        if gate != "second":
            choice(gate, f"{self.__name__}: gate", ("second", "first"))
        is_valid = type(axis) is int and -x.ndim <= axis < x.ndim
        along = axis % x.ndim if is_valid else self._checked_axis(axis, x)
        half, odd = divmod(x.shape[along], 2)
        if odd:
            raise ValueError(
                f"{self.__name__}: axis {axis} of the input must have an even length, got {x.shape[along]}"
            )
        before = (slice(None),) * along
        first, second = (*before, slice(half)), (*before, slice(half, None))
        return (first, second) if gate == "second" else (second, first)

    def _checked_axis(self, axis: Any, x: Any) -> int:
        if not x.ndim:
            raise ValueError(f"{self.__name__}: input must have at least one dimension, got a scalar")
        if not is_integer(axis):
            raise TypeError(f"{self.__name__}: axis must be an int, got {axis!r}")
        return normalize_axes(axis, x.ndim, self.__name__)[0]

    @staticmethod
    def _halves(x: Any, split: tuple[Any, Any]) -> tuple[Any, Any]:
        return x[split[0]], x[split[1]]

    def _write_halves(
        self, x: Any, function: Any, operands: tuple[Any, ...], split: tuple[Any, Any], out: Any
    ) -> Any:
        """An array like x, whose halves are the function's two results, by b and by a."""
        dtype = _result_type(operands, function)
        out = unpack_out(out)
        result = (
            np.empty_like(x, dtype)
            if out is None
            else check_out(out, f"{self.__name__}: out", x.shape, dtype)
        )
        a, b = self._halves(result, split)
        function(*operands, out=(b, a))
        return result


def _result_type(operands: tuple[Any, ...], function: Any) -> Any:
    """The dtype of the function's results: the operands' if they share one, else that of a call with
    empty arrays."""
    dtypes = {a.dtype for a in operands if hasattr(a, "dtype")}
    if len(dtypes) == 1 and is_float(dtype := dtypes.pop()) and dtype.isnative:
        return dtype
    result = function(*(a if np.ndim(a) == 0 else a[:0] for a in operands))
    return (result[0] if isinstance(result, tuple) else result).dtype


_core.call_by_vectorcall(Glu)


def gated_linear_unit(definition: Callable[..., Any]) -> Glu:
    """Decorate a documented definition into a `Glu`."""
    return Glu(definition)
