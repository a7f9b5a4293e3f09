"""CTC against every alignment in mpmath, and where those are too many against long double.

float64: a probability takes a few roundings a step, so its logarithm errs by some 2^-53 a step beside the
rounding of the loss; posteriors by as much, relative to themselves. float32 results are those, rounded once.
"""

import math
import re

import dask.array as da
import numpy as np
import pytest
import reference
import walk
from mpmath import mp, mpf
from reference import sequence
from walk import assert_same_bits

import fastact as fa
from fastact import _core

ctc = fa.ctc_loss
EPS = 2.0**-52
ALL = ("none", "mean", "sum")


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


def logits_of(rng, shape, dtype, spread=2.0):
    return (rng.normal(size=shape) * spread).astype(dtype)


def as_input(x, logits):
    return x if logits else sequence.log_softmax_long(x).astype(x.dtype)


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


def results(arguments, **options):
    found = []
    for reduction in ALL:
        kw = {**options, "reduction": reduction}
        found += [
            ctc(*arguments, **kw),
            *ctc.value_and_grad(*arguments, **kw),
            *ctc.grad_and_hess(*arguments, **kw),
        ]
    return found


def assert_all_same(got, wanted, what=""):
    for k, (a, b) in enumerate(zip(got, wanted, strict=True)):
        assert_same_bits(a, b, (what, k))


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


# ---- types, layouts, outputs -----------------------------------------------------------------


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("dtype", [d for d in walk.DTYPES.values() if d.itemsize == 2], ids=str)
def test_narrow_types(dtype, logits, rng):
    """Computed from the values they hold, and rounded from float32."""
    x, *rest = batch(rng)
    x = x.astype(dtype)
    for reduction in ALL:
        kw = {"logits": logits, "reduction": reduction}
        value, grad = ctc.value_and_grad(x, *rest, **kw)
        wide_value, wide = ctc.value_and_grad(x.astype("f4"), *rest, **kw)
        assert grad.dtype == dtype
        assert_same_bits(grad, wide.astype(dtype))
        assert_same_bits(value, wide_value.astype(dtype) if reduction == "none" else wide_value)
        assert_same_bits(
            ctc.grad_and_hess(x, *rest, **kw)[1],
            ctc.grad_and_hess(x.astype("f4"), *rest, **kw)[1].astype(dtype),
        )


def test_integers_become_float64(rng):
    _, *rest = batch(rng)
    x = rng.integers(-5, 5, (12, 6, 5))
    assert_all_same(results((x, *rest), logits=True), results((x.astype("f8"), *rest), logits=True))
    assert ctc.grad(x.astype(bool), *rest, logits=True).dtype == np.float64


@pytest.mark.parametrize("integer", [*"bBhHiIlLqQ"])
def test_labels_and_lengths_of_every_integer_type(integer, rng):
    x, labels, inputs, targets = batch(rng)
    wanted = results((x, labels, inputs, targets))
    labels = np.abs(labels).astype(integer)
    moved = (
        np.asfortranarray(labels),
        np.repeat(inputs, 2).astype(integer)[::2],
        targets.astype(integer)[::-1][::-1],
    )
    assert_all_same(results((x, *moved)), wanted)
    swapped = [a.astype(a.dtype.newbyteorder()) for a in moved]
    assert_all_same(results((x, *swapped)), wanted)
    off = np.zeros(labels.nbytes + 1, "u1")[1:].view(integer).reshape(labels.shape)
    off[...] = labels
    assert_all_same(results((x, off, *moved[1:])), wanted)


