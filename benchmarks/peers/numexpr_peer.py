"""numexpr: one compiled expression, where the op is one."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import Case, Data
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.timing import Call

# a: the first operand, b: the second. Integer constants keep float32 narrow.
_EXPRESSIONS = {
    ("relu", "value"): "where(a > 0, a, 0)",
    ("relu", "backward"): "where(b > 0, a, 0)",
    ("relu", "backward_from_output"): "where(b > 0, a, 0)",
    ("leaky_relu", "value"): "where(a >= 0, a, a * slope)",
    ("leaky_relu", "backward"): "where(b > 0, a, a * slope)",
    ("sigmoid", "value"): "1 / (1 + exp(-a))",
    ("sigmoid", "backward"): "a * exp(-b) / (1 + exp(-b)) ** 2",
    ("sigmoid", "backward_from_output"): "a * b * (1 - b)",
    ("tanh", "value"): "tanh(a)",
    ("tanh", "backward"): "a * (1 - tanh(b) ** 2)",
    ("tanh", "backward_from_output"): "a * (1 - b * b)",
    ("gelu_tanh", "value"): "half * a * (1 + tanh(c * (a + cubic * a * a * a)))",
    ("silu", "value"): "a / (1 + exp(-a))",
    ("silu", "backward"): "a * (1 + b * exp(-b) / (1 + exp(-b))) / (1 + exp(-b))",
    ("softplus", "value"): "log1p(exp(a))",
    ("softplus", "backward"): "a / (1 + exp(-b))",
    ("softplus", "backward_from_output"): "a * -expm1(-b)",
    ("softsign", "value"): "a / (1 + abs(a))",
    ("softsign", "backward"): "a / (1 + abs(b)) ** 2",
    ("mse_loss", "value"): "sum((a - b) ** 2)",
    ("binary_cross_entropy_with_logits", "value"): "sum(where(a > 0, a, 0) - a * b + log1p(exp(-abs(a))))",
}
_GRADIENTS = {
    "mse_loss": "(a - b) * scale",
    "binary_cross_entropy_with_logits": "(1 / (1 + exp(-a)) - b) * scale",
}
_CONSTANTS = {"slope": 0.01, "half": 0.5, "c": 0.7978845608028654, "cubic": 0.044715}


class NumExpr(Peer):
    needs = ("numexpr",)

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import numexpr

        self._package = numexpr
        numexpr.set_num_threads(threads)

    def version(self) -> str:
        return self._package.__version__

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        expression = _EXPRESSIONS.get((case.op, "value" if case.kind == "loss" else case.variant))
        if expression is None:
            return None
        names = dict(zip("ab", data.operands(case), strict=False))
        narrow = data.dtype.type
        names |= {name: narrow(value) for name, value in _CONSTANTS.items() if name in expression}
        evaluate, out = self._package.evaluate, data.result(case)
        if case.kind != "loss":
            keywords = {} if out is None else {"out": out}
            call = Call(evaluate, expression, local_dict=names, global_dict={}, **keywords)
            return Candidate(call, as_arrays)
        value_only = case.variant == "value"
        names |= {"scale": narrow((2.0 if case.op == "mse_loss" else 1.0) / case.size)}

        def loss() -> Any:
            value = float(evaluate(expression, local_dict=names, global_dict={})) / case.size
            if value_only:
                return value
            return value, evaluate(_GRADIENTS[case.op], local_dict=names, global_dict={}, out=out)

        return Candidate(Call(loss), as_arrays)
