"""How often our functions were called, and how a suite's tests ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SHOWN = 20  # failures, of a suite's

calls = 0  # of our functions, since the process began


def ours(function: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
    """A call of ours. A floating-point warning out of it is an error, for it promises none."""
    global calls
    calls += 1
    with np.errstate(all="raise"):
        return function(*operands, **keywords)


class Differs(Exception):
    """Raised in a function's place where a test asks for what ours does not do on purpose: why."""


@dataclass
class Counts:
    """The tests of a suite. Those beside have called no function of ours, and count for nothing."""

    version: str
    passed: int = 0
    beside: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # the name of each, and why
    skipped: Counter[str] = field(default_factory=Counter)  # by their own reasons
    differing: Counter[str] = field(default_factory=Counter)  # by our reasons

    def summary(self, suite: str) -> str:
        differing, skipped = self.differing.total(), self.skipped.total()
        ran = self.passed + len(self.failed) + differing
        lines = [f"  FAILED {name}: {why}" for name, why in [*self.failed.items()][:SHOWN]]
        lines += [f"  FAILED and {len(self.failed) - SHOWN} more"] if len(self.failed) > SHOWN else []
        lines += [f"  differs {number:4}: {reason}" for reason, number in self.differing.most_common()]
        lines += [f"  skipped {number:4}: {reason}" for reason, number in self.skipped.most_common()]
        total = f"{ran} run, {self.passed} passed, {len(self.failed)} failed, {differing} differ"
        return "\n".join(
            [f"{suite} ({self.version}): {total}, {skipped} skipped, {self.beside} without us", *lines]
        )
