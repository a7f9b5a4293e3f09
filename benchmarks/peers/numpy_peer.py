"""Plain NumPy: the formula; with out=, its steps in place where no second array is needed."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case, Data
from benchmarks.formulas import FORMULAS, parameters
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.peers.numpy_in_place import IN_PLACE
from benchmarks.timing import Call


class NumPy(Peer):
    def version(self) -> str:
        return np.__version__

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        key, out = (case.op, case.variant), data.result(case)
        arguments = (*data.operands(case), *parameters(case.op, data.dtype))
        if out is not None and key in IN_PLACE:
            return Candidate(Call(IN_PLACE[key], *arguments, out), as_arrays)
        if key not in FORMULAS:
            return None
        return Candidate(Call(FORMULAS[key], np, *arguments), as_arrays)
