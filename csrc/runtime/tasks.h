/* How large a task is: for every driver, in one place.
 *
 * A task is some 20 us of work, so that waking a thread pays; a small call is one task and stays serial. Where a
 * driver adds up what tasks give, a task's size decides the order of the sum, and so the bits: FA_TASK_SUMMED and
 * FA_TASK_PARAMETERS. Those do not depend on the number of threads; fa_task_pipelined_rows does.
 */
#ifndef FA_TASKS_H
#define FA_TASKS_H

#include "../core.h"

enum {
    FA_TASK_SUMMED = 1 << 15,     /* elements of an elementwise loss, whose sum is taken task by task */
    FA_TASK_PARAMETERS = 1 << 16, /* terms of a parameter's gradient, likewise */
    FA_TASK_ROWS = 1 << 15,       /* elements of rows */
    FA_TASK_CTC = 1 << 13,        /* states and classes over all steps of some sequences */
    FA_TASK_MOMENTS = 32,         /* distributions that share a part of the matrix while it is in a core's cache */
    FA_ROW_OVERHEAD = 8           /* a row of a loss costs about as much as so many more elements */
};
_Static_assert(FA_TASK_SUMMED % FA_SUM_SLOTS == 0, "sums continue in their slots");

/* Elements of an activation. */
static inline size_t fa_task_elements(fa_cost cost) {
    static const size_t elements[] = {1 << 17, 1 << 16, 1 << 15};
    return elements[cost];
}

static inline size_t fa_tasks(size_t n, size_t in_task) { return (n + in_task - 1) / in_task; }
static inline size_t fa_round_up(size_t n, size_t granule) { return fa_tasks(n, granule) * granule; }

/* Rows of `work` elements each, or what costs as much; a multiple of granule. */
static inline size_t fa_task_rows(size_t work, size_t granule) { return fa_round_up(FA_TASK_ROWS / work + 1, granule); }

/* Rows of n elements, where each task fills and drains a pipeline of its own: no more tasks for each of the threads
 * than even out their speeds. Rows of which a few are a task's work (whole_rows) come one by one, others by granules.
 */
static inline size_t fa_task_pipelined_rows(size_t rows, size_t n, int whole_rows, size_t granule, size_t threads) {
    enum { TASKS_PER_THREAD = 16 };
    if (rows * (n + 1) <= FA_TASK_ROWS) return rows; /* without the divisions, which a small call would feel */
    const size_t least = FA_TASK_ROWS / (n + 1) + 1, balanced = rows / (threads * TASKS_PER_THREAD);
    if (whole_rows && n >= FA_TASK_ROWS / 4) return balanced + 1;
    return fa_round_up(least > balanced ? least : balanced, granule);
}

/* Sequences of so many states and classes over all steps. */
static inline size_t fa_task_sequences(size_t states) { return FA_TASK_CTC / (states + 1) + 1; }

/* Rows of (kept, inner) terms of parameters' gradients; `least` terms keep a task's partial sums few beside them. */
static inline size_t fa_task_parameter_rows(size_t kept, size_t inner, size_t least) {
    const size_t rows = (FA_TASK_PARAMETERS > least ? FA_TASK_PARAMETERS : least) / inner / kept;
    return rows ? rows : 1;
}

#endif
