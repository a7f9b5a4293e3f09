/* Functions that saturate at both ends, and tanhshrink.
 *
 * sigmoid and tanh's derivatives are built from e = exp(-|x|) in (0, 1], so nothing overflows and the
 * tails keep their relative precision. FN(exp_parts) gives e / EXP_SCALE: a product
 * with EXP_SCALE comes last, so that a subnormal result is rounded once.
 * Errors are the worst measured, in ulp: float32, over every 61st input at least, with
 * that input; then float64 over samples. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_SIGMOIDS_H64) : !defined(FA_SIGMOIDS_H32)
#ifdef FA_T_IS_F64
#define FA_SIGMOIDS_H64
#else
#define FA_SIGMOIDS_H32
#endif

FA_INLINE vec FN(minus_abs)(vec x) { return v_from_bits(v_bits(x) | v_bits(K(-0.0))); }

/* z = e/(1 + e) = sigmoid(-|x|), over EXP_SCALE, from e = EXP_SCALE (s + s p): the sum
 * of the value returned and *low. Plain e/(1 + e) is up to 2.1 ulp off, for e, 1 + e
 * and the quotient each round; here the quotient's remainder takes in what 1 + e lost. */
FA_INLINE vec FN(logistic)(vec s, vec p, vec *low) {
    vec big = v_fma(s, p, s), e = big * K(EXP_SCALE), d = K(1) + e;
    vec q = big / d;
    *low = v_fnma(q, e - (d - K(1)), v_fnma(q, d, big));
    return q;
}
/* The same with what e lost, too, weighed by a rough 1/(1 + e): for the derivatives
 * that cancel around a root. */
FA_INLINE vec FN(logistic_exact)(vec s, vec p, vec *low) {
    vec big = v_fma(s, p, s), big_low = v_fma(s, p, s - big), e = big * K(EXP_SCALE), d = K(1) + e;
    vec d_low = v_fma(big_low, K(EXP_SCALE), e - (d - K(1))), q = big / d;
    *low = v_fnma(q, d_low, v_fnma(q, d, big) + big_low) * v_fma(e, K(-0.5), K(1));
    return q;
}
/* z and z - z^2 = e/(1 + e)^2 for x <= 0; x_low: a rounding error of x, or -0. */
FA_INLINE vec FN(logistic_tail)(vec x, vec x_low) {
    vec p, low, s = FN(exp_parts)(x, x_low, &p), q = FN(logistic)(s, p, &low);
    return q + low;
}
FA_INLINE vec FN(logistic_slope)(vec x, vec x_low) {
    vec z = FN(logistic_tail)(x, x_low);
    return v_fnma(z, z * K(EXP_SCALE), z);
}

/* sigmoid(x) = 1/(1 + exp(-x)) = (x < 0 ? e : 1)/(1 + e), with the remainder put back
 * to full precision: so it never falls where e does not rise. 0 at -inf, 1 at inf.
 * Worst 1.50 at -0x1.09549p+2; 1.5. */
FA_INLINE vec FN(sigmoid_of)(vec e, mask negative) {
    vec n = v_select(negative, e, K(1)), d = K(1) + e, inverse = K(1) / d, q = n * inverse;
    return v_fma(v_fnma(q, e - (d - K(1)), v_fnma(q, d, n)), inverse, q);
}
FA_INLINE vec FN(sigmoid)(vec x) {
    return FN(sigmoid_of)(FN(exp_monotone)(FN(minus_abs)(x)), v_lt(x, K(0)));
}
/* sigmoid' = z - z^2, even; 0 at both infinities. Worst 2.40 at -0x1.626e96p+2; 2.2. */
FA_INLINE vec FN(sigmoid_d1)(vec x) { return FN(logistic_slope)(FN(minus_abs)(x), K(-0.0)) * K(EXP_SCALE); }
/* sigmoid'' = -sign(x) z' (1 - e) (1 - z), odd, root at 0. 1 - e, not 1 - 2z: it keeps
 * e's low part, which near the root is most of the precision. Worst 3.92 at
 * 0x1.e7e6cp+2; 3.1. */
FA_INLINE vec FN(sigmoid_d2)(vec x) {
    vec p, low, s = FN(exp_parts)(FN(minus_abs)(x), K(-0.0), &p), z = FN(logistic)(s, p, &low) + low;
    vec s1 = s * K(EXP_SCALE), e = v_fma(s1, p, s1), fall = (K(1) - e) - v_fma(s1, p, s1 - e);
    vec unit = z * K(EXP_SCALE), slope = v_fnma(z, unit, z);
    return v_copysign(slope * (fall * (K(1) - unit)) * K(EXP_SCALE), -x);
}
/* y (1 - y) */
FA_INLINE vec FN(sigmoid_from_output)(vec y) { return v_fnma(y, y, y); }

