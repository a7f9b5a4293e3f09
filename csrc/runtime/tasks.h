/* How large a task is: for every driver, in one place.
 *
 * A task is some 20 us of work, so that waking a thread pays; a small call is one task and stays serial. Where a
 * driver adds up what tasks give, a task's size decides the order of the sum, and so the bits: FA_TASK_SUMMED and
 * FA_TASK_PARAMETERS. Those, like all but fa_task_rows' `balance`, do not depend on the number of threads.
 */
#ifndef FA_TASKS_H
#define FA_TASKS_H

#include "../core.h"

enum {
    FA_TASK_SUMMED = 1 << 15,     /* elements of an elementwise loss, whose sum is taken task by task */
    FA_TASK_PARAMETERS = 1 << 16, /* terms of a parameter's gradient, likewise */
    FA_TASK_ROWS = 1 << 15,       /* elements of rows */
    FA_TASK_CTC = 1 << 13,        /* states and classes over all steps of a sequence */
    FA_TASK_MOMENTS = 32          /* distributions that share a part of the matrix while it is in a core's cache */
};

/* Elements of an activation. */
static inline size_t fa_task_elements(fa_cost cost) {
    static const size_t elements[] = {1 << 17, 1 << 16, 1 << 15};
    return elements[cost];
}

/* Rows of `work` each, in FA_TASK_ROWS' measure; at least one. */
static inline size_t fa_task_rows(size_t work) { return FA_TASK_ROWS / work + 1; }

static inline size_t fa_tasks(size_t n, size_t in_task) { return (n + in_task - 1) / in_task; }

#endif
