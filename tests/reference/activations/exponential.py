"""Straight above 0, an exponential below."""

import numpy as np
from mpmath import mp, mpf

from reference.activations.activation import INF, MAX, TINY, Activation
from reference.activations.logistic import fast_exp

ACTIVATIONS: dict[str, Activation] = {}


def fast_expm1(x):
    return np.expm1(np.minimum(x, 0))


def below(x):
    """exp(x) for x <= 0, of use where x may be more than that."""
    return fast_exp(np.minimum(x, 0))


ACTIVATIONS["elu"] = Activation(
    value=lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    first=lambda x, alpha: mpf(1) if x > 0 else alpha * mp.exp(x),
    second=lambda x, alpha: mpf(0) if x > 0 else alpha * mp.exp(x),
    fast=(
        lambda x, alpha: np.where(x > 0, x, alpha * fast_expm1(x)),
        lambda x, alpha: np.where(x > 0, 1, alpha * below(x)),
        lambda x, alpha: np.where(x > 0, 0, alpha * below(x)),
    ),
    parameters=(1.0,),
    from_output=lambda y, alpha: mpf(1) if y > 0 else y + alpha,
    fast_from_output=lambda y, alpha: np.where(y > 0, 1, y + alpha),
    outputs=(-1.0, np.inf),
    kinks=(0.0,),
    monotone=True,
    specials={
        "+0": ("+0", 1, 1),
        "-0": ("-0", 1, 1),
        INF: (INF, 1, 0),
        -INF: (-1, "+0", "+0"),
        MAX: (MAX, 1, 0),
        "-max": (-1, "+0", "+0"),
        TINY: (TINY, 1, 0),
        "-tiny": ("-tiny", 1, 1),
    },
)

# as float64 constants they would be too coarse for float64's own error
SCALE = mpf("1.0507009873554804934193349852946")
ALPHA = mpf("1.6732632423543772848170429916717")

ACTIVATIONS["selu"] = Activation(
    value=lambda x: SCALE * (x if x > 0 else ALPHA * mp.expm1(x)),
    first=lambda x: SCALE if x > 0 else SCALE * ALPHA * mp.exp(x),
    second=lambda x: mpf(0) if x > 0 else SCALE * ALPHA * mp.exp(x),
    fast=(
        lambda x: np.where(x > 0, float(SCALE) * x, float(SCALE * ALPHA) * fast_expm1(x)),
        lambda x: np.where(x > 0, float(SCALE), float(SCALE * ALPHA) * below(x)),
        lambda x: np.where(x > 0, 0, float(SCALE * ALPHA) * below(x)),
    ),
    from_output=lambda y: SCALE if y > 0 else y + SCALE * ALPHA,
    fast_from_output=lambda y: np.where(y > 0, float(SCALE), y + float(SCALE * ALPHA)),
    outputs=(-1.758, np.inf),
    kinks=(0.0,),
    monotone=True,
    specials={
        "+0": ("+0", "selu'(0)", "selu'(0)"),
        "-0": ("-0", "selu'(0)", "selu'(0)"),
        INF: (INF, "selu'(1)", 0),
        -INF: ("-selu'(0)", "+0", "+0"),
        MAX: (INF, "selu'(1)", 0),
        "-max": ("-selu'(0)", "+0", "+0"),
        TINY: (TINY, "selu'(1)", 0),
        "-tiny": ("-2tiny", "selu'(0)", "selu'(0)"),
    },
)

ACTIVATIONS["celu"] = Activation(
    value=lambda x, alpha: x if x > 0 else alpha * mp.expm1(x / alpha),
    first=lambda x, alpha: mpf(1) if x > 0 else mp.exp(x / alpha),
    second=lambda x, alpha: mpf(0) if x > 0 else mp.exp(x / alpha) / alpha,
    fast=(
        lambda x, alpha: np.where(x > 0, x, alpha * fast_expm1(x / alpha)),
        lambda x, alpha: np.where(x > 0, 1, below(x / alpha)),
        lambda x, alpha: np.where(x > 0, 0, below(x / alpha) / alpha),
    ),
    parameters=(1.0,),
    from_output=lambda y, alpha: mpf(1) if y > 0 else 1 + y / alpha,
    fast_from_output=lambda y, alpha: np.where(y > 0, 1, 1 + y / alpha),
    outputs=(-1.0, np.inf),
    kinks=(0.0,),
    monotone=True,
    specials=ACTIVATIONS["elu"].specials,
)
