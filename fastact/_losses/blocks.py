"""Losses over Dask arrays, block by block and lazily; row ops' arguments in matching chunks.

A block is a call of the loss itself: with reduction "none", or with "sum" and the
mean's factor in `grad_output`. Its sums are float64, and so is what they add up to.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.base import is_dask_collection

from fastact._arrays import Array
from fastact._config import _core
from fastact._losses.base import Loss, Wanted, check_upstream, exact_sum, over

Axes = tuple[int, ...]


def run(
    loss: Loss, operands: dict[str, Any], options: dict[str, Any], wanted: Wanted, grad_output: Any
) -> tuple[Any, Any, Any]:
    """What `loss._run` gives, of Dask arrays. `operands`: its arguments without a default."""
    if wanted.grad_out is not None or wanted.hess_out is not None:
        raise TypeError(f"{loss.__name__}: out cannot be used with Dask arrays")
    given = {**operands, **{name: options[name] for name in loss._array_options}, "grad_output": grad_output}
    arrays = loss._for_blocks(
        {name: _known(name, value) for name, value in given.items() if value is not None}
    )
    scalars = {**options, **dict.fromkeys(loss._array_options)}  # arrays reach the tasks as blocks
    for name, value in scalars.items():
        if is_dask_collection(value):
            raise TypeError(f"{loss.__name__}: {name} cannot be a Dask array")
    return _Blocks(loss, arrays, scalars).run(wanted)


def _known(name: str, value: Any) -> Any:
    """A Dask array, its shape known, or a NumPy array."""
    array = da.asarray(value) if is_dask_collection(value) else np.asarray(value)
    if any(n != n for n in array.shape):
        raise ValueError(f"{name} has chunks of unknown sizes: use .compute_chunk_sizes() first")
    return array


def aligned(
    op: str,
    arrays: dict[str, Any],
    axes: dict[str, Axes],
    whole: Axes,
    like: str,
    kind: str = "axis",
    joined: bool = False,
) -> dict[str, Any]:
    """Dask arrays in the chunks of `arrays[like]`, or if that is a NumPy array, of the others.

    `axes` are those of `like` along which each array lies, or beyond them its own; `whole` those a block
    must hold whole: if `joined` chunks along them are joined, else refused.
    """
    shape = arrays[like].shape
    for name, array in arrays.items():
        if array.ndim == len(shape) and isinstance(array, da.Array) and not joined:
            _check_unchunked(op, name, array, whole, kind)
    grid = _grid(arrays, axes, whole, like)
    result = {}
    for name, array in arrays.items():  # a dimension that is broadcast stays one
        dims = zip(array.shape, axes[name], strict=True)
        chunks = tuple(grid[a] if (n,) == shape[a : a + 1] else (n,) for n, a in dims)
        result[name] = array.rechunk(chunks) if isinstance(array, da.Array) else da.from_array(array, chunks)
    return result


def _check_unchunked(op: str, name: str, array: Any, whole: Axes, kind: str) -> None:
    for axis in whole:
        if array.numblocks[axis] > 1:
            raise ValueError(
                f"{op}: {name} has {array.numblocks[axis]} chunks along {kind} {axis}, but a row must lie in "
                f"one: use .rechunk({{{axis}: -1}}) first"
            )


def _grid(arrays: dict[str, Any], axes: dict[str, Axes], whole: Axes, like: str) -> tuple[Axes, ...]:
    shape = arrays[like].shape
    if isinstance(arrays[like], da.Array):
        found = dict(enumerate(arrays[like].chunks))
    else:
        lazy = {name: array for name, array in arrays.items() if isinstance(array, da.Array)}
        found, _ = da.core.unify_chunks(*(part for name, a in lazy.items() for part in (a, axes[name])))
    grid = [(n,) if a in whole else found.get(a, (n,)) for a, n in enumerate(shape)]
    return tuple(c if sum(c) == n else (n,) for c, n in zip(grid, shape, strict=True))


class _Blocks:
    """A loss's arrays, by the argument's name, in the blocks of its input."""

    def __init__(self, loss: Loss, arrays: dict[str, Any], options: dict[str, Any]) -> None:
        self.loss, self.options = loss, options
        self.mean, self.reduced = (
            options["reduction"] in ("mean", "batchmean"),
            options["reduction"] != "none",
        )
        self.like = loss._operands[0]
        self.shape = arrays[self.like].shape
        self.every = tuple(range(len(self.shape)))
        upstream = arrays["grad_output"].shape
        self.layout = layout = loss._layout(
            {k: a.shape for k, a in arrays.items() if k != "grad_output"}, options
        )
        check_upstream(upstream, tuple(self.shape[a] for a in layout.terms), options["reduction"])
        self.whole = tuple(a for a in self.every if a not in layout.terms)
        self.counted = tuple(name for name in layout.counted if name in arrays)
        self.axes = {**layout.axes, "grad_output": layout.terms if upstream else ()}
        self.numbers = {
            name: array
            for name, array in arrays.items()
            if name in loss._array_options and isinstance(array, np.ndarray) and not array.ndim
        }
        self.arrays = aligned(
            loss.__name__, arrays, self.axes, self.whole, self.like, "class axis", layout.joined
        )
        self.chunks = self.arrays[self.like].chunks

    def run(self, wanted: Wanted) -> tuple[Any, Any, Any]:
        """Value, gradient and Hessian diagonal, of one task a block: each is read once."""
        wanted = Wanted(wanted.value, wanted.grad, wanted.hess)
        wanted.parts = frozenset(n for n in self.loss._inputs if n in self.arrays and self._repeats(n))
        task = partial(_results, self.loss, tuple(self.arrays), self.options, wanted, self.whole)
        example = task(*map(self._without_rows, self.arrays.values(), self.arrays))
        denominator = self._denominator() if self.mean else None
        if self.mean and wanted.grad:
            self.arrays["grad_output"] = _mean(self.arrays["grad_output"], denominator)
        packed = self._map(task, self.arrays, object)
        value = self._value(packed, example[0])
        if self.mean and value is not None:
            value = _mean(value, denominator)
        grad, hess = (self._gradients(packed, place, example[place]) for place in (1, 2))
        return value, grad, hess

    def _repeats(self, name: str) -> Axes:
        """The input's axes along which an array repeats, so that gradients by it are sums over blocks."""
        lengths = dict(zip(self.axes[name], self.arrays[name].shape, strict=True))
        return tuple(a for a in self.every if lengths.get(a) != self.shape[a])

    def _without_rows(self, array: Any, name: str) -> Array:
        """A stand-in of no terms: computing with it finds what the loss refuses, and the dtypes."""
        if name in self.numbers:
            return self.numbers[name]
        shape = []
        for n, a in zip(array.shape, self.axes[name], strict=True):
            own = a not in self.every
            shape.append(self.layout.least if own else n if a in self.whole else int(n != self.shape[a]))
        is_label = name in self.loss._labels and array.dtype.kind in "iu"
        return np.full(shape, float(not is_label)).astype(array.dtype)  # 1: which every parameter may be

    def _map(self, function: Any, arrays: dict[str, Any], dtype: Any) -> Any:
        operands = (part for name, array in arrays.items() for part in (array, self.axes[name]))
        meta = np.empty((0,) * len(self.every), dtype)
        return da.blockwise(function, self.every, *operands, dtype=dtype, meta=meta, align_arrays=False)

    def _value(self, packed: Any, example: Any) -> Any:
        if example is None:
            return None
        value = self._taken(
            packed, (0,), self.every, self.every if self.reduced else self.whole, {}, example.dtype
        )
        return _total(value) if self.reduced else value.squeeze(self.whole)

    def _gradients(self, packed: Any, place: int, example: Any) -> Any:
        """By each input, in a tuple if `example` is one."""
        if not isinstance(example, tuple):
            return None if example is None else self._gradient(packed, (place,), self.like, example.dtype)
        names = self.loss._inputs[: len(example)]
        return tuple(self._gradient(packed, (place, k), n, example[0].dtype) for k, n in enumerate(names))

    def _gradient(self, packed: Any, path: Axes, name: str, dtype: Any) -> Any:
        axes, repeats = self.axes[name], self._repeats(name)
        missing = tuple(a for a in repeats if a not in axes)
        own = {a: n for a, n in zip(axes, self.arrays[name].shape, strict=True) if a not in self.every}
        index = missing + axes
        taken = self._taken(packed, path, index, repeats, own, dtype)
        if not repeats:
            return taken
        total = da.reduction(
            taken,
            _unchanged,
            partial(_sum, dtype),
            axis=tuple(map(index.index, repeats)),
            keepdims=True,
            combine=partial(_sum, np.float64),
            dtype=dtype,
            meta=taken._meta,
        )
        return total[(0,) * len(missing)]

    def _taken(
        self, packed: Any, path: Axes, index: Axes, ones: Axes, own: dict[int, int], dtype: Any
    ) -> Any:
        """A part of each block's results, with the axes `index`: `own` ones, and along `ones` one element."""
        return da.blockwise(
            partial(_item, path, len(index)),
            index,
            packed,
            self.every,
            new_axes=own,
            adjust_chunks={a: (1,) * len(self.chunks[a]) for a in ones},
            dtype=dtype,
            meta=np.empty((0,) * len(index), dtype),
        )

    def _denominator(self) -> Any:
        """What a mean divides by. Nothing as large as the input may wait for it: the input's
        place is taken by ones that need no memory."""
        if not self.counted:
            return da.asarray(self.loss._denominator(self.shape, None, self.options))
        arrays = {self.like: da.ones(self.shape, chunks=self.chunks)}
        arrays |= {name: self.arrays[name] for name in self.counted}
        return _total(self._map(partial(_denominators, self.loss, self.counted, self.options), arrays, float))


