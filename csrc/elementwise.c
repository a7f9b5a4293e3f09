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
    map_job job = {.isa = fa_current_isa(), .n = (size_t)*n, .chunk = chunk_of(fa_activations[loop->op].cost)};
    const double one[] = {1.0};
    fa_variant variant = loop->variant;
    size_t first = 0;

    if (variant == FA_DERIVATIVE) { /* backward with dy = 1: the product is exact */
        fa_operand ones = {(char *)(uintptr_t)one, 0, FA_F64};
        job.run.in[first++] = ones;
        variant = FA_BACKWARD;
    }
    for (int k = 0; k < loop->inputs; k++) {
        fa_operand o = {args[k], strides[k], loop->in[k]};
        job.run.in[first + (size_t)k] = o;
    }
    fa_operand out = {args[loop->inputs], strides[loop->inputs], loop->out};
    job.run.inputs = first + (size_t)loop->inputs;
    job.run.outputs = 1;
    job.run.out[0] = out;
    job.run.precision = fa_precision_of(loop->out);
    job.kernel = job.isa->kernels[job.run.precision]->map[loop->op][variant];

    fa_parallel_for((job.n + job.chunk - 1) / job.chunk, map_chunk, &job);
}
