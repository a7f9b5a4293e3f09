"""Sweeps of a function over float32 numbers: where it is farthest off, and where it descends.

The numbers come in ascending order, so that neighbours are neighbours: from -inf through
-0 and +0 to inf, with the NaNs of either sign at the ends. A number's place in that order is
its key, of 2^32.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import reference

from support import cases, ulp
from support.specials import same

KEYS = 2**32
STRIDE = 977  # of samples: prime to every power of two, so all exponents, signs and low bits are met
CHUNK = 1 << 14  # numbers at a time: with what the oracle makes of them in float64, within L2
# How far the oracle may be from the truth, in ulp of float32; every verdict has that slack.
ORACLE = 0.01


def floats(start=0, stop=KEYS, stride=1, chunk=CHUNK):
    """The numbers whose keys are the multiples of stride from start on, in ascending chunks.

    Each chunk begins with the number before its own, which the chunk before, or the range
    before `start`, ends with: so no pair of neighbours is missed.
    """
    first = -(-start // stride) * stride
    for own in range(first, stop, stride * chunk):
        end = min(own + stride * chunk, stop)
        keys = np.arange(max(own - stride, 0), end, stride, dtype=np.uint32)
        yield np.where(keys >> 31, keys ^ np.uint32(1 << 31), ~keys).view(np.float32)


def sample(chunk=CHUNK):
    """Every STRIDE-th number, without infinities and NaNs."""
    for x in floats(stride=STRIDE, chunk=chunk):
        yield x[np.isfinite(x)]


class Function(NamedTuple):
    """What is swept: its result, the errors in ulp of results y at x, whether it must ascend."""

    compute: Callable
    errors: Callable
    monotone: bool = False


def of_table(name, order):
    """The value, first or second derivative of an op of the table, as users call it."""
    entry, p = reference.ACTIVATIONS[name], cases.parameters(name, np.float32)
    compute = cases.function(name, order)

    def errors(x, y):
        ordinary = np.isfinite(x)
        if not ordinary.all():
            error = np.where(_is_right(entry, order, x, y), 0.0, np.inf)
            error[ordinary] = errors(x[ordinary], y[ordinary])
            return error
        wide = x.astype(np.float64)
        near = ulp.near(wide, entry.roots[order]) if entry.roots[order] else False
        return ulp.errors(y, entry.fast[order](wide, *p), "float32", near)

    return Function(lambda x: compute(x, *p), errors, order == 0 and entry.monotone)


def _is_right(entry, order, x, y):
    """Where x is infinite: what the reference has frozen; NaN: NaN."""
    right = np.isnan(x) & np.isnan(y)
    for infinity in (np.inf, -np.inf):
        right[x == infinity] = same(y[x == infinity], entry.specials[infinity][order], "float32")
    return right


class Found(NamedTuple):
    """The worst error in ulp and its input; of a function that must ascend, how often it falls
    from one number to the next, the first numbers it falls at, and the deepest fall in ulp."""

    ulp: float
    at: np.float32
    falls: int | None = None
    falls_at: tuple[np.float32, ...] = ()
    deepest: float = 0.0


FIRST = 3  # falls to name


def merge(parts):
    """One result of several, given in ascending order of their numbers."""
    worst = max(parts, key=lambda part: part.ulp)
    if any(part.falls is None for part in parts):
        return Found(worst.ulp, worst.at)
    places = [x for part in parts for x in part.falls_at]
    falls, deepest = sum(part.falls for part in parts), max(part.deepest for part in parts)
    return Found(worst.ulp, worst.at, falls, tuple(places[:FIRST]), deepest)


def sweep(function, chunks):
    """What is found over chunks of numbers; for falls, they overlap as those of `floats`."""
    found = None
    for x in chunks:
        if not x.size:
            continue
        with np.errstate(all="raise"):  # the ops hide the flags of their own steps
            y = function.compute(x)
        error = function.errors(x, y)
        k = int(np.argmax(error))
        here = Found(float(error[k]), x[k], *(_falls(x, y) if function.monotone else ()))
        found = here if found is None else merge([found, here])
    return found


def _falls(x, y):
    k = np.flatnonzero(y[1:] < y[:-1])
    if not k.size:
        return 0, (), 0.0
    above, below = y[k].astype(np.float64), y[k + 1].astype(np.float64)
    depth = (above - below) / ulp.spacing(above, "float32")
    return int(k.size), tuple(x[k[:FIRST] + 1]), float(depth.max())
