"""Labels, options, out."""

from defects.defect import Defect, defects

_FAST_PATH = "fastact/_cython/fast_path.pxi"

ARGUMENTS = [
    *defects(
        "tests/layouts/test_masked_arrays.py",
        (
            "mask of a row op's input lost",
            "fastact/_functions/row_op.py",
            "return ~hidden if where is None else ~hidden & self._mask(where, shape)",
            "return where",
        ),
        (
            "hidden terms of a parameter's gradient added",
            "fastact/_functions/parameter_gradient.py",
            "terms = np.where(hidden, 0, terms)",
            "pass",
        ),
        (
            "half of a gated unit's mask lost",
            "fastact/_functions/gated.py",
            "first | second if mask is None",
            "first if mask is None",
        ),
        ("mask of a loss's argument lost", "fastact/_arrays.py", "if hides_entries(value):", "if False:"),
    ),
    *defects(
        "tests/layouts/test_containers.py",
        (
            "labels that differ let through",
            "fastact/_functions/containers.py",
            "return bool(a.equals(b)) or",
            "return len(a) == len(b) or",
        ),
        (
            "labels of operands of ufuncs not compared",
            "fastact/_functions/containers.py",
            "check_labels(op, named, by_ufunc=True)",
            "pass",
        ),
        (
            "result in no container",
            "fastact/_functions/containers.py",
            "if not _comes_back(like):",
            "if True:",
        ),
    ),
    Defect(
        "label unchecked",
        "csrc/drivers/class_loss.c",
        "if (label[i] != ignore && !is_live(c, label[i])) return first + i;",
        "(void)ignore;",
        "tests/losses/test_errors.py -k labels",
    ),
    Defect(
        "label equal to the number of classes let through",
        "csrc/drivers/class_loss.c",
        "label != c->job->ignore_index && (uint64_t)label < c->job->n;",
        "label != c->job->ignore_index && (uint64_t)label <= c->job->n;",
        "tests/losses/test_errors.py -k labels",
    ),
    Defect(
        "unsigned label wraps",
        "csrc/drivers/operands.c",
        "to[i] = label > INT64_MAX ? beyond : (int64_t)label;",
        "(void)beyond, to[i] = (int64_t)label;",
        "tests/losses/test_errors.py -k label",
    ),
    Defect(
        "8-bit labels read as signed",
        "csrc/drivers/operands.c",
        "LABELS(FA_U8, uint8_t)",
        "LABELS(FA_U8, int8_t)",
        "tests/layouts/test_rows.py -k labels",
    ),
    Defect(
        "read-only out written",
        "fastact/_arrays.py",
        "if not out.flags.writeable:",
        "if False:",
        "tests/losses/test_errors.py -k out",
    ),
    Defect(
        "option ignored: label_smoothing",
        "fastact/_losses/class_rows.py",
        '"label_smoothing", LABEL_SMOOTHING_RANGE)',
        '"label_smoothing", LABEL_SMOOTHING_RANGE) * 0.0',
        "tests/losses/test_class_losses.py -k test_rows",
    ),
    Defect(
        "option ignored: approximate",
        "fastact/_cython/functions.pxi",
        "found = found[value]",
        "found = found[default if value in found else value]",
        "tests/accuracy/test_float32.py -k gelu_tanh",
    ),
    Defect(
        "option ignored: pos_weight",
        "csrc/kernels/losses/binary.h",
        "vec positive = FN(weighted)(w * y,",
        "(void)w;\n    vec positive = FN(weighted)(y,",
        "tests/losses/test_elementwise.py",
    ),
    Defect(
        "option ignored: keepdims",
        "fastact/_functions/row_op.py",
        'keywords = {"keepdims": True} if self.reduces and not dy_is_reduced and keepdims else {}',
        "keywords = {}",
        "tests/layouts/test_rows.py -k keepdims",
    ),
    Defect(
        "mean counts ignored rows",
        "csrc/drivers/class_loss.c",
        "*live += good;",
        "*live += n;",
        "tests/losses/test_class_losses.py -k test_rows",
    ),
    *defects(
        "tests/calls/test_fast_path.py",
        (
            "an output over an input, shifted, is written as the input is read",
            _FAST_PATH,
            "ahead == 0 or (ahead >= bytes and -ahead >= bytes)",
            "True",
        ),
        (
            "plain operands of two shapes",
            _FAST_PATH,
            "cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(b) and same_shape(a, b)",
            "cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(b)",
        ),
        (
            "a number beyond float32 is taken for infinity in silence",
            _FAST_PATH,
            "wide[0] != 0.0 and not FLT_MIN <= fabs(wide[0]) <= FLT_MAX",
            "False",
        ),
        (
            "rows side by side are taken for rows behind one another",
            _FAST_PATH,
            "size * (dims[1] if rows == 1 else 1)",
            "size * dims[1]",
        ),
        (
            "a row op writes over its input",
            _FAST_PATH,
            " or may_share_memory(to, x) or may_share_memory(to, first)",
            "",
        ),
        (
            "the gate's gradient goes to the other half",
            _FAST_PATH,
            "args[3], args[4] = output + gate, output + half - gate",
            "args[3], args[4] = output + half - gate, output + gate",
        ),
    ),
]
