/* The thread pool under callers that do all at once: several host threads, jobs inside
 * jobs, a thread count and a runner that change meanwhile. Each task must run exactly
 * once. Ends with 1, saying what went wrong, or with 0; tests/tools/sanitizers.sh builds it
 * with ThreadSanitizer. */
#include "../../csrc/runtime/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { CALLERS = 4, ROUNDS = 300, TASKS = 37, INNER = 5 };

static atomic_int wrong, callers_left = CALLERS;

typedef struct {
    int runs[TASKS], inner[TASKS][INNER]; /* plain: the pool must order what tasks write before the caller reads */
} counts;

typedef struct {
    counts *c;
    size_t outer;
} inner_context;

static void inner_task(void *context, size_t index) {
    inner_context *i = context;
    i->c->inner[i->outer][index]++;
}

static void outer_task(void *context, size_t index) {
    inner_context inner = {context, index};
    inner.c->runs[index]++;
    fa_parallel_for(INNER, inner_task, &inner);
}

static void *caller(void *unused) {
    (void)unused;
    for (int round = 1; round <= ROUNDS; round++) {
        counts c = {{0}, {{0}}};
        fa_parallel_for(TASKS, outer_task, &c);
        for (size_t k = 0; k < TASKS; k++) {
            int whole = c.runs[k] == 1;
            for (size_t i = 0; i < INNER; i++) whole = whole && c.inner[k][i] == 1;
            if (!whole && !atomic_exchange(&wrong, 1)) fprintf(stderr, "round %d: task %zu ran %d times\n", round, k, c.runs[k]);
        }
    }
    atomic_fetch_sub(&callers_left, 1);
    return NULL;
}

/* A host's runner that knows no threads. */
static void serial(size_t tasks, fa_task *task, void *context) {
    for (size_t i = 0; i < tasks; i++) task(context, i);
}

static void *meddler(void *unused) {
    (void)unused;
    for (int n = 0; atomic_load(&callers_left); n++) {
        fa_set_threads(n % 6 + 1);
        fa_set_runner(n % 50 == 49 ? serial : NULL);
        if (fa_get_threads() < 1) wrong = 1;
    }
    fa_set_runner(NULL);
    return NULL;
}

int main(void) {
    pthread_t thread[CALLERS + 1];
    for (int k = 0; k <= CALLERS; k++)
        if (pthread_create(&thread[k], NULL, k < CALLERS ? caller : meddler, NULL)) return 2;
    for (int k = 0; k <= CALLERS; k++) pthread_join(thread[k], NULL);
    fa_set_threads(6);
    atomic_store(&callers_left, 1);
    caller(NULL);
    return wrong;
}
