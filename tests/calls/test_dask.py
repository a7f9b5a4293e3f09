"""Dask arrays: lazy until computed, right in every block, and picklable to workers."""

import dask
import dask.array as da
import distributed
import numpy as np
import pytest
from support import walk
from support.walk import assert_same_bits

import fastact as fa

SHAPE, CHUNKS = (60, 14), (25, 5)
F4 = np.dtype("f4")


def _lazy(array, chunks):
    return da.from_array(array, chunks=chunks)


def _computed(*lazies):
    """What they hold, computed in one go: of one array, or a list."""
    assert all(isinstance(lazy, da.Array) for lazy in lazies), lazies
    found = dask.compute(*lazies, scheduler="sync")
    return found if len(lazies) > 1 else found[0]


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("part", walk.parts(), ids=lambda p: p.__name__)
def test_activations_stay_lazy(part):
    arrays = [walk.values(SHAPE, F4, k) for k in range(2 if "backward" in part.__name__ else 1)]
    lazy = part(*(_lazy(a, CHUNKS) for a in arrays), *walk.required(part))
    assert lazy.dtype == F4
    assert lazy.chunks == _lazy(arrays[0], CHUNKS).chunks
    assert_same_bits(_computed(lazy), part(*arrays, *walk.required(part)))


def test_activation_options():
    x, slope = walk.values(SHAPE, F4, 1), walk.positive(SHAPE[1], F4, 2)
    lazy = _lazy(x, CHUNKS)
    assert_same_bits(_computed(fa.gelu(lazy, approximate="tanh")), fa.gelu(x, approximate="tanh"))
    assert_same_bits(_computed(fa.silu.derivative(lazy, order=2)), fa.silu.derivative(x, order=2))
    assert_same_bits(_computed(fa.leaky_relu(lazy, _lazy(slope, 5))), fa.leaky_relu(x, slope))
    assert_same_bits(_computed(fa.leaky_relu(lazy, negative_slope=0.2)), fa.leaky_relu(x, 0.2))


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_ops_stay_lazy(op):
    for axis in (-1, 0):
        args = op.operands(SHAPE, F4, axis)
        chunks = (25, -1) if axis else (-1, 5)
        lazies = [_lazy(a, chunks if a.ndim == 2 else max(chunks)) for a in args]
        lazy = op.function(*lazies, axis=axis)
        assert lazy.dtype == F4
        wanted = op.function(*args, axis=axis)
        assert lazy.shape == wanted.shape
        assert_same_bits(_computed(lazy), wanted, axis)


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_masks(op):
    args, mask = (
        op.operands(SHAPE, F4),
        walk.integers(SHAPE[0] * SHAPE[1], 3).reshape(SHAPE) % np.uint64(2) > 0,
    )
    lazies = [_lazy(a, (25, -1)[: a.ndim]) for a in args]
    wanted = op.function(*args, where=mask)
    assert_same_bits(_computed(op.function(*lazies, where=_lazy(mask, (25, -1)))), wanted)
    assert_same_bits(_computed(op.function(*lazies, where=mask)), wanted)


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_row_axis_tuple(op):
    shape = (12, 4, 5)
    args = op.operands(shape, F4, (1, 2))
    lazies = [_lazy(a, (5, -1, -1)[: a.ndim]) for a in args]
    assert_same_bits(_computed(op.function(*lazies, axis=(1, 2))), op.function(*args, axis=(1, 2)))


@pytest.mark.parametrize("op", walk.rows(), ids=lambda op: op.name)
def test_chunked_rows_are_refused(op):
    args = op.operands(SHAPE, F4)
    lazies = [_lazy(a, CHUNKS[: a.ndim]) for a in args]
    for axis in (-1, (0, 1)):
        with pytest.raises(ValueError, match=r"chunks along axis .*rechunk"):
            op.function(*lazies, axis=axis)


