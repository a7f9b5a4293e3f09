"""JAX: compiled functions, gradients by its own differentiation. It has no out=.

XLA's thread pool gets its size, once a process, from the CPUs the process may use when
it starts: a process here measures one number of threads, and starts JAX on so many CPUs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cases import GATES, INPUTS, TRAINED, Case, Data
from benchmarks.formulas import FORMULAS, parameters
from benchmarks.formulas.activations import gated
from benchmarks.formulas.float64_rows import VALUES
from benchmarks.formulas.losses import TERMS
from benchmarks.peers.base import Candidate, Peer, as_arrays
from benchmarks.timing import Call

_TASKS = Path("/proc/self/task")


class Jax(Peer):
    needs = ("jax", "jaxlib")

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        if threads == 1:
            os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        if cpus:
            os.sched_setaffinity(0, sorted(cpus)[:threads])
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.block_until_ready(jax.numpy.zeros(1))
        if cpus:
            # Only the pool's size was to be set: no thread is to stay tied to those CPUs.
            for task in _TASKS.iterdir() if _TASKS.is_dir() else [Path("0")]:
                os.sched_setaffinity(int(task.name), cpus)
        self._jax = jax
        self._compiled: dict[tuple[str, ...], Callable[..., Any]] = {}

    def version(self) -> str:
        return self._jax.__version__

    def prepare(self, case: Case, data: Data) -> Candidate | None:
        if case.kind == "sequence loss":  # there is none of JAX's own
            return None
        key = (case.op, case.variant, case.dtype)
        if key not in self._compiled:
            function = self._function(case, data)
            if function is None:
                return None
            self._compiled[key] = self._jax.jit(function)
        compiled, wait = self._compiled[key], self._jax.block_until_ready
        operands = [self._jax.numpy.asarray(a) for a in data.operands(case)]
        return Candidate(Call(lambda *args: wait(compiled(*args)), *operands), as_arrays)

    def _function(self, case: Case, data: Data) -> Callable[..., Any] | None:
        losses = _losses(self._jax.numpy, self._jax.nn)
        if case.op in losses:
            value = losses[case.op]
            argnums = INPUTS.get(case.op, 0)
            return value if case.variant == "value" else self._jax.value_and_grad(value, argnums)
        formula, extra = FORMULAS.get((case.op, case.variant)), parameters(case.op, data.dtype)
        if case.variant == "backward_from_output":
            return formula and (lambda dy, y: formula(self._jax.numpy, dy, y, *extra))
        value = self._value(case.op, extra)
        if case.variant == "value":
            return value
        if case.op in TRAINED:  # by the parameter too
            general = FORMULAS[case.op, "value"]
            return lambda dy, x: self._jax.vjp(partial(general, self._jax.numpy), x, *extra)[1](dy)
        return lambda dy, x: self._jax.vjp(value, x)[1](dy)[0]

    def _value(self, op: str, extra: tuple[Any, ...]) -> Callable[..., Any]:
        """Its own function of the op, or what one writes."""
        own = _values(self._jax.nn)
        if op in own:
            return own[op]
        if op in GATES:
            return gated(own[GATES[op]])
        return lambda x: FORMULAS[op, "value"](self._jax.numpy, x, *extra)


def _values(nn: Any) -> dict[str, Callable[..., Any]]:
    return {
        "relu": nn.relu,
        "relu6": nn.relu6,
        "leaky_relu": nn.leaky_relu,
        "hardtanh": nn.hard_tanh,
        "hardsigmoid": nn.hard_sigmoid,
        "hardswish": nn.hard_swish,
        "elu": nn.elu,
        "selu": nn.selu,
        "celu": nn.celu,
        "sigmoid": nn.sigmoid,
        "tanh": nn.tanh,
        "gelu": lambda x: nn.gelu(x, approximate=False),
        "gelu_tanh": lambda x: nn.gelu(x, approximate=True),
        "silu": nn.silu,
        "swish": nn.swish,
        "mish": nn.mish,
        "glu": nn.glu,
        "softplus": nn.softplus,
        "logsigmoid": nn.log_sigmoid,
        "squareplus": nn.squareplus,
        "softsign": nn.soft_sign,
        "softmax": nn.softmax,
        "softmin": lambda x: nn.softmax(-x),
        "log_softmax": nn.log_softmax,
        "logsumexp": lambda x: nn.logsumexp(x, axis=-1),
    }


def _losses(jnp: Any, nn: Any) -> dict[str, Callable[..., Any]]:
    def picked(x: Any, t: Any) -> Any:
        return jnp.take_along_axis(x, t[:, None], -1)[:, 0]

    def binary_cross_entropy(x: Any, t: Any) -> Any:
        return (jnp.maximum(x, 0) - x * t + jnp.log1p(jnp.exp(-jnp.abs(x)))).mean()

    def mean(terms: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *operands: terms(jnp, *operands).mean()

    def cross_entropy(x: Any, t: Any) -> Any:
        return (nn.logsumexp(x, axis=-1) - picked(x, t)).mean()

    return {
        **{op: mean(terms) for op, (terms, *_) in TERMS.items()},
        **{op: partial(value, jnp) for op, value in VALUES.items()},
        "mse_loss": lambda x, t: jnp.square(x - t).mean(),
        "binary_cross_entropy_with_logits": binary_cross_entropy,
        "nll_loss": lambda x, t: -picked(x, t).mean(),
        "cross_entropy": cross_entropy,
        "linear_cross_entropy": lambda x, w, t: cross_entropy(x @ w.T, t),
    }
