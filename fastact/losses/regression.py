"""Losses of the difference between a prediction and a target."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastact._losses.elementwise import Parameter, elementwise_loss
from fastact._losses.options import Range, Reduction
from fastact._losses.targets import Targets

__all__ = [
    "half_squared_error",
    "huber_loss",
    "l1_loss",
    "log_cosh_loss",
    "mse_loss",
    "msle_loss",
    "pinball_loss",
    "smooth_l1_loss",
]


@elementwise_loss(mean_by_weight=True)
def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Squared error, :math:`w (x - t)^2`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of elements, or by the sum of the weights if given;
        over nothing it is 0.

    Notes
    -----
    The gradient is 2 w (x - t), the Hessian diagonal 2 w, times the reduction's factor.
    Terms are within 2 ulp.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.mse_loss(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    2.5
    >>> fa.mse_loss.grad(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    array([ 1., -2.])
    """


@elementwise_loss()
def half_squared_error(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Half the squared error, :math:`w (x - t)^2 / 2`.

    Notes
    -----
    The gradient is w (x - t), the Hessian diagonal w, times the reduction's factor. Terms are
    within 2 ulp.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.half_squared_error(np.array([1.0, 2.0]), np.array([0.0, 4.0]), reduction="sum")
    2.5
    """


@elementwise_loss(mean_by_weight=True)
def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Absolute error, :math:`w |x - t|`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of elements, or by the sum of the weights if given;
        over nothing it is 0.

    Notes
    -----
    The gradient is w sign(x - t), 0 at the kink x = t, times the reduction's factor; the Hessian
    diagonal is 0 everywhere. Terms are within 1 ulp.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.l1_loss.value_and_grad(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    (1.5, array([ 0.5, -0.5]))
    """


@elementwise_loss(beta=Parameter(Range(0.0, finite=True)))
def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    beta: ArrayLike = 1.0,
    reduction: Reduction = "mean",
) -> Any:
    r"""Absolute error that is rounded within beta.

    Of :math:`d = |x - t|`, :math:`w d^2 / 2 \beta` for d < beta and :math:`w (d - \beta / 2)` beyond.

    Parameters
    ----------
    beta : float or array_like
        Where the parabola ends, at least 0; 0 makes it `l1_loss`. An array broadcasts against `input`.

    Notes
    -----
    The gradient is w (x - t) / beta within and w sign(x - t) beyond, the Hessian diagonal w / beta
    within and 0 from beta on, times the reduction's factor. Terms are within 3 ulp.

    References
    ----------
    R. Girshick, "Fast R-CNN", ICCV 2015.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.smooth_l1_loss(np.array([3.0, 0.5]), np.array([0.0, 0.0]), reduction="none")
    array([2.5  , 0.125])
    """


@elementwise_loss(delta=Parameter(Range(0.0, open=True)))
def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    delta: ArrayLike = 1.0,
    reduction: Reduction = "mean",
) -> Any:
    r"""Huber's loss: squared error within delta, absolute error beyond.

    Of :math:`d = |x - t|`, :math:`w d^2 / 2` for d < delta and :math:`w \delta (d - \delta / 2)` beyond.

    Parameters
    ----------
    delta : float or array_like
        Where the parabola ends, above 0; inf makes it `half_squared_error`. An array broadcasts against
        `input`.

    Notes
    -----
    The gradient is w (x - t), bounded by -w delta and w delta, the Hessian diagonal w within delta
    and 0 from there on, times the reduction's factor. Terms are within 2 ulp.

    References
    ----------
    P. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35,
    1964.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.huber_loss(np.array([3.0, 0.5]), np.array([0.0, 0.0]), delta=2.0, reduction="none")
    array([4.   , 0.125])
    """


@elementwise_loss()
def log_cosh_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Logarithm of the hyperbolic cosine, :math:`w \log \cosh(x - t)`.

    Notes
    -----
    Never the logarithm of a cosh, which would overflow and lose small errors. The gradient is
    w tanh(x - t), the Hessian diagonal w (1 - tanh(x - t)^2), times the reduction's factor. Terms
    are within 5 ulp.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.log_cosh_loss(np.array([1000.0, 1e-8]), np.array([0.0, 0.0]), reduction="none")
    array([9.99306853e+02, 5.00000000e-17])
    """


@elementwise_loss(quantile=Parameter(Range(0.0, 1.0)))
def pinball_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    quantile: ArrayLike = 0.5,
    reduction: Reduction = "mean",
) -> Any:
    r"""Quantile loss, :math:`w \max(q (t - x), (q - 1) (t - x))`.

    Parameters
    ----------
    quantile : float or array_like
        The quantile q, between 0 and 1. An array broadcasts against `input`.

    Notes
    -----
    The gradient is -q w for x < t, (1 - q) w for x > t and 0 at the kink, times the reduction's
    factor; the Hessian diagonal is 0 everywhere. Terms are within 2 ulp.

    References
    ----------
    R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.pinball_loss(np.array([1.0, 3.0]), np.array([2.0, 2.0]), quantile=0.75, reduction="none")
    array([0.75, 0.25])
    """


@elementwise_loss(targets=Targets("at least -1", low=-1.0))
def msle_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Squared error of logarithms, :math:`w [\log(1 + x) - \log(1 + t)]^2`.

    Parameters
    ----------
    input : array_like
        Predictions x above -1, any shape; below the result is NaN. float16, float32, float64 or
        bfloat16; integers and bools become float64.
    target : array_like
        Targets t above -1: the input's shape, or a scalar.

    Notes
    -----
    The difference l of the logarithms is computed as one logarithm, which keeps its digits where x
    is near t. The gradient is 2 w l / (1 + x), the Hessian diagonal 2 w (1 - l) / (1 + x)^2, times
    the reduction's factor. Gradients are within 4 ulp, values 5, the Hessian diagonal 6.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.msle_loss(np.array([1.0, 3.0]), np.array([0.0, 3.0]), reduction="none")
    array([0.48045301, 0.        ])
    """
