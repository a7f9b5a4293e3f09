"""SciPy's tests of the special functions that we have too, with ours in their places.

Their softmax and its kin take all axes unless told which, ours the last; their kl_div and huber have other
arguments. That is mapped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from counts import Counts, Differs, ours
from under_pytest import Table
from under_pytest import run as run_pytest

import fastact as fa

_REL_ENTR = ("test_rel_entr", "test_rel_entr_gh_20710_near_zero", "test_rel_entr_gh_20710_overflow")
TESTS = {
    "test_logit": ("",),
    "test_logsumexp": ("",),
    "test_basic": ("TestSoftplus", "test_kl_div", "test_huber", *_REL_ENTR),
}
DIFFERENCES: Table = {
    "test_rel_entr_gh_20710_near_zero": "ours takes log y, whose rounding is more than the result's",
}


def expit(x: Any) -> Any:
    if np.asarray(x).dtype == np.longdouble:
        raise Differs("long double: ours has none")
    return ours(fa.sigmoid, x)


def log_expit(x: Any) -> Any:
    return ours(fa.logsigmoid, x)


def softplus(x: Any, **keywords: Any) -> Any:
    return ours(fa.softplus, x, **keywords)


def _by_axes(function: Any, x: Any, axis: Any, **keywords: Any) -> Any:
    """Where SciPy takes a number, or no axis, ours is given an array and all axes."""
    given = np.asarray(x)
    if given.dtype.kind == "c":
        raise Differs("complex numbers: ours takes real ones")
    x = np.atleast_1d(given)
    result = ours(function, x, axis=tuple(range(x.ndim)) if axis is None else axis, **keywords)
    return result.reshape(given.shape)[()] if result.size == 1 and not given.ndim else result


def softmax(x: Any, axis: Any = None) -> Any:
    return _by_axes(fa.softmax, x, axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    return _by_axes(fa.log_softmax, x, axis)


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    if return_sign or (b is not None and np.less(b, 0).any()):
        raise Differs("logsumexp of terms with signs: ours has none")
    if b is not None:
        with np.errstate(divide="ignore"):
            a = a + np.log(b)
    return _by_axes(fa.logsumexp, a, axis, keepdims=keepdims)


def _outside(result: Any, *operands: Any) -> Any:
    """Outside the domain SciPy's divergences are infinite, ours NaN."""
    below = np.any(np.less(np.broadcast_arrays(*operands), 0), axis=0)
    assert np.isnan(result[below]).all()
    return np.where(below, np.inf, result)


def kl_div(x: Any, y: Any) -> Any:
    """x log(x / y) - x + y is half a Poisson deviance, of the mean y and the count x."""
    deviance = ours(fa.tweedie_deviance, y, x, power=1.0, log_input=False, reduction="none")
    return _outside(0.5 * deviance, x, y)


def rel_entr(x: Any, y: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        log_y = np.log(y)
    return _outside(ours(fa.kl_div, log_y, x, reduction="none"), x, y)


def huber(delta: Any, r: Any) -> Any:
    """Theirs of a negative delta is infinite; ours refuses it, and 0."""
    delta, r = np.broadcast_arrays(np.asarray(delta, float), np.asarray(r, float))
    result = ours(fa.huber_loss, r, 0.0, delta=np.where(delta > 0, delta, 1.0), reduction="none")
    return np.where(delta > 0, result, np.where(delta < 0, np.inf, 0.0))


REPLACED = (expit, log_expit, softplus, softmax, log_softmax, logsumexp, kl_div, rel_entr, huber)


def _replace(modules: Sequence[Any]) -> None:
    """After the tests are imported: theirs are marked by what SciPy knows of its own functions."""
    from scipy import special

    for function in REPLACED:
        for module in (special, *modules):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)


def run(words: str) -> Counts:
    import scipy
    from scipy.special import tests

    folder = tests.__path__[0]
    paths = [
        f"{folder}/{file}.py" + (f"::{name}" if name else "")
        for file, names in TESTS.items()
        for name in names
    ]
    return run_pytest(Counts(scipy.__version__), paths, words, DIFFERENCES, _replace)
