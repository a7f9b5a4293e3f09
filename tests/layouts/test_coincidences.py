"""Where axes are of one length, chunks end next to an edge, rows of a panel start before an aligned one, a
bad label is the last one, and any argument lies where a result goes."""

import itertools

import numpy as np
import pytest
from support import walk

import fastact as fa

DTYPES = ("f4", "f8")


# ---- axes of one length ------------------------------------------------------------


def _summed(terms, shape):
    """To what was broadcast, by NumPy."""
    lead = terms.ndim - len(shape)
    axes = tuple(a for a in range(terms.ndim) if a < lead or (shape[a - lead] == 1 and terms.shape[a] != 1))
    return terms.sum(axis=axes, dtype="f8").reshape(shape)


@pytest.mark.parametrize("name", ["prelu", "swish"])
@pytest.mark.parametrize("shape", [(4, 4, 4, 4), (3, 4, 4, 5), (4, 3, 3, 4), (2, 2, 3), (5, 5)], ids=str)
def test_parameters_along_each_axis(name, shape):
    """Every set of axes that a parameter may have: none is taken for another of the same length."""
    op = getattr(fa, name)
    x, dy = walk.values(shape, "f8", 1, specials=False), walk.values(shape, "f8", 2, specials=False)
    for kept in itertools.product([False, True], repeat=len(shape)):
        for ndim in range(1, len(shape) + 1):
            if any(kept[: len(shape) - ndim]):
                continue
            own = tuple(n if k else 1 for n, k in zip(shape, kept, strict=True))[len(shape) - ndim :]
            p = walk.positive(own, "f8", 3)
            by_x, by_p = op.backward(dy, x, p)
            whole = np.broadcast_to(p, shape)
            walk.assert_same_bits(by_x, dy * op.derivative(x, whole) if name == "prelu" else by_x)
            _, terms = op.backward(dy, x, np.ascontiguousarray(whole))
            np.testing.assert_allclose(by_p, _summed(terms, own), rtol=1e-12, atol=1e-12, err_msg=str(own))
    for axis in range(-len(shape), len(shape)):
        p = walk.positive(shape[axis], "f8", 4)
        lying = p.reshape((-1,) + (1,) * (len(shape) - 1 - axis % len(shape)))
        walk.assert_same_bits(op(x, p, axis=axis), op(x, lying))
        for got, wanted in zip(op.backward(dy, x, p, axis=axis), op.backward(dy, x, lying), strict=True):
            walk.assert_same_bits(got.reshape(wanted.shape), wanted, axis)


@pytest.mark.parametrize("name", ["gaussian_nll_loss", "margin_ranking_loss"])
@pytest.mark.parametrize("shape", [(4, 4, 4), (3, 4, 4), (5, 5)], ids=str)
def test_second_inputs_along_each_axis(name, shape):
    op, x = getattr(fa, name), walk.unit(shape, "f8", 1)
    operands = {op._operands[0]: x, "target": np.where(walk.unit(shape, "f8", 2) < 0.5, -1.0, 1.0)}
    second = next(n for n in op._operands[1:] if n != "target")
    for kept in itertools.product([False, True], repeat=len(shape)):
        own = tuple(n if k else 1 for n, k in zip(shape, kept, strict=True))
        other = walk.positive(own, "f8", 3)
        got = op.grad(**operands, **{second: other}, reduction="sum")[1]
        terms = op.grad(**operands, **{second: np.broadcast_to(other, shape)}, reduction="sum")[1]
        np.testing.assert_allclose(got, _summed(terms, own), rtol=1e-12, atol=1e-12, err_msg=str(own))


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_rows_of_a_cube(op):
    """Along each axis of a cube the bits of a copy with that axis last."""
    for axis in range(-3, 3):
        operands = op.operands((6, 6, 6), np.dtype("f4"), axis)
        moved = [np.ascontiguousarray(np.moveaxis(a, axis, -1)) if a.ndim == 3 else a for a in operands]
        got, wanted = op.function(*operands, axis=axis), op.function(*moved)
        walk.assert_same_bits(np.moveaxis(got, axis, -1) if got.ndim == 3 else got, wanted, axis)


# ---- lengths next to a chunk's ------------------------------------------------------

