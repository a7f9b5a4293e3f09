"""numexpr: one compiled expression, where the op is one."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.cases import GATES, Case, Data, halves
from benchmarks.formulas import parameters
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.timing import Call

# a, b: the operands, or the halves of the one that is split; p, q: the op's parameters.
# Integer constants keep float32 narrow, but a result they alone make is an integer.
_INSIDE = "where(b > {}, where(b < {}, {}, zero), zero)"
_EXPRESSIONS = {
    ("step", "value"): "where(a > 0, one, zero)",
    ("identity", "value"): "a * p",
    ("identity", "backward"): "a * p",
    ("relu", "value"): "where(a > 0, a, 0)",
    ("relu", "backward"): "where(b > 0, a, 0)",
    ("relu", "backward_from_output"): "where(b > 0, a, 0)",
    ("relu6", "value"): "where(a > 0, where(a < 6, a, 6), 0)",
    ("relu6", "backward"): _INSIDE.format(0, 6, "a"),
    ("relu6", "backward_from_output"): _INSIDE.format(0, 6, "a"),
    ("leaky_relu", "value"): "where(a >= 0, a, a * p)",
    ("leaky_relu", "backward"): "where(b > 0, a, a * p)",
    ("prelu", "value"): "where(a > 0, a, a * p)",
    ("threshold", "value"): "where(a > p, a, q)",
    ("threshold", "backward"): "where(b > p, a, 0)",
    ("relu_squared", "value"): "where(a > 0, a * a, 0)",
    ("relu_squared", "backward"): "where(b > 0, 2 * a * b, 0)",
    ("hardtanh", "value"): "where(a > p, where(a < q, a, q), p)",
    ("hardtanh", "backward"): _INSIDE.format("p", "q", "a"),
    ("hardtanh", "backward_from_output"): _INSIDE.format("p", "q", "a"),
    ("hardsigmoid", "value"): "where(a > -3, where(a < 3, (a + 3) / 6, one), zero)",
    ("hardsigmoid", "backward"): _INSIDE.format(-3, 3, "a / 6"),
    ("hardsigmoid", "backward_from_output"): _INSIDE.format(0, 1, "a / 6"),
    ("hardswish", "value"): "where(a > -3, where(a < 3, a * (a + 3) / 6, a), zero)",
    ("hardswish", "backward"): "where(b > -3, where(b < 3, a * (b / 3 + half), a), zero)",
    ("hardshrink", "value"): "where(abs(a) > p, a, 0)",
    ("hardshrink", "backward"): "where(abs(b) > p, a, 0)",
    ("softshrink", "value"): "where(a > p, a - p, where(a < -p, a + p, zero))",
    ("softshrink", "backward"): "where(abs(b) > p, a, 0)",
    ("elu", "value"): "where(a > 0, a, expm1(a))",
    ("elu", "backward"): "where(b > 0, a, a * exp(b))",
    ("elu", "backward_from_output"): "where(b > 0, a, a * (b + 1))",
    ("selu", "value"): "p * where(a > 0, a, q * expm1(a))",
    ("selu", "backward"): "p * where(b > 0, a, a * q * exp(b))",
    ("selu", "backward_from_output"): "a * where(b > 0, p, b + p * q)",
    ("sigmoid", "value"): "1 / (1 + exp(-a))",
    ("sigmoid", "backward"): "a * exp(-b) / (1 + exp(-b)) ** 2",
    ("sigmoid", "backward_from_output"): "a * b * (1 - b)",
    ("tanh", "value"): "tanh(a)",
    ("tanh", "backward"): "a * (1 - tanh(b) ** 2)",
    ("tanh", "backward_from_output"): "a * (1 - b * b)",
    ("tanhshrink", "value"): "a - tanh(a)",
    ("tanhshrink", "backward"): "a * tanh(b) ** 2",
    ("gelu_tanh", "value"): "half * a * (1 + tanh(c * (a + cubic * a * a * a)))",
    ("silu", "value"): "a / (1 + exp(-a))",
    ("silu", "backward"): "a * (1 + b * exp(-b) / (1 + exp(-b))) / (1 + exp(-b))",
    ("swish", "value"): "a / (1 + exp(-p * a))",
    ("quick_gelu", "value"): "a / (1 + exp(-p * a))",
    ("quick_gelu", "backward"): "a * (1 + p * b * exp(-p * b) / (1 + exp(-p * b))) / (1 + exp(-p * b))",
    ("mish", "value"): "a * tanh(log1p(exp(a)))",
    ("softplus", "value"): "log1p(exp(a))",
    ("softplus", "backward"): "a / (1 + exp(-b))",
    ("softplus", "backward_from_output"): "a * -expm1(-b)",
    ("logsigmoid", "value"): "-log1p(exp(-a))",
    ("logsigmoid", "backward"): "a / (1 + exp(b))",
    ("squareplus", "value"): "(a + sqrt(a * a + p)) / 2",
    ("squareplus", "backward"): "a * (1 + b / sqrt(b * b + p)) / 2",
    ("softsign", "value"): "a / (1 + abs(a))",
    ("softsign", "backward"): "a / (1 + abs(b)) ** 2",
    ("glu", "value"): "a / (1 + exp(-b))",
    ("swiglu", "value"): "a * b / (1 + exp(-b))",
    ("reglu", "value"): "where(b > 0, a * b, 0)",
    ("mse_loss", "value"): "sum((a - b) ** 2)",
    ("binary_cross_entropy_with_logits", "value"): "sum(where(a > 0, a, 0) - a * b + log1p(exp(-abs(a))))",
}
_EXPRESSIONS |= {("celu", what): text for (op, what), text in _EXPRESSIONS.items() if op == "elu"}
_GRADIENTS = {
    "mse_loss": "(a - b) * scale",
    "binary_cross_entropy_with_logits": "(1 / (1 + exp(-a)) - b) * scale",
}
_CONSTANTS = {"zero": 0.0, "half": 0.5, "one": 1.0, "c": 0.7978845608028654, "cubic": 0.044715}


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
        operands = data.operands(case)
        names = dict(zip("ab", halves(*operands) if case.op in GATES else operands, strict=False))
        names |= zip("pq", parameters(case.op, data.dtype), strict=False)
        narrow = data.dtype.type
        used = re.findall(r"[a-z]+", expression)
        names |= {name: narrow(value) for name, value in _CONSTANTS.items() if name in used}
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
