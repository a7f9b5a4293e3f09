"""What is measured: a case is an op, what of it, a dtype and a shape; its data follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import fastact as fa
from fastact import _core

SIZES = ((16,), (1000,), (30_000,), (1_000_000,), (16_000_000,))
ROWS = ((1, 10), (4096, 10), (1024, 1000), (256, 32_000), (64, 128_256))
SEQUENCES = ((200, 16, 64),)  # steps, sequences, classes
DTYPES = ("float32", "float64")
LINEAR = "linear_cross_entropy"  # its shape is the logits', made of FEATURES features
FEATURES = 512
SIGMA = 3.0  # of the normally distributed inputs

# Of the shapes that kinds of ops are measured on; 1 for those not named.
DIMENSIONS = {"rows": 2, "row loss": 2, "sequence loss": 3}

# Forms of one function that the core's table holds as ops of their own.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "gelu_tanh": ("gelu", {"approximate": "tanh"}),
    "kl_div_log_target": ("kl_div", {"log_target": True}),
    **{op: (op, {"log_input": False}) for op in ("poisson_nll_loss", "gamma_deviance", "tweedie_deviance")},
    "poisson_nll_loss_log_input": ("poisson_nll_loss", {}),
    "gamma_deviance_log_input": ("gamma_deviance", {}),
    "tweedie_deviance_log_input": ("tweedie_deviance", {}),
}

# Ops that split their input in halves a and b, and the activation they gate a with: a act(b).
GATES = {"glu": "sigmoid", "swiglu": "silu", "geglu": "gelu", "reglu": "relu"}

# Ops whose gradient is a pair: by the input and by the parameter, which is trained.
TRAINED = ("prelu", "swish")

# The parameters that have no default, as they are measured.
REQUIRED: dict[str, tuple[float, ...]] = {"prelu": (0.25,), "threshold": (0.5, -2.0)}


@dataclass(frozen=True)
class Case:
    """One cell of the table, threads aside."""

    op: str
    kind: str  # "activation", "rows", "loss", "row loss" or "sequence loss"
    variant: str  # "value", "backward", "backward_from_output" or "value_and_grad"
    dtype: str
    shape: tuple[int, ...]
    out: bool

    @property
    def group(self) -> str:
        family = {"activation": "activations", "rows": "row ops"}.get(self.kind, "losses")
        return f"{family}: {'value' if self.variant == 'value' else 'gradient'}"

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def label(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"{self.op}.{self.variant} {self.dtype} {shape}{' out=' if self.out else ''}"


def ops() -> dict[str, str]:
    """Every op of the installed package, and its kind."""
    table = _core.table()
    found = dict.fromkeys(table["activation"], "activation")
    found |= dict.fromkeys(table["rows"], "rows")
    found |= dict.fromkeys(table["loss"], "loss")
    with_labels = [name for name in fa.__all__ if hasattr(getattr(fa, name), "value_and_grad")]
    found |= {name: "row loss" for name in with_labels if name not in found}
    return found | {"ctc_loss": "sequence loss"}


def public(op: str) -> tuple[Any, dict[str, Any]]:
    """The function a user calls for an op of the core, and with what options."""
    name, options = FORMS.get(op, (op, {}))
    return getattr(fa, name), options


def halves(x: Any) -> tuple[Any, Any]:
    """What a gated linear unit makes of its input: a and the gate b."""
    middle = x.shape[-1] // 2
    return x[..., :middle], x[..., middle:]


def variants(op: str, kind: str) -> tuple[str, ...]:
    if kind.endswith("loss"):
        return ("value", "value_and_grad")
    has_from_output = hasattr(public(op)[0], "backward_from_output")
    return ("value", "backward", "backward_from_output") if has_from_output else ("value", "backward")


def select(
    names: list[str], dtypes: list[str], shapes: list[tuple[int, ...]], outs: list[bool]
) -> Iterator[Case]:
    """The cases of these ops, those that share data one after another."""
    kinds = ops()
    for dtype in dtypes:
        for shape in shapes:
            for op in names:
                if DIMENSIONS.get(kinds[op], 1) != len(shape):
                    continue
                if op in GATES and shape[-1] % 2:
                    continue
                for variant in variants(op, kinds[op]):
                    # a loss's out= takes its gradient: the value alone has none
                    chosen = outs if kinds[op] in ("activation", "rows") or variant != "value" else [False]
                    chosen = [False] if op == LINEAR else chosen
                    for out in chosen:
                        yield Case(op, kinds[op], variant, dtype, shape, out)


# Losses whose targets are -1 and 1.
OF_SIGNS = {
    "exponential_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "soft_margin_loss",
    "squared_hinge_loss",
}


# Which operands have a gradient, where it is not the first alone.
INPUTS = {
    "cosine_embedding_loss": (0, 1),
    "gaussian_nll_loss": (0, 2),
    "linear_cross_entropy": (0, 1),
    "margin_ranking_loss": (0, 1),
    "triplet_margin_loss": (0, 1, 2),
}
LABELS = 4  # of a row, where it has several


class Data:
    """The arrays of cases of one dtype and shape, the same for every library."""

    def __init__(self, dtype: str, shape: tuple[int, ...]) -> None:
        self.dtype, self.shape = np.dtype(dtype), shape
        self._rng = np.random.default_rng(20240229)
        self._outputs: dict[str, np.ndarray] = {}
        self._outs: dict[tuple[int, ...], np.ndarray] = {}

    def _normal(self, sigma: float) -> np.ndarray:
        values = self._rng.standard_normal(self.shape, self.dtype)
        values *= self.dtype.type(sigma)
        return values

    @cached_property
    def x(self) -> np.ndarray:
        return self._normal(SIGMA)

    @cached_property
    def dy(self) -> np.ndarray:
        return self._normal(1.0)

    @cached_property
    def dy_half(self) -> np.ndarray:
        return halves(self.dy)[0]

    @cached_property
    def dy_rows(self) -> np.ndarray:
        return np.ascontiguousarray(self.dy[..., 0])

    @cached_property
    def labels(self) -> np.ndarray:
        return self._rng.integers(0, self.shape[-1], self.shape[:-1])

    @cached_property
    def sequences(self) -> tuple[np.ndarray, ...]:
        """Labels, not the blank 0, a fifth as many as steps; lengths of input and labels: all of them."""
        steps, count, classes = self.shape
        labels = self._rng.integers(1, classes, (count, steps // 5))
        return labels, np.full(count, steps), np.full(count, steps // 5)

    @cached_property
    def label_lists(self) -> np.ndarray:
        """LABELS different classes a row, then -1."""
        lists = np.full(self.shape, -1)
        first = self._rng.integers(0, self.shape[-1], self.shape[:-1])
        for k in range(LABELS):
            lists[..., k] = (first + k * (self.shape[-1] // LABELS)) % self.shape[-1]
        return lists

    @cached_property
    def third(self) -> np.ndarray:
        return self._normal(1.0)

    @cached_property
    def signs(self) -> np.ndarray:
        return 2 * (self.labels % 2) - 1

    @cached_property
    def binary(self) -> np.ndarray:
        return (self._rng.random(self.shape) < 0.5).astype(self.dtype)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Not so near 0 and 1 that a logarithm of their difference means nothing."""
        return (0.01 + 0.98 * fa.sigmoid(self.x)).astype(self.dtype)

    @cached_property
    def positive(self) -> np.ndarray:
        return np.exp(self.dy / 2)

    @cached_property
    def logs(self) -> np.ndarray:
        """Of probabilities, or of means of some size."""
        return -abs(self.x) - self.dtype.type(0.1)

    @cached_property
    def features(self) -> np.ndarray:
        return self._rng.standard_normal((self.shape[0], FEATURES), self.dtype)

    @cached_property
    def linear_weight(self) -> np.ndarray:
        """Its logits are as spread as other losses' inputs."""
        scale = self.dtype.type(SIGMA / FEATURES**0.5)
        return self._rng.standard_normal((self.shape[1], FEATURES), self.dtype) * scale

    @cached_property
    def log_probabilities(self) -> np.ndarray:
        return fa.log_softmax(self.x)

    def output(self, op: str) -> np.ndarray:
        """The op's value, which backward_from_output takes."""
        if op not in self._outputs:
            function, options = public(op)
            self._outputs = {op: function(self.x, **options)}  # one at a time: they may be large
        return self._outputs[op]

    def operands(self, case: Case) -> tuple[np.ndarray, ...]:
        """A call's arrays in order: (x,), (dy, x), (dy, y), or inputs, target, and ctc_loss's lengths."""
        if case.kind == "sequence loss":
            return (self.log_probabilities, *self.sequences)
        if case.op == LINEAR:
            return (self.features, self.linear_weight, self.labels)
        if case.op in OPERANDS:
            return OPERANDS[case.op](self)
        if case.kind == "row loss":
            return (self.log_probabilities if case.op == "nll_loss" else self.x, self.labels)
        if case.kind == "loss":
            return (self.x, 2 * self.binary - 1 if case.op in OF_SIGNS else self.dy)
        if case.variant == "value":
            return (self.x,)
        dy = self.dy_rows if self.reduces(case) else self.dy_half if case.op in GATES else self.dy
        return (dy, self.output(case.op) if case.variant == "backward_from_output" else self.x)

    @staticmethod
    def reduces(case: Case) -> bool:
        return bool(_core.table()["rows"].get(case.op, {}).get("reduces"))

    def result_shape(self, case: Case) -> tuple[int, ...]:
        """Of what out= takes: a gradient has the input's."""
        if case.variant == "value" and self.reduces(case):
            return self.shape[:-1]
        if case.variant == "value" and case.op in GATES:
            return (*self.shape[:-1], self.shape[-1] // 2)
        return self.shape

    def result(self, case: Case) -> Any:
        """Where out= goes, for a case with it: an array, or a tuple of them."""
        if not case.out:
            return None
        if case.op in INPUTS:
            return tuple(np.zeros(self.shape, self.dtype) for _ in INPUTS[case.op])
        shape = self.result_shape(case)
        if shape not in self._outs:
            self._outs[shape] = np.zeros(shape, self.dtype)
        return self._outs[shape]


# The operands of losses of float64 rows.
FLOAT64_ROWS: dict[str, Callable[[Data], tuple[np.ndarray, ...]]] = {
    "multi_margin_loss": lambda data: (data.x, data.labels),
    "multilabel_margin_loss": lambda data: (data.x, data.label_lists),
    "multilabel_soft_margin_loss": lambda data: (data.x, data.binary),
    "cosine_embedding_loss": lambda data: (data.x, data.dy, data.signs),
    "triplet_margin_loss": lambda data: (data.x, data.dy, data.third),
}

# Of elementwise losses, those that are not a prediction and a target near it.
OPERANDS: dict[str, Callable[[Data], tuple[np.ndarray, ...]]] = {
    **FLOAT64_ROWS,
    "binary_cross_entropy": lambda data: (data.probabilities, data.binary),
    "binary_cross_entropy_with_logits": lambda data: (data.x, data.binary),
    "focal_loss": lambda data: (data.x, data.binary),
    "gamma_deviance": lambda data: (abs(data.logs), data.positive),
    "gamma_deviance_log_input": lambda data: (data.third, data.positive),
    "gaussian_nll_loss": lambda data: (data.x, data.dy, data.positive),
    "kl_div": lambda data: (data.logs, data.probabilities),
    "kl_div_log_target": lambda data: (data.logs, -data.positive),
    "margin_ranking_loss": lambda data: (data.x, data.dy, 2 * data.binary - 1),
    "msle_loss": lambda data: (abs(data.x), data.positive),
    "poisson_nll_loss": lambda data: (data.positive, np.floor(abs(data.x))),
    "poisson_nll_loss_log_input": lambda data: (data.third, np.floor(abs(data.x))),
    "tweedie_deviance": lambda data: (abs(data.logs), data.positive),
    "tweedie_deviance_log_input": lambda data: (data.third, data.positive),
}
