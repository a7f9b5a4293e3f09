/* Row ops and cross entropy over matrices of any layout. Matrices that kernels can use as they lie go to rows.c at
 * once. Others go there by blocks of rows: a block's inputs are copied to scratch that stays in cache, rows.c runs on
 * that, and its outputs are copied back. So every layout is computed as one of two:
 *
 *   by row    (rows, n): a row's classes are neighbours
 *   by class  (n, rows): rows of one outer index are side by side, class by class
 *
 * Copied are: other types; masked matrices, whose masked elements are filled on the way; any strides; and rows that
 * come in short runs, side by side in (outer, n, inner) with a small inner. Whole blocks are converted at a time, not
 * rows of perhaps two elements. No copy changes a result's bits, since no layout does (rows.c). */
#include "jobs.h"

#include "../runtime/parallel.h"
#include "../runtime/tasks.h"
#include "operands.h"

#include "../simd/fp.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Elements of a block by row. Blocks go by class if MIN_RUN rows are side by side. Outer rows are copied unless a
 * class's run of inner elements has at least MIN_RUN_BYTES. Blocks of up to SMALL_BYTES, with results, live on the stack. */
enum { BLOCK_ELEMENTS = 1 << 14, MIN_RUN = 32, MIN_RUN_BYTES = 128 };
enum { SMALL_BYTES = 1 << 12, MATRICES = 4 };

typedef struct {
    const fa_isa *isa;
    const fa_rows_job *job;
    size_t inner, block, rows_per_task, realsize;
    int by_class;
    atomic_int failed;
} blocks;

/* A matrix of a block as rows.c gets it: rows or classes `pitch` bytes apart, contiguous themselves. */
typedef struct {
    char *data;
    size_t pitch;
    int copied;
} block_matrix;

static int is_own_type(const fa_rows_job *job, const fa_matrix *m) {
    return fa_is_native(m->dtype) && fa_precision_of(m->dtype) == job->precision;
}
/* Are rows of all outer indices as far apart as those of one? */
static int is_flat(const fa_rows_job *job, const fa_matrix *m) {
    return !job->inner || job->inner == job->rows || m->outer_stride == (ptrdiff_t)job->inner * m->row_stride;
}

/* ---- elements ----------------------------------------------------------------------------------- */

static size_t run_length(const blocks *b, size_t row, size_t end) {
    const size_t left = b->inner - row % b->inner;
    return left < end - row ? left : end - row;
}
static ptrdiff_t offset_of(const blocks *b, ptrdiff_t outer_stride, ptrdiff_t row_stride, size_t row) {
    if (b->inner == b->job->rows) return (ptrdiff_t)row * row_stride;
    return (ptrdiff_t)(row / b->inner) * outer_stride + (ptrdiff_t)(row % b->inner) * row_stride;
}
static char *element(const blocks *b, const fa_matrix *m, size_t row) {
    return m->data + offset_of(b, m->outer_stride, m->row_stride, row);
}

/* (rows, n) elements of any strides to others. */
#define FA_COPY_MATRIX(bits)                                                                                      \
    for (size_t r = 0; r < rows; r++, from += from_row, to += to_row) {                                           \
        const char *source = from;                                                                                \
        char *target = to;                                                                                        \
        for (size_t c = 0; c < n; c++, source += from_class, target += to_class) memcpy(target, source, (bits) / 8); \
    }
static void copy_matrix(size_t size, size_t rows, size_t n, const char *from, ptrdiff_t from_row, ptrdiff_t from_class,
                        char *to, ptrdiff_t to_row, ptrdiff_t to_class) {
    if (size == 4) FA_COPY_MATRIX(32)
    else if (size == 8) FA_COPY_MATRIX(64)
    else FA_COPY_MATRIX(8)
}

/* to[i] = mask[i] ? from[i] : fill, for a mask whose elements do not lie side by side. By bits and without a branch, as
 * the kernel fill_masked. */
#define FA_FILL_MASKED(real, bits)                                                                                 \
    static void fill_##real(size_t n, const char *mask, ptrdiff_t step, double fill, const char *from, char *to) { \
        const real value = (real)fill;                                                                             \
        bits filling, one;                                                                                         \
        memcpy(&filling, &value, sizeof filling);                                                                  \
        for (; n; n--, mask += step, from += sizeof one, to += sizeof one) {                                       \
            const bits keep = (bits)0 - (bits)(*mask != 0);                                                        \
            memcpy(&one, from, sizeof one);                                                                        \
            one = (one & keep) | (filling & ~keep);                                                                \
            memcpy(to, &one, sizeof one);                                                                          \
        }                                                                                                          \
    }
