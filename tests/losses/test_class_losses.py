"""Losses by row against mpmath: values, gradients and curvature, every option, in ulp; and laws of them.
(How results are judged: test_elementwise.py.)"""

from itertools import product

import numpy as np
import pytest
import reference
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from support import walk
from support.loss_cases import DTYPES, REDUCTIONS, check, factor, reduced
from support.remember import remembered

import fastact as fa

pytestmark = pytest.mark.usefixtures("row_precision")


@remembered
def row_exact(name, x, target, weight=None, ignore_index=-100, label_smoothing=0.0, z_loss=0.0):
    """For (rows, classes): terms, gradients, curvature, and the mean's denominator."""
    entry, classes = reference.LOSSES[name], x.shape[1]
    w = reference.exact(np.ones(classes) if weight is None else weight)
    if target.ndim == 2:
        live, shares, denominator = np.ones(len(x), bool), reference.exact(target), mpf(len(x))
        shares = reference.spread(shares, label_smoothing)
    else:
        live = target != ignore_index
        labels = np.where(live, target, 0)
        shares = reference.label_shares(labels, classes, label_smoothing)
        denominator = np.where(live, w[labels], mpf(0)).sum() + mpf(0)
    q = shares * w
    x = reference.exact(x)
    terms = [f(x, q) for f in (entry.value, entry.grad, entry.hess)]
    if z_loss:
        terms = [a + b for a, b in zip(terms, reference.z_terms(x, mpf(z_loss)), strict=True)]
    value = np.where(live, terms[0], mpf(0))
    grad, hess = (np.where(live[:, None], a, mpf(0)) for a in terms[1:])
    return value, grad, hess, denominator, q.astype(np.float64)


def row_scales(x, q, z=0.0):
    """Of values and gradients: what the terms are, and what the rounding of x - max adds,
    both as the number whose ulp is taken; z is z_loss."""
    d = x.astype(np.float64) - x.max(axis=1, keepdims=True)
    p, total = scipy.special.softmax(d, axis=1), q.sum(axis=1, keepdims=True)
    moved = (p * np.abs(d)).sum(axis=1, keepdims=True)
    value = np.abs(q * (np.abs(d) + moved)).sum(axis=1)
    lse = np.abs(x).max(axis=1, keepdims=True) + np.log(np.exp(d).sum(axis=1, keepdims=True)) + moved
    value += 2 * z * lse[:, 0] ** 2
    grad = ((total + 2 * z * lse) * p + q) * np.maximum(1, np.maximum(np.abs(d), moved))
    return value, grad


TARGETS = ["labels", "ignored labels", "probabilities"]


def row_target(kind, rows, classes, dtype, rng):
    if kind == "probabilities":
        return scipy.special.softmax(rng.normal(size=(rows, classes)) * 2, axis=1).astype(dtype)
    labels = rng.integers(0, classes, rows)
    if kind == "ignored labels":
        labels[rng.random(rows) < 0.4] = -1
    return labels


def row_options(name, kind, weighted, smoothing, z, classes, dtype, rng):
    options = {"ignore_index": -1} if kind == "ignored labels" else {}
    if weighted:
        options["weight"] = (rng.uniform(0.2, 3, classes) * (rng.random(classes) < 0.8)).astype(dtype)
    if name == "cross_entropy":
        options |= {"label_smoothing": smoothing, "z_loss": z}
    return options


