"""Random calls of every op, each compared with the same call of plain copies: the same bits or errors.

    python tests/exhaustive/random_calls.py [--seconds 3600] [--seed 0] [--case SEED]

A case draws an op and a method, shapes, types, numbers (some at the ends of their range), options, the
layout of every array, a container for some, `out`, which may overlap an operand, the number of threads and
the instruction set (random_cases.py). The oracle is the call of contiguous copies in native order, with one
thread and the best instruction set, without `out`; and of some cases the formula (random_formulas.py).
A warning is a fault too. Prints the seed of each case that differs, or at which the process dies; `--case`
runs one again. `linear_cross_entropy` is left out: it promises no bits.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from random_cases import draw
from random_containers import boxed, unboxed
from random_formulas import differs
from support import walk
from support.layouts import copies, misaligned, possible, read_only, spread, swapped

import fastact as fa
from fastact import _core

BEST = _core.get_isa()
LEVELS = [name for name, usable in _core.instruction_sets().items() if usable]
BOXED = 0.05  # of the cases are in containers, and by formulas, which take milliseconds each
BY_FORMULA = 0.15
UNLABELLED = "no labels for the result"  # of a container that is broadcast: refused


# ---- layouts -------------------------------------------------------------------------


def transposed(rng, a):
    axes = rng.permutation(a.ndim)
    return np.ascontiguousarray(a.transpose(axes)).transpose(np.argsort(axes))


def flipped(rng, a):
    index = tuple(slice(None, None, -1) if rng.random() < 0.5 else slice(None) for _ in a.shape)
    return np.ascontiguousarray(a[index])[index]


def laid_out(rng, a):
    """The same numbers, somewhere else."""
    a = np.asarray(a)
    if not a.ndim or not a.size:
        return a
    if a.dtype != object and possible("byte-swapped", a.dtype) and rng.random() < 0.1:
        a = swapped(a)
    ways = [
        lambda: a.copy(),
        lambda: transposed(rng, a),
        lambda: flipped(rng, a),
        lambda: spread(a, [int(rng.integers(1, 4)) for _ in a.shape]),
        lambda: misaligned(a.reshape(-1)).reshape(a.shape),
        lambda: read_only(a),
        lambda: transposed(rng, spread(a, [int(rng.integers(1, 3)) for _ in a.shape])),
    ]
    return ways[rng.integers(len(ways))]()


def out_for(rng, result, operands):
    """An array for this result: new, an operand of the same type and shape, or one that overlaps it, for
    which `operands` gets another; or None."""
    if not isinstance(result, np.ndarray) or rng.random() < 0.4:
        return None
    same = [k for k, a in enumerate(operands) if isinstance(a, np.ndarray) and a.shape == result.shape]
    same = [k for k in same if operands[k].dtype == result.dtype and operands[k].flags.writeable]
    if same and rng.random() < 0.5:
        k = same[rng.integers(len(same))]
        operands[k], out = overlapping(rng, operands[k])
        return out
    out = laid_out(rng, np.full_like(result, 7, order="C", subok=False))
    return out if out.flags.writeable else None


def overlapping(rng, a):
    """The same numbers, and an array of the same shape that is this one, or shares some of its memory."""
    kind = rng.integers(4) if a.ndim and a.size else 0
    if a.ndim > 1 and a.shape[-1] == a.shape[-2] and rng.random() < 0.7:
        turned = np.swapaxes(a, -1, -2).copy()
        return (a, np.swapaxes(a, -1, -2)) if rng.random() < 0.3 else (np.swapaxes(turned, -1, -2), turned)
    if kind == 2:
        return a, np.flip(a, int(rng.integers(a.ndim)))
    if kind == 3:
        axis = int(rng.integers(a.ndim))
        base = np.empty([n + (k == axis) for k, n in enumerate(a.shape)], a.dtype)
        first, second = (
            np.moveaxis(np.moveaxis(base, axis, 0)[at], 0, axis) for at in (slice(1, None), slice(-1))
        )
        first[...] = a
        return first, second
    return a, a


# ---- the comparison ----------------------------------------------------------------------


def flat_results(result):
    """A call's results, one after another."""
    if isinstance(result, tuple):
        return [part for r in result for part in flat_results(r)]
    return [result]


def is_error(result):
    return isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], type)


