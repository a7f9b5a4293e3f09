"""Deviances of exponential families: twice the log-likelihood that a mean falls short of the target's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastact._losses.elementwise import Parameter, elementwise_loss
from fastact._losses.options import Range, Reduction
from fastact._losses.targets import COUNTS, Targets

__all__ = ["gamma_deviance", "tweedie_deviance"]


@elementwise_loss(form="log_input", targets=COUNTS)
def gamma_deviance(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    log_input: bool = True,
    reduction: Reduction = "mean",
) -> Any:
    r"""Deviance of gamma distributions, :math:`2 w [\log(m / y) + y / m - 1]`.

    Parameters
    ----------
    target : array_like
        Targets y above 0: the input's shape, or a scalar. A target of 0 has an infinite deviance, a negative
        one, and a negative mean, NaN, as their derivatives.
    log_input : bool
        Whether `input` holds logarithms of means m, as in boosting and linear models, or means.

    Notes
    -----
    By log m the gradient is 2 w (1 - y / m), the Hessian diagonal 2 w y / m; by m they are
    2 w (m - y) / m^2 and 2 w (2 y / m - 1) / m^2; times the reduction's factor. It is
    `tweedie_deviance` of power 2. Terms are within 4 ulp of the larger of abs(y / m - 1) and
    abs(log(y / m)); gradients by log m are within 4 ulp of the larger of 1 and y / m, in float32 next to
    their root too.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.gamma_deviance(np.array([0.0, 0.0]), np.array([1.0, 2.0]), reduction="none")
    array([0.        , 0.61370564])
    >>> fa.gamma_deviance(np.array([1.0, 1.0]), np.array([1.0, 2.0]), log_input=False, reduction="none")
    array([0.        , 0.61370564])
    """


@elementwise_loss(
    form="log_input",
    power=Parameter(Range(outside=(0.0, 1.0), finite=True)),
    targets=Targets(
        "at least 0 for a power above 0", low=0.0, any_if=lambda options: np.less_equal(options["power"], 0)
    ),
)
def tweedie_deviance(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    power: ArrayLike = 1.5,
    log_input: bool = True,
    reduction: Reduction = "mean",
) -> Any:
    r"""Deviance of Tweedie distributions of power p.

    .. math:: 2 w \left[\frac{\max(y, 0)^{2-p}}{(1-p)(2-p)} - \frac{y m^{1-p}}{1-p}
        + \frac{m^{2-p}}{2-p}\right]

    and its limits: (y - m)^2 for p = 0, of a negative y too, that of Poisson's distribution for 1,
    `gamma_deviance` for 2.

    Parameters
    ----------
    target : array_like
        Targets y: at least 0 for 1 <= p < 2, above 0 for p >= 2, any for p <= 0.
    power : float or array_like
        The power p, at most 0 or at least 1. An array broadcasts against `input`.
    log_input : bool
        Whether `input` holds logarithms of means m, as in boosting and linear models, or means.

    Notes
    -----
    By log m the gradient is 2 w (m^(2-p) - y m^(1-p)), the Hessian diagonal
    2 w ((2-p) m^(2-p) - (1-p) y m^(1-p)); by m they are 2 w (m - y) / m^p and
    2 w ((1-p) m + p y) / m^(p+1); times the reduction's factor. What is subtracted is computed as
    differences of powers that tend to log(y / m) where a divisor vanishes: no power is special, and
    nothing overflows but with the result. A target of 0 and p >= 2 give infinity. A negative
    target and p > 0, and a negative mean unless p is 0, give NaN. Terms are within 6 ulp of the larger of
    what they subtract, and pass on half an ulp of log m and log y. For p = 1.5, by which nothing needs
    log y, float32 gradients are within 4 ulp next to their root too.

    References
    ----------
    B. Jorgensen, "Exponential dispersion models", Journal of the Royal Statistical Society B 49,
    1987.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.tweedie_deviance(np.array([0.0, 0.0]), np.array([0.0, 2.0]), reduction="none")
    array([4.       , 0.6862915])
    """
