/* NumPy hands over pointers, lengths and strides in bytes. Here they become a job: of an activation, or of rows. */
#include "numpy_loops.h"

#include "../runtime/dispatch.h"
#include "jobs.h"

#include <math.h>

/* ---- ufuncs ----------------------------------------------------------------------------------------------- */

void fa_map_strided(char **args, const ptrdiff_t *n, const ptrdiff_t *strides, void *data) {
    fa_map_masked(args, n, strides, data, NULL);
}

void fa_map_masked(char **args, const ptrdiff_t *n, const ptrdiff_t *strides, const fa_map_loop *loop,
                   const char *mask) {
    fa_map_job job; /* no initializer: zeroing all inputs' places takes longer than a small call computes */
    fa_operands *operands = &job.operands;
    int arg = 0;

    job.op = loop->op;
    job.variant = loop->variant;
    job.n = (size_t)*n;
    job.mask = mask;
    operands->inputs = 0;
    operands->outputs = loop->variant == FA_BOTH ? 2 : 1;
    operands->precision = fa_precision_of(loop->out);
    if (loop->variant == FA_DERIVATIVE) { /* backward with dy = 1: the product is exact */
        static const float one = 1.0f;
        fa_operand ones = {(char *)(uintptr_t)&one, 0, FA_F32};
        operands->in[operands->inputs++] = ones;
        job.variant = FA_BACKWARD;
    }
    for (int k = 0; k < loop->inputs; k++) {
        fa_operand o = {(char *)(uintptr_t)loop->constant[k], 0, loop->in[k]};
        if (!o.data) {
            o.data = args[arg];
            o.stride = strides[arg++];
        }
        operands->in[operands->inputs++] = o;
    }
    for (size_t k = 0; k < operands->outputs; k++, arg++) {
        fa_operand out = {args[arg], strides[arg], loop->out};
        operands->out[k] = out;
    }
    fa_map_run(&job);
}

/* ---- gufuncs ------------------------------------------------------------------------------------------------ */

/* Operands in order: dy if backward, x or y, the mask if there is one, the output. One element a row (dy, the output)
 * must be as far apart over all rows. */
int fa_rows_nested(char **args, const ptrdiff_t *dims, const ptrdiff_t *strides, ptrdiff_t outer,
                   const ptrdiff_t *outer_strides, const fa_rows_loop *loop) {
    const fa_isa *isa = fa_current_isa();
    const fa_row_op *op = &fa_row_ops[loop->op];
    int backward = loop->variant != FA_VALUE, row_dy = backward && op->reduces;
    int inputs = 1 + backward, operands = inputs + loop->masked + 1;
    const ptrdiff_t *core = strides + operands;
    fa_rows_job job = {.precision = fa_precision_of(loop->dtype), .n = (size_t)dims[1]};
    job.rows = (size_t)(outer * dims[0]);
    job.inner = (size_t)dims[0];
    job.kernel = isa->kernels[job.precision]->rows.op[loop->op][loop->variant];

    int k = 0;
    if (row_dy) {
        fa_operand dy = {args[k], strides[k], loop->in_dtype};
        job.row_in = dy;
        k++;
    }
    for (; k < inputs; k++) {
        fa_matrix m = {args[k], strides[k], *core++, loop->in_dtype, 0, outer_strides[k]};
        /* A masked element counts as -inf in logits and log-probabilities (softmin: inf, since it negates them), as 0
         * in dy and probabilities. */
        double lowest = loop->op == FA_ROW_softmin ? HUGE_VAL : -HUGE_VAL;
        int logarithmic = loop->variant != FA_FROM_OUTPUT || loop->op == FA_ROW_log_softmax;
        job.in_fill[job.inputs] = k == inputs - 1 && logarithmic ? lowest : 0.0;
        job.in[job.inputs++] = m;
    }
    if (loop->masked) {
        job.mask = args[k];
        job.mask_outer = outer_strides[k];
        job.mask_row = strides[k++];
        job.mask_class = *core++;
    }
    if (op->reduces && !backward) {
        fa_operand out = {args[k], strides[k], loop->dtype};
        job.row_out = out;
    } else {
        fa_matrix out = {args[k], strides[k], *core, loop->dtype, 0, outer_strides[k]};
        job.out[job.outputs++] = out;
        /* The probability, or slope, of a masked element is 0, its logarithm -inf. */
        if (loop->op == FA_ROW_log_softmax && !backward) job.out_fill = -HUGE_VAL;
        /* what passes through the output must not overwrite grad_output, which comes after it */
        job.in[0].staged = backward && !row_dy && job.in[0].data == out.data;
    }
    return fa_rows_run(isa, &job);
}

int fa_rows_strided(char **args, const ptrdiff_t *dims, const ptrdiff_t *strides, const fa_rows_loop *loop) {
    static const ptrdiff_t none[4];
    return fa_rows_nested(args, dims, strides, 1, none, loop);
}
