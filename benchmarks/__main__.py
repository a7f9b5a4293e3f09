"""The command ``python -m benchmarks``: measures the installed package, not the source folder."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def use_installed_package() -> None:
    """Take the checkout off the path, where the source folder would shadow the package."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    spec = find_spec("fastact")
    if spec is None or spec.origin is None:
        sys.exit("benchmarks: fastact is not installed: run 'pip install .' first")
    if Path(spec.origin).resolve().parent == ROOT / "fastact":
        sys.exit(
            f"benchmarks: fastact would be imported from its source folder {ROOT / 'fastact'}; "
            "benchmarks measure the installed package: run 'pip install .' first"
        )


if __name__ == "__main__":
    use_installed_package()
    from benchmarks.cli import main

    sys.exit(main(sys.argv[1:], ROOT))
