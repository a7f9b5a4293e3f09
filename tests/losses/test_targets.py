"""Targets that losses have no meaning for, labels of 0 and 1, weights that a mean divides by, empty lists."""

import dask.array as da
import numpy as np
import pytest
from support import walk

import fastact as fa
from fastact._losses.targets import Signs

LOSSES = fa.list_ops("loss")
SIGNS = [op for op in LOSSES if isinstance(getattr(op, "_targets", None), Signs)] + [fa.cosine_embedding_loss]
FROM_0_TO_1 = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "focal_loss"]
AT_LEAST_0 = ["gamma_deviance", "kl_div", "poisson_nll_loss", "tweedie_deviance"]
X = np.array([0.25, 0.5, 0.75, 0.125])
INTEGERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4"]


def _call(op, target, method="grad", **options):
    """With inputs that the target's shape fits."""
    inputs = [X[: len(target)] for name in op._operands if name != "target"]
    if op is fa.cosine_embedding_loss:
        inputs = [np.outer(x, [1.0, 2.0, 3.0]) + k for k, x in enumerate(inputs)]
    if op.__name__ in ("multilabel_soft_margin_loss", "cross_entropy"):
        inputs, target = [inputs[0][None]], np.asarray(target)[None]
    given = dict(zip([n for n in op._operands if n != "target"], inputs, strict=True))
    return getattr(op, method)(**given, target=target, **options)


def _same(got, wanted):
    for a, b in zip(*(g if isinstance(g, tuple) else (g,) for g in (got, wanted)), strict=True):
        walk.assert_same_bits(np.asarray(a), np.asarray(b))


# ---- domains ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", [*FROM_0_TO_1, *AT_LEAST_0, "multilabel_soft_margin_loss", "cross_entropy"])
def test_integers_outside_a_domain_are_refused_others_are_reals(name, dtype):
    op, shares = getattr(fa, name), name in (*FROM_0_TO_1, "multilabel_soft_margin_loss")
    good = np.array([0, 1, 1, 0] if shares else [0, 1, 7, 3]).astype(dtype)
    _same(_call(op, good), _call(op, good.astype("f8")))
    bad = [np.array([0, 1, 1, 2]).astype(dtype)] if shares else []
    bad += [np.array([1, 0, 0, -1]).astype(dtype)] if "u" not in dtype else []
    bad += [np.where(np.arange(5000) == 4321, b[-1], 1).astype(dtype) for b in bad]  # of many NumPy finds it
    for target in bad:
        inputs = {op._operands[0]: np.full(target.shape, 0.5), "target": target}
        if name in ("multilabel_soft_margin_loss", "cross_entropy"):
            inputs = {k: v[None] for k, v in inputs.items()}
        for method in ("__call__", "value_and_grad", "grad", "grad_and_hess"):
            with pytest.raises(ValueError, match=rf"{name}: target must be .*, got {target[-1]}|got -?\d"):
                getattr(op, method)(**inputs)
        with pytest.raises(ValueError, match="target must be"):
            op(**{k: v[..., ::-1] for k, v in inputs.items()})
    if shares:
        _same(_call(op, good.astype(bool)), _call(op, good.astype("f8")))


@pytest.mark.parametrize("name", [*FROM_0_TO_1, "gamma_deviance", "kl_div", "poisson_nll_loss"])
def test_reals_outside_a_domain_go_by_the_formula(name):
    """Nobody looks at them: NaN where there is no formula."""
    op = getattr(fa, name)
    assert np.isnan(op(X, np.full(4, -1.0))) == (name in ("gamma_deviance", "kl_div"))
    with pytest.raises(ValueError, match="target"):
        op(X, np.full(4, -1))


def test_domains_that_options_change():
    fa.kl_div(X, np.array([-3, -1, -2, -1]), log_target=True)
    fa.tweedie_deviance(X, np.array([-3, 0, 2, 5]), power=[0.0, 1.0, 1.5, 2.0])
    fa.tweedie_deviance(X, np.array([-3, 0, 2, 5]), power=-1.0)
    with pytest.raises(ValueError, match="target must be at least 0 for a power above 0, got -3"):
        fa.tweedie_deviance(X, np.array([0, -3, 2, 5]), power=[0.0, 1.0, 1.5, 2.0])
    fa.msle_loss(X, np.array([-1, 0, 2, 5]))
    with pytest.raises(ValueError, match="target must be at least -1, got -2"):
        fa.msle_loss(X, np.array([-2, 0, 2, 5]))


