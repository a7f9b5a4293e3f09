"""rrelu: slopes drawn at random in training, their mean otherwise; and what it refuses."""

import numpy as np
import pytest
from support import walk

import fastact as fa


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_rrelu(dtype):
    x = walk.values((300, 7), dtype, 1)
    mean = (1 / 8 + 1 / 3) / 2
    walk.assert_same_bits(fa.rrelu(x), fa.leaky_relu(x, mean), "evaluation")
    walk.assert_same_bits(fa.rrelu.derivative(x), fa.leaky_relu.derivative(x, mean), "evaluation")
    slopes = fa.rrelu.slopes(x, 0.2, 0.6, rng=5)
    assert slopes.dtype == dtype and slopes.shape == x.shape
    assert slopes.min() >= 0.2 - 1e-3 and slopes.max() <= 0.6 and slopes.std() > 0.1
    walk.assert_same_bits(fa.rrelu(x, 0.2, 0.6, True, rng=5), fa.leaky_relu(x, slopes), "training")
    dy = walk.values(x.shape, dtype, 2)
    got = fa.rrelu.backward(dy, x, 0.2, 0.6, training=True, rng=5)
    walk.assert_same_bits(got, fa.leaky_relu.backward(dy, x, slopes), "backward")
    assert (fa.rrelu.derivative(x, training=True, rng=5, order=2) == 0).all()
    generator = np.random.default_rng(5)
    walk.assert_same_bits(fa.rrelu(x, 0.2, 0.6, True, rng=generator), fa.leaky_relu(x, slopes), "generator")
    assert not np.array_equal(fa.rrelu(x, training=True), fa.rrelu(x, training=True))
    out = np.zeros_like(x)
    assert fa.rrelu(x, out=out) is out


def test_rrelu_errors():
    x = np.ones(3, np.float32)
    for rng in (None, np.random.default_rng(1), np.random.RandomState(1), np.random.PCG64(1)):
        for part in (fa.rrelu.derivative, lambda *a, **k: fa.rrelu.backward(x, *a, **k)):
            with pytest.raises(ValueError, match="rng must be the seed"):
                part(x, training=True, rng=rng)
    with pytest.raises(ValueError, match=r"lower must not exceed upper, got 0.5 and 0.25"):
        fa.rrelu(x, 0.5, 0.25)
    with pytest.raises(ValueError, match="order must be 1 or 2"):
        fa.rrelu.derivative(x, order=0)
    with pytest.raises(ValueError, match=r"must be finite numbers, got 0\.0 and inf"):
        fa.rrelu(x, 0.0, np.inf, True)
    with pytest.raises(TypeError, match=r"rrelu\.backward: there is no argument 'nonsense'"):
        fa.rrelu.backward(x, x, nonsense=1)
    with np.errstate(all="raise"):
        assert fa.rrelu.slopes(x.astype("f2"), 1e-9, 2e-9, rng=1).dtype == np.float16
