"""Cross entropy of a linear map of its input, chunk by chunk of rows, without all logits at once.

NumPy's matmul makes a chunk's logits in a buffer, the core's kernels turn them into the gradient by
them in place, and matmul takes that back to the input and on to the map. What a mean divides by is
known before the first chunk, and all labels are checked before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from fastact._arrays import Array, Result, float_array, integer_array
from fastact._config import _core
from fastact._losses.base import (
    Layout,
    Loss,
    Shape,
    Wanted,
    check_apart,
    checked_weight,
    exact_sum,
    flat,
    int64,
    is_far_from_1,
    near_1,
    number,
    over,
    upstream,
)
from fastact._losses.class_rows import (
    SMOOTHING,
    Z_FACTOR,
    check_class_weight,
    counted_weights,
    label_weights,
)

# docs/decisions/0020-chunks-of-logits.md
CHUNK_BYTES = 54 << 20  # of logits, of their curvature if that is wanted, and of rows of features
BLOCK_BYTES = 4 << 20  # of linear_weight
ROWS_OF_A_TILE = 32


class LinearLoss(Loss):
    """Cross entropy of the logits input @ linear_weight.T + linear_bias."""

    _array_options = ("linear_bias", "weight")

    def __init__(self, definition: Callable[..., Any]) -> None:
        super().__init__(definition)
        self._inputs = ("input", "linear_weight", "linear_bias")

    def _compute(
        self, operands: tuple[Any, ...], options: dict[str, Any], wanted: Wanted, grad_output: Any
    ) -> tuple[Any, Any, Any]:
        given = _Operands(operands, options)
        terms, reduction = given.x.shape[:-1], options["reduction"]
        scale = upstream(grad_output, terms, reduction)
        sources = [given.x, given.w, given.labels, scale]
        sources += [a for a in (given.bias, given.weight) if a is not None]
        grad = hess = None
        if wanted.grad:
            grad = _Gradients(given, sources, wanted.grad_out, "out", True, bool(wanted.parts))
        if wanted.hess:
            hess = _Gradients(given, sources, wanted.hess_out, "out[1]", False, bool(wanted.parts))
        if grad and hess:
            check_apart(grad.outputs + hess.outputs)
        live = given.live()
        denominator = self._divided(given, options) if reduction == "mean" else 1.0
        scale = np.asarray(scale, np.float64)
        scale = flat(np.asarray(over(scale, denominator)))
        value: Any = None
        with np.errstate(all="ignore"):  # of matmul, and of narrow types that a result does not fit
            losses = _Chunks(given, scale).run(live, wanted.value, grad, hess)
            if wanted.value and reduction == "none":
                value = losses.astype(given.x.dtype, copy=False).reshape(terms)
            elif wanted.value:
                value = over(exact_sum(losses, losses.size), denominator)
            return value, grad and grad.deliver(), hess and hess.deliver()

    def _divided(self, given: _Operands, options: dict[str, Any]) -> float:
        """What a mean divides by; weights that the kernels' type might not hold are brought near 1."""
        shape = (given.labels.size, given.classes)
        denominator = self._denominator(shape, given.labels, options)
        counted = counted_weights(given.labels, options)
        if counted is None or given.weight is None or not denominator or not is_far_from_1(denominator):
            return denominator
        given.weight, _ = near_1(given.weight, counted)
        return self._denominator(shape, given.labels, {**options, "weight": given.weight})

    def _counted_weights(self, operands: tuple[Any, ...], options: dict[str, Any]) -> Array | None:
        return counted_weights(operands[2], options)

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        options = super()._options(given)
        if options["ignore_index"] is not None:
            return options
        return {**options, "ignore_index": self._defaults["ignore_index"]}

    def _layout(self, shapes: dict[str, Shape], options: dict[str, Any]) -> Layout:
        _check_shapes(shapes)
        every = tuple(range(len(shapes["input"])))
        terms, classes = every[:-1], (len(every),)
        axes = {"input": every, "linear_weight": (*classes, every[-1]), "target": terms}
        axes |= {"linear_bias": classes, "weight": classes}
        return Layout(axes, terms, ("target", "weight"), joined=True, least=1)

    def _denominator(self, shape: Shape, target: Any, options: dict[str, Any]) -> float:
        labels, weight = integer_array(target, "target").reshape(-1), options["weight"]
        if weight is None:
            return float(np.count_nonzero(labels != int64(options["ignore_index"], "ignore_index")))
        return label_weights(labels, (labels.size, len(weight)), 1, options)


