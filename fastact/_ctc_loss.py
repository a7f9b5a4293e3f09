"""What makes CTC of its documented definition and the core's recursions over alignments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from fastact._arrays import Array, Result, float_array, integer_array
from fastact._config import _core
from fastact._loss import ONE, Layout, Loss, Shape, Wanted, upstream


class CtcLoss(Loss):
    """A loss of (steps, sequences, classes) and labels of each sequence, fewer than its steps."""

    _array_options = ()

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        x, reduction = float_array(operands[0], "log_probs"), options["reduction"]
        if x.ndim not in (2, 3):
            raise ValueError(f"log_probs must have shape (T, N, C) or (T, C), got {x.shape}")
        terms = x.shape[1:-1]
        sequences = terms[0] if terms else 1
        targets = _targets(operands[1], sequences)
        lengths = (
            _lengths(operands[2], "input_lengths", terms),
            _lengths(operands[3], "target_lengths", terms),
        )
        scale = upstream(grad_output, terms, reduction)
        sources = [a for a in (x, targets, *lengths, scale) if a is not ONE]
        grad = Result(wanted.grad_out, "out", x.shape, x.dtype, sources, x) if wanted.grad else None
        hess = Result(wanted.hess_out, "out[1]", x.shape, x.dtype, sources, None) if wanted.hess else None
        value = np.empty(terms, x.dtype) if wanted.value and reduction == "none" else None
        total = _core.ctc_loss(
            _batched(x),
            targets,
            lengths,
            _blank(options["blank"], x.shape[-1]),
            reduction == "mean",
            _switch(options["zero_infinity"], "zero_infinity"),
            _switch(options["logits"], "logits"),
            scale,
            None if value is None else value.reshape(-1),
            None if grad is None else _batched(grad.array),
            None if hess is None else _batched(hess.array),
            wanted.value and value is None,
        )
        return total if value is None else value, grad and grad.deliver(), hess and hess.deliver()

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        raise TypeError(
            f"{self.__name__} takes no Dask arrays: labels do not lie along the input's axes. Call it by "
            "dask.delayed for some sequences at a time, or .compute() its arguments first"
        )

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> NoReturn:
        raise NotImplementedError  # there are no blocks


def _batched(array: Array) -> Array:
    return array if array.ndim == 3 else array[:, None]


def _integers(given: Any, name: str) -> Array:
    array = np.asarray(given)
    if not array.size and not isinstance(given, np.ndarray):
        array = array.astype(np.int64)  # an empty list is one of floats to NumPy
    return integer_array(array, name)


def _targets(given: Any, sequences: int) -> Array:
    targets = _integers(given, "targets")
    if targets.ndim == 1 or (targets.ndim == 2 and len(targets) == sequences):
        return targets
    raise ValueError(
        f"targets must have shape ({sequences}, S), a row for each sequence, or be one-dimensional, one "
        f"sequence after another, got shape {targets.shape}"
    )


def _lengths(given: Any, name: str, terms: Shape) -> Array:
    lengths = _integers(given, name)
    if lengths.shape == terms or (not terms and lengths.shape == (1,)):
        return lengths.reshape(-1)
    wanted = f"shape {terms}, one for each sequence," if terms else "be one integer"
    raise ValueError(f"{name} must {'have ' if terms else ''}{wanted} got shape {lengths.shape}")


def _blank(value: Any, classes: int) -> int:
    if type(value) is not int and (isinstance(value, bool) or not hasattr(value, "__index__")):
        raise TypeError(f"blank must be an integer, got {value!r}")
    if not 0 <= int(value) < classes:
        raise ValueError(f"blank must be in 0..{classes - 1} (the classes of log_probs), got {int(value)}")
    return int(value)


def _switch(value: Any, name: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def ctc(definition: Callable[..., Any]) -> CtcLoss:
    """Decorate a documented definition."""
    return CtcLoss(definition)
