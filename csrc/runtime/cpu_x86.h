/* Which instruction sets an x86-64 CPU and its operating system let us use: asked by dispatch.c. */
#ifndef FA_CPU_X86_H
#define FA_CPU_X86_H

#include <cpuid.h>

/* The register sets that the operating system keeps for each thread (XCR0). */
static unsigned fa_saved_registers(void) {
    unsigned low, high;
    __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* CPUID leaf 7 (ebx), if the CPU has FMA, AVX and F16C and the system keeps the `saved` registers; else 0. */
static unsigned fa_leaf7(unsigned saved) {
    const unsigned fma_osxsave_avx_f16c = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29;
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & fma_osxsave_avx_f16c) != fma_osxsave_avx_f16c) return 0;
    if ((fa_saved_registers() & saved) != saved) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) ? b : 0;
}

static int fa_cpu_has_avx2(void) { return fa_leaf7(0x6) >> 5 & 1; }
static int fa_cpu_has_avx512(void) {
    const unsigned f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    return (fa_leaf7(0xe6) & f_dq_bw_vl) == f_dq_bw_vl;
}

#endif
