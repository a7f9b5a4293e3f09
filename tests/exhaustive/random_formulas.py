"""What random calls give by the formulas of tests/reference, in mpmath.

A result may be BOUND ulp away, and BOUND times what a change of every operand by an ulp does to the formula:
so conditions and kinks need no rules of their own. Where an algorithm cancels and its formula does not, the
formula comes with a size of which an ulp is taken (Sized). Whether results are as exact as documented is for
tests/accuracy and tests/losses; here a wrong formula, option or branch shows, whatever the options.
"""

from __future__ import annotations

import numpy as np
import reference
from mpmath import mp, mpf
from support import ulp

PRECISION = {"float64": 1250}  # of the log of 1 + exp(-745), which a row may have; of float32 less
LESS = 300
BOUND = 64
MOST = 300  # elements of a case's operands: mpmath takes microseconds for each
NARROW = ("float16", "bfloat16")  # computed in float32, then rounded
NO_NUMBER = (ZeroDivisionError, ValueError, TypeError)  # a formula's, at a point outside its domain


class Sized:
    """What a formula gives, and the size of the terms that are subtracted on the way."""

    def __init__(self, result, size) -> None:
        self.result, self.size = result, size


def is_exact(a):
    return isinstance(a, np.ndarray) and a.dtype == object


def exact(a):
    """Reals as mpf; integers, masks and options that are no numbers as they are."""
    if isinstance(a, float):
        return mpf(a)
    if isinstance(a, np.ndarray | np.floating) and a.dtype.kind in "fV":
        return reference.exact(np.asarray(a))
    return a


def shaken(a, rng, step):
    """`exact`, each a little larger or smaller."""
    if isinstance(a, float):
        return mpf(a) * (1 + mpf(step) * int(rng.choice((-1, 1))))
    a = exact(a)
    if not is_exact(a):
        return a
    steps = np.empty(a.shape, object)
    steps.reshape(-1)[:] = [mpf(step) * int(s) for s in rng.choice((-1, 1), a.size)]
    return np.asarray(a * (1 + steps), object)


def differs(case, results, dtype):
    """Whether a call's results are not what its formula says; '' if they are, or if it has none here."""
    arrays = [np.asarray(a) for a in (*case.operands, *case.options.values()) if isinstance(a, np.ndarray)]
    if case.formula is None or not 0 < sum(a.size for a in arrays) <= MOST:
        return ""
    if not all(np.isfinite(a).all() for a in arrays if a.dtype.kind in "fV"):
        return ""
    rng, step = np.random.default_rng(0), 2.0**-53 if dtype == np.float64 else 2.0**-24
    names = list(case.options)
    with mp.workprec(PRECISION.get(dtype.name, LESS)):
        try:
            wanted, *others = (
                case.formula([way(a) for a in case.operands], {k: way(case.options[k]) for k in names})
                for way in (exact, *[lambda a: shaken(a, rng, step)] * 2)
            )
        except NO_NUMBER:
            return ""
        for k, (got, want) in enumerate(zip(results, wanted, strict=True)):
            size = want.size if isinstance(want, Sized) else 0.0
            want, *near = (a.result if isinstance(a, Sized) else a for a in (want, *[o[k] for o in others]))
            wrong = _too_far(got, want, near, dtype, size)
            if wrong:
                return f"result {k} {wrong}"
    return ""


def _floats(a):
    return np.asarray(np.asarray(a, object) + mpf(0), np.float64)


def _too_far(got, want, others, dtype, size):
    shape = np.shape(got)
    if shape != np.shape(want):
        return f"has shape {shape}, by the formula {np.shape(want)}"
    of_type = getattr(got, "dtype", None)  # a loss's total is a Python float: no narrower than float32
    number = of_type.name if of_type is not None else "float64" if dtype == np.float64 else "float32"
    got, want, others = np.asarray(got, np.float64), _floats(want), [_floats(a) for a in others]
    kernel = "float32" if number in NARROW else number
    with np.errstate(all="ignore"):
        allowed = BOUND * ulp.spacing(np.maximum(np.abs(want), size), kernel) + BOUND * sum(
            np.abs(a - want) for a in others
        )
        allowed = allowed + ulp.spacing(want, number) * (number in NARROW)
        largest = ulp.FORMATS[number].largest
        right = (
            np.isnan(want)
            | (np.abs(got - want) <= allowed)
            | (np.isinf(got) & (got * want >= 0.99 * largest * np.abs(got)))
        )
    if right.all():
        return ""
    k = np.flatnonzero(~right.reshape(-1))[0]
    return f"is {got.reshape(-1)[k]!r} at {k}, by the formula {want.reshape(-1)[k]!r}"


