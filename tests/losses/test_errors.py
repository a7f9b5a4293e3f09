"""What losses refuse: the exception's kind, the argument it names, and outputs untouched."""

import re

import ml_dtypes
import numpy as np
import pytest
import reference
from support import walk

import fastact as fa

SENTINEL = 7.0
ROW_LOSSES = ["cross_entropy", "nll_loss"]
ELEMENTWISE = sorted(walk.elementwise_losses())
C = 10


def refused(error, words, call):
    """`call(out)` raises `error` with every word in its message, and leaves `out` as it was."""
    out = np.full((4, C), SENTINEL, np.float32)
    with pytest.raises(error) as caught:
        call(out)
    for word in words:
        assert re.search(rf"\b{re.escape(str(word))}(?![\w-])", str(caught.value)), str(caught.value)
    np.testing.assert_array_equal(out, SENTINEL)


def logits():
    return np.zeros((4, C), np.float32)


BAD_LABELS = [
    np.array([0, 1, -1, 2]),
    np.array([0, 1, C, 2]),
    np.array([0, 1, 2, -101]),
    np.array([2**32 + 3, 1, 2, 3]),
    np.array([0, 1, 2, -(2**63)]),
    np.array([2**63 + 5, 1, 2, 3], np.uint64),
    np.array([2**64 - 100, 1, 2, 3], np.uint64),  # -100 if it wrapped
    np.array([0, -1, 2, 3], np.int8),
    np.array([0, 255, 2, 3], np.uint8),
]


@pytest.mark.parametrize("labels", BAD_LABELS, ids=lambda a: f"{a.dtype}")
@pytest.mark.parametrize("name", ROW_LOSSES)
def test_labels(name, labels):
    op = walk.loss(name)
    bad = next(int(v) for v in labels if not 0 <= int(v) < C)
    words = ("target", C)
    for call in (op.value_and_grad, op.grad):
        refused(IndexError, words, lambda out, call=call: call(logits(), labels, out=out))
    refused(IndexError, words, lambda out: op.backward(1.0, logits(), labels, out=out))
    refused(IndexError, words, lambda out: op.grad_and_hess(logits(), labels, out=(out, out.copy())))
    with pytest.raises(IndexError, match=re.escape(str(bad))):
        op(logits(), labels)
    own = logits() + 3
    with pytest.raises(IndexError):
        op.grad(own, labels, out=own)
    np.testing.assert_array_equal(own, 3)


@pytest.mark.parametrize("name", ROW_LOSSES)
def test_ignored_label_may_be_anything_of_its_type(name):
    op = walk.loss(name)
    for ignored in (-1, C, -(2**63), 2**63 - 1):
        value, grad = op.value_and_grad(logits(), np.array([0, ignored, ignored, 1]), ignore_index=ignored)
        assert (grad[1:3] == 0).all()
        assert (grad[[0, 3]] != 0).any()
        assert np.isfinite(value)


@pytest.mark.parametrize("name", ROW_LOSSES)
@pytest.mark.parametrize("ignored", [2**63 - 1, -1, -2])
def test_unsigned_label_beyond_int64_is_not_ignored(name, ignored):
    """2^63 + 5 is no ignore_index = 2^63 - 1, whatever it is clipped to on the way."""
    labels = np.array([2**63 + 5, 1, 2, 3], np.uint64)
    with pytest.raises(IndexError):
        walk.loss(name)(logits(), labels, ignore_index=ignored)


