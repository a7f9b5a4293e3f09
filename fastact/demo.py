"""Handwritten digits, learnt by a multilayer perceptron in NumPy and fastact.

`Perceptron` is the tutorial: forward and backward pass side by side, the shape of every
array beside it. The rest of the file trains it and, on the same batches, the same
network in plain NumPy and in PyTorch (`fastact._command.demo_peers`), and compares them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import fastact as fa
from fastact._command.figures import CommandError, check_figure_file, figure_in, require

Array = npt.NDArray[Any]
Batch = tuple[Array, Array]

HIDDEN = 128  # H in the comments
BATCH = 64  # B
EPOCHS = 20
RATE, MOMENTUM = 0.1, 0.9
SEED = 0
LEAST_ACCURACY = 0.97


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


class DemoError(CommandError):
    """The demo's result is not what it should be."""


class Network(Protocol):
    """What is trained: `Perceptron` and its peers."""

    @property
    def name(self) -> str: ...
    @property
    def weights(self) -> list[Array]: ...
    def step(self, x: Array, t: Array) -> float: ...


@dataclass
class Run:
    """A network's training: the loss and the seconds of every step."""

    network: Network
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def microseconds(self) -> float:
        """Of the fastest step: all do the same work, and what else the machine does only adds to it."""
        return min(self.seconds) * 1e6


def load_digits() -> tuple[Batch, Batch]:
    """1,797 scans of 8x8 pixels: four fifths to learn from, one to test, digits evenly spread."""
    pixels, labels = require("sklearn.datasets", "demo").load_digits(return_X_y=True)
    x = (pixels / 16).astype(np.float32)  # (1797, 64), in [0, 1]
    split = require("sklearn.model_selection", "demo").train_test_split
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


@contextmanager
def one_thread() -> Iterator[None]:
    """For all of them: arrays this small gain nothing from a second thread, and BLAS
    threads that wait for a busy CPU can take a hundred times as long. (PyTorch's
    thread count is its own: see `pytorch_network`.)"""
    before = fa.get_num_threads()
    with require("threadpoolctl", "demo").threadpool_limits(1):
        fa.set_num_threads(1)
        try:
            yield
        finally:
            fa.set_num_threads(before)


def train(networks: list[Network], x: Array, t: Array) -> list[Run]:
    """Train all on the same batches, taking turns an epoch long, so that whatever else
    the machine does meets them alike."""
    rng = np.random.default_rng(SEED)
    runs = [Run(network) for network in networks]
    total = EPOCHS * (len(x) // BATCH) * len(runs)
    with require("tqdm", "demo").tqdm(total=total, desc="training", unit="step") as bar:
        for _ in range(EPOCHS):
            epoch = list(batches(x, t, rng))
            for run in runs:
                for batch in epoch:
                    start = time.perf_counter()
                    loss = run.network.step(*batch)
                    run.seconds.append(time.perf_counter() - start)
                    run.losses.append(loss)
                bar.update(len(epoch))
                bar.set_postfix(loss=f"{runs[0].losses[-1]:.4f}")
    return runs


def weight_difference(a: Network, b: Network) -> float:
    return max(float(np.abs(v - w).max()) for v, w in zip(a.weights, b.weights, strict=True))


def loss_difference(a: Run, b: Run) -> float:
    return float(np.abs(np.subtract(a.losses, b.losses)).max())


def rounding(run: Run) -> float:
    """How far rounding may carry weights: half an ulp of the largest one a step."""
    largest = max(float(np.abs(w).max()) for w in run.network.weights)
    return len(run.losses) * 2.0**-24 * largest


def report(runs: list[Run], write: Callable[[str], None]) -> None:
    ours, *peers = runs
    write(f"{'':<16}{'fastest step':>14}{'':>12}   largest difference of weights, of losses")
    write(f"{ours.network.name:<16}{ours.microseconds:>11.0f} us")
    for run in peers:
        ratio = run.microseconds / ours.microseconds
        weights, losses = weight_difference(ours.network, run.network), loss_difference(ours, run)
        write(
            f"{run.network.name:<16}{run.microseconds:>11.0f} us{ratio:>10.2f} x"
            f"{weights:>25.1e}{losses:>11.1e}"
        )
    if len(runs) < 3:
        write("PyTorch is not installed: no comparison with it.")


def check(runs: list[Run], accuracy: float) -> None:
    if accuracy < LEAST_ACCURACY:
        raise DemoError(f"test accuracy {accuracy:.1%} is below {LEAST_ACCURACY:.0%}")
    ours, *peers = runs
    for run in peers:
        difference = weight_difference(ours.network, run.network)
        if not difference <= rounding(ours):
            raise DemoError(
                f"{run.network.name} ended {difference:.1e} away from fastact's weights: more than rounding"
            )


def plot(runs: list[Run], file: Path) -> None:
    """The loss of every step; where the networks agree, the curves lie on one another."""
    with figure_in(file, 7, 4) as figure:
        axes = figure.subplots()
        for run, style in zip(runs, ("-", "--", ":"), strict=False):
            axes.semilogy(run.losses, style, label=f"{run.network.name}, {run.microseconds:.0f} us a step")
        axes.set(xlabel="step", ylabel="cross entropy of the batch", title="Handwritten digits")
        axes.legend()


def main(plot_file: Path | None = None, write: Callable[[str], None] = print) -> None:
    """Train, report and check; raises `CommandError` if something is missing, `DemoError` if the result
    is not what it should be."""
    for module in ("tqdm", "sklearn", "threadpoolctl"):
        require(module, "demo")
    if plot_file is not None:
        check_figure_file(plot_file)
    (x_train, t_train), (x_test, t_test) = load_digits()
    weights = initial_weights()
    write(f"Handwritten digits: {len(x_train)} scans to learn from, {len(x_test)} to test on.")
    write(
        f"A 64-{HIDDEN}-{HIDDEN}-10 perceptron with GELU, {sum(w.size for w in weights)} parameters, "
        f"float32; {EPOCHS} epochs in batches of {BATCH}, one thread."
    )

    from fastact._command.demo_peers import PlainNumPy, pytorch_network

    ours = Perceptron(weights)
    networks: list[Network] = [ours, PlainNumPy(weights)]
    torch_network = pytorch_network(weights, RATE, MOMENTUM)
    if torch_network is not None:
        networks.append(torch_network)
    with one_thread():
        runs = train(networks, x_train, t_train)

    right = int((ours.predict(x_test) == t_test).sum())
    accuracy = right / len(x_test)
    write(f"Test accuracy: {accuracy:.1%} ({right} of {len(x_test)})\n")
    report(runs, write)
    if plot_file is not None:
        plot(runs, plot_file)
        write(f"Loss curve: {plot_file}")
    check(runs, accuracy)