FA_FILL_MASKED(float, uint32_t)
FA_FILL_MASKED(double, uint64_t)

static void fill_run(const blocks *b, size_t n, const char *mask, ptrdiff_t step, double fill, const char *from,
                     char *to) {
    if (step == 1) b->isa->kernels[b->job->precision]->fill_masked(n, mask, fill, from, to);
    else if (b->realsize == sizeof(float)) fill_float(n, mask, step, fill, from, to);
    else fill_double(n, mask, step, fill, from, to);
}

/* The mask of a block's rows as the block lies: row or class k at data + k * pitch, `step` bytes between elements. */
typedef struct {
    const char *data;
    ptrdiff_t pitch, step;
} block_mask;

/* Where it lies, or if rows come in runs in a copy at `copy`, which two fills or more will read. */
static block_mask bind_mask(const blocks *b, size_t first, size_t rows, char *copy) {
    const fa_rows_job *job = b->job;
    const ptrdiff_t n = (ptrdiff_t)job->n;
    const char *from = job->mask + offset_of(b, job->mask_outer, job->mask_row, first);
    block_mask m = {from, job->mask_row, job->mask_class};
    if (b->by_class) m.pitch = job->mask_class, m.step = job->mask_row;
    if (run_length(b, first, first + rows) == rows) return m;
    m.data = copy, m.pitch = n, m.step = 1;
    for (size_t r = 0, run; r < rows; r += run, copy += (ptrdiff_t)run * n) {
        run = run_length(b, first + r, first + rows);
        from = job->mask + offset_of(b, job->mask_outer, job->mask_row, first + r);
        copy_matrix(1, run, job->n, from, job->mask_row, job->mask_class, copy, n, 1);
    }
    return m;
}

static void fill_masked(const blocks *b, size_t rows, const block_mask *m, double fill, const block_matrix *from,
                        const block_matrix *to) {
    const size_t lines = b->by_class ? b->job->n : rows, length = b->by_class ? rows : b->job->n;
    const size_t pitch = length * b->realsize;
    if (m->step == 1 && m->pitch == (ptrdiff_t)length && from->pitch == pitch && to->pitch == pitch) {
        fill_run(b, lines * length, m->data, 1, fill, from->data, to->data);
        return;
    }
    for (size_t k = 0; k < lines; k++)
        fill_run(b, length, m->data + (ptrdiff_t)k * m->pitch, m->step, fill, from->data + k * from->pitch,
                 to->data + k * to->pitch);
}

/* ---- matrices ----------------------------------------------------------------------------------- */

/* How a matrix lies, if not by class: rows one behind the other; or, turned, whole (n, inner) ones. */
static int is_dense(const blocks *b, const fa_matrix *m) {
    const ptrdiff_t size = (ptrdiff_t)fa_itemsize(m->dtype);
    return m->class_stride == size && m->row_stride == (ptrdiff_t)b->job->n * size && is_flat(b->job, m);
}
static int is_turned(const blocks *b, const fa_matrix *m, size_t first, size_t rows) {
    const ptrdiff_t size = (ptrdiff_t)fa_itemsize(m->dtype), inner = (ptrdiff_t)b->inner;
    return m->row_stride == size && m->class_stride == inner * size && first % b->inner == 0 && rows % b->inner == 0 &&
           m->outer_stride == inner * (ptrdiff_t)b->job->n * size;
}

/* Moves a block between a matrix of the kernels' own type and the block's rows, run by run. */
static void move_rows(const blocks *b, const fa_matrix *m, size_t first, size_t rows, char *to, int back) {
    const ptrdiff_t size = (ptrdiff_t)b->realsize, pitch = (ptrdiff_t)b->job->n * size;
    for (size_t r = 0, run; r < rows; r += run, to += (ptrdiff_t)run * pitch) {
        char *at = element(b, m, first + r);
        run = run_length(b, first + r, first + rows);
        if (back) copy_matrix(b->realsize, run, b->job->n, to, pitch, size, at, m->row_stride, m->class_stride);
        else copy_matrix(b->realsize, run, b->job->n, at, m->row_stride, m->class_stride, to, pitch, size);
    }
}

