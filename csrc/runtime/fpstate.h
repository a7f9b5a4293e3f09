/* The floating-point control and status registers: set to IEEE defaults while we compute, and restored afterwards. So
 * results do not depend on a host's rounding or flush-to-zero mode, and no exception flag leaks to the host. */
#ifndef FA_FPSTATE_H
#define FA_FPSTATE_H

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
typedef unsigned int fa_fpstate;
static inline fa_fpstate fa_fpstate_enter(void) {
    fa_fpstate found = _mm_getcsr();
    _mm_setcsr(0x1f80); /* every exception masked, nearest-even, no FTZ, no DAZ */
    return found;
}
static inline void fa_fpstate_leave(fa_fpstate found) { _mm_setcsr(found); }
#elif defined(__aarch64__)
typedef struct {
    uint64_t control, status;
} fa_fpstate;
static inline fa_fpstate fa_fpstate_enter(void) {
    fa_fpstate found;
    uint64_t defaults = 0;
    __asm__ __volatile__("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(found.control), "=r"(found.status));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(defaults));
    return found;
}
static inline void fa_fpstate_leave(fa_fpstate found) {
    __asm__ __volatile__("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"(found.control), "r"(found.status));
}
#else
#include <fenv.h>
typedef fenv_t fa_fpstate;
static inline fa_fpstate fa_fpstate_enter(void) {
    fa_fpstate found;
    feholdexcept(&found);
    fesetround(FE_TONEAREST);
    return found;
}
static inline void fa_fpstate_leave(fa_fpstate found) { fesetenv(&found); }
#endif

#endif
