"""Losses of float64 rows: every layout, type, thread count and instruction set; Dask; what they refuse."""

import re

import dask.array as da
import numpy as np
import pytest
from support import walk
from support.float64_rows import tuples
from support.layouts import MATRICES, possible
from support.walk import assert_same_bits

import fastact as fa
from fastact import _core

NAMES = list(walk.float64_row_losses())
SHAPES = [(1, 1), (3, 2), (8, 10), (21, 10), (17, 64), (5, 65), (3, 300)]


def flat(results):
    """All arrays and floats of nested tuples."""
    return [part for r in results for part in flat(r)] if isinstance(results, tuple) else [results]


def everything(op, operands, options, **given):
    """Value, gradients, Hessian diagonals, unreduced values."""
    results = (
        op.value_and_grad(*operands, **options, **given),
        op.grad_and_hess(*operands, **options, **given),
    )
    return [*flat(results), op(*operands, **{**options, "reduction": "none"}, **given)]


def assert_all_same(got, wanted, what):
    for a, b in zip(got, wanted, strict=True):
        assert_same_bits(a, b, what)


def cases(name, shape, dtype):
    operands, options = walk.float64_row_operands(name, shape, np.dtype(dtype))
    return [(operands, o) for o in options]


@pytest.mark.parametrize("name", NAMES)
def test_a_row_alone_is_a_row_among_others(name):
    """Tiles of short rows and single rows give the same bits, and so do blocks and tasks."""
    op = getattr(fa, name)
    for dtype in ("f4", "f8"):
        for shape in [(1, 1), (2, 3), (7, 10), (9, 16), (20, 17), (13, 64), (70, 33), (4, 65), (3, 600)]:
            for operands, options in cases(name, shape, dtype):
                kw = {**options, "reduction": "none"}
                wanted = flat((op.value_and_grad(*operands, **kw), op.grad_and_hess(*operands, **kw)))
                for r in range(shape[0]):
                    row = [a[r : r + 1] for a in operands]
                    got = flat((op.value_and_grad(*row, **kw), op.grad_and_hess(*row, **kw)))
                    assert_all_same(got, [w[r : r + 1] for w in wanted], (shape, options, r))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_layouts(name, dtype):
    op = getattr(fa, name)
    for shape in SHAPES:
        for operands, options in cases(name, shape, dtype)[:3]:
            wanted = everything(op, operands, options)
            for layout, make in MATRICES.items():
                if not possible(layout, dtype):
                    continue
                moved = [make(a) if a.ndim == 2 else np.repeat(a, 2)[::2] for a in operands]
                assert_all_same(everything(op, moved, options), wanted, (layout, shape, options))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_out(name, dtype):
    op = getattr(fa, name)
    for shape in SHAPES:
        operands, options = cases(name, shape, dtype)[-1]
        grads, hesses = map(tuples, op.grad_and_hess(*operands, **options))
        several = len(grads) > 1
        for layout, make in {**MATRICES, "contiguous": np.copy}.items():
            if layout == "read-only" or not possible(layout, dtype):
                continue
            outs, seconds = (tuple(make(np.full(shape, 5, dtype)) for _ in grads) for _ in range(2))
            given = (outs, seconds) if several else (outs[0], seconds[0])
            op.grad_and_hess(*operands, **options, out=given)
            assert_all_same([*outs, *seconds], [*grads, *hesses], (layout, shape))
            inputs = tuple(make(a) for a in operands[: len(grads)])
            rest = operands[len(grads) :]
            got = op.grad(*inputs, *rest, **options, out=inputs if several else inputs[0])
            assert all(a is b for a, b in zip(tuples(got), inputs, strict=True))
            assert_all_same(inputs, grads, (layout, shape, "in place"))
        if several:
            inputs = tuple(np.copy(a) for a in operands[: len(grads)])
            turned = inputs[1:] + inputs[:1]
            op.grad(*inputs, *rest, **options, out=turned)
            assert_all_same(turned, grads, (shape, "each other's place"))
        room = np.zeros(grads[0].size + 3, dtype)
        source, out = room[3:].reshape(shape), room[:-3].reshape(shape)
        source[...] = operands[0]
        others = tuple(np.empty(shape, dtype) for _ in grads[1:])
        op.grad(source, *operands[1:], **options, out=(out, *others) if several else out)
        assert_same_bits(out, grads[0], (shape, "overlapping"))


