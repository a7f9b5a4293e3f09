/* fastact for C programs: what a host may set. Calls of the ops themselves are still by the internal
 * headers (drivers/jobs.h); they will come here.
 */
#ifndef FASTACT_H
#define FASTACT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- instruction set: "avx512", "avx2", "neon" or "baseline" ------------------------------------ */

int fa_set_isa(const char *name); /* 0, or -1 if unknown or not supported by this CPU */

/* ---- threads -------------------------------------------------------------------------------------- */

/* The two symbols that a library with hidden ones still shows: by them threadpoolctl knows it. */
#if defined(__GNUC__) && !defined(_WIN32)
#define FA_VISIBLE __attribute__((visibility("default")))
#else
#define FA_VISIBLE
#endif
FA_VISIBLE void fa_set_threads(int threads); /* at least 1 */
FA_VISIBLE int fa_get_threads(void);
int fa_available_cpus(void); /* by affinity and cgroup */

/* A host's own pool: calls task(context, 0 .. tasks-1), each once, on threads of its own. NULL for ours. */
typedef void fa_task(void *context, size_t index);
typedef void fa_runner(size_t tasks, fa_task *task, void *context);
void fa_set_runner(fa_runner *runner);

#ifdef __cplusplus
}
#endif

#endif