/* The elements of whole (n, inner) matrices in the order of memory, as a matrix of the kernels' type at `raw`. */
static fa_matrix turned_copy(const blocks *b, size_t first, char *raw) {
    const ptrdiff_t size = (ptrdiff_t)b->realsize, inner = (ptrdiff_t)b->inner;
    const ptrdiff_t outer_stride = inner * (ptrdiff_t)b->job->n * size;
    fa_matrix m = {raw - (ptrdiff_t)(first / b->inner) * outer_stride, size, inner * size, FA_F32, 0, outer_stride};
    return m;
}

typedef void move_elements(const fa_isa *isa, const fa_operand *o, size_t n, fa_precision precision, char *reals);
static void to_reals(const fa_isa *isa, const fa_operand *o, size_t n, fa_precision precision, char *reals) {
    fa_gather(isa, o, 0, n, precision, reals);
}
static void from_reals(const fa_isa *isa, const fa_operand *o, size_t n, fa_precision precision, char *reals) {
    fa_scatter(isa, o, 0, n, precision, reals);
}

/* A block of a matrix to the kernels' type, or back. raw: as large as the block. */
static void move_block(const blocks *b, const fa_matrix *m, size_t first, size_t rows, const block_matrix *to,
                       char *raw, int back) {
    move_elements *move = back ? from_reals : to_reals;
    const fa_precision precision = b->job->precision;
    const size_t n = b->job->n;
    if (b->by_class) {
        fa_operand o = {element(b, m, first), m->row_stride, m->dtype};
        for (size_t c = 0; c < n; c++, o.data += m->class_stride)
            move(b->isa, &o, rows, precision, to->data + c * to->pitch);
    } else if (is_dense(b, m)) {
        fa_operand o = {element(b, m, first), (ptrdiff_t)fa_itemsize(m->dtype), m->dtype};
        move(b->isa, &o, rows * n, precision, to->data);
    } else if (is_own_type(b->job, m)) {
        move_rows(b, m, first, rows, to->data, back);
    } else if (is_turned(b, m, first, rows)) {
        const fa_matrix turned = turned_copy(b, first, raw);
        fa_operand o = {element(b, m, first), (ptrdiff_t)fa_itemsize(m->dtype), m->dtype};
        if (back) move_rows(b, &turned, first, rows, to->data, 1);
        move(b->isa, &o, rows * n, precision, raw);
        if (!back) move_rows(b, &turned, first, rows, to->data, 0);
    } else {
        for (size_t r = 0; r < rows; r++) {
            fa_operand o = {element(b, m, first + r), m->class_stride, m->dtype};
            move(b->isa, &o, n, precision, to->data + r * to->pitch);
        }
    }
}

/* ---- blocks ------------------------------------------------------------------------------------- */

/* Can kernels use rows of this matrix, one behind the other or side by side as the blocks are, where they lie? */
static int is_direct(const blocks *b, const fa_matrix *m) {
    const ptrdiff_t size = (ptrdiff_t)b->realsize;
    if (!is_own_type(b->job, m)) return 0;
    return b->by_class ? m->row_stride == size : m->class_stride == size && is_flat(b->job, m);
}

static block_matrix take_scratch(const blocks *b, size_t rows, char **scratch) {
    const block_matrix copy = {*scratch, (b->by_class ? rows : b->job->n) * b->realsize, 1};
    *scratch += rows * b->job->n * b->realsize;
    return copy;
}
/* Where rows.c finds a matrix of the block: where it lies, or in a copy at *scratch. */
static block_matrix bind_matrix(const blocks *b, const fa_matrix *m, size_t first, size_t rows, char **scratch) {
    if (!is_direct(b, m)) return take_scratch(b, rows, scratch);
    const block_matrix own = {element(b, m, first), (size_t)(b->by_class ? m->class_stride : m->row_stride), 0};
    return own;
}
/* An input as rows.c gets it. A copy takes the place of the output, if that is the only one: kernels work in place. */
static block_matrix prepare_input(const blocks *b, size_t k, size_t first, size_t rows, const block_mask *mask,
                                  const block_matrix *out, char **scratch, char *raw) {
    const fa_matrix *m = &b->job->in[k];
    const int in_place = b->job->inputs == 1 && b->job->outputs == 1;
    block_matrix in = in_place && out->copied && !is_direct(b, m) ? *out : bind_matrix(b, m, first, rows, scratch);
    if (in.copied) move_block(b, m, first, rows, &in, raw, 0);
    if (!mask) return in;
    const block_matrix filled = in_place ? *out : in.copied ? in : take_scratch(b, rows, scratch);
    fill_masked(b, rows, mask, b->job->in_fill[k], &in, &filled);
    return filled;
}
static fa_matrix native_matrix(const blocks *b, const block_matrix *of, int staged) {
    const ptrdiff_t size = (ptrdiff_t)b->realsize, pitch = (ptrdiff_t)of->pitch;
    const fa_dtype dtype = b->job->precision == FA_SINGLE ? FA_F32 : FA_F64;
    fa_matrix m = {of->data, b->by_class ? size : pitch, b->by_class ? pitch : size, dtype, staged, 0};
    return m;
}

