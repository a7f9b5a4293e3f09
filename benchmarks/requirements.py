"""The speeds that must hold, and what else is worth knowing of one machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

import fastact as fa
from benchmarks.cases import GATES, REQUIRED, SEQUENCES, Case, Data, ops, public
from benchmarks.linear_map import CLASSES, FEATURES, MOST_MEMORY, MOST_RATIO, ROWS, Linear
from benchmarks.peers import OURS, Peer
from benchmarks.runner import SETTLE, Judge, Result, run_case
from benchmarks.timing import Call, measure
from fastact import _core


@dataclass
class Check:
    """One bar: `measured` must be at least `bar` (or at most, if `at_most`)."""

    what: str
    bar: float
    measured: float | None  # None: the library to compare with is not installed
    detail: str = ""
    at_most: bool = False

    @property
    def passed(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured <= self.bar if self.at_most else self.measured >= self.bar

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}

    def line(self) -> str:
        verdict = {True: "PASS", False: "FAIL", None: "----"}[self.passed]
        measured = "not measured" if self.measured is None else f"{self.measured:.3g}"
        sign = "<=" if self.at_most else ">="
        return f"{verdict}  {self.what}: {measured} ({sign} {self.bar:g})  {self.detail}".rstrip()


def geomean(ratios: list[float]) -> float | None:
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _ns(result: Result, *names: str) -> str:
    """The times of ours and of the libraries named, for a check's detail."""
    named = [name for name in (OURS, *names) if name in result.times]
    return (
        ", ".join(f"{name} {result.times[name].best / result.case.size * 1e9:.3f}" for name in named)
        + " ns/element"
    )


