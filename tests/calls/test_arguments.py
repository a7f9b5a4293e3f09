"""How functions may be called: arguments by position and by name, defaults left out, options."""

import pickle

import numpy as np
import pytest
from support import walk
from support.walk import assert_same_bits

import fastact as fa
from fastact import _core

PARTS = walk.parts()


def _names(part):
    parameters = part.__signature__.parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def _defaults(part):
    parameters = [part.__signature__.parameters[name] for name in _names(part)]
    return {p.name: p.default for p in parameters if p.default is not p.empty}


WITH_DEFAULTS = [part for part in PARTS if _defaults(part)]


def _inputs(part, *arrays):
    return arrays[: 1 + ("backward" in part.__name__)]


def _assert_same(got, wanted, what):
    assert type(got) is type(wanted), what
    assert_same_bits(got, wanted, what)


@pytest.mark.parametrize("part", WITH_DEFAULTS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("dtype", [*walk.DTYPES.values(), *"?bBhHiIlLqQ"], ids=str)
def test_a_default_left_out_is_the_default_passed(part, dtype):
    given = [*_defaults(part).values()]
    for make in (np.asarray, lambda a: a[5], lambda a: a[::3], lambda a: a.astype(a.dtype.newbyteorder())):
        arrays = [walk.values(1037, "f4", k, specials=False).astype(dtype) for k in (1, 2)]
        inputs = [make(a) for a in _inputs(part, *arrays)]
        whole = part(*inputs, *given)
        _assert_same(part(*inputs), whole, dtype)
        # a ufunc's own call rounds Python numbers to float16, before any loop sees them
        ufunc = _core.ufunc_of(part.ufunc, *inputs, *given)
        _assert_same(ufunc(*inputs, *given), whole, dtype)
        for keywords in ({"dtype": "f8"}, {"casting": "unsafe", "dtype": "f4"}, {"subok": False}):
            _assert_same(part(*inputs, **keywords), part(*inputs, *given, **keywords), (dtype, keywords))
        outs = [np.full(np.shape(inputs[0]), 3, "f8") for _ in range(2)]
        part(*inputs, out=outs[0], where=np.asarray(inputs[0]) > 0)
        part(*inputs, *given, out=outs[1], where=np.asarray(inputs[0]) > 0)
        assert_same_bits(*outs, (dtype, "out"))


@pytest.mark.parametrize("part", WITH_DEFAULTS, ids=lambda p: p.__name__)
def test_a_default_left_out_beside_scalars_and_mixtures(part):
    given = [*_defaults(part).values()]
    f2, f4 = walk.values(67, "f2", 1), walk.values(67, "f4", 2)
    bf16 = walk.values(67, walk.BFLOAT16, 3)
    for pair in [
        (2.0, 1.5),
        (1, 2),
        ([1.0, 2.0], [3.0, 4.0]),
        (f4, f2),
        (f2, f4),
        (2.0, f2),
        (f4, 2.0),
        (2.0, bf16),
    ]:
        inputs = _inputs(part, *pair[::-1])[::-1]
        _assert_same(part(*inputs), part(*inputs, *given), pair)


@pytest.mark.parametrize("part", WITH_DEFAULTS, ids=lambda p: p.__name__)
def test_ufuncs_of_defaults_pickle(part):
    bound = getattr(_core, f"{part.ufunc.__name__}_default")
    assert bound.nin == part.ufunc.nin - len(_defaults(part))
    assert pickle.loads(pickle.dumps(bound)) is bound


@pytest.mark.parametrize("part", PARTS, ids=lambda p: p.__name__)
def test_by_position_or_by_name(part):
    names, defaults = _names(part), _defaults(part)
    arrays = _inputs(part, walk.values(67, "f4", 1), walk.values(67, "f4", 2))
    inputs = [*arrays, *walk.required(part), *(0.75 for _ in defaults)]
    wanted = part(*inputs)
    for k in range(len(names) + 1):
        named = dict(zip(names[k:], inputs[k:], strict=True))
        out = np.empty_like(wanted)
        _assert_same(part(*inputs[:k], **named), wanted, k)
        _assert_same(part.__call__(*inputs[:k], **named), wanted, k)
        assert part(*inputs[:k], out=out, **named) is out
        assert_same_bits(out, wanted, k)
        with pytest.raises(TypeError, match="must be given once"):
            part(*inputs, **{names[min(k, len(names) - 1)]: 1.0})
    with pytest.raises(TypeError, match=f"takes at most .* by position .*, got {len(inputs) + 1}"):
        part(*inputs, 1.0)
    with pytest.raises(TypeError, match=f"{names[0]} is missing"):
        part()
    with pytest.raises(TypeError, match="there is no argument"):
        part(*inputs, **{f"k{n}": 1 for n in range(40)})


def test_options():
    x, out = walk.values(67, "f4", 1), np.empty(67, "f4")
    for order, suffix in ((1, "derivative"), (2, "second_derivative")):
        for form, name in (("none", "gelu"), ("tanh", "gelu_tanh")):
            wanted = getattr(_core, f"{name}_{suffix}")(x)
            options = {"approximate": form, "order": order}
            assert_same_bits(fa.gelu.derivative(x, **options), wanted)
            assert_same_bits(fa.gelu.derivative(input=x, **dict(reversed(options.items()))), wanted)
            assert fa.gelu.derivative(x, out=out, **options) is out
            assert_same_bits(out, wanted)
    assert_same_bits(fa.softplus.derivative(x, 2.0, order=2), _core.softplus_second_derivative(x, 2.0))
    assert_same_bits(fa.softplus.derivative(x, order=2, beta=2.0), _core.softplus_second_derivative(x, 2.0))


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_rows_along_the_last_axis(op):
    """The short way to the gufunc is as every other."""
    for shape in [(7,), (5, 7), (3, 5, 7)]:
        for dtype in (*walk.DTYPES.values(), "i4"):
            args, last = op.operands(shape, dtype), len(shape) - 1
            wanted = op.function(*args, axis=(last,))
            out = np.empty_like(wanted) if np.ndim(wanted) else np.empty((), wanted.dtype)
            for axis in (-1, last):
                assert_same_bits(op.function(*args, axis), wanted)
                assert_same_bits(op.function(*args, axis=axis), wanted)
                assert op.function(*args, axis=axis, out=out) is out
                assert_same_bits(out, wanted)
            assert_same_bits(op.function(*args), wanted)
            assert_same_bits(op.function(*args, out=None), wanted)
    with pytest.raises(TypeError):
        op.function(*args, -1, axis=-1)
    assert pickle.loads(pickle.dumps(op.function)) is op.function