def part_of_wider(a):
    """A view of an array whose last axis is longer, so that rows of one plane do not lead on to the next."""
    wider = np.zeros((*a.shape[:-1], a.shape[-1] + 3), a.dtype)
    wider[..., :-3] = a
    return wider[..., :-3]


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_axes(name, dtype):
    op = getattr(fa, name)
    for shape in [
        (4, 6),
        (3, 7, 5),
        (2, 3, 4, 6),
        (2, 65, 3),
        (2, 5, 150),
        (2, 40, 70),
    ]:  # planes of several blocks
        for axis in range(-len(shape), len(shape)):
            moved = shape[:axis] + shape[axis % len(shape) + 1 :] + (shape[axis],)
            operands, options = cases(name, moved, dtype)[-1]
            wanted = everything(op, operands, options)
            back = [np.moveaxis(a, -1, axis) if a.ndim == len(shape) else a for a in operands]
            for given in (back, [np.ascontiguousarray(a) for a in back], [part_of_wider(a) for a in back]):
                got = everything(op, given, options, axis=axis)
                got = [np.moveaxis(g, axis, -1) if np.ndim(g) == len(shape) else g for g in got]
                assert_all_same(got, wanted, (axis, shape))
    operands, options = cases(name, (1, 7), dtype)[-1]
    line = everything(op, [a[0] for a in operands], options)
    assert_all_same(
        [np.reshape(v, -1) for v in line],
        [np.reshape(v, -1) for v in everything(op, operands, options)],
        "1-d",
    )


@pytest.mark.parametrize("name", NAMES)
def test_narrow_types_are_float32_rounded(name):
    op = getattr(fa, name)
    for dtype in (walk.DTYPES["float16"], walk.BFLOAT16):
        for operands, options in cases(name, (9, 17), dtype):
            wide = [a.astype("f4") if a.dtype == dtype else a for a in operands]
            wide_options = {k: v.astype("f4") if k == "weight" else v for k, v in options.items()}
            with np.errstate(over="ignore"):
                wanted = [
                    w if type(w) is float else w.astype(dtype) for w in everything(op, wide, wide_options)
                ]
            assert_all_same(everything(op, operands, options), wanted, (dtype, options))
    operands, options = cases(name, (9, 17), "f4")[0]
    integers = [np.rint(a).astype("i4") if a.dtype.kind == "f" else a for a in operands]
    doubles = [a.astype("f8") if b.dtype.kind == "f" else a for a, b in zip(integers, operands, strict=True)]
    assert_all_same(everything(op, integers, {}), everything(op, doubles, {}), "integers")


@pytest.mark.parametrize("name", NAMES)
def test_mixed_types_have_the_firsts(name):
    op = getattr(fa, name)
    operands, _ = cases(name, (9, 17), "f8")[0]
    mixed = [operands[0].astype("f4"), *operands[1:]]
    assert all(type(r) is float or r.dtype == np.float32 for r in everything(op, mixed, {}))


@pytest.mark.parametrize("name", NAMES)
def test_threads_and_instruction_sets(name, set_threads, set_isa):
    op, best = getattr(fa, name), _core.get_isa()
    for shape in [(9, 10), (13, 64), (3, 65), (3, 1003), (6001, 10), (303, 1001)]:
        for operands, options in cases(name, shape, "f4")[: 2 if shape[0] > 100 else None]:
            set_isa(best)
            set_threads(1)
            wanted = everything(op, operands, options)
            for threads in (2, 3, 7):
                set_threads(threads)
                assert_all_same(everything(op, operands, options), wanted, (threads, shape, options))
            for isa in fa.config()["available_isas"] if shape[0] < 100 else ():
                set_isa(isa)
                assert_all_same(everything(op, operands, options), wanted, (isa, shape, options))


