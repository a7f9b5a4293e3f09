"""Arguments as the core takes them: checks, conversions, outputs."""

from __future__ import annotations

import sys
from itertools import combinations
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from fastact._config import _core

Array = npt.NDArray[Any]

_NEVER_DASK = frozenset((np.ndarray, float, int, bool, str, type(None)))
_NATIVE_FLOATS = _FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_TooHard = getattr(np, "exceptions", np).TooHardError  # NumPy before 1.25 has it elsewhere
_MOST_WORK = 100_000  # some milliseconds
# What a ufunc makes of ml_dtypes' numbers without loops of their own: of int4 a float64, of float8 a float32.
_OTHER_NUMBERS: tuple[tuple[Any, Any], ...] = (
    (np.int64, np.float64),
    (np.float32, np.float32),
    (np.float64, np.float64),
)
_FLOAT_NUMBERS = frozenset(np.dtype(char).num for char in "efd")


# ---- inputs -------------------------------------------------------------------------


def as_ndarray(value: Any, name: str) -> Array:
    """`np.asarray`, whose errors name the argument; but it refuses to lose a mask."""
    if type(value) is np.ndarray:
        return value
    if type(value) is float:
        return np.asarray(value)
    if hides_entries(value):
        raise TypeError(
            f"{name} is a masked array, which hides {np.ma.getmaskarray(value).sum()} of {value.size} "
            "entries: leave them out (.compressed()), or fill them (.filled(value)) and give them weight 0, "
            "or as labels the ignore_index"
        )
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and _is_nullable(value):
            return np.asarray(value.to_numpy(np.float64, na_value=np.nan))
        return array
    except TypeError as error:
        raise TypeError(f"{name} does not make an array: {error}") from None
    except ValueError:
        raise ValueError(f"{name} must be an array or make one, got lists of different lengths") from None


def is_instance(value: Any, module: str, *classes: str) -> bool:
    """`isinstance`, without an import: of a module that is not loaded there are no instances."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, tuple(getattr(loaded, name, ()) for name in classes))


def hides_entries(value: Any) -> bool:
    """Whether it is a masked array of which an entry is masked."""
    loaded = sys.modules.get("numpy.ma")  # as in is_instance, but quick: every number comes by
    return isinstance(value, getattr(loaded, "MaskedArray", ())) and bool(np.ma.is_masked(value))


def _is_nullable(value: Any) -> bool:
    """Whether it holds numbers of pandas, whose missing ones make NumPy take them for objects."""
    if is_instance(value, "pandas", "DataFrame"):
        return all(dtype.kind in "biuf" for dtype in value.dtypes)
    kind = getattr(getattr(value, "dtype", None), "kind", "O")
    return kind in "iuf" and hasattr(value, "to_numpy")


def float_array(value: Any, name: str) -> Array:
    """`value` as a native array of a float type the core has; integers and bools become float64."""
    array = as_ndarray(value, name)
    if array.dtype is _FLOAT32 or array.dtype is _FLOAT64 or array.dtype in _NATIVE_FLOATS:
        return array
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind in "Vf" and array.dtype.names is None and not is_float(array.dtype):
        for like, dtype in _OTHER_NUMBERS:
            if np.can_cast(array.dtype, like):
                return array.astype(dtype)
    _core.check_real(name, value if array.dtype.kind in "OUS" else array)
    return native_order(array)


def integer_array(value: Any, name: str, what: str = "class labels") -> Array:
    """`value` as native integers. An empty list, which to NumPy is one of floats, holds as many."""
    array = as_ndarray(value, name)
    if array.dtype.kind in "iu":
        return native_order(array)
    if array is not value and not array.size:
        return array.astype(np.int64)
    hint = "; say .astype(int) if they are labels" if array.dtype.kind in "bf" else ""
    raise TypeError(f"{name} must hold integers ({what}), got {_core.describe(value)}{hint}")


def native_order(array: Array) -> Array:
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether it is one of the core's FLOATS. (A dtype's name takes NumPy as long as many a call.)"""
    return dtype.num in _FLOAT_NUMBERS or (dtype.kind == "V" and dtype.name in _core.FLOATS)


def as_array(value: Any) -> Any:
    """An array, of NumPy's or another library's that takes ufuncs."""
    return value if hasattr(value, "__array_ufunc__") else np.asarray(value)


def as_weak_array(value: Any) -> Any:
    """The same, but Python's own numbers as they are: they take on the type of what is beside them."""
    return value if isinstance(value, (int, float)) else as_array(value)


