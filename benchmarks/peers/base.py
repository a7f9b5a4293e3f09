"""What a library's module provides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.cases import Case, Data
from benchmarks.timing import Call


class Candidate(NamedTuple):
    """A call to be timed, and what makes NumPy arrays of what it returns."""

    call: Call
    arrays: Callable[[Any], tuple[np.ndarray, ...]]

    def results(self) -> tuple[np.ndarray, ...]:
        return self.arrays(self.call())


def as_arrays(returned: Any) -> tuple[np.ndarray, ...]:
    """The arrays and numbers in tuples, also within tuples, in their order."""
    if isinstance(returned, (tuple, list)):
        return tuple(array for part in returned for array in as_arrays(part))
    return (np.asarray(returned),)


class Peer(ABC):
    """A library. With a case's out= it writes to the case's array if it can write to any;
    else it is measured as its users must call it."""

    needs: tuple[str, ...] = ()  # packages to import

    def __init__(self, threads: int) -> None:
        self.threads = threads

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def prepare(self, case: Case, data: Data) -> Candidate | None:
        """What to call for `case`, or None if the library lacks the function."""
