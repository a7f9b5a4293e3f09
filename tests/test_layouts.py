"""Every op on every layout gives the bits it gives on contiguous copies."""

import math

import numpy as np
import pytest
import walk
from walk import assert_same_bits

import fastact as fa

LENGTHS = [*range(68), 127, 511, 513, 1037, 5003]
LARGE = 300_007  # several threads' worth

# ---- layouts of one dimension --------------------------------------------------


def _strided(a, step):
    room = np.full(a.size * step + 3, 7, a.dtype)
    room[1 : 1 + a.size * step : step] = a
    return room[1 : 1 + a.size * step : step]


def _negative(a):
    return a[::-1].copy()[::-1]


def _misaligned(a):
    room = bytearray(a.nbytes + 1)
    view = np.frombuffer(memoryview(room)[1:], a.dtype)
    view[...] = a
    assert not view.flags.aligned or not a.size or a.itemsize == 1
    return view


def _swapped(a):
    return a.astype(a.dtype.newbyteorder())


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def _column(a):
    room = np.full((a.size, 5), 7, a.dtype)
    room[:, 2] = a
    return room[:, 2]


def _field(a):
    """A field of packed records: the stride is no multiple of the element."""
    room = np.zeros(a.size, np.dtype([("tag", "u1"), ("x", a.dtype)]))
    room["x"] = a
    return room["x"]


LAYOUTS = {
    "contiguous": lambda a: a.copy(),
    "strided 2": lambda a: _strided(a, 2),
    "strided 3": lambda a: _strided(a, 3),
    "negative": _negative,
    "negative strided": lambda a: _negative(_strided(a, 2)[::-1])[::-1],
    "column": _column,
    "misaligned": _misaligned,
    "field": _field,
    "byte-swapped": _swapped,
}
SOURCES = {**LAYOUTS, "read-only": _read_only, "broadcast": lambda a: np.broadcast_to(a[:1], a.shape)}


def _possible(layout, dtype):
    return not (layout == "byte-swapped" and dtype == walk.BFLOAT16)  # ml_dtypes has native order only


def _copies(arrays):
    return [np.array(a, a.dtype.newbyteorder("="), order="C", copy=True) for a in arrays]


def _window(n):
    """Elements of a longer array: n of them, from a start that moves with n."""
    return slice(n % 7, n % 7 + n)


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_elementwise_source_layouts(op, dtype):
    plain = walk.map_operands(op, LENGTHS[-1] + 7, dtype)
    wanted = op.ufunc(*plain)
    for n in LENGTHS:
        assert_same_bits(op.ufunc(*(a[_window(n)].copy() for a in plain)), wanted[_window(n)], n)
    for layout, make in SOURCES.items():
        if not _possible(layout, dtype):
            continue
        moved = [make(a) for a in plain]
        for choice in {*range(len(plain)), "all"}:  # one operand at a time, then all
            args = [
                m if choice in (k, "all") else a for k, (a, m) in enumerate(zip(plain, moved, strict=True))
            ]
            expected = op.ufunc(*_copies(args)) if layout == "broadcast" else wanted
            for n in LENGTHS if choice == "all" else LENGTHS[3::9]:
                part = _window(n)
                assert_same_bits(op.ufunc(*(a[part] for a in args)), expected[part], (layout, choice, n))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_elementwise_out_layouts(op, dtype):
    args = walk.map_operands(op, LENGTHS[-1] + 7, dtype)
    wanted = op.ufunc(*args)
    for layout, make in LAYOUTS.items():
        if not _possible(layout, dtype):
            continue
        for lengths in (LENGTHS[:68], LENGTHS[68:]):
            whole = make(np.full(lengths[-1] + 7, 5, dtype))
            room = _memory(whole)
            for n in lengths:
                part = _window(n)
                before = room.tobytes()
                out = whole[part]
                mine = out.copy()
                assert op.ufunc(*(a[part] for a in args), out=out) is out
                assert_same_bits(out, wanted[part], (layout, n))
                out[...] = mine
                assert room.tobytes() == before, (layout, n, "wrote beside its elements")


