"""Containers: arrays of other libraries and NumPy's own subclasses, and how results come back in them.

The rule (docs/decisions/0033-containers.md):

1. Elements go together by position. Operands with labels must have the same ones, else it is an error.
2. A result comes in the container of the first operand that is one, with the labels of the axes that kept
   their length. Losses give plain arrays.
3. A masked array's hidden entries are not there: row ops leave them out, other functions hide their results.
   Losses refuse them.

Activations are ufuncs, so there containers see to 2 and 3 themselves; `check_containers` sees to the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np

from fastact._arrays import as_ndarray, check_known_length, hides_entries, is_instance
from fastact._config import _core

Axes = tuple[int, ...]

_PLAIN = frozenset((np.ndarray, float, int, bool, list, tuple, str, type(None)))


# ---- kinds ----------------------------------------------------------------------------


def _is_masked(value: Any) -> bool:
    return is_instance(value, "numpy.ma", "MaskedArray")


def _is_pandas(value: Any) -> bool:
    return is_instance(value, "pandas", "Series", "DataFrame", "Index") or is_instance(
        value, "pandas.api.extensions", "ExtensionArray"
    )


def _is_xarray(value: Any) -> bool:
    return is_instance(value, "xarray", "DataArray")


def _is_labelled(value: Any) -> bool:
    return is_instance(value, "pandas", "Series", "DataFrame") or _is_xarray(value)


def has_containers(*values: Any) -> bool:
    """Whether one is no plain array, list or number, so that `Opened` has something to open."""
    return not _PLAIN.issuperset(map(type, values))


# ---- labels ---------------------------------------------------------------------------


def check_labels(op: str, named: dict[str, Any], by_ufunc: bool = False) -> None:
    """Refuses operands that have labels which differ.

    Where a ufunc hands over to their library (`by_ufunc`), that would put together what has the same label.
    """
    labelled = {name: value for name, value in named.items() if _is_labelled(value)}
    for (first, a), (second, b) in combinations(labelled.items(), 2):
        if type(a) is not type(b):
            if by_ufunc:
                raise TypeError(
                    f"{op}: {first} is a {type(a).__name__}, {second} a {type(b).__name__}, whose labels do "
                    "not go together: use .to_numpy() of one, for which positions count"
                )
            continue
        agree = _same_names if _is_xarray(a) else _same_axes
        if not agree(a, b, by_ufunc):
            raise ValueError(
                f"{op}: {first} and {second} have different labels: align them first, or use .to_numpy() of "
                "both, for which positions count"
            )


def check_loss_labels(
    op: str, names: tuple[str, ...], values: tuple[Any, ...], unaligned: tuple[str, ...]
) -> None:
    """Refuses operands of a loss whose labels differ from the first's, but for `unaligned` ones."""
    first, *others = ((n, v) for n, v in zip(names, values, strict=True) if n not in unaligned)
    for name, value in others:
        if _is_xarray(value) or getattr(value, "shape", None) == getattr(first[1], "shape", ()):
            check_labels(op, {first[0]: first[1], name: value})
        elif (
            is_instance(value, "pandas", "Series")
            and is_instance(first[1], "pandas", "DataFrame")
            and len(value) == len(first[1])
        ):
            check_labels(op, {first[0]: first[1].index.to_series(), name: value.index.to_series()})


def _same_labels(a: Any, b: Any, by_ufunc: bool) -> bool:
    """Of an axis. Lengths that differ are for the op to judge, unless a ufunc would fill the gaps."""
    return bool(a.equals(b)) or (not by_ufunc and len(a) != len(b))


def _same_axes(a: Any, b: Any, by_ufunc: bool) -> bool:
    return all(_same_labels(x, y, by_ufunc) for x, y in zip(a.axes, b.axes, strict=True))


def _same_names(a: Any, b: Any, by_ufunc: bool) -> bool:
    """xarray broadcasts by the names of dimensions: they must agree with positions."""
    small, large = sorted((a, b), key=lambda x: x.ndim)
    if by_ufunc or small.ndim == large.ndim:
        lead = large.ndim - small.ndim
        pairs = zip(small.dims, large.dims[lead:], small.shape, large.shape[lead:], strict=True)
        if any(d != e and (by_ufunc or n == m) for d, e, n, m in pairs):
            return False
    shared = [dim for dim in small.dims if dim in small.indexes and dim in large.indexes]
    return all(_same_labels(small.indexes[dim], large.indexes[dim], by_ufunc) for dim in shared)


