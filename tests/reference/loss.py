"""What a loss's reference is, and the functions that references are written with."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from mpmath import mp, mpf

from reference.rows import exp, log


@dataclass(frozen=True)
class ElementwiseLoss:
    """Terms of (input, target, *parameters), without weight and reduction; all broadcast. A second
    input comes before the parameters; its derivatives are second_grad and second_hess."""

    value: Callable
    grad: Callable
    hess: Callable
    parameters: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()  # of the parameters, those that are True or False
    mean_by_weight: bool = False
    within: dict[str, tuple[float, float]] = field(default_factory=dict)  # where parameters may lie
    inputs: str = "any"  # or "unit", between 0 and 1, or "positive"
    # "near" the input, "signs" -1 and 1, "shares" between 0 and 1, "counts", "logs" of shares, "positive"
    targets: str = "near"
    op: str = ""  # the public name, if it is another
    options: dict[str, bool] = field(default_factory=dict)  # that choose this form of it
    second: str = ""
    second_grad: Callable | None = None
    second_hess: Callable | None = None
    # The largest of what each result subtracts, where that is more than the result: what an ulp is taken of.
    terms: dict[str, Callable] = field(default_factory=dict)

    def range_of(self, parameter: str) -> tuple[float, float]:
        return self.within.get(parameter, (0.1, 9.0))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    return log(1 + exp(x))


def most(*terms):
    largest = abs(terms[0])
    for term in terms[1:]:
        largest = np.maximum(largest, abs(term))
    return largest


def log_or_0(x):
    """Of 0: anything, for what multiplies it is 0."""
    return log(np.where(x == 0, mpf(1), x))


tanh, cosh = (np.frompyfunc(f, 1, 1) for f in (mp.tanh, mp.cosh))


def sign(d):
    return np.where(d > 0, mpf(1), np.where(d < 0, mpf(-1), mpf(0)))


def where(condition, a, b=0):
    return np.where(condition, a + mpf(0), b + mpf(0))


@dataclass(frozen=True)
class RowLoss:
    """Of input (rows, classes) and target shares (rows, classes), each share times its class
    weight already: terms a row, gradient and Hessian diagonal."""

    value: Callable
    grad: Callable
    hess: Callable
    soft_targets: bool = False
