"""The command line: what to measure, one process for each number of threads, the report."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import fastact as fa
from benchmarks import cases, peers, report
from benchmarks.requirements import Requirements
from benchmarks.runner import run

DESCRIPTION = """\
Measure every op of the installed fastact against the libraries installed beside it.

The libraries take turns in one process, on the same arrays; each number of threads has
a process of its own, since JAX fixes its own once. Printed are the best ns per element
and two ratios: the time of the fastest library that is right (to 8 ulp on 20,000 normal
inputs) and of the fastest of all, over fastact's; above 1 fastact is faster. A time
marked ~ is that of a wrong library. With out= a library that cannot write to a given
array is called without. Written are results.json, results.md and, with matplotlib,
results.png."""

EPILOG = """\
examples:
  python -m benchmarks --quick
  python -m benchmarks --requirements
  python -m benchmarks --ops loss --shapes 1000000 --threads 1 --dtype float32 --out yes
  python -m benchmarks --ops gelu,silu --peers torch,scipy --shapes 30000 --threads 1
"""

# What --quick measures, what matters most first.
QUICK_SHAPES = ((30_000,), (4096, 10), (1024, 1000), (1_000_000,))
QUICK_SECONDS = 90.0  # from the start; writing the report comes after


def _list(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _shapes(text: str) -> list[tuple[int, ...]]:
    return [tuple(int(n) for n in part.split("x")) for part in _list(text)]


def _ops(text: str) -> list[str]:
    """Names of ops; a kind stands for all of it."""
    kinds = cases.ops()
    of = {kind: [op for op in kinds if kinds[op] == kind] for kind in kinds.values()}
    return [op for part in _list(text) for op in of.get(part, [part])]


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        "python -m benchmarks",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    everything = cases.ops()
    p.add_argument(
        "--quick",
        action="store_true",
        help="1 thread, float32, out=, fewer shapes: two minutes at most",
    )
    p.add_argument("--requirements", action="store_true", help="only the speeds that must hold: PASS or FAIL")
    p.add_argument(
        "--ops",
        type=_ops,
        metavar="A,B",
        help=f"only these, or kinds, of: {', '.join([*dict.fromkeys(everything.values()), *everything])}",
    )
    p.add_argument("--peers", type=_list, metavar="A,B", help=f"only these of: {', '.join(peers.ALL)}")
    p.add_argument("--dtype", type=_list, metavar="A,B", help="only these of: float32, float64")
    p.add_argument("--threads", type=_list, metavar="1,all", help="numbers of threads, 'all' for every CPU")
    p.add_argument("--shapes", type=_shapes, metavar="16,4096x10", help="only these sizes and rows x columns")
    p.add_argument("--out", choices=("both", "yes", "no"), help="with out=, without, or both (default)")
    p.add_argument("--seconds", type=float, default=0.4, help="to spend on a cell (default %(default)s)")
    p.add_argument("--output", type=Path, metavar="DIR", help="where to write (default benchmarks/results)")
    p.add_argument("--until", type=float, help=argparse.SUPPRESS)  # of time.time(): when to give up
    p.add_argument("--worker", type=int, help=argparse.SUPPRESS)  # a process's number of threads
    return p


def _check(given: list[str] | None, known: list[str], option: str) -> list[str]:
    unknown = set(given or ()) - set(known)
    if unknown:
        raise SystemExit(f"benchmarks: {option} {', '.join(sorted(unknown))}: not one of {', '.join(known)}")
    return known if given is None else [name for name in known if name in given]


def _thread_counts(given: list[str] | None, only_one: bool) -> list[int]:
    cpus = fa.config()["cpus"]
    if given is None:
        return [1] if only_one or cpus == 1 else [1, cpus]
    wrong = [n for n in given if n != "all" and not (n.isdecimal() and 1 <= int(n) <= cpus)]
    if wrong:
        raise SystemExit(f"benchmarks: --threads {wrong[0]}: not 'all' or a number from 1 to {cpus}")
    return list(dict.fromkeys(cpus if n == "all" else int(n) for n in given))


def _selected(arguments: argparse.Namespace) -> list[cases.Case]:
    names = _check(arguments.ops, list(cases.ops()), "--ops")
    outs = {"yes": [True], "no": [False]}.get(arguments.out, [True, False])
    if arguments.quick:
        return _quick(arguments, names, outs if arguments.out else [True])
    dtypes = _check(arguments.dtype, list(cases.DTYPES), "--dtype")
    return list(
        cases.select(names, dtypes, arguments.shapes or [*cases.SIZES, *cases.ROWS, *cases.SEQUENCES], outs)
    )


def _quick(arguments: argparse.Namespace, names: list[str], outs: list[bool]) -> list[cases.Case]:
    dtypes = _check(arguments.dtype or ["float32"], list(cases.DTYPES), "--dtype")
    # the time of a call is that of a value without out=
    chosen = [] if arguments.shapes else list(cases.select(names, dtypes, [(16,)], [False]))
    chosen = [case for case in chosen if case.variant == "value"]
    for case in cases.select(names, dtypes, list(arguments.shapes or QUICK_SHAPES), outs):
        # a loss's value comes with its gradient
        wanted = ("value_and_grad",) if case.group.startswith("losses") else ("value", "backward")
        if case.variant in wanted:
            chosen.append(case)
    return chosen


def _work(arguments: argparse.Namespace, threads: int) -> dict[str, Any]:
    """Measure with this number of threads, printing as it goes."""
    names = peers.installed(_check(arguments.peers, list(peers.ALL), "--peers"))
    libraries = peers.start(names, threads)
    found: dict[str, Any] = {"cells": [], "late": [], "requirements": [], "requirement_lines": []}
    found["versions"] = {name: library.version() for name, library in libraries.items()}
    filtered = arguments.ops or arguments.shapes or arguments.dtype
    if threads == 1 and (arguments.requirements or not filtered):
        print("\nWhat must hold (float32, 1 thread):", flush=True)
        bars = Requirements(libraries, 0.25 if arguments.quick else 1.0)
        for check in bars.checks(beside_cells=arguments.quick):
            print(check.line(), flush=True)
            found["requirements"].append(check.as_json())
            found["requirement_lines"].append(check.line())
    if not arguments.requirements:
        print("\n" + report.header(names), flush=True)
        selected = _selected(arguments)
        for result in run(selected, libraries, arguments.seconds, arguments.until):
            found["cells"].append(result.as_json())
            print(report.line(found["cells"][-1], names), flush=True)
        late = selected[len(found["cells"]) :]
        found["late"] = [f"{case.label}, {threads} thread(s): no time was left" for case in late]
    return found


def _in_process(given: list[str], threads: int, until: float | None, root: Path) -> dict[str, Any]:
    """A process's measurements with this number of threads."""
    given = given if until is None else [*given, "--until", str(until)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks", *given, "--worker", str(threads), "--output", folder]
        # Pools that take their size from the environment, and BLAS, are not to outnumber it.
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "FASTACT_NUM_THREADS": str(threads)}
        subprocess.run(command, check=True, cwd=root, env=environment)
        return json.loads((Path(folder) / "worker.json").read_text())


