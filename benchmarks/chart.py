"""The chart: how many times fastact's time each library takes, in cache, one thread."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.peers import ALL, OURS

# One shape a kind: in cache, and large enough that a call's overhead does not show.
_SHAPES = ([30_000], [1024, 1000])


def draw(results: dict[str, Any], path: Path) -> bool:
    """Draw to `path`; False if no measured cell belongs in the chart, or without matplotlib."""
    cells = [
        c
        for c in results["cells"]
        if c["dtype"] == "float32"
        and c["threads"] == 1
        and c["shape"] in _SHAPES
        # with out= where there is such a cell; values of losses have none
        and (c["out"] or (c["group"].startswith("losses") and c["variant"] == "value"))
        and len(c["libraries"]) > 1
    ]
    if not cells or find_spec("matplotlib") is None:
        return False
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    cells.reverse()  # the first at the top
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.28 * len(cells)), layout="constrained")
    colours = dict(zip(ALL, plt.get_cmap("tab10").colors, strict=False))
    drawn = set()
    for height, cell in enumerate(cells):
        own = cell["libraries"][OURS]["best"]
        for name, library in cell["libraries"].items():
            if name == OURS:
                continue
            right = library["ulp"] is None or library["ulp"] <= 8
            axes.plot(
                library["best"] / own,
                height,
                "o",
                color=colours[name],
                markerfacecolor=colours[name] if right else "none",
            )
            drawn.add(name)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(cells)), [f"{c['op']}.{c['variant']}" for c in cells])
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("time over fastact's, float32, 1 thread (hollow: wrong by more than 8 ulp)")
    keys = [axes.plot([], [], "o", color=colours[name], label=name)[0] for name in ALL if name in drawn]
    figure.legend(handles=keys, loc="outside upper center", ncols=len(keys))
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return True
