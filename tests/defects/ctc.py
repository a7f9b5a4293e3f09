"""CTC."""

from defects.defect import defects

CTC = defects(
    "tests/losses/test_ctc_calls.py tests/losses/test_ctc.py",
    ("the blank among ctc's labels", "csrc/ctc.c", " && label != job->blank) continue;", ") continue;"),
    (
        "ctc's labels up to the classes",
        "csrc/ctc.c",
        "label < job->classes &&",
        "label <= job->classes &&",
    ),
    ("ctc's steps up to one more", "csrc/ctc.c", "> job->steps) return", "> job->steps + 1) return"),
    (
        "ctc skips between equal labels",
        "csrc/ctc.c",
        "s->label[j] != s->label[j - 1] ? 0.0 :",
        "j ? 0.0 :",
    ),
    ("ctc's mantissas never normal", "csrc/ctc.c", "t % FA_CTC_NORMALISE == 0", "t > 1u << 30"),
    (
        "ctc's rest without gradient",
        "csrc/ctc.c",
        "fill_steps(b, s, s->steps, job->steps, 0.0);",
        "(void)0;",
    ),
    ("ctc's ranges cut short", "csrc/ops/ctc.h", "v_max(k - most, K(-1023))", "v_max(k - most, K(-100))"),
    ("ctc's differences rounded", "csrc/ops/ctc.h", "a.r + low)", "a.r)"),
)
