"""fastact itself."""

from __future__ import annotations

import fastact as fa
from benchmarks.cases import REQUIRED, Case, Data, public
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.timing import Call


class FastAct(Peer):
    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        fa.set_num_threads(threads)

    def version(self) -> str:
        return fa.__version__

    def prepare(self, case: Case, data: Data) -> Candidate:
        function, options = public(case.op)
        if case.variant != "value":
            function = getattr(function, case.variant)
        out = data.result(case)
        keywords = options if out is None else {**options, "out": out}
        arguments = (*data.operands(case), *REQUIRED.get(case.op, ()))
        return Candidate(Call(function, *arguments, **keywords), as_arrays)