def run(seed):
    """What is wrong with this case, or None; and what it calls."""
    rng = np.random.default_rng(seed)
    dtype = list(walk.DTYPES.values())[rng.choice(4, p=[0.45, 0.25, 0.15, 0.15])]
    case = draw(rng, dtype)
    what = f"{case.what} {dtype} {[np.shape(a) for a in case.operands]} {sorted(case.options)}"
    plain = [copies([a])[0] if isinstance(a, np.ndarray) else a for a in case.operands]
    _core.set_isa(BEST)
    fa.set_num_threads(1)
    masked = "where" in case.options and not case.what.endswith(ROW_NAMES)
    unmasked = case.call(plain, {k: v for k, v in case.options.items() if k != "where"}) if masked else None
    if masked and is_error(unmasked):
        return None, what
    given = {"out": np.full_like(unmasked, 7)} if masked else {}  # what the mask leaves as it is
    wanted = case.call(plain, case.options, **given)
    several = isinstance(case.options.get("axis"), tuple)  # axes, whose order plain copies do not show
    if (several or rng.random() < BY_FORMULA) and not is_error(wanted):
        wrong = differs(case, flat_results(wanted), dtype)
        if wrong:
            return wrong, f"{what} {case.options}"
    operands = [laid_out(rng, a) if isinstance(a, np.ndarray) else a for a in case.operands]
    options = {k: laid_out(rng, v) if isinstance(v, np.ndarray) else v for k, v in case.options.items()}
    out = draw_out(rng, case, unmasked, wanted, operands)
    # without hardware, float64's fma is not exact at the ends of the range (csrc/simd/scalar.h)
    levels = [level for level in LEVELS if level != "baseline" or dtype != np.float64]
    level = levels[rng.integers(len(levels))]
    _core.set_isa(level)
    fa.set_num_threads(int(rng.integers(1, 3)))
    container = boxed(rng, operands, case) if not masked and rng.random() < BOXED else None
    if container:
        (operands, kind), out = container, None
        what += f" in {kind}"
    hides = out is not None and case.what.endswith(ROW_NAMES) and rng.random() < 0.05
    if hides:  # entries of an output, before the call
        out = np.ma.MaskedArray(out, rng.random(out.shape) < 0.5)
    around, before = surroundings(out)
    got = case.call(operands, options, **({} if out is None else {"out": out}))
    if around is not None and not written_inside(out, around, before):
        return "writes beside its output", what
    if container and is_error(got) and UNLABELLED in got[1]:
        return None, what
    got = unboxed(got) if container and not is_error(got) else got
    what += f" {level} out={out is not None}"
    if hides and np.ma.getmaskarray(out).any() and not is_error(got):
        return "hides entries of its output", what
    return difference(wanted, got, out), what


def surroundings(out):
    """The array of which an output is a part, and copies of both; or None."""
    base = out.base if type(out) is np.ndarray else None
    return (base, (out.copy(), base.copy())) if isinstance(base, np.ndarray) else (None, None)


def written_inside(out, base, before):
    """Whether nothing of `base` has changed but the output. (Bytes are compared: NaN is equal to itself.)"""
    result = out.copy()
    out[...] = before[0]
    same = base.tobytes() == before[1].tobytes()
    out[...] = result
    return same


def draw_out(rng, case, unmasked, wanted, operands):
    """For the call's result, or the gradient beside a value; one where a mask leaves elements as they are."""
    if unmasked is not None:
        out = laid_out(rng, np.full_like(unmasked, 7))
        return out if out.flags.writeable else out.copy()
    if is_error(wanted) or case.what == "softmax.jacobian" or ".__call__" in case.what:
        return None  # a loss's value has no output
    if not isinstance(wanted, tuple):
        return out_for(rng, wanted, operands)
    return out_for(rng, wanted[1], operands) if ".value_and_grad" in case.what and len(wanted) == 2 else None


def difference(wanted, got, out):
    if any(is_error(result) and issubclass(result[0], Warning) for result in (got, wanted)):
        return f"warns: {got!r:.200}, plain copies {wanted!r:.200}"
    if is_error(wanted) or is_error(got):
        same = is_error(wanted) and is_error(got) and wanted[0] is got[0]
        return None if same else f"gives {got!r:.300}, of plain copies {wanted!r:.300}"
    given = flat_results(got)
    if out is not None and not any(part is out for part in given):
        return "does not return out"
    for a, b in zip(given, flat_results(wanted), strict=True):
        try:
            walk.assert_same_bits(a, b)
        except AssertionError as error:
            return (
                f"{error} ({np.shape(a)}, {np.asarray(a).dtype}; wanted {np.shape(b)}, {np.asarray(b).dtype})"
            )
    return None


ROW_NAMES = tuple(row.name for row in walk.rows())


def walk_for(seconds, seed, at=None, report=lambda *line: None):
    """How many cases were run, and what differs: (seed, what, difference). at: gets each case's number."""
    end, found, count = time.monotonic() + seconds, [], 0
    before = _core.get_isa(), fa.get_num_threads()
    try:
        while time.monotonic() < end:
            if at is not None:
                at.value = count
            try:
                wrong, what = run((seed, count))
            except Exception as error:
                wrong, what = f"ends in {error!r}", "the case itself, see --case"
            if wrong:
                found.append((f"{seed}:{count}", what, wrong))
                report(*found[-1])
            count += 1
    finally:
        _core.set_isa(before[0])
        fa.set_num_threads(before[1])
    return count, found


def walk_and_print(seconds, seed, at):
    count, found = walk_for(seconds, seed, at, lambda *line: print(*line, sep="  ", flush=True))
    print(f"{count} cases, {len(found)} differ")
    sys.exit(bool(found))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", help="SEED:NUMBER as it was printed")
    given = parser.parse_args()
    if given.case:
        print(*run(tuple(map(int, given.case.split(":"))))[::-1], sep="\n")
        return
    at = multiprocessing.Value("q", 0, lock=False)
    child = multiprocessing.Process(target=walk_and_print, args=(given.seconds, given.seed, at))
    child.start()
    child.join()
    if child.exitcode not in (0, 1):
        print(f"{given.seed}:{at.value}  died of signal {-child.exitcode} here, or of a case before")
    sys.exit(child.exitcode != 0)


if __name__ == "__main__":
    main()
