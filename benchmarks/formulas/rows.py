"""Row ops as one writes them: formulas of (xp, operands)."""

from __future__ import annotations

from typing import Any

from benchmarks.formulas.activations import Formula, Key


def softmax(xp: Any, x: Any) -> Any:
    e = xp.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _softmax_from_output(xp: Any, dy: Any, y: Any) -> Any:
    return y * (dy - (dy * y).sum(-1, keepdims=True))


def _softmin_from_output(xp: Any, dy: Any, y: Any) -> Any:
    return y * ((dy * y).sum(-1, keepdims=True) - dy)


def _log_softmax(xp: Any, x: Any) -> Any:
    d = x - x.max(-1, keepdims=True)
    return d - xp.log(xp.exp(d).sum(-1, keepdims=True))


def _log_softmax_from_output(xp: Any, dy: Any, y: Any) -> Any:
    return dy - xp.exp(y) * dy.sum(-1, keepdims=True)


def logsumexp(xp: Any, x: Any) -> Any:
    m = x.max(-1, keepdims=True)
    return m[..., 0] + xp.log(xp.exp(x - m).sum(-1))


def _hardmax(xp: Any, x: Any) -> Any:
    return (xp.arange(x.shape[-1]) == x.argmax(-1)[..., None]).astype(x.dtype)


def _sparsemax(xp: Any, x: Any) -> Any:
    """By sorting, as its authors do."""
    d = x - x.max(-1, keepdims=True)
    falling = -xp.sort(-d, -1)
    rank = xp.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    total = xp.cumsum(falling, -1) - 1
    support = (rank * falling > total).sum(-1, keepdims=True)
    tau = xp.take_along_axis(total, support - 1, -1) / support.astype(x.dtype)
    return xp.maximum(d - tau, 0)


def _sparsemax_from_output(xp: Any, dy: Any, y: Any) -> Any:
    support = y > 0
    inside = dy * support
    return inside - support * (inside.sum(-1, keepdims=True) / support.sum(-1, keepdims=True, dtype=y.dtype))


FORMULAS: dict[Key, Formula] = {
    ("softmax", "value"): softmax,
    ("softmax", "backward"): lambda xp, dy, x: _softmax_from_output(xp, dy, softmax(xp, x)),
    ("softmax", "backward_from_output"): _softmax_from_output,
    ("log_softmax", "value"): _log_softmax,
    ("log_softmax", "backward"): lambda xp, dy, x: dy - softmax(xp, x) * dy.sum(-1, keepdims=True),
    ("log_softmax", "backward_from_output"): _log_softmax_from_output,
    ("logsumexp", "value"): logsumexp,
    ("logsumexp", "backward"): lambda xp, dy, x: dy[..., None] * softmax(xp, x),
    ("softmin", "value"): lambda xp, x: softmax(xp, -x),
    ("softmin", "backward"): lambda xp, dy, x: _softmin_from_output(xp, dy, softmax(xp, -x)),
    ("softmin", "backward_from_output"): _softmin_from_output,
    ("hardmax", "value"): _hardmax,
    ("hardmax", "backward"): lambda xp, dy, x: xp.zeros_like(dy),
    ("sparsemax", "value"): _sparsemax,
    ("sparsemax", "backward"): lambda xp, dy, x: _sparsemax_from_output(xp, dy, _sparsemax(xp, x)),
    ("sparsemax", "backward_from_output"): _sparsemax_from_output,
}
