"""Rectifiers: functions that pass what is positive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from fastact._functions.activation import activation
from fastact._functions.random_relu import randomized_relu

if TYPE_CHECKING:  # at run time these annotations are never evaluated
    from typing_extensions import Unpack

    from fastact._functions.activation import UfuncKeywords

__all__ = ["leaky_relu", "prelu", "relu", "relu6", "relu_squared", "rrelu", "threshold"]


@activation(kinks=(0.0,))
def relu(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Rectified linear unit, :math:`\max(x, 0)`.

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
    r"""Leaky rectified linear unit, :math:`x` for x > 0 and :math:`a x` below.

    Parameters
    ----------
    negative_slope : float or array_like
        The slope a. An array broadcasts against `input`: one slope a channel, say.

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


@activation(kinks=(0.0, 6.0))
def relu6(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Rectified linear unit that stops at 6, :math:`\min(\max(x, 0), 6)`.

    Notes
    -----
    The derivative is 1 for 0 < x < 6 and 0 elsewhere, 0 at the kinks x = 0 and x = 6; the
    second derivative is 0. relu6(-inf) = 0, relu6(inf) = 6, relu6(-0.0) = -0.0. Exact.

    References
    ----------
    A. Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.relu6(np.array([-1.0, 2.0, 8.0]))
    array([0., 2., 6.])
    """


@activation(kinks=(0.0,))
def prelu(
    input: ArrayLike, weight: ArrayLike, *, axis: int | None = None, **keywords: Unpack[UfuncKeywords]
) -> Any:
    r"""Parametric rectified linear unit, :math:`x` for x > 0 and :math:`w x` below.

    Parameters
    ----------
    weight : float or array_like
        The slope w, which is trained. An array broadcasts against `input`.
    axis : int, optional
        Where a 1-d `weight` lies: one slope for each entry of this axis of `input`. Without it
        NumPy broadcasts, to the last axis; 1 is PyTorch's.

    Notes
    -----
    ``prelu.backward(grad_output, input, weight)`` is a pair: the gradient by the input, and that
    by the weight, in its shape: the sum of grad_output * min(x, 0), accumulated in float64. The
    derivative is 1 for x > 0 and w elsewhere, w at the kink x = 0; the second derivative
    is 0. prelu(inf) = inf, prelu(-inf) = -inf for a positive w. Rounded once: at most 0.5 ulp.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.prelu(np.array([[-1.0, -1.0], [2.0, -4.0]]), [0.25, 0.5])
    array([[-0.25, -0.5 ],
           [ 2.  , -2.  ]])
    >>> dx, dw = fa.prelu.backward(np.ones((2, 2)), np.array([[-1.0, -1.0], [2.0, -4.0]]), [0.25, 0.5])
    >>> dw
    array([-1., -5.])
    """


@activation(kinks=("threshold",))
def threshold(
    input: ArrayLike, threshold: ArrayLike, value: ArrayLike, **keywords: Unpack[UfuncKeywords]
) -> Any:
    r"""Threshold, :math:`x` for x > threshold and :math:`v` below.

    Parameters
    ----------
    threshold : float or array_like
        What `input` must exceed to pass. An array broadcasts against `input`.
    value : float or array_like
        The value v of what does not. An array broadcasts against `input`.

    Notes
    -----
    The derivative is 1 for x > threshold and 0 elsewhere, 0 at the kink; the second
    derivative is 0. threshold(inf) = inf, threshold(-inf) = v. Exact.

    References
    ----------
    PyTorch documentation, ``torch.nn.functional.threshold``.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.threshold(np.array([-1.0, 0.5, 2.0]), 0.5, -9.0)
    array([-9., -9.,  2.])
    """


@activation(kinks=(0.0,))
def relu_squared(input: ArrayLike, **keywords: Unpack[UfuncKeywords]) -> Any:
    r"""Squared rectified linear unit, :math:`\max(x, 0)^2`.

    Notes
    -----
    The derivative is 2 max(x, 0); the second derivative is 2 for x > 0 and 0 elsewhere, 0 at
    the kink x = 0. relu_squared(-inf) = 0, relu_squared(inf) = inf. Rounded once: at most
    0.5 ulp.

    References
    ----------
    D. So, W. Manke, H. Liu, Z. Dai, N. Shazeer, Q. Le, "Primer: searching for efficient
    transformers for language modeling", NeurIPS 2021.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.relu_squared(np.array([-1.0, 0.5, 2.0]))
    array([0.  , 0.25, 4.  ])
    """


@randomized_relu
def rrelu(
    input: ArrayLike,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    *,
    rng: Any = None,
    out: Any = None,
) -> Any:
    r"""Randomized leaky relu, :math:`x` for x > 0 and :math:`a x` below, a drawn for each element.

    Parameters
    ----------
    input : array_like
        Any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    lower : float
        The least slope.
    upper : float
        What the slopes stay below.
    training : bool
        Draw a slope for each element, uniform in [lower, upper), and round it to the type. Else it is
        their mean.
    rng : int, SeedSequence, Generator or None
        What to draw with, as for `numpy.random.default_rng`. Gradients draw the same slopes again,
        so they take the seed, not a generator.
    out : ndarray, optional
        Where to put the result.

    Returns
    -------
    ndarray
        Of the input's shape and float type.

    Raises
    ------
    TypeError
        If `input` or `out` has a type no loop takes.
    ValueError
        If `lower` exceeds `upper`, or a gradient in training gets a generator or none.

    Notes
    -----
    ``rrelu.slopes(input, lower, upper, rng=rng)`` are the slopes; value and gradients are those of
    ``leaky_relu(input, slopes)``, which is the way to use one generator throughout. The
    derivative at the kink x = 0 is the slope. Rounded once: at most 0.5 ulp.

    References
    ----------
    B. Xu, N. Wang, T. Chen, M. Li, "Empirical evaluation of rectified activations in
    convolutional network", arXiv:1505.00853.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> x = np.array([-1.0, -1.0, 2.0])
    >>> fa.rrelu(x).round(4)
    array([-0.2292, -0.2292,  2.    ])
    >>> y = fa.rrelu(x, training=True, rng=7)
    >>> dx = fa.rrelu.backward(np.ones(3), x, training=True, rng=7)
    >>> bool((y == dx * x).all())
    True
    """
