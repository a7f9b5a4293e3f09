"""PyTorch's functions and ours: the order of arguments, and what is mapped from its call to ours.

Each entry makes of a sample's arguments by their names what ours is called with. What ours does not do on
purpose raises `Differs`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from counts import Differs, ours

import fastact as fa

Arguments = dict[str, Any]


def _same(arguments: Arguments) -> Arguments:
    return arguments


@dataclass
class Function:
    """One of ours: how PyTorch's arguments are called, in their order, and which of them have gradients."""

    op: Any
    names: tuple[str, ...]
    inputs: tuple[str, ...] = ("input",)
    kind: str = "activation"  # or "rows", "loss" (of elements), "row loss"
    adapt: Callable[[Arguments], Arguments] = _same  # PyTorch's arguments to ours
    theirs: Callable[[Arguments], Arguments] = _same  # where PyTorch's needs others
    for_gradients: Callable[[Arguments], Arguments] = _same  # what ours are changed to for gradients

    def bind(self, args: tuple[Any, ...], keywords: Arguments) -> Arguments:
        """PyTorch's arguments by their names."""
        bound = dict(zip(self.names, args, strict=False)) | keywords
        if unknown := bound.keys() - {*self.names, *IGNORED}:
            raise TypeError(f"{self.op.__name__}: unknown arguments {unknown}")
        return {name: value for name, value in bound.items() if name not in IGNORED}

    def value(self, arguments: Arguments) -> Any:
        return ours(self.op, **self.adapt(dict(arguments)))

    def gradients(self, grad_output: Any, arguments: Arguments) -> tuple[Any, ...]:
        """In the shapes of the inputs as they were given."""
        adapted = self.for_gradients(self.adapt(dict(arguments)))
        result = ours(self.op.backward, grad_output, **adapted)
        results = result if isinstance(result, tuple) else (result,)
        names = [name for name in self.inputs if name in arguments]
        shapes = [(np.shape(adapted[name]), np.shape(arguments[name])) for name in names]
        assert [np.shape(part) for part in results] == [shape for shape, _ in shapes]
        return tuple(np.reshape(part, given) for part, (_, given) in zip(results, shapes, strict=True))


IGNORED = ("inplace", "dtype", "size_average", "reduce", "options")


# ---- what is mapped -----------------------------------------------------------------


def _axis(arguments: Arguments) -> Arguments:
    """Rows of `masked` are those where the mask is true, and all of the array without `dim`."""
    x = arguments["input"]
    if not np.ndim(x):
        raise Differs("rows of 0-d arrays: ours refuses them")
    axis, mask = arguments.pop("dim", None), arguments.pop("mask", None)
    arguments["axis"] = tuple(range(np.ndim(x))) if axis in (None, ()) else axis
    if "keepdim" in arguments:
        arguments["keepdims"] = arguments.pop("keepdim")
    return arguments if mask is None else arguments | {"where": mask}


def _channels(arguments: Arguments) -> Arguments:
    """Slopes lie along axis 1 there."""
    x, weight = arguments["input"], arguments["weight"]
    if np.ndim(weight) and not np.ndim(x):
        raise Differs("prelu of a 0-d array and an array of slopes: ours broadcasts")
    return arguments | {"axis": 1} if np.ndim(weight) and np.ndim(x) > 1 else arguments


def _no_threshold(arguments: Arguments) -> Arguments:
    """From `threshold` on theirs is the identity; ours is exact everywhere."""
    return {name: value for name, value in arguments.items() if name != "threshold"}


def _mean_slope(arguments: Arguments) -> Arguments:
    if arguments.get("training"):
        raise Differs("rrelu in training: both draw numbers")
    return arguments


def _refuse_integers_beyond(domain: tuple[int, ...], target: Any) -> None:
    if target.dtype.kind in "iu" and not np.isin(target, domain).all():
        raise Differs("targets given as integers beyond a loss's domain: ours refuses them")


def _target(arguments: Arguments) -> Arguments:
    """Targets broadcast there; signs may be any integers."""
    first = arguments["input1" if "input1" in arguments else "input"]
    target = arguments["target"]
    _refuse_integers_beyond((-1, 1), target)
    if np.ndim(target):
        with contextlib.suppress(ValueError):  # then ours refuses it as it is
            arguments["target"] = np.broadcast_to(target, first.shape)
    return arguments


