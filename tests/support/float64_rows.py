"""What the tests of losses of float64 rows share: exact results of all rows, and how they are judged.

Everything is computed in float64 and rounded to the type once, so float32 results are within half an ulp
and what float64 adds. That is judged in ulp of the largest term that is met on the way (`scale`).
"""

import numpy as np
import reference
from mpmath import mp, mpf

import fastact as fa
from support import ulp
from support.remember import remembered

PRECISION = 400
REDUCTIONS = ["none", "mean", "sum"]


@remembered
def exact_rows(name, operands, options):
    """Of (rows, n) operands: values, and of each input gradients and Hessian diagonals, as arrays of mpf."""
    row = reference.LOSSES[name].of_row
    options = {k: v for k, v in options.items() if v is not None}
    if "weight" in options:
        options["weight"] = reference.exact(options["weight"])
    arrays = [reference.exact(a) if a.dtype.kind not in "iu" else a for a in map(np.asarray, operands)]
    found = [row(*(a[k] for a in arrays), **options) for k in range(len(arrays[0]))]
    values = np.array([f[0] + mpf(0) for f in found], object)
    inputs = range(len(found[0][1]))
    grads, hesses = ([np.array([f[part][k] for f in found], object) for k in inputs] for part in (1, 2))
    return values, grads, hesses


def check(got, want, dtype, bound, scale=0.0):
    """|got - want| <= `bound` ulp of float64 at the larger of want and scale, and for float32 half an ulp of
    it more."""
    got, want = np.asarray(got), np.asarray(want, object)
    assert got.shape == want.shape
    scale = np.broadcast_to(np.asarray(scale, np.float64), got.shape)
    got, want, scale = got.astype(np.float64).reshape(-1), want.reshape(-1), scale.reshape(-1)
    assert np.isfinite(got).all()
    # most are within it by far, as float64 tells; of the others exact arithmetic does
    surely = bound * ulp.least_spacing(want, "float64", scale)
    if dtype != "float64":
        surely = surely + ulp.least_spacing(want, dtype) / 2
    far = ~(ulp.distances(got, want) < 0.999 * surely)
    for y, f, s in zip(got[far], want[far], scale[far], strict=True):
        allowed = bound * ulp.exact_spacing(max(abs(f), mpf(float(s))), "float64")
        if dtype != "float64":
            allowed += ulp.exact_spacing(f, dtype) / 2
        error = abs(mpf(float(y)) - f)
        assert error <= allowed, (
            f"{y!r}: {mp.nstr(error / allowed, 5)} of what is allowed from {mp.nstr(f, 17)}"
        )


def tuples(results):
    return results if isinstance(results, tuple) else (results,)


def check_loss(name, operands, options, dtype, reduction, bounds=(4, 4, 6), scales=(0.0, 0.0, 0.0), **also):
    """Value, gradients and curvature against the reference; bounds and scales of each. `also`: options of
    the call that the reference knows by other names."""
    op, kw = getattr(fa, name), {**{k: v for k, v in options.items() if k != "power"}, **also}
    with mp.workprec(PRECISION):
        values, grads, hesses = exact_rows(name, operands, options)
        rows = len(values)
        factor = mpf(1) / rows if reduction == "mean" else mpf(1)
        got, got_grads = op.value_and_grad(*operands, **kw, reduction=reduction)
        if reduction == "none":
            assert got.dtype == dtype
            check(got, values, dtype, bounds[0], scales[0])
        else:
            assert type(got) is float
            total = float(np.sum(np.broadcast_to(scales[0], rows)) * factor)
            check(got, values.sum() * factor, "float64", bounds[0] + 1, total)
        only_grads, got_hesses = op.grad_and_hess(*operands, **kw, reduction=reduction)
        for k, (grad, hess) in enumerate(zip(grads, hesses, strict=True)):
            of_grad, of_hess = (s[k] if isinstance(s, list) else s for s in scales[1:])
            check(tuples(got_grads)[k], grad * factor, dtype, bounds[1] + 1, of_grad * float(factor))
            check(tuples(got_hesses)[k], hess * factor, dtype, bounds[2] + 1, of_hess * float(factor))
            np.testing.assert_array_equal(tuples(only_grads)[k], tuples(got_grads)[k])
        np.testing.assert_array_equal(op(*operands, **kw, reduction=reduction), got)
        for same in (op.grad, lambda *a, **o: op.backward(1.0, *a, **o)):
            for a, b in zip(
                tuples(same(*operands, **kw, reduction=reduction)), tuples(got_grads), strict=True
            ):
                np.testing.assert_array_equal(a, b)
