"""Facts that tutorials print, reproduced: what a reader of one would check first."""

import numpy as np
import pytest

import fastact as fa

POINTS = np.linspace(-10, 10, 21)
SIXTH = np.linspace(-1, 1, 10)


def mirrored(half):
    """Values at -10 ... 0, and the same back to 10."""
    return np.array(half + half[-2::-1])


# ---- activations and their gradients ------------------------------------------------------


def test_sigmoid_over_a_wide_range():
    x = np.linspace(-100, 100, 10)
    want = [3.7201e-44, 1.6655e-34, 7.4564e-25, 3.3382e-15, 1.4945e-05, 9.9999e-01, 1, 1, 1, 1]
    np.testing.assert_allclose(fa.sigmoid(x), want, rtol=2e-5)
    single = fa.sigmoid(x.astype(np.float32))
    np.testing.assert_allclose(single[1:], want[1:], rtol=2e-5)
    assert single[0] == np.float32(3.78e-44)  # a subnormal number, not 0
    assert single[0] > 0


def test_derivative_of_sigmoid():
    want = mirrored([
        4.53958077e-05, 1.23379350e-04, 3.35237671e-04, 9.10221180e-04, 2.46650929e-03, 6.64805667e-03,
        1.76627062e-02, 4.51766597e-02, 1.04993585e-01, 1.96611933e-01, 2.5e-01,
    ])  # fmt: skip
    np.testing.assert_allclose(fa.sigmoid.derivative(POINTS), want, rtol=5e-9)


def test_derivative_of_tanh():
    want = mirrored([
        8.24461455e-09, 6.09199171e-08, 4.50140598e-07, 3.32610934e-06, 2.45765474e-05, 1.81583231e-04,
        1.34095068e-03, 9.86603717e-03, 7.06508249e-02, 4.19974342e-01, 1.0,
    ])  # fmt: skip
    # They were printed from 1 - tanh^2, which is off by up to half an ulp of 1: the first of
    # them ends in 55, and the truth is 8.244614456e-09.
    np.testing.assert_allclose(fa.tanh.derivative(POINTS), want, rtol=5e-9, atol=2.0**-53)
    assert fa.tanh.derivative(-10.0) == pytest.approx(8.24461445576739e-09, rel=1e-14)


def test_derivatives_of_rectifiers():
    """At the kink too the left value holds."""
    np.testing.assert_array_equal(fa.relu.derivative(POINTS), [0.0] * 11 + [1.0] * 10)
    np.testing.assert_array_equal(fa.leaky_relu.derivative(POINTS, 0.01), [0.01] * 11 + [1.0] * 10)


def test_tanh_and_relu_near_zero():
    half = [0.1107, 0.3215, 0.5047, 0.6514, 0.7616]
    np.testing.assert_array_equal(fa.tanh(SIXTH).round(4), [-v for v in half[::-1]] + half)
    np.testing.assert_array_equal(fa.relu(SIXTH).round(4), [0] * 5 + [0.1111, 0.3333, 0.5556, 0.7778, 1.0])


def test_identities():
    s, t = fa.sigmoid(POINTS), fa.tanh(POINTS)
    np.testing.assert_allclose(fa.sigmoid.derivative(POINTS), s - s**2, rtol=1e-11)
    np.testing.assert_allclose(fa.tanh.derivative(POINTS), 1 - t**2, rtol=1e-7)
    np.testing.assert_allclose(t, 2 * fa.sigmoid(2 * POINTS) - 1, atol=3e-16)
    # x sigmoid(beta x), which is silu(beta x) / beta, tends to relu
    np.testing.assert_allclose(fa.silu(1e3 * POINTS) / 1e3, fa.relu(POINTS), atol=1e-300)


def test_saturation():
    """Both ends of sigmoid and tanh are flat, and that is all a gradient can see."""
    for op in (fa.sigmoid, fa.tanh):
        ends = op.derivative(np.array([-40.0, 40.0]))
        assert (ends > 0).all()
        assert (ends < 1e-17).all()


# ---- losses and their gradients --------------------------------------------------------------


