"""thinc's tests of its activations and their gradients, and of its layers, with ours behind its names.

Its `inplace=True` is our `out=`. hard_sigmoid has slope 0.2 there, so it and clipped_linear are our hardtanh
of a line; hard_swish of that slope, dish, and softmax of sequences within one array have no counterpart and
stay thinc's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from counts import Counts, ours
from under_pytest import Table
from under_pytest import run as run_pytest

import fastact as fa

DIFFERENCES: Table = {}


def _forward(op: Any, **options: Any) -> Any:
    def forward(self: Any, X: Any, inplace: bool = False) -> Any:
        return ours(op, X, **options, out=X if inplace else None)

    return forward


def _backward(op: Any, **options: Any) -> Any:
    def backward(self: Any, dY: Any, X: Any, inplace: bool = False) -> Any:
        return ours(op.backward, dY, X, **options, out=dY if inplace else None)

    return backward


class Ops:
    """The methods of thinc's `Ops` that ours replace."""

    def sigmoid(self, X: Any, *, inplace: bool = False) -> Any:
        return ours(fa.sigmoid, X, out=X if inplace else None)

    def backprop_sigmoid(self, dY: Any, Y: Any, *, inplace: bool = False) -> Any:
        return ours(fa.sigmoid.backward_from_output, dY, Y, out=dY if inplace else None)

    def relu(self, X: Any, inplace: bool = False) -> Any:
        return ours(fa.relu, X, out=X if inplace else None)

    def backprop_relu(self, dY: Any, Y: Any, inplace: bool = False) -> Any:
        return ours(fa.relu.backward_from_output, dY, Y, out=dY if inplace else None)

    def softmax(self, x: Any, *, inplace: bool = False, axis: int = -1, temperature: float = 1.0) -> Any:
        scaled = x if temperature == 1.0 else x / temperature
        return ours(fa.softmax, scaled, axis=axis, out=x if inplace else None)

    def backprop_softmax(self, Y: Any, dY: Any, *, axis: int = -1, temperature: float = 1.0) -> Any:
        scaled = dY if temperature == 1.0 else dY / temperature
        return ours(fa.softmax.backward_from_output, scaled, Y, axis=axis)

    def clipped_linear(
        self,
        X: Any,
        slope: float = 1.0,
        offset: float = 0.0,
        min_val: float = 0.0,
        max_val: float = 1.0,
        inplace: bool = False,
    ) -> Any:
        line = X if (slope, offset) == (1.0, 0.0) else X * X.dtype.type(slope) + X.dtype.type(offset)
        return ours(fa.hardtanh, line, min_val, max_val, out=X if inplace else None)

    def backprop_clipped_linear(
        self,
        dY: Any,
        X: Any,
        slope: float = 1.0,
        offset: float = 0.0,
        min_val: float = 0.0,
        max_val: float = 1.0,
        inplace: bool = False,
    ) -> Any:
        line = X * X.dtype.type(slope) + X.dtype.type(offset)
        result = ours(fa.hardtanh.backward, dY, line, min_val, max_val, out=dY if inplace else None)
        return np.multiply(result, X.dtype.type(slope), out=result)

    def mish(self, X: Any, threshold: float = 20.0, inplace: bool = False) -> Any:
        return ours(fa.mish, X, out=X if inplace else None)

    def backprop_mish(self, dY: Any, X: Any, threshold: float = 20.0, inplace: bool = False) -> Any:
        return ours(fa.mish.backward, dY, X, out=dY if inplace else None)

    def backprop_swish(self, dY: Any, X: Any, Y: Any, inplace: bool = False) -> Any:
        if Y.shape != X.shape:  # ours needs no Y
            raise ValueError(f"arrays have incompatible shapes: {Y.shape} and {X.shape}")
        return ours(fa.silu.backward, dY, X, out=dY if inplace else None)

    swish = _forward(fa.silu)
    hard_swish_mobilenet, backprop_hard_swish_mobilenet = _forward(fa.hardswish), _backward(fa.hardswish)
    hard_tanh, backprop_hard_tanh = _forward(fa.hardtanh), _backward(fa.hardtanh)
    gelu, backprop_gelu = _forward(fa.gelu), _backward(fa.gelu)
    gelu_approx = _forward(fa.gelu, approximate="tanh")
    backprop_gelu_approx = _backward(fa.gelu, approximate="tanh")


def _float(number: Any) -> float:
    """Their tests take float() of arrays of one element, which NumPy 2.4 and later refuse."""
    return float(number.item() if isinstance(number, np.ndarray) else number)


def _replace(modules: Sequence[Any]) -> None:
    for module in modules:
        module.float = _float


def run(words: str) -> Counts:
    import thinc
    from thinc.backends import numpy_ops, ops

    names = [name for name in vars(Ops) if not name.startswith("_")]
    for theirs in (ops.Ops, numpy_ops.NumpyOps):
        for name in names:
            if name in vars(theirs):
                setattr(theirs, name, vars(Ops)[name])
            elif not hasattr(theirs, name):
                raise SystemExit(f"thinc's Ops has no {name}: its interface is another one")
    # Of its LSTM in Python, which it compares with the one in C.
    ops.sigmoid = lambda X, out=None: ours(fa.sigmoid, X)
    tests = ["--pyargs", "thinc.tests.backends.test_ops", "thinc.tests.layers"]
    return run_pytest(Counts(thinc.__version__), tests, words, DIFFERENCES, _replace)
