"""The activations of the op table as test cases, and points to try them at."""

import numpy as np
import reference
from mpmath import mpf

import fastact
from fastact import _core
from support import ulp

ACTIVATIONS = _core.table()["activation"]
ORDERS = ("value", "first", "second")
CASES = [(name, order) for name in ACTIVATIONS for order in range(3)]
CASE_IDS = [f"{name}-{ORDERS[order]}" for name, order in CASES]
FROM_OUTPUT = [name for name, row in ACTIVATIONS.items() if row["from_output"]]


def public(name):
    """The documented op and the options with which it is the table's `name`."""
    entry = reference.ACTIVATIONS[name]
    return getattr(fastact, entry.op or name), entry.options


def function(name, order):
    """What the public op computes: the value, first or second derivative of (x, *parameters)."""
    op, options = public(name)
    if reference.ACTIVATIONS[name].splits:
        return getattr(_core, name + ("", "_derivative", "_second_derivative")[order])
    if order == 0:
        return lambda x, *p: op(x, *p, **options)
    return lambda x, *p: op.derivative(x, *p, order=order, **options)


def backward(name):
    """The gradient by the input, of (dy, x, *parameters)."""
    op, options = public(name)
    if reference.ACTIVATIONS[name].splits:
        return getattr(_core, f"{name}_backward")
    if reference.ACTIVATIONS[name].by_parameter:
        return lambda dy, x, *p: op.backward(dy, x, *p)[0]
    return lambda dy, x, *p: op.backward(dy, x, *p, **options)


def required(name, dtype):
    """Values for the parameters that have no default."""
    return parameters(name, dtype)[: reference.ACTIVATIONS[name].required]


def parameters(name, dtype):
    """The defaults as the kernels see them: rounded to the type."""
    return tuple(float(np.dtype(dtype).type(p)) for p in reference.ACTIVATIONS[name].parameters)


def hard_points(name, count, rng, dtype="float64"):
    """`count` points or a few more: where exponentials fall to subnormal numbers, where a
    reduction by ln 2 rounds either way, roots, tiny and huge arguments, and the middle."""
    entry, single = reference.ACTIVATIONS[name], dtype == "float32"
    low, high, tiny = (-151, 129, -149) if single else (-1076, 1025, -1074)  # powers of two
    roots = np.array([r for of_order in entry.roots for r in of_order] + [0.0])
    share, tail = count // 8, low * np.log(2)

    def signs(n):
        return rng.choice([-1.0, 1.0], n)

    halfway = (rng.integers(low, high, share) + 0.5) * np.log(2)
    parts = [
        rng.uniform(-1.5, 1.5, share),
        rng.uniform(-6, 6, share),
        rng.uniform(-40, 40, 2 * share),
        rng.uniform(tail, 0.94 * tail, share // 2),
        -np.sqrt(-2 * rng.uniform(tail, 0.9 * tail, share // 2)),  # gelu's tail: exp(-x^2/2)
        np.cbrt(rng.uniform(tail, 0.7 * tail, share // 2) / 0.0713),  # gelu_tanh's: exp(-0.0713 x^3)
        halfway / rng.choice([1, 2, -1], share) * (1 + rng.normal(size=share) * 1e-15),
        signs(share) * np.exp2(rng.uniform(tiny, high - 1.01, share)),
        rng.choice(roots, share) + signs(share) * 10.0 ** rng.uniform(-16, -0.3, share),
        np.ldexp(signs(share // 2), rng.integers(tiny, high - 1, share // 2)),
    ]
    return np.concatenate(parts).astype(dtype)


def exact_parameters(name):
    return tuple(map(mpf, parameters(name, np.float64)))


def errors_at(name, order, x):
    """Errors in ulp of the public op in float64 at the points x."""
    entry, p = reference.ACTIVATIONS[name], exact_parameters(name)
    exact = (entry.value, entry.first, entry.second)[order]
    y, near = function(name, order)(x, *parameters(name, np.float64)), ulp.near(x, entry.roots[order])
    points = zip(y.tolist(), x.tolist(), near.tolist(), strict=True)
    return [ulp.exact_error(a, exact(mpf(v), *p), "float64", n) for a, v, n in points]
