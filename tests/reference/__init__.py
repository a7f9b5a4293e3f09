"""The definition of every op, in mpmath: one entry an op, found by its name.

Adding an op is adding an entry, to the module of its family; docs/test_registry.py fails
without one.
"""

from reference.activations import exponential, gated, gelu, hard, linear_units, rectifiers, sigmoids, smooth
from reference.activations.activation import INF, PRECISION, Activation
from reference.float64_rows import LOSSES as _FLOAT64_ROWS
from reference.float64_rows import Float64RowLoss
from reference.loss import ElementwiseLoss, RowLoss
from reference.losses import LOSSES as _LOSSES
from reference.losses import OTHER_LOSSES, label_shares, spread, z_terms
from reference.rows import ROW_PRECISION, ROWS, RowOp, exact, log_softmax, softmax, weighted

ACTIVATIONS: dict[str, Activation] = {
    **rectifiers.ACTIVATIONS,
    **exponential.ACTIVATIONS,
    **hard.ACTIVATIONS,
    **sigmoids.ACTIVATIONS,
    **smooth.ACTIVATIONS,
    **gated.ACTIVATIONS,
    **gelu.ACTIVATIONS,
    **linear_units.ACTIVATIONS,
}
LOSSES = {**_LOSSES, **_FLOAT64_ROWS}
__all__ = [
    "ACTIVATIONS",
    "INF",
    "LOSSES",
    "OTHER_LOSSES",
    "PRECISION",
    "ROWS",
    "ROW_PRECISION",
    "Activation",
    "ElementwiseLoss",
    "Float64RowLoss",
    "RowLoss",
    "RowOp",
    "exact",
    "label_shares",
    "log_softmax",
    "softmax",
    "spread",
    "weighted",
    "z_terms",
]  # fmt: skip
