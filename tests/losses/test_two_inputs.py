"""Losses of two inputs: gradients by both, in any shape the second may have, and where they go."""

import dask.array as da
import numpy as np
import pytest
import reference
from mpmath import mp
from support.loss_cases import check, elementwise_case, parameter_values

import fastact as fa

PAIRS = [name for name, entry in reference.LOSSES.items() if getattr(entry, "second", "")]
DTYPES = ["float32", "float64"]


pytestmark = pytest.mark.usefixtures("row_precision")


def case(name, dtype, rng, second_shape=None):
    """Operands by name, options, and everything exact: value, gradients, curvatures, their terms."""
    entry, (x, t) = reference.LOSSES[name], elementwise_case(name, dtype, rng)
    z = (10.0 ** rng.uniform(-2, 2, x.shape if second_shape is None else second_shape)).astype(dtype)
    options = {p: parameter_values(name, p, x.shape[1], dtype, rng) for p in entry.parameters}
    given = (x, t, z, *options.values())
    exact = [np.broadcast_to(reference.exact(a), x.shape) for a in given]
    kinds = ("value", "grad", "second_grad", "hess", "second_hess")
    results = {kind: getattr(entry, kind)(*exact) for kind in kinds}
    terms = {
        kind: np.abs(entry.terms[kind](*exact)).astype("f8") if kind in entry.terms else 0.0 for kind in kinds
    }
    first = next(n for n in fa.get_op(name)._operands if n not in (entry.second, "target"))
    return {first: x, "target": t, entry.second: z}, options, results, terms


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PAIRS)
def test_both_gradients(name, dtype, rng):
    op = getattr(fa, name)
    operands, options, exact, terms = case(name, dtype, rng)
    for reduction, factor in (("sum", 1), ("mean", 1 / mp.mpf(45)), ("none", 1)):
        value, grads = op.value_and_grad(**operands, **options, reduction=reduction)
        if reduction == "none":
            check(value, exact["value"], dtype, 5, terms["value"])
        again, hesses = op.grad_and_hess(**operands, **options, reduction=reduction)
        for got, kind in zip((*grads, *hesses), ("grad", "second_grad", "hess", "second_hess"), strict=True):
            check(got, exact[kind] * factor, dtype, 4, terms[kind] * float(factor))
        for a, b in zip(grads, again, strict=True):
            np.testing.assert_array_equal(a, b)
        dy = rng.normal(size=(5, 9)).astype(dtype) if reduction == "none" else dtype == "float32" or 3.0
        for got, grad in zip(op.backward(dy, **operands, **options, reduction=reduction), grads, strict=True):
            np.testing.assert_allclose(got, np.asarray(dy, dtype) * grad, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
@pytest.mark.parametrize("shape", [(), (9,), (5, 1), (1, 1)])
@pytest.mark.parametrize("name", PAIRS)
def test_a_second_input_that_broadcasts(name, shape, dtype, rng):
    """Its gradients are summed to its shape, in float64."""
    op, entry = getattr(fa, name), reference.LOSSES[name]
    operands, options, _, _ = case(name, "float32", rng, shape)
    operands = {k: a.astype(dtype) for k, a in operands.items()}
    full = operands | {entry.second: np.broadcast_to(operands[entry.second], (5, 9)).copy()}
    for results in ("value_and_grad", "grad_and_hess"):
        got = getattr(op, results)(**operands, **options, reduction="sum")
        wanted = getattr(op, results)(**full, **options, reduction="sum")
        for pair, one in zip(got, wanted, strict=True):
            if not isinstance(pair, tuple):
                assert pair == one
                continue
            np.testing.assert_array_equal(pair[0], one[0])
            assert pair[1].shape == shape
            assert pair[1].dtype == dtype
            axes = tuple(k for k in range(2) if k < 2 - len(shape) or shape[k - 2 + len(shape)] == 1)
            sums = one[1].astype("f8").sum(axis=axes).reshape(shape)
            scale = np.abs(one[1].astype("f8")).sum(axis=axes).reshape(shape)
            near = 2 * np.finfo(dtype).eps * scale + np.finfo(dtype).tiny
            with np.errstate(invalid="ignore"):  # float16's infinities
                assert ((np.abs(pair[1] - sums) <= near) | ~np.isfinite(sums) | (scale > 6e4)).all()


@pytest.mark.parametrize("name", PAIRS)
def test_out(name, rng):
    op, entry = getattr(fa, name), reference.LOSSES[name]
    operands, options, _, _ = case(name, "float32", rng)
    first = next(iter(operands))
    wanted, wanted_hess = op.grad_and_hess(**operands, **options)

    def same(got, wanted):
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(a, b)

    given = tuple(np.full((5, 9), 7, np.float32) for _ in range(2))
    got = op.grad(**operands, **options, out=given)
    assert got[0] is given[0]
    assert got[1] is given[1]
    same(given, wanted)
    one = np.empty((5, 9), np.float32)
    same(op.grad(**operands, **options, out=(None, one)), wanted)
    np.testing.assert_array_equal(one, wanted[1])
    for swapped in (False, True):
        own = {k: a.copy() for k, a in operands.items()}
        to = (own[first], own[entry.second])
        to = to[::-1] if swapped else to
        same(op.grad(**own, **options, out=to), wanted)
        same(to, wanted)
    four = tuple(tuple(np.empty((5, 9), np.float32) for _ in range(2)) for _ in range(2))
    got = op.grad_and_hess(**operands, **options, out=four)
    same((*got[0], *got[1]), (*wanted, *wanted_hess))
    assert got[1][1] is four[1][1]
    for bad, error, words in (
        (one, TypeError, "tuple of two"),
        ((one,), TypeError, "tuple of two"),
        ((one, one), ValueError, r"out\[0\] and out\[1\] must not share"),
        ((one, one[:3]), ValueError, r"out\[1\] must have shape|must not share"),
        ((None, [1.0]), TypeError, r"out\[1\]"),
    ):
        before = one.copy()
        with pytest.raises(error, match=words):
            op.grad(**operands, **options, out=bad)
        np.testing.assert_array_equal(one, before)


@pytest.mark.parametrize("name", PAIRS)
def test_errors(name, rng):
    op, entry = getattr(fa, name), reference.LOSSES[name]
    operands, _, _, _ = case(name, "float32", rng)
    for wrong, error, words in (
        (np.ones(4), ValueError, "must broadcast"),
        (np.ones((5, 9), complex), TypeError, "must be real"),
        (np.ones((2, 5, 9)), ValueError, "must broadcast"),
    ):
        with pytest.raises(error, match=f"{entry.second}.*{words}"):
            op.grad(**operands | {entry.second: wrong})
    with pytest.raises(TypeError, match=f"{entry.second} is missing"):
        op(**{k: a for k, a in operands.items() if k != entry.second})
    with pytest.raises(TypeError, match="at most 3 arguments by position"):
        op(1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("name", PAIRS)
def test_dask(name, rng):
    op = getattr(fa, name)
    operands, _, _, _ = case(name, "float64", rng)
    lazy = {k: da.from_array(a, (2, 4)) for k, a in operands.items()}
    value, (first, second) = op.value_and_grad(**lazy)
    assert all(isinstance(a, da.Array) for a in (value, first, second))
    wanted, (wanted_first, wanted_second) = op.value_and_grad(**operands)
    np.testing.assert_allclose(value.compute(), wanted, rtol=1e-14)
    np.testing.assert_allclose(first.compute(), wanted_first, rtol=1e-15)
    np.testing.assert_allclose(second.compute(), wanted_second, rtol=1e-15)
