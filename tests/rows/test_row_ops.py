"""softmax, log_softmax, logsumexp and their gradients against mpmath, in ulp.

A bound is the table's, in ulp of the exact result, plus what the input's own
conditioning brings: x_j - max is rounded to half an ulp, u |d_j| with u = 2^-24 or
2^-53, and exponentials pass an absolute error of their argument on as a relative one.
"""

import ml_dtypes
import numpy as np
import pytest
import reference
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpmath import mp, mpf
from support import ulp

import fastact as fa
from fastact import _core

ROWS = _core.table()["rows"]
DTYPES = ["float32", "float64"]
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
SHAPES = [(1,), (2,), (3, 5), (2, 16), (3, 17), (2, 33), (2, 67)]


@pytest.fixture(autouse=True)
def precision():
    with mp.workprec(reference.ROW_PRECISION):
        yield


def in_ulp(y, f, dtype, allowance=0.0):
    """The worst error in ulp, after the absolute `allowance` of each element is taken off."""
    y, f = np.asarray(y).reshape(-1), np.asarray(f, object).reshape(-1)
    off = np.broadcast_to(np.asarray(allowance, np.float64), np.shape(allowance) or (1,)).reshape(-1)
    off = np.resize(off, y.shape)
    most = 0.0
    for a, b, c in zip(y.tolist(), f.tolist(), off.tolist(), strict=True):
        assert np.isfinite(a), f"{a} for {mp.nstr(b, 9)}"
        error = max(abs(mpf(a) - b) - mpf(c), mpf(0))
        most = max(most, float(error / ulp.exact_spacing(b, dtype)))
    return most


def conditioning(x, dtype):
    """u |d_j| of each element and u sum p_j |d_j| of each row: what rounding x - max brings."""
    d = np.abs(x.astype(np.float64) - x.max(axis=-1, keepdims=True).astype(np.float64))
    p = scipy.special.softmax(x.astype(np.float64), axis=-1)
    return UNIT[dtype] * d, UNIT[dtype] * (p * d).sum(axis=-1, keepdims=True)


def check_value(name, x, dtype):
    y, f = getattr(fa, name)(x), np.asarray(reference.ROWS[name].value(reference.exact(x)))
    element, row = conditioning(x, dtype)
    if name == "softmax":
        allowance = f.astype(np.float64) * (element + row)
    elif name == "log_softmax":
        allowance = element + row
    else:
        # where max and logarithm cancel, the ulp that counts is that of the terms
        allowance = row[..., 0] + 2 * UNIT[dtype] * np.abs(x.max(axis=-1)).astype(np.float64)
    assert in_ulp(y, f, dtype, allowance) <= ROWS[name]["ulp"][dtype]


def inputs(kind, shape, dtype, rng):
    if kind == "ordinary":
        return (rng.normal(size=shape) * 4).astype(dtype)
    if kind == "confident":  # one winner by up to 100 or 700: the losers' sum is tiny
        x = rng.normal(size=shape)
        winner = rng.integers(shape[-1], size=shape[:-1])
        np.put_along_axis(x, winner[..., None], rng.uniform(5, 100 if dtype == "float32" else 700), axis=-1)
        return x.astype(dtype)
    if kind == "ties":
        return rng.integers(0, 2, size=shape).astype(dtype)
    if kind == "offset":  # far from zero; softmax does not care
        return (rng.normal(size=shape) + rng.choice([-1e4, 1e4])).astype(dtype)
    return (rng.choice([-1, 1], size=shape) * 10.0 ** rng.uniform(-30, 30, size=shape)).astype(dtype)


KINDS = ["ordinary", "confident", "ties", "offset", "huge"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ROWS)
def test_value(name, dtype, kind, rng):
    for shape in SHAPES:
        check_value(name, inputs(kind, shape, dtype, rng), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ROWS)
def test_value_across_columns(name, dtype, rng):
    """Rows that lie across the array give the same bits as rows that lie along it."""
    for shape in [(1, 1), (2, 3), (17, 5), (33, 40), (67, 20)]:
        x = inputs("ordinary", shape, dtype, rng)
        across = getattr(fa, name)(x, axis=0)
        along = getattr(fa, name)(np.ascontiguousarray(x.T))
        np.testing.assert_array_equal(across, along.T)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ml_dtypes.bfloat16])
