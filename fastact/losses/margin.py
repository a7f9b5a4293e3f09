"""Losses of rows of scores whose labels are to win by a margin."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastact._losses.float64_rows import MarginLoss
from fastact._losses.options import Reduction

__all__ = ["multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss"]


@MarginLoss
def multi_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Any:
    r"""Hinges of all classes against a label's, :math:`\sum_{j \ne y} w_y \max(m - x_y + x_j, 0)^p / C`.

    Parameters
    ----------
    target : array_like of int
        Labels y: the input's shape without the class axis. Any integer type.
    p : {1, 2}
        The hinges' power.
    margin : float
        By how much m the label's score is to exceed the others.
    weight : array_like, optional
        One weight w a class; that of its label multiplies a row. A row of weight 0 is 0.

    Notes
    -----
    The mean divides by the number of rows, as in PyTorch, whatever the weights. A hinge's slope is 0 at
    its kink; the Hessian diagonal is 0 for p = 1, and for p = 2 it is 2 w_y / C times 1 for each class
    inside the margin and times their number for the label, times the reduction's factor. Classes of score
    -inf, such as masked ones, count nothing. NaN gives NaN, where PyTorch passes over it. Computed in
    float64.

    References
    ----------
    K. Crammer, Y. Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
    JMLR 2, 2001.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.multi_margin_loss.value_and_grad(np.array([[0.5, 0.25, 0.0, -2.0]]), [0])
    (0.3125, array([[-0.5 ,  0.25,  0.25,  0.  ]]))
    """


@MarginLoss
def multilabel_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Any:
    r"""Hinges of all classes against several labels'.

    :math:`\sum_y \sum_j \max(1 - x_y + x_j, 0) / C`, where y runs through a row's labels and j through the
    classes that are none of them.

    Parameters
    ----------
    target : array_like of int
        Lists of labels, of the input's shape and any signed integer type: along the class axis each ends
        at its first -1, if there is one. A label that is there twice counts twice.

    Raises
    ------
    IndexError
        If an element is neither a class nor -1, also behind the list's end. Nothing has been written then.
    TypeError
        If `target` does not hold integers, an argument is not real, or an option is unknown.
    ValueError
        If shapes do not go together, or an option has a value it cannot.

    Notes
    -----
    A hinge's slope is 0 at its kink, the Hessian diagonal is 0 everywhere. Classes of score -inf count
    nothing. NaN gives NaN. Computed in float64.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.multilabel_margin_loss(np.array([[0.5, 0.25, 0.0, -2.0]]), [[3, 0, -1, 1]])
    1.875
    """


@MarginLoss
def multilabel_soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Any:
    r"""Binary cross entropy averaged over classes.

    :math:`-\sum_c w_c (y_c \log \sigma(x_c) + (1 - y_c) \log \sigma(-x_c)) / C`

    Parameters
    ----------
    target : array_like
        Targets y between 0 and 1, of the input's shape.
    weight : array_like, optional
        One weight w a class. A term of weight 0 is 0.

    Raises
    ------
    TypeError
        If an argument has a type that is not real, or an option is unknown.
    ValueError
        If shapes do not go together, or an option has a value it cannot.

    Notes
    -----
    Never overflows, and keeps full relative precision: see `binary_cross_entropy_with_logits`. The gradient
    is w (sigmoid(x) - y) / C, the Hessian diagonal w sigmoid(x) sigmoid(-x) / C, times the reduction's
    factor. Computed in float64.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> round(fa.multilabel_soft_margin_loss(np.array([[2.0, -1.0, 0.0]]), [[1, 0, 1]]), 4)
    0.3778
    """
