"""CTC against every alignment in mpmath, and where those are too many against long double.

float64: a probability takes a few roundings a step, so its logarithm errs by some 2^-53 a step beside the
rounding of the loss; posteriors by as much, relative to themselves. float32 results are those, rounded once.
"""

import math

import numpy as np
import pytest
import reference
from mpmath import mp, mpf
from reference import sequence
from support import walk
from support.ctc_cases import ALL, as_input, assert_all_same, batch, logits_of, results
from support.walk import assert_same_bits

import fastact as fa

ctc = fa.ctc_loss
EPS = 2.0**-52


def close(got, want, size, steps):
    """float64 results to 1e-12 of `size`, the terms' of a difference, and less for few steps; float32 ones
    rounded once."""
    got, want = np.asarray(got), np.asarray(want, np.longdouble)
    size = np.maximum(np.abs(want), np.broadcast_to(np.asarray(size, np.longdouble), want.shape))
    bound = np.minimum((2 * steps + 8) * EPS, 1e-12) * size + np.finfo("f8").tiny
    if got.dtype != np.float64:
        bound = bound + np.spacing(size.astype(got.dtype)).astype("f8") * 0.51
    assert got.shape == want.shape and np.isfinite(got).all()
    worst = np.max(np.abs(got - want) - bound, initial=-1)
    assert worst <= 0, f"{np.abs(got - want).max()} off"


def long(array):
    """mpf to long double, by two float64."""
    high = np.array(array, np.float64)
    return np.asarray(high + np.array(np.array(array, object) - high, np.float64).astype(np.longdouble))


def exact_by_alignments(x, labels, blank, logits):
    """Loss, posterior and softmax of one sequence, by all alignments."""
    p = reference.exact(x)
    if logits:
        p = reference.log_softmax(p)
    log_p, g = sequence.ctc_alignments(p, labels, blank)
    y = reference.rows.exp(p)
    return (math.inf, None, y) if g is None else (long(-log_p), long(g), long(y))


def exact(x, labels, blank, logits):
    """The same by the recursions in long double."""
    p = sequence.log_softmax_long(x) if logits else np.asarray(x, np.longdouble)
    log_p, g = sequence.ctc(p, labels, blank)
    return -log_p, g, np.exp(p)


def check(x, labels, blank, logits, wanted, steps=None, slack=1.0):
    """Everything a sequence alone gives."""
    loss, g, y = wanted
    steps = (steps or len(x)) * slack
    call = (labels, len(x), len(labels))
    options = {"blank": blank, "logits": logits}
    value, grad = ctc.value_and_grad(x, *call, **options, reduction="sum")
    second_grad, hess = ctc.grad_and_hess(x, *call, **options, reduction="sum")
    assert value == ctc(x, *call, **options, reduction="sum")
    assert_same_bits(second_grad, grad)
    close(np.float64(value), loss, 1.0, steps)
    if logits:
        close(grad, y - g, np.maximum(y, g), steps + np.ptp(x, axis=-1, keepdims=True).max())
        close(hess, y * (1 - y) - g * (1 - g), np.maximum(y, g), 2 * steps + np.ptp(x))
    else:
        close(grad, -g, g, steps)
        close(hess, -g * (1 - g), g, 2 * steps)


# ---- against every alignment ----------------------------------------------------------------

SMALL = [
    (1, 2, []), (1, 2, [1]), (2, 2, [1]), (2, 3, [1, 2]), (3, 2, [1, 1]), (3, 3, [2, 1]), (4, 3, [1, 2]),
    (4, 3, [2, 2]), (5, 3, [1, 2, 1]), (5, 3, [1, 1, 2]), (5, 2, []), (5, 3, [2]), (6, 3, [1, 1, 2]),
    (5, 4, [3, 1]),
]  # fmt: skip


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("steps", "classes", "labels"), SMALL, ids=str)
def test_alignments(steps, classes, labels, dtype, logits, rng):
    for blank in range(classes):
        others = [c for c in range(classes) if c != blank]
        moved = [others[c - 1] for c in labels]
        x = as_input(logits_of(rng, (steps, classes), dtype), logits)
        with mp.workprec(200):
            wanted = exact_by_alignments(x, moved, blank, logits)
        check(x, moved, blank, logits, wanted)


