"""Functions along an axis over the core's gufuncs, with their gradients: softmax and its kin."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastact._arrays import any_dask, as_array, check_out, is_float, is_integer, unpack_out
from fastact._config import _core
from fastact._docs import ROWS, complete
from fastact._functions.containers import Opened, close_out, has_containers, open_out
from fastact._functions.python_function import PythonFunction

Axis = int | tuple[int, ...]
R = TypeVar("R")  # what an array gives: an array, or where rows are reduced that or a number

_OPERANDS = {  # by the suffix of the gufunc's name
    "": ("input",),
    "_backward": ("grad_output", "input"),
    "_backward_from_output": ("grad_output", "output"),
}


def normalize_axes(axis: Any, ndim: int, op: str) -> tuple[int, ...]:
    """An axis or a tuple of them, counted from 0."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not is_integer(a):
            raise TypeError(f"{op}: axis must be an int or a tuple of ints, got {axis!r}")
        if not -ndim <= a < ndim:
            raise ValueError(f"{op}: axis must be one of the {ndim} of input, got {a}")
    normalized = tuple(a % ndim for a in axes)
    if len(set(normalized)) != len(normalized):
        raise ValueError(f"{op}: axis must name each dimension once, got {axis}")
    return normalized


def _as_array_beside(x: Any, value: Any) -> Any:
    """Python's own numbers take the float type of `x`, as anywhere in NumPy."""
    weak = type(value) in (int, float) and is_float(x.dtype)
    return np.asarray(value, x.dtype) if weak else as_array(value)


def _merge_axes(array: Any, axes: tuple[int, ...]) -> Any:
    """The axes moved last, in their order in the array, and made one."""
    kept = [a for a in range(array.ndim) if a not in axes]
    moved = np.transpose(array, [*kept, *sorted(axes)])
    return moved.reshape([*(array.shape[a] for a in kept), math.prod(array.shape[a] for a in axes)])


