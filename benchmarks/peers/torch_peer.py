"""PyTorch: functions and their backward kernels; losses by forward and autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases import FLOAT64_ROWS, INPUTS, Case, Data
from benchmarks.peers import torch_activations, torch_rows
from benchmarks.peers.base import Candidate, Peer
from benchmarks.timing import Call


def _arrays(returned: Any) -> tuple[np.ndarray, ...]:
    values = returned if isinstance(returned, tuple) else (returned,)
    return tuple(value.detach().numpy() for value in values)


class Torch(Peer):
    needs = ("torch",)

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import torch

        torch.set_num_threads(threads)
        self._torch = torch
        self._functions = {**torch_activations.calls(torch), **torch_rows.calls(torch)}
        self._losses = _losses(torch, torch.nn.functional)

    def version(self) -> str:
        return self._torch.__version__

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        operands = [self._torch.from_numpy(a) for a in data.operands(case)]
        if case.op in self._losses:
            return self._loss(case, *operands)
        if (case.op, case.variant) not in self._functions:
            return None
        plain, with_out = self._functions[case.op, case.variant]
        out = data.result(case)
        call = plain(*operands) if out is None else with_out(self._torch.from_numpy(out), *operands)
        return Candidate(call, _arrays)

    def _loss(self, case: Case, *operands: Any) -> Candidate:
        function, inputs = self._losses[case.op], INPUTS.get(case.op, (0,))
        if case.variant == "value":
            return Candidate(Call(function, *operands), _arrays)
        arguments = [x.detach().requires_grad_() if k in inputs else x for k, x in enumerate(operands)]
        leaves = [arguments[k] for k in inputs]

        def forward_and_backward() -> Any:
            for leaf in leaves:
                leaf.grad = None
            loss = function(*arguments)
            loss.backward()
            return loss, *(leaf.grad for leaf in leaves)

        return Candidate(Call(forward_and_backward), _arrays)


def _losses(torch: Any, functional: Any) -> dict[str, Any]:
    """Its own functions; of what it lacks, formulas of those it has."""
    own = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "hinge_embedding_loss")
    own += ("binary_cross_entropy_with_logits", "nll_loss", "cross_entropy", "ctc_loss", *FLOAT64_ROWS)
    own += ("linear_cross_entropy",) if hasattr(functional, "linear_cross_entropy") else ()
    own += ("binary_cross_entropy", "kl_div", "gaussian_nll_loss", "margin_ranking_loss")
    relu, softplus = functional.relu, functional.softplus

    def log_cosh(x: Any, t: Any) -> Any:
        d = x - t
        return (d + softplus(-2 * d) - 0.6931471805599453).mean()

    def focal(x: Any, y: Any) -> Any:
        p, loss = torch.sigmoid(x), functional.binary_cross_entropy_with_logits(x, y, reduction="none")
        return ((0.25 * y + 0.75 * (1 - y)) * (p + y - 2 * p * y) ** 2 * loss).mean()

    return {
        **{name: getattr(functional, name) for name in own},
        "focal_loss": focal,
        "msle_loss": lambda x, t: functional.mse_loss(torch.log1p(x), torch.log1p(t)),
        "kl_div_log_target": lambda x, t: functional.kl_div(x, t, log_target=True),
        "poisson_nll_loss": lambda x, t: functional.poisson_nll_loss(x, t, log_input=False),
        "poisson_nll_loss_log_input": functional.poisson_nll_loss,
        "gamma_deviance": lambda m, y: 2 * (torch.log(m / y) + y / m - 1).mean(),
        "gamma_deviance_log_input": lambda x, y: 2 * (x - torch.log(y) + y * torch.exp(-x) - 1).mean(),
        "tweedie_deviance": lambda m, y: (4 * (y.sqrt() - m.sqrt()) ** 2 / m.sqrt()).mean(),
        "tweedie_deviance_log_input": lambda x, y: (
            4 * (y.sqrt() - torch.exp(x / 2)) ** 2 * torch.exp(-x / 2)
        ).mean(),
        "half_squared_error": lambda x, t: 0.5 * functional.mse_loss(x, t),
        "log_cosh_loss": log_cosh,
        "pinball_loss": lambda x, t: torch.maximum(0.5 * (t - x), -0.5 * (t - x)).mean(),
        "hinge_loss": lambda x, t: relu(1 - t * x).mean(),
        "squared_hinge_loss": lambda x, t: (relu(1 - t * x) ** 2).mean(),
        "exponential_loss": lambda x, t: torch.exp(-t * x).mean(),
    }
