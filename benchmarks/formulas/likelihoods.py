"""Likelihoods, deviances and losses of two scores as one writes them: terms and slopes of (xp, operands)."""

from __future__ import annotations

from typing import Any

from benchmarks.formulas.activations import Formula, sigmoid


def _log(xp: Any, t: Any) -> Any:
    """Of 0: anything, for it is multiplied by 0."""
    return xp.log(xp.where(t > 0, t, 1))


def _softplus(xp: Any, x: Any) -> Any:
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-abs(x)))


def _focal_parts(xp: Any, x: Any, y: Any) -> tuple[Any, Any, Any, Any]:
    """Balance, the probability of the other class, that of the target's, and the sign of the score's push."""
    sign = 2 * y - 1
    return 0.25 * y + 0.75 * (1 - y), sigmoid(xp, -sign * x), sigmoid(xp, sign * x), sign


def _focal(xp: Any, x: Any, y: Any) -> Any:
    balance, other, _, sign = _focal_parts(xp, x, y)
    return balance * other**2 * _softplus(xp, -sign * x)


def _focal_slope(xp: Any, x: Any, y: Any) -> Any:
    balance, other, own, sign = _focal_parts(xp, x, y)
    return -sign * balance * other**2 * (2 * own * _softplus(xp, -sign * x) + other)


def _log_ratio(xp: Any, x: Any, t: Any) -> Any:
    return xp.log1p(x) - xp.log1p(t)


def _tweedie(xp: Any, m: Any, y: Any) -> Any:
    """Of power 3/2."""
    root = xp.sqrt(m)
    return 4 * (xp.sqrt(y) - root) ** 2 / root


# Terms, and their slopes by each input.
MORE_TERMS: dict[str, tuple[Formula, ...]] = {
    "focal_loss": (_focal, _focal_slope),
    "msle_loss": (
        lambda xp, x, t: _log_ratio(xp, x, t) ** 2,
        lambda xp, x, t: 2 * _log_ratio(xp, x, t) / (1 + x),
    ),
    "binary_cross_entropy": (
        lambda xp, x, y: -(y * xp.log(x) + (1 - y) * xp.log1p(-x)),
        lambda xp, x, y: (x - y) / (x * (1 - x)),
    ),
    "kl_div": (lambda xp, x, t: t * (_log(xp, t) - x), lambda xp, x, t: -t),
    "kl_div_log_target": (lambda xp, x, t: xp.exp(t) * (t - x), lambda xp, x, t: -xp.exp(t)),
    "poisson_nll_loss": (
        lambda xp, x, t: x - t * xp.log(x + 1e-8),
        lambda xp, x, t: 1 - t / (x + 1e-8),
    ),
    "poisson_nll_loss_log_input": (lambda xp, x, t: xp.exp(x) - t * x, lambda xp, x, t: xp.exp(x) - t),
    "gaussian_nll_loss": (
        lambda xp, x, t, v: 0.5 * (xp.log(v) + (x - t) ** 2 / v),
        lambda xp, x, t, v: (x - t) / v,
        lambda xp, x, t, v: 0.5 * (1 - (x - t) ** 2 / v) / v,
    ),
    "margin_ranking_loss": (
        lambda xp, x, z, t: xp.maximum(-t * (x - z), 0),
        lambda xp, x, z, t: xp.where(t * (x - z) <= 0, -t, 0 * t),
        lambda xp, x, z, t: xp.where(t * (x - z) <= 0, t, 0 * t),
    ),
    "gamma_deviance": (
        lambda xp, m, y: 2 * ((y - m) / m - xp.log(y / m)),
        lambda xp, m, y: 2 * (m - y) / (m * m),
    ),
    "gamma_deviance_log_input": (
        lambda xp, x, y: 2 * (y * xp.exp(-x) - 1 + x - xp.log(y)),
        lambda xp, x, y: 2 * (1 - y * xp.exp(-x)),
    ),
    "tweedie_deviance": (_tweedie, lambda xp, m, y: 2 * (m - y) / (m * xp.sqrt(m))),
    "tweedie_deviance_log_input": (
        lambda xp, x, y: 4 * (xp.sqrt(y) - xp.exp(x / 2)) ** 2 * xp.exp(-x / 2),
        lambda xp, x, y: 2 * (xp.exp(x / 2) - y * xp.exp(-x / 2)),
    ),
}
