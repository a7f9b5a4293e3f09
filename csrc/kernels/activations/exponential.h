/* elu, selu and celu: straight above 0, an exponential below. Errors as in sigmoids.h.
 *
 * expm1(x) for x <= 0 comes as the sum of two, so that the factor before it costs one
 * rounding in all, and the exponential over EXP_SCALE, which comes last: a subnormal
 * result is rounded once. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_EXPONENTIAL_H64) : !defined(FA_EXPONENTIAL_H32)
#ifdef FA_T_IS_F64
#define FA_EXPONENTIAL_H64
#else
#define FA_EXPONENTIAL_H32
#endif

/* factor y EXP_SCALE of a y that falls like exp(u), rounded to a subnormal last; the unit goes to what is
 * large, so that no product overflows. Below EXP_MIN, where exponentials stop falling, it is 0: right but
 * for factors of more than 1e11 (float64: 1e22). */
FA_INLINE vec FN(times_scaled)(vec factor, vec y, vec u) {
    mask large = v_le(K(1), v_abs(factor));
    vec falling = v_keep(v_mask_not(v_le(u, K(EXP_MIN))), y); /* NaN too */
    return v_select(large, factor * K(EXP_SCALE), factor) * falling * v_select(large, K(1), K(EXP_SCALE));
}

/* elu(x) = x > 0 ? x : alpha expm1(x); derivative x > 0 ? 1 : alpha exp(x), alpha at the
 * kink 0; second derivative x > 0 ? 0 : alpha exp(x), alpha at 0. -alpha at -inf. Errors
 * for alpha = 1, others add a rounding. Worst 1.48 at -0x1.c23796p-6;
 * 0.63. */
FA_INLINE vec FN(elu)(vec x, vec alpha) {
    vec low, high = FN(expm1_nonpos)(v_min(K(0), x), &low);
    return v_select(v_lt(x, K(0)), v_fma(alpha, high, alpha * low), x);
}
FA_INLINE vec FN(elu_fall)(vec x, vec alpha) {
    vec below = v_min(K(0), x);
    return FN(times_scaled)(alpha, v_exp_scaled(below), below);
}
FA_INLINE vec FN(elu_d1)(vec x, vec alpha) { return v_select(v_lt(K(0), x), K(1), FN(elu_fall)(x, alpha)); }
FA_INLINE vec FN(elu_d2)(vec x, vec alpha) { return v_select(v_lt(K(0), x), K(0), FN(elu_fall)(x, alpha)); }
/* alpha exp(x) = y + alpha */
FA_INLINE vec FN(elu_from_output)(vec y, vec alpha) { return v_select(v_lt(K(0), y), K(1), y + alpha); }

/* selu(x) = scale (x > 0 ? x : alpha expm1(x)), with constants such that mean 0 and
 * variance 1 are a fixed point; derivatives as elu's, selu'(0) = scale alpha. Worst 1.57 at
 * -0x1.9655dp-6; 0.62. */
FA_INLINE vec FN(selu)(vec x) {
    vec low, high = FN(expm1_nonpos)(v_min(K(0), x), &low);
    vec y = v_fma(high, K(SELU_BOTH), v_fma(low, K(SELU_BOTH), high * K(SELU_BOTH_LOW)));
    return v_select(v_lt(x, K(0)), y, v_fma(x, K(SELU_SCALE), x * K(SELU_SCALE_LOW)));
}
FA_INLINE vec FN(selu_fall)(vec x) {
    vec e = v_exp_scaled(v_min(K(0), x));
    return v_fma(e, K(SELU_BOTH), e * K(SELU_BOTH_LOW)) * K(EXP_SCALE);
}
FA_INLINE vec FN(selu_d1)(vec x) {
    return v_select(v_lt(K(0), x), K(SELU_SCALE + SELU_SCALE_LOW), FN(selu_fall)(x));
}
FA_INLINE vec FN(selu_d2)(vec x) { return v_select(v_lt(K(0), x), K(0), FN(selu_fall)(x)); }
/* scale alpha exp(x) = y + scale alpha */
FA_INLINE vec FN(selu_from_output)(vec y) {
    return v_select(v_lt(K(0), y), K(SELU_SCALE + SELU_SCALE_LOW), (y + K(SELU_BOTH)) + K(SELU_BOTH_LOW));
}

/* celu(x) = x > 0 ? x : alpha expm1(u), u = x/alpha; derivative x > 0 ? 1 : exp(u), 1 at 0;
 * second derivative x > 0 ? 0 : exp(u)/alpha, 1/alpha at 0. What the quotient u lost goes with
 * it, for the exponential would multiply it by |u|; where u is tiny celu is x. Errors for
 * alpha = 1. Worst 0.82 at -0x1.20355p-2; 0.71.
 *
 * One division by what mostly is the same for all x, which the compiler moves out of the loop.
 * Scaled, for that of a subnormal would overflow. */
typedef struct {
    vec scale, alpha, inverse; /* alpha scaled, and 1 over that */
} FN(celu_divisor);

FA_INLINE FN(celu_divisor) FN(celu_divisor_of)(vec alpha) {
    vec scale = v_select(v_lt(v_abs(alpha), K(EXP_SCALE)), K(1 / EXP_SCALE), K(1)), scaled = alpha * scale;
    FN(celu_divisor) d = {scale, scaled, K(1) / scaled};
    return d;
}
FA_INLINE vec FN(celu_quotient)(vec x, FN(celu_divisor) d, vec *low) {
    vec below = v_min(K(0), x) * d.scale, u = below * d.inverse;
    *low = v_keep(v_lt(v_abs(u), K(-EXP_MIN)), v_fnma(u, d.alpha, below) * d.inverse);
    return u;
}
FA_INLINE vec FN(celu)(vec x, vec alpha) {
    vec low, u = FN(celu_quotient)(x, FN(celu_divisor_of)(alpha), &low), y = v_expm1(u);
    mask straight = v_mask_or(v_le(K(0), x), v_lt(v_abs(u), K(0x1p-60)));
    return v_select(straight, x, alpha * v_fma(low, K(1) + y, y));
}
FA_INLINE vec FN(celu_fall_scaled)(vec x, FN(celu_divisor) d, vec *u) { /* exp(u), over EXP_SCALE */
    vec low, e;
    *u = FN(celu_quotient)(x, d, &low);
    e = v_exp_scaled(*u);
    return v_fma(e, low, e);
}
FA_INLINE vec FN(celu_d1)(vec x, vec alpha) {
    vec u, fall = FN(celu_fall_scaled)(x, FN(celu_divisor_of)(alpha), &u);
    return v_select(v_lt(K(0), x), K(1), fall * K(EXP_SCALE));
}
FA_INLINE vec FN(celu_d2)(vec x, vec alpha) {
    FN(celu_divisor) d = FN(celu_divisor_of)(alpha);
    vec u, fall = FN(celu_fall_scaled)(x, d, &u);
    return v_select(v_lt(K(0), x), K(0), FN(times_scaled)(d.inverse * d.scale, fall, u));
}
/* exp(x/alpha) = 1 + y/alpha, 0 at y = -alpha: the quotient rounded correctly, as Markstein showed that
 * a quotient is by its remainder and a correctly rounded inverse. */
FA_INLINE vec FN(celu_from_output)(vec y, vec alpha) {
    FN(celu_divisor) d = FN(celu_divisor_of)(alpha);
    vec above = y * d.scale, q = above * d.inverse;
    return v_select(v_lt(K(0), y), K(1), K(1) + v_fma(v_fnma(q, d.alpha, above), d.inverse, q));
}

#endif
