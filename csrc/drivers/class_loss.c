/* nll_loss and cross_entropy: labels are checked and copied, weights and the mean's denominator found, then rows run.
 * Cross entropy goes by drivers/rows.c to its row kernel (kernels/rows/cross_entropy.h); nll_loss is written here. */
#include "totals.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/tasks.h"
#include "jobs.h"
#include "views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- labels, scales, weights ---------------------------------------------------------------- */

enum { BLOCK_ROWS = 512 }; /* rows read at a time */
_Static_assert(BLOCK_ROWS % FA_SUM_SLOTS == 0, "sums continue in their slots");

typedef struct {
    const fa_class_loss_job *job;
    const fa_isa *isa;
    size_t rows, rows_per_task;
    double *loss;   /* (rows + FA_ROW_PADDING), the padding is scratch */
    double *weight; /* (n), or NULL: all 1. For a row kernel narrowed to its type in the end, as scale is. */
    double weight_sum, denominator, mean_factor;
    int64_t *label; /* (rows + FA_ROW_PADDING), for a row kernel: checked copies; 0 for an ignored row and padding */
    double *scale;  /* (rows), what multiplies a row's gradient, 0 for an ignored row; or NULL: uniform_scale */
    double uniform_scale;
} class_loss_context;

static size_t block_at(const class_loss_context *c, size_t first) {
    return c->rows - first < BLOCK_ROWS ? c->rows - first : BLOCK_ROWS;
}

static void read_labels(const class_loss_context *c, size_t first, size_t n, int64_t *to) {
    const fa_class_loss_job *job = c->job;
    const int64_t beyond = job->ignore_index == -1 ? -2 : -1; /* a bad label, whatever is ignored */
    fa_view2_gather_labels(&job->labels, job->inner, first, n, beyond, to);
}

static int is_live(const class_loss_context *c, int64_t label) {
    return label != c->job->ignore_index && (uint64_t)label < c->job->n;
}

/* Returns the first row with a bad label, or `rows`; adds the rows that count to *live. Where c->label is wanted the
 * checked labels are kept there, since another thread may change the caller's. */
static size_t check_labels(const class_loss_context *c, size_t *live) {
    const int64_t ignore = c->job->ignore_index;
    const int ignores_class = (uint64_t)ignore < c->job->n;
    int64_t own[BLOCK_ROWS];
    for (size_t first = 0, n; first < c->rows; first += n) {
        int64_t *label = c->label ? c->label + first : own;
        n = block_at(c, first);
        read_labels(c, first, n, label);
        const fa_label_count count = c->isa->count_labels(n, label, (int64_t)c->job->n, ignore);
        const size_t good = count.below - (ignores_class ? count.ignored : 0);
        for (size_t i = 0; i < n && good + count.ignored < n; i++)
            if (label[i] != ignore && !is_live(c, label[i])) return first + i;
        *live += good;
    }
    return c->rows;
}

/* Labels, and in `live` 1 for each row that counts; for an ignored row both are 0. Labels are in range even if another
 * thread has changed them since they were checked. */
static void read_live_labels(const class_loss_context *c, size_t first, size_t n, int64_t *label, double *live) {
    if (c->label) memcpy(label, c->label + first, n * sizeof *label);
    else read_labels(c, first, n, label);
    for (size_t i = 0; i < n; i++) {
        int counts = is_live(c, label[i]);
        label[i] = counts ? label[i] : 0;
        live[i] = counts ? 1.0 : 0.0;
    }
}

static void read_labels_and_weights(const class_loss_context *c, size_t first, size_t n, int64_t *label,
                                    double *weight) {
    read_live_labels(c, first, n, label, weight);
    for (size_t i = 0; c->weight && i < n; i++) weight[i] *= c->weight[label[i]];
}

/* What multiplies each row's gradient: its grad_output over what a mean divides by. */
static void read_scales(const class_loss_context *c, size_t first, size_t n, double *to) {
    const fa_view2 *upstream = &c->job->grad_output;
    if (fa_view2_repeats(upstream)) {
        for (size_t i = 0; i < n; i++) to[i] = c->uniform_scale;
        return;
    }
    fa_view2_gather(c->isa, upstream, c->job->inner, first, n, to);
    for (size_t i = 0; c->job->mean && i < n; i++) to[i] *= c->mean_factor;
}

