"""Every function of every op over the containers that hold arrays: pandas, xarray, np.matrix and others.

Elements go together by position; results come in the container of the first operand that is one, with its
labels; losses give plain arrays.
"""

import numpy as np
import pytest
from support import walk
from support.op_calls import OPS, SHAPE, calls
from support.walk import assert_same_bits

import fastact as fa

LABELS = {4: list("rstu"), 6: list("abcdef"), 3: list("xyz")}


def _labels(n):
    return LABELS.get(n, list(range(n)))


def data_frame(a):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(a, *map(_labels, a.shape)) if a.ndim == 2 else series(a)


def series(a):
    pandas = pytest.importorskip("pandas")
    return pandas.Series(a, _labels(len(a)), name="s") if a.ndim == 1 else a


def nullable_series(a):
    pandas = pytest.importorskip("pandas")
    if a.ndim != 1:
        return a
    kind = {"f": "Float64", "i": "Int64", "u": "UInt64", "b": "boolean"}[a.dtype.kind]
    return pandas.Series(pandas.array(a, dtype=kind), _labels(len(a)))


def nullable_array(a):
    series = nullable_series(a)
    return series.array if a.ndim == 1 else a


def index(a):
    pandas = pytest.importorskip("pandas")
    return pandas.Index(a, name="i") if a.ndim == 1 else a


def data_array(a):
    xarray = pytest.importorskip("xarray")
    dims = [{2: "row", 4: "row", 6: "class", 3: "class"}.get(n, f"of {n}") for n in a.shape]
    coords = {d: _labels(n) for d, n in zip(dims, a.shape, strict=True)}
    return xarray.DataArray(a, coords, dims, name="d", attrs={"unit": "1"}) if a.ndim else a


def data_array_of_dask(a):
    dask_array = pytest.importorskip("dask.array")
    return data_array(a).copy(data=dask_array.from_array(a, -1)) if a.ndim else a


def matrix(a):
    return a.view(np.matrix) if a.ndim == 2 else a


def masked(a):
    return np.ma.MaskedArray(a) if a.ndim else a


def memory_map(a):
    return a.view(np.memmap) if a.ndim else a


CONTAINERS = {
    "DataFrame": (data_frame, SHAPE),
    "Series": (series, SHAPE[1:]),
    "nullable Series": (nullable_series, SHAPE[1:]),
    "nullable array": (nullable_array, SHAPE[1:]),
    "Index": (index, SHAPE[1:]),
    "DataArray": (data_array, SHAPE),
    "DataArray of Dask": (data_array_of_dask, SHAPE),
    "matrix": (matrix, SHAPE),
    "masked array": (masked, SHAPE),
    "memory map": (memory_map, SHAPE),
}


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
def test_every_call_takes_it(op, kind):
    """All operands in containers, or one of them alone: the numbers of plain arrays, in the container."""
    make, shape = CONTAINERS[kind]
    for call in calls(op, shape):
        wanted = call()
        contained = {name: make(a) for name, a in call.operands.items()}
        choices = [contained, *({name: value} for name, value in contained.items())]
        for chosen in choices:
            if all(type(value) is np.ndarray for value in chosen.values()):
                continue
            got = call(**chosen)
            assert len(got) == len(wanted)
            for one, plain in zip(got, wanted, strict=True):
                where = (call.name, call.keywords, [*chosen])
                _check_numbers(one, plain, where)
                _check_container(one, plain, call, contained, chosen, where)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("kind", ["DataFrame", "Series", "DataArray", "matrix", "masked array"])
def test_numbers_take_the_type(kind, dtype):
    """Parameters that are Python's numbers do not make a result float64."""
    make, shape = CONTAINERS[kind]
    for op in (op for op in OPS if hasattr(op, "ufunc")):
        for call in calls(op, shape, dtype):
            given = {name: a if a.ndim else float(a) for name, a in call.operands.items()}
            contained = {name: make(a) if np.ndim(a) else a for name, a in given.items()}
            for got, wanted in zip(call(**contained), call(**given), strict=True):
                assert_same_bits(np.asarray(got), np.asarray(wanted), (call.name, call.keywords))


def _check_numbers(got, plain, where):
    assert np.asarray(got).size == np.size(plain), where
    if hasattr(got, "dask") and not np.ndim(plain):  # Dask adds in an order of its own
        np.testing.assert_allclose(got, plain, rtol=1e-14)
        return
    assert_same_bits(np.asarray(got, np.asarray(plain).dtype).reshape(np.shape(plain)), plain, where)


def _check_container(got, plain, call, contained, chosen, where):
    if call.is_loss:
        dask_like = hasattr(got, "dask")
        assert dask_like or type(got) in (float, np.ndarray), where
        return
    like = contained[call.input]
    if np.shape(plain) != like.shape or call.input not in chosen:
        return
    assert type(got) is type(like) or (type(like) is np.memmap and isinstance(got, np.ndarray)), where
    for axes in ("axes", "dims", "indexes"):
        if hasattr(like, axes):
            assert str(getattr(got, axes)) == str(getattr(like, axes)), where


