"""multi_margin_loss, multilabel_margin_loss, multilabel_soft_margin_loss against mpmath, in ulp.
(Layouts, types, threads, errors: test_float64_rows.py.)"""

from itertools import product

import numpy as np
import pytest
from support.float64_rows import REDUCTIONS, check_loss

import fastact as fa

DTYPES = ["float32", "float64"]
SIZES = [(5, 1), (4, 2), (9, 10), (3, 67), (2, 300)]


def scores(shape, dtype, rng):
    return (rng.normal(size=shape) * 3).astype(dtype)


def largest(x):
    return np.abs(x).max(axis=1).astype(np.float64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("p", "margin", "weighted"), [*product((1, 2), (1.0, 0.3, -0.5, 0.0), (False, True))]
)
def test_multi_margin(p, margin, weighted, reduction, dtype, rng):
    for shape in SIZES:
        x, y = scores(shape, dtype, rng), rng.integers(0, shape[1], shape[0])
        weight = (rng.uniform(0.2, 3, shape[1]) * (rng.random(shape[1]) < 0.8)).astype(dtype)
        w = weight[y].astype("f8") if weighted else np.ones(shape[0])
        terms = 2 * largest(x) + abs(margin)
        value = w * terms * (2 * terms if p == 2 else 1)
        grad = (w * 2 * terms if p == 2 else 0 * w)[:, None]
        options = {"p": p, "margin": margin, "weight": weight if weighted else None}
        scales = (value, grad, 0.0)
        check_loss("multi_margin_loss", (x, y), options, dtype, reduction, (3, 4, 3), scales)


