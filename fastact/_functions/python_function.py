"""Functions that Python computes: of ops, or ops themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastact._config import _core

_REAL_OPERANDS = ("grad_output", "input")  # other operands are checked by the functions themselves


class PythonFunction(_core.Function):
    """A Python function that pickles by name, and whose errors about arguments say which it is."""

    def __init__(
        self, name: str, function: Callable[..., Any], signature: inspect.Signature | None = None
    ) -> None:
        super().__init__(name)
        self._function = function
        self.__doc__, self.__signature__ = function.__doc__, signature or inspect.signature(function)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        try:
            return self._function(*args, **keywords)
        except (TypeError, ValueError) as error:
            _core.explain(self, error, args, keywords, _REAL_OPERANDS)