def test_labels_of_axes_that_are_left():
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    x = np.arange(24.0).reshape(SHAPE)
    frame, array, plain = data_frame(x), data_array(x), fa.logsumexp(x, axis=1)
    pandas.testing.assert_series_equal(fa.logsumexp(frame, axis=1), pandas.Series(plain, frame.index))
    assert list(fa.logsumexp(frame, axis=0).index) == list(frame.columns)
    assert fa.logsumexp(frame, axis=1, keepdims=True).shape == (4, 1)
    assert list(fa.glu(frame).index) == list(frame.index) and list(fa.glu(frame).columns) == [0, 1, 2]
    xarray.testing.assert_identical(
        fa.logsumexp(array, axis=1),
        xarray.DataArray(plain, {"row": list("rstu")}, ["row"], name="d", attrs={"unit": "1"}),
    )
    assert list(fa.glu(array, axis=0).coords) == ["class"]
    grad = fa.logsumexp.backward(fa.logsumexp(frame), frame)
    np.testing.assert_array_equal(grad, fa.logsumexp.backward(plain, x))


def test_matrices_keep_two_dimensions():
    x = matrix(np.arange(24.0).reshape(SHAPE))
    for axis in (0, 1):
        got = fa.logsumexp(x, axis=axis)
        assert type(got) is np.matrix and got.shape == x.sum(axis).shape
        assert_same_bits(np.asarray(got).reshape(-1), fa.logsumexp(np.asarray(x), axis=axis))
        assert fa.logsumexp.backward(got, x, axis=axis).shape == x.shape
    assert np.shape(fa.logsumexp(x, axis=(0, 1))) == ()
    assert type(fa.softmax.jacobian(x)) is np.ndarray


# ---- labels that differ --------------------------------------------------------------------


def _turned(value):
    """The same numbers with the labels of the first axis in another order."""
    if hasattr(value, "dims"):
        return value.assign_coords({value.dims[0]: value[value.dims[0]].values[::-1]})
    return value.set_axis(list(value.index)[::-1], axis=0)


@pytest.mark.parametrize("kind", ["DataFrame", "Series", "DataArray"])
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
def test_labels_that_differ_are_refused(op, kind):
    make, shape = CONTAINERS[kind]
    for call in calls(op, shape):
        contained = {name: make(a) for name, a in call.operands.items()}
        labelled = [n for n, v in contained.items() if hasattr(v, "axes") or hasattr(v, "dims")]
        for name in labelled[1:]:
            first, other = contained[labelled[0]], contained[name]
            if name in ("linear_weight", "where") or other.shape != first.shape or labelled[0] != call.input:
                continue
            with pytest.raises(ValueError, match=f"{name} (and|have)|and {name} have different labels"):
                call(**contained | {name: _turned(other)})


def test_labels_of_rows():
    frame, labels = data_frame(np.zeros(SHAPE)), series(np.arange(4))
    fa.cross_entropy(frame, labels)
    with pytest.raises(ValueError, match="cross_entropy: input and target have different labels"):
        fa.cross_entropy(frame, _turned(labels))
    fa.cross_entropy(frame, _turned(labels).to_numpy())


def test_series_beside_data_frame():
    frame, slopes = data_frame(np.full(SHAPE, -1.0)), series(np.arange(6.0))
    for call in (lambda: fa.leaky_relu(frame, slopes), lambda: fa.prelu(frame, slopes)):
        with pytest.raises(TypeError, match=r"input is a DataFrame.*a Series.*to_numpy"):
            call()
    wanted = fa.prelu(np.full(SHAPE, -1.0), np.arange(6.0))
    np.testing.assert_array_equal(fa.prelu(frame, slopes, axis=1), wanted)
    np.testing.assert_array_equal(fa.prelu(np.full(SHAPE, -1.0), slopes, axis=1), wanted)
    by_input, by_slopes = fa.prelu.backward(frame, frame, slopes, axis=1)
    assert type(by_input) is type(frame) and list(by_slopes.index) == list(slopes.index)


def test_dimensions_that_xarray_would_turn():
    square = np.arange(16.0).reshape(4, 4)
    a = pytest.importorskip("xarray").DataArray(square, {"row": list("rstu")}, ["row", "class"])
    turned = a.rename({"row": "class", "class": "row"})
    for call in (fa.gelu.backward, fa.mse_loss, fa.softmax.backward):
        with pytest.raises(ValueError, match="different labels"):
            call(a, turned)
    slopes = data_array(np.arange(4.0))  # of "row", which is not the last
    with pytest.raises(ValueError, match="different labels"):
        fa.leaky_relu(a, slopes)


# ---- what is refused -------------------------------------------------------------------------


BACKWARDS = [part for part in walk.parts() if part.__name__.endswith(".backward")]