def _layouts(x):
    """The same values in other places."""
    yield "contiguous", x.copy()
    yield "Fortran", np.asfortranarray(x)
    yield "sequences first", np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2)
    yield "strided", np.repeat(x, 2, axis=2)[..., ::2]
    yield "reversed", np.ascontiguousarray(x[::-1, ::-1, ::-1])[::-1, ::-1, ::-1]
    room = np.zeros(x.nbytes + 1, "u1")[1:].view(x.dtype).reshape(x.shape)
    room[...] = x
    yield "misaligned", room
    if x.dtype.kind == "f":
        yield "byte-swapped", x.astype(x.dtype.newbyteorder())


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
def test_layouts_and_outputs(dtype, logits, rng):
    x, *rest = batch(rng)
    x, kw = x.astype(dtype), {"logits": logits}
    wanted = results((x, *rest), **kw)
    value, grad = ctc.value_and_grad(x, *rest, **kw)
    hess = ctc.grad_and_hess(x, *rest, **kw)[1]
    for layout, moved in _layouts(x):
        frozen = moved.copy(order="K")
        assert_all_same(results((moved, *rest), **kw), wanted, layout)
        assert_same_bits(moved, frozen)
        out, second = (np.full_like(moved, 5, subok=False) for _ in range(2))
        got = ctc.value_and_grad(x, *rest, **kw, out=out)
        assert got[0] == value and got[1] is out
        assert_same_bits(out, grad, layout)
        pair = ctc.grad_and_hess(x, *rest, **kw, out=(out, second))
        assert pair[0] is out and pair[1] is second
        assert_same_bits(second, hess, layout)
        assert ctc.grad(moved, *rest, **kw, out=moved) is moved
        assert_same_bits(moved, grad, (layout, "in place"))
        moved[...] = x
        ctc.grad_and_hess(moved, *rest, **kw, out=(second, moved))
        assert_same_bits(moved, hess, (layout, "Hessian in place"))
    room = np.zeros(x.size + 7, dtype)
    for source, out in ((room[7:], room[:-7]), (room[:-7], room[7:])):
        source, out = source.reshape(x.shape), out.reshape(x.shape)
        source[...] = x
        ctc.grad(source, *rest, **kw, out=out)
        assert_same_bits(out, grad, "overlapping")


def test_one_sequence_in_place(rng):
    x, labels, _, _ = batch(rng)
    wanted = ctc.grad(x[:, 0], labels[0, :4], 12, 4)
    column = x[:, 0]
    assert ctc.grad(column, labels[0, :4], 12, 4, out=column) is column
    assert_same_bits(x[:, 0], wanted)


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_of_instruction_sets_and_threads(dtype, logits, rng):
    before = _core.get_isa(), fa.get_num_threads()
    cases = [batch(rng, dtype)]
    x = as_input(logits_of(rng, (150, 9, 70), dtype, 5.0), logits)
    cases.append((x, rng.integers(1, 70, (9, 60)), rng.integers(0, 151, 9), rng.integers(0, 61, 9)))
    try:
        for case in cases:
            wanted = results(case, logits=logits)
            for isa, there in _core.instruction_sets().items():
                _core.set_isa(isa if there else before[0])
                for threads in (1, 2, 5):
                    fa.set_num_threads(threads)
                    got = results(case, logits=logits)
                    if isa != "baseline":
                        assert_all_same(got, wanted, (isa, threads))
                    for a, b in zip(got, wanted, strict=True):
                        a, b = np.asarray(a, "f8"), np.asarray(b, "f8")
                        size = 1e-12 if dtype == "float64" else 2.0**-23
                        np.testing.assert_allclose(a, b, rtol=size, atol=size)
    finally:
        _core.set_isa(before[0])
        fa.set_num_threads(before[1])


def test_longer_sequences_do_not_change_shorter_ones(rng):
    """Nor does what a thread's memory held before."""
    x, labels, inputs, targets = batch(rng, steps=40, lengths=((40, 9), (3, 1), (40, 0), (2, 2), (40, 12)))
    whole = ctc.value_and_grad(x, labels, inputs, targets, reduction="none")
    for n in range(len(inputs)):
        value, grad = ctc.value_and_grad(
            x[:, n : n + 1], labels[n : n + 1], inputs[n : n + 1], targets[n : n + 1], reduction="none"
        )
        assert_same_bits(value[0], whole[0][n])
        assert_same_bits(grad[:, 0], whole[1][:, n])


# ---- errors ------------------------------------------------------------------------------------


