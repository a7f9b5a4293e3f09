/* Sums of many doubles, by the vectors of an instruction set but in one order; and what rows add to them. */
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

static inline double fa_sum_doubles(const fa_isa *isa, size_t n, const double *v) {
    fa_sum_state state = {{0}, {0}};
    fa_accumulate(isa, &state, n, v);
    return fa_sum_total(&state);
}

/* What a row adds to a sum of losses: 0 if its weight is 0, even where its loss is infinite or NaN. */
static inline double fa_weighted(double weight, double loss) { return weight == 0.0 ? 0.0 : weight * loss; }

#endif
