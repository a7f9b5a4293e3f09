/* Sums for gradients of parameters and for moments: in float64, not compensated. */
#include "../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_PLAIN_SUMS_H64) : !defined(FA_PLAIN_SUMS_H32)
#ifdef FA_T_IS_F64
#define FA_PLAIN_SUMS_H64
#else
#define FA_PLAIN_SUMS_H32
#endif

/* Plain (uncompensated) sums in float64, of F32_LANES elements at a time: sums[i % FA_SUM_SLOTS] += from[i]. */
static void FN(add_to_slots)(size_t n, const void *from, double *sums) {
    enum { GROUP = FA_SUM_SLOTS / F32_LANES };
    const real *run = from;
    f64w s[GROUP];
    size_t i = 0;
    for (size_t k = 0; k < GROUP; k++) s[k] = f64w_load(sums + k * F32_LANES);
    for (; i + FA_SUM_SLOTS <= n; i += FA_SUM_SLOTS)
        for (size_t k = 0; k < GROUP; k++) s[k] = f64w_sum(s[k], FN(load_wide)(run + i + k * F32_LANES));
    for (size_t k = 0; k < GROUP; k++) f64w_store(sums + k * F32_LANES, s[k]);
    for (size_t k = 0; i + k < n; k++) sums[k] += (double)run[i + k];
}
/* sums[i] += from[i]. */
static void FN(add_elementwise)(size_t n, const void *from, double *sums) {
    const real *row = from;
    size_t i = 0;
    for (; i + F32_LANES <= n; i += F32_LANES)
        f64w_store(sums + i, f64w_sum(f64w_load(sums + i), FN(load_wide)(row + i)));
    for (; i < n; i++) sums[i] += (double)row[i];
}

#endif
