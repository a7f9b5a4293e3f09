"""Long rows that lie side by side, which kernels take where they lie: the bits of the same
rows one after another, wherever the array begins and however many there are."""

import numpy as np
import pytest
from support import walk
from support.walk import assert_same_bits

import fastact as fa

FLOATS = ("float32", "float64")
LENGTHS = (65, 80, 127, 128, 129, 300)
ROWS = (1, 4, 15, 16, 17, 47, 48, 256, 272, 289, 300)
PLACES = ((0, 0), (3, 0), (0, 5), (12, 2))  # columns left out before and after: rows that start anywhere


def _within(a, before, after):
    """A copy of `a` as columns of a wider array at a cache line, its classes whole lines apart."""
    width = -(-(a.shape[1] + before + after) // 16) * 16
    room = np.zeros(a.shape[0] * width * a.itemsize + 64, np.uint8)
    start = -room.ctypes.data % 64
    whole = room[start : start + a.shape[0] * width * a.itemsize].view(a.dtype).reshape(-1, width)
    whole[:, before : before + a.shape[1]] = a
    return whole[:, before : before + a.shape[1]]


def _cases():
    for k, n in enumerate(LENGTHS):
        for j, r in enumerate(ROWS):
            yield n, r, PLACES[(k + j) % len(PLACES)]


@pytest.fixture(params=[1, 3])
def threads(request, set_threads):
    set_threads(request.param)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_ops(op, dtype, threads):
    for n, r, place in _cases():
        args = op.operands((r, n), np.dtype(dtype))
        wanted = op.function(*args)
        panel = [_within(a.T, *place) if a.ndim == 2 else a for a in args]
        got = op.function(*panel, axis=0)
        assert_same_bits(np.ascontiguousarray(got.T), wanted, (n, r, place))
        if wanted.ndim == 2:
            for k, out in enumerate(panel):
                if out.ndim == 2:
                    fresh = [_within(a.T, *place) if a.ndim == 2 else a for a in args]
                    op.function(*fresh, axis=0, out=fresh[k])
                    assert_same_bits(np.ascontiguousarray(fresh[k].T), wanted, (n, r, place, "in place", k))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(dtype, soft, smoothing, weighted, threads, rng):
    for n, r, place in _cases():
        x = (rng.normal(size=(r, n)) * 5).astype(dtype)
        x[rng.integers(r), rng.integers(n)] = -np.inf
        labels = np.where(rng.random(r) < 0.1, -100, rng.integers(0, n, r))
        target = rng.random((r, n)).astype(dtype) if soft else labels
        weight = rng.random(n).astype(dtype) if weighted else None
        options = {
            "weight": weight,
            "label_smoothing": smoothing,
            "z_loss": smoothing / 7,
            "reduction": "none",
        }
        value = fa.cross_entropy(x, target, **options)
        grad, hess = fa.cross_entropy.grad_and_hess(x, target, **options)
        z = _within(x.T, *place)
        t = _within(target.T, *place) if soft else target
        got = fa.cross_entropy.grad_and_hess(z, t, axis=0, **options)
        assert_same_bits(np.ascontiguousarray(got[0].T), grad, (n, r, place))
        assert_same_bits(np.ascontiguousarray(got[1].T), hess, (n, r, place, "hess"))
        assert_same_bits(fa.cross_entropy(z, t, axis=0, **options), value, (n, r, place, "value"))


@pytest.mark.parametrize("shape", [(70, 20), (5, 70), (16, 300)])
@pytest.mark.parametrize("axis", [0, 1])
def test_target_that_is_the_input_and_the_output(shape, axis, rng):
    """The output takes the input's place, but the target is read to the end."""
    a = rng.random(shape).astype(np.float32)
    wanted = fa.cross_entropy.grad(a.copy(), a.copy(), axis=axis)
    assert_same_bits(fa.cross_entropy.grad(a, a, axis=axis, out=a), wanted, axis)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_results_are_laid_out_as_the_input(name, dtype):
    op, x = getattr(fa, name), np.ones((70, 90), dtype)
    for result in (op(x, axis=0), op.backward(x, x, axis=0), op.backward_from_output(x, x, axis=0)):
        assert result.flags.c_contiguous
    assert op(np.ones((3, 70, 90), dtype).swapaxes(1, 2)).strides[1] == op(x).itemsize
    assert op.backward(np.ones(x.shape), x, axis=0).dtype == np.result_type(x, np.float64)
    assert op(x.T).flags.f_contiguous
    assert op(x.T, axis=1).flags.f_contiguous
