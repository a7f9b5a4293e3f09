"""``fastact demo``: the demo's perceptron beside the same network in plain NumPy and in PyTorch.

All are trained on the same batches. Reported are accuracy, time per step, and how far they end apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import fastact as fa
from fastact._command.demo_peers import Network, PlainNumPy, pytorch_network
from fastact._command.figures import CommandError, check_figure_file, figure_in, require
from fastact.demo import (
    BATCH,
    HIDDEN,
    MOMENTUM,
    RATE,
    SEED,
    Array,
    Perceptron,
    batches,
    initial_weights,
    load_digits,
)

EPOCHS = 20
LEAST_ACCURACY = 0.97


class DemoError(CommandError):
    """The demo's result is not what it should be."""


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


@contextmanager
def one_thread() -> Iterator[None]:
    """For all of them: arrays this small gain nothing from a second thread, and BLAS
    threads that wait for a busy CPU can take a hundred times as long. (PyTorch's
    thread count is its own: see `pytorch_network`.)"""
    before = fa.get_num_threads()
    with require("threadpoolctl").threadpool_limits(1):
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
    with require("tqdm").tqdm(total=total, desc="training", unit="step") as bar:
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
    write(f"{'':<16}{'fastest step':>14}{'':>12}   farthest from fastact: weights, losses")
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
    require("tqdm", "sklearn", "threadpoolctl", *(["matplotlib.figure"] if plot_file is not None else []))
    if plot_file is not None:
        check_figure_file(plot_file)
    (x_train, t_train), (x_test, t_test) = load_digits()
    weights = initial_weights()
    write(f"Handwritten digits: {len(x_train)} scans to learn from, {len(x_test)} to test on.")
    write(
        f"A 64-{HIDDEN}-{HIDDEN}-10 perceptron with GELU, {sum(w.size for w in weights)} parameters, "
        f"float32; {EPOCHS} epochs in batches of {BATCH}, one thread."
    )

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
