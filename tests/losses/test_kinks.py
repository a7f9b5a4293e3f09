"""Elementwise losses where points drawn at random do not fall: at kinks, of NaN, of targets beyond 1, -1."""

import numpy as np
import pytest
import reference
from support import walk
from support.float64_rows import tuples

import fastact as fa

FLOATS = ["float32", "float64"]
ELEMENTWISE = sorted(walk.elementwise_losses())

KINKS = [  # loss, input, target, options; value, gradient and Hessian diagonal, as PyTorch has them
    ("l1_loss", 2.0, 2.0, {}, 0.0, 0.0, 0.0),
    ("smooth_l1_loss", 1.0, 0.5, {"beta": 0.5}, 0.25, 1.0, 0.0),
    ("smooth_l1_loss", 0.5, 1.0, {"beta": 0.5}, 0.25, -1.0, 0.0),
    ("smooth_l1_loss", 2.0, 2.0, {"beta": 0.0}, 0.0, 0.0, 0.0),
    ("huber_loss", 3.0, 1.0, {"delta": 2.0}, 2.0, 2.0, 0.0),
    ("huber_loss", 1.0, 3.0, {"delta": 2.0}, 2.0, -2.0, 0.0),
    ("pinball_loss", 1.0, 1.0, {"quantile": 0.75}, 0.0, 0.0, 0.0),
    ("hinge_loss", 1.0, 1.0, {}, 0.0, 0.0, 0.0),
    ("hinge_loss", -1.0, -1.0, {}, 0.0, 0.0, 0.0),
    ("squared_hinge_loss", 1.0, 1.0, {}, 0.0, 0.0, 0.0),
    ("squared_hinge_loss", -1.0, -1.0, {}, 0.0, 0.0, 0.0),
    ("hinge_embedding_loss", 0.5, -1.0, {"margin": 0.5}, 0.0, -1.0, 0.0),
    ("hinge_embedding_loss", 0.5, 1.0, {"margin": 0.5}, 0.5, 1.0, 0.0),
    ("hinge_embedding_loss", 0.25, 0.0, {"margin": 0.5}, 0.5, 0.0, 0.0),
    ("hinge_embedding_loss", 0.75, 0.0, {"margin": 0.5}, 0.75, 1.0, 0.0),
    ("hinge_embedding_loss", 0.75, -2.0, {"margin": 0.5}, 0.75, 1.0, 0.0),
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("name", "x", "t", "options", "value", "grad", "hess"), KINKS)
def test_kinks(name, x, t, options, value, grad, hess, dtype):
    x, t = np.full(19, x, dtype), np.full(19, t, dtype)
    op = getattr(fa, name)
    values = op(x, t, **options, reduction="none")
    grads, hesses = op.grad_and_hess(x, t, **options, reduction="sum")
    np.testing.assert_array_equal(values, np.full(19, value, dtype))
    np.testing.assert_array_equal(grads, np.full(19, grad, dtype))
    np.testing.assert_array_equal(hesses, np.full(19, hess, dtype))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_of_any_operand_comes_out(name, dtype):
    """In value, gradients and curvature, and nowhere else."""
    entry = reference.LOSSES[name]
    op = getattr(fa, entry.op or name)
    for n in (1, 19):
        there = np.arange(n) == n // 2
        for which in op._operands:
            operands = {operand: np.full(n, 0.5, dtype) for operand in op._operands}
            operands[which][there] = np.nan
            value = op(**operands, **entry.options, reduction="none")
            grads, hesses = op.grad_and_hess(**operands, **entry.options, reduction="sum")
            for found in (value, *tuples(grads), *tuples(hesses)):
                np.testing.assert_array_equal(np.isnan(found), there, which)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["hinge_loss", "squared_hinge_loss", "exponential_loss", "soft_margin_loss"])
def test_targets_scale_scores(name, dtype, rng):
    """A function of t x: of a power of two t the bits are those of |t| x, times |t| and its square."""
    op, x = getattr(fa, name), (rng.normal(size=99) * 3).astype(dtype)
    for t in (2.0, -2.0, 0.25, -0.25):
        target, sign, size = np.full_like(x, t), np.full_like(x, np.sign(t)), np.full_like(x, abs(t))
        value = op(x, target, reduction="none")
        np.testing.assert_array_equal(value, op(size * x, sign, reduction="none"))
        grad, hess = op.grad_and_hess(x, target, reduction="sum")
        wanted, wanted_hess = op.grad_and_hess(size * x, sign, reduction="sum")
        np.testing.assert_array_equal(grad, size * wanted)
        np.testing.assert_array_equal(hess, size**2 * wanted_hess)


@pytest.mark.parametrize("size", [2.0**100, 2.0**-60])
def test_gamma_deviances_slopes_do_not_leave_the_range(size):
    """Where the mean's square, or its cube, over- or underflows in float32."""
    x, y = np.full(19, size, np.float32), np.full(19, 3 * size, np.float32)
    grad, hess = fa.gamma_deviance.grad_and_hess(x, y, log_input=False, reduction="sum")
    np.testing.assert_array_equal(grad, np.full(19, -4 / size, np.float32))
    np.testing.assert_array_equal(hess, np.full(19, 10 / size**2, np.float32))