@pytest.mark.parametrize("op", [op for op in walk.rows() if op.variant], ids=lambda op: op.name)
def test_row_gradients_in_other_chunks(op):
    """And one argument a NumPy array."""
    for axis, chunks in ((-1, (25, -1)), (0, (-1, 5))):
        dy, x = op.operands(SHAPE, F4, axis)
        kept = tuple(c + 3 if c != -1 else c for c in chunks if not op.reduces or c != -1)
        lazy_dy, lazy_x = _lazy(dy, kept), _lazy(x, chunks)
        wanted = op.function(dy, x, axis=axis)
        for arguments in ((lazy_dy, lazy_x), (dy, lazy_x), (lazy_dy, x)):
            assert_same_bits(_computed(op.function(*arguments, axis=axis)), wanted, axis)
    if not op.reduces:
        with pytest.raises(ValueError, match="grad_output has 2 chunks along axis 0"):
            op.function(_lazy(dy, 30), lazy_x, axis=0)


@pytest.mark.parametrize("op", [op for op in walk.rows() if op.reduces], ids=lambda op: op.name)
@pytest.mark.parametrize("axis", [1, (1, 2)])
def test_row_keepdims(op, axis):
    x = walk.values((12, 4, 5), F4, 1)
    wanted = getattr(fa, op.op)(x, axis=axis, keepdims=True)
    arrays = [wanted, x] if op.variant else [x]
    lazies = [_lazy(a, (5, -1, -1)) for a in arrays]
    got = op.function(*lazies, axis=axis, keepdims=True)
    assert_same_bits(_computed(got), op.function(*arrays, axis=axis, keepdims=True))


# ---- losses -----------------------------------------------------------------------

# float16 and float64 differ most from what other tests take
TYPES = [
    pytest.param(dtype, id=name, marks=[] if name in ("float16", "float64") else pytest.mark.slow)
    for name, dtype in walk.DTYPES.items()
]
LOSSES = [
    (name, soft) for name in walk.losses() for soft in (False, True) if not soft or name == "cross_entropy"
]


def _loss_case(name, soft):
    """Arrays, and the same as Dask arrays; a row of classes lies in one chunk."""
    x, t, options = walk.loss_operands(name, SHAPE, F4, soft=soft)
    chunks = (25, -1) if name in walk.class_losses() else CHUNKS
    return x, t, options, _lazy(x, chunks), _lazy(t, chunks[: t.ndim])


def _close(got, wanted):
    """Blocks' sums are added in another order: a few roundings of float64."""
    assert abs(float(got) - wanted) <= 64 * np.spacing(abs(wanted)), (float(got), wanted)


def _assert_gradient(got, wanted):
    """Scaled by a mean's denominator that another order of additions gave: 1 ulp."""
    got = _computed(got)
    assert got.dtype == wanted.dtype
    assert np.abs(got - wanted).max(initial=0, where=got != wanted) <= np.spacing(np.abs(wanted).max())
    different = got != wanted
    assert (np.abs(got - wanted)[different] <= np.spacing(np.abs(wanted[different]))).all()


