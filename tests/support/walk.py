"""The ops to test, found by walking the op table and the public objects, so that an
op added later is covered by itself; and inputs that look the same on every machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache, wraps

import ml_dtypes
import numpy as np
import reference

import fastact as fa
from fastact import _core

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = {d.name: d for d in (np.dtype("f4"), np.dtype("f8"), np.dtype("f2"), BFLOAT16)}

_VARIANTS = (
    "",
    "_backward",
    "_derivative",
    "_second_derivative",
    "_backward_from_output",
    "_backward_by_parameter",
)


@dataclass(frozen=True)
class Map:
    """An elementwise ufunc: arrays (grad_output first), then parameters."""

    name: str
    ufunc: np.ufunc
    arrays: int
    parameters: int


@cache
def maps() -> tuple[Map, ...]:
    found = []
    for op, row in _core.table()["activation"].items():
        for variant in _VARIANTS:
            ufunc = getattr(_core, op + variant, None)
            if ufunc is not None:
                arrays = 2 if variant.startswith("_backward") else 1
                found.append(Map(op + variant, ufunc, arrays, row["parameters"]))
    return tuple(found)


def parts() -> list[object]:
    """The public elementwise functions over one ufunc: ops and their derivatives and gradients."""
    of_ops = ("derivative", "backward", "backward_from_output")
    ops = [op for name in fa.__all__ if hasattr(op := getattr(fa, name), "ufunc")]
    found = [part for op in ops for part in (op, *(getattr(op, name, None) for name in of_ops))]
    return [part for part in found if hasattr(part, "ufunc")]


def required(part) -> list[float]:
    """Values for the parameters of a part that have no default."""
    arrays = 2 if "backward" in part.__name__ else 1
    names = [p for p in part.__signature__.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    return [0.75 for p in names[arrays:] if p.default is p.empty]


@dataclass(frozen=True)
class Row:
    """A row op's function: value, backward or backward_from_output."""

    op: str
    variant: str
    reduces: bool

    @property
    def name(self) -> str:
        return self.op + self.variant

    @property
    def arrays(self) -> int:
        return 2 if self.variant else 1

    @property
    def function(self):
        op = getattr(fa, self.op)
        return getattr(op, self.variant[1:]) if self.variant else op

    def operands(self, shape, dtype, axis=-1):
        """Inputs for a call along `axis`."""
        x = values(shape, dtype, 1)
        if not self.variant:
            return [x]
        axes = axis if isinstance(axis, tuple) else (axis,)
        kept = tuple(n for k, n in enumerate(shape) if k not in [a % len(shape) for a in axes])
        return [values(kept if self.reduces else shape, dtype, 2), x]


@cache
def rows() -> tuple[Row, ...]:
    return tuple(
        Row(op, variant, row["reduces"])
        for op, row in _core.table()["rows"].items()
        for variant in ("", "_backward", "_backward_from_output")
        if not variant or hasattr(getattr(fa, op), variant[1:])
    )


class Form:
    """A form of a loss, called as if it took an input and a target: options that choose the form are
    fixed, a second input is all ones, and of gradients by two inputs the first is given."""

    def __init__(self, op, options: dict[str, bool], second: str) -> None:
        self.op, self.options, self.second = op, options, second
        self.__name__, self._operands, self._array_options = op.__name__, op._operands, op._array_options

    def _named(self, input, target) -> dict[str, object]:
        first = next(name for name in self.op._operands if name not in (self.second, "target"))
        return {first: input, "target": target} | ({self.second: np.ones_like(input)} if self.second else {})

    def _first(self, results):
        return results[0] if self.second else results

    def _out(self, out):
        return (out, None) if self.second and out is not None else out

    def __call__(self, input, target, **options):
        return self.op(**self._named(input, target), **self.options, **options)

    def value_and_grad(self, input, target, out=None, **options):
        operands = self._named(input, target)
        value, grads = self.op.value_and_grad(**operands, **self.options, **options, out=self._out(out))
        return value, self._first(grads)

    def grad(self, input, target, out=None, **options):
        operands = self._named(input, target)
        return self._first(self.op.grad(**operands, **self.options, **options, out=self._out(out)))

    def backward(self, grad_output, input, target, out=None, **options):
        operands = self._named(input, target)
        grads = self.op.backward(grad_output, **operands, **self.options, **options, out=self._out(out))
        return self._first(grads)

    def grad_and_hess(self, input, target, out=None, **options):
        if self.second and isinstance(out, tuple):
            out = tuple(map(self._out, out))
        grads, hesses = self.op.grad_and_hess(
            **self._named(input, target), **self.options, **options, out=out
        )
        return self._first(grads), self._first(hesses)