def _restore_axes(merged: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """The inverse of `_merge_axes`, for an array that had this shape."""
    kept = [a for a in range(len(shape)) if a not in axes]
    order = [*kept, *sorted(axes)]
    back = tuple(order.index(a) for a in range(len(shape)))
    return np.transpose(merged.reshape([shape[a] for a in order]), back)


def _contiguous(array: Any) -> Any:
    """In C order, for NumPy adds a row's entries in an order that follows the layout."""
    if any_dask(array):
        return array.map_blocks(np.ascontiguousarray, dtype=array.dtype)
    return np.ascontiguousarray(array)


def _empty_like_input(x: Any, gufunc: Any, arrays: list[Any]) -> Any:
    """An `out` laid out as the input is, for a gufunc would make one whose rows are contiguous.

    None if there are arrays of other libraries, which make their own."""
    if any(type(a) is not np.ndarray for a in arrays):
        return None
    *_, dtype = gufunc.resolve_dtypes((*(a.dtype for a in arrays), None))
    return np.empty_like(x, dtype)


class RowOp(_core.Rows, Generic[R]):
    """A function along an axis, with its gradients.

    ``backward(grad_output, input, axis=-1)`` is the gradient by the input;
    ``backward_from_output(grad_output, output, axis=-1)``, where an op has it, needs
    the output alone. Both take the op's other arguments too.

    Attributes
    ----------
    gufunc : numpy.ufunc
        What a call along the last axis runs. Contiguous float32 and float64 arrays go to its loops directly,
        along any axis.
    """

    kind = "rows"

    backward: Callable[..., Any]
    backward_from_output: Callable[..., Any]
    jacobian: Callable[..., Any]

    if TYPE_CHECKING:  # the call itself is compiled

        @overload
        def __call__(
            self,
            input: NDArray[Any],
            axis: Axis = -1,
            *,
            where: ArrayLike | None = None,
            out: Any = None,
            keepdims: bool = False,
        ) -> R: ...
        @overload
        def __call__(
            self,
            input: Any,
            axis: Axis = -1,
            *,
            where: ArrayLike | None = None,
            out: Any = None,
            keepdims: bool = False,
        ) -> Any: ...
        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def __init__(self, definition: Callable[..., Any], reduces: bool) -> None:
        name = definition.__name__
        super().__init__(name, getattr(_core, name), self._value)
        self.__doc__ = complete(definition, ROWS)
        self.__signature__ = inspect.signature(definition)
        self.reduces = reduces
        self.backward = self._gradient_function("_backward", self._backward)
        if hasattr(_core, f"{name}_backward_from_output"):
            self.backward_from_output = self._gradient_function(
                "_backward_from_output", self._backward_from_output
            )

    def _gradient_function(self, suffix: str, general: Callable[..., Any]) -> Any:
        gufunc = getattr(_core, self.__name__ + suffix)
        function: Any = _core.Rows(f"{self.__name__}.{suffix[1:]}", gufunc, general, self.reduces)
        function.__doc__, function.__signature__ = general.__doc__, inspect.signature(general)
        return function

    def _value(
        self, input: Any, axis: Axis = -1, *, where: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        self._check_keepdims(keepdims)
        return self._call("", (input,), axis, where, out, keepdims)

    def _backward(
        self,
        grad_output: Any,
        input: Any,
        axis: Axis = -1,
        *,
        where: Any = None,
        out: Any = None,
        keepdims: bool = False,
    ) -> Any:
        """Gradient by the input. A reducing op's `grad_output` has the shape of its
        result (with ``keepdims=True``, the kept one)."""
        self._check_keepdims(keepdims)
        return self._call("_backward", (grad_output, input), axis, where, out, keepdims)

    def _backward_from_output(
        self, grad_output: Any, output: Any, axis: Axis = -1, *, where: Any = None, out: Any = None
    ) -> Any:
        """Gradient by the input, from the op's output alone."""
        return self._call("_backward_from_output", (grad_output, output), axis, where, out, False)

    def _check_keepdims(self, keepdims: bool) -> None:
        if keepdims and not self.reduces:
            raise TypeError(
                f"{self.__name__}: keepdims must be False, for the op does not reduce, got {keepdims!r}"
            )

    def _call(
        self, suffix: str, operands: tuple[Any, ...], axis: Axis, where: Any, out: Any, keepdims: bool
    ) -> Any:
        """`_run` of what is in containers. A masked array's hidden entries are left out, as by `where`."""
        if not has_containers(*operands, where, out):
            return self._run(suffix, operands, axis, where, out, keepdims)
        op, names = self.__name__ + suffix.replace("_", ".", 1), _OPERANDS[suffix]
        named = dict(zip(names, operands, strict=True))
        opened = Opened(op, {names[-1]: operands[-1], **named, "where": where}, out)
        x = opened.arrays[names[-1]]
        if suffix or where is not None:  # Dask does not put together arrays of which it knows no lengths
            opened.check_known_lengths()
        lost = normalize_axes(axis, np.ndim(x), self.__name__) if self.reduces and np.ndim(x) else ()
        # a matrix keeps its two dimensions
        keepdims = keepdims or bool(lost and suffix and isinstance(operands[0], np.matrix))
        hidden = hidden_rows = opened.mask(names[-1])
        if lost and hidden is not None:
            hidden_rows = hidden.all(axis=lost, keepdims=keepdims)
        if suffix:
            opened.check_hides_no_more("grad_output", hidden_rows)
        arrays = tuple(opened.arrays[name] for name in names)
        where = self._where_shown(opened, hidden, np.shape(x))
        result = self._run(suffix, arrays, axis, where, open_out(op, out), keepdims)
        mask = hidden if suffix else hidden_rows
        if out is not None:
            return close_out(op, out, result, mask)
        if suffix:
            return opened.close(result, mask=mask)
        gone, renewed = ((), lost) if keepdims else (lost, ())
        return opened.close(result, gone, renewed, mask)

    def _where_shown(self, opened: Opened, hidden: Any, shape: tuple[int, ...]) -> Any:
        """`where` less what the operand's own mask hides."""
        where = opened.arrays["where"]
        opened.check_hides_no_more("where", None)
        if hidden is None:
            return where
        return ~hidden if where is None else ~hidden & self._mask(where, shape)

    def _run(
        self, suffix: str, operands: tuple[Any, ...], axis: Axis, where: Any, out: Any, keepdims: bool
    ) -> Any:
        x, dy_is_reduced = as_array(operands[-1]), self.reduces and bool(suffix)
        arrays = [*(_as_array_beside(x, a) for a in operands[:-1]), x]
        if not x.ndim:
            raise ValueError(
                f"{self.__name__}: {_OPERANDS[suffix][-1]} must have at least one dimension, got a scalar"
            )
        axes = normalize_axes(axis, x.ndim, self.__name__)
        names = _OPERANDS[suffix]
        if len(arrays) == 2 and not dy_is_reduced:
            arrays[0] = self._broadcast_grad_output(arrays[0], x, names[-1])
        if where is not None:
            suffix += "_masked"
            arrays.append(self._mask(where, x.shape))
        if any_dask(*arrays):
            arrays = self._match_chunks(dict(zip((*names, "where"), arrays, strict=False)), names[-1], axes)
        if dy_is_reduced:
            arrays[0] = self._reduced_grad_output(arrays[0], x.shape, axes, keepdims)
        if len(axes) == 1:
            keywords = {"keepdims": True} if self.reduces and not dy_is_reduced and keepdims else {}
            gufunc = getattr(_core, self.__name__ + suffix)
            if not keywords:
                result = _core.rows_along(gufunc, arrays, axes[0], out)
                if result is not NotImplemented:
                    return result
            if out is None and (dy_is_reduced or not self.reduces):
                out = _empty_like_input(x, gufunc, arrays)
            # from the last: `out` may have more dimensions in front
            return gufunc(*arrays, axis=axes[0] - x.ndim, out=out, **keywords)
        return self._run_along_axes(suffix, arrays, dy_is_reduced, axes, out, keepdims)

    def _match_chunks(self, arrays: dict[str, Any], like: str, axes: tuple[int, ...]) -> list[Any]:
        """Dask arrays in chunks that agree, each row in one."""
        from fastact._chunks import match_chunks, refuse_masks  # here: it imports Dask

        arrays = {name: refuse_masks(f"{self.__name__}: {name}", array) for name, array in arrays.items()}
        all_axes = tuple(range(arrays[like].ndim))
        kept = tuple(a for a in all_axes if a not in axes)
        axes_by_ndim = {0: (), len(kept): kept, len(all_axes): all_axes}
        along = {name: axes_by_ndim[a.ndim] for name, a in arrays.items() if a.ndim in axes_by_ndim}
        matching = {name: arrays[name] for name in along}
        return list((arrays | match_chunks(self.__name__, matching, along, axes, like)).values())

    def _broadcast_grad_output(self, dy: Any, x: Any, name: str) -> Any:
        """To the shape of the operand x of this name."""
        if dy.shape == x.shape:
            return dy
        try:
            return np.broadcast_to(dy, x.shape)
        except ValueError:
            raise ValueError(
                f"{self.__name__}: grad_output must have the {name}'s shape {x.shape}, got {dy.shape}"
            ) from None

    def _reduced_grad_output(
        self, dy: Any, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool
    ) -> Any:
        """A reducing op's grad_output without the reduced axes; a scalar stays one."""
        kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
        reduced = tuple(n for a, n in enumerate(shape) if a not in axes)
        wanted = kept if keepdims else reduced
        if dy.ndim and dy.shape != wanted:
            raise ValueError(f"{self.__name__}: grad_output must have shape {wanted}, got {dy.shape}")
        return dy.reshape(reduced) if dy.ndim else dy

    def _mask(self, where: Any, shape: tuple[int, ...]) -> Any:
        mask = as_array(where)
        if mask.dtype != np.bool_:
            raise TypeError(f"{self.__name__}: where must be a boolean mask, got {_core.describe(where)}")
        try:
            return np.broadcast_to(mask, shape)
        except ValueError:
            raise ValueError(
                f"{self.__name__}: where must broadcast to shape {shape}, got shape {mask.shape}"
            ) from None

    def _run_along_axes(
        self,
        suffix: str,
        arrays: list[Any],
        dy_is_reduced: bool,
        axes: tuple[int, ...],
        out: Any,
        keepdims: bool,
    ) -> Any:
        """Along several axes, which are merged into one."""
        shape = arrays[1 if dy_is_reduced else 0].shape
        merged = [a if dy_is_reduced and k == 0 else _merge_axes(a, axes) for k, a in enumerate(arrays)]
        result = getattr(_core, self.__name__ + suffix)(*merged)
        if self.reduces and not dy_is_reduced:
            result = np.expand_dims(result, axes) if keepdims else result
        else:
            result = _restore_axes(result, shape, axes)
        if out is None:
            return result
        out = unpack_out(out)
        check_out(out, "out", result.shape, result.dtype)[...] = result
        return out


_core.call_by_vectorcall(RowOp)

# Python's errors about arguments name the public function
RowOp._value.__qualname__ = "RowOp.__call__"
RowOp._backward.__qualname__ = "RowOp.backward"
RowOp._backward_from_output.__qualname__ = "RowOp.backward_from_output"


class Hardmax(RowOp[R]):
    """Its masked rows of -inf alone need Python: the core marks their first entry, which may be masked."""

    def _run(
        self, suffix: str, operands: tuple[Any, ...], axis: Axis, where: Any, out: Any, keepdims: bool
    ) -> Any:
        result = super()._run(suffix, operands, axis, where, out, keepdims)
        if suffix or where is None:
            return result
        axes = normalize_axes(axis, result.ndim, self.__name__)
        allowed = _merge_axes(self._mask(where, result.shape), axes)
        first = _restore_axes(allowed & (allowed.cumsum(axis=-1) == 1), result.shape, axes)
        if any_dask(result, first):
            return np.where(first & ~(result != 0).any(axis=axes, keepdims=True), 1, result)
        result[first & ~result.any(axis=axes, keepdims=True)] = 1
        return result


def jacobian(op: RowOp[Any]) -> PythonFunction:
    """`softmax.jacobian`, of the softmax `op`."""

    def softmax_jacobian(input: Any, axis: int = -1) -> Any:
        """The matrix of derivatives, p_i (delta_ij - p_j), of each row.

        The class axis becomes the last two of the result. 1 - p_i is taken as the sum of the
        others where p_i is above 1/2, so that confident rows keep their relative precision. A
        row of n takes n * n elements: `backward` multiplies by the matrix without it.
        """
        if isinstance(axis, tuple):
            raise TypeError(f"{op.__name__}.jacobian: axis must be an int, got {axis!r}")
        if not has_containers(input):
            return _jacobian(op, input, axis, None)
        opened = Opened(f"{op.__name__}.jacobian", {"input": input})
        hidden = mask = opened.mask("input")
        matrix = _jacobian(op, opened.arrays["input"], axis, hidden)
        if hidden is not None:
            row = np.moveaxis(hidden, axis, -1)
            mask = row[..., :, None] | row[..., None, :]
        return opened.close(matrix, mask=mask)

    return PythonFunction(f"{op.__name__}.jacobian", softmax_jacobian)


def _jacobian(op: RowOp[Any], x: Any, axis: int, hidden: Any) -> Any:
    x = as_array(x)
    if is_float(x.dtype) and x.dtype.itemsize < 4:  # as everywhere: in float32, rounded once
        with np.errstate(over="ignore"):
            return _jacobian(op, x.astype(np.float32), axis, hidden).astype(x.dtype)
    p = op(x, axis=axis) if hidden is None else op(x, axis=axis, where=~hidden)
    p = _contiguous(np.moveaxis(p, axis, -1))
    likely, identity = p > 0.5, np.eye(p.shape[-1], dtype=bool)
    with np.errstate(all="ignore"):
        rest = np.where(likely, np.where(likely, 0, p).sum(axis=-1, keepdims=True), 1 - p)
        return np.where(identity, (p * rest)[..., None], -p[..., :, None] * p[..., None, :])


def row_op(definition: Callable[..., Any]) -> RowOp[NDArray[Any]]:
    """Decorate a documented definition into a `RowOp` whose results have the input's shape."""
    kind: type[RowOp[NDArray[Any]]] = Hardmax if definition.__name__ == "hardmax" else RowOp
    return kind(definition, reduces=False)


def reducing_row_op(definition: Callable[..., Any]) -> RowOp[Any]:
    """Decorate a documented definition into a `RowOp` that makes a number of each row."""
    return RowOp(definition, reduces=True)