@pytest.mark.parametrize(("name", "soft"), LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_stay_lazy(name, soft, weighted):
    op = walk.loss(name)
    x, t, options, lazy_x, lazy_t = _loss_case(name, soft)
    options = options if weighted else {}
    for reduction in ("mean", "sum"):
        kw = {**options, "reduction": reduction}
        value = op(lazy_x, lazy_t, **kw)
        assert isinstance(value, da.Array)
        assert value.shape == ()
        assert value.dtype == np.float64
        _close(_computed(value), op(x, t, **kw))
        value, grad = op.value_and_grad(lazy_x, lazy_t, **kw)
        assert grad.chunks == lazy_x.chunks
        _close(_computed(value), op(x, t, **kw))
        _assert_gradient(grad, op.grad(x, t, **kw))
        _assert_gradient(op.grad(lazy_x, lazy_t, **kw), op.grad(x, t, **kw))
        _assert_gradient(op.backward(0.5, lazy_x, lazy_t, **kw), op.backward(0.5, x, t, **kw))
        for got, wanted in zip(
            op.grad_and_hess(lazy_x, lazy_t, **kw), op.grad_and_hess(x, t, **kw), strict=True
        ):
            _assert_gradient(got, wanted)


@pytest.mark.parametrize(("name", "soft"), LOSSES)
def test_unreduced_losses(name, soft):
    op = walk.loss(name)
    x, t, options, lazy_x, lazy_t = _loss_case(name, soft)
    kw = {**options, "reduction": "none"}
    wanted = op(x, t, **kw)
    assert_same_bits(_computed(op(lazy_x, lazy_t, **kw)), wanted)
    upstream = walk.values(wanted.shape, F4, 9, specials=False)
    lazy_upstream = _lazy(upstream, lazy_x.chunksize[: upstream.ndim])
    assert_same_bits(
        _computed(op.backward(lazy_upstream, lazy_x, lazy_t, **kw)), op.backward(upstream, x, t, **kw)
    )


@pytest.mark.parametrize("name", walk.class_losses())
def test_loss_options(name):
    op = walk.loss(name)
    x, t, options, lazy_x, lazy_t = _loss_case(name, False)
    cases = [{"ignore_index": 3}, {"ignore_index": 3, **options}]
    if name == "cross_entropy":
        cases += [{"z_loss": 0.1}, {"label_smoothing": 0.2, "z_loss": 0.1, "ignore_index": 3, **options}]
    for kw in cases:
        value, grad = op.value_and_grad(lazy_x, lazy_t, **kw)
        wanted = op.value_and_grad(x, t, **kw)
        _close(_computed(value), wanted[0])
        _assert_gradient(grad, wanted[1])
    everything_ignored = _lazy(np.full(SHAPE[0], 3), 25)
    value, grad = op.value_and_grad(lazy_x, everything_ignored, ignore_index=3)
    assert _computed(value) == 0
    assert (_computed(grad) == 0).all()
    cube, labels = walk.loss_operands(name, (12, 7, 10), F4, axis=1)[:2]
    got = op.value_and_grad(_lazy(cube, (5, -1, 4)), _lazy(labels, (5, 4)), axis=1)
    wanted = op.value_and_grad(cube, labels, axis=1)
    _close(_computed(got[0]), wanted[0])
    _assert_gradient(got[1], wanted[1])


@pytest.mark.parametrize(("name", "soft"), [c for c in LOSSES if c[0] in walk.class_losses()])
def test_chunked_classes_are_refused(name, soft):
    x, _, _, _, lazy_t = _loss_case(name, soft)
    for op in (walk.loss(name), walk.loss(name).value_and_grad, walk.loss(name).grad_and_hess):
        with pytest.raises(ValueError, match=r"chunks along class axis .*rechunk"):
            op(_lazy(x, CHUNKS), lazy_t)


@pytest.mark.parametrize("name", walk.losses())
def test_mixed_arguments(name):
    op = walk.loss(name)
    x, t, options, lazy_x, lazy_t = _loss_case(name, False)
    wanted = op(x, t, **options)
    _close(_computed(op(lazy_x, t, **options)), wanted)
    _close(_computed(op(x, lazy_t, **options)), wanted)
    with pytest.raises(TypeError, match="out"):
        op.grad(lazy_x, lazy_t, out=np.empty_like(x))
    with pytest.raises(ValueError, match="reduction"):
        op(lazy_x, lazy_t, reduction="average")


def test_bad_labels_are_found_when_computed():
    _, t, _, lazy_x, _ = _loss_case("cross_entropy", False)
    t = t.copy()
    t[-1] = 99
    for lazy in fa.cross_entropy.value_and_grad(lazy_x, _lazy(t, 25)):
        with pytest.raises(IndexError, match=r"label 99 .*0\.\.13 \(the 14 classes"):
            _computed(lazy)


# ---- losses: types, shapes and chunks -------------------------------------------------


def _agree(op, lazies, arrays, lazy_kw, kw, lazy_dy=1.0, dy=1.0):
    """Everything a loss gives, of Dask arrays as of NumPy arrays."""
    value, grad = op.value_and_grad(*lazies, **lazy_kw)
    results = [value, grad, op.backward(lazy_dy, *lazies, **lazy_kw), *op.grad_and_hess(*lazies, **lazy_kw)]
    exact = op(*arrays, **kw)
    gradients = [
        op.grad(*arrays, **kw),
        op.backward(dy, *arrays, **kw),
        *op.grad_and_hess(*arrays, **kw),
    ]
    if kw["reduction"] != "none":
        assert (value.shape, value.dtype) == ((), np.float64)
    value, *found = _computed(*results)
    if kw["reduction"] == "none":
        found, gradients = [*found, value], [*gradients, exact]
    else:
        assert value == pytest.approx(exact, rel=1e-12, abs=0)
    for got, wanted in zip(found, gradients, strict=True):
        if kw["reduction"] == "mean":  # blocks' sums of weights are added in another order
            wanted = wanted.astype("f8")
            ulps = np.spacing(np.abs(wanted).astype(got.dtype)).astype("f8")
            assert (np.abs(got - wanted) <= (2 if got.dtype == "f8" else 1) * ulps).all()
        else:
            assert_same_bits(got, wanted)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("name", "soft"), LOSSES)
