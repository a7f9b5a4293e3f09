"""The defects that seeded_defects.py plants: a name, a file, what stands there once, what
stands there instead, and the tests (arguments of pytest) that should see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    name: str
    path: str
    old: str
    new: str
    tests: str


# ---- memory: strides, tails, overlap ------------------------------------------------

MEMORY = [
    Defect(
        "the second of two results stored past the caches is the first",
        "csrc/loops_map.h",
        "STORE_GROUP(v_stream, z, second)",
        "STORE_GROUP(v_stream, z, first)",
        "tests/test_large_outputs.py",
    ),
    Defect(
        "a thread overtakes another that has still to read",
        "csrc/elementwise.c",
        "if (job.n > job.chunk && in_order(&job)) {",
        "if (job.n > job.chunk && 0) {",
        "tests/test_layouts.py -k ahead",
    ),
    Defect(
        "input's stride ignored",
        "csrc/operand.c",
        "copy_strided(piece, (size_t)size, fa_at(o, start + done), o->stride, raw, size);",
        "copy_strided(piece, (size_t)size, fa_at(o, start + done), size, raw, size);",
        "tests/test_layouts.py -k source_layouts",
    ),
    Defect(
        "output's stride ignored",
        "csrc/operand.c",
        "copy_strided(piece, (size_t)size, raw, size, fa_at(o, start + done), o->stride);",
        "copy_strided(piece, (size_t)size, raw, size, fa_at(o, start + done), size);",
        "tests/test_layouts.py -k out_layouts",
    ),
    Defect(
        "store's mask a lane too wide",
        "csrc/loops_map.h",
        "v_store_n(y + i, left, one)",
        "v_store_n(y + i, left + 1, one)",
        "tests/test_guard_pages.py -k maps",
    ),
    Defect(
        "store's mask a lane too wide, seen beside an output",
        "csrc/loops_map.h",
        "v_store_n(y + i, left, one)",
        "v_store_n(y + i, left + 1, one)",
        "tests/test_layouts.py -k out_layouts",
    ),
    Defect(
        "tail read past the end",
        "csrc/loops_map.h",
        "#define TAIL(k) FN(last)(in, step, k, i, left)",
        "#define TAIL(k) FN(last)(in, step, k, i, left + 1)",
        "tests/test_guard_pages.py -k maps",
    ),
    Defect(
        "tile reads rows that are not there",
        "csrc/loops_rows.h",
        "v[r] = r >= rows ? K(0) :",
        "v[r] = r > rows ? K(0) :",
        "tests/test_guard_pages.py -k rows",
    ),
    Defect(
        "loss's tail read past the end",
        "csrc/loops_losses.h",
        "#define IN(k) (masked ? FN(last)(in, step, k, i, left)",
        "#define IN(k) (masked ? FN(last)(in, step, k, i, left + 1)",
        "tests/test_guard_pages.py -k losses",
    ),
    Defect(
        "last elements of a mask unused",
        "csrc/rows.c",
        "for (size_t c = 0; c < n; c++, mask += step)",
        "for (size_t c = 0; c + 1 < n; c++, mask += step)",
        "tests/test_layouts_rows.py -k masks",
    ),
    Defect(
        "-inf given a share of a large gradient",
        "csrc/ops/softmax.h",
        "v_keep(v_lt(K(EXP_NONE), e), e) * unit",
        "e * unit",
        "tests/test_losses.py -k large_gradient",
    ),
    Defect(
        "large gradients lose small probabilities",
        "csrc/ops/softmax.h",
        "mask large = v_le(K(0x1p-20), v_abs(dy));",
        "mask large = v_le(K(INFINITY), v_abs(dy));",
        "tests/test_losses.py -k large_gradient",
    ),
    Defect(
        "a row's last vector taken whole",
        "csrc/reduce.h",
        "return left <= 0 ? 0 : left < LANES ? (size_t)left : LANES;",
        "return left <= 0 ? 0 : LANES;",
        "tests/test_guard_pages.py -k rows",
    ),
    Defect(
        "inexact arithmetic accepted",
        "csrc/simd/fp.h",
        "defined(__RECIPROCAL_MATH__) || ",
        "",
        "tests/test_c_core.py -k inexact",
    ),
    Defect(
        "masked results not cleared",
        "csrc/rows.c",
        "if (p->job->mask) fill_masked(p, row, 0.0, from);",
        "",
        "tests/test_layouts_rows.py -k masks",
    ),
    Defect(
        "overlap of output and inputs unseen",
        "fastact/_arrays.py",
        "sharing = [s for s in sources if usable and _core.may_share_memory(self.out, s)]",
        "sharing: list[Array] = []",
        "tests/test_layouts_rows.py -k loss_out_layouts",
    ),
    Defect(
        "grad_output overwritten before it is read",
        "csrc/rows.c",
        "job.in[0].staged = backward && !row_dy && job.in[0].data == out.data;",
        "",
        "tests/test_layouts_rows.py -k row_layouts",
    ),
]

# ---- arguments: labels, options, out ---------------------------------------------------

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
        'smoothing = label_smoothing(options.get("label_smoothing", 0.0))',
        'smoothing = label_smoothing(options.get("label_smoothing", 0.0)) * 0.0',
        "tests/test_losses.py -k test_rows",
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
        "tests/test_losses.py -k test_rows",
    ),
]

# ---- numbers: kinks, NaN, precision ------------------------------------------------------

NUMBERS = [
    Defect(
        "relu'(0) is 1",
        "csrc/ops/rectifiers.h",
        "FN(relu_d1)(vec x) { return FN(constant_slope)(x, v_keep(v_lt(K(0), x), K(1)));",
        "FN(relu_d1)(vec x) { return FN(constant_slope)(x, v_keep(v_le(K(0), x), K(1)));",
        "tests/test_special_values.py",
    ),
    Defect(
        "relu drops NaN",
        "csrc/ops/rectifiers.h",
        "return v_max(K(0), x);",
        "return v_max(x, K(0));",
        "tests/test_special_values.py",
    ),
    Defect(
        "row's largest element drops a vector",
        "csrc/reduce.h",
        "a = v_max(v_max(a, b), v_max(c, d));",
        "a = v_max(v_max(a, b), c);",
        "tests/test_rows.py",
    ),
    Defect(
        "winner's gradient is p - 1",
        "csrc/ops/cross_entropy.h",
        "return FN(times)(f->factor, f->others.hi + v_fnma(e, K(EXP_UNIT), K(1)));",
        "return K(1) - FN(times)(f->factor, e * K(EXP_UNIT));",
        "tests/test_losses.py -k confident",
    ),
    Defect(
        "bfloat16 truncated",
        "csrc/simd/convert.h",
        "bits + 0x7fff + ((bits >> 16) & 1)",
        "bits",
        "tests/test_narrow_types.py",
    ),
    Defect(
        "zero weight times infinity is NaN",
        "csrc/reduce.h",
        "return v_select(v_eq(weight, K(0)), K(0), weight * v);",
        "return weight * v;",
        "tests/test_losses.py",
    ),
]

# ---- the same bits, threads, processes -----------------------------------------------------

DETERMINISM = [
    Defect(
        "order of a sum depends on threads",
        "csrc/losses.c",
        "fa_fold(&state);\n        free(p.partial);",
        "0.0;\n        for (size_t k = 0, t = (size_t)fa_get_threads(); k < t; k++)\n"
        "            for (size_t i = k; i < chunks; i += t) *job->total += p.partial[i];\n"
        "        free(p.partial);",
        "tests/test_determinism.py -k thread_counts",
    ),
    Defect(
        "one instruction set without fma",
        "csrc/simd/avx2.h",
        "FA_INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c) { return _mm256_fmadd_ps(a, b, c); }",
        "FA_INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c) { return a * b + c; }",
        "tests/test_determinism.py -k instruction_sets",
    ),
    Defect(
        "one task left out",
        "csrc/parallel.c",
        "job j = {task, context, tasks, 0};",
        "job j = {task, context, tasks - 1, 0};",
        "tests/test_determinism.py -k thread_counts",
    ),
    Defect(
        "caller does not wait for its threads",
        "csrc/parallel.c",
        "while (pool.running) fa_cond_wait(&pool.finished, &pool.lock);",
        "",
        "tests/test_threads.py tests/test_determinism.py",
    ),
    Defect(
        "floating-point flags leak",
        "csrc/parallel.c",
        "        for (size_t i = 0; i < tasks; i++) task(context, i);\n    }\n    fa_fpstate_leave(found);",
        "        for (size_t i = 0; i < tasks; i++) task(context, i);\n    }\n    (void)found;",
        "tests/test_threads.py -k flags",
    ),
    Defect(
        "rounding mode of the host used",
        "csrc/simd/fpstate.h",
        "_mm_setcsr(0x1f80);",
        "_mm_setcsr((found & 0x6000u) | 0x1f80u);",
        "tests/test_threads.py -k rounding",
    ),
    Defect(
        "forked child believes in its parent's threads",
        "csrc/parallel.c",
        "pool.workers = pool.wanted = 0;",
        "pool.wanted = 0;",
        "tests/test_processes.py -k fork",
    ),
    Defect(
        "lock of Python held while a loss of rows computes",
        "fastact/_core.pyx",
        "    with nogil:\n        status = fa_row_loss_run(&job, &bad)",
        "    status = fa_row_loss_run(&job, &bad)",
        "tests/test_threads.py -k gil",
    ),
    Defect(
        "lock of Python held while an elementwise loss computes",
        "fastact/_core.pyx",
        "    with nogil:\n        failed = fa_loss_run(&job)",
        "    failed = fa_loss_run(&job)",
        "tests/test_threads.py -k gil",
    ),
    Defect(
        "abreast, the last tile a lane too wide",
        "csrc/reduce.h",
        "w.tail = (a->rows - a->head) % LANES;",
        "w.tail = (a->rows - a->head) % LANES ? (a->rows - a->head) % LANES + 1 : 0;",
        "tests/test_guard_pages.py -k rows",
    ),
    Defect(
        "target overwritten that is the input too",
        "fastact/_arrays.py",
        "        usable = usable and len(sharing) <= 1  # a target that is the input is read once more\n",
        "",
        "tests/test_rows_abreast.py -k target_that_is",
    ),
    Defect(
        "abreast, the first tile forgotten",
        "csrc/reduce.h",
        "for (size_t t = (w).first_whole ? 0 : (done);",
        "for (size_t t = (done);",
        "tests/test_rows_abreast.py",
    ),
    Defect(
        "abreast, labels of the wrong rows",
        "csrc/ops/cross_entropy.h",
        "const size_t row = FN(start_of)(c->p.w, t, 0) + k;",
        "const size_t row = t * LANES + k;",
        "tests/test_rows_abreast.py -k cross_entropy",
    ),
    Defect(
        "a 0 moves what Kahan's sum lost",
        "csrc/sums.h",
        "f64_select(none, s.lost, f64_no_nan((sum - s.sum) - y))",
        "f64_no_nan((sum - s.sum) - y)",
        "tests/test_rows_abreast.py -k softmax_backward",
    ),
]

# ---- activations with more than one function ---------------------------------------------

COMPOSED = [
    Defect(
        "a parameter's gradient misses the last row of a chunk",
        "csrc/parameter_sums.c",
        "for (; o < last; o++) {",
        "for (; o + 1 < last; o++) {",
        "tests/test_trained.py -k sums",
    ),
    Defect(
        "terms of a parameter's gradient rounded to float16",
        "fastact/_trained.py",
        "self._by_parameter(*(a.astype(np.float32) if _is_narrow(a) else a for a in (dy, x, p)))",
        "self._by_parameter(dy, x, p)",
        "tests/test_trained.py -k added_wide",
    ),
    Defect(
        "the input overwritten before the parameter's gradient",
        "fastact/_trained.py",
        "            terms = self._by_parameter(",
        "            self._by_input(dy, x, p, out=outs[0])\n            terms = self._by_parameter(",
        "tests/test_trained.py -k out",
    ),
    Defect(
        "the second of two results stored a lane too wide",
        "csrc/loops_map.h",
        "v_store_n(z + i, left, g last_arguments)",
        "v_store_n(z + i, left + 1, g last_arguments)",
        "tests/test_trained.py -k one_pass",
    ),
    Defect(
        "celu's alpha not scaled",
        "csrc/ops/exponential.h",
        "v_select(v_lt(v_abs(alpha), K(EXP_UNIT)), K(1 / EXP_UNIT), K(1))",
        "K(1)",
        "tests/test_parameters.py -k celu",
    ),
    Defect(
        "a result of a factor rounded to a subnormal first",
        "csrc/ops/exponential.h",
        "factor * K(EXP_UNIT), factor) * falling * v_select(large, K(1), K(EXP_UNIT));",
        "K(0), K(0)) + factor * (falling * K(EXP_UNIT) + v_keep(large, K(0)));",
        "tests/test_parameters.py",
    ),
    Defect(
        "exponentials that stop falling under a large factor",
        "csrc/ops/exponential.h",
        "v_keep(v_mask_not(v_le(u, K(EXP_LEAST))), y)",
        "y",
        "tests/test_parameters.py",
    ),
    Defect(
        "the elements before a line boundary counted twice",
        "csrc/elementwise.c",
        "job->kernel(n - head, in_rest,",
        "job->kernel(n, in_rest,",
        "tests/test_layouts.py -k cache_line",
    ),
    Defect(
        "an input that repeats moved with the others",
        "csrc/elementwise.c",
        "head * size * step[k];",
        "head * size;",
        "tests/test_layouts.py -k cache_line",
    ),
    Defect(
        "two gradients in one pass: the second stored before the first is computed",
        "csrc/loops_map.h",
        "            vec one = f last_arguments;                                                         \\\n"
        "            if (g) v_store_n(z + i, left, g last_arguments);                                    \\\n"
        "            v_store_n(y + i, left, one);",
        "            if (g) v_store_n(z + i, left, g last_arguments);                                    \\\n"
        "            v_store_n(y + i, left, f last_arguments);",
        "tests/test_trained.py -k one_pass",
    ),
    Defect(
        "tanh's first piece ends where a, not 1 + a, does",
        "csrc/vmath/f32.h",
        "v_lt(K(1) + a, K(1.25f))",
        "v_lt(a, K(0.25f))",
        "tests/test_accuracy_float32.py -k monotone",
    ),
    Defect(
        "sigmoid's remainder not divided",
        "csrc/ops/sigmoids.h",
        "return v_fma(v_fnma(q, e - (d - K(1)), v_fnma(q, d, n)), inverse, q);",
        "return q + v_fnma(q, e - (d - K(1)), v_fnma(q, d, n));",
        "tests/test_accuracy_float32.py -k monotone",
    ),
    Defect(
        "sparsemax stops after one pass",
        "csrc/ops/sparse_rows.h",
        "while (FN(raise_threshold)(p)) {}",
        "FN(raise_threshold)(p);",
        "tests/test_composed.py -k sparse",
    ),
    Defect(
        "hardmax marks every maximum",
        "csrc/ops/sparse_rows.h",
        "if (p->w.direction != FA_ALONG) s->count = s->count + one;",
        "",
        "tests/test_composed.py -k sparse",
    ),
    Defect(
        "what softmin leaves out counts as least",
        "csrc/rows.c",
        "loop->op == FA_ROW_softmin ? HUGE_VAL : -HUGE_VAL",
        "-HUGE_VAL",
        "tests/test_rows.py -k mask",
    ),
    Defect(
        "hardswish' at -3",
        "csrc/ops/hard.h",
        "return v_select(v_le(x, K(-3)), K(0),",
        "return v_select(v_lt(x, K(-3)), K(0),",
        "tests/test_special_values.py -k hardswish",
    ),
]

# ---- CTC -----------------------------------------------------------------------------------

CTC = [
    Defect(name, path, old, new, "tests/test_ctc_calls.py tests/test_ctc.py")
    for name, path, old, new in [
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
    ]
]

# ---- memory that is kept ---------------------------------------------------------------------

LEAKS = [
    Defect(name, path, old, new, "tests/test_leaks.py")
    for name, path, old, new in [
        (
            "halves hold the dtype twice",
            "fastact/_calls.pxi",
            "    Py_INCREF(<object>descr)",
            "    Py_INCREF(<object>descr)\n    Py_INCREF(<object>descr)",
        ),
        (
            "cross entropy holds its input",
            "fastact/_core.pyx",
            "    job.loss = FA_CROSS_ENTROPY",
            "    Py_INCREF(x)\n    job.loss = FA_CROSS_ENTROPY",
        ),
        (
            "a list of losses' results",
            "fastact/_core.pyx",
            "    job.op = op\n",
            "    job.op = op\n    keep(b'%d' % n)\n",
        ),
        ("rows abreast keep their memory", "csrc/rows.c", "free(memory);", ";"),
        ("a wide loss keeps its memory", "csrc/wide_losses.c", "free(m.memory);", ";"),
        ("ctc keeps its labels", "csrc/ctc.c", "free(b.label);", ";"),
    ]
]

DEFECTS = [*LEAKS, *CTC, *COMPOSED, *MEMORY, *ARGUMENTS, *NUMBERS, *DETERMINISM]
