"""Functions that saturate at both ends."""

import numpy as np
import scipy.special
from mpmath import mp, mpf

from reference.activations.activation import INF, MAX, TINY, Activation
from reference.activations.logistic import fast_sigmoid, fast_sigmoid_slope, sigmoid, sigmoid_slope

ACTIVATIONS: dict[str, Activation] = {}

ODD_TO_ONE = {  # special values of what rises from -1 to 1 with slope 1 at 0
    "+0": ("+0", 1, 0),
    "-0": ("-0", 1, 0),
    INF: (1, 0, 0),
    -INF: (-1, 0, 0),
    MAX: (1, 0, 0),
    "-max": (-1, 0, 0),
}

ACTIVATIONS["sigmoid"] = Activation(
    value=sigmoid,
    first=sigmoid_slope,
    second=lambda x: -sigmoid_slope(x) * mp.tanh(x / 2),
    fast=(fast_sigmoid, fast_sigmoid_slope, lambda x: -fast_sigmoid_slope(x) * np.tanh(x / 2)),
    roots=((), (), (0.0,)),
    from_output=lambda y: y * (1 - y),
    fast_from_output=lambda y: y * (1 - y),
    scipy=scipy.special.expit,
    monotone=True,
    specials={
        "+0": (0.5, 0.25, 0),
        "-0": (0.5, 0.25, 0),
        INF: (1, 0, 0),
        -INF: ("+0", 0, 0),
        MAX: (1, 0, 0),
        "-max": ("+0", 0, 0),
        TINY: (0.5, 0.25, 0),
        "-tiny": (0.5, 0.25, 0),
    },
)

ACTIVATIONS["tanh"] = Activation(
    value=mp.tanh,
    first=lambda x: 4 * sigmoid_slope(2 * x),
    second=lambda x: -8 * sigmoid_slope(2 * x) * mp.tanh(x),
    fast=(
        np.tanh,
        lambda x: 4 * fast_sigmoid_slope(2 * x),
        lambda x: -8 * fast_sigmoid_slope(2 * x) * np.tanh(x),
    ),
    roots=((), (), (0.0,)),
    from_output=lambda y: (1 - y) * (1 + y),
    fast_from_output=lambda y: (1 - y) * (1 + y),
    outputs=(-1.0, 1.0),
    monotone=True,
    specials={
        **ODD_TO_ONE,
        TINY: (TINY, 1, "-2tiny"),
        "-tiny": ("-tiny", 1, "2tiny"),
    },
)

ACTIVATIONS["softsign"] = Activation(
    value=lambda x: x / (1 + abs(x)),
    first=lambda x: 1 / (1 + abs(x)) ** 2,
    second=lambda x: -2 * mp.sign(x) / (1 + abs(x)) ** 3,
    fast=(
        lambda x: x / (1 + np.abs(x)),
        lambda x: 1 / (1 + np.abs(x)) ** 2,
        lambda x: -2 * np.sign(x) / (1 + np.abs(x)) ** 3,
    ),
    kinks=(0.0,),
    monotone=True,
    specials={
        **ODD_TO_ONE,
        TINY: (TINY, 1, -2),
        "-tiny": ("-tiny", 1, 2),
    },
)


def difference(x):
    """x - tanh(x); its series where that loses more digits than there are."""
    if abs(x) < mpf(1e-12):
        return x**3 / 3 - 2 * x**5 / 15
    return x - mp.tanh(x)


# of tanh: 4^k (4^k - 1) B_2k / (2k)! x^(2k - 1), from k = 2 on
SERIES = [
    float(mpf(4) ** k * (mpf(4) ** k - 1) * mp.bernoulli(2 * k) / mp.factorial(2 * k)) for k in range(2, 30)
]


def fast_difference(x):
    """By the series below 0.7, where what it lacks is 1e-19 of it."""
    u = np.minimum(x * x, 0.5)
    total = np.zeros_like(x)
    for term in reversed(SERIES):
        total = total * u - term
    return np.where(np.abs(x) < 0.7, total * u * x, x - np.tanh(x))


ACTIVATIONS["tanhshrink"] = Activation(
    value=difference,
    first=lambda x: mp.tanh(x) ** 2,
    second=lambda x: 8 * sigmoid_slope(2 * x) * mp.tanh(x),
    fast=(
        fast_difference,
        lambda x: np.tanh(x) ** 2,
        lambda x: 8 * fast_sigmoid_slope(2 * x) * np.tanh(x),
    ),
    roots=((), (), (0.0,)),
    monotone=True,
    specials={
        "+0": ("+0", 0, 0),
        "-0": ("-0", 0, 0),
        INF: (INF, 1, 0),
        -INF: (-INF, 1, 0),
        MAX: (MAX, 1, 0),
        "-max": ("-max", 1, 0),
        TINY: ("+0", 0, "2tiny"),
        "-tiny": ("-0", 0, "-2tiny"),
    },
)
