"""prelu and swish: the gradient of their parameter, in its shape, and where it lies."""

import dask.array as da
import numpy as np
import pytest
import reference
from mpmath import mp, mpf
from support import ulp, walk

import fastact as fa
from fastact import _core

NAMES = [name for name, entry in reference.ACTIVATIONS.items() if entry.by_parameter and not entry.splits]
SHAPE = (3, 4, 5)
# of the parameter, and of how many axes of SHAPE its gradient is the sum
PARAMETER_SHAPES = [(), (1,), (5,), (4, 1), (4, 5), (3, 1, 1), (3, 1, 5), (3, 4, 5), (1, 4, 1)]


def operands(shape, parameter_shape, dtype):
    x, dy = walk.values(shape, dtype, 1, specials=False), walk.values(shape, dtype, 2, specials=False)
    return dy, x, walk.positive(parameter_shape, dtype, 3)


def exact_terms(name, dy, x, p):
    """dy times the derivative by the parameter, and how far a rounded term may be from it."""
    by_parameter = reference.ACTIVATIONS[name].by_parameter
    whole = np.broadcast_arrays(dy, x, p)
    terms = np.empty(whole[0].shape, object)
    terms.reshape(-1)[:] = [
        mpf(a) * by_parameter(mpf(b), mpf(c))
        for a, b, c in zip(*(v.ravel().tolist() for v in whole), strict=True)
    ]
    return terms


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_derivative_by_the_parameter(name, dtype, rng):
    """Each term, within the first derivative's bound and the roundings of a square."""
    x = np.concatenate(
        [rng.normal(size=900) * 4, np.ldexp(rng.normal(size=300), rng.integers(-140, 60, 300))]
    )
    x, p = x.astype(dtype), np.dtype(dtype).type(reference.ACTIVATIONS[name].parameters[0])
    terms = getattr(_core, f"{name}_backward_by_parameter")(np.ones_like(x), x, p)
    error = [
        ulp.exact_error(t, exact, dtype)
        for t, exact in zip(terms.tolist(), exact_terms(name, np.ones_like(x), x, p), strict=True)
    ]
    bound = _core.table()["activation"][name]["ulp"][dtype][1] + 2
    assert max(error) <= bound, ulp.report(name, error, x, bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", PARAMETER_SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_summed_to_the_parameters_shape(name, shape, dtype):
    dy, x, p = operands(SHAPE, shape, dtype)
    grad, dp = getattr(fa, name).backward(dy, x, p)
    walk.assert_same_bits(grad, getattr(_core, f"{name}_backward")(dy, x, p), name)
    assert dp.shape == shape
    assert dp.dtype == dtype
    terms = exact_terms(name, dy, x, p)
    padded = (1,) * (len(SHAPE) - len(shape)) + shape
    axes = tuple(a for a, n in enumerate(padded) if n == 1 and SHAPE[a] != 1)
    exact = terms.sum(axis=axes, keepdims=True).reshape(shape)
    scale = abs(terms).sum(axis=axes, keepdims=True).reshape(shape)
    eps = np.finfo(dtype).eps
    assert np.all(abs(np.asarray(dp).astype(object) - exact) <= 4 * eps * scale)


@pytest.mark.parametrize("name", NAMES)
def test_axis_is_where_a_1d_parameter_lies(name):
    op = getattr(fa, name)
    dy, x, _ = operands(SHAPE, (), "float32")
    for axis in (0, 1, 2, -1, -3):
        p = walk.positive((SHAPE[axis],), "float32", 4)
        column = p.reshape([-1 if a == axis % 3 else 1 for a in range(3)])
        walk.assert_same_bits(op(x, p, axis=axis), op(x, column), axis)
        walk.assert_same_bits(
            op.derivative(x, p, axis=axis, order=2), op.derivative(x, column, order=2), axis
        )
        grad, dp = op.backward(dy, x, p, axis=axis)
        wanted, wide = op.backward(dy, x, column)
        walk.assert_same_bits(grad, wanted, axis)
        walk.assert_same_bits(dp, wide.reshape(-1), axis)
    walk.assert_same_bits(op(input=x, axis=1, **{names(op)[1]: p[:1]}), op(x, p[0]), "by name")


def names(op):
    return list(op.__signature__.parameters)


@pytest.mark.parametrize("name", NAMES)
def test_python_numbers_stay_weak_and_the_type_is_the_parameters(name):
    op, x = getattr(fa, name), np.ones(4, np.float32)
    for dtype in ("float16", "float32", walk.BFLOAT16):
        grad, dp = op.backward(x.astype(dtype), x.astype(dtype), 0.5)
        assert grad.dtype == dp.dtype == dtype
    grad, dp = op.backward(x, x, np.float64(0.5) * np.ones(4))
    assert (grad.dtype, dp.dtype) == (np.float64, np.float64)
    for narrow in (np.dtype(np.float32), np.dtype(">f4")):
        grad, dp = op.backward(x.astype(np.float64), x, np.full(4, 0.5, narrow))
        assert (grad.dtype, dp.dtype) == (np.float64, np.float32)
        assert dp.dtype.isnative
        walk.assert_same_bits(dp, op.backward(x, x, np.full(4, 0.5, np.float32))[1], narrow)
    grad, dp = op.backward(np.ones(4, int), np.ones(4, int), 1)
    assert (grad.dtype, dp.dtype) == (np.float64, np.float64)


@pytest.mark.parametrize("name", NAMES)
def test_narrow_terms_are_added_wide(name, rng):
    """What float16 terms would lose cancels: the sum is right to float16's last digit."""
    x = -rng.uniform(1, 2, 5000).astype(np.float16)
    dy, p = rng.normal(size=5000).astype(np.float16), np.float16(0.25)
    by_parameter = reference.ACTIVATIONS[name].by_parameter
    pairs = zip(dy.tolist(), x.tolist(), strict=True)
    exact = mp.fsum(mpf(a) * by_parameter(mpf(b), mpf("0.25")) for a, b in pairs)
    _, dp = getattr(fa, name).backward(dy, x, p)
    assert dp.dtype == np.float16
    assert abs(float(dp) - exact) <= 0.501 * ulp.spacing(float(exact), "float16")


@pytest.mark.parametrize("name", NAMES)
def test_same_bits_whatever_layout_and_threads(name, set_threads):
    op = getattr(fa, name)
    shape = (37, 50, 120)
    dy, x, p = operands(shape, (50, 1), "float32")
    _, wanted = op.backward(dy, x, p)
    for layout in (
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[:, ::-1].copy()[:, ::-1],
    ):
        walk.assert_same_bits(op.backward(layout(dy), layout(x), p)[1], wanted, "layout")
    for threads in (1, 2, 5):
        set_threads(threads)
        walk.assert_same_bits(op.backward(dy, x, p)[1], wanted, threads)
        flat = op.backward(dy.ravel(), x.ravel(), p[0, 0])[1]
        walk.assert_same_bits(op.backward(dy, x, p[0, 0])[1], flat, threads)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(1, 1, 70001), (2, 3, 66000), (9001, 5, 1), (41, 3, 1000), (1, 700, 1)], ids=str
)
def test_sums(shape, dtype, rng):
    """Many chunks, their ends anywhere."""
    terms = rng.normal(size=shape).astype(dtype)
    got = _core.parameter_sums(terms, np.dtype(np.float64))
    with mp.workprec(200):
        for k in range(0, shape[1], max(1, shape[1] // 3)):
            exact = mp.fsum(map(mpf, terms[:, k].ravel().tolist()))
            assert abs(got[k] - exact) <= 1e-13 * float(np.abs(terms[:, k]).astype(float).sum())
    for narrow in ("float16", "float32", walk.BFLOAT16):
        walk.assert_same_bits(
            _core.parameter_sums(terms, np.dtype(narrow)), got.astype("f4").astype(narrow), narrow
        )
    nothing = np.zeros((shape[0], 3, 0), dtype)
    np.testing.assert_array_equal(_core.parameter_sums(nothing, np.dtype(dtype)), np.zeros(3))


@pytest.mark.parametrize("dtype", walk.DTYPES)
@pytest.mark.parametrize(
    "name", [name for name, entry in reference.ACTIVATIONS.items() if entry.by_parameter]
)
def test_both_gradients_in_one_pass_are_those_of_two(name, dtype):
    both, *single = (getattr(_core, f"{name}_backward{s}") for s in ("_both", "", "_by_parameter"))
    for n in (*range(70), 3001):
        x, dy, p = (walk.values(n, dtype, k) for k in (1, 2, 3))
        for parameter in (p, p[:1] if n else p, p[::-1]):
            wanted = [f(dy, x, parameter) for f in single]
            assert [a.dtype for a in wanted] == [walk.DTYPES[dtype]] * 2
            for got, one in zip(both(dy, x, parameter), wanted, strict=True):
                walk.assert_same_bits(got, one, n)
            own, other = x.copy(), dy.copy()
            both(other, own, parameter, out=(own, other))
            walk.assert_same_bits(own, wanted[0], n)
            walk.assert_same_bits(other, wanted[1], n)
            swapped = x.astype(x.dtype.newbyteorder())
            apart = np.zeros((2, 3 * n), x.dtype)[:, 1::3]  # every third element, to be written last to first
            both(np.repeat(dy, 3)[::3], swapped, parameter, out=(apart[0, ::-1], apart[1]))
            walk.assert_same_bits(apart[0, ::-1], wanted[0], n)
            walk.assert_same_bits(apart[1], wanted[1], n)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_out(name, dtype):
    op = getattr(fa, name)
    dy, x, p = operands((6, 4), (4,), dtype)
    grad, dp = op.backward(dy, x, p)
    for choose in (
        (lambda a, b: a),
        (lambda a, b: (a, None)),
        (lambda a, b: (a, b)),
        (lambda a, b: (None, b)),
    ):
        outs = choose(np.zeros_like(x), np.zeros_like(p))
        got = op.backward(dy, x, p, out=outs)
        for result, out in zip(got, outs if isinstance(outs, tuple) else (outs, None), strict=True):
            assert out is None or result is out
        walk.assert_same_bits(got[0], grad, name)
        walk.assert_same_bits(got[1], dp, name)
    for k in (0, 1):  # over grad_output, over the input
        given = [dy.copy(), x.copy()]
        got = op.backward(*given, p, out=given[k])
        walk.assert_same_bits(got[0], grad, k)
        walk.assert_same_bits(got[1], dp, k)


@pytest.mark.parametrize("name", NAMES)
def test_errors(name):
    op, parameter = getattr(fa, name), names(getattr(fa, name))[1]
    dy, x, p = operands((6, 4), (4,), "float32")

    def wider(out):  # inputs would broadcast to it, and be summed twice
        op.backward(dy, x, p, out=np.stack([out, out]))

    def refused(error, words, call):
        out = (np.full_like(x, 7), np.full_like(p, 7))
        with pytest.raises(error, match=words):
            call(out)
        assert (out[0] == 7).all() and (out[1] == 7).all()

    refused(ValueError, r"out must have shape \(6, 4\), got \(2, 6, 4\)", lambda o: wider(o[0]))
    refused(ValueError, "must not share memory", lambda o: op.backward(x, x, x, out=(o[0], o[0])))
    refused(
        ValueError, f"{parameter} must have 6 entries.*got 4", lambda o: op.backward(dy, x, p, axis=0, out=o)
    )
    refused(
        ValueError,
        "axis must be one of the 2 of input, got 2",
        lambda o: op.backward(dy, x, p, axis=2, out=o),
    )
    refused(TypeError, "axis must be an int", lambda o: op.backward(dy, x, p, axis=1.0, out=o))
    refused(
        ValueError,
        rf"{parameter} must be 1-d where.*\(1, 4\)",
        lambda o: op.backward(dy, x, p[None], axis=1, out=o),
    )
    refused(ValueError, "broadcast", lambda o: op.backward(dy, x, p[:3], out=o))
    refused(TypeError, "nonsense", lambda o: op.backward(dy, x, p, nonsense=1, out=o))
    refused(ValueError, "pair", lambda o: op.backward(dy, x, p, out=(*o, None)))
    refused(
        ValueError,
        rf"{parameter} must have shape \(4,\)",
        lambda o: op.backward(dy, x, p, out=(o[0], np.ones(3))),
    )
    with pytest.raises(ValueError, match=f"{parameter} must have 6 entries"):
        op(x, p, axis=0)
    with pytest.raises(ValueError, match="axis must be one of the 2 of input, got 5"):
        op.derivative(x, p, axis=5)
    with pytest.raises(TypeError, match="by position"):
        op(x, p, None, o := np.full_like(x, 7), axis=1)
    assert (o == 7).all()
    text = op.backward.__doc__
    assert parameter in text and f"fastact.{name}" in text and "Returns" in text


@pytest.mark.parametrize("name", NAMES)
def test_dask(name):
    op = getattr(fa, name)
    dy, x, p = operands(SHAPE, (4, 1), "float32")
    lazy = [da.from_array(a, chunks=(2, 4, 3)) for a in (dy, x)]
    grad, dp = op.backward(*lazy, p)
    assert isinstance(grad, da.Array) and isinstance(dp, da.Array)
    wanted = op.backward(dy, x, p)
    walk.assert_same_bits(grad.compute(), wanted[0], name)
    np.testing.assert_allclose(dp.compute(), wanted[1], rtol=2 * np.finfo(np.float32).eps)
    walk.assert_same_bits(op(lazy[1], p[:, 0], axis=1).compute(), op(x, p), name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_parameters_and_inputs(dtype):
    """What is finite comes out finite, and as precise as ever: steps in between must not overflow."""
    most = float(np.finfo(dtype).max)
    large, table = float(np.sqrt(most)) / 8, _core.table()["activation"]

    def judge(name, order, got, exact):
        bound = table[name]["ulp"][dtype][order] + 2
        assert (error := ulp.exact_error(float(got), exact, dtype)) <= bound, f"{name} {order}: {error} ulp"

    swish, elu, squareplus = (reference.ACTIVATIONS[name] for name in ("swish", "elu", "squareplus"))
    one, narrow = np.ones(1, dtype), np.dtype(dtype).type
    for x in map(narrow, (large, -large)):
        for beta in map(narrow, (0.0, 1e-3 / large)):
            _, dbeta = fa.swish.backward(one, np.array([x]), np.array([beta]))
            judge("swish", 1, dbeta[0], swish.by_parameter(mpf(float(x)), mpf(float(beta))))
    for x in map(narrow, (2.0**29, -(2.0**31), large, -large, most, -most)):
        for u in (0.0, 1e-3, -0.5, 3.0, -20.0, 80.0, -80.0):
            beta = narrow(u / float(x))
            judge("swish", 0, fa.swish(x, beta), swish.value(mpf(float(x)), mpf(float(beta))))
    for alpha in map(narrow, (most / 2, float(np.finfo(dtype).tiny) * 4)):
        slope = fa.elu.derivative(narrow(-0.5), alpha)
        judge("elu", 1, slope, elu.first(mpf(-0.5), mpf(float(alpha))))
    b = narrow(most / 4)
    for ratio in (-3.0, -1.0, 0.5, 2.0):
        x = narrow(ratio * np.sqrt(float(b)))
        judge("squareplus", 0, fa.squareplus(x, b), squareplus.value(mpf(float(x)), mpf(float(b))))
        for k, exact in ((1, squareplus.first), (2, squareplus.second)):
            got = fa.squareplus.derivative(x, b, order=k)
            judge("squareplus", k, got, exact(mpf(float(x)), mpf(float(b))))


def test_negative_zero_is_kept():
    for name in ("swish", "mish", "silu", "gelu", "quick_gelu", "hardswish", "tanhshrink"):
        zeros = getattr(fa, name)(np.array([-0.0, -np.inf if name != "tanhshrink" else -0.0], np.float32))
        assert (zeros == 0).all() and np.signbit(zeros).all(), name
