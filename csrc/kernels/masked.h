/* Rows with a mask: what it leaves out is replaced. */
#include "../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_MASKED_H64) : !defined(FA_MASKED_H32)
#ifdef FA_T_IS_F64
#define FA_MASKED_H64
#else
#define FA_MASKED_H32
#endif

/* to[i] = mask[i] ? from[i] : fill. By bits and without a branch: masks are hard to predict, and NaN stays what it is.
 * from may be `to`. */
static void FN(fill_masked)(size_t n, const char *mask, double fill, const void *from, void *to) {
    const real *source = from;
    real *target = to;
    const ivec filling = v_bits(K(fill));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const ivec keep = v_load_flags(mask + i);
        v_store(target + i, v_from_bits((v_bits(v_load(source + i)) & keep) | (filling & ~keep)));
    }
    if (i < n) {
        char last[LANES] = {0};
        for (size_t k = 0; i + k < n; k++) last[k] = mask[i + k];
        const ivec keep = v_load_flags(last);
        v_store_n(target + i, n - i, v_from_bits((v_bits(v_load_n(source + i, n - i)) & keep) | (filling & ~keep)));
    }
}

#endif
