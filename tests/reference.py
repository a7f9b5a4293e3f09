"""The definition of every op, in mpmath: one entry an op, found by its name.

An activation's entry has its value, first and second derivative as functions of mpf
numbers, written in a form that loses no digits at PRECISION bits; and the same three
in float64 NumPy, fast enough for millions of points, in an independent form. The fast
ones judge float32 and narrower results only, and test_accuracy_float32.py proves them
against the mpf ones first.

Row ops and losses are functions of object arrays of mpf, straight from the formula:
at ROW_PRECISION bits, nothing that cancels there is visible in float64, not even
1 - p for p = 1 - 2^-1074.

Adding an op is adding an entry; test_registry.py fails without one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy.special
from mpmath import mp, mpf

PRECISION = 160
ROW_PRECISION = 1250

mp.prec = PRECISION


@dataclass(frozen=True)
class Activation:
    """Functions of (x, *parameters); `from_output` is the derivative as a function of the output."""

    value: Callable
    first: Callable
    second: Callable
    fast: tuple[Callable, Callable, Callable]
    op: str = ""  # the public name, where it is not the table's
    options: dict = field(default_factory=dict)  # with which the public op is this one
    parameters: tuple[float, ...] = ()  # defaults
    roots: tuple[tuple[float, ...], ...] = ((), (), ())  # of value (none count), first, second
    from_output: Callable | None = None
    fast_from_output: Callable | None = None
    outputs: tuple[float, float] = (0.0, 1.0)  # range of the value, where from_output is defined
    scipy: Callable | None = None  # SciPy's own function, a second opinion
    specials: dict = field(default_factory=dict)  # frozen values; see INF, MAX and TINY


ACTIVATIONS: dict[str, Activation] = {}

# Specials: what value, first and second derivative are at zeros, infinities, the largest
# and smallest numbers and the kinks. A string stands for that number of the type, "-" before
# it for its negative. Zeros are compared with their sign where it is given as "+0" or "-0"; a
# plain 0 is either.
INF = np.inf
MAX, TINY = "max", "tiny"  # the type's largest finite number and smallest subnormal one


# ---- rectifiers ---------------------------------------------------------------------

ACTIVATIONS["relu"] = Activation(
    value=lambda x: x if x > 0 else mpf(0),
    first=lambda x: mpf(1) if x > 0 else mpf(0),
    second=lambda x: mpf(0),
    fast=(lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, lambda x: np.zeros_like(x)),
    from_output=lambda y: mpf(1) if y > 0 else mpf(0),
    fast_from_output=lambda y: (y > 0) * 1.0,
    outputs=(0.0, np.inf),
    specials={
        "+0": ("+0", 0, 0),
        "-0": (0, 0, 0),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
        TINY: (TINY, 1, 0),
        "-tiny": (0, 0, 0),
    },
)

ACTIVATIONS["leaky_relu"] = Activation(
    value=lambda x, slope: x if x > 0 else slope * x,
    first=lambda x, slope: mpf(1) if x > 0 else mpf(slope),
    second=lambda x, slope: mpf(0),
    fast=(
        lambda x, slope: np.where(x > 0, x, slope * x),
        lambda x, slope: np.where(x > 0, 1.0, slope),
        lambda x, slope: np.zeros_like(x),
    ),
    parameters=(0.01,),
    specials={
        "+0": ("+0", 0.01, 0),
        "-0": ("-0", 0.01, 0),
        INF: (INF, 1, 0),
        -INF: (-INF, 0.01, 0),
        MAX: (MAX, 1, 0),
        TINY: (TINY, 1, 0),
        "-tiny": ("-0", 0.01, 0),
    },
)


# ---- the sigmoid family ----------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def sigmoid_slope(x):
    """sigmoid(x) sigmoid(-x), even: 1 - sigmoid(x) would lose the upper tail."""
    e = mp.exp(-abs(x))
    return e / (1 + e) ** 2


def softplus(z):
    return mp.log1p(mp.exp(z)) if z < 0 else z + mp.log1p(mp.exp(-z))


def fast_exp(x):
    with np.errstate(under="ignore", over="ignore"):
        return np.exp(x)


def fast_sigmoid(x):
    e = fast_exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1 + e)


def fast_sigmoid_slope(x):
    e = fast_exp(-np.abs(x))
    return e / (1 + e) ** 2


def fast_softplus(z):
    return np.maximum(z, 0) + np.log1p(fast_exp(-np.abs(z)))


ACTIVATIONS["sigmoid"] = Activation(
    value=sigmoid,
    first=sigmoid_slope,
    second=lambda x: -sigmoid_slope(x) * mp.tanh(x / 2),
    fast=(fast_sigmoid, fast_sigmoid_slope, lambda x: -fast_sigmoid_slope(x) * np.tanh(x / 2)),
    roots=((), (), (0.0,)),
    from_output=lambda y: y * (1 - y),
    fast_from_output=lambda y: y * (1 - y),
    scipy=scipy.special.expit,
    specials={
        "+0": (0.5, 0.25, 0),
        "-0": (0.5, 0.25, 0),
        INF: (1, 0, 0),
        -INF: ("+0", 0, 0),
        MAX: (1, 0, 0),
        "-max": ("+0", 0, 0),
        TINY: (0.5, 0.25, 0),
        "-tiny": (0.5, 0.25, 0),
    },
)

ACTIVATIONS["tanh"] = Activation(
    value=mp.tanh,
    first=lambda x: 4 * sigmoid_slope(2 * x),
    second=lambda x: -8 * sigmoid_slope(2 * x) * mp.tanh(x),
    fast=(
        np.tanh,
        lambda x: 4 * fast_sigmoid_slope(2 * x),
        lambda x: -8 * fast_sigmoid_slope(2 * x) * np.tanh(x),
    ),
    roots=((), (), (0.0,)),
    from_output=lambda y: (1 - y) * (1 + y),
    fast_from_output=lambda y: (1 - y) * (1 + y),
    outputs=(-1.0, 1.0),
    specials={
        "+0": ("+0", 1, 0),
        "-0": ("-0", 1, 0),
        INF: (1, 0, 0),
        -INF: (-1, 0, 0),
        MAX: (1, 0, 0),
        "-max": (-1, 0, 0),
        TINY: (TINY, 1, "-2tiny"),
        "-tiny": ("-tiny", 1, "2tiny"),
    },
)

ACTIVATIONS["silu"] = Activation(
    value=lambda x: x * sigmoid(x),
    first=lambda x: sigmoid(x) * (1 + x * sigmoid(-x)),
    second=lambda x: sigmoid_slope(x) * (2 - x * mp.tanh(x / 2)),
    fast=(
        lambda x: x * fast_sigmoid(x),
        lambda x: fast_sigmoid(x) * (1 + x * fast_sigmoid(-x)),
        lambda x: fast_sigmoid_slope(x) * (2 - x * np.tanh(x / 2)),
    ),
    roots=((), (-1.2784645427610738,), (-2.3993572805154677, 2.3993572805154677)),
    specials={
        "+0": ("+0", 0.5, 0.5),
        "-0": (0, 0.5, 0.5),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
    },
)

ACTIVATIONS["softplus"] = Activation(
    value=lambda x, beta: softplus(beta * x) / beta,
    first=lambda x, beta: sigmoid(beta * x),
    second=lambda x, beta: beta * sigmoid_slope(beta * x),
    fast=(
        lambda x, beta: fast_softplus(beta * x) / beta,
        lambda x, beta: fast_sigmoid(beta * x),
        lambda x, beta: beta * fast_sigmoid_slope(beta * x),
    ),
    parameters=(1.0,),
    from_output=lambda y, beta: -mp.expm1(-beta * y),
    fast_from_output=lambda y, beta: -np.expm1(-beta * y),
    outputs=(0.0, np.inf),
    scipy=lambda x: -scipy.special.log_expit(-x),
    specials={
        "+0": ("ln 2", 0.5, 0.25),
        "-0": ("ln 2", 0.5, 0.25),
        INF: (INF, 1, 0),
        -INF: ("+0", 0, 0),
        MAX: (MAX, 1, 0),
        "-max": ("+0", 0, 0),
        TINY: ("ln 2", 0.5, 0.25),
        "-tiny": ("ln 2", 0.5, 0.25),
    },
)

ACTIVATIONS["softsign"] = Activation(
    value=lambda x: x / (1 + abs(x)),
    first=lambda x: 1 / (1 + abs(x)) ** 2,
    second=lambda x: -2 * mp.sign(x) / (1 + abs(x)) ** 3,
    fast=(
        lambda x: x / (1 + np.abs(x)),
        lambda x: 1 / (1 + np.abs(x)) ** 2,
        lambda x: -2 * np.sign(x) / (1 + np.abs(x)) ** 3,
    ),
    specials={
        "+0": ("+0", 1, 0),
        "-0": ("-0", 1, 0),
        INF: (1, 0, 0),
        -INF: (-1, 0, 0),
        MAX: (1, 0, 0),
        "-max": (-1, 0, 0),
    },
)


# ---- gelu ---------------------------------------------------------------------------------


def normal_cdf(x):
    """Beyond 1000 the smaller tail, e^-500000, stands for what is smaller yet: mpmath's
    erfc has no answer at 1e300."""
    return mp.erfc(-min(max(x, -1000), 1000) / mp.sqrt(2)) / 2


def normal_pdf(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def fast_normal_pdf(x):
    return fast_exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


ACTIVATIONS["gelu"] = Activation(
    value=lambda x: x * normal_cdf(x),
    first=lambda x: normal_cdf(x) + x * normal_pdf(x),
    second=lambda x: normal_pdf(x) * (2 - x * x),
    fast=(
        lambda x: x * scipy.special.ndtr(x),
        lambda x: scipy.special.ndtr(x) + x * fast_normal_pdf(x),
        lambda x: fast_normal_pdf(x) * (2 - x * x),
    ),
    roots=((), (-0.7517915246935645,), (-1.4142135623730951, 1.4142135623730951)),
    specials={
        "+0": ("+0", 0.5, "sqrt(2/pi)"),
        "-0": (0, 0.5, "sqrt(2/pi)"),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
    },
)


# gelu by tanh is x sigmoid(u), with u a cubic
GELU_CUBIC = mpf("0.044715")


def gelu_u(x):
    return 2 * mp.sqrt(2 / mp.pi) * (x + GELU_CUBIC * x**3)


def gelu_du(x):
    return 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * GELU_CUBIC * x**2)


def gelu_tanh_second(x):
    u, du, ddu = gelu_u(x), gelu_du(x), 12 * mp.sqrt(2 / mp.pi) * GELU_CUBIC * x
    return sigmoid_slope(u) * (2 * du + x * (ddu - du**2 * mp.tanh(u / 2)))


FAST_TWICE_C = 2 * np.sqrt(2 / np.pi)


def fast_gelu_u(x):
    return FAST_TWICE_C * x * (1 + 0.044715 * x**2)


def fast_gelu_du(x):
    return FAST_TWICE_C * (1 + 3 * 0.044715 * x**2)


def fast_gelu_tanh_second(x):
    u, du, ddu = fast_gelu_u(x), fast_gelu_du(x), 6 * FAST_TWICE_C * 0.044715 * x
    return fast_sigmoid_slope(u) * (2 * du + x * (ddu - du**2 * np.tanh(u / 2)))


ACTIVATIONS["gelu_tanh"] = Activation(
    value=lambda x: x * sigmoid(gelu_u(x)),
    first=lambda x: sigmoid(gelu_u(x)) * (1 + x * gelu_du(x) * sigmoid(-gelu_u(x))),
    second=gelu_tanh_second,
    fast=(
        lambda x: x * fast_sigmoid(fast_gelu_u(x)),
        lambda x: fast_sigmoid(fast_gelu_u(x)) * (1 + x * fast_gelu_du(x) * fast_sigmoid(-fast_gelu_u(x))),
        fast_gelu_tanh_second,
    ),
    op="gelu",
    options={"approximate": "tanh"},
    roots=((), (-0.7524614220710163,), (-1.4185040087908284, 1.4185040087908284)),
    specials={
        "+0": ("+0", 0.5, "sqrt(2/pi)"),
        "-0": (0, 0.5, "sqrt(2/pi)"),
        INF: (INF, 1, 0),
        -INF: (0, 0, 0),
        MAX: (MAX, 1, 0),
        "-max": (0, 0, 0),
    },
)


# ---- arrays of mpf ----------------------------------------------------------------------------

exp = np.frompyfunc(mp.exp, 1, 1)
log = np.frompyfunc(mp.log, 1, 1)


def exact(values):
    """An array of numbers as an object array of mpf of the same values."""
    array = np.asarray(values)
    out = np.empty(array.shape, object)
    out.reshape(-1)[:] = [mpf(float(v)) for v in array.reshape(-1).tolist()]
    return out


def weighted(weight, term):
    """weight * term; 0 where the weight is 0, though the term be infinite."""
    return np.frompyfunc(lambda w, t: w * t if w else mpf(0), 2, 1)(weight, term)


# ---- row ops: the last axis holds the row ------------------------------------------------------


@dataclass(frozen=True)
class RowOp:
    """value(x); backward(dy, x); backward_from_output(dy, y)."""

    value: Callable
    backward: Callable
    backward_from_output: Callable | None = None
    scipy: Callable | None = None


def softmax(x):
    e = exp(x)
    return e / e.sum(axis=-1, keepdims=True)


def logsumexp(x):
    return log(exp(x).sum(axis=-1))


def log_softmax(x):
    return x - log(exp(x).sum(axis=-1, keepdims=True))


ROWS = {
    "softmax": RowOp(
        value=softmax,
        backward=lambda dy, x: softmax(x) * (dy - (softmax(x) * dy).sum(axis=-1, keepdims=True)),
        backward_from_output=lambda dy, y: y * (dy - (y * dy).sum(axis=-1, keepdims=True)),
        scipy=lambda x: scipy.special.softmax(x, axis=-1),
    ),
    "log_softmax": RowOp(
        value=log_softmax,
        backward=lambda dy, x: dy - softmax(x) * dy.sum(axis=-1, keepdims=True),
        backward_from_output=lambda dy, y: dy - exp(y) * dy.sum(axis=-1, keepdims=True),
        scipy=lambda x: scipy.special.log_softmax(x, axis=-1),
    ),
    "logsumexp": RowOp(
        value=logsumexp,
        backward=lambda dy, x: np.asarray(dy)[..., None] * softmax(x),
        scipy=lambda x: scipy.special.logsumexp(x, axis=-1),
    ),
}


# ---- losses --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ElementwiseLoss:
    """Terms of (input, target, *parameters), without weight and reduction; all broadcast."""

    value: Callable
    grad: Callable
    hess: Callable
    parameters: tuple[str, ...] = ()
    mean_by_weight: bool = False


def _sigmoid(x):
    return 1 / (1 + exp(-x))


def _softplus(x):
    return log(1 + exp(x))


@dataclass(frozen=True)
class RowLoss:
    """Of input (rows, classes) and target shares (rows, classes), each share times its class
    weight already: terms a row, gradient and Hessian diagonal."""

    value: Callable
    grad: Callable
    hess: Callable
    soft_targets: bool = False


LOSSES: dict[str, ElementwiseLoss | RowLoss] = {
    "mse_loss": ElementwiseLoss(
        value=lambda x, t: (x - t) ** 2,
        grad=lambda x, t: 2 * (x - t),
        hess=lambda x, t: 0 * (x - t) + 2,
        mean_by_weight=True,
    ),
    "binary_cross_entropy_with_logits": ElementwiseLoss(
        value=lambda x, y, p: weighted(1 - y, _softplus(x)) + weighted(p * y, _softplus(-x)),
        grad=lambda x, y, p: (1 - y) * _sigmoid(x) - p * y * _sigmoid(-x),
        hess=lambda x, y, p: ((1 - y) + p * y) * _sigmoid(x) * _sigmoid(-x),
        parameters=("pos_weight",),
    ),
    "nll_loss": RowLoss(
        value=lambda x, q: -weighted(q, x).sum(axis=-1),
        grad=lambda x, q: -q,
        hess=lambda x, q: 0 * q,
    ),
    "cross_entropy": RowLoss(
        value=lambda x, q: -weighted(q, log_softmax(x)).sum(axis=-1),
        grad=lambda x, q: softmax(x) * q.sum(axis=-1, keepdims=True) - q,
        hess=lambda x, q: q.sum(axis=-1, keepdims=True) * softmax(x) * (1 - softmax(x)),
        soft_targets=True,
    ),
}


def label_shares(labels, classes, smoothing=0.0):
    """One-hot rows, (1 - smoothing) at the label and smoothing / classes everywhere."""
    shares = exact(np.eye(classes)[np.asarray(labels, np.intp)])
    return spread(shares, smoothing)


def spread(shares, smoothing):
    s, classes = mpf(float(smoothing)), shares.shape[-1]
    return shares * (1 - s) + s / classes
