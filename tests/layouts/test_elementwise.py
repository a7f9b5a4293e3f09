"""Every elementwise op on every layout gives the bits it gives on contiguous copies."""

import numpy as np
import pytest
from support import walk
from support.layouts import LAYOUTS, SOURCES, copies, possible, strided
from support.walk import assert_same_bits

from fastact import _core

LENGTHS = [*range(68), 127, 511, 513, 1037, 5003]
LARGE = 300_007  # several threads' worth


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
        if not possible(layout, dtype):
            continue
        moved = [make(a) for a in plain]
        for choice in {*range(len(plain)), "all"}:  # one operand at a time, then all
            args = [
                m if choice in (k, "all") else a for k, (a, m) in enumerate(zip(plain, moved, strict=True))
            ]
            expected = op.ufunc(*copies(args)) if layout == "broadcast" else wanted
            for n in LENGTHS if choice == "all" else LENGTHS[3::9]:
                part = _window(n)
                assert_same_bits(op.ufunc(*(a[part] for a in args)), expected[part], (layout, choice, n))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_elementwise_out_layouts(op, dtype):
    args = walk.map_operands(op, LENGTHS[-1] + 7, dtype)
    wanted = op.ufunc(*args)
    for layout, make in LAYOUTS.items():
        if not possible(layout, dtype):
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


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_wherever_in_a_cache_line_the_output_starts(op, dtype):
    """Elements before the first line boundary are computed by themselves."""
    args = walk.map_operands(op, 640, dtype)
    args[op.arrays :] = [a[:1] for a in args[op.arrays :]]
    wanted, room = op.ufunc(*args), np.full(640 + 66, 5, dtype)
    for start in range(66):
        out = room[start : start + 640]
        op.ufunc(*args, out=out)
        assert_same_bits(out, wanted, start)
        assert (room[:start] == 5).all()
        assert (room[start + 640 :] == 5).all()
        room[...] = 5
    own = room[3:643]  # in place, and the same memory for all
    own[...] = args[0]
    op.ufunc(own, *args[1:], out=own)
    assert_same_bits(own, wanted, "in place")


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
            args = copies(plain)
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
            args = copies(plain)
            op.ufunc(*args, out=args[k][::-1])
            assert_same_bits(args[k][::-1], wanted, ("reversed in place", k, n))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shift", [1, 16, 5000])
def test_an_input_ahead_of_the_output(shift, dtype, threads):
    """NumPy leaves it to the loop not to write what it has still to read: no thread may run ahead."""
    n = 600_001
    room = walk.values(2 * n + shift, dtype, 3)
    cases = [
        (_core.relu, ()),
        (_core.gelu, ()),
        (_core.leaky_relu, (0.25,)),
        (_core.glu, (room[n - 1 :: -1],)),
    ]
    for stride in (1, 2):
        for ufunc, others in cases:
            ahead = slice(shift, shift + stride * n, stride)
            wanted = ufunc(room[ahead].copy(), *others)
            for _ in range(5):
                memory = room.copy()
                ufunc(memory[ahead], *others, out=memory[:n])
                assert_same_bits(memory[:n], wanted, (ufunc.__name__, shift, stride))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("op", walk.maps(), ids=lambda op: op.name)
def test_elementwise_where(op, dtype):
    for n in [*range(0, 68, 5), 1037, 5003]:
        args = walk.map_operands(op, n, dtype, n)
        chosen = walk.integers(n, 77) % np.uint64(3) > 0
        out = np.full(n, 5, dtype)
        op.ufunc(*args, out=out, where=chosen)
        assert_same_bits(out, np.where(chosen, op.ufunc(*args), np.full(n, 5, dtype)), n)


def masks(n):
    yield walk.integers(n, 77) % np.uint64(3) > 0
    yield np.arange(n) // 600 % 2 == 0  # pieces of one kind, and others
    yield np.arange(n) >= n - 5
    yield np.ones(n, bool)
    yield np.zeros(n, bool)


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
@pytest.mark.parametrize("part", walk.parts(), ids=lambda part: part.__name__)
def test_where_of_calls(part, dtype):
    """Scattered masks and those in pieces: every way leaves out what NumPy's does."""
    required = walk.required(part)
    for n in (1, 67, 511, 1024, 2049, LARGE):
        arrays = [walk.values(n, dtype, k) for k in (1, 2)][-1 - ("backward" in part.__name__) :]
        everywhere = part(*arrays, *required)
        for mask in masks(n):
            wanted = np.where(mask, everywhere, np.full(n, 5, dtype))
            for make in (copies, lambda all: [strided(a, 2) for a in all]):
                args, out = make(arrays), np.full(n, 5, dtype)
                assert part(*args, *required, out=out, where=mask) is out
                assert_same_bits(out, wanted, n)
            backing = np.full(n + 1, 5, dtype)
            part(*arrays, *required, out=backing[1:], where=mask)
            assert_same_bits(backing[1:], wanted, (n, "behind the first"))
            over = copies(arrays)
            part(*over, *required, out=over[0], where=mask)
            assert_same_bits(over[0], np.where(mask, everywhere, arrays[0]), (n, "in place"))
    square = arrays[0][:4096].reshape(64, 64), mask_of_rows()
    if "backward" not in part.__name__:
        for x, chosen in (square, (square[0].T, square[1])):
            out = np.full(x.shape, 5, dtype)
            part(x, *required, out=out, where=chosen)
            assert_same_bits(out, np.where(chosen, part(x, *required), np.full(x.shape, 5, dtype)))


def mask_of_rows():
    """Smaller than what it chooses of."""
    return walk.integers(64, 3).reshape(64, 1) % np.uint64(2) > 0


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
        if possible(layout, dtype):
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
        assert_same_bits(op.ufunc(*(strided(a, 2) for a in args)), wanted, op.name)
    for op in walk.rows():
        args = [numbers] * op.arrays if not (op.reduces and op.variant) else [numbers[3], numbers]
        assert_same_bits(op.function(*args), op.function(*(np.float64(a) for a in args)), op.name)


def test_public_objects_are_the_ufuncs():
    """What the matrix above shows of the core's ufuncs is what users call."""
    x, dy = walk.values(67, "f4", 1), walk.values(67, "f4", 2)
    seen = set()
    for part in walk.parts():
        given = [*((dy, x) if "backward" in part.__name__ else (x,)), *walk.required(part)]
        assert_same_bits(part(*given), _by_name(part.ufunc)(*given, *_defaults(part)), part.__name__)
        seen.add(part.ufunc.__name__)
        if part.__name__.endswith(".derivative"):
            name = part.__name__.replace(".", "_second_")
            second = getattr(_core, name)(*given, *_defaults(part))
            assert_same_bits(part(*given, order=2), second, name)
            seen.add(name)
    forms = {op.name for op in walk.maps() if op.name.startswith("gelu_tanh")}
    trained = {name for name, row in _core.table()["activation"].items() if row["by_parameter"]}
    pairs = {name + suffix for name in trained for suffix in ("_backward", "_backward_by_parameter")}
    split = {op.name for op in walk.maps() if "glu" in op.name}  # called with the halves of one array
    assert {op.name for op in walk.maps()} - seen == forms | pairs | split


def _by_name(ufunc):
    return getattr(_core, ufunc.__name__)


def _defaults(part):
    return [
        p.default
        for p in part.__signature__.parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty
    ]