def test_loss_types(name, soft, dtype):
    """Terms of narrow types are not rounded before they are added."""
    x, t, options = walk.loss_operands(name, (300, 7), dtype, soft=soft)
    for reduction in ("mean", "sum", "none"):
        kw = {**options, "reduction": reduction}
        _agree(
            walk.loss(name), (_lazy(x, (64, -1)), _lazy(t, 64 if t.ndim == 1 else (64, -1))), (x, t), kw, kw
        )


# Of no parameter, of one and more, and of two inputs: what broadcasts is seen to in one place.
SOME = ("mse_loss", "huber_loss", "focal_loss", "gaussian_nll_loss")
BROADCAST = [(name, reduction) for name in SOME for reduction in ("mean", "sum", "none")]
BROADCAST += [
    pytest.param(name, "mean", marks=pytest.mark.slow)
    for name in walk.elementwise_losses()
    if name not in SOME
]


@pytest.mark.parametrize(("name", "reduction"), BROADCAST)
def test_broadcast_weights(name, reduction):
    op = walk.loss(name)
    x, t, options, lazy_x, lazy_t = _loss_case(name, False)
    for shape, chunks in ((SHAPE[1:], 3), ((SHAPE[0], 1), (20, 1)), ((1, SHAPE[1]), (1, 4)), ((), ())):
        for option in options:
            weight = walk.loss_option(name, option, shape, F4, 11)
            kw = {option: weight, "reduction": reduction}
            _agree(op, (lazy_x, lazy_t), (x, t), kw, kw)
            lazy_kw = {option: _lazy(weight, chunks), "reduction": reduction}
            _agree(op, (lazy_x, lazy_t), (x, t), lazy_kw, kw)
            _agree(op, (x, t), (x, t), lazy_kw, kw)
    for scalar in (0.25, da.asarray(0.25)):
        _agree(op, (lazy_x, scalar), (x, 0.25), {"reduction": reduction}, {"reduction": reduction})


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "soft"), [c for c in LOSSES if c[0] in walk.class_losses()])
def test_mixed_arguments_of_row_losses(name, soft, reduction):
    """Any of them lazy, in whatever chunks; the class axis anywhere."""
    op = walk.loss(name)
    for axis, chunks in ((-1, (5, 4, -1)), (1, (5, -1, 4)), (0, (-1, 3, 4))):
        x, t, options = walk.loss_operands(name, (12, 7, 10), F4, axis, soft)
        rows = [c for c in chunks if c != -1]
        kw = {**options, "reduction": reduction, "axis": axis, **({} if soft else {"ignore_index": 3})}
        if name == "cross_entropy":
            kw["label_smoothing"] = 0.1
        lazy_kw = {**kw, "weight": _lazy(options["weight"], 3)}
        other = tuple(c if c == -1 else c + 1 for c in chunks)
        lazy_x, lazy_t = _lazy(x, chunks), _lazy(t, other if soft else [c + 1 for c in rows])
        dy = walk.values(op(x, t, **kw | {"reduction": "none"}).shape, F4, 9, specials=False)
        dy = dy if reduction == "none" else dy.reshape(-1)[0]
        lazy_dy = _lazy(np.asarray(dy), 7 if dy.ndim else ())
        for arguments in ((lazy_x, t), (x, lazy_t), (lazy_x, lazy_t)):
            _agree(op, arguments, (x, t), kw, kw, dy, dy)
            _agree(op, arguments, (x, t), lazy_kw, kw, lazy_dy, dy)
        _agree(op, (x, t), (x, t), lazy_kw, kw, lazy_dy, dy)
        assert op.grad(lazy_x, lazy_t, **kw).chunks == lazy_x.chunks
        assert isinstance(op.backward(lazy_dy, x, t, **kw), da.Array)