def refused(error, words, *arguments, **options):
    """By every form, with all words in the message and nothing written."""
    forms = {
        "value_and_grad": lambda out: ctc.value_and_grad(*arguments, **options, out=out),
        "grad": lambda out: ctc.grad(*arguments, **options, out=out),
        "backward": lambda out: ctc.backward(1.0, *arguments, **options, out=out),
        "grad_and_hess": lambda out: ctc.grad_and_hess(*arguments, **options, out=(out, out + 0)),
        "value": lambda out: ctc(*arguments, **options),
    }
    for call in forms.values():
        out = np.full((4, 2, 3), 7.0)
        with pytest.raises(error) as caught:
            call(out)
        for word in words:
            assert re.search(rf"(?<![\w-]){re.escape(str(word))}(?![\w-])", str(caught.value)), str(
                caught.value
            )
        assert (out == 7).all()


X = np.zeros((4, 2, 3))
T2 = np.array([[1, 2], [2, 1]])


@pytest.mark.parametrize("bad", [3, -1, 99, -(2**63), 2**31, 2**32 + 1, 2**63 - 1])
def test_labels_out_of_range(bad):
    labels = np.array([[1, 2], [2, bad]])
    refused(IndexError, ["targets", bad, "sequence 1", "0..2"], X, labels, [4, 4], [2, 2])
    refused(IndexError, ["targets", bad, "sequence 1", "0..2"], X, labels.ravel(), [4, 4], [2, 2])
    ctc(X, labels, [4, 4], [2, 1])  # beyond the length it is not looked at
    own = X + 3
    with pytest.raises(IndexError):
        ctc.grad(own, labels, [4, 4], [2, 2], out=own)
    assert (own == 3).all()


def test_labels_that_wrap():
    for label in (2**63 + 1, 2**64 - 1):
        refused(IndexError, ["targets", label], X, np.array([[1, 2], [2, label]], "u8"), [4, 4], [2, 2])
    refused(IndexError, ["targets", -1], X, np.array([[1, 2], [2, -1]], "i1"), [4, 4], [2, 2])
    refused(IndexError, ["targets", 255], X, np.array([[1, 2], [2, 255]], "u1"), [4, 4], [2, 2])


def test_blank_among_labels():
    refused(
        IndexError, ["targets", "label 0 at 1 of sequence 0", "blank"], X, [[1, 0], [1, 2]], [4, 4], [2, 2]
    )
    refused(IndexError, ["label 2 at 0 of sequence 1", "blank"], X, [1, 0, 2], [4, 4], [2, 1], blank=2)


@pytest.mark.parametrize("bad", [-1, 5, 2**40, 2**63 - 1, -(2**63)])
def test_lengths_out_of_range(bad):
    refused(ValueError, ["input_lengths", bad, "sequence 1", "0..4"], X, T2, [4, bad], [2, 2])
    refused(ValueError, ["target_lengths", bad, "sequence 1", "0..2"], X, T2, [4, 4], [2, bad])
    refused(ValueError, ["target_lengths", bad, "sequence 0"], X, T2.ravel(), [4, 4], [bad, 2])
    unsigned = np.array([4, bad % 2**64], "u8")
    refused(ValueError, ["input_lengths", bad % 2**64], X, T2, unsigned, [2, 2])


def test_sums_of_lengths():
    for lengths in ([1, 2], [0, 0], [2, 3], [4, 4]):
        words = ["target_lengths", "4", sum(lengths)]
        refused(ValueError, words, X, T2.ravel(), [4, 4], lengths)
    with pytest.raises(ValueError, match="target_lengths must add up to the 2 labels"):
        ctc(X[:, 0], [1, 2], 4, 1)