ROW_CASES = [
    (name, kind, weighted, smoothing, z)
    for name, kind, weighted, smoothing, z in product(
        ("cross_entropy", "nll_loss"), TARGETS, (False, True), (0.0, 0.1, 1.0), (0.0, 0.01, 3.0)
    )
    if name == "cross_entropy" or (kind != "probabilities" and not smoothing and not z)
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "kind", "weighted", "smoothing", "z"), ROW_CASES)
def test_rows(name, kind, weighted, smoothing, z, reduction, dtype, rng):
    op, rows, classes = walk.loss(name), 6, 11
    x = (rng.normal(size=(rows, classes)) * 4).astype(dtype)
    x = x if name == "cross_entropy" else fa.log_softmax(x)
    target = row_target(kind, rows, classes, dtype, rng)
    options = row_options(name, kind, weighted, smoothing, z, classes, dtype, rng)
    value, grad, hess, denominator, q = row_exact(name, x, target, **options)
    scale = factor(reduction, denominator)
    value_scale, grad_scale = row_scales(x, q, z)
    options["reduction"] = reduction

    got, got_grad = op.value_and_grad(x, target, **options)
    if reduction == "none":
        assert got.dtype == dtype
        check(got, value, dtype, 4, value_scale)
    else:
        assert type(got) is float
        check(got, reduced(value, reduction, denominator), dtype, 4, value_scale.max() * float(scale))
    check(got_grad, grad * scale, dtype, 4, grad_scale * float(scale))
    only_grad, got_hess = op.grad_and_hess(x, target, **options)
    check(got_hess, hess * scale, dtype, 6, grad_scale * float(scale) if name == "cross_entropy" else 0)

    assert np.array_equal(op(x, target, **options), got), "the value is the fused value, bitwise"
    for same in (only_grad, op.grad(x, target, **options), op.backward(1.0, x, target, **options)):
        np.testing.assert_array_equal(same, got_grad)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("axis", [0, 1, -2])
