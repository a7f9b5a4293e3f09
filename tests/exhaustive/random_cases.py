"""What random calls draw: a function of an op, its operands and options, and the formula of it."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import random_formulas as formulas
import reference
from support import cases, walk
from support.other_parameters import OTHERS

import fastact as fa

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 88.8, -104.0]
LENGTHS = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65]
LONG_ROWS = [100, 129, 255, 300, 1000, 2049]
LARGE = [
    (1 << 15) + 1,
    (1 << 16) + 1,
    (1 << 17) + 1,
    (1 << 17) + 17,
    3 << 16,
]  # elements, of more than one task
GATES = ("glu", "swiglu", "geglu", "reglu")
METHODS = ("__call__", "value_and_grad", "grad", "backward", "grad_and_hess")


class Case:
    """A function, its plain operands and options, and what its formula is, if its numbers are plain ones."""

    def __init__(self, function, operands, options, what, formula=None, is_loss=False) -> None:
        self.function, self.operands, self.options, self.what = function, operands, options, what
        self.formula, self.is_loss = formula, is_loss

    def call(self, operands, options, **more):
        """The results, or the error's type and text."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                return self.function(*operands, **options, **more)
            except Exception as error:
                return type(error), str(error)


# ---- numbers and shapes ------------------------------------------------------------


def shape_of(rng, least=0):
    dims = rng.integers(least, 4)
    shape = tuple(int(rng.choice(LENGTHS if k < 2 else LENGTHS[:6])) for k in range(dims))
    square = dims > 1 and rng.random() < 0.3  # so that a transposed view has the same shape
    return (*shape[:-1], shape[-2]) if square else shape


def shape_of_rows(rng, axis_of):
    """A shape, of which now and then the axis that `axis_of` draws is long."""
    shape = shape_of(rng, 1)
    axis = axis_of(len(shape))
    if rng.random() < 0.1:
        n = int(rng.choice(LONG_ROWS))
        shape = tuple(n if k == axis % len(shape) else min(m, 3) for k, m in enumerate(shape))
    return shape, axis


def sprinkled(rng, array):
    """Some elements at the ends of their range."""
    if array.dtype.kind not in "fV" or not array.size:
        return array
    info = np.finfo(array.dtype) if array.dtype != walk.BFLOAT16 else np.finfo(np.float32)
    special = [*SPECIAL, info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal]
    flat, count = array.reshape(-1), 1 + array.size // 8
    with np.errstate(all="ignore"):
        flat[rng.integers(0, array.size, count)] = rng.choice(special, count).astype(array.dtype)
    return array


def varied(rng, case, keep=-1):
    """The case, now and then with narrower types beside the operand `keep`; half of the time with special
    numbers in some arrays, and then without a formula."""
    if rng.random() < 0.1:
        keep %= len(case.operands)
        case.operands = [a if k == keep else _narrower(rng, a) for k, a in enumerate(case.operands)]
        case.options = {name: _narrower(rng, a) for name, a in case.options.items()}
    if rng.random() < 0.5:
        return case
    case.formula = None
    case.operands = [_some_special(rng, a) for a in case.operands]
    case.options = {name: _some_special(rng, a) for name, a in case.options.items()}
    return case


def _narrower(rng, a):
    if not isinstance(a, np.ndarray) or a.dtype not in (np.float32, np.float64) or rng.random() < 0.5:
        return a
    narrower = ["f2", walk.BFLOAT16, "f4"][: 2 + (a.dtype == np.float64)]
    with np.errstate(over="ignore"):
        return a.astype(narrower[rng.integers(len(narrower))])


def _some_special(rng, a):
    return sprinkled(rng, a) if isinstance(a, np.ndarray) and rng.random() < 0.6 else a


# ---- activations -----------------------------------------------------------------------


