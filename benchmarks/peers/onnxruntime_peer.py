"""ONNX Runtime: a model of one operator; with out=, its output bound to our array. Values only."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases import Case, Data
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.timing import Call

_OPSET, _IR_VERSION = 20, 9  # the first with Gelu; any runtime from 1.17 on reads them
_OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "gelu": ("Gelu", {}),
    "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
    "silu": ("Sigmoid", {}),  # and Mul, which the runtime fuses
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "logsumexp": ("ReduceLogSumExp", {"keepdims": 0}),
}


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
        if case.variant != "value" or case.op not in _OPERATORS:
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
    operator, attributes = _OPERATORS[case.op]
    shape = case.shape[:-1] if data.reduces(case) else case.shape
    inputs, constants = ["x"], []
    if operator == "ReduceLogSumExp":
        inputs.append("axes")
        constants.append(
            helper.make_tensor("axes", helper.np_dtype_to_tensor_dtype(np.dtype("int64")), [1], [-1])
        )
    if case.op == "silu":
        nodes = [
            helper.make_node("Sigmoid", ["x"], ["s"]),
            helper.make_node("Mul", ["x", "s"], ["y"]),
        ]
    else:
        nodes = [helper.make_node(operator, inputs, ["y"], **attributes)]
    graph = helper.make_graph(
        nodes,
        case.op,
        [helper.make_tensor_value_info("x", kind, case.shape)],
        [helper.make_tensor_value_info("y", kind, shape)],
        constants,
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString()
