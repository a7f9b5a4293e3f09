"""Writes docs/activations.md and the pictures in docs/plots/.

The text is that of the docstrings, the special values are those the tests hold the ops to, and
the pictures are `fastact plot`'s. Run it after changing any of them: `python docs/make_activations.py`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != DOCS.parent]
sys.path.append(str(DOCS.parent / "tests"))

import reference  # noqa: E402

import fastact as fa  # noqa: E402
from fastact._command import plot  # noqa: E402
from fastact._docs import sections  # noqa: E402
from fastact._functions.gated import Glu  # noqa: E402

PAGE = DOCS / "activations.md"
PICTURES = DOCS / "plots"
ORDERS = ("value", "first derivative", "second derivative")
SHARED = {"input", "out, where, casting, order, dtype", "out"}  # parameters all of them have

HEAD = """\
# Activations

Every activation with its parameters, its special values and, but for the gated units, a picture of its
derivatives. Each has `derivative` and `backward` and, where the output is enough to know the derivative,
`backward_from_output`. `help(fa.gelu)` says the same, and what all have in common.

In the tables of special values *max* is the type's largest finite number, *tiny* its smallest subnormal
one. A zero has the sign that is given; where none is, either. NaN gives NaN, in values and in derivatives.
The tests hold float32 and float64 to these tables.

![Activations and their derivatives](plots/all.svg)

Made by `python docs/make_activations.py`, the pictures by `fastact plot`.

"""


def picture(op: Any) -> Path:
    return PICTURES / f"{op.__name__}.svg"


def ops() -> list[Any]:
    return fa.list_ops("activation")


def markdown(text: str) -> str:
    """reStructuredText as the docstrings use it. A paragraph becomes one line, for a line that happens to
    begin with a number or a sign would be a list; GitHub's formulas know no operatorname."""
    text = re.sub(r":math:`(.+?)`", r"$\1$", text).replace("operatorname", "mathrm")
    text = re.sub(r"``(.+?)``", r"`\1`", text).replace("**", r"\*\*")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def number(entry: float | str) -> str:
    return entry if isinstance(entry, str) else f"{entry:.9g}"


def place(entry: float | str) -> float:
    """Where a special input lies among the others; of zeros -0 is first."""
    named = {"max": 1e300, "tiny": 1e-300, "0": 1e-310}
    if not isinstance(entry, str):
        return entry
    return named[entry.lstrip("+-")] * (-1 if entry.startswith("-") else 1)


def specials(name: str) -> str:
    """The table of an entry of the reference."""
    entry = reference.ACTIVATIONS[name]
    rows = [("b" if entry.splits else "x", *ORDERS), ("---:",) * 4]
    rows += [(number(at), *map(number, entry.specials[at])) for at in sorted(entry.specials, key=place)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def forms(op: Any) -> list[str]:
    """Names in the op table of what the op computes, one for each value of its option."""
    return [name for name, entry in reference.ACTIVATIONS.items() if (entry.op or name) == op.__name__]


def of_which(op: Any, name: str) -> str:
    """A table's heading: the parameters it is for."""
    entry = reference.ACTIVATIONS[name]
    if entry.splits:
        return "by the gate b, for a = 1"
    operands = [p for p in op.__signature__.parameters if p != "input"]
    settings = [f"{p} = {v:g}" for p, v in zip(operands, entry.parameters, strict=False)]
    settings += [f'{option} = "{value}"' for option, value in entry.options.items()]
    return f"for {', '.join(settings)}" if settings else ""


def parameters(text: str) -> str:
    """Those of the op's own, as a list."""
    entries = re.split(r"\n(?=\S)", text)
    own = [entry.split("\n", 1) for entry in entries if re.split(" :|\n", entry)[0] not in SHARED]
    return "".join(f"- `{head}`: {markdown(body)}\n" for head, body in own)


def section(op: Any) -> str:
    summary, of = sections(op.__doc__)
    parts = [f"## {op.__name__}\n", markdown(summary) + "\n"]
    if not isinstance(op, Glu):
        parts.append(f"![{op.__name__} and its derivatives](plots/{picture(op).name})\n")
    if own := parameters(of["Parameters"]):
        parts.append(own)
    parts.append(markdown(of["Notes"]) + "\n")
    for name in forms(op):
        heading = " ".join(["Special values", of_which(op, name)]).strip()
        parts += [f"{heading}:\n", specials(name)]
    if "References" in of:
        parts.append(markdown(f"Source: {of['References']}") + "\n")
    parts.append(f"```python\n{of['Examples']}\n```\n")
    return "\n".join(parts)


def page() -> str:
    return HEAD + "\n".join(map(section, ops()))


def main() -> None:
    PAGE.write_text(page())
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        old.unlink()
    for op in ops():
        if not isinstance(op, Glu):
            plot.main(picture(op), op.__name__, [*plot.examples(op).items()], derivatives=True)
    plot.main(PICTURES / "all.svg", derivatives=True)


if __name__ == "__main__":
    main()
