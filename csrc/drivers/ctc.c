/* ctc_loss: checks lengths and labels, then runs both recursions sequence by sequence, in parallel over sequences.
 * kernels/contract.h explains states and probabilities; kernels/ctc_kernel.h has one step.
 *
 * forward: alpha of all steps, and the loss from the last one. backward, if gradients are wanted: beta from the last
 * step to the first; alpha beta of a step gives the posterior of each state, and that the step's gradient. */
#include "jobs.h"

#include "totals.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/tasks.h"
#include "views.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PAD = FA_CTC_SLOTS };

typedef struct {
    const fa_ctc_job *job;
    const fa_isa *isa;
    size_t classes;                                /* padded to whole vectors */
    int64_t *input_length, *target_length, *label; /* own copies, so that what was checked is what is used */
    size_t *start;                                 /* (sequences + 1): where each sequence's labels start in `label` */
    double *loss, *scale, *weight;                 /* (sequences); scale: of gradients; weight NULL: all 1 */
    size_t per_task;
    atomic_int failed;
} ctc_context;

static size_t padded(size_t n) { return fa_round_up(n, PAD); }
static int wants_gradients(const fa_ctc_job *job) { return job->grad.data || job->hess.data; }

/* ---- lengths and labels ------------------------------------------------------------------ */

static fa_ctc_status check_lengths(const ctc_context *b, fa_ctc_fault *bad) {
    const fa_ctc_job *job = b->job;
    size_t sum = 0, most = job->labels_each, *n = &bad->sequence;
    fa_gather_labels(&job->input_lengths, 0, job->sequences, -1, b->input_length);
    fa_gather_labels(&job->target_lengths, 0, job->sequences, -1, b->target_length);
    for (*n = 0; *n < job->sequences; ++*n)
        if (b->input_length[*n] < 0 || (uint64_t)b->input_length[*n] > job->steps) return FA_CTC_BAD_INPUT_LENGTH;
    for (*n = 0; *n < job->sequences; ++*n) {
        const int64_t length = b->target_length[*n];
        if (length < 0 || (uint64_t)length > most) return FA_CTC_BAD_TARGET_LENGTH;
        if (job->concatenated && (size_t)length > most - sum) return FA_CTC_BAD_SUM;
        b->start[*n] = sum;
        sum += (size_t)length;
    }
    b->start[job->sequences] = sum;
    return job->concatenated && sum != most ? FA_CTC_BAD_SUM : FA_CTC_DONE;
}

static fa_ctc_status check_labels(const ctc_context *b, fa_ctc_fault *bad) {
    const fa_ctc_job *job = b->job;
    for (size_t n = 0; n < job->sequences; n++) {
        const size_t labels = (size_t)b->target_length[n], start = b->start[n];
        fa_operand from = {job->labels.data, job->labels.inner_stride, job->labels.dtype};
        from.data +=
            job->concatenated ? (ptrdiff_t)start * job->labels.inner_stride : (ptrdiff_t)n * job->labels.outer_stride;
        fa_gather_labels(&from, 0, labels, -1, b->label + start);
        for (size_t j = 0; j < labels; j++) {
            const int64_t label = b->label[start + j];
            if ((uint64_t)label < job->classes && label != job->blank) continue;
            *bad = (fa_ctc_fault){n, j};
            return FA_CTC_BAD_LABEL;
        }
    }
    return FA_CTC_DONE;
}

/* ---- one sequence ---------------------------------------------------------------------------- */

/* One sequence and its buffers, which are parts of one block of doubles. */
typedef struct {
    size_t steps, labels, index; /* index: which sequence of the batch */
    const int64_t *label;
    fa_ctc_step step;
    fa_ctc_row rows;              /* with gradients two rows of beta and one of alpha beta; then alpha's rows */
    size_t alpha;                 /* the first row of alpha, which stands for the time before the first step */
    double *x, *skip, *posterior; /* as fa_ctc_step and fa_ctc_kernels.backward want them */
    double *dense;                /* (classes): the logits of a step */
    double *max, *total;          /* (steps): maximum and normaliser of the softmax, if input is logits */
    double *class_posterior, *grad, *hess; /* (classes): of a step; class_posterior: the posterior of each class */
    char *raw;                             /* the elements at the labels, not yet converted */
} sequence;