/* tanh' = 4 e/(1 + e)^2 with e = exp(-2|x|): 1 - tanh^2 would lose the tails.
 * 0 at both infinities. Worst 2.40 at -0x1.626e96p+1; 2.2. */
FA_INLINE vec FN(tanh_d1)(vec x) { return FN(logistic_slope)(FN(minus_abs)(x + x), K(-0.0)) * K(4 * EXP_SCALE); }
/* tanh'' = -2 tanh tanh', odd, root at 0. Worst 3.62 at -0x1.07653ap+1; 2.9. */
FA_INLINE vec FN(tanh_d2)(vec x) {
    return K(-2) * FN(tanh)(x) * FN(tanh_d1)(x);
}
/* 1 - y^2 */
FA_INLINE vec FN(tanh_from_output)(vec y) { return v_fnma(y, y, K(1)); }

/* tanhshrink(x) = x - tanh(x), odd: a^3 (1/3 + ...) for a = |x| < 1, where the difference
 * would cancel, and (a - 1) + 2 sigmoid(-2a) above. x at infinities. Worst 1.94 at 0x1.89a1dep-1;
 * 1.8. */
FA_INLINE vec FN(tanhshrink)(vec x) {
    vec a = v_abs(x), square = a * a, third = K(2 * SIXTH);
    vec small = v_fma(square, K(2 * SIXTH_LOW), v_fms(a, a, square) * third);
    vec inner = a * v_fma(square, third, v_fma(square * square, FN(tanhshrink_q)(square), small));
    vec outer = v_fma(FN(logistic_tail)(-(a + a), K(-0.0)), K(2 * EXP_SCALE), a - K(1));
    return v_copysign(v_select(v_lt(a, K(1)), inner, outer), x);
}
/* tanhshrink' = tanh^2, even; tanhshrink'' = 2 tanh tanh', odd. Worst 2.12 at
 * -0x1.693866p-7; 1.9. */
FA_INLINE vec FN(tanhshrink_d1)(vec x) {
    vec t = FN(tanh)(x);
    return t * t;
}
FA_INLINE vec FN(tanhshrink_d2)(vec x) { return -FN(tanh_d2)(x); }

/* softsign(x) = x/(1 + |x|): the sigmoid without an exponential, with the remainder of the
 * quotient put back, which makes it monotone. |x| is bounded where the quotient is 1, for
 * inf/inf is NaN: -1 at -inf, 1 at inf, -0 at -0. Worst 0.50; 0.50. */
FA_INLINE vec FN(softsign)(vec x) {
    vec a = v_min(K(0x1p60), v_abs(x)), d = K(1) + a, t = d - K(1), lost = (K(1) - (d - t)) + (a - t);
    vec inverse = K(1) / d, q = a * inverse;
    return v_copysign(v_fma(v_fnma(q, lost, v_fnma(q, d, a)), inverse, q), x);
}

/* r = 1/(1 + a), the sum of the value returned and *low: without what 1 + a and the
 * quotient lost, r * r alone would be 4.5 ulp off. NaN for a = inf. */
FA_INLINE vec FN(softsign_unit)(vec a, vec *low) {
    vec d = K(1) + a, t = d - K(1), lost = (K(1) - (d - t)) + (a - t), r = K(1) / d;
    *low = r * v_fnma(r, lost, v_fnma(r, d, K(1)));
    return r;
}
/* softsign' = r^2, even: 1 at the kink of |x| at 0, 0 at both infinities. Not
 * 1/(1 + |x|)^2 as written: the square overflows where the result is still above 0.
 * At most 1.5 ulp (worst input found 0x1.862872p+62, 0.995). */
FA_INLINE vec FN(softsign_d1)(vec x) {
    vec a = v_abs(x), low, r = FN(softsign_unit)(a, &low);
    return v_select(v_eq(a, K(INFINITY)), K(0), v_fma(r, r, (r + r) * low));
}
/* softsign'' = -2 sign(x) r^3, odd. It jumps from 2 to -2 at 0, where it is taken as 0;
 * 0 at both infinities. At most 3 ulp (worst input found 0x1.8635bap+0, 2.67). */
FA_INLINE vec FN(softsign_d2)(vec x) {
    vec a = v_abs(x), low, r = FN(softsign_unit)(a, &low), slope = v_fma(r, r, (r + r) * low);
    vec y = v_select(v_eq(a, K(INFINITY)), K(0), (slope + slope) * r);
    return v_select(v_eq(x, K(0)), K(0), v_copysign(y, -x));
}

#endif