def test_recursions_are_the_alignments(rng):
    """The second definition by the first."""
    for steps, classes, labels in SMALL:
        p = sequence.log_softmax_long(rng.normal(size=(steps, classes)).astype("f4"))
        with mp.workprec(200):
            log_p, g = sequence.ctc_alignments(reference.exact(p.astype("f8")), labels)
        ours, our_g = sequence.ctc(p.astype("f8").astype(np.longdouble), labels)
        assert abs(float(ours - long(log_p))) <= 1e-16 * max(1, abs(ours))
        assert np.abs(our_g - long(g)).max() <= 1e-16


def test_gradient_is_the_derivative(rng):
    """By log-probabilities, each by itself, and by logits: numerically, at 200 bits."""
    x, labels = rng.normal(size=(3, 3)), [1, 2]
    with mp.workprec(200):
        p = reference.exact(x)

        def loss(t, c, logits, step):
            moved = p.copy()
            moved[t, c] += step
            if logits:
                moved = reference.log_softmax(moved)
            return -sequence.ctc_alignments(moved, labels)[0]

        h = mpf(2) ** -40
        for logits in (False, True):
            grad, hess = ctc.grad_and_hess(x, labels, 3, 2, logits=logits, reduction="sum")
            for t, c in np.ndindex(3, 3):
                low, mid, high = (loss(t, c, logits, k * h) for k in (-1, 0, 1))
                assert abs((high - low) / (2 * h) - grad[t, c]) < 1e-14
                assert abs((high - 2 * mid + low) / h**2 - hess[t, c]) < 1e-14


# ---- against the recursions ------------------------------------------------------------------

LARGER = [
    (200, 64, 40),
    (50, 5, 20),
    (90, 30, 44),
    (33, 3, 8),
    (64, 100, 63),
    (300, 2, 7),
    (17, 9, 0),
    (2, 700, 2),
]


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("steps", "classes", "length"), LARGER)
def test_recursions(steps, classes, length, dtype, logits, rng):
    for spread in (0.1, 2.0, 30.0):
        x = as_input(logits_of(rng, (steps, classes), dtype, spread), logits)
        blank = int(rng.integers(classes))
        labels = rng.choice([c for c in range(classes) if c != blank], length)
        if length + (labels[1:] == labels[:-1]).sum() <= steps:
            check(x, labels, blank, logits, exact(x, labels, blank, logits))


@pytest.mark.parametrize("logits", [False, True])
def test_many_steps_labels_and_classes(logits, rng):
    steps, classes, length = 4000, 500, 300
    x = as_input(logits_of(rng, (steps, classes), "f4"), logits)
    labels = rng.integers(1, classes, length)
    loss, g, _ = exact(x, labels, 0, logits)
    value, grad = ctc.value_and_grad(x, labels, steps, length, logits=logits, reduction="sum")
    assert abs(value - loss) <= 2 * np.spacing(value)
    y = np.exp(sequence.log_softmax_long(x)) if logits else 0
    assert np.abs(grad - (y - g)).max() <= 2.0**-24


@pytest.mark.parametrize(("steps", "length"), [(3, 2), (100, 30), (3000, 1000)])
def test_number_of_alignments(steps, length):
    """With every p = 1: steps + length - repetitions over 2 length, some 2^4000 in the largest case."""
    for labels in (np.arange(length) % 2 + 1, np.arange(length) // 2 % 2 + 1):
        repeated = int((labels[1:] == labels[:-1]).sum())
        value, grad = ctc.value_and_grad(np.zeros((steps, 3)), labels, steps, length, reduction="sum")
        with mp.workprec(200):
            wanted = -mp.log(mp.binomial(steps + length - repeated, 2 * length))
        assert abs(value - wanted) <= 2 * np.spacing(abs(value))
        np.testing.assert_allclose(grad.sum(axis=-1), -1, rtol=4 * EPS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e2, 1e4, 1e7])
def test_large_logits(size, dtype, rng):
    """Each state's probability has its own range: of a path exp(-1e6) beside others nothing is lost."""
    for steps, classes, length in ((12, 4, 6), (60, 7, 25), (40, 3, 13)):
        x = rng.choice([-size, 0.0, size], size=(steps, classes)) + rng.normal(size=(steps, classes))
        x, labels = x.astype(dtype), np.arange(length) % (classes - 1) + 1
        loss, g, y = exact(x, labels, 0, True)
        value, grad = ctc.value_and_grad(x, labels, steps, length, logits=True, reduction="sum")
        assert abs(value - loss) <= 4 * np.spacing(value)
        # long double itself holds logarithms of this size to so much
        slack = steps * 2.0**-63 * size * steps
        assert np.abs(grad - (y - g)).max() <= np.spacing(np.ones((), dtype)) + slack
        assert np.abs(grad.astype("f8").sum(axis=-1)).max() <= classes * np.spacing(np.ones((), dtype))


