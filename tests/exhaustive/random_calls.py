"""Random calls of every op, each compared with the same call of plain copies: the same bits or errors.

    python tests/exhaustive/random_calls.py [--seconds 3600] [--seed 0] [--case SEED]

A case draws an op and a method, shapes, types, numbers (some at the ends of their range), options, the
layout of every array, a container for some, `out`, the number of threads and the instruction set. The
oracle is the call of contiguous copies in native order, with one thread and the best instruction set,
without `out`. A warning is a fault too. Prints the seed of each case that differs; `--case` runs one again.
`linear_cross_entropy` is left out: it promises no bits.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from random_containers import boxed, unboxed
from support import walk
from support.layouts import copies, misaligned, possible, read_only, spread, swapped

import fastact as fa
from fastact import _core

BEST = _core.get_isa()
LEVELS = [name for name, usable in _core.instruction_sets().items() if usable]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 88.8, -104.0]
LENGTHS = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65]
GATES = ("glu", "swiglu", "geglu", "reglu")
RANDOM = ("rrelu",)  # draws numbers: another test has it
BOXED = 0.05  # of the cases are in containers, which take milliseconds each
UNLABELLED = "no labels for the result"  # of a container that is broadcast: refused
METHODS = ("__call__", "value_and_grad", "grad", "backward", "grad_and_hess")


class Case:
    """A function, its plain operands and options, and where gradients or values may be written."""

    def __init__(self, function, operands, options, what, is_loss=False) -> None:
        self.function, self.operands, self.options, self.what = function, operands, options, what
        self.is_loss = is_loss

    def call(self, operands, options, **more):
        """The results, or the error's type and text."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                return self.function(*operands, **options, **more)
            except Exception as error:
                return type(error), str(error)


# ---- numbers and shapes ------------------------------------------------------------


def shape_of(rng, least=0):
    dims = rng.integers(least, 4)
    return tuple(int(rng.choice(LENGTHS if k < 2 else LENGTHS[:6])) for k in range(dims))


def sprinkled(rng, array):
    """Some elements at the ends of their range."""
    if array.dtype.kind not in "fV" or not array.size or rng.random() < 0.5:
        return array
    info = np.finfo(array.dtype) if array.dtype != walk.BFLOAT16 else np.finfo(np.float32)
    special = [*SPECIAL, info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal]
    flat, count = array.reshape(-1), 1 + array.size // 8
    with np.errstate(all="ignore"):
        flat[rng.integers(0, array.size, count)] = rng.choice(special, count).astype(array.dtype)
    return array


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
    """An array for this result, new or an input of the same type and shape; or None."""
    if not isinstance(result, np.ndarray) or rng.random() < 0.4:
        return None
    same = [a for a in operands if isinstance(a, np.ndarray) and a.shape == result.shape]
    same = [a for a in same if a.dtype == result.dtype and a.flags.writeable]
    if same and rng.random() < 0.4:
        return same[rng.integers(len(same))]
    out = laid_out(rng, np.full_like(result, 7, order="C", subok=False))
    return out if out.flags.writeable else None


# ---- what to call -----------------------------------------------------------------------


def draw_activation(rng, dtype):
    part = walk.parts()[rng.integers(len(walk.parts()))]
    shape, arrays = shape_of(rng), 2 if "backward" in part.__name__ else 1
    if part.__name__.partition(".")[0] in GATES:
        return None
    operands = [sprinkled(rng, walk.values(shape, dtype, int(rng.integers(99)))) for _ in range(arrays)]
    operands += walk.required(part)
    if shape and rng.random() < 0.3:  # what broadcasts
        operands[0] = operands[0][..., :1]
    options = {"where": rng.random(shape) < 0.5} if rng.random() < 0.15 else {}
    return Case(part, operands, options, part.__name__)


def draw_gate(rng, dtype):
    op = getattr(fa, GATES[rng.integers(len(GATES))])
    shape = shape_of(rng, 1)
    axis = int(rng.integers(-len(shape), len(shape)))
    full = tuple(2 * n if k == axis % len(shape) else n for k, n in enumerate(shape))
    x = sprinkled(rng, walk.values(full, dtype, 1))
    options = {"axis": axis, "gate": ["first", "second"][rng.integers(2)]}
    if rng.random() < 0.5:
        return Case(op, [x], options, op.__name__)
    return Case(op.backward, [walk.values(shape, dtype, 2), x], options, f"{op.__name__}.backward")


def draw_rows(rng, dtype):
    row = walk.rows()[rng.integers(len(walk.rows()))]
    shape = shape_of(rng, 1)
    if rng.random() < 0.03:
        x = sprinkled(rng, walk.values(shape[-2:], dtype, 1))
        return Case(
            fa.softmax.jacobian, [x], {"axis": int(rng.integers(-x.ndim, x.ndim))}, "softmax.jacobian"
        )
    axis = int(rng.integers(-len(shape), len(shape)))
    operands = [sprinkled(rng, a) for a in row.operands(shape, dtype, axis)]
    options = {"axis": axis}
    if rng.random() < 0.25:
        options["where"] = rng.random(shape) < 0.7
    return Case(row.function, operands, options, row.name)


def draw_loss(rng, dtype):
    name = list(LOSSES)[rng.integers(len(LOSSES))]
    return LOSSES[name](rng, dtype, name)


