"""Every activation in float64 against mpmath, at points that are hard.

tests/exhaustive/float64_mpmath.py does the same with as many points as one has time for.
"""

import numpy as np
import pytest
import reference
import ulp
from fastact import _core
from mpmath import mpf
from test_accuracy_float32 import CASE_IDS, CASES, FROM_OUTPUT, ORDERS, function, parameters

ACTIVATIONS = _core.table()["activation"]
COUNT = 1600


def hard_points(name, count, rng):
    """`count` points or a few more: where exponentials fall to subnormal numbers, where a
    reduction by ln 2 rounds either way, roots, tiny and huge arguments, and the middle."""
    entry = reference.ACTIVATIONS[name]
    roots = np.array([r for of_order in entry.roots for r in of_order] + [0.0])
    share, signs = count // 8, lambda n: rng.choice([-1.0, 1.0], n)
    halfway = (rng.integers(-1075, 1025, share) + 0.5) * np.log(2)
    return np.concatenate([
        rng.uniform(-1.5, 1.5, share),
        rng.uniform(-6, 6, share),
        rng.uniform(-40, 40, 2 * share),
        rng.uniform(-750, -700, share // 2),
        rng.uniform(-39, -36.5, share // 2),  # gelu's tail: exp(-x^2/2)
        rng.uniform(-22.5, -21.2, share // 2),  # gelu_tanh's: exp(-0.0713 x^3)
        halfway / rng.choice([1, 2, -1], share) * (1 + rng.normal(size=share) * 1e-15),
        signs(share) * np.exp(rng.uniform(-744, 709, share)),
        rng.choice(roots, share) + signs(share) * 10.0 ** rng.uniform(-16, -0.3, share),
        np.ldexp(signs(share // 2), rng.integers(-1074, 1024, share // 2)),
    ])  # fmt: skip


def errors_at(name, order, x):
    """Errors in ulp of the public op at the points x."""
    entry, p = reference.ACTIVATIONS[name], parameters(name, np.float64)
    exact = (entry.value, entry.first, entry.second)[order]
    y, near = function(name, order)(x, *p), ulp.near(x, entry.roots[order])
    points = zip(y.tolist(), x.tolist(), near.tolist(), strict=True)
    return [ulp.exact_error(a, exact(mpf(v), *map(mpf, p)), "float64", n) for a, v, n in points]


@pytest.mark.parametrize(("name", "order"), CASES, ids=CASE_IDS)
def test_bound(name, order, rng):
    bound, x = ACTIVATIONS[name]["ulp"]["float64"][order], hard_points(name, COUNT, rng)
    error = errors_at(name, order, x)
    print(f"{name} {ORDERS[order]}: {max(error):.3f} ulp")
    assert max(error) <= bound, ulp.report(f"{name} {ORDERS[order]}", error, x, bound)


@pytest.mark.parametrize("name", FROM_OUTPUT)
def test_from_output(name, rng):
    import fastact

    entry, bound = reference.ACTIVATIONS[name], ACTIVATIONS[name]["ulp"]["float64"][1]
    p, (low, high) = parameters(name, np.float64), entry.outputs
    y = np.concatenate([hard_points(name, 400, rng), rng.uniform(low, min(high, 40), 200), [1 - 2.0**-53]])
    y = y[(y >= low) & (y <= high)]
    got = getattr(fastact, name).backward_from_output(1.0, y, *p)
    error = [
        ulp.exact_error(a, entry.from_output(mpf(v), *map(mpf, p)), "float64")
        for a, v in zip(got, y, strict=True)
    ]
    assert max(error) <= bound, ulp.report(f"{name} from output", error, y, bound)


# ---- the definitions themselves ---------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_formulas_are_derivatives(name, rng):
    """The written derivatives against a numerical one, at 160 bits."""
    from mpmath import mp

    entry = reference.ACTIVATIONS[name]
    p = tuple(map(mpf, parameters(name, np.float64)))
    for v in rng.uniform(-9, 9, 6):
        x = mpf(v)
        for order, formula in ((1, entry.first), (2, entry.second)):
            numerical = mp.diff(lambda t: entry.value(t, *p), x, order)
            assert abs(formula(x, *p) - numerical) < mpf(10) ** -15


@pytest.mark.parametrize("name", [n for n, e in reference.ACTIVATIONS.items() if any(e.roots)])
def test_roots_are_roots(name):
    entry, p = reference.ACTIVATIONS[name], tuple(map(mpf, parameters(name, np.float64)))
    for formula, roots in zip((entry.value, entry.first, entry.second), entry.roots, strict=True):
        for root in roots:
            assert formula(mpf(root) - mpf(1e-6), *p) * formula(mpf(root) + mpf(1e-6), *p) < 0


@pytest.mark.parametrize("name", [n for n, e in reference.ACTIVATIONS.items() if e.scipy])
def test_scipy_agrees_with_definition(name, rng):
    """A second opinion on what the function is; its own accuracy is looser than ours."""
    entry, p = reference.ACTIVATIONS[name], tuple(map(mpf, parameters(name, np.float64)))
    for v in rng.uniform(-30, 30, 50):
        assert abs(entry.scipy(v) / entry.value(mpf(v), *p) - 1) < 1e-14
