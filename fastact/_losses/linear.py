"""Cross entropy of a linear map of its input, in chunks of rows: never are there logits of all rows.

NumPy's matmul makes a chunk's logits in a buffer. The core turns them, in place, into the gradient by
them. Matmul takes that back to the input, and on to the map. The denominator of a mean is known before
the first chunk, and all labels are checked before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from fastact._arrays import Array, OutputBuffer, check_no_overlap, float_array, integer_array, split_out
from fastact._config import _core
from fastact._losses.base import Loss, P
from fastact._losses.class_rows import (
    LABEL_SMOOTHING_RANGE,
    Z_LOSS_RANGE,
    label_weight_sum,
    scale_free_label_weights,
)
from fastact._losses.interface import Layout, Request
from fastact._losses.options import (
    Shape,
    check_class_weight,
    class_weight_array,
    compensated_sum,
    divide_or_zero,
    flat,
    grad_output_array,
    int64,
    needs_rescaling,
    number,
    rescale_weight,
)

# docs/decisions/0020-chunks-of-logits.md
CHUNK_BYTES = 54 << 20  # of logits, of their curvature if that is wanted, and of rows of features
BLOCK_BYTES = 4 << 20  # of linear_weight
MATMUL_TILE_ROWS = 32

_CROSS_ENTROPY = _core.table()["class_loss"]["cross_entropy"]["index"]


class LinearLoss(Loss[P, tuple[Array, ...]]):
    """Cross entropy of the logits input @ linear_weight.T + linear_bias."""

    _array_options = ("linear_bias", "weight")
    _unaligned_operands = ("linear_weight",)

    def __init__(self, definition: Callable[P, Any]) -> None:
        super().__init__(definition)
        self._inputs = ("input", "linear_weight", "linear_bias")

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], request: Request, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        given = _Operands(operands, options)
        loss_shape, reduction = given.x.shape[:-1], options["reduction"]
        scale = grad_output_array(grad_output, loss_shape, reduction)
        sources = [given.x, given.w, given.labels, scale]
        sources += [a for a in (given.bias, given.weight) if a is not None]
        grad = hess = None
        shared = bool(request.shared_inputs)
        if request.grad:
            grad = _Outputs(given, sources, request.grad_out, "out", True, shared)
        if request.hess:
            hess = _Outputs(given, sources, request.hess_out, "out[1]", False, shared)
        if grad and hess:
            check_no_overlap(grad.outs + hess.outs)
        counted_rows = given.counted_rows()
        denominator = self._rescale(given, options) if reduction == "mean" else 1.0
        scale = np.asarray(scale, np.float64)
        scale = flat(np.asarray(divide_or_zero(scale, denominator)))
        value: Any = None
        with np.errstate(all="ignore"):  # of matmul, and of narrow types that a result does not fit
            losses = _Chunks(given, scale).run(counted_rows, request.value, grad, hess)
            if request.value and reduction == "none":
                value = losses.astype(given.x.dtype, copy=False).reshape(loss_shape)
            elif request.value:
                value = divide_or_zero(compensated_sum(losses, losses.size), denominator)
            return value, grad and grad.write_back(), hess and hess.write_back()

    def _rescale(self, given: _Operands, options: dict[str, Any]) -> float:
        """What a mean divides by. Weights that the core's type might not hold are rescaled in `given`."""
        shape = (given.labels.size, given.classes)
        denominator = self._denominator(shape, given.labels, options)
        weights = scale_free_label_weights(given.labels, options)
        if weights is None or given.weight is None or not denominator or not needs_rescaling(denominator):
            return denominator
        given.weight, _ = rescale_weight(given.weight, weights)
        return self._denominator(shape, given.labels, {**options, "weight": given.weight})

    def _scale_free_weights(self, operands: tuple[Any, ...], options: dict[str, Any]) -> Array | None:
        return scale_free_label_weights(operands[2], options)

    def _all_options(self, given: dict[str, Any]) -> dict[str, Any]:
        options = super()._all_options(given)
        if options["ignore_index"] is not None:
            return options
        return {**options, "ignore_index": self._defaults["ignore_index"]}

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        _check_shapes(shapes)
        all_axes = tuple(range(len(shapes["input"])))
        loss_axes, class_axis = all_axes[:-1], len(all_axes)  # the classes' is not one of input
        axes = {"input": all_axes, "linear_weight": (class_axis, all_axes[-1]), "target": loss_axes}
        axes |= {"linear_bias": (class_axis,), "weight": (class_axis,)}
        return Layout(axes, loss_axes, ("target", "weight"), merge_chunks=True, least_length=1)

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        labels, weight = integer_array(target, "target").reshape(-1), options["weight"]
        if weight is None:
            return float(np.count_nonzero(labels != int64(options["ignore_index"], "ignore_index")))
        return label_weight_sum(labels, (labels.size, len(weight)), 1, options)


