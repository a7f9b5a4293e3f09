"""Row ops, as functions of object arrays of mpf, straight from the formula: at
ROW_PRECISION bits, nothing that cancels there is visible in float64, not even 1 - p for
p = 1 - 2^-1074. The last axis holds the row.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.special
from mpmath import mp, mpf

ROW_PRECISION = 1250

exp = np.frompyfunc(mp.exp, 1, 1)
log = np.frompyfunc(mp.log, 1, 1)


def exact(values):
    """An array of numbers as an object array of mpf of the same values."""
    array = np.asarray(values)
    out = np.empty(array.shape, object)
    out.reshape(-1)[:] = [mpf(float(v)) for v in array.reshape(-1).tolist()]
    return out


def weighted(weight, term):
    """weight * term; 0 where the weight is 0, though the term be infinite."""
    return np.frompyfunc(lambda w, t: w * t if w else mpf(0), 2, 1)(weight, term)


@dataclass(frozen=True)
class RowOp:
    """value(x); backward(dy, x); backward_from_output(dy, y)."""

    value: Callable
    backward: Callable
    backward_from_output: Callable | None = None
    scipy: Callable | None = None


def softmax(x):
    e = exp(x)
    return e / e.sum(axis=-1, keepdims=True)


def logsumexp(x):
    return log(exp(x).sum(axis=-1))


def log_softmax(x):
    return x - log(exp(x).sum(axis=-1, keepdims=True))


def hardmax(x):
    first = np.argmax(x.astype(np.float64), axis=-1)
    y = 0 * x
    np.put_along_axis(y, first[..., None], mpf(1), axis=-1)
    return y


def sparsemax_row(x):
    """By sorting: the largest k of which the k-th is above their threshold."""
    falling = sorted(x, reverse=True)
    thresholds = [(sum(falling[: k + 1]) - 1) / (k + 1) for k in range(len(x))]
    support = max(k for k in range(len(x)) if falling[k] > thresholds[k])
    return np.array([max(v - thresholds[support], mpf(0)) for v in x], object)


def sparsemax(x):
    return np.apply_along_axis(sparsemax_row, -1, x)


def support_mean(dy, y):
    support = (y > 0).astype(bool)
    mean = np.where(support, dy, 0).sum(axis=-1, keepdims=True) / support.sum(axis=-1, keepdims=True)
    return np.where(support, dy - mean, 0 * dy)


ROWS = {
    "softmin": RowOp(
        value=lambda x: softmax(-x),
        backward=lambda dy, x: softmax(-x) * ((softmax(-x) * dy).sum(axis=-1, keepdims=True) - dy),
        backward_from_output=lambda dy, y: y * ((y * dy).sum(axis=-1, keepdims=True) - dy),
        scipy=lambda x: scipy.special.softmax(-x, axis=-1),
    ),
    "hardmax": RowOp(value=hardmax, backward=lambda dy, x: 0 * dy),
    "sparsemax": RowOp(
        value=sparsemax,
        backward=lambda dy, x: support_mean(dy, sparsemax(x)),
        backward_from_output=support_mean,
    ),
    "softmax": RowOp(
        value=softmax,
        backward=lambda dy, x: softmax(x) * (dy - (softmax(x) * dy).sum(axis=-1, keepdims=True)),
        backward_from_output=lambda dy, y: y * (dy - (y * dy).sum(axis=-1, keepdims=True)),
        scipy=lambda x: scipy.special.softmax(x, axis=-1),
    ),
    "log_softmax": RowOp(
        value=log_softmax,
        backward=lambda dy, x: dy - softmax(x) * dy.sum(axis=-1, keepdims=True),
        backward_from_output=lambda dy, y: dy - exp(y) * dy.sum(axis=-1, keepdims=True),
        scipy=lambda x: scipy.special.log_softmax(x, axis=-1),
    ),
    "logsumexp": RowOp(
        value=logsumexp,
        backward=lambda dy, x: np.asarray(dy)[..., None] * softmax(x),
        scipy=lambda x: scipy.special.logsumexp(x, axis=-1),
    ),
}