@pytest.mark.parametrize("kind", [data_frame, series, data_array])
@pytest.mark.parametrize("backward", BACKWARDS, ids=lambda part: part.__name__)
def test_labels_cover_the_result(backward, kind):
    """Of operands that are broadcast: else pandas and xarray complain of what they do inside."""
    small, large = np.ones((4, 1)), np.ones((4, 6))
    if kind is series:
        small, large = small[0], large[0]
    rest = walk.required(backward)
    with pytest.raises(ValueError, match=r"backward: grad_output, a \w+ of shape .*no labels for the result"):
        backward(kind(small), large, *rest)
    assert_same_bits(backward(small, kind(large), *rest), backward(small, large, *rest))


class NoUfuncs:
    __array_ufunc__ = None

    def __array__(self, dtype=None, copy=None):
        return np.ones(SHAPE)


class NotAnArray:
    def __array__(self, dtype=None, copy=None):
        raise TypeError("cannot directly convert")

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return NotImplemented


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
def test_what_is_no_array_is_refused(op):
    for call in calls(op):
        for name, value in call.operands.items():
            if value.ndim == 0 or name == "where":
                continue
            for bad in (NoUfuncs(), NotAnArray(), object()):
                if call.is_loss and type(bad) is NoUfuncs:
                    continue  # losses are no ufuncs
                with pytest.raises((TypeError, ValueError) if call.is_loss else TypeError, match=name):
                    call(**{name: bad})


def test_data_sets_are_refused():
    xarray = pytest.importorskip("xarray")
    data = xarray.Dataset({"a": data_array(np.zeros(SHAPE))})
    for function in (fa.softmax, fa.glu, fa.softmax.jacobian):
        with pytest.raises(TypeError, match="input must be an array, got Dataset"):
            function(data)


@pytest.mark.parametrize("kind", ["DataFrame", "DataArray", "matrix", "masked array"])
def test_outputs(kind):
    x, dy = np.arange(24.0).reshape(SHAPE) / 8, np.ones(SHAPE)
    make, slopes = CONTAINERS[kind][0], np.full(6, 0.25)
    for function, operands in (
        (fa.softmax, (x,)),
        (fa.log_softmax, (x, 0)),
        (fa.softmax.backward, (dy, x)),
        (fa.glu.backward, (dy[:, :3], x)),
        (lambda *args, out: fa.prelu.backward(*args, slopes, out=out)[0], (dy, x)),
    ):
        wanted = function(*operands, out=None)
        for contained in (operands, tuple(make(a) if np.shape(a) == SHAPE else a for a in operands)):
            plain, out = np.empty(SHAPE), make(np.zeros(SHAPE))
            assert function(*contained, out=plain) is plain
            assert function(*contained, out=out) is out
            np.testing.assert_array_equal(plain, wanted)
            np.testing.assert_array_equal(out, wanted)
    with pytest.raises(ValueError, match=r"softmax: [Oo]ut"):
        fa.softmax(make(x), axis=0, out=make(x[:2]))
    with pytest.raises(TypeError, match="softmax: out must be an ndarray, got Index"):
        fa.softmax(x[0], where=x[0] > 0, out=index(x[0]))


def test_missing_numbers_are_nan():
    pandas = pytest.importorskip("pandas")
    x = pandas.Series([1.0, None, 2.0], dtype="Float64")
    assert np.isnan(fa.logsumexp(x)) and fa.softmax(x).isna().all()
    assert np.isnan(fa.mse_loss(x, np.zeros(3)))
    frame = pandas.DataFrame({"a": x, "b": [1.0, 2.0, 3.0]})
    np.testing.assert_array_equal(fa.logsumexp(frame, axis=1).isna(), [False, True, False])
    with pytest.raises(TypeError, match="where must be a boolean mask"):
        fa.softmax(np.zeros(2), where=pandas.array([True, None], dtype="boolean"))


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
def test_unknown_lengths(op):
    """Of chunks along the batch: a function computes them, or says what to do."""
    da = pytest.importorskip("dask.array")
    keep = np.array([True, False, True, True])
    for call in calls(op):
        if call.name.startswith("ctc_loss") or call.keywords.get("axis", -1) != -1:
            continue
        lazy, plain = {}, {}
        for name, a in call.operands.items():
            batch = a.ndim and len(a) == len(keep)
            plain[name] = a[keep] if batch else a
            lazy[name] = da.from_array(a, (2, *a.shape[1:]))[da.from_array(keep, 2)] if batch else a
        several = op.kind == "rows" and len(lazy) > 1
        if call.is_loss or several or call.keywords.get("training"):
            with pytest.raises(
                ValueError, match=r"has chunks of unknown sizes: use .compute_chunk_sizes\(\)"
            ):
                call(**lazy)
            continue
        for got, wanted in zip(call(**lazy), call(**plain), strict=True):
            if np.ndim(wanted):
                assert_same_bits(got.compute(), wanted, (call.name, call.keywords))
            else:  # Dask adds in an order of its own
                assert got.compute() == pytest.approx(wanted, rel=1e-14)
