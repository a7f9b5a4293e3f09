"""The input times a sigmoid of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from fastact._activation import activation

if TYPE_CHECKING:  # at run time these annotations are never evaluated
    from typing_extensions import Unpack

    from fastact._activation import UfuncKeywords

__all__ = ["gelu", "silu"]


@activation()
def silu(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Sigmoid linear unit (swish with beta 1), :math:`x / (1 + e^{-x})`.

    Notes
    -----
    silu(-90) is -7.4e-38 in float32, not 0. silu(-inf) = -0, silu(inf) = inf. Error at
    most 2 ulp; derivatives at most 3 and 6.

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
    The negative side is computed by the complementary error function, never as
    1 + erf, so the tail keeps its relative precision: gelu(-5.5) is -1.04e-7, and
    float32 results go on to about x = -14. gelu(-inf) = -0, gelu(inf) = inf. Error at most
    2 ulp; derivatives at most 3 and 6.

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