def _variance(arguments: Arguments) -> Arguments:
    """A variance of the input's shape without its last axis is one a row there."""
    x, var = arguments["input"], np.asarray(arguments["var"])
    if np.ndim(x) and var.shape != x.shape and var.shape == x.shape[:-1]:
        arguments["var"] = var[..., None]
    return _target(arguments)


def _counts(arguments: Arguments) -> Arguments:
    if np.asarray(arguments["target"]).dtype.kind == "i" and np.less(arguments["target"], 0).any():
        raise Differs("targets given as integers beyond a loss's domain: ours refuses them")
    return arguments


def _classes(arguments: Arguments) -> Arguments:
    """Classes lie along axis 1 there, ours last."""
    x = arguments["input"]
    if not np.ndim(x):
        raise Differs("rows of 0-d arrays: ours refuses them")
    if np.ndim(arguments.get("weight")) > 1:
        raise Differs("weights of elements in a loss of classes: ours takes one a class")
    return arguments | {"axis": 1} if np.ndim(x) > 1 else arguments


def _labels(arguments: Arguments) -> Arguments:
    """A list of one label goes with one row there."""
    if np.ndim(arguments["input"]) == 1 and np.shape(arguments["target"]) == (1,):
        arguments["input"] = arguments["input"][None]
    return _classes(arguments)


def _alike(arguments: Arguments) -> Arguments:
    _refuse_integers_beyond((-1, 0, 1), arguments["target"])
    return arguments


def _linear(arguments: Arguments) -> Arguments:
    if np.ndim(arguments["linear_weight"]) > 2:
        raise Differs("linear_cross_entropy of several losses a row: ours has one")
    if np.asarray(arguments["target"]).dtype.kind not in "iu":
        raise Differs("linear_cross_entropy of probabilities: ours takes labels")
    return arguments


def _by_logits(arguments: Arguments) -> Arguments:
    """Theirs is the gradient by logits, whose logarithms of probabilities these are."""
    return arguments | {"logits": True}


# ---- the functions ------------------------------------------------------------------


def _activation(op: Any, *names: str, **more: Any) -> Function:
    return Function(op, ("input", *names), **more)


def _rows(op: Any, *names: str) -> Function:
    return Function(op, ("input", "dim", *names), kind="rows", adapt=_axis)


def _loss(op: Any, *names: str, operands: tuple[str, ...] = ("input", "target"), **more: Any) -> Function:
    return Function(op, (*operands, *names), **{"kind": "loss", **more})


def _row_loss(*arguments: Any, **more: Any) -> Function:
    return _loss(*arguments, **{"kind": "row loss", **more})


_OLD = ("size_average", "reduce", "reduction")
_TWO = ("input1", "input2")
_THREE = ("anchor", "positive", "negative")

