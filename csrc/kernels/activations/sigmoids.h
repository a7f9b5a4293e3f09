/* Functions that saturate at both ends, and tanhshrink.
 *
 * sigmoid and the derivatives of tanh are built from e = exp(-|x|) in (0, 1]: nothing overflows, and the tails keep
 * their relative precision. FN(exp_parts) gives e divided by EXP_SCALE; the product with EXP_SCALE comes last, so that
 * a subnormal result is rounded once.
 *
 * "Max error", here and in the other files of activations/: the largest one measured, in ulp. In float32 over all
 * inputs (docs/float32_all.md), with the input that has it; in float64 over samples. Tests enforce the bounds in
 * ops.def. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_SIGMOIDS_H64) : !defined(FA_SIGMOIDS_H32)
#ifdef FA_T_IS_F64
#define FA_SIGMOIDS_H64
#else
#define FA_SIGMOIDS_H32
#endif

/* -|x|, by setting the sign bit. */
FA_INLINE vec FN(minus_abs)(vec x) { return v_from_bits(v_bits(x) | v_bits(K(-0.0))); }

/* z/EXP_SCALE as hi + lo, the value returned and *low: z = e/(1 + e) = sigmoid(-|x|), from e = EXP_SCALE (s + s p).
 * Plain e/(1 + e) is up to 2.1 ulp off, for e, 1 + e and the quotient each round. Here the quotient's remainder
 * takes in what 1 + e lost. */
FA_INLINE vec FN(logistic)(vec s, vec p, vec *low) {
    vec big = v_fma(s, p, s), e = big * K(EXP_SCALE), d = K(1) + e;
    vec q = big / d;
    *low = v_fnma(q, e - (d - K(1)), v_fnma(q, d, big));
    return q;
}
/* The same, and the remainder takes in what e lost too, times a rough 1/(1 + e): for derivatives that cancel around a
 * root. */
FA_INLINE vec FN(logistic_precise)(vec s, vec p, vec *low) {
    vec big = v_fma(s, p, s), big_low = v_fma(s, p, s - big), e = big * K(EXP_SCALE), d = K(1) + e;
    vec d_low = v_fma(big_low, K(EXP_SCALE), e - (d - K(1))), q = big / d;
    *low = v_fnma(q, d_low, v_fnma(q, d, big) + big_low) * v_fma(e, K(-0.5), K(1));
    return q;
}
/* z/EXP_SCALE and z'/EXP_SCALE, z' = z - z^2 = e/(1 + e)^2, for x <= 0. x_low: what a rounding of x lost, or -0. */
FA_INLINE vec FN(logistic_tail)(vec x, vec x_low) {
    vec p, low, s = FN(exp_parts)(x, x_low, &p), q = FN(logistic)(s, p, &low);
    return q + low;
}
FA_INLINE vec FN(logistic_slope)(vec x, vec x_low) {
    vec z = FN(logistic_tail)(x, x_low);
    return v_fnma(z, z * K(EXP_SCALE), z);
}

/* (negative ? e : 1)/(1 + e), with the remainder put back to full precision: so it is monotone in e. */
FA_INLINE vec FN(sigmoid_of)(vec e, mask negative) {
    vec n = v_select(negative, e, K(1)), d = K(1) + e, inverse = K(1) / d, q = n * inverse;
    return v_fma(v_fnma(q, e - (d - K(1)), v_fnma(q, d, n)), inverse, q);
}
/* sigmoid(x) = 1/(1 + exp(-x)) = (x < 0 ? e : 1)/(1 + e). Range (0, 1). At -inf 0, at inf 1.
 * Max error: float32 1.50 ulp at -0x1.09549p+2, float64 1.5 ulp.
 * exp_monotone and sigmoid_of make it monotone: docs/decisions/0014-monotone-by-the-last-rounding.md. */
FA_INLINE vec FN(sigmoid)(vec x) {
    return FN(sigmoid_of)(FN(exp_monotone)(FN(minus_abs)(x)), v_lt(x, K(0)));
}
/* sigmoid'(x) = z - z^2, even. At both infinities 0.
 * Max error: float32 2.40 ulp at -0x1.626e96p+2, float64 2.2 ulp. */
FA_INLINE vec FN(sigmoid_d1)(vec x) { return FN(logistic_slope)(FN(minus_abs)(x), K(-0.0)) * K(EXP_SCALE); }
/* sigmoid''(x) = -sign(x) z' (1 - e) (1 - z), odd. At 0 its root, at both infinities 0.
 * Max error: float32 3.96 ulp at -0x1.205666p+3, float64 3.1 ulp.
 * 1 - e, not 1 - 2 z: it keeps the low part of e, which is most of the precision near the root. */
FA_INLINE vec FN(sigmoid_d2)(vec x) {
    vec p, low, s = FN(exp_parts)(FN(minus_abs)(x), K(-0.0), &p), z = FN(logistic)(s, p, &low) + low;
    vec s1 = s * K(EXP_SCALE), e = v_fma(s1, p, s1), fall = (K(1) - e) - v_fma(s1, p, s1 - e);
    vec unscaled = z * K(EXP_SCALE), slope = v_fnma(z, unscaled, z);
    return v_copysign(slope * (fall * (K(1) - unscaled)) * K(EXP_SCALE), -x);
}
/* sigmoid' from y = sigmoid(x): y - y^2. */
FA_INLINE vec FN(sigmoid_from_output)(vec y) { return v_fnma(y, y, y); }

