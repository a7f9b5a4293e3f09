"""Every row op and loss on every layout gives the bits it gives on contiguous copies."""

import math

import numpy as np
import pytest
import reference
from support import walk
from support.layouts import LAYOUTS, MATRICES, copies, possible, strided
from support.walk import assert_same_bits

import fastact as fa

# ---- row ops -------------------------------------------------------------------

ROW_SHAPES = [
    (r, n) for r in (1, 2, 5, 16, 17, 20) for n in (1, 2, 3, 7, 10, 16, 17, 33, 63, 64, 65, 67, 160, 161, 179)
]


def _row_by_row(op, args):
    """One row at a time, which no tiling or threading can touch."""
    x = args[-1]
    columns = [[a[r] for r in range(len(x))] for a in args]
    result = [op.function(*row) for row in zip(*columns, strict=True)]
    return np.array(result, x.dtype).reshape((len(x),) if op.reduces and not op.variant else x.shape)


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_layouts(op, dtype):
    for shape in ROW_SHAPES:
        plain = op.operands(shape, dtype)
        wanted = op.function(*plain)
        assert_same_bits(wanted, _row_by_row(op, plain), ("by row", shape))
        for layout, make in MATRICES.items():
            if not possible(layout, dtype):
                continue
            args = [make(a) if a.ndim == 2 else strided(a, 2) for a in plain]
            assert_same_bits(op.function(*args), wanted, (layout, shape))
            if layout != "read-only":
                out = (
                    make(np.full(shape, 5, dtype))
                    if wanted.ndim == 2
                    else strided(np.full(shape[0], 5, dtype), 2)
                )
                op.function(*plain, out=out)
                assert_same_bits(out, wanted, (layout, "out", shape))
        if wanted.shape == shape:
            for k in range(op.arrays):
                args = copies(plain)
                if args[k].shape == shape:
                    op.function(*args, out=args[k])
                    assert_same_bits(args[k], wanted, ("in place", k, shape))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
@pytest.mark.parametrize(
    "shape", [(5, 7), (17, 67), (4, 6, 5), (3, 2, 5, 4), (2, 300, 3), (70, 3, 40), (0, 3, 2)]
)
def test_row_axes(op, dtype, shape):
    axes = [*range(-len(shape), len(shape)), (0, 1), (-1, 0), tuple(range(len(shape)))]
    axes += [(1, -1), (1, 2, 0)][: 2 * (len(shape) > 2)]
    for axis in axes:
        args = op.operands(shape, dtype, axis)
        got = op.function(*args, axis=axis)
        assert_same_bits(got, _by_moved_axes(op, args, axis), axis)
        out = np.empty_like(got)
        assert op.function(*args, axis=axis, out=out) is out
        assert_same_bits(out, got, (axis, "out"))


