"""Which targets a loss has a meaning for, and how labels of 0 and 1 are read where it wants -1 and 1.

Integers and bools are held to it, for their extremes are found quickly: one outside raises. They stay
integers, which the core converts piece by piece. Reals are not looked at: they go by the formula, which gives
NaN where it has none. Boosting holds reals to it too, for its libraries have labels as floats only.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple, NoReturn

import numpy as np

from fastact._arrays import Array, as_ndarray, float_array, native_order
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
        """Integers or bools; refuses what is outside."""
        if given.size and (self.low, self.high) != (-inf, inf):
            least, most = _core.extremes_of(given)
            if least < self.low or most > self.high:
                self.check(given, options)
        return given.view(np.uint8) if given.dtype.kind == "b" else given

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
        if not given.size:
            return given.astype(np.int8)
        least, most = _core.extremes_of(given)
        if least < -1 or most > 1:
            self._refuse(given[(given < -1) | (given > 1)].flat[0])
        is_bool = given.dtype.kind == "b"
        has_zero = least == 0 or most == 0 or (least < most and np.count_nonzero(given) < given.size)
        if not is_bool and not has_zero:
            return given
        if not is_bool and not self.zeros:
            self._refuse(0)
        if least < 0:
            self._refuse("-1 and 0")
        return given.astype(np.int8) * np.int8(2) - np.int8(1)

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
    """Targets that are reals, as an array the core takes: those given as integers or bools are checked."""
    array = as_ndarray(given, "target")
    if array.dtype.kind not in "biu":
        return float_array(given, "target")
    return allowed.from_integers(native_order(array), options)


ANY = Targets()
SHARES = Targets("between 0 and 1", 0.0, 1.0)
COUNTS = Targets("at least 0", 0.0)
SIGNS = Signs()
