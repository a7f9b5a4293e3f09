"""Losses: their terms, as functions of object arrays of mpf."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from mpmath import mpf

from reference.rows import exact, exp, log, log_softmax, softmax, weighted


@dataclass(frozen=True)
class ElementwiseLoss:
    """Terms of (input, target, *parameters), without weight and reduction; all broadcast."""

    value: Callable
    grad: Callable
    hess: Callable
    parameters: tuple[str, ...] = ()
    mean_by_weight: bool = False


def _sigmoid(x):
    return 1 / (1 + exp(-x))


def _softplus(x):
    return log(1 + exp(x))


@dataclass(frozen=True)
class RowLoss:
    """Of input (rows, classes) and target shares (rows, classes), each share times its class
    weight already: terms a row, gradient and Hessian diagonal."""

    value: Callable
    grad: Callable
    hess: Callable
    soft_targets: bool = False


LOSSES: dict[str, ElementwiseLoss | RowLoss] = {
    "mse_loss": ElementwiseLoss(
        value=lambda x, t: (x - t) ** 2,
        grad=lambda x, t: 2 * (x - t),
        hess=lambda x, t: 0 * (x - t) + 2,
        mean_by_weight=True,
    ),
    "binary_cross_entropy_with_logits": ElementwiseLoss(
        value=lambda x, y, p: weighted(1 - y, _softplus(x)) + weighted(p * y, _softplus(-x)),
        grad=lambda x, y, p: (1 - y) * _sigmoid(x) - p * y * _sigmoid(-x),
        hess=lambda x, y, p: ((1 - y) + p * y) * _sigmoid(x) * _sigmoid(-x),
        parameters=("pos_weight",),
    ),
    "nll_loss": RowLoss(
        value=lambda x, q: -weighted(q, x).sum(axis=-1),
        grad=lambda x, q: -q,
        hess=lambda x, q: 0 * q,
    ),
    "cross_entropy": RowLoss(
        value=lambda x, q: -weighted(q, log_softmax(x)).sum(axis=-1),
        grad=lambda x, q: softmax(x) * q.sum(axis=-1, keepdims=True) - q,
        hess=lambda x, q: q.sum(axis=-1, keepdims=True) * softmax(x) * (1 - softmax(x)),
        soft_targets=True,
    ),
}


def label_shares(labels, classes, smoothing=0.0):
    """One-hot rows, (1 - smoothing) at the label and smoothing / classes everywhere."""
    shares = exact(np.eye(classes)[np.asarray(labels, np.intp)])
    return spread(shares, smoothing)


def spread(shares, smoothing):
    s, classes = mpf(float(smoothing)), shares.shape[-1]
    return shares * (1 - s) + s / classes
