"""Losses of a linear map's outputs."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastact._losses.linear import linear_loss
from fastact._losses.options import Reduction

__all__ = ["linear_cross_entropy"]


@linear_loss
def linear_cross_entropy(
    input: ArrayLike,
    linear_weight: ArrayLike,
    target: ArrayLike,
    *,
    linear_bias: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    ignore_index: int | None = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
) -> Any:
    r"""Cross entropy of the logits :math:`x A^T + b` with labels, without holding them all.

    The logits of N rows and V classes are made in chunks of rows, so that beside arguments and
    results some 60 MB are held, not N V numbers.

    Parameters
    ----------
    input : array_like
        Features x, D along the last axis. float16, float32, float64 or bfloat16; integers become
        float64.
    linear_weight : array_like
        The linear map A, of shape (V, D).
    target : array_like of int
        Labels: the input's shape without the last axis. Any integer type.
    linear_bias : array_like, optional
        b, of shape (V,).
    weight : array_like, optional
        One weight w a class.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the sum of the labels' weights; over nothing it is 0.
    ignore_index : int or None
        Rows with this label count for nothing and get a zero gradient, whatever they hold. None is -100,
        as it is to PyTorch.
    label_smoothing : float
        The share, between 0 and 1, of the target that is spread over all classes.
    z_loss : float
        The factor of the squared log of a row's normalizer, as in `cross_entropy`.

    Returns
    -------
    float or ndarray
        A Python float; with "none" an array of the labels' shape. Gradients are a tuple of those by
        `input`, `linear_weight` and, if it is given, `linear_bias`, all of the input's float type, and
        so is ``out``.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`. Nothing has been written then.
    TypeError
        If labels are not integers, an argument is not real, or `out` is no tuple of as many arrays.
    ValueError
        If shapes do not go together, or an option has a value it cannot.

    See Also
    --------
    cross_entropy : The same of logits that are there.

    Notes
    -----
    With G the gradient of `cross_entropy` by the logits, the gradients are G A, G^T x and the sum
    of G's rows. The Hessian diagonal is exact too: for a row of probabilities p, by the input
    the variance of A's column under p, by A and b p (1 - p) times x^2 and 1, summed over rows.

    Matrix products are NumPy's, and so are their bits: the same for one machine, library and number
    of BLAS threads, not for all. They round as BLAS does, within a few ulp of the sum of the terms'
    magnitudes; the rest is as exact as `cross_entropy`. Narrow types are computed in float32, with
    a float32 array of the size of `linear_weight` for its gradient.

    Dask arrays are computed in blocks of rows of `input`; chunks along other axes are joined. Each block
    gives a gradient of the size of `linear_weight`, and these are added up.

    References
    ----------
    PyTorch's ``torch.nn.functional.linear_cross_entropy``, whose names these are; `z_loss` is its own
    here, and probabilities as targets and maps to more than one axis are not taken.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> x, a = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> loss, (dx, da) = fa.linear_cross_entropy.value_and_grad(x, a, [2, 1])
    >>> round(loss, 4) == round(fa.cross_entropy(x @ a.T, [2, 1]), 4)
    True
    >>> dx.shape, da.shape
    ((2, 2), (3, 2))
    """