static fa_ctc_row row_at(const sequence *s, size_t row) {
    const size_t at = PAD + 2 * s->step.width * row;
    return (fa_ctc_row){s->rows.m + at, s->rows.k + at};
}
static void clear_rows(const sequence *s, size_t rows) {
    for (size_t i = 0; i < PAD + 2 * s->step.width * rows; i++) {
        s->rows.m[i] = 0.0;
        s->rows.k[i] = -INFINITY;
    }
}
/* Probability 1 for one state. */
static void set_one(fa_ctc_row row, size_t state) {
    row.m[state] = 1.0;
    row.k[state] = 0.0;
}
static void fill(double *p, size_t n, double value) {
    for (size_t i = 0; i < n; i++) p[i] = value;
}

/* Takes n doubles, padded, from the block; from a NULL block only adds up the size. */
static double *suballocate(double **block, size_t *size, size_t n) {
    double *part = *block ? *block + *size : NULL;
    *size += padded(n);
    return part;
}

/* Lays the sequence's buffers out in `block`, unless that is NULL; returns how many doubles they take. Without
 * gradients two rows of alpha suffice. */
static size_t lay_out(const ctc_context *b, sequence *s, double *block) {
    const fa_ctc_job *job = b->job;
    const int gradients = wants_gradients(job);
    size_t size = 0, width = padded(s->labels + 2), steps = job->logits && gradients ? s->steps : 0;
    size_t rows = gradients ? s->steps + 4 : 2, classes = gradients ? b->classes : 0;
    s->step.width = width;
    s->alpha = gradients ? 3 : 0;
    s->rows.m = suballocate(&block, &size, 2 * width * rows + 2 * PAD);
    s->rows.k = suballocate(&block, &size, 2 * width * rows + 2 * PAD);
    s->x = suballocate(&block, &size, width);
    s->skip = suballocate(&block, &size, width + PAD);
    s->posterior = suballocate(&block, &size, 2 * width);
    s->dense = suballocate(&block, &size, job->logits ? b->classes : 0);
    s->max = suballocate(&block, &size, steps);
    s->total = suballocate(&block, &size, steps);
    s->class_posterior = suballocate(&block, &size, classes);
    s->grad = suballocate(&block, &size, classes);
    s->hess = suballocate(&block, &size, job->hess.data ? classes : 0);
    s->raw = (char *)suballocate(&block, &size, width);
    return size;
}

static void prepare(const ctc_context *b, sequence *s) {
    const size_t width = s->step.width;
    clear_rows(s, s->alpha + 1);
    set_one(row_at(s, s->alpha), width); /* a state that only the first blank and the first label may follow */
    fill(s->x, width, -INFINITY);
    fill(s->skip, width + PAD, -INFINITY);
    for (size_t j = 1; j < s->labels; j++) s->skip[j] = s->label[j] != s->label[j - 1] ? 0.0 : -INFINITY;
    if (b->job->logits) fill(s->dense, b->classes, -INFINITY);
    if (wants_gradients(b->job)) fill(s->class_posterior, b->classes, 0.0);
    s->step.x = s->x;
    s->step.skip = s->skip;
    s->step.max = 0.0;
}

