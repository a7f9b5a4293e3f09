"""linear_cross_entropy against its definition, all logits at once in extended precision.

Errors are judged in units of the last place of the sums' magnitudes: what the terms of each sum
are in absolute value, times what an error of a logit, a sum of D products, does to them.
"""

import inspect
import pickle
import tracemalloc
import warnings
from itertools import product

import ml_dtypes
import numpy as np
import pytest

import fastact as fa
from fastact import _core
from fastact._losses import linear

op = fa.linear_cross_entropy
D, V = 12, 19
DTYPES = ["float32", "float64"]
REDUCTIONS = ["none", "mean", "sum"]
BOUND = 2  # eps


@pytest.fixture
def small(monkeypatch):
    """Chunks of four float32 or two float64 rows, blocks of five classes or two."""
    monkeypatch.setattr(linear, "CHUNK_BYTES", 4 * (V + 3 * D) * 4)
    monkeypatch.setattr(linear, "BLOCK_BYTES", 5 * D * 4)


def exact(x, w, t, linear_bias=None, weight=None, reduction="mean", ignore_index=-100, label_smoothing=0.0,
          z_loss=0.0):  # fmt: skip
    """(value, gradients, Hessian diagonals), each a pair of what it is and of its magnitude."""
    x, w = (np.asarray(a).astype(np.longdouble) for a in (x, w))
    b = np.zeros(len(w), np.longdouble) if linear_bias is None else np.asarray(linear_bias, np.longdouble)
    c = np.ones(len(w), np.longdouble) if weight is None else np.asarray(weight, np.longdouble)
    t = np.asarray(t)
    live = t != ignore_index
    x, label, s, zl = np.where(live[:, None], x, 0), np.where(live, t, 0), label_smoothing, z_loss
    q = ((1 - s) * np.eye(len(w))[label] + np.longdouble(s) / max(len(w), 1)) * c * live[:, None]
    z = x @ w.T + b
    top = z.max(axis=1, keepdims=True, initial=-np.inf)
    lse = top + np.log(np.exp(z - top).sum(axis=1, keepdims=True))
    p, total = np.exp(z - lse) * live[:, None], q.sum(axis=1, keepdims=True)
    denominator = c[label[live]].sum()
    scale = {"mean": 1 / denominator if denominator else 0}.get(reduction, 1)
    slope = total + 2 * zl * lse
    value = ((q * (lse - z)).sum(axis=1) + live * zl * lse[:, 0] ** 2) * scale
    g = (slope * p - q) * scale
    h = (slope * p * (1 - p) + 2 * zl * p * p) * scale
    mean = p @ w
    by_x = (slope * (p @ w**2 - mean**2) + 2 * zl * mean**2) * scale

    size = (np.abs(x) @ np.abs(w).T + np.abs(b)).max(axis=1, keepdims=True, initial=0) + 1
    steep = (total + 2 * zl * (size + np.abs(lse))) * size * scale
    gs = steep * (p + q)
    values = (steep * (1 + np.abs(lse) + size) * live[:, None])[:, 0]
    grads = [(g @ w, gs @ np.abs(w)), (g.T @ x, gs.T @ np.abs(x)), (g.sum(axis=0), gs.sum(axis=0))]
    hs = steep * p
    hesses = [(by_x, hs @ w**2), (h.T @ x**2, hs.T @ x**2), (h.sum(axis=0), hs.sum(axis=0))]
    n = 2 + (linear_bias is not None)
    return (value, values) if reduction == "none" else (value.sum(), values.sum()), grads[:n], hesses[:n]


def check(got, wanted, dtype, bound=BOUND):
    value, size = wanted
    assert np.shape(got) == np.shape(value)
    assert np.isfinite(got).all()
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).smallest_subnormal
    error = np.abs(np.asarray(got).astype(np.longdouble) - value)
    assert (error <= bound * eps * size + tiny).all(), (error / (eps * size + tiny)).max()


def case(rows, dtype, rng, ignored=False):
    x, w = rng.normal(size=(rows, D)).astype(dtype), rng.normal(size=(V, D)).astype(dtype)
    t = rng.integers(0, V, rows)
    t[rng.random(rows) < 0.3 * ignored] = -7
    return x, w, t


