/* The instruction set that a file is compiled for (FA_ISA_..., set by runtime/isa_*.c): its header, and what follows
 * from the length of its vectors. Whoever wants vectors includes simd.h. */
#ifndef FA_ISA_H
#define FA_ISA_H

#include "../core.h"
#include "fp.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(FA_ISA_AVX512)
#include "avx512.h"
#elif defined(FA_ISA_AVX2)
#include "avx2.h"
#elif defined(FA_ISA_NEON)
#include "neon.h"
#else
#include "scalar.h"
#endif

/* Where there are vectors an elementary function is inlined, and costs no call. Without vectors one copy of each serves
 * all ops, and costs little code. Likewise loops are unrolled only for vectors. */
#if F32_LANES == 1
#define FA_MATH FA_NOINLINE
#define FA_UNROLL(n)
#else
#define FA_MATH FA_INLINE
#if defined(__clang__)
#define FA_UNROLL(n) FA_PRAGMA(clang loop unroll_count(n))
#else
#define FA_UNROLL(n) FA_PRAGMA(GCC unroll n)
#endif
#endif

#define FA_F64_PER_F32 (F32_LANES / F64_LANES > 1 ? F32_LANES / F64_LANES : 1)

typedef struct {
    vf64 part[FA_F64_PER_F32];
} f64w;

#endif