def method_of(rng, loss, reductions=("mean", "sum", "none")):
    name = METHODS[rng.integers(len(METHODS))]
    options = {} if rng.random() < 0.3 else {"reduction": reductions[rng.integers(len(reductions))]}
    return name, getattr(loss, name), options


def case_of_loss(rng, loss, operands, options, row_shape):
    name, function, chosen = method_of(rng, loss)
    operands = [sprinkled(rng, np.asarray(a)) for a in operands]
    if name == "backward":
        none = chosen.get("reduction") == "none"
        operands = [sprinkled(rng, walk.values(row_shape if none else (1,), "f8", 11)), *operands]
        operands[0] = operands[0] if none else operands[0][0]
    chosen_arrays = [k for k in options if rng.random() < 0.4]
    options = {k: sprinkled(rng, v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    options = {k: options[k] for k in chosen_arrays}
    return Case(function, operands, {**options, **chosen}, f"{loss.__name__}.{name}", is_loss=True)


def draw_elementwise_loss(rng, dtype, name):
    shape = shape_of(rng)
    x, t, options = walk.loss_operands(name, shape, dtype)
    return case_of_loss(rng, walk.loss(name), (x, t), options, shape)


def draw_class_loss(rng, dtype, name):
    shape = shape_of(rng, 1)
    axis = int(rng.integers(-len(shape), len(shape)))
    soft = name == "cross_entropy" and rng.random() < 0.3
    x, t, options = walk.loss_operands(name, shape, dtype, axis, soft)
    case = case_of_loss(
        rng, walk.loss(name), (x, t), options, shape[: axis % len(shape)] + shape[axis % len(shape) + 1 :]
    )
    case.options["axis"] = axis
    if name == "cross_entropy" and rng.random() < 0.3:
        case.options["label_smoothing"] = 0.1
    return case


def draw_float64_row_loss(rng, dtype, name):
    shape = (*shape_of(rng)[:2], int(rng.choice(LENGTHS)))
    operands, options = walk.float64_row_operands(name, shape, dtype)
    return case_of_loss(rng, getattr(fa, name), operands, options[rng.integers(len(options))], shape[:-1])


def draw_ctc_loss(rng, dtype, name):
    steps, sequences, classes = int(rng.integers(1, 20)), int(rng.integers(1, 5)), int(rng.integers(2, 40))
    operands = walk.ctc_operands(steps, sequences, classes, dtype)
    options = {"logits": bool(rng.random() < 0.5), "zero_infinity": bool(rng.random() < 0.5)}
    return case_of_loss(rng, fa.ctc_loss, operands, options, (sequences,))


LOSSES = {
    **dict.fromkeys(walk.elementwise_losses(), draw_elementwise_loss),
    **dict.fromkeys(walk.class_losses(), draw_class_loss),
    **dict.fromkeys(walk.float64_row_losses(), draw_float64_row_loss),
    "ctc_loss": draw_ctc_loss,
}
DRAWS = [draw_activation, draw_activation, draw_gate, draw_rows, draw_rows, *[draw_loss] * 4]


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
    case = DRAWS[rng.integers(len(DRAWS))](rng, dtype)
    if case is None or case.what.partition(".")[0] in RANDOM:
        return None, ""
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
    operands = [laid_out(rng, a) if isinstance(a, np.ndarray) else a for a in case.operands]
    options = {k: laid_out(rng, v) if isinstance(v, np.ndarray) else v for k, v in case.options.items()}
    out = None
    if masked:
        out = laid_out(rng, np.full_like(unmasked, 7))
        out = out if out.flags.writeable else out.copy()
    elif not is_error(wanted) and not isinstance(wanted, tuple) and case.what != "softmax.jacobian":
        out = out_for(rng, wanted, operands)
    elif isinstance(wanted, tuple) and len(wanted) == 2 and ".value_and_grad" in case.what:
        out = out_for(rng, wanted[1], operands)
    if ".__call__" in case.what:
        out = None  # a loss's value has no output
    # without hardware, float64's fma is not exact at the ends of the range (csrc/simd/scalar.h)
    levels = [level for level in LEVELS if level != "baseline" or dtype != np.float64]
    level = levels[rng.integers(len(levels))]
    _core.set_isa(level)
    fa.set_num_threads(int(rng.integers(1, 3)))
    container = boxed(rng, operands, case) if not masked and rng.random() < BOXED else None
    if container:
        (operands, kind), out = container, None
        what += f" in {kind}"
    got = case.call(operands, options, **({} if out is None else {"out": out}))
    if container and is_error(got) and UNLABELLED in got[1]:
        return None, what
    got = unboxed(got) if container and not is_error(got) else got
    what += f" {level} out={out is not None}"
    return difference(wanted, got, out), what


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


def walk_for(seconds, seed):
    """How many cases were run, and what differs: (seed, what, difference)."""
    end, found, count = time.monotonic() + seconds, [], 0
    before = _core.get_isa(), fa.get_num_threads()
    try:
        while time.monotonic() < end:
            wrong, what = run((seed, count))
            if wrong:
                found.append((f"{seed}:{count}", what, wrong))
            count += 1
    finally:
        _core.set_isa(before[0])
        fa.set_num_threads(before[1])
    return count, found


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
    count, found = walk_for(given.seconds, given.seed)
    for line in found:
        print(*line, sep="  ")
    print(f"{count} cases, {len(found)} differ")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
