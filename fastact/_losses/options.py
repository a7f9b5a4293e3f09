"""The arguments of losses: options that are numbers, weights, `grad_output`; and the means they lead to."""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, frexp, inf, isfinite
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np

from fastact._arrays import Array, float_array, is_integer
from fastact._config import _core

Shape = tuple[int, ...]
Reduction = Literal["none", "mean", "sum"]
REDUCTIONS = ("none", "mean", "sum")

NO_GRAD_OUTPUT = 1.0  # compared by identity: the call takes no grad_output
ONE = np.ones(())
_ZERO = np.zeros(())
_MSE_LOSS: int = _core.table()["loss"]["mse_loss"]["index"]


# ---- numbers ------------------------------------------------------------------------


class Range(NamedTuple):
    """The numbers that an option may be, never NaN: from `low` to `high`.

    `open` leaves out `low` itself, `finite` infinities, and `outside` what is strictly between two numbers.
    """

    low: float = -inf
    high: float = inf
    open: bool = False
    outside: tuple[float, float] | None = None
    finite: bool = False

    def check(self, given: Any, name: str, values: Array, narrow: bool = False) -> None:
        """Refuses `given`, whose numbers are `values`, if one is out of range. If `narrow`, for what is
        computed in float32, also if it is 0 or infinite there and that is."""
        if values.dtype.kind == "V":
            values = values.astype(np.float32)  # bfloat16's minimum warns of NaN
        # of a number as a list: minimum and maximum would take longer than the loss
        ends = _ends(values) if values.size > 1 else values.reshape(-1).tolist()
        if not all(map(self.holds, ends)):
            self.refuse(given, name)
        for rounded in map(_in_float32, ends) if narrow else ():
            if not self.holds(rounded):
                self.refuse_rounded(given, name, rounded)
        if self.outside is not None and ((values > self.outside[0]) & (values < self.outside[1])).any():
            self.refuse(given, name)

    def holds(self, value: float) -> bool:
        """False for NaN."""
        above = value >= self.low if not self.open else value > self.low
        return above and value <= self.high and (not self.finite or isfinite(value))

    def refuse(self, given: Any, name: str) -> NoReturn:
        raise ValueError(f"{name} must be {self._description()}, got {given!r}")

    def refuse_rounded(self, given: Any, name: str, rounded: float) -> NoReturn:
        found = f"{given!r}, which float32 rounds to {rounded:g}"
        raise ValueError(f"{name} must be {self._description()}, got {found}")

    def _description(self) -> str:
        if self.outside is not None:
            ends = "at most {:g} or at least {:g}".format(*self.outside)
            return f"a finite number, {ends}" if self.finite else ends
        number = "a finite number" if self.finite else "a number"
        if self.high < inf:
            return f"{number} between {self.low:g} and {self.high:g}"
        if self.low > -inf:
            return f"{number}, {'more than' if self.open else 'at least'} {self.low:g}"
        return number if self.finite else f"{number}, not NaN"


def _ends(values: Array) -> list[Any]:
    with np.errstate(all="ignore"):  # which bfloat16 warns of
        return [values.min(), values.max()]


FINITE = Range(finite=True)


def _in_float32(value: float) -> float:
    """`value`, or the 0 or infinity that float32 rounds it to."""
    size = abs(float(value))
    if 2.0**-150 < size < 2.0**128 - 2.0**103:
        return float(value)
    return 0.0 if size < 1.0 else copysign(inf, value)


