"""Every activation in float64 against mpmath, at points that are hard.

tests/exhaustive/float64_mpmath.py does the same with as many points as one has time for.
"""

import numpy as np
import pytest
import reference
from mpmath import mp, mpf
from support import ulp
from support.cases import (
    ACTIVATIONS,
    CASE_IDS,
    CASES,
    FROM_OUTPUT,
    ORDERS,
    errors_at,
    exact_parameters,
    hard_points,
    parameters,
    public,
)

COUNT = 1600


@pytest.mark.parametrize(("name", "order"), CASES, ids=CASE_IDS)
def test_bound(name, order, rng):
    bound, x = ACTIVATIONS[name]["ulp"]["float64"][order], hard_points(name, COUNT, rng)
    error = errors_at(name, order, x)
    print(f"{name} {ORDERS[order]}: {max(error):.3f} ulp")
    assert max(error) <= bound, ulp.report(f"{name} {ORDERS[order]}", error, x, bound)


@pytest.mark.parametrize("name", FROM_OUTPUT)
def test_from_output(name, rng):
    entry, bound = reference.ACTIVATIONS[name], ACTIVATIONS[name]["ulp"]["float64"][1]
    (op, options), p, (low, high) = public(name), exact_parameters(name), entry.outputs
    y = np.concatenate([hard_points(name, 400, rng), rng.uniform(low, min(high, 40), 200), [1 - 2.0**-53]])
    y = y[(y >= low) & (y <= high)]
    got = op.backward_from_output(1.0, y, *parameters(name, np.float64), **options)
    points = zip(got.tolist(), y.tolist(), strict=True)
    error = [ulp.exact_error(a, entry.from_output(mpf(v), *p), "float64") for a, v in points]
    assert max(error) <= bound, ulp.report(f"{name} from output", error, y, bound)


# ---- the definitions themselves ---------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_formulas_are_derivatives(name, rng):
    """The written derivatives against a numerical one, at 160 bits."""
    entry, p = reference.ACTIVATIONS[name], exact_parameters(name)
    for v in rng.uniform(-9, 9, 6):
        for order, formula in ((1, entry.first), (2, entry.second)):
            numerical = mp.diff(lambda t: entry.value(t, *p), mpf(v), order)
            assert abs(formula(mpf(v), *p) - numerical) < mpf(10) ** -15


@pytest.mark.parametrize("name", [n for n, e in reference.ACTIVATIONS.items() if any(e.roots)])
def test_roots_are_roots(name):
    entry, p = reference.ACTIVATIONS[name], exact_parameters(name)
    for formula, roots in zip((entry.value, entry.first, entry.second), entry.roots, strict=True):
        for root in roots:
            assert formula(mpf(root) - mpf(1e-6), *p) * formula(mpf(root) + mpf(1e-6), *p) < 0


@pytest.mark.parametrize("name", [n for n, e in reference.ACTIVATIONS.items() if e.scipy])
def test_scipy_agrees_with_definition(name, rng):
    """A second opinion on what the function is; its own accuracy is looser than ours."""
    entry, p = reference.ACTIVATIONS[name], exact_parameters(name)
    for v in rng.uniform(-30, 30, 50):
        assert abs(entry.scipy(v) / entry.value(mpf(v), *p) - 1) < 1e-14
