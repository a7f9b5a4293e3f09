r"""Losses as the objectives of gradient boosting.

`lightgbm_objective` and `xgboost_objective` make of a loss what LightGBM and XGBoost call for
gradients and Hessian diagonals. Neither library is needed to import this module.

>>> import numpy as np, fastact as fa
>>> objective = fa.boosting.xgboost_objective("log_cosh_loss")
>>> grad, hess = objective(np.array([0.0, 3.0]), np.array([0.5, 0.5]))  # labels, predictions
>>> grad.round(4), hess.round(4)
(array([ 0.4621, -0.9866]), array([0.7864, 0.0266]))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from typing import Any, Literal, TypeVar

import numpy as np

from fastact._arrays import Array, choice, float_array
from fastact._config import _core
from fastact._docs import OBJECTIVES, complete
from fastact._losses.base import Loss
from fastact._losses.class_rows import ClassLoss
from fastact._losses.elementwise import ElementwiseLoss
from fastact._losses.interface import Request
from fastact._losses.options import refuse_negative
from fastact._losses.targets import ANY, COUNTS, SHARES, Signs, Targets
from fastact._registry import get_op

__all__ = ["Objective", "lightgbm_objective", "xgboost_objective"]

Hess = Literal["exact", "upper"]
Library = Literal["lightgbm", "xgboost"]
Factory = TypeVar("Factory", bound=Callable[..., "Objective"])

FLOOR = 1e-16  # XGBoost's, of its own logistic objectives
FLAT = 1.0  # what both libraries take for their own losses without curvature


def _documented(factory: Factory) -> Factory:
    factory.__doc__ = complete(factory, OBJECTIVES)
    return factory


@_documented
def lightgbm_objective(
    loss: Loss[..., Any] | str,
    *,
    hess: Hess = "exact",
    floor: float = FLOOR,
    flat: float = FLAT,
    **options: Any,
) -> Objective:
    r"""A loss as an objective of LightGBM.

    Pass the object as `objective`, in the parameters of ``lightgbm.train`` or to an estimator such
    as ``LGBMRegressor``. Predictions are then raw scores, as with any objective of one's own.

    See Also
    --------
    xgboost_objective : The same for XGBoost.

    Notes
    -----
    With w a row's weight, g and h its derivatives, LightGBM gets :math:`w g` and :math:`w h'`, where
    h' is `flat` if h <= 0 and g is not 0, and else :math:`\max(h, floor)`. Nothing is averaged: the
    derivatives are those of the sum over rows.

    Upper bounds: of `mse_loss`, `half_squared_error`, `huber_loss`, `smooth_l1_loss` and
    `log_cosh_loss` the Hessian at the target; of `binary_cross_entropy_with_logits`,
    `soft_margin_loss` and `squared_hinge_loss` that at 0; of `poisson_nll_loss` that after a step
    of 0.7, the default of LightGBM's `poisson_max_delta_step`; of `cross_entropy` k/(k - 1) times
    the Hessian, as LightGBM's own objective of k classes has it, to allow for all classes moving
    at once. Trees are those of LightGBM's own `huber`, `poisson` and `multiclass` with "upper", of
    `binary` with "exact", if it boosts from the same score: its own objectives start from an
    average, unless `boost_from_average` is False.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> objective = fa.boosting.lightgbm_objective("huber_loss", delta=2.0)
    >>> objective
    fastact.boosting.lightgbm_objective('huber_loss', delta=2.0)
    >>> objective(np.zeros(3), np.array([1.0, -1.0, 5.0]))
    (array([ 1., -1.,  2.]), array([1., 1., 1.]))
    >>> params = {"objective": objective}  # of lightgbm.train, or LGBMRegressor(**params)
    """
    return Objective("lightgbm", loss, hess, floor, flat, options)


@_documented
def xgboost_objective(
    loss: Loss[..., Any] | str,
    *,
    hess: Hess = "exact",
    floor: float = FLOOR,
    flat: float = FLAT,
    **options: Any,
) -> Objective:
    r"""A loss as an objective of XGBoost.

    Pass the object as `obj` to ``xgboost.train``, or as `objective` to an estimator such as
    ``XGBRegressor``. Predictions start from `base_score`, which ``xgboost.train`` takes for 0.5 unless
    it is set.

    See Also
    --------
    lightgbm_objective : The same for LightGBM; its notes hold here too.

    Notes
    -----
    The upper bound of `cross_entropy` is twice the Hessian, as in XGBoost's own objectives of
    several classes: no less than the whole Hessian matrix, by Gershgorin's circles. The others are
    those of `lightgbm_objective`. Trees are those of XGBoost's own `multi:softprob` and
    `count:poisson` with "upper", of `binary:logistic` and `reg:squarederror` (that of
    `half_squared_error`) with "exact", if they start from the same score; for `count:poisson`
    XGBoost also sets `max_delta_step` to 0.7 unless it is given.

    Examples
    --------
    >>> import numpy as np, fastact as fa
    >>> objective = fa.boosting.xgboost_objective(fa.cross_entropy, hess="upper")
    >>> grad, hess = objective(np.array([0.0, 2.0]), np.zeros((2, 3)))
    >>> grad.round(4)
    array([[-0.6667,  0.3333,  0.3333],
           [ 0.3333,  0.3333, -0.6667]])
    >>> hess.round(4)
    array([[0.4444, 0.4444, 0.4444],
           [0.4444, 0.4444, 0.4444]])
    """
    return Objective("xgboost", loss, hess, floor, flat, options)


class Objective:
    """A loss as boosting libraries call it: what `lightgbm_objective` and `xgboost_objective` make."""

    def __init__(
        self,
        library: Library,
        loss: Loss[..., Any] | str,
        hess: Hess,
        floor: float,
        flat: float,
        options: dict[str, Any],
    ) -> None:
        self.library = library
        with _named(self._function):
            self._set(loss, hess, floor, flat, options)

    @property
    def _function(self) -> str:
        return f"{self.library}_objective"

    def _set(
        self, loss: Loss[..., Any] | str, hess: Hess, floor: float, flat: float, options: dict[str, Any]
    ) -> None:
        self.loss = _loss_of_one_input(loss)
        self.options = _own_options(self.loss, options)
        self.hess: Hess = choice(hess, "hess", ("exact", "upper"))
        self.floor, self.flat = _positive(floor, "floor"), _positive(flat, "flat")
        self.loss._check_options(self.loss._all_options(options))
        if hess == "upper":
            self._check_upper()

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Array, Array]:
        """Gradients and Hessians, in the predictions' layout.

        Estimators give labels, predictions and weights; the libraries' ``train`` gives predictions
        and a data set, which holds the rest. (Both read this signature.)

        Parameters
        ----------
        y_true : array_like
            Labels, one a row or one a prediction. Or the predictions, if a data set follows.
        y_pred : array_like or data set
            Predictions (rows,) or (rows, classes), before any link.
        sample_weight : array_like, optional
            Weights of the rows.

        Returns
        -------
        grad, hess : ndarray
        """
        with _named(self._function):
            return self._of_rows(y_true, y_pred, sample_weight)

    def _of_rows(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Array, Array]:
        if hasattr(y_pred, "get_label"):
            data = y_pred
            y_true, y_pred, sample_weight = data.get_label(), y_true, data.get_weight()
        scores, target = float_array(y_pred, "y_pred"), float_array(y_true, "y_true")
        by_classes = scores.ndim == 1 and 0 < target.size < scores.size
        if by_classes:  # LightGBM before 4: the scores of one class after those of another
            _check_rows(scores.size, target.size)
            scores = scores.reshape(-1, target.size).T
        target = self._checked(self._target(target, scores))
        grad, hess = self._derivatives(scores, target, self._weight(sample_weight, scores))
        return (grad.ravel("F"), hess.ravel("F")) if by_classes else (grad, hess)

    def _target(self, target: Array, scores: Array) -> Array:
        """Labels as the loss wants them."""
        elementwise = isinstance(self.loss, ElementwiseLoss)
        if target.size == scores.size and (elementwise or scores.ndim == target.ndim == 2):
            return target.reshape(scores.shape)
        rows = len(scores) if scores.ndim else 0
        if target.size != rows:
            raise ValueError(f"y_true must hold a label for each of {rows} rows, got shape {target.shape}")
        name, shape = self.loss.__name__, scores.shape
        if elementwise:
            raise ValueError(f"{name} takes one prediction a label, got predictions of shape {shape}")
        if scores.ndim != 2:
            raise ValueError(
                f"{name} takes a row of classes, got predictions of shape {shape}: set num_class"
            )
        return _class_labels(target.reshape(-1))

    def _checked(self, target: Array) -> Array:
        """Labels that the loss has a meaning for: -1 and 1, if it wants these, of classifiers' 0 and 1."""
        allowed = self._allowed(target.ndim)
        try:
            return allowed.from_labels(target, self.loss._all_options(self.options))
        except ValueError as error:
            raise ValueError(str(error).replace("target", "y_true", 1)) from None

    def _allowed(self, ndim: int) -> Targets | Signs:
        if isinstance(self.loss, ElementwiseLoss):
            return self.loss._targets
        if isinstance(self.loss, ClassLoss):  # whose labels the core checks
            return COUNTS if ndim == 2 else ANY
        return SHARES if getattr(self.loss, "_targets", "") == "probabilities" else ANY

    def _weight(self, given: Any, scores: Array) -> Array | None:
        """One for each term of the loss."""
        if given is None or np.size(given) == 0:
            return None
        weight = float_array(given, "sample_weight").reshape(-1).astype(scores.dtype, copy=False)
        refuse_negative(weight, "sample_weight")
        if weight.size != len(scores):
            raise ValueError(f"sample_weight must hold one for each of {len(scores)} rows, got {weight.size}")
        return np.broadcast_to(weight[:, None], scores.shape) if self._spreads(scores) else weight

    def _spreads(self, scores: Array) -> bool:
        return scores.ndim == 2 and isinstance(self.loss, ElementwiseLoss)

    def _derivatives(self, scores: Array, target: Array, weight: Array | None) -> tuple[Array, Array]:
        upper = _UPPER[self.loss.__name__] if self.hess == "upper" else None
        if upper is None:
            _, grad, hess = self._run(scores, target, weight, Request(grad=True, hess=True))
        elif callable(upper):
            at = np.ascontiguousarray(np.broadcast_to(upper(scores, target), scores.shape), scores.dtype)
            _, grad, _ = self._run(scores, target, weight, Request(grad=True))
            _, _, hess = self._run(at, target, weight, Request(hess=True))
        else:
            _, grad, hess = self._run(scores, target, weight, Request(grad=True, hess=True))
            hess *= upper[self.library](scores.shape[-1])
        if weight is not None and weight.ndim < scores.ndim:
            weight = weight[:, None]
        return grad, self._raised(grad, hess, 1.0 if weight is None else weight)

    def _run(self, scores: Array, target: Array, weight: Array | None, request: Request) -> Any:
        """Rows' weights are gradients of what follows the loss: so they go with any loss's own."""
        grad_output = 1.0 if weight is None else weight
        return self.loss._run((scores, target), {**self.options, "reduction": "none"}, request, grad_output)

    def _raised(self, grad: Array, hess: Array, weight: Array | float) -> Array:
        floor = self.floor * weight
        low = hess < floor
        if low.any():
            slopes = (hess <= 0) & (grad != 0)
            np.copyto(hess, np.where(slopes, self.flat * weight, floor), where=low, casting="same_kind")
        return hess

    def _check_upper(self) -> None:
        name = self.loss.__name__
        if name not in _UPPER:
            raise ValueError(
                f'hess must be "exact" for {name}, whose curvature has no upper bound, got "upper"; '
                f"these have one: {', '.join(_UPPER)}"
            )
        if not self.options.get("log_input", True):
            raise ValueError(f'log_input must be True for hess="upper" of {name}, got False')

    def __eq__(self, other: object) -> bool:
        """Of the same call. Estimators are compared by their parameters, after they were pickled too."""
        if not isinstance(other, Objective):
            return NotImplemented
        return self._facts() == other._facts() and all(
            np.array_equal(value, other.options[name], equal_nan=True)
            if isinstance(value, (np.ndarray, list, tuple))
            else value == other.options[name]
            for name, value in self.options.items()
        )

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple[Any, ...]:
        """All that can be compared by ==."""
        return self.library, self.loss, self.hess, self.floor, self.flat, tuple(sorted(self.options))

    def __repr__(self) -> str:
        facts = {"hess": (self.hess, "exact"), "floor": (self.floor, FLOOR), "flat": (self.flat, FLAT)}
        shown = {name: value for name, (value, default) in facts.items() if value != default}
        given = "".join(f", {name}={value!r}" for name, value in {**shown, **self.options}.items())
        return f"fastact.boosting.{self.library}_objective({self.loss.__name__!r}{given})"


# ---- upper bounds ----------------------------------------------------------------

# The step from a log rate within which the bound holds: exp(x) has none for steps of any length.
# It is the libraries' default of max_delta_step and poisson_max_delta_step.
_STEP = 0.7


def _target(scores: Array, target: Array) -> Array:
    return target


def _zero(scores: Array, target: Array) -> Array:
    return np.zeros(())


def _a_step_on(scores: Array, target: Array) -> Array:
    return scores + _STEP


def _friedman(classes: int) -> float:
    return classes / (classes - 1) if classes > 1 else 1.0


def _gershgorin(classes: int) -> float:
    return 2.0


# Where a loss's Hessian diagonal is largest; or what to multiply it by, for k classes.
_UPPER: Mapping[str, Callable[[Array, Array], Array] | Mapping[str, Callable[[int], float]]] = {
    "binary_cross_entropy_with_logits": _zero,
    "cross_entropy": {"lightgbm": _friedman, "xgboost": _gershgorin},
    "half_squared_error": _target,
    "huber_loss": _target,
    "log_cosh_loss": _target,
    "mse_loss": _target,
    "poisson_nll_loss": _a_step_on,
    "smooth_l1_loss": _target,
    "soft_margin_loss": _zero,
    "squared_hinge_loss": _zero,
}


@contextmanager
def _named(function: str) -> Iterator[None]:
    """Lets errors begin with the function's name."""
    try:
        yield
    except (TypeError, ValueError, IndexError) as error:
        raise _core.same_kind(error)(_core.in_the_name_of(function, error)) from None


# ---- arguments ---------------------------------------------------------------------


def _loss_of_one_input(loss: Any) -> Loss[..., Any]:
    found = get_op(loss) if isinstance(loss, str) else loss
    if not isinstance(found, Loss):
        raise TypeError(f"loss must be a loss of fastact or the name of one, got {loss!r}")
    if len(found._operands) != 2 or "target" not in found._operands:
        taken = ", ".join(found._operands)
        raise TypeError(f"loss must take one input and a target, {found.__name__} takes {taken}")
    return found


def _own_options(loss: Loss[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    for name in ("reduction", "axis"):
        if name in options:
            raise TypeError(f"{name} must be left out: an objective's terms are summed, its classes last")
    loss._all_options(options)
    return options


def _positive(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 < value < inf:
        raise ValueError(f"{name} must be a number more than 0, got {value!r}")
    return float(value)


def _check_rows(scores: int, rows: int) -> None:
    if scores % rows:
        raise ValueError(f"y_pred of {scores} scores does not hold as many for each of {rows} labels")


def _class_labels(target: Array) -> Array:
    """Libraries hold labels as floats."""
    with np.errstate(invalid="ignore"):  # a NaN becomes some integer, which is not it
        labels = target.astype(np.int64)
    wrong = np.flatnonzero(labels != target)
    if wrong.size:
        raise ValueError(f"y_true must hold class labels, got {target[wrong[0]]} in row {wrong[0]}")
    return labels
