#include "rows.h"

#include "operand.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LANES = FA_VIRTUAL_VECTOR / 4 };
/* Rows this short go through tiles: a vector along them would be mostly tail and folding. */
enum { SHORT_ROW = 64 };
/* A tile staged for rows that lie side by side should stay in L2. */
enum { MOST_TILE_BYTES = 1 << 18 };
/* Elements worth a task of their own. */
enum { TASK_ELEMENTS = 1 << 15 };

typedef struct {
    const fa_isa *isa;
    const fa_rows_job *job;
    const fa_kernels *kernels;
    fa_direction direction;
    size_t realsize, rows_per_task;
    atomic_int failed;
} plan;

/* A task's buffers: a tile or a row for each matrix, and rows on their way to or from a tile. */
typedef struct {
    char *memory, *matrix[4], *rows;
} scratch;

static int is_direct(const plan *p, const fa_matrix *m, size_t rows) {
    if (m->staged || p->job->mask || !fa_is_native(m->dtype) || fa_precision_of(m->dtype) != p->job->precision) return 0;
    if (p->direction == FA_ALONG) return m->class_ == (ptrdiff_t)p->realsize || p->job->n == 1;
    return m->row == (ptrdiff_t)p->realsize && m->class_ % (ptrdiff_t)p->realsize == 0 && rows == p->kernels->rows.lanes;
}

/* Rows whose elements are contiguous go to a tile, and come back, without a stop. */
static int has_plain_rows(const plan *p, const fa_matrix *m) {
    return !p->job->mask && fa_is_native(m->dtype) && fa_precision_of(m->dtype) == p->job->precision &&
           m->class_ == (ptrdiff_t)p->realsize && m->row % (ptrdiff_t)p->realsize == 0;
}

static char *element(const fa_matrix *m, size_t row) { return m->data + (ptrdiff_t)row * m->row; }

static void fill_masked(const plan *p, size_t row, double fill, void *reals) {
    const char *mask = p->job->mask + (ptrdiff_t)row * p->job->mask_row;
    for (size_t c = 0; c < p->job->n; c++, mask += p->job->mask_class) {
        if (*mask) continue;
        if (p->realsize == 4) ((float *)reals)[c] = (float)fill;
        else ((double *)reals)[c] = fill;
    }
}

static void gather_row(const plan *p, const fa_matrix *m, size_t row, double fill, void *to) {
    fa_operand o = {element(m, row), m->class_, m->dtype};
    fa_gather(p->isa, &o, 0, p->job->n, p->job->precision, to);
    if (p->job->mask) fill_masked(p, row, fill, to);
}

static void scatter_row(const plan *p, const fa_matrix *m, size_t row, void *from) {
    fa_operand o = {element(m, row), m->class_, m->dtype};
    if (p->job->mask) fill_masked(p, row, 0.0, from);
    fa_scatter(p->isa, &o, 0, p->job->n, p->job->precision, from);
}

/* Where a kernel finds input `m` of rows row..row+rows, staged in `buffer` if need be. */
static const void *fetch(const plan *p, const scratch *s, const fa_matrix *m, size_t row, size_t rows, double fill,
                         char *buffer, ptrdiff_t *pitch) {
    size_t n = p->job->n, lanes = p->kernels->rows.lanes;
    *pitch = is_direct(p, m, rows) ? m->class_ / (ptrdiff_t)p->realsize : (ptrdiff_t)lanes;
    if (is_direct(p, m, rows)) return element(m, row);
    if (p->direction == FA_ALONG) {
        gather_row(p, m, row, fill, buffer);
    } else if (has_plain_rows(p, m)) {
        p->kernels->rows.to_tile(n, rows, element(m, row), m->row / (ptrdiff_t)p->realsize, buffer);
    } else {
        for (size_t r = 0; r < rows; r++) gather_row(p, m, row + r, fill, s->rows + r * n * p->realsize);
        p->kernels->rows.to_tile(n, rows, s->rows, (ptrdiff_t)n, buffer);
    }
    return buffer;
}

static void deliver(const plan *p, const scratch *s, const fa_matrix *m, size_t row, size_t rows, char *buffer) {
    size_t n = p->job->n;
    if (is_direct(p, m, rows)) return;
    if (p->direction == FA_ALONG) {
        scatter_row(p, m, row, buffer);
    } else if (has_plain_rows(p, m)) {
        p->kernels->rows.from_tile(n, rows, buffer, element(m, row), m->row / (ptrdiff_t)p->realsize);
    } else {
        p->kernels->rows.from_tile(n, rows, buffer, s->rows, (ptrdiff_t)n);
        for (size_t r = 0; r < rows; r++) scatter_row(p, m, row + r, s->rows + r * n * p->realsize);
    }
}

/* One call of the kernel: a row, or a tile of rows. */
static void run_rows(const plan *p, const scratch *s, size_t row, size_t rows) {
    const fa_rows_job *job = p->job;
    _Alignas(64) char row_in[FA_VIRTUAL_VECTOR] = {0}, row_out[FA_VIRTUAL_VECTOR];
    int64_t labels[MOST_LANES] = {0};
    fa_rows_args a = {.n = job->n, .row_in = row_in, .row_out = row_out, .labels = labels, .options = job->options};

    for (size_t k = 0; k < job->inputs; k++)
        a.in[k] = fetch(p, s, &job->in[k], row, rows, job->in_fill[k], s->matrix[k], &a.in_pitch[k]);
    for (size_t k = 0; k < job->outputs; k++) {
        int direct = is_direct(p, &job->out[k], rows);
        a.out[k] = direct ? element(&job->out[k], row) : s->matrix[2 + k];
        a.out_pitch[k] = direct ? job->out[k].class_ / (ptrdiff_t)p->realsize : (ptrdiff_t)p->kernels->rows.lanes;
    }
    if (job->row_in.data) fa_gather(p->isa, &job->row_in, row, rows, job->precision, row_in);
    if (job->labels.data) fa_gather_labels(&job->labels, row, rows, -1, labels);
    job->kernel[p->direction](&a);
    for (size_t k = 0; k < job->outputs; k++) deliver(p, s, &job->out[k], row, rows, s->matrix[2 + k]);
    if (job->row_out.data) fa_scatter(p->isa, &job->row_out, row, rows, job->precision, row_out);
}

