/* AVX-512 (F, BW, DQ, VL) with FMA: x86-64 servers since 2017, Zen 4 and later. */
#include "../simd/target.h"

#if defined(FA_TARGET_X86)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
#endif
#define FA_ISA_AVX512
#define FA_ISA_NAME "avx512"
#define FA_ISA_TABLE fa_isa_avx512
#include "../kernels/all.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
