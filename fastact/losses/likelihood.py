"""Negative log-likelihoods and divergences, one element at a time."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from fastact._losses.elementwise import Parameter, elementwise_loss, pairwise_loss
from fastact._losses.options import Range, Reduction
from fastact._losses.targets import COUNTS, SHARES, Targets

__all__ = ["binary_cross_entropy", "gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


@elementwise_loss(targets=SHARES)
def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Any:
    r"""Binary cross entropy of probabilities, :math:`-w [y \log p + (1-y) \log(1-p)]`.

    `binary_cross_entropy_with_logits` is faster and never saturates.

    Parameters
    ----------
    input : array_like
        Probabilities p; outside [0, 1] the result is NaN. float16, float32, float64 or bfloat16;
        integers and bools become float64.
    target : array_like
        Targets y in [0, 1]: the input's shape, or a scalar. Of others the formula is computed all the same.

    Notes
    -----
    In the value a logarithm counts as -100 at least, as PyTorch has it. The derivatives are the
    true ones all the same: the gradient w (p - y) / (p (1-p)), -w / p for y = 1 and w / (1-p) for
    y = 0, infinite at p = 0 and 1 unless y is p; the Hessian diagonal w [y / p^2 + (1-y) / (1-p)^2];
    both times the reduction's factor. Terms are within 4 ulp.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.binary_cross_entropy(np.array([0.5, 0.0, 1.0]), np.array([1.0, 1.0, 1.0]), reduction="none")
    array([  0.69314718, 100.        ,   0.        ])
    """


@elementwise_loss(
    form="log_target",
    batchmean=True,
    targets=Targets("at least 0", low=0.0, any_if=lambda options: options["log_target"]),
)
def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    log_target: bool = False,
    reduction: Literal["none", "mean", "sum", "batchmean"] = "mean",
) -> Any:
    r"""Terms of the Kullback-Leibler divergence, :math:`w\,t (\log t - x)`.

    Parameters
    ----------
    input : array_like
        Log-probabilities x, any shape. float16, float32, float64 or bfloat16; integers and bools
        become float64.
    target : array_like
        Probabilities t: the input's shape, or a scalar. A term is 0 where t is; for t < 0 it and its
        derivatives are NaN.
    log_target : bool
        Whether `target` holds logarithms of probabilities.
    reduction : {"mean", "sum", "batchmean", "none"}
        "batchmean" divides by the length of the first axis, as the divergence of distributions in
        rows wants it; "mean" by the number of elements. Over nothing both are 0.

    Notes
    -----
    The gradient is -w t times the reduction's factor, the Hessian diagonal 0 everywhere. Terms are
    within 4 ulp of the larger of t log t and t x.

    References
    ----------
    S. Kullback, R. Leibler, "On information and sufficiency", Annals of Mathematical Statistics
    22, 1951.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> x, t = np.log([[0.5, 0.5], [0.9, 0.1]]), np.array([[0.5, 0.5], [1.0, 0.0]])
    >>> round(fa.kl_div(x, t, reduction="batchmean"), 6)
    0.05268
    """


@elementwise_loss(
    form="log_input", targets=COUNTS, full=Parameter(boolean=True), eps=Parameter(Range(0.0, finite=True))
)
def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    log_input: bool = True,
    full: bool = False,
    eps: ArrayLike = 1e-8,
    reduction: Reduction = "mean",
) -> Any:
    r"""Negative log-likelihood of counts, :math:`w (e^x - t x)`, or :math:`w (x - t \log(x + \epsilon))`.

    Parameters
    ----------
    target : array_like
        Counts t, at least 0: the input's shape, or a scalar. Of negative ones the formula is computed all
        the same.
    log_input : bool
        Whether `input` holds logarithms of rates (the first form) or rates, where x + eps < 0 gives NaN
        unless t is 0.
    full : bool
        Whether to add Stirling's t log t - t + log(2 pi t) / 2 where t > 1.
    eps : float or array_like
        Keeps log(0) away from the second form, at least 0. An array broadcasts against `input`.

    Notes
    -----
    Of logarithms the gradient is w (exp(x) - t), the Hessian diagonal w exp(x); of rates they are
    w (1 - t / (x + eps)) and w t / (x + eps)^2; times the reduction's factor. Terms are within
    4 ulp of the larger of what they subtract. Gradients in float32 are within 4 ulp next to their root
    too; in float64 there by logarithms within 2**-55 t.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> fa.poisson_nll_loss(np.array([0.0, 1.0]), np.array([2.0, 3.0]), reduction="none")
    array([ 1.        , -0.28171817])
    """


@pairwise_loss(full=Parameter(boolean=True), eps=Parameter(Range(0.0, open=True, finite=True)))
def gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    full: bool = False,
    eps: ArrayLike = 1e-6,
    reduction: Reduction = "mean",
) -> Any:
    r"""Negative log-likelihood of a normal distribution, :math:`w [\log v + (x - t)^2 / v] / 2`.

    Parameters
    ----------
    input : array_like
        Means x, any shape. float16, float32, float64 or bfloat16; integers and bools become float64.
    var : array_like
        Variances, which broadcast to the input's shape; v is the variance or `eps`, whichever is
        larger. Negative ones give NaN.
    full : bool
        Whether to add log(2 pi) / 2 to each term.
    eps : float or array_like
        The least variance, above 0. An array broadcasts against `input`.

    Notes
    -----
    Gradients and Hessian diagonals are pairs, by `input` and by `var`, in the input's float type:
    w (x - t) / v and w / v; w [1 - (x - t)^2 / v] / (2 v) and w [(x - t)^2 / v - 1/2] / v^2, as if
    the variance were v, summed in float64 to the shape of `var`; all times the reduction's factor.
    Terms are within 4 ulp of log v or (x - t)^2 / v.

    References
    ----------
    D. Nix, A. Weigend, "Estimating the mean and variance of the target probability distribution",
    ICNN 1994.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> x, t, v = np.array([1.0, 2.0]), np.array([0.0, 4.0]), np.array([1.0, 2.0])
    >>> fa.gaussian_nll_loss(x, t, v, reduction="none")
    array([0.5       , 1.34657359])
    >>> dx, dv = fa.gaussian_nll_loss.grad(x, t, v, reduction="sum")
    >>> dv
    array([ 0.  , -0.25])
    """
