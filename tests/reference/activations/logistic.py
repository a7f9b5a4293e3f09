"""The logistic function and what is made of it, in mpf and in float64 NumPy."""

import numpy as np
from mpmath import mp


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def sigmoid_slope(x):
    """sigmoid(x) sigmoid(-x), even: 1 - sigmoid(x) would lose the upper tail."""
    e = mp.exp(-abs(x))
    return e / (1 + e) ** 2


def softplus(z):
    return mp.log1p(mp.exp(z)) if z < 0 else z + mp.log1p(mp.exp(-z))


def fast_exp(x):
    with np.errstate(under="ignore", over="ignore"):
        return np.exp(x)


def fast_sigmoid(x):
    e = fast_exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1 + e)


def fast_sigmoid_slope(x):
    e = fast_exp(-np.abs(x))
    return e / (1 + e) ** 2


def fast_softplus(z):
    return np.maximum(z, 0) + np.log1p(fast_exp(-np.abs(z)))