/* Log-probabilities: the elements of a step at the labels to s->x, and the one at the blank. */
static void gather_at_labels(const ctc_context *b, const sequence *s, const char *from, double *blank) {
    const fa_view3 *in = &b->job->input;
    const size_t size = fa_itemsize(in->dtype);
    char *to = s->raw;
    switch (size) { /* constant sizes: memcpy without a call */
    case 2:
        for (size_t j = 0; j < s->labels; j++, to += 2) memcpy(to, from + s->label[j] * in->class_stride, 2);
        break;
    case 4:
        for (size_t j = 0; j < s->labels; j++, to += 4) memcpy(to, from + s->label[j] * in->class_stride, 4);
        break;
    default:
        for (size_t j = 0; j < s->labels; j++, to += 8) memcpy(to, from + s->label[j] * in->class_stride, 8);
    }
    memcpy(to, from + b->job->blank * in->class_stride, size);
    b->isa->kernels[FA_DOUBLE]->widen(s->labels + 1, in->dtype, s->raw, s->x);
    *blank = s->x[s->labels];
    s->x[s->labels] = -INFINITY;
}

/* Logits: all classes of a step. */
static void read_dense(const ctc_context *b, const sequence *s, size_t t) {
    const fa_view3 *in = &b->job->input;
    fa_operand row = {fa_view3_at2(in, t, s->index), in->class_stride, in->dtype};
    fa_gather(b->isa, &row, 0, b->job->classes, FA_DOUBLE, s->dense);
}

/* The input of step t, for the recursions. */
static void read_step(const ctc_context *b, sequence *s, size_t t) {
    s->step.normalise = t % FA_CTC_NORMALISE == 0;
    if (!b->job->logits) {
        gather_at_labels(b, s, fa_view3_at2(&b->job->input, t, s->index), &s->step.blank_x);
        return;
    }
    read_dense(b, s, t);
    s->step.blank_x = s->dense[b->job->blank];
    for (size_t j = 0; j < s->labels; j++) s->x[j] = s->dense[s->label[j]];
}

/* m * 2^k *= factor, which is at least 1, or NaN. */
static void scale_up(double *m, double *k, double factor) {
    int exponent;
    *m = frexp(*m * factor, &exponent);
    *k += exponent;
}

/* alpha of all steps; returns the loss. With logits alpha lacks the normaliser of each step: their product is divided
 * out at the end, so that there is one logarithm a sequence. */
static double forward(const ctc_context *b, sequence *s) {
    const int gradients = wants_gradients(b->job);
    double m[3] = {0, 0, 1}, k[3] = {0, 0, 0}; /* last blank, last label, product of the normalisers */
    for (size_t t = 0; t < s->steps; t++) {
        read_step(b, s, t);
        if (b->job->logits) {
            double total = b->isa->ctc->exp_sum(b->classes, s->dense, &s->step.max);
            scale_up(&m[2], &k[2], total);
            if (gradients) s->max[t] = s->step.max;
            if (gradients) s->total[t] = total;
        }
        const size_t before = gradients ? t : t % 2, now = gradients ? t + 1 : (t + 1) % 2;
        b->isa->ctc->forward(&s->step, row_at(s, s->alpha + before), row_at(s, s->alpha + now));
    }
    fa_ctc_row last = row_at(s, s->alpha + (gradients ? s->steps : s->steps % 2));
    const size_t end = s->step.width + s->labels; /* the last blank */
    m[0] = last.m[end], k[0] = last.k[end];
    if (s->labels) m[1] = last.m[s->labels - 1], k[1] = last.k[s->labels - 1];
    else k[1] = -INFINITY;
    return b->isa->ctc->minus_log(m, k);
}

static void store_step(const ctc_context *b, const fa_view3 *view, size_t t, size_t n, const double *row) {
    char *to = fa_view3_at2(view, t, n);
    fa_operand o = {to, view->class_stride, view->dtype};
    if (view->dtype == FA_F32 && view->class_stride == sizeof(float))
        b->isa->kernels[FA_SINGLE]->widen(b->job->classes, FA_F64, row, to); /* rounds to float32 */
    else fa_scatter_doubles(b->isa, &o, b->job->classes, row);
}

