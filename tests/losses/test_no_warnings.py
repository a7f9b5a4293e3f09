"""No call of a loss lets a floating-point warning out, whatever its numbers are: results say it all."""

import warnings

import ml_dtypes
import numpy as np
import pytest
from support.loss_calls import operands

import fastact as fa

HOSTILE = np.array([0.0, -0.0, 1.0, -1.0, 6e4, 1e-7, 1e38, -3e38, 1e-40, 1e300, np.inf, -np.inf, np.nan])
METHODS = ("__call__", "value_and_grad", "grad", "backward", "grad_and_hess")
DTYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}


def hostile(shape, dtype, rng):
    with np.errstate(all="ignore"):
        return rng.choice(HOSTILE, size=shape).astype(dtype)


def call(op, method, named, options, grad_output):
    lead = (grad_output,) if method == "backward" else ()
    return (op if method == "__call__" else getattr(op, method))(*lead, *named.values(), **options)


def loss_shape(op, named, options):
    return np.shape(op(**named, **options | {"reduction": "none"}))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", fa.list_ops("loss"), ids=lambda op: op.__name__)
def test_losses_are_silent(op, dtype, rng):
    for trial in range(40):
        named = operands(op, DTYPES[dtype], empty=trial == 0)
        for name, value in named.items():
            if value.dtype.kind not in "iu" and rng.random() < 0.4:
                named[name] = hostile(value.shape, DTYPES[dtype], rng)
        options = {"reduction": str(rng.choice(op._reductions))}
        if "weight" in op._defaults and rng.random() < 0.6:
            options["weight"] = np.abs(
                hostile(weight_shape(op, named), rng.choice([DTYPES[dtype], np.float64]), rng)
            )
        shape = loss_shape(op, named, options) if options["reduction"] == "none" else ()
        shape = shape if rng.random() < 0.5 else ()
        for method in METHODS:
            grad_output = hostile(shape, rng.choice([DTYPES[dtype], np.float64]), rng)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                call(op, method, named, options, grad_output)


def weight_shape(op, named):
    """Of class weights, or of weights of terms."""
    if op.__name__ == "linear_cross_entropy":
        return named["linear_weight"].shape[:1]
    input = next(iter(named.values()))
    try:
        op(**named, weight=np.ones(input.shape[-1:]))
        return input.shape[-1:]
    except ValueError:
        return loss_shape(op, named, {})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", fa.list_ops("loss"), ids=lambda op: op.__name__)
def test_options_that_are_nan_are_silent(op, dtype):
    """They are refused, or are in the result."""
    named = operands(op, DTYPES[dtype])
    for option in op._array_options:
        given = np.full(6, np.nan, DTYPES[dtype])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                op(**named, **{option: given})
            except ValueError as error:
                assert option in str(error)
