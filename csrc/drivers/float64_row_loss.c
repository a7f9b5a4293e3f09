/* Losses of whole rows: labels, staging in float64, means. The kernels are in ops/margin_rows.h and
 * ops/distance_rows.h. */
#include "totals.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "jobs.h"
#include "operands.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { TASK_ELEMENTS = 1 << 15, BLOCK_ELEMENTS = 1 << 10, MOST_ROWS = 64 }; /* a block: what is staged at a time */
enum { SHORT_ROW = 32 }; /* rows this short go through tiles */

typedef struct {
    const fa_wide_loss_job *job;
    const fa_isa *isa;
    size_t rows, rows_per_task, padded, rows_per_block, results;
    size_t lanes; /* rows of a call of the kernel: those of a tile, or 1 */
    double *loss;   /* of each row */
    double *weight; /* of classes, padded with 0; NULL: all 1 */
    double norm, scale_of_all;
    atomic_int failed;
} plan;

/* A task's buffers: of a block of rows the inputs and results; what kernels work in; rows on their way. */
typedef struct {
    double *in[FA_WIDE_INPUTS], *grad[FA_WIDE_INPUTS], *hess[FA_WIDE_INPUTS];
    fa_wide_row row;
    double *scale, *target, *row_weight;
    float *singles; /* a tile of float32 */
    char *stage;
    int64_t *labels;
    void *memory;
} room;

static size_t rows_left(const plan *p, size_t row, size_t most) { /* in one plane */
    size_t left = p->job->inner - row % p->job->inner;
    return left < most ? left : most;
}
static char *cube_at(const fa_cube *cube, const plan *p, size_t row) {
    size_t outer = row / p->job->inner, inner = row % p->job->inner;
    return cube->data + (ptrdiff_t)outer * cube->outer + (ptrdiff_t)inner * cube->inner;
}
static fa_operand row_of(const fa_cube *cube, const plan *p, size_t row) {
    fa_operand o = {cube_at(cube, p, row), cube->class_, cube->dtype};
    return o;
}
/* What there is one of a row, from `row` on in its plane. */
static fa_operand from_row(const fa_plane *plane, const plan *p, size_t row) {
    ptrdiff_t outer = (ptrdiff_t)(row / p->job->inner), inner = (ptrdiff_t)(row % p->job->inner);
    fa_operand o = {plane->data ? plane->data + outer * plane->outer + inner * plane->inner : NULL, plane->inner,
                    plane->dtype};
    return o;
}

/* ---- labels --------------------------------------------------------------------------------- */

enum { BEYOND = -2 }; /* stands for labels that int64 does not hold: no label of either kind */

static int is_class(const plan *p, int64_t label) { return (uint64_t)label < p->job->n; }

/* Gives the first bad label of `count` from *at on, or moves *at on. */
static int find_bad(const plan *p, size_t count, const fa_operand *labels, int listed, size_t *at) {
    int64_t label[FA_STAGE];
    for (size_t done = 0, n; done < count; done += n) {
        n = count - done < FA_STAGE ? count - done : FA_STAGE;
        fa_gather_labels(labels, done, n, BEYOND, label);
        for (size_t i = 0; i < n; i++, ++*at)
            if (!is_class(p, label[i]) && !(listed && label[i] == -1)) return 1;
    }
    return 0;
}
static int has_bad_label(const plan *p, size_t *at) {
    const fa_wide_loss_job *job = p->job;
    *at = 0;
    for (size_t row = 0, n; job->labels.data && row < p->rows; row += n) {
        fa_operand labels = from_row(&job->labels, p, row);
        n = rows_left(p, row, p->rows);
        if (find_bad(p, n, &labels, 0, at)) return 1;
    }
    for (size_t row = 0; job->label_lists.data && row < p->rows; row++) {
        fa_operand labels = row_of(&job->label_lists, p, row);
        if (find_bad(p, job->n, &labels, 1, at)) return 1;
    }
    return 0;
}

/* Labels of a block's rows, and of each row of a call the list: in range even if another thread has changed them
 * since they were checked. An absent row's label is 0, its list empty. */
static void read_labels(const plan *p, size_t row, size_t rows, room *m) {
    fa_operand labels = from_row(&p->job->labels, p, row);
    fa_gather_labels(&labels, 0, rows, BEYOND, m->labels);
    for (size_t k = 0; k < rows; k++) m->labels[k] = is_class(p, m->labels[k]) ? m->labels[k] : 0;
    memset(m->labels + rows, 0, p->lanes * sizeof *m->labels);
}
static void read_lists(const plan *p, size_t row, size_t rows, room *m) {
    const size_t n = p->job->n;
    for (size_t k = 0; k < p->lanes; k++) {
        int64_t *labels = m->labels + k * n;
        size_t count = 0;
        m->row.labels[k] = labels;
        if (k < rows) {
            fa_operand list = row_of(&p->job->label_lists, p, row + k);
            fa_gather_labels(&list, 0, n, BEYOND, labels);
            while (count < n && is_class(p, labels[count])) count++;
        }
        m->row.label_count[k] = count;
    }
}