def draw_activation(rng, dtype):
    name = PLAIN[rng.integers(len(PLAIN))]
    op, options = cases.public(name)
    entry = reference.ACTIVATIONS[name]
    methods = [
        "value",
        "first",
        "second",
        "backward",
        *["backward_from_output"] * (entry.from_output is not None),
    ]
    method = methods[rng.integers(len(methods))]
    shape = (int(rng.choice(LARGE)),) if rng.random() < 0.004 else shape_of(rng)
    x = walk.values(shape, dtype, int(rng.integers(99)), specials=rng.random() < 0.3)
    operands = [x]
    if method == "backward_from_output":
        low, high = (max(-9.0, min(9.0, end)) for end in entry.outputs)
        operands = [(low + (high - low) * walk.unit(shape, "f8", 5)).astype(dtype)]
    if method.startswith("backward"):
        operands.insert(0, walk.values(shape, dtype, 3, specials=False))
    elif method != "value":
        options = {**options, "order": 1 + (method == "second")}
    function = getattr(
        op, {"value": "__call__", "first": "derivative", "second": "derivative"}.get(method, method)
    )
    formula = formulas.activation(name, method)
    given, used = parameters(rng, name, shape, dtype)
    if shape and not given and rng.random() < 0.2:  # what broadcasts
        operands[0] = operands[0][..., :1]
    both = (
        entry.by_parameter and method == "backward"
    )  # gives the parameter's gradient too, and takes no mask
    if rng.random() < 0.15 and not both:
        options, formula = {**options, "where": rng.random(shape) < 0.5}, None
    count, kept = len(operands), formula
    formula = kept and (
        lambda of, options: kept([*of[:count], *(of[count:] or map(formulas.exact, used))], options)
    )
    case = Case(function, [*operands, *given], options, f"{name}.{method}", formula)
    return varied(rng, case, count - 1)


def parameters(rng, name, shape, dtype):
    """Those that are given, as numbers or arrays, and all that the formula uses."""
    entry = reference.ACTIVATIONS[name]
    narrow = np.float32 if np.dtype(dtype) != np.float64 else np.float64
    defaults = [float(narrow(p)) for p in entry.parameters]
    kind = rng.choice(("default", "numbers", "arrays"), p=(0.5, 0.3, 0.2))
    if not defaults or (kind == "default" and not entry.required):
        return [], defaults
    several = OTHERS[name][0] if name in OTHERS else [entry.parameters]
    chosen = [float(p) for p in several[rng.integers(len(several))]]
    if kind != "arrays" or name not in OTHERS:
        return chosen, chosen
    small = tuple(n if rng.random() < 0.6 else 1 for n in shape[int(rng.integers(0, len(shape) + 1)) :])
    with np.errstate(over="ignore"):
        arrays = [np.full(small, p).astype(dtype) for p in chosen]
    return arrays, arrays


PLAIN = [name for name, entry in reference.ACTIVATIONS.items() if not entry.splits]


def draw_gate(rng, dtype):
    name = GATES[rng.integers(len(GATES))]
    op, shape = getattr(fa, name), shape_of(rng, 1)
    axis, which = int(rng.integers(-len(shape), len(shape))), ["first", "second"][rng.integers(2)]
    full = tuple(2 * n if k == axis % len(shape) else n for k, n in enumerate(shape))
    x, options = walk.values(full, dtype, 1, specials=False), {"axis": axis, "gate": which}
    method = ("value", "backward")[rng.integers(2)]
    formula = formulas.gate(name, method, axis, which)
    if method == "value":
        return varied(rng, Case(op, [x], options, name, formula))
    dy = walk.values(shape, dtype, 2, specials=False)
    return varied(rng, Case(op.backward, [dy, x], options, f"{name}.backward", formula))


# ---- rows ------------------------------------------------------------------------------


def draw_rows(rng, dtype):
    if rng.random() < 0.03:
        shape = shape_of(rng, 1)[-2:]
        axis = int(rng.integers(-len(shape), len(shape)))
        x = walk.values(shape, dtype, 1, specials=False)
        case = Case(fa.softmax.jacobian, [x], {"axis": axis}, "softmax.jacobian", formulas.jacobian(axis))
        return varied(rng, case)
    row = walk.rows()[rng.integers(len(walk.rows()))]
    shape, axis = shape_of_rows(rng, lambda ndim: int(rng.integers(-ndim, ndim)))
    if len(shape) > 1 and rng.random() < 0.15:
        axis = several_axes(rng, len(shape))
    operands, options = row.operands(shape, dtype, axis), {"axis": axis}
    if row.variant == "_backward_from_output":
        operands[-1] = getattr(fa, row.op)(operands[-1], axis=axis)
    if rng.random() < 0.25:
        options["where"] = rng.random(shape) < 0.7
    axes = axis if isinstance(axis, tuple) else (axis,)
    formula = formulas.rows(row.op, row.variant[1:], axes, len(shape))
    return varied(rng, Case(row.function, operands, options, row.name, formula))


def several_axes(rng, ndim):
    """Two axes or more in any order, some counted from the end."""
    axes = rng.permutation(ndim)[: int(rng.integers(2, ndim + 1))]
    return tuple(int(a) - ndim * int(rng.random() < 0.5) for a in axes)


# ---- losses ----------------------------------------------------------------------------