@pytest.mark.parametrize("ignored", [0, 1, -1, 255])
def test_probabilities_are_not_ignored_by_a_label(ignored):
    x, shares = np.zeros((2, 3)), np.full((2, 3), 1 / 3)
    fa.cross_entropy(x, shares, ignore_index=-100)  # the default
    for method in (fa.cross_entropy, fa.cross_entropy.grad, fa.cross_entropy.grad_and_hess):
        with pytest.raises(ValueError, match=rf"ignore_index must be left out .* got {ignored}"):
            method(x, shares, ignore_index=ignored)


# ---- labels of 0 and 1 where -1 and 1 are wanted ------------------------------------


@pytest.mark.parametrize("op", SIGNS, ids=lambda op: op.__name__)
def test_signs(op):
    signs = np.array([-1.0, 1.0, 1.0, -1.0])
    wanted = _call(op, signs)
    labels = (signs > 0).astype(int)
    for dtype in INTEGERS:
        if "u" not in dtype:
            _same(_call(op, signs.astype(dtype)), wanted)
        if op is fa.margin_ranking_loss:
            with pytest.raises(ValueError, match="target must be -1 or 1, got 0; for a tie give weight 0"):
                _call(op, labels.astype(dtype))
        else:
            _same(_call(op, labels.astype(dtype)), wanted)
            _same(_call(op, labels.astype(dtype).tolist()), wanted)
    _same(_call(op, labels.astype(bool)), wanted)
    _same(_call(op, [True, True]), _call(op, [1.0, 1.0]))
    _same(_call(op, [1, 1]), _call(op, [1.0, 1.0]))
    for bad, found in (([1, 2], 2), ([-2, 1], -2), ([-1, 0], "-1 and 0|0"), ([-1, 0, 1], "-1 and 0|0")):
        with pytest.raises(ValueError, match=f"target must be -1 or 1, got ({found})"):
            _call(op, bad)
    _call(op, np.array([0.0, 0.5, -0.5, 2.0]))  # reals are as they are


