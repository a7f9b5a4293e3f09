"""Losses where formulas fail: at the ends of domains, at kinks, where terms vanish or overflow."""

from itertools import product

import dask.array as da
import numpy as np
import pytest
from mpmath import mp, mpf
from support import ulp

import fastact as fa

NAN, INF = np.nan, np.inf
CASES = [  # op, operands, options, value, gradient, Hessian diagonal
    ("binary_cross_entropy", (0.0, 0.0), {}, 0, 1, 1),
    ("binary_cross_entropy", (1.0, 1.0), {}, 0, -1, 1),
    ("binary_cross_entropy", (0.0, 1.0), {}, 100, -INF, INF),
    ("binary_cross_entropy", (1.0, 0.0), {}, 100, INF, INF),
    ("binary_cross_entropy", (-0.1, 0.0), {}, NAN, NAN, NAN),
    ("binary_cross_entropy", (1.1, 1.0), {}, NAN, NAN, NAN),
    ("kl_div", (-1.0, 0.0), {}, 0, 0, 0),
    ("kl_div", (-INF, 0.0), {}, 0, 0, 0),
    ("kl_div", (-INF, 0.5), {}, INF, -0.5, 0),
    ("kl_div", (-1.0, -0.5), {}, NAN, NAN, NAN),
    ("kl_div", (-1.0, -INF), {"log_target": True}, 0, 0, 0),
    ("poisson_nll_loss", (-INF, 0.0), {}, 0, 0, 0),
    ("poisson_nll_loss", (-INF, 2.0), {}, INF, -2, 0),
    ("poisson_nll_loss", (INF, 2.0), {}, INF, INF, INF),
    ("poisson_nll_loss", (0.0, 0.0), {"log_input": False, "eps": 0.0}, 0, 1, 0),
    ("poisson_nll_loss", (0.0, 1.0), {"full": True}, 1, 0, 1),
    ("gaussian_nll_loss", (1.0, 1.0, 0.0), {"eps": 0.25}, np.log(0.25) / 2, (0, 2), (4, -8)),
    ("gaussian_nll_loss", (1.0, 1.0, -1.0), {}, NAN, (NAN, NAN), (NAN, NAN)),
    ("margin_ranking_loss", (1.0, 1.0, 1.0), {}, 0, (-1, 1), (0, 0)),
    ("margin_ranking_loss", (2.0, 1.0, 1.0), {"margin": 1.0}, 0, (-1, 1), (0, 0)),
    ("margin_ranking_loss", (2.5, 1.0, 1.0), {"margin": 1.0}, 0, (0, 0), (0, 0)),
    ("gamma_deviance", (0.0, 0.0), {}, INF, 2, 0),
    ("gamma_deviance", (1.0, 0.0), {"log_input": False}, INF, 2, -2),
    ("gamma_deviance", (-1.0, 1.0), {"log_input": False}, NAN, NAN, NAN),
    ("gamma_deviance", (1.0, -1.0), {"log_input": False}, NAN, NAN, NAN),
    ("gamma_deviance", (1.0, -1.0), {}, NAN, NAN, NAN),
    ("gamma_deviance", (0.0, 1.0), {"log_input": False}, INF, -INF, INF),
    ("gamma_deviance", (INF, 1.0), {}, INF, 2, 0),
    ("gamma_deviance", (-INF, 1.0), {}, INF, -INF, INF),
    ("tweedie_deviance", (1.0, -1.0), {"power": 1.5}, NAN, NAN, NAN),
    ("tweedie_deviance", (1.0, -1.0), {"power": 1.0}, NAN, NAN, NAN),
    ("tweedie_deviance", (np.log(2.0), -1.0), {"power": 0.0}, 9, 12, 20),
    ("tweedie_deviance", (0.0, -3.0), {"power": 0.0}, 16, 8, 10),
    ("tweedie_deviance", (np.log(2.0), -1.0), {"power": -1.0}, 2 * (2 + 8 / 3), 24, 64),
    ("tweedie_deviance", (0.0, 1.0), {"power": 1.0, "log_input": False}, INF, -INF, INF),
    ("tweedie_deviance", (-INF, 0.0), {"power": 1.0}, 0, 0, 0),
    ("tweedie_deviance", (INF, 0.0), {"power": 1.0}, INF, INF, INF),
    ("tweedie_deviance", (INF, 1.0), {"power": 3.0}, 1, 0, 0),
    ("tweedie_deviance", (1.0, -2.0), {"power": 0.0, "log_input": False}, 9, 6, 2),
    ("tweedie_deviance", (2.0, 0.0), {"power": 1.0, "log_input": False}, 4, 2, 0),
    ("tweedie_deviance", (1.0, 0.0), {"power": 2.0, "log_input": False}, INF, 2, -2),
    ("tweedie_deviance", (1.0, 0.0), {"power": 3.0, "log_input": False}, INF, 2, -4),
    ("tweedie_deviance", (2.0, -1.0), {"power": -1.0, "log_input": False}, 2 * (2 + 8 / 3), 12, 10),
    ("tweedie_deviance", (2.0, -1.0), {"power": 1.5, "log_input": False}, NAN, NAN, NAN),
    ("tweedie_deviance", (-INF, 0.0), {"power": 1.5}, 0, 0, 0),
    ("focal_loss", (INF, 1.0), {}, 0, 0, 0),
    ("focal_loss", (-INF, 0.0), {"gamma": 0.5}, 0, 0, 0),
    ("focal_loss", (-INF, 1.0), {}, INF, -0.25, 0),
    ("focal_loss", (INF, 0.0), {"gamma": 0.5}, INF, 0.75, 0),
    ("msle_loss", (-1.0, 0.0), {}, INF, -INF, INF),
    ("msle_loss", (-1.5, 0.0), {}, NAN, NAN, NAN),
    ("msle_loss", (3.0, 3.0), {}, 0, 0, 0.125),
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize(("name", "operands", "options", "value", "grad", "hess"), CASES)
def test_special_values(name, operands, options, value, grad, hess, dtype):
    op, arrays = getattr(fa, name), [np.full(3, a, dtype) for a in operands]
    got = op(*arrays, **options, reduction="none")
    grads, hesses = op.grad_and_hess(*arrays, **options, reduction="sum")
    for found, wanted in ((got, value), (grads, grad), (hesses, hess)):
        for one, exact in zip(*((a if isinstance(a, tuple) else (a,)) for a in (found, wanted)), strict=True):
            if np.isnan(exact):
                assert np.isnan(one).all()
            else:
                np.testing.assert_allclose(one, np.full(3, exact, dtype), rtol=3 * np.finfo(dtype).eps)


NEGATIVE_ZEROS = {  # powers and logarithms of what may be 0
    "binary_cross_entropy": ({},),
    "kl_div": ({},),
    "poisson_nll_loss": ({}, {"log_input": False}, {"log_input": False, "eps": 0.0}),
    "gamma_deviance": ({}, {"log_input": False}),
    "tweedie_deviance": tuple(
        {"power": p, "log_input": form}
        for p in (-1.0, 0.0, 1.0, 1.2, 1.5, 2.0, 3.0)
        for form in (True, False)
    ),
    "gaussian_nll_loss": ({}, {"eps": 0.25}),
    "focal_loss": ({}, {"gamma": 0.5}),
    "msle_loss": ({},),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", NEGATIVE_ZEROS)
def test_negative_zero_is_zero(name, dtype):
    """As relu makes it."""
    op = getattr(fa, name)
    for options in NEGATIVE_ZEROS[name]:
        for point in product((0.0, 0.5, 1.0), repeat=len(op._operands)):
            zeros = [np.where(np.full(9, a) == 0, -0.0, a).astype(dtype) for a in point]
            numbers = [np.full(9, a, dtype) for a in point]
            got = [op(*zeros, **options, reduction="none"), *op.grad_and_hess(*zeros, **options)]
            wanted = [op(*numbers, **options, reduction="none"), *op.grad_and_hess(*numbers, **options)]
            for a, b in zip(got, wanted, strict=True):
                np.testing.assert_array_equal(a, b, f"{point} {options}")


LARGE_COUNTS = [(2.0, "max"), (700.0, 1e305), (-3.0, "max"), (709.0, 1.2e308), (709.0, 1e308)]


@pytest.mark.parametrize(("x", "t"), LARGE_COUNTS)
def test_full_poisson_loss_of_large_counts(x, t):
    """Both t log_rate and t log t overflow; the loss may do so or not."""
    t = np.finfo(np.float64).max if t == "max" else t
    got = fa.poisson_nll_loss(np.float64(x), t, full=True)
    with mp.workprec(300):
        exact = mp.exp(x) - mpf(t) * x + mpf(t) * (mp.log(t) - 1) + mp.log(2 * mp.pi * t) / 2
        term = mpf(t) * mp.log(t)
    largest = np.finfo(np.float64).max
    assert got == np.inf if exact > largest else abs(got - exact) <= 4 * 2.0**-52 * term


def test_options_are_what_float32_makes_of_them():
    """What is in its range, but not in float32, where it is computed."""
    x = np.ones(3, np.float32)
    for name, options, operands in (
        ("gaussian_nll_loss", {"eps": 1e-50}, (x, x, x)),
        ("huber_loss", {"delta": 1e-50}, (x, x)),
        ("hinge_embedding_loss", {"margin": 1e39}, (x, x)),
        ("smooth_l1_loss", {"beta": [1.0, 1.0, 1e39]}, (x, x)),
    ):
        op = getattr(fa, name)
        with pytest.raises(ValueError, match=r"which float32 rounds to (0|inf)$"):
            op(*operands, **options)
        assert np.isfinite(op(*(a.astype(np.float64) for a in operands), **options))
    assert fa.huber_loss(2 * x, x, delta=1e39) == 0.5


def test_deviances_are_finite_where_they_should_be():
    """Powers and quotients leave the range, but not what they make."""
    for name, x, y, options, wanted in (
        ("tweedie_deviance", -90.0, 1.0, {"power": 1.0}, 178.0),
        ("tweedie_deviance", -170.0, 0.0, {"power": 1.5}, 4 * np.exp(-85.0)),
        ("tweedie_deviance", 400.0, 1e-30, {"power": 3.0}, 1e30),
        ("tweedie_deviance", 88.0, 1e38, {"power": 2.5}, 1.8236923e-20),
        ("gamma_deviance", 1e30, 1e-30, {"log_input": False}, 2 * (60 * np.log(10) - 1)),
        ("gamma_deviance", 3e38, 2e-38, {"log_input": False}, 2 * (np.log(1.5e76) - 1)),
    ):
        got = getattr(fa, name)(np.float32(x), np.float32(y), **options)
        assert got == pytest.approx(wanted, rel=3e-7, abs=0), (name, x, y)
    for power in (-1.0, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0):
        for x, y in ((-1e5, 1.0), (1e5, 1.0), (800.0, 1e-300), (-800.0, 1e300)):
            results = [fa.tweedie_deviance(x, y, power=power)]
            results += fa.tweedie_deviance.grad_and_hess(np.float64(x), y, power=power)
            assert not np.isnan(results).any(), (power, x, y, results)
            assert results[0] > 0
            assert np.sign(results[1]) in (np.sign(x - np.log(y)), 0)


def _focal_grad(x, y, alpha, gamma):
    """In float64, and the larger of the terms that it is the sum of."""
    p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
    m, loss = y * q + (1 - y) * p, (1 - y) * np.logaddexp(0, x) + y * np.logaddexp(0, -x)
    balance = y * np.float64(np.float32(alpha)) + (1 - y) * np.float64(np.float32(1) - np.float32(alpha))
    turn = gamma * (1 - 2 * y) * np.where(y == 1, p, np.where(y == 0, q, p * q / m)) * loss
    slope = (1 - y) * p - y * q
    factor = balance * m**gamma
    return factor * (turn + slope), factor * np.maximum(np.abs(turn), np.abs(slope))


def test_gradients_are_within_4_ulp():
    """Where factors of many roundings were worse; random data rarely show the worst."""
    rng, n = np.random.default_rng(11), 100_000
    x = np.concatenate([rng.normal(0, 8, n), rng.uniform(-70, 70, n)]).astype("f4")
    y = rng.integers(0, 2, 2 * n).astype("f4")
    cases = []
    for gamma in (0.5, 1.0, 1.5, 2.0, 3.0):
        for kind, t in (("sides", y), ("shares", rng.random(2 * n).astype("f4"))):
            got = fa.focal_loss.grad(x, t, gamma=gamma, reduction="sum")
            exact, term = _focal_grad(x.astype("f8"), t.astype("f8"), 0.25, gamma)
            near_root = np.abs(exact) < 1e-6 * term  # where this float64 has no digits either
            cases.append((f"focal_loss {gamma} {kind}", got, np.where(near_root, 0, exact)))
    x = np.exp(rng.uniform(-20, 20, 2 * n)).astype("f4") - rng.choice([0, 0.99], 2 * n).astype("f4")
    t = np.where(
        rng.random(2 * n) < 0.5, x * (1 + rng.uniform(-1e-3, 1e-3, 2 * n)), np.exp(rng.normal(0, 9, 2 * n))
    )
    t = t.astype("f4")
    wide = x.astype("f8"), t.astype("f8")
    ratio = np.abs(wide[0] - wide[1]) / (1 + np.minimum(*wide))
    exact = 2 * np.sign(wide[0] - wide[1]) * np.log1p(ratio) / (1 + wide[0])
    cases.append(("msle_loss", fa.msle_loss.grad(x, t, reduction="sum"), exact))
    for name, got, wanted in cases:
        normal = np.abs(wanted) > 1e-36
        error = np.abs(got - wanted)[normal] / np.spacing(np.abs(wanted[normal]).astype("f4"))
        assert error.max() <= 4, (name, error.max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gamma_deviance_far_from_its_target(dtype):
    """Where y exp(-x), or exp(-x/2) alone, is no number any more; within 4 ulp of the larger term."""
    info = np.finfo(dtype)
    reach = 104 if dtype == "float32" else 745
    points = [(x, y) for x in np.linspace(-1.9, 1.9, 39) * reach for y in (1.0, 1e-20, 3e30)]
    points += [
        (x, y)
        for x in (-1.906 * reach, -1.7 * reach, -reach, 1.0, reach)
        for y in (info.smallest_subnormal, info.max)
    ]
    x, y = np.array(points).astype(dtype).T
    value = fa.gamma_deviance(x, y, reduction="none")
    grad, hess = fa.gamma_deviance.grad_and_hess(x, y, reduction="sum")
    with mp.workprec(300):
        for got in zip(x, y, value, grad, hess, strict=True):
            score, target, *found = (mpf(float(v)) for v in got)
            u = target * mp.exp(-score)
            wanted = (2 * (u - 1 - mp.log(u)), 2 * (1 - u), 2 * u)
            sizes = (2 * max(abs(u - 1), abs(mp.log(u))), 2 * max(u, 1), 2 * u)
            for one, exact, size in zip(found, wanted, sizes, strict=True):
                if abs(exact) < float(info.max):
                    assert abs(one - exact) <= 4 * ulp.exact_spacing(size, dtype), (got, exact)
                else:
                    assert mp.isinf(one), (got, exact)
    assert fa.gamma_deviance(np.full(1, 2 * reach, dtype), np.full(1, np.inf, dtype)) == np.inf


ROOTS = {  # the gradient, whose root is at x = log t
    "poisson_nll_loss": lambda x, t: mp.exp(x) - t,
    "gamma_deviance": lambda x, t: 2 - 2 * t * mp.exp(-x),
    "tweedie_deviance": lambda x, t: 2 * (mp.exp(x / 2) - t * mp.exp(-x / 2)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ROOTS)
def test_gradients_by_logarithms_keep_digits_next_to_their_roots(name, dtype):
    """Where an exponential meets the target its digits cancel; counted as next to any derivative's root."""
    rng, exact = np.random.default_rng(5), ROOTS[name]
    targets = [[1, 2, 3, 1000], np.exp(rng.uniform(-5, 8, 60)), np.exp(rng.uniform(8, 30, 30))]
    t = np.repeat(np.concatenate(targets), 20).astype(dtype)
    away = rng.choice([0, 1e-9, 1e-6, 1e-4, 1e-2, 0.2], t.size) * rng.normal(size=t.size)
    x = (np.log(t) + away).astype(dtype)
    got = getattr(fa, name).grad(x, t, reduction="sum")
    with mp.workprec(200):
        for score, target, slope in zip(x, t, got, strict=True):
            wanted = exact(mpf(float(score)), mpf(float(target)))
            if dtype == "float32":
                error = ulp.exact_error(slope, wanted, dtype, near_root=True)
                assert error <= 4, (score, target, slope, wanted)
            else:  # 1e-12 of it or of 1/32, and where counts are large 2^-55 of the count
                least = max(abs(wanted), mpf(1) / 32)
                error = abs(mpf(float(slope)) - wanted)
                assert error <= max(1e-12 * least, mpf(float(target)) * 2.0**-55), (
                    score,
                    target,
                    slope,
                    wanted,
                )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_focal_loss_of_a_confident_score(dtype):
    """alpha exp(-x)^(1 + gamma) (1, -(1 + gamma), (1 + gamma)^2), far below float32's range."""
    x, t = np.array([200.0], dtype), np.array([1.0], dtype)
    found = [fa.focal_loss(x, t, gamma=0.5, reduction="none")]
    found += fa.focal_loss.grad_and_hess(x, t, gamma=0.5, reduction="sum")
    wanted = np.array([[1.0], [-1.5], [2.25]]) * 0.25 * np.exp(-300.0)
    np.testing.assert_allclose(found, wanted.astype(dtype), rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_focal_loss_of_the_smallest_targets(gamma, dtype):
    """m is about p + y: p (1 - p)/m is no number divided by another that vanishes."""
    for y in (np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny):
        for x in (-np.inf, -750.0, -100.0, -88.0):
            operands = np.full(5, x, dtype), np.full(5, y, dtype)
            value = fa.focal_loss(*operands, gamma=gamma, alpha=None, reduction="none")
            grad, hess = fa.focal_loss.grad_and_hess(*operands, gamma=gamma, alpha=None, reduction="sum")
            assert not np.isnan([*value, *grad, *hess]).any(), (x, y)
            assert np.all(np.abs(grad) <= 1e-35)
            assert np.all(np.abs(hess) <= 1e-35)


def test_nan_stays_where_it_is():
    """In each operand, whatever the length."""
    rng = np.random.default_rng(1)
    for name in ("binary_cross_entropy", "kl_div", "poisson_nll_loss", "gamma_deviance", "tweedie_deviance",
                 "focal_loss", "msle_loss", "gaussian_nll_loss", "margin_ranking_loss"):  # fmt: skip
        op = getattr(fa, name)
        for n in (1, 5, 16, 37):
            for dtype in ("float32", "float64"):
                for which in range(len(op._operands)):
                    operands = [rng.uniform(0.2, 0.9, n).astype(dtype) for _ in op._operands]
                    operands[which][n // 2] = NAN
                    value = op(*operands, reduction="none")
                    np.testing.assert_array_equal(np.isnan(value), np.arange(n) == n // 2, (name, which, n))


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 3.0])
def test_deviances_keep_digits_next_to_their_minimum(power):
    """(y - m)^2 / m^p to first order, where the formula's three terms are a million times as large."""
    mean, off = np.float64(3.0), 2.0**-20
    got = fa.tweedie_deviance(mean, mean + off, power=power, log_input=False)
    assert abs(got / (off**2 / mean**power * (1 - power * off / mean / 3)) - 1) < 1e-8


def test_tweedie_passes_on_no_more_than_the_rounding_of_a_logarithm():
    """Exponents are rounded once: log m times what another rounding loses would show."""
    power = 1 + 2.0**-23
    for mean in (2.810034537548404e281, 7e299, 3e260):
        curvature = fa.tweedie_deviance.grad_and_hess(np.float64(mean), 0.0, power=power, log_input=False)[1]
        with mp.workprec(200):
            exact = 2 * (1 - mpf(power)) * mpf(mean) ** -mpf(power)
            assert abs(curvature / exact - 1) < 300 * 2.0**-52  # log m is below 700


def test_curvature_of_small_probabilities_does_not_overflow_early():
    p, y = np.float32(2.0**-66), np.float32(2.0**-10)
    assert fa.binary_cross_entropy.grad_and_hess(p, y)[1] == 2.0**122


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-320, 1e-50, 1e60, 1e300])
def test_a_mean_does_not_depend_on_the_size_of_weights(name, dtype, size):
    op, x, weight = getattr(fa, name), np.array([1.0, 2.0, -4.0], dtype), np.array([1.0, 2.0, 0.5])
    wanted = op.value_and_grad(x, 0.0, weight=weight)
    for got, exact in zip(op.value_and_grad(x, 0.0, weight=weight * size), wanted, strict=True):
        np.testing.assert_allclose(got, exact, rtol=4 * np.finfo(dtype).eps + (1e-3 if size < 1e-310 else 0))


def test_a_mean_is_divided():
    """Not multiplied by a rounded reciprocal."""
    for n in (3, 49, 1_000_003):
        assert fa.mse_loss(np.ones(n), np.zeros(n)) == 1.0
        lazy = da.from_array(np.ones(n), chunks=(n + 1) // 2)
        assert fa.mse_loss(lazy, np.zeros(n)).compute() == 1.0


def test_a_gradient_keeps_nan_where_the_target_is_0():
    grad, hess = fa.poisson_nll_loss.grad_and_hess([NAN, 1.0], [0.0, 0.0], log_input=False, reduction="sum")
    np.testing.assert_array_equal(grad, [NAN, 1.0])
    np.testing.assert_array_equal(hess, [NAN, 0.0])


def test_means_by_weight_are_pytorchs():
    assert fa.l1_loss([1.0, 2.0], [0.0, 0.0], weight=[1.0, 3.0]) == 1.75
    assert fa.mse_loss([1.0, 2.0], [0.0, 0.0], weight=[1.0, 3.0]) == 3.25
    assert fa.huber_loss([1.0, 2.0], [0.0, 0.0], weight=[1.0, 3.0]) == 2.5


def test_numbers_too_large():
    for wrong in (10**400, da.asarray(1.0)):
        with pytest.raises((TypeError, ValueError), match="label_smoothing"):
            fa.cross_entropy(np.ones((2, 3)), [0, 1], label_smoothing=wrong)


def test_batchmean_divides_by_rows():
    x, t = np.log(np.full((4, 5), 0.2)), np.eye(4, 5)
    lazy = fa.kl_div(da.from_array(x, chunks=2), t, reduction="batchmean")
    assert float(lazy) == pytest.approx(np.log(5), rel=1e-15)
    assert fa.kl_div(x, t, reduction="batchmean") == pytest.approx(np.log(5), rel=1e-15)
    np.testing.assert_array_equal(fa.kl_div.grad(x, t, reduction="batchmean"), -t / 4)
    assert fa.kl_div(np.zeros((0, 3)), np.zeros((0, 3)), reduction="batchmean") == 0.0
    with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum', got 'batchmean'"):
        fa.mse_loss(x, t, reduction="batchmean")


OF_LOGS = ["poisson_nll_loss", "gamma_deviance", "tweedie_deviance"]
FORMS = {"kl_div": "log_target", **dict.fromkeys(OF_LOGS, "log_input")}


@pytest.mark.parametrize(("name", "option"), FORMS.items())
def test_forms_are_chosen_by_true_or_false(name, option):
    for wrong in (1, "yes", None, [True]):
        with pytest.raises(TypeError, match=f"{option} must be True or False, got"):
            getattr(fa, name)(np.ones(3), np.ones(3), **{option: wrong})
    chosen = getattr(fa, name)(np.ones(3), np.ones(3), **{option: np.True_})
    assert chosen == getattr(fa, name)(np.ones(3), np.ones(3), **{option: True})


def test_gradients_are_the_values_slopes():
    """Central differences of each form, in float64."""
    rng, h = np.random.default_rng(2), 1e-5
    forms = [
        ("binary_cross_entropy", {}),
        ("focal_loss", {"gamma": 1.5}),
        ("gamma_deviance", {}),
        ("gamma_deviance", {"log_input": False}),
        ("kl_div", {"log_target": True}),
        ("msle_loss", {}),
        ("poisson_nll_loss", {}),
        ("poisson_nll_loss", {"log_input": False}),
        ("tweedie_deviance", {}),
        ("tweedie_deviance", {"log_input": False, "power": -1.0}),
    ]
    for name, options in forms:
        op, x, t = getattr(fa, name), rng.uniform(0.2, 0.8, 50), rng.uniform(0.2, 0.8, 50)
        grad, hess = op.grad_and_hess(x, t, **options, reduction="sum")
        up, down = (op(x + s * h, t, **options, reduction="none") for s in (1, -1))
        np.testing.assert_allclose(grad, (up - down) / (2 * h), rtol=1e-7, atol=1e-8, err_msg=name)
        up, down = (op.grad(x + s * h, t, **options, reduction="sum") for s in (1, -1))
        np.testing.assert_allclose(hess, (up - down) / (2 * h), rtol=1e-7, atol=1e-8, err_msg=name)
