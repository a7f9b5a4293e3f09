"""Losses of Dask arrays, block by block and lazily.

One task a block calls the loss itself, with reduction "none", or with "sum" and the mean's factor in
`grad_output`. It gives value, gradient and Hessian diagonal as a tuple, of which lazy arrays pick their
part. Sums of blocks are float64, and so is what they add up to.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import dask.array as da
import numpy as np
from dask.base import is_dask_collection

from fastact._arrays import Array, as_ndarray, check_known_length
from fastact._chunks import Axes, check_meta, match_chunks
from fastact._config import _core
from fastact._losses.interface import Layout, Request
from fastact._losses.options import Shape, check_grad_output, compensated_sum, divide_or_zero


class BlockLoss(Protocol):
    """What is needed of a loss here: see `base.Loss`, which this module does not import."""

    __name__: str

    @property
    def _operands(self) -> tuple[str, ...]: ...
    @property
    def _inputs(self) -> tuple[str, ...]: ...
    @property
    def _array_options(self) -> tuple[str, ...]: ...
    @property
    def _integer_operands(self) -> tuple[str, ...]: ...

    def _run(
        self, operands: tuple[Any, ...], given: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]: ...
    def _block_sum(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]: ...
    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout: ...
    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float: ...
    def _before_chunking(self, arrays: dict[str, Any]) -> dict[str, Any]: ...
    def _of_block(self, arrays: dict[str, Array]) -> dict[str, Array]: ...


def run(
    loss: BlockLoss, operands: dict[str, Any], options: dict[str, Any], request: Request, grad_output: Any
) -> tuple[Any, Any, Any]:
    """`loss._run` of Dask arrays. `operands`: its arguments without a default, by their names."""
    if request.grad_out is not None or request.hess_out is not None:
        raise TypeError(f"{loss.__name__}: out cannot be used with Dask arrays")
    given = {**operands, **{name: options[name] for name in loss._array_options}, "grad_output": grad_output}
    arrays = loss._before_chunking(
        {name: _of_known_shape(name, value) for name, value in given.items() if value is not None}
    )
    # tasks get options that are arrays as blocks
    other_options = {**options, **dict.fromkeys(loss._array_options)}
    for name, value in other_options.items():
        if is_dask_collection(value):
            raise TypeError(f"{loss.__name__}: {name} cannot be a Dask array")
    return _Blocks(loss, arrays, other_options).run(request)


def _of_known_shape(name: str, value: Any) -> Any:
    """A Dask array, or a NumPy array."""
    array = da.asarray(value) if is_dask_collection(value) else as_ndarray(value, name)
    check_meta(name, array)
    check_known_length(name, array.shape)
    return array


class _Blocks:
    """A loss's arrays, by the argument's name, in the blocks of its input."""

    def __init__(self, loss: BlockLoss, arrays: dict[str, Any], options: dict[str, Any]) -> None:
        self.loss, self.options = loss, options
        self.is_mean = options["reduction"] in ("mean", "batchmean")
        self.reduces = options["reduction"] != "none"
        self.input = loss._operands[0]
        self.shape = arrays[self.input].shape
        self.all_axes = tuple(range(len(self.shape)))
        grad_output_shape = arrays["grad_output"].shape
        shapes = {name: array.shape for name, array in arrays.items() if name != "grad_output"}
        self.layout = layout = loss._layout(shapes, options)
        loss_shape = tuple(self.shape[a] for a in layout.loss_axes)
        check_grad_output(grad_output_shape, loss_shape, options["reduction"])
        self.unchunked = tuple(a for a in self.all_axes if a not in layout.loss_axes)
        self.denominator_arguments = tuple(name for name in layout.denominator_arguments if name in arrays)
        self.axes = {**layout.axes, "grad_output": layout.loss_axes if grad_output_shape else ()}
        self.scalars = {
            name: array
            for name, array in arrays.items()
            if name in loss._array_options and isinstance(array, np.ndarray) and not array.ndim
        }
        self.arrays = match_chunks(
            loss.__name__, arrays, self.axes, self.unchunked, self.input, "class axis", layout.merge_chunks
        )
        self.chunks = self.arrays[self.input].chunks

    def run(self, request: Request) -> tuple[Any, Any, Any]:
        """Value, gradient and Hessian diagonal, of one task a block: each is read once."""
        request = Request(request.value, request.grad, request.hess)
        inputs = [name for name in self.loss._inputs if name in self.arrays]
        request.shared_inputs = frozenset(name for name in inputs if self._axes_repeated_along(name))
        task = partial(_results, self.loss, tuple(self.arrays), self.options, request, self.unchunked)
        example = task(*map(self._without_rows, self.arrays.values(), self.arrays))
        denominator = self._denominator() if self.is_mean else None
        if self.is_mean and request.grad:
            self.arrays["grad_output"] = _divide(self.arrays["grad_output"], denominator)
        results = self._map(task, self.arrays, object)
        value = self._value(results, example[0])
        if self.is_mean and value is not None:
            value = _divide(value, denominator)
        grad, hess = (self._gradients(results, place, example[place]) for place in (1, 2))
        return value, grad, hess

    def _axes_repeated_along(self, name: str) -> Axes:
        """The input's axes along which blocks share an array: its gradient is a sum over those blocks."""
        lengths = dict(zip(self.axes[name], self.arrays[name].shape, strict=True))
        return tuple(a for a in self.all_axes if lengths.get(a) != self.shape[a])

    def _without_rows(self, array: Any, name: str) -> Array:
        """A stand-in of no terms: computing with it finds what the loss refuses, and the dtypes."""
        if name in self.scalars:
            return self.scalars[name]
        shape = []
        for n, a in zip(array.shape, self.axes[name], strict=True):
            if a not in self.all_axes:
                shape.append(self.layout.least_length)
            else:
                shape.append(n if a in self.unchunked else int(n != self.shape[a]))
        holds_integers = name in self.loss._integer_operands and array.dtype.kind in "iu"
        return np.full(shape, float(not holds_integers)).astype(array.dtype)  # every parameter may be 1

    def _map(self, function: Any, arrays: dict[str, Any], dtype: Any) -> Any:
        """A lazy array with the input's axes, whose blocks are the function's results."""
        operands = (part for name, array in arrays.items() for part in (array, self.axes[name]))
        meta = np.empty((0,) * len(self.all_axes), dtype)
        return da.blockwise(function, self.all_axes, *operands, dtype=dtype, meta=meta, align_arrays=False)

    def _value(self, results: Any, example: Any) -> Any:
        if example is None:
            return None
        ones = self.all_axes if self.reduces else self.unchunked
        value = self._part(results, (0,), self.all_axes, ones, {}, example.dtype)
        return _total(value) if self.reduces else value.squeeze(self.unchunked)

    def _gradients(self, results: Any, place: int, example: Any) -> Any:
        """By each input, in a tuple if `example` is one."""
        if not isinstance(example, tuple):
            return None if example is None else self._gradient(results, (place,), self.input, example.dtype)
        names = self.loss._inputs[: len(example)]
        return tuple(self._gradient(results, (place, k), n, example[0].dtype) for k, n in enumerate(names))

    def _gradient(self, results: Any, path: Axes, name: str, dtype: Any) -> Any:
        axes, repeated = self.axes[name], self._axes_repeated_along(name)
        missing = tuple(a for a in repeated if a not in axes)
        own = {a: n for a, n in zip(axes, self.arrays[name].shape, strict=True) if a not in self.all_axes}
        index = missing + axes
        part = self._part(results, path, index, repeated, own, dtype)
        if not repeated:
            return part
        total = da.reduction(
            part,
            _unchanged,
            partial(_sum, dtype),
            axis=tuple(map(index.index, repeated)),
            keepdims=True,
            combine=partial(_sum, np.float64),
            dtype=dtype,
            meta=part._meta,
        )
        return total[(0,) * len(missing)]

    def _part(
        self, results: Any, path: Axes, index: Axes, ones: Axes, own: dict[int, int], dtype: Any
    ) -> Any:
        """One of each block's results, with the axes `index`: along `ones` it has one element, and the
        lengths of axes that are not the input's are `own`."""
        return da.blockwise(
            partial(_item, path, len(index)),
            index,
            results,
            self.all_axes,
            new_axes=own,
            adjust_chunks={a: (1,) * len(self.chunks[a]) for a in ones},
            dtype=dtype,
            meta=np.empty((0,) * len(index), dtype),
        )

    def _denominator(self) -> Any:
        """What a mean divides by. Nothing as large as the input may wait for it: the input's
        place is taken by ones that need no memory."""
        if not self.denominator_arguments:
            return da.asarray(self.loss._denominator(self.shape, None, self.options))
        arrays = {self.input: da.ones(self.shape, chunks=self.chunks)}
        arrays |= {name: self.arrays[name] for name in self.denominator_arguments}
        task = partial(_denominators, self.loss, self.denominator_arguments, self.options)
        return _total(self._map(task, arrays, float))


