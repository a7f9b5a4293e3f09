/* Rectifiers: comparisons, and at most one rounding. NaN gives NaN, also in derivatives. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_RECTIFIERS_H64) : !defined(FA_RECTIFIERS_H32)
#ifdef FA_T_IS_F64
#define FA_RECTIFIERS_H64
#else
#define FA_RECTIFIERS_H32
#endif

#include "../common.h"

/* relu(x) = max(x, 0). Range [0, inf). At -0: -0. */
FA_INLINE vec FN(relu)(vec x) { return v_max(K(0), x); }
/* relu'(x) = x > 0 ? 1 : 0. At the kink 0: 0. */
FA_INLINE vec FN(relu_d1)(vec x) { return FN(constant_slope)(x, v_keep(v_lt(K(0), x), K(1))); }
/* relu''(x) = 0, at the kink too. */
FA_INLINE vec FN(relu_d2)(vec x) { return FN(constant_slope)(x, K(0)); }
/* relu' from y = relu(x): relu'(y). */
FA_INLINE vec FN(relu_from_output)(vec y) { return FN(relu_d1)(y); }

/* relu6(x) = min(max(x, 0), 6). Range [0, 6]. */
FA_INLINE vec FN(relu6)(vec x) { return v_min(K(6), v_max(K(0), x)); }
/* relu6'(x) = 0 < x < 6 ? 1 : 0. At both kinks 0. */
FA_INLINE vec FN(relu6_d1)(vec x) {
    return FN(constant_slope)(x, v_keep(v_mask_and(v_lt(K(0), x), v_lt(x, K(6))), K(1)));
}
/* relu6''(x) = 0, at both kinks too. */
FA_INLINE vec FN(relu6_d2)(vec x) { return FN(constant_slope)(x, K(0)); }
/* relu6' from y = relu6(x): relu6'(y). */
FA_INLINE vec FN(relu6_from_output)(vec y) { return FN(relu6_d1)(y); }

/* leaky_relu(x, negative_slope) = x > 0 ? x : negative_slope x, for a slope of 0 at -inf too.
 * Max error: float32 0.50 ulp at -0x1.4p+127, float64 0.50 ulp. */
FA_INLINE vec FN(leaky_relu)(vec x, vec negative_slope) {
    vec below = v_max(-FN(bound_for)(negative_slope), x);
    return v_select(v_lt(K(0), x), x, below * negative_slope);
}
/* leaky_relu'(x) = x > 0 ? 1 : negative_slope. At the kink 0: negative_slope. */
FA_INLINE vec FN(leaky_relu_d1)(vec x, vec negative_slope) {
    return FN(constant_slope)(x, v_select(v_lt(K(0), x), K(1), negative_slope));
}
/* leaky_relu''(x) = 0, at the kink too. */
FA_INLINE vec FN(leaky_relu_d2)(vec x, vec negative_slope) {
    (void)negative_slope;
    return FN(constant_slope)(x, K(0));
}

/* prelu(x, weight) = leaky_relu(x, weight) with a trained slope. Its derivatives by x are leaky_relu's.
 * Max error: float32 0.50 ulp at -0x1.fffffep-125, float64 0.50 ulp. */
FA_INLINE vec FN(prelu)(vec x, vec weight) { return FN(leaky_relu)(x, weight); }
FA_INLINE vec FN(prelu_d1)(vec x, vec weight) { return FN(leaky_relu_d1)(x, weight); }
FA_INLINE vec FN(prelu_d2)(vec x, vec weight) { return FN(leaky_relu_d2)(x, weight); }
/* By weight: min(x, 0). */
FA_INLINE vec FN(prelu_by_parameter)(vec x, vec weight) {
    (void)weight;
    return v_min(K(0), x);
}

/* threshold(x, threshold, value) = x > threshold ? x : value. */
FA_INLINE vec FN(threshold)(vec x, vec threshold, vec value) { return v_select(v_le(x, threshold), value, x); }
/* threshold'(x) = x > threshold ? 1 : 0. At the jump 0. */
FA_INLINE vec FN(threshold_d1)(vec x, vec threshold, vec value) {
    (void)value;
    return FN(constant_slope)(x, v_keep(v_lt(threshold, x), K(1)));
}
/* threshold''(x) = 0, at the jump too. */
FA_INLINE vec FN(threshold_d2)(vec x, vec threshold, vec value) {
    (void)threshold, (void)value;
    return FN(constant_slope)(x, K(0));
}

/* relu_squared(x) = max(x, 0)^2. Range [0, inf). Max error: float32 0.50 ulp at 0x1p-75, float64 0.50 ulp. */
FA_INLINE vec FN(relu_squared)(vec x) {
    vec y = v_max(K(0), x);
    return y * y;
}
/* relu_squared'(x) = 2 max(x, 0), exact. */
FA_INLINE vec FN(relu_squared_d1)(vec x) {
    vec y = v_max(K(0), x);
    return y + y;
}
/* relu_squared''(x) = x > 0 ? 2 : 0. At the kink 0: 0. */
FA_INLINE vec FN(relu_squared_d2)(vec x) { return FN(constant_slope)(x, v_keep(v_lt(K(0), x), K(2))); }

#endif
