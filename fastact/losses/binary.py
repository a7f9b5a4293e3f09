"""Losses of a score for one of two classes."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastact._losses.elementwise import Parameter, elementwise_loss, pairwise_loss
from fastact._losses.options import Range, Reduction
from fastact._losses.targets import SHARES, SIGNS, Signs

__all__ = [
    "binary_cross_entropy_with_logits",
    "exponential_loss",
    "focal_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "margin_ranking_loss",
    "soft_margin_loss",
    "squared_hinge_loss",
]


@elementwise_loss(targets=SHARES, pos_weight=Parameter(if_none=1.0))
def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Binary cross entropy of sigmoid(x): :math:`w [(1-y) \log(1+e^x) + p\,y \log(1+e^{-x})]`.

    Parameters
    ----------
    target : array_like
        Targets y in [0, 1]: the input's shape, or a scalar. Of others the formula is computed all the same.
    pos_weight : array_like, optional
        Weight p of positive examples, broadcast to the input's shape: one a class, say.

    Notes
    -----
    With e = exp(-abs(x)) both logarithms are log1p(e), plus abs(x) on one side: nothing
    overflows or cancels, at x = 1e36 as at x = -20 with a large `pos_weight`. Gradient
    w [(1-y) s(x) - p y s(-x)], Hessian diagonal w [(1-y) + p y] s(x) s(-x), s the sigmoid.
    Terms are within 4 ulp.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.binary_cross_entropy_with_logits(np.array([0.0, 2.0]), np.array([1.0, 1.0]), reduction="none")
    array([0.69314718, 0.12692801])
    """


@elementwise_loss(targets=SIGNS)
def hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Hinge loss, :math:`w \max(1 - t x, 0)`.

    Parameters
    ----------
    target : array_like
        Targets t, -1 or 1: the input's shape, or a scalar. Bools, and integers 0 and 1, count as
        these; reals are taken as they are.

    Notes
    -----
    The gradient is -t w for t x < 1 and 0 from the kink on, times the reduction's factor; the
    Hessian diagonal is 0 everywhere. Terms are within 1 ulp.

    References
    ----------
    C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20, 1995.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.hinge_loss(np.array([0.25, -1.0]), np.array([1.0, 1.0]), reduction="none")
    array([0.75, 2.  ])
    """


@elementwise_loss(targets=SIGNS)
def squared_hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Squared hinge loss, :math:`w \max(1 - t x, 0)^2`.

    Parameters
    ----------
    target : array_like
        Targets t, -1 or 1: the input's shape, or a scalar. Bools, and integers 0 and 1, count as
        these; reals are taken as they are.

    Notes
    -----
    The gradient is -2 t w max(1 - t x, 0), the Hessian diagonal 2 t^2 w for t x < 1 and 0 from there
    on, times the reduction's factor. Terms are within 2 ulp.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.squared_hinge_loss(np.array([0.25, -1.0]), np.array([1.0, 1.0]), reduction="none")
    array([0.5625, 4.    ])
    """


@elementwise_loss(targets=SIGNS)
def exponential_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Exponential loss, :math:`w e^{-t x}`, that of AdaBoost.

    Parameters
    ----------
    target : array_like
        Targets t, -1 or 1: the input's shape, or a scalar. Bools, and integers 0 and 1, count as
        these; reals are taken as they are.

    Notes
    -----
    The gradient is -t w exp(-t x), the Hessian diagonal t^2 w exp(-t x), times the reduction's
    factor. Terms are within 1 ulp for t = -1 and 1; other t add the rounding of t x, times t x.

    References
    ----------
    J. Friedman, T. Hastie, R. Tibshirani, "Additive logistic regression: a statistical view of
    boosting", Annals of Statistics 28, 2000.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.exponential_loss(np.array([0.0, -1.0]), np.array([1.0, 1.0]), reduction="none")
    array([1.        , 2.71828183])
    """


@elementwise_loss(targets=SIGNS)
def soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Logistic loss, :math:`w \log(1 + e^{-t x})`.

    Parameters
    ----------
    target : array_like
        Targets t, -1 or 1: the input's shape, or a scalar. Bools, and integers 0 and 1, count as
        these; reals are taken as they are.

    Notes
    -----
    Never overflows, and keeps full relative precision for large t x. The gradient is
    -t w sigmoid(-t x), the Hessian diagonal t^2 w sigmoid(t x) sigmoid(-t x), times the
    reduction's factor. Terms are within 2 ulp for t = -1 and 1; other t add the rounding of t x,
    times t x.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.soft_margin_loss(np.array([0.0, 1000.0]), np.array([1.0, -1.0]), reduction="none")
    array([6.93147181e-01, 1.00000000e+03])
    """