def draw_loss(rng, dtype):
    names = [*LOSSES, *["cross_entropy"] * 9]  # the one with most options
    name = names[rng.integers(len(names))]
    case = LOSSES[name](rng, dtype, name)
    return varied(rng, case, keep=int(case.what.endswith("backward")))


def case_of_loss(rng, loss, operands, options, row_shape, formula=lambda method: None):
    """options: of which some are taken; formula: of a method."""
    method = METHODS[rng.integers(len(METHODS))]
    reduction = {} if rng.random() < 0.3 else {"reduction": ("mean", "sum", "none")[rng.integers(3)]}
    operands = [np.asarray(a) for a in operands]
    if method == "backward":
        none = reduction.get("reduction") == "none"
        upstream = walk.values(row_shape if none else (1,), "f8", 11, specials=False)
        operands = [upstream if none else upstream[0], *operands]
    options = {name: value for name, value in options.items() if rng.random() < 0.4} | reduction
    what = f"{loss.__name__}.{method}"
    return Case(getattr(loss, method), operands, options, what, formula(method), is_loss=True)


def draw_elementwise_loss(rng, dtype, name):
    shape, loss = shape_of(rng), walk.loss(name)
    x, t, options = walk.loss_operands(name, shape, dtype)
    entry = reference.LOSSES[name]
    if entry.targets == "signs":
        t = np.where(t < 0.5, -1, 1).astype(dtype)
    elif entry.targets == "logs":
        t = np.log(np.maximum(t.astype("f8"), 1e-3)).astype(dtype)
    options |= {switch: bool(rng.random() < 0.5) for switch in entry.switches}
    given = inspect.signature(getattr(fa, entry.op or name)).parameters
    defaults = {p: given[p].default for p in entry.parameters}
    return case_of_loss(
        rng, loss, (x, t), options, shape, lambda method: formulas.elementwise_loss(name, method, defaults)
    )


def draw_class_loss(rng, dtype, name):
    shape, axis = shape_of_rows(rng, lambda ndim: int(rng.integers(-ndim, ndim)))
    soft = name == "cross_entropy" and rng.random() < 0.3
    x, t, options = walk.loss_operands(name, shape, dtype, axis, soft)
    rows = tuple(n for k, n in enumerate(shape) if k != axis % len(shape))
    if not soft and t.size and rng.random() < 0.3:
        options["ignore_index"] = int(t.reshape(-1)[0])
    options["weight"][rng.random(shape[axis]) < 0.1] = 0
    if name == "cross_entropy":
        options |= {
            "label_smoothing": float(rng.choice((0.1, 0.5, 1.0))),
            "z_loss": float(rng.choice((0.01, 1.0))),
        }
    case = case_of_loss(
        rng, walk.loss(name), (x, t), options, rows, lambda method: formulas.class_loss(name, method, axis)
    )
    case.options["axis"] = axis
    return case


def draw_float64_row_loss(rng, dtype, name):
    shape = (*shape_of(rng)[:2], int(rng.choice(LENGTHS)))
    operands, several = walk.float64_row_operands(name, shape, dtype)
    options = several[rng.integers(len(several))]
    inputs = {"cosine_embedding_loss": 2, "triplet_margin_loss": 3}.get(name, 1)
    cancels = inputs > 1 and shape[-1] < 2  # the direction of a number does not change: derivatives are 0
    return case_of_loss(
        rng, getattr(fa, name), operands, options, shape[:-1],
        lambda method: None if cancels else formulas.float64_row_loss(name, method, inputs),
    )  # fmt: skip


def draw_ctc_loss(rng, dtype, name):
    steps, sequences, classes = int(rng.integers(1, 20)), int(rng.integers(1, 5)), int(rng.integers(2, 40))
    operands = walk.ctc_operands(steps, sequences, classes, dtype)
    options = {"logits": bool(rng.random() < 0.5), "zero_infinity": bool(rng.random() < 0.5)}
    return case_of_loss(rng, fa.ctc_loss, operands, options, (sequences,))


LOSSES = {
    **dict.fromkeys(walk.elementwise_losses(), draw_elementwise_loss),
    **dict.fromkeys(walk.class_losses(), draw_class_loss),
    **dict.fromkeys(walk.float64_row_losses(), draw_float64_row_loss),
    "ctc_loss": draw_ctc_loss,
}
DRAWS = [draw_activation, draw_activation, draw_gate, draw_rows, draw_rows, *[draw_loss] * 4]


def draw(rng, dtype):
    return DRAWS[rng.integers(len(DRAWS))](rng, dtype)
