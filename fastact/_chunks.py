"""Dask arrays in chunks that match, for losses and row ops. (Imported where Dask is used only.)"""

from __future__ import annotations

from typing import Any

import dask.array as da

from fastact._arrays import hides_entries, is_instance

Axes = tuple[int, ...]


def check_meta(name: str, array: Any) -> None:
    """Refuses a Dask array that is known to have masked chunks."""
    if is_instance(getattr(array, "_meta", None), "numpy.ma", "MaskedArray"):
        raise TypeError(
            f"{name} has masked chunks, whose masks would be lost: use dask.array.ma.filled(array, value), "
            "and ~dask.array.ma.getmaskarray(array) as where= or as weight="
        )


def refuse_masks(name: str, array: Any) -> Any:
    """A Dask array, lazily refused where a chunk hides entries; at once if that is known."""
    if not isinstance(array, da.Array):
        return array
    check_meta(name, array)
    return da.map_blocks(_refuse_mask, array, name, dtype=array.dtype, meta=array._meta)


def _refuse_mask(block: Any, name: str) -> Any:
    if hides_entries(block):
        raise TypeError(
            f"{name} has a masked chunk, whose mask would be lost: use dask.array.ma.filled(array, value), "
            "and ~dask.array.ma.getmaskarray(array) as where="
        )
    return block.data if is_instance(block, "numpy.ma", "MaskedArray") else block


def match_chunks(
    op: str,
    arrays: dict[str, Any],
    axes: dict[str, Axes],
    unchunked: Axes,
    like: str,
    kind: str = "axis",
    merge: bool = False,
) -> dict[str, Any]:
    """Dask arrays in the chunks of `arrays[like]`, or if that is a NumPy array, of the others.

    `axes`: for each array the axes of `like` along which it lies; axes of its own have larger numbers.
    `unchunked`: the axes along which there must be one chunk: others are merged if `merge`, else refused.
    """
    shape = arrays[like].shape
    if _agree(arrays, axes, unchunked):
        return arrays
    for name, array in arrays.items():
        if array.ndim == len(shape) and isinstance(array, da.Array) and not merge:
            _check_unchunked(op, name, array, unchunked, kind)
    grid = _grid(arrays, axes, unchunked, like)
    result = {}
    for name, array in arrays.items():  # a dimension that is broadcast stays one
        dims = zip(array.shape, axes[name], strict=True)
        chunks = tuple(grid[a] if (n,) == shape[a : a + 1] else (n,) for n, a in dims)
        result[name] = array.rechunk(chunks) if isinstance(array, da.Array) else da.from_array(array, chunks)
    return result


def _agree(arrays: dict[str, Any], axes: dict[str, Axes], unchunked: Axes) -> bool:
    """Whether all are Dask arrays in the same chunks, of which sizes may be unknown."""
    found: dict[int, Axes] = dict.fromkeys(unchunked, ())
    for name, array in arrays.items():
        if not isinstance(array, da.Array):
            return False
        for a, chunks in zip(axes[name], array.chunks, strict=True):
            if a in unchunked:
                if len(chunks) != 1:
                    return False
            elif list(map(str, chunks)) != list(map(str, found.setdefault(a, chunks))):
                return False
    return True


def _check_unchunked(op: str, name: str, array: Any, unchunked: Axes, kind: str) -> None:
    for axis in unchunked:
        if array.numblocks[axis] > 1:
            raise ValueError(
                f"{op}: {name} has {array.numblocks[axis]} chunks along {kind} {axis}, but a row must lie in "
                f"one: use .rechunk({{{axis}: -1}}) first"
            )


def _grid(arrays: dict[str, Any], axes: dict[str, Axes], unchunked: Axes, like: str) -> tuple[Axes, ...]:
    """The chunks along each axis of `like`."""
    shape = arrays[like].shape
    if isinstance(arrays[like], da.Array):
        found = dict(enumerate(arrays[like].chunks))
    else:
        lazy = {name: array for name, array in arrays.items() if isinstance(array, da.Array)}
        found, _ = da.core.unify_chunks(*(part for name, a in lazy.items() for part in (a, axes[name])))
    grid = [(n,) if a in unchunked else found.get(a, (n,)) for a, n in enumerate(shape)]
    return tuple(c if sum(c) == n else (n,) for c, n in zip(grid, shape, strict=True))
