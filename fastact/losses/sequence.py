"""Losses of sequences."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastact._losses.ctc import sequence_loss
from fastact._losses.options import Reduction

__all__ = ["ctc_loss"]


@sequence_loss
def ctc_loss(
    log_probs: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    *,
    blank: int = 0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    zero_infinity: bool = False,
    logits: bool = False,
) -> Any:
    r"""Connectionist temporal classification: minus the logarithm of the probability of the labels.

    :math:`-\log \sum_\pi \prod_t p_t(\pi_t)` over all alignments :math:`\pi`: sequences of a class for each
    time step that become the labels when repetitions are merged and then blanks dropped.

    Parameters
    ----------
    log_probs : array_like
        Log-probabilities, :math:`\log p`, of shape (T, N, C): time steps, sequences, classes; or (T, C) for
        one sequence. With ``logits=True`` they need not be normalised. float16, float32, float64 or bfloat16.
    targets : array_like of int
        Labels, of shape (N, S), what is beyond a sequence's length ignored; or of one dimension, one sequence
        after another. Any integer type.
    input_lengths, target_lengths : array_like of int
        How many steps and how many labels of each sequence count: N integers, for one sequence an integer.
    blank : int
        The class that stands for no label.
    weight : array_like, optional
        One weight a sequence, or one for all, which multiplies its loss. A sequence of weight 0 is 0; the
        mean divides by the number of sequences whatever the weights.
    reduction : {"mean", "sum", "none"}
        "mean" divides each sequence's loss by its target length, at least 1, then takes the mean over
        sequences; over nothing it is 0.
    zero_infinity : bool
        Whether sequences that no alignment fits, whose loss is infinite, count for nothing: loss and
        gradient 0.
    logits : bool
        Whether `log_probs` are logits, of which the log-softmax is taken; gradients are by logits then.

    Returns
    -------
    float or ndarray
        A Python float, accumulated in float64; with "none" an array with a loss a sequence.

    Raises
    ------
    IndexError
        If a label is not a class, or is the blank (which PyTorch lets pass). Nothing has been written then.
    TypeError
        If labels or lengths are not integers, or an option is of the wrong type.
    ValueError
        If shapes do not go together, a length is negative or beyond what there is, target lengths do not add
        up to the number of one-dimensional `targets`, or an option has a value it cannot. Nothing has been
        written then either.

    Notes
    -----
    With g the probability that an alignment is at a class at a step, given the labels:

    =============  ===================  ======================================
    argument       gradient             Hessian diagonal
    =============  ===================  ======================================
    `log_probs`    :math:`-g`           :math:`-g (1 - g)`
    logits         :math:`y - g`        :math:`y (1 - y) - g (1 - g)`
    =============  ===================  ======================================

    where y is the softmax, all times the reduction's factor. That by `log_probs` is the true gradient;
    PyTorch's is ``exp(log_probs) - g``, which is the one by logits. Steps beyond a sequence's length have
    gradient 0. If no alignment fits, the loss is infinite and there is no g: gradients are NaN, unless
    `zero_infinity`, or a weight or `grad_output` of 0.

    Dask arrays are computed in blocks of sequences, along N; chunks along T and C are joined.

    Probabilities are float64 numbers with an exponent of their own, for each state and step: no alignment is
    lost beside others, however improbable. Relative errors of probabilities and of g are some roundings of
    float64 a step; memory is two float64 for each of a sequence's T (2 S + 1) states, for each thread.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> log_probs = np.log([[0.5, 0.5], [0.25, 0.75]])
    >>> p = 0.5 * 0.75 + 0.5 * 0.25 + 0.5 * 0.75  # blank and 1, 1 and blank, 1 and 1
    >>> round(fa.ctc_loss(log_probs, [1], 2, 1), 4), round(-np.log(p).item(), 4)
    (0.1335, 0.1335)
    >>> fa.ctc_loss.grad(log_probs, [1], 2, 1).round(4)
    array([[-0.4286, -0.5714],
           [-0.1429, -0.8571]])
    """
