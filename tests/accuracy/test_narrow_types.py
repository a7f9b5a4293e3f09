"""float16 and bfloat16: all 65,536 inputs, against rounding the exact value once.

The kernels compute in float32 and round to the narrow type at the end, so a result is
at most half a narrow ulp from a number that is at most B float32 ulps from the truth f,
B the op's bound in the table: |y - f| <= ulp_narrow(f) / 2 + B ulp_float32(f). The second
term, 2^-13 B narrow ulps for float16 and 2^-16 B for bfloat16, is all that double
rounding may add. Near a derivative's root ulp_float32 has the floor that
float32's own bound has.
"""

import ml_dtypes
import numpy as np
import pytest
import reference
from support import ulp, walk
from support.cases import ACTIVATIONS, CASE_IDS, CASES, ORDERS, backward, function, parameters
from support.other_parameters import OTHERS

import fastact as fa

TYPES = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}


def every_input(dtype):
    return np.arange(2**16, dtype=np.uint16).view(TYPES[dtype])


def widen(x, dtype=np.float64):
    """Exactly; a signalling NaN's flag is not our subject."""
    with np.errstate(invalid="ignore"):
        return x.astype(np.float32).astype(dtype)


def parameters_of(name):
    """The defaults as the kernels take them: float32, never rounded to the narrow type."""
    return parameters(name, np.float32)


def exact_of(name, order, x, p):
    """The exact values in float64; infinities and NaN are for test_specials."""
    wide = np.where(np.isfinite(widen(x)), widen(x), 0)
    return reference.ACTIVATIONS[name].fast[order](wide, *p)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("name", "order"), CASES, ids=CASE_IDS)
def test_every_input(name, order, dtype):
    x, p = every_input(dtype), parameters_of(name)
    finite = np.isfinite(widen(x))
    y = function(name, order)(x, *p)
    assert y.dtype == TYPES[dtype]
    f = exact_of(name, order, x, p)
    near = ulp.near(np.where(finite, widen(x), np.inf), reference.ACTIVATIONS[name].roots[order])
    error = ulp.errors(widen(y), f, dtype)[finite]
    single = ulp.spacing(f, "float32", near) / ulp.spacing(f, dtype)
    allowed = 0.5 + (ACTIVATIONS[name]["ulp"]["float32"][order] * single)[finite]
    over = error - allowed
    assert over.max() <= 1e-6, ulp.report(f"{name} {ORDERS[order]}", over, widen(x[finite]), 0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("name", "order"), CASES, ids=CASE_IDS)
def test_specials(name, order, dtype):
    """Infinities and NaN go where float32 sends them, rounded."""
    x, p = every_input(dtype), parameters_of(name)
    x = x[~np.isfinite(widen(x))]
    wide = function(name, order)(widen(x, np.float32), *p)
    with np.errstate(invalid="ignore"):  # ml_dtypes' way with NaN
        wanted = wide.astype(TYPES[dtype])
    np.testing.assert_array_equal(widen(function(name, order)(x, *p)), widen(wanted))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_backward_rounds_once(name, dtype, rng):
    """dy f'(x) in float32, then to the narrow type: not the product of two narrow numbers."""
    compute = backward(name)
    x = every_input(dtype)
    x = x[np.isfinite(widen(x))]
    dy = rng.normal(size=x.shape).astype(TYPES[dtype])
    p = parameters_of(name)
    single = compute(dy.astype(np.float32), x.astype(np.float32), *p)
    got = compute(dy, x, *p)
    assert got.dtype == TYPES[dtype]
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(got.view(np.uint16), single.astype(TYPES[dtype]).view(np.uint16))


