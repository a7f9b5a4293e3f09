/* Sums that are no losses: the gradient of a trained parameter, and moments of a matrix's columns. */
#include "jobs.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/tasks.h"
#include "operands.h"
#include "../simd/fp.h"
#include "../runtime/fpstate.h"

#include <stdlib.h>

/* ---- a trained parameter ----------------------------------------------------------------------- */

/* Terms (outer, kept, inner) are summed over all but `kept`, in an order that the three lengths alone decide. Tasks of
 * terms go to threads; each has slots of its own, and tasks are added in index order. */

/* inner > 1: element i of a run adds to slot i % SLOTS. inner = 1: outer row o adds to slot o % SLOTS. SLOTS
 * independent sums keep a core busy. */
enum { SLOTS = FA_SUM_SLOTS };

typedef struct {
    size_t outer, kept, inner;
    size_t rows, columns; /* a task: whole outer rows, or of a single outer row `columns` elements of each run */
    size_t tasks, used;   /* used: slots that get a term */
    const fa_kernels *kernels;
    size_t itemsize;
    const char *terms;
    double *slots; /* (tasks, kept, SLOTS); inner = 1: (tasks, used, kept) */
} parameter_sums_context;

static const char *term(const parameter_sums_context *p, size_t index) { return p->terms + index * p->itemsize; }

/* slots: (kept, SLOTS) += elements first .. end - 1 of each run of outer row o */
static void add_runs(const parameter_sums_context *p, size_t o, size_t first, size_t end, double *slots) {
    for (size_t k = 0; k < p->kept; k++, slots += SLOTS)
        p->kernels->add_to_slots(end - first, term(p, (o * p->kept + k) * p->inner + first), slots);
}

static void sums_task(void *context, size_t index) {
    const parameter_sums_context *p = context;
    double *slots = p->slots + index * p->used * p->kept;
    size_t parts = (p->inner + p->columns - 1) / p->columns, first = index % parts * p->columns;
    size_t end = p->inner - first < p->columns ? p->inner : first + p->columns;
    size_t o = index / parts * p->rows, last = p->outer - o < p->rows ? p->outer : o + p->rows;
    for (; o < last; o++) {
        if (p->inner == 1) p->kernels->add_elementwise(p->kept, term(p, o * p->kept), slots + o % SLOTS * p->kept);
        else add_runs(p, o, first, end, slots);
    }
}

/* Folds the slots of parameter k: slot s takes slot s + half until one is left. */
static double slots_total(const parameter_sums_context *p, const double *slots, size_t k) {
    double sum[SLOTS] = {0};
    for (size_t s = 0; s < p->used; s++) sum[s] = slots[p->inner == 1 ? s * p->kept + k : k * SLOTS + s];
    for (size_t half = SLOTS / 2; half; half /= 2)
        for (size_t s = 0; s < half; s++) sum[s] += sum[s + half];
    return sum[0];
}

int fa_parameter_sums(size_t outer, size_t kept, size_t inner, fa_dtype dtype, const void *terms,
                      const fa_operand *out) {
    const fa_isa *isa = fa_current_isa();
    parameter_sums_context p = {outer, kept, inner, .columns = inner, .itemsize = fa_itemsize(dtype), .terms = terms};
    p.kernels = isa->kernels[fa_precision_of(dtype)];
    if (outer && kept && inner) {
        p.rows = fa_task_parameter_rows(kept, inner, kept * SLOTS * SLOTS);
        if (outer == 1) p.columns = FA_TASK_PARAMETERS;
        p.used = inner == 1 && outer < SLOTS ? outer : SLOTS;
        p.tasks = fa_tasks(outer, p.rows) * fa_tasks(inner, p.columns);
    }
    double *sums = calloc((1 + p.tasks * p.used) * (kept ? kept : 1), sizeof *sums);
    if (!sums) return -1;
    p.slots = sums + kept;
    fa_parallel_for(p.tasks, sums_task, &p);

    fa_fpstate found = fa_fpstate_enter();
    for (size_t t = 0; t < p.tasks; t++)
        for (size_t k = 0; k < kept; k++) sums[k] += slots_total(&p, p.slots + t * p.used * kept, k);
    fa_scatter_doubles(isa, out, kept, sums);
    fa_fpstate_leave(found);
    free(sums);
    return 0;
}

/* ---- moments ----------------------------------------------------------------------------------- */

/* First and second moments of a matrix's columns under many distributions p (jobs.h has the formula). The kernel is
 * kernels/column_moments.h; this divides the work into tasks. */
typedef struct {
    const fa_column_moments_job *job;
    const fa_kernels *kernels;
    size_t itemsize;
} moments_context;

static void moments_task(void *given, size_t index) {
    const moments_context *context = given;
    const fa_column_moments_job *j = context->job;
    const size_t begin = index * FA_TASK_MOMENTS, left = j->count - begin;
    const size_t end = left < FA_TASK_MOMENTS ? j->count : begin + FA_TASK_MOMENTS;
    for (size_t k = 0; k < j->rows; k += FA_MOMENT_ROWS) {
        const size_t rows = j->rows - k < FA_MOMENT_ROWS ? j->rows - k : FA_MOMENT_ROWS;
        const char *w = (const char *)j->w + k * j->columns * context->itemsize;
        for (size_t i = begin; i < end; i++) {
            const size_t at = i * j->columns;
            context->kernels->column_moments(
                rows, j->columns, (const char *)j->p + (i * j->row_pitch + k) * context->itemsize, w,
                (const char *)j->center + at * context->itemsize, j->first + at, j->second + at);
        }
    }
}

void fa_column_moments(const fa_column_moments_job *job) {
    moments_context context = {.job = job, .kernels = fa_current_isa()->kernels[job->precision]};
    context.itemsize = fa_realsize(job->precision);
    fa_parallel_for(fa_tasks(job->count, FA_TASK_MOMENTS), moments_task, &context);
}
