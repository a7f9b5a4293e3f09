"""Functions of straight pieces, and what resembles them."""

import numpy as np
from mpmath import mp, mpf

from reference.activations.activation import INF, MAX, TINY, Activation

ACTIVATIONS: dict[str, Activation] = {}


def nothing(x, *parameters):
    return mpf(0)


def fast_nothing(x, *parameters):
    return np.zeros_like(x)


def clip(x, low, high):
    return min(max(x, low), high)


def between(x, low, high):
    return mpf(1) if low < x < high else mpf(0)


def fast_between(x, low, high):
    return ((x > low) & (x < high)) * 1.0


ACTIVATIONS["step"] = Activation(
    value=lambda x: mpf(1) if x > 0 else mpf(0),
    first=nothing,
    second=nothing,
    fast=(lambda x: (x > 0) * 1.0, fast_nothing, fast_nothing),
    kinks=(0.0,),
    monotone=True,
    specials={
        "+0": ("+0", 0, 0),
        "-0": (0, 0, 0),
        INF: (1, 0, 0),
        -INF: (0, 0, 0),
        MAX: (1, 0, 0),
        "-max": (0, 0, 0),
        TINY: (1, 0, 0),
        "-tiny": (0, 0, 0),
    },
)

ACTIVATIONS["identity"] = Activation(
    value=lambda x, k: k * x,
    first=lambda x, k: mpf(k),
    second=nothing,
    fast=(lambda x, k: k * x, lambda x, k: np.full_like(x, k), fast_nothing),
    parameters=(1.0,),
    monotone=True,
    specials={
        "+0": ("+0", 1, 0),
        "-0": ("-0", 1, 0),
        INF: (INF, 1, 0),
        -INF: (-INF, 1, 0),
        MAX: (MAX, 1, 0),
        TINY: (TINY, 1, 0),
        "-tiny": ("-tiny", 1, 0),
        "-max": ("-max", 1, 0),
    },
)

ACTIVATIONS["hardtanh"] = Activation(
    value=clip,
    first=between,
    second=nothing,
    fast=(np.clip, fast_between, fast_nothing),
    parameters=(-1.0, 1.0),
    from_output=between,
    fast_from_output=fast_between,
    outputs=(-1.0, 1.0),
    kinks=(-1.0, 1.0),
    monotone=True,
    specials={
        "+0": ("+0", 1, 0),
        "-0": ("-0", 1, 0),
        1: (1, 0, 0),
        -1: (-1, 0, 0),
        INF: (1, 0, 0),
        -INF: (-1, 0, 0),
        MAX: (1, 0, 0),
        "-max": (-1, 0, 0),
        TINY: (TINY, 1, 0),
        "-tiny": ("-tiny", 1, 0),
    },
)

ACTIVATIONS["hardsigmoid"] = Activation(
    value=lambda x: clip(x + 3, mpf(0), mpf(6)) / 6,
    first=lambda x: between(x, -3, 3) / 6,
    second=nothing,
    fast=(lambda x: np.clip(x + 3, 0, 6) / 6, lambda x: fast_between(x, -3, 3) / 6, fast_nothing),
    from_output=lambda y: between(y, 0, 1) / 6,
    fast_from_output=lambda y: fast_between(y, 0, 1) / 6,
    kinks=(-3.0, 3.0),
    monotone=True,
    specials={
        "+0": (0.5, "1/6", 0),
        "-0": (0.5, "1/6", 0),
        -3: (0, 0, 0),
        3: (1, 0, 0),
        INF: (1, 0, 0),
        -INF: (0, 0, 0),
        MAX: (1, 0, 0),
        "-max": (0, 0, 0),
        TINY: (0.5, "1/6", 0),
        "-tiny": (0.5, "1/6", 0),
    },
)

ACTIVATIONS["hardswish"] = Activation(
    value=lambda x: x * clip(x + 3, mpf(0), mpf(6)) / 6,
    first=lambda x: mpf(0) if x <= -3 else mpf(1) if x >= 3 else x / 3 + mpf(0.5),
    second=lambda x: between(x, -3, 3) / 3,
    fast=(
        lambda x: x * (np.clip(x + 3, 0, 6) / 6),
        lambda x: np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5)),
        lambda x: fast_between(x, -3, 3) / 3,
    ),
    roots=((), (-1.5,), ()),
    kinks=(-3.0, 3.0),
    specials={
        "+0": ("+0", 0.5, "1/3"),
        "-0": (0, 0.5, "1/3"),
        -3: (0, 0, 0),
        -1.5: (-0.375, 0, "1/3"),
        3: (3, 1, 0),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
        TINY: ("tiny / 2", 0.5, "1/3"),
        "-tiny": ("-tiny / 2", 0.5, "1/3"),
    },
)

ACTIVATIONS["hardshrink"] = Activation(
    value=lambda x, lambd: x if abs(x) > lambd else mpf(0),
    first=lambda x, lambd: mpf(1) if abs(x) > lambd else mpf(0),
    second=nothing,
    fast=(
        lambda x, lambd: np.where(np.abs(x) > lambd, x, 0),
        lambda x, lambd: (np.abs(x) > lambd) * 1.0,
        fast_nothing,
    ),
    parameters=(0.5,),
    kinks=(-0.5, 0.5),
    monotone=True,
    specials={
        "+0": (0, 0, 0),
        "-0": (0, 0, 0),
        0.5: (0, 0, 0),
        -0.5: (0, 0, 0),
        INF: (INF, 1, 0),
        -INF: (-INF, 1, 0),
        MAX: (MAX, 1, 0),
        TINY: (0, 0, 0),
        "-max": ("-max", 1, 0),
        "-tiny": (0, 0, 0),
    },
)

ACTIVATIONS["softshrink"] = Activation(
    value=lambda x, lambd: mp.sign(x) * max(abs(x) - lambd, mpf(0)),
    first=ACTIVATIONS["hardshrink"].first,
    second=nothing,
    fast=(
        lambda x, lambd: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
        ACTIVATIONS["hardshrink"].fast[1],
        fast_nothing,
    ),
    parameters=(0.5,),
    kinks=(-0.5, 0.5),
    monotone=True,
    specials=ACTIVATIONS["hardshrink"].specials,
)
