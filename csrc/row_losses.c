/* nll_loss and cross_entropy: labels, ignored rows, means and gradients by row. */
#include "exact_sum.h"
#include "losses.h"
#include "operand.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the rows of a job need --------------------------------------------------------- */

typedef struct {
    const fa_row_loss_job *job;
    const fa_isa *isa;
    double *scale; /* of a row's gradient; 0 for an ignored row */
    double *loss;
    int64_t *label; /* in range, 0 for an ignored row */
    double *weight; /* class weights; NULL: all 1 */
    double weight_sum, denominator;
} rows_context;

static fa_operand plane_row(const fa_plane *plane, size_t outer) {
    fa_operand o = {plane->data ? plane->data + (ptrdiff_t)outer * plane->outer : NULL, plane->inner, plane->dtype};
    return o;
}

static fa_matrix cube_rows(const fa_cube *cube, size_t outer) {
    fa_matrix m = {cube->data + (ptrdiff_t)outer * cube->outer, cube->inner, cube->class_, cube->dtype, 0};
    return m;
}

static void read_weights(rows_context *c) {
    fa_sum_state state = {{0}, {0}};
    c->weight_sum = (double)c->job->n;
    if (!c->job->weight.data) {
        c->weight = NULL;
        return;
    }
    fa_gather(c->isa, &c->job->weight, 0, c->job->n, FA_DOUBLE, c->weight);
    fa_add_all(&state, c->job->n, c->weight);
    c->weight_sum = fa_fold(&state);
}

/* Reads the labels; gives the first row with a bad one, or `rows`. */
static size_t read_labels(rows_context *c, size_t rows) {
    const fa_row_loss_job *job = c->job;
    const int64_t beyond = job->ignore_index == -1 ? -2 : -1; /* bad, whatever is ignored */
    for (size_t o = 0; o < job->outer; o++) {
        fa_operand labels = plane_row(&job->labels, o);
        fa_gather_labels(&labels, 0, job->inner, beyond, c->label + o * job->inner);
    }
    for (size_t row = 0; row < rows; row++)
        if ((uint64_t)c->label[row] >= job->n && c->label[row] != job->ignore_index) return row;
    return rows;
}

/* An ignored row gets label 0 and scale 0. Leaves each label's weight in `loss` and
 * gives their sum. */
static double weigh_labels(rows_context *c, size_t rows) {
    const int64_t ignore = c->job->ignore_index;
    size_t counted = 0;
    for (size_t row = 0; row < rows; row++) {
        int live = c->label[row] != ignore;
        c->label[row] = live ? c->label[row] : 0;
        c->loss[row] = live ? 1.0 : 0.0;
        c->scale[row] = live ? c->scale[row] : 0.0;
        counted += (size_t)live;
    }
    if (!c->weight) return (double)counted;
    fa_sum_state sum = {{0}, {0}};
    for (size_t row = 0; row < rows; row++) c->loss[row] *= c->weight[c->label[row]];
    fa_add_all(&sum, rows, c->loss);
    return fa_fold(&sum);
}

/* Scales, weights and the denominator of a mean: of labels the sum of their
 * weights, of probabilities the number of rows. Nothing to divide by gives 0,
 * not NaN. */
static void prepare(rows_context *c) {
    const fa_row_loss_job *job = c->job;
    size_t rows = job->outer * job->inner;
    for (size_t o = 0; o < job->outer; o++) {
        fa_operand upstream = plane_row(&job->grad_output, o);
        double *scale = c->scale + o * job->inner;
        if (upstream.stride) {
            fa_gather(c->isa, &upstream, 0, job->inner, FA_DOUBLE, scale);
        } else if (job->inner) {
            fa_gather(c->isa, &upstream, 0, 1, FA_DOUBLE, scale);
            for (size_t i = 1; i < job->inner; i++) scale[i] = scale[0];
        }
    }
    read_weights(c);
    c->denominator = job->labels.data ? weigh_labels(c, rows) : (double)rows;
    double norm = !job->mean ? 1.0 : c->denominator != 0.0 ? 1.0 / c->denominator : 0.0;
    for (size_t row = 0; job->mean && row < rows; row++) c->scale[row] *= norm;
}

/* ---- cross entropy -------------------------------------------------------------------------- */

