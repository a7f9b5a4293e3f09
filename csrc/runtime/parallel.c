/* A small thread pool: fa_parallel_for, and how many threads it may use.
 *
 * - Threads start at the first call that needs them, never at import. The caller works too.
 * - One job runs at a time. A nested or concurrent call runs serially in its own thread rather than wait.
 * - A forked child starts with an empty pool.
 * - If a thread cannot start, those that did (or the caller alone) do the work.
 * - Tasks are handed out in index order. Which thread runs a task never changes a result.
 * - Waking a thread takes as long as computing 100,000 elements, on virtual machines longer. So whoever waits spins for
 *   some 0.1 ms before it sleeps, which bridges the calls of a loop. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "parallel.h"

#include "fpstate.h"
#include "thread.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
typedef struct {
    pid_t thread; /* a thread id, since the thread may be gone when a worker asks about it */
    int cpu;
} caller;
static caller this_caller(void) {
    caller c = {(pid_t)syscall(SYS_gettid), sched_getcpu()};
    return c;
}

/* Linux wakes a thread on the CPU where it last ran or on its waker's, and where few CPUs share a cache it hardly looks
 * for an idle one. So a worker may wait behind its caller until the job is done. A worker that finds itself on the
 * caller's CPU keeps away from it from then on. */
static void keep_away_from(caller c) {
    cpu_set_t others;
    if (sched_getcpu() != c.cpu || sched_getaffinity(c.thread, sizeof others, &others) != 0) return;
    CPU_CLR((size_t)c.cpu, &others);
    if (CPU_COUNT(&others)) sched_setaffinity(0, sizeof others, &others);
}
#else
typedef int caller;
static caller this_caller(void) { return 0; }
static void keep_away_from(caller c) { (void)c; }
#endif

enum { MAX_THREADS = 256, SPINS = 4000 };

typedef struct {
    fa_task *task;
    void *context;
    size_t tasks;
    atomic_size_t next;
} job;

static struct {
    fa_mutex busy; /* held by the caller whose job runs */
    fa_mutex lock; /* guards all that follows */
    fa_cond posted, finished;
    job *current;            /* NULL: workers that have not begun stay out */
    caller poster;           /* who posted the current or last job */
    atomic_ulong generation; /* number of the last job, so that no worker takes a job twice */
    int workers, wanted;     /* threads started; how many more the current job wants */
    atomic_int running;      /* workers on the current job */
} pool = {.busy = FA_MUTEX_INIT, .lock = FA_MUTEX_INIT, .posted = FA_COND_INIT, .finished = FA_COND_INIT};

static atomic_int thread_limit; /* 0: not yet set */
static _Atomic(fa_runner *) host_runner;

static void work_on(job *j) {
    for (size_t i; (i = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed)) < j->tasks;)
        j->task(j->context, i);
}

/* Is there a job that this worker has not seen and that wants more workers? With pool.lock held. */
static int has_job(unsigned long seen) { return pool.current && pool.generation != seen && pool.wanted > 0; }

/* Waits for the next job. With pool.lock held, except while it spins. A worker that wakes too late for one job spins
 * again, and may be in time for the next. */
static void wait_for_job(unsigned long seen) {
    for (unsigned long known = seen; !has_job(seen);) {
        const caller poster = pool.poster;
        fa_mutex_unlock(&pool.lock);
        if (known) keep_away_from(poster);
        for (int k = 0; k < SPINS && atomic_load(&pool.generation) == known; k++) fa_pause();
        fa_mutex_lock(&pool.lock);
        if (has_job(seen)) break;
        fa_cond_wait(&pool.posted, &pool.lock);
        known = pool.generation;
    }
}

static void worker_loop(void) {
    unsigned long seen = 0;
    fa_fpstate_enter();
    fa_mutex_lock(&pool.lock);
    for (;;) {
        wait_for_job(seen);
        job *j = pool.current;
        seen = pool.generation;
        pool.wanted--;
        pool.running++;
        const caller poster = pool.poster;
        fa_mutex_unlock(&pool.lock);
        keep_away_from(poster);
        work_on(j);
        fa_mutex_lock(&pool.lock);
        if (--pool.running == 0) fa_cond_signal(&pool.finished);
    }
}

#if !defined(_WIN32)
/* In a forked child: the parent's threads do not exist here, and its locks may be held for ever. */
static void forget_parent(void) {
    fa_mutex fresh = FA_MUTEX_INIT;
    fa_cond quiet = FA_COND_INIT;
    pool.busy = fresh;
    pool.lock = fresh;
    pool.posted = quiet;
    pool.finished = quiet;
    pool.current = NULL;
    pool.workers = pool.wanted = 0;
    atomic_store(&pool.running, 0);
}
#endif

