"""Functions of straight pieces, and what resembles them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from fastact._functions.activation import activation

if TYPE_CHECKING:  # at run time these annotations are never evaluated
    from typing_extensions import Unpack

    from fastact._functions.activation import UfuncKeywords

__all__ = ["hardshrink", "hardsigmoid", "hardswish", "hardtanh", "identity", "softshrink", "step"]


@activation(kinks=(0.0,))
def step(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Step function, :math:`1` for x > 0 and :math:`0` elsewhere.

    Notes
    -----
    step(0) = 0. Both derivatives are 0 everywhere, so nothing before a step is trained by
    gradients. step(-inf) = 0, step(inf) = 1. Exact.

    References
    ----------
    W. McCulloch, W. Pitts, "A logical calculus of the ideas immanent in nervous activity",
    Bulletin of Mathematical Biophysics 5, 1943.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.step(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """


@activation()
def identity(input: ArrayLike, k: ArrayLike = 1.0, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Linear function, :math:`k x`.

    Parameters
    ----------
    k : float or array_like
        The slope. An array broadcasts against `input`.

    Notes
    -----
    The derivative is k, the second derivative 0. Rounded once: at most 0.5 ulp.

    References
    ----------
    B. Widrow, M. Hoff, "Adaptive switching circuits", IRE WESCON 1960, whose unit is linear.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.identity(np.array([-1.0, 0.0, 2.0]), 3)
    array([-3.,  0.,  6.])
    """


@activation(kinks=("min_val", "max_val"))
def hardtanh(
    input: ArrayLike, min_val: ArrayLike = -1.0, max_val: ArrayLike = 1.0, **keywords: Unpack[UfuncKeywords]
) -> Any:
    r"""Hard tanh, :math:`\min(\max(x, a), b)`.

    Parameters
    ----------
    min_val : float or array_like
        The least value a. An array broadcasts against `input`.
    max_val : float or array_like
        The largest value b. An array broadcasts against `input`.

    Notes
    -----
    The derivative is 1 for a < x < b and 0 elsewhere, 0 at the kinks a and b; the second
    derivative is 0. hardtanh(-inf) = a, hardtanh(inf) = b; b everywhere if a > b. A NaN bound
    bounds nothing. Exact.

    References
    ----------
    R. Collobert, "Large scale machine learning", PhD thesis, Université Paris VI, 2004.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.hardtanh(np.array([-3.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    """


@activation(kinks=(-3.0, 3.0))
def hardsigmoid(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Hard sigmoid, :math:`\min(\max(x + 3, 0), 6) / 6`.

    Notes
    -----
    The derivative is 1/6 for -3 < x < 3 and 0 elsewhere, 0 at the kinks x = -3 and x = 3; the
    second derivative is 0. hardsigmoid(-inf) = 0, hardsigmoid(inf) = 1. Error at most 1 ulp;
    derivatives at most 0.5 and 0.

    References
    ----------
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.hardsigmoid(np.array([-4.0, 0.0, 1.5]))
    array([0.  , 0.5 , 0.75])
    """


@activation(kinks=(-3.0, 3.0))
def hardswish(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Hard swish, :math:`x \min(\max(x + 3, 0), 6) / 6`.

    Notes
    -----
    The derivative is 0 for x <= -3, x/3 + 1/2 between and 1 for x >= 3: 0 at the kink -3, where
    it jumps from 0 to -1/2, and 1 at the kink 3, where it jumps from 3/2 to 1. The second
    derivative is 1/3 for -3 < x < 3, else 0. hardswish(-inf) = -0, hardswish(inf) = inf. Error at
    most 2 ulp; derivatives at most 1 and 0.5.

    References
    ----------
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.hardswish(np.array([-4.0, 1.0, 4.0])).round(4)
    array([-0.    ,  0.6667,  4.    ])
    """


@activation(kinks=("-lambd", "lambd"))
def hardshrink(input: ArrayLike, lambd: ArrayLike = 0.5, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Hard shrinkage, :math:`x` for abs(x) > lambd and :math:`0` elsewhere.

    Parameters
    ----------
    lambd : float or array_like
        How far from 0 the value is 0. An array broadcasts against `input`.

    Notes
    -----
    The derivative is 1 for abs(x) > lambd and 0 elsewhere, 0 at the kinks; the second
    derivative is 0. hardshrink(-inf) = -inf, hardshrink(inf) = inf. Exact.

    References
    ----------
    D. Donoho, I. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81,
    1994.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.hardshrink(np.array([-1.0, 0.5, 2.0]))
    array([-1.,  0.,  2.])
    """


@activation(kinks=("-lambd", "lambd"))
def softshrink(input: ArrayLike, lambd: ArrayLike = 0.5, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Soft shrinkage, :math:`\operatorname{sign}(x) \max(|x| - \lambda, 0)`.

    Parameters
    ----------
    lambd : float or array_like
        How much nearer to 0 everything moves; a negative one gives NaN. An array broadcasts against `input`.

    Notes
    -----
    The derivative is 1 for abs(x) > lambd and 0 elsewhere, 0 at the kinks; the second
    derivative is 0. softshrink(-inf) = -inf, softshrink(inf) = inf. Rounded once: at most
    0.5 ulp.

    References
    ----------
    D. Donoho, "De-noising by soft-thresholding", IEEE Transactions on Information Theory 41, 1995.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.softshrink(np.array([-1.0, 0.5, 2.0]))
    array([-0.5,  0. ,  1.5])
    """