/* ---- a task's buffers --------------------------------------------------------------------------- */

static double *take(double **at, size_t count) {
    double *taken = *at;
    *at += count;
    return taken;
}
static int reserve(const plan *p, room *m) {
    const fa_wide_loss_job *job = p->job;
    fa_wide_row *r = &m->row;
    const size_t grads = job->grad[0].data ? p->results : 0, hesses = job->hess[0].data ? p->results : 0;
    const size_t block = p->rows_per_block * p->padded, line = p->lanes > 1 ? p->lanes * job->n : p->padded;
    memset(m, 0, sizeof *m);
    size_t size = (job->inputs + grads + hesses) * block + (FA_WIDE_INPUTS + 4) * line + 4 * p->rows_per_block;
    double *at = malloc((size + FA_WIDE_LANES) * sizeof *at);
    if (!(m->memory = at)) return -1;
    for (size_t k = 0; k < job->inputs; k++) m->in[k] = take(&at, block);
    for (size_t k = 0; k < grads; k++) m->grad[k] = take(&at, block);
    for (size_t k = 0; k < hesses; k++) m->hess[k] = take(&at, block);
    for (size_t k = 0; k < FA_WIDE_INPUTS; k++) r->work[k] = take(&at, line);
    m->stage = (char *)take(&at, 2 * line); /* as many rows as a tile of float32 has */
    m->singles = (float *)(void *)take(&at, line);
    m->scale = take(&at, p->rows_per_block);
    m->target = take(&at, p->rows_per_block);
    m->row_weight = take(&at, p->rows_per_block);
    m->labels = (int64_t *)(void *)at; /* of a block's rows and as many absent ones as lanes, or lists of a call's */
    r->tile = p->lanes > 1;
    r->lanes = p->lanes;
    r->n = job->n;
    r->held = r->tile ? line : job->n;
    r->padded = line;
    r->class_weight = p->weight;
    r->margin = job->margin;
    r->p = job->p;
    r->eps = job->eps;
    r->swap = job->swap;
    return 0;
}

static int is_plain(const fa_cube *cube) {
    const ptrdiff_t size = (ptrdiff_t)fa_itemsize(cube->dtype);
    return fa_is_native(cube->dtype) && cube->class_ == size && cube->inner % size == 0;
}
static fa_dtype real_of(fa_dtype dtype) { return fa_precision_of(dtype) == FA_SINGLE ? FA_F32 : FA_F64; }

/* Some rows as reals of their own precision, `*pitch` of them apart: where they are, or in the stage. */
static char *rows_in(const plan *p, const fa_cube *cube, size_t row, size_t rows, char *stage, ptrdiff_t *pitch) {
    const fa_precision precision = fa_precision_of(cube->dtype);
    const size_t size = fa_realsize(precision);
    *pitch = is_plain(cube) ? cube->inner / (ptrdiff_t)size : (ptrdiff_t)p->job->n;
    if (is_plain(cube)) return cube_at(cube, p, row);
    for (size_t k = 0; k < rows; k++) {
        fa_operand o = row_of(cube, p, row + k);
        fa_gather(p->isa, &o, 0, p->job->n, precision, stage + k * p->job->n * size);
    }
    return stage;
}
static void rows_out(const plan *p, const fa_cube *cube, size_t row, size_t rows, const char *stage) {
    const fa_precision precision = fa_precision_of(cube->dtype);
    for (size_t k = 0; !is_plain(cube) && k < rows; k++) {
        fa_operand o = row_of(cube, p, row + k);
        fa_scatter(p->isa, &o, 0, p->job->n, precision, stage + k * p->job->n * fa_realsize(precision));
    }
}

/* A block's rows to float64, as padded rows or as tiles one after another; and back. A tile of float32 is two
 * of float64. Rows are taken as many at a time as their precision's tile holds. */