def test_class_axis(axis, kind, dtype, rng):
    """Anywhere gives what it gives last, bitwise."""
    x = (rng.normal(size=(3, 4, 5, 7)) * 3).astype(dtype)
    moved = np.moveaxis(x, axis, -1)
    classes, rows = moved.shape[-1], moved.shape[:-1]
    target = row_target(kind, int(np.prod(rows)), classes, dtype, rng)
    target = target.reshape(*rows, *target.shape[1:])
    back = np.ascontiguousarray(np.moveaxis(target, -1, axis)) if target.ndim == x.ndim else target
    options = {"weight": rng.random(classes).astype(dtype), "label_smoothing": 0.1, "z_loss": 0.2}
    options |= {"ignore_index": -1} if target.ndim < x.ndim else {}
    for reduction in REDUCTIONS:
        options["reduction"] = reduction
        want, want_grad = fa.cross_entropy.value_and_grad(moved.copy(), target, **options)
        got, grad = fa.cross_entropy.value_and_grad(x, back, axis=axis, **options)
        np.testing.assert_array_equal(np.moveaxis(grad, axis, -1), want_grad)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_class_axis_before_more_rows_than_a_block(name, dtype, rng):
    """Blocks of rows end where a plane does: bitwise the same rows as with classes last."""
    op, x = getattr(fa, name), -np.abs(rng.normal(size=(3, 5, 700))).astype(dtype)
    labels, last = rng.integers(-1, 5, (3, 700)), np.ascontiguousarray(np.moveaxis(x, 1, -1))
    options = {"ignore_index": -1, "weight": rng.uniform(1, 2, 5).astype(dtype), "reduction": "none"}
    dy = rng.normal(size=labels.shape).astype(dtype)
    np.testing.assert_array_equal(op(x, labels, axis=1, **options), op(last, labels, **options))
    got = op.backward(dy, x, labels, axis=1, **options)
    np.testing.assert_array_equal(np.moveaxis(got, 1, -1), op.backward(dy, last, labels, **options))
    options["reduction"] = "mean"
    assert op(x, labels, axis=1, **options) == op(last, labels, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gap", [10.0, 30.0, 80.0, 100.0, 700.0])
def test_confident_rows_keep_relative_precision(gap, dtype):
    """The loss is log1p(s) and the label's gradient -s / (1 + s), not 0 and p - 1."""
    if dtype == "float32" and gap > 100:
        gap = 87.0
    x = np.array([[0.0, -gap, -gap - 1.0], [-gap, -gap, 0.0]], dtype)
    target = np.array([0, 2])
    value, grad, _, _, _ = row_exact("cross_entropy", x, target)
    got, got_grad = fa.cross_entropy.value_and_grad(x, target, reduction="none")
    check(got, value, dtype, 2)
    check(got_grad, grad, dtype, 4)
    assert (got > 0).all()
    assert (got_grad[[0, 1], target] < 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_logits(dtype):
    for size in (1e4, 1e36):
        x = np.array([[size, -size, 0.0], [-size, -size, -size]], dtype)
        for target in ([0, 1], [1, 2]):
            value, grad, _, _, _ = row_exact("cross_entropy", x, np.array(target))
            got, got_grad = fa.cross_entropy.value_and_grad(x, target, reduction="none")
            check(got, value, dtype, 2)
            check(got_grad, grad, dtype, 4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_masked_logits_under_soft_targets_and_smoothing(dtype):
    """0 log 0 = 0: a class of logit -inf counts only where its share is not 0."""
    x = np.array([[1.0, -np.inf, 2.0, 0.5]], dtype)
    y = np.array([[0.5, 0.0, 0.25, 0.25]], dtype)
    kept = [0, 2, 3]
    got, grad = fa.cross_entropy.value_and_grad(x, y)
    want, want_grad = fa.cross_entropy.value_and_grad(x[:, kept], y[:, kept])
    np.testing.assert_allclose(got, want, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(grad[:, kept], want_grad, rtol=0, atol=2 * np.finfo(dtype).eps)
    assert grad[0, 1] == 0
    weight = np.array([1.0, 0.0, 1.0, 1.0], dtype)  # smoothing reaches every class but one of weight 0
    got = fa.cross_entropy(x, [0], label_smoothing=0.1, weight=weight)
    assert np.isfinite(got)
    assert fa.cross_entropy(x, [0], label_smoothing=0.1) == np.inf
    assert fa.cross_entropy(x, [1]) == np.inf
    assert fa.cross_entropy(x, np.full_like(x, 0.25)) == np.inf
    np.testing.assert_array_equal(fa.cross_entropy(x, [1], weight=weight, reduction="none"), [0.0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [3, 40])
def test_a_row_of_weight_0_is_0(classes, dtype):
    """Whatever it holds."""
    x, weight = np.ones((3, classes), dtype), np.ones(classes)
    x[0], x[1], weight[1] = -np.inf, np.nan, 0
    value = fa.cross_entropy(x, [1, 1, 0], weight=weight, reduction="none")
    np.testing.assert_array_equal(value[:2], [0, 0])
    for result in fa.cross_entropy.grad_and_hess(x, [1, 1, 0], weight=weight, reduction="sum"):
        np.testing.assert_array_equal(result[:2], np.zeros((2, classes)))
        assert (result[2] != 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1e-42, 1e-300, 1e42, 1e300])
def test_a_mean_does_not_depend_on_the_size_of_weights(size, dtype):
    """Though float32 has none so small or large, and no reciprocal of them."""
    x, weight = np.arange(12.0, dtype=dtype).reshape(3, 4) % 5, np.array([1.0, 2.0, 3.0, 0.5])
    for op in (fa.cross_entropy, fa.nll_loss):
        wanted = [op(x, [0, 2, 3], weight=weight), *op.grad_and_hess(x, [0, 2, 3], weight=weight)]
        got = [op(x, [0, 2, 3], weight=weight * size), *op.grad_and_hess(x, [0, 2, 3], weight=weight * size)]
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", [[1e25, 1e-20], [1e300, 1e-30], [1.0, 1e-50], [1e-300, 1e300]])
def test_a_mean_does_not_depend_on_the_weight_of_a_class_that_is_no_label(weight, dtype):
    x = np.array([[1.0, 2.0], [3.0, 1.0]], dtype)
    for op in (fa.cross_entropy, fa.nll_loss):
        wanted = [op(x, [1, 1]), *op.grad_and_hess(x, [1, 1])]
        got = [op(x, [1, 1], weight=weight), *op.grad_and_hess(x, [1, 1], weight=weight)]
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [5, 150])
def test_smoothing_counts_where_the_label_has_no_weight(classes, dtype, rng):
    """The other classes' shares of the row do."""
    x, labels = rng.normal(size=(3, classes)).astype(dtype), np.array([0, classes - 1, 2])
    weight = np.ones(classes, dtype)
    weight[labels[:2]] = 0
    options = {"weight": weight, "label_smoothing": 0.1}
    value, grad, hess, _, q = row_exact("cross_entropy", x, labels, **options)
    _, scale = row_scales(x, q)
    got, got_hess = fa.cross_entropy.grad_and_hess(x, labels, reduction="sum", **options)
    check(got, grad, dtype, 4, scale)
    check(got_hess, hess, dtype, 6, scale)
    check(fa.cross_entropy(x, labels, reduction="none", **options), value, dtype, 4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_z_loss_counts_where_the_label_has_no_weight(dtype):
    """Also where logsumexp is 0 or its slope cancels the label's weight."""
    zero = np.full((1, 4), -np.log(4.0), dtype)
    grad, hess = fa.cross_entropy.grad_and_hess(zero, [1], weight=[1.0, 0, 1, 1], z_loss=0.5, reduction="sum")
    np.testing.assert_allclose(hess, np.full((1, 4), 1 / 16), rtol=1e-6)
    grad, _ = fa.cross_entropy.grad_and_hess(zero - 1, [1], z_loss=0.5, reduction="sum")
    np.testing.assert_allclose(grad, [[0, -1, 0, 0]], atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_z_loss_weighs_rows_alike(dtype):
    """Class weights, smoothing and a label of weight 0 leave its term as it is; an ignored row has none."""
    x = np.array([[1.0, -np.inf, 2.0, 0.5], [3.0, 1.0, 0.0, 0.0], [np.nan] * 4], dtype)
    weight, labels = np.array([2.0, 0.0, 1.0, 0.0], dtype), [3, 0, -100]
    options = {"weight": weight, "reduction": "none"}
    without, grad = fa.cross_entropy.value_and_grad(x, labels, **options)
    got, z_grad = fa.cross_entropy.value_and_grad(x, labels, z_loss=0.5, **options)
    lse, p = fa.logsumexp(x[:2]), fa.softmax(x[:2])
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(got[:2] - without[:2], lse**2 / 2, rtol=16 * eps)
    np.testing.assert_allclose((z_grad - grad)[:2], lse[:, None] * p, rtol=0, atol=16 * eps)
    assert got[2] == 0 and (z_grad[2] == 0).all() and z_grad[0, 1] == 0
    mean = fa.cross_entropy(x, labels, z_loss=0.5, weight=weight)
    np.testing.assert_allclose(mean, got.astype(float).sum() / 2, rtol=4 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [3, 40])
def test_no_classes_are_nothing_to_write_to(dtype, rows):
    """Rows that are all ignored, of no classes: there is no element at a label."""
    around, labels = np.full((rows, 5), 7, dtype), np.full(rows, -100)
    for op in (fa.cross_entropy, fa.nll_loss):
        value, grad = op.value_and_grad(around[:, 1:1].copy(), labels, out=around[:, 2:2])
        assert value == 0 and grad.shape == (rows, 0)
        np.testing.assert_array_equal(op(around[:, 1:1], labels, reduction="none"), np.zeros(rows))
    np.testing.assert_array_equal(around, 7)


def test_probabilities_of_many_rows():
    """More than are read at a time, with a gradient that comes in by row."""
    rng = np.random.default_rng(1)
    x, upstream = rng.normal(size=(1100, 3)), rng.normal(size=1100)
    target = rng.dirichlet(np.ones(3), 1100)
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    grad = fa.cross_entropy.backward(upstream, x, target, reduction="none")
    np.testing.assert_allclose(grad, upstream[:, None] * (p - target), rtol=1e-12, atol=1e-14)


def test_sums_of_rows_carry_what_they_lose():
    """1e16 + 1 - 1e16 is 1, also where the three are added one after the other."""
    x = np.zeros((48, 2))
    x[0, 1], x[16, 1], x[32, 1] = -1e16, -1, 1e16
    assert fa.nll_loss(x, np.ones(48, int), reduction="sum") == 1


@pytest.mark.parametrize("op", [fa.cross_entropy, fa.nll_loss])
def test_an_ignored_class(op):
    """Rows of a class that is ignored do not count in a mean either."""
    x, labels = np.linspace(-3, 2, 40 * 3).reshape(40, 3), np.arange(40) % 3
    value, grad = op.value_and_grad(x, labels, ignore_index=1)
    wanted, others = op.value_and_grad(x[labels != 1], labels[labels != 1])
    assert value == pytest.approx(wanted, rel=1e-15)
    np.testing.assert_array_equal(grad[labels != 1], others)
    np.testing.assert_array_equal(grad[labels == 1], 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nll_of_what_does_not_count(dtype):
    """A label of weight 0 and an ignored row give 0, whatever the log-probability."""
    x, weight = np.array([[-np.inf, 0], [-1, -2], [np.nan] * 2], dtype), np.array([0, 1], dtype)
    for reduction, wanted in (("none", [0, 2, 0]), ("sum", 2.0), ("mean", 2.0)):
        value, grad = fa.nll_loss.value_and_grad(x, [0, 1, -100], weight=weight, reduction=reduction)
        np.testing.assert_array_equal(value, wanted)
        np.testing.assert_array_equal(grad, [[0, 0], [0, -1], [0, 0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_over_nothing_is_zero(dtype):
    empty, ignored = np.zeros((0, 3), dtype), np.full((2, 3), np.nan, dtype)
    assert fa.mse_loss(empty, empty) == 0.0
    assert fa.binary_cross_entropy_with_logits(empty, empty) == 0.0
    for op in (fa.cross_entropy, fa.nll_loss):
        assert op(empty, np.zeros(0, int)) == 0.0
        value, grad = op.value_and_grad(ignored, [-100, -100])
        assert value == 0.0
        np.testing.assert_array_equal(grad, np.zeros((2, 3)))
        zero = np.zeros(3, dtype)
        value, grad = op.value_and_grad(np.zeros((2, 3), dtype), [0, 1], weight=zero)
        assert value == 0.0
        np.testing.assert_array_equal(grad, np.zeros((2, 3)))
    assert fa.mse_loss(np.ones(3, dtype), np.zeros(3, dtype), weight=np.zeros(3, dtype)) == 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_no_classes(dtype):
    empty = np.zeros((40, 0), dtype)
    fa.cross_entropy(np.full((40, 3), np.nan, dtype), np.full((40, 3), np.nan, dtype))  # leaves NaN behind it
    np.testing.assert_array_equal(fa.cross_entropy(empty, empty, reduction="none"), np.zeros(40))
    np.testing.assert_array_equal(fa.logsumexp(empty), np.full(40, -np.inf))


@pytest.mark.parametrize("shape, axis", [((5, 7, 1), 1), ((7, 1), 0), ((7, 1, 1), 0), ((3, 5, 7, 1), -2)])
def test_class_axis_before_axes_of_length_1(shape, axis):
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    flat = x.reshape(-1, 7)
    t = np.arange(len(flat)) % 7
    labels = t.reshape([n for k, n in enumerate(shape) if k != axis % len(shape)])
    value, grad = fa.cross_entropy.value_and_grad(x, labels, axis=axis)
    wanted, wanted_grad = fa.cross_entropy.value_and_grad(flat, t)
    assert value == wanted
    np.testing.assert_array_equal(grad.reshape(-1, 7), wanted_grad)
    own = x.copy()
    fa.cross_entropy.grad(own, np.abs(x), axis=axis, out=own)
    np.testing.assert_array_equal(own.reshape(-1, 7), fa.cross_entropy.grad(flat, np.abs(flat)))


# ---- laws -----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 70)),
    dtype=st.sampled_from([*DTYPES, "float16"]),
    labels=st.sampled_from(["int8", "uint8", "int32", "int64", "uint64"]),
    options=st.fixed_dictionaries(
        {"label_smoothing": st.sampled_from([0.0, 0.3]), "reduction": st.sampled_from(REDUCTIONS)}
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_laws_of_cross_entropy(shape, dtype, labels, options, seed):
    """Label types and their one-hot rows agree; gradient rows sum to 0; backward is linear."""
    rng = np.random.default_rng(seed)
    x, eps = (rng.normal(size=shape) * 3).astype(dtype), float(np.finfo(dtype).eps)
    t = rng.integers(0, shape[1], shape[0]).astype(labels)
    value, grad = fa.cross_entropy.value_and_grad(x, t, **options)
    assert np.abs(grad.astype(np.float64).sum(axis=-1)).max() <= 2 * eps * (shape[1] + 16)
    hot = np.eye(shape[1], dtype=dtype)[t.astype(int)]
    soft, soft_grad = fa.cross_entropy.value_and_grad(x, hot, **options)
    np.testing.assert_allclose(soft, value, rtol=40 * eps, atol=eps)
    np.testing.assert_allclose(soft_grad, grad, rtol=0, atol=40 * eps)
    np.testing.assert_array_equal(fa.cross_entropy.backward(-1.0, x, t, **options), -grad)
    if dtype != "float16":  # whose subnormal numbers round differently when doubled
        np.testing.assert_array_equal(fa.cross_entropy.backward(2.0, x, t, **options), 2 * grad)
    np.testing.assert_array_equal(fa.cross_entropy(x, t.astype(int), **options), value)


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(st.integers(1, 6), st.integers(1, 40)), seed=st.integers(0, 2**32 - 1))
def test_scipy_agrees(shape, seed):
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=shape) * 5, rng.integers(0, shape[1], shape[0])
    log_p = scipy.special.log_softmax(x, axis=1)
    want = -log_p[np.arange(shape[0]), t]
    np.testing.assert_allclose(fa.cross_entropy(x, t, reduction="none"), want, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(fa.nll_loss(log_p, t, reduction="none"), want, rtol=1e-15)
    y = scipy.special.softmax(rng.normal(size=shape), axis=1)
    divergence = scipy.special.rel_entr(y, np.exp(log_p)).sum(axis=1) + scipy.special.entr(y).sum(axis=1)
    np.testing.assert_allclose(fa.cross_entropy(x, y, reduction="none"), divergence, rtol=1e-12, atol=1e-14)
    z, q = x[:, 0], y[:, 0]
    bce = -q * scipy.special.log_expit(z) - (1 - q) * scipy.special.log_expit(-z)
    np.testing.assert_allclose(fa.binary_cross_entropy_with_logits(z, q, reduction="none"), bce, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("classes", [10, 1000])
def test_arrays_at_odd_addresses(dtype, classes, rng):
    """Logits, weights and gradients a byte off: the same bits as at their places."""

    def moved(array):
        place = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
        place[...] = array
        return place

    x, t = rng.normal(size=(40, classes)).astype(dtype), rng.integers(0, classes, 40)
    w, out = rng.uniform(1, 2, classes).astype(dtype), moved(np.empty_like(x))
    wanted = fa.cross_entropy.value_and_grad(x, t, weight=w, label_smoothing=0.1)
    got = fa.cross_entropy.value_and_grad(moved(x), t, weight=moved(w), label_smoothing=0.1, out=out)
    assert got[0] == wanted[0] and got[1] is out
    np.testing.assert_array_equal(out, wanted[1])


def test_logsumexp_gradient_at_the_ends_of_the_range():
    """A large grad_output brings small probabilities back; an infinite one is a limit."""
    x = np.array([[0.0, 1.0, -95.0]], np.float32)
    p = np.exp(np.float64([0, 1, -95])) / np.exp(np.float64([0, 1, -95])).sum()
    for dy in (1e30, -1e20, 1.0, 1e-20, 1e-36):
        got = fa.logsumexp.backward(np.array([dy], np.float32), x)[0].astype(np.float64)
        error = np.abs(got - np.float64(np.float32(dy)) * p)
        assert (error <= 3 * np.spacing(np.abs(got).astype(np.float32))).all(), dy
    assert (fa.logsumexp.backward(np.array([np.inf], np.float32), x) == np.inf).all()


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize(("dtype", "large"), [("float32", 1e30), ("float64", 1e290)])
def test_small_probabilities_under_a_large_gradient(dtype, large, soft):
    """What exp(x - max) alone would lose below the normal range counts; what is -inf does not."""
    low = np.log(np.finfo(dtype).smallest_subnormal) - 5
    x = np.array([[0, low, low / 3, -np.inf]], dtype)
    dy = np.array([large], dtype)
    target = np.array([[1, 0, 0, 0]], dtype) if soft else [0]
    losses = fa.cross_entropy.backward(dy, x, target, reduction="none")[0]
    sums = fa.logsumexp.backward(dy, x)[0]
    terms = [mp.exp(mpf(float(value))) for value in x[0, :3]]
    for k in (1, 2):
        wanted = mpf(float(dy[0])) * terms[k] / sum(terms)
        for got in (losses[k], sums[k]):
            assert abs(mpf(float(got)) - wanted) <= 2 * mpf(float(np.spacing(got))), (k, got)
    assert losses[3] == 0 and sums[3] == 0
