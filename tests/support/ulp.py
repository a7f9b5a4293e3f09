"""Errors in ulp: |y - f| over the spacing of the type's numbers at the unrounded f.

A float16 or bfloat16 result has a spacing too; what is judged there is said in
accuracy/test_narrow_types.py. Subnormal results count like others: the spacing stops falling
at the smallest subnormal.
"""

from typing import NamedTuple

import mpmath
import numpy as np

# Within this distance of a derivative's root an ulp is taken at no less than ROOT_ULP_AT.
ROOT_DISTANCE = 0.25
ROOT_ULP_AT = 2.0**-5

EXPONENT = np.int64(0x7FF << 52)  # a float64's bits but for sign and fraction: 2^e, or 0 or infinity


class Format(NamedTuple):
    precision: int  # bits of the significand, the hidden one included
    least: int  # exponent of the smallest subnormal
    largest: float

    def rounds_to_infinity(self, f):
        """Whether |f| is so large that the nearest number is infinity."""
        half_spacing = np.ldexp(1.0, int(np.frexp(self.largest)[1]) - self.precision - 1)
        return abs(f) - self.largest >= half_spacing


FORMATS = {
    "float16": Format(11, -24, 65504.0),
    "bfloat16": Format(8, -133, float.fromhex("0x1.fep127")),
    "float32": Format(24, -149, float.fromhex("0x1.fffffep127")),
    "float64": Format(53, -1074, float.fromhex("0x1.fffffffffffffp1023")),
}


def near(x, roots):
    """Mask of the elements of x within ROOT_DISTANCE of a root."""
    mask = np.zeros(np.shape(x), bool)
    for root in roots:
        mask |= np.abs(np.asarray(x, np.float64) - float(root)) <= ROOT_DISTANCE
    return mask


def spacing(f, dtype, near_root=False):
    """The ulp of `dtype` at float64 values f, one exponent per binade of the unrounded value.

    The binade is read from the bits of f, in a quarter of the time that frexp and ldexp take.
    """
    form = FORMATS[dtype]
    binade = (np.asarray(f, np.float64).view(np.int64) & EXPONENT).view(np.float64)
    least = np.ldexp(1.0, form.least + form.precision - 1)  # the first binade's: ulps shrink no further
    least = np.where(near_root, max(least, ROOT_ULP_AT), least)
    return np.maximum(binade, least) * np.ldexp(1.0, 1 - form.precision)


def errors(y, f, dtype, near_root=False):
    """Elementwise error of y, of `dtype`, against f in float64, which must be far more precise.

    NaN for NaN and infinity for what rounds to infinity are no error; any other
    non-finite result is infinitely wrong.
    """
    y, f = np.asarray(y).astype(np.float64), np.asarray(f, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(y - f) / spacing(f, dtype, near_root)
    if np.isfinite(error).all():
        return error
    infinite = np.isinf(y) & (np.sign(y) == np.sign(f))
    infinite &= FORMATS[dtype].rounds_to_infinity(np.where(np.isnan(f), 0, f))
    error = np.where((y == f) | infinite | (np.isnan(y) & np.isnan(f)), 0.0, error)
    return np.where(np.isnan(error), np.inf, error)


def distances(y, f):
    """|y - f| of numbers y and as many mpf, each rounded to float64."""
    return np.array([float(abs(mpmath.mpf(a) - b)) for a, b in zip(y.tolist(), f.tolist(), strict=True)])


def least_spacing(f, dtype, scale=0.0):
    """At most the ulp of `dtype` at the larger of |f|, mpf, and `scale`: where they are next to a binade
    the lower one's, and 0 where float64 is too narrow to tell."""
    at = np.maximum(np.abs(f.astype(np.float64)) * (1 - 2.0**-50), scale)
    ulps = spacing(at, dtype)
    return np.where(np.isfinite(at) & (ulps > 2.0**-1000), ulps, 0.0)


def exact_spacing(f, dtype, near_root=False):
    """The ulp of `dtype` at an mpf."""
    form = FORMATS[dtype]
    at = max(abs(f), mpmath.mpf(ROOT_ULP_AT)) if near_root else abs(f)
    exponent = int(mpmath.frexp(at)[1]) - form.precision if at else form.least
    return mpmath.ldexp(1, max(exponent, form.least))


def exact_error(y, f, dtype, near_root=False):
    """Error of the number y against the mpf f, as a float."""
    if mpmath.isnan(f) or mpmath.isinf(f) or not np.isfinite(y):
        same = (np.isnan(y) and mpmath.isnan(f)) or y == f
        return 0.0 if same or (np.isinf(y) and y * f > 0 and FORMATS[dtype].rounds_to_infinity(f)) else np.inf
    return float(abs(mpmath.mpf(float(y)) - f) / exact_spacing(f, dtype, near_root))


def report(where, error, x, bound):
    """What an assertion says: the worst error and its input in hex."""
    worst = int(np.argmax(error))
    at = float(np.asarray(x).reshape(-1)[worst])
    return f"{where}: {np.asarray(error).reshape(-1)[worst]:.3f} ulp at {at.hex()} ({at!r}), at most {bound}"


def hexadecimal(x):
    """A number in hex without the zeros that float32 leaves at the end: -0x1.8p+1."""
    digits, mark, exponent = float(x).hex().partition("p")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + mark + exponent
