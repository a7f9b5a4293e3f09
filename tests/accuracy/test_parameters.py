"""Parameters other than the defaults keep the precision of the defaults but for their own roundings."""

import functools

import numpy as np
import pytest
import reference
from mpmath import mp, mpf
from reference import limits
from support import other_parameters, ulp
from support.cases import ACTIVATIONS, ORDERS, function

import fastact as fa

FALLING = ("elu", "celu", "softplus", "swish")
CASES = [(name, p) for name, (parameters, _) in other_parameters.OTHERS.items() for p in parameters]


def test_every_op_with_parameters_is_there():
    with_parameters = {
        n for n, entry in reference.ACTIVATIONS.items() if entry.parameters and not entry.splits
    }
    assert with_parameters == other_parameters.OTHERS.keys()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "p"), CASES, ids=str)
def test_bound(name, p, dtype, rng):
    for order in range(3):
        bound = ACTIVATIONS[name]["ulp"][dtype][order] + other_parameters.ADDED
        error, at = other_parameters.worst(name, order, p, dtype, 150, rng)
        assert error <= bound, ulp.report(f"{name}{p} {ORDERS[order]}", [error], [at], bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "p"), [c for c in CASES if c[0] in FALLING], ids=str)
def test_exponentials_keep_falling(name, p, dtype):
    """Far out nothing is left of them, however large the factor before them."""
    p = tuple(map(np.dtype(dtype).type, p))
    x = other_parameters.far(abs(float(other_parameters.OTHERS[name][1](*p))), dtype)
    x = -x if name == "swish" and p[0] < 0 else x
    of_order = {"elu": (1, 2), "celu": (1, 2), "softplus": (0, 1, 2), "swish": (0, 1, 2)}[name]
    for order in of_order:
        np.testing.assert_array_equal(function(name, order)(x, *p), np.zeros_like(x), ORDERS[order])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exponentials_keep_falling_under_huge_factors(dtype):
    x, huge = np.array([-1e4, -1e10, -1e20], dtype), np.dtype(dtype).type(1e30)
    for y in (
        fa.elu.derivative(x, huge),
        fa.celu.derivative(x, 1 / huge, order=2),
        fa.softplus.derivative(x, huge, order=2),
        fa.swish.derivative(x, huge, order=2),
    ):
        np.testing.assert_array_equal(y, np.zeros_like(x))


FAR = 1200, 1300  # beyond 1 over every parameter
SIGNED = ("-max", "-tiny", "-0", "+0", "tiny", "max")
POSITIVE = ("tiny", "max")
ENDS = {
    "identity": SIGNED,
    "leaky_relu": SIGNED,
    "prelu": SIGNED,
    "swish": SIGNED,
    "elu": ("+0", *POSITIVE),
    "celu": POSITIVE,
    "softplus": ("least", "max"),  # 1 over a subnormal number may be infinite,
    "squareplus": ("least", "1"),  # and a square of one is 0
    "hardshrink": ("+0", *POSITIVE),
    "softshrink": ("+0", *POSITIVE),
}


def test_every_parameter_has_ends():
    only_compared = {"threshold", "hardtanh"}
    assert ENDS.keys() == other_parameters.OTHERS.keys() - only_compared


@functools.cache
def limit(name, order, x, parameter):
    entry = reference.ACTIVATIONS[name]
    of_order = (entry.value, entry.first, entry.second)[order]

    def formula(x, p):
        return np.array([of_order(x[0], p[0])], object)

    with mp.workprec(limits.PRECISION):
        return limits.limit(formula, (mpf(x), mpf(parameter)), (0, 0), (False, False), (1, 1), FAR)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ENDS)
def test_limits_for_parameters_at_their_ends(name, dtype, set_isa):
    x = np.array([limits.number(text, dtype) for text in limits.EVERY])
    for p in (limits.number(text, dtype) for text in ENDS[name]):
        for order in range(3):
            wanted = [limit(name, order, float(a), float(p)) for a in x]
            bound = ACTIVATIONS[name]["ulp"][dtype][order] + other_parameters.ADDED
            for isa in fa.config()["available_isas"]:
                set_isa(isa)
                found = function(name, order)(x, p)
                errors = [ulp.exact_error(a, b, dtype) for a, b in zip(found, wanted, strict=True)]
                assert max(errors) <= bound, (isa, ORDERS[order], float(p), x[np.argmax(errors)])