/* tanh'(x) = 4 e/(1 + e)^2 with e = exp(-2 |x|), even. At both infinities 0.
 * Max error: float32 2.40 ulp at -0x1.626e96p+1, float64 2.2 ulp.
 * 1 - tanh^2 would lose the tails. */
FA_INLINE vec FN(tanh_d1)(vec x) { return FN(logistic_slope)(FN(minus_abs)(x + x), K(-0.0)) * K(4 * EXP_SCALE); }
/* tanh''(x) = -2 tanh(x) tanh'(x), odd. At 0 its root, at both infinities 0.
 * Max error: float32 3.62 ulp at -0x1.07653ap+1, float64 2.9 ulp. */
FA_INLINE vec FN(tanh_d2)(vec x) {
    return K(-2) * FN(tanh)(x) * FN(tanh_d1)(x);
}
/* tanh' from y = tanh(x): 1 - y^2. */
FA_INLINE vec FN(tanh_from_output)(vec y) { return v_fnma(y, y, K(1)); }

/* tanhshrink(x) = x - tanh(x), odd; with a = |x| it is a^3 (1/3 + ...) for a < 1 and (a - 1) + 2 sigmoid(-2 a) above.
 * At infinities x. Max error: float32 1.94 ulp at -0x1.89a1dep-1, float64 1.8 ulp.
 * Below 1 the difference would cancel. */
FA_INLINE vec FN(tanhshrink)(vec x) {
    vec a = v_abs(x), square = a * a, third = K(2 * SIXTH);
    vec small = v_fma(square, K(2 * SIXTH_LOW), v_fms(a, a, square) * third);
    vec inner = a * v_fma(square, third, v_fma(square * square, FN(tanhshrink_q)(square), small));
    vec outer = v_fma(FN(logistic_tail)(-(a + a), K(-0.0)), K(2 * EXP_SCALE), a - K(1));
    return v_copysign(v_select(v_lt(a, K(1)), inner, outer), x);
}
/* tanhshrink'(x) = tanh(x)^2, even. At both infinities 1.
 * Max error: float32 2.12 ulp at -0x1.693866p-7, float64 1.9 ulp. */
FA_INLINE vec FN(tanhshrink_d1)(vec x) {
    vec t = FN(tanh)(x);
    return t * t;
}
/* tanhshrink''(x) = -tanh''(x), odd. Max error: as that of tanh''. */
FA_INLINE vec FN(tanhshrink_d2)(vec x) { return -FN(tanh_d2)(x); }

/* softsign(x) = x/(1 + |x|), odd. Range (-1, 1). At -0: -0; at -inf -1, at inf 1.
 * Max error: float32 0.50 ulp at -0x1.c2fa7ep-7, float64 0.50 ulp.
 * |x| is bounded where the quotient is 1, for inf/inf is NaN. The remainder of the quotient is put back, which makes
 * softsign monotone. */
FA_INLINE vec FN(softsign)(vec x) {
    vec a = v_min(K(0x1p60), v_abs(x)), d = K(1) + a, t = d - K(1), lost = (K(1) - (d - t)) + (a - t);
    vec inverse = K(1) / d, q = a * inverse;
    return v_copysign(v_fma(v_fnma(q, lost, v_fnma(q, d, a)), inverse, q), x);
}

/* r = 1/(1 + a) as hi + lo, the value returned and *low. NaN for a = inf.
 * r * r of a plain r would be 4.5 ulp off, by what 1 + a and the quotient lost. */
FA_INLINE vec FN(softsign_unit)(vec a, vec *low) {
    vec d = K(1) + a, t = d - K(1), lost = (K(1) - (d - t)) + (a - t), r = K(1) / d;
    *low = r * v_fnma(r, lost, v_fnma(r, d, K(1)));
    return r;
}
/* softsign'(x) = r^2, even. At the kink 0: 1; at both infinities 0.
 * Max error: float32 1.00 ulp at -0x1.dd628ap+62, float64 0.50 ulp.
 * 1/(1 + |x|)^2 as written would overflow where the result is still above 0. */
FA_INLINE vec FN(softsign_d1)(vec x) {
    vec a = v_abs(x), low, r = FN(softsign_unit)(a, &low);
    return v_select(v_eq(a, K(INFINITY)), K(0), v_fma(r, r, (r + r) * low));
}
/* softsign''(x) = -2 sign(x) r^3, odd. At 0, where it jumps from 2 to -2: 0; at both infinities 0.
 * Max error: float32 2.68 ulp at -0x1.431adcp+24, float64 2.22 ulp. */
FA_INLINE vec FN(softsign_d2)(vec x) {
    vec a = v_abs(x), low, r = FN(softsign_unit)(a, &low), slope = v_fma(r, r, (r + r) * low);
    vec y = v_select(v_eq(a, K(INFINITY)), K(0), (slope + slope) * r);
    return v_select(v_eq(x, K(0)), K(0), v_copysign(y, -x));
}

#endif
