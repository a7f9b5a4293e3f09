/* Compensated sums of doubles, in a fixed order: the rounding errors are carried along. */
#ifndef FA_COMPENSATED_SUM_H
#define FA_COMPENSATED_SUM_H

#include "../core.h"
#include "../simd/fp.h"

/* *s += v, and the rounding error to *lost (Knuth's two-sum). The value is *s - *lost. */
static inline void fa_add_compensated(double *s, double *lost, double v) {
    double total = *s + v, t = total - *s;
    *lost -= (*s - (total - t)) + (v - t);
    *s = total;
}

/* The value of all slots: slot k takes slot k + half until one is left. */
static inline double fa_sum_total(const fa_sum_state *state) {
    fa_sum_state s = *state;
    for (size_t half = FA_SUM_SLOTS / 2; half; half /= 2) {
        for (size_t k = 0; k < half; k++) {
            fa_add_compensated(&s.sum[k], &s.lost[k], s.sum[k + half]);
            s.lost[k] += s.lost[k + half];
        }
    }
    /* what an infinite sum lost is NaN */
    return s.sum[0] - s.sum[0] == 0.0 ? s.sum[0] - s.lost[0] : s.sum[0];
}

#endif