/* The same value in all classes of steps first..end-1. */
static void fill_steps(const ctc_context *b, const sequence *s, size_t first, size_t end, double value) {
    const fa_ctc_job *job = b->job;
    fill(s->grad, b->classes, value);
    for (size_t t = first; t < end; t++) {
        if (job->grad.data) store_step(b, &job->grad, t, s->index, s->grad);
        if (job->hess.data) store_step(b, &job->hess, t, s->index, s->grad);
    }
}

/* The gradients of a step. They may overwrite the input of that step, which has been read. */
static void store_gradients(const ctc_context *b, const sequence *s, size_t t, double blanks) {
    const fa_ctc_job *job = b->job;
    const int logits = job->logits;
    for (size_t j = 0; j < s->labels; j++) s->class_posterior[s->label[j]] += s->posterior[j];
    s->class_posterior[job->blank] = blanks;
    b->isa->ctc->row_gradient(b->classes, logits ? s->dense : NULL, logits ? s->max[t] : 0.0,
                              logits ? 1.0 / s->total[t] : 0.0, s->class_posterior, b->scale[s->index], s->grad,
                              job->hess.data ? s->hess : NULL);
    if (job->grad.data) store_step(b, &job->grad, t, s->index, s->grad);
    if (job->hess.data) store_step(b, &job->hess, t, s->index, s->hess);
    for (size_t j = 0; j < s->labels; j++) s->class_posterior[s->label[j]] = 0.0;
}

/* beta from the last step to the first, and the gradients of each step. */
static void backward(const ctc_context *b, sequence *s) {
    set_one(row_at(s, s->steps % 2), s->step.width + s->labels); /* follows only the last blank and label */
    for (size_t t = s->steps; t--;) {
        read_step(b, s, t);
        if (b->job->logits) s->step.max = s->max[t];
        double blanks = b->isa->ctc->backward(&s->step, row_at(s, (t + 1) % 2), row_at(s, t % 2),
                                              row_at(s, s->alpha + t + 1), row_at(s, 2), s->posterior);
        store_gradients(b, s, t, blanks);
    }
}

static double weighted(const ctc_context *b, size_t n, double loss) {
    return b->weight ? fa_weighted(b->weight[n], loss) : loss;
}

/* Loss inf means that no alignment exists: no distribution over alignments either, so gradients are NaN, or 0 with
 * zero_infinity. Steps beyond the sequence's length get 0. */
static void run_sequence(const ctc_context *b, sequence *s) {
    const fa_ctc_job *job = b->job;
    prepare(b, s);
    double loss = forward(b, s);
    const int impossible = loss == INFINITY;
    b->loss[s->index] = impossible && job->zero_infinity ? 0.0 : weighted(b, s->index, loss);
    if (!wants_gradients(job)) return;
    const int none = b->scale[s->index] == 0.0 || (impossible && job->zero_infinity);
    if (none) fill_steps(b, s, 0, s->steps, 0.0);
    else if (impossible) fill_steps(b, s, 0, s->steps, NAN);
    else backward(b, s);
    fill_steps(b, s, s->steps, job->steps, 0.0);
}

/* ---- the batch ---------------------------------------------------------------------------------------- */

static void init_sequence(const ctc_context *b, size_t index, sequence *s) {
    memset(s, 0, sizeof *s);
    s->index = index;
    s->steps = (size_t)b->input_length[index];
    s->labels = (size_t)b->target_length[index];
    s->label = b->label + b->start[index];
}

static void run_task(void *context, size_t index) {
    ctc_context *b = context;
    size_t first = index * b->per_task, end = first + b->per_task, most = 0;
    sequence s;
    if (end > b->job->sequences) end = b->job->sequences;
    for (size_t n = first; n < end; n++) {
        init_sequence(b, n, &s);
        size_t size = lay_out(b, &s, NULL);
        most = size > most ? size : most;
    }
    char *memory = malloc(most * sizeof(double) + 64);
    if (!memory) {
        atomic_store(&b->failed, 1);
        return;
    }
    double *block =
        (double *)(void *)(memory + (64 - (uintptr_t)memory % 64)); /* a load across a line's end costs twice */
    for (size_t n = first; n < end; n++) {
        init_sequence(b, n, &s);
        lay_out(b, &s, block);
        run_sequence(b, &s);
    }
    free(memory);
}