@elementwise_loss(targets=SIGNS, margin=Parameter())
def hinge_embedding_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    margin: ArrayLike = 1.0,
    reduction: Reduction = "mean",
) -> Any:
    r"""Of distances x: :math:`w x` for t = 1, :math:`w \max(m - x, 0)` for t = -1.

    Parameters
    ----------
    target : array_like
        Targets t, -1 or 1: the input's shape, or a scalar. Bools, and integers 0 and 1, count as
        these; reals are taken as they are.
    margin : float or array_like
        The least distance m of what is unlike. An array broadcasts against `input`.

    Notes
    -----
    The gradient is w for t = 1, and for t = -1 -w up to the kink x = m and 0 beyond, times the
    reduction's factor; the Hessian diagonal is 0 everywhere. For other t both terms are added, as
    in PyTorch. Terms are within 1 ulp.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.hinge_embedding_loss(np.array([0.25, 0.25]), np.array([1.0, -1.0]), reduction="none")
    array([0.25, 0.75])
    """


@elementwise_loss(
    targets=SHARES, alpha=Parameter(Range(0.0, 1.0), if_none=-1.0), gamma=Parameter(Range(0.0, finite=True))
)
def focal_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    alpha: ArrayLike | None = 0.25,
    gamma: ArrayLike = 2.0,
    reduction: Reduction = "mean",
) -> Any:
    r"""Focal loss of sigmoid(x): binary cross entropy L that counts less where it is small.

    .. math:: w\,[\alpha y + (1 - \alpha)(1 - y)]\, m^\gamma L

    with :math:`p = \sigma(x)` and :math:`m = y (1 - p) + (1 - y) p`.

    Parameters
    ----------
    target : array_like
        Targets y in [0, 1]: the input's shape, or a scalar.
    alpha : float or array_like, optional
        The weight of positive examples, between 0 and 1, that of others being 1 - alpha; None
        weighs both 1. An array broadcasts against `input`.
    gamma : float or array_like
        How much easy examples are discounted, at least 0. An array broadcasts against `input`.

    Notes
    -----
    With L' = (1-y) p - y (1-p), c = 1 - 2 y and r = p (1-p) / m the gradient is
    w a m^gamma (gamma c r L + L'), a the first factor; the Hessian diagonal, which may be negative,
    is w a m^gamma (gamma c r ([(gamma-1) c r + 1 - 2 p] L + 2 L') + p (1-p)); both times the
    reduction's factor. Values and gradients are within 4 ulp, the Hessian diagonal 6, of the larger
    of what they subtract. In float64 a target that is neither 0 nor 1 adds 3 + gamma / 2 ulp to values
    and 8 + gamma to gradients, a gamma other than 2 gamma abs(log m) ulp.

    References
    ----------
    T. Lin et al., "Focal loss for dense object detection", ICCV 2017.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.focal_loss(np.array([0.0, 4.0]), np.array([1.0, 1.0]), alpha=None, reduction="none")
    array([1.73286795e-01, 5.87156972e-06])
    """


@pairwise_loss(targets=Signs(zeros=False), margin=Parameter())
def margin_ranking_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    margin: ArrayLike = 0.0,
    reduction: Reduction = "mean",
) -> Any:
    r"""Hinge loss of a difference of scores, :math:`w \max(m - t (x_1 - x_2), 0)`.

    Parameters
    ----------
    input1, input2 : array_like
        Scores; the second broadcasts to the shape of the first. float16, float32, float64 or
        bfloat16; integers and bools become float64.
    target : array_like
        Targets t: 1 where the first score should be the higher, -1 where the second should; the
        shape of `input1`, or a scalar. Bools count as these; an integer 0, which may be a tie, is
        refused.
    weight : array_like, optional
        Weights w, broadcast to the shape of `input1`. A term of weight 0 is 0.
    margin : float or array_like
        The margin m. An array broadcasts against `input1`.

    Notes
    -----
    Gradients and Hessian diagonals are pairs, by both inputs, in the float type of the first: -t w
    and t w inside the margin and, as PyTorch has it, at the kink, 0 beyond, times the reduction's
    factor; the Hessian is 0 everywhere. Terms are within 2 ulp of the margin or the difference.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> a, b, t = np.array([1.0, 2.0]), np.array([3.0, 1.0]), np.array([1.0, 1.0])
    >>> fa.margin_ranking_loss(a, b, t, reduction="none")
    array([2., 0.])
    >>> fa.margin_ranking_loss.grad(a, b, t, reduction="sum")
    (array([-1.,  0.]), array([1., 0.]))
    """
