"""Layouts an array can have in memory: what makes a copy of it in each."""

import numpy as np

from support import walk

# ---- layouts of one dimension --------------------------------------------------


def strided(a, step):
    room = np.full(a.size * step + 3, 7, a.dtype)
    room[1 : 1 + a.size * step : step] = a
    return room[1 : 1 + a.size * step : step]


def negative(a):
    return a[::-1].copy()[::-1]


def misaligned(a):
    room = bytearray(a.nbytes + 1)
    view = np.frombuffer(memoryview(room)[1:], a.dtype)
    view[...] = a
    assert not view.flags.aligned or not a.size or a.itemsize == 1
    return view


def swapped(a):
    return a.astype(a.dtype.newbyteorder())


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def column(a):
    room = np.full((a.size, 5), 7, a.dtype)
    room[:, 2] = a
    return room[:, 2]


def field(a):
    """A field of packed records: the stride is no multiple of the element."""
    room = np.zeros(a.size, np.dtype([("tag", "u1"), ("x", a.dtype)]))
    room["x"] = a
    return room["x"]


LAYOUTS = {
    "contiguous": lambda a: a.copy(),
    "strided 2": lambda a: strided(a, 2),
    "strided 3": lambda a: strided(a, 3),
    "negative": negative,
    "negative strided": lambda a: negative(strided(a, 2)[::-1])[::-1],
    "column": column,
    "misaligned": misaligned,
    "field": field,
    "byte-swapped": swapped,
}
SOURCES = {**LAYOUTS, "read-only": read_only, "broadcast": lambda a: np.broadcast_to(a[:1], a.shape)}


def possible(layout, dtype):
    return not (layout == "byte-swapped" and dtype == walk.BFLOAT16)  # ml_dtypes has native order only


def copies(arrays):
    return [np.array(a, a.dtype.newbyteorder("="), order="C", copy=True) for a in arrays]


# ---- of two dimensions ---------------------------------------------------------


def spread(a, steps):
    room = np.full([n * s + 1 for n, s in zip(a.shape, steps, strict=True)], 7, a.dtype)
    view = room[tuple(slice(0, n * s, s) for n, s in zip(a.shape, steps, strict=True))]
    view[...] = a
    return view


MATRICES = {
    "strided": lambda a: spread(a, (1, 2)),
    "rows apart": lambda a: spread(a, (3, 1)),
    "negative rows": lambda a: a[::-1].copy()[::-1],
    "negative": lambda a: a[:, ::-1].copy()[:, ::-1],
    "Fortran": lambda a: np.array(a, order="F"),
    "Fortran strided": lambda a: spread(a.T, (1, 2)).T,
    "misaligned": lambda a: misaligned(a.reshape(-1)).reshape(a.shape),
    "byte-swapped": swapped,
    "read-only": read_only,
}
