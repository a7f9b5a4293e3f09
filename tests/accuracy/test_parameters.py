"""Parameters other than the defaults keep the precision of the defaults but for their own roundings."""

import numpy as np
import pytest
import reference
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
