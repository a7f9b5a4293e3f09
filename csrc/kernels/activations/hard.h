/* Functions made of straight pieces; hardswish has a parabola too. NaN gives NaN, also in derivatives. How errors were
 * measured: sigmoids.h. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_HARD_H64) : !defined(FA_HARD_H32)
#ifdef FA_T_IS_F64
#define FA_HARD_H64
#else
#define FA_HARD_H32
#endif

#include "../common.h"

/* step(x) = x > 0 ? 1 : 0. Range 0 and 1. At the jump 0: 0. */
FA_INLINE vec FN(step)(vec x) { return FN(constant_slope)(x, v_keep(v_lt(K(0), x), K(1))); }
/* step'(x) = step''(x) = 0, at the jump too. */
FA_INLINE vec FN(step_d1)(vec x) { return FN(constant_slope)(x, K(0)); }
FA_INLINE vec FN(step_d2)(vec x) { return FN(constant_slope)(x, K(0)); }

/* identity(x, k) = k x, for k = 0 at infinities too. Max error: half an ulp, that of the product. */
FA_INLINE vec FN(identity)(vec x, vec k) { return k * FN(bounded_for)(k, x); }
/* identity'(x) = k. */
FA_INLINE vec FN(identity_d1)(vec x, vec k) { return FN(constant_slope)(x, k); }
/* identity''(x) = 0. */
FA_INLINE vec FN(identity_d2)(vec x, vec k) {
    (void)k;
    return FN(constant_slope)(x, K(0));
}

/* hardtanh(x, low, high) = min(max(x, low), high). Range [low, high]. */
FA_INLINE vec FN(hardtanh)(vec x, vec low, vec high) { return v_min(high, v_max(low, x)); }
/* hardtanh'(x) = low < x < high ? 1 : 0. At both kinks 0. */
FA_INLINE vec FN(hardtanh_d1)(vec x, vec low, vec high) {
    return FN(constant_slope)(x, v_keep(v_mask_and(v_lt(low, x), v_lt(x, high)), K(1)));
}
/* hardtanh''(x) = 0, at both kinks too. */
FA_INLINE vec FN(hardtanh_d2)(vec x, vec low, vec high) {
    (void)low, (void)high;
    return FN(constant_slope)(x, K(0));
}
/* hardtanh' from y = hardtanh(x): hardtanh'(y). */
FA_INLINE vec FN(hardtanh_from_output)(vec y, vec low, vec high) { return FN(hardtanh_d1)(y, low, high); }

/* t/6, by 1/6 as hi + lo: as precise as a division, at the price of a product. */
FA_INLINE vec FN(sixth_of)(vec t) { return v_fma(t, K(SIXTH), t * K(SIXTH_LOW)); }

/* hardsigmoid(x) = min(max(x + 3, 0), 6)/6. Range [0, 1].
 * Max error: float32 1.00 ulp at -0x1.ffffecp-1, float64 1.0 ulp.
 * x + 3 is exact where it is small. */
FA_INLINE vec FN(hardsigmoid)(vec x) { return FN(sixth_of)(v_min(K(6), v_max(K(0), x + K(3)))); }
/* hardsigmoid'(x) = -3 < x < 3 ? 1/6 : 0. At both kinks 0.
 * Max error: float32 0.34 ulp at -0x1.7ffffep+1, float64 0.33 ulp. */
FA_INLINE vec FN(hardsigmoid_d1)(vec x) {
    return FN(constant_slope)(x, v_keep(v_lt(v_abs(x), K(3)), K(SIXTH)));
}
/* hardsigmoid''(x) = 0, at both kinks too. */
FA_INLINE vec FN(hardsigmoid_d2)(vec x) { return FN(constant_slope)(x, K(0)); }
/* hardsigmoid' from y = hardsigmoid(x): 0 < y < 1 ? 1/6 : 0. */
FA_INLINE vec FN(hardsigmoid_from_output)(vec y) {
    return FN(constant_slope)(y, v_keep(v_mask_and(v_lt(K(0), y), v_lt(y, K(1))), K(SIXTH)));
}

/* hardswish(x) = x hardsigmoid(x). Range [-3/8, inf). At -inf 0.
 * Max error: float32 1.88 ulp at 0x1.5f1a7cp+0, float64 1.75 ulp.
 * Below -3 the factor x is bounded, for inf * 0 is NaN. */
FA_INLINE vec FN(hardswish)(vec x) { return v_max(K(-3), x) * FN(hardsigmoid)(x); }
/* hardswish'(x) = x/3 + 1/2 for -3 < x < 3, 0 below, 1 above. At the kinks 0 and 1. At its root -3/2 exactly 0.
 * Max error: float32 0.67 ulp at -0x1.dffffcp+0, float64 0.67 ulp. */
FA_INLINE vec FN(hardswish_d1)(vec x) {
    vec y = v_fma(x, K(2 * SIXTH_LOW), v_fma(x, K(2 * SIXTH), K(0.5)));
    mask zero = v_mask_or(v_le(x, K(-3)), v_eq(x, K(-1.5)));
    return v_select(zero, K(0), v_select(v_le(K(3), x), K(1), y));
}
/* hardswish''(x) = -3 < x < 3 ? 1/3 : 0. At both kinks 0.
 * Max error: float32 0.34 ulp at -0x1.7ffffep+1, float64 0.33 ulp. */
FA_INLINE vec FN(hardswish_d2)(vec x) {
    return FN(constant_slope)(x, v_keep(v_lt(v_abs(x), K(3)), K(2 * SIXTH)));
}

/* hardshrink(x, lambd) = |x| > lambd ? x : 0. */
FA_INLINE vec FN(hardshrink)(vec x, vec lambd) { return v_select(v_le(v_abs(x), lambd), K(0), x); }
/* hardshrink'(x) = |x| > lambd ? 1 : 0. At both kinks 0. */
FA_INLINE vec FN(hardshrink_d1)(vec x, vec lambd) {
    return FN(constant_slope)(x, v_keep(v_lt(lambd, v_abs(x)), K(1)));
}
/* hardshrink''(x) = 0, at both kinks too. */
FA_INLINE vec FN(hardshrink_d2)(vec x, vec lambd) {
    (void)lambd;
    return FN(constant_slope)(x, K(0));
}

/* softshrink(x, lambd) = sign(x) max(|x| - lambd, 0), NaN for lambd < 0.
 * Max error: float32 0.50 ulp at -0x1p+24, float64 0.50 ulp. */
FA_INLINE vec FN(softshrink)(vec x, vec lambd) {
    return v_copysign(v_max(K(0), v_abs(x) - FN(at_least_0)(lambd)), x);
}
/* softshrink'(x) = |x| > lambd ? 1 : 0, NaN for lambd < 0. At both kinks 0. */
FA_INLINE vec FN(softshrink_d1)(vec x, vec lambd) {
    return v_select(v_lt(lambd, K(0)), K(NAN), FN(hardshrink_d1)(x, lambd));
}
/* softshrink''(x) = 0, at both kinks too; NaN for lambd < 0. */
FA_INLINE vec FN(softshrink_d2)(vec x, vec lambd) {
    return v_select(v_lt(lambd, K(0)), K(NAN), FN(constant_slope)(x, K(0)));
}

#endif
