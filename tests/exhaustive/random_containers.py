"""Containers for random calls: the same numbers in pandas, xarray, NumPy's subclasses, lists and Dask.

Each where its package is installed and it can hold the array.
"""

from __future__ import annotations

import importlib.util

import numpy as np

INSTALLED = {name for name in ("pandas", "xarray", "dask") if importlib.util.find_spec(name)}


def pandas_object(rng, a):
    import pandas

    return (pandas.DataFrame if a.ndim == 2 else pandas.Series)(a)


def data_array(rng, a):
    import xarray

    return xarray.DataArray(a, dims=[f"d{k}" for k in range(a.ndim)])


def dask_array(rng, a):
    """In chunks along the first axis alone: rows lie along another."""
    from dask import array

    return array.from_array(a, chunks=(int(rng.integers(1, a.shape[0] + 1)), *a.shape[1:]))


def masked_array(rng, a):
    """With nothing hidden."""
    return np.ma.MaskedArray(a)


def kinds_for(a, case) -> list:
    """What can hold the array: makers of containers."""
    narrow = a.dtype.itemsize < 4 and a.dtype != bool
    kinds = [] if case.what.endswith("jacobian") else [masked_array]
    if "pandas" in INSTALLED and a.ndim in (1, 2) and not narrow:
        kinds.append(pandas_object)
    if "xarray" in INSTALLED and a.dtype.kind != "V":
        kinds.append(data_array)
    if a.ndim == 2 and not narrow and not case.what.startswith("logsumexp"):  # whose result keeps both axes
        kinds.append(lambda rng, a: np.asarray(a).view(np.matrix))
    if a.dtype in (np.float64, np.int64, bool):
        kinds.append(lambda rng, a: a.tolist())
    if "dask" in INSTALLED and a.ndim > 1 and a.size and _rows_lie_elsewhere(case, a.ndim):
        kinds.append(dask_array)
    return kinds


def _rows_lie_elsewhere(case, ndim: int) -> bool:
    """Not of losses and parameters' gradients: over Dask they sum chunk by chunk, to other bits."""
    if case.what in ("prelu.backward", "swish.backward"):
        return False
    axis = case.options.get("axis", -1)
    axes = axis if isinstance(axis, tuple) else (axis,)
    return not case.is_loss and not case.what.endswith("jacobian") and all(a % ndim for a in axes)


def boxed(rng, operands, case):
    """The operands, the first and others of its shape in containers of one kind, and its name; or None."""
    first = operands[0]
    kinds = kinds_for(first, case) if isinstance(first, np.ndarray) and first.ndim and first.size else []
    if not kinds:
        return None
    make = kinds[rng.integers(len(kinds))]
    alike = [
        isinstance(a, np.ndarray) and a.shape == first.shape and a.dtype == first.dtype for a in operands
    ]
    return [
        make(rng, a) if k == 0 or (same and rng.random() < 0.7) else a
        for k, (a, same) in enumerate(zip(operands, alike, strict=True))
    ], make.__name__


def unboxed(result):
    """A call's result with plain arrays in their containers' places."""
    if isinstance(result, tuple):
        return tuple(unboxed(part) for part in result)
    if hasattr(result, "compute"):
        result = result.compute()
    if isinstance(result, np.ma.MaskedArray):
        return result.data
    return np.asarray(result) if hasattr(result, "__array__") and not np.isscalar(result) else result
