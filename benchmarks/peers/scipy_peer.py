"""scipy.special, and what one builds of it in a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import Case, Data, halves
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.timing import Call


class SciPy(Peer):
    needs = ("scipy",)

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import scipy
        from scipy import special

        self._version = scipy.__version__

        def gelu(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
            cdf = special.ndtr(x, out)
            return np.multiply(cdf, x, cdf)

        def gelu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
            return dy * (special.ndtr(x) + x * np.exp(-0.5 * x * x) * 0.3989422804014327)

        def silu(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
            s = special.expit(x, out)
            return np.multiply(s, x, s)

        def quick_gelu(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
            s = special.expit(np.multiply(x, 1.702, out), out)
            return np.multiply(s, x, s)

        def gated(act: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
            def unit(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
                a, b = halves(x)
                y = act(b, out)
                return np.multiply(y, a, y)

            return unit

        def geglu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
            a, b = halves(x)
            return np.concatenate((dy * gelu(b), gelu_backward(dy * a, b)), -1)

        def logsigmoid_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
            s = special.expit(np.negative(x, out), out)
            return np.multiply(s, dy, s)

        def sigmoid_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
            s = special.expit(x)
            return dy * s * (1 - s)

        def softplus_backward(dy: np.ndarray, x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
            s = special.expit(x, out)
            return np.multiply(s, dy, s)

        def along_rows(function: Callable[..., Any]) -> Callable[..., Any]:
            return lambda x: function(x, axis=-1)

        # function, and whether it takes out= as one more argument
        self._functions: dict[tuple[str, str], tuple[Callable[..., Any], bool]] = {
            ("sigmoid", "value"): (special.expit, True),
            ("sigmoid", "backward"): (sigmoid_backward, False),
            ("silu", "value"): (silu, True),
            ("gelu", "value"): (gelu, True),
            ("gelu", "backward"): (gelu_backward, False),
            ("swish", "value"): (silu, True),
            ("quick_gelu", "value"): (quick_gelu, True),
            ("glu", "value"): (gated(special.expit), True),
            ("swiglu", "value"): (gated(silu), True),
            ("geglu", "value"): (gated(gelu), True),
            ("geglu", "backward"): (geglu_backward, False),
            ("softplus", "backward"): (softplus_backward, True),
            ("logsigmoid", "value"): (special.log_expit, True),
            ("logsigmoid", "backward"): (logsigmoid_backward, True),
            ("softmax", "value"): (along_rows(special.softmax), False),
            ("softmin", "value"): (lambda x: special.softmax(-x, axis=-1), False),
            ("log_softmax", "value"): (along_rows(special.log_softmax), False),
            ("logsumexp", "value"): (along_rows(special.logsumexp), False),
        }
        if hasattr(special, "softplus"):
            self._functions["softplus", "value"] = (special.softplus, False)

    def version(self) -> str:
        return self._version

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        function, takes_out = self._functions.get((case.op, case.variant), (None, False))
        if function is None:
            return None
        out = data.result(case)
        more = (out,) if takes_out and out is not None else ()
        return Candidate(Call(function, *data.operands(case), *more), as_arrays)
