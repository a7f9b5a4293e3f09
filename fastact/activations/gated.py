"""The input times a sigmoid of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from fastact._functions.activation import activation

if TYPE_CHECKING:  # at run time these annotations are never evaluated
    from typing_extensions import Unpack

    from fastact._functions.activation import UfuncKeywords

__all__ = ["gelu", "mish", "quick_gelu", "silu", "swish"]


@activation()
def silu(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Sigmoid linear unit (swish with beta 1), :math:`x / (1 + e^{-x})`.

    Notes
    -----
    silu(-90) is -7.4e-38 in float32, not 0. silu(-inf) = -0, silu(inf) = inf. Error at most 2
    ulp; derivatives at most 2.5 and 4.

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning", arXiv:1702.03118.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.silu(np.array([-1.0, 0.0, 1.0]))
    array([-0.26894142,  0.        ,  0.73105858])
    """


@activation(approximate={"none": "gelu", "tanh": "gelu_tanh"})
def gelu(
    input: ArrayLike, *, approximate: Literal["none", "tanh"] = "none", **keywords: Unpack[UfuncKeywords]
) -> Any:
    r"""Gaussian error linear unit, :math:`x \Phi(x)`.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        "none": with the normal distribution function. "tanh": the approximation
        :math:`\frac{x}{2} (1 + \tanh(\sqrt{2/\pi} (x + 0.044715 x^3)))`.

    Notes
    -----
    The negative side is computed by the complementary error function, never as 1 + erf, so the
    tail keeps its relative precision: gelu(-5.5) is -1.04e-7, and float32 results go on to
    about x = -14. gelu(-inf) = -0, gelu(inf) = inf. Error at most 2 ulp; derivatives at most
    2.5 and 5.5.

    References
    ----------
    D. Hendrycks, K. Gimpel, "Gaussian error linear units", arXiv:1606.08415.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.gelu(np.array([-1.0, 0.0, 1.0]))
    array([-0.15865525,  0.        ,  0.84134475])
    >>> fa.gelu(np.array([1.0]), approximate="tanh")
    array([0.84119199])
    """


@activation()
def swish(
    input: ArrayLike, beta: ArrayLike = 1.0, *, axis: int | None = None, **keywords: Unpack[UfuncKeywords]
) -> Any:
    r"""Swish, :math:`x / (1 + e^{-\beta x})`, a sigmoid linear unit with a trained sharpness.

    Parameters
    ----------
    beta : float or array_like
        The sharpness, which is trained. An array broadcasts against `input`.
    axis : int, optional
        Where a 1-d `beta` lies: one for each entry of this axis of `input`. Without it NumPy
        broadcasts, to the last axis.

    Notes
    -----
    ``swish.backward(grad_output, input, beta)`` is a pair: the gradient by the input, and that
    by beta, in its shape: the sum of grad_output * x**2 sigmoid'(beta x), accumulated in
    float64. swish is x / 2 for beta = 0, `silu` for 1, and tends to relu as beta grows. Beside
    relu(x) only what is above 1e-57 x counts (float64: 1e-346 x).
    swish(-inf) = -0, swish(inf) = inf for a positive beta. Error at most 2 ulp; derivatives at
    most 2.5 and 4.

    References
    ----------
    P. Ramachandran, B. Zoph, Q. Le, "Searching for activation functions", arXiv:1710.05941.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.swish(np.array([-1.0, 0.0, 1.0]), 2.0)
    array([-0.11920292,  0.        ,  0.88079708])
    >>> dx, dbeta = fa.swish.backward(np.array([1.0, 1.0]), np.array([-1.0, 1.0]), 2.0)
    >>> float(dbeta.round(6))
    0.209987
    """


@activation()
def quick_gelu(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Gelu by a sigmoid, :math:`x / (1 + e^{-1.702 x})`.

    Notes
    -----
    quick_gelu(-inf) = -0, quick_gelu(inf) = inf. Error at most 2 ulp; derivatives at most 2.5
    and 5.5.

    References
    ----------
    D. Hendrycks, K. Gimpel, "Gaussian error linear units", arXiv:1606.08415.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.quick_gelu(np.array([-1.0, 0.0, 1.0]))
    array([-0.15420423,  0.        ,  0.84579577])
    """


@activation()
def mish(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Mish, :math:`x \tanh(\log(1 + e^x))`.

    Notes
    -----
    Computed without a logarithm, as x n / (n + 2) with n = e (e + 2) and e = exp(x). mish(-inf)
    = -0, mish(inf) = inf. Error at most 1 ulp; derivatives at most 1.5 and 1.5.

    References
    ----------
    D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.mish(np.array([-1.0, 0.0, 1.0]))
    array([-0.30340146,  0.        ,  0.86509839])
    """
