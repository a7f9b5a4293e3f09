/* Activations over operands of any layout, as NumPy calls a ufunc's inner loop: tasks go to threads, what kernels
 * cannot use in place is staged (operands.h), large outputs are stored past the caches. The kernels are
 * kernels/map_loop.h. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* mincore */
#endif
#include "jobs.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/stream.h"
#include "../runtime/tasks.h"
#include "operands.h"

#include <string.h>

typedef struct {
    const fa_map_job *job;
    const fa_isa *isa;
    fa_map_kernel *kernel;
    size_t in_task; /* elements of a task */
    int streams;    /* store past the caches */
} map_context;

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
static int must_go_in_order(const fa_map_job *job) {
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
static int should_stream(const fa_map_job *job) {
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
    const map_context *c = context;
    const fa_operands *operands = &c->job->operands;
    const size_t size = fa_realsize(operands->precision), beyond = (uintptr_t)out[0] % LINE;
    const size_t head = (LINE - beyond) % LINE / size;
    if (n < ENOUGH || beyond % size || (head == 0 && !c->streams)) {
        c->kernel(n, in, step, out, 0);
        return;
    }
    const void *in_rest[FA_MAX_INPUTS];
    void *out_rest[2];
    c->kernel(head, in, step, out, 0);
    for (size_t k = 0; k < operands->inputs; k++) in_rest[k] = (const char *)in[k] + head * size * step[k];
    for (size_t k = 0; k < operands->outputs; k++) out_rest[k] = (char *)out[k] + head * size;
    c->kernel(n - head, in_rest, step, out_rest, c->streams);
    if (c->streams) fa_stream_end();
}

/* Elements of the output at the bits that are set in a mask of bytes. */
#define FA_BLEND(type)                                                              \
    for (size_t i = 0; i < n; i++) {                                                \
        const type keep = (type)((type)0 - (type)(mask[i] != 0));                   \
        type new, old;                                                              \
        memcpy(&new, from + i * sizeof new, sizeof new);                            \
        memcpy(&old, to + i * sizeof old, sizeof old);                              \
        old = (type)((new & keep) | (old & (type)~keep));                           \
        memcpy(to + i * sizeof old, &old, sizeof old);                              \
    }
static void blend(size_t n, const char *mask, size_t size, const char *from, char *to) {
    if (size == 2) FA_BLEND(uint16_t)
    else if (size == 4) FA_BLEND(uint32_t)
    else FA_BLEND(uint64_t)
}

/* As many elements as a piece of the mask has, into a buffer and from there to the output, whose elements are
 * contiguous. Pieces whose mask is the same throughout need no buffer. */
static void masked_pieces(map_context *c, size_t start, size_t n) {
    _Alignas(64) char results[FA_STAGE_ELEMENTS * 8];
    const fa_operand to = c->job->operands.out[0];
    const size_t size = fa_itemsize(to.dtype);
    fa_operands operands = c->job->operands;
    fa_map_job job = *c->job;
    map_context into_buffer = *c;
    into_buffer.job = &job;
    for (size_t piece; n; start += piece, n -= piece) {
        const char *mask = c->job->mask + start;
        size_t wanted = 0;
        piece = n < FA_STAGE_ELEMENTS ? n : FA_STAGE_ELEMENTS;
        for (size_t i = 0; i < piece; i++) wanted += mask[i] != 0;
        if (wanted == piece) fa_for_pieces(c->isa, &c->job->operands, start, piece, map_piece, c);
        if (!wanted || wanted == piece) continue;
        operands.out[0].data = results - start * size;
        job.operands.out[0] = operands.out[0];
        fa_for_pieces(c->isa, &operands, start, piece, map_piece, &into_buffer);
        blend(piece, mask, size, results, fa_at(&to, start));
    }
}

static void map_task(void *context, size_t index) {
    map_context *c = context;
    const size_t start = index * c->in_task, left = c->job->n - start, n = left < c->in_task ? left : c->in_task;
    if (c->job->mask) masked_pieces(c, start, n);
    else fa_for_pieces(c->isa, &c->job->operands, start, n, map_piece, c);
}

void fa_map_run(const fa_map_job *job) {
    map_context c = {job, fa_current_isa(), NULL, fa_task_elements(fa_activations[job->op].cost), 0};
    c.kernel = c.isa->kernels[job->operands.precision]->map[job->op][job->variant];
    if (job->n > c.in_task && must_go_in_order(job)) c.in_task = job->n;
    else c.streams = !job->mask && should_stream(job);
    fa_parallel_for(fa_tasks(job->n, c.in_task), map_task, &c);
}