def test_cross_entropy_of_two_rows():
    x, t = np.array([[2.0, 3, 1], [3, 7, 9]]), [1, 2]
    assert round(fa.cross_entropy(x, t), 4) == 0.2684
    assert round(fa.nll_loss(fa.log_softmax(x), t), 4) == 0.2684


def test_reductions_and_weights():
    x, t = np.array([[1.0, 2], [1, 3], [1, 3]]), [0, 1, 1]
    np.testing.assert_array_equal(fa.cross_entropy(x, t, reduction="none").round(4), [1.3133, 0.1269, 0.1269])
    assert round(fa.cross_entropy(x, t, reduction="sum"), 4) == 1.5671
    assert round(fa.cross_entropy(x, t), 4) == 0.5224
    assert round(fa.cross_entropy(x, t, weight=[1, 2], reduction="sum"), 4) == 1.8210
    assert round(fa.cross_entropy(x, t, weight=[1, 2]), 4) == 0.3642  # divided by 1 + 2 + 2


def test_softmax_jacobian(rng):
    """p_i (delta_ij - p_j), column by column."""
    z = rng.normal(size=5)
    p = fa.softmax(z)
    columns = fa.softmax.backward(np.eye(5), np.broadcast_to(z, (5, 5)))
    np.testing.assert_allclose(columns, np.diag(p) - np.outer(p, p), atol=1e-16)


def test_gradient_of_cross_entropy_over_softmax(rng):
    """p sum(y) - y for any target y; p - y for a one-hot one."""
    z, y = rng.normal(size=(4, 6)), rng.random((4, 6))
    p = fa.softmax(z)
    got = fa.cross_entropy.grad(z, y, reduction="sum")
    np.testing.assert_allclose(got, p * y.sum(axis=1, keepdims=True) - y, atol=2e-15)
    labels = rng.integers(0, 6, 4)
    got = fa.cross_entropy.grad(z, labels, reduction="sum")
    np.testing.assert_allclose(got, p - np.eye(6)[labels], atol=1e-15)


def test_squared_error():
    assert fa.mse_loss(np.ones((2, 2)), np.array([[0, 1], [2, 3]])) == 1.5
    # half the squared error, sum (y - o)^2 / 2, has the gradient o - y
    grad = fa.mse_loss.backward(0.5, np.array([2.0, 2, 3]), np.array([1.0, 2, 3]), reduction="sum")
    np.testing.assert_array_equal(grad, [1, 0, 0])


def test_entropy():
    """The most of two outcomes is ln 2 nats, 1 bit, at p = 0.5: a distribution's cross entropy
    with itself is its entropy."""
    shares = np.linspace(0.01, 0.99, 99)
    p = np.stack([shares, 1 - shares], axis=1)
    entropy = fa.cross_entropy(np.log(p), p, reduction="none")
    assert shares[entropy.argmax()] == pytest.approx(0.5)
    assert round(entropy.max(), 4) == 0.6931
    assert entropy.max() / np.log(2) == pytest.approx(1)


def test_cross_entropy_is_entropy_and_divergence(rng):
    """H(p, q) = H(p) + KL(p||q), and KL is not symmetric."""
    p, q = fa.softmax(rng.normal(size=(2, 7)))

    def cross(a, b):
        return fa.cross_entropy(np.log(b), a)

    forward, backward = cross(p, q) - cross(p, p), cross(q, p) - cross(q, q)
    assert forward == pytest.approx((p * np.log(p / q)).sum())
    assert backward == pytest.approx((q * np.log(q / p)).sum())
    assert abs(forward - backward) > 1e-3


def test_binary_cross_entropy_is_that_of_two_classes(rng):
    z, y = rng.normal(size=8) * 3, rng.random(8)
    s = fa.sigmoid(z)
    got = fa.binary_cross_entropy_with_logits(z, y, reduction="none")
    np.testing.assert_allclose(got, -(y * np.log(s) + (1 - y) * np.log(1 - s)))
    pairs, shares = np.stack([0 * z, z], axis=1), np.stack([1 - y, y], axis=1)
    np.testing.assert_allclose(got, fa.cross_entropy(pairs, shares, reduction="none"))


# ---- one dense layer ------------------------------------------------------------------------


