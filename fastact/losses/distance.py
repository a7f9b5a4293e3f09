"""Losses of how near vectors lie."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastact._losses.float64_rows import CosineLoss, TripletLoss
from fastact._losses.options import Reduction

__all__ = ["cosine_embedding_loss", "triplet_margin_loss"]


@CosineLoss
def cosine_embedding_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Any:
    r"""Of the cosine c of two vectors: :math:`1 - c` for target 1, :math:`\max(c - m, 0)` for -1.

    :math:`c = a \cdot b / \sqrt{(a \cdot a + \epsilon) (b \cdot b + \epsilon)}`, :math:`\epsilon = 10^{-12}`.

    Parameters
    ----------
    input1, input2 : array_like
        Vectors a and b along `axis`, of one shape. float16, float32, float64 or bfloat16; integers and
        bools become float64. Results have the first's type.
    target : array_like
        1 for vectors that are alike, -1 for those that are not: the inputs' shape without `axis`. Bools,
        and integers 0 and 1, count as -1 and 1; reals are taken as they are.
    margin : float
        Which cosine m vectors that are not alike may have.

    Notes
    -----
    Gradients and Hessian diagonals are pairs, by `input1` and `input2`. With the unit vectors A and B the
    cosine's gradient by a is (B - c A) / abs(a), its Hessian diagonal ((3 c A - 2 B) A - c) / abs(a)^2.
    At the kink c = m the slope is that above it, as in PyTorch. Epsilon is PyTorch's too: of a vector of
    norm 0 the cosine is 0 and its gradient 1e6 B (which float16 rounds to infinity), not 0 / 0. A row of
    any other target counts 0. Computed in float64; squares of float64 do not overflow either.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> a, b = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]])
    >>> loss, (by_a, by_b) = fa.cosine_embedding_loss.value_and_grad(a, b, [1])
    >>> round(loss, 4), by_a.round(4)
    (0.04, array([[-0.0448,  0.0336]]))
    """


@TripletLoss
def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Any:
    r"""Triplet loss, :math:`\max(m + d(a, p) - d(a, n), 0)` of distances d.

    :math:`d(x, y) = \|x - y + \epsilon\|_p`

    Parameters
    ----------
    anchor, positive, negative : array_like
        Vectors along `axis`, of one shape. float16, float32, float64 or bfloat16; integers and bools
        become float64. Results have the first's type.
    margin : float
        By how much m a negative is to be farther than the positive; more than 0.
    p : float
        Of the norm :math:`(\sum |d_i|^p)^{1/p}`. 0 counts what is not 0, inf gives the largest, -inf the
        least, other numbers below 1 what the formula does.
    eps : float
        What is added to each difference.
    swap : bool
        Whether the positive takes the anchor's place if it is nearer to the negative.

    Notes
    -----
    Gradients and Hessian diagonals are triples, by `anchor`, `positive` and `negative`. With q = abs(d) /
    norm the norm's slope is sign(d) q^(p-1), its second derivative (p - 1) (q^(p-2) - q^(2p-2)) / norm:
    for p = 2 d / norm and (1 - q^2) / norm; for p = 1 and infinite ones second derivatives are 0, and what
    ties for the extreme shares its slope. Kinks are PyTorch's: the slope is 1 where the loss just reaches
    0; where both negatives are as far with `swap`, each has half; it is 0 where a distance or (p not 2) a
    difference is 0, and so is the second derivative. Computed in float64; no square or power of a
    difference over- or underflows. Powers other than 1 and 2 add the rounding of their logarithm, times it.

    References
    ----------
    V. Balntas et al., "Learning shallow convolutional feature descriptors with triplet losses", BMVC 2016.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> a, p, n = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]), np.array([[0.0, 5.5]])
    >>> loss, (by_a, by_p, by_n) = fa.triplet_margin_loss.value_and_grad(a, p, n, eps=0.0)
    >>> loss, by_p
    (0.5, array([[0.6, 0.8]]))
    """
