"""Smooth relus."""

import numpy as np
import scipy.special
from mpmath import mp

from reference.activations.activation import INF, MAX, TINY, Activation
from reference.activations.logistic import (
    fast_sigmoid,
    fast_sigmoid_slope,
    fast_softplus,
    sigmoid,
    sigmoid_slope,
    softplus,
)

ACTIVATIONS: dict[str, Activation] = {}

ACTIVATIONS["softplus"] = Activation(
    value=lambda x, beta: softplus(beta * x) / beta,
    first=lambda x, beta: sigmoid(beta * x),
    second=lambda x, beta: beta * sigmoid_slope(beta * x),
    fast=(
        lambda x, beta: fast_softplus(beta * x) / beta,
        lambda x, beta: fast_sigmoid(beta * x),
        lambda x, beta: beta * fast_sigmoid_slope(beta * x),
    ),
    parameters=(1.0,),
    from_output=lambda y, beta: -mp.expm1(-beta * y),
    fast_from_output=lambda y, beta: -np.expm1(-beta * y),
    outputs=(0.0, np.inf),
    scipy=lambda x: -scipy.special.log_expit(-x),
    monotone=True,
    specials={
        "+0": ("ln 2", 0.5, 0.25),
        "-0": ("ln 2", 0.5, 0.25),
        INF: (INF, 1, 0),
        -INF: ("+0", 0, 0),
        MAX: (MAX, 1, 0),
        "-max": ("+0", 0, 0),
        TINY: ("ln 2", 0.5, 0.25),
        "-tiny": ("ln 2", 0.5, 0.25),
    },
)

ACTIVATIONS["logsigmoid"] = Activation(
    value=lambda x: -softplus(-x),
    first=lambda x: sigmoid(-x),
    second=lambda x: -sigmoid_slope(x),
    fast=(lambda x: -fast_softplus(-x), lambda x: fast_sigmoid(-x), lambda x: -fast_sigmoid_slope(x)),
    monotone=True,
    scipy=scipy.special.log_expit,
    specials={
        "+0": ("-ln 2", 0.5, -0.25),
        "-0": ("-ln 2", 0.5, -0.25),
        INF: ("-0", "+0", 0),
        -INF: (-INF, 1, 0),
        MAX: ("-0", "+0", 0),
        "-max": ("-max", 1, 0),
        TINY: ("-ln 2", 0.5, -0.25),
        "-tiny": ("-ln 2", 0.5, -0.25),
    },
)


def root(x, b):
    return mp.sqrt(x * x + b)


def fast_root(x, b):
    return np.hypot(x, np.sqrt(b))


def fast_squareplus(x, b):
    half = np.abs(x) / 2 + fast_root(x, b) / 2
    return np.where(x < 0, b / 4 / half, half)


ACTIVATIONS["squareplus"] = Activation(
    # (x + root)/2 would cancel at any precision
    value=lambda x, b: (x + root(x, b)) / 2 if x >= 0 else b / 2 / (root(x, b) - x),
    first=lambda x, b: (1 + x / root(x, b)) / 2 if x >= 0 else b / 2 / (root(x, b) - x) / root(x, b),
    second=lambda x, b: b / 2 / root(x, b) ** 3,
    fast=(
        fast_squareplus,
        lambda x, b: np.where(x < 0, fast_squareplus(x, b) / fast_root(x, b), 0.5 + x / fast_root(x, b) / 2),
        lambda x, b: b / 2 / fast_root(x, b) / fast_root(x, b) / fast_root(x, b),
    ),
    parameters=(4.0,),
    monotone=True,
    specials={
        "+0": (1, 0.5, 0.25),
        "-0": (1, 0.5, 0.25),
        INF: (INF, 1, 0),
        -INF: ("+0", "+0", 0),
        MAX: (MAX, 1, 0),
        "-max": ("1 / max", 0, 0),
        TINY: (1, 0.5, 0.25),
        "-tiny": (1, 0.5, 0.25),
    },
)
