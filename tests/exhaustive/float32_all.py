"""Worst error of every activation in float32, over all 2^32 inputs.

    python tests/exhaustive/float32_all.py [--stride 1] [--processes 2] [op ...]

Prints a row for each function: the worst error in ulp, its input, the table's bound.
The exit code is 1 if a bound does not hold. The oracle is float64 NumPy, good to 0.01
ulp (test_accuracy_float32.py proves it); a function takes about 5 minutes on one core.
"""

import argparse
import multiprocessing
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cases import ACTIVATIONS, ORDERS
from test_accuracy_float32 import ORACLE, sample, worst_of

PARTS = 64


def work(task):
    name, order, part, stride = task
    share = 2**32 // PARTS
    first = -(-part * share // stride) * stride  # the multiples of stride in this part
    return task, *worst_of(name, order, sample(first, (part + 1) * share, stride))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ops", nargs="*", metavar="op", help="names in the op table (default: all)")
    parser.add_argument("--stride", type=int, default=1, help="take every so many-th bit pattern")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    unknown = set(options.ops) - set(ACTIVATIONS)
    if unknown:
        parser.error(f"no such op: {', '.join(sorted(unknown))}; there are {', '.join(ACTIVATIONS)}")

    names = options.ops or ACTIVATIONS
    tasks = [(n, order, part, options.stride) for n in names for order in range(3) for part in range(PARTS)]
    found, failed = {}, False
    print(f"{'function':24} {'ulp':>7} {'bound':>6}  worst input")
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for (name, order, part, _), error, at in pool.imap(work, tasks):
            found[name, order] = max(found.get((name, order), (-1.0, 0.0)), (error, float(at)))
            if part == PARTS - 1:
                (error, at), bound = found[name, order], ACTIVATIONS[name]["ulp"]["float32"][order]
                over = error > bound + ORACLE
                failed |= over
                label = f"{name} {ORDERS[order]}"
                print(f"{label:24} {error:7.3f} {bound:6.1f}  {at.hex()}{'  OVER' * over}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
