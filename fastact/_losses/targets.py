"""Which targets a loss has a meaning for, and how labels of 0 and 1 are read where it wants -1 and 1.

Integers and bools are held to it, since they are converted anyway: one outside raises. Reals are not looked
at: they go by the formula, which gives NaN where it has none. Boosting holds reals to it too, for its
libraries have labels as floats only.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple, NoReturn

import numpy as np

from fastact._arrays import Array, as_ndarray, float_array
from fastact._config import _core

Options = dict[str, Any]


class Targets(NamedTuple):
    """Numbers from `low` to `high`, where they do not depend on options: `any_if(options)` tells for which
    of them any number will do, as one bool or an array of them that broadcasts. `wanted` is for people."""

    wanted: str = "a number"
    low: float = -inf
    high: float = inf
    any_if: Callable[[Options], Any] | None = None

    def from_integers(self, given: Array, options: Options) -> Array:
        """float64, of integers or bools; refuses what is outside."""
        target, outside, _, _ = _core.float64_of_integers(given, self.low, self.high)
        if outside:
            self.check(given, options)
        return target

    def from_labels(self, given: Array, options: Options) -> Array:
        """The same of floats, which stay what they are. NaN passes: what it gives is NaN."""
        self.check(given, options)
        return given

    def check(self, given: Array, options: Options) -> None:
        outside = (given < self.low) | (given > self.high)
        if outside.any() and self.any_if is not None:
            outside = outside & ~np.asarray(self.any_if(options))
        if outside.any():
            found = np.broadcast_to(given, outside.shape)[outside][0]
            raise ValueError(f"target must be {self.wanted}, got {found}")


class Signs(NamedTuple):
    """-1 and 1. Bools are read as such; so are 0 and 1, unless a 0 may mean something else: a tie."""

    zeros: bool = True

    def from_integers(self, given: Array, options: Options) -> Array:
        target, outside, has_zero, has_negative = _core.float64_of_integers(given, -1.0, 1.0)
        if given.dtype.kind == "b":
            return 2.0 * target - 1.0
        if outside:
            self._refuse(given[(given < -1) | (given > 1)].flat[0])
        if has_zero and not self.zeros:
            self._refuse(0)
        if has_zero and has_negative:
            self._refuse("-1 and 0")
        return 2.0 * target - 1.0 if has_zero else target

    def from_labels(self, given: Array, options: Options) -> Array:
        known = (given == 1) | (given == -1)
        if known.all():
            return given
        if self.zeros and not (given == -1).any() and (known | (given == 0)).all():
            return 2 * given - 1
        wrong = given[~(known | (given == 0))]
        self._refuse(wrong[0] if wrong.size else "-1 and 0")

    def _refuse(self, found: Any) -> NoReturn:
        also = "; bools and labels 0 and 1 do too" if self.zeros else "; for a tie give weight 0"
        raise ValueError(f"target must be -1 or 1, got {found}{also}")


def real_targets(given: Any, allowed: Targets | Signs, options: Options) -> Array:
    """Targets that are reals, as a float array: those given as integers or bools are checked."""
    array = as_ndarray(given, "target")
    return (
        allowed.from_integers(array, options) if array.dtype.kind in "biu" else float_array(given, "target")
    )


ANY = Targets()
SHARES = Targets("between 0 and 1", 0.0, 1.0)
COUNTS = Targets("at least 0", 0.0)
SIGNS = Signs()
