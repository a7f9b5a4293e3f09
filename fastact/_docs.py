"""Docstrings of ops: what all of a kind share is written here, once, and added to each definition's own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple

_TYPES = "float16, float32, float64 or bfloat16; integers and bools become float64."
_OUT = "out : ndarray, optional\n    Where to put the result."
_AS_UFUNC = "out, where, casting, order, dtype\n    As of any NumPy ufunc."


class Shared(NamedTuple):
    """The sections that ops of a kind share: the entries of Parameters, Returns and Raises."""

    parameters: tuple[str, ...]
    returns: str
    raises: str


ROWS = Shared(
    (
        f"input : array_like\n    At least 1-d. {_TYPES}\n"
        "    What a masked array hides is left out, as by `where`, and hidden in the result.",
        "axis : int or tuple of ints\n    Along which; several together count as one.",
        "where : array_like of bool, optional\n"
        "    Elements to include, broadcast to the input's shape. Others get exactly 0, and a row\n"
        "    without any is all 0.",
        _OUT,
    ),
    "ndarray\n    Of the input's shape and float type.",
    "TypeError\n    If `input` or `out` has a type no loop takes, or `where` is not boolean.\n"
    "ValueError\n    If `axis` is out of range, `where` does not broadcast, `out` has another shape or is\n"
    "    read-only, operands have labels that differ, or a Dask array is chunked along `axis`.",
)

GATES = Shared(
    (
        f"input : array_like\n    Two halves a and b along `axis`.\n    {_TYPES}",
        "axis : int\n    What is split.",
        'gate : {"second", "first"}\n    Which half is the gate b.',
        _OUT,
    ),
    "ndarray\n    Half as long along `axis`, of the input's float type. `backward` and `derivative` are in\n"
    "    the input's shape: the derivative by a is act(b), that by b a act'(b).",
    "TypeError\n    If `input` or `out` has a type no loop takes, or `axis` is no int.\n"
    "ValueError\n    If `axis` is out of range or has an odd length, `gate` is something else, or `out` has\n"
    "    another shape or is read-only.",
)


LOSSES = Shared(
    (
        f"input : array_like\n    Predictions x, any shape. {_TYPES}",
        "target : array_like\n    Targets t: the input's shape, or a scalar.",
        "weight : array_like, optional\n"
        "    Weights w, broadcast to the input's shape. A term of weight 0 is 0.",
        'reduction : {"mean", "sum", "none"}\n'
        '    "mean" divides by the number of elements; over nothing it is 0.',
    ),
    'float or ndarray\n    A Python float, accumulated in float64; with "none" an array of the input\'s\n'
    "    shape and float type. At the ends of a domain and at infinities a loss and its derivatives are\n"
    "    the limits of their formulas (0 for a target of 0 comes first, and x - t is rounded first), NaN\n"
    "    where there is none. Outside the domain, where the loss has no value, its derivatives are NaN too.",
    "TypeError\n    If an argument has a type that is not real, or hides entries by a mask, or an option is\n"
    "    unknown.\n"
    "ValueError\n    If shapes or labels do not go together, an option has a value it cannot, or a target\n"
    "    given as an integer is outside the loss's domain. (Targets given as reals go by the formula,\n"
    "    which gives NaN where it has none.)",
)


ROW_LOSSES = Shared(
    (
        "weight : array_like, optional\n"
        "    One weight w a row, or one for all, which multiplies its loss. A row of weight 0 is 0; the\n"
        "    mean divides by the number of rows whatever the weights.",
        'reduction : {"mean", "sum", "none"}\n'
        '    "mean" divides by the number of rows; over nothing it is 0.',
        "axis : int\n    Along which rows lie: the last one by default.",
    ),
    'float or ndarray\n    A Python float, accumulated in float64; with "none" an array with a loss a row.',
    "TypeError\n    If an argument has a type that is not real, or hides entries by a mask, or an option is\n"
    "    unknown.\n"
    "ValueError\n    If shapes or labels do not go together, or an option has a value it cannot.",
)
LABELLED = Shared(
    (f"input : array_like\n    Scores x with a class axis. {_TYPES}", *ROW_LOSSES.parameters),
    ROW_LOSSES.returns,
    "IndexError\n    If a label is no class. Nothing has been written then.\n" + ROW_LOSSES.raises,
)


OBJECTIVES = Shared(
    (
        "loss : loss or str\n"
        "    A loss of one input, or its name. Losses of a row of classes need `num_class`, and class\n"
        "    labels 0, 1, ...; losses of signs need labels -1 and 1.",
        'hess : {"exact", "upper"}\n'
        '    "exact": the Hessian\'s diagonal. "upper": the most it may become as the prediction moves,\n'
        "    where there is such a bound: see Notes.",
        "floor : float\n    The least Hessian, more than 0, before the weights.",
        "flat : float\n"
        "    What takes the Hessian's place, before the weights, where the loss slopes without being\n"
        "    convex: as in `l1_loss` everywhere, in `huber_loss` beyond `delta`.",
        "**options\n    The loss's own options, such as `delta` or `label_smoothing`.",
    ),
    "Objective\n    A callable that gives gradients and Hessians; it pickles.",
    "TypeError\n    If `loss` is no loss, or has several inputs, or lacks an option.\n"
    "ValueError\n    If there is no loss of that name, no upper bound, or an option has a value it cannot.",
)


def activation(parameters: tuple[str, ...], options: tuple[str, ...]) -> Shared:
    operand, shape = ("an operand", "broadcast") if parameters else ("`input`", "input's")
    cases = "the operands do not broadcast, or " if parameters else ""
    cases += "".join(f"`{option}` is something else, or " for option in options)
    return Shared(
        (
            f"input : array_like\n    Any shape. Any number or infinity; NaN gives NaN.\n    {_TYPES}",
            _AS_UFUNC,
        ),
        f"ndarray\n    Of the {shape} shape and the input's float type.",
        f"TypeError\n    If {operand} or `out` has a type no loop takes.\n"
        f"ValueError\n    If {cases}`out` has another shape or is read-only.",
    )


def sections(doc: str | None) -> tuple[str, dict[str, str]]:
    """A docstring's summary, and its sections by their titles."""
    summary, *others = re.split(r"\n\n(?=\w+(?: Also)?\n-{3,}\n)", inspect.cleandoc(doc or ""))
    return summary, {title: body for title, _, body in (section.split("\n", 2) for section in others)}


def complete(definition: Callable[..., Any], shared: Shared) -> str:
    """A definition's docstring with the shared sections; parameters are in the order of the signature."""
    summary, own = sections(definition.__doc__)
    entries = {_parameter_names(entry): entry for entry in shared.parameters}
    if "Parameters" in own:
        entries |= {_parameter_names(entry): entry for entry in re.split(r"\n(?=\S)", own.pop("Parameters"))}
    parameters = inspect.signature(definition).parameters.values()
    order = ["**" * (p.kind is p.VAR_KEYWORD) + p.name for p in parameters]
    order.append("out")  # of ufuncs, whose signature is made later
    described = sorted(
        (names for names in entries if names[0] in order), key=lambda names: order.index(names[0])
    )
    whole = {
        "Parameters": "\n".join(entries[names] for names in described),
        "Returns": own.pop("Returns", shared.returns),
        "Raises": shared.raises,
        **own,
    }
    return "\n\n".join([summary, *(f"{title}\n{'-' * len(title)}\n{body}" for title, body in whole.items())])


def _parameter_names(entry: str) -> tuple[str, ...]:
    """The parameters that an entry describes."""
    return tuple(re.split(" :|\n", entry)[0].split(", "))
