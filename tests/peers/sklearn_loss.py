"""scikit-learn's tests of its loss objects, whose compiled part is replaced by our losses.

scikit-learn's losses of means are halves of ours, and leave out what does not depend on the prediction;
their "Hessian" of absolute errors is 1, for its trees. That is mapped here.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from counts import Counts, ours
from under_pytest import Table
from under_pytest import run as run_pytest

import fastact as fa

# Of the losses, and of the models that are fitted by them.
TESTS = (
    "_loss.tests.test_loss",
    "linear_model.tests.test_linear_loss",
    "linear_model._glm.tests.test_glm",
    "ensemble._hist_gradient_boosting.tests.test_gradient_boosting",
    "ensemble.tests.test_gradient_boosting",
)

_CANCELS = "what their value leaves out is 10^6 here, and subtracting it from ours rounds the rest"

DIFFERENCES: Table = {
    "test_multinomial_cy_gradient": "a method for Cython alone",
    "test_non_uniform_weights_toy_edge_case_reg[huber-0.5]": "a delta of 0: ours refuses it",
    "test_sample_weight_multiplies[42-random-HalfTweedieLoss(power=-1.5)]": _CANCELS,
    "test_gradients_hessians_numerically[42-None-HalfTweedieLoss(power=-1.5)]": _CANCELS,
    "test_gradients_hessians_numerically[42-range-HalfTweedieLoss(power=-1.5)]": _CANCELS,
}


class Closs:
    """The interface of their compiled losses: point by point, into arrays that are given."""

    loss_of: Any
    factor = 1.0  # of their loss to ours

    def options(self) -> dict[str, Any]:
        return {}

    def left_out(self, y: np.ndarray) -> Any:
        """What their loss lacks, of ours times the factor."""
        return 0.0

    def _call(
        self, method: str, y: Any, x: Any, weight: Any, threads: int, first: Any = (), **more: Any
    ) -> Any:
        before = fa.get_num_threads()
        fa.set_num_threads(threads)
        try:
            function = getattr(self.loss_of, method) if method else self.loss_of
            more |= {"reduction": "none", "weight": weight, **self.options()}
            return ours(function, *first, *self._operands(x, y), **more)
        finally:
            fa.set_num_threads(before)

    def _weight(self, y: Any, weight: Any) -> Any:
        """By which the factor goes in, with nothing rounded: it is 1 or 1/2."""
        if self.factor == 1.0:
            return weight
        return np.asarray(self.factor, y.dtype) if weight is None else weight * y.dtype.type(self.factor)

    def _operands(self, x: Any, y: Any) -> tuple[Any, Any]:
        return x, y

    def _values(self, values: Any, y: Any, weight: Any) -> Any:
        return values - self.left_out(y) * (1.0 if weight is None else weight)

    # ---- their interface --------------------------------------------------------------

    def loss(
        self, y_true: Any, raw_prediction: Any, sample_weight: Any, loss_out: Any, n_threads: int = 1
    ) -> None:
        weight = self._weight(y_true, sample_weight)
        values = self._call("", y_true, raw_prediction, weight, n_threads)
        loss_out[...] = self._values(values, y_true, sample_weight)

    def gradient(
        self, y_true: Any, raw_prediction: Any, sample_weight: Any, gradient_out: Any, n_threads: int = 1
    ) -> None:
        weight = self._weight(y_true, sample_weight)
        if gradient_out.dtype == raw_prediction.dtype:
            self._call("grad", y_true, raw_prediction, weight, n_threads, out=gradient_out)
        else:
            gradient_out[...] = self._call("grad", y_true, raw_prediction, weight, n_threads)

    def loss_gradient(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any,
        loss_out: Any,
        gradient_out: Any,
        n_threads: int = 1,
    ) -> None:
        weight = self._weight(y_true, sample_weight)
        values, gradient = self._call("value_and_grad", y_true, raw_prediction, weight, n_threads)
        loss_out[...], gradient_out[...] = self._values(values, y_true, sample_weight), gradient

    def gradient_hessian(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any,
        gradient_out: Any,
        hessian_out: Any,
        n_threads: int = 1,
    ) -> None:
        weight = self._weight(y_true, sample_weight)
        results = self._call("grad_and_hess", y_true, raw_prediction, weight, n_threads)
        gradient_out[...], hessian_out[...] = results


class _Trees(Closs):
    """With a Hessian of 1 times the weight."""

    def gradient_hessian(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any,
        gradient_out: Any,
        hessian_out: Any,
        n_threads: int = 1,
    ) -> None:
        self.gradient(y_true, raw_prediction, sample_weight, gradient_out, n_threads)
        hessian_out[...] = 1.0 if sample_weight is None else sample_weight


class HalfSquaredError(Closs):
    loss_of = fa.half_squared_error


class AbsoluteError(_Trees):
    loss_of = fa.l1_loss


class PinballLoss(_Trees):
    loss_of = fa.pinball_loss

    def __init__(self, quantile: float) -> None:
        self.quantile = quantile

    def options(self) -> dict[str, Any]:
        return {"quantile": self.quantile}


class HuberLoss(Closs):
    loss_of = fa.huber_loss

    def __init__(self, delta: float) -> None:
        self.delta = delta

    def options(self) -> dict[str, Any]:
        return {"delta": self.delta}


class HalfPoissonLoss(Closs):
    loss_of = fa.poisson_nll_loss


class HalfGammaLoss(Closs):
    loss_of, factor = fa.gamma_deviance, 0.5

    def left_out(self, y: np.ndarray) -> Any:
        return -np.log(y) - 1


class HalfTweedieLossIdentity(Closs):
    loss_of, factor = fa.tweedie_deviance, 0.5

    def __init__(self, power: float) -> None:
        self.power = power

    def options(self) -> dict[str, Any]:
        return {"power": self.power, "log_input": False}


class HalfTweedieLoss(HalfTweedieLossIdentity):
    def options(self) -> dict[str, Any]:
        return {"power": self.power, "log_input": True}

    def left_out(self, y: np.ndarray) -> Any:
        if self.power == 0:
            return 0.0
        if self.power == 1:
            return np.where(y > 0, y * np.log(np.where(y > 0, y, 1)) - y, 0.0)
        if self.power == 2:
            return -np.log(y) - 1
        return np.maximum(y, 0) ** (2 - self.power) / (1 - self.power) / (2 - self.power)


class HalfBinomialLoss(Closs):
    loss_of = fa.binary_cross_entropy_with_logits


class ExponentialLoss(Closs):
    """Of targets between 0 and 1: a mean of ours with label 1 and ours with label -1."""

    loss_of = fa.exponential_loss

    def _call(self, method: str, y: Any, x: Any, weight: Any, threads: int, **more: Any) -> Any:
        out, one = more.pop("out", None), np.ones((), x.dtype)
        weight = one if weight is None else weight
        parts = [
            super(ExponentialLoss, self)._call(method, sign * one, x, weight * share, threads, **more)
            for sign, share in ((1, y), (-1, 1 - y))
        ]
        if not isinstance(parts[0], tuple):
            return np.add(*parts, out=out)
        return tuple(np.add(a, b) for a, b in zip(*parts, strict=True))


class HalfMultinomialLoss(Closs):
    """Their labels are floats, and their weights one a row."""

    loss_of = fa.cross_entropy

    def _operands(self, x: Any, y: Any) -> tuple[Any, Any]:
        return x, y.astype(np.int64)

    def _call(self, method: str, y: Any, x: Any, weight: Any, threads: int, **more: Any) -> Any:
        if method == "grad" and weight is not None:
            return super()._call("backward", y, x, None, threads, **more, first=(weight,))
        results = super()._call(method, y, x, None, threads, **more)
        if weight is None:
            return results
        if method:
            return tuple(part * (weight[:, None] if part.ndim > 1 else weight) for part in results)
        return results * weight

    def gradient_proba(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any,
        gradient_out: Any,
        proba_out: Any,
        n_threads: int = 1,
    ) -> None:
        proba_out[...] = ours(fa.softmax, raw_prediction)
        self.gradient(y_true, raw_prediction, sample_weight, gradient_out, n_threads)


LOSSES = (
    HalfSquaredError,
    AbsoluteError,
    PinballLoss,
    HuberLoss,
    HalfPoissonLoss,
    HalfGammaLoss,
    HalfTweedieLoss,
    HalfTweedieLossIdentity,
    HalfBinomialLoss,
    HalfMultinomialLoss,
    ExponentialLoss,
)


def run(words: str) -> Counts:
    os.environ.setdefault("SKLEARN_RUN_FLOAT32_TESTS", "1")
    import sklearn
    from sklearn._loss import loss

    for ours_ in LOSSES:  # before the tests are imported, for they make losses then
        if not hasattr(loss, f"Cy{ours_.__name__}"):
            raise SystemExit(f"sklearn._loss.loss has no Cy{ours_.__name__}: its interface is another one")
        setattr(loss, f"Cy{ours_.__name__}", ours_)
    tests = ["--pyargs", *(f"sklearn.{name}" for name in TESTS)]
    return run_pytest(Counts(sklearn.__version__), tests, words, DIFFERENCES)