@pytest.mark.parametrize("name", NAMES)
def test_zero_size(name):
    op = getattr(fa, name)
    for shape in [(0, 5), (0, 0), (0, 100)]:
        for dtype in walk.DTYPES.values():
            operands, options = cases(name, shape, dtype)[-1]
            for reduction in ("mean", "sum"):
                value, grads = op.value_and_grad(*operands, **options, reduction=reduction)
                assert value == 0.0
                assert all(g.shape == shape for g in tuples(grads))
            assert op(*operands, **options, reduction="none").shape == (0,)
    if name != "multi_margin_loss":  # of no classes there is no label
        operands, options = cases(name, (5, 0), "f8")[-1]
        value, grads = op.value_and_grad(*operands, **options, reduction="sum")
        assert np.isfinite(value)
        assert all(g.shape == (5, 0) for g in tuples(grads))


@pytest.mark.parametrize("name", NAMES)
def test_backward(name):
    """One grad_output a row, or a scalar; 0 times a slope is 0."""
    op = getattr(fa, name)
    for shape in [(9, 10), (3, 100)]:
        for operands, options in cases(name, shape, "f8"):
            upstream = walk.values(shape[:1], "f8", 2, specials=False)
            upstream[1] = 0.0
            unit = tuples(op.grad(*operands, **options, reduction="sum"))
            for got, one in zip(
                tuples(op.backward(upstream, *operands, **options, reduction="none")), unit, strict=True
            ):
                np.testing.assert_allclose(got, one * upstream[:, None], rtol=1e-15, atol=1e-300)
                assert (got[1] == 0).all()
            for got, one in zip(tuples(op.backward(-2.0, *operands, **options)), unit, strict=True):
                np.testing.assert_allclose(got, one * (-2.0 / shape[0]), rtol=1e-15, atol=1e-300)
            strided = np.repeat(upstream, 3)[::3]
            again = op.backward(strided, *operands, **options, reduction="none")
            first = op.backward(upstream, *operands, **options, reduction="none")
            assert_all_same(tuples(again), tuples(first), shape)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_array_twice(name):
    """Inputs may be one array, and the result may overwrite it where it is only one input's."""
    op = getattr(fa, name)
    operands, _ = cases(name, (9, 10), "f4")[0]
    count = len(tuples(op.grad(*operands)))
    if count == 1:
        return
    x, rest = operands[0], operands[count:]
    wanted = op.grad(x, *[x.copy() for _ in range(count - 1)], *rest)
    assert_all_same(op.grad(*[x] * count, *rest), wanted, "as inputs")
    own = x.copy()
    out = (own, *[np.empty_like(x) for _ in range(count - 1)])
    assert_all_same(op.grad(*[own] * count, *rest, out=out), wanted, "in place")


# ---- Dask ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_dask(name):
    op = getattr(fa, name)
    for operands, options in cases(name, (30, 14), "f4"):
        lazy = [da.from_array(a, chunks=(7, -1)[: a.ndim]) for a in operands]
        for reduction in ("mean", "sum", "none"):
            kw = {**options, "reduction": reduction}
            value, grads = op.value_and_grad(*lazy, **kw)
            hesses = op.grad_and_hess(*lazy, **kw)[1]
            got = flat((value, grads, hesses))
            assert all(isinstance(part, da.Array) for part in got)
            assert all(g.chunks == lazy[0].chunks for g in tuples(grads))
            wanted = flat((*op.value_and_grad(*operands, **kw), op.grad_and_hess(*operands, **kw)[1]))
            for a, b in zip(got, wanted, strict=True):
                computed = a.compute(scheduler="synchronous")
                np.testing.assert_allclose(computed, b, rtol=1e-13 if type(b) is float else 3e-7)
                assert computed.dtype == (np.float64 if type(b) is float else b.dtype)
            mixed = op(lazy[0], *operands[1:], **kw).compute(scheduler="synchronous")
            np.testing.assert_allclose(mixed, wanted[0], rtol=1e-13)
    with pytest.raises(ValueError, match=r"chunks along class axis .*rechunk"):
        op(*[da.from_array(a, chunks=5) for a in operands])
    with pytest.raises(TypeError, match="out"):
        op.grad(*lazy, out=np.empty((30, 14), "f4"))


