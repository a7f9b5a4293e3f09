"""Parameters other than the defaults keep the precision of the defaults but for their own roundings."""

import other_parameters
import pytest
import reference
import ulp
from cases import ACTIVATIONS, ORDERS

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
