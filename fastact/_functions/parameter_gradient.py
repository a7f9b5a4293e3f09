"""Activations with a trained parameter: its gradient, in its shape, and the axis that it lies along."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np

from fastact._arrays import (
    any_dask,
    as_weak_array,
    check_no_overlap,
    check_out,
    hides_entries,
    is_float,
    is_integer,
)
from fastact._config import _core
from fastact._functions.containers import Opened, close_like, close_out, has_containers, open_out, plain_array


def align_parameter(op: str, name: str, parameter: Any, inputs: list[Any], axis: int | None) -> Any:
    """The parameter, a 1-d one reshaped so that it broadcasts along `axis` of the inputs."""
    if axis is None:
        return as_weak_array(parameter)
    if not hides_entries(parameter):
        parameter = plain_array(op, name, parameter)
    parameter = as_weak_array(parameter)
    if np.ndim(parameter) != 1:
        raise ValueError(f"{op}: {name} must be 1-d where axis is given, got shape {np.shape(parameter)}")
    if not is_integer(axis):
        raise TypeError(f"{op}: axis must be an int or None, got {axis!r}")
    shape = np.broadcast_shapes(*map(np.shape, inputs))
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"{op}: axis must be one of the {len(shape)} of input, got {axis}")
    if len(parameter) not in (1, shape[axis]):
        wanted = f"{shape[axis]} entries, as many as axis {axis} of the input"
        raise ValueError(f"{op}: {name} must have {wanted}, got {len(parameter)}")
    return parameter.reshape((-1,) + (1,) * (len(shape) - 1 - axis % len(shape)))


class ParameterAlongAxis:
    """Calls of `function` with `axis`: that of the input along which its parameter lies.

    The parameter is the operand `name`, at `position`.
    """

    def __init__(self, function: Any, name: str, position: int) -> None:
        self.function, self.name, self.position = function, name, position

    def __call__(self, *args: Any, axis: int | None = None, **keywords: Any) -> Any:
        names = list(self.function.__signature__.parameters)[: self.position + 1]
        given = dict(zip(names, args, strict=False))
        complete = {*names} <= given.keys() | keywords.keys() and not given.keys() & keywords.keys()
        if not complete or len(args) > len(names):
            return self.function(*args, **keywords)  # which says what is wrong, or takes the default
        given |= keywords
        inputs = [given[name] for name in names[: self.position]]
        given[self.name] = align_parameter(self.function.__name__, self.name, given[self.name], inputs, axis)
        return self.function(**given)


_DOC = """Gradients by the input and by `{parameter}`.

Parameters
----------
grad_output, input, {parameter} : array_like
    The gradient by the output of ``{op}(input, {parameter})``, and its arguments.
axis : int, optional
    As in `fastact.{op}`.
out : ndarray or pair of them, optional
    Where to put the gradient by the input, or both; None in a pair makes a new one.

Returns
-------
pair
    ``grad_output * {op}.derivative(input, {parameter})``; and in the shape and float type of
    `{parameter}` the sum of the products with the derivative by it. Products are formed in at
    least float32, and added in float64 in an order that shapes alone decide.

Raises
------
TypeError
    If an argument has a type no loop takes.
ValueError
    If shapes do not go together, or `axis` is out of range.

