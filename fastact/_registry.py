"""Ops by kind and by name: whatever the modules of definitions make public."""

from __future__ import annotations

from typing import Any, Literal, get_args, overload

from fastact import rows
from fastact._arrays import choice
from fastact._functions.activation import Activation
from fastact._functions.gated import Glu
from fastact._functions.random_relu import RandomizedRelu
from fastact._functions.row_op import RowOp
from fastact._losses.base import Loss
from fastact.activations import exponential, gated, hard, linear_units, rectifiers, sigmoids, smooth
from fastact.losses import (
    binary,
    classification,
    deviance,
    distance,
    likelihood,
    linear,
    margin,
    regression,
    sequence,
)

Kind = Literal["activation", "rows", "loss"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_ACTIVATIONS = (exponential, gated, hard, linear_units, rectifiers, sigmoids, smooth)
_LOSSES = (binary, classification, deviance, distance, likelihood, linear, margin, regression, sequence)
_OPS = sorted(
    (getattr(module, name) for module in (*_ACTIVATIONS, rows, *_LOSSES) for name in module.__all__),
    key=lambda op: op.__name__,
)


@overload
def list_ops(kind: Literal["activation"]) -> list[Activation[...] | Glu | RandomizedRelu]: ...
@overload
def list_ops(kind: Literal["rows"]) -> list[RowOp[Any]]: ...
@overload
def list_ops(kind: Literal["loss"]) -> list[Loss[..., Any]]: ...
@overload
def list_ops(
    kind: None = None,
) -> list[Activation[...] | Glu | RandomizedRelu | RowOp[Any] | Loss[..., Any]]: ...
def list_ops(kind: Kind | None = None) -> Any:
    """The ops of a kind, or all.

    Parameters
    ----------
    kind : {"activation", "rows", "loss"}, optional
        "activation": elementwise functions, and gated linear units. "rows": functions along an
        axis, such as softmax. None: all, in this order of kinds.

    Returns
    -------
    list
        The op objects, those of a kind in alphabetical order.

    Raises
    ------
    ValueError
        If there is no such kind.

    See Also
    --------
    get_op : One op, by its name.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.list_ops("rows")
    [...<fastact.log_softmax>, <fastact.logsumexp>, ...]
    """
    kinds = KINDS if kind is None else (choice(kind, "list_ops: kind", KINDS),)
    return [op for wanted in kinds for op in _OPS if op.kind == wanted]


# Any, since the kinds are called in different ways: of a union, type checkers would refuse every call.
def get_op(name: str) -> Any:
    """The op of a name, for names that come from a configuration or a command line.

    Parameters
    ----------
    name : str
        As the op is called in this package.

    Returns
    -------
    callable
        The op object.

    Raises
    ------
    ValueError
        If there is no such op; where a name comes close, the message says which.
    TypeError
        If `name` is no string.

    See Also
    --------
    list_ops : All ops.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get_op("gelu") is fa.gelu
    True
    >>> fa.get_op("LeakyReLU")
    Traceback (most recent call last):
        ...
    ValueError: get_op: name must be that of an op, got 'LeakyReLU'; did you mean 'leaky_relu'?
    """
    if not isinstance(name, str):
        raise TypeError(f"get_op: name must be a str, got {type(name).__name__}")
    ops = {op.__name__: op for op in list_ops()}
    if name in ops:
        return ops[name]
    closest = _closest(name, list(ops))
    hint = f"did you mean {closest!r}?" if closest else "fastact.list_ops() has them all"
    raise ValueError(f"get_op: name must be that of an op, got {name!r}; {hint}")


def _closest(name: str, names: list[str]) -> str | None:
    from difflib import get_close_matches  # here: only a wrong name needs it

    spelling = name.rpartition(".")[2].casefold()  # of nn.LeakyReLU, leakyrelu
    return next(iter(get_close_matches(spelling, names, n=1)), None)
