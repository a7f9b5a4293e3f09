"""What Python composes of the core's functions: gated linear units, rrelu, softmax.jacobian."""

import sys

import dask.array as da
import numpy as np
import pytest
import reference
import walk
from mpmath import mp

import fastact as fa

ACTS = {"glu": "sigmoid", "swiglu": "silu", "geglu": "gelu", "reglu": "relu"}
SHAPE = (4, 6, 10)


def act(name):
    return getattr(fa, ACTS[name])


def halves(x, axis):
    return np.split(x, 2, axis=axis)


# ---- gated linear units ----------------------------------------------------------------


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
        (ValueError, "axis 2 is out of range", lambda: op.backward(1.0, x, 2, out=out)),
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
        (TypeError, "grad_output must be real .* got complex", lambda: op.backward(1j, x)),
        (TypeError, "out must be an ndarray, got list", lambda: op(x, out=[1, 2])),
        (TypeError, "missing", lambda: op.backward(x)),
        (TypeError, "unexpected keyword argument 'wrong'", lambda: op(x, wrong=1, gate="second")),
        (TypeError, "multiple values for argument 'axis'", lambda: op(x, 0, axis=1, gate="first")),
        (
            TypeError,
            "unexpected keyword argument 'wrong'",
            lambda: op.backward(1.0, x, wrong=1, gate="first"),
        ),
        (TypeError, "out of dtype int32 cannot hold", lambda: op(x, out=np.ones((3, 2), np.int32))),
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


# ---- rrelu ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_rrelu(dtype):
    x = walk.values((300, 7), dtype, 1)
    mean = (1 / 8 + 1 / 3) / 2
    walk.assert_same_bits(fa.rrelu(x), fa.leaky_relu(x, mean), "evaluation")
    walk.assert_same_bits(fa.rrelu.derivative(x), fa.leaky_relu.derivative(x, mean), "evaluation")
    slopes = fa.rrelu.slopes(x, 0.2, 0.6, rng=5)
    assert slopes.dtype == dtype and slopes.shape == x.shape
    assert slopes.min() >= 0.2 - 1e-3 and slopes.max() <= 0.6 and slopes.std() > 0.1
    walk.assert_same_bits(fa.rrelu(x, 0.2, 0.6, True, rng=5), fa.leaky_relu(x, slopes), "training")
    dy = walk.values(x.shape, dtype, 2)
    got = fa.rrelu.backward(dy, x, 0.2, 0.6, training=True, rng=5)
    walk.assert_same_bits(got, fa.leaky_relu.backward(dy, x, slopes), "backward")
    assert (fa.rrelu.derivative(x, training=True, rng=5, order=2) == 0).all()
    generator = np.random.default_rng(5)
    walk.assert_same_bits(fa.rrelu(x, 0.2, 0.6, True, rng=generator), fa.leaky_relu(x, slopes), "generator")
    assert not np.array_equal(fa.rrelu(x, training=True), fa.rrelu(x, training=True))
    out = np.zeros_like(x)
    assert fa.rrelu(x, out=out) is out


def test_rrelu_errors():
    x = np.ones(3, np.float32)
    for rng in (None, np.random.default_rng(1), np.random.RandomState(1), np.random.PCG64(1)):
        for part in (fa.rrelu.derivative, lambda *a, **k: fa.rrelu.backward(x, *a, **k)):
            with pytest.raises(ValueError, match="rng must be the seed"):
                part(x, training=True, rng=rng)
    with pytest.raises(ValueError, match=r"lower must not exceed upper, got 0.5 and 0.25"):
        fa.rrelu(x, 0.5, 0.25)
    with pytest.raises(ValueError, match="order must be 1 or 2"):
        fa.rrelu.derivative(x, order=0)
    with pytest.raises(ValueError, match=r"must be finite numbers, got 0\.0 and inf"):
        fa.rrelu(x, 0.0, np.inf, True)
    with pytest.raises(TypeError, match=r"rrelu\.backward\(\)"):
        fa.rrelu.backward(x, x, nonsense=1)
    with np.errstate(all="raise"):
        assert fa.rrelu.slopes(x.astype("f2"), 1e-9, 2e-9, rng=1).dtype == np.float16


# ---- softmax.jacobian ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_jacobian(dtype, rng):
    x = (rng.normal(size=(5, 4)) * 8).astype(dtype)
    for axis in (-1, 0, 1):
        got = fa.softmax.jacobian(x, axis)
        rows = np.moveaxis(x, axis, -1)
        n = rows.shape[-1]
        assert got.dtype == dtype and got.shape == (*rows.shape, n)
        with mp.workprec(reference.ROW_PRECISION):
            p = reference.softmax(reference.exact(rows))
            exact = p[..., :, None] * (np.eye(n) - p[..., None, :])
        error = np.abs((got.astype(object) - exact) / exact).astype(float)
        assert error.max() < (40 + np.ptp(rows)) * np.finfo(dtype).eps, axis
        dy = rng.normal(size=rows.shape).astype(dtype)
        by_matrix = np.einsum("...ij,...j->...i", got.astype(float), dy.astype(float))
        np.testing.assert_allclose(fa.softmax.backward(dy, rows), by_matrix, atol=100 * np.finfo(dtype).eps)
    with np.errstate(all="raise"):  # the flags of its own steps stay its own
        assert fa.softmax.jacobian(np.array([0, -90, -80], dtype)).shape == (3, 3)
    lazy = da.from_array(x, chunks=(2, 4))
    np.testing.assert_array_equal(fa.softmax.jacobian(lazy).compute(), fa.softmax.jacobian(x))
    with pytest.raises(TypeError, match="axis must be an int"):
        fa.softmax.jacobian(x, (0, 1))


