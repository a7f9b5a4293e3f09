"""Smooth relus."""

import numpy as np
import scipy.special
from mpmath import mp

from reference.activation import INF, MAX, TINY, Activation
from reference.logistic import (
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
