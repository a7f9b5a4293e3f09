"""Whether a library computes an op right: its worst error on ordinary inputs, in ulp.

Inputs are 20,000 normal numbers. The reference is computed in extended precision
(where longdouble has none, as on some platforms, float64 is judged by itself).
What the arithmetic forces on any straightforward method is forgiven:

* softmax: rounding x - max costs up to |x - max| ulp;
* gradients of activations: within 0.25 of a root of the derivative an ulp is taken at
  no less than 2^-5 of the incoming gradient;
* other row ops: ulps are those of the largest entry of the row and of its incoming
  gradient; losses: of the largest entry of all. Terms of that size cancel in them.
"""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case, Data
from benchmarks.formulas import reference

RIGHT = 8.0  # ulp
_POINTS = {1: (20_000,), 2: (2_000, 10)}


def sample(case: Case) -> tuple[Case, Data]:
    """The case on the inputs by which it is judged."""
    shape = _POINTS[len(case.shape)]
    judged = Case(case.op, case.kind, case.variant, case.dtype, shape, case.out)
    return judged, Data(case.dtype, shape)


def ulp(value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The spacing of `dtype` at |value|, which need not be one of its numbers."""
    info = np.finfo(dtype)
    _, exponent = np.frexp(np.abs(value))
    exponent = np.maximum(exponent - 1, info.minexp)
    return np.ldexp(np.longdouble(1), exponent - info.nmant)


def _unit(case: Case, operands: tuple[np.ndarray, ...], exact: np.ndarray, dtype: np.dtype) -> np.ndarray:
    size = np.abs(exact)
    if case.kind == "activation" and case.variant == "backward":
        dy, x = operands
        order = np.argsort(x)
        slope = np.sign(exact / dy)[order]
        roots = x[order][:-1][slope[:-1] * slope[1:] < 0]
        for root in roots:
            size = np.where(np.abs(x - root) < 0.25, np.maximum(size, np.abs(dy) / 32), size)
    elif case.kind == "rows" and exact.ndim == 2 and not (case.op == "softmax" and case.variant == "value"):
        largest = size.max(-1, keepdims=True)
        if case.variant != "value":
            dy = operands[0].reshape(len(exact), -1)
            largest = np.maximum(largest, np.abs(dy).max(-1, keepdims=True))
        size = np.broadcast_to(largest, size.shape)
    elif case.kind in ("loss", "row loss"):
        size = np.broadcast_to(size.max(), size.shape)
    return ulp(size, dtype)


def worst_ulp(case: Case, data: Data, results: tuple[np.ndarray, ...]) -> float | None:
    """The worst error of the results of `case` on `data`; None without a reference."""
    function = reference(case.op, case.variant)
    if function is None:
        return None
    operands = tuple(a.astype(np.longdouble) if a.dtype.kind == "f" else a for a in data.operands(case))
    exact = function(*operands)
    worst = 0.0
    for got, want in zip(results, exact if isinstance(exact, tuple) else (exact,), strict=True):
        want = np.asarray(want)
        if got.shape != want.shape:
            raise ValueError(f"{case.label}: a result of shape {got.shape}, not {want.shape}")
        error = np.abs(got.astype(np.longdouble) - want) / _unit(case, operands, want, data.dtype)
        if case.op == "softmax" and case.variant == "value":
            x = operands[0]
            error = np.maximum(error - (x.max(-1, keepdims=True) - x), 0)
        error = np.where(np.isnan(error), np.inf, error)
        worst = max(worst, float(error.max()))
    return worst
