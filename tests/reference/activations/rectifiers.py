"""Made of comparisons."""

import numpy as np
from mpmath import mpf

from reference.activations.activation import INF, MAX, TINY, Activation

ACTIVATIONS: dict[str, Activation] = {}

ACTIVATIONS["relu"] = Activation(
    value=lambda x: x if x > 0 else mpf(0),
    first=lambda x: mpf(1) if x > 0 else mpf(0),
    second=lambda x: mpf(0),
    fast=(lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, lambda x: np.zeros_like(x)),
    from_output=lambda y: mpf(1) if y > 0 else mpf(0),
    fast_from_output=lambda y: (y > 0) * 1.0,
    outputs=(0.0, np.inf),
    kinks=(0.0,),
    monotone=True,
    specials={
        "+0": ("+0", 0, 0),
        "-0": (0, 0, 0),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
        TINY: (TINY, 1, 0),
        "-tiny": (0, 0, 0),
    },
)

ACTIVATIONS["leaky_relu"] = Activation(
    value=lambda x, slope: x if x > 0 else slope * x,
    first=lambda x, slope: mpf(1) if x > 0 else mpf(slope),
    second=lambda x, slope: mpf(0),
    fast=(
        lambda x, slope: np.where(x > 0, x, slope * x),
        lambda x, slope: np.where(x > 0, 1.0, slope),
        lambda x, slope: np.zeros_like(x),
    ),
    parameters=(0.01,),
    kinks=(0.0,),
    monotone=True,
    specials={
        "+0": ("+0", 0.01, 0),
        "-0": ("-0", 0.01, 0),
        INF: (INF, 1, 0),
        -INF: (-INF, 0.01, 0),
        MAX: (MAX, 1, 0),
        TINY: (TINY, 1, 0),
        "-tiny": ("-0", 0.01, 0),
        "-max": ("-0.01 max", 0.01, 0),
    },
)

ACTIVATIONS["relu6"] = Activation(
    value=lambda x: min(max(x, mpf(0)), mpf(6)),
    first=lambda x: mpf(1) if 0 < x < 6 else mpf(0),
    second=lambda x: mpf(0),
    fast=(lambda x: np.clip(x, 0, 6), lambda x: ((x > 0) & (x < 6)) * 1.0, lambda x: np.zeros_like(x)),
    from_output=lambda y: mpf(1) if 0 < y < 6 else mpf(0),
    fast_from_output=lambda y: ((y > 0) & (y < 6)) * 1.0,
    outputs=(0.0, 6.0),
    kinks=(0.0, 6.0),
    monotone=True,
    specials={
        "+0": ("+0", 0, 0),
        "-0": (0, 0, 0),
        6: (6, 0, 0),
        INF: (6, 0, 0),
        -INF: (0, 0, 0),
        MAX: (6, 0, 0),
        "-max": (0, 0, 0),
        TINY: (TINY, 1, 0),
        "-tiny": (0, 0, 0),
    },
)

ACTIVATIONS["prelu"] = Activation(
    value=ACTIVATIONS["leaky_relu"].value,
    first=ACTIVATIONS["leaky_relu"].first,
    second=ACTIVATIONS["leaky_relu"].second,
    fast=ACTIVATIONS["leaky_relu"].fast,
    parameters=(0.25,),
    required=1,
    by_parameter=lambda x, weight: min(x, 0),
    kinks=(0.0,),
    monotone=True,
    specials={
        "+0": ("+0", 0.25, 0),
        "-0": ("-0", 0.25, 0),
        INF: (INF, 1, 0),
        -INF: (-INF, 0.25, 0),
        MAX: (MAX, 1, 0),
        TINY: (TINY, 1, 0),
        "-tiny": ("-0", 0.25, 0),
        "-max": ("-max / 4", 0.25, 0),
    },
)

ACTIVATIONS["threshold"] = Activation(
    value=lambda x, t, v: x if x > t else v,
    first=lambda x, t, v: mpf(1) if x > t else mpf(0),
    second=lambda x, t, v: mpf(0),
    fast=(
        lambda x, t, v: np.where(x > t, x, v),
        lambda x, t, v: (x > t) * 1.0,
        lambda x, t, v: np.zeros_like(x),
    ),
    parameters=(0.5, -2.0),
    required=2,
    kinks=(0.5,),
    monotone=True,
    specials={
        "+0": (-2, 0, 0),
        "-0": (-2, 0, 0),
        0.5: (-2, 0, 0),
        INF: (INF, 1, 0),
        -INF: (-2, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (-2, 0, 0),
        TINY: (-2, 0, 0),
        "-tiny": (-2, 0, 0),
    },
)

ACTIVATIONS["relu_squared"] = Activation(
    value=lambda x: x * x if x > 0 else mpf(0),
    first=lambda x: 2 * x if x > 0 else mpf(0),
    second=lambda x: mpf(2) if x > 0 else mpf(0),
    fast=(lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * np.maximum(x, 0), lambda x: (x > 0) * 2.0),
    kinks=(0.0,),
    monotone=True,
    specials={
        "+0": ("+0", 0, 0),
        "-0": (0, 0, 0),
        INF: (INF, INF, 2),
        -INF: (0, 0, 0),
        MAX: (INF, INF, 2),
        "-max": (0, 0, 0),
        TINY: (0, "2tiny", 2),
        "-tiny": (0, 0, 0),
    },
)
