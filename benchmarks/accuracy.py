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

from dataclasses import replace

import numpy as np

from benchmarks.cases import Case, Data
from benchmarks.formulas import reference

RIGHT = 8.0  # ulp
_POINTS = {1: (20_000,), 2: (2_000, 10)}


def judged(case: Case) -> Case:
    """The case of the shape by which it is judged."""
    return replace(case, shape=_POINTS[len(case.shape)])


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


class Exact:
    """The exact results of a case, and the ulp its errors are counted in."""

    def __init__(self, case: Case, data: Data) -> None:
        function = reference(case.op, case.variant, data.dtype)
        operands = tuple(a.astype(np.longdouble) if a.dtype.kind == "f" else a for a in data.operands(case))
        exact = None if function is None else function(*operands)
        results = () if exact is None else exact if isinstance(exact, tuple) else (exact,)
        self._label, self._known = case.label, function is not None
        self._results = [np.asarray(r) for r in results]
        self._units = [_unit(case, operands, r, data.dtype) for r in self._results]
        self._forgiven: np.ndarray | float = 0.0
        if case.op == "softmax" and case.variant == "value":
            self._forgiven = operands[0].max(-1, keepdims=True) - operands[0]

    def worst_ulp(self, results: tuple[np.ndarray, ...]) -> float | None:
        """The worst error of a library's results; None without a reference."""
        if not self._known:
            return None
        worst = 0.0
        for got, want, unit in zip(results, self._results, self._units, strict=True):
            if got.shape != want.shape:
                raise ValueError(f"{self._label}: a result of shape {got.shape}, not {want.shape}")
            error = np.maximum(np.abs(got.astype(np.longdouble) - want) / unit - self._forgiven, 0)
            worst = max(worst, float(np.where(np.isnan(error), np.inf, error).max()))
        return worst
