"""Every activation in float32 against a float64 oracle, over all kinds of bit patterns.

The sample is every 977th of the 2^32 patterns (977 is prime to every power of two, so
all exponents, signs and low bits are met): 4.4 million inputs, subnormals and tails
included. tests/exhaustive/float32_all.py takes them all. The oracle is proved first:
against mpmath, where it matters most.
"""

import re

import numpy as np
import pytest
import reference
from mpmath import mp, mpf
from support import ROOT, ulp
from support.cases import (
    ACTIVATIONS,
    CASE_IDS,
    CASES,
    FROM_OUTPUT,
    ORDERS,
    backward,
    function,
    hard_points,
    parameters,
    public,
    required,
)
from support.sweep import ORACLE, STRIDE, Function, floats, of_table, sample, sweep

import fastact as fa


@pytest.mark.parametrize(("name", "order"), CASES, ids=CASE_IDS)
def test_oracle(name, order, rng):
    entry = reference.ACTIVATIONS[name]
    exact = (entry.value, entry.first, entry.second)[order]
    x, p = hard_points(name, 800, rng, "float32"), parameters(name, np.float32)
    near = ulp.near(x, entry.roots[order])
    fast = np.asarray(entry.fast[order](x.astype(np.float64), *p))
    truth = [exact(mpf(v), *map(mpf, p)) for v in x.tolist()]
    error = [
        float(abs(mpf(f) - t) / ulp.exact_spacing(t, "float32", n))
        for f, t, n in zip(fast.tolist(), truth, near.tolist(), strict=True)
    ]
    assert max(error) <= ORACLE, ulp.report(f"oracle of {name}", error, x, ORACLE)


@pytest.mark.parametrize(("name", "order"), CASES, ids=CASE_IDS)
def test_bound(name, order):
    bound = ACTIVATIONS[name]["ulp"]["float32"][order]
    found = sweep(of_table(name, order), floats(stride=STRIDE))
    print(f"{name} {ORDERS[order]}: {found.ulp:.3f} ulp at {float(found.at).hex()}")
    assert found.ulp <= bound + ORACLE, ulp.report(f"{name} {ORDERS[order]}", [found.ulp], [found.at], bound)


WORST = re.findall(
    r"^\| (\w+) (value|first|second) \| [\d.]+ \| [\d.]+ \| `(-?0x[^`]+)`",
    (ROOT / "docs" / "float32_all.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)


@pytest.mark.parametrize(("name", "order", "at"), WORST)
def test_bound_at_the_worst_input_ever_found(name, order, at):
    """Without the slack that sweeps need."""
    entry, order = reference.ACTIVATIONS[name], ("value", "first", "second").index(order)
    x, given = np.float32(float.fromhex(at)), parameters(name, "float32")
    got = function(name, order)(np.array([x]), *given)[0]
    with mp.workprec(reference.PRECISION):
        exact = (entry.value, entry.first, entry.second)[order](*(mpf(float(a)) for a in (x, *given)))
        error = ulp.exact_error(got, exact, "float32", bool(ulp.near(x, entry.roots[order])))
    assert error <= ACTIVATIONS[name]["ulp"]["float32"][order], ulp.report(name, [error], [x], "its bound")


@pytest.mark.parametrize("name", FROM_OUTPUT)
def test_from_output(name):
    """The gradient as a function of the output, over the outputs' range."""
    entry, bound = reference.ACTIVATIONS[name], ACTIVATIONS[name]["ulp"]["float32"][1]
    (op, options), p, (low, high) = public(name), parameters(name, np.float32), entry.outputs
    gradient = Function(
        lambda y: op.backward_from_output(np.float32(1), y, *p, **options),
        lambda y, dx: ulp.errors(dx, entry.fast_from_output(y.astype(np.float64), *p), "float32"),
    )
    found = sweep(gradient, (y[(y >= low) & (y <= high)] for y in sample()))
    assert found.ulp <= bound + ORACLE, ulp.report(f"{name} from output", [found.ulp], [found.at], bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_backward_is_derivative_times_upstream(name, dtype, rng):
    """One rounding: the same bits as the product."""
    x, dy = (rng.normal(size=1001) * 20).astype(dtype), rng.normal(size=1001).astype(dtype)
    p = required(name, dtype)
    np.testing.assert_array_equal(backward(name)(dy, x, *p), dy * function(name, 1)(x, *p))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softplus_beta_scales_exactly(dtype, rng):
    """A power of two as beta only moves exponents, where the right side is not subnormal: it would
    round before it is scaled."""
    x = np.clip(rng.normal(size=1001).astype(dtype) * 5, -10, 10)
    for beta in (0.25, 2.0, 8.0):
        np.testing.assert_array_equal(fa.softplus(x, beta), fa.softplus(x * beta) / beta)
        np.testing.assert_array_equal(fa.softplus.derivative(x, beta), fa.sigmoid(x * beta))
        second = beta * fa.sigmoid.derivative(x * beta)
        np.testing.assert_array_equal(fa.softplus.derivative(x, beta, order=2), second)


@pytest.mark.parametrize("slope", [0.0, 0.3, -0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_leaky_relu_rounds_once(dtype, slope, rng):
    x = rng.normal(size=1001).astype(dtype)
    expected = np.where(x > 0, x, x * np.dtype(dtype).type(slope))
    np.testing.assert_array_equal(fa.leaky_relu(x, slope), expected)


# Where functions are flat, and where what computes them changes: a run of float32 each.
PLACES = [0, 1e-38, 1e-7, 2e-4, 0.0217, 0.125, 0.25, 0.347, 0.5, 1, 2, 4, 9, 17, 40, 88, 104, 1e7, 1e19]


@pytest.mark.parametrize("name", [n for n, entry in reference.ACTIVATIONS.items() if entry.monotone])
def test_monotone(name):
    """From each float32 number to the next; tests/exhaustive/float32_all.py takes them all."""
    compute, p = function(name, 0), parameters(name, np.float32)
    for at in PLACES:
        first = max(int(np.float32(at).view(np.uint32)) - (1 << 16), 0)
        x = np.arange(first, first + (1 << 17), dtype=np.uint32).view(np.float32)
        for side in (x, -x[::-1]):
            y = compute(side, *p)
            k = int(np.argmin(np.diff(y)))
            assert y[k + 1] >= y[k], f"{name} falls after {float(side[k]).hex()}"
