/* Small functions that many kernels share. */
#include "../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_COMMON_H64) : !defined(FA_COMMON_H32)
#ifdef FA_T_IS_F64
#define FA_COMMON_H64
#else
#define FA_COMMON_H32
#endif

/* c, a derivative that does not depend on x; NaN where x is NaN. */
FA_INLINE vec FN(constant_slope)(vec x, vec c) { return v_select(v_isnan(x), x, c); }

/* c, a derivative that depends on neither x nor t, at infinities too; NaN where one of them is NaN. */
FA_INLINE vec FN(constant_of)(vec x, vec t, vec c) {
    return v_select(v_is_either_nan(x, t), x - t, c);
}

/* How large an x may be that meets this factor: finite for 0, for 0 * inf is NaN. The factor is mostly the same for all
 * x: then the compiler finds the bound before its loop. */
FA_INLINE vec FN(bound_for)(vec factor) { return v_select(v_eq(factor, K(0)), K(1), K(INFINITY)); }
/* x, but finite where it meets a factor of 0. */
FA_INLINE vec FN(bounded_for)(vec factor, vec x) {
    vec bound = FN(bound_for)(factor);
    return v_max(-bound, v_min(bound, x));
}

/* v, but NaN below 0, where a formula has no value. */
FA_INLINE vec FN(at_least_0)(vec v) { return v_select(v_lt(v, K(0)), K(NAN), v); }

/* weight * v; 0 where the weight is 0, even if v is infinite or NaN. */
FA_INLINE vec FN(weighted)(vec weight, vec v) { return v_select(v_eq(weight, K(0)), K(0), weight * v); }
/* c - weight * v and c + weight * v, rounded once; c where the weight is 0. */
FA_INLINE vec FN(less_weighted)(vec c, vec weight, vec v) {
    return v_select(v_eq(weight, K(0)), c, v_fnma(weight, v, c));
}
FA_INLINE vec FN(plus_weighted)(vec c, vec weight, vec v) {
    return v_select(v_eq(weight, K(0)), c, v_fma(weight, v, c));
}

#endif