def _divide(value: Any, denominator: Any) -> Any:
    return da.blockwise(_divide_scalars, (), value, (), denominator, (), dtype=float, meta=np.empty(()))


def _total(partial_sums: Any) -> Any:
    return da.reduction(partial_sums, _add, _add, dtype=np.float64, meta=np.empty(()))


# ---- tasks --------------------------------------------------------------------------


def _results(
    loss: BlockLoss,
    names: tuple[str, ...],
    options: dict[str, Any],
    request: Request,
    unchunked: Axes,
    *blocks: Any,
) -> tuple[Any, Any, Any]:
    """Value, gradient and Hessian diagonal of a block, the value with the input's number of dimensions."""
    arrays = loss._of_block(_by_name(names, blocks))
    options = options | {name: arrays.pop(name) for name in loss._array_options if name in arrays}
    grad_output, operands = arrays.pop("grad_output"), tuple(arrays[name] for name in loss._operands)
    reduces = options["reduction"] != "none"
    compute = loss._block_sum if reduces else loss._run
    value, *gradients = compute(operands, options, request, grad_output)
    if not request.value:
        value = None
    elif reduces:
        value = _one_element(value, operands[0].ndim)
    else:
        value = np.expand_dims(value, unchunked)
    return value, *gradients


def _denominators(
    loss: BlockLoss, names: tuple[str, ...], options: dict[str, Any], first: Array, *blocks: Any
) -> Array:
    arrays = _by_name(names, blocks)
    with _core.DefaultFloat():
        total = loss._denominator(first.shape, arrays.pop("target", None), options | arrays)
    return _one_element(total, first.ndim)


