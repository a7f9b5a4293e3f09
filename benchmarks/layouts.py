"""The command ``python -m benchmarks.layouts``: layouts, types and masks beside the obvious way around each.

Where a layout, a narrow type or a mask is slow, whoever meets it copies to something faster, calls,
and copies back. This walks all of them and names each cell that takes 1.3 times (``--most``) as long
as that. It computes the same numbers, in one thread:

    axis=k             contiguous rows by moveaxis, the op along the last axis, moved back
    float16, bfloat16  the op in float32, and back
    where= of rows     -inf by np.where, then the op without a mask
    where= of others   the op everywhere, then np.copyto
"""

from __future__ import annotations

import sys

from benchmarks.__main__ import use_installed_package

if __name__ == "__main__":
    use_installed_package()
    from benchmarks.layout_cells import main

    sys.exit(main(sys.argv[1:]))
