"""Times of calls, taken in turns so that what else the machine does meets all alike."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

SAMPLE = 400e-6  # seconds a sample should last: long beside the clock's step, short beside a time slice
MIN_ROUNDS, MAX_ROUNDS = 4, 2000
# Who is this many times slower than the fastest joins every fourth round only, once it has
# as many samples as a round of bad luck cannot spoil; never where its own ratio counts.
LAGGARD = 4.0
ENOUGH = 4


class Call:
    """A function and its arguments, which the timing loop spells out: nothing else is paid for."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs

    def __call__(self) -> Any:
        return self.function(*self.args, **self.kwargs)

    def timer(self) -> timeit.Timer:
        names = {f"a{k}": value for k, value in enumerate(self.args)}
        options = {f"k{k}": value for k, value in enumerate(self.kwargs.values())}
        keywords = [f"{name}={k}" for name, k in zip(self.kwargs, options, strict=True)]
        statement = f"f({', '.join([*names, *keywords])})"
        return timeit.Timer(statement, globals={"f": self.function, **names, **options})


@dataclass
class Times:
    """Seconds a call took: the best and the median of `samples` samples."""

    best: float
    median: float
    samples: int


class _Run:
    def __init__(self, call: Call) -> None:
        self._timer = call.timer()
        once = self._timer.timeit(1)
        self.samples = [once] if once > SAMPLE else []
        for _ in range(2):  # the first estimate holds what a first call does once
            self.repeats = max(1, round(SAMPLE / max(once, 1e-9)))
            if self.repeats > 1 or once < 4 * SAMPLE:
                once = self._timer.timeit(self.repeats) / self.repeats

    def sample(self) -> None:
        if self.repeats > 1:
            self._timer.timeit(1)  # the others have had the caches meanwhile
        self.samples.append(self._timer.timeit(self.repeats) / self.repeats)

    def lags(self, fastest: float) -> bool:
        return len(self.samples) >= ENOUGH and self.best > LAGGARD * fastest

    @property
    def best(self) -> float:
        return min(self.samples)


def measure(
    calls: Mapping[str, Call], seconds: float, settle: float = 0.0, every_round: bool = True
) -> dict[str, Times]:
    """Sample all calls in rounds for about `seconds`. Before each sample wait `settle`
    seconds, for thread pools that spin after a call and would take a core from the next.
    All calls should have run once: compiled, their results' pages touched. With
    `every_round` each call joins each round, however slow it is."""
    runs = {name: _Run(call) for name, call in calls.items()}
    deadline = time.perf_counter() + seconds
    for turn in range(MAX_ROUNDS):
        fastest = min((run.best for run in runs.values() if run.samples), default=0.0)
        for run in runs.values():
            if not every_round and turn % 4 and run.lags(fastest):
                continue
            if settle:
                time.sleep(settle)
            run.sample()
        if turn + 1 >= MIN_ROUNDS and time.perf_counter() > deadline:
            break
    return {name: Times(run.best, median(run.samples), len(run.samples)) for name, run in runs.items()}