@pytest.mark.parametrize("op", SIGNS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("kind", [bool, int])
def test_signs_over_dask(op, kind):
    """A block has the labels of the whole, whichever of them are in it."""
    labels = (
        np.array([1, 1, 0, 0]).astype(kind) if kind is bool or op is not fa.margin_ranking_loss else [1] * 4
    )
    labels = np.asarray(labels)
    inputs = [np.arange(12.0).reshape(4, 3) + k for k in range(2)] if op is fa.cosine_embedding_loss else None
    inputs = inputs or [X + k for k in range(len(op._operands) - 1)]
    first = da.from_array(inputs[0], chunks=(2, *inputs[0].shape[1:]))
    lazy = op(first, *inputs[1:], da.from_array(labels, chunks=2))
    assert float(lazy.compute()) == pytest.approx(op(*inputs, labels), rel=1e-14)


# ---- weights that a mean divides by --------------------------------------------------


def _of_classes(op):
    return "weight" in op._defaults and op.__name__ in (
        "cross_entropy",
        "nll_loss",
        "linear_cross_entropy",
        "multi_margin_loss",
        "multilabel_soft_margin_loss",
    )


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4"])
@pytest.mark.parametrize("op", [op for op in LOSSES if _of_classes(op)], ids=lambda op: op.__name__)
def test_class_weights_are_not_negative(op, dtype):
    x, target = np.zeros((2, 3)), np.array([0, 2])
    if op is fa.multilabel_soft_margin_loss:
        target = np.ones((2, 3))
    operands = (x, np.zeros((3, 3)), target) if op is fa.linear_cross_entropy else (x, target)
    for reduction in ("mean", "sum", "none"):
        for method in (op, op.grad, op.grad_and_hess):
            method(*operands, weight=np.array([0, 1, 0]).astype(dtype), reduction=reduction)
            with pytest.raises(ValueError, match=rf"^{op.__name__}[.\w]*: weight must be at least 0, got -1"):
                method(*operands, weight=np.array([1, 1, -1]).astype(dtype), reduction=reduction)
    lazy = [da.from_array(operands[0], chunks=(1, 3)), *operands[1:]]
    with pytest.raises(ValueError, match="weight must be at least 0"):
        op(*lazy, weight=np.array([1, 1, -1]).astype(dtype)).compute()


MEANS_BY_WEIGHT = [op for op in fa.list_ops("loss") if getattr(op, "_mean_by_weight", False)]


def test_some_means_divide_by_weights():
    assert {fa.mse_loss, fa.l1_loss} <= {*MEANS_BY_WEIGHT}


@pytest.mark.parametrize("op", MEANS_BY_WEIGHT, ids=lambda op: op.__name__)
def test_weights_that_a_mean_divides_by_are_not_negative(op):
    for n in (2, 5000):
        x, weight = np.ones(n), np.ones(n)
        weight[-1] = -1.0
        with pytest.raises(ValueError, match=r"weight must be at least 0, got -1\.0"):
            op(x, x, weight=weight)
        with pytest.raises(ValueError, match="weight must be at least 0"):
            op(da.from_array(x, chunks=n // 2), x, weight=da.from_array(weight, chunks=n // 2)).compute()
        op(x, x, weight=weight, reduction="sum")  # divides by nothing
        op(x, x, weight=np.zeros(n))


# ---- small things --------------------------------------------------------------------


def test_an_empty_list_holds_labels():
    none = np.zeros((0, 3))
    for call in (
        lambda t: fa.cross_entropy.value_and_grad(none, t),
        lambda t: fa.nll_loss.value_and_grad(none, t),
        lambda t: fa.multi_margin_loss.value_and_grad(none, t),
        lambda t: fa.linear_cross_entropy.value_and_grad(none, np.ones((2, 3)), t),
    ):
        value, _ = call([])
        assert value == 0.0
        with pytest.raises(TypeError, match="must hold integers"):
            call(np.zeros(0))
    assert fa.multilabel_margin_loss(none, none.tolist() or np.zeros((0, 3), int)) == 0.0


@pytest.mark.parametrize("op", [op for op in LOSSES if len(op._inputs) == 1], ids=lambda op: op.__name__)
def test_out_may_be_a_tuple_of_one(op):
    """As NumPy has it, and as activations and row ops take it."""
    x = np.ones((3, 4))
    if op is fa.ctc_loss:
        operands = (np.zeros((3, 2, 4)), [[1], [2]], [3, 3], [1, 1])
    elif op.__name__ in ("cross_entropy", "nll_loss", "multi_margin_loss"):
        operands = (x, np.array([0, 1, 2]))
    else:
        operands = (x, np.full((3, 4), -1) if op is fa.multilabel_margin_loss else np.ones((3, 4)))
    out, hess = np.empty(operands[0].shape), np.empty(operands[0].shape)
    wanted = op.grad(*operands)
    assert op.grad(*operands, out=(out,)) is out
    walk.assert_same_bits(out, wanted)
    assert op.value_and_grad(*operands, out=(out,))[1] is out
    assert op.backward(1.0, *operands, out=(out,)) is out
    got = op.grad_and_hess(*operands, out=((out,), (hess,)))
    assert got[0] is out and got[1] is hess


def test_overlap_that_cannot_be_decided_is_refused():
    """Of two views with ten odd strides each, exact arithmetic would never end."""
    strides = (16167, 35131, 6269, 23577, 29139, 33973, 21489, 15641, 13099, 17495)
    others = (19947, 29035, 35691, 3845, 37427, 21723, 14955, 27237, 23289, 10929)
    room, x = np.zeros(300_000), np.zeros((2,) * 10)
    a, b = (
        np.lib.stride_tricks.as_strided(room[start:], x.shape, [8 * s for s in steps])
        for start, steps in ((0, strides), (64373, others))
    )
    with pytest.raises(getattr(np, "exceptions", np).TooHardError):
        np.shares_memory(a, b, max_work=1000)
    with pytest.raises(
        ValueError, match=r"out\[0\] and out\[1\] must not share memory, got views whose strides"
    ):
        fa.mse_loss.grad_and_hess(x, x, out=(a, b))
    with pytest.raises(
        ValueError, match=r"out\[0\] and out\[1\] must not share memory, got views whose strides"
    ):
        fa.gaussian_nll_loss.grad(x, x, x + 1, out=(a, b))
    assert not room.any()
