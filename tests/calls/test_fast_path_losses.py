"""Losses called without options: the short way gives the general one's bits, or leaves a call to it."""

import numpy as np
import pytest
from support import walk

import fastact as fa

ELEMENTWISE = [name for name in walk.elementwise_losses() if len(walk.loss(name)._operands) == 2]
ROWS = ["cross_entropy", "nll_loss"]
SHAPE = (6, 5)


def operands(name, dtype, rng):
    if name in ROWS:
        return rng.normal(size=SHAPE).astype(dtype), rng.integers(0, SHAPE[1], SHAPE[0])
    x, t = rng.uniform(0.1, 0.9, (2, *SHAPE)).astype(dtype)
    return x, t


def calls(op):
    """Each with its wanted value and gradient."""
    return (
        lambda *a, **k: (op(*a, **k),),
        op.value_and_grad,
        lambda *a, **k: (op.grad(*a, **k),),
    )


def same(name, *given):
    """Without options, and with the defaults given, which goes the general way."""
    for call in calls(getattr(fa, name)):
        for got, wanted in zip(call(*given), call(*given, reduction="mean"), strict=True):
            assert type(got) is type(wanted)
            np.testing.assert_array_equal(got, wanted)
            if isinstance(got, np.ndarray):
                assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)


def on_fast_path(name, *given, out=None):
    return getattr(fa, name)._fast_path(given, True, True, out) is not NotImplemented


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*dict.fromkeys(walk.loss(n).__name__ for n in ELEMENTWISE), *ROWS])
def test_bits(name, dtype, rng):
    x, t = operands(name, dtype, rng)
    assert on_fast_path(name, x, t)
    same(name, x, t)
    same(name, x[:1], t[:1])


@pytest.mark.parametrize("name", ["mse_loss", "cross_entropy"])
def test_what_is_left_to_the_general_way(name, rng):
    x, t = operands(name, "float32", rng)
    buffer = np.zeros(x.nbytes + 1, np.uint8)
    odd = buffer[1:].view("f4").reshape(SHAPE)
    odd[...] = x
    assert on_fast_path(name, odd, t)  # the core reads at any address
    same(name, odd, t)
    others = {
        "order": (np.asfortranarray(x), t),
        "stride": (np.repeat(x, 2, axis=1)[:, ::2], t),
        "bytes": (x.astype(">f4"), t),
        "float16": (x.astype("f2"), t),
        "subclass": (x.view(np.memmap), t) if name == "cross_entropy" else (np.ma.array(x), t),
        "list": (x.tolist(), t),
        "target's bytes": (x, t.astype(t.dtype.newbyteorder(">"))),
        "target's list": (x, t.tolist()),
        "empty": (x[:0], t[:0]),
    }
    for what, given in others.items():
        assert not on_fast_path(name, *given), what
        same(name, *given)
    if name == "mse_loss":
        same(name, x, np.float32(0.5))
        same(name, x, t.astype("f8"))
        same(name, x[0, 0], t[0, 0])
        same(name, x, np.ones(SHAPE, int))
    else:
        for integer in "bBhHiIlLqQ":
            assert on_fast_path(name, x, t.astype(integer))
            same(name, x, t.astype(integer))
        same(name, x, np.full(SHAPE, 0.2, "f4"))


@pytest.mark.parametrize("name", ["mse_loss", "cross_entropy"])
def test_out(name, rng):
    x, t = operands(name, "float32", rng)
    op = getattr(fa, name)
    value, wanted = op.value_and_grad(x, t, reduction="mean")
    fresh = np.empty_like(x)
    assert on_fast_path(name, x, t, out=fresh)
    for out in (fresh, np.empty(SHAPE), np.empty(SHAPE, "f4", order="F"), np.empty((6, 10), "f4")[:, ::2]):
        found, grad = op.value_and_grad(x, t, out=out)
        assert grad is out and found == value
        np.testing.assert_array_equal(out, wanted.astype(out.dtype))
    in_place = x.copy()
    assert op.grad(in_place, t, out=in_place) is in_place
    np.testing.assert_array_equal(in_place, wanted)
    memory = np.zeros(x.size + 1, "f4")
    ahead, behind = (memory[k : x.size + k].reshape(SHAPE) for k in (0, 1))
    for source, out in ((ahead, behind), (behind, ahead)):
        source[...] = x
        assert not on_fast_path(name, source, t, out=out)
        np.testing.assert_array_equal(op.grad(source, t, out=out), wanted)
    if name == "mse_loss":
        target = t.copy()
        assert not on_fast_path(name, x, target, out=target)
        np.testing.assert_array_equal(op.grad(x, target, out=target), wanted)
    both = x.copy()
    if name == "mse_loss":
        np.testing.assert_array_equal(op.grad(both, both, out=both), np.zeros(SHAPE))


@pytest.mark.parametrize("name", ["mse_loss", "cross_entropy"])
def test_refused_as_ever(name, rng):
    x, t = operands(name, "float32", rng)
    op = getattr(fa, name)
    fixed = np.empty_like(x)
    fixed.flags.writeable = False
    for error, given, out in (
        (ValueError, (x, t), fixed),
        (ValueError, (x, t), np.empty((5, 6), "f4")),
        (TypeError, (x, t), np.empty(SHAPE, int)),
        (TypeError, (x, t), [0.0]),
        (ValueError, (x, t[:3]), None),
        (TypeError, (x, t.astype(complex)), None),
        (TypeError, (x,), None),
        (TypeError, (x, t, t), None),
    ):
        messages = []
        for options in ({}, {"reduction": "mean"}):
            with pytest.raises(error) as caught:
                op.grad(*given, out=out, **options)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


def test_bad_labels_write_nothing(rng):
    x, t = operands("cross_entropy", "float32", rng)
    t[4] = SHAPE[1]
    out = np.full(SHAPE, 7, "f4")
    for call in (fa.cross_entropy.grad, fa.nll_loss.value_and_grad):
        with pytest.raises(IndexError, match=r"label 5 of row 4 is not in 0\.\.4"):
            call(x, t, out=out)
    assert (out == 7).all()
    t[4] = -100
    same("cross_entropy", x, t)
