"""Prints a hash of each op's results, the same on every machine:

    python tests/tools/determinism.py [--large] [--threads N]

Run it with FASTACT_ISA set to compare instruction sets, with --threads to compare
thread counts, on two machines to compare those. Inputs come from a fixed integer
recurrence and hold signed zeros, infinities, NaN, subnormals and every op's extremes.
Every NaN counts as the same one. A line is: op, element type, case, hash.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

import fastact as fa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import walk

_PATTERNS = {"float32": "u4", "float64": "u8", "float16": "u2", "bfloat16": "u2"}


def digest(*results) -> str:
    """Of arrays by their bits, of Python floats by float.hex."""
    h = hashlib.sha256()
    for r in results:
        h.update(r.hex().encode() if type(r) is float else walk.bits(r).tobytes())
    return h.hexdigest()[:16]


def any_bits(n: int, dtype: np.dtype, seed: int) -> np.ndarray:
    """Uniform over bit patterns: mostly huge and tiny numbers, a few infinities and NaN."""
    z = walk.integers(n, seed)
    x = (z >> np.uint64(3)).astype(_PATTERNS[dtype.name]).view(dtype)
    wide = 2.0 ** ((z % np.uint64(21)).astype("f8") - 14) * np.where(z >> np.uint64(63), -8.0, 8.0)
    return np.where(z % np.uint64(4) == 0, x, wide.astype(dtype))


@cache
def operands(n: int, dtype: np.dtype) -> tuple[np.ndarray, ...]:
    """grad_output, input and a parameter, off the 64-byte grid."""
    with np.errstate(all="ignore"):
        x = any_bits(n + 1, dtype, n)
        x[::3] = walk.values(n + 1, dtype, n)[::3]
    return walk.values(n + 1, dtype, n + 5)[1:], x[1:], walk.positive(n + 1, dtype, n)[1:]


def map_hashes(dtype: np.dtype, n: int) -> Iterator[tuple[str, str]]:
    dy, x, parameter = operands(n, dtype)
    for op in walk.maps():
        args = ([dy, x] if op.arrays == 2 else [x]) + [parameter] * op.parameters
        yield op.name, digest(op.ufunc(*args))


def row_hashes(dtype: np.dtype, shape: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """Along rows, across them, with infinities and NaN, and masked."""
    mask = walk.integers(shape[0] * shape[1], 5).reshape(shape) % np.uint64(3) > 0
    for op in walk.rows():
        args = op.operands(shape, dtype)
        results = [
            op.function(*args),
            op.function(*map(np.asfortranarray, args)),
            op.function(*args, where=mask),
        ]
        args[-1].reshape(-1)[:: max(args[-1].size // 7, 1)] = -np.inf
        if shape[0] > 2:
            args[-1][1], args[-1][2, 0] = np.nan, np.inf
        yield op.name, digest(*results, op.function(*args))


def large_row_hashes(dtype: np.dtype, shape: tuple[int, int]) -> Iterator[tuple[str, str]]:
    for op in walk.rows():
        yield op.name, digest(op.function(*op.operands(shape, dtype)))


def _loss_cases(dtype: np.dtype, shape: tuple[int, int]) -> Iterator[tuple]:
    for name, op in walk.losses().items():
        for soft in (False, True) if name == "cross_entropy" else (False,):
            yield name + (" soft" if soft else ""), op, *walk.loss_operands(name, shape, dtype, soft=soft)


def loss_hashes(dtype: np.dtype, shape: tuple[int, int]) -> Iterator[tuple[str, str]]:
    for name, op, x, t, options in _loss_cases(dtype, shape):
        results = []
        for reduction in ("none", "mean", "sum"):
            kw = {"reduction": reduction}
            results += [*op.value_and_grad(x, t, **kw), *op.value_and_grad(x, t, **kw, **options)]
            results += [*op.grad_and_hess(x, t, **kw, **options), op(x, t, **kw, **options)]
        if name.startswith("cross_entropy"):
            results += op.value_and_grad(np.asfortranarray(x), t, label_smoothing=0.1)
        yield name, digest(*results)


def ctc_hashes(dtype: np.dtype, shape: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
    """Of log-probabilities and logits, and with NaN among them."""
    x, *rest = walk.ctc_operands(*shape, dtype)
    results, holed = [], x.copy()
    holed.reshape(-1)[:: max(x.size // 5, 1)] = np.nan
    for a, logits, reduction in product((x, holed), (False, True), ("none", "mean")):
        kw = {"logits": logits, "reduction": reduction}
        results += [*fa.ctc_loss.value_and_grad(a, *rest, **kw), *fa.ctc_loss.grad_and_hess(a, *rest, **kw)]
    yield "ctc_loss", digest(*results)


def float64_row_hashes(dtype: np.dtype, shape: tuple[int, int]) -> Iterator[tuple[str, str]]:
    for name, op in walk.float64_row_losses().items():
        operands, cases = walk.float64_row_operands(name, shape, dtype)
        results = []
        for options in cases:
            value, grads = op.value_and_grad(*operands, **options)
            hesses = op.grad_and_hess(*operands, **options)[1]
            results += [value, *(grads if isinstance(grads, tuple) else (grads,))]
            results += [*(hesses if isinstance(hesses, tuple) else (hesses,))]
        yield name, digest(*results, op(*operands, reduction="none"))


def large_loss_hashes(dtype: np.dtype, shape: tuple[int, int]) -> Iterator[tuple[str, str]]:
    for name, op, x, t, options in _loss_cases(dtype, shape):
        yield name, digest(op(x, t), *op.value_and_grad(x, t, **options, reduction="sum"))


def _small_cases(dtype: np.dtype) -> Iterator[tuple]:
    for n in (1, 1037, 20_011):
        yield n, map_hashes(dtype, n)
    for shape in [(1, 5), (5, 17), (33, 67), (33, 167), (48, 130), (20, 10), (3, 1003)]:
        yield shape, row_hashes(dtype, shape)
        yield shape, loss_hashes(dtype, shape)
        yield shape, float64_row_hashes(dtype, shape)
    for shape in [(1, 1, 2), (9, 5, 4), (70, 3, 33)]:
        yield shape, ctc_hashes(dtype, shape)


def _large_cases(dtype: np.dtype) -> Iterator[tuple]:
    """Long enough to be shared among threads."""
    n = 2**19 + 7 if dtype.itemsize == 4 else 2**18 + 7
    yield n, map_hashes(dtype, n)
    for shape in [(n // 10, 10), (n // 1001, 1001), (3, n // 3)]:
        yield shape, large_row_hashes(dtype, shape)
        yield shape, large_loss_hashes(dtype, shape)
        if shape[0] > 3:
            yield shape, float64_row_hashes(dtype, shape)
    yield (200, 20, 50), ctc_hashes(dtype, (200, 20, 50))


def hashes(small: bool = True, large: bool = False) -> dict[str, str]:
    found = {}
    for dtype in walk.DTYPES.values():
        cases = [*(_small_cases(dtype) if small else ())]
        cases += _large_cases(dtype) if large and dtype.itemsize > 2 else ()
        for case, results in cases:
            found |= {f"{name}, {dtype.name}, {case}": h for name, h in results}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="hashes of every op's results")
    parser.add_argument("--large", action="store_true", help="arrays above a million elements, too")
    parser.add_argument("--threads", type=int, help="how many threads to use")
    options = parser.parse_args()
    if options.threads:
        fa.set_num_threads(options.threads)
    for name, h in hashes(large=options.large).items():
        print(f"{name}: {h}")


if __name__ == "__main__":
    main()
