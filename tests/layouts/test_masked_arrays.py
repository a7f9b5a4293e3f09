"""Masked arrays: what they hide decides no number that is shown, whatever it is; and losses refuse it.

Row ops leave hidden entries out, as by `where`; other functions hide the results that are made of them.
"""

import numpy as np
import pytest
from support.op_calls import OPS, SHAPE, calls
from support.walk import assert_same_bits

import fastact as fa

JUNK = (1e30, -1e30, np.inf, -np.inf, np.nan, 0.0, 7.0)
HIDDEN = np.zeros(SHAPE, bool)
HIDDEN[0, 1], HIDDEN[2, 4:], HIDDEN[3] = True, True, True


def hiding(values, mask, junk):
    with np.errstate(over="ignore"):  # of float16
        return np.ma.MaskedArray(np.where(mask, np.asarray(junk).astype(values.dtype), values), mask.copy())


def mask_for(call, value):
    """The mask of an operand that goes with HIDDEN in the input."""
    if value.shape == SHAPE:
        return HIDDEN
    axis = call.keywords.get("axis", -1)
    if call.function in (fa.logsumexp, fa.logsumexp.backward):
        return HIDDEN.all(axis=axis)
    first, second = np.split(HIDDEN, 2, axis)  # of a gated unit
    return first | second


@pytest.mark.parametrize("op", [op for op in OPS if op.kind != "loss"], ids=lambda op: op.__name__)
def test_what_is_hidden_decides_nothing(op):
    for call in calls(op):
        arrays = {n: a for n, a in call.operands.items() if a.ndim and n != "where"}
        for only_input in (False, True):
            chosen = {call.input: arrays[call.input]} if only_input else arrays
            results = []
            for junk in JUNK:
                given = {n: hiding(a, mask_for(call, a), junk) for n, a in chosen.items() if a.dtype == float}
                results.append(call(**given))
                for name, value in given.items():
                    np.testing.assert_array_equal(value.mask, mask_for(call, arrays[name]))
            for got in results:
                for one, first in zip(got, results[0], strict=True):
                    _check_same(one, first, (call.name, call.keywords))
            _check_mask(call, results[0][0])


def _check_same(got, wanted, where):
    assert type(got) is type(wanted), where
    assert np.array_equal(np.ma.getmaskarray(got), np.ma.getmaskarray(wanted)), where
    assert_same_bits(np.ma.filled(got, 0.0), np.ma.filled(wanted, 0.0), where)


def _check_mask(call, result):
    mask = np.ma.getmaskarray(result)
    if call.name.startswith("softmax.jacobian"):
        rows = np.moveaxis(HIDDEN, call.keywords["axis"], -1)
        np.testing.assert_array_equal(mask, rows[..., :, None] | rows[..., None, :])
    elif mask.shape == SHAPE and "glu" not in call.name:
        np.testing.assert_array_equal(mask, HIDDEN)
    elif mask.shape == SHAPE:
        axis = call.keywords.get("axis", -1)
        half = np.logical_or(*np.split(HIDDEN, 2, axis))
        np.testing.assert_array_equal(mask, np.concatenate((half, half), axis))


@pytest.mark.parametrize("op", [op for op in OPS if op.kind == "rows"], ids=lambda op: op.__name__)
def test_row_ops_are_those_with_where(op):
    for call in calls(op):
        if "where" in call.operands or call.name.endswith("jacobian"):
            continue
        given = {call.input: hiding(call.operands[call.input], HIDDEN, np.nan)}
        (got,), (wanted,) = call(**given), call(where=~HIDDEN)
        shown = ~np.ma.getmaskarray(got)
        assert_same_bits(np.asarray(np.ma.getdata(got))[shown], np.asarray(wanted)[shown], call.name)


