"""Activations with parameters other than the defaults: which, at what points, and the errors there.

The bounds of the op table are for the defaults. Another parameter brings a product or a quotient
with it, and where it scales the input what that rounds must not be multiplied by the exponential.
"""

import numpy as np
import reference
from mpmath import mpf

from support import ulp
from support.cases import function

# By op: tuples of parameters, and how the input scales with them.
OTHERS = {
    "identity": ([(0.3,), (-2.5,), (1e10,)], lambda k: 1.0),
    "leaky_relu": ([(0.2,), (-0.7,), (3.3,), (1e-10,)], lambda slope: 1.0),
    "prelu": ([(0.2,), (-0.7,), (3.3,)], lambda weight: 1.0),
    "threshold": ([(-1.3, 0.7), (3.0, 5.0)], lambda threshold, value: 1.0),
    "hardtanh": ([(-0.3, 2.7), (0.1, 0.2)], lambda low, high: 1.0),
    "hardshrink": ([(0.1,), (2.3,)], lambda lambd: 1.0),
    "softshrink": ([(0.1,), (2.3,), (1e-3,)], lambda lambd: 1.0),
    "elu": ([(0.3,), (7.0,), (1e-3,), (1e4,)], lambda alpha: 1.0),
    "celu": ([(0.3,), (7.0,), (1e-3,), (1e4,), (1e-10,), (1e-30,)], lambda alpha: alpha),
    "softplus": ([(0.3,), (7.0,), (1e-3,), (1e4,)], lambda beta: 1 / beta),
    "squareplus": ([(0.3,), (7.0,), (1e-3,), (1e4,)], lambda b: b**0.5),
    "swish": ([(0.3,), (7.0,), (1e-3,), (1e4,), (-1.7,)], lambda beta: 1 / beta),
}
ADDED = 2.0  # ulp that a parameter's own roundings may add to the bound for the defaults


def points(scale, dtype, count, rng):
    """Tail, middle and tiny numbers of what the parameter makes of the input."""
    vanish = -110.0 if np.dtype(dtype).itemsize == 4 else -750.0  # no exponential is left
    z = [
        rng.uniform(vanish, 8, count),
        rng.normal(size=count) * 2,
        rng.choice([-1, 1], count // 2) * 0.5 ** rng.uniform(0, 40, count // 2),
    ]
    return (np.concatenate(z) * scale).astype(dtype)


def far(scale, dtype):
    """Points whose exponentials are smaller than any number of the type, up to where nothing is larger."""
    most = np.log2(float(np.finfo(dtype).max)) - 2 - max(0, np.log2(scale))
    least = 300 if np.dtype(dtype).itemsize == 4 else 2000
    return (
        -np.concatenate([np.linspace(least, 9 * least, 50), np.exp2(np.linspace(12, most, 50))]) * scale
    ).astype(dtype)


def worst(name, order, p, dtype, count, rng):
    """The worst error in ulp and its input; next to roots nothing is asked."""
    entry, narrow = reference.ACTIVATIONS[name], np.dtype(dtype).type
    p = tuple(map(narrow, p))
    scale = OTHERS[name][1](*map(float, p))
    x = points(scale, dtype, count, rng)
    x = x[~ulp.near(x / scale, [r for of_order in entry.roots for r in of_order])]
    exact = (entry.value, entry.first, entry.second)[order]
    y, given = function(name, order)(x, *p), [mpf(float(v)) for v in p]
    errors = [
        ulp.exact_error(a, exact(mpf(v), *given), dtype) for a, v in zip(y.tolist(), x.tolist(), strict=True)
    ]
    k = int(np.argmax(errors))
    return errors[k], float(x[k])
