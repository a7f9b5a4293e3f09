/* Advanced SIMD, which every AArch64 CPU has. */
#include "../simd/target.h"

#if defined(FA_TARGET_AARCH64)
#define FA_ISA_NEON
#define FA_ISA_NAME "neon"
#define FA_ISA_TABLE fa_isa_neon
#include "../kernels/all.h"
#endif