@pytest.mark.parametrize("name", ROW_LOSSES)
def test_row_arguments(name):
    op, labels = walk.loss(name), np.array([0, 1, 2, 3])
    cases = [
        (ValueError, ["target"], lambda out: op.grad(logits(), labels[:3], out=out)),
        (ValueError, ["target"], lambda out: op.grad(logits(), np.zeros((4, C - 1)), out=out)),
        (TypeError, ["target"], lambda out: op.grad(logits(), np.zeros(4), out=out)),
        (
            TypeError,
            ["input", "complex64"],
            lambda out: op.grad(logits().astype(np.complex64), labels, out=out),
        ),
        (TypeError, ["input"], lambda out: op.grad(np.full((4, C), "a"), labels, out=out)),
        (ValueError, ["input"], lambda out: op.grad(np.float32(1), labels, out=out)),
        (ValueError, ["weight", C], lambda out: op.grad(logits(), labels, weight=np.ones(C + 1), out=out)),
        (TypeError, ["weight"], lambda out: op.grad(logits(), labels, weight=np.ones(C, complex), out=out)),
        (ValueError, ["axis", "2"], lambda out: op.grad(logits(), labels, axis=2, out=out)),
        (TypeError, ["axis"], lambda out: op.grad(logits(), labels, axis=1.0, out=out)),
        (TypeError, ["ignore_index"], lambda out: op.grad(logits(), labels, ignore_index=1.5, out=out)),
        (ValueError, ["ignore_index"], lambda out: op.grad(logits(), labels, ignore_index=2**63, out=out)),
    ]
    for error, words, call in cases:
        refused(error, words, call)


@pytest.mark.parametrize(
    "error, value",
    [*((ValueError, v) for v in (-0.1, 1.1, np.nan, np.inf)), *((TypeError, v) for v in (None, "x", [0.1]))],
)
def test_label_smoothing(error, value):
    labels = np.array([0, 1, 2, 3])
    refused(
        error,
        ["label_smoothing"],
        lambda out: fa.cross_entropy.grad(logits(), labels, label_smoothing=value, out=out),
    )


@pytest.mark.parametrize(
    "error, value",
    [*((ValueError, v) for v in (-1e-9, np.nan, np.inf)), *((TypeError, v) for v in (None, "x", [0.1]))],
)
def test_z_loss(error, value):
    labels = np.array([0, 1, 2, 3])
    refused(error, ["z_loss"], lambda out: fa.cross_entropy.grad(logits(), labels, z_loss=value, out=out))


def test_labels_of_no_classes():
    for name in ("cross_entropy", "nll_loss", "multi_margin_loss"):
        with pytest.raises(IndexError, match=r"label 0 of row 0 is not in 0\.\.-1 \(the 0 classes"):
            getattr(fa, name)(np.zeros((3, 0)), [0, 0, 0])


@pytest.mark.parametrize("dtype", [np.longdouble, complex], ids=str)
@pytest.mark.parametrize("name", ROW_LOSSES + ELEMENTWISE)
def test_types_the_core_has_not(name, dtype):
    op = walk.loss(name)
    refused(
        TypeError,
        [op._operands[0], str(np.dtype(dtype))],
        lambda out: op.grad(np.ones((4, C), dtype), targets_of(name), out=out),
    )


SMALL = [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.int4, ml_dtypes.uint4]


@pytest.mark.parametrize("dtype", SMALL, ids=lambda d: d.__name__)
def test_small_numbers_of_ml_dtypes_become_what_ufuncs_make_of_them(dtype):
    """One rule for all ops: float8 becomes float32, int4 float64. Values are those of the wider type."""
    x = np.array([[0, 1, 2], [3, -2 if dtype is not ml_dtypes.uint4 else 2, 1]]).astype(dtype)
    wide = fa.relu(x).dtype
    assert wide == (np.float64 if "int" in dtype.__name__ else np.float32) == fa.softmax(x).dtype
    for op in fa.list_ops("loss"):
        if op.__name__ in ("ctc_loss", "linear_cross_entropy"):
            continue
        operands = [x for _ in op._operands]
        if "target" in op._operands:
            like_rows = (
                np.array([0, 1]) if op.__name__ != "multilabel_margin_loss" else np.array([[0, -1, 0]] * 2)
            )
            by_rows = op.__name__ in (
                "cross_entropy",
                "nll_loss",
                "multi_margin_loss",
                "cosine_embedding_loss",
            )
            labels = like_rows if by_rows or op.__name__ == "multilabel_margin_loss" else np.ones((2, 3))
            operands[op._operands.index("target")] = labels
        got = op.grad(*operands)
        wanted = op.grad(*(a.astype(wide) if a is x else a for a in operands))
        for a, b in zip(*(g if isinstance(g, tuple) else (g,) for g in (got, wanted)), strict=True):
            assert a.dtype == wide
            walk.assert_same_bits(a, b, op.__name__)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_arguments(name):
    op, x, t = walk.loss(name), logits(), logits()
    cases = [
        (ValueError, ["target"], lambda out: op.grad(x, t[:3], out=out)),
        (ValueError, ["target"], lambda out: op.grad(x, t[0], out=out)),
        (TypeError, ["target"], lambda out: op.grad(x, t.astype(complex), out=out)),
        (TypeError, [op._operands[0]], lambda out: op.grad(x.astype("M8[s]"), t, out=out)),
        (ValueError, ["weight"], lambda out: op.grad(x, t, weight=np.ones(3), out=out)),
        (TypeError, ["weight"], lambda out: op.grad(x, t, weight="heavy", out=out)),
    ]
    entry = reference.LOSSES[name]
    for p in entry.switches:
        cases.append((TypeError, [p, "True or False"], lambda out, p=p: op.grad(x, t, **{p: 1}, out=out)))
    for p in set(entry.parameters) - set(entry.switches):
        cases.append((ValueError, [p], lambda out, p=p: op.grad(x, t, **{p: np.full(3, 0.5)}, out=out)))
        cases.append((TypeError, [p], lambda out, p=p: op.grad(x, t, **{p: "much"}, out=out)))
    for error, words, call in cases:
        refused(error, words, call)