/* Rows first .. first + rows - 1, with their values and labels. */
static fa_rows_job part_of(const fa_rows_job *job, size_t first, size_t rows) {
    fa_rows_job part = *job;
    part.rows = rows;
    part.inner = 0;
    if (part.row_in.data) part.row_in.data += (ptrdiff_t)first * part.row_in.stride;
    if (part.row_out.data) part.row_out.data += (ptrdiff_t)first * part.row_out.stride;
    if (part.labels) part.labels += first;
    if (part.losses) part.losses += first;
    return part;
}

/* memory: the block's losses with their padding, since that of one task is another's; copies; the block once more, and
 * its mask. */
static int run_block(const blocks *b, size_t first, size_t rows, char *memory) {
    const fa_rows_job *job = b->job;
    fa_rows_job part = part_of(job, first, rows);
    double *losses = (double *)(void *)memory;
    char *scratch = memory + (job->losses ? (rows + FA_ROW_PADDING) * sizeof(double) : 0);
    char *raw = scratch + (job->inputs + job->outputs) * rows * job->n * b->realsize;
    block_mask mask = {NULL, 0, 0};
    if (job->mask) mask = bind_mask(b, first, rows, raw + rows * job->n * b->realsize);
    block_matrix out[2];
    for (size_t k = 0; k < job->outputs; k++) {
        out[k] = bind_matrix(b, &job->out[k], first, rows, &scratch);
        part.out[k] = native_matrix(b, &out[k], 0);
    }
    for (size_t k = 0; k < job->inputs; k++) {
        const block_matrix in = prepare_input(b, k, first, rows, job->mask ? &mask : NULL, out, &scratch, raw);
        part.in[k] = native_matrix(b, &in, job->in[k].staged);
    }
    part.mask = NULL;
    if (job->losses) part.losses = losses;
    if (fa_rows_run_native(b->isa, &part, 1)) return -1;
    for (size_t k = 0; k < job->outputs; k++) {
        if (job->mask) fill_masked(b, rows, &mask, job->out_fill, &out[k], &out[k]);
        if (out[k].copied) move_block(b, &job->out[k], first, rows, &out[k], raw, 1);
    }
    if (job->losses) memcpy(job->losses + first, losses, rows * sizeof *losses);
    return 0;
}

static void run_task(void *context, size_t index) {
    blocks *b = context;
    const fa_rows_job *job = b->job;
    const size_t first = index * b->rows_per_task, left = job->rows - first;
    const size_t rows = left < b->rows_per_task ? left : b->rows_per_task, most = rows < b->block ? rows : b->block;
    const size_t bytes = (most + FA_ROW_PADDING) * sizeof(double) + (MATRICES + 1) * most * job->n * b->realsize +
                         (job->mask ? most * job->n : 0);
    _Alignas(64) char small[SMALL_BYTES];
    char *memory = bytes <= sizeof small ? NULL : malloc(bytes + 64);
    if (!memory && bytes > sizeof small) {
        atomic_store(&b->failed, 1);
        return;
    }
    char *at = memory ? memory + (64 - (uintptr_t)memory % 64) : small;
    for (size_t done = 0, some; done < rows; done += some) {
        some = rows - done < b->block ? rows - done : b->block;
        if (b->by_class) some = run_length(b, first + done, first + done + some); /* of one outer index */
        if (run_block(b, first + done, some, at)) atomic_store(&b->failed, 1);
    }
    free(memory);
}

/* Rows of a block by class: runs of a class so long that memory keeps up, unless there are too many classes for a
 * cache. */