# ---- what they refuse ---------------------------------------------------------------------------------

SENTINEL = 7.0


def refused(name, error, words, operands, **options):
    """Each call raises `error` with every word in its message, and leaves `out` as it was."""
    op, shape = getattr(fa, name), (9, 10)
    count = len(tuples(op.grad(*cases(name, shape, "f4")[0][0])))
    outs, seconds = (tuple(np.full(shape, SENTINEL, "f4") for _ in range(count)) for _ in range(2))
    out, second = (outs, seconds) if count > 1 else (outs[0], seconds[0])
    for call in (
        lambda: op(*operands, **options),
        lambda: op.value_and_grad(*operands, **options, out=out),
        lambda: op.backward(1.0, *operands, **options, out=out),
        lambda: op.grad_and_hess(*operands, **options, out=(out, second)),
    ):
        with pytest.raises(error) as caught:
            call()
        for word in words:
            assert re.search(rf"(?<![\w-]){re.escape(str(word))}(?![\w-])", str(caught.value)), str(
                caught.value
            )
        assert all((a == SENTINEL).all() for a in (*outs, *seconds))


BAD_LABELS = [-2, 10, 100, 2**31, -(2**63), 2**63 - 1]


@pytest.mark.parametrize("bad", BAD_LABELS)
@pytest.mark.parametrize("row", [0, 8])
def test_labels_out_of_range(row, bad):
    x = np.zeros((9, 10), "f4")
    labels = np.arange(9)
    labels[row] = bad
    refused("multi_margin_loss", IndexError, ["target", bad, row, 10], (x, labels))
    for place in (0, 9):
        lists = np.full((9, 10), -1)
        lists[row, place] = bad
        refused("multilabel_margin_loss", IndexError, ["target", bad, row, 10], (x, lists))
        across = np.ascontiguousarray(lists.T)
        with pytest.raises(IndexError, match=f"label {bad} of row {row}"):
            fa.multilabel_margin_loss(np.zeros((10, 9)), across, axis=0)
    own = x + 3
    with pytest.raises(IndexError):
        fa.multi_margin_loss.grad(own, labels, out=own)
    assert (own == 3).all()


def test_labels_of_every_integer_type():
    x = walk.values((9, 10), "f4", 1, specials=False)
    for integer in "bBhHiIlLqQ":
        labels = np.arange(9).astype(integer)
        assert fa.multi_margin_loss(x, labels) == fa.multi_margin_loss(x, np.arange(9))
        labels[4] = 200 if integer in "BHILQ" else -1
        with pytest.raises(IndexError):
            fa.multi_margin_loss(x, labels)
        if integer in "bhilq":
            lists = (walk.integers(90, 3).reshape(9, 10) % np.uint64(11)).astype("i8") - 1
            assert fa.multilabel_margin_loss(x, lists.astype(integer)) == fa.multilabel_margin_loss(x, lists)
    with pytest.raises(IndexError, match="9223372036854775813"):
        fa.multi_margin_loss(x, np.full(9, 2**63 + 5, np.uint64))
    with pytest.raises(IndexError, match="18446744073709551615"):
        fa.multilabel_margin_loss(x, np.full((9, 10), 2**64 - 1, np.uint64))  # -1 if it wrapped
    with pytest.raises(IndexError):
        fa.multi_margin_loss(np.zeros((3, 0)), np.zeros(3, int))