@pytest.mark.parametrize(
    ("name", "option", "values", "wanted"),
    [
        ("smooth_l1_loss", "beta", [-1.0, np.nan, [1.0] * 9 + [-1e-3]], "at least 0"),
        ("huber_loss", "delta", [0.0, -1.0, np.nan, [1.0] * 9 + [0.0]], "more than 0"),
        ("pinball_loss", "quantile", [-0.1, 1.5, np.nan, [0.5] * 9 + [1.1]], "between 0 and 1"),
    ],
)
def test_parameters_out_of_range(name, option, values, wanted):
    op, x = walk.loss(name), logits()
    for value in values:
        call = lambda out, value=value: op.grad(x, x, **{option: value}, out=out)  # noqa: E731
        refused(ValueError, [option, wanted], call)
    op(x, x, **{option: {"delta": 1e-30}.get(option, 0.0)})


@pytest.mark.parametrize(
    ("name", "option", "values", "wanted"),
    [
        ("focal_loss", "alpha", [-0.1, 1.5, np.nan, [0.5] * 9 + [np.nan]], "between 0 and 1"),
        ("focal_loss", "gamma", [-0.1, np.nan], "at least 0"),
        ("tweedie_deviance", "power", [0.5, np.nan, [1.5] * 9 + [0.25]], "at most 0 or at least 1"),
        ("poisson_nll_loss", "eps", [-1e-9, np.nan], "at least 0"),
        ("hinge_embedding_loss", "margin", [np.nan], "finite"),
        ("binary_cross_entropy_with_logits", "pos_weight", [np.nan], "finite"),
    ],
)
def test_numbers_out_of_range(name, option, values, wanted):
    op, x = getattr(fa, name), logits()
    for value in values:
        refused(ValueError, [option, wanted], lambda out, v=value: op.grad(x, x, **{option: v}, out=out))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cross_entropy", ["label_smoothing", "z_loss"]),
        ("multi_margin_loss", ["margin", "p"]),
        ("cosine_embedding_loss", ["margin"]),
        ("triplet_margin_loss", ["margin", "p", "eps"]),
        ("huber_loss", ["delta"]),
        ("focal_loss", ["gamma"]),
        ("tweedie_deviance", ["power"]),
        ("hinge_embedding_loss", ["margin"]),
        ("poisson_nll_loss", ["eps"]),
    ],
)
def test_numbers_are_numbers(name, options):
    """Neither text nor None: float("1") is one to Python, and None stands for nothing here."""
    op = getattr(fa, name)
    operands = [np.ones((4, C)) for _ in op._operands]
    operands[-1] = {"cross_entropy": np.zeros(4, int), "multi_margin_loss": np.zeros(4, int),
                    "cosine_embedding_loss": np.ones(4)}.get(name, operands[-1])  # fmt: skip
    for option in options:
        for wrong in ("1", b"1", None, {}, 1j):
            with pytest.raises(TypeError, match=option):
                op(*operands, **{option: wrong})


