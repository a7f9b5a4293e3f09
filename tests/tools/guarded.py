"""Runs every op on arrays that end exactly at an unreadable page and on arrays that
begin exactly behind one: a touch outside an array ends the process by SIGSEGV.

    python tests/tools/guarded.py maps|rows|losses|float64_rows

gcc's address sanitizer does not see masked loads; a protected page does.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

import numpy as np

import fastact as fa
from fastact import _core

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import walk

PAGE = mmap.PAGESIZE
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Guarded:
    """Memory between two unreadable pages."""

    def __init__(self, pages: int = 48) -> None:
        self.size = pages * PAGE
        self._map = mmap.mmap(-1, self.size + 2 * PAGE)
        self._bytes = np.frombuffer(self._map, "u1")
        start = self._bytes.ctypes.data
        for edge in (start, start + PAGE + self.size):
            if _libc.mprotect(edge, PAGE, 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        self.room = self._bytes[PAGE : PAGE + self.size]

    def place(self, like: np.ndarray, at_end: bool) -> np.ndarray:
        """A contiguous copy of `like` that touches one of the guards."""
        part = self.room[self.size - like.nbytes :] if at_end else self.room[: like.nbytes]
        view = part.view(like.dtype).reshape(like.shape)
        view[...] = like
        return view

    def place_strided(self, like: np.ndarray, at_end: bool, step: int = 3) -> np.ndarray:
        """A strided copy whose last (or first) element touches the guard."""
        elements = self.room.view(like.dtype)
        last = (like.size - 1) * step + 1
        view = (elements[elements.size - last :] if at_end else elements[:last])[::step][: like.size]
        view[...] = like.reshape(-1)
        return view


_pool = [Guarded() for _ in range(7)]


def _placed(arrays, at_end, strided=False):
    homes = iter(_pool)
    for a in arrays:
        home = next(homes)
        strided_here = strided and a.ndim == 1 and a.size
        yield home.place_strided(a, at_end) if strided_here else home.place(a, at_end)


def check_maps() -> int:
    calls = 0
    for op in walk.maps():
        for dtype in walk.DTYPES.values():
            for n in [*range(68), 511, 512, 513, 700]:
                args = walk.map_operands(op, n, dtype, n)
                wanted = op.ufunc(*args)
                for at_end in (True, False):
                    for strided in (False, True):
                        *moved, out = _placed([*args, np.zeros(n, dtype)], at_end, strided)
                        op.ufunc(*moved, out=out)
                        walk.assert_same_bits(out, wanted, (op.name, dtype, n, at_end, strided))
                        calls += 1
    return calls


def check_rows() -> int:
    calls = 0
    for op in walk.rows():
        for dtype in (walk.DTYPES["float32"], walk.DTYPES["float64"], walk.DTYPES["float16"]):
            for r in range(1, 21):
                for n in range(1 + r % 4, 68, 4) if dtype.itemsize < 8 else range(1 + r % 3, 68, 6):
                    calls += _check_row_op(op, (r, n), dtype)
            for r, n in ((5, 65), (16, 66), (17, 70), (31, 130), (48, 129), (17, 167), (300, 67)):
                calls += _check_row_op(op, (r, n), dtype) + _check_columns(op, (r, n), dtype)
    return calls


def _check_columns(op, shape, dtype) -> int:
    """Side by side, at either end of arrays that are whole cache lines wide."""
    wide = (-(-shape[0] // 16) * 16 + 16, shape[1])
    args = [a.T for a in op.operands(wide, dtype)]
    for left in (0, 3, 11):
        for columns in (slice(left, left + shape[0]), slice(wide[0] - left - shape[0], wide[0] - left)):
            some = [np.ascontiguousarray(a[..., columns].T) for a in args]
            wanted = op.function(*some)
            room = np.zeros(wide[::-1] if wanted.ndim == 2 else wide[0], dtype)
            *moved, out = _placed([*args, room], at_end=left != 0)
            op.function(*(a[..., columns] for a in moved), axis=0, out=out[..., columns])
            got = np.ascontiguousarray(out[..., columns].T)
            walk.assert_same_bits(got, wanted, (op.name, shape, columns))
    return 6


def _check_row_op(op, shape, dtype) -> int:
    args = op.operands(shape, dtype)
    wanted = op.function(*args)
    mask = walk.integers(shape[0] * shape[1], 5).reshape(shape) % np.uint64(3) > 0
    masked = op.function(*args, where=mask)
    for at_end in (True, False):
        *moved, out = _placed([*args, np.zeros_like(wanted)], at_end)
        op.function(*moved, out=out)
        walk.assert_same_bits(out, wanted, (op.name, shape, at_end))
        turned = [np.ascontiguousarray(a.T) for a in (*args, np.zeros_like(wanted))]
        *moved, out = _placed(turned, at_end)
        op.function(*moved, axis=0, out=out)
        walk.assert_same_bits(out.T, wanted, (op.name, shape, at_end, "axis 0"))
        *moved, where, out = _placed([*args, mask, np.zeros_like(masked)], at_end)
        op.function(*moved, where=where, out=out)
        walk.assert_same_bits(out, masked, (op.name, shape, at_end, "masked"))
    return 6


def check_losses() -> int:
    calls = 0
    for name in walk.losses():
        for soft in (False, True) if name == "cross_entropy" else (False,):
            for dtype in (walk.DTYPES["float32"], walk.DTYPES["float64"], walk.DTYPES["float16"]):
                for r in (1, 2, 3, 7, 8, 9, 15, 16, 17, 20):
                    for n in range(1 + r % 5, 68, 5):
                        calls += _check_loss(name, (r, n), dtype, soft)
    for dtype in (walk.DTYPES["float32"], walk.DTYPES["float64"]):
        for columns in [*range(1, 35), 63, 64, 65, 130]:
            calls += _check_column_moments(columns, dtype)
    for dtype in walk.DTYPES.values():
        for shape in [(1, 1, 2), (5, 3, 2), (9, 2, 7), (12, 3, 8), (30, 2, 17)]:
            calls += _check_ctc(shape, dtype)
    return calls


def _check_ctc(shape, dtype) -> int:
    operands = walk.ctc_operands(*shape, dtype)
    for logits in (False, True):
        grad, hess = fa.ctc_loss.grad_and_hess(*operands, logits=logits)
        for at_end in (True, False):
            *moved, grad1, hess1 = _placed([*operands, np.zeros_like(grad), np.zeros_like(hess)], at_end)
            fa.ctc_loss(*moved, logits=logits)
            fa.ctc_loss.grad_and_hess(*moved, logits=logits, out=(grad1, hess1))
            walk.assert_same_bits(grad1, grad, (shape, dtype))
            walk.assert_same_bits(hess1, hess, (shape, dtype))
            fa.ctc_loss.grad(*moved, logits=logits, out=moved[0])
            walk.assert_same_bits(moved[0], grad, (shape, dtype, "in place"))
    return 12


def check_float64_rows() -> int:
    calls = 0
    for name, op in walk.float64_row_losses().items():
        for dtype in (walk.DTYPES["float32"], walk.DTYPES["float64"], walk.DTYPES["float16"]):
            for shape in [(r, n) for r in (1, 3, 8, 17) for n in (1, 7, 10, 16, 31, 33, 67)]:
                operands, options = walk.float64_row_operands(name, shape, dtype)
                grads = op.grad(*operands, **options[-1])
                several = grads if isinstance(grads, tuple) else (grads,)
                for at_end in (True, False):
                    placed = list(_placed([*operands, *map(np.zeros_like, several)], at_end))
                    moved, outs = placed[: len(operands)], tuple(placed[len(operands) :])
                    op.grad(*moved, **options[-1], out=outs if len(outs) > 1 else outs[0])
                    for got, wanted in zip(outs, several, strict=True):
                        walk.assert_same_bits(got, wanted, (name, shape, dtype))
                    op(*moved, **options[0])
                    calls += 2
    return calls


def _check_loss(name, shape, dtype, soft) -> int:
    op = walk.loss(name)
    x, t, options = walk.loss_operands(name, shape, dtype, soft=soft)
    value, grad = op.value_and_grad(x, t, **options)
    grad, hess = op.grad_and_hess(x, t, **options)
    for at_end in (True, False):
        arrays = [x, t, np.zeros_like(grad), np.zeros_like(hess), *options.values()]
        x1, t1, grad1, hess1, *given = _placed(arrays, at_end)
        moved = dict(zip(options, given, strict=True))
        got, _ = op.value_and_grad(x1, t1, **moved, out=grad1)
        assert got == value, (name, shape, dtype)
        walk.assert_same_bits(grad1, grad, (name, shape, dtype))
        op.grad_and_hess(x1, t1, **moved, out=(grad1, hess1))
        walk.assert_same_bits(hess1, hess, (name, shape, dtype))
        op(x1, t1, **moved, reduction="none")
        op.grad(x1, t1, **moved, out=x1)
        walk.assert_same_bits(x1, grad, (name, shape, dtype, "in place"))
    return 8 + _check_loss_fast_path(op, x, t)


def _check_loss_fast_path(op, x, t) -> int:
    """Without options, as such calls have a way of their own."""
    value, grad = op.value_and_grad(x, t, reduction="mean")
    for at_end in (True, False):
        x1, t1, grad1 = _placed([x, t, np.zeros_like(grad)], at_end)
        assert op.value_and_grad(x1, t1, out=grad1)[0] == value or np.isnan(value)
        walk.assert_same_bits(grad1, grad, (op, x.shape, x.dtype))
        op(x1, t1)
        op.grad(x1, t1, out=x1)
        walk.assert_same_bits(x1, grad, (op, x.shape, x.dtype, "in place"))
    return 6


def _check_column_moments(columns, dtype) -> int:
    """What linear_cross_entropy's curvature is made by, for more rows than a kernel takes at a time."""
    shapes = (3, 40), (40, columns), (3, columns)
    p, w, about = (walk.positive(shape, dtype, k) for k, shape in enumerate(shapes))
    results = [np.zeros((3, columns)) for _ in range(2)]
    _core.column_moments(p, w, about, *results)
    for at_end in (True, False):
        *moved, first, second = _placed([p, w, about, *map(np.zeros_like, results)], at_end)
        _core.column_moments(*moved, first, second)
        walk.assert_same_bits(first, results[0], (columns, dtype))
        walk.assert_same_bits(second, results[1], (columns, dtype))
    return 2


def touch_guard() -> None:
    """What the checks rely on: this ends the process."""
    end = _pool[0].place(np.zeros(4), at_end=True)
    ctypes.memmove(ctypes.create_string_buffer(1), end.ctypes.data + end.nbytes, 1)


CHECKS = {
    "maps": check_maps,
    "rows": check_rows,
    "losses": check_losses,
    "float64_rows": check_float64_rows,
    "touch": touch_guard,
}

if __name__ == "__main__":
    print(CHECKS[sys.argv[1]]())