@pytest.mark.parametrize("name", NAMES)
def test_operands(name):
    operands, _ = cases(name, (9, 10), "f4")[0]
    names = list(fa.get_op(name).__signature__.parameters)
    for k, (which, a) in enumerate(zip(names, operands, strict=False)):
        for error, bad in [
            (ValueError, a[:5]),
            (ValueError, a[..., None]),
            (TypeError, np.full(a.shape, "a")),
            (TypeError, a.astype(complex)),
        ]:
            if error is ValueError and not k:
                continue  # of the first any shape is right
            refused(name, error, [which], (*operands[:k], bad, *operands[k + 1 :]))
    refused(name, ValueError, [names[0]], (np.float32(1), *operands[1:]))
    refused(name, ValueError, ["axis", 2], operands, axis=2)
    refused(name, TypeError, ["axis"], operands, axis=1.0)
    refused(name, ValueError, ["reduction", "average"], operands, reduction="average")
    refused(name, TypeError, ["sizes"], operands, sizes=1)
    with pytest.raises(TypeError, match=names[len(operands) - 1]):
        fa.get_op(name)(*operands[:-1])
    with pytest.raises(ValueError, match="grad_output"):
        fa.get_op(name).backward(np.ones(5), *operands, reduction="none")


@pytest.mark.parametrize(
    ("name", "option", "error", "values"),
    [
        ("multi_margin_loss", "p", ValueError, [0, 3, 1.5, np.inf, np.nan]),
        ("multi_margin_loss", "p", TypeError, ["two", None]),
        ("multi_margin_loss", "margin", ValueError, [np.nan, np.inf]),
        ("multi_margin_loss", "margin", TypeError, ["much", [1.0, 2.0]]),
        ("multi_margin_loss", "weight", ValueError, [np.ones(9), np.ones((9, 10)), 1.0]),
        ("multi_margin_loss", "weight", TypeError, [np.ones(10, complex)]),
        ("multilabel_soft_margin_loss", "weight", ValueError, [np.ones(9), np.ones((9, 10))]),
        ("cosine_embedding_loss", "margin", ValueError, [np.nan]),
        ("cosine_embedding_loss", "margin", TypeError, ["much"]),
        ("triplet_margin_loss", "margin", ValueError, [0.0, -1.0, np.nan]),
        ("triplet_margin_loss", "p", ValueError, [np.nan]),
        ("triplet_margin_loss", "p", TypeError, ["two"]),
        ("triplet_margin_loss", "eps", ValueError, [np.nan, np.inf]),
        ("triplet_margin_loss", "swap", TypeError, [1, "yes", None]),
    ],
)
def test_options(name, option, error, values):
    operands, _ = cases(name, (9, 10), "f4")[0]
    for value in values:
        refused(name, error, [option], operands, **{option: value})


@pytest.mark.parametrize("name", NAMES)
def test_bad_out(name):
    op = getattr(fa, name)
    operands, _ = cases(name, (9, 10), "f4")[0]
    count = len(tuples(op.grad(*operands)))
    good = [np.full((9, 10), SENTINEL, "f4") for _ in range(count)]
    frozen = good[0].copy()
    frozen.flags.writeable = False
    integers = good[0].astype(int)
    for bad, error in [
        (good[0][:5], ValueError), (good[0].tolist(), TypeError), (integers, TypeError), (frozen, ValueError),
    ]:  # fmt: skip
        for k in range(count):
            out = (*good[:k], bad, *good[k + 1 :]) if count > 1 else bad
            with pytest.raises(error, match=rf"\bout{re.escape(f'[{k}]') if count > 1 else ''}"):
                op.grad(*operands, out=out)
    if count > 1:
        for bad in (good[0], good, tuple(good[:-1]), (*good, good[0])):
            with pytest.raises(TypeError, match="out must be a tuple of"):
                op.grad(*operands, out=bad)
        with pytest.raises(ValueError, match=r"out\[0\] and out\[1\] must not share memory"):
            op.grad(*operands, out=(good[0],) * count)
    assert all((a == SENTINEL).all() for a in good)
