"""Memory that is kept."""

from defects.defect import defects

LEAKS = defects(
    "tests/processes/test_leaks.py",
    (
        "halves hold the dtype twice",
        "fastact/_calls.pxi",
        "    Py_INCREF(<object>descr)",
        "    Py_INCREF(<object>descr)\n    Py_INCREF(<object>descr)",
    ),
    (
        "cross entropy holds its input",
        "fastact/_losses.pxi",
        "    job.loss = FA_CROSS_ENTROPY",
        "    Py_INCREF(x)\n    job.loss = FA_CROSS_ENTROPY",
    ),
    (
        "a list of losses' results",
        "fastact/_losses.pxi",
        "    job.op = op\n",
        "    job.op = op\n    keep(b'%d' % n)\n",
    ),
    ("rows abreast keep their memory", "csrc/rows.c", "free(memory);", ";"),
    ("a wide loss keeps its memory", "csrc/wide_losses.c", "free(m.memory);", ";"),
    ("ctc keeps its labels", "csrc/ctc.c", "free(b.label);", ";"),
)
