/* Portable C, for CPUs without fma; it defines the bits that all other instruction sets must give. */
#define FA_ISA_BASELINE
#define FA_ISA_NAME "baseline"
#define FA_ISA_TABLE fa_isa_baseline
#include "../kernels/all.h"