def _memory(view):
    """All the bytes the view's memory has, between its elements too."""
    while isinstance(view.base, np.ndarray):
        view = view.base
    return np.frombuffer(view.base.obj, "u1") if isinstance(view.base, memoryview) else view


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_elementwise_in_place_and_overlapping(op, dtype):
    for n in [*range(0, 68, 3), 1037, 5003]:
        plain = walk.map_operands(op, n, dtype, n)
        wanted = op.ufunc(*plain)
        for k in range(op.arrays + op.parameters):
            args = _copies(plain)
            op.ufunc(*args, out=args[k])
            assert_same_bits(args[k], wanted, ("in place", k, n))
            for shift in (1, 3, 16, 20):
                for forward in (True, False):
                    room = np.zeros(n + shift, dtype)
                    source, out = (room[:n], room[shift:]) if forward else (room[shift:], room[:n])
                    source[...] = plain[k]
                    args = [source if j == k else a for j, a in enumerate(plain)]
                    op.ufunc(*args, out=out)
                    assert_same_bits(out, wanted, ("overlapping", k, n, shift, forward))
            args = _copies(plain)
            op.ufunc(*args, out=args[k][::-1])
            assert_same_bits(args[k][::-1], wanted, ("reversed in place", k, n))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_elementwise_where(op, dtype):
    for n in [*range(0, 68, 5), 1037, 5003]:
        args = walk.map_operands(op, n, dtype, n)
        chosen = walk.integers(n, 77) % np.uint64(3) > 0
        out = np.full(n, 5, dtype)
        op.ufunc(*args, out=out, where=chosen)
        assert_same_bits(out, np.where(chosen, op.ufunc(*args), np.full(n, 5, dtype)), n)


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_elementwise_many_dimensions(op, dtype):
    for shape in [(), (0,), (3, 0), (0, 5), (1,), (1, 1), (7, 5), (3, 17, 4), (2, 3, 1, 9)]:
        plain = walk.map_operands(op, shape, dtype, 1)
        flat = op.ufunc(*(a.reshape(-1) for a in plain)).reshape(shape)
        assert_same_bits(np.asarray(op.ufunc(*plain)), flat, shape)
        fortran = [np.array(a, order="F") for a in plain]
        assert_same_bits(np.asarray(op.ufunc(*fortran)), flat, ("Fortran", shape))
        out = np.empty(shape[::-1], dtype).T
        op.ufunc(*plain, out=out)
        assert_same_bits(out, flat, ("Fortran out", shape))
        mixed = [a if k % 2 else f for k, (a, f) in enumerate(zip(plain, fortran, strict=True))]
        assert_same_bits(np.asarray(op.ufunc(*mixed)), flat, ("mixed", shape))
        if len(shape) > 2:
            moved = [np.moveaxis(np.moveaxis(a, 0, 1).copy(), 1, 0) for a in plain]
            assert_same_bits(op.ufunc(*moved), flat, ("axes permuted", shape))


@pytest.mark.parametrize(
    "op", [m for m in walk.maps() if m.arrays + m.parameters > 1], ids=lambda op: op.name
)
def test_elementwise_broadcasting(op):
    for dtype in walk.DTYPES.values():
        full = walk.map_operands(op, (6, 37), dtype, 4)
        for shape in [(37,), (1, 37), (6, 1), (1, 1), ()]:
            for k in range(len(full)):
                args = list(full)
                args[k] = walk.positive(shape, dtype, 3)
                expanded = [np.ascontiguousarray(np.broadcast_to(a, (6, 37))) for a in args]
                assert_same_bits(op.ufunc(*args), op.ufunc(*expanded), (shape, k, dtype))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_elementwise_large(op, dtype):
    plain = walk.map_operands(op, LARGE, dtype, 5)
    wanted = op.ufunc(*plain)
    pieces = [op.ufunc(*(a[s : s + 4001] for a in plain)) for s in range(0, LARGE, 4001)]
    assert_same_bits(np.concatenate(pieces), wanted, "in pieces")
    for layout in ("strided 2", "negative", "misaligned", "byte-swapped"):
        if _possible(layout, dtype):
            assert_same_bits(op.ufunc(*map(LAYOUTS[layout], plain)), wanted, layout)
    shifted = np.zeros(LARGE + 5, dtype)
    shifted[:LARGE] = plain[0]
    op.ufunc(shifted[:LARGE], *plain[1:], out=shifted[5:])
    assert_same_bits(shifted[5:], wanted, "overlapping")
    op.ufunc(*plain, out=plain[0])
    assert_same_bits(plain[0], wanted, "in place")


