/* The floating-point semantics that every translation unit of csrc/ relies on.
 *
 * Results must be the same bits whatever flags an embedder compiles with, so no a*b + c may be fused unasked: gcc
 * contracts by default and ignores the standard pragma, clang contracts within a statement. */
#ifndef FA_FP_H
#define FA_FP_H

/* gcc has a macro for each such option, clang only for all together and for finite-math-only. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "fastact: an option lets the compiler change floating-point results: NaN, -0 and equal bits would be lost"
#endif

#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
/* gcc orders instructions only after it has chosen registers, unless it is told otherwise. The loops rely on it to
 * interleave independent vectors: docs/decisions/0011-interleaved-vectors.md. */
#pragma GCC optimize("fp-contract=off", "schedule-insns", "sched-pressure")
#if defined(FA_ISA_BASELINE)
#pragma GCC optimize("Os") /* without vectors the last nanosecond is not worth 120 KB */
#endif
#endif

#if defined(__GNUC__) || defined(__clang__)
#define FA_INLINE static inline __attribute__((always_inline, unused))
#define FA_PRAGMA(text) _Pragma(#text)
#define FA_IN_ORDER() __asm__ volatile("" ::: "memory") /* no load or store crosses this */
#define FA_PREFETCH(p) __builtin_prefetch(p, 0, 3) /* at any address */
#define FA_PREFETCH_TO_WRITE(p) __builtin_prefetch(p, 1, 3)
#define FA_NOINLINE static __attribute__((noinline, unused))
#define FA_COLD static __attribute__((noinline, unused, cold)) /* of what is rarely called */
#else
#error "fastact: the vector layer needs gcc, clang or clang-cl"
#endif

#endif
