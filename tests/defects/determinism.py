"""The same bits, threads, processes."""

from defects.defect import Defect

DETERMINISM = [
    Defect(
        "jacobian's sums follow the layout",
        "fastact/_functions/row_op.py",
        "return np.ascontiguousarray(array)",
        "return array",
        "tests/layouts/test_rows.py -k jacobian",
    ),
    Defect(
        "order of a sum depends on threads",
        "csrc/drivers/elementwise_loss.c",
        "fa_sum_doubles(p.isa, tasks, p.partial);\n        free(p.partial);",
        "0.0;\n        for (size_t k = 0, t = (size_t)fa_get_threads(); k < t; k++)\n"
        "            for (size_t i = k; i < tasks; i += t) *job->total += p.partial[i];\n"
        "        free(p.partial);",
        "tests/layouts/test_determinism.py -k thread_counts",
    ),
    Defect(
        "one instruction set without fma",
        "csrc/simd/avx2.h",
        "FA_INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c) { return _mm256_fmadd_ps(a, b, c); }",
        "FA_INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c) { return a * b + c; }",
        "tests/layouts/test_determinism.py -k instruction_sets",
    ),
    Defect(
        "one task left out",
        "csrc/runtime/parallel.c",
        "job j = {task, context, tasks, 0};",
        "job j = {task, context, tasks - 1, 0};",
        "tests/layouts/test_determinism.py -k thread_counts",
    ),
    Defect(
        "caller does not wait for its threads",
        "csrc/runtime/parallel.c",
        "while (pool.running) fa_cond_wait(&pool.finished, &pool.lock);",
        "",
        "tests/processes/test_threads.py tests/layouts/test_determinism.py",
    ),
    Defect(
        "floating-point flags leak",
        "csrc/runtime/parallel.c",
        "        for (size_t i = 0; i < tasks; i++) task(context, i);\n    }\n    fa_fpstate_leave(found);",
        "        for (size_t i = 0; i < tasks; i++) task(context, i);\n    }\n    (void)found;",
        "tests/processes/test_threads.py -k flags",
    ),
    Defect(
        "rounding mode of the host used",
        "csrc/runtime/fpstate.h",
        "_mm_setcsr(0x1f80);",
        "_mm_setcsr((found & 0x6000u) | 0x1f80u);",
        "tests/processes/test_threads.py -k rounding",
    ),
    Defect(
        "forked child believes in its parent's threads",
        "csrc/runtime/parallel.c",
        "pool.workers = pool.wanted = 0;",
        "pool.wanted = 0;",
        "tests/processes/test_processes.py -k fork",
    ),
    Defect(
        "lock of Python held while a loss of rows computes",
        "fastact/_cython/loss_jobs.pxi",
        "    with nogil:\n        status = fa_class_loss_run(job, &bad)",
        "    status = fa_class_loss_run(job, &bad)",
        "tests/processes/test_threads.py -k gil",
    ),
    Defect(
        "lock of Python held while a loss of float64 rows computes",
        "fastact/_cython/loss_jobs.pxi",
        "    with nogil:\n        status = fa_float64_row_loss_run(&job, &bad)",
        "    status = fa_float64_row_loss_run(&job, &bad)",
        "tests/processes/test_threads.py -k gil",
    ),
    Defect(
        "lock of Python held while a loss of sequences computes",
        "fastact/_cython/loss_jobs.pxi",
        "    with nogil:\n        status = fa_ctc_run(&job, &bad)",
        "    status = fa_ctc_run(&job, &bad)",
        "tests/processes/test_threads.py -k gil",
    ),
    Defect(
        "lock of Python held while an elementwise loss computes",
        "fastact/_cython/loss_jobs.pxi",
        "    with nogil:\n        failed = fa_elementwise_loss_run(&job)",
        "    failed = fa_elementwise_loss_run(&job)",
        "tests/processes/test_threads.py -k gil",
    ),
    Defect(
        "a panel's last tile a lane too wide",
        "csrc/kernels/rows/row_shape.h",
        "shape.tail = (a->rows - a->head) % LANES;",
        "shape.tail = (a->rows - a->head) % LANES ? (a->rows - a->head) % LANES + 1 : 0;",
        "tests/layouts/test_guard_pages.py -k rows",
    ),
    Defect(
        "target overwritten that is the input too",
        "fastact/_arrays.py",
        "        usable = usable and len(sharing) <= 1  # a target that is the input is read once more\n",
        "",
        "tests/rows/test_panels.py -k target_that_is",
    ),
    Defect(
        "a panel's first tile forgotten",
        "csrc/kernels/rows/row_shape.h",
        "for (size_t t = (shape).first_whole ? 0 : (done);",
        "for (size_t t = (done);",
        "tests/rows/test_panels.py",
    ),
    Defect(
        "in a panel, labels of the wrong rows",
        "csrc/kernels/rows/cross_entropy.h",
        "const size_t row = FN(first_row_of)(c->p.shape, t, 0) + k;",
        "const size_t row = t * LANES + k;",
        "tests/rows/test_panels.py -k cross_entropy",
    ),
    Defect(
        "a 0 moves what Kahan's sum lost",
        "csrc/math/accumulators.h",
        "f64_select(none, s.lost, f64_no_nan((sum - s.sum) - y))",
        "f64_no_nan((sum - s.sum) - y)",
        "tests/rows/test_panels.py -k softmax_backward",
    ),
]