def _as_float(value: Any) -> float | None:
    if isinstance(value, (str, bytes)) or np.ndim(value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def number(value: Any, name: str, allowed: Range = FINITE) -> float:
    """An option that is one number."""
    found = value if type(value) is float else _as_float(value)
    if found is None:
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not allowed.holds(found):
        allowed.refuse(value, name)
    return found


def integer(value: Any, name: str) -> int:
    """An option that is an integer of any size."""
    if type(value) is not int and not is_integer(value):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    return int(value)


def int64(value: Any, name: str) -> int:
    """An option that is an integer, which C takes as int64_t."""
    found = integer(value, name)
    if not -(2**63) <= found < 2**63:
        raise ValueError(f"{name} must fit int64, got {found}")
    return found


def boolean(value: Any, name: str) -> bool:
    """An option that is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


# ---- arrays -------------------------------------------------------------------------


def check_broadcast(shape: Shape, to: Shape, name: str) -> None:
    try:
        fits = np.broadcast_shapes(shape, to) == to
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must broadcast to input of shape {to}, got shape {shape}")


def flat(array: Array) -> Array:
    """1-d in C order, copied unless it is a view. What is 0-d stays so, for the core to repeat it."""
    return array if array.ndim <= 1 else array.reshape(-1)


def check_grad_output(shape: Shape, loss_shape: Shape, reduction: str) -> None:
    if reduction != "none" and shape:
        raise ValueError(f'grad_output must be a scalar with reduction="{reduction}", got shape {shape}')
    if shape and shape != loss_shape:
        raise ValueError(f"grad_output must be a scalar or of the loss's shape {loss_shape}, got {shape}")


def grad_output_array(grad_output: Any, loss_shape: Shape, reduction: str) -> Array:
    if grad_output is NO_GRAD_OUTPUT:
        return ONE
    array = float_array(grad_output, "grad_output")
    check_grad_output(array.shape, loss_shape, reduction)
    return array


def weight_array(given: Any, check: Callable[[Shape, Any], None], of: Any) -> Array | None:
    """The weights, if there are any, whose shape `check(shape, of)` must not refuse."""
    if given is None:
        return None
    array = float_array(given, "weight")
    check(array.shape, of)
    return array


def check_row_weight(shape: Shape, loss_shape: Shape) -> None:
    """One weight for each row, or one for all."""
    if shape and shape != loss_shape:
        raise ValueError(f"weight must be a scalar or of the loss's shape {loss_shape}, got {shape}")


def check_class_weight(shape: Shape, classes: int) -> None:
    if shape != (classes,):
        raise ValueError(f"weight must have shape ({classes},), one for each class of input, got {shape}")


def class_weight_array(given: Any, classes: int) -> Array | None:
    """One weight for each class, if there are any."""
    weight = weight_array(given, check_class_weight, classes)
    if weight is not None:
        refuse_negative(weight, "weight")
    return weight


def refuse_negative(weight: Array, name: str) -> None:
    """Of weights that a mean divides by: negative ones might cancel, and leave a mean of nothing."""
    if weight.dtype.kind == "V":  # bfloat16, which warns of NaN
        weight = weight.astype(np.float32)
    if _core.has_negative(weight):
        least = np.fmin.reduce(weight.astype(np.float64), axis=None)
        raise ValueError(f"{name} must be at least 0, got {least}")


# ---- means --------------------------------------------------------------------------


def compensated_sum(array: Array, size: int) -> float:
    """The sum of `size` values, a 0-d array's repeated: the core's own, so in the same order as a loss's."""
    # of array * (1 - 0)^2
    operands = [ONE, _ZERO, flat(array), ONE]
    return float(_core.elementwise_loss(_MSE_LOSS, size, operands, (), True))


def divide_or_zero(total: Any, denominator: float) -> Any:
    """A mean. Over nothing it is 0."""
    if isinstance(total, float):
        return total / denominator if denominator else total * 0.0
    with np.errstate(all="ignore"):  # of what is infinite or NaN
        return total / denominator if denominator else total * 0.0


def needs_rescaling(size: float) -> bool:
    """Whether float32 might not hold a weight of this size, its reciprocal or a product with it."""
    return not 2**-60 < abs(size) < 2**60


def rescale_weight(weight: Array, used: Array) -> tuple[Array, int]:
    """weight / 2**exponent, and the exponent, for means that do not depend on the size of weights.

    The exponent is 0 unless the largest of the weights that are `used` needs rescaling. If so, the
    largest becomes about 1, and weights float64.
    """
    with np.errstate(all="ignore"):  # bfloat16 warns of a NaN
        largest = float(np.abs(used).max(initial=0.0))
    if not (0.0 < largest < inf and needs_rescaling(largest)):
        return weight, 0
    exponent = frexp(largest)[1]
    with np.errstate(all="ignore"):  # of weights that are not used
        return np.ldexp(weight.astype(np.float64), -exponent), exponent
