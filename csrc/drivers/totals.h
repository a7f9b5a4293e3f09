/* Sums of many doubles: by the vectors of an instruction set, in one order. */
#ifndef FA_TOTALS_H
#define FA_TOTALS_H

#include "../kernels/contract.h"
#include "../math/compensated_sum.h"

/* Adds n doubles to the state: element i to slot i % FA_SUM_SLOTS. */
static inline void fa_accumulate(const fa_isa *isa, fa_sum_state *state, size_t n, const double *v) {
    const size_t whole = n - n % FA_SUM_SLOTS;
    isa->add_compensated(state, whole, v);
    for (size_t k = 0; whole + k < n; k++) fa_add_compensated(&state->sum[k], &state->lost[k], v[whole + k]);
}

#endif
