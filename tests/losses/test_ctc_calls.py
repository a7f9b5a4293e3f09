"""ctc_loss: types, layouts, outputs, the same bits everywhere, and what it refuses."""

import re

import numpy as np
import pytest
from support import walk
from support.ctc_cases import ALL, as_input, assert_all_same, batch, logits_of, results
from support.walk import assert_same_bits

import fastact as fa
from fastact import _core

ctc = fa.ctc_loss


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


@pytest.mark.parametrize("logits", [False, True])
def test_no_floating_point_warnings(logits, rng):
    """What its own steps did raises no flag, impossible alignments and infinities included."""
    for dtype in walk.DTYPES.values():
        for size in (1.0, 1e4, 1e38):
            x, *rest = batch(rng)
            with np.errstate(all="ignore"):
                x = (x * size).astype(dtype)
            x[1, 2, 3], x[2, 0, 1] = -np.inf, np.nan
            rest[1] = np.minimum(rest[1], [12, 7, 2, 5, 0, 6])
            with np.errstate(all="raise"):
                results((x, *rest), logits=logits)
                results((x, *rest), logits=logits, zero_infinity=True)


def test_one_sequence_in_place(rng):
    x, labels, _, _ = batch(rng)
    wanted = ctc.grad(x[:, 0], labels[0, :4], 12, 4)
    column = x[:, 0]
    assert ctc.grad(column, labels[0, :4], 12, 4, out=column) is column
    assert_same_bits(x[:, 0], wanted)


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_of_instruction_sets_and_threads(dtype, logits, rng, set_isa, set_threads):
    best = _core.get_isa()
    cases = [batch(rng, dtype)]
    x = as_input(logits_of(rng, (150, 9, 70), dtype, 5.0), logits)
    cases.append((x, rng.integers(1, 70, (9, 60)), rng.integers(0, 151, 9), rng.integers(0, 61, 9)))
    for case in cases:
        set_isa(best)
        wanted = results(case, logits=logits)
        for isa in fa.config()["available_isas"]:
            set_isa(isa)
            for threads in (1, 2, 5):
                set_threads(threads)
                got = results(case, logits=logits)
                if isa != "baseline":
                    assert_all_same(got, wanted, (isa, threads))
                for a, b in zip(got, wanted, strict=True):
                    a, b = np.asarray(a, "f8"), np.asarray(b, "f8")
                    size = 1e-12 if dtype == "float64" else 2.0**-23
                    np.testing.assert_allclose(a, b, rtol=size, atol=size)


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
        (TypeError, ["input_lengths", "integers (lengths)", "float64"], (X, T2, [4.0, 4.0], [2, 2]), {}),
        (TypeError, ["target_lengths", "float64"], (X, T2, [4, 4], [2.0, 2.0]), {}),
        (ValueError, ["input_lengths", "(3,)", "(2,)"], (X, T2, [4, 4, 4], [2, 2]), {}),
        (ValueError, ["input_lengths", "()"], (X, T2, 4, [2, 2]), {}),
        (ValueError, ["target_lengths", "(2, 1)"], (X, T2, [4, 4], [[2], [2]]), {}),
        (ValueError, ["input_lengths", "(2,)"], (X[:, 0], [1], [4, 4], 1), {}),
        (ValueError, ["blank", 3, "0..2"], (X, T2, [4, 4], [2, 2]), {"blank": 3}),
        (ValueError, ["blank", "-1"], (X, T2, [4, 4], [2, 2]), {"blank": -1}),
        (ValueError, ["blank", 2**70, "0..2"], (X, T2, [4, 4], [2, 2]), {"blank": 2**70}),
        (ValueError, ["blank", -(2**70), "0..2"], (X, T2, [4, 4], [2, 2]), {"blank": -(2**70)}),
        (ValueError, ["blank", -7, "0..2"], (X, T2, [4, 4], [2, 2]), {"blank": np.int8(-7)}),
        (TypeError, ["blank", "0.5"], (X, T2, [4, 4], [2, 2]), {"blank": 0.5}),
        (TypeError, ["blank", "True"], (X, T2, [4, 4], [2, 2]), {"blank": True}),
        (TypeError, ["zero_infinity", "1"], (X, T2, [4, 4], [2, 2]), {"zero_infinity": 1}),
        (TypeError, ["logits", "None"], (X, T2, [4, 4], [2, 2]), {"logits": None}),
        (ValueError, ["reduction", "'batchmean'"], (X, T2, [4, 4], [2, 2]), {"reduction": "batchmean"}),
        (TypeError, ["pos_weight"], (X, T2, [4, 4], [2, 2]), {"pos_weight": 1}),
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


def test_no_classes():
    with pytest.raises(ValueError, match="blank"):
        ctc.grad(X[..., :0], T2, [4, 4], [2, 2])


def test_by_name():
    arguments = {"log_probs": X, "targets": T2, "input_lengths": [4, 4], "target_lengths": [2, 2]}
    assert ctc(**arguments) == ctc(*arguments.values())
    assert_same_bits(ctc.grad(**arguments), ctc.grad(*arguments.values()))
