"""What makes CTC of its documented definition and the core's recursions over alignments."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from fastact._arrays import Array, Result, float_array, integer_array, plain_array
from fastact._config import _core
from fastact._losses.base import (
    ONE,
    Layout,
    Loss,
    Shape,
    Wanted,
    check_row_weight,
    checked_weight,
    integer,
    switch,
    upstream,
)


class CtcLoss(Loss):
    """A loss of (steps, sequences, classes) and labels of each sequence, fewer than its steps."""

    _labels = ("targets", "input_lengths", "target_lengths")

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        x, reduction = float_array(operands[0], "log_probs"), options["reduction"]
        terms = _terms(x.shape)
        targets = _integers(operands[1], "targets", "class labels")
        _check_targets(targets.shape, prod(terms))
        lengths = (
            _lengths(operands[2], "input_lengths", terms),
            _lengths(operands[3], "target_lengths", terms),
        )
        scale = upstream(grad_output, terms, reduction)
        weight = checked_weight(options["weight"], check_row_weight, terms)
        sources = [a for a in (x, targets, *lengths, weight, scale) if a is not None and a is not ONE]
        grad = Result(wanted.grad_out, "out", x.shape, x.dtype, sources, x) if wanted.grad else None
        hess = Result(wanted.hess_out, "out[1]", x.shape, x.dtype, sources, None) if wanted.hess else None
        value = np.empty(terms, x.dtype) if wanted.value and reduction == "none" else None
        total = _core.ctc_loss(
            _batched(x),
            targets,
            lengths,
            _blank(options["blank"], x.shape[-1]),
            reduction == "mean",
            switch(options["zero_infinity"], "zero_infinity"),
            switch(options["logits"], "logits"),
            scale,
            weight,
            None if value is None else value.reshape(-1),
            None if grad is None else _batched(grad.array),
            None if hess is None else _batched(hess.array),
            wanted.value and value is None,
        )
        return total if value is None else value, grad and grad.deliver(), hess and hess.deliver()

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes["log_probs"]
        terms = _terms(shape)
        every, sequences = tuple(range(len(shape))), (1,) if terms else ()
        _check_targets(shapes["targets"], prod(terms))
        axes = {"log_probs": every, "targets": (len(every),), "ends": sequences, "total": ()}
        if len(shapes["targets"]) == 2:
            axes["targets"] = (*sequences, len(every))
        for name in self._labels[1:]:
            _check_lengths(shapes[name], name, terms)
            axes[name] = sequences
        if "weight" in shapes:
            check_row_weight(shapes["weight"], terms)
            axes["weight"] = sequences if shapes["weight"] else ()
        return Layout(axes, sequences, joined=True)

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        return float(prod(_terms(shape)))

    def _summed(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        if options["reduction"] != "mean":
            return super()._summed(operands, options, wanted, grad_output)
        # a mean's terms are over their lengths: so it is a mean, times the number of sequences
        sequences = self._denominator(operands[0].shape, None, options)
        grad_output = float_array(grad_output, "grad_output") * np.float64(sequences)
        value, *gradients = self._run(operands, options, wanted, grad_output)
        return None if value is None else value * sequences, *gradients

    def _for_blocks(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Of labels one sequence after another each block gets all, and where its sequences end."""
        arrays = {**arrays, **{name: _indices(arrays[name]) for name in self._labels}}
        targets, lengths = arrays["targets"], arrays["target_lengths"]
        if arrays["log_probs"].ndim == 2:
            flat: dict[str, Shape] = {name: () for name in self._labels[1:] if arrays[name].shape == (1,)}
            flat |= {"targets": (-1,)} if targets.shape[:-1] == (1,) else {}
            return arrays | {name: arrays[name].reshape(shape) for name, shape in flat.items()}
        if targets.ndim == lengths.ndim == 1 and lengths.dtype.kind in "iu":
            arrays |= {"ends": lengths.cumsum(axis=0, dtype=np.int64), "total": lengths.sum(dtype=np.int64)}
        return arrays

    def _of_block(self, arrays: dict[str, Array]) -> dict[str, Array]:
        ends, total = arrays.pop("ends", None), arrays.pop("total", None)
        if ends is None or not len(ends):
            return arrays
        targets, lengths = arrays["targets"], arrays["target_lengths"]
        if ((lengths < 0) | (lengths > len(targets))).any():
            return arrays  # which the core refuses
        if total != len(targets):
            raise ValueError(
                f"target_lengths must add up to the {len(targets)} labels of one-dimensional targets, "
                f"got {total}"
            )
        return arrays | {"targets": targets[ends[0] - int(lengths[0]) : ends[-1]]}


def _batched(array: Array) -> Array:
    return array if array.ndim == 3 else array[:, None]


def _terms(shape: Shape) -> Shape:
    if len(shape) not in (2, 3):
        raise ValueError(f"log_probs must have shape (T, N, C) or (T, C), got {shape}")
    return shape[1:-1]


def _indices(array: Any) -> Any:
    """An empty list is one of floats to NumPy."""
    return array if array.size else array.astype(np.int64)


def _integers(given: Any, name: str, what: str) -> Array:
    array = plain_array(given, name)
    return integer_array(array if array is given else _indices(array), name, what)


def _check_targets(shape: Shape, sequences: int) -> None:
    if len(shape) != 1 and (len(shape) != 2 or shape[0] != sequences):
        raise ValueError(
            f"targets must have shape ({sequences}, S), a row for each sequence, or be one-dimensional, one "
            f"sequence after another, got shape {shape}"
        )


def _lengths(given: Any, name: str, terms: Shape) -> Array:
    lengths = _integers(given, name, "lengths")
    _check_lengths(lengths.shape, name, terms)
    return lengths.reshape(-1)


def _check_lengths(shape: Shape, name: str, terms: Shape) -> None:
    if shape != terms and (terms or shape != (1,)):
        wanted = f"shape {terms}, one for each sequence," if terms else "be one integer"
        raise ValueError(f"{name} must {'have ' if terms else ''}{wanted} got shape {shape}")


def _blank(value: Any, classes: int) -> int:
    blank = integer(value, "blank")
    if not 0 <= blank < classes:
        raise ValueError(f"blank must be in 0..{classes - 1} (the classes of log_probs), got {blank}")
    return blank


def ctc(definition: Callable[..., Any]) -> CtcLoss:
    """Decorate a documented definition."""
    return CtcLoss(definition)
