"""linear_cross_entropy beside what it is made of: three matrix products and the fused kernel.

OMP_NUM_THREADS=2 FASTACT_NUM_THREADS=2 python -m benchmarks.linear
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from statistics import median

import numpy as np

import fastact as fa

ROWS, FEATURES, CLASSES = 4096, 512, 32_000
ROUNDS = 5
MOST_RATIO, MOST_MEMORY = 1.1, 64.0


class Linear:
    """Arrays of one size, and the calls on them. All logits are held, beside the call's own memory."""

    def __init__(self, rows: int = ROWS, features: int = FEATURES, classes: int = CLASSES) -> None:
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((rows, features), np.float32)
        self.w = rng.standard_normal((classes, features), np.float32) / np.float32(features**0.5)
        self.labels = rng.integers(0, classes, rows)
        self.out = (np.zeros_like(self.x), np.zeros_like(self.w))
        self.logits = np.zeros((rows, classes), np.float32)

    def parts(self) -> None:
        np.matmul(self.x, self.w.T, out=self.logits)
        fa.cross_entropy.value_and_grad(self.logits, self.labels, out=self.logits)
        np.matmul(self.logits, self.w, out=self.out[0])
        np.matmul(self.logits.T, self.x, out=self.out[1])

    def whole(self) -> None:
        fa.linear_cross_entropy.value_and_grad(self.x, self.w, self.labels, out=self.out)

    def ratios(self, rounds: int = ROUNDS) -> list[float]:
        """Of the call's time to its parts', in turns; the first round, which touches all memory, left out."""
        found = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            self.parts()
            between = time.perf_counter()
            self.whole()
            found.append((time.perf_counter() - between) / (between - start))
        return found[1:]

    def memory(self) -> float:
        """MiB that the call takes beside its arguments and results."""
        tracemalloc.start()
        self.whole()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak / 2**20


def main(given: list[str]) -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.linear", description=__doc__)
    for name, default in (("rows", ROWS), ("features", FEATURES), ("classes", CLASSES), ("rounds", ROUNDS)):
        p.add_argument(f"--{name}", type=int, default=default)
    a = p.parse_args(given)
    linear = Linear(a.rows, a.features, a.classes)
    ratios = linear.ratios(a.rounds)
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    print(f"linear_cross_entropy.value_and_grad, {a.rows} rows, {a.features} features, {a.classes} classes")
    print(f"{fa.get_num_threads()} thread(s) of fastact's, as many of BLAS as the environment says:")
    print(f"time over that of its parts {median(ratios):.3f} (<= {MOST_RATIO}; {spread})")
    print(f"memory {linear.memory():.1f} MiB (<= {MOST_MEMORY:g})")
    return 0
