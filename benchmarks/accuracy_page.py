"""docs/accuracy.md: the tables of worst errors, ours and other libraries'."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

import numpy as np
from support import other_parameters, sweep
from support.ulp import ROOT_DISTANCE, ROOT_ULP_AT, hexadecimal

import fastact as fa
from benchmarks import peers
from benchmarks.accuracy import RIGHT
from benchmarks.cases import SIGMA
from benchmarks.worst import Row, Worst, measure, ops
from fastact._config import Config

DESCRIPTION = "Write the worst errors of every activation beside other libraries' to docs/accuracy.md."
COMPARED = ("torch", "jax", "scipy", "onnxruntime")
TITLES = {"torch": "PyTorch", "jax": "JAX", "scipy": "SciPy", "onnxruntime": "ONNX Runtime"}
POINTS = {"float32": 20_000, "float64": 10_000}  # hard ones, and as many ordinary ones
OTHER_POINTS = 1000
WIDTH = 110

COMMAND = """\
pip install '.[test,bench]' gmpy2 torch jax onnxruntime onnx
python -m benchmarks.accuracy_table
"""
# Paragraphs of the page, wrapped when it is written.
ABOUT = """\
Worst errors of activations and of their derivatives, with default parameters, beside other
libraries' on the same points.
"""
MACHINE = """\
Measured on {cpu} ({isa}) with {versions}. fastact gives the same bits with AVX2, AVX-512 and NEON;
other libraries may give others on another machine.
"""
COUNTED = f"""\
An error is counted in ulp: |y - f| over the spacing of the type's numbers at the exact f. A result
rounded correctly is at most 0.5 off. Subnormal results count like others. Within {ROOT_DISTANCE:g} of a
derivative's root an ulp is taken at no less than {ROOT_ULP_AT:g}. *inf* is a NaN or infinity where there
is a number, or the reverse. f is what `tests/reference/` says: for float64 in mpmath, for float32
in float64, good to {sweep.ORACLE:g} ulp as `tests/accuracy/test_float32.py` proves.
"""
SAMPLED = f"""\
The points: {{float32:,}} hard ones in float32 and {{float64:,}} in float64 (`tests/support/cases.py`: where
exponentials underflow or a reduction rounds either way, roots, tiny and huge arguments), as many
ordinary ones (normally distributed, standard deviation {SIGMA:g}), and every {sweep.STRIDE}th of all float32
numbers; but not the op's kinks, where a derivative is what was agreed. This is a sample:
`tests/exhaustive/` takes all float32 numbers.
"""
READ = """\
*bound* is what fastact promises for every input. In brackets: the worst error at the ordinary points
alone. A dash: the library lacks the function; of gradients, those that come with a library are judged.
To read the large ones: a subnormal result lost to 0 is up to 2^23 = 8.39e+06 ulp off in float32 and
2^52 = 4.5e+15 in float64, a normal one up to twice that, a result of the wrong size any number.
"""
OTHERS = f"""\
The bounds above are for default parameters. With others, what the product or quotient of the
parameter rounds adds at most {other_parameters.ADDED:g} ulp: the worst of {{count}} points each,
`tests/support/other_parameters.py`, away from roots.
"""
WRONG = f"Every function that is more than {RIGHT:g} ulp off in one of these libraries, the worst first.\n"


def _list(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _arguments(given: list[str], root: Path) -> argparse.Namespace:
    p = argparse.ArgumentParser("python -m benchmarks.accuracy_table", description=DESCRIPTION)
    p.add_argument("--ops", type=_list, metavar="A,B", default=list(ops.ACTIVATIONS), help="only these")
    p.add_argument("--peers", type=_list, metavar="A,B", default=list(COMPARED), help="only these")
    p.add_argument("--points", type=int, metavar="N", help="hard points for each op and dtype")
    p.add_argument("--output", type=Path, metavar="FILE", default=root / "docs" / "accuracy.md")
    arguments = p.parse_args(given)
    for option, known in (("ops", ops.ACTIVATIONS), ("peers", COMPARED)):
        unknown = set(getattr(arguments, option)) - set(known)
        if unknown:
            p.error(f"--{option} {', '.join(sorted(unknown))}: not one of {', '.join(known)}")
    return arguments


def _number(error: float) -> str:
    return f"{error:.2f}" if error < 100 else f"{error:.3g}"


def _ulps(worst: Worst | None) -> str:
    return "-" if worst is None else f"{_number(worst.ulp)} ({_number(worst.ordinary)})"


def _at(worst: Worst) -> str:
    return f"`{hexadecimal(worst.at)}`" if worst.ulp else "-"


def _line(columns: list[str]) -> str:
    return "| " + " | ".join(columns) + " |"


def _table(head: list[str], alignment: str, lines: list[list[str]]) -> str:
    rule = ["---:" if side == "r" else "---" for side in alignment]
    return "\n".join([_line(head), _line(rule), *map(_line, lines)]) + "\n"


def _errors(rows: list[Row], libraries: list[str]) -> str:
    head = ["op", "of", "fastact", "worst input", "bound", *(TITLES[name] for name in libraries)]
    lines = [
        [r.op, r.of, _ulps(r.ours), _at(r.ours), f"{r.bound:g}", *(_ulps(r.peers.get(n)) for n in libraries)]
        for r in rows
    ]
    return _table(head, "llrlr" + "r" * len(libraries), lines)


def _wrong(rows: list[Row]) -> str:
    found = [(w, name, r) for r in rows for name, w in r.peers.items() if w.ulp > RIGHT]
    found.sort(key=lambda entry: -entry[0].ulp)
    lines = [[r.op, r.of, TITLES[name], _number(w.ulp), _at(w), *_results(w)] for w, name, r in found]
    return _table(["op", "of", "library", "ulp", "at", "gives", "exact"], "lllrlrr", lines)


def _results(worst: Worst) -> list[str]:
    """What a library gave and should have given, with as many digits as tell them apart."""
    for digits in range(4, 18):
        texts = [f"{number:.{digits}g}" for number in (worst.got, float(worst.exact))]
        if texts[0] != texts[1]:
            break
    return texts


def _others(names: set[str]) -> str:
    lines = []
    for name, (parameters, _) in other_parameters.OTHERS.items():
        for p in parameters if name in names else ():
            found = [
                other_parameters.worst(name, order, p, dtype, OTHER_POINTS, np.random.default_rng(1))
                for dtype in POINTS
                for order in range(3)
            ]
            errors = [_number(error) for error, _ in found]
            lines.append([name, ", ".join(f"{value:g}" for value in p), *errors])
    of_types = [f"{of}, {dtype}" for dtype in POINTS for of in ops.ORDERS]
    return _table(["op", "parameters", *of_types], "ll" + "r" * len(of_types), lines)


def _failures(rows: list[Row]) -> list[str]:
    return [
        f"- {TITLES[name]}, {r.op} {r.of} {r.dtype}: {why}" for r in rows for name, why in r.failed.items()
    ]


def page(rows: list[Row], count: dict[str, int], versions: dict[str, str], machine: Config) -> str:
    libraries = list(versions)
    named = [f"fastact {machine['version']}", *(f"{TITLES[name]} {v}" for name, v in versions.items())]
    paragraphs = [
        ABOUT,
        MACHINE.format(cpu=machine["cpu"], isa=machine["isa"], versions=", ".join(named)),
        COUNTED,
        SAMPLED.format(**count),
        READ,
    ]
    text = ["# Accuracy\n", *(textwrap.fill(p, WIDTH) + "\n" for p in paragraphs)]
    text += ["To make this page again:\n", f"```sh\n{COMMAND}```\n"]
    for dtype in count:
        of_dtype = [r for r in rows if r.dtype == dtype]
        text += [f"## {dtype}\n", _errors(of_dtype, libraries)]
        if libraries:
            text += [f"### Where libraries are wrong in {dtype}\n", WRONG, _wrong(of_dtype)]
    text += ["## Other parameters\n", textwrap.fill(OTHERS.format(count=OTHER_POINTS), WIDTH) + "\n"]
    text += [_others({r.op for r in rows})]
    failures = _failures(rows)
    if failures:
        text += ["## Not measured\n", "\n".join(failures) + "\n"]
    return "\n".join(text)


def main(given: list[str], root: Path) -> int:
    """Measure, print, write; 1 if a bound of ours does not hold."""
    arguments = _arguments(given, root)
    count = {dtype: arguments.points or n for dtype, n in POINTS.items()}
    libraries = peers.start(peers.installed(arguments.peers), threads=1)
    libraries.pop(peers.OURS)
    rows = []
    for row in measure(arguments.ops, count, libraries):
        rows.append(row)
        others = ", ".join(f"{name} {_ulps(worst)}" for name, worst in row.peers.items())
        print(f"{row.op} {row.of} {row.dtype}: {_ulps(row.ours)} at {_at(row.ours)}; {others}", flush=True)
    versions = {name: library.version() for name, library in libraries.items()}
    arguments.output.write_text(page(rows, count, versions, fa.config()))
    return int(any(row.ours.ulp > row.bound + sweep.ORACLE * (row.dtype == "float32") for row in rows))
