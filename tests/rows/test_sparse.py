"""sparsemax, hardmax and softmin by their laws, and softmax.jacobian."""

import dask.array as da
import numpy as np
import pytest
import reference
from mpmath import mp
from support import walk

import fastact as fa

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
    with pytest.raises(TypeError, match="keepdims must be False, for the op does not reduce"):
        getattr(fa, name).backward(x, x, keepdims=True)