def _check_shapes(shapes: dict[str, Shape]) -> None:
    """Of the arguments that are arrays, by their names."""
    x, w = shapes["input"], shapes["linear_weight"]
    if not x:
        raise ValueError("input must have an axis of features, got a scalar")
    if len(w) != 2 or w[1] != x[-1]:
        raise ValueError(f"linear_weight must have shape (classes, {x[-1]}) for input of shape {x}, got {w}")
    if shapes["target"] != x[:-1]:
        raise ValueError(
            f"target must be labels of shape {x[:-1]} for input of shape {x}, got shape {shapes['target']}"
        )
    if shapes.get("linear_bias", w[:1]) != w[:1]:
        raise ValueError(f"linear_bias must have shape ({w[0]},), got {shapes['linear_bias']}")
    if "weight" in shapes:
        check_class_weight(shapes["weight"], w[0])


class _Operands:
    """A call's arguments: the input `x`, the linear map's `w` and `bias`, and the `dtype` to compute in."""

    def __init__(self, operands: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.x, self.w = float_array(operands[0], "input"), float_array(operands[1], "linear_weight")
        labels, self.bias = integer_array(operands[2], "target"), options["linear_bias"]
        shapes = {"input": self.x.shape, "linear_weight": self.w.shape, "target": labels.shape}
        if self.bias is not None:
            self.bias = float_array(self.bias, "linear_bias")
            shapes["linear_bias"] = self.bias.shape
        _check_shapes(shapes)
        self.classes, self.features = self.w.shape
        self.labels = labels.flatten()  # a copy: what has been checked stays so if another thread writes
        self.dtype = np.result_type(self.x.dtype, np.float32)
        self.weight = class_weight_array(options["weight"], self.classes)
        self.ignore_index = int64(options["ignore_index"], "ignore_index")
        self.smoothing = number(options["label_smoothing"], "label_smoothing", LABEL_SMOOTHING_RANGE)
        self.z_loss = number(options["z_loss"], "z_loss", Z_LOSS_RANGE)

    def counted_rows(self) -> Array | None:
        """The rows that are not ignored; None: all. Refuses labels that are out of range."""
        t = self.labels
        counted = t != self.ignore_index
        bad = counted & ((t < 0) | (t >= self.classes))
        if bad.any():
            row = int(bad.argmax())
            raise IndexError(
                f"target: label {t[row]} of row {row} is not in 0..{self.classes - 1} (the {self.classes} "
                f"rows of linear_weight) and is not ignore_index={self.ignore_index}"
            )
        return None if counted.all() else np.flatnonzero(counted)

    @cached_property
    def block_buffer(self) -> Array:
        """Of the size of the first block, which is the largest: one for all uses."""
        first = blocks_of(self.classes, self.features, self.dtype.itemsize)[0]
        return np.empty((first.stop, self.features), self.dtype)

    @cached_property
    def mean_w(self) -> Array:
        """The mean of the linear map's rows."""
        total = np.add.reduce(self.w, axis=0, dtype=np.float64)
        mean: Array = (total / max(self.classes, 1)).astype(self.dtype)
        return mean

    def centered_w_blocks(self) -> Iterator[tuple[slice, Array]]:
        """The linear map's rows less their mean. All blocks are in `block_buffer`, one after another."""
        for block in blocks_of(self.classes, self.features, self.dtype.itemsize):
            w = self.block_buffer[: block.stop - block.start]
            yield block, np.subtract(self.w[block], self.mean_w, out=w)

    def w_blocks(self, contiguous_rows: bool = False) -> Iterator[tuple[slice, Array]]:
        """The linear map in `dtype`: whole where it can be used as it is, else in converted blocks of
        classes."""
        flags = self.w.flags
        if (
            self.w.dtype == self.dtype
            and flags.aligned
            and (flags.c_contiguous or (flags.f_contiguous and not contiguous_rows))
        ):
            yield slice(None), self.w
            return
        for block in blocks_of(self.classes, self.features, self.dtype.itemsize):
            yield block, np.require(self.w[block], self.dtype, ("C", "A"))


def blocks_of(classes: int, features: int, itemsize: int) -> list[slice]:
    """Blocks of a linear map that take BLOCK_BYTES or less, or of one class."""
    step = max(1, BLOCK_BYTES // (itemsize * max(features, 1)))
    return [slice(first, min(first + step, classes)) for first in range(0, classes, step)]


def chunk_size(rows: int, width: int, itemsize: int) -> int:
    """How many rows, each of `width` elements, a chunk has: all chunks nearly the same number, of whole
    tiles of matmul."""
    most = max(1, CHUNK_BYTES // (itemsize * max(width, 1)))
    chunks = max(1, -(-rows // most))
    tile = MATMUL_TILE_ROWS if most >= MATMUL_TILE_ROWS else 1
    tiles = max(1, -(-rows // (chunks * tile)))
    return max(1, min(rows, min(tiles, most // tile) * tile))


# ---- outputs ------------------------------------------------------------------------


class _Outputs:
    """Gradients, or Hessian diagonals, by input, linear_weight and linear_bias, while they are added up.

    If the linear map is `shared` with other blocks, those by it stay in the type they are computed in.
    """

    def __init__(
        self, given: _Operands, sources: list[Array], out: Any, name: str, in_place: bool, shared: bool
    ) -> None:
        inputs = [given.x, given.w] + ([] if given.bias is None else [given.bias])
        self.outs = split_out(out, name, len(inputs))
        check_no_overlap(self.outs)
        self.buffers = [
            OutputBuffer(
                array,
                label,
                a.shape,
                given.dtype if shared and k else given.x.dtype,
                sources,
                a if in_place and a is given.x else None,
            )
            for k, ((array, label), a) in enumerate(zip(self.outs, inputs, strict=True))
        ]
        self.given = given
        self.rows = self.buffers[0].array.reshape(given.labels.size, given.features)
        self.sums = [
            b.array if b.array.dtype == given.dtype else np.empty(b.array.shape, given.dtype)
            for b in self.buffers[1:]
        ]
        self.started = False

    def add(self, matrix: Array, x: Array) -> None:
        """Add a chunk to the results by the linear map: matrix.T @ x, and the sum of matrix's rows."""
        if self.started:
            self._add_by_blocks(matrix, x)
        else:
            np.matmul(matrix.T, x, out=self.sums[0])
        for by_bias in self.sums[1:]:
            total = np.ones(len(matrix), matrix.dtype) @ matrix
            by_bias[...] = by_bias + total if self.started else total
        self.started = True

    def _add_by_blocks(self, matrix: Array, x: Array) -> None:
        blocks = blocks_of(self.given.classes, self.given.features, x.itemsize)
        for block in blocks:
            sums = self.sums[0][block]
            sums += np.matmul(matrix[:, block].T, x, out=self.given.block_buffer[: len(sums)])

    def write_back(self) -> tuple[Any, ...]:
        for sums, buffer in zip(self.sums, self.buffers[1:], strict=True):
            if not self.started:
                sums[...] = 0
            if sums is not buffer.array:
                buffer.array[...] = sums
        return tuple(buffer.write_back() for buffer in self.buffers)


# ---- chunks -------------------------------------------------------------------------


class _Chunk(NamedTuple):
    """Some rows: features, logits, labels, the factor of each row's gradient, and a second buffer."""

    x: Array
    logits: Array
    labels: Array
    scale: Array
    scratch: Array


class _Chunks:
    """Rows in chunks, whose logits take turns in one buffer."""

    def __init__(self, given: _Operands, scale: Array) -> None:
        self.given, self.scale = given, scale
        self.x = given.x.reshape(given.labels.size, given.features)

    def run(
        self, counted_rows: Array | None, value: bool, grad: _Outputs | None, hess: _Outputs | None
    ) -> Array:
        """Each row's loss if `value`; adds to gradients and Hessian diagonals."""
        given, count = self.given, len(self.x) if counted_rows is None else len(counted_rows)
        for outputs in (grad, hess):
            if outputs and counted_rows is not None:
                outputs.rows[given.labels == given.ignore_index] = 0
        buffers = 2 if hess else 1
        size = chunk_size(count, buffers * given.classes + 3 * given.features, given.dtype.itemsize)
        logits, scratch = (
            np.empty((size if k < buffers else 0, given.classes), given.dtype) for k in range(2)
        )
        losses = np.zeros(len(self.x) if value else 0, given.dtype)
        for first in range(0, count, size):
            n = min(size, count - first)
            rows = slice(first, first + n) if counted_rows is None else counted_rows[first : first + n]
            # What all rows of the map have in common moves a row's logits alike, and may round them badly, so
            # it is left out for the curvature. Not with z_loss, which counts it; and without curvature the
            # map can be used as it is.
            blocks = given.centered_w_blocks() if hess and not given.z_loss else given.w_blocks()
            chunk = self._chunk(rows, blocks, logits[:n], scratch[:n])
            if hess:
                hess.rows[rows] = self._curvature_by_input(chunk)
            terms = self._differentiate(chunk, value, grad is not None, hess is not None)
            if value:
                losses[rows] = terms
            if hess:
                hess.add(chunk.scratch, chunk.x * chunk.x)
            if grad:
                grad.add(chunk.logits, chunk.x)
                grad.rows[rows] = self._times_w(chunk.logits)  # last: it may overwrite the input
        return losses

    def _chunk(
        self, rows: Any, blocks: Iterator[tuple[slice, Array]], logits: Array, scratch: Array
    ) -> _Chunk:
        given, scale = self.given, self.scale
        x = np.ascontiguousarray(self.x[rows], given.dtype)
        for block, w in blocks:
            np.matmul(x, w.T, out=logits[:, block])
        if given.bias is not None:
            logits += given.bias
        return _Chunk(x, logits, given.labels[rows], scale[rows] if scale.ndim else scale, scratch)

    def _differentiate(self, chunk: _Chunk, value: bool, grad: bool, hess: bool) -> Array | None:
        """The rows' losses. The gradient by the logits takes their place, the curvature the second buffer."""
        given = self.given
        losses = np.empty(len(chunk.x), given.dtype) if value else None
        _core.class_loss(
            _CROSS_ENTROPY,
            chunk.logits,
            chunk.labels,
            False,
            given.weight,
            given.ignore_index,
            given.smoothing,
            given.z_loss,
            chunk.scale,
            False,
            losses,
            chunk.logits if grad else None,
            chunk.scratch if hess else None,
            False,
        )
        return losses

    def _times_w(self, matrix: Array) -> Array:
        """matrix @ linear_weight"""
        total: Array | None = None
        for block, w in self.given.w_blocks():
            product = matrix[:, block] @ w
            total = product if total is None else np.add(total, product, out=total)
        return np.zeros((len(matrix), self.given.features), self.given.dtype) if total is None else total

    def _curvature_by_input(self, chunk: _Chunk) -> Array:
        """Of logits with the Hessian (S + 2 z lse) (diag(p) - p p.T) + 2 z p p.T."""
        given = self.given
        p, lse = _core.softmax(chunk.logits, out=chunk.scratch), _core.logsumexp(chunk.logits)
        weight = np.ones(given.classes) if given.weight is None else given.weight.astype(np.float64)
        total = (1 - given.smoothing) * weight[chunk.labels] + given.smoothing * weight.mean()
        mean, variance = self._moments(p)
        curvature: Array = (total + 2 * given.z_loss * lse)[:, None] * variance + 2 * given.z_loss * mean**2
        curvature *= np.reshape(chunk.scale, (-1, 1))
        return curvature

    def _moments(self, p: Array) -> tuple[Array, Array]:
        """Mean and variance of the linear map's columns under each row of p.

        They are sums of differences from the mean as rounded, which are as small as the columns spread.
        """
        given = self.given
        center = self._times_w(p)
        first, second = np.zeros(center.shape), np.zeros(center.shape)
        for block, w in given.w_blocks(contiguous_rows=True):
            _core.column_moments(p[:, block], w, center, first, second)
        return center + first, np.maximum(second - first**2, 0)


def linear_loss(definition: Callable[P, Any]) -> LinearLoss[P]:
    """Decorate a documented definition."""
    return LinearLoss(definition)