/* What a mean divides a sequence's loss by: its number of labels, at least 1. Without a mean 1. */
static double terms_of(const ctc_context *b, size_t n) {
    return b->job->mean && b->target_length[n] > 1 ? (double)b->target_length[n] : 1.0;
}

/* scale = grad_output * weight, over what a mean divides by. */
static void prepare_scales(const ctc_context *b) {
    const fa_ctc_job *job = b->job;
    if (!job->sequences) return;
    fa_gather(b->isa, &job->grad_output, 0, job->sequences, FA_DOUBLE, b->scale);
    for (size_t n = 0; job->mean && n < job->sequences; n++)
        b->scale[n] = b->scale[n] / (terms_of(b, n) * (double)job->sequences);
    if (!b->weight) return;
    fa_gather(b->isa, &job->weight, 0, job->sequences, FA_DOUBLE, b->weight);
    for (size_t n = 0; n < job->sequences; n++) b->scale[n] = weighted(b, n, b->scale[n]);
}

static void store_results(const ctc_context *b) {
    const fa_ctc_job *job = b->job;
    if (job->value.data) fa_scatter_doubles(b->isa, &job->value, job->sequences, b->loss);
    if (!job->total) return;
    for (size_t n = 0; n < job->sequences; n++) b->loss[n] = b->loss[n] / terms_of(b, n);
    *job->total = fa_sum_doubles(b->isa, job->sequences, b->loss);
    if (job->mean && job->sequences) *job->total = *job->total / (double)job->sequences;
}

static fa_ctc_status run_checked(ctc_context *b, fa_ctc_fault *bad) {
    const fa_ctc_job *job = b->job;
    fa_ctc_status status = check_labels(b, bad);
    if (status != FA_CTC_DONE) return status;
    prepare_scales(b);
    size_t most = 0;
    for (size_t n = 0; n < job->sequences; n++)
        most = (size_t)b->target_length[n] > most ? (size_t)b->target_length[n] : most;
    size_t states = job->steps * (2 * most + 1 + (job->logits || wants_gradients(job) ? job->classes : 0));
    b->per_task = fa_task_sequences(states);
    fa_parallel_for(fa_tasks(job->sequences, b->per_task), run_task, b);
    if (atomic_load(&b->failed)) return FA_CTC_NO_MEMORY;
    store_results(b);
    return FA_CTC_DONE;
}

fa_ctc_status fa_ctc_run(const fa_ctc_job *job, fa_ctc_fault *bad) {
    ctc_context b = {.job = job, .isa = fa_current_isa(), .classes = padded(job->classes)};
    const size_t n = job->sequences;
    fa_ctc_status status = FA_CTC_NO_MEMORY;
    if (job->blank < 0 || (uint64_t)job->blank >= job->classes) return FA_CTC_BAD_BLANK;
    b.input_length = malloc((2 * n + 1) * sizeof *b.input_length);
    b.start = malloc((n + 1) * sizeof *b.start);
    b.loss = malloc((3 * n + 1) * sizeof *b.loss);
    if (b.input_length && b.start && b.loss) {
        b.target_length = b.input_length + n;
        b.scale = b.loss + n;
        b.weight = job->weight.data ? b.scale + n : NULL;
        status = check_lengths(&b, bad);
        if (status == FA_CTC_DONE) {
            b.label = malloc((b.start[n] + 1) * sizeof *b.label);
            status = b.label ? run_checked(&b, bad) : FA_CTC_NO_MEMORY;
        }
    }
    free(b.label);
    free(b.loss);
    free(b.start);
    free(b.input_length);
    return status;
}
