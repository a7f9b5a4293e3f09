"""Elementwise losses against mpmath: values, gradients and curvature, every option, in ulp; and `out` of all.

Everything is computed at 1250 bits from the formula, so what is compared is the
rounding of the kernels alone. A result is judged in ulp of the exact result; where it
is a difference or a sum of terms, in ulp of the largest term that is met on the way, which
`scale` is then; and x_j - max is rounded to half an ulp, which the input's own
conditioning passes on (see rows/test_row_ops.py).
"""

import math
from itertools import product

import numpy as np
import pytest
import reference
from mpmath import mpf
from support import walk
from support.loss_cases import (
    DTYPES,
    REDUCTIONS,
    check,
    elementwise_case,
    elementwise_exact,
    factor,
    parameter_values,
    reduced,
)

import fastact as fa
from fastact import _core

pytestmark = pytest.mark.usefixtures("row_precision")

ELEMENTWISE = sorted(walk.elementwise_losses())
WEIGHTS = {"no weight": None, "scalar": 0.75, "column": "column", "full": "full"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighting", WEIGHTS)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name, weighting, reduction, dtype, rng):
    op, entry, (x, t) = walk.loss(name), reference.LOSSES[name], elementwise_case(name, dtype, rng)
    shapes = {"column": (x.shape[0], 1), "full": x.shape}
    weight = WEIGHTS[weighting]
    if weight in shapes:
        weight = (rng.random(shapes[weight]) * rng.choice([0, 1, 3], size=shapes[weight])).astype(dtype)
    options = {p: parameter_values(name, p, x.shape[1], dtype, rng) for p in entry.parameters}
    value, grad, hess, terms, denominator = elementwise_exact(name, x, t, weight, options)
    scale = factor(reduction, denominator)
    bounds = _core.table()["loss"][name]["ulp"][dtype]
    options |= {"weight": weight, "reduction": reduction}

    # the weight and the mean's factor each round once more
    got, got_grad = op.value_and_grad(x, t, **options)
    if reduction == "none":
        check(got, value, dtype, bounds[0] + 1, terms[0])
    else:
        assert type(got) is float
        check(
            got, reduced(value, reduction, denominator), dtype, bounds[0] + 1, terms[0].sum() * float(scale)
        )
    check(got_grad, grad * scale, dtype, bounds[1] + 2, terms[1] * float(scale))
    only_grad, got_hess = op.grad_and_hess(x, t, **options)
    check(got_hess, hess * scale, dtype, bounds[2] + 2, terms[2] * float(scale))

    assert np.array_equal(op(x, t, **options), got)
    for same in (only_grad, op.grad(x, t, **options), op.backward(1.0, x, t, **options)):
        np.testing.assert_array_equal(same, got_grad)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_backward(name, dtype, rng):
    op, (x, t) = walk.loss(name), elementwise_case(name, dtype, rng)
    _, grad, _, (_, terms, _), _ = elementwise_exact(name, x, t, None, {})
    dy = rng.normal(size=x.shape).astype(dtype)
    got = op.backward(dy, x, t, reduction="none")
    check(got, grad * reference.exact(dy), dtype, 6, terms * np.abs(dy))
    check(op.backward(-2.5, x, t), grad * mpf(-2.5) / x.size, dtype, 6, terms * 2.5 / x.size)


@pytest.mark.parametrize("narrow", ["f2", walk.BFLOAT16], ids=["float16", "bfloat16"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_narrow_arrays_beside_float64(name, narrow):
    """Count as the numbers they are, however many there are."""
    shape, op = (700,), walk.loss(name)
    x, t, options = walk.loss_operands(name, shape, narrow)
    dy, wide = walk.positive(shape, narrow, 9), {k: a.astype("f8") for k, a in options.items()}
    got = op.backward(dy, x.astype("f8"), t, reduction="none", **options)
    wanted = op.backward(dy.astype("f8"), x.astype("f8"), t.astype("f8"), reduction="none", **wide)
    walk.assert_same_bits(got, wanted)


def test_bce_is_stable():
    """Where sigmoid and logarithm, or a clamp, lose everything."""
    bce = fa.binary_cross_entropy_with_logits
    hard = [(-20, 1, 1e4), (1e4, 1, 1), (-1e4, 0, 1), (1e36, 0, 1), (-1e36, 1, 3), (80, 1, 1), (-80, 0, 1)]
    for (x, y, p), dtype in product(hard, DTYPES):
        x, y, p = (np.array([v], dtype) for v in (x, y, p))
        value, grad, hess, *_ = elementwise_exact(bce.__name__, x, y, None, {"pos_weight": p})
        options = {"pos_weight": p, "reduction": "none"}
        check(bce(x, y, **options), value, dtype, 4)
        check(bce.grad(x, y, **options), grad, dtype, 4)
        check(bce.grad_and_hess(x, y, **options)[1], hess, dtype, 6)
    np.testing.assert_array_equal(bce([np.inf, -np.inf], [1.0, 0.0], reduction="none"), [0.0, 0.0])
    np.testing.assert_array_equal(bce([np.inf, -np.inf], [0.0, 1.0], reduction="none"), [np.inf, np.inf])


def test_bce_is_cross_entropy_of_two_classes(rng):
    z, y = rng.normal(size=50) * 9, rng.integers(0, 2, 50)
    pairs = np.stack([np.zeros(50), z], axis=1)
    np.testing.assert_allclose(
        fa.binary_cross_entropy_with_logits(z, y, reduction="none"),
        fa.cross_entropy(pairs, y, reduction="none"),
        rtol=1e-14,
    )


# ---- totals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", [*walk.losses(), *walk.float64_row_losses()])
def test_totals_of_many_terms(name, threads, set_threads):
    """More than a task's or a chunk's: the exact sum of the terms, to the last bits."""
    set_threads(threads)
    shape = (100_003,) if name in walk.elementwise_losses() else (30_011, 5)
    if name in walk.float64_row_losses():
        op, options = getattr(fa, name), {}
        operands = walk.float64_row_operands(name, shape, np.dtype("f8"))[0]
    else:
        op, (*operands, options) = walk.loss(name), walk.loss_operands(name, shape, np.dtype("f8"))
    total = math.fsum(op(*operands, **options, reduction="none"))
    assert op(*operands, **options, reduction="sum") == pytest.approx(total, rel=1e-14, abs=1e-8)


# ---- out= ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
@pytest.mark.parametrize("name", walk.losses())
def test_out(name, dtype, rng):
    """The same bits in a fresh array, in an array given, and over the input."""
    op = walk.loss(name)
    if isinstance(reference.LOSSES[name], reference.RowLoss):
        x, t = fa.log_softmax(rng.normal(size=(7, 19)).astype(dtype)), rng.integers(0, 19, 7)
    else:
        x, t, _ = walk.loss_operands(name, (7, 19), dtype)
    value, grad = op.value_and_grad(x, t)
    out = np.full_like(x, 9)
    got = op.value_and_grad(x, t, out=out)
    assert got[1] is out
    assert got[0] == value
    np.testing.assert_array_equal(out, grad)
    own = x.copy()
    assert op.grad(own, t, out=own) is own
    np.testing.assert_array_equal(own, grad)
    own = x.copy()
    assert op.backward(2.0, own, t, out=own, reduction="sum") is own
    np.testing.assert_array_equal(own, op.backward(2.0, x, t, reduction="sum"))
    strided = np.zeros((7, 38), dtype)[:, ::2]
    op.grad(x, t, out=strided)
    np.testing.assert_array_equal(strided, grad)
    pair = (np.empty_like(x), np.empty_like(x))
    assert all(a is b for a, b in zip(op.grad_and_hess(x, t, out=pair), pair, strict=True))
    for a, b in zip(pair, op.grad_and_hess(x, t), strict=True):
        np.testing.assert_array_equal(a, b)
