"""The command ``fastact``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import fastact as fa
from fastact._command import comparison, plot
from fastact._command.figures import CommandError
from fastact._registry import Kind


def info() -> None:
    """What `fa.config` says, and the ops."""
    config = fa.config()
    rows = {
        "fastact": config["version"],
        "instructions": f"{config['isa']} (this CPU has {', '.join(config['available_isas'])})",
        "threads": f"{config['num_threads']} of {config['cpus']} CPUs this process may use",
        "CPU": config["cpu"],
        "activations": _names("activation"),
        "row ops": _names("rows"),
        "losses": _names("loss"),
    }
    for name, text in rows.items():
        print(fill(f"{name:<14}{text}", width=100, subsequent_indent=" " * 14))


def _names(kind: Kind) -> str:
    return ", ".join(op.__name__ for op in fa.list_ops(kind))


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {text!r}")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastact", description="Activation and loss functions for NumPy arrays, forward and backward."
    )
    parser.add_argument("--version", action="version", version=f"fastact {fa.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    commands.add_parser(
        "info",
        help="show version, instruction set, threads, CPU and ops",
        description="Show version, instruction set, threads, CPU and ops.",
    )
    demo = commands.add_parser(
        "demo",
        help="train a classifier of handwritten digits, beside plain NumPy and PyTorch",
        description="Train a multilayer perceptron on the handwritten digits that scikit-learn ships, and "
        "the same network in plain NumPy and (if installed) PyTorch: test accuracy, time per step, "
        "differences. Needs scikit-learn, tqdm and threadpoolctl (the extra 'demo').",
        epilog="Ends with exit code 1 if something it needs is missing, the accuracy is below 97% or the "
        "networks differ by more than rounding.",
    )
    demo.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw the loss curve (.png, .svg, .pdf); needs matplotlib (the extra 'plot')",
    )
    _add_plot(commands)
    return parser


def _add_plot(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "plot",
        help="draw an activation, or a sheet of all",
        description="Draw an activation, or a sheet of all that are functions of one number (gated linear "
        "units are of two). Dashed verticals are kinks; where a line jumps it is broken, and a dot shows the "
        "value. Needs matplotlib (the extra 'plot').",
        epilog="Ends with exit code 1 if that cannot be drawn or written.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="of an activation; without it, all are drawn")
    parser.add_argument("--derivatives", action="store_true", help="draw the first and second derivative too")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="a parameter or option, such as negative_slope=0.2 or approximate=tanh; may be repeated",
    )
    parser.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="of x; without it from -5 to 5, wider where a kink is outside",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="to draw to (.png, .svg, .pdf)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code; bad arguments leave by SystemExit with code 2."""
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.command == "demo":
            comparison.main(chosen.plot)
        elif chosen.command == "plot":
            x_range = None if chosen.range is None else tuple(chosen.range)
            plot.main(chosen.output, chosen.name, chosen.set, chosen.derivatives, x_range)
        else:
            info()
    except CommandError as error:
        print(f"fastact {chosen.command}: {error}", file=sys.stderr)
        return 1
    return 0
