/* Tasks on threads: what drivers call. What a host may set is in include/fastact.h. */
#ifndef FA_PARALLEL_H
#define FA_PARALLEL_H

#include "../include/fastact.h"

/* Calls task(context, index) once for each index 0 .. tasks-1, on up to fa_get_threads() threads, in IEEE default
 * floating-point mode. Returns when all have ended. */
void fa_parallel_for(size_t tasks, fa_task *task, void *context);

#endif