def any_dask(*values: Any) -> bool:
    """Whether one is a Dask collection."""
    if _NEVER_DASK.issuperset(map(type, values)):
        return False
    if not any(type(value) not in _NEVER_DASK and hasattr(value, "__dask_graph__") for value in values):
        return False
    from dask.base import is_dask_collection

    return any(map(is_dask_collection, values))


def check_known_length(name: str, shape: tuple[Any, ...]) -> None:
    """Refuses the shape of a Dask array that holds NaN for lengths which it does not know."""
    if any(n != n for n in shape):
        raise ValueError(f"{name} has chunks of unknown sizes: use .compute_chunk_sizes() first")


def same_shape(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Whether they are equal, also where Dask does not know a length, which is NaN then."""
    return a == b or (
        len(a) == len(b) and all(n == m or (n != n and m != m) for n, m in zip(a, b, strict=True))
    )


# ---- options ------------------------------------------------------------------------


def choice(value: Any, name: str, allowed: tuple[str, ...]) -> Any:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def is_integer(value: Any) -> bool:
    """Whether Python takes it for an index; bools are none here."""
    if isinstance(value, bool):
        return False
    try:
        index(value)
    except TypeError:
        return False
    return True


def check_order(order: Any, name: str) -> None:
    if type(order) is not int or order not in (1, 2):
        raise ValueError(f"{name}: order must be 1 or 2, got {order!r}")


# ---- outputs ------------------------------------------------------------------------


def check_out(
    out: Any, name: str, shape: tuple[int, ...], dtype: Any = None, *, by_ufunc: bool = False
) -> Any:
    """`out`, if a result of `shape` and `dtype` may be written to it.

    All outputs that Python checks are checked here. Without a dtype the cast is not checked. Where
    a ufunc does the writing (`by_ufunc`), other libraries' arrays pass: the ufunc hands over to them.
    """
    if not isinstance(out, np.ndarray):
        if by_ufunc and hasattr(out, "__array_ufunc__"):
            return out
        raise TypeError(f"{name} must be an ndarray, got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name} must be writable, got a read-only array")
    if dtype is None or out.dtype is dtype or np.can_cast(dtype, out.dtype, casting="same_kind"):
        return out
    raise TypeError(f"{name} must take results of {dtype}, got {out.dtype}")


def check_no_overlap(outputs: list[tuple[Any, str]]) -> None:
    """Refuses outputs, each with its name, of which two share memory."""
    arrays = [pair for pair in outputs if isinstance(pair[0], np.ndarray)]
    for (a, first), (b, second) in combinations(arrays, 2):
        try:
            share = np.shares_memory(a, b, max_work=_MOST_WORK)  # type: ignore[arg-type]
        except _TooHard:  # exponential, for views of many odd strides
            raise ValueError(
                f"{first} and {second} must not share memory, got views whose strides do not show it; "
                "make one of them contiguous"
            ) from None
        if share:
            raise ValueError(f"{first} and {second} must not share memory, got arrays that overlap")


def unpack_out(out: Any) -> Any:
    """`out` of a function with one result, which may come in a tuple, as NumPy has it."""
    return out[0] if isinstance(out, tuple) and len(out) == 1 else out


def split_out(out: Any, name: str, count: int) -> list[tuple[Any, str]]:
    """The outputs for the gradients by `count` inputs, each with its name."""
    if out is None:
        return [(None, name)] * count
    if not isinstance(out, tuple) or len(out) != count:
        number = {2: "two", 3: "three"}[count]
        found = f"a tuple of {len(out)}" if isinstance(out, tuple) else type(out).__name__
        raise TypeError(f"{name} must be a tuple of {number} arrays, one for each input, got {found}")
    return [(part, f"{name}[{k}]") for k, part in enumerate(out)]


class OutputBuffer:
    """Where the core writes a result: into `out` itself if it can, else into `array`, a new one, of
    which `write_back` makes a copy into `out`.

    `sources` are the arrays that are read. `in_place` is the one of them that `out` may be.
    """

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
        usable = usable and all(s is in_place and _is_same_view(self.out, s) for s in sharing)
        usable = usable and len(sharing) <= 1  # a target that is the input is read once more
        self.array = self.out if usable else np.empty(shape, dtype)

    def write_back(self) -> Array:
        """The result, in `out` if there is one."""
        if self.out is None or self.out is self.array:
            return self.array
        with np.errstate(all="ignore"):  # of an `out` narrower than the result
            self.out[...] = self.array
        return self.out


def _is_same_view(a: Array, b: Array) -> bool:
    """Whether elements lie at the same addresses, in the same order and type."""
    return a is b or (a.__array_interface__["data"], a.strides, a.dtype) == (
        b.__array_interface__["data"],
        b.strides,
        b.dtype,
    )