def _check_shapes(shapes: dict[str, Shape]) -> None:
    """Of the arrays that there are, by their names."""
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
    """A call's arrays: `x` as given, `rows` of it, `w` and `bias` of the linear map, and their types."""

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
        self.dtype = np.result_type(self.x.dtype, np.float32)  # which all is computed in
        self.weight = checked_weight(options["weight"], check_class_weight, self.classes)
        self.ignored = int64(options["ignore_index"], "ignore_index")
        self.smoothing = number(options["label_smoothing"], "label_smoothing", SMOOTHING)
        self.z = number(options["z_loss"], "z_loss", Z_FACTOR)

    def live(self) -> Array | None:
        """The rows that count; None: all. Refuses labels that are out of range."""
        t = self.labels
        live = t != self.ignored
        bad = live & ((t < 0) | (t >= self.classes))
        if bad.any():
            row = int(bad.argmax())
            raise IndexError(
                f"target: label {t[row]} of row {row} is not in 0..{self.classes - 1} (the {self.classes} "
                f"rows of linear_weight) and is not ignore_index={self.ignored}"
            )
        return None if live.all() else np.flatnonzero(live)

    @cached_property
    def spare_block(self) -> Array:
        """Of the size of the first block, which is the largest: one for all uses."""
        first = blocks_of(self.classes, self.features, self.dtype.itemsize)[0]
        return np.empty((first.stop, self.features), self.dtype)

    @cached_property
    def centre(self) -> Array:
        """The mean of the linear map's rows."""
        total = np.add.reduce(self.w, axis=0, dtype=np.float64)
        centre: Array = (total / max(self.classes, 1)).astype(self.dtype)
        return centre

    def centred_blocks(self) -> Iterator[tuple[slice, Array]]:
        """The linear map's rows less `centre`, each block in place of the last one."""
        for block in blocks_of(self.classes, self.features, self.dtype.itemsize):
            w = self.spare_block[: block.stop - block.start]
            yield block, np.subtract(self.w[block], self.centre, out=w)

    def blocks(self, by_rows: bool = False) -> Iterator[tuple[slice, Array]]:
        """The linear map in the type all is computed in: whole, or in blocks of classes if it has to be
        converted or copied, as it has if rows are to be contiguous and are not."""
        flags = self.w.flags
        if (
            self.w.dtype == self.dtype
            and flags.aligned
            and (flags.c_contiguous or (flags.f_contiguous and not by_rows))
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
    """How many rows of so many elements a chunk has: all chunks nearly the same number, of whole
    tiles of matmul."""
    most = max(1, CHUNK_BYTES // (itemsize * max(width, 1)))
    chunks = max(1, -(-rows // most))
    tile = ROWS_OF_A_TILE if most >= ROWS_OF_A_TILE else 1
    tiles = max(1, -(-rows // (chunks * tile)))
    return max(1, min(rows, min(tiles, most // tile) * tile))


# ---- results ------------------------------------------------------------------------


class _Gradients:
    """Gradients, or Hessian diagonals, by input, linear_weight and linear_bias, being added up; if they are
    parts of those by the latter two, these are left in the type that they are computed in."""

    def __init__(
        self, given: _Operands, sources: list[Array], out: Any, name: str, in_place: bool, parts: bool
    ) -> None:
        inputs = [given.x, given.w] + ([] if given.bias is None else [given.bias])
        if out is not None and not (isinstance(out, tuple) and len(out) == len(inputs)):
            raise TypeError(f"{name} must be a tuple of {len(inputs)} arrays, one for each input")
        outs = [None] * len(inputs) if out is None else out
        self.outputs = [(array, f"{name}[{k}]") for k, array in enumerate(outs)]
        check_apart(self.outputs)
        self.results = [
            Result(
                array,
                label,
                a.shape,
                given.dtype if parts and k else given.x.dtype,
                sources,
                a if in_place and a is given.x else None,
            )
            for k, ((array, label), a) in enumerate(zip(self.outputs, inputs, strict=True))
        ]
        self.given = given
        self.rows = self.results[0].array.reshape(given.labels.size, given.features)
        self.sums = [
            r.array if r.array.dtype == given.dtype else np.empty(r.array.shape, given.dtype)
            for r in self.results[1:]
        ]
        self.started = False

    def add(self, matrix: Array, x: Array) -> None:
        """To the sums by the linear map, those over a chunk's rows: of matrix.T @ x, and of the matrix."""
        if self.started:
            self._add_to_map(matrix, x)
        else:
            np.matmul(matrix.T, x, out=self.sums[0])
        for by_bias in self.sums[1:]:
            total = np.ones(len(matrix), matrix.dtype) @ matrix
            by_bias[...] = by_bias + total if self.started else total
        self.started = True

    def _add_to_map(self, matrix: Array, x: Array) -> None:
        blocks = blocks_of(self.given.classes, self.given.features, x.itemsize)
        for block in blocks:
            sums = self.sums[0][block]
            sums += np.matmul(matrix[:, block].T, x, out=self.given.spare_block[: len(sums)])

    def deliver(self) -> tuple[Any, ...]:
        for sums, result in zip(self.sums, self.results[1:], strict=True):
            if not self.started:
                sums[...] = 0
            if sums is not result.array:
                result.array[...] = sums
        return tuple(result.deliver() for result in self.results)


class _Chunk(NamedTuple):
    """Of some rows: features, logits, labels, the factor of each row's gradient, and a second buffer."""

    x: Array
    logits: Array
    labels: Array
    scale: Array
    spare: Array


class _Chunks:
    """Rows in chunks, whose logits take turns in one buffer."""

    def __init__(self, given: _Operands, scale: Array) -> None:
        self.given, self.scale = given, scale
        self.x = given.x.reshape(given.labels.size, given.features)

    def run(self, live: Array | None, value: bool, grad: _Gradients | None, hess: _Gradients | None) -> Array:
        """Each row's loss if `value`; adds to gradients and Hessian diagonals."""
        given, count = self.given, len(self.x) if live is None else len(live)
        for result in (grad, hess):
            if result and live is not None:
                result.rows[given.labels == given.ignored] = 0
        buffers = 2 if hess else 1
        size = chunk_size(count, buffers * given.classes + 3 * given.features, given.dtype.itemsize)
        logits, spare = (np.empty((size if k < buffers else 0, given.classes), given.dtype) for k in range(2))
        losses = np.zeros(len(self.x) if value else 0, given.dtype)
        for first in range(0, count, size):
            n = min(size, count - first)
            rows = slice(first, first + n) if live is None else live[first : first + n]
            # a part that all of the map's rows share moves a row's logits alike, and may round them badly;
            # but z_loss counts it, and without curvature the map can be used as it is
            blocks = given.centred_blocks() if hess and not given.z else given.blocks()
            chunk = self._chunk(rows, blocks, logits[:n], spare[:n])
            if hess:
                hess.rows[rows] = self._curvature_by_input(chunk)
            terms = self._differentiate(chunk, value, grad is not None, hess is not None)
            if value:
                losses[rows] = terms
            if hess:
                hess.add(chunk.spare, chunk.x * chunk.x)
            if grad:
                grad.add(chunk.logits, chunk.x)
                grad.rows[rows] = self._through_map(chunk.logits)  # last: it may overwrite the input
        return losses

    def _chunk(self, rows: Any, blocks: Iterator[tuple[slice, Array]], logits: Array, spare: Array) -> _Chunk:
        given, scale = self.given, self.scale
        x = np.ascontiguousarray(self.x[rows], given.dtype)
        for block, w in blocks:
            np.matmul(x, w.T, out=logits[:, block])
        if given.bias is not None:
            logits += given.bias
        return _Chunk(x, logits, given.labels[rows], scale[rows] if scale.ndim else scale, spare)

    def _differentiate(self, chunk: _Chunk, value: bool, grad: bool, hess: bool) -> Array | None:
        """The rows' losses; the gradient by the logits in their place, the curvature to the other buffer."""
        given = self.given
        losses = np.empty(len(chunk.x), given.dtype) if value else None
        _core.row_loss(
            True,
            chunk.logits,
            chunk.labels,
            False,
            given.weight,
            given.ignored,
            given.smoothing,
            given.z,
            chunk.scale,
            False,
            losses,
            chunk.logits if grad else None,
            chunk.spare if hess else None,
            False,
        )
        return losses

    def _through_map(self, matrix: Array) -> Array:
        """matrix @ linear_weight"""
        total: Array | None = None
        for block, w in self.given.blocks():
            product = matrix[:, block] @ w
            total = product if total is None else np.add(total, product, out=total)
        return np.zeros((len(matrix), self.given.features), self.given.dtype) if total is None else total

    def _curvature_by_input(self, chunk: _Chunk) -> Array:
        """Of logits with the Hessian (S + 2 z lse) (diag(p) - p p.T) + 2 z p p.T."""
        given = self.given
        p, lse = _core.softmax(chunk.logits, out=chunk.spare), _core.logsumexp(chunk.logits)
        weight = np.ones(given.classes) if given.weight is None else given.weight.astype(np.float64)
        total = (1 - given.smoothing) * weight[chunk.labels] + given.smoothing * weight.mean()
        mean, variance = self._moments(p)
        curvature: Array = (total + 2 * given.z * lse)[:, None] * variance + 2 * given.z * mean**2
        curvature *= np.reshape(chunk.scale, (-1, 1))
        return curvature

    def _moments(self, p: Array) -> tuple[Array, Array]:
        """Mean and variance of the linear map's columns under each row of p: of distances from a mean as
        rounded, which are as small as the columns spread."""
        given = self.given
        about = self._through_map(p)
        first, second = np.zeros(about.shape), np.zeros(about.shape)
        for block, w in given.blocks(by_rows=True):
            _core.column_spread(p[:, block], w, about, first, second)
        return about + first, np.maximum(second - first**2, 0)


def linear_loss(definition: Callable[..., Any]) -> LinearLoss:
    """Decorate a documented definition."""
    return LinearLoss(definition)