@pytest.mark.parametrize("integer", [*"bBhHiIlLqQ?"])
def test_integers_promote_to_float64(integer):
    numbers = np.arange(67).astype(integer)
    for op in walk.maps():
        args = [numbers] * op.arrays + [walk.positive(67, "f8", 1)] * op.parameters
        wanted = op.ufunc(*[numbers.astype("f8")] * op.arrays, *args[op.arrays :])
        assert_same_bits(op.ufunc(*args), wanted, op.name)
        assert_same_bits(op.ufunc(*(_strided(a, 2) for a in args)), wanted, op.name)
    for op in walk.rows():
        args = [numbers] * op.arrays if not (op.reduces and op.variant) else [numbers[3], numbers]
        assert_same_bits(op.function(*args), op.function(*(np.float64(a) for a in args)), op.name)


def test_public_objects_are_the_ufuncs():
    """What the matrix above shows of the core's ufuncs is what users call."""
    x, dy = walk.values(67, "f4", 1), walk.values(67, "f4", 2)
    seen = set()
    for name in fa.__all__:
        op = getattr(fa, name)
        if not hasattr(op, "ufunc"):
            continue
        for part in (op, op.backward, op.derivative, getattr(op, "backward_from_output", None)):
            if part is None:
                continue
            arrays = (x,) if part in (op, op.derivative) else (dy, x)
            assert_same_bits(part(*arrays), _by_name(part.ufunc)(*arrays, *_defaults(part)), name)
            seen.add(part.ufunc)
        second = op.derivative(x, order=2)
        assert_same_bits(
            second, getattr(fa._config._core, f"{name}_second_derivative")(x, *_defaults(op)), name
        )
    assert {op.ufunc for op in walk.maps() if not op.name.endswith("second_derivative")} - seen == {
        op.ufunc for op in walk.maps() if op.name.startswith("gelu_tanh") and "second" not in op.name
    }


def _by_name(ufunc):
    return getattr(fa._config._core, ufunc.__name__)


def _defaults(part):
    return [
        p.default
        for p in part.__signature__.parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty
    ]


# ---- row ops -------------------------------------------------------------------

ROW_SHAPES = [(r, n) for r in (1, 2, 5, 16, 17, 20) for n in (1, 2, 3, 7, 10, 16, 17, 33, 63, 64, 65, 67)]
MATRICES = {
    "strided": lambda a: _spread(a, (1, 2)),
    "rows apart": lambda a: _spread(a, (3, 1)),
    "negative rows": lambda a: a[::-1].copy()[::-1],
    "negative": lambda a: a[:, ::-1].copy()[:, ::-1],
    "Fortran": lambda a: np.array(a, order="F"),
    "Fortran strided": lambda a: _spread(a.T, (1, 2)).T,
    "misaligned": lambda a: _misaligned(a.reshape(-1)).reshape(a.shape),
    "byte-swapped": _swapped,
    "read-only": _read_only,
}


def _spread(a, steps):
    room = np.full([n * s + 1 for n, s in zip(a.shape, steps, strict=True)], 7, a.dtype)
    view = room[tuple(slice(0, n * s, s) for n, s in zip(a.shape, steps, strict=True))]
    view[...] = a
    return view


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
            if not _possible(layout, dtype):
                continue
            args = [make(a) if a.ndim == 2 else _strided(a, 2) for a in plain]
            assert_same_bits(op.function(*args), wanted, (layout, shape))
            if layout != "read-only":
                out = (
                    make(np.full(shape, 5, dtype))
                    if wanted.ndim == 2
                    else _strided(np.full(shape[0], 5, dtype), 2)
                )
                op.function(*plain, out=out)
                assert_same_bits(out, wanted, (layout, "out", shape))
        if wanted.shape == shape:
            for k in range(op.arrays):
                args = _copies(plain)
                if args[k].shape == shape:
                    op.function(*args, out=args[k])
                    assert_same_bits(args[k], wanted, ("in place", k, shape))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
