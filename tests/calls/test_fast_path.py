"""Calls of arrays as they are, past NumPy's machinery: bits, types and errors of those that go through it."""

import warnings

import numpy as np
import pytest
from support import walk
from support.walk import assert_same_bits

import fastact as fa

FLOATS = ["float32", "float64"]
SHAPES = [(16,), (3, 4, 5), (1,), (2, 1, 3), (40, 33)]
GATES = ["glu", "swiglu", "geglu", "reglu"]


def spread_out(array):
    """The same numbers with gaps between them, which are not taken as they are."""
    wide = np.zeros((*array.shape, 2), array.dtype)
    wide[..., 0] = array
    return wide[..., 0]


def outcome(call, *args, **kwargs):
    """What a call gives: its result, or its error's type; and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(*args, **kwargs)
        except (TypeError, ValueError, OverflowError) as error:
            result = type(error)
    return result, [str(w.message) for w in caught]


def assert_same_outcome(got, wanted, what):
    assert got[1] == wanted[1], what
    assert type(got[0]) is type(wanted[0]), what
    if isinstance(wanted[0], np.ndarray):
        assert got[0].flags.c_contiguous, what
        assert_same_bits(got[0], wanted[0], what)
    else:
        assert got[0] is wanted[0] or got[0] == wanted[0], what


def arrays_of(part, shape, dtype, rng):
    return [(rng.normal(size=shape) * 3).astype(dtype) for _ in range(1 + ("backward" in part.__name__))]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("part", walk.parts(), ids=lambda p: p.__name__)
def test_activations(part, dtype, rng):
    for shape in SHAPES:
        arrays, parameters = arrays_of(part, shape, dtype, rng), walk.required(part)
        wanted = part(*map(spread_out, arrays), *parameters)
        assert_same_bits(part(*arrays, *parameters), wanted, (part, shape))
        out = np.empty(shape, dtype)
        assert part(*arrays, *parameters, out=out) is out
        assert_same_bits(out, wanted, (part, shape))
        for k in range(len(arrays)):
            again = [a.copy() if j == k else a for j, a in enumerate(arrays)]
            assert part(*again, *parameters, out=again[k]) is again[k]
            assert_same_bits(again[k], wanted, (part, shape, "in place", k))


def test_options_choose_the_loop(rng):
    x = rng.normal(size=20)
    for approximate in ("none", "tanh"):
        wide = fa.gelu(spread_out(x), approximate=approximate)
        assert_same_bits(fa.gelu(x, approximate=approximate), wide, approximate)
        for order in (1, 2):
            wide = fa.gelu.derivative(spread_out(x), approximate=approximate, order=order)
            assert_same_bits(fa.gelu.derivative(x, approximate=approximate, order=order), wide, order)


NUMBERS = [
    0.25,
    -3,
    0,
    -0.0,
    1 << 24,
    (1 << 24) + 1,
    1 << 70,
    1e300,
    -1e300,
    1e-42,
    1e-300,
    np.inf,
    np.nan,
    3.4e38,
]
NUMBERS += [
    3.5e38,
    True,
    np.float32(0.1),
    np.float64(0.1),
    np.int64(2),
    np.array(0.5),
    np.array([0.5]),
    "a",
    None,
    1j,
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_are_those_numpy_makes_of_them(number, dtype, rng):
    x = rng.normal(size=7).astype(dtype)
    for op, *more in ((fa.leaky_relu,), (fa.elu,), (fa.prelu,), (fa.threshold, 0.5), (fa.prelu.derivative,)):
        for args in ((number, *more), (*more, number)):
            wanted = outcome(op, spread_out(x), *args)
            assert_same_outcome(outcome(op, x, *args), wanted, (op, number))
    keyword = {"negative_slope": number}
    wanted = outcome(fa.leaky_relu, spread_out(x), **keyword)
    assert_same_outcome(outcome(fa.leaky_relu, x, **keyword), wanted, number)


def outs_of(x):
    """What may be given as `out`, and is not to be written as it is."""
    read_only = np.empty_like(x)
    read_only.flags.writeable = False
    buffer = np.zeros(x.nbytes + 1, np.uint8)
    yield from (read_only, np.empty(x.shape, "f2"), np.empty(x.shape, "f8"), np.empty(x.size + 1, x.dtype))
    yield from (np.empty(x.shape, x.dtype.newbyteorder()), buffer[1:].view(x.dtype).reshape(x.shape))
    yield from (np.empty((3, *x.shape), x.dtype), np.empty(x.shape, x.dtype).T, [0.0] * x.size, 1.0, None)
    yield (np.empty_like(x),)
    yield np.ma.masked_array(np.empty_like(x))


@pytest.mark.parametrize("call", [fa.gelu, fa.softmax, lambda x, out: fa.leaky_relu(x, 0.5, out=out)])
def test_other_outputs(call, rng):
    x = rng.normal(size=(4, 4)).astype("f4")
    for got, wanted in zip(outs_of(x), outs_of(x), strict=True):
        given, general = outcome(call, x, out=got), outcome(call, spread_out(x), out=wanted)
        assert type(given[0]) is type(general[0]), (got, given, general)
        if isinstance(general[0], np.ndarray):
            np.testing.assert_array_equal(given[0], general[0])
            assert given[0].dtype == general[0].dtype


@pytest.mark.parametrize("shift", [-6999, -7, -1, 1, 5, 6999])
@pytest.mark.parametrize(
    "name", ["gelu", "gelu.backward", "softmax", "softmax.backward", "logsumexp.backward"]
)
def test_outputs_that_overlap_an_input(name, shift, rng):
    function = fa
    for part in name.split("."):
        function = getattr(function, part)
    shape, reduced = (100, 70), (100,)
    arrays = [rng.normal(size=shape).astype("f4") for _ in range(1 + ("backward" in name))]
    if name == "logsumexp.backward":
        arrays[0] = rng.normal(size=reduced).astype("f4")
    wanted = function(*arrays)
    for k, array in enumerate(arrays):
        if array.shape != shape:
            continue
        memory, first = np.zeros(3 * array.size, "f4"), array.size
        here, there = memory[first:][: array.size], memory[first + shift :][: array.size]
        here[...] = array.ravel()
        given = [here.reshape(shape) if j == k else a for j, a in enumerate(arrays)]
        np.testing.assert_array_equal(function(*given, out=there.reshape(shape)), wanted)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op", fa.list_ops("rows"), ids=lambda op: op.__name__)
def test_rows(op, dtype, rng):
    for shape in [*SHAPES, (5, 70, 3), (3, 1100)]:
        x = (rng.normal(size=shape) * 3).astype(dtype)
        for axis in range(-len(shape), len(shape)):
            value = op(spread_out(x), axis=axis)
            what = (op, shape, axis)
            assert_same_bits(op(x, axis=axis), value, what)
            assert_same_bits(op(x, axis), value, what)
            dy = np.asarray(rng.normal(size=np.shape(value)), dtype)
            for part in ("backward", "backward_from_output"):
                if not hasattr(op, part):
                    continue
                of = x if part == "backward" else value
                function = getattr(op, part)
                wanted = function(spread_out(dy), spread_out(of), axis=axis)
                got = function(dy, of, axis=axis)
                assert_same_bits(got, wanted, (*what, part))
                assert got.flags.c_contiguous
                out = np.empty_like(of)
                assert function(dy, of, axis, out=out) is out
                assert_same_bits(out, wanted, (*what, part))


def test_rows_of_other_shapes_are_refused(rng):
    x = rng.normal(size=(3, 4))
    for dy in (np.ones((4, 3)), np.ones(3), np.ones((3, 5)), np.ones((1, 3, 4, 1))):
        assert outcome(fa.softmax.backward, dy, x)[0] is ValueError
    for dy in (np.ones(4), np.ones((3, 1)), np.ones((3, 4))):
        assert outcome(fa.logsumexp.backward, dy, x)[0] is ValueError
    for axis in (2, -3, 1.0, "a", True, None):
        assert outcome(fa.softmax, x, axis)[0] in (TypeError, ValueError)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", GATES)
def test_gates(name, dtype, rng):
    op = getattr(fa, name)
    for shape in [(16,), (4, 6), (2, 4, 3, 2), (2, 1), (1, 2), (64, 90), (40, 2), (3, 600)]:
        x = (rng.normal(size=shape) * 3).astype(dtype)
        for axis in (k for k in range(-len(shape), len(shape)) if shape[k] % 2 == 0):
            for gate in ("first", "second"):
                options = {"axis": axis, "gate": gate}
                wanted = op(spread_out(x), **options)
                assert_same_bits(op(x, **options), wanted, (name, shape, options))
                out = np.empty_like(wanted)
                assert op(x, **options, out=out) is out
                assert_same_bits(out, wanted, (name, shape, options))
                dy = rng.normal(size=wanted.shape).astype(dtype)
                wanted = op.backward(spread_out(dy), spread_out(x), **options)
                assert_same_bits(op.backward(dy, x, **options), wanted, (name, shape, options))
                for out in (np.empty_like(x), x.copy()):
                    given = out if np.array_equal(out, x) else x
                    assert op.backward(dy, given, **options, out=out) is out
                    assert_same_bits(out, wanted, (name, shape, options))


def test_kinds_of_arrays(rng):
    """Subclasses and overrides, order and dimensions are NumPy's to see to."""

    class Mine(np.ndarray):
        pass

    class Override:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return ufunc.__name__

    x = rng.normal(size=(3, 4))
    assert type(fa.gelu(x.view(Mine))) is Mine
    assert type(fa.softmax(x.view(Mine))) is Mine
    assert type(fa.gelu(np.ma.masked_array(x))) is np.ma.MaskedArray
    assert fa.gelu(Override()).startswith("gelu")
    assert fa.gelu.backward(x, Override()).startswith("gelu_backward")
    assert fa.gelu(np.asfortranarray(x)).flags.f_contiguous
    assert type(fa.gelu(np.array(1.0))) is np.float64
    assert fa.gelu(np.empty((0, 3))).shape == (0, 3)
    assert fa.gelu(x.astype(">f8")).dtype == np.dtype("f8")
    assert fa.gelu.backward(x, x.astype("f4")).dtype == np.dtype("f8")
    assert fa.gelu.backward(x[0], x).shape == x.shape
    assert fa.gelu.backward(1.0, x.astype("f4")).dtype == np.dtype("f4")


def test_flags_of_arrays(rng):
    """What NumPy hands on or warns of."""
    described = np.zeros((2, 3), np.dtype("f8", metadata={"unit": "m"}))
    for function in (fa.gelu, fa.softmax):
        assert function(described).dtype.metadata == {"unit": "m"}
        broadcast, _ = np.broadcast_arrays(np.arange(3.0), np.zeros((1, 3)))
        with pytest.warns(DeprecationWarning, match="broadcast"):
            function(np.zeros((1, 3)), out=broadcast)


def test_where_and_dtype_go_to_the_ufunc(rng):
    x, out = rng.normal(size=9).astype("f4"), np.full(9, 7.0, "f4")
    fa.gelu(x, where=x > 0, out=out)
    np.testing.assert_array_equal(out[x <= 0], 7.0)
    assert fa.gelu(x, dtype="f8").dtype == np.float64
    with pytest.raises(TypeError, match="casting"):
        fa.gelu(x, out=np.empty(9, "i4"))
