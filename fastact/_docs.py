"""What the docstrings of all activations share."""

from __future__ import annotations

import inspect
import re

_INPUT = """\
input : array_like
    Any shape. float16, float32, float64 or bfloat16; integers and bools become float64."""
_KEYWORDS = """\
out, where, casting, order, dtype
    As of any NumPy ufunc."""
_RETURNS = """\
ndarray
    Of the {shape} shape and the input's float type."""
_RAISES = """\
TypeError
    If {operand} or `out` has a type no loop takes.
ValueError
    If {cases}`out` has another shape or is read-only."""


def complete(doc: str, parameters: tuple[str, ...], options: tuple[str, ...]) -> str:
    """An activation's docstring, given what is its own: to its Parameters those of every
    activation are added, and Returns and Raises."""
    summary, *sections = re.split(r"\n\n(?=\w+\n-{3,}\n)", inspect.cleandoc(doc))
    own = {title: body for title, _, body in (section.split("\n", 2) for section in sections)}
    cases = "the operands do not broadcast, or " if parameters else ""
    cases += "".join(f"`{option}` is something else, or " for option in options)
    whole = {
        "Parameters": "\n".join(filter(None, [_INPUT, own.pop("Parameters", ""), _KEYWORDS])),
        "Returns": _RETURNS.format(shape="broadcast" if parameters else "input's"),
        "Raises": _RAISES.format(operand="an operand" if parameters else "`input`", cases=cases),
        **own,
    }
    return "\n\n".join([summary, *(f"{title}\n{'-' * len(title)}\n{body}" for title, body in whole.items())])