@pytest.mark.parametrize("shape", [(5, 7), (17, 67), (4, 6, 5), (3, 2, 5, 4), (2, 300, 3), (70, 3, 40)])
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
            else a.transpose(*kept, *chosen).reshape(rows, -1)
        )

    result = op.function(*map(flat, args))
    if result.ndim == 1:
        return result.reshape([x.shape[a] for a in kept])
    return result.reshape(shape).transpose(np.argsort([*kept, *chosen]))


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
    for shape in [(1, 1), (5, 3), (17, 10), (20, 67), (3, 300)]:
        mask = walk.integers(shape[0] * shape[1], 5).reshape(shape) % np.uint64(3) > 0
        mask[0] = False
        plain = op.operands(shape, dtype)
        got = op.function(*plain, where=mask)
        assert_same_bits(got[1:], _with_masked_filled(op, plain, mask)[1:], shape)
        if got.shape == shape:
            assert (got[~mask] == 0).all()
            assert not np.signbit(got[~mask]).any()
        for layout, make in MATRICES.items():
            if layout != "byte-swapped":
                args = [make(a) if a.ndim == 2 else _strided(a, 2) for a in plain]
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


def _with_masked_filled(op, plain, mask):
    """What a mask means: a masked logit is -inf, a masked gradient 0, and results are 0."""
    x = plain[-1].copy()
    x[~mask] = 0 if op.variant == "_backward_from_output" and op.op == "softmax" else -np.inf
    args = [*plain[:-1], x]
    if op.variant and plain[0].ndim == 2:
        args[0] = np.where(mask, plain[0], np.zeros_like(plain[0]))
    result = op.function(*args)
    return np.where(mask, result, np.zeros_like(result)) if result.ndim == 2 else result


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
    op = getattr(fa, name)
    for shape in [(1, 1), (2, 3), (5, 17), (20, 10), (17, 67), (33, 64)]:
        x, t, options = walk.loss_operands(name, shape, dtype, soft=soft)
        wanted = _all_results(op, x, t, options)
        for layout, make in MATRICES.items():
            if _possible(layout, dtype):
                moved_t = make(t) if t.ndim == 2 else _strided(t, 2)
                moved = {
                    k: make(v) if v.ndim == 2 else LAYOUTS["negative strided"](v) for k, v in options.items()
                }
                _assert_all_same(_all_results(op, make(x), moved_t, moved), wanted, (layout, shape))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize(("name", "soft"), LOSS_CASES)
def test_loss_out_layouts(name, soft, dtype):
    op = getattr(fa, name)
    for shape in [(1, 1), (5, 17), (20, 10), (17, 67)]:
        x, t, options = walk.loss_operands(name, shape, dtype, soft=soft)
        value, wanted = op.value_and_grad(x, t, **options)
        hess = op.grad_and_hess(x, t, **options)[1]
        for layout, make in MATRICES.items():
            if layout == "read-only" or not _possible(layout, dtype):
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
        room = np.zeros(x.size + 3, dtype)
        room[3:] = x.reshape(-1)
        out = room[: x.size].reshape(shape)
        op.grad(room[3:].reshape(shape), t, **options, out=out)
        assert_same_bits(out, wanted, ("overlapping", shape))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize(("name", "soft"), [c for c in LOSS_CASES if c[0] in walk.row_losses()])
def test_loss_axes(name, soft, dtype):
    op = getattr(fa, name)
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
    for name in walk.row_losses():
        op = getattr(fa, name)
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


@pytest.mark.parametrize("name", walk.losses())
def test_loss_zero_size(name):
    op = getattr(fa, name)
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
    op = getattr(fa, name)
    for dtype in walk.DTYPES.values():
        x, t, options = (
            walk.values((), dtype, 1),
            walk.positive((), dtype, 2),
            {"weight": np.full((), 0.5, dtype)},
        )
        value, grad = op.value_and_grad(x, t, **options)
        line, line_grad = op.value_and_grad(x.reshape(1), t.reshape(1), weight=options["weight"].reshape(1))
        assert value == line
        assert_same_bits(grad.reshape(1), line_grad)
        wide = walk.values((6, 7), dtype, 1, specials=False)
        spread = op.value_and_grad(wide, 0.5, weight=np.full(7, 0.25, dtype))
        full = op.value_and_grad(wide, np.full((6, 7), 0.5, dtype), weight=np.full((6, 7), 0.25, dtype))
        _assert_all_same(spread, full, (dtype,))
        _assert_all_same(op.value_and_grad(wide, 0.5, weight=0.25), full, ("scalars", dtype))


@pytest.mark.parametrize(("name", "soft"), LOSS_CASES)
def test_loss_large(name, soft):
    op = getattr(fa, name)
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
