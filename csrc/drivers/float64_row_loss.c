/* Losses of rows in float64: margins and distances.
 *
 * Labels are checked. Then each task takes its rows block by block: inputs are staged to float64, as padded rows or,
 * if rows are short, as tiles; the kernel (kernels/float64_rows/) runs row by row or tile by tile; gradients are
 * staged back. */
#include "totals.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/tasks.h"
#include "jobs.h"
#include "views.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_ELEMENTS = 1 << 10, /* of a block of rows, which is staged at a time */
    MAX_BLOCK_ROWS = 64,
    MAX_TILED_ROW = 32 /* the longest rows that go through tiles */
};

typedef struct {
    const fa_float64_row_loss_job *job;
    const fa_isa *isa;
    size_t rows, rows_per_task, padded, rows_per_block, results;
    size_t lanes;   /* rows of a kernel's call: those of a tile, or 1 */
    double *loss;   /* (rows) */
    double *weight; /* (padded), of classes, 0 beyond n; or NULL: all 1 */
    double mean_factor, uniform_scale;
    atomic_int failed;
} float64_row_context;

/* A task's buffers, in one block of memory. in, grad, hess: a block's rows; stage: rows on their way there or back. */
typedef struct {
    double *in[FA_FLOAT64_ROW_INPUTS], *grad[FA_FLOAT64_ROW_INPUTS], *hess[FA_FLOAT64_ROW_INPUTS];
    fa_float64_rows_args row;
    double *scale, *target, *row_weight;
    float *float32_tile; /* (n, lanes of float32) */
    char *stage;
    int64_t *labels;
    void *memory;
} workspace;

/* ---- labels --------------------------------------------------------------------------------- */

enum { BEYOND = -2 }; /* what a label becomes that int64 does not hold: no class, and no end of a list */

static int is_class(const float64_row_context *c, int64_t label) { return (uint64_t)label < c->job->n; }

/* Is one of the next `count` labels bad? Then *at is its number; else *at moves past them. */
static int find_bad_label(const float64_row_context *c, size_t count, const fa_operand *labels, int listed,
                          size_t *at) {
    int64_t label[FA_STAGE_ELEMENTS];
    for (size_t done = 0, n; done < count; done += n) {
        n = count - done < FA_STAGE_ELEMENTS ? count - done : FA_STAGE_ELEMENTS;
        fa_gather_labels(labels, done, n, BEYOND, label);
        for (size_t i = 0; i < n; i++, ++*at)
            if (!is_class(c, label[i]) && !(listed && label[i] == -1)) return 1;
    }
    return 0;
}
static int has_bad_label(const float64_row_context *c, size_t *at) {
    const fa_float64_row_loss_job *job = c->job;
    *at = 0;
    for (size_t row = 0, n; job->labels.data && row < c->rows; row += n) {
        fa_operand labels = fa_view2_run(&job->labels, job->inner, row);
        n = fa_run_length(job->inner, row, c->rows);
        if (find_bad_label(c, n, &labels, 0, at)) return 1;
    }
    for (size_t row = 0; job->label_lists.data && row < c->rows; row++) {
        fa_operand labels = fa_view3_row(&job->label_lists, job->inner, row);
        if (find_bad_label(c, job->n, &labels, 1, at)) return 1;
    }
    return 0;
}

/* Labels of a block's rows, or the lists of a call's rows. They are in range even if another thread has changed them
 * since they were checked. An absent row (a tile may be partial) has label 0 and an empty list. */
static void read_labels(const float64_row_context *c, size_t row, size_t rows, workspace *ws) {
    fa_operand labels = fa_view2_run(&c->job->labels, c->job->inner, row);
    fa_gather_labels(&labels, 0, rows, BEYOND, ws->labels);
    for (size_t k = 0; k < rows; k++) ws->labels[k] = is_class(c, ws->labels[k]) ? ws->labels[k] : 0;
    memset(ws->labels + rows, 0, c->lanes * sizeof *ws->labels);
}
static void read_lists(const float64_row_context *c, size_t row, size_t rows, workspace *ws) {
    const size_t n = c->job->n;
    for (size_t k = 0; k < c->lanes; k++) {
        int64_t *labels = ws->labels + k * n;
        size_t count = 0;
        ws->row.labels[k] = labels;
        if (k < rows) {
            fa_operand list = fa_view3_row(&c->job->label_lists, c->job->inner, row + k);
            fa_gather_labels(&list, 0, n, BEYOND, labels);
            while (count < n && is_class(c, labels[count])) count++;
        }
        ws->row.label_count[k] = count;
    }
}

/* ---- a task's buffers --------------------------------------------------------------------------- */

