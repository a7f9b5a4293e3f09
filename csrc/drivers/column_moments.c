/* First and second moments of a matrix's columns under many distributions p (jobs.h has the formula). The kernel is
 * kernels/column_moments.h; this divides the work into tasks. */
#include "jobs.h"

#include "../runtime/dispatch.h"
#include "../runtime/parallel.h"
#include "../runtime/tasks.h"
#include "../simd/fp.h"
#include "operands.h"

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
