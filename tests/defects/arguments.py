"""Labels, options, out."""

from defects.defect import Defect

ARGUMENTS = [
    Defect(
        "label unchecked",
        "csrc/row_losses.c",
        "if (label[i] != ignore && !is_live(c, label[i])) return first + i;",
        "(void)ignore;",
        "tests/test_loss_errors.py -k labels",
    ),
    Defect(
        "label equal to the number of classes let through",
        "csrc/row_losses.c",
        "label != c->job->ignore_index && (uint64_t)label < c->job->n;",
        "label != c->job->ignore_index && (uint64_t)label <= c->job->n;",
        "tests/test_loss_errors.py -k labels",
    ),
    Defect(
        "unsigned label wraps",
        "csrc/operand.c",
        "to[i] = label > INT64_MAX ? beyond : (int64_t)label;",
        "(void)beyond, to[i] = (int64_t)label;",
        "tests/test_loss_errors.py -k label",
    ),
    Defect(
        "8-bit labels read as signed",
        "csrc/operand.c",
        "LABELS(FA_U8, uint8_t)",
        "LABELS(FA_U8, int8_t)",
        "tests/test_layouts_rows.py -k labels",
    ),
    Defect(
        "read-only out written",
        "fastact/_arrays.py",
        "if not out.flags.writeable:",
        "if False:",
        "tests/test_loss_errors.py -k out",
    ),
    Defect(
        "option ignored: label_smoothing",
        "fastact/_row_loss.py",
        'smoothing = number(options.get("label_smoothing", 0.0), "label_smoothing", SMOOTHING)',
        'smoothing = number(options.get("label_smoothing", 0.0), "label_smoothing", SMOOTHING) * 0.0',
        "tests/test_row_losses.py -k test_rows",
    ),
    Defect(
        "option ignored: approximate",
        "fastact/_calls.pxi",
        "found = found[value]",
        "found = found[default if value in found else value]",
        "tests/test_accuracy_float32.py -k gelu_tanh",
    ),
    Defect(
        "option ignored: pos_weight",
        "csrc/ops/binary_losses.h",
        "vec positive = FN(weighted)(w * y,",
        "(void)w;\n    vec positive = FN(weighted)(y,",
        "tests/test_losses.py -k elementwise",
    ),
    Defect(
        "option ignored: keepdims",
        "fastact/_row_op.py",
        'keywords = {"keepdims": True} if self.reduces and not row_dy and keepdims else {}',
        "keywords = {}",
        "tests/test_layouts_rows.py -k keepdims",
    ),
    Defect(
        "mean counts ignored rows",
        "csrc/row_losses.c",
        "*live += good;",
        "*live += n;",
        "tests/test_row_losses.py -k test_rows",
    ),
]
