"""What makes a loss of a documented definition and a core kernel of two or three vectors a row."""

from __future__ import annotations

from typing import Any

from fastact._arrays import float_array
from fastact._loss import Range, Shape, number, switch
from fastact._wide_loss import Operands, WideLoss


class CosineLoss(WideLoss):
    """A loss of the cosine of two vectors, and a target a row."""

    _targets_are_rows = True

    def _given(self, named: dict[str, Any], options: dict[str, Any], shape: Shape, axis: int) -> Operands:
        target = float_array(named["target"], "target")
        self._check_target(target.shape, shape, axis)
        return Operands(target=target)


class TripletLoss(WideLoss):
    """A loss of the distances of three vectors."""

    def _numbers(self, options: dict[str, Any]) -> tuple[float, float, float, bool]:
        margin = number(options["margin"], "margin", Range(0.0, open=True, finite=True))
        p = number(options["p"], "p", Range())
        return margin, p, number(options["eps"], "eps"), switch(options["swap"], "swap")