def _by_moved_axes(op, args, axis):
    """The axes moved last in a C-contiguous copy and made one."""
    x = args[-1]
    chosen = sorted(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
    kept = [a for a in range(x.ndim) if a not in chosen]
    shape = [x.shape[a] for a in (*kept, *chosen)]
    rows = math.prod(x.shape[a] for a in kept)

    def flat(a):
        return (
            a.reshape(rows)
            if a.ndim == len(kept) != x.ndim
            else a.transpose(*kept, *chosen).reshape(rows, x.size // max(rows, 1))
        )

    result = op.function(*map(flat, args))
    if result.ndim == 1:
        return result.reshape([x.shape[a] for a in kept])
    return result.reshape(shape).transpose(np.argsort([*kept, *chosen]))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
def test_jacobian_layouts(dtype):
    for shape in [(3, 8), (8, 3), (30, 70), (5, 300)]:
        x = walk.values(shape, dtype, 1, specials=False)
        wanted = fa.softmax.jacobian(x)
        for layout, make in MATRICES.items():
            if possible(layout, dtype):
                assert_same_bits(fa.softmax.jacobian(make(x)), wanted, (layout, shape))
        assert_same_bits(fa.softmax.jacobian(x.T.copy(), axis=0), wanted, ("axis 0", shape))
        for cube in (x.reshape(shape[0], 1, -1), np.asfortranarray(x.reshape(1, *shape))):
            for axis in range(3):
                rows = np.ascontiguousarray(np.moveaxis(cube, axis, -1))
                assert_same_bits(fa.softmax.jacobian(cube, axis=axis), fa.softmax.jacobian(rows), axis)


@pytest.mark.parametrize("dtype", [np.dtype("f2"), walk.BFLOAT16], ids=["float16", "bfloat16"])
def test_jacobian_of_narrow_types(dtype):
    """Is rounded once: sums and products are float32's."""
    x = walk.values((5, 300), dtype, 1, specials=False)
    assert_same_bits(fa.softmax.jacobian(x), fa.softmax.jacobian(x.astype("f4")).astype(dtype))


def test_row_keepdims():
    x = walk.values((4, 6, 5), "f4", 1)
    for op in (op for op in walk.rows() if op.reduces):
        for axis in (0, 1, -1, (0, 2), (0, 1, 2)):
            if op.variant:
                dy = walk.values(fa.logsumexp(x, axis=axis).shape, "f4", 2)
                kept = np.expand_dims(dy, axis)
                got = op.function(kept, x, axis=axis, keepdims=True)
                assert_same_bits(got, op.function(dy, x, axis=axis), axis)
            else:
                wanted = np.expand_dims(op.function(x, axis=axis), axis)
                assert_same_bits(op.function(x, axis=axis, keepdims=True), wanted, axis)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (3, 0, 4), (0,)])
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_zero_size(op, shape):
    for dtype in walk.DTYPES.values():
        for axis in range(len(shape)):
            args = op.operands(shape, dtype, axis)
            got = op.function(*args, axis=axis)
            kept = shape[:axis] + shape[axis + 1 :]
            assert got.shape == (kept if op.reduces and not op.variant else shape)
            if op.reduces and not op.variant:
                assert (got == -np.inf).all()  # the logarithm of a sum over nothing


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_masks(op, dtype):
    for shape in [(1, 1), (5, 3), (17, 10), (20, 67), (20, 167), (3, 300)]:
        mask = walk.integers(shape[0] * shape[1], 5).reshape(shape) % np.uint64(3) > 0
        mask[0] = False
        plain = op.operands(shape, dtype)
        got = op.function(*plain, where=mask)
        assert_same_bits(got[1:], _with_masked_filled(op, plain, mask)[1:], shape)
        if got.shape == shape:
            assert (got[~mask] == _of_masked(op)).all()
            assert _of_masked(op) or not np.signbit(got[~mask]).any()
        for layout, make in MATRICES.items():
            if layout != "byte-swapped":
                args = [make(a) if a.ndim == 2 else strided(a, 2) for a in plain]
                assert_same_bits(op.function(*args, where=make(mask)), got, (layout, shape))
        columns = np.ascontiguousarray(mask[1:2]) if len(mask) > 1 else mask
        full = np.ascontiguousarray(np.broadcast_to(columns, shape))
        assert_same_bits(op.function(*plain, where=columns), op.function(*plain, where=full), "broadcast")
        turned = [a.T.copy() if a.ndim == 2 else a for a in plain]
        across = op.function(*turned, axis=0, where=mask.T.copy())
        assert_same_bits(across.T if across.ndim == 2 else across, got, ("axis 0", shape))
        if got.shape == shape and shape == (17, 10):
            cube = [a.reshape(17, 5, 2) if a.ndim == 2 else a for a in plain]
            both = op.function(*cube, axis=(1, 2), where=mask.reshape(17, 5, 2))
            assert_same_bits(both.reshape(shape), got, "axis tuple")


def _of_masked(op):
    """What a masked entry gets: the logarithm of a probability of 0, else 0."""
    return -np.inf if op.name == "log_softmax" else 0.0