# ---- activations ---------------------------------------------------------------------


def _each(function):
    return np.frompyfunc(function, function.__code__.co_argcount, 1)


def activation(name, method):
    """Of operands as the method takes them; an option that is a parameter comes as an operand."""
    entry = reference.ACTIVATIONS[name]
    slope = {"backward": entry.first, "backward_from_output": entry.from_output}.get(method)
    if slope is None:
        of = {"value": entry.value, "first": entry.first, "second": entry.second}[method]
        return lambda operands, options: [_each(of)(*operands)]

    def gradient(operands, options):
        dy, *rest = operands
        by_input = dy * _each(slope)(*rest)
        if not entry.by_parameter or method != "backward":
            return [by_input]
        terms = dy * _each(entry.by_parameter)(*rest)
        return [by_input, summed_to(terms, np.shape(rest[1]))]

    return gradient


def summed_to(terms, shape):
    """Over all axes along which a parameter of this shape was broadcast."""
    terms = np.asarray(terms, object)
    lead = terms.ndim - len(shape)
    terms = terms.sum(axis=tuple(range(lead))) if lead else terms
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and np.shape(terms)[k] != 1)
    return terms.sum(axis=axes, keepdims=True) if axes else terms


def gate(name, method, axis, which):
    entry = reference.ACTIVATIONS[name]

    def halves(x):
        a, b = np.split(x, 2, axis)
        return (b, a) if which == "second" else (a, b)  # the gate's argument first

    def joined(by_b, by_a):
        return [np.concatenate((by_a, by_b) if which == "second" else (by_b, by_a), axis)]

    def value(operands, options):
        return [_each(entry.value)(*halves(operands[0]))]

    def backward(operands, options):
        dy, (b, a) = operands[0], halves(operands[1])
        return joined(dy * _each(entry.first)(b, a), dy * _each(entry.by_parameter)(b, a))

    return value if method == "value" else backward


# ---- rows ----------------------------------------------------------------------------


def rows(op, variant, axes, ndim):
    """`axes`: a tuple. Entries that a mask leaves out are not there; None for a row of which none is left."""
    entry, axes = reference.ROWS[op], sorted(a % ndim for a in axes)
    function = getattr(entry, variant or "value")
    outside = -mp.inf if op == "log_softmax" and not variant else mpf(0)

    def formula(operands, options):
        x, where = operands[-1], options.get("where")
        kept = [a for a in range(ndim) if a not in axes]
        turned = [np.transpose(a, (*kept, *axes)) if np.ndim(a) == ndim else a for a in operands]
        outer, n = [x.shape[a] for a in kept], int(np.prod([x.shape[a] for a in axes]))
        turned = [
            a.reshape(-1, n) if np.ndim(a) == ndim and kept != [*range(ndim)] else a.reshape(-1)
            for a in turned
        ]
        mask = np.ones_like(x, bool) if where is None else np.broadcast_to(where, x.shape)
        mask = np.transpose(mask, (*kept, *axes)).reshape(-1, n)
        if not mask.any(axis=-1).all():
            raise ValueError("a row of which nothing is left")
        of_rows = []
        for k, keep in enumerate(mask):
            row = function(*(a[k][keep][None] if a.ndim == 2 else a[k : k + 1] for a in turned))
            whole = np.full(n, outside, object) if row.ndim == 2 else row[0]
            if row.ndim == 2:
                whole[keep] = row[0]
            of_rows.append(whole)
        result = np.array(of_rows, object)
        if result.ndim == 1:
            return [result.reshape(outer)]
        result = result.reshape(*outer, *(x.shape[a] for a in axes))
        result = np.transpose(result, np.argsort((*kept, *axes)))
        return [
            Sized(result, _floats(np.max(abs(np.asarray(operands[0], object))))) if variant else result
        ]  # dy, less a mean of it

    return formula


def jacobian(axis):
    def formula(operands, options):
        p = reference.softmax(np.moveaxis(operands[0], axis, -1))
        return [p[..., :, None] * (reference.exact(np.eye(p.shape[-1])) - p[..., None, :])]

    return formula


# ---- losses --------------------------------------------------------------------------


