"""PyTorch: functions and their backward kernels; losses by forward and autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases import Case, Data
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
        self._losses = {
            "mse_loss": torch.nn.functional.mse_loss,
            "binary_cross_entropy_with_logits": torch.nn.functional.binary_cross_entropy_with_logits,
            "nll_loss": torch.nn.functional.nll_loss,
            "cross_entropy": torch.nn.functional.cross_entropy,
        }

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

    def _loss(self, case: Case, x: Any, target: Any) -> Candidate:
        function = self._losses[case.op]
        if case.variant == "value":
            return Candidate(Call(function, x, target), _arrays)
        leaf = x.detach().requires_grad_()

        def forward_and_backward() -> Any:
            leaf.grad = None
            loss = function(leaf, target)
            loss.backward()
            return loss, leaf.grad

        return Candidate(Call(forward_and_backward), _arrays)
