"""What makes a loss of a documented definition and a core kernel of rows of scores with labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastact._arrays import float_array, integer_array
from fastact._docs import LABELLED
from fastact._loss import Shape, checked_weight, number
from fastact._row_loss import check_class_weight
from fastact._wide_loss import Operands, WideLoss


class MarginLoss(WideLoss):
    """A loss of rows of scores; targets are a label a row, a list of labels, or a share of each class."""

    _shared = LABELLED

    def __init__(self, definition: Callable[..., Any], targets: Literal["labels", "lists", "shares"]) -> None:
        self._targets = targets
        self._targets_are_rows = targets == "labels"
        self._weights_are_rows = targets == "lists"
        super().__init__(definition)

    def _given(self, named: dict[str, Any], options: dict[str, Any], shape: Shape, axis: int) -> Operands:
        shares = self._targets == "shares"
        target = (
            float_array(named["target"], "target") if shares else integer_array(named["target"], "target")
        )
        self._check_target(target.shape, shape, axis)
        weight = (
            None
            if self._weights_are_rows
            else checked_weight(options["weight"], check_class_weight, shape[axis])
        )
        if shares:
            return Operands(also=(target,), weight=weight)
        if self._targets == "lists":
            return Operands(label_lists=target)
        return Operands(labels=target, weight=weight)

    def _numbers(self, options: dict[str, Any]) -> tuple[float, float, float, bool]:
        p = number(options.get("p", 1), "p")
        if p not in (1.0, 2.0):
            raise ValueError(f"p must be 1 or 2, got {options['p']!r}")
        return number(options.get("margin", 1.0), "margin"), p, 0.0, False


def margin_loss(targets: Literal["labels", "lists", "shares"]) -> Callable[[Callable[..., Any]], MarginLoss]:
    """Decorate a documented definition of a loss with such targets."""
    return lambda definition: MarginLoss(definition, targets)
