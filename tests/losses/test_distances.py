"""cosine_embedding_loss and triplet_margin_loss against mpmath, in ulp.
(Layouts, types, threads, errors: test_float64_rows.py.)"""

import numpy as np
import pytest
import reference
from mpmath import mp, mpf
from reference.float64_rows import norm
from support.float64_rows import PRECISION, REDUCTIONS, check_loss
from support.remember import remembered

import fastact as fa

DTYPES = ["float32", "float64"]
SIZES = [(5, 1), (9, 2), (9, 10), (3, 64), (3, 65), (1, 300)]
INF = np.inf


def vectors(count, shape, dtype, rng, size=1.0):
    return [(rng.normal(size=shape) * size).astype(dtype) for _ in range(count)]


def lengths(x):
    x = x.astype(np.float64)
    top = np.maximum(np.abs(x).max(axis=1, keepdims=True), 1e-300)
    return np.maximum(top * np.sqrt(((x / top) ** 2).sum(axis=1, keepdims=True)), 1e-6)


# ---- cosine_embedding_loss -------------------------------------------------------------------


def check_cosine(operands, dtype, reduction="none", **options):
    a, b, _ = operands
    grads = [1 / lengths(a), 1 / lengths(b)]
    hesses = [4 * (g * g) for g in grads]
    check_loss("cosine_embedding_loss", operands, options, dtype, reduction, (4, 5, 6), (1.0, grads, hesses))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("margin", [0.0, 0.3, -0.4])
def test_cosine(margin, reduction, dtype, rng):
    for shape in SIZES:
        a, b = vectors(2, shape, dtype, rng)
        b = (b + a * rng.normal(size=(shape[0], 1))).astype(dtype)
        t = rng.choice([-1, 1], shape[0]).astype(dtype)
        check_cosine((a, b, t), dtype, reduction, margin=margin)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1e4, 1e18, 1e36, 1e-5, 1e-9, 1e-30])
def test_cosine_of_large_and_small_vectors(size, dtype, rng):
    """Squares do not overflow; epsilon counts where vectors are short."""
    for shape in [(9, 10), (2, 100)]:
        a, b = vectors(2, shape, dtype, rng)
        t = rng.choice([-1.0, 1.0], shape[0]).astype(dtype)
        for scaled in ((a * a.dtype.type(size), b), (a * a.dtype.type(size), b * a.dtype.type(size))):
            check_cosine((*scaled, t), dtype)


