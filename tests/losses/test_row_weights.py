"""Weights of rows and of sequences: against the unweighted losses."""

import dask.array as da
import ml_dtypes
import numpy as np
import pytest

import fastact as fa

DTYPES = ["float32", "float64", "float16", ml_dtypes.bfloat16]
NAMES = ["multilabel_margin_loss", "cosine_embedding_loss", "triplet_margin_loss", "ctc_loss"]
ROWS = 37  # more than a tile, and a rest


def case(name, dtype, rng, n=5):
    """The op, its operands, and the axis of its inputs along which rows follow each other."""
    op = getattr(fa, name)
    inputs = [rng.normal(size=(ROWS, n)).astype(dtype) for _ in range(3)]
    if name == "multilabel_margin_loss":
        lists = np.array([[*rng.permutation(n)[:2], *[-1] * (n - 2)] for _ in range(ROWS)])
        return op, (inputs[0], lists), 0
    if name == "cosine_embedding_loss":
        return op, (*inputs[:2], rng.choice([-1.0, 1.0], ROWS)), 0
    if name == "triplet_margin_loss":
        return op, tuple(inputs), 0
    log_probs = fa.log_softmax(rng.normal(size=(9, ROWS, n)).astype(dtype))
    return op, (log_probs, rng.integers(1, n, (ROWS, 3)), np.full(ROWS, 9), rng.integers(0, 4, ROWS)), 1


def flat(results):
    return list(results) if isinstance(results, tuple) else [results]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("n", [5, 70])
@pytest.mark.parametrize("name", NAMES)
def test_terms_and_gradients_are_multiplied(name, n, dtype, rng):
    op, operands, _ = case(name, dtype, rng, n)
    weight = rng.uniform(-1, 3, ROWS)
    weight[[0, 20, 36]] = 0
    info = ml_dtypes.finfo(np.dtype(dtype))
    eps, least = float(info.eps), float(info.smallest_subnormal)
    wide = tuple(a.astype("f8") if a.dtype.kind in "fV" else a for a in operands)
    terms = op(*wide, reduction="none") * weight
    np.testing.assert_allclose(
        op(*operands, weight=weight, reduction="none").astype("f8"), terms, rtol=2 * eps
    )
    assert op(*operands, weight=weight, reduction="sum") == pytest.approx(terms.sum(), rel=1e-13)
    divisor = np.maximum(operands[3], 1) if name == "ctc_loss" else 1.0
    assert op(*operands, weight=weight) == pytest.approx((terms / divisor).mean(), rel=1e-13)
    for reduction, scale in (("none", 1.0), ("sum", 1.0), ("mean", 1 / divisor / ROWS)):
        plain = op.grad_and_hess(*wide, reduction="sum")
        got = op.grad_and_hess(*operands, weight=weight, reduction=reduction)
        for parts, wanted in zip(got, plain, strict=True):
            for a, b in zip(flat(parts), flat(wanted), strict=True):
                assert a.dtype == np.dtype(dtype)
                exact = b * (weight * scale)[:, None]
                np.testing.assert_allclose(a.astype("f8"), exact, rtol=2 * eps, atol=least)
        value, grads = op.value_and_grad(*operands, weight=weight, reduction=reduction)
        np.testing.assert_array_equal(value, op(*operands, weight=weight, reduction=reduction))
        for a, b in zip(flat(grads), flat(got[0]), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("n", [5, 70])
@pytest.mark.parametrize("name", NAMES)
def test_a_row_of_weight_0_is_0(name, n, wrong, rng):
    op, operands, axis = case(name, "float32", rng, n)
    for a in operands:
        if a.dtype.kind == "f" and a.ndim > 1:
            a[(slice(None),) * axis + (3,)] = wrong
    weight = np.ones(ROWS)
    weight[3] = 0
    terms = op(*operands, weight=weight, reduction="none")
    assert terms[3] == 0 and np.isfinite(terms).all()
    assert not np.isfinite(op(*operands, reduction="none")[3])
    for parts in op.grad_and_hess(*operands, weight=weight):
        for a in flat(parts):
            assert (a.take(3, axis) == 0).all() and np.isfinite(a).all()


@pytest.mark.parametrize("name", NAMES)
def test_layouts_scalars_and_threads(name, rng, set_threads):
    op, operands, _ = case(name, "float32", rng)
    weight = rng.uniform(0.5, 2, ROWS).astype("f4")
    wanted = op.value_and_grad(*operands, weight=weight)
    for same in (np.repeat(weight, 2)[::2], weight.astype(">f4"), weight.tolist(), weight.astype("f8")):
        np.testing.assert_array_equal(op(*operands, weight=same), wanted[0])
    for threads in (1, 2):
        set_threads(threads)
        got = op.value_and_grad(*operands, weight=weight)
        assert got[0] == wanted[0]
        for a, b in zip(flat(got[1]), flat(wanted[1]), strict=True):
            np.testing.assert_array_equal(a, b)
    assert op(*operands, weight=2.0) == pytest.approx(2 * op(*operands), rel=1e-14)
    assert op(*operands, weight=np.ones(ROWS)) == op(*operands)


@pytest.mark.parametrize("name", NAMES[:3])
def test_rows_along_the_first_axis(name, rng):
    op, operands, _ = case(name, "float64", rng)
    weight = rng.uniform(0.5, 2, ROWS)
    turned = [a.T if a.ndim == 2 else a for a in operands]
    assert op(*turned, weight=weight, axis=0) == op(*operands, weight=weight)
    for a, b in zip(
        flat(op.grad(*turned, weight=weight, axis=0)), flat(op.grad(*operands, weight=weight)), strict=True
    ):
        np.testing.assert_array_equal(a.T, b)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_dask(name, reduction, rng):
    op, operands, axis = case(name, "float64", rng)
    weight = rng.uniform(0, 2, ROWS)
    chunks = [tuple(10 if k == (axis if a.ndim == 3 else 0) else -1 for k in range(a.ndim)) for a in operands]
    lazy = [da.from_array(a, chunks=c) for a, c in zip(operands, chunks, strict=True)]
    for given in (weight, da.from_array(weight, chunks=7), 1.5):
        eager = 1.5 if given is not weight and not hasattr(given, "chunks") else weight
        got = op.value_and_grad(*lazy, weight=given, reduction=reduction)
        wanted = op.value_and_grad(*operands, weight=eager, reduction=reduction)
        np.testing.assert_allclose(got[0].compute(), wanted[0], rtol=1e-13)
        for a, b in zip(flat(got[1]), flat(wanted[1]), strict=True):
            assert isinstance(a, da.Array)
            np.testing.assert_allclose(a.compute(), b, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("name", NAMES)
def test_refused(name, rng):
    op, operands, _ = case(name, "float32", rng)
    for error, weight in (
        (ValueError, np.ones(ROWS - 1)),
        (ValueError, np.ones((ROWS, 1))),
        (TypeError, "heavy"),
        (TypeError, np.ones(ROWS, complex)),
    ):
        with pytest.raises(error, match="weight"):
            op(*operands, weight=weight)
    with pytest.raises(ValueError, match=rf"weight must be a scalar or of the loss's shape \({ROWS},\)"):
        op(*[da.from_array(a) for a in operands], weight=np.ones(3))
