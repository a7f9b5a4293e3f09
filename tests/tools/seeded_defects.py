"""Plants one bug after another in a copy of the tree, builds it, and runs the tests that
should see it: what shows that the tests test.

    python tests/tools/seeded_defects.py             all: seconds each, a minute if kernels are compiled anew
    python tests/tools/seeded_defects.py mask tail   those whose names hold one of the words
    python tests/tools/seeded_defects.py --list

Exit code 0: every defect was caught. A defect whose place is no longer in the source
counts as not caught: mend it in `tests/defects/`, where they are. Needs what the
tests need, gcc or clang, and cython.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from defects import DEFECTS, Defect
from support import ROOT

COPIED = ("csrc", "fastact", "tests", "pyproject.toml", "README.md")
PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-x",
    "-q",
    "-n0",
    "-m",
    "",
    "--timeout=300",
    "-p",
    "no:cacheprovider",
]


class Tree:
    """A copy of the source and its extension module, compiled in place. Objects are kept by
    what they were compiled from, so only what a defect touches is compiled again."""

    def __init__(self, folder: Path) -> None:
        self.root, self.objects = folder / "tree", folder / "objects"
        self.objects.mkdir()
        for name in COPIED:
            source, to = ROOT / name, self.root / name
            self.root.mkdir(exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, to, ignore=shutil.ignore_patterns("*.so", "_core.c", "__pycache__"))
            else:
                shutil.copy(source, to)
        self.linker = shlex.split(os.environ.get("CC") or "cc")
        self.compiler = [*self.linker, "-O1", "-g0", "-fPIC", "-fvisibility=hidden"]
        self.compiler += ["-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION", "-Wno-unused"]
        self.compiler += [f"-I{p}" for p in ("csrc", numpy.get_include(), sysconfig.get_path("include"))]

    def run(self, *command: str) -> str:
        result = subprocess.run(command, cwd=self.root, capture_output=True, text=True)
        if result.returncode:
            raise SystemExit(f"{' '.join(command)[:200]}\n{result.stderr[-3000:]}")
        return result.stdout

    def object_of(self, source: str) -> str:
        preprocessed = self.run(*self.compiler, "-E", "-P", source)
        made = self.objects / f"{hashlib.sha256(preprocessed.encode()).hexdigest()[:20]}.o"
        if not made.exists():
            self.run(*self.compiler, "-c", source, "-o", str(made))
        return str(made)

    def build(self) -> None:
        cython, generated = self.root / "fastact" / "_core.pyx", self.root / "fastact" / "_core.c"
        newest = max(p.stat().st_mtime for p in cython.parent.rglob("*.p[yx][xdi]"))
        if not generated.exists() or generated.stat().st_mtime < newest:
            self.run(sys.executable, "-m", "cython", "-3", "-Icsrc", str(cython), "-o", str(generated))
        sources = [
            "fastact/_core.c",
            *(str(p.relative_to(self.root)) for p in sorted((self.root / "csrc").rglob("*.c"))),
        ]
        module = f"fastact/_core{sysconfig.get_config_var('EXT_SUFFIX')}"
        objects = [self.object_of(source) for source in sources]
        self.run(*self.linker, "-shared", *objects, "-o", module, "-lm", "-pthread")

    def test(self, arguments: list[str]) -> tuple[bool | None, str]:
        """Whether tests failed (None: they could not run), and which failed first."""
        environment = os.environ | {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        result = subprocess.run(
            [*PYTEST, *arguments], cwd=self.root, env=environment, capture_output=True, text=True
        )
        lines = result.stdout.splitlines()
        failed = [line for line in lines if line.startswith("FAILED ")]
        if result.returncode < 0:
            return True, f"the process ended by signal {-result.returncode}"
        if failed and result.returncode == 1:
            return True, failed[0].removeprefix("FAILED tests/").split(" - ")[0]
        if result.returncode == 0:
            return False, lines[-1] if lines else ""
        return None, "\n".join([*lines[-15:], result.stderr[-2000:]])


def plant(tree: Tree, defect: Defect) -> bool:
    """False if the defect's place is not there, or not there once."""
    path = tree.root / defect.path
    text = path.read_text()
    if text.count(defect.old) != 1:
        return False
    path.write_text(text.replace(defect.old, defect.new))
    return True


def judge(tree: Tree, defect: Defect) -> tuple[bool, str]:
    path = tree.root / defect.path
    before = path.read_bytes()
    if not plant(tree, defect):
        return False, f"its place is not (once) in {defect.path}: mend tests/defects/"
    try:
        tree.build()
        failed, what = tree.test(defect.tests.split(" "))
    finally:
        path.write_bytes(before)
    return failed is True, what


def main() -> int:
    parser = argparse.ArgumentParser(description="plants bugs and sees whether the tests see them")
    parser.add_argument("words", nargs="*", help="only defects whose name holds one of these")
    parser.add_argument("--list", action="store_true", help="name the defects and do nothing")
    options = parser.parse_args()
    chosen = [d for d in DEFECTS if not options.words or any(word in d.name for word in options.words)]
    if options.list:
        print(*(f"{d.name}: {d.path}, {d.tests}" for d in chosen), sep="\n")
        return 0
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder))
        tree.build()
        for defect in chosen:
            start = time.monotonic()
            caught, what = judge(tree, defect)
            missed += not caught
            took = time.monotonic() - start
            print(f"{'caught' if caught else 'NOT CAUGHT'}: {defect.name} ({took:.0f} s): {what}", flush=True)
        tree.build()
        for tests in dict.fromkeys(d.tests for d in chosen):  # else "caught" would say nothing
            failed, what = tree.test(tests.split(" "))
            if failed is not False:
                print(f"FAILS WITHOUT A DEFECT: {tests}: {what}")
                missed += 1
    print(f"seeded defects: {len(chosen)} planted, {missed} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
