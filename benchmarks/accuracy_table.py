"""The command ``python -m benchmarks.accuracy_table``: writes docs/accuracy.md.

Needs a checkout, whose tests/ hold the definitions, and the extras `test` and `bench`.
"""

from __future__ import annotations

import sys

from benchmarks.__main__ import ROOT, use_installed_package

if __name__ == "__main__":
    use_installed_package()
    sys.path.insert(0, str(ROOT / "tests"))
    from benchmarks.accuracy_page import main

    sys.exit(main(sys.argv[1:], ROOT))