static double *suballocate(double **at, size_t count) {
    double *part = *at;
    *at += count;
    return part;
}
static int allocate(const float64_row_context *c, workspace *ws) {
    const fa_float64_row_loss_job *job = c->job;
    fa_float64_rows_args *r = &ws->row;
    const size_t grads = job->grad[0].data ? c->results : 0, hesses = job->hess[0].data ? c->results : 0;
    const size_t block = c->rows_per_block * c->padded, line = c->lanes > 1 ? c->lanes * job->n : c->padded;
    memset(ws, 0, sizeof *ws);
    size_t size = (job->inputs + grads + hesses) * block + (FA_FLOAT64_ROW_INPUTS + 4) * line + 4 * c->rows_per_block;
    double *at = malloc((size + FA_FLOAT64_LANES) * sizeof *at);
    if (!(ws->memory = at)) return -1;
    for (size_t k = 0; k < job->inputs; k++) ws->in[k] = suballocate(&at, block);
    for (size_t k = 0; k < grads; k++) ws->grad[k] = suballocate(&at, block);
    for (size_t k = 0; k < hesses; k++) ws->hess[k] = suballocate(&at, block);
    for (size_t k = 0; k < FA_FLOAT64_ROW_INPUTS; k++) r->work[k] = suballocate(&at, line);
    ws->stage = (char *)suballocate(&at, 2 * line); /* for as many rows as a float32 tile has */
    ws->float32_tile = (float *)(void *)suballocate(&at, line);
    ws->scale = suballocate(&at, c->rows_per_block);
    ws->target = suballocate(&at, c->rows_per_block);
    ws->row_weight = suballocate(&at, c->rows_per_block);
    ws->labels = (int64_t *)(void *)at; /* a block's, then `lanes` absent rows'; or the lists of a call */
    r->tile = c->lanes > 1;
    r->lanes = c->lanes;
    r->n = job->n;
    r->held = r->tile ? line : job->n;
    r->padded = line;
    r->class_weight = c->weight;
    r->margin = job->margin;
    r->p = job->p;
    r->eps = job->eps;
    r->swap = job->swap;
    return 0;
}

static int has_contiguous_rows(const fa_view3 *view) {
    const ptrdiff_t size = (ptrdiff_t)fa_itemsize(view->dtype);
    return fa_is_native(view->dtype) && view->class_stride == size && view->inner_stride % size == 0;
}
static fa_dtype real_of(fa_dtype dtype) { return fa_precision_of(dtype) == FA_SINGLE ? FA_F32 : FA_F64; }

/* Rows as float32 or float64, whichever their type is computed in, *row_pitch elements apart: in place, or in the
 * stage. */
static char *gather_rows(const float64_row_context *c, const fa_view3 *view, size_t row, size_t rows, char *stage,
                         ptrdiff_t *row_pitch) {
    const fa_precision precision = fa_precision_of(view->dtype);
    const size_t size = fa_realsize(precision);
    *row_pitch = has_contiguous_rows(view) ? view->inner_stride / (ptrdiff_t)size : (ptrdiff_t)c->job->n;
    if (has_contiguous_rows(view)) return fa_view3_at(view, c->job->inner, row);
    for (size_t k = 0; k < rows; k++) {
        fa_operand o = fa_view3_row(view, c->job->inner, row + k);
        fa_gather(c->isa, &o, 0, c->job->n, precision, stage + k * c->job->n * size);
    }
    return stage;
}
static void scatter_rows(const float64_row_context *c, const fa_view3 *view, size_t row, size_t rows,
                         const char *stage) {
    const fa_precision precision = fa_precision_of(view->dtype);
    for (size_t k = 0; !has_contiguous_rows(view) && k < rows; k++) {
        fa_operand o = fa_view3_row(view, c->job->inner, row + k);
        fa_scatter(c->isa, &o, 0, c->job->n, precision, stage + k * c->job->n * fa_realsize(precision));
    }
}

/* A block's rows to float64 (rows as padded rows, or tiles one after another), and back. A tile of float32 makes two of
 * float64, so rows go in groups of their own precision's tile. */
