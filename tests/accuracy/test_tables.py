"""Tables of coefficients are those that their script derives."""

import re
import subprocess
import sys
from collections import Counter

from support import ROOT

NUMBER = re.compile(r"-?0x1[.\da-f]*p[-+]\d+f?\b")


def test_float32_tables_are_derived():
    """Each number of the header is one that the script prints, as often; the order is the reader's to see."""
    script, header = ROOT / "csrc/tools/derive_f32_tables.py", ROOT / "csrc/math/tables_f32.h"
    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    derived, written = (Counter(NUMBER.findall(text)) for text in (printed, header.read_text()))
    assert written.total() > 400
    assert not written - derived
