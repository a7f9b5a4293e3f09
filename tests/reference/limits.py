"""Limits: what an elementwise loss should give where its formula ends, found by following the formula there.

A finite corner of an argument is put into the formula. Where that has no value, and for an infinity, the
argument moves towards the corner from inside the domain, and the formula is followed. Where several arguments
move they do so at different speeds: if these do not agree there is no limit, and the result is NaN. Options
are at their corner before anything moves, and so is a target of exactly 0: a term of it is 0, whatever the
input.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from mpmath import mp, mpf

import reference

PRECISION = 4000
STEPS = (
    1100,
    1700,
)  # exponents of 2 at which a formula is looked at on the way to 0, beyond every number of a type
FAR = 5000, 8000  # and on the way to an infinity, beyond every square and cube
SPEEDS = 1, 1.25
TOWER = 0  # the speed of an infinity that outruns every power of the others
EVERY = ("-inf", "-max", "-1", "-tiny", "-0", "+0", "tiny", "1", "max", "inf")
NAN = mpf("nan")
RESULTS = ("value", "grad", "hess", "second_grad", "second_hess")


@dataclass(frozen=True)
class Limits:
    """Corners of a loss's arguments, by `number` and in the reference's order, and where it is defined."""

    inputs: tuple = EVERY
    targets: tuple = EVERY
    others: tuple[tuple, ...] = ()
    defined: Callable = lambda *point: True  # where not, all results are NaN
    starts: Callable = lambda *others: -np.inf  # the ends of the input's domain, from which it moves inwards
    ends: float = np.inf
    target_starts: float = -np.inf  # a target there has no number: it moves too, and first
    results: dict[str, Callable] = field(default_factory=dict)  # instead of the reference's
    difference: bool = False  # a function of x - t, which is rounded first
    by_logarithm: bool = False  # of the target, whose rounding is passed on
    far: tuple[int, int] = FAR  # the steps of infinities; fewer where there are exponentials


def number(text, dtype):
    """What a corner stands for in a type."""
    info = np.finfo(dtype)
    named = {
        "max": info.max,
        "tiny": info.smallest_subnormal,
        "max / 16": info.max / 16,
        "least": info.tiny,
        "inf": np.inf,
        "0": 0.0,
    }
    if not isinstance(text, str):
        return np.dtype(dtype).type(text)
    size = text.lstrip("+-")
    value = np.dtype(dtype).type(named[size] if size in named else float(size))
    return -value if text.startswith("-") else value


def _evaluate(formula, point):
    """A real number, or NaN where the formula has none."""
    try:
        found = formula(*(np.full(1, a, object) for a in point))[0] + mpf(0)
    except (ZeroDivisionError, ValueError):
        return NAN
    return found if isinstance(found, mpf) else NAN


def _trend(before, after):
    """Of a formula at two places on the way: where it goes."""
    if mp.isnan(before) or mp.isnan(after):
        return NAN
    if before == after or abs(after - before) <= abs(after) * mpf(2) ** -50:
        return after
    if before * after > 0 and abs(after) > 1.2 * abs(before):
        return mp.sign(after) * mp.inf
    if abs(after) < abs(before) / 1.2:
        return mp.sign(after) * mpf(0)
    return NAN


def _on_the_way(corner, inward, stage, speed, far):
    if mp.isinf(corner):
        power = 2 ** int(far[stage] * 1.1) if speed == TOWER else int(far[stage] * speed)
        return mp.sign(corner) * mp.ldexp(1, power)
    return corner + inward * mpf(2) ** -int(STEPS[stage] * speed)


def limit(formula, point, inward, must_move, first, far):
    """Of `formula` at `point`. For each argument, inward: the side of a finite corner where the domain is, 0
    if it never moves; must_move: whether it moves although the formula has a value; first: how many times as
    fast it moves, if it is at its corner before others."""
    moving = [k for k, a in enumerate(point) if mp.isinf(a) or must_move[k]]
    if not moving and not mp.isnan(found := _evaluate(formula, point)):
        return found
    moving += [k for k, side in enumerate(inward) if side and k not in moving and not mp.isinf(point[k])]
    several, tower = len(moving) > 1, far == FAR and all(first[k] == 1 for k in moving)
    speeds = [
        (*SPEEDS, TOWER) if several and tower and mp.isinf(point[k]) else SPEEDS[: 1 + several]
        for k in moving
    ]
    found = []
    for chosen in product(*speeds) if moving else ():
        speed = {k: v * first[k] for k, v in zip(moving, chosen, strict=True)}
        ways = [
            [
                _on_the_way(a, inward[k], stage, speed[k], far) if k in speed else a
                for k, a in enumerate(point)
            ]
            for stage in (0, 1)
        ]
        found.append(_trend(*(_evaluate(formula, way) for way in ways)))
    one = found[0] if found else NAN
    same = not mp.isnan(one) and all(a == one or abs(a - one) <= abs(one) * mpf(2) ** -50 for a in found)
    return one if same else NAN


# ---- the losses ---------------------------------------------------------------------

SCORES = (20, 21)  # far for exponentials
SIGNS = ("-1", "1")
SHARES = ("-1", "-0", "+0", "tiny", "0.5", "1", "2")
COUNTS = ("-1", "-0", "+0", "tiny", "1", "2", "max")
PROBABILITIES = ("-inf", "-1", "-tiny", "-0", "+0", "tiny", "0.5", "1", "1.0000002", "inf")
MEANS = ("-inf", "-1", "-tiny", "-0", "+0", "tiny", "1", "max", "inf")
LOGS = ("-inf", "-max", "-1", "-tiny", "-0", "+0", "tiny", "1")
# Powers of float64 are computed by logarithms: next to both ends of its range products with them leave it.
TWEEDIE_TARGETS = ("-1", "-0", "+0", "least", "1", "2", "max / 16")
POWERS = ("-1", "-0", "+0", "1", "1.25", "1.5", "2", "3")


def bounded(name, result, otherwise):
    """A result of log_cosh_loss; far out, where cosh has too many digits, `otherwise` of d = x - t."""
    formula = getattr(reference.LOSSES[name], result)

    def of(x, t):
        d = x - t
        far = abs(d) > 10**6
        return np.where(far, otherwise(d), formula(np.where(far, mpf(0), d), mpf(0)))

    return of


def smooth_l1(result):
    """It is l1_loss for beta = 0."""
    formulas = [getattr(reference.LOSSES[name], result) for name in ("smooth_l1_loss", "l1_loss")]
    return lambda x, t, beta: formulas[0](x, t, beta) if beta[0] else formulas[1](x, t)


def infinite_at_0(name, where=lambda *others: True):
    """A value that is infinite for a target of 0, whatever the input."""
    formula = reference.LOSSES[name].value
    return lambda x, y, *others: (
        np.full(1, mp.inf) if y[0] == 0 and where(*others) else formula(x, y, *others)
    )


def unless_0(name, result, of_0):
    """A result whose last parameter is a power; `of_0` of the power 0."""
    formula = getattr(reference.LOSSES[name], result)
    return lambda x, y, p: formula(x, y, p) if p[0] else of_0(x, y)


def tweedie_value(x, y, p):
    of_others = infinite_at_0("tweedie_deviance", lambda p: p[0] >= 2)
    return (
        unless_0("tweedie_deviance", "value", lambda x, y: (y - x) ** 2)(x, y, p)
        if not p[0]
        else of_others(x, y, p)
    )


def cross_entropy_of_probabilities(x, y):
    """A logarithm counts as -100 at least."""
    logs = [np.array([max(mp.log(p[0]), mpf(-100))]) for p in (x, 1 - x)]
    return -y * logs[0] - (1 - y) * logs[1]


def tweedie_defined(x, y, p):
    return y >= 0 or p <= 0


LOSSES = {
    "mse_loss": Limits(difference=True),
    "half_squared_error": Limits(difference=True),
    "l1_loss": Limits(difference=True),
    "smooth_l1_loss": Limits(
        others=(("+0", "tiny", "1", "max"),),
        results={r: smooth_l1(r) for r in RESULTS[:3]},
        difference=True,
    ),
    "huber_loss": Limits(
        others=(("tiny", "1", "max", "inf"),),
        defined=lambda x, t, delta: mp.isfinite(t) or x != t,
        difference=True,
    ),
    "log_cosh_loss": Limits(
        results={
            "value": bounded("log_cosh_loss", "value", lambda d: abs(d) - mp.log(2)),
            "grad": bounded("log_cosh_loss", "grad", reference.loss.sign),
            "hess": bounded("log_cosh_loss", "hess", lambda d: 0 * d),
        },
        difference=True,
    ),
    "pinball_loss": Limits(others=(("+0", "0.5", "1"),), difference=True),
    "binary_cross_entropy_with_logits": Limits(targets=SHARES, others=(("+0", "1", "1000"),), far=SCORES),
    "hinge_loss": Limits(targets=SIGNS),
    "squared_hinge_loss": Limits(targets=SIGNS),
    "exponential_loss": Limits(targets=SIGNS, far=SCORES),
    "soft_margin_loss": Limits(targets=SIGNS, far=SCORES),
    "hinge_embedding_loss": Limits(targets=SIGNS, others=(("+0", "1", "max"),)),
    "margin_ranking_loss": Limits(targets=SIGNS, others=(("-inf", "-max", "+0", "max", "inf"), ("+0", "1"))),
    "focal_loss": Limits(
        targets=("-0", "+0", "0.001", "0.5", "1"),
        others=(("-1", "+0", "0.25"), ("+0", "tiny", "0.5", "2")),
        far=SCORES,
    ),
    "msle_loss": Limits(
        inputs=(*EVERY, "-1.0000002"),
        targets=(*EVERY, "-1.0000002"),
        defined=lambda x, t: min(x, t) >= -1 and min(x, t) < mp.inf and max(x, t) > -1,
        starts=lambda: -1,
        target_starts=-1,
    ),
    "binary_cross_entropy": Limits(
        inputs=PROBABILITIES,
        targets=SHARES,
        defined=lambda x, y: 0 <= x <= 1,
        starts=lambda *others: 0,
        ends=1,
        results={"value": cross_entropy_of_probabilities},
    ),
    "kl_div": Limits(targets=COUNTS, defined=lambda x, t: t >= 0),
    "kl_div_log_target": Limits(targets=LOGS, far=SCORES),
    "poisson_nll_loss": Limits(
        inputs=MEANS,
        targets=COUNTS,
        others=(("+0", "1"), ("+0", "tiny", "1e-8")),
        defined=lambda x, t, full, eps: t == 0 or x + eps >= 0,
        starts=lambda full, eps: -eps,
    ),
    "poisson_nll_loss_log_input": Limits(targets=COUNTS, others=(("+0", "1"), ("1e-8",)), far=SCORES),
    "gaussian_nll_loss": Limits(
        others=(("-0", "+0", "tiny", "1", "max", "inf"), ("1",), ("tiny", "1e-6")), difference=True
    ),
    "gamma_deviance": Limits(
        inputs=MEANS,
        targets=COUNTS,
        defined=lambda x, y: x >= 0 and y >= 0,
        starts=lambda *others: 0,
        results={"value": infinite_at_0("gamma_deviance")},
    ),
    "gamma_deviance_log_input": Limits(
        targets=COUNTS,
        defined=lambda x, y: y >= 0,
        results={"value": infinite_at_0("gamma_deviance_log_input")},
        far=SCORES,
    ),
    "tweedie_deviance": Limits(
        inputs=MEANS,
        targets=TWEEDIE_TARGETS,
        others=(POWERS,),
        by_logarithm=True,
        defined=lambda x, y, p: tweedie_defined(x, y, p) and (x >= 0 or p == 0),
        starts=lambda *others: 0,
        results={
            "value": tweedie_value,
            "grad": unless_0("tweedie_deviance", "grad", lambda x, y: 2 * (x - y)),
            "hess": unless_0("tweedie_deviance", "hess", lambda x, y: 0 * x + 2),
        },
    ),
    "tweedie_deviance_log_input": Limits(
        inputs=("-inf", "-max / 16", *EVERY[2:-2], "max / 16", "inf"),
        targets=TWEEDIE_TARGETS,
        others=(POWERS,),
        by_logarithm=True,
        defined=tweedie_defined,
        results={"value": infinite_at_0("tweedie_deviance_log_input", lambda p: p[0] >= 2)},
        far=SCORES,
    ),
}


def wanted(name, point, dtype):
    """All results of a loss at a corner."""
    entry, of = reference.LOSSES[name], LOSSES[name]
    results = [r for r in RESULTS if getattr(entry, r) is not None]
    if not of.defined(*point):
        return dict.fromkeys(results, NAN)
    if of.difference and all(map(mp.isfinite, point[:2])):
        x, t = (np.dtype(dtype).type(float(a)) for a in point[:2])
        with np.errstate(over="ignore"):
            point = (mpf(float(x - t)), mpf(0), *point[2:])
    x, t, *others = point
    moved = bool(t == of.target_starts and mp.isfinite(t))
    inward = [(x == of.starts(*others)) - (x == of.ends), int(moved)] + [0] * len(others)
    first = [1, 1.5 if moved else 1] + [1 if k == 0 and entry.second else 6 for k in range(len(others))]
    must_move = [False, moved] + [False] * len(others)
    return {
        r: limit(of.results.get(r, getattr(entry, r)), point, inward, must_move, first, of.far)
        for r in results
    }


def corners(name, dtype):
    of = LOSSES[name]
    return [tuple(number(a, dtype) for a in corner) for corner in product(of.inputs, of.targets, *of.others)]


def precision(name):
    """Bits that show a formula's limits: fewer where nothing moves towards a number."""
    return PRECISION if LOSSES[name].far == FAR else 1400


def size(name, result, point, dtype):
    """What an ulp is taken of where a result is a difference; 0 if it is none, or its terms are infinite."""
    entry = reference.LOSSES[name]
    with mp.workprec(precision(name)):
        numbers = [mpf(float(a)) for a in point]
        found = abs(_evaluate(entry.terms[result], numbers)) if result in entry.terms else mpf(0)
        if mp.isnan(found) and LOSSES[name].by_logarithm:
            found = abs(wanted(name, tuple(numbers), dtype)[result]) * abs(mp.log(numbers[1]))
    return found if mp.isfinite(found) else mpf(0)