# of slots, vectors and tasks of parameter sums
EDGES = sorted({k * n + d for k in (1, 2, 3) for n in (16, 64, 1024, 16384, 65536) for d in (-1, 0, 1)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_term_of_a_parameter_is_lost_at_the_end_of_a_chunk(dtype):
    """Whole numbers, whose sum is exact in any order; the last term is by far the largest."""
    for n in EDGES:
        for shape, own in (((1, 2, n), (1, 2, 1)), ((n, 2), (1, 2)), ((2, 1, n), (1,)), ((3, 2, n), (2, 1))):
            if np.prod(shape) > 400_000:
                continue
            x = np.full(shape, -1.0, dtype)
            dy = np.ones(shape, dtype)
            dy[..., -1] += 4096
            dy[-1] += 2048
            _, got = fa.prelu.backward(dy, x, np.full(own, 0.25, dtype))
            np.testing.assert_array_equal(
                got, _summed(-dy.astype("f8"), own).astype(dtype), err_msg=str(shape)
            )


# ---- panels -------------------------------------------------------------------------


def _at_offset(array, offset):
    """A copy that lies `offset` elements behind a cache line's start."""
    room = np.empty(array.size + 64 + offset, array.dtype)
    start = -room.ctypes.data % 64 // array.itemsize + offset
    copy = room[start : start + array.size].reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_panels_with_a_head(op, dtype):
    """Along axis 0, wherever the first row lies against a vector: values a row are those of their rows."""
    for shape in ((40, 256), (700, 64), (33, 1040)):
        operands = op.operands(shape, np.dtype(dtype), 0)
        moved = [np.ascontiguousarray(a.T) if a.ndim == 2 else a for a in operands]
        wanted = op.function(*moved)
        for offset in (0, 1, 3, 7, 8, 13):
            args = [_at_offset(a, offset if a.ndim == 2 else 0) for a in operands]
            out = _at_offset(np.zeros(wanted.T.shape, wanted.dtype), offset)
            assert op.function(*args, axis=0, out=out) is out
            walk.assert_same_bits(out.T, wanted, (shape, offset))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_losses_of_panels_with_a_head(name, dtype):
    """The same of labels and of a gradient that differs from row to row."""
    op = getattr(fa, name)
    x = -np.abs(walk.values((40, 256), dtype, 3, specials=False))
    labels = (walk.integers(256, 5) % np.uint64(40)).astype("i8")
    dy = walk.values(256, dtype, 6, specials=False)
    rows = np.ascontiguousarray(x.T)
    options = {"reduction": "none", "weight": walk.positive(40, dtype, 7)}
    wanted = op.backward(dy, rows, labels, **options)
    for offset in (0, 1, 3, 7, 8, 13):
        out = _at_offset(np.zeros_like(x), offset)
        op.backward(dy, _at_offset(x, offset), labels, axis=0, out=out, **options)
        walk.assert_same_bits(out.T, wanted, offset)
        walk.assert_same_bits(
            op(_at_offset(x, offset), labels, axis=0, **options), op(rows, labels, **options)
        )


# ---- labels -------------------------------------------------------------------------

LABELLED = ["cross_entropy", "nll_loss", "multi_margin_loss", "multilabel_margin_loss"]


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "u4", "i8", "u8", ">i4"])
@pytest.mark.parametrize("name", LABELLED)
def test_bad_labels_in_any_row_of_several_outer_ones(name, dtype):
    op, classes = getattr(fa, name), 5
    lists = name == "multilabel_margin_loss"
    for shape, axis in (((3, 5, 4), 1), ((3, 4, 5), 2), ((5, 7), 0), ((2, 3, 5, 2), -2)):
        x = np.zeros(shape, "f4")
        rows = tuple(n for a, n in enumerate(shape) if a != axis % len(shape))
        good = np.zeros(shape if lists else rows, dtype)
        op(x, good, axis=axis)
        values = [classes, classes + 1, 127] + ([-2, -1] if np.dtype(dtype).kind == "i" else [])
        for value, place in itertools.product(values, (0, good.size // 2, good.size - 1)):
            if lists and value == -1:
                continue
            labels = good.copy()
            labels.reshape(-1)[place] = value
            out = np.full(shape, 7, "f4")
            for method in ("grad", "value_and_grad"):
                with pytest.raises(IndexError, match=f"label {value} "):
                    getattr(op, method)(x, labels, axis=axis, out=out)
            with pytest.raises(IndexError, match=f"label {value} "):
                op.backward(np.ones(rows), x, labels, axis=axis, reduction="none", out=out)
            with pytest.raises(IndexError, match=f"label {value} "):
                op(x, labels, axis=axis)
            assert (out == 7).all()


# ---- results over arguments ---------------------------------------------------------


def _of_float_arrays(op, dtype, shape):
    """A loss's arguments by name that are arrays of the input's type, and the others."""
    name = op.__name__
    x = walk.unit(shape, dtype, 3)
    arrays = {n: x.copy() + np.asarray(k / 8, dtype) for k, n in enumerate(op._operands) if n != "target"}
    others = {}
    rows = shape[:-1]
    if name in ("cross_entropy", "nll_loss", "multi_margin_loss", "multilabel_margin_loss"):
        others["target"] = np.zeros(shape if name == "multilabel_margin_loss" else rows, int)
        arrays["weight"] = walk.positive(rows if name == "multilabel_margin_loss" else shape[-1], dtype, 5)
    elif name in ("cosine_embedding_loss", "triplet_margin_loss"):
        arrays["weight"] = walk.positive(rows, dtype, 5)
        if "target" in op._operands:
            arrays["target"] = np.ones(rows, dtype)
    else:
        arrays["target"] = np.full(shape, 1, dtype)
        arrays["weight"] = walk.positive(
            shape[-1] if name == "multilabel_soft_margin_loss" else shape, dtype, 5
        )
    by_element = name not in LABELLED and "axis" not in op._defaults
    arrays["grad_output"] = walk.positive(shape if by_element else rows, dtype, 6)
    for option in set(getattr(op, "_array_options", ())) - {"weight"}:
        low, high = {"alpha": (0.2, 0.8), "quantile": (0.2, 0.8), "power": (1.2, 1.9)}.get(option, (0.5, 2.0))
        arrays[option] = (low + (high - low) * walk.unit(shape, "f8", 7)).astype(dtype)
    return arrays, others


ALIASED = [op for op in fa.list_ops("loss") if op.__name__ not in ("ctc_loss", "linear_cross_entropy")]


@pytest.mark.parametrize("lengths", [(6, 8), (700, 3)], ids=["few", "more rows than a block"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ALIASED, ids=lambda op: op.__name__)
def test_every_argument_under_every_output(op, dtype, lengths):
    """Results are those of outputs apart from all arguments, whichever argument an output lies over, exactly
    or in part."""
    arrays, others = _of_float_arrays(op, dtype, lengths)
    size = next(iter(arrays.values())).size
    shape = next(iter(arrays.values())).shape
    count = len(op._inputs)

    def call(given, outs):
        given = {**given, **others, "reduction": "none"}
        dy = given.pop("grad_output")
        return op.backward(dy, **given, out=outs if count > 1 else outs[0])

    wanted = call(arrays, tuple(np.empty(shape, dtype) for _ in range(count)))
    wanted = wanted if count > 1 else (wanted,)
    for name, k in itertools.product(arrays, range(count)):
        for shift in (0, 1, 5, -3):
            room = np.zeros(3 * size + 16, dtype)
            under = room[size : size + arrays[name].size].reshape(arrays[name].shape)
            under[...] = arrays[name]
            outs = [np.empty(shape, dtype) for _ in range(count)]
            outs[k] = room[size + shift : 2 * size + shift].reshape(shape)
            call({**arrays, name: under}, tuple(outs))
            for got, exact in zip(outs, wanted, strict=True):
                walk.assert_same_bits(got, exact, (name, k, shift))


VIEWS = {
    "transposed": np.transpose,
    "flipped": np.flip,
    "rows flipped": np.flipud,
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ALIASED, ids=lambda op: op.__name__)
def test_output_that_is_another_view_of_an_input(op, dtype, view):
    """It begins where an input does, or ends there, and goes through it in another order."""
    arrays, others = _of_float_arrays(op, dtype, (40, 40))
    of_shape = [name for name, a in arrays.items() if a.shape == (40, 40)]
    count = len(op._inputs)
    given = {**arrays, **others, "reduction": "none"}
    dy = given.pop("grad_output")
    wanted = op.backward(dy, **given)
    wanted = wanted if count > 1 else (wanted,)
    for name, k in itertools.product(of_shape, range(count)):
        if name == "grad_output":
            continue
        under = arrays[name].copy()
        outs = [np.empty((40, 40), dtype) for _ in range(count)]
        outs[k] = VIEWS[view](under)
        op.backward(dy, **{**given, name: under}, out=tuple(outs) if count > 1 else outs[0])
        walk.assert_same_bits(outs[k], wanted[k], (name, k))
