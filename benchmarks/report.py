"""What is printed and written: lines of the table, Markdown, JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.chart import draw
from benchmarks.peers import ALL, OURS
from benchmarks.requirements import geomean

Cell = dict[str, Any]  # runner.Result.as_json()


def label(cell: Cell) -> str:
    shape = "x".join(map(str, cell["shape"]))
    out = " out=" if cell["out"] else ""
    return f"{cell['op']}.{cell['variant']} {cell['dtype']} {shape}{out}, {cell['threads']} thread(s)"


def _time(cell: Cell, name: str) -> str:
    """ns per element, with a ~ if the library is wrong there."""
    library = cell["libraries"].get(name)
    if library is None:
        return "-"
    wrong = library["ulp"] is not None and library["ulp"] > 8
    return f"{library['ns_per_element']:.3g}{'~' if wrong else ''}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def header(peers: list[str]) -> str:
    columns = "".join(f"{name[:11]:>12}" for name in [OURS, *peers])
    return f"{'ns per element':<86}{columns}{'vs right':>10}{'vs any':>8}"


def line(cell: Cell, peers: list[str]) -> str:
    columns = "".join(f"{_time(cell, name):>12}" for name in [OURS, *peers])
    return f"{label(cell):<86}{columns}{_ratio(cell['ratio_right']):>10}{_ratio(cell['ratio_any']):>8}"


def below_one(cells: list[Cell]) -> list[str]:
    """Every cell where some library is faster, slowest of ours first."""
    slow = [c for c in cells if c["ratio_any"] is not None and c["ratio_any"] < 1]
    slow.sort(key=lambda c: c["ratio_any"])
    lines = []
    for c in slow:
        against_right = ""
        if c["fastest_right"] is None:
            against_right = "; no library is right"
        elif c["fastest_right"] != c["fastest_any"]:
            against_right = f"; {_ratio(c['ratio_right'])} of {c['fastest_right']}, the fastest right"
        lines.append(f"{label(c)}: {c['ratio_any']:.2f} of {c['fastest_any']}{against_right}")
    return lines


def geomeans(cells: list[Cell]) -> list[Cell]:
    """Geometric means of the ratios by group, dtype and threads: to the fastest and to each library."""
    groups: dict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell["group"], cell["dtype"], cell["threads"]].append(cell)
    rows = []
    for (group, dtype, threads), members in groups.items():
        row: Cell = {"group": group, "dtype": dtype, "threads": threads, "cells": len(members)}
        for key in ("ratio_right", "ratio_any"):
            row[key] = geomean([c[key] for c in members if c[key] is not None])
        row["libraries"] = {}
        for name in ALL:
            both = [c["libraries"] for c in members if name in c["libraries"]]
            row["libraries"][name] = geomean([b[name]["best"] / b[OURS]["best"] for b in both])
        rows.append(row)
    return rows


def geomean_lines(rows: list[Cell]) -> list[str]:
    lines = []
    for row in rows:
        each = ", ".join(
            f"{name} {ratio:.2f}" for name, ratio in row["libraries"].items() if ratio is not None
        )
        lines.append(
            f"{row['group']}, {row['dtype']}, {row['threads']} thread(s), {row['cells']} cells: "
            f"{_ratio(row['ratio_right'])} over the fastest right peer, "
            f"{_ratio(row['ratio_any'])} over any ({each})"
        )
    return lines


def small_calls(cells: list[Cell]) -> list[str]:
    """ns per call at 16 elements, of values without out=."""
    lines = []
    for c in cells:
        if c["shape"] == [16] and c["variant"] == "value" and not c["out"] and c["threads"] == 1:
            times = ", ".join(f"{name} {t['best'] * 1e9:.0f}" for name, t in c["libraries"].items())
            lines.append(f"{c['op']} {c['dtype']}: {times}")
    return lines


def errors(cells: list[Cell]) -> list[str]:
    """Each library's worst error by function and dtype, in ulp."""
    found: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for c in cells:
        for name, t in c["libraries"].items():
            if t["ulp"] is not None:
                known = found[c["op"], c["variant"], c["dtype"]]
                known[name] = max(known.get(name, 0.0), t["ulp"])
    return [
        f"{op}.{variant} {dtype}: " + ", ".join(f"{name} {ulp:.3g}" for name, ulp in by_name.items())
        for (op, variant, dtype), by_name in found.items()
    ]


def failures(cells: list[Cell]) -> list[str]:
    """Which library could not do what, and why, once each."""
    seen = {(c["op"], c["variant"], c["dtype"], n): why for c in cells for n, why in c["failed"].items()}
    return [f"{name}, {op}.{variant} {dtype}: {why}" for (op, variant, dtype, name), why in seen.items()]


def sections(results: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Titles and lines of everything but the table."""
    cells = results["cells"]
    below, measured = below_one(cells), [c for c in cells if c["ratio_any"] is not None]
    found = [
        ("Requirements", results["requirement_lines"]),
        ("Geometric means of the ratios", geomean_lines(results["geomeans"])),
        (f"Cells where a library is faster ({len(below)} of {len(measured)})", below),
        ("ns per call at 16 elements", small_calls(cells)),
        ("Worst errors on 20,000 normal inputs, in ulp", errors(cells)),
        ("Not measured", failures(cells) + results["late"]),
    ]
    return [(title, lines) for title, lines in found if lines]


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    """results.json, results.md and, with matplotlib, results.png."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "results.json", folder / "results.md"]
    written[0].write_text(json.dumps(results, indent=1) + "\n")
    written[1].write_text(markdown(results))
    chart = folder / "results.png"
    return [*written, chart] if draw(results, chart) else written


def _row(columns: list[str]) -> str:
    return "| " + " | ".join(columns) + " |"


def markdown(results: dict[str, Any]) -> str:
    machine, peers = results["machine"], results["peers"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    text = [
        "# Measured times",
        "",
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['isa']}; {versions}.",
        "",
        "Nanoseconds per element, the best of rounds in which the libraries take turns. `~`: wrong by more",
        "than 8 ulp on 20,000 normal inputs. Ratios: the fastest peer's time over ours, among those that are",
        "right and among all; above 1 fastact is faster. Peers without `out=` are called as they can be.",
        "",
    ]
    for title, lines in sections(results):
        text += [f"## {title}", "", *(f"- {entry}" for entry in lines), ""]
    if results["cells"]:
        head = ["function", OURS, *peers, "vs right", "vs any"]
        text += ["## All cells", "", _row(head), _row(["---"] + ["---:"] * (len(head) - 1))]
        for cell in results["cells"]:
            times = [_time(cell, name) for name in [OURS, *peers]]
            text.append(_row([label(cell), *times, _ratio(cell["ratio_right"]), _ratio(cell["ratio_any"])]))
        text.append("")
    return "\n".join(text)