def test_logits_beyond_an_exponents_reach():
    """A path at the largest logit costs nothing, however large; one that must leave it costs just that."""
    for size in (1e20, 1e36, 3e38):
        x = np.full((5, 3), -size, np.float32)
        x[[0, 1, 2, 3, 4], [0, 1, 0, 2, 0]] = size
        value, grad = ctc.value_and_grad(x, [1, 2], 5, 2, logits=True)
        assert value == 0 and (grad == 0).all()
        value, grad = ctc.value_and_grad(x, [1, 1], 5, 2, logits=True, reduction="sum")
        assert value == pytest.approx(2 * float(np.float32(size)), rel=1e-15)
        np.testing.assert_array_equal(grad[3], [0, -1, 1])
    assert ctc(np.full((3, 2), -1e308), [1], 3, 1, reduction="sum") == np.inf  # beyond float64
    assert ctc(np.full((1, 2), -1e308), [1], 1, 1, reduction="sum") == 1e308


def test_confident_sequences():
    """Loss and gradient of an alignment that is nearly certain, to roundings of its probability."""
    x = np.zeros((40, 3))
    x[np.arange(40), np.arange(40) % 2] = 30.0
    labels = [1] * 20
    loss, g, y = exact(x, labels, 0, True)
    value, grad = ctc.value_and_grad(x, labels, 40, 20, logits=True, reduction="sum")
    assert value > 0 and abs(value - loss) <= 40 * EPS
    assert np.abs(grad - (y - g)).max() <= 40 * EPS


@pytest.mark.parametrize("logits", [False, True])
def test_infinite_inputs(logits, rng):
    """A class that cannot be has probability and gradient 0; with NaN in it, a step that counts gives NaN."""
    x = as_input(rng.normal(size=(6, 4)), logits)
    x[2, 1] = x[:, 3] = -np.inf
    loss, g, y = exact(x, [1, 2], 0, logits)
    value, grad = ctc.value_and_grad(x, [1, 2], 6, 2, logits=logits, reduction="sum")
    close(np.float64(value), loss, 1, 6)
    close(grad, (y if logits else 0) - g, 1, 6)
    assert grad[2, 1] == 0 and (grad[:, 3] == 0).all()
    assert ctc(x, [1, 3], 6, 2, logits=logits) == np.inf
    for bad in (np.nan, np.inf):
        x[3, 1] = bad
        value, grad = ctc.value_and_grad(x, [1, 2], 6, 2, logits=logits)
        assert np.isnan(value) and np.isnan(grad[:, :3]).any(axis=1).all()
        assert np.isfinite(ctc(x, [1, 2], 3, 2, logits=logits))
    assert np.isnan(ctc(np.full((2, 2), -np.inf), [1], 2, 1, logits=True))


# ---- batches -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logits", [False, True])
def test_batches_and_reductions(logits, dtype, rng):
    x, labels, inputs, targets = arguments = batch(rng, dtype)
    alone = [
        ctc.value_and_grad(x[:t, n].astype("f8"), labels[n, :k], t, k, logits=logits, reduction="sum")
        for n, (t, k) in enumerate(zip(inputs, targets, strict=True))
    ]
    losses = np.array([value for value, _ in alone])
    dy = logits_of(rng, len(inputs), dtype)
    for reduction in ALL:
        value, grad = ctc.value_and_grad(*arguments, logits=logits, reduction=reduction)
        scale = 1 / (np.maximum(targets, 1) * len(targets)) if reduction == "mean" else np.ones(len(targets))
        if reduction == "none":
            assert_same_bits(value, losses.astype(dtype))
        else:
            assert type(value) is float
            assert value == pytest.approx(np.dot(losses, scale), rel=4 * EPS)
        upstream = dy if reduction == "none" else 0.75
        back = ctc.backward(upstream, *arguments, logits=logits, reduction=reduction)
        for n, (_, wanted) in enumerate(alone):
            factor = scale[n] * np.float64(np.broadcast_to(upstream, len(inputs))[n])
            close(grad[: inputs[n], n], wanted * scale[n], 0, 1)
            close(back[: inputs[n], n], wanted * factor, 0, 1)
            assert (grad[inputs[n] :, n] == 0).all() and (back[inputs[n] :, n] == 0).all()


