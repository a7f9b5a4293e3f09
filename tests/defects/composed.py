"""Activations with more than one function."""

from defects.defect import Defect, defects

COMPOSED = [
    Defect(
        "a parameter's gradient misses the last row of a task",
        "csrc/drivers/reductions.c",
        "for (; o < last; o++) {",
        "for (; o + 1 < last; o++) {",
        "tests/calls/test_parameter_gradient.py -k sums",
    ),
    Defect(
        "terms of a parameter's gradient rounded to float16",
        "fastact/_functions/parameter_gradient.py",
        "self._by_parameter(*(a.astype(np.float32) if _is_narrow(a) else a for a in (dy, x, p)))",
        "self._by_parameter(dy, x, p)",
        "tests/calls/test_parameter_gradient.py -k added_wide",
    ),
    Defect(
        "the input overwritten before the parameter's gradient",
        "fastact/_functions/parameter_gradient.py",
        "            terms = self._by_parameter(",
        "            self._by_input(dy, x, p, out=outs[0])\n            terms = self._by_parameter(",
        "tests/calls/test_parameter_gradient.py -k out",
    ),
    Defect(
        "the second of two results stored a lane too wide",
        "csrc/kernels/map_loop.h",
        "v_store_n(z + i, left, g last_arguments)",
        "v_store_n(z + i, left + 1, g last_arguments)",
        "tests/calls/test_parameter_gradient.py -k one_pass",
    ),
    Defect(
        "celu's alpha not scaled",
        "csrc/kernels/activations/exponential.h",
        "v_select(v_lt(v_abs(alpha), K(EXP_SCALE)), K(1 / EXP_SCALE), K(1))",
        "K(1)",
        "tests/accuracy/test_parameters.py -k celu",
    ),
    Defect(
        "a result of a factor rounded to a subnormal first",
        "csrc/kernels/activations/exponential.h",
        "part * falling * v_select(scaled, K(1), K(EXP_SCALE));",
        "part * (falling * v_select(scaled, K(1), K(EXP_SCALE)));",
        "tests/accuracy/test_parameters.py",
    ),
    Defect(
        "exponentials that stop falling under a large factor",
        "csrc/kernels/activations/exponential.h",
        "v_keep(v_mask_not(v_le(u, K(EXP_MIN))), y)",
        "y",
        "tests/accuracy/test_parameters.py",
    ),
    Defect(
        "the elements before a line boundary counted twice",
        "csrc/drivers/map.c",
        "c->kernel(n - head, in_rest,",
        "c->kernel(n, in_rest,",
        "tests/layouts/test_elementwise.py -k cache_line",
    ),
    Defect(
        "an input that repeats moved with the others",
        "csrc/drivers/map.c",
        "head * size * step[k];",
        "head * size;",
        "tests/layouts/test_elementwise.py -k cache_line",
    ),
    Defect(
        "two gradients in one pass: the second stored before the first is computed",
        "csrc/kernels/map_loop.h",
        "            vec one = f last_arguments;                                                         \\\n"
        "            if (g) v_store_n(z + i, left, g last_arguments);                                    \\\n"
        "            v_store_n(y + i, left, one);",
        "            if (g) v_store_n(z + i, left, g last_arguments);                                    \\\n"
        "            v_store_n(y + i, left, f last_arguments);",
        "tests/calls/test_parameter_gradient.py -k one_pass",
    ),
    Defect(
        "tanh's first piece ends where a, not 1 + a, does",
        "csrc/math/elementary_f32.h",
        "v_lt(K(1) + a, K(1.25f))",
        "v_lt(a, K(0.25f))",
        "tests/accuracy/test_float32.py -k monotone",
    ),
    Defect(
        "sigmoid's remainder not divided",
        "csrc/kernels/activations/sigmoids.h",
        "return v_fma(v_fnma(q, e - (d - K(1)), v_fnma(q, d, n)), inverse, q);",
        "return q + v_fnma(q, e - (d - K(1)), v_fnma(q, d, n));",
        "tests/accuracy/test_float32.py -k monotone",
    ),
    Defect(
        "sparsemax stops after one pass",
        "csrc/kernels/rows/sparse.h",
        "while (FN(raise_threshold)(p)) {}",
        "FN(raise_threshold)(p);",
        "tests/rows/test_sparse.py",
    ),
    Defect(
        "hardmax marks every maximum",
        "csrc/kernels/rows/sparse.h",
        "if (p->shape.traversal != FA_WITHIN_ROW) s->count = s->count + one;",
        "",
        "tests/rows/test_sparse.py",
    ),
    Defect(
        "what softmin leaves out counts as least",
        "csrc/drivers/numpy_loops.c",
        "loop->op == FA_ROW_softmin ? HUGE_VAL : -HUGE_VAL",
        "-HUGE_VAL",
        "tests/rows/test_row_ops.py -k mask",
    ),
    *defects(
        "tests/accuracy/test_parameters.py",
        (
            "0 inf in a slope",
            "csrc/kernels/common.h",
            "K(1), K(INFINITY)); }",
            "K(INFINITY), K(INFINITY)); }",
        ),
        (
            "swish of beta 0 at infinities",
            "csrc/kernels/activations/gated.h",
            "v_select(v_eq(beta, K(0)), K(0.5) * x, y);",
            "y;",
        ),
        (
            "1/alpha before its scale",
            "csrc/kernels/activations/exponential.h",
            "d.inverse * (d.scale * K(EXP_SCALE))",
            "(d.inverse * d.scale) * K(EXP_SCALE)",
        ),
    ),
    Defect(
        "hardswish' at -3",
        "csrc/kernels/activations/hard.h",
        "v_mask_or(v_le(x, K(-3)), v_eq(x, K(-1.5)))",
        "v_mask_or(v_lt(x, K(-3)), v_eq(x, K(-1.5)))",
        "tests/accuracy/test_special_values.py -k hardswish",
    ),
]
