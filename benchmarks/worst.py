"""Worst errors of activations and their derivatives, ours and other libraries', on the same
points and by the tests' own rule: tests/support/ulp.py, against the definitions of tests/reference/.

It is for `python -m benchmarks.accuracy_table`, which puts tests/ on the path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
import reference
from support import cases as ops  # of tests/
from support import sweep, ulp

from benchmarks.cases import GATES, SIGMA, Case, Data
from benchmarks.peers import Peer

OF = ops.ORDERS  # "value", "first", "second"
# What a library is asked for. Of gradients only those that come with it: what one would
# write with SciPy says nothing about SciPy.
VARIANTS = ("value", "backward")
WITH_GRADIENTS = ("torch", "jax")
SEED = 20240229


@dataclass
class Worst:
    """A worst error in ulp, its input, the result there and the exact one; and the worst error
    at the ordinary points alone."""

    ulp: float
    at: float
    got: float
    exact: Any
    ordinary: float


@dataclass
class Row:
    """One function of an op in one dtype."""

    op: str
    of: str
    dtype: str
    bound: float
    ours: Worst
    peers: dict[str, Worst] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Points(Data):
    """The points of an op as benchmarks.peers take their data, with incoming gradients of 1.

    First the ordinary ones, `count` normally distributed, then as many hard ones, and in float32
    the sample of the tests; no kinks, where a derivative is whatever was agreed.
    """

    def __init__(self, name: str, dtype: str, count: int) -> None:
        rng, kinks = np.random.default_rng(SEED), np.array(reference.ACTIVATIONS[name].kinks, dtype)
        parts = [rng.normal(size=count) * SIGMA, ops.hard_points(name, count, rng, dtype)]
        if dtype == "float32":
            parts.append(np.concatenate(list(sweep.sample())))
        kept = [x[np.isfinite(x) & ~np.isin(x, kinks)] for x in (part.astype(dtype) for part in parts)]
        self.ordinary = len(kept[0])
        self.x = np.concatenate(kept)
        self.dy = np.ones_like(self.x)
        super().__init__(dtype, (len(self.x) * (2 if name in GATES else 1),))

    def operands(self, case: Case) -> tuple[np.ndarray, ...]:
        """Of a gated unit the points are the gates b, beside as many a = 1."""
        if case.op not in GATES:
            return super().operands(case)
        x = np.concatenate((np.ones_like(self.x), self.x))
        return (x,) if case.variant == "value" else (self.dy, x)


class Truth:
    """One function at the points: in float64 by the proved oracle, for float64 in mpmath."""

    def __init__(self, name: str, order: int, data: Points) -> None:
        entry, p, x = reference.ACTIVATIONS[name], ops.parameters(name, data.dtype), data.x
        self._data, self._near = data, ulp.near(x, entry.roots[order])
        if x.dtype == np.float32:
            self._exact = np.asarray(entry.fast[order](x.astype(np.float64), *p))
        else:
            function = (entry.value, entry.first, entry.second)[order]
            exact_p = [mpmath.mpf(v) for v in p]
            self._exact = np.array([function(mpmath.mpf(v), *exact_p) for v in x.tolist()], object)

    def worst(self, y: np.ndarray) -> Worst:
        """Of equally bad results the one nearest to 0: where it begins."""
        x = self._data.x
        if (y.shape, y.dtype) != (x.shape, x.dtype):
            raise ValueError(f"a result of {y.shape} {y.dtype} for inputs of {x.shape} {x.dtype}")
        error = self._errors(y)
        worst = np.flatnonzero(error == error.max())
        k = worst[np.argmin(np.abs(x[worst]))]
        ordinary = float(error[: self._data.ordinary].max())
        return Worst(float(error[k]), float(x[k]), float(y[k]), self._exact[k], ordinary)

    def _errors(self, y: np.ndarray) -> np.ndarray:
        dtype = self._data.dtype.name
        if self._exact.dtype != object:
            return ulp.errors(y, self._exact, dtype, self._near)
        each = zip(y.tolist(), self._exact, self._near.tolist(), strict=True)
        return np.array([ulp.exact_error(a, f, dtype, near) for a, f, near in each])


def _peer_worst(peer: Peer, case: Case, data: Points, truth: Truth) -> Worst | None:
    candidate = peer.prepare(case, data)
    return candidate and truth.worst(candidate.results()[0][-len(data.x) :])  # of two halves, by b


def measure(names: list[str], count: dict[str, int], peers: dict[str, Peer]) -> Iterator[Row]:
    """Rows for every op, dtype and order; `count` of points in each dtype."""
    for name in names:
        for dtype in count:
            data = Points(name, dtype, count[dtype])
            for order, of in enumerate(OF):
                with np.errstate(all="ignore"):
                    yield _row(name, of, order, data, peers)


def _row(name: str, of: str, order: int, data: Points, peers: dict[str, Peer]) -> Row:
    dtype, truth = data.dtype.name, Truth(name, order, data)
    ours = ops.function(name, order)(data.x, *ops.parameters(name, dtype))
    row = Row(name, of, dtype, ops.ACTIVATIONS[name]["ulp"][dtype][order], truth.worst(ours))
    if order < len(VARIANTS):
        case = Case(name, "activation", VARIANTS[order], dtype, data.shape, out=False)
        for library, peer in peers.items():
            if order and library not in WITH_GRADIENTS:
                continue
            try:
                worst = _peer_worst(peer, case, data, truth)
            except Exception as error:  # each library has its own
                row.failed[library] = f"{type(error).__name__}: {error}".splitlines()[0]
                continue
            if worst is not None:
                row.peers[library] = worst
    return row