static double sum_label_weights(const class_loss_context *c) {
    fa_sum_state sum = {{0}, {0}};
    int64_t label[BLOCK_ROWS];
    double weight[BLOCK_ROWS];
    for (size_t first = 0, n; first < c->rows; first += n) {
        n = block_at(c, first);
        read_labels_and_weights(c, first, n, label, weight);
        fa_accumulate(c->isa, &sum, n, weight);
    }
    return fa_sum_total(&sum);
}

static void read_weights(class_loss_context *c) {
    if (c->weight) fa_gather(c->isa, &c->job->weight, 0, c->job->n, FA_DOUBLE, c->weight);
}

/* A mean by weight does not change if all weights are multiplied by one number, but float32 cannot hold 1e-50. They are
 * multiplied by a power of two, which is exact, so that the largest weight of a label is near 1. */
static void rescale_weights(class_loss_context *c) {
    double largest = 0.0, weight[BLOCK_ROWS];
    int64_t label[BLOCK_ROWS];
    int exponent;
    for (size_t first = 0, n; first < c->rows; first += n) {
        n = block_at(c, first);
        read_labels_and_weights(c, first, n, label, weight);
        for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(weight[i]));
    }
    if (!(largest > 0.0 && largest < INFINITY)) return;
    frexp(largest, &exponent);
    for (size_t k = 0; k < c->job->n; k++) c->weight[k] = ldexp(c->weight[k], -exponent);
}

/* What a mean divides by: of labels the sum of their weights, of probabilities the number of rows. */
static double denominator_of(const class_loss_context *c, size_t live) {
    if (!c->job->labels.data) return (double)c->rows;
    return c->weight ? sum_label_weights(c) : (double)live;
}

static double sum_weights(const class_loss_context *c) {
    return c->weight ? fa_sum_doubles(c->isa, c->job->n, c->weight) : (double)c->job->n;
}

/* Class weights, what a mean divides by, and its inverse. A mean over nothing is 0, not NaN. */
static void prepare(class_loss_context *c, size_t live) {
    const fa_class_loss_job *job = c->job;
    read_weights(c);
    c->denominator = denominator_of(c, live);
    double size = fabs(c->denominator);
    int by_weight = job->mean && job->labels.data && c->weight && !(job->z_loss > 0.0);
    if (by_weight && size != 0.0 && !(size > 0x1p-60 && size < 0x1p60)) {
        rescale_weights(c);
        c->denominator = denominator_of(c, live);
    }
    c->weight_sum = sum_weights(c);
    c->mean_factor = !job->mean ? 1.0 : c->denominator != 0.0 ? 1.0 / c->denominator : 0.0;
    if (!c->rows) return;
    fa_view2_gather(c->isa, &job->grad_output, job->inner, 0, 1, &c->uniform_scale);
    if (job->mean) c->uniform_scale *= c->mean_factor;
}

/* ---- cross entropy -------------------------------------------------------------------------- */

/* n doubles become floats in the same memory, if kernels compute in float32. */
static void narrow_in_place(const class_loss_context *c, size_t n, double *v) {
    float *narrow = (float *)(void *)v;
    for (size_t k = 0; c->job->precision == FA_SINGLE && k < n; k++) {
        const float one = (float)v[k];
        memcpy(narrow + k, &one, sizeof one);
    }
}

/* Each row's scale, if they differ. An ignored row's label and scale are 0. */
static void prepare_rows(class_loss_context *c) {
    const fa_class_loss_job *job = c->job;
    const size_t size = fa_realsize(job->precision);
    for (size_t first = 0, n; c->scale && first < c->rows; first += n) {
        double scale[BLOCK_ROWS];
        int64_t *label = c->label ? c->label + first : NULL;
        n = block_at(c, first);
        read_scales(c, first, n, scale);
        for (size_t i = 0; label && i < n; i++) {
            const int ignored = label[i] == job->ignore_index;
            scale[i] = ignored ? 0.0 : scale[i];
            label[i] = ignored ? 0 : label[i];
        }
        narrow_in_place(c, n, scale);
        memcpy((char *)c->scale + first * size, scale, n * size);
    }
}