WAYS = {  # of passing an input: by the ufunc, and past it
    "contiguous": lambda x: x,
    "strided": lambda x: np.repeat(x, 2)[::2],
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "scalars": lambda x: x[0],
}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", OTHERS)
def test_parameters_are_used_as_given(name, dtype):
    """A Python number as a parameter counts as it is: only the result is rounded to the narrow type."""
    x = every_input(dtype)
    x = x[np.isfinite(widen(x))]
    for p in OTHERS[name][0]:
        for order in range(3):
            wanted = function(name, order)(widen(x, np.float32), *p)
            with np.errstate(over="ignore", under="ignore"):
                wanted = wanted.astype(TYPES[dtype])
            for way, make in WAYS.items():
                if way == "swapped" and dtype == "bfloat16":
                    continue
                got = np.asarray(function(name, order)(make(x), *p))
                assert got.dtype == TYPES[dtype], way
                np.testing.assert_array_equal(widen(got), widen(make(wanted)), f"{way} {p} {order}")
        for dy in (x[::-1].copy(), 1.5, True, np.ones(x.shape, np.int8)):
            wide = widen(dy, np.float32) if isinstance(dy, np.ndarray) and dy.dtype == x.dtype else dy
            if dtype == "bfloat16" and not isinstance(wide, float) and wide is dy:
                continue
            wanted = backward(name)(wide, widen(x, np.float32), *p)
            with np.errstate(over="ignore", under="ignore"):
                wanted = wanted.astype(TYPES[dtype])
            got = backward(name)(dy, x, *p)
            assert got.dtype == TYPES[dtype]
            np.testing.assert_array_equal(widen(got), widen(wanted), f"backward {p}")


@pytest.mark.parametrize("part", walk.parts(), ids=lambda p: p.__name__)
def test_defaults_are_used_as_given(part):
    """Left out, passed by position or by name."""
    x = every_input("float16")
    x = x[np.isfinite(widen(x))]
    arrays = [x[::-1].copy(), x][-1 - ("backward" in part.__name__) :]
    wide = [widen(a, np.float32) for a in arrays]
    required = walk.required(part)
    names = list(part.__signature__.parameters)[len(arrays) + len(required) :]
    defaults = [
        part.__signature__.parameters[n].default for n in names if n not in ("out", "where", "casting")
    ]
    defaults = [d for d in defaults if isinstance(d, float)]
    with np.errstate(over="ignore", under="ignore"):
        wanted = widen(part(*wide, *required).astype(np.float16))
    for given in ([], defaults):
        np.testing.assert_array_equal(widen(part(*arrays, *required, *given)), wanted)
        strided = [np.repeat(a, 2)[::2] for a in arrays]
        np.testing.assert_array_equal(widen(part(*strided, *required, *given)), wanted)


def test_rrelu_means_its_mean_slope():
    x = np.array([-6.195, 2.0], np.float16)
    slope = (1 / 8 + 1 / 3) / 2
    for got, of in ((fa.rrelu(x), fa.leaky_relu), (fa.rrelu.derivative(x), fa.leaky_relu.derivative)):
        np.testing.assert_array_equal(got, of(x.astype(np.float32), slope).astype(np.float16))
    got = fa.rrelu.backward(x, x)
    single = x.astype(np.float32)
    np.testing.assert_array_equal(got, fa.leaky_relu.backward(single, single, slope).astype(np.float16))


def test_arrays_decide_the_type_as_in_numpy():
    x = np.ones(3, np.float16)
    assert fa.leaky_relu(x, np.float16([0.3])).dtype == np.float16
    assert fa.leaky_relu(x, np.float32([0.3])).dtype == np.float32
    assert fa.leaky_relu(x, np.float64(0.3)).dtype == np.float64
    assert fa.leaky_relu.backward(np.float32([1]), x, 0.3).dtype == np.float32
    assert fa.leaky_relu(x, 0.3, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("dtype", TYPES)
def test_python_scalars_stay_weak(dtype):
    x = np.ones(3, TYPES[dtype])
    assert fa.leaky_relu(x, 0.2).dtype == TYPES[dtype]
    assert fa.softplus(x, 2.0).dtype == TYPES[dtype]
    assert fa.gelu.backward(1.0, x).dtype == TYPES[dtype]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_rows_round_once(name, dtype, rng):
    """A row op in a narrow type is the float32 one, rounded."""
    op = getattr(fa, name)
    for n in (1, 2, 15, 16, 17, 67, 200):
        x = (rng.normal(size=(9, n)) * 5).astype(TYPES[dtype])
        for axis in (0, 1):
            got, single = op(x, axis=axis), op(x.astype(np.float32), axis=axis)
            assert got.dtype == TYPES[dtype]
            np.testing.assert_array_equal(got.view(np.uint16), single.astype(TYPES[dtype]).view(np.uint16))
