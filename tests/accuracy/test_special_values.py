"""Special values, frozen: what every activation gives at zeros, infinities, NaN, the
largest and smallest numbers and its kinks, whatever lane or tail holds them."""

import numpy as np
import pytest
import reference
from mpmath import mp, mpf
from support.cases import ACTIVATIONS, backward, function, parameters, public, required
from support.specials import number, same

import fastact as fa

NAN = np.nan
SPECIALS = {name: entry.specials for name, entry in reference.ACTIVATIONS.items()}
LENGTHS = range(1, 68)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_table_is_complete(name):
    kinks = {kink for kink in reference.ACTIVATIONS[name].kinks if kink}
    assert {"+0", "-0", np.inf, -np.inf, "max", "-max", "tiny", "-tiny", *kinks} <= SPECIALS[name].keys()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", range(3))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values(name, order, dtype):
    compute, p = function(name, order), parameters(name, dtype)
    for at, expected in SPECIALS[name].items():
        got = compute(np.array([number(at, dtype)]), *p)
        assert got.dtype == dtype
        assert same(got, expected[order], dtype).all(), f"{name} order {order} at {at}: {got[0]!r}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", range(3))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_lane_and_tail(name, order, dtype):
    """Each special at each place of each length: what is there does not depend on the place,
    and its neighbours do not notice."""
    compute, p = function(name, order), parameters(name, dtype)
    specials = np.array([number(at, dtype) for at in SPECIALS[name]] + [NAN], dtype)
    ordinary = np.array(0.625, dtype)
    alone = np.concatenate([compute(specials[k : k + 1], *p) for k in range(len(specials))])
    assert np.isnan(alone[-1])
    beside = compute(ordinary[None], *p)[0]
    for n in LENGTHS:
        # A padded pitch keeps the loop at n elements a time: a row each.
        buffer = np.full((len(specials), n, n + 1), ordinary)
        x = buffer[:, :, :n]
        x[:, range(n), range(n)] = specials[:, None]
        expected = np.full(x.shape, beside)
        expected[:, range(n), range(n)] = alone[:, None]
        got = compute(x, *p)
        np.testing.assert_array_equal(got, expected)
        zeros = expected == 0
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(expected[zeros]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_keeps_its_place(name, dtype, rng):
    """In every function of the op, for several NaNs in one array and NaN upstream gradients."""
    op, options = public(name)
    x = rng.normal(size=301).astype(dtype)
    places = rng.random(301) < 0.1
    x[places] = NAN
    ones = np.ones_like(x)
    p, gradient = required(name, dtype), backward(name)
    results = [function(name, order)(x, *p) for order in range(3)]
    results += [gradient(ones, x, *p), gradient(x, ones, *p)]
    if reference.ACTIVATIONS[name].from_output:
        results.append(op.backward_from_output(ones, np.abs(x) / 9, **options))
        results.append(op.backward_from_output(x, ones / 9, **options))
    for result in results:
        np.testing.assert_array_equal(np.isnan(result), places)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_that_are_nan(dtype):
    """A NaN parameter makes the elements that use it NaN."""
    x = np.array([-1.0, 2.0], dtype)
    np.testing.assert_array_equal(np.isnan(fa.leaky_relu(x, NAN)), [True, False])
    np.testing.assert_array_equal(np.isnan(fa.celu(x, NAN)), [True, False])
    np.testing.assert_array_equal(np.isnan(fa.softplus(x, NAN)), [True, True])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_vanishes_keeps_its_sign(name, dtype):
    """A value too small for a number is a zero of its sign."""
    entry, info = reference.ACTIVATIONS[name], np.finfo(dtype)
    sizes = [info.smallest_subnormal, 3 * info.smallest_subnormal, info.tiny, 50.0, 200.0, 900.0, 1e30]
    x = np.array([sign * size for size in sizes for sign in (1, -1)], dtype)
    got = function(name, 0)(x, *parameters(name, dtype))
    with mp.workprec(1500):
        exact = [entry.value(mpf(float(a)), *entry.parameters) for a in x]
    for a, found, wanted in zip(x, got, exact, strict=True):
        if found == 0 and wanted != 0:
            assert np.signbit(found) == (wanted < 0), (a, found)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softshrink_of_a_negative_lambd_is_nan(dtype):
    """The formula would move what is near 0 away from it, and jump there."""
    x = np.linspace(-2, 2, 41, dtype=dtype)
    for lambd in (-0.5, -np.inf, np.full(41, -1e-30, dtype)):
        assert np.isnan(fa.softshrink(x, lambd)).all()
        assert np.isnan(fa.softshrink.backward(x, x, lambd)).all()
        assert np.isnan(fa.softshrink.derivative(x, lambd, order=2)).all()
    np.testing.assert_array_equal(fa.softshrink(x, -0.0), x)


@pytest.mark.parametrize("name", [n for n, entry in reference.ACTIVATIONS.items() if not entry.splits])
def test_kinks_are_where_something_jumps(name):
    """The op's own list is the reference's; there, and nowhere else, value or a derivative jumps."""
    entry, (op, _) = reference.ACTIVATIONS[name], public(name)
    names = [p for p in op.__signature__.parameters if p != "input"]
    given = dict(zip(names, entry.parameters, strict=False))

    def place(kink):
        if not isinstance(kink, str):
            return kink
        return -given[kink[1:]] if kink.startswith("-") else given[kink]

    assert tuple(map(place, op.kinks)) == entry.kinks
    functions = (entry.value, entry.first, entry.second)
    step = mpf(2) ** -60
    for at in {*entry.kinks, *np.linspace(-8, 8, 65)}:
        left, right = ([f(mpf(at) + side * step, *entry.parameters) for f in functions] for side in (-1, 1))
        jumps = any(abs(a - b) > 1e-6 for a, b in zip(left, right, strict=True))
        assert jumps == (at in entry.kinks), (name, at)
