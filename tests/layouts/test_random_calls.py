"""Some of the random calls of tests/exhaustive/random_calls.py give what plain copies and formulas give."""

import sys

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT / "tests" / "exhaustive"))

import random_calls


@pytest.mark.parametrize(
    "seconds", [pytest.param(5, id="some"), pytest.param(10, id="many", marks=pytest.mark.slow)]
)
def test_random_calls(seconds):
    count, found = random_calls.walk_for(seconds, seed=2026 + seconds)
    assert count > 100 * seconds  # some 400 a second
    assert not found, "\n".join("  ".join(line) for line in found[:20])
