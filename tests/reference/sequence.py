"""CTC of one sequence, twice: by every alignment, in mpmath, and by both recursions, in long double.

Each gives P, the probability of the labels, or its logarithm, and the posterior of each class at each step.
"""

from itertools import product

import numpy as np
from mpmath import mp, mpf


def merged(path, blank):
    """What an alignment stands for: repetitions merged, then blanks dropped."""
    kept = [c for k, c in enumerate(path) if k == 0 or c != path[k - 1]]
    return [c for c in kept if c != blank]


def ctc_alignments(log_probs, labels, blank=0):
    """log P and posterior of (steps, classes) mpf: classes^steps alignments are looked at."""
    steps, classes = log_probs.shape
    total, at = mpf(0), np.full((steps, classes), mpf(0))
    for path in product(range(classes), repeat=steps):
        if merged(path, blank) == [*labels]:
            p = mp.exp(mp.fsum(log_probs[t, c] for t, c in enumerate(path)))
            total += p
            for t, c in enumerate(path):
                at[t, c] += p
    return (mp.log(total), at / total) if total else (-mp.inf, None)


def _sum(*logarithms):
    return np.logaddexp.reduce(np.stack(logarithms))


def _shifted(row, by):
    out = np.full_like(row, -np.inf)
    out[by:] = row[: len(row) - by]
    return out


def _prefixes(log_probs, states, may_skip):
    """Logarithms of the probabilities of all beginnings, by step and last state."""
    alpha = np.full((len(log_probs), len(states)), -np.inf, np.longdouble)
    alpha[0, :2] = log_probs[0, states[:2]]
    for t in range(1, len(log_probs)):
        row = alpha[t - 1]
        skipped = np.where(may_skip, _shifted(row, 2), -np.inf)
        alpha[t] = _sum(row, _shifted(row, 1), skipped) + log_probs[t, states]
    return alpha


def ctc(log_probs, labels, blank=0):
    """log P and posterior of (steps, classes) long double; at least one step."""
    labels = np.asarray(labels, np.intp)
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    may_skip = np.zeros(len(states), bool)
    may_skip[3::2] = labels[1:] != labels[:-1]
    alpha = _prefixes(log_probs, states, may_skip)
    back = np.zeros(len(states), bool)
    back[3::2] = (labels[1:] != labels[:-1])[::-1]
    beta = _prefixes(log_probs[::-1], states[::-1], back)[::-1, ::-1]
    log_p = np.logaddexp.reduce(alpha[-1, -2:])
    with np.errstate(invalid="ignore"):  # a probability of 0
        each = np.exp(
            alpha + beta - np.where(np.isinf(log_probs[:, states]), 0, log_probs[:, states]) - log_p
        )
    posterior = np.zeros(log_probs.shape, np.longdouble)
    for s, c in enumerate(states):
        posterior[:, c] += each[:, s]
    return log_p, posterior


def log_softmax_long(x):
    x = np.asarray(x, np.longdouble)
    d = x - x.max(axis=-1, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=-1, keepdims=True))
