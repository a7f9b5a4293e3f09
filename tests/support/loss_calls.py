"""Operands by name for each loss, of every kind: what tests need that walk all of them."""

from __future__ import annotations

import numpy as np

from support import walk

ROWS, CLASSES, FEATURES = 4, 6, 5


def operands(op, dtype=np.float32, empty: bool = False) -> dict[str, np.ndarray]:
    """Operands for `op`, in the order of its arguments: small and harmless; `empty`: of no rows."""
    rows = 0 if empty else ROWS
    name, names = op.__name__, op._operands
    if name == "ctc_loss":
        found = walk.ctc_operands(5, rows, CLASSES, dtype)
    elif name == "linear_cross_entropy":
        x, w = (
            walk.values((rows, FEATURES), dtype, 3, False),
            walk.values((CLASSES, FEATURES), dtype, 4, False),
        )
        found = (x, w, _labels(rows))
    elif name in walk.float64_row_losses():
        found = walk.float64_row_operands(name, (rows, CLASSES), dtype)[0]
    elif name in walk.class_losses():
        found = (walk.values((rows, CLASSES), dtype, 3, False), _labels(rows))
    else:  # in the domain of each: probabilities, positive numbers, variances
        found = tuple(walk.unit((rows, CLASSES), dtype, 3 + k) for k in range(len(names)))
    return dict(zip(names, (np.asarray(a) for a in found), strict=True))


def _labels(rows: int) -> np.ndarray:
    return np.arange(rows, dtype=np.int64) * 5 % CLASSES
