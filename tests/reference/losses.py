"""Losses: their terms, as functions of object arrays of mpf."""

from collections.abc import Callable

import numpy as np
from mpmath import mpf

from reference.likelihoods import LIKELIHOODS
from reference.loss import (
    ElementwiseLoss,
    RowLoss,
    cosh,
    most,
    sigmoid,
    sign,
    softplus,
    tanh,
    where,
)
from reference.rows import exact, exp, log, log_softmax, softmax, weighted
from reference.sequence import ctc_alignments

LOSSES: dict[str, ElementwiseLoss | RowLoss] = {
    "mse_loss": ElementwiseLoss(
        value=lambda x, t: (x - t) ** 2,
        grad=lambda x, t: 2 * (x - t),
        hess=lambda x, t: 0 * (x - t) + 2,
        mean_by_weight=True,
    ),
    "half_squared_error": ElementwiseLoss(
        value=lambda x, t: (x - t) ** 2 / 2,
        grad=lambda x, t: x - t,
        hess=lambda x, t: 0 * (x - t) + 1,
    ),
    "l1_loss": ElementwiseLoss(
        value=lambda x, t: abs(x - t),
        grad=lambda x, t: sign(x - t),
        hess=lambda x, t: 0 * x,
        mean_by_weight=True,
    ),
    "smooth_l1_loss": ElementwiseLoss(
        value=lambda x, t, b: where(abs(x - t) < b, (x - t) ** 2 / (2 * b), abs(x - t) - b / 2),
        grad=lambda x, t, b: where(abs(x - t) < b, (x - t) / b, sign(x - t)),
        hess=lambda x, t, b: where(abs(x - t) < b, 1 / b),
        parameters=("beta",),
    ),
    "huber_loss": ElementwiseLoss(
        value=lambda x, t, d: where(abs(x - t) < d, (x - t) ** 2 / 2, d * (abs(x - t) - d / 2)),
        grad=lambda x, t, d: where(abs(x - t) < d, x - t, d * sign(x - t)),
        hess=lambda x, t, d: where(abs(x - t) < d, 1),
        parameters=("delta",),
    ),
    "log_cosh_loss": ElementwiseLoss(
        value=lambda x, t: log(cosh(x - t)),
        grad=lambda x, t: tanh(x - t),
        hess=lambda x, t: 1 / cosh(x - t) ** 2,
    ),
    "pinball_loss": ElementwiseLoss(
        value=lambda x, t, q: where(t > x, q * (t - x), (q - 1) * (t - x)),
        grad=lambda x, t, q: where(t > x, -q, where(t < x, 1 - q)),
        hess=lambda x, t, q: 0 * x,
        parameters=("quantile",),
        within={"quantile": (0.0, 1.0)},
    ),
    "binary_cross_entropy_with_logits": ElementwiseLoss(
        value=lambda x, y, p: weighted(1 - y, softplus(x)) + weighted(p * y, softplus(-x)),
        grad=lambda x, y, p: (1 - y) * sigmoid(x) - p * y * sigmoid(-x),
        hess=lambda x, y, p: ((1 - y) + p * y) * sigmoid(x) * sigmoid(-x),
        parameters=("pos_weight",),
        targets="shares",
    ),
    "hinge_loss": ElementwiseLoss(
        value=lambda x, t: where(t * x < 1, 1 - t * x),
        grad=lambda x, t: where(t * x < 1, -t),
        hess=lambda x, t: 0 * x,
        targets="signs",
    ),
    "squared_hinge_loss": ElementwiseLoss(
        value=lambda x, t: where(t * x < 1, (1 - t * x) ** 2),
        grad=lambda x, t: where(t * x < 1, -2 * t * (1 - t * x)),
        hess=lambda x, t: where(t * x < 1, 2 * t**2),
        targets="signs",
    ),
    "exponential_loss": ElementwiseLoss(
        value=lambda x, t: exp(-t * x),
        grad=lambda x, t: -t * exp(-t * x),
        hess=lambda x, t: t**2 * exp(-t * x),
        targets="signs",
    ),
    "soft_margin_loss": ElementwiseLoss(
        value=lambda x, t: softplus(-t * x),
        grad=lambda x, t: -t * sigmoid(-t * x),
        hess=lambda x, t: t**2 * sigmoid(t * x) * sigmoid(-t * x),
        targets="signs",
    ),
    "hinge_embedding_loss": ElementwiseLoss(
        value=lambda x, t, m: where(t == 1, x, where(x < m, m - x)),
        grad=lambda x, t, m: where(t == 1, 1, where(x <= m, -1)),
        hess=lambda x, t, m: 0 * x,
        parameters=("margin",),
        targets="signs",
    ),
    "margin_ranking_loss": ElementwiseLoss(
        value=lambda x, t, z, m: where(m - t * (x - z) > 0, m - t * (x - z)),
        grad=lambda x, t, z, m: where(m - t * (x - z) >= 0, -t),
        hess=lambda x, t, z, m: 0 * x,
        second="input2",
        second_grad=lambda x, t, z, m: where(m - t * (x - z) >= 0, t),
        second_hess=lambda x, t, z, m: 0 * x,
        parameters=("margin",),
        targets="signs",
        terms={"value": lambda x, t, z, m: where(m - t * (x - z) > 0, most(m, x - z))},
    ),
    "msle_loss": ElementwiseLoss(
        value=lambda x, t: log((1 + x) / (1 + t)) ** 2,
        grad=lambda x, t: 2 * log((1 + x) / (1 + t)) / (1 + x),
        hess=lambda x, t: 2 * (1 - log((1 + x) / (1 + t))) / (1 + x) ** 2,
        inputs="positive",
        targets="positive",
        terms={"hess": lambda x, t: 2 * most(mpf(1), log((1 + x) / (1 + t))) / (1 + x) ** 2},
    ),
    **LIKELIHOODS,
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


# Losses whose operands are not an input and its target, and what defines them.
OTHER_LOSSES: dict[str, Callable] = {"ctc_loss": ctc_alignments}


def z_terms(x, z):
    """z lse(x)^2 a row, its gradient and Hessian diagonal."""
    lse, p = (x - log_softmax(x))[..., :1], softmax(x)
    return z * lse[..., 0] ** 2, 2 * z * lse * p, 2 * z * (p**2 + lse * p * (1 - p))


def label_shares(labels, classes, smoothing=0.0):
    """One-hot rows, (1 - smoothing) at the label and smoothing / classes everywhere."""
    shares = exact(np.eye(classes)[np.asarray(labels, np.intp)])
    return spread(shares, smoothing)


def spread(shares, smoothing):
    s, classes = mpf(float(smoothing)), shares.shape[-1]
    return shares * (1 - s) + s / classes