See `fastact.{op}` for the formula and bounds."""


class ParameterBackward(_core.Function):
    """Gradients by the input and by the parameter, in its shape."""

    def __init__(self, op: str, parameter: inspect.Parameter) -> None:
        super().__init__(f"{op}.backward")
        self.__doc__ = _DOC.format(op=op, parameter=parameter.name)
        self._parameter = parameter.name
        self._by_input = getattr(_core, f"{op}_backward")
        self._by_parameter = getattr(_core, f"{op}_backward_by_parameter")
        self._by_both = getattr(_core, f"{op}_backward_both")
        kind, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        operands = [inspect.Parameter(name, kind) for name in ("grad_output", "input")]
        options = [inspect.Parameter(name, keyword, default=None) for name in ("axis", "out")]
        self.__signature__ = inspect.Signature([*operands, parameter, *options])

    def __call__(self, *args: Any, **keywords: Any) -> tuple[Any, Any]:
        try:
            if len(args) != 3 or not keywords.keys() <= {"axis", "out"}:
                given = _core.check_call(self, args, keywords)
                default = self.__signature__.parameters[self._parameter].default
                args = (given["grad_output"], given["input"], given.get(self._parameter, default))
                keywords = {name: given.get(name) for name in ("axis", "out")}
            axis, out = keywords.get("axis"), keywords.get("out")
            if has_containers(*args, out):
                return self._in_containers(*args, axis=axis, out=out)
            dy, x, parameter = map(as_weak_array, args)
            return self._gradients(dy, x, parameter, axis, out)
        except (TypeError, ValueError) as error:
            _core.explain(self, error, args, keywords, ("grad_output", "input", self._parameter))

    def _in_containers(self, dy: Any, x: Any, given: Any, axis: int | None, out: Any) -> tuple[Any, Any]:
        """Entries that are hidden have no part in the parameter's gradient."""
        opened = Opened(self.__name__, {"input": x, "grad_output": dy, self._parameter: given})
        opened.check_hides_no_more(self._parameter, None)
        mask = opened.mask_of_all(("input", "grad_output"))
        dy, x, p = (as_weak_array(opened.arrays[n]) for n in ("grad_output", "input", self._parameter))
        grad, total = self._gradients(dy, x, p, axis, open_out(self.__name__, out), mask)
        outs = out if isinstance(out, tuple) else (out, None)
        if mask is not None:
            mask = np.broadcast_to(mask, grad.shape)
        by_input = opened.close(grad, mask=mask)
        if outs[0] is not None:
            by_input = close_out(self.__name__, outs[0], grad, mask)
        if outs[1] is not None:
            return by_input, close_out(self.__name__, outs[1], total, None)
        return by_input, close_like(given, total)

    def _gradients(
        self, dy: Any, x: Any, given: Any, axis: int | None, out: Any, hidden: Any = None
    ) -> tuple[Any, Any]:
        p = align_parameter(self.__name__, self._parameter, given, [dy, x], axis)
        outs = out if isinstance(out, tuple) else (out, None)
        if len(outs) != 2:
            raise ValueError(f"{self.__name__}: out must be an array or a pair of them, got {len(outs)}")
        if out is not None:
            self._check_outs(outs, np.broadcast_shapes(*map(np.shape, (dy, x, p))), np.shape(given))
        if hidden is not None or any_dask(dy, x, p) or any(map(_is_narrow, (dy, x, p))):
            # the terms first, for `out` may be grad_output or the input
            terms = self._by_parameter(*(a.astype(np.float32) if _is_narrow(a) else a for a in (dy, x, p)))
            if hidden is not None:
                terms = np.where(hidden, 0, terms)
            grad = _core.ufunc_of(self._by_input, dy, x, p)(dy, x, p, out=outs[0])
        else:
            grad, terms = self._by_both(dy, x, p, out=(outs[0], None))
        dtype = given.dtype if _is_float(given) else grad.dtype
        total = sum_to_shape(terms, np.shape(p), dtype).reshape(np.shape(given))
        if outs[1] is None:
            return grad, total[()] if isinstance(total, np.ndarray) else total
        with np.errstate(all="ignore"):  # as of every op, whose results overflow silently
            outs[1][...] = total
        return grad, outs[1]

    def _check_outs(
        self, outs: tuple[Any, Any], shape: tuple[int, ...], parameter_shape: tuple[int, ...]
    ) -> None:
        name = self.__name__
        if outs[0] is not None:  # a ufunc would broadcast its inputs to a larger shape
            check_out(outs[0], f"{name}: out", shape, by_ufunc=True)
        if outs[1] is not None:
            label = f"{name}: out for {self._parameter}"
            check_out(outs[1], label, parameter_shape, np.dtype(np.float64))
            check_no_overlap([(outs[0], f"{name}: out[0]"), (outs[1], "out[1]")])


def _is_float(a: Any) -> bool:
    return hasattr(a, "dtype") and is_float(a.dtype)


def _is_narrow(a: Any) -> bool:
    """Narrower than float32, to which terms must not be rounded before they are added."""
    return _is_float(a) and a.dtype.itemsize < 4


def sum_to_shape(terms: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """The terms summed over the axes along which an array of this shape was broadcast to theirs."""
    lead = terms.ndim - len(shape)
    kept = [lead + a for a, n in enumerate(shape) if n != 1]
    if any_dask(terms):
        others = tuple(a for a in range(terms.ndim) if a not in kept)
        # contiguous: of other layouts NumPy would add in another order; a mask stays
        terms = terms.map_blocks(np.asanyarray, order="C", dtype=terms.dtype)
        return terms.sum(axis=others, dtype=np.float64).astype(dtype)
    dtype = dtype if dtype.isnative else dtype.newbyteorder("=")
    if not kept:
        return _core.parameter_sums(np.ascontiguousarray(terms).reshape(1, 1, -1), dtype)
    first, end = kept[0], kept[-1] + 1
    if end - first != len(kept):  # kept axes apart: brought together, behind the others
        others = tuple(a for a in range(terms.ndim) if a not in kept)
        terms = np.transpose(terms, (*others, *kept))
        first, end = len(others), terms.ndim
    shape3 = [math.prod(part) for part in (terms.shape[:first], terms.shape[first:end], terms.shape[end:])]
    return _core.parameter_sums(np.ascontiguousarray(terms).reshape(shape3), dtype)
