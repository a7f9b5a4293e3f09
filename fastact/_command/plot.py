"""``fastact plot``: activations and their derivatives, drawn.

An activation or its derivatives may jump at its kinks. There the line is broken, not drawn
upright, and a dot shows the value at the kink itself, which each op documents.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

import fastact as fa
from fastact._command.figures import CommandError, figure_in
from fastact._functions.activation import Activation, UfuncKeywords
from fastact._functions.gated import Glu
from fastact._functions.random_relu import RandomizedRelu

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = npt.NDArray[np.float64]
Op = Activation[...] | RandomizedRelu
Range = tuple[float, float]
Values = dict[str, Any]  # of an op's parameters, numbers, and options, strings

RANGE = (-5.0, 5.0)
_POINTS = 1001
_LARGEST = 1e100  # what is not below it is not drawn: ticks and margins would overflow
_VISIBLE = 1e-6  # of what a curve spans: nobody sees a smaller jump

# On the sheet of all, what parameters without a default are set to, and those not named here.
_EXAMPLES = {"weight": "0.25", "threshold": "1", "value": "0"}
_EXAMPLE = "0.5"

# By order of the derivative. Colours that colour-blind eyes tell apart too (Okabe and Ito); dashes
# for where curves lie on one another.
_LABELS = ("value", "first derivative", "second derivative")
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#0072b2", "linewidth": 2.2},
    {"color": "#d55e00", "linewidth": 1.6, "linestyle": (0, (5, 1.5))},
    {"color": "#009e73", "linewidth": 1.6, "linestyle": (0, (1.5, 1.5))},
)
_DOTS = (10.0, 7.0, 4.5)  # the smaller lie on the larger
_KINK: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": (0, (4, 3)), "zorder": 1.5}


@dataclass(frozen=True)
class Curve:
    """The line through (x, y), broken where y is NaN, and the dots where it jumps."""

    order: int  # of the derivative
    x: Array
    y: Array
    dots: Array  # their x, their y


@dataclass(frozen=True)
class Subject:
    """An activation, all its parameters and options, and the range to draw it in."""

    op: Op
    values: Values
    x_range: Range

    @property
    def settings(self) -> str:
        """For a title."""
        return ", ".join(
            f"{name} = {value if isinstance(value, str) else f'{value:g}'}"
            for name, value in self.values.items()
        )

    @property
    def kinks(self) -> list[float]:
        """Those within the range."""
        low, high = self.x_range
        return [k for k in places(self.op, self.values) if low <= k <= high]

    def curve(self, order: int) -> Curve:
        """The value (`order` 0) or a derivative, at points that include the kinks and the
        floating-point numbers next to them."""
        kinks = self.kinks
        beside = [np.nextafter(k, towards) for k in kinks for towards in (-np.inf, np.inf)]
        x = np.unique(np.clip([*np.linspace(*self.x_range, _POINTS), *kinks, *beside], *self.x_range))
        with np.errstate(over="ignore"):  # parameters may be huge
            y = self._at(x, order)
        y[~(abs(y) < _LARGEST)] = np.nan
        least = _VISIBLE * (np.fmax.reduce(y) - np.fmin.reduce(y))
        at = [int(np.searchsorted(x, k)) for k in kinks]
        jumps = [k for k in at if (abs(y[max(k - 1, 0) : k + 2] - y[k]) > least).any()]
        dots = np.array([x[jumps], y[jumps]])
        y[jumps] = np.nan
        return Curve(order, x, y, dots)

    def _at(self, x: Array, order: int) -> Array:
        y: Array = self.op.derivative(x, order=order, **self.values) if order else self.op(x, **self.values)
        return y


def places(op: Op, values: Values) -> list[float]:
    """Where the kinks are, ascending."""

    def place(kink: float | str) -> float:
        if not isinstance(kink, str):
            return kink
        return -float(values[kink[1:]]) if kink.startswith("-") else float(values[kink])

    return sorted({k for k in map(place, op.kinks) if abs(k) < _LARGEST})


def find(name: str) -> Op:
    try:
        op = fa.get_op(name)
    except ValueError as error:
        raise CommandError(str(error).removeprefix("get_op: ")) from None
    if op.kind != "activation":
        kind = {"rows": "row op"}.get(op.kind, op.kind)
        raise CommandError(f"name must be that of an activation, got the {kind} {name!r}")
    if isinstance(op, Glu):
        raise CommandError(f"name must be that of a function of one number: {name!r} is of two, a and b")
    return cast(Op, op)


def _settable(op: Op) -> dict[str, inspect.Parameter]:
    """Parameters, which are numbers, and options, whose values are strings. (What has a default
    of another type is about arrays or chance: an axis, training, a generator.)"""
    _, *others = inspect.signature(op).parameters.values()
    return {
        p.name: p
        for p in others
        if (p.kind is p.POSITIONAL_OR_KEYWORD and not isinstance(p.default, bool))
        or (isinstance(p.default, str) and p.name not in UfuncKeywords.__optional_keys__)
    }


def set_values(op: Op, given: dict[str, str]) -> Values:
    """All parameters and options: as given in text, else the default."""
    settable = _settable(op)
    unknown = [name for name in given if name not in settable]
    if unknown:
        raise CommandError(
            f"{op.__name__} has no {unknown[0]!r} to set; it has {', '.join(settable) or 'nothing to set'}"
        )
    missing = [name for name, p in settable.items() if p.default is p.empty and name not in given]
    if missing:
        wanted = " ".join(f"--set {name}=NUMBER" for name in missing)
        raise CommandError(f"{op.__name__} needs {' and '.join(missing)}: {wanted}")
    return {
        name: _read(name, given[name], p.default) if name in given else p.default
        for name, p in settable.items()
    }


def _read(name: str, text: str, default: Any) -> float | str:
    if isinstance(default, str):
        return text
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise CommandError(f"{name} must be a number, got {text!r}")
    return number


def examples(op: Op) -> dict[str, str]:
    """Values for the parameters that have no default."""
    needed = [name for name, p in _settable(op).items() if p.default is p.empty]
    return {name: _EXAMPLES.get(name, _EXAMPLE) for name in needed}


def draw(axes: Axes, subject: Subject, orders: Sequence[int], scale: float = 1.0) -> None:
    """The curves and kinks; `scale` is of lines and dots."""
    curves = [subject.curve(order) for order in orders]
    for curve in curves:
        style = {**_STYLES[curve.order], "linewidth": _STYLES[curve.order]["linewidth"] * scale}
        axes.plot(curve.x, curve.y, label=_LABELS[curve.order], **style)
        axes.plot(*curve.dots, "o", color=style["color"], markersize=_DOTS[curve.order] * scale, zorder=3)
    for k in subject.kinks:
        axes.axvline(k, label="kink", **_KINK)
    if any(curve.dots.size for curve in curves):  # for the legend: there are dots of several colours
        axes.plot([], [], "o", color=_KINK["color"], markersize=_DOTS[1] * scale, label="value at a jump")
    axes.axhline(0, color="0.7", linewidth=0.8, zorder=1)
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(*subject.x_range)


def _legend(all_axes: Sequence[Axes]) -> dict[str, Any]:
    """Each label once."""
    by_label: dict[str, Any] = {}
    for axes in all_axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            by_label.setdefault(label, handle)
    return {"handles": list(by_label.values()), "labels": list(by_label)}


def draw_one(figure: Figure, subject: Subject, orders: Sequence[int]) -> None:
    axes = figure.subplots()
    draw(axes, subject, orders)
    axes.set_title(f"{subject.op.__name__} ({subject.settings})" if subject.settings else subject.op.__name__)
    axes.set(xlabel="x", ylabel=f"{subject.op.__name__}(x)")
    axes.legend(**_legend([axes]))


def draw_sheet(figure: Figure, subjects: Sequence[Subject], orders: Sequence[int], columns: int) -> None:
    """A grid of small plots, row by row."""
    grid = figure.subplots(-(-len(subjects) // columns), columns, squeeze=False).ravel()
    for axes, subject in zip(grid, subjects, strict=False):
        draw(axes, subject, orders, scale=0.65)
        axes.set_title(subject.op.__name__, fontsize=9)
        axes.set_xlabel(subject.settings, fontsize=7, color="0.35")
        axes.tick_params(labelsize=7)
    figure.legend(**_legend(figure.axes), loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    for axes in grid[len(subjects) :]:
        axes.remove()


def choose(op: Op, given: dict[str, str], x_range: Range | None) -> Subject:
    """Without a range the usual one, wider where a kink is outside."""
    values = set_values(op, given)
    try:
        op(0.0, **values)
    except ValueError as error:  # which names the option, its value and those wanted
        raise CommandError(str(error)) from None
    kinks = places(op, values)
    least, most = min([RANGE[0], *(k - 1 for k in kinks)]), max([RANGE[1], *(k + 1 for k in kinks)])
    low, high = x_range or (least, most)
    if not -_LARGEST < low < high < _LARGEST:
        raise CommandError(f"--range must be a number and a larger one, got {low:g} {high:g}")
    return Subject(op, values, (low, high))


def main(
    file: Path,
    name: str | None = None,
    given: Sequence[tuple[str, str]] = (),
    derivatives: bool = False,
    x_range: Range | None = None,
) -> None:
    """Draw one activation, or all; raises `CommandError` if that cannot be."""
    orders = (0, 1, 2) if derivatives else (0,)
    if name is not None:
        subject = choose(find(name), dict(given), x_range)
        with figure_in(file, 7, 4.5) as figure:
            draw_one(figure, subject, orders)
        return
    if given:
        raise CommandError(f"--set {given[0][0]}={given[0][1]} is for one activation: name it")
    ops = [op for op in fa.list_ops("activation") if not isinstance(op, Glu)]
    subjects = [choose(op, examples(op), x_range) for op in ops]
    columns = math.ceil(math.sqrt(len(subjects)))
    with figure_in(file, 2.4 * columns, 2 * -(-len(subjects) // columns) + 0.6) as figure:
        draw_sheet(figure, subjects, orders, columns)