static void stage_in(const float64_row_context *c, const fa_view3 *view, size_t row, size_t rows, const workspace *ws,
                     double *to) {
    const fa_float64_row_kernels *kernels = &c->isa->float64_rows;
    const fa_row_kernels *tiles = &c->isa->kernels[fa_precision_of(view->dtype)]->rows;
    const size_t n = c->job->n, size = fa_realsize(fa_precision_of(view->dtype));
    const size_t step = c->lanes > 1 ? tiles->lanes : 1;
    if (c->lanes == 1 && has_contiguous_rows(view)) {
        kernels->widen(rows, n, view->dtype, fa_view3_at(view, c->job->inner, row), view->inner_stride, to, c->padded);
        return;
    }
    for (size_t k = 0; k < rows; k += step, to += step * (c->lanes > 1 ? n : c->padded)) {
        const size_t here = rows - k < step ? rows - k : step;
        ptrdiff_t row_pitch;
        const char *from = gather_rows(c, view, row + k, here, ws->stage, &row_pitch);
        if (c->lanes == 1) kernels->widen(1, n, real_of(view->dtype), from, 0, to, c->padded);
        else if (size == sizeof(double)) tiles->to_tile(n, here, from, row_pitch, to);
        else {
            tiles->to_tile(n, here, from, row_pitch, ws->float32_tile);
            kernels->tile_to_f64(n, ws->float32_tile, to, to + n * c->lanes);
        }
    }
}
static void stage_out(const float64_row_context *c, const fa_view3 *view, size_t row, size_t rows, const workspace *ws,
                      const double *from) {
    const fa_float64_row_kernels *kernels = &c->isa->float64_rows;
    const fa_row_kernels *tiles = &c->isa->kernels[fa_precision_of(view->dtype)]->rows;
    const size_t n = c->job->n, size = fa_realsize(fa_precision_of(view->dtype));
    const size_t step = c->lanes > 1 ? tiles->lanes : 1;
    if (c->lanes == 1 && has_contiguous_rows(view)) {
        kernels->narrow(rows, n, view->dtype, from, c->padded, fa_view3_at(view, c->job->inner, row),
                        view->inner_stride);
        return;
    }
    for (size_t k = 0; k < rows; k += step, from += step * (c->lanes > 1 ? n : c->padded)) {
        const size_t here = rows - k < step ? rows - k : step;
        const ptrdiff_t row_pitch = has_contiguous_rows(view) ? view->inner_stride / (ptrdiff_t)size : (ptrdiff_t)n;
        char *to = has_contiguous_rows(view) ? fa_view3_at(view, c->job->inner, row + k) : ws->stage;
        if (c->lanes == 1) kernels->narrow(1, n, real_of(view->dtype), from, c->padded, to, 0);
        else if (size == sizeof(double)) tiles->from_tile(n, here, from, to, row_pitch);
        else {
            kernels->tile_from_f64(n, from, from + n * c->lanes, ws->float32_tile);
            tiles->from_tile(n, here, ws->float32_tile, to, row_pitch);
        }
        scatter_rows(c, view, row + k, here, ws->stage);
    }
}

/* One value a row, for all rows of a block; `absent` without data. */
static void stage_values(const float64_row_context *c, const fa_view2 *values, size_t row, size_t rows, double absent,
                         double *to) {
    if (values->data) fa_view2_gather(c->isa, values, c->job->inner, row, rows, to);
    else
        for (size_t k = 0; k < rows; k++) to[k] = absent;
}
/* Each row's target, its weight, and what multiplies its gradient: grad_output times weight over the mean's divisor. */
static void stage_row_values(const float64_row_context *c, size_t row, size_t rows, workspace *ws) {
    const fa_float64_row_loss_job *job = c->job;
    const int repeated = fa_view2_repeats(&job->grad_output);
    stage_values(c, &job->target, row, rows, 0.0, ws->target);
    stage_values(c, &job->row_weight, row, rows, 1.0, ws->row_weight);
    if (!repeated) stage_values(c, &job->grad_output, row, rows, 1.0, ws->scale);
    for (size_t k = 0; k < rows; k++)
        ws->scale[k] = (repeated ? c->uniform_scale : ws->scale[k] * c->mean_factor) * ws->row_weight[k];
}

/* ---- rows ------------------------------------------------------------------------------------------ */

/* Arguments of a call for the rows from i on. An absent row's values are 0; a single row's are in all lanes. */
static void bind_rows(const float64_row_context *c, workspace *ws, size_t i, size_t rows) {
    fa_float64_rows_args *r = &ws->row;
    const size_t at = i * (r->tile ? r->n : c->padded);
    for (size_t k = 0; k < FA_FLOAT64_ROW_INPUTS; k++) {
        r->in[k] = ws->in[k] ? ws->in[k] + at : NULL;
        r->grad[k] = ws->grad[k] ? ws->grad[k] + at : NULL;
        r->hess[k] = ws->hess[k] ? ws->hess[k] + at : NULL;
    }
    for (size_t lane = 0; lane < FA_FLOAT64_LANES; lane++) {
        const size_t from = r->tile ? lane : 0;
        r->scale[lane] = from < rows ? ws->scale[i + from] : 0.0;
        r->target[lane] = from < rows ? ws->target[i + from] : 0.0;
        if (!c->job->labels.data) continue;
        r->labels[lane] = ws->labels + i + from;
        r->label_count[lane] = 1;
    }
}

