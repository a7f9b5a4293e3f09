"""Losses over Dask arrays whose arguments do not all lie along their input's axes."""

from itertools import product

import dask
import dask.array as da
import ml_dtypes
import numpy as np
import pytest
from support import walk

import fastact as fa

REDUCTIONS = ("none", "mean", "sum")
ULPS = 4  # of the largest element: blocks add up in another order


def lazy(array, *chunks):
    return da.from_array(np.asarray(array), chunks=chunks)


def flat(results):
    """Results of a call, whatever tuples they are in."""
    return [a for part in results for a in flat(part)] if isinstance(results, tuple) else [results]


def computed(*arrays):
    """What they hold, computed in one go: of one array, or a list."""
    assert all(isinstance(array, da.Array) for array in arrays), arrays
    found = dask.compute(*arrays, scheduler="sync")
    for a, array in zip(found, arrays, strict=True):
        assert (a.shape, a.dtype) == (array.shape, array.dtype)
    return found if len(arrays) > 1 else found[0]


def close(got, wanted, ulps=ULPS, rel=1e-12):
    if isinstance(wanted, float):
        assert got.dtype == np.float64 and got.shape == ()
        assert float(got) == pytest.approx(wanted, rel=rel, abs=0) or float(got) == wanted
        return
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    eps = float(ml_dtypes.finfo(wanted.dtype).eps)
    wide, exact = got.astype("f8"), wanted.astype("f8")
    size = np.abs(exact).max(initial=0, where=np.isfinite(exact))
    different = ~((wide == exact) | (np.isnan(wide) & np.isnan(exact)))
    assert (np.abs(wide - exact)[different] <= ulps * eps * size).all(), np.abs(wide - exact).max()


def agree(op, lazies, arrays, lazy_options=None, options=None, lazy_dy=1.0, dy=1.0, ulps=ULPS, rel=1e-12):
    """Everything a loss gives, of Dask arrays as of NumPy arrays."""
    options = options or {}
    lazy_options = options if lazy_options is None else lazy_options
    pairs = [
        (op(*lazies, **lazy_options), op(*arrays, **options)),
        (op.value_and_grad(*lazies, **lazy_options), op.value_and_grad(*arrays, **options)),
        (op.grad(*lazies, **lazy_options), op.grad(*arrays, **options)),
        (op.backward(lazy_dy, *lazies, **lazy_options), op.backward(dy, *arrays, **options)),
        (op.grad_and_hess(*lazies, **lazy_options), op.grad_and_hess(*arrays, **options)),
    ]
    for found, wanted in pairs:
        assert type(found) is type(wanted) or not isinstance(wanted, tuple)
    found, wanted = flat(tuple(a for a, _ in pairs)), flat(tuple(b for _, b in pairs))
    for a, b in zip(computed(*found), wanted, strict=True):
        close(a, b, ulps, rel)


# ---- sequences ----------------------------------------------------------------------

T, N, C = 9, 7, 6


def sequences(dtype="f4", concatenated=False):
    x, targets, steps, labels = walk.ctc_operands(T, N, C, dtype)
    if concatenated:
        targets = np.concatenate([t[:n] for t, n in zip(targets, labels, strict=True)])
    return x, targets, steps, labels


CHUNKS = {"all": (3, 2, 4), "sequences": (T, 3, C), "one": (T, N, C)}


