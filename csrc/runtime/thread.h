/* Mutexes, conditions and detached threads for parallel.c: POSIX, or Windows (untested). */
#ifndef FA_THREAD_H
#define FA_THREAD_H

/* Waits some 50 ns and leaves the core to the hardware thread that shares it. */
static inline void fa_pause(void) {
#if defined(__x86_64__) || defined(_M_X64)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

#if defined(_WIN32)
#include <windows.h>

typedef SRWLOCK fa_mutex;
typedef CONDITION_VARIABLE fa_cond;
#define FA_MUTEX_INIT SRWLOCK_INIT
#define FA_COND_INIT CONDITION_VARIABLE_INIT
static inline void fa_mutex_lock(fa_mutex *m) { AcquireSRWLockExclusive(m); }
static inline void fa_mutex_unlock(fa_mutex *m) { ReleaseSRWLockExclusive(m); }
static inline int fa_mutex_trylock(fa_mutex *m) { return TryAcquireSRWLockExclusive(m) ? 0 : -1; }
static inline void fa_cond_wait(fa_cond *c, fa_mutex *m) { SleepConditionVariableSRW(c, m, INFINITE, 0); }
static inline void fa_cond_signal(fa_cond *c) { WakeConditionVariable(c); }
static inline void fa_cond_broadcast(fa_cond *c) { WakeAllConditionVariable(c); }
static inline DWORD WINAPI fa_thread_main(LPVOID body) {
    ((void (*)(void))body)();
    return 0;
}
static inline int fa_thread_start(void (*body)(void)) {
    HANDLE thread = CreateThread(NULL, 0, fa_thread_main, (LPVOID)body, 0, NULL);
    if (!thread) return -1;
    CloseHandle(thread);
    return 0;
}
#else
#include <pthread.h>
#include <signal.h>

typedef pthread_mutex_t fa_mutex;
typedef pthread_cond_t fa_cond;
#define FA_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#define FA_COND_INIT PTHREAD_COND_INITIALIZER
static inline void fa_mutex_lock(fa_mutex *m) { pthread_mutex_lock(m); }
static inline void fa_mutex_unlock(fa_mutex *m) { pthread_mutex_unlock(m); }
static inline int fa_mutex_trylock(fa_mutex *m) { return pthread_mutex_trylock(m); }
static inline void fa_cond_wait(fa_cond *c, fa_mutex *m) { pthread_cond_wait(c, m); }
static inline void fa_cond_signal(fa_cond *c) { pthread_cond_signal(c); }
static inline void fa_cond_broadcast(fa_cond *c) { pthread_cond_broadcast(c); }
static inline void *fa_thread_main(void *body) {
    /* ISO C does not cast between function and object pointers; POSIX does. */
    union {
        void *object;
        void (*function)(void);
    } u;
    u.object = body;
    u.function();
    return NULL;
}
/* Our threads block all signals, which belong to the host's own threads. */
static inline int fa_thread_start(void (*body)(void)) {
    union {
        void *object;
        void (*function)(void);
    } u;
    sigset_t all, before;
    pthread_t thread;
    u.function = body;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, NULL, fa_thread_main, u.object);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) return -1;
    pthread_detach(thread);
    return 0;
}
#endif

#endif