def test_a_row_by_hand():
    hidden = np.array([False, True, False])
    np.testing.assert_array_equal(fa.softmax(np.ma.array([0.0, 1e3, 0.0], mask=hidden)).data, [0.5, 0, 0.5])
    x = np.ma.array([np.log(2), 2, np.log(3)], mask=hidden)
    assert repr(fa.logsumexp(x).round(12)) == repr(np.float64(round(np.log(5), 12)))
    assert fa.logsumexp(np.ma.array([1.0], mask=[True])) is np.ma.masked
    assert fa.log_softmax(x).sum() == pytest.approx(np.log(2 / 5) + np.log(3 / 5))


def test_masks_beside_where():
    x, where = np.ma.array([1.0, 2.0, 3.0], mask=[True, False, False]), np.array([True, True, False])
    got = fa.softmax(x, where=where)
    np.testing.assert_array_equal(got.mask, x.mask)
    np.testing.assert_array_equal(got.data, [0, 1, 0])
    for function in (fa.softmax, fa.gelu):
        with pytest.raises(TypeError, match="where hides entries"):
            function(np.ones(3), where=np.ma.array(where, mask=[0, 1, 0]))


@pytest.mark.parametrize("op", [op for op in OPS if op.kind == "rows"], ids=lambda op: op.__name__)
def test_gradients_that_hide_more_are_refused(op):
    for call in calls(op):
        if "grad_output" in call.operands and np.ndim(call.operands["grad_output"]):
            dy = call.operands["grad_output"]
            mask = np.zeros(dy.shape, bool)
            mask[1] = True
            with pytest.raises(TypeError, match="grad_output hides entries"):
                call(grad_output=hiding(dy, mask, 0.0))
            call(grad_output=hiding(dy, ~mask & False, 0.0))  # one that hides nothing


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradient_by_a_parameter(dtype):
    x = np.array([[-1.0, -2.0, 3.0], [-4.0, -5.0, -6.0]], dtype)
    hidden = np.array([[True, False, False], [False, True, False]])
    for slopes, axis in ((np.full(3, 0.25, dtype), None), (np.full(2, 0.25, dtype), 0), (0.25, None)):
        grads = []
        for junk in JUNK:
            masked = hiding(x, hidden, junk)
            for dy, at in (
                (np.ones_like(x), masked),
                (hiding(np.ones_like(x), hidden, junk), x),
                (masked, masked),
            ):
                by_x, by_slopes = fa.prelu.backward(dy, at, slopes, axis=axis)
                np.testing.assert_array_equal(by_x.mask, hidden)
                if dy is not masked:
                    grads.append(by_slopes)
        wanted = fa.prelu.backward(np.where(hidden, 0, 1).astype(dtype), x, slopes, axis=axis)[1]
        for grad in grads:
            np.testing.assert_array_equal(grad, wanted)
    out = np.ma.zeros(x.shape, dtype)
    by_x, by_slopes = fa.prelu.backward(np.ones_like(x), hiding(x, hidden, 9), 0.25, out=out)
    assert by_x is out and (out.mask == hidden).all() and by_slopes == -12
    with pytest.raises(TypeError, match="weight hides entries"):
        fa.prelu.backward(x, x, np.ma.array(np.full(3, 0.25, dtype), mask=[0, 0, 1]))


@pytest.mark.parametrize("op", [op for op in OPS if op.kind == "loss"], ids=lambda op: op.__name__)
def test_losses_refuse_what_is_hidden(op):
    """Every argument that is an array: operands, grad_output, weight and parameters."""
    for call in calls(op):
        arguments = {n: a for n, a in call.operands.items() if a.ndim}
        for option in op._array_options:
            arguments[option] = np.ones(6)
        for name, value in arguments.items():
            mask = np.zeros(value.shape, bool)
            mask.flat[0] = True
            masked = np.ma.MaskedArray(value, mask)
            with pytest.raises(TypeError, match=f"{name} is a masked array, which hides 1 of {value.size}"):
                if name in call.operands:
                    call(**{name: masked})
                else:
                    call.function(*call.operands.values(), **call.keywords, **{name: masked})
            if name in call.operands:  # nothing hidden, nothing lost
                call(**{name: np.ma.MaskedArray(value)})


