"""Functions of ops that Python computes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastact._config import _core


class Method(_core.Function):
    """A function that belongs to an op, and pickles by its name."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(name)
        self._function = function
        self.__doc__, self.__signature__ = function.__doc__, inspect.signature(function)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self._function(*args, **keywords)
