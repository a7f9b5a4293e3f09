"""Arguments as the core takes them: checks, conversions, results."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastact._config import _core

Array = npt.NDArray[Any]

_PLAIN = frozenset((np.ndarray, float, int, str, type(None)))  # no Dask collection is one of these
_NATIVE = (np.dtype(np.float32), np.dtype(np.float64))
_FLOAT_NUMBERS = frozenset(np.dtype(char).num for char in "efd")


def plain_array(value: Any, name: str) -> Array:
    if type(value) is np.ndarray:
        return value
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:  # lists of different lengths, mostly
        raise type(error)(f"{name} does not make an array: {error}") from None


def float_array(value: Any, name: str) -> Array:
    """`value` as a native array of a float type the core has; integers and bools become float64."""
    array = plain_array(value, name)
    if array.dtype in _NATIVE:
        return array
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    _core.check_real(name, array)
    return native(array)


def is_float(dtype: np.dtype[Any]) -> bool:
    """One of the core's FLOATS? (A dtype's name takes NumPy as long as many a call.)"""
    return dtype.num in _FLOAT_NUMBERS or (dtype.kind == "V" and dtype.name in _core.FLOATS)


def native(array: Array) -> Array:
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def integer_array(value: Any, name: str, what: str = "class labels") -> Array:
    array = plain_array(value, name)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers ({what}), got {array.dtype}")
    return native(array)


def choice(value: Any, name: str, allowed: tuple[str, ...]) -> Any:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def as_array(value: Any) -> Any:
    """An array, of NumPy's or another library's that takes ufuncs."""
    return value if hasattr(value, "__array_ufunc__") else np.asarray(value)


def as_weak_array(value: Any) -> Any:
    """The same, but Python's own numbers as they are: they take on the type of what is beside them."""
    return value if isinstance(value, (int, float)) else as_array(value)


def check_order(order: Any, name: str) -> None:
    if type(order) is not int or order not in (1, 2):
        raise ValueError(f"{name}: order must be 1 or 2, got {order!r}")


def single(out: Any) -> Any:
    """`out` of a function with one result, which may come in a tuple, as NumPy has it."""
    return out[0] if isinstance(out, tuple) and len(out) == 1 else out


def any_dask(*values: Any) -> bool:
    """Whether one is a Dask collection."""
    if not any(type(value) not in _PLAIN and hasattr(value, "__dask_graph__") for value in values):
        return False
    from dask.base import is_dask_collection

    return any(map(is_dask_collection, values))


def check_out(out: Any, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """`out` if a result of `shape` and `dtype` may be written to it."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be an ndarray, got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name} is read-only")
    if out.dtype is not dtype and not np.can_cast(dtype, out.dtype, casting="same_kind"):
        raise TypeError(f"{name} of dtype {out.dtype} cannot hold a result of dtype {dtype}")
    return out


class Result:
    """An array to compute into: `out` itself where the core can write it, else a copy to
    be delivered. `in_place` names the one input whose memory it may share."""

    out: Array | None
    array: Array

    def __init__(
        self,
        out: Any,
        name: str,
        shape: tuple[int, ...],
        dtype: Any,
        sources: list[Array],
        in_place: Array | None,
    ) -> None:
        if out is None:
            self.out, self.array = None, np.empty(shape, dtype)
            return
        self.out = check_out(out, name, shape, dtype)
        usable = self.out.dtype == dtype and self.out.dtype.isnative
        usable = usable and (self.out.flags.c_contiguous or self.out.ndim == 1)
        sharing = [s for s in sources if usable and _core.may_share_memory(self.out, s)]
        usable = usable and all(s is in_place and _same_memory(self.out, s) for s in sharing)
        usable = usable and len(sharing) <= 1  # a target that is the input is read once more
        self.array = self.out if usable else np.empty(shape, dtype)

    def deliver(self) -> Array:
        if self.out is None or self.out is self.array:
            return self.array
        with np.errstate(all="ignore"):  # of an `out` narrower than the result
            self.out[...] = self.array
        return self.out


def _same_memory(a: Array, b: Array) -> bool:
    return a is b or (a.__array_interface__["data"], a.strides, a.dtype) == (
        b.__array_interface__["data"],
        b.strides,
        b.dtype,
    )
