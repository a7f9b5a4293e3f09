"""What the commands share: their error, optional dependencies, figures."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The formats of figures, by suffix; what savefig is to leave out, so that the bytes are the same every time.
_FORMATS: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


class CommandError(Exception):
    """A command cannot do what it is asked: its message goes to stderr, and the exit code is 1."""


def require(*modules: str) -> Any:
    """The last of optional dependencies, or an error that names all that are missing, to be installed."""
    found, missing = None, {}
    for module in modules:
        try:
            found = importlib.import_module(module)
        except ImportError as error:
            missing["scikit-learn" if module.startswith("sklearn") else module.partition(".")[0]] = error
    if missing:
        why = "; ".join(map(str, missing.values()))
        raise CommandError(f"this needs {', '.join(missing)} ({why}): pip install {' '.join(missing)}")
    return found


def check_figure_file(file: Path) -> None:
    """Find out before any work whether a figure can be drawn, and into this file."""
    if file.suffix.lower() not in _FORMATS:
        raise CommandError(f"cannot plot to {file}: the name must end in one of {', '.join(_FORMATS)}")
    if not os.path.isdir(file.parent):  # Path.is_dir raises where it may not look
        raise CommandError(f"cannot plot to {file}: there is no folder {file.parent}")
    require("matplotlib.figure")


@contextmanager
def figure_in(file: Path, width: float, height: float) -> Iterator[Figure]:
    """A figure of a size in inches, to draw on; written to `file` in the end.

    Made without pyplot, so that no display is looked for, and with matplotlib's own
    settings, so that it does not depend on whose machine it is.
    """
    check_figure_file(file)
    matplotlib, suffix = require("matplotlib"), file.suffix.lower()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams["svg.hashsalt"] = "fastact"  # else ids within the file are random
        figure = require("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")
        yield figure
        try:
            figure.savefig(file, format=suffix[1:], dpi=150, metadata=_FORMATS[suffix])
        except OSError as error:
            raise CommandError(f"cannot plot to {file}: {error.strerror or error}") from error
