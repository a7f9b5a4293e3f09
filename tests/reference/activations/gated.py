"""x times a sigmoid."""

import numpy as np
from mpmath import mp, mpf

from reference.activations.activation import INF, MAX, TINY, Activation
from reference.activations.logistic import (
    fast_exp,
    fast_sigmoid,
    fast_sigmoid_slope,
    fast_softplus,
    sigmoid,
    sigmoid_slope,
)

ACTIVATIONS: dict[str, Activation] = {}


def silu_first(x):
    return sigmoid(x) * (1 + x * sigmoid(-x))


def silu_second(x):
    return sigmoid_slope(x) * (2 - x * mp.tanh(x / 2))


def fast_silu_first(x):
    return fast_sigmoid(x) * (1 + x * fast_sigmoid(-x))


def fast_silu_second(x):
    return fast_sigmoid_slope(x) * (2 - x * np.tanh(x / 2))


ACTIVATIONS["silu"] = Activation(
    value=lambda x: x * sigmoid(x),
    first=silu_first,
    second=silu_second,
    fast=(lambda x: x * fast_sigmoid(x), fast_silu_first, fast_silu_second),
    roots=((), (-1.2784645427610738,), (-2.3993572805154677, 2.3993572805154677)),
    specials={
        "+0": ("+0", 0.5, 0.5),
        "-0": (0, 0.5, 0.5),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
        TINY: ("tiny / 2", 0.5, 0.5),
        "-tiny": ("-tiny / 2", 0.5, 0.5),
    },
)

ACTIVATIONS["swish"] = Activation(
    value=lambda x, beta: x * sigmoid(beta * x),
    first=lambda x, beta: silu_first(beta * x),
    second=lambda x, beta: beta * silu_second(beta * x),
    fast=(
        lambda x, beta: x * fast_sigmoid(beta * x),
        lambda x, beta: fast_silu_first(beta * x),
        lambda x, beta: beta * fast_silu_second(beta * x),
    ),
    parameters=(1.0,),
    roots=ACTIVATIONS["silu"].roots,
    by_parameter=lambda x, beta: x * x * sigmoid_slope(beta * x),
    specials=ACTIVATIONS["silu"].specials,
)

QUICK = mpf("1.702")

ACTIVATIONS["quick_gelu"] = Activation(
    value=lambda x: x * sigmoid(QUICK * x),
    first=lambda x: silu_first(QUICK * x),
    second=lambda x: QUICK * silu_second(QUICK * x),
    fast=(
        lambda x: x * fast_sigmoid(1.702 * x),
        lambda x: fast_silu_first(1.702 * x),
        lambda x: 1.702 * fast_silu_second(1.702 * x),
    ),
    roots=((), (-0.751154255441289,), (-1.4097281319127306, 1.4097281319127306)),
    specials={
        "+0": ("+0", 0.5, "1.702/2"),
        "-0": (0, 0.5, "1.702/2"),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
        TINY: ("tiny / 2", 0.5, "1.702/2"),
        "-tiny": ("-tiny / 2", 0.5, "1.702/2"),
    },
)


def mish_first(x):
    """With e = exp(-|x|), where neither tail loses digits."""
    e = mp.exp(-abs(x))
    if x > 0:
        d = 1 + 2 * e + 2 * e * e
        return (1 + 2 * e) / d + 4 * x * e * e * (1 + e) / d**2
    d = 2 + 2 * e + e * e
    return e * ((e + 2) * d + 4 * x * (1 + e)) / d**2


def mish_second(x):
    e = mp.exp(-abs(x))
    if x > 0:
        d = 1 + 2 * e + 2 * e * e
        bracket = 2 + 6 * e + 8 * e**2 + 4 * e**3 - x * (2 + 3 * e - 2 * e**2 - 2 * e**3)
        return 4 * e * e * bracket / d**3
    d = 2 + 2 * e + e * e
    bracket = 4 + 8 * e + 6 * e**2 + 2 * e**3 + x * (2 + 2 * e - 3 * e**2 - 2 * e**3)
    return 4 * e * bracket / d**3


def fast_mish_first(x):
    e, positive = fast_exp(-np.abs(x)), x > 0
    with np.errstate(over="ignore", invalid="ignore"):
        d = np.where(positive, 1 + 2 * e + 2 * e * e, 2 + 2 * e + e * e)
        above = (1 + 2 * e) / d + 4 * x * e * e * (1 + e) / d**2
        below = e * ((e + 2) * d + 4 * x * (1 + e)) / d**2
        return np.where(positive, above, below)


def fast_mish_second(x):
    e, positive = fast_exp(-np.abs(x)), x > 0
    d = np.where(positive, 1 + 2 * e + 2 * e * e, 2 + 2 * e + e * e)
    above = e * (2 + 6 * e + 8 * e**2 + 4 * e**3 - x * (2 + 3 * e - 2 * e**2 - 2 * e**3))
    below = 4 + 8 * e + 6 * e**2 + 2 * e**3 + x * (2 + 2 * e - 3 * e**2 - 2 * e**3)
    return 4 * e * np.where(positive, above, below) / d**3


ACTIVATIONS["mish"] = Activation(
    value=lambda x: x * mp.tanh(mp.log1p(mp.exp(x))) if x < 0 else x * mp.tanh(x + mp.log1p(mp.exp(-x))),
    first=mish_first,
    second=mish_second,
    fast=(lambda x: x * np.tanh(fast_softplus(x)), fast_mish_first, fast_mish_second),
    roots=((), (-1.1924312145154952,), (-2.256376396360793, 1.4905711794854284)),
    specials={
        "+0": ("+0", 0.6, "about 0.64"),
        "-0": (0, 0.6, "about 0.64"),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
        TINY: (TINY, 0.6, "about 0.64"),
        "-tiny": ("-tiny", 0.6, "about 0.64"),
    },
)