def test_cosine_of_vectors_whose_squares_overflow_float64(rng):
    a, b = vectors(2, (9, 10), "float64", rng)
    t = np.ones(9)
    want, (by_a, by_b) = fa.cosine_embedding_loss.value_and_grad(a, b, t, reduction="none")
    for big in (2.0**600, 2.0**1018):
        got, (big_a, small_b) = fa.cosine_embedding_loss.value_and_grad(a * big, b, t, reduction="none")
        np.testing.assert_allclose(got, want, rtol=1e-11)
        np.testing.assert_allclose(big_a * 2.0**500, by_a / big * 2.0**500, rtol=1e-9)
        np.testing.assert_allclose(small_b, by_b, rtol=1e-9)
        both = fa.cosine_embedding_loss(a * big, b * big, t, reduction="none")
        np.testing.assert_allclose(both, want, rtol=1e-11)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cosine_of_norm_0(dtype):
    """PyTorch's epsilon: the cosine is 0, its gradient b / |b| over the root of epsilon."""
    zero, b = np.zeros((9, 2), dtype), np.array([[3.0, 4.0]] * 9, dtype)
    t = np.array([1, -1, 1] * 3)
    value, (by_a, by_b) = fa.cosine_embedding_loss.value_and_grad(zero, b, t, reduction="none")
    np.testing.assert_array_equal(value, np.array([1, 0, 1] * 3, dtype))
    wanted = -t[:, None] * np.array([[6e5, 8e5]])
    np.testing.assert_allclose(by_a, wanted, rtol=1e-6 if dtype == "float32" else 1e-12)
    assert (by_b == 0).all()
    value, (by_a, by_b) = fa.cosine_embedding_loss.value_and_grad(zero, zero, t, reduction="none")
    np.testing.assert_array_equal(value, np.array([1, 0, 1] * 3, dtype))
    assert (by_a == 0).all() and (by_b == 0).all()
    for hess in fa.cosine_embedding_loss.grad_and_hess(zero, b, t)[1]:
        assert np.isfinite(hess).all()
    check_cosine((zero, b, t), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cosine_kink_and_other_targets(dtype):
    """PyTorch 2.13: at c = margin the slope is 1; a target that is neither 1 nor -1 counts 0."""
    a, b = np.array([[1.0, 0.0]] * 9, dtype), np.array([[0.0, 1.0]] * 9, dtype)
    value, (by_a, by_b) = fa.cosine_embedding_loss.value_and_grad(a, b, -np.ones(9), reduction="sum")
    assert value == 0.0
    np.testing.assert_allclose(by_a, b, rtol=1e-7 if dtype == "float32" else 1e-11)
    np.testing.assert_allclose(by_b, a, rtol=1e-7 if dtype == "float32" else 1e-11)
    _, (by_a, _) = fa.cosine_embedding_loss.value_and_grad(a, b, -np.ones(9), margin=0.1)
    assert (by_a == 0).all()
    for t in (0.0, 0.5, 2.0):
        value, grads = fa.cosine_embedding_loss.value_and_grad(a, a, np.full(9, t))
        assert value == 0.0 and not np.any(grads)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cosine_of_nan_and_infinity(dtype):
    a, b = np.ones((9, 3), dtype), np.ones((9, 3), dtype)
    a[2, 1], b[5, 0], a[7, 2] = np.nan, np.nan, np.inf
    t = np.ones(9, dtype)
    t[8] = np.nan
    value, grads = fa.cosine_embedding_loss.value_and_grad(a, b, t, reduction="none")
    assert np.isnan(value).nonzero()[0].tolist() == [2, 5, 7, 8]
    for grad in grads:
        assert np.isnan(grad).any(axis=1).nonzero()[0].tolist() == [2, 5, 7, 8]


# ---- triplet_margin_loss ------------------------------------------------------------------------


@remembered
def triplet_scales(a, p, n, power, eps):
    """Of value, gradients and curvature, and how many ulp powers add: (p - 1) log q."""
    value, grads, hesses, added = [], [], [], 0.0
    for row in zip(*map(reference.exact, (a, p, n)), strict=True):
        sums = [mpf(0), 0 * row[0], 0 * row[0]]
        for x, y in ((0, 1), (0, 2), (1, 2)):
            d = row[x] - row[y] + mpf(eps)
            size, u, h = norm(d, power)
            rounding = abs(row[x]) + abs(row[y]) + mpf(eps)  # of the difference, which norm and slope pass on
            sums[0] += size + (max(rounding) if power in (1, 2, INF) else 0)
            bend = abs(h) + (abs(u * u) / size * abs(power) if size and abs(power) not in (0, INF) else 0)
            sums[1] = sums[1] + abs(u) + bend * rounding
            sums[2] = sums[2] + bend
            if power not in (0, 1, 2) and np.isfinite(power) and size:
                q = [abs(v) / size for v in d if v]
                added = max(added, float(max(abs(mp.log(v)) for v in q)) * (abs(power) + 2)) if q else added
        value.append(float(sums[0]) + 1)
        grads.append([float(v) for v in sums[1]])
        hesses.append([float(v) for v in sums[2]])
    return (np.array(value), np.array(grads), np.array(hesses)), added


def check_triplet(operands, dtype, reduction="none", power=2.0, eps=1e-6, **options):
    with mp.workprec(PRECISION):
        scales, added = triplet_scales(*operands, power, eps)
    bounds = (3 + added, 4 + added, 6 + 2 * added)
    options = {**options, "power": power, "eps": eps}
    check_loss("triplet_margin_loss", operands, options, dtype, reduction, bounds, scales, p=power)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [1.0, 2.0, INF, 3.0, 1.5, 0.5, 0.0, -1.0, -2.5, -INF])
@pytest.mark.parametrize("swap", [False, True])
def test_triplet(swap, power, dtype, rng):
    for shape, margin in zip(SIZES, (0.5, 20.0) * 3, strict=True):  # some rows within it, or all
        operands = vectors(3, shape, dtype, rng)
        check_triplet(operands, dtype, "none", power, margin=margin, swap=swap)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("power", [1.0, 2.0, INF, 3.0])
def test_triplet_reductions(power, reduction, dtype, rng):
    operands = vectors(3, (11, 10), dtype, rng)
    check_triplet(operands, dtype, reduction, power, margin=2.0, swap=True, eps=1e-3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [1.0, 2.0, INF, 3.0])
