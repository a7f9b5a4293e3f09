/* The instruction sets that are compiled in, and the one in use. Drivers take their kernels from it. */
#ifndef FA_DISPATCH_H
#define FA_DISPATCH_H

#include "../include/fastact.h"
#include "../kernels/contract.h"

extern const fa_isa fa_isa_avx512, fa_isa_avx2, fa_isa_neon, fa_isa_baseline;
extern const fa_isa *const fa_isas[]; /* best first, NULL at the end */
const fa_isa *fa_current_isa(void);   /* the one in use */
const char *fa_isa_name(const fa_isa *isa);
int fa_isa_supported(const fa_isa *isa);

#endif
