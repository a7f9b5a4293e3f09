"""What an activation's entry holds.

It has the value, first and second derivative as functions of mpf numbers, written in a
form that loses no digits at PRECISION bits; and the same three in float64 NumPy, fast
enough for millions of points, in an independent form. The fast ones judge float32 and
narrower results only, and accuracy/test_float32.py proves them against the mpf ones first.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from mpmath import mp

PRECISION = 160

mp.prec = PRECISION


@dataclass(frozen=True)
class Activation:
    """Functions of (x, *parameters); `from_output` is the derivative as a function of the output."""

    value: Callable
    first: Callable
    second: Callable
    fast: tuple[Callable, Callable, Callable]
    op: str = ""  # the public name, where it is not the table's
    options: dict = field(default_factory=dict)  # with which the public op is this one
    parameters: tuple[float, ...] = ()  # defaults, or of those without one what is tested
    required: int = 0  # how many have no default
    roots: tuple[tuple[float, ...], ...] = ((), (), ())  # of value (none count), first, second
    from_output: Callable | None = None
    fast_from_output: Callable | None = None
    outputs: tuple[float, float] = (0.0, 1.0)  # range of the value, where from_output is defined
    by_parameter: Callable | None = None  # derivative by the parameter, where that is trained
    splits: bool = False  # the public op takes x and its parameter as halves of one array
    kinks: tuple[float, ...] = ()  # where the value or one of its two derivatives jumps
    monotone: bool = False  # the value never falls
    scipy: Callable | None = None  # SciPy's own function, a second opinion
    specials: dict = field(default_factory=dict)  # frozen values; see INF, MAX and TINY


# Specials: what value, first and second derivative are at zeros, infinities, the largest
# and smallest numbers and the kinks. A string stands for that number of the type, "-" before
# it for its negative. Zeros are compared with their sign where it is given as "+0" or "-0"; a
# plain 0 is either.
INF = np.inf
MAX, TINY = "max", "tiny"  # the type's largest finite number and smallest subnormal one
