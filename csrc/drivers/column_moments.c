#include "jobs.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../simd/fp.h"

/* A task's distributions, which share each part of the matrix while it is in a core's cache. */
enum { TASK = 32 };

typedef struct {
    const fa_column_spread_job *job;
    const fa_kernels *kernels;
    size_t itemsize;
} spread_plan;

static void spread_task(void *context, size_t index) {
    const spread_plan *plan = context;
    const fa_column_spread_job *j = plan->job;
    const size_t begin = index * TASK, end = j->count - begin < TASK ? j->count : begin + TASK;
    for (size_t k = 0; k < j->rows; k += FA_SPREAD_ROWS) {
        const size_t rows = j->rows - k < FA_SPREAD_ROWS ? j->rows - k : FA_SPREAD_ROWS;
        const char *w = (const char *)j->w + k * j->columns * plan->itemsize;
        for (size_t i = begin; i < end; i++) {
            const size_t at = i * j->columns;
            plan->kernels->column_spread(rows, j->columns, (const char *)j->p + (i * j->pitch + k) * plan->itemsize, w,
                                         (const char *)j->about + at * plan->itemsize, j->first + at, j->second + at);
        }
    }
}

void fa_column_spread(const fa_column_spread_job *job) {
    spread_plan plan = {.job = job, .kernels = fa_current_isa()->kernels[job->precision]};
    plan.itemsize = job->precision == FA_DOUBLE ? sizeof(double) : sizeof(float);
    fa_parallel_for((job->count + TASK - 1) / TASK, spread_task, &plan);
}