static void run_block(const float64_row_context *c, workspace *ws, size_t row, size_t rows) {
    const fa_float64_row_loss_job *job = c->job;
    double loss[FA_FLOAT64_LANES];
    for (size_t k = 0; k < job->inputs; k++) stage_in(c, &job->input[k], row, rows, ws, ws->in[k]);
    stage_row_values(c, row, rows, ws);
    if (job->labels.data) read_labels(c, row, rows, ws);
    for (size_t i = 0; i < rows; i += c->lanes) {
        const size_t here = rows - i < c->lanes ? rows - i : c->lanes;
        bind_rows(c, ws, i, here);
        if (job->label_lists.data) read_lists(c, row + i, here, ws);
        c->isa->float64_rows.loss[job->loss](&ws->row, loss);
        for (size_t k = 0; k < here; k++)
            c->loss[row + i + k] = fa_weighted(ws->row_weight[i + k], loss[k]);
    }
    for (size_t k = 0; k < c->results; k++) {
        if (job->grad[k].data) stage_out(c, &job->grad[k], row, rows, ws, ws->grad[k]);
        if (job->hess[k].data) stage_out(c, &job->hess[k], row, rows, ws, ws->hess[k]);
    }
}

static void run_task(void *context, size_t index) {
    float64_row_context *c = context;
    size_t row = index * c->rows_per_task, end = row + c->rows_per_task;
    workspace ws;
    if (allocate(c, &ws)) {
        atomic_store(&c->failed, 1);
        return;
    }
    if (end > c->rows) end = c->rows;
    for (size_t n; row < end; row += n) {
        n = fa_run_length(c->job->inner, row, end - row < c->rows_per_block ? end - row : c->rows_per_block);
        run_block(c, &ws, row, n);
    }
    free(ws.memory);
}

/* Room for losses, class weights, and what a mean multiplies by. 0, or -1 if there is no memory. */
static int prepare(float64_row_context *c) {
    const fa_float64_row_loss_job *job = c->job;
    const int weighted = job->weight.data || fa_float64_row_losses[job->loss].targets == FA_TARGETS_PROBABILITIES;
    if (!(c->loss = malloc((c->rows + (weighted ? c->padded : 0) + 1) * sizeof *c->loss))) return -1;
    c->weight = weighted ? c->loss + c->rows : NULL;
    for (size_t i = 0; weighted && i < c->padded; i++) c->weight[i] = i < job->n ? 1.0 : 0.0;
    if (job->weight.data) fa_gather(c->isa, &job->weight, 0, job->n, FA_DOUBLE, c->weight);
    c->mean_factor = job->mean && c->rows ? 1.0 / (double)c->rows : 1.0;
    if (!c->rows) return 0;
    fa_view2_gather(c->isa, &job->grad_output, job->inner, 0, 1, &c->uniform_scale);
    c->uniform_scale *= c->mean_factor;
    return 0;
}

static void store_results(const float64_row_context *c) {
    const fa_float64_row_loss_job *job = c->job;
    if (job->value.data) fa_view2_scatter(c->isa, &job->value, job->inner, c->rows, c->loss);
    if (!job->total) return;
    *job->total = fa_sum_doubles(c->isa, c->rows, c->loss);
    if (job->mean && c->rows) *job->total /= (double)c->rows;
}

fa_status fa_float64_row_loss_run(const fa_float64_row_loss_job *job, size_t *bad) {
    float64_row_context c = {.job = job, .isa = fa_current_isa(), .rows = job->outer * job->inner};
    if (has_bad_label(&c, bad)) return FA_BAD_LABEL;
    c.padded = fa_round_up(job->n, FA_FLOAT64_GROUP);
    c.lanes = job->n && job->n <= MAX_TILED_ROW ? c.isa->float64_rows.lanes : 1;
    c.results = job->grad[1].data ? job->inputs : 1;
    c.rows_per_block = c.padded < BLOCK_ELEMENTS / MAX_BLOCK_ROWS ? MAX_BLOCK_ROWS : BLOCK_ELEMENTS / c.padded + 1;
    if (c.lanes > 1) c.rows_per_block = fa_round_up(c.rows_per_block, FA_FLOAT64_GROUP); /* whole tiles */
    c.rows_per_task = fa_task_rows(job->n + FA_ROW_OVERHEAD, c.rows_per_block);
    if (prepare(&c)) return FA_NO_MEMORY;
    fa_parallel_for(fa_tasks(c.rows, c.rows_per_task), run_task, &c);
    const int failed = atomic_load(&c.failed);
    if (!failed) store_results(&c);
    free(c.loss);
    return failed ? FA_NO_MEMORY : FA_DONE;
}
