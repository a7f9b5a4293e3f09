/* Activations over operands of any layout, as NumPy calls a ufunc's inner loop: chunks go to threads, what kernels
 * cannot use in place is staged (operands.h), large outputs are stored past the caches. The kernels are
 * kernels/map_loop.h. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* mincore */
#endif
#include "numpy_loops.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/stream.h"
#include "operands.h"

typedef struct {
    const fa_isa *isa;
    fa_operands operands;
    fa_map_kernel *kernel;
    size_t n, chunk;
    int streams;
} map_job;

enum { LINE = 64 };

/* The addresses of n > 0 elements, *first to *end - 1. */
static void extent(const fa_operand *o, size_t n, uintptr_t *first, uintptr_t *end) {
    uintptr_t a = (uintptr_t)o->data, b = a + (uintptr_t)((ptrdiff_t)(n - 1) * o->stride);
    *first = a < b ? a : b;
    *end = (a < b ? b : a) + fa_itemsize(o->dtype);
}

/* Does an output overlap an input without being the same operand? NumPy passes that on where elements computed in
 * order, first to last, are read before they are overwritten. Then neither threads nor streaming may change the
 * order. */
static int must_go_in_order(const map_job *job) {
    for (size_t k = 0; k < job->operands.outputs; k++) {
        const fa_operand *o = &job->operands.out[k];
        uintptr_t first, end, in_first, in_end;
        extent(o, job->n, &first, &end);
        for (size_t j = 0; j < job->operands.inputs; j++) {
            const fa_operand *in = &job->operands.in[j];
            extent(in, job->n, &in_first, &in_end);
            if (in_first < end && first < in_end && (in->data != o->data || in->stride != o->stride)) return 1;
        }
    }
    return 0;
}

/* Should outputs be stored past the caches? Only if they are large, resident (runtime/stream.h), contiguous, aligned
 * alike and no input. Not where an input is staged, whose pieces would each have to wait for the stores. */
static int should_stream(const map_job *job) {
    const fa_operands *operands = &job->operands;
    const size_t size = fa_realsize(operands->precision), bytes = job->n * size;
    if (bytes < FA_STREAM_MIN_BYTES || !fa_streams_pay()) return 0;
    for (size_t j = 0; j < operands->inputs; j++)
        if (operands->in[j].stride &&
            !(fa_is_contiguous(&operands->in[j]) && fa_itemsize(operands->in[j].dtype) == size))
            return 0;
    for (size_t k = 0; k < operands->outputs; k++) {
        const fa_operand *o = &operands->out[k];
        if (!fa_is_contiguous(o) || fa_itemsize(o->dtype) != size || !fa_is_resident(o->data, bytes)) return 0;
        if (((uintptr_t)o->data - (uintptr_t)operands->out[0].data) % LINE) return 0;
        for (size_t j = 0; j < operands->inputs; j++)
            if (operands->in[j].data == o->data) return 0; /* it is being read, so it is in the cache */
    }
    return 1;
}

/* A vector that straddles two cache lines costs two stores. So the elements before the output's first line boundary are
 * computed by themselves, if enough others follow to gain from that. NumPy's large arrays start 16 bytes behind a
 * boundary. */
static void map_piece(void *context, size_t n, const void *const in[], const size_t step[], void *const out[]) {
    enum { ENOUGH = 512 };
    const map_job *job = context;
    size_t size = fa_realsize(job->operands.precision), beyond = (uintptr_t)out[0] % LINE,
           head = (LINE - beyond) % LINE / size;
    if (n < ENOUGH || beyond % size || (head == 0 && !job->streams)) {
        job->kernel(n, in, step, out, 0);
        return;
    }
    const void *in_rest[FA_MAX_INPUTS];
    void *out_rest[2];
    job->kernel(head, in, step, out, 0);
    for (size_t k = 0; k < job->operands.inputs; k++) in_rest[k] = (const char *)in[k] + head * size * step[k];
    for (size_t k = 0; k < job->operands.outputs; k++) out_rest[k] = (char *)out[k] + head * size;
    job->kernel(n - head, in_rest, step, out_rest, job->streams);
    if (job->streams) fa_stream_end();
}

static void map_chunk(void *context, size_t index) {
    map_job *job = context;
    size_t start = index * job->chunk, left = job->n - start;
    fa_for_pieces(job->isa, &job->operands, start, left < job->chunk ? left : job->chunk, map_piece, job);
}

/* Elements of a task: some 20 us of work, so that waking a thread pays. */
static size_t chunk_of(fa_cost cost) {
    static const size_t chunk[] = {1 << 17, 1 << 16, 1 << 15};
    return chunk[cost];
}

void fa_map_strided(char **args, const ptrdiff_t *n, const ptrdiff_t *strides, void *data) {
    const fa_map_loop *loop = data;
    map_job job; /* no initializer: zeroing all inputs' places takes longer than a small call computes */
    fa_operands *operands = &job.operands;
    fa_variant variant = loop->variant;
    int arg = 0;

    job.isa = fa_current_isa();
    job.n = (size_t)*n;
    job.chunk = chunk_of(fa_activations[loop->op].cost);
    operands->inputs = 0;
    operands->outputs = variant == FA_BOTH ? 2 : 1;
    operands->precision = fa_precision_of(loop->out);
    if (variant == FA_DERIVATIVE) { /* backward with dy = 1: the product is exact */
        static const float one = 1.0f;
        fa_operand ones = {(char *)(uintptr_t)&one, 0, FA_F32};
        operands->in[operands->inputs++] = ones;
        variant = FA_BACKWARD;
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
    job.kernel = job.isa->kernels[operands->precision]->map[loop->op][variant];
    if (job.n > job.chunk && must_go_in_order(&job)) {
        job.chunk = job.n;
        job.streams = 0;
    } else {
        job.streams = should_stream(&job);
    }
    fa_parallel_for((job.n + job.chunk - 1) / job.chunk, map_chunk, &job);
}