static int run_cross_entropy(rows_context *c) {
    const fa_row_loss_job *job = c->job;
    int soft = !job->labels.data, failed = 0;
    fa_cross_entropy_options options = {.soft = soft,
                                        .want_loss = job->total || job->value.data,
                                        .want_grad = job->grad.data != NULL,
                                        .want_hess = job->hess.data != NULL,
                                        .class_weight = c->weight,
                                        .weight_sum = c->weight_sum,
                                        .smoothing = job->smoothing};
    if (c->weight && job->precision == FA_SINGLE) { /* kernels read weights in their own precision */
        float *narrow = (float *)(void *)c->weight;
        for (size_t k = 0; k < job->n; k++) {
            float w = (float)c->weight[k];
            memcpy(narrow + k, &w, sizeof w);
        }
    }
    for (size_t o = 0; o < job->outer; o++) {
        size_t first = o * job->inner;
        fa_rows_job rows = {.precision = job->precision,
                            .kernel = c->isa->kernels[job->precision]->rows.cross_entropy,
                            .rows = job->inner,
                            .n = job->n,
                            .inputs = soft ? 2 : 1,
                            .outputs = job->hess.data ? 2 : job->grad.data ? 1 : 0,
                            .row_in = {(char *)(c->scale + first), sizeof(double), FA_F64},
                            .row_out = {options.want_loss ? (char *)(c->loss + first) : NULL, sizeof(double), FA_F64},
                            .labels = {soft ? NULL : (char *)(c->label + first), sizeof(int64_t), FA_I64},
                            .options = &options};
        rows.in[0] = cube_rows(&job->input, o);
        if (soft) rows.in[1] = cube_rows(&job->target, o);
        if (job->grad.data) rows.out[0] = cube_rows(&job->grad, o);
        if (job->hess.data) rows.out[1] = cube_rows(&job->hess, o);
        if (fa_rows_run(c->isa, &rows)) failed = -1;
    }
    return failed;
}

/* ---- nll: -w_t x_t, whose gradient is -w_t at the label and 0 elsewhere ------------------------- */

static void nll_rows(void *context, size_t outer) {
    rows_context *c = context;
    const fa_row_loss_job *job = c->job;
    for (size_t i = 0; i < job->inner; i++) {
        size_t row = outer * job->inner + i;
        double weight = c->loss[row], x; /* of the label, 0 for an ignored row */
        const fa_cube *in = &job->input, *out[2] = {&job->grad, &job->hess};
        fa_operand at = {in->data + (ptrdiff_t)outer * in->outer + (ptrdiff_t)i * in->inner, in->class_, in->dtype};
        fa_gather(c->isa, &at, (size_t)c->label[row], 1, FA_DOUBLE, &x);
        for (int k = 0; k < 2; k++) {
            if (!out[k]->data) continue;
            fa_operand to = {out[k]->data + (ptrdiff_t)outer * out[k]->outer + (ptrdiff_t)i * out[k]->inner,
                             out[k]->class_, out[k]->dtype};
            fa_fill(c->isa, &to, job->n, 0.0);
            if (k == 1 || weight == 0.0) continue;
            double slope = -weight * c->scale[row];
            to.data = fa_at(&to, (size_t)c->label[row]);
            fa_put(c->isa, &to, 1, &slope);
        }
        c->loss[row] = weight != 0.0 ? -weight * x : 0.0;
    }
}

fa_status fa_row_loss_run(const fa_row_loss_job *job, size_t *bad_row) {
    size_t rows = job->outer * job->inner;
    double *memory = malloc((3 * rows + job->n + 1) * sizeof(double));
    if (!memory) return FA_NO_MEMORY;
    rows_context c = {.job = job, .isa = fa_current_isa(), .scale = memory, .loss = memory + rows};
    c.label = (int64_t *)(void *)(memory + 2 * rows);
    c.weight = memory + 3 * rows;
    if (job->labels.data && (*bad_row = read_labels(&c, rows)) < rows) {
        free(memory);
        return FA_BAD_LABEL;
    }
    prepare(&c);

    int failed = 0;
    if (job->loss == FA_NLL) fa_parallel_for(job->outer, nll_rows, &c);
    else failed = run_cross_entropy(&c);

    for (size_t o = 0; job->value.data && o < job->outer; o++) {
        fa_operand to = plane_row(&job->value, o);
        fa_put(c.isa, &to, job->inner, c.loss + o * job->inner);
    }
    if (job->total) {
        fa_sum_state state = {{0}, {0}};
        fa_add_all(&state, rows, c.loss);
        double total = fa_fold(&state);
        *job->total = !job->mean ? total : c.denominator != 0.0 ? total / c.denominator : 0.0;
    }
    free(memory);
    return failed ? FA_NO_MEMORY : FA_DONE;
}