@pytest.mark.parametrize("logits", [False, True])
def test_concatenated_targets(logits, rng):
    x, labels, inputs, targets = batch(rng)
    joined = np.concatenate([row[:k] for row, k in zip(labels, targets, strict=True)])
    wanted = results((x, labels, inputs, targets), logits=logits)
    assert_all_same(results((x, joined, inputs, targets), logits=logits), wanted)
    assert_all_same(
        results((x, np.repeat(joined, 3)[::3], list(inputs), tuple(targets)), logits=logits), wanted
    )


def test_one_sequence(rng):
    x, labels, inputs, targets = batch(rng)
    for n in range(len(inputs)):
        row, t, k = labels[n, : targets[n]], inputs[n], targets[n]
        wanted = ctc.value_and_grad(x[:, n : n + 1], row[None], [t], [k], reduction="none")
        for one in ((row, t, k), (row, int(t), [k]), (row[None], np.array([t]), k)):
            value, grad = ctc.value_and_grad(x[:, n], *one, reduction="none")
            assert value.shape == () and grad.shape == x[:, n].shape
            assert_same_bits(value, wanted[0][0])
            assert_same_bits(grad, wanted[1][:, 0])
        assert ctc(x[:, n], row, t, k) == ctc(x[:, n], row, t, k, reduction="sum") / max(k, 1)
        by_two = ctc.backward(2.0, x[:, n], row, t, k, reduction="none")
        assert_same_bits(by_two, wanted[1][:, 0] * 2)


@pytest.mark.parametrize("logits", [False, True])
def test_impossible_alignments(logits, rng):
    """Fewer steps than labels and the blanks between equal ones."""
    cases = [(3, [1, 2, 1, 2]), (3, [1, 1, 2]), (0, [1]), (1, [2, 2]), (4, [1, 1, 1])]
    x = rng.normal(size=(6, len(cases) + 1, 3))
    labels = np.zeros((len(cases) + 1, 4), int)
    for row, (_, given) in zip(labels, cases, strict=False):
        row[: len(given)] = given
    labels[-1, :2] = 1, 2
    inputs, targets = [t for t, _ in cases] + [6], [len(given) for _, given in cases] + [2]
    arguments = (x, labels, inputs, targets)
    value, grad = ctc.value_and_grad(*arguments, logits=logits, reduction="none")
    hess = ctc.grad_and_hess(*arguments, logits=logits, reduction="none")[1]
    assert (value[:-1] == np.inf).all() and np.isfinite(value[-1])
    assert ctc(*arguments, logits=logits) == np.inf
    for n, t in enumerate(inputs[:-1]):
        for found in (grad, hess):
            assert np.isnan(found[:t, n]).all() and (found[t:, n] == 0).all()
    dropped = ctc.backward([0.0] * len(cases) + [1.0], *arguments, logits=logits, reduction="none")
    kw = {"logits": logits, "zero_infinity": True}
    zeroed, zero_grad = ctc.value_and_grad(*arguments, **kw, reduction="none")
    assert (zeroed[:-1] == 0).all() and zeroed[-1] == value[-1]
    for found in (dropped, zero_grad):
        assert (found[:, :-1] == 0).all()
        assert_same_bits(found[:, -1], grad[:, -1])
    assert ctc(*arguments, **kw) == pytest.approx(value[-1] / 2 / len(inputs), rel=2 * EPS)
    assert (ctc.grad_and_hess(*arguments, **kw)[1][:, :-1] == 0).all()


def test_nothing():
    """No sequences, no steps, no labels."""
    for dtype in walk.DTYPES.values():
        for steps, classes in ((4, 3), (0, 3)):
            x, empty = np.ones((steps, 0, classes), dtype), np.zeros(0, int)
            for targets in (np.zeros((0, 2), int), empty):
                for reduction in ("mean", "sum"):
                    value, grad = ctc.value_and_grad(x, targets, [], [], reduction=reduction)
                    assert value == 0.0 and grad.shape == x.shape
                assert ctc(x, targets, empty, empty, reduction="none").shape == (0,)
        none = np.zeros((0, 2, 3), dtype)
        value, grad = ctc.value_and_grad(none, np.ones((2, 1), int), [0, 0], [0, 1], reduction="none")
        np.testing.assert_array_equal(value, [0, np.inf])
        assert not np.signbit(value[0].astype("f8")) and grad.shape == none.shape
        assert ctc(np.zeros((3, 1, 1), dtype), np.zeros((1, 0), int), [3], [0], logits=True) == 0
