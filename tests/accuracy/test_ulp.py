"""The judge is judged: errors in ulp over arrays against the same in exact arithmetic."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from support import ulp

POWERS = {"float32": (-151, 128), "float64": (-1074, 1023)}


def values(dtype, rng):
    """Zeros, numbers of every size, powers of two and their neighbours, and what overflows."""
    low, high = POWERS[dtype]
    powers = np.ldexp(1.0, np.arange(low, high + 1))
    largest = ulp.FORMATS[dtype].largest
    sizes = np.exp2(rng.uniform(low, high, 500))
    f = [[0.0], powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf), sizes, [largest]]
    if dtype == "float32":
        f.append(largest + np.array([0.49, 0.5, 2.0]) * 2.0**104)
    f = np.concatenate(f)
    return np.concatenate([f, -f])


@pytest.mark.parametrize("dtype", POWERS)
@pytest.mark.parametrize("near_root", [False, True])
def test_spacing(dtype, near_root, rng):
    f = values(dtype, rng)
    want = [float(ulp.exact_spacing(mpf(v), dtype, near_root)) for v in f.tolist()]
    np.testing.assert_array_equal(ulp.spacing(f, dtype, np.full(f.shape, near_root)), want)


@pytest.mark.parametrize("dtype", POWERS)
def test_least_spacing(dtype, rng):
    """Never more than the exact one, and the same but next to a binade and where float64 cannot tell."""
    with mpmath.workprec(200):
        numbers = [mpf(v) for v in values(dtype, rng).tolist()]
        below = [v * (1 - mpf(2) ** -60) for v in numbers]  # a power of two rounds up to itself in float64
        for f in (np.array(numbers, object), np.array(below, object)):
            for scale in (0.0, 0.75):
                exact = np.array([float(ulp.exact_spacing(max(abs(v), mpf(scale)), dtype)) for v in f])
                least = ulp.least_spacing(f, dtype, scale)
                assert (least <= exact).all()
                assert (2 * least >= exact)[least > 0].all()
                assert (least > 0).mean() > 0.9


@pytest.mark.parametrize("dtype", POWERS)
def test_errors(dtype, rng):
    """Of results that are right, a little off, another's, infinite and NaN."""
    f = values(dtype, rng)
    with np.errstate(over="ignore"):
        results = [f.astype(dtype), (f * (1 + 1e-4)).astype(dtype), rng.permutation(f).astype(dtype)]
        results += [np.full(f.shape, v, dtype) for v in (0, np.inf, -np.inf, np.nan)]
        for y in results:
            want = [ulp.exact_error(a, mpf(v), dtype) for a, v in zip(y.tolist(), f.tolist(), strict=True)]
            np.testing.assert_allclose(ulp.errors(y, f, dtype), want, rtol=1e-12)


@pytest.mark.parametrize("f", [np.inf, -np.inf, np.nan])
def test_errors_where_the_truth_is_not_a_number(f):
    y = np.array([np.inf, -np.inf, np.nan, 1.0], np.float32)
    right = np.isnan(y) if np.isnan(f) else y == f
    np.testing.assert_array_equal(ulp.errors(y, np.full(4, f), "float32"), np.where(right, 0, np.inf))
    np.testing.assert_array_equal(
        [ulp.exact_error(v, mpf(f), "float32") for v in y.tolist()], np.where(right, 0, np.inf)
    )


def test_hexadecimal_is_the_number():
    for x in (0.0, -3.0, 0.1, np.float32(0.1), 2.0**-149, 1e300, -np.inf):
        assert float.fromhex(ulp.hexadecimal(x)) == x
    assert ulp.hexadecimal(np.float32(-0.1)) == "-0x1.99999ap-4"
