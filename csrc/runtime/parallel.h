/* Tasks on threads; include/fastact.h has what a host may set. */
#ifndef FA_PARALLEL_H
#define FA_PARALLEL_H

#include "../include/fastact.h"

/* task(context, 0 .. tasks-1), each once, on as many threads as pay; in IEEE default floating-point mode */
void fa_parallel_for(size_t tasks, fa_task *task, void *context);

#endif