def test_labelled_containers_beside_masks():
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    for other in (pandas.Series([1.0, 2.0]), xarray.DataArray([1.0, 2.0])):
        for function in (fa.gelu.backward, fa.softmax.backward):
            with pytest.raises(TypeError, match=r"masked array|hides entries"):
                function(masked, other)
        with pytest.raises(TypeError, match="input is a masked array, grad_output a"):
            fa.gelu.backward(other, masked)
        assert fa.softmax.backward(other, masked).mask.tolist() == [True, False]


def test_outputs():
    x, hidden = np.array([0.0, 1e3, 0.0]), np.array([False, True, False])
    masked = np.ma.MaskedArray(x, hidden)
    out = np.ma.zeros(3)
    assert fa.softmax(masked, out=out) is out
    np.testing.assert_array_equal(out.mask, hidden)
    assert fa.softmax(x, out=out) is out and not out.mask.any()
    assert fa.glu(np.ma.array([1.0, 2.0], mask=[0, 1]), out=(short := np.ma.zeros(1))) is short
    assert short.mask.all()


# ---- Dask -----------------------------------------------------------------------------------


def _lazy(values, mask):
    """Dask arrays of masked chunks: such as say so, and such as do not."""
    da = pytest.importorskip("dask.array")
    known = da.ma.masked_array(da.from_array(values, 2), da.from_array(mask, 2))
    plain, flags = da.from_array(values, 2), da.from_array(mask, 2)
    meta = np.empty((0,) * values.ndim)
    unknown = da.map_blocks(np.ma.MaskedArray, plain, flags, dtype=values.dtype, meta=meta)
    return known, unknown


def test_chunks_of_activations():
    x, mask = np.arange(12.0).reshape(4, 3) - 6, np.zeros((4, 3), bool)
    mask[0, 1] = mask[3, 2] = True
    wanted = fa.gelu(np.ma.MaskedArray(x, mask))
    by_x, by_slope = fa.prelu.backward(np.ones((4, 3)), np.ma.MaskedArray(x, mask), 0.25)
    for lazy in _lazy(x, mask):
        got = fa.gelu(lazy).compute()
        np.testing.assert_array_equal(got.mask, mask)
        np.testing.assert_array_equal(got.compressed(), wanted.compressed())
        lazy_by_x, lazy_by_slope = fa.prelu.backward(np.ones((4, 3)), lazy, 0.25)
        np.testing.assert_array_equal(lazy_by_x.compute().mask, by_x.mask)
        assert lazy_by_slope.compute() == by_slope


@pytest.mark.parametrize("op", [op for op in OPS if op.kind == "rows"], ids=lambda op: op.__name__)
def test_chunks_of_row_ops(op):
    mask = np.zeros((4, 3), bool)
    mask[3, 2] = True
    known, unknown = _lazy(np.ones((4, 3)), mask)
    for lazy in (known, unknown):
        with pytest.raises(TypeError, match=rf"{op.__name__}: input has (a )?masked chunk.*filled"):
            op(lazy.rechunk({1: -1})).compute()
        with pytest.raises(TypeError, match=r"grad_output has (a )?masked chunk"):
            dy = lazy[:, 2] if op.reduces else lazy.rechunk({1: -1})
            np.asarray(op.backward(dy[::-1], np.ones((4, 3))))


@pytest.mark.parametrize("op", [fa.mse_loss, fa.huber_loss, fa.cross_entropy], ids=lambda op: op.__name__)
def test_chunks_of_losses(op):
    mask = np.zeros((4, 3), bool)
    mask[3, 2] = True
    target = np.zeros(4, int) if op is fa.cross_entropy else np.zeros((4, 3))
    for lazy in _lazy(np.ones((4, 3)), mask):
        with pytest.raises(TypeError, match=r"input (has masked chunks|is a masked array)"):
            op(lazy.rechunk({1: -1}), target).compute()