def _mean(value: Any, denominator: Any) -> Any:
    return da.blockwise(_over, (), value, (), denominator, (), dtype=float, meta=np.empty(()))


def _total(partial_sums: Any) -> Any:
    return da.reduction(partial_sums, _add, _add, dtype=np.float64, meta=np.empty(()))


# ---- tasks --------------------------------------------------------------------------


def _results(
    loss: Loss, names: tuple[str, ...], options: dict[str, Any], wanted: Wanted, whole: Axes, *blocks: Any
) -> tuple[Any, Any, Any]:
    """Value, gradient and Hessian diagonal of a block, the value with the input's number of dimensions."""
    arrays = loss._of_block(_named(names, blocks))
    options = options | {name: arrays.pop(name) for name in loss._array_options if name in arrays}
    grad_output, operands = arrays.pop("grad_output"), tuple(arrays[name] for name in loss._operands)
    reduced = options["reduction"] != "none"
    compute = loss._summed if reduced else loss._run
    value, *gradients = compute(operands, options, wanted, grad_output)
    if not wanted.value:
        value = None
    elif reduced:
        value = _one(value, operands[0].ndim)
    else:
        value = np.expand_dims(value, whole)
    return value, *gradients


def _denominators(
    loss: Loss, names: tuple[str, ...], options: dict[str, Any], first: Array, *blocks: Any
) -> Array:
    arrays = _named(names, blocks)
    with _core.DefaultFloat():
        total = loss._denominator(first.shape, arrays.pop("target", None), options | arrays)
    return _one(total, first.ndim)