static int reserve(const plan *p, scratch *s) {
    size_t bytes = p->job->n * p->realsize * (p->direction == FA_ACROSS ? p->kernels->rows.lanes : 1);
    bytes = (bytes + 63) / 64 * 64 + 64;
    s->memory = malloc(5 * bytes);
    if (!s->memory) return -1;
    char *aligned = s->memory + (64 - (uintptr_t)s->memory % 64);
    bytes -= 64;
    for (int k = 0; k < 4; k++) s->matrix[k] = aligned + (size_t)k * bytes;
    s->rows = aligned + 4 * bytes;
    return 0;
}

static void run_task(void *context, size_t index) {
    plan *p = context;
    size_t at = index * p->rows_per_task, end = at + p->rows_per_task;
    size_t most = p->direction == FA_ACROSS ? p->kernels->rows.lanes : 1;
    scratch s;
    if (reserve(p, &s)) {
        atomic_store(&p->failed, 1);
        return;
    }
    if (end > p->job->rows) end = p->job->rows;
    for (; at < end; at += most) run_rows(p, &s, at, end - at < most ? end - at : most);
    free(s.memory);
}

static fa_direction choose_direction(const fa_kernels *kernels, const fa_rows_job *job, size_t realsize) {
    const fa_matrix *x = &job->in[0];
    size_t lanes = kernels->rows.lanes;
    if (job->rows * 2 <= lanes) return FA_ALONG;
    if (job->n <= SHORT_ROW) return FA_ACROSS;
    int side_by_side = x->row == (ptrdiff_t)fa_itemsize(x->dtype) && x->class_ != x->row;
    return side_by_side && job->n * lanes * realsize <= MOST_TILE_BYTES ? FA_ACROSS : FA_ALONG;
}

int fa_rows_run(const fa_isa *isa, const fa_rows_job *job) {
    plan p = {.isa = isa, .job = job, .kernels = isa->kernels[job->precision], .realsize = fa_realsize(job->precision)};
    if (!job->rows || (!job->n && !job->row_out.data)) return 0;
    p.direction = choose_direction(p.kernels, job, p.realsize);
    size_t rows = TASK_ELEMENTS / (job->n + 1) + 1;
    p.rows_per_task = (rows + MOST_LANES - 1) / MOST_LANES * MOST_LANES;
    if (job->n >= TASK_ELEMENTS / 4) p.rows_per_task = p.direction == FA_ALONG ? 1 : MOST_LANES;
    fa_parallel_for((job->rows + p.rows_per_task - 1) / p.rows_per_task, run_task, &p);
    return atomic_load(&p.failed) ? -1 : 0;
}

/* ---- gufunc loops -------------------------------------------------------------------- */

/* Operands in order: the inputs as documented, the mask if there is one, the output. */
int fa_rows_strided(char **args, const ptrdiff_t *dims, const ptrdiff_t *strides, const fa_rows_loop *loop) {
    const fa_isa *isa = fa_current_isa();
    const fa_row_op *op = &fa_row_ops[loop->op];
    int backward = loop->variant != FA_VALUE, row_dy = backward && op->reduces;
    int inputs = 1 + backward, operands = inputs + loop->masked + 1;
    const ptrdiff_t *core = strides + operands;
    fa_rows_job job = {.precision = fa_precision_of(loop->dtype), .rows = (size_t)dims[0], .n = (size_t)dims[1]};
    job.kernel = isa->kernels[job.precision]->rows.op[loop->op][loop->variant];

    int k = 0;
    if (row_dy) {
        fa_operand dy = {args[k], strides[k], loop->in_dtype};
        job.row_in = dy;
        k++;
    }
    for (; k < inputs; k++) {
        fa_matrix m = {args[k], strides[k], *core++, loop->in_dtype, 0};
        /* what a masked element counts as: -inf in logits and log-probabilities, 0 in dy and probabilities */
        int logarithmic = loop->variant != FA_FROM_OUTPUT || loop->op == FA_ROW_log_softmax;
        job.in_fill[job.inputs] = k == inputs - 1 && logarithmic ? -HUGE_VAL : 0.0;
        job.in[job.inputs++] = m;
    }
    if (loop->masked) {
        job.mask = args[k];
        job.mask_row = strides[k++];
        job.mask_class = *core++;
    }
    if (op->reduces && !backward) {
        fa_operand out = {args[k], strides[k], loop->dtype};
        job.row_out = out;
    } else {
        fa_matrix out = {args[k], strides[k], *core, loop->dtype, 0};
        job.out[job.outputs++] = out;
        /* what passes through the output must not overwrite grad_output, which comes after it */
        job.in[0].staged = backward && !row_dy && job.in[0].data == out.data;
    }
    return fa_rows_run(isa, &job);
}