OPTIONS = list(product((False, True), (False, True), (False, True), (0.0, 0.1), (0.0, 0.2)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("biased", "weighted", "ignored", "smoothing", "z"), OPTIONS)
def test_options(biased, weighted, ignored, smoothing, z, reduction, dtype, rng, small):
    x, w, t = case(9, dtype, rng, ignored)
    options = {"reduction": reduction, "label_smoothing": smoothing, "z_loss": z, "ignore_index": -7}
    if biased:
        options["linear_bias"] = rng.normal(size=V).astype(dtype)
    if weighted:
        options["weight"] = (rng.uniform(0.2, 3, V) * (rng.random(V) < 0.8)).astype(dtype)
    value, grads, hesses = exact(x, w, t, **options)
    got, got_grads = op.value_and_grad(x, w, t, **options)
    assert type(got) is (np.ndarray if reduction == "none" else float)
    check(got, value, dtype)
    only_grads, got_hesses = op.grad_and_hess(x, w, t, **options)
    for found, wanted in ((got_grads, grads), (only_grads, grads), (got_hesses, hesses)):
        assert type(found) is tuple and len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            assert a.dtype == dtype
            check(a, b, dtype)
    assert np.array_equal(op(x, w, t, **options), got), "the value is the fused value, bitwise"
    for same in (op.grad(x, w, t, **options), op.backward(1.0, x, w, t, **options)):
        for a, b in zip(same, got_grads, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [*range(14), 16, 17, 100])
def test_around_chunks(rows, dtype, rng, small):
    x, w, t = case(rows, dtype, rng)
    bias = rng.normal(size=V).astype(dtype)
    value, grads, hesses = exact(x, w, t, linear_bias=bias)
    got, got_grads = op.value_and_grad(x, w, t, linear_bias=bias)
    check(got, value, dtype)
    for a, b in zip(got_grads, grads, strict=True):
        check(a, b, dtype)
    for a, b in zip(op.grad_and_hess(x, w, t, linear_bias=bias)[1], hesses, strict=True):
        check(a, b, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("steep", [1e-3, 1.0, 8.0, 32.0])
@pytest.mark.parametrize("seen", [False, True])
def test_curvature_does_not_cancel(seen, steep, dtype, rng, small):
    """Weights that lie far from zero and near each other, which logits may show, and rows that are nearly
    sure of a class."""
    x, w, t = case(40, dtype, rng)
    x *= np.dtype(dtype).type(steep)
    w[:, :6] += 1000
    if not seen:
        x[:, :6] = 0
    by_x = op.grad_and_hess(x, w, t, reduction="sum")[1][0]
    wide_x, wide_w = x.astype(np.longdouble), w.astype(np.longdouble)
    wide_w -= wide_w.mean(axis=0)
    z = wide_x @ wide_w.T
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    away = wide_w - (p @ wide_w)[:, None]
    wanted = (p[:, :, None] * away**2).sum(axis=1)
    size = 1 + (np.abs(wide_x) @ np.abs(wide_w).T).max(axis=1, keepdims=True)  # what a logit's error is of
    tiny = 100 * np.finfo(dtype).smallest_subnormal  # of probabilities, times squares
    error = np.abs(by_x - wanted) / (np.finfo(dtype).eps * size * wanted + tiny)
    assert error.max() <= 3 * BOUND, (
        error.max()
    )  # of probabilities, off by 2 eps too, and a sum of their products


@pytest.fixture
def machine():
    """Sets what the core computes with, until the test ends."""
    before = _core.get_isa(), fa.get_num_threads()

    def use(isa, threads):
        _core.set_isa(isa)
        fa.set_num_threads(threads)

    yield use
    use(*before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (3, 31, 7), (33, 32, 64), (70, 33, 65), (5, 100, 129), (2, 0, 3)]
)
def test_column_spread(shape, dtype, machine, rng):
    """Moments about a row: their errors, and the same bits from all threads and instruction sets."""
    count, rows, columns = shape
    p = rng.random((count, rows + 5)).astype(dtype)[:, 2 : rows + 2]
    w, about = rng.normal(size=(rows, columns)).astype(dtype), rng.normal(size=(count, columns)).astype(dtype)
    found = {}
    for isa in fa.config()["available_isas"]:
        for threads in (1, 2):
            machine(isa, threads)
            first, second = np.ones((count, columns)), np.full((count, columns), 2.0)
            _core.column_moments(p, w, about, first, second)
            found[isa, threads] = first, second
    away = w.astype(np.longdouble) - about[:, None]
    weights, eps = p.astype(np.longdouble)[:, :, None], np.finfo(dtype).eps
    first, second = found[fa.config()["available_isas"][0], 1]
    assert (
        np.abs(first - 1 - (weights * away).sum(axis=1)) <= 20 * eps * (weights * abs(away)).sum(axis=1)
    ).all()
    assert (
        np.abs(second - 2 - (weights * away**2).sum(axis=1)) <= 20 * eps * (weights * away**2).sum(axis=1)
    ).all()
    for (isa, _), got in found.items():
        for a, b in zip(got, (first, second), strict=True):
            if isa != "baseline":
                np.testing.assert_array_equal(a, b)
            np.testing.assert_allclose(a, b, rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_upstream_gradient(reduction, rng, small):
    x, w, t = case(11, "float64", rng, ignored=True)
    dy = rng.normal(size=11) if reduction == "none" else np.float64(-2.5)
    g = fa.cross_entropy.backward(dy, x @ w.T, t, reduction=reduction, ignore_index=-7)
    by_x, by_w = op.backward(dy, x, w, t, reduction=reduction, ignore_index=-7)
    np.testing.assert_allclose(by_x, g @ w, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(by_w, g.T @ x, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16], ids=str)
def test_narrow_types(dtype, rng, small):
    """What float32 gives, rounded once."""
    x, w, t = case(11, dtype, rng)
    bias = rng.normal(size=V).astype(dtype)
    wide = [a.astype(np.float32) for a in (x, w)]
    options = {"label_smoothing": 0.1, "reduction": "none"}
    want, want_grads = op.value_and_grad(*wide, t, linear_bias=bias.astype(np.float32), **options)
    got, got_grads = op.value_and_grad(x, w, t, linear_bias=bias, **options)
    for a, b in zip((got, *got_grads), (want, *want_grads), strict=True):
        assert a.dtype == dtype
        eps = float(ml_dtypes.finfo(dtype).eps)
        np.testing.assert_allclose(a.astype(np.float32), b, rtol=0.51 * eps, atol=1e-5)
    hesses = op.grad_and_hess(x, w, t, linear_bias=bias)[1]
    assert all(a.dtype == dtype for a in hesses)
    assert type(op(x, w, t)) is float


def test_types_are_the_inputs(rng):
    x, w, t = case(5, "float32", rng)
    for a in op.grad(x, w.astype(np.float64), t, linear_bias=np.zeros(V)):
        assert a.dtype == np.float32
    for a in op.grad(np.ones((5, D), int), w, t):
        assert a.dtype == np.float64


def test_leading_axes_and_layouts(rng, small):
    x, w, t = case(24, "float32", rng)
    bias = rng.normal(size=V).astype("f4")
    want, grads = op.value_and_grad(x, w, t, linear_bias=bias)
    none = op(x, w, t, linear_bias=bias, reduction="none")
    cube = op(x.reshape(2, 3, 4, D), w, t.reshape(2, 3, 4), linear_bias=bias, reduction="none")
    assert cube.shape == (2, 3, 4)
    np.testing.assert_array_equal(cube.reshape(-1), none)
    spread = np.zeros((24, 2 * D), "f4")[:, ::2]
    spread[...] = x
    layouts = [np.asfortranarray(x), spread, x.astype(">f4"), np.moveaxis(x.reshape(2, 12, D).copy(), 0, 1)]
    for a in layouts[:3]:
        for b in (np.asfortranarray(w), w[::-1].copy()[::-1], w.astype(">f4"), np.repeat(w, 2, 1)[:, ::2]):
            got, got_grads = op.value_and_grad(a, b, t.astype("u1"), linear_bias=bias[::-1].copy()[::-1])
            np.testing.assert_allclose(got, want, rtol=1e-6)
            for g, h in zip(got_grads, grads, strict=True):
                np.testing.assert_allclose(g, h, rtol=1e-5, atol=1e-6)
    got = op.grad(layouts[3], w, t.reshape(2, 12).T, linear_bias=bias)
    np.testing.assert_allclose(np.moveaxis(got[0], 1, 0).reshape(24, D), grads[0], rtol=1e-5, atol=1e-6)
    one = op.value_and_grad(x[0], w, t[0], reduction="none")
    assert one[0].shape == () and one[1][0].shape == (D,)
    np.testing.assert_allclose(one[0], op(x[:1], w, t[:1]), rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, D, V), (3, 0, V), (0, 0, V), (0, D, 0)])