def _with_masked_filled(op, plain, mask):
    """What a mask means: a masked logit is -inf (inf for softmin), a masked gradient 0."""
    x = plain[-1].copy()
    lowest = np.inf if op.op == "softmin" else -np.inf
    x[~mask] = 0 if op.variant == "_backward_from_output" and op.op != "log_softmax" else lowest
    args = [*plain[:-1], x]
    if op.variant and plain[0].ndim == 2:
        args[0] = np.where(mask, plain[0], np.zeros_like(plain[0]))
    result = op.function(*args)
    return np.where(mask, result, np.full_like(result, _of_masked(op))) if result.ndim == 2 else result


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_large(op, dtype):
    for shape in [(40_001, 10), (300, 1001), (3, 100_003)]:
        plain = op.operands(shape, dtype)
        wanted = op.function(*plain)
        some = slice(1, min(shape[0], 2000), max(1, shape[0] // 3000))
        assert_same_bits(op.function(*(a[some] for a in plain)), wanted[some], ("some rows", shape))
        turned = [np.asfortranarray(a) for a in plain]
        assert_same_bits(op.function(*turned), wanted, ("Fortran", shape))
        if wanted.shape == shape:
            op.function(*plain, out=plain[-1])
            assert_same_bits(plain[-1], wanted, ("in place", shape))


# ---- losses --------------------------------------------------------------------

LOSS_CASES = [
    (name, soft) for name in walk.losses() for soft in (False, True) if not soft or name == "cross_entropy"
]


def _all_results(op, x, t, options, out=None):
    """Every form of a loss's results, one flat list of arrays and floats."""
    results = []
    for reduction in ("none", "mean", "sum"):
        kw = {**options, "reduction": reduction}
        value = op(x, t, **kw)
        both = op.value_and_grad(x, t, **kw)
        results += [value, *both, op.grad(x, t, **kw)]
        results += [*op.grad_and_hess(x, t, **kw), op.backward(0.5, x, t, **kw)]
        assert_same_bits(both[0], value, ("value_and_grad's value", reduction))
        assert_same_bits(both[1], results[-4], ("value_and_grad's gradient", reduction))
    upstream = walk.values(
        np.shape(op(x, t, **options, reduction="none")), x.dtype.newbyteorder("="), 12, False
    )
    results.append(op.backward(upstream, x, t, **options, reduction="none"))
    results.append(op.backward(upstream[..., ::-1][..., ::-1], x, t, **options, reduction="none"))
    return results


def _assert_all_same(got, wanted, what):
    for k, (a, b) in enumerate(zip(got, wanted, strict=True)):
        assert_same_bits(a, b, (*what, k))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize(("name", "soft"), LOSS_CASES)
def test_loss_layouts(name, soft, dtype):
    op = walk.loss(name)
    for shape in [(1, 1), (2, 3), (5, 17), (20, 10), (17, 67), (17, 167), (33, 64)]:
        x, t, options = walk.loss_operands(name, shape, dtype, soft=soft)
        wanted = _all_results(op, x, t, options)
        for layout, make in MATRICES.items():
            if possible(layout, dtype):
                moved_t = make(t) if t.ndim == 2 else strided(t, 2)
                moved = {
                    k: make(v) if v.ndim == 2 else LAYOUTS["negative strided"](v) for k, v in options.items()
                }
                _assert_all_same(_all_results(op, make(x), moved_t, moved), wanted, (layout, shape))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize(("name", "soft"), LOSS_CASES)
def test_loss_out_layouts(name, soft, dtype):
    op = walk.loss(name)
    for shape in [(1, 1), (5, 17), (20, 10), (17, 67), (17, 167)]:
        x, t, options = walk.loss_operands(name, shape, dtype, soft=soft)
        value, wanted = op.value_and_grad(x, t, **options)
        hess = op.grad_and_hess(x, t, **options)[1]
        for layout, make in MATRICES.items():
            if layout == "read-only" or not possible(layout, dtype):
                continue
            out, second = (make(np.full(shape, 5, dtype)) for _ in range(2))
            got, grad = op.value_and_grad(x, t, **options, out=out)
            assert grad is out
            assert got == value
            assert_same_bits(out, wanted, (layout, shape))
            pair = op.grad_and_hess(x, t, **options, out=(out, second))
            assert pair[0] is out and pair[1] is second
            assert_same_bits(second, hess, (layout, "hess", shape))
            logits = make(x)
            assert op.grad(logits, t, **options, out=logits) is logits
            assert_same_bits(logits, wanted, (layout, "in place", shape))
        for parts in [(slice(3, None), slice(None, -3)), (slice(None, -3), slice(3, None))]:
            room = np.zeros(x.size + 3, dtype)
            source, out = (room[part].reshape(shape) for part in parts)
            source[...] = x
            op.grad(source, t, **options, out=out)
            assert_same_bits(out, wanted, ("overlapping", shape, parts))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize(("name", "soft"), [c for c in LOSS_CASES if c[0] in walk.class_losses()])
def test_loss_axes(name, soft, dtype):
    op = walk.loss(name)
    for shape in [(4, 6), (3, 7, 5), (3, 10, 4, 6), (2, 65, 19)]:
        for axis in range(-len(shape), len(shape)):
            x, t, options = walk.loss_operands(name, shape, dtype, axis, soft)
            moved_t = np.ascontiguousarray(np.moveaxis(t, axis, -1)) if soft else t
            wanted = _all_results(op, np.ascontiguousarray(np.moveaxis(x, axis, -1)), moved_t, options)
            got = _all_results(op, x, t, {**options, "axis": axis})
            back = [np.moveaxis(g, axis, -1) if np.ndim(g) == len(shape) else g for g in got[:-2]]
            _assert_all_same(back, wanted[:-2], (axis, shape))


@pytest.mark.parametrize("integer", [*"bBhHiIlLqQ"])
def test_labels_of_every_integer_type(integer):
    for name in walk.class_losses():
        op = walk.loss(name)
        x, t, options = walk.loss_operands(name, (17, 67), "f4")
        wanted = op.value_and_grad(x, t, **options)
        labels = t.astype(integer)
        for layout in (
            "contiguous",
            "strided 3",
            "negative",
            "misaligned",
            "field",
            "byte-swapped",
            "column",
        ):
            got = op.value_and_grad(x, LAYOUTS[layout](labels), **options)
            _assert_all_same(got, wanted, (name, layout))
        x, t, options = walk.loss_operands(name, (40, 300), "f4")
        t = t % min(300, np.iinfo(integer).max + 1)  # up to the type's largest
        t[0] = min(299, np.iinfo(integer).max)
        _assert_all_same(
            op.grad_and_hess(x, t.astype(integer)), op.grad_and_hess(x, t), (name, "many classes")
        )


@pytest.mark.parametrize("name", walk.losses())
def test_loss_zero_size(name):
    op = walk.loss(name)
    for shape in [(0, 5), (0, 0)] + ([(5, 0)] if name in walk.elementwise_losses() else []):
        for dtype in walk.DTYPES.values():
            x, t, options = walk.loss_operands(name, shape, dtype)
            for reduction in ("mean", "sum"):
                value, grad = op.value_and_grad(x, t, **options, reduction=reduction)
                assert value == 0.0
                assert grad.shape == shape
            assert op(x, t, **options, reduction="none").size == 0


@pytest.mark.parametrize("name", walk.elementwise_losses())
def test_elementwise_loss_scalars(name):
    op = walk.loss(name)
    for dtype in walk.DTYPES.values():
        x, wide = (walk.loss_input(reference.LOSSES[name].inputs, shape, dtype, 1) for shape in ((), (6, 7)))
        t, options = walk.positive((), dtype, 2), {"weight": np.full((), 0.5, dtype)}
        value, grad = op.value_and_grad(x, t, **options)
        line, line_grad = op.value_and_grad(x.reshape(1), t.reshape(1), weight=options["weight"].reshape(1))
        assert value == line
        assert_same_bits(grad.reshape(1), line_grad)
        spread = op.value_and_grad(wide, 0.5, weight=np.full(7, 0.25, dtype))
        full = op.value_and_grad(wide, np.full((6, 7), 0.5, dtype), weight=np.full((6, 7), 0.25, dtype))
        _assert_all_same(spread, full, (dtype,))
        _assert_all_same(op.value_and_grad(wide, 0.5, weight=0.25), full, ("scalars", dtype))


@pytest.mark.parametrize(("name", "soft"), LOSS_CASES)
def test_loss_large(name, soft):
    op = walk.loss(name)
    for dtype in ("f4", "f8"):
        for shape in [(20_001, 10), (300, 1001)]:
            x, t, options = walk.loss_operands(name, shape, dtype, soft=soft)
            wanted = op.value_and_grad(x, t, **options)
            _assert_all_same(
                op.value_and_grad(np.asfortranarray(x), t, **options), wanted, ("Fortran", shape)
            )
            value, grad = op.value_and_grad(x, t, **options, out=x)
            assert grad is x
            _assert_all_same((value, grad), wanted, ("in place", shape))
