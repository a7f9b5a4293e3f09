"""The ops as one writes them with NumPy (`xp` is numpy or jax.numpy), and references.

A formula takes the operands of `cases.Data.operands`, then the op's `parameters`. The
reference of an op is its formula in extended precision, or where that still cancels, a
stable form of it. An activation without a formula here is judged by the tests' definition.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import REQUIRED
from benchmarks.formulas import activations, float64_rows, losses, rows
from benchmarks.formulas.activations import Formula, Key
from benchmarks.formulas.stable import SELU, STABLE

__all__ = ["FORMULAS", "parameters", "reference"]

FORMULAS: dict[Key, Formula] = {
    **activations.FORMULAS,
    **rows.FORMULAS,
    **losses.FORMULAS,
    **float64_rows.FORMULAS,
}

# What formulas take besides arrays: an op's parameters. Those whose default changes
# nothing, as alpha = 1, are left out of the formulas.
PARAMETERS: dict[str, tuple[float, ...]] = {
    **REQUIRED,
    "identity": (1.0,),
    "leaky_relu": (0.01,),
    "hardtanh": (-1.0, 1.0),
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "squareplus": (4.0,),
    "swish": (1.0,),
}
# Or constants of its definition, which no type holds.
CONSTANTS: dict[str, tuple[str, ...]] = {
    "selu": SELU,
    "quick_gelu": ("1.702",),
}


def parameters(op: str, dtype: np.dtype) -> tuple[Any, ...]:
    """The op's parameters as libraries compute with them, rounded to the arrays' dtype."""
    return tuple(dtype.type(value) for value in PARAMETERS.get(op) or CONSTANTS.get(op, ()))


def reference(op: str, variant: str, dtype: np.dtype) -> Callable[..., Any] | None:
    """The op on longdouble operands, or None if no formula of it is known."""
    formula = FORMULAS.get((op, variant))
    function = STABLE.get((op, variant)) or (formula and partial(formula, np))
    if function is None:
        return _definition(op, variant)
    exact = [np.longdouble(value) for value in CONSTANTS.get(op) or parameters(op, dtype)]
    return lambda *operands: function(*operands, *exact)


def _definition(op: str, variant: str) -> Callable[..., Any] | None:
    """The activation as tests/reference/ defines it in float64, so that a new one needs no
    formula to be measured."""
    sys.path.append(str(Path(__file__).parents[2] / "tests"))
    try:
        import reference as definitions
    except ImportError:  # the tests' requirements are not installed
        return None
    finally:
        sys.path.pop()
    entry = definitions.ACTIVATIONS.get(op)
    if entry is None or entry.splits:
        return None
    (value, first, _), p = entry.fast, entry.parameters
    return {
        "value": lambda x: value(x, *p),
        "backward": lambda dy, x: dy * first(x, *p),
        "backward_from_output": lambda dy, y: dy * entry.fast_from_output(y, *p),
    }[variant]
