"""Gated linear units, composed of activations: halves, gradients, layouts, types, and what they refuse."""

import sys

import dask.array as da
import numpy as np
import pytest
from support import walk

import fastact as fa

ACTS = {"glu": "sigmoid", "swiglu": "silu", "geglu": "gelu", "reglu": "relu"}
SHAPE = (4, 6, 10)


def act(name):
    return getattr(fa, ACTS[name])


def halves(x, axis):
    return np.split(x, 2, axis=axis)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", walk.BFLOAT16], ids=str)
@pytest.mark.parametrize("name", ACTS)
def test_glu_is_a_times_the_activation_of_b(name, dtype, axis):
    op, wide = getattr(fa, name), np.float32 if np.dtype(dtype).itemsize == 2 else dtype
    x = walk.values(SHAPE, dtype, 1, specials=False)
    a, b = (h.astype(wide) for h in halves(x, axis))
    value, first, second = act(name)(b), act(name).derivative(b), act(name).derivative(b, order=2)
    assert_same = walk.assert_same_bits
    assert_same(op(x, axis), (a * value).astype(dtype), "value")
    dy = walk.values(a.shape, dtype, 2, specials=False)
    up = dy.astype(wide)
    joined = np.concatenate((up * value, up * (a * first)), axis).astype(dtype)
    assert_same(op.backward(dy, x, axis), joined, "backward")
    assert_same(op.derivative(x, axis), np.concatenate((value, a * first), axis).astype(dtype), "first")
    of_b = np.concatenate((np.zeros_like(a), a * second), axis).astype(dtype)
    assert_same(op.derivative(x, axis, order=2), of_b, "second")
    swapped = np.concatenate(halves(x, axis)[::-1], axis)
    assert_same(op(swapped, axis, gate="first"), op(x, axis), "gate")
    back = np.concatenate(halves(op.backward(dy, swapped, axis, gate="first"), axis)[::-1], axis)
    assert_same(back, joined, "gate")


@pytest.mark.parametrize("name", ACTS)
def test_glu_gradient_has_the_type_of_its_operands(name):
    op, x = getattr(fa, name), np.ones(4, np.float32)
    assert op.backward(1.0, x).dtype == op.backward(1, x).dtype == np.float32
    assert op.backward(np.float64(1), x).dtype == op.backward(np.array(1.0), x).dtype == np.float64
    assert op.backward(1.0, x.astype(">f4")).dtype.isnative
    assert op.backward(1.0, np.ones(4, int)).dtype == np.float64
    assert op.backward(1.0, np.ones((4, 2), order="F"), axis=0).flags.f_contiguous


@pytest.mark.parametrize("name", ACTS)
def test_glu_layouts_and_out(name):
    op = getattr(fa, name)
    for shape, axis in (
        ((400_002,), 0),
        ((300, 1200), 1),
        ((1200, 300), 0),
        ((6, 1), 0),
        ((0, 4), 1),
        ((2, 0, 3), 0),
    ):
        x = walk.values(shape, "float32", 1, specials=False)
        dy = walk.values(op(x, axis).shape, "float32", 2, specials=False)
        wanted, value = op.backward(dy, x, axis), op(x, axis)
        for a in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1].copy()[::-1]):
            walk.assert_same_bits(op.backward(dy, a, axis), wanted, shape)
            walk.assert_same_bits(op(a, axis), value, shape)
        own = x.copy()
        assert op.backward(dy, own, axis, out=own) is own
        walk.assert_same_bits(own, wanted, shape)
        out = np.full(shape, 7, np.float64)
        assert op.backward(dy, x, axis, out=out) is out
        walk.assert_same_bits(out.astype("f4"), wanted, shape)
        assert op(x, axis, out=np.zeros_like(value)).base is None


@pytest.mark.parametrize("name", ACTS)
def test_glu_types(name):
    op = getattr(fa, name)
    assert op(np.arange(4)).dtype == op.backward(1.0, np.arange(4)).dtype == np.float64
    assert op([1.0, 2.0]).dtype == np.float64
    for dtype in ("float16", "float32", walk.BFLOAT16):
        x = np.ones(4, dtype)
        assert op(x).dtype == op.backward(0.5, x).dtype == op.derivative(x, order=2).dtype == dtype
    assert op.backward(np.ones(2), np.ones(4, "f4")).dtype == np.float64