static int run_row_kernel(class_loss_context *c) {
    const fa_class_loss_job *job = c->job;
    const int soft = !job->labels.data;
    fa_cross_entropy_options options = {.soft_targets = soft,
                                        .want_loss = job->total || job->value.data,
                                        .want_grad = job->grad.data != NULL,
                                        .want_hess = job->hess.data != NULL,
                                        .class_weight = c->weight,
                                        .weight_sum = c->weight_sum,
                                        .smoothing = job->smoothing,
                                        .class_prior = job->smoothing / (double)job->n,
                                        .z_loss = job->z_loss};
    if (!soft && !job->n) { /* all rows are ignored: there is no element at a label */
        memset(c->loss, 0, c->rows * sizeof *c->loss);
        return 0;
    }
    prepare_rows(c);
    if (c->weight) narrow_in_place(c, job->n, c->weight);
    fa_rows_job rows = {.precision = job->precision,
                        .kernel = c->isa->kernels[job->precision]->rows.class_loss[job->loss],
                        .rows = c->rows,
                        .inner = job->inner,
                        .n = job->n,
                        .inputs = soft ? 2 : 1,
                        .outputs = (size_t)(job->hess.data ? 2 : job->grad.data != NULL),
                        .new_outputs = 1,
                        .row_in = {(char *)&c->uniform_scale, 0, FA_F64},
                        .losses = options.want_loss ? c->loss : NULL,
                        .labels = soft ? NULL : c->label,
                        .options = &options};
    if (c->scale) {
        const fa_dtype own = job->precision == FA_SINGLE ? FA_F32 : FA_F64;
        rows.row_in = (fa_operand){(char *)c->scale, (ptrdiff_t)fa_itemsize(own), own};
    }
    rows.in[0] = fa_view3_matrix(&job->input);
    if (soft) rows.in[1] = fa_view3_matrix(&job->target);
    if (job->grad.data) rows.out[0] = fa_view3_matrix(&job->grad);
    if (job->hess.data) rows.out[1] = fa_view3_matrix(&job->hess);
    return fa_rows_run(c->isa, &rows);
}

/* ---- nll_loss: -w_t x_t; its gradient is -w_t at the label and 0 elsewhere ------------------------- */

static double read_real(const fa_isa *isa, fa_dtype dtype, const char *from) {
    double x;
    float narrow;
    if (dtype == FA_F32) {
        memcpy(&narrow, from, sizeof narrow);
        return (double)narrow;
    }
    if (dtype == FA_F64) memcpy(&x, from, sizeof x);
    else isa->kernels[FA_DOUBLE]->widen(1, dtype, from, &x);
    return x;
}

static void write_real(const fa_isa *isa, fa_dtype dtype, double x, char *to) {
    float narrow = (float)x;
    if (dtype == FA_F32) memcpy(to, &narrow, sizeof narrow);
    else if (dtype == FA_F64) memcpy(to, &x, sizeof x);
    else isa->kernels[FA_SINGLE]->narrow(1, dtype, &narrow, to);
}

/* Writes 0 to n classes of rows of one outer index: in every type 0.0 is all zero bits. */
static void zero_rows(const fa_view3 *view, char *to, size_t rows, size_t n) {
    size_t size = fa_itemsize(view->dtype);
    if (view->class_stride == (ptrdiff_t)size && view->inner_stride == (ptrdiff_t)(n * size)) {
        memset(to, 0, rows * n * size);
    } else if (view->class_stride == (ptrdiff_t)size) {
        for (size_t r = 0; r < rows; r++) memset(to + (ptrdiff_t)r * view->inner_stride, 0, n * size);
    } else {
        for (size_t k = 0; k < n; k++, to += view->class_stride)
            for (size_t r = 0; r < rows; r++) memset(to + (ptrdiff_t)r * view->inner_stride, 0, size);
    }
}

