/* Functions made of straight pieces, and hardswish of a parabola. NaN stays NaN, in the
 * derivatives too. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_HARD_H64) : !defined(FA_HARD_H32)
#ifdef FA_T_IS_F64
#define FA_HARD_H64
#else
#define FA_HARD_H32
#endif

#include "../common.h"

/* step(x) = x > 0 ? 1 : 0, so step(0) = 0; its derivatives are 0 everywhere. */
FA_INLINE vec FN(step)(vec x) { return FN(constant_slope)(x, v_keep(v_lt(K(0), x), K(1))); }
FA_INLINE vec FN(step_d1)(vec x) { return FN(constant_slope)(x, K(0)); }
FA_INLINE vec FN(step_d2)(vec x) { return FN(constant_slope)(x, K(0)); }

/* identity(x, k) = k x; derivatives k and 0. */
FA_INLINE vec FN(identity)(vec x, vec k) { return k * x; }
FA_INLINE vec FN(identity_d1)(vec x, vec k) { return FN(constant_slope)(x, k); }
FA_INLINE vec FN(identity_d2)(vec x, vec k) {
    (void)k;
    return FN(constant_slope)(x, K(0));
}

/* hardtanh(x, low, high) = min(max(x, low), high); derivative 1 between the two, else 0,
 * at both kinks too. */
FA_INLINE vec FN(hardtanh)(vec x, vec low, vec high) { return v_min(high, v_max(low, x)); }
FA_INLINE vec FN(hardtanh_d1)(vec x, vec low, vec high) {
    return FN(constant_slope)(x, v_keep(v_mask_and(v_lt(low, x), v_lt(x, high)), K(1)));
}
FA_INLINE vec FN(hardtanh_d2)(vec x, vec low, vec high) {
    (void)low, (void)high;
    return FN(constant_slope)(x, K(0));
}
FA_INLINE vec FN(hardtanh_from_output)(vec y, vec low, vec high) { return FN(hardtanh_d1)(y, low, high); }

/* (x + 3)/6 for a sum t = x + 3: times 1/6 in two parts, a division's precision at a
 * product's price. */
FA_INLINE vec FN(sixth_of)(vec t) { return v_fma(t, K(SIXTH), t * K(SIXTH_LOW)); }

/* hardsigmoid(x) = min(max(x + 3, 0), 6)/6; derivative 1/6 for -3 < x < 3, else 0, at both
 * kinks too. x + 3 is exact where it is small. Worst 1.00 at
 * -0x1.ffffecp-1; 1.0. */
FA_INLINE vec FN(hardsigmoid)(vec x) { return FN(sixth_of)(v_min(K(6), v_max(K(0), x + K(3)))); }
FA_INLINE vec FN(hardsigmoid_d1)(vec x) {
    return FN(constant_slope)(x, v_keep(v_lt(v_abs(x), K(3)), K(SIXTH)));
}
FA_INLINE vec FN(hardsigmoid_d2)(vec x) { return FN(constant_slope)(x, K(0)); }
FA_INLINE vec FN(hardsigmoid_from_output)(vec y) {
    return FN(constant_slope)(y, v_keep(v_mask_and(v_lt(K(0), y), v_lt(y, K(1))), K(SIXTH)));
}

/* hardswish(x) = x hardsigmoid(x); derivative 0 for x <= -3, x/3 + 1/2 between, 1 for
 * x >= 3; second derivative 1/3 between, else 0, at both kinks too. Below -3 x is
 * bounded, for inf * 0 is NaN. Worst 1.88 at
 * 0x1.5f1a7cp+0; 1.75. */
FA_INLINE vec FN(hardswish)(vec x) { return v_max(K(-3), x) * FN(hardsigmoid)(x); }
FA_INLINE vec FN(hardswish_d1)(vec x) {
    vec y = v_fma(x, K(2 * SIXTH_LOW), v_fma(x, K(2 * SIXTH), K(0.5)));
    return v_select(v_le(x, K(-3)), K(0), v_select(v_le(K(3), x), K(1), y));
}
FA_INLINE vec FN(hardswish_d2)(vec x) {
    return FN(constant_slope)(x, v_keep(v_lt(v_abs(x), K(3)), K(2 * SIXTH)));
}

/* hardshrink(x, l) = |x| > l ? x : 0; derivative 1 or 0, at both kinks 0. */
FA_INLINE vec FN(hardshrink)(vec x, vec lambd) { return v_select(v_le(v_abs(x), lambd), K(0), x); }
FA_INLINE vec FN(hardshrink_d1)(vec x, vec lambd) {
    return FN(constant_slope)(x, v_keep(v_lt(lambd, v_abs(x)), K(1)));
}
FA_INLINE vec FN(hardshrink_d2)(vec x, vec lambd) {
    (void)lambd;
    return FN(constant_slope)(x, K(0));
}

/* softshrink(x, l) = sign(x) max(|x| - l, 0); derivative 1 for |x| > l, else 0, at both
 * kinks too. One rounding. */
FA_INLINE vec FN(softshrink)(vec x, vec lambd) { return v_copysign(v_max(K(0), v_abs(x) - lambd), x); }
FA_INLINE vec FN(softshrink_d1)(vec x, vec lambd) { return FN(hardshrink_d1)(x, lambd); }
FA_INLINE vec FN(softshrink_d2)(vec x, vec lambd) {
    (void)lambd;
    return FN(constant_slope)(x, K(0));
}

#endif
