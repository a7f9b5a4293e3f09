"""One process's measurements: a number of threads, the chosen cases, every library in turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmarks import accuracy
from benchmarks.cases import Case, Data
from benchmarks.peers import OURS, Peer
from benchmarks.timing import Times, measure

SHARE = 0.4  # of a case's time that is for measuring, where all of it is limited
SETTLE = 0.004  # seconds; longer than idle threads of OpenMP and of ONNX Runtime spin


@dataclass
class Result:
    """A case's times by library, and each library's worst error (None: not judged)."""

    case: Case
    threads: int
    times: dict[str, Times]
    ulp: dict[str, float | None]
    failed: dict[str, str] = field(default_factory=dict)

    def right(self, peer: str) -> bool:
        """Whether a library counts as right; one not judged does."""
        error = self.ulp.get(peer)
        return error is None or error <= accuracy.RIGHT

    def fastest(self, only_right: bool) -> str | None:
        rivals = [p for p in self.times if p != OURS and (self.right(p) or not only_right)]
        return min(rivals, key=lambda p: self.times[p].best, default=None)

    def ratio(self, peer: str | None) -> float | None:
        """The peer's time over ours: above 1, ours is faster."""
        if peer is None or peer not in self.times:
            return None
        return self.times[peer].best / self.times[OURS].best

    def as_json(self) -> dict[str, Any]:
        right, any_ = self.fastest(True), self.fastest(False)
        libraries = {
            name: {
                **asdict(times),
                "ns_per_element": times.best / self.case.size * 1e9,
                "ulp": self.ulp.get(name),
            }
            for name, times in self.times.items()
        }
        return {
            **asdict(self.case),
            "shape": list(self.case.shape),
            "group": self.case.group,
            "threads": self.threads,
            "libraries": libraries,
            "failed": self.failed,
            "fastest_right": right,
            "ratio_right": self.ratio(right),
            "fastest_any": any_,
            "ratio_any": self.ratio(any_),
        }


class Judge:
    """Worst errors, measured once for each library and function, with out= and without."""

    def __init__(self, peers: dict[str, Peer]) -> None:
        self._peers = peers
        self._known: dict[tuple[Any, ...], float | None] = {}
        self._data: dict[tuple[Any, ...], Data] = {}
        self._exact: dict[tuple[Any, ...], accuracy.Exact] = {}

    def ulp(self, name: str, case: Case) -> float | None:
        key = (name, case.op, case.variant, case.dtype, case.out)
        if key not in self._known:
            judged = accuracy.judged(case)
            place = (judged.dtype, judged.shape)
            if place not in self._data:
                self._data[place] = Data(*place)
            candidate = self._peers[name].prepare(judged, self._data[place])
            with np.errstate(all="ignore"):
                exact = self._exact_of(judged, self._data[place])
                self._known[key] = candidate and exact.worst_ulp(candidate.results())
        return self._known[key]

    def _exact_of(self, judged: Case, data: Data) -> accuracy.Exact:
        key = (judged.op, judged.variant, judged.dtype)
        if key not in self._exact:
            self._exact[key] = accuracy.Exact(judged, data)
        return self._exact[key]


def run_case(
    case: Case, data: Data, peers: dict[str, Peer], judge: Judge, seconds: float, every_round: bool = False
) -> Result:
    """Measure one case. A library that fails at it is left out, and the reason kept."""
    calls, ulp, failed = {}, {}, {}
    for name, peer in peers.items():
        try:
            candidate = peer.prepare(case, data)
            if candidate is None:
                continue
            candidate.call()
            ulp[name] = judge.ulp(name, case)
        except Exception as error:
            if name == OURS:
                raise
            failed[name] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        calls[name] = candidate.call
    threads = peers[OURS].threads
    times = measure(calls, seconds, SETTLE if threads > 1 else 0.0, every_round)
    return Result(case, threads, times, ulp, failed)


def run(cases: list[Case], peers: dict[str, Peer], seconds: float, until: float | None) -> Iterator[Result]:
    """Measure the cases, `seconds` each; or in equal shares of what is left until then
    (of time.time()), giving up the rest if the machine is too slow."""
    judge = Judge(peers)
    data = None
    for k, case in enumerate(cases):
        if until is not None:
            left = until - time.time()
            if left <= 0:
                return
            # Preparing, compiling and judging take most of a share.
            seconds = SHARE * left / (len(cases) - k)
        if data is None or (data.dtype.name, data.shape) != (case.dtype, case.shape):
            data = None  # frees the old arrays before the new ones come
            data = Data(case.dtype, case.shape)
        with np.errstate(all="ignore"):
            yield run_case(case, data, peers, judge, seconds)
