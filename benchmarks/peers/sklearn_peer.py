"""scikit-learn's _loss: value and gradient fused, by sample; the boosting libraries' kind.

It leaves the mean to the caller, so a call here takes the mean of its values; its
gradient is that of the sum, and of half the squared error. Losses of signs take targets
0 and 1 there, as the losses of probabilities they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases import OF_SIGNS, Case, Data
from benchmarks.peers.base import Candidate, Peer
from benchmarks.timing import Call


class SciKitLearn(Peer):
    needs = ("sklearn",)

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import sklearn
        from sklearn._loss import loss

        self._version, self._losses = sklearn.__version__, loss

    def version(self) -> str:
        return self._version

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        if case.kind not in ("loss", "row loss"):
            return None
        losses = {
            "mse_loss": self._losses.HalfSquaredError,
            "half_squared_error": self._losses.HalfSquaredError,
            "l1_loss": self._losses.AbsoluteError,
            "huber_loss": lambda: self._losses.HuberLoss(delta=1.0),
            "poisson_nll_loss_log_input": self._losses.HalfPoissonLoss,
            "exponential_loss": self._losses.ExponentialLoss,
            "soft_margin_loss": self._losses.HalfBinomialLoss,
            "pinball_loss": self._losses.PinballLoss,
            "binary_cross_entropy_with_logits": self._losses.HalfBinomialLoss,
            "cross_entropy": lambda: self._losses.HalfMultinomialLoss(n_classes=case.shape[-1]),
        }
        if case.op not in losses:
            return None
        loss, (x, target) = losses[case.op](), data.operands(case)
        values = np.empty(len(x), x.dtype)
        gradient = np.empty_like(x) if data.result(case) is None else data.result(case)
        y = (target.astype(x.dtype) + 1) / 2 if case.op in OF_SIGNS else target.astype(x.dtype)
        factor = 2.0 if case.op == "mse_loss" else 1.0
        value_only, threads = case.variant == "value", self.threads

        def run() -> Any:
            if value_only:
                loss.loss(y, x, loss_out=values, n_threads=threads)
                return values.mean()
            loss.loss_gradient(y, x, loss_out=values, gradient_out=gradient, n_threads=threads)
            return values.mean(), gradient

        def arrays(returned: Any) -> tuple[np.ndarray, ...]:
            if value_only:
                return (np.asarray(returned * factor),)
            return np.asarray(returned[0] * factor), returned[1] * (factor / len(x))

        return Candidate(Call(run), arrays)
