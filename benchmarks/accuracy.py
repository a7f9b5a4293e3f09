"""Whether a library computes an op right: its worst error on ordinary inputs, in ulp.

Inputs are 20,000 normal numbers. The reference is computed in extended precision
(where longdouble has none, as on some platforms, float64 is judged by itself).
What the arithmetic forces on any straightforward method is forgiven:

* softmax and softmin: rounding x - max costs up to |x - max| ulp, x - min likewise;
* gradients of activations: within 0.25 of a root of the derivative an ulp is taken at
  no less than 2^-5 of the incoming gradient;
* gradients by a parameter are sums: ulps are those of the sum whose terms all have one sign;
* other row ops: ulps are those of the largest entry of the row and of its incoming
  gradient; losses: of the largest entry of all. Terms of that size cancel in them;
* gradients of a linear map's losses are sums too, counted as those by a parameter, of terms
  that a logit's rounding changes by as many ulp as the logit is large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.cases import GATES, LINEAR, Case, Data, halves
from benchmarks.formulas import FORMULAS, reference

RIGHT = 8.0  # ulp
_POINTS = {1: (20_000,), 2: (2_000, 10), 3: (40, 8, 10)}


def judged(case: Case) -> Case:
    """The case of the shape by which it is judged."""
    return replace(case, shape=_POINTS[len(case.shape)])


def ulp(value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The spacing of `dtype` at |value|, which need not be one of its numbers."""
    info = np.finfo(dtype)
    _, exponent = np.frexp(np.abs(value))
    exponent = np.maximum(exponent - 1, info.minexp)
    return np.ldexp(np.longdouble(1), exponent - info.nmant)


def _size_of_gradient(dy: np.ndarray, x: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Of an activation's gradient by its input, and near a root what it is taken at."""
    size = np.abs(exact)
    order = np.argsort(x)
    slope = np.sign(exact / dy)[order]
    roots = x[order][:-1][slope[:-1] * slope[1:] < 0]
    for root in roots:
        size = np.where(np.abs(x - root) < 0.25, np.maximum(size, np.abs(dy) / 32), size)
    return size


def _sizes(
    case: Case, function: Callable[..., Any], operands: tuple[np.ndarray, ...], results: list[np.ndarray]
) -> list[np.ndarray]:
    """The numbers whose ulps the errors of the function's results are counted in."""
    sizes = [np.abs(exact) for exact in results]
    if case.kind == "activation" and case.variant == "backward":
        dy, x = operands
        if case.op in GATES:
            (a, b), (by_a, by_b) = halves(x), halves(results[0])
            return [np.concatenate((np.abs(by_a), _size_of_gradient(dy * a, b, by_b)))]
        by_x = _size_of_gradient(dy, x, results[0])
        return [by_x] if len(results) == 1 else [by_x, np.abs(function(np.abs(dy), x)[1])]
    if case.kind == "rows" and results[0].ndim == 2 and not _is_softmax(case):
        largest = sizes[0].max(-1, keepdims=True)
        if case.variant != "value":
            dy = operands[0].reshape(len(largest), -1)
            largest = np.maximum(largest, np.abs(dy).max(-1, keepdims=True))
        return [np.broadcast_to(largest, sizes[0].shape)]
    if case.op == LINEAR and len(results) == 3:
        x, w, t = operands
        logits = x @ w.T
        slopes = np.abs(logits).max() * np.abs(FORMULAS["cross_entropy", "value_and_grad"](np, logits, t)[1])
        sizes[1:] = slopes @ np.abs(w), slopes.T @ np.abs(x)
    if case.kind in ("loss", "row loss"):
        return [np.broadcast_to(size.max(), size.shape) for size in sizes]
    return sizes


def _is_softmax(case: Case) -> bool:
    return case.op in ("softmax", "softmin") and case.variant == "value"


def _results(returned: Any) -> list[np.ndarray]:
    return [np.asarray(r) for r in (returned if isinstance(returned, tuple) else (returned,))]


class Exact:
    """The exact results of a case, and the ulp its errors are counted in."""

    def __init__(self, case: Case, data: Data) -> None:
        function = reference(case.op, case.variant, data.dtype)
        operands = tuple(a.astype(np.longdouble) if a.dtype.kind == "f" else a for a in data.operands(case))
        self._label, self._known = case.label, function is not None
        if function is None:
            return
        self._results = _results(function(*operands))
        sizes = _sizes(case, function, operands, self._results)
        self._units = [ulp(size, data.dtype) for size in sizes]
        self._forgiven: np.ndarray | float = 0.0
        if _is_softmax(case):
            x = operands[0] if case.op == "softmax" else -operands[0]
            self._forgiven = x.max(-1, keepdims=True) - x

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
