"""Losses of rows of classes."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastact._losses.class_rows import class_loss
from fastact._losses.options import Reduction

__all__ = ["cross_entropy", "nll_loss"]


@class_loss
def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Any:
    r"""Negative log-likelihood of labels, :math:`-w_t x_t`, from log-probabilities.

    Parameters
    ----------
    input : array_like
        Log-probabilities x with a class axis. float16, float32, float64 or bfloat16.
    target : array_like of int
        Labels t: the input's shape without the class axis. Any integer type.
    weight : array_like, optional
        One weight w a class.
    ignore_index : int
        Rows with this label count for nothing and get a zero gradient.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the sum of the labels' weights; over nothing it is 0.
    axis : int
        The class axis: the last one by default, where PyTorch takes axis 1. For (N, C, H, W) say
        ``axis=1``: without it labels of a shape that does not fit are refused, but if all sizes agree,
        as of (N, 4, 4), other rows are taken and nothing says so.

    Returns
    -------
    float or ndarray
        A Python float, accumulated in float64; with "none" an array of the labels' shape.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`. Nothing has been written then.
    TypeError
        If `target` does not hold integers, or an argument is not real.
    ValueError
        If shapes do not go together, or an option has a value it cannot.

    Notes
    -----
    The gradient is -w_t at the label and 0 elsewhere; the Hessian is 0.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> logp = fa.log_softmax(np.array([[2.0, 3.0, 1.0], [3.0, 7.0, 9.0]]))
    >>> round(fa.nll_loss(logp, [1, 2]), 4)
    0.2684
    """


@class_loss
def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Any:
    r"""Cross entropy of softmax(x) with labels or probabilities.

    For labels t: :math:`w_t (\log\sum_j e^{x_j} - x_t)`. For probabilities y:
    :math:`\sum_j w_j y_j (\log\sum_k e^{x_k} - x_j)`. With `z_loss` z, and
    :math:`z (\log\sum_j e^{x_j})^2` for each row, which draws its normalizer to 1.

    Parameters
    ----------
    input : array_like
        Logits x with a class axis. float16, float32, float64 or bfloat16; integers become float64.
    target : array_like
        Labels t, of any integer type and the input's shape without the class axis; or
        probabilities y of the input's shape.
    weight : array_like, optional
        One weight w a class. A term of weight 0 is 0, also where its logarithm is infinite.
    ignore_index : int
        Rows with this label count for nothing and get a zero gradient.
    label_smoothing : float
        The share s, between 0 and 1, that is spread over all n classes: the target
        becomes (1 - s) y + s / n.
    z_loss : float
        The factor z of the squared log of a row's normalizer, finite and at least 0. It weighs
        all rows alike but those ignored: neither class weights nor smoothing change that term,
        and "mean" divides it by what it divides the rest by.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the sum of the labels' weights, or for probabilities by the
        number of rows; over nothing it is 0.
    axis : int
        The class axis: the last one by default, where PyTorch takes axis 1. For (N, C, H, W) say
        ``axis=1``: without it labels of a shape that does not fit are refused, but if all sizes agree,
        as of (N, 4, 4), other rows are taken and nothing says so.

    Returns
    -------
    float or ndarray
        A Python float, accumulated in float64; with "none" an array with a loss a row.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`. Nothing has been written then.
    TypeError
        If labels are not integers, or an argument is not real.
    ValueError
        If shapes do not go together, or an option has a value it cannot.

    Notes
    -----
    With s the sum of exp(x - max) without one maximum, a confident row's loss is
    log1p(s) and its label's gradient -s / (1 + s): full relative precision where
    1 - p would be 0. With Z = 2 z log(sum(exp(x))), the gradient is p (sum(w y) + Z) - w y,
    the Hessian diagonal (sum(w y) + Z) p (1 - p) + 2 z p^2, times the reduction's factor;
    p = softmax(x).

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> round(fa.cross_entropy(np.array([[2.0, 3.0, 1.0], [3.0, 7.0, 9.0]]), [1, 2]), 4)
    0.2684
    >>> loss, grad = fa.cross_entropy.value_and_grad(np.array([[1.0, 2.0]]), [0])
    >>> round(loss, 4), grad.round(4)
    (1.3133, array([[-0.7311,  0.7311]]))
    """
