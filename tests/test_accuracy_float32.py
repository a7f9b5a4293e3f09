"""Every activation in float32 against a float64 oracle, over all kinds of bit patterns.

The sample is every 977th of the 2^32 patterns (977 is prime to every power of two, so
all exponents, signs and low bits are met): 4.4 million inputs, subnormals and tails
included. The oracle is proved first: against mpmath, where it matters most.
"""

import fastact as fa
import numpy as np
import pytest
import reference
import ulp
from fastact import _core
from mpmath import mpf

ACTIVATIONS = _core.table()["activation"]
ORDERS = ("value", "first", "second")
CASES = [(name, order) for name in ACTIVATIONS for order in range(3)]
CASE_IDS = [f"{name}-{ORDERS[order]}" for name, order in CASES]

STRIDE = 977
# How far the oracle may be from the truth, in ulp of float32; every verdict has that slack.
ORACLE = 0.01


def sample(stride=STRIDE, chunk=1 << 16):
    """Finite float32 numbers, every stride-th bit pattern, in chunks."""
    for start in range(0, 2**32, stride * chunk):
        bits = np.arange(start, min(start + stride * chunk, 2**32), stride, dtype=np.uint64)
        x = bits.astype(np.uint32).view(np.float32)
        yield x[np.isfinite(x)]


def function(name, order):
    """What the public op computes: value, first or second derivative."""
    entry = reference.ACTIVATIONS[name]
    op = getattr(fa, entry.op or name)
    if order == 0:
        return lambda x, *p: op(x, *p, **entry.options)
    return lambda x, *p: op.derivative(x, *p, order=order, **entry.options)


def parameters(name, dtype):
    """The defaults as the kernels see them: rounded to the type."""
    return tuple(float(np.dtype(dtype).type(p)) for p in reference.ACTIVATIONS[name].parameters)


def hard_points(name, rng, count=1500):
    """Where oracles go wrong: roots, the ends of tails, tiny and huge arguments, and between."""
    roots = [r for of_order in reference.ACTIVATIONS[name].roots for r in of_order] + [0.0]
    parts = [
        rng.uniform(-104, 104, count // 3),
        rng.uniform(-15, 15, count // 3),
        rng.choice([-1.0, 1.0], count // 6) * np.exp(rng.uniform(-103, 88, count // 6)),
        np.concatenate([r + rng.normal(size=60) * 10.0 ** rng.uniform(-8, 0, 60) for r in roots]),
    ]
    return np.concatenate(parts).astype(np.float32)


@pytest.mark.parametrize(("name", "order"), CASES, ids=CASE_IDS)
def test_oracle(name, order, rng):
    entry = reference.ACTIVATIONS[name]
    exact = (entry.value, entry.first, entry.second)[order]
    x, p = hard_points(name, rng), parameters(name, np.float32)
    near = ulp.near(x, entry.roots[order])
    f = np.asarray(entry.fast[order](x.astype(np.float64), *p))
    truth = [exact(mpf(v), *map(mpf, p)) for v in x.tolist()]
    slack = [float(abs(mpf(a) - b) / ulp.exact_spacing(b, "float32", n))
             for a, b, n in zip(f.tolist(), truth, near.tolist(), strict=True)]  # fmt: skip
    assert max(slack) <= ORACLE, ulp.report(f"oracle of {name}", slack, x, ORACLE)


def worst(compute, oracle, roots=(), chunks=None):
    """The worst error over the sample, and its input."""
    most, at = -1.0, np.float32(0)
    for x in sample() if chunks is None else chunks:
        with np.errstate(all="raise"):  # the ops hide the flags of their own steps
            y = compute(x)
        error = ulp.errors(y, oracle(x.astype(np.float64)), "float32", ulp.near(x, roots))
        k = int(np.argmax(error))
        if error[k] > most:
            most, at = float(error[k]), x[k]
    return most, at


@pytest.mark.parametrize(("name", "order"), CASES, ids=CASE_IDS)
def test_bound(name, order):
    entry, bound = reference.ACTIVATIONS[name], ACTIVATIONS[name]["ulp"]["float32"][order]
    p = parameters(name, np.float32)
    compute = function(name, order)
    most, at = worst(lambda x: compute(x, *p), lambda x: entry.fast[order](x, *p), entry.roots[order])
    print(f"{name} {ORDERS[order]}: {most:.3f} ulp at {float(at).hex()}")
    assert most <= bound + ORACLE, ulp.report(f"{name} {ORDERS[order]}", [most], [at], bound)


FROM_OUTPUT = [name for name, row in ACTIVATIONS.items() if row["from_output"]]


@pytest.mark.parametrize("name", FROM_OUTPUT)
def test_from_output(name):
    """The gradient as a function of the output, over the outputs' range."""
    entry, bound = reference.ACTIVATIONS[name], ACTIVATIONS[name]["ulp"]["float32"][1]
    op, p, (low, high) = getattr(fa, entry.op or name), parameters(name, np.float32), entry.outputs
    chunks = (y[(y >= low) & (y <= high)] for y in sample())
    most, at = worst(
        lambda y: op.backward_from_output(np.float32(1), y, *p, **entry.options),
        lambda y: entry.fast_from_output(y, *p),
        chunks=(y for y in chunks if y.size),
    )
    assert most <= bound + ORACLE, ulp.report(f"{name} from output", [most], [at], bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_backward_is_derivative_times_upstream(name, dtype, rng):
    """One rounding: the same bits as the product."""
    op, entry = getattr(fa, reference.ACTIVATIONS[name].op or name), reference.ACTIVATIONS[name]
    x, dy = (rng.normal(size=1001) * 20).astype(dtype), rng.normal(size=1001).astype(dtype)
    product = dy * op.derivative(x, **entry.options)
    np.testing.assert_array_equal(op.backward(dy, x, **entry.options), product)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softplus_beta_scales_exactly(dtype, rng):
    """A power of two as beta only moves exponents."""
    x = rng.normal(size=1001).astype(dtype) * 30
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
