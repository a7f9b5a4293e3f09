"""The command ``python -m benchmarks.linear``: time and memory of linear_cross_entropy beside its parts.

Threads are those of the environment: OMP_NUM_THREADS of NumPy's BLAS, FASTACT_NUM_THREADS.
"""

from __future__ import annotations

import sys

from benchmarks.__main__ import use_installed_package

if __name__ == "__main__":
    use_installed_package()
    from benchmarks.linear_map import main

    sys.exit(main(sys.argv[1:]))
