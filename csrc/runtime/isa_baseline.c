/* Portable C, for CPUs without fma and as the definition of the others. */
#define FA_ISA_BASELINE
#define FA_ISA_NAME "baseline"
#define FA_ISA_TABLE fa_isa_baseline
#include "../kernels/all.h"