@pytest.mark.parametrize("concatenated", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_ctc(chunks, reduction, concatenated):
    """In whatever chunks, labels in rows or one sequence after another."""
    x, targets, steps, labels = arrays = sequences(concatenated=concatenated)
    lazies = (lazy(x, *chunks), lazy(targets, *(2, 3)[: targets.ndim]), lazy(steps, 4), lazy(labels, 2))
    dy = walk.values(N, "f4", 9, specials=False) if reduction == "none" else np.float32(0.5)
    for options in ({"zero_infinity": True}, {"logits": True}):
        options |= {"reduction": reduction}
        agree(fa.ctc_loss, lazies, arrays, None, options, lazy(dy, *[5][: dy.ndim]), dy)
        assert fa.ctc_loss.grad(*lazies, **options).chunks == ((T,), lazies[0].chunks[1], (C,))


@pytest.mark.parametrize("concatenated", [False, True])
@pytest.mark.parametrize("place", range(4))
def test_ctc_with_one_lazy_argument(place, concatenated):
    arrays = sequences(concatenated=concatenated)
    lazies = tuple(da.from_array(a, 2) if k == place else a for k, a in enumerate(arrays))
    agree(fa.ctc_loss, lazies, arrays, None, {"zero_infinity": True})


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
def test_ctc_types(dtype):
    arrays = sequences(dtype)
    lazies = (lazy(arrays[0], T, 3, C), *arrays[1:])
    for reduction in REDUCTIONS:
        agree(fa.ctc_loss, lazies, arrays, None, {"reduction": reduction, "logits": True}, ulps=1)


@pytest.mark.parametrize("targets", [np.array([1, 2]), np.array([[1, 2]]), []])
@pytest.mark.parametrize("one", [(), (1,)])
def test_ctc_of_one_sequence(targets, one):
    x, steps = walk.values((T, C), "f8", 3, specials=False), np.full(one, T)
    label_counts = (
        {np.size(targets), 1} if np.ndim(targets) == 2 else {np.size(targets)}
    )  # a row may have room
    for reduction, labels in product(REDUCTIONS, [np.full(one, n) for n in label_counts]):
        options = {"reduction": reduction}
        agree(
            fa.ctc_loss, (lazy(x, 4, 3), targets, steps, labels), (x, targets, steps, labels), None, options
        )
        arrays = (x, np.asarray(targets, int), steps, labels)
        agree(fa.ctc_loss, (x, *map(da.asarray, arrays[1:])), arrays, None, options)


def test_ctc_of_no_sequences():
    arrays = (np.zeros((T, 0, C)), np.zeros((0, 3), int), np.zeros(0, int), np.zeros(0, int))
    for targets in (arrays[1], arrays[1].reshape(-1)):
        lazies = (lazy(arrays[0], T, 3, C), targets, *arrays[2:])
        agree(fa.ctc_loss, lazies, (arrays[0], targets, *arrays[2:]))


def test_ctc_refuses_at_the_call():
    x, targets, steps, labels = sequences()
    first = lazy(x, T, 3, C)
    for error, words, arguments, options in (
        (ValueError, r"blank must be in 0\.\.5.*got -3", (first, targets, steps, labels), {"blank": -3}),
        (TypeError, "zero_infinity must be", (first, targets, steps, labels), {"zero_infinity": 1}),
        (ValueError, "log_probs must have shape", (first[None], targets, steps, labels), {}),
        (TypeError, "targets must hold integers", (first, targets * 1.0, steps, labels), {}),
        (TypeError, "target_lengths must hold", (first, targets, steps, da.asarray(labels * 1.0)), {}),
        (ValueError, r"targets must have shape \(7, S\)", (first, targets[1:], steps, labels), {}),
        (ValueError, r"input_lengths must have shape \(7,\)", (first, targets, steps[1:], labels), {}),
        (TypeError, "out cannot be used", (first, targets, steps, labels), {"out": x}),
    ):
        with pytest.raises(error, match=words):
            fa.ctc_loss.grad(*arguments, **options)


def test_ctc_refuses_labels_and_lengths_when_computed():
    x, targets, steps, labels = sequences(concatenated=True)
    first = lazy(x, T, 3, C)
    for words, lengths in (
        ("must add up", labels + (labels == labels.max())),
        ("target_lengths: -1", labels.astype(int) * 0 - 1),
    ):
        with pytest.raises(ValueError, match=words):
            computed(fa.ctc_loss(first, targets, steps, lengths))
    with pytest.raises(IndexError, match="is the blank"):
        computed(fa.ctc_loss(first, targets * 0, steps, labels))


# ---- linear maps --------------------------------------------------------------------

D, V = 5, 8


def rows(dtype="f4", shape=(9,)):
    x, w = walk.values((*shape, D), dtype, 1, specials=False), walk.values((V, D), dtype, 2, specials=False)
    t = (walk.integers(int(np.prod(shape)), 3) % np.uint64(V)).astype("i8").reshape(shape)
    return x, w, t


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_linear_cross_entropy(reduction, weighted):
    x, w, t = arrays = rows("f8")
    t[2:4] = 3
    options = {"ignore_index": 3, "z_loss": 0.1, "reduction": reduction}
    lazy_options = dict(options)
    if weighted:
        bias, weight = walk.values(V, "f8", 5, specials=False), walk.positive(V, "f8", 6)
        options |= {"linear_bias": bias, "weight": weight, "label_smoothing": 0.1}
        lazy_options = {**options, "linear_bias": lazy(bias, 3), "weight": lazy(weight, 5)}
    dy = walk.values(9, "f8", 9, specials=False) if reduction == "none" else np.float64(0.5)
    for lazies in (
        (lazy(x, 4, D), w, t),
        (lazy(x, 4, 2), lazy(w, 3, 2), lazy(t, 2)),
        (x, lazy(w, 3, 2), t),
        (x, w, lazy(t, 2)),
    ):
        agree(
            fa.linear_cross_entropy, lazies, arrays, lazy_options, options, lazy(dy, *[5][: dy.ndim]), dy, 64
        )
    assert fa.linear_cross_entropy.grad(lazy(x, 4, 2), w, t)[0].chunks == ((4, 4, 1), (D,))


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
def test_linear_cross_entropy_types(dtype):
    """Parts of a gradient are not rounded to a narrow type before they are added."""
    x, w, t = rows(dtype, (40,))
    options = {"reduction": "sum", "linear_bias": walk.values(V, dtype, 5, specials=False)}
    lazies, ulps = (lazy(x, 3, D), w, t), 0.51 if dtype.itemsize == 2 else 64
    rel = 1e-12 if dtype.itemsize == 8 else 1e-6  # of float32 logits, which round as BLAS does
    agree(fa.linear_cross_entropy, lazies, (x, w, t), None, options, ulps=ulps, rel=rel)


@pytest.mark.parametrize("shape", [(), (0,), (3, 4), (2, 0, 3)])
def test_linear_cross_entropy_shapes(shape):
    x, w, t = arrays = rows("f8", shape)
    for reduction in REDUCTIONS:
        agree(
            fa.linear_cross_entropy,
            (da.from_array(x, 2), w, t),
            arrays,
            None,
            {"reduction": reduction},
            ulps=64,
        )


def test_linear_cross_entropy_refuses():
    x, w, t = rows()
    first = lazy(x, 4, D)
    op = fa.linear_cross_entropy
    for error, words, arguments, options in (
        (ValueError, "linear_weight must have shape", (first, w[:, 1:], t), {}),
        (ValueError, "target must be labels of shape", (first, w, t[1:]), {}),
        (ValueError, "linear_bias must have shape", (first, w, t), {"linear_bias": np.ones(V + 1)}),
        (ValueError, "weight must have shape", (first, w, t), {"weight": da.ones(V + 1)}),
        (TypeError, "target must hold integers", (first, w, t * 1.0), {}),
        (ValueError, "z_loss must be", (first, w, t), {"z_loss": -1}),
        (ValueError, "label_smoothing must be", (first, w, t), {"label_smoothing": 2}),
        (TypeError, "ignore_index must be", (first, w, t), {"ignore_index": 0.5}),
    ):
        with pytest.raises(error, match=words):
            op.value_and_grad(*arguments, **options)
    t[-1] = V
    for result in flat(op.value_and_grad(first, w, t)):
        with pytest.raises(IndexError, match="label 8 of row 0"):
            computed(result)


# ---- second inputs that are broadcast --------------------------------------------------

SHAPE = (12, 7)
TYPES = [
    pytest.param(dtype, id=name, marks=[] if name in ("float16", "float64") else pytest.mark.slow)
    for name, dtype in walk.DTYPES.items()
]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (7,), (1, 7), (12, 1), (1, 1), (12, 7)])
def test_broadcast_second_inputs(shape, dtype):
    x, t = (walk.values(SHAPE, dtype, seed, specials=False) for seed in (1, 2))
    second, signs = walk.positive(shape, dtype, 3), np.where(t.astype("f4") > 0, 1, -1).astype(dtype)
    ulps = 64 if dtype.itemsize == 8 else 1  # as sums are float64
    lazy_x, lazy_t, lazy_second = lazy(x, 5, 3), lazy(t, 4, 7), da.from_array(second, 4)
    for reduction in REDUCTIONS:
        options = {"reduction": reduction}
        for lazies in ((lazy_x, lazy_t, lazy_second), (lazy_x, t, second), (x, t, lazy_second)):
            agree(fa.gaussian_nll_loss, lazies, (x, t, second), None, options, ulps=ulps)
        lazies = (lazy_x, lazy_second, signs)
        agree(fa.margin_ranking_loss, lazies, (x, second, signs), None, options, ulps=ulps)