def label_lists(shape, rng):
    """Of any length, 0 and all included; behind a list's end there is something."""
    lists = np.stack([rng.permutation(shape[1]) for _ in range(shape[0])])
    for k, row in enumerate(lists):
        length = rng.integers(0, shape[1] + 1) if k else shape[1]
        row[length : length + 1] = -1
    lists[-1, 0] = -1
    return lists


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_multilabel_margin(reduction, dtype, rng):
    for shape in [*SIZES[:3], (3, 40), (2, 67)]:
        x, lists = scores(shape, dtype, rng), label_lists(shape, rng)
        value = shape[1] * (2 * largest(x) + 1)
        check_loss("multilabel_margin_loss", (x, lists), {}, dtype, reduction, (3, 4, 3), (value, 0.0, 0.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_multilabel_soft_margin(weighted, reduction, dtype, rng):
    for shape in SIZES:
        x = scores(shape, dtype, rng)
        y = rng.choice([0, 1, 0.25, 0.9], size=shape).astype(dtype)
        weight = (rng.uniform(0.2, 3, shape[1]) * (rng.random(shape[1]) < 0.8)).astype(dtype)
        w = weight.astype("f8") if weighted else np.ones(shape[1])
        sides = np.maximum((1 - y) / (1 + np.exp(-x.astype("f8"))), y / (1 + np.exp(x.astype("f8"))))
        scales = (0.0, w * sides / shape[1], 0.0)
        options = {"weight": weight if weighted else None}
        check_loss("multilabel_soft_margin_loss", (x, y), options, dtype, reduction, (5, 5, 7), scales)


def test_extreme_scores():
    """No power, square or exponential overflows where the result is finite."""
    for size, dtype in ((1e4, "float32"), (1e4, "float64"), (1e36, "float32"), (1e36, "float64")):
        x = np.array([[size, -size, 0.0, size], [-size, -size, -size, size]], dtype)
        for p in (1, 2):
            for y in ([0, 0], [1, 3], [2, 1]):
                if dtype == "float32" and p == 2 and size > 1e18:
                    total = fa.multi_margin_loss(x, y, p=2)  # a Python float holds it, and float32 a slope
                    assert np.isfinite(total)
                    assert np.isfinite(fa.multi_margin_loss.grad(x, y, p=2)).all()
                    continue
                scales = (12.0 * size**p, 4.0 * size * (p - 1), 0.0)
                check_loss("multi_margin_loss", (x, np.array(y)), {"p": p}, dtype, "none", scales=scales)
        lists = np.array([[1, 2, -1, 0], [3, 2, 1, 0]])
        scales = (16.0 * size, 0.0, 0.0)
        check_loss("multilabel_margin_loss", (x, lists), {}, dtype, "none", scales=scales)
        y = np.array([[1.0, 0.0, 0.5, 0.0], [0.0, 1.0, 0.25, 1.0]], dtype)
        if size < 1e5:
            check_loss("multilabel_soft_margin_loss", (x, y), {}, dtype, "none", (5, 5, 7))
        value, grad = fa.multilabel_soft_margin_loss.value_and_grad(x, y, reduction="none")
        assert np.isfinite(value).all() and np.isfinite(grad).all()


# PyTorch 2.13's gradients where the hinge, or a list of labels, has a choice. Rows are (x, target, gradient),
# to be divided by the number of classes.
KINKS = {
    ("multi_margin_loss", 1): ([1.0, 0.0, 0.5], 0, [-1, 0, 1]),  # z = 0 has slope 0
    ("multi_margin_loss", 2): ([1.0, 0.0, 0.5], 0, [-1, 0, 1]),
    ("multilabel_margin_loss", "kink"): ([1.0, 0.0, 0.5], [0, -1, 1], [-1, 0, 1]),
    ("multilabel_margin_loss", "twice"): ([1.0, 0.2, 0.5], [0, 0, -1], [-4, 2, 2]),
    ("multilabel_margin_loss", "two"): ([1.0, 0.2, 0.5], [0, 2, -1], [-1, 2, -1]),
    ("multilabel_margin_loss", "none"): ([1.0, 0.2, 0.5], [-1, 0, -1], [0, 0, 0]),
}


@pytest.mark.parametrize(("case", "row"), [*KINKS.items()])
@pytest.mark.parametrize("dtype", DTYPES)
def test_kinks(case, row, dtype):
    name, which = case
    x, target, grad = row
    options = {"p": which} if name == "multi_margin_loss" else {}
    got = getattr(fa, name).grad(np.array([x] * 9, dtype), np.array([target] * 9), reduction="sum", **options)
    np.testing.assert_array_equal(got, np.array([grad] * 9, "f8").astype(dtype) / np.array(3, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [1, 2])
def test_masked_infinite_and_missing_scores(p, dtype):
    """-inf counts nothing, whatever the label's score; NaN makes its row NaN, and no other."""
    loss = fa.multi_margin_loss
    x = np.array([[1.0, -np.inf, 0.5], [-np.inf, -np.inf, -np.inf], [np.inf, 1.0, 2.0]] * 3, dtype)
    value, grad = loss.value_and_grad(x, [0] * 9, p=p, reduction="none")
    np.testing.assert_array_equal(value[:3], np.array([0.5**p / 3, 0.0, 0.0]).astype(dtype))
    np.testing.assert_array_equal(
        grad[:3], np.array([[-1, 0, 1], [0, 0, 0], [0, 0, 0]], dtype) / np.array(3, dtype)
    )
    assert loss(np.array([[-np.inf, 0.0]], dtype), [0], p=p) == np.inf
    bad = np.zeros((12, 5), dtype)
    bad[3, 1] = bad[7, 2] = np.nan  # another class, and the label
    value, grad = loss.value_and_grad(bad, [2] * 12, p=p, reduction="none")
    assert np.isnan(value).nonzero()[0].tolist() == [3, 7]
    assert np.isnan(grad[3]).tolist() == [False, True, True, False, False]
    assert np.isnan(grad[7]).all()
    assert np.isfinite(np.delete(grad, [3, 7], 0)).all()
    assert np.isnan(loss(np.array([[np.nan]], dtype), [0], p=p))
    lists = np.tile([2, 4, -1, 0, 1], (12, 1))
    lists[9] = -1
    bad[9, 0] = np.nan
    value, grad = fa.multilabel_margin_loss.value_and_grad(bad, lists, reduction="none")
    assert np.isnan(value).nonzero()[0].tolist() == [3, 7]
    assert (grad[9] == 0).all(), "no labels: nothing to compare"
    x = np.array([[-np.inf, np.inf, 0.0]], dtype)
    assert fa.multilabel_soft_margin_loss(x, np.array([[0.0, 1.0, 0.0]], dtype)) == pytest.approx(
        np.log(2) / 3
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_class(dtype):
    x, y = np.array([[3.0], [-2.0]], dtype), np.array([0, 0])
    for p in (1, 2):
        value, grad = fa.multi_margin_loss.value_and_grad(x, y, p=p)
        assert value == 0.0 and (grad == 0).all()
    value, grad = fa.multilabel_margin_loss.value_and_grad(x, np.array([[0], [-1]]))
    assert value == 0.0 and (grad == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_weight_0_is_0(dtype):
    """Though the term be infinite."""
    x, weight = np.array([[np.inf, 1.0], [0.0, 0.5]], dtype), np.array([1.0, 0.0], dtype)
    value, grad = fa.multi_margin_loss.value_and_grad(x, [1, 0], weight=weight, reduction="none")
    assert value[0] == 0.0 and (grad[0] == 0).all() and value[1] > 0
    value, grad = fa.multilabel_soft_margin_loss.value_and_grad(
        np.array([[0.0, -np.inf]], dtype), np.array([[0.0, 1.0]], dtype), weight=weight, reduction="none"
    )
    np.testing.assert_array_equal(value, np.array([np.log(2) / 2], dtype))
    assert grad[0, 1] == 0


def test_the_mean_divides_by_rows():
    """As PyTorch: not by weights."""
    x = np.array([[1.0, 0.9, 0.5], [1.0, 2.0, 3.0]])
    value, grad = fa.multi_margin_loss.value_and_grad(x, [0, 1], weight=np.array([2.0, 3.0, 4.0]))
    assert value == pytest.approx(4.4 / 3, rel=1e-15)
    np.testing.assert_allclose(grad, [[-2 / 3, 1 / 3, 1 / 3], [0, -0.5, 0.5]], rtol=1e-15)