static void stage_in(const plan *p, const fa_cube *cube, size_t row, size_t rows, const room *m, double *to) {
    const fa_wide_kernels *wide = &p->isa->wide;
    const fa_row_kernels *tiles = &p->isa->kernels[fa_precision_of(cube->dtype)]->rows;
    const size_t n = p->job->n, size = fa_realsize(fa_precision_of(cube->dtype));
    const size_t step = p->lanes > 1 ? tiles->lanes : 1;
    if (p->lanes == 1 && is_plain(cube)) {
        wide->widen(rows, n, cube->dtype, cube_at(cube, p, row), cube->inner, to, p->padded);
        return;
    }
    for (size_t k = 0; k < rows; k += step, to += step * (p->lanes > 1 ? n : p->padded)) {
        const size_t here = rows - k < step ? rows - k : step;
        ptrdiff_t pitch;
        const char *from = rows_in(p, cube, row + k, here, m->stage, &pitch);
        if (p->lanes == 1) wide->widen(1, n, real_of(cube->dtype), from, 0, to, p->padded);
        else if (size == sizeof(double)) tiles->to_tile(n, here, from, pitch, to);
        else {
            tiles->to_tile(n, here, from, pitch, m->singles);
            wide->split(n, m->singles, to, to + n * p->lanes);
        }
    }
}
static void stage_out(const plan *p, const fa_cube *cube, size_t row, size_t rows, const room *m, const double *from) {
    const fa_wide_kernels *wide = &p->isa->wide;
    const fa_row_kernels *tiles = &p->isa->kernels[fa_precision_of(cube->dtype)]->rows;
    const size_t n = p->job->n, size = fa_realsize(fa_precision_of(cube->dtype));
    const size_t step = p->lanes > 1 ? tiles->lanes : 1;
    if (p->lanes == 1 && is_plain(cube)) {
        wide->narrow(rows, n, cube->dtype, from, p->padded, cube_at(cube, p, row), cube->inner);
        return;
    }
    for (size_t k = 0; k < rows; k += step, from += step * (p->lanes > 1 ? n : p->padded)) {
        const size_t here = rows - k < step ? rows - k : step;
        const ptrdiff_t pitch = is_plain(cube) ? cube->inner / (ptrdiff_t)size : (ptrdiff_t)n;
        char *to = is_plain(cube) ? cube_at(cube, p, row + k) : m->stage;
        if (p->lanes == 1) wide->narrow(1, n, real_of(cube->dtype), from, p->padded, to, 0);
        else if (size == sizeof(double)) tiles->from_tile(n, here, from, to, pitch);
        else {
            wide->join(n, from, from + n * p->lanes, m->singles);
            tiles->from_tile(n, here, m->singles, to, pitch);
        }
        rows_out(p, cube, row + k, here, m->stage);
    }
}

static int is_repeated(const fa_plane *plane) { return !plane->inner && !plane->outer; }

/* What there is one of a row, for all rows of a block; `absent` without data. */
static void stage_plane(const plan *p, const fa_plane *plane, size_t row, size_t rows, double absent, double *to) {
    fa_operand o = from_row(plane, p, row);
    if (plane->data) fa_gather(p->isa, &o, 0, rows, FA_DOUBLE, to);
    else
        for (size_t k = 0; k < rows; k++) to[k] = absent;
}
/* grad_output of the rows, times their weight and what a mean divides by; weights; and targets. */
static void stage_row_values(const plan *p, size_t row, size_t rows, room *m) {
    const fa_wide_loss_job *job = p->job;
    const int repeated = is_repeated(&job->grad_output);
    stage_plane(p, &job->target, row, rows, 0.0, m->target);
    stage_plane(p, &job->row_weight, row, rows, 1.0, m->row_weight);
    if (!repeated) stage_plane(p, &job->grad_output, row, rows, 1.0, m->scale);
    for (size_t k = 0; k < rows; k++)
        m->scale[k] = (repeated ? p->scale_of_all : m->scale[k] * p->norm) * m->row_weight[k];
}

/* ---- rows ------------------------------------------------------------------------------------------ */

/* What the kernel finds of the rows from i on. An absent row's values are 0, a single one's in all lanes. */
static void enter(const plan *p, room *m, size_t i, size_t rows) {
    fa_wide_row *r = &m->row;
    const size_t at = i * (r->tile ? r->n : p->padded);
    for (size_t k = 0; k < FA_WIDE_INPUTS; k++) {
        r->in[k] = m->in[k] ? m->in[k] + at : NULL;
        r->grad[k] = m->grad[k] ? m->grad[k] + at : NULL;
        r->hess[k] = m->hess[k] ? m->hess[k] + at : NULL;
    }
    for (size_t lane = 0; lane < FA_WIDE_LANES; lane++) {
        const size_t from = r->tile ? lane : 0;
        r->scale[lane] = from < rows ? m->scale[i + from] : 0.0;
        r->target[lane] = from < rows ? m->target[i + from] : 0.0;
        if (!p->job->labels.data) continue;
        r->labels[lane] = m->labels + i + from;
        r->label_count[lane] = 1;
    }
}

