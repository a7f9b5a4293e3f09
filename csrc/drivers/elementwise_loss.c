/* Elementwise losses: tasks of a fixed size, each with a sum of its own; the sums are added in the order of tasks. */
#include "jobs.h"

#include "totals.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/tasks.h"
#include "operands.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const fa_isa *isa;
    fa_operands operands;
    fa_loss_kernel *kernel;
    size_t n;
    double *partial; /* (tasks), the sum of each; or NULL */
} loss_context;

typedef struct {
    fa_loss_kernel *kernel;
    fa_sum_state *state;
} loss_piece_context;

static void loss_piece(void *context, size_t n, const void *const in[], const size_t step[], void *const out[]) {
    const loss_piece_context *c = context;
    c->kernel(n, in, step, c->state, out);
}

static void loss_task(void *context, size_t index) {
    const loss_context *p = context;
    const size_t start = index * FA_TASK_SUMMED, left = p->n - start;
    fa_sum_state state = {{0}, {0}};
    loss_piece_context c = {p->kernel, p->partial ? &state : NULL};
    fa_for_pieces(p->isa, &p->operands, start, left < FA_TASK_SUMMED ? left : FA_TASK_SUMMED, loss_piece, &c);
    if (p->partial) p->partial[index] = fa_sum_total(&state);
}

int fa_elementwise_loss_run(const fa_elementwise_loss_job *job) {
    const size_t tasks = fa_tasks(job->n, FA_TASK_SUMMED);
    loss_context p = {.isa = fa_current_isa(), .n = job->n};
    p.kernel = p.isa->kernels[job->precision]->loss[job->op];
    p.operands.inputs = 4 + (size_t)fa_elementwise_losses[job->op].parameters;
    p.operands.outputs = FA_LOSS_RESULTS;
    p.operands.precision = job->precision;
    memcpy(p.operands.in, job->in, sizeof job->in);
    memcpy(p.operands.out, job->out, sizeof job->out);
    if (job->total && !(p.partial = malloc((tasks + 1) * sizeof(double)))) return -1;
    fa_parallel_for(tasks, loss_task, &p);
    if (job->total) {
        *job->total = fa_sum_doubles(p.isa, tasks, p.partial);
        free(p.partial);
    }
    return 0;
}