@pytest.mark.parametrize("dtype", walk.DTYPES.values(), ids=walk.DTYPES)
def test_blocks_in_which_nothing_is_broadcast(dtype):
    """Their parts of a sum are not rounded either."""
    x, t = (walk.values(SHAPE, dtype, seed, specials=False) for seed in (1, 2))
    for shape in ((12, 1), (1, 1)):
        arrays = (x, t, walk.positive(shape, dtype, 3))
        lazies = (lazy(x, 6, 1), *arrays[1:])
        agree(fa.gaussian_nll_loss, lazies, arrays, ulps=64 if dtype.itemsize == 8 else 0.51)


def test_a_number_as_second_input():
    x, t = walk.values(SHAPE, "f4", 1, specials=False), walk.values(SHAPE, "f4", 2, specials=False)
    agree(fa.gaussian_nll_loss, (lazy(x, 5, 3), t, 0.5), (x, t, 0.5))
    with pytest.raises(ValueError, match=r"var must broadcast .* got shape \(6, 1\)"):
        fa.gaussian_nll_loss(lazy(x, 5, 3), t, np.ones((6, 1)))


# ---- what is computed when ------------------------------------------------------------


def counting(array, chunks, read):
    """A Dask array that notes its blocks as they are read."""

    def block_of(block):
        read.append(block.shape)
        return block

    return da.from_array(array, chunks).map_blocks(block_of, meta=np.empty((0,) * array.ndim, array.dtype))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nothing_is_read_early_or_twice(reduction):
    x, w, t = rows()
    log_probs, targets, steps, labels = sequences(concatenated=True)
    variance = walk.positive((9, 1), "f4", 3)
    for op, arrays, chunks, blocks in (
        (fa.linear_cross_entropy, (x, w, t), ((4, D), (V, D), 4), 3 + 1 + 3),
        (fa.ctc_loss, (log_probs, targets, steps, labels), ((T, 3, C), 99, 3, 3), 3 + 1 + 3 + 3),
        (fa.gaussian_nll_loss, (x, x + 1, variance), ((4, D), (4, D), (4, 1)), 3 + 3 + 3),
    ):
        read = []
        lazies = [counting(a, c, read) for a, c in zip(arrays, chunks, strict=True)]
        results = flat(op.value_and_grad(*lazies, reduction=reduction))
        assert not read
        da.compute(*results, scheduler="sync", optimize_graph=False)
        assert len(read) == blocks


