/* Compensated sums of float64, for both precisions; and counts of labels. */
#ifndef FA_FLOAT64_SUMS_H
#define FA_FLOAT64_SUMS_H

#include "../simd/simd.h"
#include "contract.h"

/* Adds from[i] to slot i % FA_SUM_SLOTS; n is a multiple of that. The slots stay in registers, a group of vectors at a
 * time: by way of memory the chain of additions takes four times as long. */
static void add_compensated(fa_sum_state *state, size_t n, const double *from) {
    enum { VECTORS = FA_SUM_SLOTS / F64_LANES, GROUP = VECTORS < 4 ? VECTORS : 4 };
    for (size_t first = 0; first < FA_SUM_SLOTS; first += GROUP * F64_LANES) {
        vf64 s[GROUP], lost[GROUP];
        for (size_t k = 0; k < GROUP; k++) s[k] = f64_load(state->sum + first + k * F64_LANES);
        for (size_t k = 0; k < GROUP; k++) lost[k] = f64_load(state->lost + first + k * F64_LANES);
        for (size_t i = first; i < n; i += FA_SUM_SLOTS) {
            FA_UNROLL(4)
            for (size_t k = 0; k < GROUP; k++) {
                const vf64 v = f64_load(from + i + k * F64_LANES), total = s[k] + v, t = total - s[k];
                lost[k] = lost[k] - ((s[k] - (total - t)) + (v - t));
                s[k] = total;
            }
        }
        for (size_t k = 0; k < GROUP; k++) f64_store(state->sum + first + k * F64_LANES, s[k]);
        for (size_t k = 0; k < GROUP; k++) f64_store(state->lost + first + k * F64_LANES, lost[k]);
    }
}

/* How many labels are in 0 .. limit - 1, and how many are `ignore`. */
static fa_label_count count_labels(size_t n, const int64_t *from, int64_t limit, int64_t ignore) {
    vi64 below = {0}, ignored = {0};
    fa_label_count total = {0, 0};
    size_t i = 0;
    for (; i + F64_LANES <= n; i += F64_LANES) { /* true is -1, so subtracting counts */
        const vi64 v = f64_load_int64(from + i);
        below -= (v >= 0) & (v < limit);
        ignored -= v == ignore;
    }
    for (size_t k = 0; k < F64_LANES; k++) {
        total.below += (size_t)below[k];
        total.ignored += (size_t)ignored[k];
    }
    for (; i < n; i++) {
        total.below += from[i] >= 0 && from[i] < limit;
        total.ignored += from[i] == ignore;
    }
    return total;
}

#endif
