"""Ops along an axis: one documented definition each; the body is the docstring."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastact._functions.row_op import Axis, jacobian, reducing_row_op, row_op

__all__ = ["hardmax", "log_softmax", "logsumexp", "softmax", "softmin", "sparsemax"]


@row_op
def softmax(input: ArrayLike, axis: Axis = -1, *, where: ArrayLike | None = None, out: Any = None) -> Any:
    r"""Softmax, :math:`p_i = e^{x_i} / \sum_j e^{x_j}`, along an axis.

    Notes
    -----
    A logit of -inf has probability exactly 0. A row of only -inf, or with +inf or NaN, is
    NaN. Entries are within 2 ulp, beside what the rounding of x - max(x) brings. The
    derivative is the matrix p_i (delta_ij - p_j): `backward` multiplies by it, and
    ``softmax.jacobian(input, axis=-1)`` is the matrix itself, in the last two axes.

    References
    ----------
    J. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
    relationships to statistical pattern recognition", in "Neurocomputing", 1990.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.softmax(np.array([[1.0, 2.0, 3.0]])).round(4)
    array([[0.09  , 0.2447, 0.6652]])
    >>> fa.softmax(np.array([1.0, 2.0, 3.0]), where=np.array([True, True, False])).round(4)
    array([0.2689, 0.7311, 0.    ])
    >>> fa.softmax.jacobian(np.array([0.0, 0.0]))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """


softmax.jacobian = jacobian(softmax)


@row_op
def log_softmax(input: ArrayLike, axis: Axis = -1, *, where: ArrayLike | None = None, out: Any = None) -> Any:
    r"""Logarithm of softmax, :math:`x_i - \log \sum_j e^{x_j}`, along an axis.

    Parameters
    ----------
    where : array_like of bool, optional
        Elements to include, broadcast to the input's shape. Others get -inf, the logarithm of
        their probability 0, and gradients of exactly 0.

    Notes
    -----
    With m = max(x): (x - m) - log1p(s), s the sum of exp(x - m) without one maximum. A
    confident row's winner so keeps its relative precision: -s, and never -0. Within 2 ulp,
    beside what the rounding of x - m brings. A row of only -inf, or with +inf or NaN, is NaN.

    References
    ----------
    P. Blanchard, D. Higham, N. Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA Journal of Numerical Analysis 41, 2021.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.log_softmax(np.array([0.0, -100.0]))
    array([-3.72007598e-44, -1.00000000e+02])
    """


@reducing_row_op
def logsumexp(
    input: ArrayLike,
    axis: Axis = -1,
    *,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    out: Any = None,
) -> Any:
    r"""Logarithm of the sum of exponentials, :math:`\log \sum_j e^{x_j}`, along an axis.

    Parameters
    ----------
    axis : int or tuple of ints
        The axis to reduce; several together count as one.
    keepdims : bool
        Leave the reduced axes in the result, of length 1.
    where : array_like of bool, optional
        Elements to include, broadcast to the input's shape; of none at all it is -inf.

    Returns
    -------
    ndarray
        Of the input's float type, without the reduced axes. A row with +inf gives inf, a
        row of only -inf gives -inf.

    Notes
    -----
    max(x) + log1p(s), s the sum of exp(x - max) without one maximum. Its gradient is
    softmax(x), times `grad_output`.

    References
    ----------
    P. Blanchard, D. Higham, N. Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA Journal of Numerical Analysis 41, 2021.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> round(float(fa.logsumexp(np.array([1000.0, 1000.0]))), 4)
    1000.6931
    """


@row_op
def softmin(input: ArrayLike, axis: Axis = -1, *, where: ArrayLike | None = None, out: Any = None) -> Any:
    r"""Softmax of the negated input, :math:`p_i = e^{-x_i} / \sum_j e^{-x_j}`, along an axis.

    Notes
    -----
    As `softmax` of ``-input``, also at special values: an element of inf has probability
    exactly 0. Entries are within 2 ulp, beside what the rounding of min(x) - x brings.

    References
    ----------
    PyTorch documentation, ``torch.nn.functional.softmin``.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.softmin(np.array([1.0, 2.0, 3.0])).round(4)
    array([0.6652, 0.2447, 0.09  ])
    """


@row_op
def hardmax(input: ArrayLike, axis: Axis = -1, *, where: ArrayLike | None = None, out: Any = None) -> Any:
    r"""One-hot maximum, :math:`y_i = 1` at the first largest :math:`x_i` and 0 elsewhere, along an axis.

    Notes
    -----
    Of equal maxima the first counts. A row with NaN is NaN. The derivative is 0 everywhere, so
    `backward` gives zeros. Exact.

    References
    ----------
    ONNX documentation, operator Hardmax.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.hardmax(np.array([1.0, 3.0, 3.0]))
    array([0., 1., 0.])
    """


@row_op
def sparsemax(input: ArrayLike, axis: Axis = -1, *, where: ArrayLike | None = None, out: Any = None) -> Any:
    r"""Nearest point of the simplex, :math:`p_i = \max(x_i - \tau, 0)` with :math:`\sum_i p_i = 1`.

    Notes
    -----
    The threshold is found by Michelot's method, which drops what lies below the mean of the
    rest until nothing does. The derivative is that of a mean: over the support, where p > 0,
    `backward` gives grad_output less its mean there, and 0 elsewhere. -inf has probability
    0; a row of only -inf, or with +inf or NaN, is NaN. Entries are within 2 ulp, beside what
    the rounding of x - max(x) brings.

    References
    ----------
    A. Martins, R. Astudillo, "From softmax to sparsemax", ICML 2016. C. Michelot, "A finite
    algorithm for finding the projection of a point onto the canonical simplex of R^n", Journal
    of Optimization Theory and Applications 50, 1986.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.sparsemax(np.array([1.0, 1.5, 0.25]))
    array([0.25, 0.75, 0.  ])
    """
