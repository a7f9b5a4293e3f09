"""Memory that is kept."""

from defects.defect import defects

LEAKS = defects(
    "tests/processes/test_leaks.py",
    (
        "halves hold the dtype twice",
        "fastact/_cython/functions.pxi",
        "    Py_INCREF(<object>descr)",
        "    Py_INCREF(<object>descr)\n    Py_INCREF(<object>descr)",
    ),
    (
        "cross entropy holds its input",
        "fastact/_cython/loss_jobs.pxi",
        "    job.ignore_index = ignore_index",
        "    Py_INCREF(x)\n    job.ignore_index = ignore_index",
    ),
    (
        "a list of losses' results",
        "fastact/_cython/loss_jobs.pxi",
        "    job.op = op\n",
        "    job.op = op\n    keep(b'%d' % n)\n",
    ),
    ("panels of rows keep their memory", "csrc/drivers/rows.c", "free(memory);", ";"),
    ("a float64 row loss keeps its memory", "csrc/drivers/float64_row_loss.c", "free(ws.memory);", ";"),
    ("ctc keeps its labels", "csrc/drivers/ctc.c", "free(b.label);", ";"),
)