def main(given: list[str], root: Path) -> int:
    """Run the command; 1 if a requirement failed."""
    start = time.time()
    arguments = parser().parse_args(given)
    if arguments.worker:
        found = _work(arguments, arguments.worker)
        (arguments.output / "worker.json").write_text(json.dumps(found))
        return 0
    names = peers.installed(_check(arguments.peers, list(peers.ALL), "--peers"))
    _check(arguments.ops, list(cases.ops()), "--ops")
    _check(arguments.dtype, list(cases.DTYPES), "--dtype")
    for name in sorted(set(arguments.peers or peers.ALL) - set(names)):
        print(f"{name} is not installed: not measured")
    machine = fa.config()
    print(f"fastact {machine['version']} ({fa.__file__})")
    print(f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['isa']}")
    results: dict[str, Any] = {
        "machine": machine,
        "peers": names,
        "command": given,
        "date": time.strftime("%Y-%m-%d"),
        "versions": {},
        "requirements": [],
        "requirement_lines": [],
        "cells": [],
        "late": [],
    }
    counts = _thread_counts(arguments.threads, arguments.requirements or arguments.quick)
    for k, threads in enumerate(counts):
        until = start + QUICK_SECONDS * (k + 1) / len(counts) if arguments.quick else None
        found = _in_process(given, threads, until, root)
        results["versions"] |= found["versions"]
        for key in ("requirements", "requirement_lines", "cells", "late"):
            results[key] += found[key]
    results["geomeans"] = report.geomeans(results["cells"])
    for title, lines in report.sections(results):
        if title != "Requirements":  # printed as they were measured
            print(f"\n{title}\n" + "\n".join(lines))
    written = report.write(results, arguments.output or root / "benchmarks" / "results")
    print("\nWritten: " + ", ".join(map(str, written)))
    return int(any(check["passed"] is False for check in results["requirements"]))
