"""Multinomial logistic regression by SciPy's L-BFGS and `fa.cross_entropy.value_and_grad`,
beside scikit-learn's on the same data: handwritten digits.

Run it with ``pip install '.[demo]'`` (for scikit-learn, which brings SciPy):

    python examples/logistic_regression.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import fastact as fa

Array = np.ndarray[Any, np.dtype[np.float64]]


class Model(NamedTuple):
    weights: Array  # (features, classes)
    biases: Array  # (classes,)

    def logits(self, x: Array) -> Array:
        return x @ self.weights + self.biases

    @classmethod
    def of(cls, parameters: Array, classes: int) -> Model:
        """Views of one vector: the weights by rows, then the biases."""
        split = parameters.size - classes
        return cls(parameters[:split].reshape(-1, classes), parameters[split:])


def penalized(parameters: Array, x: Array, labels: Array, classes: int, c: float) -> tuple[float, Array]:
    """Mean cross entropy + |weights|^2 / (2 C rows), and its gradient: what scikit-learn minimizes too."""
    model, gradient = Model.of(parameters, classes), np.empty_like(parameters)
    by, shrink = Model.of(gradient, classes), 1.0 / (c * len(x))
    logits = model.logits(x)
    loss, by_logits = fa.cross_entropy.value_and_grad(logits, labels, out=logits)  # over the logits
    np.add(x.T @ by_logits, shrink * model.weights, out=by.weights)
    by_logits.sum(axis=0, out=by.biases)
    return loss + 0.5 * shrink * float(np.vdot(model.weights, model.weights)), gradient


def fit(x: Array, labels: Array, c: float, tolerance: float) -> Model:
    """The same stopping rules as scikit-learn's solver "lbfgs"."""
    classes = int(labels.max()) + 1
    found = minimize(
        penalized,
        np.zeros((x.shape[1] + 1) * classes),
        (x, labels, classes, c),
        "L-BFGS-B",
        jac=True,
        options={"maxiter": 10_000, "maxls": 50, "gtol": tolerance, "ftol": 64 * np.finfo(float).eps},
    )
    if not found.success:
        raise RuntimeError(found.message)
    return Model.of(found.x, classes)


def fit_scikit_learn(x: Array, labels: Array, c: float, tolerance: float) -> Model:
    made = LogisticRegression(C=c, tol=tolerance, max_iter=10_000).fit(x, labels)
    return Model(made.coef_.T, made.intercept_)


def centred(model: Model) -> Model:
    """Adding a number to all logits changes no probability: here they sum to 0."""
    return Model(
        model.weights - model.weights.mean(axis=1, keepdims=True), model.biases - model.biases.mean()
    )


def objective(model: Model, x: Array, labels: Array, c: float) -> float:
    parameters = np.concatenate([model.weights.ravel(), model.biases])
    return penalized(parameters, x, labels, model.biases.size, c)[0]


FITS: dict[str, Callable[..., Model]] = {"fastact + SciPy": fit, "scikit-learn": fit_scikit_learn}


def digits() -> tuple[Array, Array, Array, Array]:
    """Images with pixels from 0 to 1, and their labels: for training, then for testing."""
    x, labels = load_digits(return_X_y=True)
    x, x_test, labels, labels_test = train_test_split(x / 16, labels, test_size=0.25, random_state=0)
    return x, labels, x_test, labels_test


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9, help="fits of each, turn about")
    parser.add_argument("--c", type=float, default=1.0, help="inverse strength of the L2 penalty")
    parser.add_argument("--tolerance", type=float, default=1e-7, help="of the largest gradient entry")
    options = parser.parse_args()

    x, labels, x_test, labels_test = digits()
    models: dict[str, Model] = {}
    times: dict[str, list[float]] = {name: [] for name in FITS}
    for _ in range(options.repeats):
        for name, run in FITS.items():
            start = time.perf_counter()
            models[name] = run(x, labels, options.c, options.tolerance)
            times[name].append(time.perf_counter() - start)

    print(f"{len(x)} images, {x.shape[1]} pixels, C = {options.c:g}, tolerance {options.tolerance:g}")
    print(f"{'':16} {'best':>9} {'median':>9} {'loss + penalty':>17} {'accuracy':>9}")
    for name, model in models.items():
        correct = np.mean(model.logits(x_test).argmax(axis=1) == labels_test)
        print(
            f"{name:16} {min(times[name]) * 1e3:6.1f} ms {np.median(times[name]) * 1e3:6.1f} ms"
            f" {objective(model, x, labels, options.c):17.14f} {correct:9.2%}"
        )
    ours, theirs = (centred(model) for model in models.values())
    print(f"largest difference of a weight: {np.abs(ours.weights - theirs.weights).max():.1e}")


if __name__ == "__main__":
    main()
