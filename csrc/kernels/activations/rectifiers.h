/* Rectifiers: comparisons, and at most one rounding. NaN stays NaN, in the derivatives too. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_RECTIFIERS_H64) : !defined(FA_RECTIFIERS_H32)
#ifdef FA_T_IS_F64
#define FA_RECTIFIERS_H64
#else
#define FA_RECTIFIERS_H32
#endif

#include "../common.h"

/* relu(x) = max(x, 0); derivative 1 for x > 0, else 0: relu'(0) = 0; second
 * derivative 0. -0 gives -0. */
FA_INLINE vec FN(relu)(vec x) { return v_max(K(0), x); }
FA_INLINE vec FN(relu_d1)(vec x) { return FN(constant_slope)(x, v_keep(v_lt(K(0), x), K(1))); }
FA_INLINE vec FN(relu_d2)(vec x) { return FN(constant_slope)(x, K(0)); }
FA_INLINE vec FN(relu_from_output)(vec y) { return FN(relu_d1)(y); }

/* relu6(x) = min(max(x, 0), 6); derivative 1 for 0 < x < 6, else 0, at both kinks too. */
FA_INLINE vec FN(relu6)(vec x) { return v_min(K(6), v_max(K(0), x)); }
FA_INLINE vec FN(relu6_d1)(vec x) {
    return FN(constant_slope)(x, v_keep(v_mask_and(v_lt(K(0), x), v_lt(x, K(6))), K(1)));
}
FA_INLINE vec FN(relu6_d2)(vec x) { return FN(constant_slope)(x, K(0)); }
FA_INLINE vec FN(relu6_from_output)(vec y) { return FN(relu6_d1)(y); }

/* leaky_relu(x, slope) = x > 0 ? x : slope x; derivative x > 0 ? 1 : slope, so
 * leaky_relu'(0) = slope; second derivative 0. One rounding, that of slope x. */
FA_INLINE vec FN(leaky_relu)(vec x, vec negative_slope) {
    return v_select(v_lt(K(0), x), x, x * negative_slope);
}
FA_INLINE vec FN(leaky_relu_d1)(vec x, vec negative_slope) {
    return FN(constant_slope)(x, v_select(v_lt(K(0), x), K(1), negative_slope));
}
FA_INLINE vec FN(leaky_relu_d2)(vec x, vec negative_slope) {
    (void)negative_slope;
    return FN(constant_slope)(x, K(0));
}

/* prelu(x, weight): leaky_relu with a trained slope. Its derivative by the weight is
 * min(x, 0). */
FA_INLINE vec FN(prelu)(vec x, vec weight) { return FN(leaky_relu)(x, weight); }
FA_INLINE vec FN(prelu_d1)(vec x, vec weight) { return FN(leaky_relu_d1)(x, weight); }
FA_INLINE vec FN(prelu_d2)(vec x, vec weight) { return FN(leaky_relu_d2)(x, weight); }
FA_INLINE vec FN(prelu_by_parameter)(vec x, vec weight) {
    (void)weight;
    return v_min(K(0), x);
}

/* threshold(x, t, v) = x > t ? x : v; derivative x > t ? 1 : 0, so 0 at t. */
FA_INLINE vec FN(threshold)(vec x, vec threshold, vec value) { return v_select(v_le(x, threshold), value, x); }
FA_INLINE vec FN(threshold_d1)(vec x, vec threshold, vec value) {
    (void)value;
    return FN(constant_slope)(x, v_keep(v_lt(threshold, x), K(1)));
}
FA_INLINE vec FN(threshold_d2)(vec x, vec threshold, vec value) {
    (void)threshold, (void)value;
    return FN(constant_slope)(x, K(0));
}

/* relu_squared(x) = max(x, 0)^2; derivative 2 max(x, 0), exact; second derivative 2 for
 * x > 0, else 0, at the kink 0 too. */
FA_INLINE vec FN(relu_squared)(vec x) {
    vec y = v_max(K(0), x);
    return y * y;
}
FA_INLINE vec FN(relu_squared_d1)(vec x) {
    vec y = v_max(K(0), x);
    return y + y;
}
FA_INLINE vec FN(relu_squared_d2)(vec x) { return FN(constant_slope)(x, v_keep(v_lt(K(0), x), K(2))); }

#endif