ACTIVATIONS = {
    "relu": _activation(fa.relu),
    "relu6": _activation(fa.relu6),
    "hardswish": _activation(fa.hardswish),
    "hardsigmoid": _activation(fa.hardsigmoid),
    "leaky_relu": _activation(fa.leaky_relu, "negative_slope"),
    "prelu": _activation(fa.prelu, "weight", inputs=("input", "weight"), adapt=_channels),
    "rrelu": _activation(fa.rrelu, "lower", "upper", "training", adapt=_mean_slope),
    "elu": _activation(fa.elu, "alpha"),
    "celu": _activation(fa.celu, "alpha"),
    "selu": _activation(fa.selu),
    "silu": _activation(fa.silu),
    "mish": _activation(fa.mish),
    "gelu": _activation(fa.gelu, "approximate"),
    "logsigmoid": _activation(fa.logsigmoid),
    "softplus": _activation(
        fa.softplus, "beta", "threshold", adapt=_no_threshold, theirs=lambda given: given | {"threshold": 40}
    ),
    "softsign": _activation(fa.softsign),
    "tanhshrink": _activation(fa.tanhshrink),
    "threshold": _activation(fa.threshold, "threshold", "value"),
    "softshrink": _activation(fa.softshrink, "lambd"),
    "hardshrink": _activation(fa.hardshrink, "lambd"),
    "hardtanh": _activation(fa.hardtanh, "min_val", "max_val"),
    "glu": Function(fa.glu, ("input", "dim"), adapt=_axis),
    "tanh": _activation(fa.tanh),
    "sigmoid": _activation(fa.sigmoid),
}
ROWS = {
    "softmax": _rows(fa.softmax),
    "softmin": _rows(fa.softmin),
    "log_softmax": _rows(fa.log_softmax),
    "logsumexp": _rows(fa.logsumexp, "keepdim"),
}
MASKED = {f"masked.{name}": _rows(f.op, "keepdim", "mask") for name, f in ROWS.items()}
LOSSES = {
    "l1_loss": _loss(fa.l1_loss, *_OLD),
    "mse_loss": _loss(fa.mse_loss, *_OLD),
    "smooth_l1_loss": _loss(fa.smooth_l1_loss, *_OLD, "beta"),
    "huber_loss": _loss(fa.huber_loss, "reduction", "delta"),
    "soft_margin_loss": _loss(fa.soft_margin_loss, *_OLD),
    "hinge_embedding_loss": _loss(fa.hinge_embedding_loss, "margin", *_OLD, adapt=_target),
    "poisson_nll_loss": _loss(
        fa.poisson_nll_loss, "log_input", "full", "size_average", "eps", "reduce", "reduction", adapt=_counts
    ),
    "gaussian_nll_loss": _loss(
        fa.gaussian_nll_loss,
        "full",
        "eps",
        "reduction",
        operands=("input", "target", "var"),
        inputs=("input", "var"),
        adapt=_variance,
    ),
    "kl_div": _loss(fa.kl_div, *_OLD, "log_target"),
    "binary_cross_entropy": _loss(fa.binary_cross_entropy, "weight", *_OLD),
    "binary_cross_entropy_with_logits": _loss(
        fa.binary_cross_entropy_with_logits, "weight", *_OLD, "pos_weight"
    ),
    "margin_ranking_loss": _loss(
        fa.margin_ranking_loss, "margin", *_OLD, operands=(*_TWO, "target"), inputs=_TWO, adapt=_target
    ),
    "cosine_embedding_loss": _row_loss(
        fa.cosine_embedding_loss, "margin", *_OLD, operands=(*_TWO, "target"), inputs=_TWO, adapt=_alike
    ),
    "triplet_margin_loss": _row_loss(
        fa.triplet_margin_loss, "margin", "p", "eps", "swap", *_OLD, operands=_THREE, inputs=_THREE
    ),
    "multi_margin_loss": _row_loss(fa.multi_margin_loss, "p", "margin", "weight", *_OLD, adapt=_labels),
    "multilabel_margin_loss": _row_loss(fa.multilabel_margin_loss, *_OLD, adapt=_classes),
    "multilabel_soft_margin_loss": _row_loss(fa.multilabel_soft_margin_loss, "weight", *_OLD, adapt=_classes),
    "nll_loss": _row_loss(
        fa.nll_loss, "weight", "size_average", "ignore_index", "reduce", "reduction", adapt=_classes
    ),
    "cross_entropy": _row_loss(
        fa.cross_entropy,
        "weight",
        "size_average",
        "ignore_index",
        "reduce",
        "reduction",
        "label_smoothing",
        adapt=_classes,
    ),
    "linear_cross_entropy": _row_loss(
        fa.linear_cross_entropy,
        "reduction",
        "ignore_index",
        "label_smoothing",
        "linear_bias",
        "weight",
        operands=("input", "linear_weight", "target"),
        inputs=("input", "linear_weight", "linear_bias"),
        adapt=_linear,
    ),
    "ctc_loss": _row_loss(
        fa.ctc_loss,
        "blank",
        "reduction",
        "zero_infinity",
        operands=("log_probs", "targets", "input_lengths", "target_lengths"),
        inputs=("log_probs",),
        for_gradients=_by_logits,
    ),
}
OUTSIDE_FUNCTIONAL = {"tanh", "sigmoid", "softmax", "log_softmax", "logsumexp"}
FUNCTIONS = MASKED | {
    name if name in OUTSIDE_FUNCTIONAL else f"nn.functional.{name}": function
    for name, function in (ACTIVATIONS | ROWS | LOSSES).items()
}

# What theirs refuses and ours takes, by the op and the number of the sample.
NO_ERROR = {
    "nn.functional.softshrink 0": "a negative lambd gives NaN",
    "nn.functional.hardtanh 0": "min_val above max_val: as numpy.clip has it",
}
# By how much, relatively, their results in float64 are wrong.
THEIR_ERRORS = {
    "nn.functional.hardsigmoid": 2.0**-24,  # 1/6 of float32
    "nn.functional.celu": 2.0**-20,  # 1/alpha of float32, in an exponent
    "nn.functional.ctc_loss": 2.0**-40,  # sums of logarithms of size 100
}
