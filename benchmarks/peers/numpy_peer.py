"""Plain NumPy: the formula; with out=, its steps in place where no second array is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import Case, Data
from benchmarks.formulas import FORMULAS, parameters
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.timing import Call


def _one_plus_exp_minus(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.negative(x, out)
    np.exp(out, out)
    return np.add(out, 1, out)


def _sigmoid(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.divide(1, _one_plus_exp_minus(x, out), out)


def _silu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.divide(x, _one_plus_exp_minus(x, out), out)


def _softplus_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.divide(dy, _one_plus_exp_minus(x, out), out)


def _relu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0, out)


def _leaky_relu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.maximum(x, np.multiply(x, 0.01, out), out)


def _softplus(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x, out)


def _gelu_tanh(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.multiply(x, x, out)
    np.multiply(out, 0.044715, out)
    np.add(out, 1, out)
    np.multiply(out, x, out)
    np.multiply(out, 0.7978845608028654, out)
    np.tanh(out, out)
    np.add(out, 1, out)
    np.multiply(out, x, out)
    return np.multiply(out, 0.5, out)


def _softsign(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.add(np.abs(x, out), 1, out)
    return np.divide(x, out, out)


def _sigmoid_from_output(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.subtract(1, y, out)
    np.multiply(out, y, out)
    return np.multiply(out, dy, out)


def _tanh_from_output(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.multiply(y, y, out)
    np.subtract(1, out, out)
    return np.multiply(out, dy, out)


def _softmax(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.subtract(x, x.max(-1, keepdims=True), out)
    np.exp(out, out)
    return np.divide(out, out.sum(-1, keepdims=True), out)


def _softmax_from_output(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.multiply(dy, y, out)
    np.subtract(dy, out.sum(-1, keepdims=True), out)
    return np.multiply(out, y, out)


_IN_PLACE: dict[tuple[str, str], Callable[..., Any]] = {
    ("relu", "value"): _relu,
    ("leaky_relu", "value"): _leaky_relu,
    ("sigmoid", "value"): _sigmoid,
    ("sigmoid", "backward_from_output"): _sigmoid_from_output,
    ("tanh", "value"): np.tanh,
    ("tanh", "backward_from_output"): _tanh_from_output,
    ("gelu_tanh", "value"): _gelu_tanh,
    ("silu", "value"): _silu,
    ("softsign", "value"): _softsign,
    ("softplus", "value"): _softplus,
    ("softplus", "backward"): _softplus_backward,
    ("softmax", "value"): _softmax,
    ("softmax", "backward_from_output"): _softmax_from_output,
}


class NumPy(Peer):
    def version(self) -> str:
        return np.__version__

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        key, operands, out = (case.op, case.variant), data.operands(case), data.result(case)
        if out is not None and key in _IN_PLACE:
            return Candidate(Call(_IN_PLACE[key], *operands, out), as_arrays)
        if key not in FORMULAS:
            return None
        return Candidate(Call(FORMULAS[key], np, *operands, *parameters(case.op, data.dtype)), as_arrays)
