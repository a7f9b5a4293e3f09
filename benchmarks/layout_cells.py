"""The cells that ``python -m benchmarks.layouts`` walks, and its command line."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastact as fa

MOST = 1.3
DESCRIPTION = "Layouts, types and masks that are slower than the obvious way around each."
ROW_OPS = ("softmax", "log_softmax", "logsumexp", "softmin", "softmax.backward", "cross_entropy")
ELEMENTWISE = ("relu", "gelu", "sigmoid", "softplus")
# (shape, axis): a last axis, a first one, and one inside with few elements behind it, short and long
ROWS = [
    ((500_000, 2), 1),
    ((100_000, 10), 1),
    ((10_000, 100), 1),
    ((1000, 1000), 1),
    ((2, 500_000), 0),
    ((10, 100_000), 0),
    ((100, 10_000), 0),
    ((1000, 1000), 0),
    ((25_000, 20, 2), 1),
    ((1000, 500, 2), 1),
    ((5000, 20, 10), 1),
    ((300, 1000, 3), 1),
    ((500, 20, 100), 1),
    ((20, 500, 10, 10), 1),
]
MASKS = ("none", "causal", "padding", "random")
ALL_OPS = (*ROW_OPS, *ELEMENTWISE)


@dataclass
class Cell:
    """A call and the way around it, which give the same numbers."""

    name: str
    call: Callable[[], Any]
    around: Callable[[], Any]


def types() -> dict[str, np.dtype[Any]]:
    found = {name: np.dtype(name) for name in ("float32", "float64", "float16")}
    try:
        import ml_dtypes
    except ImportError:
        return found
    return found | {"bfloat16": np.dtype(ml_dtypes.bfloat16)}


def mask_of(kind: str, shape: tuple[int, ...], axis: int) -> Any:
    """For each row the entries that count; None for all."""
    n = shape[axis]
    rows = int(np.prod(shape)) // n
    if kind == "none":
        return None
    if kind == "random":
        mask = np.random.default_rng(1).random((rows, n)) < 0.5
    elif kind == "padding":
        mask = np.broadcast_to(np.arange(n) < (n * 7 + 9) // 10, (rows, n))
    else:
        mask = np.arange(n) <= np.arange(rows)[:, None] * n // rows
    mask = mask.reshape(*(m for k, m in enumerate(shape) if k != axis), n)
    return np.ascontiguousarray(np.moveaxis(mask, -1, axis))


def _row_op(name: str, x: Any, axis: int, mask: Any) -> Callable[..., Any]:
    """The op as a function of (x, axis, mask), and of what else goes with these rows."""
    masked = (lambda m: {}) if mask is None else lambda m: {"where": m}
    if name == "cross_entropy":
        labels = np.random.default_rng(2).integers(0, x.shape[axis], np.delete(x.shape, axis))
        return lambda z, along, _: fa.cross_entropy.value_and_grad(z, labels, axis=along)[1]
    if name.endswith("backward"):
        return lambda z, along, m: fa.softmax.backward(z, z, axis=along, **masked(m))
    op = getattr(fa, name)
    return lambda z, along, m: op(z, axis=along, **masked(m))


def row_cells(match: str) -> Iterator[Cell]:
    for name in ROW_OPS:
        for dtype_name, dtype in types().items():
            for shape, axis in ROWS:
                if not may_match(match, f"{name} {dtype_name} {shape}"):
                    continue
                x = np.random.default_rng(0).standard_normal(shape, np.float32).astype(dtype)
                for kind in MASKS if name != "cross_entropy" else MASKS[:1]:
                    mask = mask_of(kind, shape, axis)
                    what = f"{name} {dtype_name} {shape} axis={axis}"
                    what += "" if mask is None else f", {kind} mask"
                    yield from ways_around_rows(what, name, x, axis, mask)


def ways_around_rows(what: str, name: str, x: Any, axis: int, mask: Any) -> Iterator[Cell]:
    """A cell for each of: another axis, float32, no mask."""
    op, last = _row_op(name, x, axis, mask), x.ndim - 1

    def moved() -> Any:
        rows = np.ascontiguousarray(np.moveaxis(x, axis, -1))
        where = None if mask is None else np.ascontiguousarray(np.moveaxis(mask, axis, -1))
        result = op(rows, last, where)
        return result if result.ndim < x.ndim else np.ascontiguousarray(np.moveaxis(result, -1, axis))

    def call() -> Any:
        return op(x, axis, mask)

    if axis != last:
        yield Cell(f"{what}: moveaxis", call, moved)
    if x.dtype.itemsize == 2:
        yield Cell(f"{what}: float32", call, lambda: op(x.astype(np.float32), axis, mask).astype(x.dtype))
    if mask is not None and not name.endswith("backward"):
        plain = _row_op(name, x, axis, None)

        def unmasked() -> Any:
            lowest = np.inf if name == "softmin" else -np.inf
            return plain(np.where(mask, x, x.dtype.type(lowest)), axis, None)

        yield Cell(f"{what}: np.where", call, unmasked)


def may_match(match: str, head: str) -> bool:
    """Could a name that begins so have it? Then operands are worth making."""
    shared = min(len(match), len(head))
    return match in head or match[:shared] == head[:shared] or not any(op in match for op in ALL_OPS)


def elementwise_cells(match: str) -> Iterator[Cell]:
    n = 1_000_000
    masks = {
        "random mask": np.random.default_rng(1).random(n) < 0.5,
        "mask of blocks": np.arange(n) // 5000 % 2 == 0,
    }
    for name in ELEMENTWISE:
        op = getattr(fa, name)
        for dtype_name, dtype in types().items():
            if not may_match(match, f"{name} {dtype_name}"):
                continue
            x = np.random.default_rng(0).standard_normal(n, np.float32).astype(dtype)
            for kind, mask in masks.items():
                for layout, view, where in (
                    ("", x, mask),
                    (" strided", np.repeat(x, 2)[::2], mask),
                    (" turned", x.reshape(1000, 1000).T, mask.reshape(1000, 1000).T),
                ):
                    yield masked_cell(f"{name} {dtype_name}{layout}, {kind}: np.copyto", op, view, where)


def masked_cell(what: str, op: Any, x: Any, mask: Any) -> Cell:
    out = np.zeros_like(x)
    return Cell(what, lambda: op(x, out=out, where=mask), lambda: np.copyto(out, op(x), where=mask) or out)


def measure(cell: Cell, seconds: float) -> tuple[float, float]:
    """The least times of both in ms of this thread's CPU, taken in turns."""
    best = [np.inf, np.inf]
    end, rounds = time.thread_time() + seconds, 0
    while rounds < 3 or time.thread_time() < end:
        for k, function in enumerate((cell.call, cell.around)):
            begin = time.thread_time()
            function()
            best[k] = min(best[k], time.thread_time() - begin)
        rounds += 1
    return best[0] * 1e3, best[1] * 1e3


def main(arguments: list[str]) -> int:
    p = argparse.ArgumentParser("python -m benchmarks.layouts", description=DESCRIPTION)
    p.add_argument("--match", default="", metavar="TEXT", help="only cells whose name has it")
    p.add_argument("--seconds", type=float, default=0.1, help="for each cell (0.1)")
    p.add_argument("--most", type=float, default=MOST, help=f"times as long as the way around ({MOST})")
    p.add_argument("--all", action="store_true", help="print every cell, not only the slow ones")
    given = p.parse_args(arguments)
    fa.set_num_threads(1)
    cells = slow = 0
    for of_kind in (row_cells, elementwise_cells):
        for cell in of_kind(given.match):
            if given.match not in cell.name:
                continue
            ours, theirs = measure(cell, given.seconds)
            if ours > given.most * theirs:  # again, longer: what else the machine does must not name a cell
                ours, theirs = measure(cell, 5 * given.seconds)
            cells += 1
            slow += (is_slow := ours > given.most * theirs)
            if is_slow or given.all:
                print(f"{ours / theirs:5.2f}  {ours:8.2f} {theirs:8.2f} ms  {cell.name}", flush=True)
    print(f"{cells} cells, {slow} slower than {given.most} times the way around")
    return 1 if slow else 0