def test_python_numbers_stay_weak(name, dtype, rng):
    op, x = getattr(fa, name), rng.normal(size=(3, 4)).astype(dtype)
    for axis in (0, 1):
        wanted = op.backward(np.full_like(op(x, axis=axis), 3), x, axis=axis)
        for dy in (3, 3.0):
            got = op.backward(dy, x, axis=axis)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, wanted)


MIXED = ["?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", ">f4", ml_dtypes.bfloat16]


@pytest.mark.parametrize("dy_type", MIXED)
@pytest.mark.parametrize("x_type", MIXED)
@pytest.mark.parametrize("name", ROWS)
def test_types_meet_alike_along_any_axis(name, x_type, dy_type):
    op, x = getattr(fa, name), np.arange(12).reshape(3, 4).astype(x_type)
    dy = np.arange(3 if name == "logsumexp" else 12).astype(dy_type).reshape(op(x).shape)
    last, first = op.backward(dy, x), op.backward(dy.T, x.T, axis=0).T
    assert first.dtype == last.dtype
    np.testing.assert_array_equal(first, last)


@pytest.mark.parametrize("kind", ["ordinary", "ties"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ROWS)
def test_backward(name, dtype, kind, rng):
    """Terms of both signs are summed: an error is judged by the largest of a row's terms."""
    entry, op = reference.ROWS[name], getattr(fa, name)
    for shape in SHAPES:
        x = inputs(kind, shape, dtype, rng)
        dy = rng.normal(size=shape[:-1] if name == "logsumexp" else shape).astype(dtype)
        p = reference.softmax(reference.exact(x)).astype(np.float64)
        element, row = conditioning(x, dtype)
        wide = np.abs(dy.astype(np.float64))
        if name == "logsumexp":
            terms = p * wide[..., None]
        elif name == "softmax":
            terms = p * (wide + (p * wide).sum(axis=-1, keepdims=True))
        else:
            terms = wide + p * wide.sum(axis=-1, keepdims=True)
        allowance = terms * (4 * UNIT[dtype] + element + 2 * row)
        if name == "log_softmax":  # the sum of dy is rounded before it is multiplied
            allowance = allowance + UNIT[dtype] * terms
        f = entry.backward(reference.exact(dy), reference.exact(x))
        assert in_ulp(op.backward(dy, x), f, dtype, allowance) <= 2
        if entry.backward_from_output:
            y = op(x)
            f = entry.backward_from_output(reference.exact(dy), reference.exact(y))
            allowance = terms * (6 * UNIT[dtype]) + UNIT[dtype] * 2 * np.abs(y.astype(np.float64)) * terms
            assert in_ulp(op.backward_from_output(dy, y), f, dtype, allowance) <= 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_confident_rows_keep_relative_precision(dtype, rng):
    """The winner's log-probability is -sum exp(d), however small; never 0 or -0."""
    gaps = [20.0, 40.0, 80.0] if dtype == "float32" else [40.0, 300.0, 700.0]
    for gap in gaps:
        x = np.array([0.0, -gap, -gap - 1], dtype)
        y, f = fa.log_softmax(x), reference.log_softmax(reference.exact(x))
        assert y[0] < 0
        assert in_ulp(y[:1], f[:1], dtype, abs(float(f[0])) * UNIT[dtype]) <= 2
        np.testing.assert_array_equal(fa.softmax(x)[0], np.dtype(dtype).type(1))


# ---- special rows -----------------------------------------------------------------------

INF, NAN = np.inf, np.nan
SPECIAL_ROWS = [
    # row, softmax, log_softmax, logsumexp
    ([0, -INF], [1, 0], [0, -INF], 0),
    ([-INF, 3, -INF, 3], [0, 0.5, 0, 0.5], [-INF, -np.log(2), -INF, -np.log(2)], 3 + np.log(2)),
    ([-INF, -INF], [NAN] * 2, [NAN] * 2, -INF),
    ([INF, 0], [NAN] * 2, [NAN] * 2, INF),
    ([INF, -INF], [NAN] * 2, [NAN] * 2, INF),
    ([NAN, 0], [NAN] * 2, [NAN] * 2, NAN),
    ([NAN, INF], [NAN] * 2, [NAN] * 2, NAN),
    ([NAN, -INF], [NAN] * 2, [NAN] * 2, NAN),
    ([1e30, -1e30], [1, 0], [0, -2e30], 1e30),
    ([7], [1], [0], 7),
    ([-INF], [NAN], [NAN], -INF),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", SPECIAL_ROWS, ids=lambda case: str(case[0]))
def test_special_rows(case, dtype):
    """Alone, among ordinary rows, and in every place of the row; along and across."""
    row, *expected = [np.asarray(v, dtype) for v in case]
    for name, wanted in zip(("softmax", "log_softmax", "logsumexp"), expected, strict=True):
        op = getattr(fa, name)
        for turn in range(row.size):
            x, want = np.roll(row, turn), np.roll(wanted, turn)
            among = np.zeros((37, row.size), dtype)
            among[11] = x
            for got in (op(x), op(among)[11], op(np.ascontiguousarray(among.T), axis=0).T[11]):
                np.testing.assert_allclose(got, want, rtol=4 * np.finfo(dtype).eps, atol=0)
            if name != "logsumexp":
                assert not np.signbit(op(x)[want == 0]).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("special", [NAN, INF])
def test_special_at_every_place(special, dtype):
    """One NaN or inf anywhere in a row of any length makes softmax NaN, and logsumexp itself."""
    for n in (*range(1, 68), 160, 161, 175):
        x = np.zeros((n, n), dtype)
        np.fill_diagonal(x, special)
        assert np.isnan(fa.softmax(x)).all()
        assert np.isnan(fa.log_softmax(x)).all()
        np.testing.assert_array_equal(fa.logsumexp(x), np.full(n, special))


@pytest.mark.parametrize("dtype", DTYPES)
def test_minus_infinity_at_every_place(dtype):
    for n in (*range(2, 68), 160, 161, 175):
        x = np.zeros((n, n), dtype)
        np.fill_diagonal(x, -INF)
        y = fa.softmax(x)
        assert (np.diag(y) == 0).all()
        np.testing.assert_array_equal(np.unique(y[~np.eye(n, dtype=bool)]), np.dtype(dtype).type(1) / (n - 1))


# ---- masks ----------------------------------------------------------------------------------

# what masked entries get
MASKED = dict.fromkeys(ROWS, 0.0) | {"log_softmax": -INF}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ROWS)
def test_mask_is_as_if_the_entries_were_not_there(name, dtype, rng):
    """Whatever the masked entries hold."""
    op = getattr(fa, name)
    x = inputs("ordinary", (40, 19), dtype, rng)
    mask = rng.random(x.shape) < 0.6
    mask[3], mask[7] = False, True
    hidden = np.where(mask, x, rng.choice([NAN, INF, -INF, 1e30], size=x.shape).astype(dtype))
    for axis, turned in ((-1, hidden), (0, np.ascontiguousarray(hidden.T))):
        got = op(turned, axis=axis, where=mask if axis else mask.T)
        got = got if axis or name == "logsumexp" else got.T
        for row in range(len(x)):
            kept = x[row, mask[row]]
            if name == "logsumexp":
                want = op(kept) if kept.size else -INF
            else:
                want = np.full(x.shape[1], MASKED[name], dtype)
                want[mask[row]] = op(kept) if kept.size else MASKED[name]
            np.testing.assert_allclose(got[row], want, rtol=4 * np.finfo(dtype).eps, atol=0)
            if name != "logsumexp":
                assert (got[row, ~mask[row]] == MASKED[name]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_masked_log_probabilities_are_those_of_probability_0(dtype, rng):
    """So that they add up to 1, and a masked class has an infinite loss."""
    x, mask = inputs("ordinary", (40, 19), dtype, rng), rng.random((40, 19)) < 0.6
    mask[:, 3] = True
    lp = fa.log_softmax(x, where=mask)
    np.testing.assert_allclose(np.exp(lp.astype("f8")).sum(axis=1), 1, rtol=19 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.exp(lp) == 0, ~mask)
    assert fa.nll_loss(lp, np.argmin(mask, axis=1)) == INF
    dy = rng.normal(size=x.shape).astype(dtype)
    by_output = fa.log_softmax.backward_from_output(dy, lp, where=mask)
    np.testing.assert_allclose(by_output, fa.log_softmax.backward(dy, x, where=mask), rtol=1e-4, atol=1e-6)
    dy[~mask] = 0  # then the output alone says which were masked
    np.testing.assert_array_equal(fa.log_softmax.backward_from_output(dy, lp), by_output)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ROWS)
def test_masked_gradient(name, dtype, rng):
    op, entry = getattr(fa, name), reference.ROWS[name]
    x, mask = inputs("ordinary", (6, 11), dtype, rng), rng.random((6, 11)) < 0.6
    mask[2] = False
    dy = rng.normal(size=x.shape[:-1] if name == "logsumexp" else x.shape).astype(dtype)
    got = op.backward(dy, np.where(mask, x, NAN).astype(dtype), where=mask)
    assert (got[~mask] == 0).all()
    for row in range(6):
        if mask[row].any():
            kept = dy[row] if name == "logsumexp" else dy[row, mask[row]]
            want = entry.backward(reference.exact(kept), reference.exact(x[row, mask[row]]))
            eps = np.finfo(dtype).eps
            np.testing.assert_allclose(
                got[row, mask[row]], want.astype(np.float64), rtol=30 * eps, atol=10 * eps
            )


# ---- laws ------------------------------------------------------------------------------------

small_rows = st.tuples(st.integers(1, 3), st.integers(1, 20)).flatmap(
    lambda shape: arrays(np.int16, shape, elements=st.integers(-3000, 3000)).map(lambda k: k / 64.0)
)


@settings(max_examples=60, deadline=None)
@given(small_rows, st.integers(-500, 500), st.sampled_from(DTYPES))
def test_softmax_does_not_see_a_shift(x, shift, dtype):
    """Bitwise: multiples of 1/64 stay exact when an integer is added."""
    x = x.astype(dtype)
    np.testing.assert_array_equal(fa.softmax(x + np.dtype(dtype).type(shift)), fa.softmax(x))
    np.testing.assert_array_equal(fa.log_softmax(x + np.dtype(dtype).type(shift)), fa.log_softmax(x))


@settings(max_examples=60, deadline=None)
@given(small_rows, st.sampled_from(DTYPES))
def test_rows_sum_to_one_and_gradients_to_zero(x, dtype):
    x, eps = x.astype(dtype), np.finfo(dtype).eps
    n = x.shape[-1]
    p = fa.softmax(x)
    assert (np.abs(p.astype(np.float64).sum(axis=-1) - 1) <= 2 * eps * (n + 4)).all()
    dy = np.cos(np.arange(x.size, dtype=dtype)).reshape(x.shape)
    for op in (fa.softmax, fa.log_softmax):
        assert (np.abs(op.backward(dy, x).astype(np.float64).sum(axis=-1)) <= 8 * eps * (n + 60)).all()
    least = np.finfo(dtype).smallest_subnormal  # which an ulp of a subnormal is, whatever its size
    got = fa.logsumexp.backward(np.ones(len(x), dtype), x)
    np.testing.assert_allclose(got, p, rtol=4 * eps, atol=2 * least)


@settings(max_examples=40, deadline=None)
@given(small_rows, st.sampled_from(DTYPES), st.sampled_from([n for n in ROWS if reference.ROWS[n].scipy]))
def test_scipy_agrees(x, dtype, name):
    x = x.astype(dtype)
    want = reference.ROWS[name].scipy(x.astype(np.float64))
    eps = np.finfo(dtype).eps
    # SciPy subtracts logarithms that ours never form: absolute errors of their size
    scale = 0 if name == "softmax" else 1 + np.abs(x).max()
    atol = float(4 * eps * scale) + float(np.finfo(dtype).smallest_subnormal) / 2  # nothing lies nearer
    np.testing.assert_allclose(getattr(fa, name)(x), want, rtol=200 * eps, atol=atol)


@pytest.mark.parametrize("name", ROWS)
def test_axes_together_are_one(name, rng):
    x, op = rng.normal(size=(3, 4, 5, 2)), getattr(fa, name)
    for axes in [(0, 1), (1, 3), (-1, 0), (0, 1, 2, 3)]:
        kept = [a for a in range(4) if a not in [k % 4 for k in axes]]
        order = kept + sorted(k % 4 for k in axes)
        flat = x.transpose(order).reshape([x.shape[a] for a in kept] + [-1])
        want = op(flat)
        if name != "logsumexp":
            want = want.reshape(x.transpose(order).shape).transpose(np.argsort(order))
        np.testing.assert_array_equal(op(x, axis=axes), want)
    kept_dims = {"keepdims": True} if name == "logsumexp" else {}
    assert op(x, axis=(1, 2), **kept_dims).ndim == 4