# ---- options ----------------------------------------------------------------------------


def out_of_range(allowed):
    if allowed.outside is not None:
        return sum(allowed.outside) / 2
    return allowed.low - 1 if allowed.low > -np.inf else np.nan


@pytest.mark.parametrize("name", walk.elementwise_losses())
def test_bad_numbers_are_refused_at_the_call(name):
    op = getattr(fa, walk.reference.LOSSES[name].op or name)
    x = lazy(np.full(SHAPE, 0.5), 5, 3)
    operands = (x,) * len(op._operands)
    bad = {n: out_of_range(p.allowed) for n, p in op._parameters.items() if not p.boolean}
    for option, value in bad.items():
        if option in op._array_options:
            for given in (value, np.float32(value)):
                with pytest.raises(ValueError, match=f"{option} must be"):
                    op(*operands, **{option: given})


@pytest.mark.parametrize("size", [1e-300, 1e-50, 1e50, 1e300])
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "cross_entropy", "nll_loss", "linear_cross_entropy"])
def test_means_do_not_depend_on_the_size_of_weights(name, size, rng):
    """As without Dask: a block's sums are of weights that its type can hold."""
    op, x = getattr(fa, name), rng.normal(size=(6, 4)).astype("f4")
    labels, weight = np.array([1, 1, 2, -100, 3, 3]), np.array([1e-30, 1.0, 2.0, 0.5])
    others = [labels] if name in ("cross_entropy", "nll_loss") else [np.zeros_like(x)]
    if name == "linear_cross_entropy":
        others = [rng.normal(size=(4, 4)).astype("f4"), labels]
    wanted = op.value_and_grad(x, *others, weight=weight)
    lazy = da.from_array(x, chunks=(2, 4))
    value, grads = op.value_and_grad(lazy, *others, weight=weight * size)
    for found in (value, op(lazy, *others, weight=weight * size)):
        assert found.compute() == pytest.approx(wanted[0], rel=1e-6)
    several = isinstance(grads, tuple)
    for got, exact in zip(grads if several else [grads], wanted[1] if several else [wanted[1]], strict=True):
        np.testing.assert_allclose(got.compute(), exact, rtol=1e-5, atol=1e-7)
