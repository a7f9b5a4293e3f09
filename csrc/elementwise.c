#include "elementwise.h"

#include "operand.h"

typedef struct {
    const fa_isa *isa;
    fa_run run;
    fa_map_kernel *kernel;
    size_t n, chunk;
} map_job;

static void map_piece(void *context, size_t n, const void *const in[], const size_t step[], void *const out[]) {
    ((const map_job *)context)->kernel(n, in, step, out[0]);
}

static void map_chunk(void *context, size_t index) {
    map_job *job = context;
    size_t start = index * job->chunk, left = job->n - start;
    fa_run_over(job->isa, &job->run, start, left < job->chunk ? left : job->chunk, map_piece, job);
}

/* Elements worth a task of their own: some 20 us of work, so that waking a thread pays. */
static size_t chunk_of(fa_cost cost) {
    static const size_t chunk[] = {1 << 17, 1 << 16, 1 << 15};
    return chunk[cost];
}

void fa_map_strided(char **args, const ptrdiff_t *n, const ptrdiff_t *strides, void *data) {
    const fa_map_loop *loop = data;
    map_job job; /* no initializer: it would zero what no input uses, for longer than a small call computes */
    fa_run *run = &job.run;
    fa_variant variant = loop->variant;
    int arg = 0;

    job.isa = fa_current_isa();
    job.n = (size_t)*n;
    job.chunk = chunk_of(fa_activations[loop->op].cost);
    run->inputs = 0;
    run->outputs = 1;
    run->precision = fa_precision_of(loop->out);
    if (variant == FA_DERIVATIVE) { /* backward with dy = 1: the product is exact */
        static const float one = 1.0f;
        fa_operand ones = {(char *)(uintptr_t)&one, 0, FA_F32};
        run->in[run->inputs++] = ones;
        variant = FA_BACKWARD;
    }
    for (int k = 0; k < loop->inputs; k++) {
        fa_operand o = {(char *)(uintptr_t)loop->fixed[k], 0, loop->in[k]};
        if (!o.data) {
            o.data = args[arg];
            o.stride = strides[arg++];
        }
        run->in[run->inputs++] = o;
    }
    fa_operand out = {args[arg], strides[arg], loop->out};
    run->out[0] = out;
    job.kernel = job.isa->kernels[run->precision]->map[loop->op][variant];

    fa_parallel_for((job.n + job.chunk - 1) / job.chunk, map_chunk, &job);
}