def test_chunked_probabilities_are_refused():
    x, t, _, lazy_x, _ = _loss_case("cross_entropy", True)
    for first in (x, lazy_x):
        with pytest.raises(ValueError, match=r"target has 3 chunks along class axis 1.*rechunk\(\{1: -1\}\)"):
            fa.cross_entropy(first, _lazy(t, CHUNKS))


@pytest.mark.parametrize("name", walk.losses())
def test_means_over_nothing(name):
    op = walk.loss(name)
    x, t, options = walk.loss_operands(name, (0, 7), F4)
    for kw in ({}, options):
        value, grad = op.value_and_grad(_lazy(x, (3, -1)), _lazy(t, 3 if t.ndim == 1 else (3, -1)), **kw)
        assert _computed(value) == 0.0
        assert_same_bits(_computed(grad), x)
    x, t, options, lazy_x, lazy_t = _loss_case(name, False)
    value, grad = op.value_and_grad(lazy_x, lazy_t, weight=np.zeros_like(options["weight"]))
    assert _computed(value) == 0.0
    assert_same_bits(_computed(abs(grad)), np.zeros_like(x))


@pytest.mark.parametrize("name", walk.losses())
def test_infinite_sums(name):
    """No sum of blocks warns of what its terms are."""
    op = walk.loss(name)
    x, t, _ = walk.loss_operands(name, SHAPE, F4)
    x[0], x[30] = np.inf, -np.inf
    value = op(_lazy(x, (25, -1)), t, reduction="sum")
    assert_same_bits(_computed(value), np.float64(op(x, t, reduction="sum")))


# ---- losses: what is computed when ------------------------------------------------------


def _counting(array, chunks, counted):
    def read(block):
        counted.append(block.shape)
        return block

    return _lazy(array, chunks).map_blocks(read, meta=np.empty((0,) * array.ndim, array.dtype))


@pytest.mark.parametrize(("name", "soft"), LOSSES)
def test_nothing_is_computed_early_or_twice(name, soft, monkeypatch):
    op = walk.loss(name)
    x, t, options, _, lazy_t = _loss_case(name, soft)
    read, computed, weights = [], [], []
    lazy_x, lazy_t = _counting(x, (25, -1), read), _counting(t, (25, -1)[: t.ndim], read)
    options = {k: _counting(w, -1 if w.ndim == 1 else (25, -1), weights) for k, w in options.items()}
    kind = type(getattr(op, "op", op))
    compute = kind._compute

    def counting(self, operands, *rest):
        computed.append(operands[0].size)
        return compute(self, operands, *rest)

    monkeypatch.setattr(kind, "_compute", counting)
    results = [*op.value_and_grad(lazy_x, lazy_t, **options)]
    assert not read + weights
    assert sum(computed) == 0
    da.compute(*results, scheduler="sync")
    assert sum(computed) == x.size
    assert len(read) == 3 + 3  # class weights not: Dask makes them part of each task that reads them


@pytest.mark.parametrize("name", walk.losses())
def test_means_do_not_wait_for_the_input(name):
    """Else all of it would have to be in memory at once."""
    op = walk.loss(name)
    x, t, options, *_ = _loss_case(name, False)
    order = []

    def read(block):
        order.append("input")
        return block

    lazy_x = _lazy(x, (25, -1)).map_blocks(read, meta=x[:0])
    value, grad = op.value_and_grad(lazy_x, t, **options)
    stored = grad.map_blocks(lambda g: order.append("gradient") or g[:1, :1], chunks=(1, 1), meta=x[:0])
    da.compute(value, stored, scheduler="sync")
    assert order == ["input", "gradient"] * 3


