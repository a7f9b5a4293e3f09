"""Inputs for ctc_loss, and all that it gives."""

import numpy as np
from reference import sequence

import fastact as fa
from support.walk import assert_same_bits

ALL = ("none", "mean", "sum")


def logits_of(rng, shape, dtype, spread=2.0):
    return (rng.normal(size=shape) * spread).astype(dtype)


def as_input(x, logits):
    return x if logits else sequence.log_softmax_long(x).astype(x.dtype)


def batch(
    rng, dtype="float64", steps=12, classes=5, lengths=((12, 4), (7, 0), (9, 3), (5, 5), (1, 1), (6, 3))
):
    """log_probs, padded labels that hold rubbish beyond their length, lengths."""
    inputs, targets = (np.array(column) for column in zip(*lengths, strict=True))
    labels = rng.integers(-9, 99, (len(lengths), max(targets) + 2))
    for row, length in zip(labels, targets, strict=True):
        row[:length] = np.resize(rng.permutation(np.arange(1, classes)), length)
    x = logits_of(rng, (steps, len(lengths), classes), dtype)
    return as_input(x, False), labels, inputs, targets


def results(arguments, **options):
    found = []
    for reduction in ALL:
        kw = {**options, "reduction": reduction}
        found += [
            fa.ctc_loss(*arguments, **kw),
            *fa.ctc_loss.value_and_grad(*arguments, **kw),
            *fa.ctc_loss.grad_and_hess(*arguments, **kw),
        ]
    return found


def assert_all_same(got, wanted, what=""):
    for k, (a, b) in enumerate(zip(got, wanted, strict=True)):
        assert_same_bits(a, b, (what, k))
