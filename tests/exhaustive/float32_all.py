"""Worst error of every activation in float32 over all 2^32 inputs, and whether it ascends.

    python tests/exhaustive/float32_all.py [--orders value,first] [--report FILE] [op ...]

Prints a row for each function: the worst error in ulp, its input, the table's bound, and
for the value of an op that is monotone by tests/reference/, how often it descends from
one number to the next. The exit code is 1 if a bound does not hold.

The results are kept part by part (--results), and a run goes on where the last one of the
same build ended, finished or not. A function takes 40 s with AVX-512, 150 s with AVX2 on one core.
The oracle is float64 NumPy, good to 0.01 ulp (accuracy/test_float32.py proves it).
"""

import argparse
import multiprocessing
import signal
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from exhaustive.ledger import Ledger, Task
from support.cases import ACTIVATIONS, ORDERS
from support.sweep import KEYS, ORACLE, floats, merge, of_table, sweep
from support.ulp import hexadecimal

import fastact as fa

PARTS = 64  # of a function: half a second's work each
RESULTS = Path(__file__).with_suffix(".jsonl")


def measure(task):
    return task, sweep(of_table(task.op, task.order), floats(task.keys.start, task.keys.stop, task.stride))


def start_worker():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the pool
    fa.set_num_threads(1)
    # glibc gives freed memory back to the system, and page faults take as long as the work,
    # until it has seen a block of this size come and go.
    np.empty(24 << 20, np.uint8)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ops", nargs="*", metavar="op", help="names in the op table (default: all)")
    parser.add_argument(
        "--orders",
        type=lambda text: text.split(","),
        default=["value", "first"],
        help="of value, first and second derivative (default: value,first)",
    )
    parser.add_argument("--stride", type=int, default=1, help="take every so many-th bit pattern")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where parts are kept")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the table as Markdown")
    options = parser.parse_args(arguments)
    for what, given, there_are in (("op", options.ops, ACTIVATIONS), ("order", options.orders, ORDERS)):
        unknown = set(given) - set(there_are)
        if unknown:
            parser.error(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(there_are)}")
    return options


class Row:
    """What was found of a whole function."""

    def __init__(self, op, order, tasks, ledger):
        self.function = f"{op} {ORDERS[order]}"
        self.found = merge([ledger.known[task] for task in tasks])
        self.inputs = sum(len(task.keys) for task in tasks)
        self.bound = ACTIVATIONS[op]["ulp"]["float32"][order]
        self.holds = self.found.ulp <= self.bound + ORACLE

    @property
    def at(self):
        return hexadecimal(self.found.at) if self.found.ulp else "-"

    @property
    def falls(self):
        found = self.found
        if not found.falls:
            return "-" if found.falls is None else "0"
        places = [*map(hexadecimal, found.falls_at), *["..."] * (found.falls > len(found.falls_at))]
        return f"{found.falls:,} by up to {found.deepest:g} ulp, at {', '.join(places)}"

    def line(self):
        over = "" if self.holds else "  OVER"
        return f"{self.function:24} {self.found.ulp:7.3f} {self.bound:6.1f}  {self.at:16} {self.falls}{over}"

    def markdown(self):
        ulps = f"{self.found.ulp:.3f}{'' if self.holds else ' **over**'}"
        return f"| {self.function} | {ulps} | {self.bound:g} | `{self.at}` | {self.inputs:,} | {self.falls} |"


def rows(options):
    """The table's rows as they are completed, from the results kept and by working on."""
    wanted = {
        (op, order): [Task(op, order, options.stride, PARTS, part) for part in range(PARTS)]
        for op in options.ops or ACTIVATIONS
        for order, name in enumerate(ORDERS)
        if name in options.orders
    }
    ledger = Ledger(options.results)
    missing = [task for tasks in wanted.values() for task in tasks if task not in ledger.known]
    with multiprocessing.get_context("spawn").Pool(options.processes, start_worker) as pool:
        results = pool.imap_unordered(measure, missing)
        for (op, order), tasks in wanted.items():
            while any(task not in ledger.known for task in tasks):
                ledger.add(*next(results))
            yield Row(op, order, tasks, ledger)


REPORT = """\
# Worst errors in float32

fastact {version}, {isa}, {cpu}: {inputs} of each function,
NaNs and infinities among them. Errors are in ulp at the exact result. Descents: how often the
value of a monotone function is less than at the next smaller input, and where first.
Made by `python tests/exhaustive/float32_all.py{arguments}`.

| function | ulp | bound | worst input | inputs | descents |
|---|---:|---:|---|---:|---|
{rows}
"""


def report(table, stride, orders):
    whole = stride == 1
    return REPORT.format(
        **fa.config(),
        inputs=f"all {KEYS:,} inputs" if whole else f"every {stride}th of the {KEYS:,} inputs",
        arguments=("" if whole else f" --stride {stride}") + f" --orders {','.join(orders)} --report FILE",
        rows="\n".join(row.markdown() for row in table),
    )


def main(arguments=None):
    options, table = parse(arguments), []
    print(f"{'function':24} {'ulp':>7} {'bound':>6}  {'worst input':16} descents", flush=True)
    try:
        for row in rows(options):
            table.append(row)
            print(row.line(), flush=True)
    except KeyboardInterrupt:
        print(f"interrupted: the same command goes on with what {options.results} holds", file=sys.stderr)
        return 130
    if options.report:
        options.report.write_text(report(table, options.stride, options.orders))
    return int(not all(row.holds for row in table))


if __name__ == "__main__":
    sys.exit(main())
