"""Activations: one documented definition each.

A definition's parameters are the op's; its body is its docstring. Value,
``backward``, ``derivative`` and ``backward_from_output`` come from the core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from fastact._activation import activation

if TYPE_CHECKING:  # at run time these annotations are never evaluated
    from typing_extensions import Unpack

    from fastact._activation import UfuncKeywords

__all__ = ["gelu", "leaky_relu", "relu", "sigmoid", "silu", "softplus", "softsign", "tanh"]


@activation(kinks=(0.0,))
def relu(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Rectified linear unit, :math:`\max(x, 0)`.

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    out, where, casting, order, dtype
        As of any NumPy ufunc.

    Returns
    -------
    ndarray
        Of the input's shape and float type.

    Raises
    ------
    TypeError
        If `input` or `out` has a type no loop takes.
    ValueError
        If `out` has another shape or is read-only.

    Notes
    -----
    The derivative is 1 for x > 0 and 0 elsewhere, 0 at the kink x = 0; the second
    derivative is 0. relu(-inf) = 0, relu(-0.0) = -0.0. Exact.

    References
    ----------
    V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    >>> fa.relu.backward(np.array([5.0, 5.0, 5.0]), np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 5.])
    """


@activation(kinks=(0.0,))
def leaky_relu(input: ArrayLike, negative_slope: ArrayLike = 0.01, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Leaky rectified linear unit, :math:`x` for x >= 0 and :math:`a x` below.

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    negative_slope : float or array_like
        The slope a. An array broadcasts against `input`: one slope a channel, say.
    out, where, casting, order, dtype
        As of any NumPy ufunc.

    Returns
    -------
    ndarray
        Of the broadcast shape and the input's float type.

    Raises
    ------
    TypeError
        If an operand or `out` has a type no loop takes.
    ValueError
        If the operands do not broadcast, or `out` has another shape or is read-only.

    Notes
    -----
    The derivative is 1 for x > 0 and a elsewhere, a at the kink x = 0; the second
    derivative is 0. Rounded once: at most 0.5 ulp.

    References
    ----------
    A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML 2013.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.leaky_relu(np.array([-1.0, 0.0, 2.0]))
    array([-0.01,  0.  ,  2.  ])
    >>> fa.leaky_relu(np.array([[-1.0, -1.0]]), [0.1, 0.2])
    array([[-0.1, -0.2]])
    """


@activation()
def sigmoid(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Logistic sigmoid, :math:`1 / (1 + e^{-x})`.

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    out, where, casting, order, dtype
        As of any NumPy ufunc.

    Returns
    -------
    ndarray
        Of the input's shape and float type, in [0, 1].

    Raises
    ------
    TypeError
        If `input` or `out` has a type no loop takes.
    ValueError
        If `out` has another shape or is read-only.

    Notes
    -----
    With e = exp(-abs(x)) the value is (1 or e) / (1 + e), the derivative
    e / (1 + e)**2: no overflow and no cancellation, so both tails are right down to
    subnormal results. sigmoid(-inf) = 0, sigmoid(inf) = 1. Error at most 2 ulp;
    derivatives at most 3 and 6.

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

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    out, where, casting, order, dtype
        As of any NumPy ufunc.

    Returns
    -------
    ndarray
        Of the input's shape and float type, in [-1, 1].

    Raises
    ------
    TypeError
        If `input` or `out` has a type no loop takes.
    ValueError
        If `out` has another shape or is read-only.

    Notes
    -----
    With e = exp(-2 abs(x)) the derivative is 4 e / (1 + e)**2, right where 1 - tanh(x)**2
    would cancel. `backward_from_output` has only the output to go by, and computes
    (1 - y)(1 + y). tanh(-0.0) = -0.0. Error at most 2 ulp; derivatives at most 3 and 6.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.tanh(np.array([-1.0, 0.0, 1.0]))
    array([-0.76159416,  0.        ,  0.76159416])
    >>> float(fa.tanh.derivative(0.0))
    1.0
    """


@activation(approximate={"none": "gelu", "tanh": "gelu_tanh"})
def gelu(
    input: ArrayLike, *, approximate: Literal["none", "tanh"] = "none", **keywords: Unpack[UfuncKeywords]
) -> Any:
    r"""Gaussian error linear unit, :math:`x \Phi(x)`.

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    approximate : {"none", "tanh"}
        "none": with the normal distribution function. "tanh": the approximation
        :math:`\frac{x}{2} (1 + \tanh(\sqrt{2/\pi} (x + 0.044715 x^3)))`.
    out, where, casting, order, dtype
        As of any NumPy ufunc.

    Returns
    -------
    ndarray
        Of the input's shape and float type.

    Raises
    ------
    TypeError
        If `input` or `out` has a type no loop takes.
    ValueError
        If `approximate` is something else, or `out` has another shape or is read-only.

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


@activation()
def silu(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Sigmoid linear unit (swish with beta 1), :math:`x / (1 + e^{-x})`.

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    out, where, casting, order, dtype
        As of any NumPy ufunc.

    Returns
    -------
    ndarray
        Of the input's shape and float type.

    Raises
    ------
    TypeError
        If `input` or `out` has a type no loop takes.
    ValueError
        If `out` has another shape or is read-only.

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


@activation()
def softplus(input: ArrayLike, beta: ArrayLike = 1.0, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Softplus, :math:`\log(1 + e^{\beta x}) / \beta`, a smooth relu.

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    beta : float or array_like
        Sharpness, positive. An array broadcasts against `input`.
    out, where, casting, order, dtype
        As of any NumPy ufunc.

    Returns
    -------
    ndarray
        Of the broadcast shape and the input's float type.

    Raises
    ------
    TypeError
        If an operand or `out` has a type no loop takes.
    ValueError
        If the operands do not broadcast, or `out` has another shape or is read-only.

    Notes
    -----
    Computed as max(x, 0) + log1p(exp(-abs(beta x))) / beta, which is exact to rounding
    everywhere: there is no `threshold` as PyTorch has. softplus(-inf) = 0,
    softplus(inf) = inf. Error at most 2 ulp; derivatives at most 3 and 6.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.softplus(np.array([-1.0, 0.0, 1.0]))
    array([0.31326169, 0.69314718, 1.31326169])
    """


@activation(kinks=(0.0,))
def softsign(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Softsign, :math:`x / (1 + |x|)`, a sigmoid without an exponential.

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    out, where, casting, order, dtype
        As of any NumPy ufunc.

    Returns
    -------
    ndarray
        Of the input's shape and float type, in [-1, 1].

    Raises
    ------
    TypeError
        If `input` or `out` has a type no loop takes.
    ValueError
        If `out` has another shape or is read-only.

    Notes
    -----
    The derivative is 1 / (1 + abs(x))**2, 1 at x = 0; the second derivative is
    -2 sign(x) / (1 + abs(x))**3, taken as 0 at x = 0, where it jumps. softsign(-inf) = -1,
    softsign(inf) = 1. Error at most 1.5 ulp; derivatives at most 1.5 and 3.

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
