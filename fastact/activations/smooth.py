"""Smooth rectifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from fastact._functions.activation import activation

if TYPE_CHECKING:  # at run time these annotations are never evaluated
    from typing_extensions import Unpack

    from fastact._functions.activation import UfuncKeywords

__all__ = ["logsigmoid", "softplus", "squareplus"]


@activation()
def softplus(input: ArrayLike, beta: ArrayLike = 1.0, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Softplus, :math:`\log(1 + e^{\beta x}) / \beta`, a smooth relu.

    Parameters
    ----------
    beta : float or array_like
        Sharpness, positive. An array broadcasts against `input`.

    Notes
    -----
    Computed as max(x, 0) + log1p(exp(-abs(beta x))) / beta, which is right in both tails: there
    is no `threshold` as PyTorch has. softplus(-inf) = 0, softplus(inf) = inf.
    Error at most 2 ulp; derivatives at most 1.5 and 2.5. Another beta adds up to 2 ulp.

    References
    ----------
    C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau, R. Garcia, "Incorporating second-order
    functional knowledge for better option pricing", NIPS 2000.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.softplus(np.array([-1.0, 0.0, 1.0]))
    array([0.31326169, 0.69314718, 1.31326169])
    """


@activation()
def logsigmoid(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Logarithm of the sigmoid, :math:`-\log(1 + e^{-x})`.

    Notes
    -----
    Computed as min(x, 0) - log1p(exp(-abs(x))): never the logarithm of a rounded sigmoid, so
    the upper tail keeps its relative precision. The derivative is sigmoid(-x), the second
    -sigmoid'(x). logsigmoid(-inf) = -inf, logsigmoid(inf) = -0. Error at most 2 ulp;
    derivatives at most 1.5 and 2.5.

    References
    ----------
    M. Mächler, "Accurately computing log(1 - exp(-abs(a)))", vignette of the R package Rmpfr,
    2012.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.logsigmoid(np.array([-1.0, 0.0, 50.0]))
    array([-1.31326169e+00, -6.93147181e-01, -1.92874985e-22])
    """


@activation()
def squareplus(input: ArrayLike, b: ArrayLike = 4.0, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Squareplus, :math:`(x + \sqrt{x^2 + b}) / 2`, a smooth relu without an exponential.

    Parameters
    ----------
    b : float or array_like
        How far the bend reaches, positive; 4 is as smooth as softplus. An array broadcasts
        against `input`.

    Notes
    -----
    Below 0 the value is computed as b / (2 (abs(x) + sqrt(x**2 + b))), which does not cancel.
    The derivative is (1 + x / sqrt(x**2 + b)) / 2, the second b / (2 (x**2 + b)**(3/2)).
    squareplus(-inf) = 0, squareplus(inf) = inf. Error at most 1 ulp; derivatives at most 1 and
    3.5.

    References
    ----------
    J. Barron, "Squareplus: a softplus-like algebraic rectifier", arXiv:2112.11687.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.squareplus(np.array([-1.5, 0.0, 1.5]))
    array([0.5, 1. , 2. ])
    """
