"""Handwritten digits, learnt by a multilayer perceptron in NumPy and fastact.

`Perceptron` is the tutorial: forward and backward pass side by side, the shape of every array
beside it. ``fastact demo`` trains it, and beside it the same network in plain NumPy and in PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import fastact as fa
from fastact._command.figures import require

Array = npt.NDArray[Any]
Batch = tuple[Array, Array]

HIDDEN = 128  # H in the comments
BATCH = 64  # B
RATE, MOMENTUM = 0.1, 0.9
SEED = 0


class Perceptron:
    """64 pixels -> H -> H -> 10 logits, with GELU after the hidden layers.

    GELU is the "tanh" form: plain NumPy has no erf to compute the other one with.
    """

    name = "fastact"

    def __init__(self, weights: list[Array]) -> None:
        self.weights = [w.copy() for w in weights]
        self.velocities = [np.zeros_like(w) for w in weights]

    def activation(self, h: Array) -> Any:
        return fa.gelu(h, approximate="tanh")

    def activation_backward(self, da: Array, h: Array) -> Any:
        return fa.gelu.backward(da, h, approximate="tanh")

    def loss_and_grad(self, z: Array, t: Array) -> Any:
        return fa.cross_entropy.value_and_grad(z, t)

    def forward(self, x: Array) -> tuple[Array, ...]:
        w1, b1, w2, b2, w3, b3 = self.weights
        h1 = x @ w1 + b1  # (B, 64) @ (64, H) -> (B, H)
        a1 = self.activation(h1)  # (B, H)
        h2 = a1 @ w2 + b2  # (B, H) @ (H, H) -> (B, H)
        a2 = self.activation(h2)  # (B, H)
        z = a2 @ w3 + b3  # (B, H) @ (H, 10) -> (B, 10)
        return h1, a1, h2, a2, z

    def backward(self, dz: Array, x: Array, h1: Array, a1: Array, h2: Array, a2: Array) -> list[Array]:
        _, _, w2, _, w3, _ = self.weights
        da2 = dz @ w3.T  # (B, 10) @ (10, H) -> (B, H)
        dh2 = self.activation_backward(da2, h2)  # (B, H)
        da1 = dh2 @ w2.T  # (B, H) @ (H, H) -> (B, H)
        dh1 = self.activation_backward(da1, h1)  # (B, H)
        return [
            *(x.T @ dh1, dh1.sum(axis=0)),  # (64, H), (H,)
            *(a1.T @ dh2, dh2.sum(axis=0)),  # (H, H), (H,)
            *(a2.T @ dz, dz.sum(axis=0)),  # (H, 10), (10,)
        ]

    def step(self, x: Array, t: Array) -> float:
        """Learn from one batch: x (B, 64) pixels, t (B,) labels. Returns its loss."""
        h1, a1, h2, a2, z = self.forward(x)
        loss, dz = self.loss_and_grad(z, t)  # a float, (B, 10)
        grads = self.backward(dz, x, h1, a1, h2, a2)
        for w, v, dw in zip(self.weights, self.velocities, grads, strict=True):
            v *= MOMENTUM
            v += dw
            w -= RATE * v
        return float(loss)

    def predict(self, x: Array) -> Array:
        digits: Array = self.forward(x)[-1].argmax(axis=1)  # (B, 10) -> (B,)
        return digits


def load_digits() -> tuple[Batch, Batch]:
    """1,797 scans of 8x8 pixels: four fifths to learn from, one to test, digits evenly spread."""
    pixels, labels = require("sklearn.datasets").load_digits(return_X_y=True)
    x = (pixels / 16).astype(np.float32)  # (1797, 64), in [0, 1]
    split = require("sklearn.model_selection").train_test_split
    x_train, x_test, t_train, t_test = split(x, labels, test_size=360, stratify=labels, random_state=SEED)
    return (x_train, t_train), (x_test, t_test)


def initial_weights() -> list[Array]:
    """Normal with variance 2 / inputs (He et al. 2015), biases 0; float32."""
    rng = np.random.default_rng(SEED)
    weights = []
    for inputs, outputs in ((64, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 10)):
        w = rng.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs)
        weights += [w.astype(np.float32), np.zeros(outputs, np.float32)]
    return weights


def batches(x: Array, t: Array, rng: np.random.Generator) -> Iterator[Batch]:
    """One epoch in random order; what does not fill a last batch is left for the next epoch."""
    order = rng.permutation(len(x))
    for start in range(0, len(x) - BATCH + 1, BATCH):
        chosen = order[start : start + BATCH]
        yield x[chosen], t[chosen]
