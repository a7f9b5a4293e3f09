"""Functions that saturate at both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from fastact._functions.activation import activation

if TYPE_CHECKING:  # at run time these annotations are never evaluated
    from typing_extensions import Unpack

    from fastact._functions.activation import UfuncKeywords

__all__ = ["sigmoid", "softsign", "tanh", "tanhshrink"]


@activation()
def sigmoid(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Logistic sigmoid, :math:`1 / (1 + e^{-x})`.

    Notes
    -----
    With e = exp(-abs(x)) the value is (1 or e) / (1 + e), the derivative e / (1 + e)**2: no
    overflow and no cancellation, so both tails are right down to subnormal results.
    sigmoid(-inf) = 0, sigmoid(inf) = 1. Error at most 1.5 ulp; derivatives at most 2.5 and 4.

    References
    ----------
    D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors",
    Nature 323, 1986.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.sigmoid(np.array([-1.0, 0.0, 1.0]))
    array([0.26894142, 0.5       , 0.73105858])
    >>> y = fa.sigmoid(np.array([0.0]))
    >>> fa.sigmoid.backward_from_output(np.array([1.0]), y)
    array([0.25])
    """


@activation()
def tanh(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Hyperbolic tangent, :math:`(e^x - e^{-x}) / (e^x + e^{-x})`.

    Notes
    -----
    With e = exp(-2 abs(x)) the derivative is 4 e / (1 + e)**2, right where 1 - tanh(x)**2 would
    cancel. `backward_from_output` has only the output to go by, and computes (1 - y)(1 + y).
    tanh(-0.0) = -0.0. Error at most 1 ulp; derivatives at most 2.5 and 4.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, "Efficient BackProp", in "Neural networks: tricks
    of the trade", 1998.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.tanh(np.array([-1.0, 0.0, 1.0]))
    array([-0.76159416,  0.        ,  0.76159416])
    >>> float(fa.tanh.derivative(0.0))
    1.0
    """


@activation(kinks=(0.0,))
def softsign(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Softsign, :math:`x / (1 + |x|)`, a sigmoid without an exponential.

    Notes
    -----
    The derivative is 1 / (1 + abs(x))**2, 1 at x = 0; the second derivative is -2 sign(x) / (1
    + abs(x))**3, taken as 0 at x = 0, where it jumps. softsign(-inf) = -1, softsign(inf) = 1.
    Error at most 0.75 ulp; derivatives at most 1.5 and 3.

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.softsign(np.array([-1.0, 0.0, 3.0]))
    array([-0.5 ,  0.  ,  0.75])
    >>> fa.softsign.derivative(np.array([-1.0, 0.0, 3.0]))
    array([0.25  , 1.    , 0.0625])
    """


@activation()
def tanhshrink(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Tanh shrinkage, :math:`x - \tanh(x)`.

    Notes
    -----
    Below 1 in magnitude, where the difference cancels, the value is computed as x**3 (1/3 - 2
    x**2 / 15 + ...). The derivative is tanh(x)**2, the second 2 tanh(x) tanh'(x).
    tanhshrink(-inf) = -inf, tanhshrink(inf) = inf, tanhshrink(-0.0) = -0.0. Error at most 2
    ulp; derivatives at most 3 and 4.

    References
    ----------
    PyTorch documentation, ``torch.nn.functional.tanhshrink``.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.tanhshrink(np.array([-1.0, 0.001, 2.0]))
    array([-2.38405844e-01,  3.33333200e-10,  1.03597242e+00])
    """