def test_no_rows_features_or_classes(shape):
    n, d, v = shape
    value, (by_x, by_w, by_b) = op.value_and_grad(
        np.zeros((n, d)), np.zeros((v, d)), np.zeros(n, int), linear_bias=np.zeros(v)
    )
    assert by_x.shape == (n, d) and by_w.shape == (v, d) and by_b.shape == (v,)
    np.testing.assert_allclose(value, np.log(v) if n else 0.0)
    assert n or ((by_w == 0).all() and (by_b == 0).all())


def test_ignored_rows_count_for_nothing_whatever_they_hold(rng, small):
    """0 * NaN would be NaN in the gradient by linear_weight."""
    x, w, t = case(20, "float64", rng, ignored=True)
    live = t != -7
    x[~live] = np.nan
    want, (by_x, by_w) = op.value_and_grad(x[live], w, t[live])
    got, (dx, dw) = op.value_and_grad(x, w, t, ignore_index=-7)
    np.testing.assert_allclose(got, want, rtol=1e-14)
    np.testing.assert_allclose(dw, by_w, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(dx[live], by_x, rtol=1e-12, atol=1e-15)
    assert (dx[~live] == 0).all()
    got, (dx, dw) = op.value_and_grad(x, w, np.full(20, -7), ignore_index=-7)
    assert got == 0.0 and (dx == 0).all() and (dw == 0).all()
    _, (hx, hw) = op.grad_and_hess(x, w, t, ignore_index=-7)
    assert (hx[~live] == 0).all() and np.isfinite(hw).all()


def test_infinite_logits_do_not_warn(rng):
    x, w, t = case(6, "float32", rng)
    x[0] = np.inf
    with np.errstate(all="raise"):
        assert np.isnan(op.value_and_grad(x, w, t)[0])


def test_no_ignore_index_is_the_default_one(rng):
    """As it is to PyTorch's function of this name."""
    x, w, t = case(6, "float32", rng)
    t[2] = -100
    value, grads = op.value_and_grad(x, w, t, ignore_index=None)
    wanted, wanted_grads = op.value_and_grad(x, w, t)
    assert value == wanted == op(x, w, t, ignore_index=None)
    for a, b in zip(grads, wanted_grads, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_results_beyond_a_type_are_infinite_without_warnings(dtype, reduction, rng):
    large, t = float(ml_dtypes.finfo(dtype).max) / 4, [0, 0]
    x, w = np.full((2, 3), large).astype(dtype), np.ones((4, 3), dtype)
    w[0] = -2
    if dtype != "float16":
        x, w = np.ones((2, 3), dtype), w * w.dtype.type(1e18)
    options = {"linear_bias": np.zeros(4, dtype), "reduction": reduction}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        op(x, w, t, **options)
        grads = op.backward(large, x, w, t, **options)
        op.grad_and_hess(x, w, t, **options)
        wide = [np.asarray(a, "f4") for a in (x, w)]
        op.backward(1e9, *wide, t, out=(np.zeros((2, 3), "f2"), np.zeros((4, 3), "f2")))
    assert any(np.isinf(np.asarray(g, "f4")).any() for g in grads)


# ---- out= ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", *DTYPES])
@pytest.mark.parametrize("ignored", [False, True])
def test_out(dtype, ignored, rng, small):
    x, w, t = case(21, dtype, rng, ignored)
    bias = rng.normal(size=V).astype(dtype)
    options = {"linear_bias": bias, "ignore_index": -7}
    value, grads = op.value_and_grad(x, w, t, **options)
    fresh = tuple(np.full_like(a, 9) for a in grads)
    strided = (np.zeros((21, 2 * D), dtype)[:, ::2], np.zeros((D, V), dtype).T, np.zeros(2 * V, dtype)[::2])
    own = (x.copy(), w.copy(), bias.copy())
    for out, args in (
        (fresh, (x, w, bias)),
        (strided, (x, w, bias)),
        ((own[0], fresh[1], fresh[2]), (own[0], w, bias)),
    ):
        got, found = op.value_and_grad(*args[:2], t, **{**options, "linear_bias": args[2]}, out=out)
        assert got == value and all(a is b for a, b in zip(found, out, strict=True))
        for a, b in zip(out, grads, strict=True):
            np.testing.assert_array_equal(a, b)
    own = (x.copy(), w.copy(), bias.copy())
    op.grad(*own[:2], t, linear_bias=own[2], ignore_index=-7, out=own)
    for a, b in zip(own, grads, strict=True):
        np.testing.assert_array_equal(a, b)
    square = w[:, :D].copy()
    want = op.grad(square.copy(), square.copy(), t[:V], ignore_index=-7)
    op.grad(square, square, t[:V], ignore_index=-7, out=(square, fresh[1]))
    np.testing.assert_array_equal(square, want[0])
    np.testing.assert_array_equal(fresh[1], want[1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_out_of_grad_and_hess(dtype, rng, small):
    x, w, t = case(21, dtype, rng)
    grads, hesses = op.grad_and_hess(x, w, t, z_loss=0.1)
    own, out = x.copy(), (np.empty_like(w), np.empty_like(x), np.empty_like(w))
    op.grad_and_hess(own, w, t, z_loss=0.1, out=((own, out[0]), out[1:]))
    for a, b in zip((own, *out), (*grads, *hesses), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- memory -------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["value_and_grad", "grad_and_hess"])
def test_memory(call, rng):
    """Beside arguments and results at most 64 MiB, of 244 MiB of logits."""
    n, d, v = 2000, 64, 32000
    x, w = rng.normal(size=(n, d)).astype("f4"), rng.normal(size=(v, d)).astype("f4")
    t, out = rng.integers(0, v, n), (np.empty_like(x), np.empty_like(w))
    if call == "grad_and_hess":
        out = (out, (np.empty_like(x), np.empty_like(w)))
    tracemalloc.start()
    getattr(op, call)(x, w, t, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 40 << 20 < peak <= 64 << 20


# ---- refused ------------------------------------------------------------------------


def out_pair():
    return np.full((4, D), 7, "f4"), np.full((V, D), 7, "f4")


X, W, T = np.ones((4, D), "f4"), np.ones((V, D), "f4"), np.array([0, 1, 2, 3])
REFUSED = [
    (IndexError, ["target", "19", "row 2"], {"target": [0, 1, V, 2]}),
    (IndexError, ["target", "-1", "linear_weight"], {"target": [0, 1, 2, -1]}),
    (IndexError, ["target"], {"target": np.array([0, 1, 2, 2**64 - 100], "u8")}),
    (IndexError, ["target"], {"target": np.array([0, 1, 2, 2**63 + 5], "u8"), "ignore_index": 2**63 - 1}),
    (TypeError, ["target"], {"target": np.zeros(4)}),
    (ValueError, ["target", "(4,)"], {"target": [0, 1, 2]}),
    (ValueError, ["linear_weight", "12"], {"linear_weight": np.ones((V, D + 1))}),
    (ValueError, ["linear_weight"], {"linear_weight": np.ones(D)}),
    (TypeError, ["linear_weight"], {"linear_weight": W.astype(complex)}),
    (ValueError, ["linear_bias", "19"], {"linear_bias": np.ones(V + 1)}),
    (TypeError, ["linear_bias"], {"linear_bias": np.ones(V, complex)}),
    (ValueError, ["weight", "19"], {"weight": np.ones(V + 1)}),
    (TypeError, ["input"], {"input": X.astype(complex)}),
    (ValueError, ["input"], {"input": np.float32(1)}),
    (ValueError, ["label_smoothing"], {"label_smoothing": 1.5}),
    (ValueError, ["z_loss"], {"z_loss": -1.0}),
    (TypeError, ["ignore_index"], {"ignore_index": 0.5}),
    (ValueError, ["reduction"], {"reduction": "median"}),
    (TypeError, ["axis"], {"axis": 1}),
    (TypeError, ["out", "three", "got a tuple of 2"], {"linear_bias": np.ones(V)}),
]


@pytest.mark.parametrize(("error", "words", "given"), REFUSED)
def test_refused(error, words, given, monkeypatch):
    """Nothing is written, also where only the last chunk has a bad label."""
    monkeypatch.setattr(linear, "CHUNK_BYTES", 1)
    out = out_pair()
    arguments = {"input": X, "linear_weight": W, "target": T} | given
    with pytest.raises(error) as caught:
        op.grad(**arguments, out=out)
    assert all(word in str(caught.value) for word in words), caught.value
    assert all((a == 7).all() for a in out)


def test_refused_outputs():
    x, w = out_pair()
    for out in (x, (x,), [x, w], (x, w, w)):
        with pytest.raises(TypeError, match=r"out must be a tuple of two arrays"):
            op.grad(X, W, T, out=out)
    with pytest.raises(ValueError, match=r"out\[1\] must have shape"):
        op.grad(X, W, T, out=(x, x.copy()))
    with pytest.raises(ValueError, match=r"out\[0\] and out\[1\] must not share memory"):
        op.grad(X, X, [0, 1, 2, 3], out=(x, x))
    with pytest.raises(ValueError, match=r"out\[1\] must be writable, got a read-only"):
        op.grad(X, W, T, out=(x, np.broadcast_to(np.float32(7), w.shape)))
    with pytest.raises(ValueError, match="must not share memory"):
        op.grad_and_hess(X, W, T, out=((x, w), (x, w.copy())))
    with pytest.raises(ValueError, match="grad_output"):
        op.backward(np.ones(3), X, W, T, reduction="none", out=(x, w))
    assert (x == 7).all() and (w == 7).all()


def test_object():
    assert pickle.loads(pickle.dumps(op)) is op
    assert list(inspect.signature(op).parameters)[:3] == ["input", "linear_weight", "target"]
    assert op in fa.list_ops("loss")


@pytest.mark.parametrize("size", [1e-300, 1e-50, 1e50, 1e300])
def test_a_mean_does_not_depend_on_the_size_of_weights(size, rng):
    """Though float32 has none so small or large."""
    x, w = rng.normal(size=(6, 4)).astype("f4"), rng.normal(size=(5, 4)).astype("f4")
    labels, weight = np.array([1, 1, 2, -100, 4, 3]), np.array([1e-30, 1.0, 2.0, 0.5, 3.0])

    def results(weight):
        value, grads = fa.linear_cross_entropy.value_and_grad(x, w, labels, weight=weight)
        return value, *grads, *fa.linear_cross_entropy.grad_and_hess(x, w, labels, weight=weight)[1]

    for got, wanted in zip(results(weight * size), results(weight), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


def test_labels_that_change_meanwhile(monkeypatch, rng):
    """They count as they were when they were checked."""
    monkeypatch.setattr(linear, "CHUNK_BYTES", 1)
    x, w, t = case(5, "float32", rng)
    wanted = op.grad_and_hess(x, w, t)
    class_loss, mine = _core.class_loss, t.copy()

    def disturbed(*arguments):
        mine[...] = 2**40
        return class_loss(*arguments)

    monkeypatch.setattr(_core, "class_loss", disturbed)
    for got, exact in zip(op.grad_and_hess(x, w, mine), wanted, strict=True):
        for a, b in zip(got, exact, strict=True):
            np.testing.assert_array_equal(a, b)
