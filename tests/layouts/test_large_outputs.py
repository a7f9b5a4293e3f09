"""Outputs so large that some CPUs store them past the caches: the same bits, and nothing beside them.

Elsewhere these are ordinary calls on large arrays.
"""

import numpy as np
import pytest
from support import walk

from fastact import _core

LEAST = 48 << 20  # bytes: FA_STREAM_LEAST of csrc/runtime/stream.h
ROOM = 64
OPS = ["relu", "gelu", "swish", "threshold", "sigmoid_backward", "prelu_backward", "geglu_second_derivative"]
OF_TWO = ["reglu_backward_both", "swish_backward_both"]


def pieces(whole, size=100_000):
    """Of whole arrays: too small to be stored otherwise than into the caches."""
    for start in range(0, len(whole[0]), size):
        yield [a[start : start + size] for a in whole]


def room_for(x, offset):
    """A place as large as x, in use already, `offset` elements behind the begin of a cache line."""
    room = np.full(x.size + 2 * ROOM, 7, x.dtype)
    begin = (-room.ctypes.data % 64) // x.itemsize + offset + 16
    return room, room[begin : begin + x.size]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*OPS, *OF_TWO])
def test_same_bits_and_nothing_beside(name, dtype):
    ufunc = getattr(_core, name)
    n = LEAST // np.dtype(dtype).itemsize + 1037
    inputs = [np.resize(walk.values(1_000_003, dtype, k), n) for k in range(ufunc.nin)]
    wanted = [np.empty(n, dtype) for _ in range(ufunc.nout)]
    for part in pieces([*inputs, *wanted]):
        ufunc(*part[: ufunc.nin], out=tuple(part[ufunc.nin :]))
    for offset in (0, 5):
        rooms = [room_for(inputs[0], offset) for _ in wanted]
        ufunc(*inputs, out=tuple(y for _, y in rooms))
        for (room, y), one in zip(rooms, wanted, strict=True):
            walk.assert_same_bits(y, one, (name, offset))
            begin = (y.ctypes.data - room.ctypes.data) // y.itemsize
            assert (room[:begin] == 7).all()
            assert (room[begin + n :] == 7).all()


def test_any_threads_and_inputs(threads):
    """Inputs that are contiguous, strided, reversed, the output itself, or a little ahead of it."""
    n = LEAST // 4 + 1037
    memory = np.resize(walk.values(1_000_003, "float32", 1), 2 * n + 16)
    for ufunc in (_core.gelu, _core.relu):
        for source in (memory[:n], memory[: 2 * n : 2], memory[:n][::-1]):
            wanted = np.concatenate([ufunc(part) for (part,) in pieces([source])])
            walk.assert_same_bits(ufunc(source, out=np.zeros(n, np.float32)), wanted, ufunc.__name__)
        for start in (0, 16):
            own = memory.copy()
            wanted = np.concatenate([ufunc(part) for (part,) in pieces([own[start : start + n]])])
            walk.assert_same_bits(ufunc(own[start : start + n], out=own[:n]), wanted, (ufunc.__name__, start))


def test_in_place():
    inputs = [np.resize(walk.values(1_000_003, "float32", k), LEAST // 4 + 1037) for k in range(3)]
    wanted = _core.swish_backward_both(*inputs)
    own = [a.copy() for a in inputs]
    _core.swish_backward_both(*own, out=tuple(own[:2]))
    for y, one in zip(own, wanted, strict=False):
        walk.assert_same_bits(y, one)