@pytest.mark.parametrize("name", ACTS)
def test_glu_nan_and_errors(name):
    op, x = getattr(fa, name), np.array([1.0, np.nan, 3.0, 4.0], np.float32)
    np.testing.assert_array_equal(np.isnan(op(x)), [False, True])
    np.testing.assert_array_equal(np.isnan(op.derivative(x, order=2)), [False, True, False, True])
    x = np.ones((3, 4), np.float32)
    out = np.full((3, 4), 7, np.float32)
    for error, words, call in (
        (ValueError, "must have an even length, got 3", lambda: op(x, 0)),
        (ValueError, "axis must be one of the 2 of input, got 2", lambda: op.backward(1.0, x, 2, out=out)),
        (TypeError, "axis must be an int", lambda: op(x, (0, 1))),
        (TypeError, "axis must be an int", lambda: op(x, 1.0)),
        (ValueError, "gate must be one of 'second', 'first', got 'third'", lambda: op(x, gate="third")),
        (ValueError, "at least one dimension", lambda: op(np.float32(1))),
        (
            ValueError,
            r"grad_output must have shape \(3, 2\), got \(3, 4\)",
            lambda: op.backward(x, x, out=out),
        ),
        (ValueError, "order must be 1 or 2, got 3", lambda: op.derivative(x, order=3, out=out)),
        (
            ValueError,
            r"out must have shape \(3, 4\), got \(3, 2\)",
            lambda: op.backward(1.0, x, out=out[:, :2]),
        ),
        (TypeError, "input must be real .* got complex", lambda: op(x.astype(complex))),
        (TypeError, "grad_output must be real .* got a complex number", lambda: op.backward(1j, x)),
        (TypeError, "out must be an ndarray, got list", lambda: op(x, out=[1, 2])),
        (TypeError, "missing", lambda: op.backward(x)),
        (TypeError, "there is no argument 'wrong'", lambda: op(x, wrong=1, gate="second")),
        (TypeError, "axis must be given once", lambda: op(x, 0, axis=1, gate="first")),
        (
            TypeError,
            "there is no argument 'wrong'",
            lambda: op.backward(1.0, x, wrong=1, gate="first"),
        ),
        (
            TypeError,
            "out must take results of float32, got int32",
            lambda: op(x, out=np.ones((3, 2), np.int32)),
        ),
        (ValueError, "read-only", lambda: op(x, out=np.broadcast_to(np.float32(0), (3, 2)))),
        (TypeError, "grad_output must be real", lambda: op.backward(1j, x.astype(complex))),
    ):
        with pytest.raises(error, match=words):
            call()
    assert (out == 7).all()


@pytest.mark.parametrize("name", ACTS)
def test_glu_dask(name):
    op, x = getattr(fa, name), walk.values((8, 12), "float32", 1)
    dy = walk.values((8, 6), "float32", 2)
    for chunks in ((4, 12), (3, 5)):
        lazy = da.from_array(x, chunks=chunks)
        for got, wanted in (
            (op(lazy), op(x)),
            (op.backward(da.from_array(dy, chunks=(4, 3)), lazy), op.backward(dy, x)),
            (op.derivative(lazy, order=2), op.derivative(x, order=2)),
        ):
            assert isinstance(got, da.Array)
            walk.assert_same_bits(got.compute(), wanted, chunks)


class Subclass(np.ndarray):
    """Which the compiled part of a call leaves to the general one."""


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16", "i4", ">f4"])
@pytest.mark.parametrize("gate", ["second", "first"])
@pytest.mark.parametrize("name", ACTS)
def test_ndarrays_are_halved_as_others(name, gate, dtype):
    op, dtype = getattr(fa, name), walk.DTYPES.get(dtype, dtype)
    whole = walk.values((6, 4, 8), "f8", 1, specials=False).astype(dtype)
    for x in (whole, whole[::-1, ::2, ::-2], whole.T, np.asfortranarray(whole), whole[:, :0], whole[0, 0]):
        for axis in range(-x.ndim, x.ndim):
            shape = tuple(n // (2 if k == axis % x.ndim else 1) for k, n in enumerate(x.shape))
            dy = walk.values(shape, "f8", 2, specials=False).astype(dtype)
            y = op(x.view(Subclass), axis, gate=gate)
            dx = op.backward(dy, x.view(Subclass), axis, gate=gate)
            for got, wanted in (
                (op(x, axis, gate=gate), y),
                (op(x, axis=axis, gate=gate, out=np.empty(shape, y.dtype)), y),
                (op.backward(dy, x, axis, gate=gate), dx),
                (op.backward(dy, x, axis=axis, gate=gate, out=np.empty(x.shape, dx.dtype)), dx),
                (op.backward(dy.astype(y.dtype), own := x.astype(y.dtype), axis, gate=gate, out=own), dx),
            ):
                assert got.shape == wanted.shape
                assert got.dtype == wanted.dtype
                walk.assert_same_bits(got, np.asarray(wanted), (axis, x.shape))


def test_halves_let_go_of_their_arrays():
    x, dy = np.ones((4, 6), np.float32), np.ones((4, 3), np.float32)
    for call in (lambda: fa.glu(x), lambda: fa.glu.backward(dy, x), lambda: fa.glu(x, out=dy)):
        call()
        before = [sys.getrefcount(a) for a in (x, dy, x.dtype)]
        for _ in range(100):
            call()
        assert [sys.getrefcount(a) for a in (x, dy, x.dtype)] == before