@pytest.mark.parametrize(
    ("error", "words", "arguments", "options"),
    [
        (ValueError, ["log_probs", "(3,)"], (X[0, 0], [1], 1, 1), {}),
        (ValueError, ["log_probs", "(1, 4, 2, 3)"], (X[None], T2, [4, 4], [2, 2]), {}),
        (TypeError, ["log_probs", "complex128"], (X * 1j, T2, [4, 4], [2, 2]), {}),
        (TypeError, ["targets", "float64"], (X, T2 * 1.0, [4, 4], [2, 2]), {}),
        (TypeError, ["targets", "bool"], (X, T2 > 0, [4, 4], [2, 2]), {}),
        (ValueError, ["targets", "(3, 2)"], (X, [[1, 2]] * 3, [4, 4], [2, 2]), {}),
        (ValueError, ["targets", "()"], (X, 1, [4, 4], [2, 2]), {}),
        (ValueError, ["targets", "(1, 2, 2)"], (X, T2[None], [4, 4], [2, 2]), {}),
        (TypeError, ["input_lengths", "float64"], (X, T2, [4.0, 4.0], [2, 2]), {}),
        (TypeError, ["target_lengths", "float64"], (X, T2, [4, 4], [2.0, 2.0]), {}),
        (ValueError, ["input_lengths", "(3,)", "(2,)"], (X, T2, [4, 4, 4], [2, 2]), {}),
        (ValueError, ["input_lengths", "()"], (X, T2, 4, [2, 2]), {}),
        (ValueError, ["target_lengths", "(2, 1)"], (X, T2, [4, 4], [[2], [2]]), {}),
        (ValueError, ["input_lengths", "(2,)"], (X[:, 0], [1], [4, 4], 1), {}),
        (ValueError, ["blank", 3, "0..2"], (X, T2, [4, 4], [2, 2]), {"blank": 3}),
        (ValueError, ["blank", "-1"], (X, T2, [4, 4], [2, 2]), {"blank": -1}),
        (ValueError, ["blank"], (X, T2, [4, 4], [2, 2]), {"blank": 2**70}),
        (TypeError, ["blank", "0.5"], (X, T2, [4, 4], [2, 2]), {"blank": 0.5}),
        (TypeError, ["blank", "True"], (X, T2, [4, 4], [2, 2]), {"blank": True}),
        (TypeError, ["zero_infinity", "1"], (X, T2, [4, 4], [2, 2]), {"zero_infinity": 1}),
        (TypeError, ["logits", "None"], (X, T2, [4, 4], [2, 2]), {"logits": None}),
        (ValueError, ["reduction", "'batchmean'"], (X, T2, [4, 4], [2, 2]), {"reduction": "batchmean"}),
        (TypeError, ["weight"], (X, T2, [4, 4], [2, 2]), {"weight": 1}),
        (TypeError, ["target_lengths"], (X, T2, [4, 4]), {}),
    ],
)  # fmt: skip
def test_arguments(error, words, arguments, options):
    refused(error, words, *arguments, **options)


def test_outputs_and_upstream():
    rest = (T2, [4, 4], [2, 2])
    for out, error in (
        (np.zeros((4, 2, 2)), ValueError),
        (np.zeros((4, 2, 3), int), TypeError),
        ([], TypeError),
    ):
        with pytest.raises(error, match=r"\bout\b"):
            ctc.grad(X, *rest, out=out)
    frozen = X + 7
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        ctc.grad(X, *rest, out=frozen)
    same = X + 7
    with pytest.raises(ValueError, match=r"out\[0\] and out\[1\]"):
        ctc.grad_and_hess(X, *rest, out=(same, same))
    for reduction, dy in (("mean", np.ones(2)), ("none", np.ones(3)), ("none", np.ones((2, 1)))):
        with pytest.raises(ValueError, match="grad_output"):
            ctc.backward(dy, X, *rest, reduction=reduction)
    with pytest.raises(TypeError, match="grad_output"):
        ctc.backward(1j, X, *rest)


def test_dask_arrays_are_refused():
    rest = (T2, [4, 4], [2, 2])
    for arguments in ((da.asarray(X), *rest), (X, da.asarray(T2), *rest[1:])):
        for call in (ctc, ctc.value_and_grad, ctc.grad, ctc.grad_and_hess):
            with pytest.raises(TypeError, match=r"ctc_loss takes no Dask arrays.*\.compute\(\)"):
                call(*arguments)


def test_no_classes():
    with pytest.raises(ValueError, match="blank"):
        ctc.grad(X[..., :0], T2, [4, 4], [2, 2])


def test_by_name():
    arguments = {"log_probs": X, "targets": T2, "input_lengths": [4, 4], "target_lengths": [2, 2]}
    assert ctc(**arguments) == ctc(*arguments.values())
    assert_same_bits(ctc.grad(**arguments), ctc.grad(*arguments.values()))
