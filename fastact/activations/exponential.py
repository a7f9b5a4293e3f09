"""Straight above 0, an exponential below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from fastact._functions.activation import activation

if TYPE_CHECKING:  # at run time these annotations are never evaluated
    from typing_extensions import Unpack

    from fastact._functions.activation import UfuncKeywords

__all__ = ["celu", "elu", "selu"]


@activation(kinks=(0.0,))
def elu(input: ArrayLike, alpha: ArrayLike = 1.0, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Exponential linear unit, :math:`x` for x > 0 and :math:`\alpha (e^x - 1)` below.

    Parameters
    ----------
    alpha : float or array_like
        What the value falls to, negated; positive. An array broadcasts against `input`.

    Notes
    -----
    The derivative is 1 for x > 0 and alpha exp(x) elsewhere, alpha at the kink x = 0; the
    second derivative is 0 for x > 0 and alpha exp(x) elsewhere. elu(-inf) = -alpha, elu(inf) =
    inf. Error at most 1.5 ulp; derivatives at most 1 and 1.

    References
    ----------
    D. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by
    exponential linear units", ICLR 2016.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.elu(np.array([-1.0, 0.0, 2.0]))
    array([-0.63212056,  0.        ,  2.        ])
    """


@activation(kinks=(0.0,))
def selu(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Scaled elu, :math:`\lambda x` for x > 0 and :math:`\lambda \alpha (e^x - 1)` below.

    Notes
    -----
    lambda = 1.0507009873554805 and alpha = 1.6732632423543772 keep mean 0 and variance 1. The
    derivative is lambda for x > 0 and lambda alpha exp(x) elsewhere, lambda alpha at the kink x
    = 0; the second derivative is 0 for x > 0 and lambda alpha exp(x) elsewhere. selu(-inf) is
    -1.758, selu(inf) = inf. Error at most 2 ulp; derivatives at most 1.5 and 1.5.

    References
    ----------
    G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing neural networks",
    NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.selu(np.array([-1.0, 0.0, 2.0]))
    array([-1.11133074,  0.        ,  2.10140197])
    """


@activation(kinks=(0.0,))
def celu(input: ArrayLike, alpha: ArrayLike = 1.0, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Continuously differentiable elu, :math:`x` for x > 0 and :math:`\alpha (e^{x/\alpha} - 1)` below.

    Parameters
    ----------
    alpha : float or array_like
        What the value falls to, negated; positive. An array broadcasts against `input`.

    Notes
    -----
    The derivative is 1 for x > 0 and exp(x / alpha) elsewhere, 1 at the kink x = 0, where the
    second derivative jumps: it is 0 for x > 0 and exp(x / alpha) / alpha elsewhere, 1 / alpha
    at 0. celu(-inf) = -alpha, celu(inf) = inf. Error at most 1 ulp; derivatives at most 1 and
    1. Another alpha adds up to 2 ulp.

    References
    ----------
    J. Barron, "Continuously differentiable exponential linear units", arXiv:1704.07483.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.celu(np.array([-1.0, 0.0, 2.0]), 2.0)
    array([-0.78693868,  0.        ,  2.        ])
    """
