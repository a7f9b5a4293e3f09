/* Sums of doubles in a fixed order, with the rounding errors carried along. */
#ifndef FA_COMPENSATED_SUM_H
#define FA_COMPENSATED_SUM_H

#include "../core.h"
#include "../simd/fp.h"

/* s += v with the rounding error added to `lost`: the value is sum - lost (Knuth's two-sum). */
static inline void fa_add_compensated(double *s, double *lost, double v) {
    double total = *s + v, t = total - *s;
    *lost -= (*s - (total - t)) + (v - t);
    *s = total;
}

static inline double fa_sum_total(const fa_sum_state *state) {
    fa_sum_state s = *state;
    for (size_t half = FA_SUM_SLOTS / 2; half; half /= 2) {
        for (size_t k = 0; k < half; k++) {
            fa_add_compensated(&s.sum[k], &s.lost[k], s.sum[k + half]);
            s.lost[k] += s.lost[k + half];
        }
    }
    /* an infinite sum has a NaN error */
    return s.sum[0] - s.sum[0] == 0.0 ? s.sum[0] - s.lost[0] : s.sum[0];
}

#endif
