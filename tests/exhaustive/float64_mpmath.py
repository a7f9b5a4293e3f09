"""Worst error of every activation in float64 over many hard points, against mpmath.

    python tests/exhaustive/float64_mpmath.py [--points 100000] [--processes 2] [op ...]

Prints a row for each function: the worst error in ulp, its input, the table's bound.
The exit code is 1 if a bound does not hold. 10^5 points take a few minutes a function
on one core (much less with gmpy2 installed, which mpmath then uses).
"""

import argparse
import multiprocessing
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.cases import ACTIVATIONS, ORDERS, errors_at, hard_points

CHUNK = 2000


def work(task):
    name, order, seed = task
    x = hard_points(name, CHUNK, np.random.default_rng(seed))
    error = errors_at(name, order, x)
    k = int(np.argmax(error))
    return task, len(x), error[k], float(x[k])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ops", nargs="*", metavar="op", help="names in the op table (default: all)")
    parser.add_argument("--points", type=int, default=100_000, help="for each function")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    unknown = set(options.ops) - set(ACTIVATIONS)
    if unknown:
        parser.error(f"no such op: {', '.join(sorted(unknown))}; there are {', '.join(ACTIVATIONS)}")

    seeds = range(-(-options.points // CHUNK))
    tasks = [
        (name, order, seed) for name in options.ops or ACTIVATIONS for order in range(3) for seed in seeds
    ]
    found, failed = {}, False
    print(f"{'function':24} {'points':>7} {'ulp':>7} {'bound':>6}  worst input")
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for (name, order, seed), count, error, at in pool.imap(work, tasks):
            points, worst, worst_at = found.get((name, order), (0, -1.0, 0.0))
            found[name, order] = (points + count, *max((worst, worst_at), (error, at)))
            if seed == seeds[-1]:
                points, worst, worst_at = found[name, order]
                bound = ACTIVATIONS[name]["ulp"]["float64"][order]
                failed |= worst > bound
                verdict = "" if worst <= bound else "  OVER"
                label = f"{name} {ORDERS[order]}"
                print(
                    f"{label:24} {points:7d} {worst:7.3f} {bound:6.1f}  {worst_at.hex()}{verdict}", flush=True
                )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