class Requirements:
    """Measures the bars with one thread, two where it says so."""

    def __init__(self, peers: dict[str, Peer], seconds: float) -> None:
        self.peers, self.seconds = peers, seconds
        self._judge = Judge(peers)

    def _run(
        self, op: str, kind: str, variant: str, shape: tuple[int, ...], out: bool, *names: str
    ) -> Result:
        case = Case(op, kind, variant, "float32", shape, out)
        chosen = {name: p for name, p in self.peers.items() if not names or name in (OURS, *names)}
        return run_case(case, Data(case.dtype, shape), chosen, self._judge, self.seconds, every_round=True)

    def checks(self, beside_cells: bool = False) -> Iterator[Check]:
        """All bars as they are measured; or only those that no cell of the table shows."""
        parts = [self.from_memory, self.two_threads, self.columns]
        if not beside_cells:
            rows = [self.cross_entropy, self.linear, self.ctc, self.softmax]
            parts = [*rows, self.in_cache, self.losses, *parts, self.small_calls]
        for part in parts:
            yield from part()

    def cross_entropy(self) -> list[Check]:
        checks = []
        for shape, bar in (
            ((1, 10), 10.0),
            ((1024, 2), 10.0),
            ((4096, 4), 10.0),
            ((4096, 10), 10.0),
            ((1024, 16), 10.0),
            ((1024, 1000), 3.0),
            ((256, 32_000), 3.0),
            ((64, 128_256), 3.0),
        ):
            r = self._run("cross_entropy", "row loss", "value_and_grad", shape, True, "torch", "jax")
            for name, least in (("torch", bar), ("jax", 1.5)):
                what = f"cross_entropy.value_and_grad {_shape(shape)}, {name}'s time over ours"
                checks.append(Check(what, least, r.ratio(name), _ns(r, name)))
        return checks

    def losses(self) -> list[Check]:
        """Elementwise ones, value and gradient of a million."""
        chosen = [op for op, kind in ops().items() if kind == "loss"]
        ratios: dict[str, float] = {}
        over_torch = []
        for op in chosen:
            r = self._run(op, "loss", "value_and_grad", (1_000_000,), True)
            ratio, torch = r.ratio(r.fastest(only_right=False)), r.ratio("torch")
            ratios |= {op: ratio} if ratio is not None else {}
            over_torch += [torch] if torch is not None else []
        what = f"{len(chosen)} elementwise losses, value_and_grad 1 M"
        worst = min(ratios, key=ratios.__getitem__, default="")
        return [
            Check(f"{what}, the fastest peer's time over ours, the least", 0.95, ratios.get(worst), worst),
            Check(f"{what}, torch's time over ours, geometric mean", 2.5, geomean(over_torch)),
        ]

    def ctc(self) -> list[Check]:
        """PyTorch's gradient is the one by logits: it takes as long."""
        shape = SEQUENCES[0]
        r = self._run("ctc_loss", "sequence loss", "value_and_grad", shape, True, "torch")
        what = f"ctc_loss.value_and_grad {_shape(shape)}, torch's time over ours"
        return [Check(what, 2.0, r.ratio("torch"), _ns(r, "torch"))]

    def linear(self) -> list[Check]:
        linear = Linear()
        ratios = linear.ratios()
        what = f"linear_cross_entropy.value_and_grad {_shape((ROWS, FEATURES, CLASSES))}"
        detail = f"{min(ratios):.3f} to {max(ratios):.3f} in {len(ratios)} rounds"
        return [
            Check(f"{what}, its time over its parts'", MOST_RATIO, median(ratios), detail, at_most=True),
            Check(f"{what}, MiB", MOST_MEMORY, linear.memory(), at_most=True),
        ]

    def softmax(self) -> list[Check]:
        checks = []
        for shape, torch, onnxruntime in (((4096, 10), 10.0, 1.2), ((1024, 1000), 2.0, 1.1)):
            r = self._run("softmax", "rows", "value", shape, True, "torch", "onnxruntime")
            for name, bar in (("torch", torch), ("onnxruntime", onnxruntime)):
                what = f"softmax {_shape(shape)} out=, {name}'s time over ours"
                checks.append(Check(what, bar, r.ratio(name), _ns(r, name)))
        return checks

    def in_cache(self) -> list[Check]:
        checks: list[Check] = []
        ratios: dict[str, list[float]] = {"right": [], "any": []}
        for op in ("sigmoid", "tanh", "gelu", "silu", "softplus"):
            r = self._run(op, "activation", "value", (30_000,), True)
            for kind, bar in (("right", 0.95), ("any", 0.8)):
                peer = r.fastest(only_right=kind == "right")
                ratio = r.ratio(peer)
                if peer is not None and ratio is not None:
                    ratios[kind].append(ratio)
                rival = "right peer" if kind == "right" else "peer"
                what = f"{op} 30000 out=, the fastest {rival}'s time over ours"
                checks.append(Check(what, bar, ratio, _ns(r, peer) if peer else ""))
        for kind, name in (("any", "peer"), ("right", "right peer")):
            what = f"geometric mean of these five over the fastest {name}"
            checks.append(Check(what, 1.4, geomean(ratios[kind])))
        return checks

    def from_memory(self) -> list[Check]:
        x = Data("float32", (16_000_000,)).x
        out = np.zeros_like(x)
        calls = {"copyto": Call(np.copyto, out, x)}
        calls |= {name: Call(getattr(fa, name), x, out=out) for name in ("relu", "sigmoid")}
        times = measure(calls, 4 * self.seconds)
        copy = times["copyto"].best
        bandwidth = f"np.copyto {2 * x.nbytes / copy / 1e9:.1f} GB/s read and written"
        return [
            Check(
                f"{name} 16 M from memory out=, share of np.copyto's speed",
                bar,
                copy / times[name].best,
                f"{times[name].best / x.size * 1e9:.3f} ns/element; {bandwidth}",
            )
            for name, bar in (("relu", 0.9), ("sigmoid", 0.75))
        ]

    def two_threads(self) -> list[Check]:
        """Calls one after another, and calls that must wake the other thread first."""
        cases = (("one call after another", 20, 0.0), ("after a rest", 1, SETTLE))
        return [self._two_threads(*case) for case in cases]

    def _two_threads(self, when: str, calls: int, settle: float) -> Check:
        what = f"gelu 1 M {when}, 1 thread's time over 2 threads'"
        if fa.config()["cpus"] < 2:
            return Check(what, 1.7, None, "one CPU only")
        x = Data("float32", (1_000_000,)).x
        out = np.zeros_like(x)

        def with_threads(n: int) -> Call:
            def call() -> None:
                fa.set_num_threads(n)
                for _ in range(calls):
                    fa.gelu(x, out=out)

            return Call(call)

        times = measure({"1": with_threads(1), "2": with_threads(2)}, 4 * self.seconds, settle)
        fa.set_num_threads(self.peers[OURS].threads)
        one, two = (times[n].best / calls * 1e6 for n in ("1", "2"))
        return Check(what, 1.7, one / two, f"{one:.0f} us with 1, {two:.0f} us with 2")

    def small_calls(self) -> list[Check]:
        checks = [
            self._small_loss("without options", 500),
            self._small_loss("with one", 7000, reduction="sum"),
        ]
        for op in ("softmax", "log_softmax", "logsumexp"):
            r = self._run(op, "rows", "value", (2, 8), False, "torch", "scipy")
            detail = ", ".join(f"{name} {t.best * 1e9:.0f}" for name, t in r.times.items()) + " ns/call"
            took = r.times[OURS].best * 1e9
            checks.append(Check(f"{op} of 2x8 numbers, ns a call", 700, took, detail, at_most=True))
        for op, kind in ops().items():
            if kind == "activation":
                r = self._run(op, kind, "value", (16,), False, "torch", "numpy", "scipy")
                share = None if "torch" not in r.times else 1 / (r.ratio("torch") or math.inf)
                detail = ", ".join(f"{name} {t.best * 1e9:.0f}" for name, t in r.times.items()) + " ns/call"
                what = f"{op} of 16 numbers"
                checks.append(Check(f"{what}, our time over torch's", 0.5, share, detail, at_most=True))
                checks.append(Check(f"{what}, ns a call", 350, r.times[OURS].best * 1e9, at_most=True))
                if op not in GATES:  # whose ufuncs take halves
                    checks.append(self._above_ufunc(op, f"{what}, ns above the bare ufunc's"))
        return checks

    def _small_loss(self, how: str, most: float, **options: str) -> Check:
        x = Data("float32", (16,)).x
        call = Call(fa.mse_loss.value_and_grad, x, x, out=np.zeros_like(x), **options)
        took = measure({OURS: call}, self.seconds)[OURS].best * 1e9
        return Check(f"mse_loss.value_and_grad of 16 numbers {how}, ns a call", most, took, at_most=True)

    def _above_ufunc(self, op: str, what: str) -> Check:
        function, options = public(op)
        # with parameters left at their defaults, where the op has any
        ufunc = getattr(_core, f"{op}_default", None) or getattr(_core, op)
        x = Data("float32", (16,)).x
        arguments = (x, *REQUIRED.get(op, ()))
        calls = {"call": Call(function, *arguments, **options), "ufunc": Call(ufunc, *arguments)}
        times = measure(calls, self.seconds)
        above = (times["call"].best - times["ufunc"].best) * 1e9
        return Check(what, 120 if options else 80, above, at_most=True)

    def columns(self) -> list[Check]:
        return [self._columns(*shape) for shape in ((1024, 1000), (1040, 1000), (2048, 500), (256, 32_000))]

    def _columns(self, count: int, classes: int) -> Check:
        rows = Data("float32", (count, classes)).x
        columns = np.ascontiguousarray(rows.T)
        calls = {
            "last": Call(fa.softmax, rows, -1, out=np.zeros_like(rows)),
            "first": Call(fa.softmax, columns, 0, out=np.zeros_like(columns)),
        }
        times = measure(calls, 2 * self.seconds)
        ratio = times["first"].best / times["last"].best
        detail = f"{times['first'].best * 1e6:.0f} us and {times['last'].best * 1e6:.0f} us"
        what = f"softmax of {classes}x{count} along axis 0, its time over {count}x{classes}'s along axis -1"
        return Check(what, 1.5, ratio, detail, at_most=True)
