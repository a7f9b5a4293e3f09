"""Losses of sequences and their labels: connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from fastact._arrays import Array, OutputBuffer, as_ndarray, float_array, integer_array
from fastact._config import _core
from fastact._losses.base import Loss, P
from fastact._losses.interface import Layout, Request
from fastact._losses.options import (
    ONE,
    Shape,
    boolean,
    check_row_weight,
    grad_output_array,
    integer,
    weight_array,
)


class CtcLoss(Loss[P, Array]):
    """A loss of log-probabilities (steps, sequences, classes) and the labels of each sequence."""

    _integer_operands = ("targets", "input_lengths", "target_lengths")

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        x, reduction = float_array(operands[0], "log_probs"), options["reduction"]
        loss_shape = _loss_shape(x.shape)
        targets = _integers(operands[1], "targets", "class labels")
        _check_targets(targets.shape, prod(loss_shape))
        lengths = (
            _lengths(operands[2], "input_lengths", loss_shape),
            _lengths(operands[3], "target_lengths", loss_shape),
        )
        scale = grad_output_array(grad_output, loss_shape, reduction)
        weight = weight_array(options["weight"], check_row_weight, loss_shape)
        sources = [a for a in (x, targets, *lengths, weight, scale) if a is not None and a is not ONE]
        shape, dtype = x.shape, x.dtype
        grad = OutputBuffer(request.grad_out, "out", shape, dtype, sources, x) if request.grad else None
        hess = OutputBuffer(request.hess_out, "out[1]", shape, dtype, sources, None) if request.hess else None
        value = np.empty(loss_shape, dtype) if request.value and reduction == "none" else None
        total = _core.ctc_loss(
            _with_batch_axis(x),
            targets,
            lengths,
            _blank(options["blank"], shape[-1]),
            reduction == "mean",
            boolean(options["zero_infinity"], "zero_infinity"),
            boolean(options["logits"], "logits"),
            scale,
            weight,
            None if value is None else value.reshape(-1),
            None if grad is None else _with_batch_axis(grad.array),
            None if hess is None else _with_batch_axis(hess.array),
            request.value and value is None,
        )
        return total if value is None else value, grad and grad.write_back(), hess and hess.write_back()

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        shape = shapes["log_probs"]
        loss_shape = _loss_shape(shape)
        all_axes, sequences = tuple(range(len(shape))), (1,) if loss_shape else ()
        label_axis = len(all_axes)  # not one of log_probs
        _check_targets(shapes["targets"], prod(loss_shape))
        axes = {"log_probs": all_axes, "targets": (label_axis,), "ends": sequences, "total": ()}
        one_row = (
            len(shapes["targets"]) == 2 and not sequences
        )  # of a row that may have room behind the labels
        if len(shapes["targets"]) == 2:
            axes["targets"] = (label_axis + 1 if one_row else 1, label_axis)
        for name in ("input_lengths", "target_lengths"):
            _check_lengths(shapes[name], name, loss_shape)
            axes[name] = sequences
        if "weight" in shapes:
            check_row_weight(shapes["weight"], loss_shape)
            axes["weight"] = sequences if shapes["weight"] else ()
        return Layout(axes, sequences, merge_chunks=True, least_length=int(one_row))

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        return float(prod(_loss_shape(shape)))

    def _block_sum(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        if options["reduction"] != "mean":
            return super()._block_sum(operands, options, request, grad_output)
        # "mean" divides each term by its target length, which "sum" does not: so it is a block's mean, times
        # the block's number of sequences
        sequences = self._denominator(operands[0].shape, None, options)
        grad_output = float_array(grad_output, "grad_output") * np.float64(sequences)
        value, *gradients = self._run(operands, options, request, grad_output)
        return None if value is None else value * sequences, *gradients

    def _before_chunking(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Of labels one sequence after another each block gets all, and where its sequences end."""
        arrays = {**arrays, **{name: _as_integers(arrays[name]) for name in self._integer_operands}}
        targets, lengths = arrays["targets"], arrays["target_lengths"]
        if arrays["log_probs"].ndim == 2:
            scalars = [n for n in ("input_lengths", "target_lengths") if arrays[n].shape == (1,)]
            return arrays | {name: arrays[name].reshape(()) for name in scalars}
        if targets.ndim == lengths.ndim == 1 and lengths.dtype.kind in "iu":
            arrays |= {"ends": lengths.cumsum(axis=0, dtype=np.int64), "total": lengths.sum(dtype=np.int64)}
        return arrays

    def _of_block(self, arrays: dict[str, Array]) -> dict[str, Array]:
        ends, total = arrays.pop("ends", None), arrays.pop("total", None)
        if ends is None or not len(ends):
            return arrays
        targets, lengths = arrays["targets"], arrays["target_lengths"]
        if ((lengths < 0) | (lengths > len(targets))).any():
            return arrays  # the core refuses them
        if total != len(targets):
            raise ValueError(
                f"target_lengths must add up to the {len(targets)} labels of one-dimensional targets, "
                f"got {total}"
            )
        return arrays | {"targets": targets[ends[0] - int(lengths[0]) : ends[-1]]}


def _with_batch_axis(array: Array) -> Array:
    return array if array.ndim == 3 else array[:, None]


def _loss_shape(shape: Shape) -> Shape:
    if len(shape) not in (2, 3):
        raise ValueError(f"log_probs must have shape (T, N, C) or (T, C), got {shape}")
    return shape[1:-1]


def _as_integers(array: Any) -> Any:
    """An empty list is one of floats to NumPy."""
    return array if array.size else array.astype(np.int64)


def _integers(given: Any, name: str, what: str) -> Array:
    array = as_ndarray(given, name)
    return integer_array(array if array is given else _as_integers(array), name, what)


def _check_targets(shape: Shape, sequences: int) -> None:
    if len(shape) != 1 and (len(shape) != 2 or shape[0] != sequences):
        raise ValueError(
            f"targets must have shape ({sequences}, S), a row for each sequence, or be one-dimensional, one "
            f"sequence after another, got shape {shape}"
        )


def _lengths(given: Any, name: str, loss_shape: Shape) -> Array:
    lengths = _integers(given, name, "lengths")
    _check_lengths(lengths.shape, name, loss_shape)
    return lengths.reshape(-1)


def _check_lengths(shape: Shape, name: str, loss_shape: Shape) -> None:
    if shape != loss_shape and (loss_shape or shape != (1,)):
        wanted = f"shape {loss_shape}, one for each sequence," if loss_shape else "be one integer"
        raise ValueError(f"{name} must {'have ' if loss_shape else ''}{wanted} got shape {shape}")


def _blank(value: Any, classes: int) -> int:
    blank = integer(value, "blank")
    if not 0 <= blank < classes:
        raise ValueError(f"blank must be in 0..{classes - 1} (the classes of log_probs), got {blank}")
    return blank


def sequence_loss(definition: Callable[P, Any]) -> CtcLoss[P]:
    """Decorate a documented definition."""
    return CtcLoss(definition)