def float64_row_losses() -> dict[str, object]:
    entries = reference.LOSSES.items()
    return {name: getattr(fa, name) for name, e in entries if isinstance(e, reference.Float64RowLoss)}


def ctc_operands(steps: int, sequences: int, classes: int, dtype) -> tuple[np.ndarray, ...]:
    """Logits, labels and both lengths for ctc_loss, some of them such that no alignment fits."""
    x, room = values((steps, sequences, classes), dtype, 3, specials=False), steps // 2 + 1
    labels = 1 + (integers(sequences * room, 8) % np.uint64(classes - 1)).astype("i8").reshape(
        sequences, room
    )
    lengths = [integers(sequences, 9 + k) % np.uint64(n + 1) for k, n in enumerate((steps, room))]
    return x, labels, np.maximum(lengths[0], np.uint64(steps // 2)), lengths[1]


@cache
def elementwise_losses() -> dict[str, object]:
    """By their names in the table."""
    found = {}
    for name in _core.table()["loss"]:
        entry = reference.LOSSES[name]
        op = getattr(fa, entry.op or name)
        found[name] = Form(op, entry.options, entry.second) if entry.options or entry.second else op
    return found


@cache
def class_losses() -> dict[str, object]:
    rows = [name for name, entry in reference.LOSSES.items() if type(entry) is reference.RowLoss]
    return {name: getattr(fa, name) for name in rows}


def losses() -> dict[str, object]:
    """Of an input and a target; others have tests of their own."""
    return {**class_losses(), **elementwise_losses()}


def loss(name: str):
    return losses()[name]


# ---- inputs ------------------------------------------------------------------


SMALL = 1 << 11  # elements of an array of which thousands are kept


def _kept(make):
    """Makes an array once, as tests ask for the same ones time and again; gives copies of it."""
    small, large = lru_cache(maxsize=2048)(make), lru_cache(maxsize=8)(make)

    @wraps(make)
    def get(shape, dtype, seed: int, *more):
        shape = shape if isinstance(shape, tuple) else (shape,)
        made = small if math.prod(shape) <= SMALL else large
        return made(shape, np.dtype(dtype), seed, *more).copy()

    return get


@lru_cache(maxsize=8)
def integers(n: int, seed: int) -> np.ndarray:
    """n well-mixed uint64, read-only: a fixed recurrence (splitmix64), not a library's generator."""
    start = (seed * 0xD1342543DE82EF95) % 2**64
    z = np.uint64(start) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    z.flags.writeable = False
    return z


@lru_cache(maxsize=8)
def _uniform(n: int, seed: int) -> np.ndarray:
    """n numbers between 0 and 1, read-only."""
    x = (integers(n, seed) >> np.uint64(11)).astype("f8") * 2.0**-53
    x.flags.writeable = False
    return x


_SPECIAL = (0.0, -0.0, 1.0, -1.0, 1e-40, -1e-40, 88.7, -87.4, -104.0, 1e-310, 3e38, -3e38, 709.8, -745.2)


def values(shape, dtype, seed: int, specials: bool = True) -> np.ndarray:
    """Reals that look normally spread, a few of them at an op's extremes."""
    return _values(shape, dtype, seed, specials)


@_kept
def _values(shape, dtype, seed: int, specials: bool) -> np.ndarray:
    n = math.prod(shape)
    x = _uniform(n, seed) * 16 - 8
    if specials:
        pick = (integers(n, seed) & np.uint64(0x3FF)).astype("i2")
        special = pick < len(_SPECIAL)
        x[special] = np.take(_SPECIAL, pick[special])
    with np.errstate(all="ignore"):
        return x.reshape(shape).astype(dtype)


@_kept
def unit(shape, dtype, seed: int) -> np.ndarray:
    """Between 0 and 1."""
    return _uniform(math.prod(shape), seed).reshape(shape).astype(dtype)


@_kept
def positive(shape, dtype, seed: int) -> np.ndarray:
    """Parameters: between 1/2 and 2."""
    return (unit(shape, "f8", seed) * 1.5 + 0.5).astype(dtype)


def map_operands(op: Map, shape, dtype, seed: int = 0) -> list[np.ndarray]:
    arrays = [values(shape, dtype, seed + k) for k in range(op.arrays)]
    return arrays + [positive(shape, dtype, seed + 9 + k) for k in range(op.parameters)]


def loss_option(name: str, option: str, shape, dtype, seed: int) -> np.ndarray:
    """A weight, or a parameter where it may lie."""
    low, high = (0.5, 2.0) if option == "weight" else reference.LOSSES[name].range_of(option)
    return (low + (high - low) * unit(shape, "f8", seed)).astype(dtype)


def loss_input(kind: str, shape, dtype, seed: int) -> np.ndarray:
    if kind == "any":
        return values(shape, dtype, seed, specials=False)
    if kind == "positive":
        return positive(shape, dtype, seed)
    return (0.01 + 0.98 * unit(shape, "f8", seed)).astype(dtype)  # no narrow type rounds it to 1


def loss_operands(name: str, shape, dtype, axis: int = -1, soft: bool = False):
    """input, target, and the options that take arrays."""
    if name in elementwise_losses():
        entry = reference.LOSSES[name]
        x = loss_input(entry.inputs, shape, dtype, 3)
        t = loss_input("positive" if entry.targets == "positive" else "unit", shape, dtype, 4)
        options = {"weight": positive(shape, dtype, 5)}
        for k, parameter in enumerate(entry.parameters):
            if parameter not in entry.switches:
                options[parameter] = loss_option(name, parameter, shape, dtype, 6 + k)
        return x, t, options
    x = values(shape, dtype, 3, specials=False)
    classes = shape[axis]
    options = {"weight": positive(classes, dtype, 5)}
    if soft:
        return x, positive(shape, dtype, 7), options
    kept = shape[:axis] + shape[axis % len(shape) + 1 :]
    labels = (integers(int(np.prod(kept)), 8) % np.uint64(max(classes, 1))).astype("i8").reshape(kept)
    return x, labels, options


def float64_row_operands(name: str, shape, dtype) -> tuple[tuple[np.ndarray, ...], list[dict]]:
    """Operands of rows along the last axis, and options to call it with."""
    classes, weight = shape[-1], {"weight": positive(shape[-1], dtype, 5)}
    x, second, third = (values(shape, dtype, seed, specials=False) for seed in (3, 4, 7))
    labels = integers(int(np.prod(shape)), 8).reshape(shape) % np.uint64(max(classes, 1))
    one = integers(int(np.prod(shape[:-1])), 8).reshape(shape[:-1]) % np.uint64(max(classes, 1))
    if name == "multi_margin_loss":
        return (x, one.astype("i8")), [{}, {"p": 2, "margin": 0.5, **weight}]
    if name == "multilabel_margin_loss":
        ends = integers(labels.size, 9).reshape(shape) % np.uint64(3) == 0
        return (x, np.where(ends, -1, labels.astype("i8"))), [{}]
    if name == "multilabel_soft_margin_loss":
        return (x, (positive(shape, dtype, 6).astype("f8") / 2).astype(dtype)), [{}, weight]
    if name == "cosine_embedding_loss":
        signs = (one % np.uint64(2)).astype("i4") * 2 - 1
        return (x, second, signs), [{}, {"margin": 0.2}]
    if name != "triplet_margin_loss":
        raise ValueError(f"no operands for {name}")
    powers = [{"p": p, "margin": 30.0, "swap": True} for p in (1.0, np.inf, 3.0, -1.5)]
    return (x, second, third), [{}, {"swap": True}, *powers]


# ---- comparison ----------------------------------------------------------------


def bits(array) -> np.ndarray:
    """An array's bits, every NaN made the same one: which NaN comes out is not promised."""
    array = np.asarray(array)
    array = array.astype(array.dtype.newbyteorder("="), order="C", copy=True)
    if array.dtype.kind in "fV":
        array[np.isnan(array)] = np.nan
    return (
        array.view(f"u{array.dtype.itemsize}")
        if array.ndim
        else array.reshape(1).view(f"u{array.dtype.itemsize}")
    )


def assert_same_bits(got, wanted, what="") -> None:
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, what
    if got.dtype == wanted.dtype and got.tobytes() == wanted.tobytes():
        return
    assert got.dtype.newbyteorder("=") == wanted.dtype.newbyteorder("="), what
    a, b = bits(got).reshape(-1), bits(wanted).reshape(-1)
    if not np.array_equal(a, b):
        k = np.flatnonzero(a != b)[0]
        raise AssertionError(
            f"{what}: {np.count_nonzero(a != b)} of {a.size} differ, the first at {k}: "
            f"{got.reshape(-1)[k]} instead of {wanted.reshape(-1)[k]}"
        )