# ---- rows of zeros ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_sparse_rows(dtype, rng):
    """Laws that hold whatever the rows: sums, ties, support, shifts."""
    for n in (1, 2, 17, 64, 65, 1000):
        x = (rng.normal(size=(7, n)) * 2).astype(dtype)
        p, one = fa.sparsemax(x), fa.hardmax(x)
        # an entry is off by half an ulp of itself, and where d - t is rounded of what is in the support
        narrow, support = np.finfo(dtype).eps, (p > 0).sum(axis=1)
        error = np.abs(p.astype(float).sum(axis=1) - 1)
        assert (error <= narrow + support * np.finfo(np.float32 if dtype == "float16" else dtype).eps).all()
        assert (p >= 0).all()
        np.testing.assert_array_equal(one.argmax(axis=1), x.argmax(axis=1))
        assert (one.sum(axis=1) == 1).all() and ((one == 0) | (one == 1)).all()
        walk.assert_same_bits(fa.hardmax(np.full((3, n), 2, dtype))[:, 0], np.ones(3, dtype), n)
        np.testing.assert_allclose(fa.sparsemax(np.full((3, n), 2, dtype)).astype(float), 1 / n, rtol=narrow)
        for op, axis in ((fa.sparsemax, 0), (fa.hardmax, 0), (fa.softmin, 0)):
            walk.assert_same_bits(op(x.T, axis=axis).T, op(x), n)
            walk.assert_same_bits(op.backward(p.T, x.T, axis=axis).T, op.backward(p, x), n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_rows_special(dtype):
    inf, nan = np.inf, np.nan
    x = np.array(
        [[-inf, 1, 0.5], [-inf, -inf, -inf], [inf, 0, 0], [nan, 5, 0], [1, nan, nan], [inf, inf, 0]], dtype
    )
    np.testing.assert_array_equal(fa.sparsemax(x), [[0, 0.75, 0.25], *[[nan] * 3] * 5])
    np.testing.assert_array_equal(
        fa.hardmax(x), [[0, 1, 0], [1, 0, 0], [1, 0, 0], [nan] * 3, [nan] * 3, [1, 0, 0]]
    )
    mask = np.array([True, False, True])
    np.testing.assert_array_equal(fa.hardmax(x[:1], where=mask), [[0, 0, 1]])
    np.testing.assert_array_equal(fa.sparsemax(x[:1], where=mask), [[0, 0, 1]])
    np.testing.assert_array_equal(fa.sparsemax(x, where=np.zeros(3, bool)), np.zeros((6, 3)))


@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
def test_hardmax_of_what_the_mask_leaves(axis):
    """Where all that is left is -inf the first that is left counts, not what is left out before it."""
    x = np.array([[5, -np.inf, -np.inf], [1, -np.inf, 2], [-np.inf, -np.inf, -np.inf]])
    mask = np.array([[False, True, True], [False, True, False], [False, False, False]])
    got = fa.hardmax(x, axis, where=mask)
    none = [0, 0, 0]
    wanted = {0: [[0, 1, 1], none, none], 1: [[0, 1, 0], [0, 1, 0], none], (0, 1): [[0, 1, 0], none, none]}
    np.testing.assert_array_equal(got, wanted[axis])
    chunks = (3, 1) if axis == 0 else (1, 3) if axis == 1 else (3, 3)
    lazy = fa.hardmax(da.from_array(x, chunks=chunks), axis, where=mask)
    np.testing.assert_array_equal(lazy.compute(), wanted[axis])
    out = np.zeros((3, 3))
    assert fa.hardmax(x, axis, where=mask, out=out) is out
    np.testing.assert_array_equal(out, wanted[axis])


@pytest.mark.parametrize("name", ["softmin", "softmax", "hardmax", "sparsemax", "log_softmax"])
def test_keepdims_is_for_ops_that_reduce(name):
    x = np.ones((2, 3))
    with pytest.raises(TypeError, match="keepdims is for ops that reduce"):
        getattr(fa, name).backward(x, x, keepdims=True)


class Subclass(np.ndarray):
    """Which the compiled part of a call leaves to the general one."""


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16", "i4", ">f4"])
@pytest.mark.parametrize("gate", ["second", "first"])
@pytest.mark.parametrize("name", ACTS)
def test_plain_arrays_are_halved_as_others(name, gate, dtype):
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
