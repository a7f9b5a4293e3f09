/* AVX2 with FMA and F16C: x86-64 since 2013 (Haswell) and 2015 (Excavator). */
#include "../simd/target.h"

#if defined(FA_TARGET_X86)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c")
#endif
#define FA_ISA_AVX2
#define FA_ISA_NAME "avx2"
#define FA_ISA_TABLE fa_isa_avx2
#include "../kernels/all.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