def _by_name(names: tuple[str, ...], blocks: tuple[Any, ...]) -> dict[str, Array]:
    return {name: _unpacked(block) for name, block in zip(names, blocks, strict=True)}


def _unpacked(block: Any) -> Any:
    """Along an axis that is not the input's, Dask gives a list of the only block."""
    while isinstance(block, list):
        (block,) = block
    return block


def _one_element(value: float, ndim: int) -> Array:
    return np.full((1,) * ndim, value)


def _item(path: Axes, ndim: int, results: Any) -> Any:
    """results[path[0]][path[1]]..., with axes of length 1 in front if it has fewer than `ndim`."""
    for k in path:
        results = results[k]
    return results.reshape((1,) * (ndim - results.ndim) + results.shape)


def _divide_scalars(value: Any, denominator: Any) -> Array:
    return np.asarray(divide_or_zero(float(value), float(denominator)))


def _add(sums: Array, axis: Any, keepdims: bool) -> Array:
    with _core.DefaultFloat():
        return _one_element(compensated_sum(sums, sums.size), sums.ndim if keepdims else 0)


def _unchanged(part: Array, axis: Any, keepdims: bool) -> Array:
    return part


def _sum(to: Any, parts: Array, axis: Any, keepdims: bool) -> Array:
    with np.errstate(all="ignore"):
        # contiguous: of other layouts NumPy would add in another order
        total: Array = np.ascontiguousarray(parts).sum(axis=axis, dtype=np.float64, keepdims=keepdims)
        return total.astype(to)