def test_lists_of_different_lengths_are_named():
    with pytest.raises(ValueError, match="mse_loss: target must be an array or make one"):
        fa.mse_loss(np.ones(2), [[1.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="cross_entropy: input must be an array or make one"):
        fa.cross_entropy([[1.0], [1.0, 2.0]], [0, 1])


def targets_of(name):
    return np.array([0, 1, 2, 3]) if name in ROW_LOSSES else np.ones((4, C), np.float32)


@pytest.mark.parametrize("name", ROW_LOSSES + ELEMENTWISE)
def test_options(name):
    op, t = walk.loss(name), targets_of(name)
    for reduction in ("average", "Mean", None, 1, b"mean", ["mean"]):
        refused(
            ValueError, ["reduction"], lambda out, r=reduction: op.grad(logits(), t, reduction=r, out=out)
        )
    refused(TypeError, ["sizes"], lambda out: op.grad(logits(), t, sizes=1, out=out))
    with pytest.raises(TypeError):
        op(logits(), t, out=logits())
    with pytest.raises(TypeError):
        op(logits())
    with pytest.raises(TypeError):
        op(logits(), t, None)


@pytest.mark.parametrize("name", ROW_LOSSES + ELEMENTWISE)
def test_out(name):
    op, t = walk.loss(name), targets_of(name)
    for bad, error in [
        (np.full((4, C - 1), SENTINEL, np.float32), ValueError),
        (np.full((C, 4), SENTINEL, np.float32), ValueError),
        (np.full((4, C), 7), TypeError),
        (np.full((4, C), SENTINEL).tolist(), TypeError),
    ]:
        with pytest.raises(error, match=r"\bout\b"):
            op.grad(logits(), t, out=bad)
        assert (np.asarray(bad) == SENTINEL).all()
    frozen = np.full((4, C), SENTINEL, np.float32)
    frozen.flags.writeable = False
    for call in (op.grad, op.value_and_grad):
        with pytest.raises(ValueError, match=r"\bout\b.*read-only"):
            call(logits(), t, out=frozen)
    assert (frozen == SENTINEL).all()
    out = np.full((4, C), SENTINEL, np.float32)
    with pytest.raises(ValueError, match=r"\bout\[1\].*read-only"):
        op.grad_and_hess(logits(), t, out=(out, frozen))
    assert (out == SENTINEL).all()
    for bad in (out, (out,), [out, out]):
        with pytest.raises(TypeError, match=r"\bout\b"):
            op.grad_and_hess(logits(), t, out=bad)
    assert (out == SENTINEL).all()


@pytest.mark.parametrize("name", ROW_LOSSES + ELEMENTWISE)
def test_grad_output(name):
    op, t = walk.loss(name), targets_of(name)
    for reduction, bad in [("mean", np.ones(4)), ("sum", np.ones((1,))), ("none", np.ones(3))]:
        refused(
            ValueError,
            ["grad_output"],
            lambda out, r=reduction, g=bad: op.backward(g, logits(), t, reduction=r, out=out),
        )
    refused(TypeError, ["grad_output"], lambda out: op.backward(1j, logits(), t, out=out))


@pytest.mark.parametrize("op", ["mse_loss", "cross_entropy", "nll_loss"])
def test_gradient_and_hessian_in_the_same_memory(op):
    op = getattr(fa, op)
    target = logits() if op is fa.mse_loss else np.array([0, 1, 2, 3])
    room = np.full(6 * C, SENTINEL, np.float32)
    first = room[: 4 * C].reshape(4, C)
    for second in (first, room[2 * C :].reshape(4, C)):
        with pytest.raises(ValueError, match=r"out\[0\] and out\[1\]"):
            op.grad_and_hess(logits(), target, out=(first, second))
        np.testing.assert_array_equal(room, SENTINEL)
    pairs = np.empty((4, C, 2), np.float32)  # side by side they do not meet
    apart = op.grad_and_hess(logits(), target)
    for a, b in zip(
        op.grad_and_hess(logits(), target, out=(pairs[..., 0], pairs[..., 1])), apart, strict=True
    ):
        np.testing.assert_array_equal(a, b)