def check_containers(op: str, names: tuple[str, ...], values: tuple[Any, ...], keywords: Any) -> None:
    """Refuses operands of a ufunc that NumPy or their library would put together otherwise than by
    position, or of which a mask would be lost."""
    if not has_containers(*values):
        return
    positional = len(values) - len(keywords or ())
    named = dict(zip(names, values[:positional], strict=False))
    others = dict(zip(keywords or (), values[positional:], strict=True))
    named |= {name: value for name, value in others.items() if name in names}
    for name, value in named.items():
        _check_takes_ufuncs(op, name, value)
    check_labels(op, named, by_ufunc=True)
    _check_labels_cover(op, named)
    if hides_entries(others.get("where")):
        raise TypeError(f"{op}: where hides entries by a mask of its own: use .filled(False)")
    masked = [name for name, value in named.items() if hides_entries(value)]
    beside = [name for name, value in named.items() if _is_labelled(value)]
    if masked and beside:
        raise TypeError(
            f"{op}: {masked[0]} is a masked array, {beside[0]} a {type(named[beside[0]]).__name__}, which "
            "keeps no masks: use .to_numpy() of it"
        )


def _check_labels_cover(op: str, named: dict[str, Any]) -> None:
    """Refuses operands with labels of which none has the shape that all are broadcast to: the result's."""
    labelled = {name: value for name, value in named.items() if _is_labelled(value)}
    if not labelled:
        return
    try:
        shape = np.broadcast_shapes(*(np.shape(value) for value in named.values()))
    except (TypeError, ValueError):  # a length that is not known, or shapes that the ufunc refuses
        return
    name, first = next(iter(labelled.items()))
    if all(value.shape != shape for value in labelled.values()):
        raise ValueError(
            f"{op}: {name}, a {type(first).__name__} of shape {first.shape}, has no labels for the result of "
            f"shape {shape}: use .to_numpy() of it"
        )


def _call_of_containers(called: Any, names: tuple[str, ...], values: tuple[Any, ...], keywords: Any) -> Any:
    """Checks them; the result of a DataFrame beside Python's numbers, of which pandas would make arrays of
    float64, and the result would be of that type; else NotImplemented."""
    op, count = called.__name__, len(values) - len(keywords or ())
    check_containers(op, names, values, keywords)
    given = dict(zip((*names[:count], *(keywords or ())), values, strict=False))
    frame = next((v for v in given.values() if is_instance(v, "pandas", "DataFrame")), None)
    numbers = [name for name in names if type(given.get(name)) in (int, float)]
    if frame is None or not numbers or _is_labelled(given.get("out")) or len(given) < len(values):
        return NotImplemented
    plain = {name: plain_array(op, name, v) if _is_pandas(v) else v for name, v in given.items()}
    result = called(**plain)
    return result if given.get("out") is not None else close_like(frame, result)


_core.set_container_check(_call_of_containers)


# ---- operands -------------------------------------------------------------------------


def plain_array(op: str, name: str, value: Any) -> Any:
    """The entries of a container: an ndarray, or an array of another library that takes ufuncs."""
    if type(value) in _PLAIN:
        return value
    if _is_xarray(value):
        return plain_array(op, name, value.data)
    if _is_pandas(value) or isinstance(value, np.matrix):
        return as_ndarray(value, f"{op}: {name}")
    if _is_masked(value):
        return value.data
    _check_takes_ufuncs(op, name, value)
    if not hasattr(value, "__array_ufunc__"):
        _core.check_real(f"{op}: {name}", value)
    elif not (hasattr(value, "dtype") and hasattr(value, "shape")):
        raise TypeError(f"{op}: {name} must be an array, got {type(value).__name__}")
    return value


def _check_takes_ufuncs(op: str, name: str, value: Any) -> None:
    if getattr(value, "__array_ufunc__", True) is None:
        raise TypeError(
            f"{op}: {name} of type {type(value).__name__} takes no ufuncs (its __array_ufunc__ is None): "
            "make it an array first"
        )


class Opened:
    """A call's operands as plain arrays (`arrays`, by their names), and what becomes of its result."""

    def __init__(self, op: str, named: dict[str, Any], out: Any = None) -> None:
        check_labels(op, {**named, "out": out})
        self.op, self.named = op, named
        self.arrays = {name: plain_array(op, name, value) for name, value in named.items()}
        self.like = next(filter(_comes_back, named.values()), None)
        hiding = [name for name, value in named.items() if hides_entries(value)]
        if hiding and not _is_masked(self.like):
            raise TypeError(
                f"{op}: {hiding[0]} is a masked array beside a {type(self.like).__name__}, which keeps no "
                "masks: use .to_numpy() or np.asarray() of it"
            )

    def mask(self, name: str) -> Any:
        """True where the operand's entries are hidden; None if it hides none."""
        value = self.named[name]
        return np.ma.getmaskarray(value) if hides_entries(value) else None

    def mask_of_all(self, names: Iterable[str]) -> Any:
        """True where an entry of one of these is hidden; None if none is."""
        masks = [mask for mask in map(self.mask, names) if mask is not None]
        return None if not masks else np.logical_or.reduce(np.broadcast_arrays(*masks))

    def check_known_lengths(self) -> None:
        """Refuses Dask arrays that do not know their lengths."""
        for name, array in self.arrays.items():
            check_known_length(f"{self.op}: {name}", getattr(array, "shape", ()))

    def check_hides_no_more(self, name: str, hidden: Any) -> None:
        """Refuses an operand that hides entries which the others, or the result, do not."""
        mask = self.mask(name)
        if mask is not None and (hidden is None or not _covers(hidden, mask)):
            raise TypeError(
                f"{self.op}: {name} hides entries by a mask of its own: fill them first, with .filled(value)"
            )

    def close(self, result: Any, gone: Axes = (), renewed: Axes = (), mask: Any = None) -> Any:
        """The result in the container of the operands. See `close_like`."""
        return close_like(self.like, result, gone, renewed, mask)