@pytest.mark.parametrize("name", walk.losses())
def test_refused_before_anything_is_computed(name):
    op = walk.loss(name)
    _, _, options, lazy_x, lazy_t = _loss_case(name, False)
    with pytest.raises(ValueError, match="target must be"):
        op(lazy_x, lazy_t[1:])
    with pytest.raises(ValueError, match="weight"):
        op(lazy_x, lazy_t, weight=options["weight"][1:])
    with pytest.raises(TypeError, match="weight must be real"):
        op(lazy_x, lazy_t, weight=_lazy(options["weight"], -1) * 1j)
    with pytest.raises(TypeError, match=f"{op._operands[0]} must be real"):
        op(lazy_x * 1j, lazy_t)
    with pytest.raises(ValueError, match="grad_output must be a scalar"):
        op.backward(lazy_x, lazy_x, lazy_t)
    with pytest.raises(ValueError, match="grad_output must be a scalar or"):
        op.backward(lazy_x[1:], lazy_x, lazy_t, reduction="none")
    with pytest.raises(
        ValueError, match=rf"{op._operands[0]} has chunks of unknown sizes.*compute_chunk_sizes"
    ):
        op(lazy_x[lazy_x[:, 0] > 0], lazy_t)
    if name in walk.class_losses():
        with pytest.raises(TypeError, match="target must hold integers"):
            op(lazy_x, lazy_t * 1.0)
        with pytest.raises(ValueError, match="axis must be one of the 2 of input, got 2"):
            op(lazy_x, lazy_t, axis=2)
        with pytest.raises(TypeError, match="ignore_index"):
            op(lazy_x, lazy_t, ignore_index=0.5)


def test_on_a_cluster(cluster):
    x = walk.values((400, 14), F4, 1)
    dy = walk.values((400, 14), F4, 2)
    lazy, lazy_dy = _lazy(x, (100, -1)), _lazy(dy, (100, -1))
    results = {
        "gelu": (fa.gelu(lazy), fa.gelu(x)),
        "gelu tanh": (fa.gelu(lazy, approximate="tanh"), fa.gelu(x, approximate="tanh")),
        "backward": (fa.silu.backward(lazy_dy, lazy), fa.silu.backward(dy, x)),
        "softmax": (fa.softmax(lazy), fa.softmax(x)),
        "softmax backward": (fa.softmax.backward(lazy_dy, lazy), fa.softmax.backward(dy, x)),
        "logsumexp": (fa.logsumexp(lazy), fa.logsumexp(x)),
        "masked": (fa.softmax(lazy, where=lazy > 0), fa.softmax(x, where=x > 0)),
        "network": (fa.log_softmax(fa.relu(lazy @ np.eye(14, dtype="f4"))), fa.log_softmax(fa.relu(x))),
    }
    for name, (lazy_result, wanted) in results.items():
        assert_same_bits(cluster.compute(lazy_result).result(timeout=60), wanted, name)
    for name, op in walk.losses().items():
        x, t, options = walk.loss_operands(name, x.shape, F4)
        lazy, lazy_t = _lazy(x, (100, -1)), _lazy(t, (100, -1)[: t.ndim])
        value, grad = cluster.gather(cluster.compute(list(op.value_and_grad(lazy, lazy_t, **options))))
        wanted = op.value_and_grad(x, t, **options)
        _close(value, wanted[0])
        assert np.abs(grad - wanted[1]).max() <= np.spacing(np.abs(wanted[1]).max())
    functions = [fa.gelu, fa.gelu.backward, fa.softmax, fa.cross_entropy, fa.gelu.ufunc, fa.softmax.gufunc]
    for f in functions:  # any of them is a task by itself
        assert cluster.submit(repr, f).result(timeout=60) == repr(f)
    assert_same_bits(cluster.submit(fa.gelu, x).result(timeout=60), fa.gelu(x))
