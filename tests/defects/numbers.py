"""Kinks, NaN, precision."""

from defects.defect import Defect

NUMBERS = [
    Defect(
        "relu'(0) is 1",
        "csrc/kernels/activations/rectifiers.h",
        "FN(relu_d1)(vec x) { return FN(constant_slope)(x, v_keep(v_lt(K(0), x), K(1)));",
        "FN(relu_d1)(vec x) { return FN(constant_slope)(x, v_keep(v_le(K(0), x), K(1)));",
        "tests/accuracy/test_special_values.py",
    ),
    Defect(
        "relu drops NaN",
        "csrc/kernels/activations/rectifiers.h",
        "return v_max(K(0), x);",
        "return v_max(x, K(0));",
        "tests/accuracy/test_special_values.py",
    ),
    Defect(
        "row's largest element drops a vector",
        "csrc/kernels/rows/reduce.h",
        "a = v_max(v_max(a, b), v_max(c, d));",
        "a = v_max(v_max(a, b), c);",
        "tests/rows/test_row_ops.py",
    ),
    Defect(
        "short row's second group of slots left out",
        "csrc/kernels/rows/reduce.h",
        "v[to + k] = v[from + k] + v[from + SLOTS + k];",
        "v[to + k] = v[from + k];",
        "tests/rows/test_row_ops.py",
    ),
    Defect(
        "short row's last slot left out",
        "csrc/kernels/rows/reduce.h",
        "if (k + half_of_all < used)",
        "if (k + half_of_all + 1 < used)",
        "tests/rows/test_row_ops.py",
    ),
    Defect(
        "what a sum of rows' losses lost stays lost",
        "csrc/kernels/float64_sums.h",
        "lost[k] = lost[k] - ((s[k] - (total - t)) + (v - t));",
        "lost[k] = lost[k] - f64_splat(0) * t;",
        "tests/losses/test_class_losses.py",
    ),
    Defect(
        "winner's gradient is p - 1",
        "csrc/kernels/rows/cross_entropy.h",
        "return FN(dd_times)(f->factor, f->sum_excl_max.hi + v_fnma(e, K(EXP_SCALE), K(1)));",
        "return K(1) - FN(dd_times)(f->factor, e * K(EXP_SCALE));",
        "tests/losses/test_class_losses.py -k confident",
    ),
    Defect(
        "bfloat16 truncated",
        "csrc/simd/generic.h",
        "bits + 0x7fff + ((bits >> 16) & 1)",
        "bits",
        "tests/accuracy/test_narrow_types.py",
    ),
    Defect(
        "zero weight times infinity is NaN",
        "csrc/kernels/common.h",
        "return v_select(v_eq(weight, K(0)), K(0), weight * v);",
        "return weight * v;",
        "tests/losses/test_elementwise.py",
    ),
    Defect(
        "weights brought near 1 by those of classes that are no label",
        "csrc/drivers/class_loss.c",
        "largest = fmax(largest, fabs(weight[i]));",
        "largest = fmax(largest, fabs(c->weight[i % c->job->n]));",
        "tests/losses/test_class_losses.py -k no_label",
    ),
]