static void run_block(const plan *p, room *m, size_t row, size_t rows) {
    const fa_wide_loss_job *job = p->job;
    double loss[FA_WIDE_LANES];
    for (size_t k = 0; k < job->inputs; k++) stage_in(p, &job->input[k], row, rows, m, m->in[k]);
    stage_row_values(p, row, rows, m);
    if (job->labels.data) read_labels(p, row, rows, m);
    for (size_t i = 0; i < rows; i += p->lanes) {
        const size_t here = rows - i < p->lanes ? rows - i : p->lanes;
        enter(p, m, i, here);
        if (job->label_lists.data) read_lists(p, row + i, here, m);
        p->isa->wide.loss[job->loss](&m->row, loss);
        for (size_t k = 0; k < here; k++)
            p->loss[row + i + k] = m->row_weight[i + k] == 0.0 ? 0.0 : m->row_weight[i + k] * loss[k];
    }
    for (size_t k = 0; k < p->results; k++) {
        if (job->grad[k].data) stage_out(p, &job->grad[k], row, rows, m, m->grad[k]);
        if (job->hess[k].data) stage_out(p, &job->hess[k], row, rows, m, m->hess[k]);
    }
}

static void run_task(void *context, size_t index) {
    plan *p = context;
    size_t row = index * p->rows_per_task, end = row + p->rows_per_task;
    room m;
    if (reserve(p, &m)) {
        atomic_store(&p->failed, 1);
        return;
    }
    if (end > p->rows) end = p->rows;
    for (size_t n; row < end; row += n) {
        n = rows_left(p, row, end - row < p->rows_per_block ? end - row : p->rows_per_block);
        run_block(p, &m, row, n);
    }
    free(m.memory);
}

/* A row's losses and class weights; 0, or -1 without memory. */
static int prepare(plan *p) {
    const fa_wide_loss_job *job = p->job;
    const int weighted = job->weight.data || job->loss == FA_MULTILABEL_SOFT_MARGIN;
    if (!(p->loss = malloc((p->rows + (weighted ? p->padded : 0) + 1) * sizeof *p->loss))) return -1;
    p->weight = weighted ? p->loss + p->rows : NULL;
    for (size_t i = 0; weighted && i < p->padded; i++) p->weight[i] = i < job->n ? 1.0 : 0.0;
    if (job->weight.data) fa_gather(p->isa, &job->weight, 0, job->n, FA_DOUBLE, p->weight);
    p->norm = job->mean && p->rows ? 1.0 / (double)p->rows : 1.0;
    if (!p->rows) return 0;
    fa_operand upstream = from_row(&job->grad_output, p, 0);
    fa_gather(p->isa, &upstream, 0, 1, FA_DOUBLE, &p->scale_of_all);
    p->scale_of_all *= p->norm;
    return 0;
}

static void deliver(const plan *p) {
    const fa_wide_loss_job *job = p->job;
    for (size_t row = 0; job->value.data && row < p->rows; row += job->inner) {
        fa_operand to = from_row(&job->value, p, row);
        fa_put(p->isa, &to, job->inner, p->loss + row);
    }
    if (!job->total) return;
    fa_sum_state state = {{0}, {0}};
    fa_add_all(p->isa, &state, p->rows, p->loss);
    *job->total = fa_fold(&state);
    if (job->mean && p->rows) *job->total /= (double)p->rows;
}

fa_status fa_wide_loss_run(const fa_wide_loss_job *job, size_t *bad) {
    plan p = {.job = job, .isa = fa_current_isa(), .rows = job->outer * job->inner};
    if (has_bad_label(&p, bad)) return FA_BAD_LABEL;
    p.padded = (job->n + FA_WIDE_GROUP - 1) / FA_WIDE_GROUP * FA_WIDE_GROUP;
    p.lanes = job->n && job->n <= SHORT_ROW ? p.isa->wide.lanes : 1;
    p.results = job->grad[1].data ? job->inputs : 1;
    p.rows_per_block = p.padded < BLOCK_ELEMENTS / MOST_ROWS ? MOST_ROWS : BLOCK_ELEMENTS / p.padded + 1;
    if (p.lanes > 1) /* whole tiles */
        p.rows_per_block = (p.rows_per_block + FA_WIDE_GROUP - 1) / FA_WIDE_GROUP * FA_WIDE_GROUP;
    p.rows_per_task = TASK_ELEMENTS / (job->n + 8) / p.rows_per_block * p.rows_per_block + p.rows_per_block;
    if (prepare(&p)) return FA_NO_MEMORY;
    fa_parallel_for((p.rows + p.rows_per_task - 1) / p.rows_per_task, run_task, &p);
    const int failed = atomic_load(&p.failed);
    if (!failed) deliver(&p);
    free(p.loss);
    return failed ? FA_NO_MEMORY : FA_DONE;
}
