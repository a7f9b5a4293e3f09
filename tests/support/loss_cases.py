"""What tests of losses share: inputs, exact results, and how far from them a result may be."""

import inspect

import numpy as np
import reference
from mpmath import mp, mpf

import fastact as fa
from support import ulp
from support.remember import remembered

DTYPES = ["float32", "float64"]
REDUCTIONS = ["none", "mean", "sum"]


def check(got, want, dtype, bound, scale=0.0):
    """|got - want| <= bound ulp of `dtype`, an ulp taken at `scale` where that is larger."""
    got, want = np.asarray(got, np.float64), np.asarray(want, object)
    assert got.shape == want.shape
    scale = np.broadcast_to(np.asarray(scale, np.float64), got.shape)
    got, want, scale = got.reshape(-1), want.reshape(-1), scale.reshape(-1)
    assert np.isfinite(got).all()
    # most are within it by far, as float64 tells; of the others exact arithmetic does
    within = 0.999 * bound * ulp.least_spacing(want, dtype, scale)
    far = ~(ulp.distances(got, want) < within)
    for y, f, s in zip(got[far], want[far], scale[far], strict=True):
        error = abs(mpf(float(y)) - f) / ulp.exact_spacing(max(abs(f), mpf(float(s))), dtype)
        assert error <= bound, f"{y!r} is {mp.nstr(error, 5)} ulp from {mp.nstr(f, 17)}, at most {bound}"


def factor(reduction, denominator):
    """1, or a mean's 1 / denominator; over nothing 0."""
    return 1 / denominator if reduction == "mean" and denominator else mpf(int(reduction != "mean"))


def reduced(terms, reduction, denominator):
    return terms if reduction == "none" else terms.sum() * factor(reduction, denominator)


def elementwise_case(name, dtype, rng, shape=(5, 9)):
    entry = reference.LOSSES[name]
    x = {
        "any": lambda: rng.normal(size=shape) * 6,
        "unit": lambda: rng.choice([1e-15, 1e-3, 0.3, 0.99], size=shape) * rng.uniform(0.5, 1, size=shape),
        "positive": lambda: 10.0 ** rng.uniform(-3, 3, size=shape),
    }[entry.inputs]().astype(dtype)
    t = {
        "shares": lambda: rng.choice([0, 1, 0.25, 0.9], size=shape),
        "signs": lambda: rng.choice([-1, 1], size=shape),
        "counts": lambda: rng.poisson(rng.choice([0.1, 2, 40], size=shape)),
        "logs": lambda: -(10.0 ** rng.uniform(-3, 2, size=shape)),
        "near": lambda: x + rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 3, size=shape),
        "positive": lambda: (
            np.abs(rng.choice([x, np.exp(rng.normal(size=shape) * 3)]))
            * rng.choice([1, 1.001, 9], size=shape)
        ),
    }[entry.targets]()
    return x, t.astype(dtype)


def parameter_values(name, parameter, shape, dtype, rng):
    entry = reference.LOSSES[name]
    if parameter in entry.switches:
        return bool(rng.random() < 0.5)
    values = rng.uniform(*entry.range_of(parameter), shape)
    return (
        np.where(rng.random(shape) < 0.3, np.rint(values * 2) / 2, values)
        .clip(*entry.range_of(parameter))
        .astype(dtype)
    )


@remembered
def elementwise_exact(name, x, t, weight, options):
    """Weighted terms, their gradients and curvature; what each of these subtracts; the mean's denominator."""
    entry = reference.LOSSES[name]
    defaults = inspect.signature(getattr(fa, entry.op or name)).parameters
    given = [options.get(p, defaults[p].default) for p in entry.parameters]
    given = ([1.0] if entry.second else []) + [1.0 if p is None else p for p in given]
    arguments = [np.broadcast_to(reference.exact(a), x.shape) for a in (x, t, *given)]
    w = np.broadcast_to(reference.exact(1.0 if weight is None else weight), x.shape)
    denominator = w.sum() if entry.mean_by_weight else mpf(x.size)
    results = [reference.weighted(w, f(*arguments)) for f in (entry.value, entry.grad, entry.hess)]
    terms = [entry.terms.get(k, lambda *of: of[0] * 0)(*arguments) * w for k in ("value", "grad", "hess")]
    return *results, [np.abs(term).astype(np.float64) for term in terms], denominator
