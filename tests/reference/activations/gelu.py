"""gelu, exact and by tanh."""

import numpy as np
import scipy.special
from mpmath import mp, mpf

from reference.activations.activation import INF, MAX, TINY, Activation
from reference.activations.logistic import fast_exp, fast_sigmoid, fast_sigmoid_slope, sigmoid, sigmoid_slope

ACTIVATIONS: dict[str, Activation] = {}


def normal_cdf(x):
    """Beyond 1000 the smaller tail, e^-500000, stands for what is smaller yet: mpmath's
    erfc has no answer at 1e300."""
    return mp.erfc(-min(max(x, -1000), 1000) / mp.sqrt(2)) / 2


def normal_pdf(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def fast_normal_pdf(x):
    return fast_exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


ACTIVATIONS["gelu"] = Activation(
    value=lambda x: x * normal_cdf(x),
    first=lambda x: normal_cdf(x) + x * normal_pdf(x),
    second=lambda x: normal_pdf(x) * (2 - x * x),
    fast=(
        lambda x: x * scipy.special.ndtr(x),
        lambda x: scipy.special.ndtr(x) + x * fast_normal_pdf(x),
        lambda x: fast_normal_pdf(x) * (2 - x * x),
    ),
    roots=((), (-0.7517915246935645,), (-1.4142135623730951, 1.4142135623730951)),
    specials={
        "+0": ("+0", 0.5, "sqrt(2/pi)"),
        "-0": (0, 0.5, "sqrt(2/pi)"),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
        TINY: ("tiny / 2", 0.5, "sqrt(2/pi)"),
        "-tiny": ("-tiny / 2", 0.5, "sqrt(2/pi)"),
    },
)


# gelu by tanh is x sigmoid(u), with u a cubic
GELU_CUBIC = mpf("0.044715")


def gelu_u(x):
    return 2 * mp.sqrt(2 / mp.pi) * (x + GELU_CUBIC * x**3)


def gelu_du(x):
    return 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * GELU_CUBIC * x**2)


def gelu_tanh_second(x):
    u, du, ddu = gelu_u(x), gelu_du(x), 12 * mp.sqrt(2 / mp.pi) * GELU_CUBIC * x
    return sigmoid_slope(u) * (2 * du + x * (ddu - du**2 * mp.tanh(u / 2)))


FAST_TWICE_C = 2 * np.sqrt(2 / np.pi)


def fast_gelu_u(x):
    return FAST_TWICE_C * x * (1 + 0.044715 * x**2)


def fast_gelu_du(x):
    return FAST_TWICE_C * (1 + 3 * 0.044715 * x**2)


def fast_gelu_tanh_second(x):
    u, du, ddu = fast_gelu_u(x), fast_gelu_du(x), 6 * FAST_TWICE_C * 0.044715 * x
    return fast_sigmoid_slope(u) * (2 * du + x * (ddu - du**2 * np.tanh(u / 2)))


ACTIVATIONS["gelu_tanh"] = Activation(
    value=lambda x: x * sigmoid(gelu_u(x)),
    first=lambda x: sigmoid(gelu_u(x)) * (1 + x * gelu_du(x) * sigmoid(-gelu_u(x))),
    second=gelu_tanh_second,
    fast=(
        lambda x: x * fast_sigmoid(fast_gelu_u(x)),
        lambda x: fast_sigmoid(fast_gelu_u(x)) * (1 + x * fast_gelu_du(x) * fast_sigmoid(-fast_gelu_u(x))),
        fast_gelu_tanh_second,
    ),
    op="gelu",
    options={"approximate": "tanh"},
    roots=((), (-0.7524614220710163,), (-1.4185040087908284, 1.4185040087908284)),
    specials=ACTIVATIONS["gelu"].specials,
)