def results_of(method, values, grads, hesses, denominator, operands, options):
    """A loss's results in the order in which its method gives them. values: a row's or an element's."""
    reduction = options.get("reduction", "mean")
    factor = (1 / denominator if denominator else mpf(0)) if reduction == "mean" else mpf(1)
    value = values if reduction == "none" else (np.asarray(values, object).sum() + mpf(0)) * factor
    if method == "backward":
        upstream = np.asarray(operands[0], object)
        return [_times(upstream, g) * factor for g in grads]
    grads, hesses = [g * factor for g in grads], [h * factor for h in hesses]
    return {
        "__call__": [value],
        "value_and_grad": [value, *grads],
        "grad": grads,
        "grad_and_hess": [*grads, *hesses],
    }[method]


def _times(upstream, gradient):
    """A number for each row, or for each element."""
    return upstream.reshape(upstream.shape + (1,) * (np.ndim(gradient) - upstream.ndim)) * gradient


def elementwise_loss(name, method, defaults):
    """defaults: of the op's parameters."""
    entry = reference.LOSSES[name]

    def formula(operands, options):
        x, t = operands[-2:]
        given = [options.get(p, defaults[p]) for p in entry.parameters]
        given = ([1.0] if entry.second else []) + [1.0 if p is None else p for p in given]
        arguments = [np.broadcast_to(_real(a), x.shape) for a in (x, t, *given)]
        w = np.broadcast_to(_real(options.get("weight", 1.0)), x.shape)
        denominator = w.sum() if entry.mean_by_weight else mpf(x.size)
        values, grad, hess = (
            reference.weighted(w, f(*arguments)) for f in (entry.value, entry.grad, entry.hess)
        )
        return results_of(method, values, [grad], [hess], denominator, operands, options)

    return formula


def _real(a):
    """An array of mpf of an operand, or of an option that is a number or a default."""
    if isinstance(a, mpf):
        return np.full((), a)
    return a if is_exact(a) else reference.exact(np.asarray(a, np.float64))


def class_loss(name, method, axis):
    entry = reference.LOSSES[name]

    def formula(operands, options):
        x, target = operands[-2:]
        x = np.moveaxis(x, axis, -1)
        shape, classes = x.shape, x.shape[-1]
        x = x.reshape(-1, classes)
        w, z = _real(options.get("weight", np.ones(classes))), options.get("z_loss", 0.0)
        smoothing = options.get("label_smoothing", 0.0)
        if is_exact(target):
            live = np.ones(len(x), bool)
            shares = np.moveaxis(target, axis, -1).reshape(x.shape)
            shares, denominator = reference.spread(shares, smoothing), mpf(len(x))
        else:
            labels = np.asarray(target).reshape(-1)
            live = labels != options.get("ignore_index", -100)
            labels = np.where(live, labels, 0)
            shares = reference.label_shares(labels, classes, smoothing)
            denominator = np.where(live, np.broadcast_to(w, classes)[labels], mpf(0)).sum() + mpf(0)
        terms = [f(x, shares * w) for f in (entry.value, entry.grad, entry.hess)]
        if z:
            terms = [a + b for a, b in zip(terms, reference.z_terms(x, mpf(z)), strict=True)]
        values = np.where(live, terms[0], mpf(0)).reshape(shape[:-1])
        parts = [np.where(live[:, None], a, mpf(0)).reshape(shape) for a in terms[1:]]
        if method == "backward" and np.ndim(operands[0]):
            parts = [np.asarray(operands[0], object)[..., None] * a for a in parts]
            operands = [mpf(1), *operands[1:]]
        grad, hess = (np.moveaxis(a, -1, axis) for a in parts)
        return results_of(method, values, [grad], [hess], denominator, operands, options)

    return formula


def float64_row_loss(name, method, inputs):
    """inputs: how many of its operands have gradients."""

    def formula(operands, options):
        arrays = operands[method == "backward" :]
        shape, n = arrays[0].shape, arrays[0].shape[-1]
        flat = [a.reshape(-1, n) if a.shape == shape else a.reshape(-1) for a in arrays]
        row = reference.LOSSES[name].of_row
        known = {"power" if k == "p" and name == "triplet_margin_loss" else k: v for k, v in options.items()}
        known.pop("reduction", None)
        found = [row(*(a[k] for a in flat), **known) for k in range(len(flat[0]))]
        values = np.array([f[0] + mpf(0) for f in found], object).reshape(shape[:-1])
        grads, hesses = (
            [np.array([f[part][k] for f in found], object).reshape(shape) for k in range(inputs)]
            for part in (1, 2)
        )
        return results_of(method, values, grads, hesses, mpf(len(found)), operands, options)

    return formula
