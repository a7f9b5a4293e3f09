"""The comment above an activation's body names the worst error that docs/float32_all.md has."""

import math
import re

import pytest
from support import ROOT

TABLE = (ROOT / "docs" / "float32_all.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\w+) (value|first|second) \| ([\d.]+) \| ([\d.]+) \|", TABLE, flags=re.MULTILINE)
SUFFIX = {"value": "", "first": "_d1", "second": "_d2"}
KERNELS = [
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "csrc/kernels/activations").glob("*.h"))
]


def comment_above(body):
    """The last comment before the body; None if there is no such body in these files."""
    start = re.compile(rf"^FA_INLINE vec FN\({body}\)", flags=re.MULTILINE)
    for text in KERNELS:
        if found := start.search(text):
            before = text[: found.start()]
            return before[before.rindex("/*") : before.rindex("*/")]
    return None  # tanh (csrc/math), and gates, which a macro makes


def test_most_bodies_are_here():
    assert sum(comment_above(name + SUFFIX[order]) is not None for name, order, *_ in ROWS) > 80


@pytest.mark.parametrize(("name", "order", "ulp", "bound"), ROWS)
def test_max_error(name, order, ulp, bound):
    comment = comment_above(name + SUFFIX[order])
    if comment is None or float(bound) == 0:
        return
    assert "Max error: " in comment, comment
    figures = re.search(
        r"Max error: float32 ([\d.]+) ulp at -?0x1[.\w]*p[-+]\d+, float64 [\d.]+ ulp", comment
    )
    if figures is None:  # in words: that of another function, or of one rounding
        assert re.search(r"Max error: (as|half)", comment), comment
        return
    assert float(figures[1]) == math.ceil(round(float(ulp) * 100, 6)) / 100