/* Rows of one outer index. label, weight, scale: (n); weight is the label's, 0 for an ignored row. */
static void nll_rows(const class_loss_context *c, size_t first, size_t n, const int64_t *label, const double *weight,
                     const double *scale) {
    const fa_class_loss_job *job = c->job;
    const fa_view3 *in = &job->input, *grad = &job->grad, *hess = &job->hess;
    const char *x = fa_view3_at(in, job->inner, first);
    for (size_t i = 0; i < n; i++, x += in->inner_stride) { /* losses first: the gradient may overwrite the input */
        double at_label = read_real(c->isa, in->dtype, x + (ptrdiff_t)label[i] * in->class_stride);
        c->loss[first + i] = fa_weighted(-weight[i], at_label);
    }
    if (hess->data) zero_rows(hess, fa_view3_at(hess, job->inner, first), n, job->n);
    if (!grad->data) return;
    char *to = fa_view3_at(grad, job->inner, first);
    zero_rows(grad, to, n, job->n);
    for (size_t i = 0; i < n; i++, to += grad->inner_stride)
        if (weight[i] != 0.0)
            write_real(c->isa, grad->dtype, -weight[i] * scale[i], to + (ptrdiff_t)label[i] * grad->class_stride);
}

static void nll_task(void *context, size_t index) {
    const class_loss_context *c = context;
    int64_t label[BLOCK_ROWS];
    double weight[BLOCK_ROWS], scale[BLOCK_ROWS];
    size_t first = index * c->rows_per_task, end = first + c->rows_per_task;
    if (end > c->rows) end = c->rows;
    for (size_t n; first < end; first += n) {
        n = fa_run_length(c->job->inner, first, end - first < BLOCK_ROWS ? end - first : BLOCK_ROWS);
        read_labels_and_weights(c, first, n, label, weight);
        if (c->job->grad.data) read_scales(c, first, n, scale);
        nll_rows(c, first, n, label, weight, scale);
    }
}

static int run_nll_loss(class_loss_context *c) {
    size_t written = c->job->grad.data || c->job->hess.data ? c->job->n : 0;
    c->rows_per_task = fa_task_rows(written + FA_ROW_OVERHEAD, 1);
    fa_parallel_for(fa_tasks(c->rows, c->rows_per_task), nll_task, c);
    return 0;
}

/* By the table: its row kernel, or a function of this file. 0, or -1 if there is no memory. */
static int (*const run_loss[])(class_loss_context *) = {
#define YES(name) run_row_kernel
#define NO(name) run_##name
#define FA_CLASS_LOSS(name, targets, row_kernel) row_kernel(name),
#include "../ops.def"
#undef YES
#undef NO
};

/* The context's arrays, in one block; NULL if there is no memory. */
static double *allocate(class_loss_context *c) {
    const fa_class_loss_job *job = c->job;
    const size_t padded = c->rows + FA_ROW_PADDING, weight = job->weight.data ? job->n : 0;
    const int row_kernel = fa_class_losses[job->loss].row_kernel; /* else labels are read in passing */
    const size_t label = row_kernel && job->labels.data ? padded : 0, scale = row_kernel ? c->rows : 0;
    double *memory = malloc((padded + label + scale + weight) * sizeof(double)), *at = memory;
    if (!memory) return NULL;
    c->loss = at;
    c->label = label ? (int64_t *)(void *)(at + padded) : NULL;
    c->scale = scale ? at + padded + label : NULL;
    c->weight = weight ? at + padded + label + scale : NULL;
    if (label) memset(c->label + c->rows, 0, FA_ROW_PADDING * sizeof *c->label);
    return memory;
}

static void store_results(const class_loss_context *c) {
    const fa_class_loss_job *job = c->job;
    if (job->value.data) fa_view2_scatter(c->isa, &job->value, job->inner, c->rows, c->loss);
    if (!job->total) return;
    const double total = fa_sum_doubles(c->isa, c->rows, c->loss);
    *job->total = !job->mean ? total : c->denominator != 0.0 ? total / c->denominator : 0.0;
}

fa_status fa_class_loss_run(const fa_class_loss_job *job, size_t *bad_row) {
    class_loss_context c = {.job = job, .isa = fa_current_isa(), .rows = job->outer * job->inner};
    const int labels = job->labels.data != NULL, uniform = fa_view2_repeats(&job->grad_output);
    size_t live = 0;
    double *memory = allocate(&c);
    if (!memory) return FA_NO_MEMORY;
    if (labels && (*bad_row = check_labels(&c, &live)) < c.rows) {
        free(memory);
        return FA_BAD_LABEL;
    }
    if (uniform && (!labels || live == c.rows)) c.scale = NULL;
    prepare(&c, live);

    const int failed = run_loss[job->loss](&c);
    if (!failed) store_results(&c);
    free(memory);
    return failed ? FA_NO_MEMORY : FA_DONE;
}