def _named(names: tuple[str, ...], blocks: tuple[Any, ...]) -> dict[str, Array]:
    """Blocks by their names. Along an axis that is no input's, Dask gives a list of the only one."""
    return {name: _only(block) for name, block in zip(names, blocks, strict=True)}


def _only(block: Any) -> Any:
    while isinstance(block, list):
        (block,) = block
    return block


def _one(value: float, ndim: int) -> Array:
    return np.full((1,) * ndim, value)


def _item(path: Axes, ndim: int, results: Any) -> Any:
    """With axes of one element before its own, if it has less than `ndim`."""
    for k in path:
        results = results[k]
    return results.reshape((1,) * (ndim - results.ndim) + results.shape)


def _over(value: Any, denominator: Any) -> Array:
    return np.asarray(over(float(value), float(denominator)))


def _add(sums: Array, axis: Any, keepdims: bool) -> Array:
    with _core.DefaultFloat():
        return _one(exact_sum(sums, sums.size), sums.ndim if keepdims else 0)


def _unchanged(part: Array, axis: Any, keepdims: bool) -> Array:
    return part


def _sum(to: Any, parts: Array, axis: Any, keepdims: bool) -> Array:
    with np.errstate(all="ignore"):
        total: Array = parts.sum(axis=axis, dtype=np.float64, keepdims=keepdims)
        return total.astype(to)
