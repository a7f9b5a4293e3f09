"""Tables of coefficients are those that their script derives."""

import re
import subprocess
import sys

import pytest
from support import ROOT

NUMBER = r"-?0x1[.\da-f]*p[-+]\d+f?\b"


@pytest.fixture(scope="module")
def derived():
    """What the script prints: name -> its numbers, in order."""
    script = ROOT / "csrc/tools/derive_f32_tables.py"
    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    parts = re.split(r"^(\w+) ", printed, flags=re.MULTILINE)[1:]
    return {name: re.findall(NUMBER, text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def test_float32_tables_are_derived(derived):
    header = (ROOT / "csrc/math/tables_f32.h").read_text(encoding="utf-8")
    tables = re.findall(r"\bf32_(\w+)\[.*?= \{(.*?)\};", header, flags=re.DOTALL)
    assert len(tables) == 6
    derived["gelu_pieces"].remove("0x1p-1f")  # the header has it in gelu_first, as 0.5
    for name, text in tables:
        if name != "gelu_first":
            assert re.findall(NUMBER, text) == derived[name], name


def test_gelu_constants_are_derived(derived):
    headers = [
        (ROOT / f"csrc/math/activation_parts_{t}.h").read_text(encoding="utf-8") for t in ("f32", "f64")
    ]
    constants = dict(re.findall(rf"#define (f\d\d_\w+) ({NUMBER})", "".join(headers)))
    names = [name for name in derived if name.isupper()]
    keys = [f"{t}_{name}{part}" for name in names for t in ("f32", "f64") for part in ("", "_LOW")]
    wanted = [number for name in names for number in derived[name]]
    assert len(keys) == len(wanted) > 10
    for key, number in zip(keys, wanted, strict=True):
        assert constants.get(key, number) == number, key  # what the kernels do not need is left out
