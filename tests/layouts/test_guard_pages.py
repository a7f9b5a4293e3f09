"""No op reads or writes a byte outside its arrays. See tools/guarded.py."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import TESTS

import fastact as fa

PROGRAM = TESTS / "tools" / "guarded.py"

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGSEGV") or os.name != "posix", reason="mprotect is POSIX"
)


def _run(check, isa):
    return subprocess.run(
        [sys.executable, PROGRAM, check],
        env={**os.environ, "FASTACT_ISA": isa},
        capture_output=True,
        text=True,
        timeout=250,
        cwd=Path(fa.__file__).parents[1],
    )


def test_guards_guard():
    assert _run("touch", "baseline").returncode == -signal.SIGSEGV


@pytest.mark.parametrize("check", ["maps", "rows", "losses", "float64_rows"])
@pytest.mark.parametrize("isa", [isa for isa in fa.config()["available_isas"] if isa != "baseline"])
def test_no_touch_outside(check, isa):
    result = _run(check, isa)
    assert result.returncode == 0, f"exit code {result.returncode}: {result.stderr[-2000:]}"
    assert int(result.stdout) > 1000