@pytest.mark.parametrize("size", [1e4, 1e18, 1e36, 1e-18, 1e-36])
def test_triplet_of_large_and_small_differences(size, power, dtype, rng):
    for shape in [(9, 10), (2, 100)]:
        operands = vectors(3, shape, dtype, rng, size)
        check_triplet(operands, dtype, "none", power, eps=0.0, margin=1e-3 * min(size, 1.0))


@pytest.mark.parametrize("power", [2.0, 3.0])
def test_triplet_of_differences_whose_powers_leave_float64(power, rng):
    a, p, n = vectors(3, (9, 10), "float64", rng)
    want, grads = fa.triplet_margin_loss.value_and_grad(
        a, p, n, p=power, eps=0.0, margin=0.5, reduction="none"
    )
    for size in (2.0**-1000, 2.0**-600, 2.0**600, 2.0**1018):
        options = {"p": power, "eps": 0.0, "margin": 0.5 * size, "reduction": "none"}
        got, scaled = fa.triplet_margin_loss.value_and_grad(a * size, p * size, n * size, **options)
        np.testing.assert_allclose(got / size, want, rtol=1e-11)
        for x, y in zip(scaled, grads, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-13)


# PyTorch 2.13: gradients by anchor, positive and negative, eps = 0.
HALF = 0.5
ROOT = np.sqrt(0.5)
KINKS = {
    "loss just 0": ((0, 0), (1, 0), (2, 0), {}, [(0, 0), (1, 0), (-1, 0)]),
    "swap of equal distances": (
        (0, 0), (1, 0), (HALF, HALF), {"swap": True},
        [(-1 + ROOT / 2, ROOT / 2), (1 - ROOT / 2, ROOT / 2), (0, -ROOT)],
    ),
    "ties of the largest": (
        (0, 0), (1, -1), (HALF, HALF), {"p": INF}, [(0, 1), (HALF, -HALF), (-HALF, -HALF)],
    ),
    **{
        f"distance 0, p = {p}": ((0, 0), (0, 0), (0, 0), {"p": p}, [(0, 0)] * 3)
        for p in (1, 2, INF, 3, 1.5, 0.5, -1)
    },
    "distance 0 with epsilon": (
        (0, 0), (0, 0), (0, 0), {"eps": 1e-6}, [(0, 0), (-ROOT, -ROOT), (ROOT, ROOT)],
    ),
    "difference 0, p = 1": ((0, 1), (0, 2), (0, 1), {"p": 1}, [(0, -1), (0, 1), (0, 0)]),
    "difference 0, p = 1.5": ((0, 1), (0, 2), (0, 1), {"p": 1.5}, [(0, -1), (0, 1), (0, 0)]),
    "difference 0, p = 0.5": ((0, 1), (0, 2), (0, 1), {"p": 0.5}, [(0, -1), (0, 1), (0, 0)]),
}  # fmt: skip


@pytest.mark.parametrize("name", KINKS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_triplet_kinks(name, dtype):
    *operands, options, wanted = KINKS[name]
    operands = [np.array([x] * 9, dtype) for x in operands]
    value, grads = fa.triplet_margin_loss.value_and_grad(
        *operands, reduction="sum", **{"eps": 0.0, **options}
    )
    assert np.isfinite(value)
    for got, want in zip(grads, wanted, strict=True):
        np.testing.assert_allclose(got, [want] * 9, rtol=0, atol=1e-7 if dtype == "float32" else 1e-15)
    for hess in fa.triplet_margin_loss.grad_and_hess(*operands, **{"eps": 0.0, **options})[1]:
        assert np.isfinite(hess).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [1.0, 2.0, INF, 3.0, 0.0, -1.0, -INF])
def test_triplet_of_nan_and_infinity(power, dtype):
    operands = [np.full((9, 3), k, dtype) for k in (0.0, 1.0, 2.0)]
    operands[0][2, 1] = operands[1][4, 0] = operands[2][6, 2] = np.nan
    for swap in (False, True):
        value, grads = fa.triplet_margin_loss.value_and_grad(
            *operands, p=power, margin=5.0, swap=swap, reduction="none"
        )
        assert np.isnan(value).nonzero()[0].tolist() == [2, 4, 6]
        for grad in grads:
            assert np.isfinite(np.delete(grad, [2, 4, 6], 0)).all()
    near, far = np.zeros((9, 3), dtype), np.zeros((9, 3), dtype)
    far[4, 1] = np.inf
    value = fa.triplet_margin_loss(near, near, far, p=2.0, reduction="none")
    assert value[4] == 0.0 and (np.delete(value, 4) > 0).all()