def numerical(f, a, step=1e-6):
    """Central differences of the scalar f by every element of a."""
    grad = np.empty_like(a)
    for k in np.ndindex(a.shape):
        moved = [a.copy(), a.copy()]
        moved[0][k] += step
        moved[1][k] -= step
        grad[k] = (f(moved[0]) - f(moved[1])) / (2 * step)
    return grad


def test_layer_with_sigmoid_and_squared_error(rng):
    """dL/dw_jk = (o_k - t_k)(o_k - o_k^2) x_j for L = sum (o - t)^2 / 2."""
    x, w, b, t = rng.normal(size=(1, 3)), rng.normal(size=(3, 1)), rng.normal(size=1), np.array([[0.3]])

    def loss(w):
        return 0.5 * fa.mse_loss(fa.sigmoid(x @ w + b), t, reduction="sum")

    z = x @ w + b
    o = fa.sigmoid(z)
    formula = x.T @ ((o - t) * (o - o**2))
    by_parts = x.T @ fa.sigmoid.backward(0.5 * fa.mse_loss.grad(o, t, reduction="sum"), z)
    np.testing.assert_allclose(by_parts, formula, rtol=1e-13)
    np.testing.assert_allclose(numerical(loss, w), formula, rtol=1e-6)


def test_layer_with_softmax_and_cross_entropy(rng):
    """dL/dW = x^T (p - y) / N on logits."""
    x, w, labels = rng.normal(size=(2, 4)), rng.normal(size=(4, 3)), [2, 0]
    formula = x.T @ (fa.softmax(x @ w) - np.eye(3)[labels]) / 2
    np.testing.assert_allclose(x.T @ fa.cross_entropy.grad(x @ w, labels), formula, rtol=1e-13)
    np.testing.assert_allclose(numerical(lambda w: fa.cross_entropy(x @ w, labels), w), formula, rtol=1e-6)


@pytest.mark.parametrize(
    "op", [fa.sigmoid, fa.tanh, fa.gelu, fa.silu, fa.softplus], ids=lambda op: op.__name__
)
def test_gradients_are_numerical_gradients(op, rng):
    x = rng.normal(size=12) * 2
    first = numerical(lambda a: float(op(a).sum()), x)
    np.testing.assert_allclose(op.derivative(x), first, atol=1e-8)
    second = numerical(lambda a: float(op.derivative(a).sum()), x)
    np.testing.assert_allclose(op.derivative(x, order=2), second, atol=1e-8)


# ---- initialisation ----------------------------------------------------------------------------


def spread_after(layers, weights, activation, rng):
    """Standard deviations after each layer of 256 neurons, for 16 standard normal inputs, float32."""
    x, seen = rng.standard_normal((16, 256)).astype(np.float32), []
    for _ in range(layers):
        x = activation(x @ weights())
        seen.append(float(np.std(x.astype(np.float64))))
        if not np.isfinite(seen[-1]):
            break
    return seen


def normal(rng, scale):
    return lambda: rng.standard_normal((256, 256), np.float32) * np.float32(scale)


def xavier_uniform(rng, gain):
    bound = gain * np.sqrt(6 / 512)
    return lambda: rng.uniform(-bound, bound, (256, 256)).astype(np.float32)


def test_deep_networks_by_initialisation(rng):
    with np.errstate(over="ignore", invalid="ignore"):
        grown = spread_after(100, normal(rng, 1), lambda z: z, rng)
    assert 31 <= len(grown) <= 36  # then float32 overflows
    assert grown[9] / grown[8] == pytest.approx(16, rel=0.15)
    assert 0.3 < spread_after(100, normal(rng, 1 / 16), lambda z: z, rng)[-1] < 3
    shrunk = spread_after(100, normal(rng, 1 / 16), fa.tanh, rng)
    assert shrunk[9] == pytest.approx(0.23, abs=0.03)
    assert shrunk[99] == pytest.approx(0.07, abs=0.02)
    assert spread_after(100, xavier_uniform(rng, 5 / 3), fa.tanh, rng)[-1] == pytest.approx(0.65, abs=0.03)
    assert 1e6 < spread_after(100, xavier_uniform(rng, 5 / 3), fa.relu, rng)[-1] < 1e8
    assert 0.1 < spread_after(100, normal(rng, np.sqrt(2 / 256)), fa.relu, rng)[-1] < 10
