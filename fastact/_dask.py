"""Losses over Dask arrays, block by block and lazily.

Each block's values or gradients come from the loss itself with reduction "none" or
"sum"; what a mean divides by is a lazy sum too. A reduced value is a lazy 0-d array.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from fastact._loss import Loss, Wanted


def run(
    loss: Loss, input: Any, target: Any, options: dict[str, Any], wanted: Wanted, grad_output: Any
) -> tuple[Any, Any, Any]:
    if wanted.grad_out is not None or wanted.hess_out is not None:
        raise TypeError(f"{loss.__name__}: out cannot be used with Dask arrays")
    x, t = da.asarray(input), da.asarray(target)
    axis = options.get("axis")
    if axis is not None:
        _check_unchunked(loss.__name__, x, axis)
    blocks = _Blocks(loss, x, t, options)
    reduction = options["reduction"]
    denominator = blocks.denominator() if reduction == "mean" else None
    upstream = da.asarray(grad_output)
    if denominator is not None:
        upstream = upstream * da.where(
            denominator == 0, 0.0, 1.0 / da.where(denominator == 0, 1.0, denominator)
        )
    value = blocks.value() if wanted.value else None
    if value is not None and reduction != "none":
        value = value.sum(dtype=np.float64)
        value = value if denominator is None else da.where(denominator == 0, 0.0, value / denominator)
    grad = blocks.gradient("grad", upstream) if wanted.grad else None
    hess = blocks.gradient("hess", upstream) if wanted.hess else None
    return value, grad, hess


def _check_unchunked(name: str, x: Any, axis: int) -> None:
    if x.numblocks[axis] > 1:
        raise ValueError(
            f"{name}: input has {x.numblocks[axis]} chunks along class axis {axis}, but a row must lie in "
            f"one: use .rechunk({{{axis}: -1}}) first"
        )


class _Blocks:
    """The loss on aligned blocks of input, target and elementwise weights."""

    def __init__(self, loss: Loss, x: Any, t: Any, options: dict[str, Any]) -> None:
        self.loss, self.x, self.t = loss, x, t
        self.axis = None if options.get("axis") is None else options["axis"] % x.ndim
        # Class weights go whole to every block, elementwise ones with their blocks.
        elementwise = self.axis is None
        self.blocked = {
            name: da.broadcast_to(da.asarray(options[name]), x.shape)
            for name in ("weight", "pos_weight")
            if elementwise and options.get(name) is not None
        }
        self.options = {k: v for k, v in options.items() if k not in (*self.blocked, "reduction")}
        self.weight = None if elementwise else options["weight"]
        self.soft = not elementwise and t.ndim == x.ndim
        if elementwise and t.ndim and t.shape != x.shape:
            raise ValueError(f"target must be a scalar or have the input's shape {x.shape}, got {t.shape}")

    def _indices(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        full = tuple(range(self.x.ndim))
        return full, tuple(k for k in full if k != self.axis)

    def _map(self, function: Any, out: tuple[int, ...], *extra: Any) -> Any:
        full, rows = self._indices()
        target_index = full if self.axis is None or self.soft else rows
        operands: list[Any] = [self.x, full, self.t, target_index if self.t.ndim else ()]
        for array in self.blocked.values():
            operands += [array, full]
        for array, index in extra:
            operands += [array, index]
        dtype = self.x.dtype if self.x.dtype.kind not in "biu" else np.float64
        return da.blockwise(
            partial(function, self.loss, tuple(self.blocked), self.options), out, *operands,
            dtype=dtype, align_arrays=True, concatenate=True, meta=np.empty((0,) * len(out), dtype),
        )  # fmt: skip

    def value(self) -> Any:
        full, rows = self._indices()
        return self._map(_block_value, full if self.axis is None else rows)

    def gradient(self, which: str, upstream: Any) -> Any:
        full, rows = self._indices()
        terms = full if self.axis is None else rows
        return self._map(partial(_block_gradient, which), full, (upstream, terms if upstream.ndim else ()))

    def denominator(self) -> Any:
        """What a mean divides by, as the loss counts it."""
        if self.axis is None:
            weight = self.blocked.get("weight")
            if getattr(self.loss, "_mean_by_weight", False) and weight is not None:
                return weight.sum(dtype=np.float64)
            return da.asarray(float(self.x.size))
        if self.soft:
            return da.asarray(float(self.x.size // max(self.x.shape[self.axis], 1)))
        return self.t.map_blocks(
            _label_weights,
            self.options["ignore_index"],
            self.weight,
            dtype=np.float64,
            meta=np.empty((0,) * self.t.ndim),
        ).sum(dtype=np.float64)


def _label_weights(labels: Any, ignore_index: int, weight: Any) -> Any:
    counted = labels != ignore_index
    if weight is None:
        return counted.astype(np.float64)
    return np.where(counted, np.asarray(weight, np.float64)[np.where(counted, labels, 0)], 0.0)


def _call_options(names: tuple[str, ...], options: dict[str, Any], arrays: tuple[Any, ...]) -> dict[str, Any]:
    return {**options, **dict(zip(names, arrays, strict=True)), "reduction": "none"}


def _block_value(
    loss: Loss, names: tuple[str, ...], options: dict[str, Any], x: Any, t: Any, *arrays: Any
) -> Any:
    return loss(x, t, **_call_options(names, options, arrays))


def _block_gradient(
    which: str, loss: Loss, names: tuple[str, ...], options: dict[str, Any], x: Any, t: Any, *arrays: Any
) -> Any:
    *weights, upstream = arrays
    keywords = _call_options(names, options, tuple(weights))
    _, grad, hess = loss._run(x, t, keywords, Wanted(grad=True, hess=which == "hess"), upstream)
    return grad if which == "grad" else hess
