"""Runs other projects' own tests with our functions in the places of theirs.

    python tests/peers/run.py                       all suites, each in a process of its own
    python tests/peers/run.py scipy thinc           these
    python tests/peers/run.py torch -k huber        of these the tests whose names hold the word
    python tests/peers/run.py --list                the suites, and what each needs

Needs fastact installed, pytest, and of the projects those that should run; nothing from the network. A
suite whose project is not installed is skipped, and says so. A test counts only if it has called a
function of ours. Where we differ, the suite says why: in its table `DIFFERENCES`, of which each test must
fail, or by `Differs` in a function's place. Exit code 0: nothing failed beside these.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # of support

# The suite, the module beside this one that runs it, and what must be installed.
SUITES = {
    "scikit-learn": ("sklearn_loss", ("sklearn", "pytest")),
    "scipy": ("scipy_special", ("scipy", "pytest", "hypothesis")),
    "thinc": ("thinc_ops", ("thinc", "pytest", "hypothesis", "mock")),
    "torch": ("torch_opinfo", ("torch", "expecttest", "ml_dtypes")),
}


def missing(needs: tuple[str, ...]) -> list[str]:
    return [name for name in needs if importlib.util.find_spec(name) is None]


def run(suite: str, words: str) -> bool:
    """Whether no test of the suite failed."""
    module, needs = SUITES[suite]
    if absent := missing(needs):
        print(f"{suite}: skipped, for {' and '.join(absent)} cannot be imported")
        return True
    counts = importlib.import_module(module).run(words)
    print(counts.summary(suite))
    return not counts.failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument(
        "-k", dest="words", default="", metavar="WORDS", help="as pytest's -k; torch: a part of a name"
    )
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if unknown := set(arguments.suites) - SUITES.keys():
        parser.error(f"SUITE must be of {', '.join(SUITES)}, got {', '.join(sorted(unknown))}")
    if arguments.list:
        for suite, (_, needs) in SUITES.items():
            absent = missing(needs)
            print(f"{suite}: {'needs ' + ', '.join(absent) if absent else 'can run'}")
        return 0
    suites = arguments.suites or list(SUITES)
    if len(suites) == 1:
        return not run(suites[0], arguments.words)
    # Functions that were replaced stay so until the process ends.
    command = [sys.executable, __file__, "-k", arguments.words]
    codes = [subprocess.run([*command, suite], check=False).returncode for suite in suites]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
