"""Rows that the core copies by blocks give the bits of contiguous ones: other types, masks, short runs."""

import numpy as np
import pytest
from support import walk
from support.walk import assert_same_bits

import fastact as fa

# (outer, n, inner): axis 1 has the classes. More rows than a block, by row and by class; blocks of whole
# outer indices and one less or more; runs of rows around what is used in place.
SHAPES = [
    (1, 1, 40),
    (1, 2, 2100),
    (1, 70, 530),
    (1, 300, 67),
    (700, 10, 1),
    (33, 20, 2),
    (411, 20, 3),
    (129, 1, 3),
    (60, 200, 2),
    (5, 3, 15),
    (5, 3, 16),
    (4, 5, 17),
    (3, 67, 31),
    (3, 67, 32),
    (2, 7, 33),
    (3, 2, 1100),
]
MASKS = ["none", "random", "rows", "tail", "all"]


def mask_of(kind, shape):
    mask = walk.integers(int(np.prod(shape)), 5).reshape(shape) % np.uint64(3) > 0
    if kind == "rows":
        mask[:] = mask[:, :1]
    if kind == "tail":
        mask[:] = np.arange(shape[1])[:, None] * 3 <= shape[1] * 2
    if kind == "all":
        mask[:] = True
    return None if kind == "none" else mask


def moved(a, ndim):
    return a.ravel() if a.ndim < ndim else np.ascontiguousarray(np.moveaxis(a, 1, 2)).reshape(-1, a.shape[1])


def views(a):
    """The same numbers, laid out otherwise."""
    yield np.asfortranarray(a)
    room = np.full((*a.shape[:-1], a.shape[-1] * 2), 3, a.dtype)
    room[..., ::2] = a
    yield room[..., ::2]
    yield a[::-1].copy()[::-1]


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_axis_inside(op, dtype):
    for shape in SHAPES:
        args = op.operands(shape, dtype, 1)
        for kind in MASKS:
            mask = mask_of(kind, shape)
            masked = {} if mask is None else {"where": mask}
            flat = {} if mask is None else {"where": moved(mask, 3)}
            wanted = op.function(*(moved(a, 3) for a in args), **flat)
            got = op.function(*args, axis=1, **masked)
            assert_same_bits(moved(got, 3), wanted, (shape, kind))
            if kind not in ("none", "random") or np.prod(shape) > 20_000:
                continue
            for strange in zip(*map(views, args), strict=True):
                assert_same_bits(op.function(*strange, axis=1, **masked), got, (shape, kind, "strange"))
            out = next(views(np.full_like(got, 7)))
            assert op.function(*args, axis=1, out=out, **masked) is out
            assert_same_bits(out, got, (shape, kind, "out"))
            for choice in range(len(args)):  # over an input
                mine = [a.copy() for a in args]
                if mine[choice].shape == got.shape:
                    op.function(*mine, axis=1, out=mine[choice], **masked)
                    assert_same_bits(mine[choice], got, (shape, kind, "in place", choice))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_masked_rows_to_a_part_of_an_array(op, dtype):
    """Nothing is written beside it."""
    for shape, axis in (((6, 5), 1), ((40, 70), 1), ((70, 40), 0), ((3, 5, 40), 1)):
        args, mask = (
            op.operands(shape, dtype, axis),
            walk.integers(int(np.prod(shape)), 5).reshape(shape) % 3 > 0,
        )
        wanted = op.function(*args, axis=axis, where=mask)
        for beside in range(wanted.ndim):
            room = np.full([n + 4 * (k == beside) for k, n in enumerate(wanted.shape)], 7, dtype)
            out = room[
                tuple(slice(2, 2 + n) if k == beside else slice(n) for k, n in enumerate(wanted.shape))
            ]
            assert op.function(*args, axis=axis, where=mask, out=out) is out
            assert_same_bits(out, wanted, (shape, beside))
            out[...] = 7
            assert (room == 7).all(), (shape, beside)


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
def test_four_dimensions(dtype):
    """Rows of more axes than the core takes at once."""
    x = walk.values((3, 4, 5, 6, 2), dtype, 1)
    for turned in (x, x.transpose(4, 2, 0, 3, 1), x[:, ::2, :, ::-1]):
        mask = walk.integers(turned.size, 7).reshape(turned.shape) % np.uint64(3) > 0
        for axis in range(5):
            last = np.ascontiguousarray(np.moveaxis(turned, axis, -1))
            where = np.ascontiguousarray(np.moveaxis(mask, axis, -1))
            got = fa.softmax(turned, axis=axis, where=mask)
            assert_same_bits(np.moveaxis(got, axis, -1), fa.softmax(last, where=where), axis)
            assert got.strides == np.empty_like(turned).strides
            dy = walk.values(fa.logsumexp(last).shape, dtype, 2)
            assert_same_bits(fa.logsumexp(turned, axis=axis), fa.logsumexp(last), axis)
            for seen in (dy, np.asfortranarray(dy)):
                by_axis = fa.logsumexp.backward(seen, turned, axis=axis)
                assert_same_bits(np.moveaxis(by_axis, axis, -1), fa.logsumexp.backward(dy, last), axis)


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "probabilities"])
def test_cross_entropy_along_an_axis_inside(dtype, soft):
    for shape in SHAPES:
        outer, n, inner = shape
        x = walk.values(shape, dtype, 1, specials=False)
        weight = np.linspace(0.5, 2, n)
        target = (
            walk.unit(shape, dtype, 2) if soft else walk.integers(outer * inner, 3).reshape(outer, inner) % n
        )
        target = target if soft else target.astype(np.int64)
        flat = moved(target, 3) if soft else target.ravel()
        ignored = {} if soft else {"ignore_index": int(n // 2)}
        for options in ({}, ignored, {"weight": weight}, {"label_smoothing": 0.1}):
            for reduction in ("mean", "none"):
                both = {**options, "reduction": reduction}
                value, grad = fa.cross_entropy.value_and_grad(x, target, axis=1, **both)
                wanted, by_row = fa.cross_entropy.value_and_grad(moved(x, 3), flat, **both)
                assert_same_bits(np.ravel(value), np.ravel(wanted), (shape, both))
                assert_same_bits(moved(grad, 3), by_row, (shape, both))
        hess = fa.cross_entropy.grad_and_hess(x, target, axis=1)[1]
        assert_same_bits(moved(hess, 3), fa.cross_entropy.grad_and_hess(moved(x, 3), flat)[1], shape)
        over = x.copy()
        fa.cross_entropy.grad(over, target, axis=1, out=over)
        assert_same_bits(moved(over, 3), fa.cross_entropy.grad(moved(x, 3), flat), (shape, "in place"))