/* Starts threads until `wanted` exist. With pool.lock held. */
static void start_workers(int wanted) {
#if !defined(_WIN32)
    static int registered;
    if (!registered) registered = pthread_atfork(NULL, NULL, forget_parent) == 0;
    if (!registered) return; /* without the handler a child could hang: stay serial */
#endif
    while (pool.workers < wanted && fa_thread_start(worker_loop) == 0) pool.workers++;
}

static void run_on_pool(size_t tasks, fa_task *task, void *context, int threads) {
    job j = {task, context, tasks, 0};
    fa_mutex_lock(&pool.lock);
    start_workers(threads - 1);
    pool.current = &j;
    pool.poster = this_caller();
    pool.generation++;
    pool.wanted = pool.workers < threads - 1 ? pool.workers : threads - 1;
    if (pool.wanted) fa_cond_broadcast(&pool.posted);
    fa_mutex_unlock(&pool.lock);
    work_on(&j);
    fa_mutex_lock(&pool.lock);
    pool.current = NULL; /* workers that have not begun stay out */
    pool.wanted = 0;
    fa_mutex_unlock(&pool.lock);
    for (int k = 0; k < SPINS && atomic_load_explicit(&pool.running, memory_order_relaxed); k++) fa_pause();
    fa_mutex_lock(&pool.lock);
    while (pool.running) fa_cond_wait(&pool.finished, &pool.lock);
    fa_mutex_unlock(&pool.lock);
}

/* A task for the host's own threads (fa_set_runner), which may have any floating-point mode. */
typedef struct {
    fa_task *task;
    void *context;
} guarded_task;

static void run_guarded(void *context, size_t index) {
    const guarded_task *g = context;
    fa_fpstate found = fa_fpstate_enter();
    g->task(g->context, index);
    fa_fpstate_leave(found);
}

void fa_parallel_for(size_t tasks, fa_task *task, void *context) {
    fa_runner *runner = tasks > 1 ? atomic_load(&host_runner) : NULL;
    int threads = tasks > 1 ? fa_get_threads() : 1;
    if (runner) {
        guarded_task g = {task, context};
        runner(tasks, run_guarded, &g);
        return;
    }
    fa_fpstate found = fa_fpstate_enter();
    if ((size_t)threads > tasks) threads = (int)tasks;
    if (threads > 1 && fa_mutex_trylock(&pool.busy) == 0) {
        run_on_pool(tasks, task, context, threads);
        fa_mutex_unlock(&pool.busy);
    } else {
        for (size_t i = 0; i < tasks; i++) task(context, i);
    }
    fa_fpstate_leave(found);
}

void fa_set_runner(fa_runner *runner) { atomic_store(&host_runner, runner); }

void fa_set_threads(int threads) {
    atomic_store(&thread_limit, threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads);
}

int fa_get_threads(void) {
    int n = atomic_load_explicit(&thread_limit, memory_order_relaxed);
    if (n) return n;
    const char *asked = getenv("FASTACT_NUM_THREADS");
    /* what tells other libraries' pools, such as BLAS's, to leave CPUs to other processes; "4,2": 4 at the first level */
    if (!asked || !*asked) asked = getenv("OMP_NUM_THREADS");
    int cpus = fa_available_cpus(), wish = asked ? atoi(asked) : 0;
    fa_set_threads(wish > 0 && wish < cpus ? wish : cpus);
    return atomic_load(&thread_limit);
}

/* ---- how many CPUs we may use: by affinity and cgroup ------------------------------- */

#if defined(__linux__)
/* The CPU time that a cgroup grants, in CPUs, rounded up; 0: no limit. */
static int cgroup_quota(void) {
    long quota = -1, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (f) {
        if (fscanf(f, "%ld %ld", &quota, &period) != 2) quota = -1;
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r"))) {
        if (fscanf(f, "%ld", &quota) != 1) quota = -1;
        fclose(f);
        if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r"))) {
            if (fscanf(f, "%ld", &period) != 1) period = 0;
            fclose(f);
        }
    }
    return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

static int affinity(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}
#elif defined(_WIN32)
static int cgroup_quota(void) { return 0; }
static int affinity(void) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return (int)info.dwNumberOfProcessors;
}
#else
#include <unistd.h>
static int cgroup_quota(void) { return 0; }
static int affinity(void) { return (int)sysconf(_SC_NPROCESSORS_ONLN); }
#endif

int fa_available_cpus(void) {
    int cpus = affinity(), quota = cgroup_quota();
    if (quota && quota < cpus) cpus = quota;
    return cpus < 1 ? 1 : cpus;
}