def _covers(hidden: Any, mask: Any) -> bool:
    try:
        return not (mask & ~hidden).any()
    except ValueError:
        return True  # shapes that do not fit are refused where the op looks at them


def _comes_back(value: Any) -> bool:
    """Whether results come in a container like this one."""
    return _is_masked(value) or _is_pandas(value) or _is_xarray(value) or isinstance(value, np.matrix)


def close_like(like: Any, result: Any, gone: Axes = (), renewed: Axes = (), mask: Any = None) -> Any:
    """A result in a container like `like`, of which it lacks the axes `gone`; along `renewed` its length is
    another, so there labels do not hold. `mask`: of a masked array's result, or None."""
    if not _comes_back(like):
        return result
    if _is_masked(like):
        return np.ma.MaskedArray(result, np.ma.nomask if mask is None else mask.copy())[()]
    if isinstance(like, np.matrix):
        shape = [1 if a in gone else n for a, n in enumerate(like.shape)]
        if len(gone) == 2 or np.ndim(result) > 2:
            return result
        return (result.reshape(shape) if gone else result).view(np.matrix)
    kept = [a for a in range(like.ndim) if a not in gone]
    if np.ndim(result) != len(kept):
        return result
    renewed += tuple(a for a, n in zip(kept, result.shape, strict=True) if n != like.shape[a])
    return (
        _as_xarray(like, result, gone, renewed)
        if _is_xarray(like)
        else _as_pandas(like, result, gone, renewed)
    )


def _as_xarray(like: Any, result: Any, gone: Axes, renewed: Axes) -> Any:
    lost = {like.dims[a] for a in (*gone, *renewed)}
    coords = {name: coord for name, coord in like.coords.items() if not lost & set(coord.dims)}
    dims = [dim for a, dim in enumerate(like.dims) if a not in gone]
    return type(like)(result, coords, dims, like.name, like.attrs)


def _as_pandas(like: Any, result: Any, gone: Axes, renewed: Axes) -> Any:
    pandas = sys.modules["pandas"]
    if not np.ndim(result):
        return result
    dtype = _nullable_dtype(pandas, like, result.dtype)
    if is_instance(like, "pandas", "Index"):
        return pandas.Index(result, dtype=dtype, name=None if renewed else like.name)
    if not _is_labelled(like):
        return result if dtype is None else pandas.array(result, dtype=dtype)
    labels = [None if a in renewed else axis for a, axis in enumerate(like.axes) if a not in gone]
    if len(labels) == 2:
        return pandas.DataFrame(result, *labels, dtype=dtype)
    return pandas.Series(result, *labels, dtype=dtype, name=None if like.ndim == 2 else like.name)


def _nullable_dtype(pandas: Any, like: Any, dtype: Any) -> Any:
    """Float32 or Float64, if all of `like` is nullable."""
    extension = pandas.api.extensions.ExtensionDtype
    dtypes = list(like.dtypes) if is_instance(like, "pandas", "DataFrame") else [like.dtype]
    nullable = bool(dtypes) and all(isinstance(d, extension) and hasattr(d, "numpy_dtype") for d in dtypes)
    return f"Float{8 * dtype.itemsize}" if nullable and dtype.itemsize in (4, 8) else None


# ---- outputs --------------------------------------------------------------------------


def open_out(op: str, out: Any) -> Any:
    """`out` as a plain array of the same memory; None if it has labels, and `close_out` copies."""
    if isinstance(out, tuple):
        return tuple(open_out(op, part) for part in out)
    if _is_labelled(out):
        return None
    if _is_pandas(out):
        raise TypeError(f"{op}: out must be an ndarray, got {type(out).__name__}")
    if _is_masked(out):
        return out.data
    return out.view(np.ndarray) if isinstance(out, np.matrix) else out


def close_out(op: str, out: Any, result: Any, mask: Any) -> Any:
    """`out` with the result, which is in it already unless it has labels; a masked one with its mask."""
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if _is_labelled(out):
        if out.shape != np.shape(result):
            raise ValueError(f"{op}: out must have shape {np.shape(result)}, got {out.shape}")
        (out if _is_xarray(out) else out.iloc)[...] = result
    elif _is_masked(out):
        out.mask = False if mask is None else mask
    return out
