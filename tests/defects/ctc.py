"""CTC."""

from defects.defect import defects

CTC = defects(
    "tests/losses/test_ctc_calls.py tests/losses/test_ctc.py",
    (
        "the blank among ctc's labels",
        "csrc/drivers/ctc.c",
        " && label != job->blank) continue;",
        ") continue;",
    ),
    (
        "ctc's labels up to the classes",
        "csrc/drivers/ctc.c",
        "label < job->classes &&",
        "label <= job->classes &&",
    ),
    ("ctc's steps up to one more", "csrc/drivers/ctc.c", "> job->steps) return", "> job->steps + 1) return"),
    (
        "ctc skips between equal labels",
        "csrc/drivers/ctc.c",
        "s->label[j] != s->label[j - 1] ? 0.0 :",
        "j ? 0.0 :",
    ),
    ("ctc's mantissas never normal", "csrc/drivers/ctc.c", "t % FA_CTC_NORMALISE == 0", "t > 1u << 30"),
    (
        "ctc's rest without gradient",
        "csrc/drivers/ctc.c",
        "fill_steps(b, s, s->steps, job->steps, 0.0);",
        "(void)0;",
    ),
    (
        "ctc's ranges cut short",
        "csrc/kernels/ctc_kernel.h",
        "v_max(k - most, K(-1023))",
        "v_max(k - most, K(-100))",
    ),
    ("ctc's differences rounded", "csrc/kernels/ctc_kernel.h", "a.r + low)", "a.r)"),
)
