"""ONNX Runtime: a model of one operator, or of those that make up the op; with out=, its output
bound to our array. Values only."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases import Case, Data
from benchmarks.formulas import parameters
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.timing import Call

_OPSET, _IR_VERSION = 20, 9  # the first with Gelu; any runtime from 1.17 on reads them
_OWN_DOMAIN = "com.microsoft"
Node = tuple[str, str, str, dict[str, Any]]  # operator, names of inputs and of outputs, attributes


def _one(operator: str, inputs: str = "x", **attributes: Any) -> list[Node]:
    return [(operator, inputs, "y", attributes)]


def _gated(*gate: Node) -> list[Node]:
    """`gate` makes s of b."""
    return [("Split", "x", "a b", {"axis": -1, "num_outputs": 2}), *gate, ("Mul", "a s", "y", {})]


_GRAPHS: dict[str, list[Node]] = {
    "identity": _one("Identity"),
    "relu": _one("Relu"),
    "relu6": _one("Clip", "x p q"),
    "leaky_relu": _one("LeakyRelu", alpha=0.01),
    "prelu": _one("PRelu", "x p"),
    "relu_squared": [("Relu", "x", "r", {}), ("Mul", "r r", "y", {})],
    "hardtanh": _one("Clip", "x p q"),
    "hardsigmoid": _one("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hardswish": _one("HardSwish"),
    "hardshrink": _one("Shrink", lambd=0.5, bias=0.0),
    "softshrink": _one("Shrink", lambd=0.5, bias=0.5),
    "elu": _one("Elu"),
    "selu": _one("Selu"),
    "celu": _one("Celu"),
    "sigmoid": _one("Sigmoid"),
    "tanh": _one("Tanh"),
    "tanhshrink": [("Tanh", "x", "t", {}), ("Sub", "x t", "y", {})],
    "gelu": _one("Gelu"),
    "gelu_tanh": _one("Gelu", approximate="tanh"),
    "silu": [("Sigmoid", "x", "s", {}), ("Mul", "x s", "y", {})],  # which the runtime fuses
    "quick_gelu": _one("QuickGelu", alpha=1.702, domain=_OWN_DOMAIN),
    "mish": _one("Mish"),
    "glu": _gated(("Sigmoid", "b", "s", {})),
    "swiglu": _gated(("Sigmoid", "b", "r", {}), ("Mul", "b r", "s", {})),
    "geglu": _gated(("Gelu", "b", "s", {})),
    "reglu": _gated(("Relu", "b", "s", {})),
    "softplus": _one("Softplus"),
    "logsigmoid": [("Neg", "x", "n", {}), ("Softplus", "n", "s", {}), ("Neg", "s", "y", {})],
    "softsign": _one("Softsign"),
    "softmax": _one("Softmax", axis=-1),
    "softmin": [("Neg", "x", "n", {}), ("Softmax", "n", "y", {"axis": -1})],
    "hardmax": _one("Hardmax", axis=-1),
    "log_softmax": _one("LogSoftmax", axis=-1),
    "logsumexp": _one("ReduceLogSumExp", "x axes", keepdims=0),
}
_GRAPHS["swish"] = _GRAPHS["silu"]  # with beta = 1
_BOUNDS = {"relu6": (0.0, 6.0)}


class OnnxRuntime(Peer):
    needs = ("onnxruntime", "onnx")

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import onnxruntime

        self._runtime = onnxruntime
        onnxruntime.set_default_logger_severity(4)  # an operator without a kernel raises too

    def version(self) -> str:
        return self._runtime.__version__

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        if case.variant != "value" or case.op not in _GRAPHS:
            return None
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        session = self._runtime.InferenceSession(_model(case, data), options, ["CPUExecutionProvider"])
        (x,), out = data.operands(case), data.result(case)
        if out is None:
            return Candidate(Call(session.run, ["y"], {"x": x}), as_arrays)
        binding = session.io_binding()
        binding.bind_cpu_input("x", x)
        binding.bind_output("y", "cpu", 0, out.dtype.type, out.shape, out.ctypes.data)
        return Candidate(Call(session.run_with_iobinding, binding), lambda _: (out,))


def _model(case: Case, data: Data) -> bytes:
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(data.dtype)
    nodes = [
        helper.make_node(operator, inputs.split(), outputs.split(), **attributes)
        for operator, inputs, outputs, attributes in _GRAPHS[case.op]
    ]
    used = {name for node in nodes for name in node.input}
    numbers = zip("pq", _BOUNDS.get(case.op) or parameters(case.op, data.dtype), strict=False)
    constants = [helper.make_tensor(name, kind, _shape(case.op), [v]) for name, v in numbers if name in used]
    if "axes" in used:
        int64 = helper.np_dtype_to_tensor_dtype(np.dtype("int64"))
        constants.append(helper.make_tensor("axes", int64, [1], [-1]))
    graph = helper.make_graph(
        nodes,
        case.op,
        [helper.make_tensor_value_info("x", kind, case.shape)],
        [helper.make_tensor_value_info("y", kind, data.result_shape(case))],
        constants,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_OWN_DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString()


def _shape(op: str) -> list[int]:
    """Of a parameter: Clip wants scalars, PRelu what broadcasts."""
    return [1] if op == "prelu" else []