static size_t class_rows(size_t n) {
    enum { CACHED_ELEMENTS = 1 << 18, LEAST = 64, WIDE = 256, MOST = 1024 };
    const size_t rows = BLOCK_ELEMENTS / n, wide = CACHED_ELEMENTS / n;
    if (rows > WIDE) return rows < MOST ? rows : MOST;
    return wide > WIDE ? WIDE : wide > LEAST ? wide - wide % LEAST : LEAST;
}

/* Rows of a block and of a task: whole outer indices, if a block holds one. */
static void choose_sizes(blocks *b) {
    const fa_rows_job *job = b->job;
    const size_t n = job->n + 1;
    size_t block = b->by_class ? class_rows(n) : BLOCK_ELEMENTS / n, granule = b->by_class ? block : 16;
    if (b->inner < BLOCK_ELEMENTS / n) granule = b->inner;
    if (block > granule) block -= block % granule;
    b->block = block ? block : 1;
    b->rows_per_task = fa_task_pipelined_rows(job->rows, job->n, !b->by_class, granule, (size_t)fa_get_threads());
}

static int run_blocks(const fa_isa *isa, const fa_rows_job *job) {
    const fa_matrix *x = &job->in[0];
    const ptrdiff_t size = (ptrdiff_t)fa_itemsize(x->dtype);
    blocks b = {.isa = isa, .job = job, .inner = job->inner ? job->inner : job->rows};
    b.realsize = fa_realsize(job->precision);
    b.by_class = x->row_stride == size && x->class_stride != size && b.inner >= MIN_RUN && job->n > 1;
    choose_sizes(&b);
    fa_parallel_for(fa_tasks(job->rows, b.rows_per_task), run_task, &b);
    return atomic_load(&b.failed) ? -1 : 0;
}

/* ---- the choice --------------------------------------------------------------------------------- */

/* Must a matrix be copied, whatever the others? */
static int must_copy(const fa_rows_job *job, const fa_matrix *m) {
    const ptrdiff_t size = (ptrdiff_t)fa_itemsize(m->dtype);
    return !is_own_type(job, m) || (m->class_stride != size && m->row_stride != size && job->n > 1 && job->rows > 1);
}

/* Outer rows become plain ones, where a step to the next outer index is one more row. */
static void flatten(fa_rows_job *job) {
    int flat = !job->mask || !job->inner || job->mask_outer == (ptrdiff_t)job->inner * job->mask_row;
    if (job->inner == 1) {
        for (size_t k = 0; k < job->inputs; k++) job->in[k].row_stride = job->in[k].outer_stride;
        for (size_t k = 0; k < job->outputs; k++) job->out[k].row_stride = job->out[k].outer_stride;
        job->mask_row = job->mask_outer;
        flat = 1;
    }
    for (size_t k = 0; k < job->inputs; k++) flat &= job->inner == 1 || is_flat(job, &job->in[k]);
    for (size_t k = 0; k < job->outputs; k++) flat &= job->inner == 1 || is_flat(job, &job->out[k]);
    if (flat || job->inner == job->rows) job->inner = 0;
}

/* Long runs of rows: one outer index after the other. In this order: a call's padding spoils the next one's first
 * losses. */
static int run_outer(const fa_isa *isa, const fa_rows_job *job) {
    int failed = 0;
    for (size_t first = 0, o = 0; first < job->rows; first += job->inner, o++) {
        fa_rows_job part = part_of(job, first, job->inner);
        for (size_t k = 0; k < job->inputs; k++) part.in[k].data += (ptrdiff_t)o * job->in[k].outer_stride;
        for (size_t k = 0; k < job->outputs; k++) part.out[k].data += (ptrdiff_t)o * job->out[k].outer_stride;
        failed |= fa_rows_run_native(isa, &part, 0);
    }
    return failed;
}

int fa_rows_run(const fa_isa *isa, const fa_rows_job *given) {
    if (!given->rows || (!given->n && !given->row_out.data && !given->losses)) return 0;
    fa_rows_job job = *given;
    flatten(&job);
    int copies = job.mask != NULL;
    for (size_t k = 0; k < job.inputs; k++) copies |= must_copy(&job, &job.in[k]);
    for (size_t k = 0; k < job.outputs; k++) copies |= must_copy(&job, &job.out[k]);
    if (job.inner && job.inner * fa_realsize(job.precision) < MIN_RUN_BYTES) copies = 1;
    if (copies) return run_blocks(isa, &job);
    return job.inner ? run_outer(isa, &job) : fa_rows_run_native(isa, &job, 0);
}
