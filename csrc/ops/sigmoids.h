/* sigmoid, tanh, silu, softplus, softsign and their derivatives.
 *
 * All but softsign is built from e = exp(-|x|) in (0, 1], so nothing overflows and the
 * tails keep their relative precision. FN(exp_parts) gives e / EXP_UNIT: a product
 * with EXP_UNIT comes last, so that a subnormal result is rounded once.
 * Errors are the worst measured, in ulp: float32, over every 977th input and all those
 * around the worst, with that input; then float64 over samples. */

FA_INLINE vec FN(minus_abs)(vec x) { return v_from_bits(v_bits(x) | v_bits(K(-0.0))); }

/* z = e/(1 + e) = sigmoid(-|x|), over EXP_UNIT, from e = EXP_UNIT (s + s p): the sum
 * of the value returned and *low. Plain e/(1 + e) is up to 2.4 ulp off, for e, 1 + e
 * and the quotient each round; here the quotient's remainder takes in what 1 + e lost. */
FA_INLINE vec FN(logistic)(vec s, vec p, vec *low) {
    vec big = v_fma(s, p, s), e = big * K(EXP_UNIT), d = K(1) + e;
    vec q = big / d;
    *low = v_fnma(q, e - (d - K(1)), v_fnma(q, d, big));
    return q;
}
/* The same with what e lost, too, weighed by a rough 1/(1 + e): for the derivatives
 * that cancel around a root. */
FA_INLINE vec FN(logistic_exact)(vec s, vec p, vec *low) {
    vec big = v_fma(s, p, s), big_low = v_fma(s, p, s - big), e = big * K(EXP_UNIT), d = K(1) + e;
    vec d_low = v_fma(big_low, K(EXP_UNIT), e - (d - K(1))), q = big / d;
    *low = v_fnma(q, d_low, v_fnma(q, d, big) + big_low) * v_fma(e, K(-0.5), K(1));
    return q;
}
FA_INLINE vec FN(logistic_tail)(vec x) {
    vec p, low, s = FN(exp_parts)(FN(minus_abs)(x), K(-0.0), &p), q = FN(logistic)(s, p, &low);
    return q + low;
}
/* e/(1 + e)^2 = z - z^2, one rounding. */
FA_INLINE vec FN(logistic_slope)(vec x) {
    vec z = FN(logistic_tail)(x);
    return v_fnma(z, z * K(EXP_UNIT), z);
}

/* sigmoid(x) = 1/(1 + exp(-x)) = (x < 0 ? e : 1)/(1 + e), with the remainder put back
 * as in logistic; 0 at -inf, 1 at inf. Worst 1.59 at -0x1.6577e2p-2; 1.6. */
FA_INLINE vec FN(sigmoid)(vec x) {
    vec e = v_exp_nonpos(FN(minus_abs)(x)), n = v_select(v_lt(x, K(0)), e, K(1));
    vec d = K(1) + e, q = n / d;
    return q + v_fnma(q, e - (d - K(1)), v_fnma(q, d, n));
}
/* sigmoid' = z - z^2, even; 0 at both infinities. Worst 2.38 at 0x1.b39eb2p+1; 2.2. */
FA_INLINE vec FN(sigmoid_d1)(vec x) { return FN(logistic_slope)(x) * K(EXP_UNIT); }
/* sigmoid'' = -sign(x) z' (1 - e) (1 - z), odd, root at 0. 1 - e, not 1 - 2z: it keeps
 * e's low part, which near the root is most of the precision. Worst 3.96 at
 * 0x1.205666p+3; 3.1. */
FA_INLINE vec FN(sigmoid_d2)(vec x) {
    vec p, low, s = FN(exp_parts)(FN(minus_abs)(x), K(-0.0), &p), z = FN(logistic)(s, p, &low) + low;
    vec s1 = s * K(EXP_UNIT), e = v_fma(s1, p, s1), fall = (K(1) - e) - v_fma(s1, p, s1 - e);
    vec unit = z * K(EXP_UNIT), slope = v_fnma(z, unit, z);
    return v_copysign(slope * (fall * (K(1) - unit)) * K(EXP_UNIT), -x);
}
/* y (1 - y) */
FA_INLINE vec FN(sigmoid_from_output)(vec y) { return v_fnma(y, y, y); }

/* tanh' = 4 e/(1 + e)^2 with e = exp(-2|x|): 1 - tanh^2 would lose the tails.
 * 0 at both infinities. Worst 2.38 at 0x1.b39eb2p+0; 2.2. */
FA_INLINE vec FN(tanh_d1)(vec x) { return FN(logistic_slope)(x + x) * K(4 * EXP_UNIT); }
/* tanh'' = -2 tanh tanh', odd, root at 0. Worst 3.54 at 0x1.1a752ep-2; 2.9. */
FA_INLINE vec FN(tanh_d2)(vec x) {
    return K(-2) * FN(tanh)(x) * FN(tanh_d1)(x);
}
/* 1 - y^2 */
FA_INLINE vec FN(tanh_from_output)(vec y) { return v_fnma(y, y, K(1)); }

/* silu(x) = x sigmoid(x) = max(x, 0) - |x| z; 0 at -inf. |x| is bounded where z is 0,
 * for inf * 0 is NaN. Worst 1.70 at -0x1.f8621ep-8; 1.7. */
FA_INLINE vec FN(silu)(vec x) {
    vec a = v_max(K(EXP_LEAST), FN(minus_abs)(x)), p, low, s = FN(exp_parts)(a, K(-0.0), &p);
    vec q = FN(logistic)(s, p, &low);
    return v_fma(v_fma(a, q, a * low), K(EXP_UNIT), v_max(K(0), x));
}
/* For x <= 0: silu'(x) = z (1 + x - x z), and silu'(-x) = 1 - silu'(x). 1 + x is exact
 * around the root at -1.278, and the bracket uses z unrounded. 0 at -inf, 1 at inf.
 * Worst 2.46 at -0x1.0951d4p+0; 1.8. */
FA_INLINE vec FN(silu_d1)(vec x) {
    vec a = v_max(K(EXP_LEAST), FN(minus_abs)(x)), p, low, s = FN(exp_parts)(a, K(-0.0), &p);
    vec q = FN(logistic_exact)(s, p, &low), unit = a * K(EXP_UNIT);
    vec bracket = v_fnma(unit, q, K(1) + a) - unit * low;
    vec y = v_fma(q, bracket, low * bracket) * K(EXP_UNIT);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* silu'' = z' (2 - |x| (1 - 2z)), even, roots at +-2.399. Worst 4.72 at
 * 0x1.ed8e78p+0; 3.8. */
FA_INLINE vec FN(silu_d2)(vec x) {
    vec a = v_max(K(EXP_LEAST), FN(minus_abs)(x)), z = FN(logistic_tail)(a);
    vec unit = z * K(EXP_UNIT), slope = v_fnma(z, unit, z);
    return slope * v_fnma(a + a, unit, K(2) + a) * K(EXP_UNIT);
}

/* softplus(x) = log(1 + exp(beta x))/beta = max(x, 0) + log1p(e)/beta with
 * e = exp(-|beta x|): no threshold, never overflows. 0 at -inf, inf at inf. Errors for
 * beta = 1, others add the roundings of beta x and 1/beta: worst 1.76 at 0x1.93991ep-6; 1.5. */
FA_INLINE vec FN(softplus)(vec x, vec beta) {
    vec z = beta * x, log_part = FN(log1p_unit)(v_exp_nonpos(FN(minus_abs)(z)));
    return v_fma(log_part, K(1) / beta, v_select(v_lt(K(0), z), x, K(0)));
}
/* sigmoid(beta x) and beta sigmoid'(beta x): their errors. */
FA_INLINE vec FN(softplus_d1)(vec x, vec beta) { return FN(sigmoid)(beta * x); }
FA_INLINE vec FN(softplus_d2)(vec x, vec beta) { return beta * FN(sigmoid_d1)(beta * x); }
/* sigmoid(beta x) = 1 - exp(-beta y) */
FA_INLINE vec FN(softplus_from_output)(vec y, vec beta) { return -FN(expm1)(-(beta * y)); }

/* softsign(x) = x/(1 + |x|): the sigmoid without an exponential. Two roundings, at most
 * 1.5 ulp (worst input found 0x1.ffcc06p+9). |x| is bounded where the quotient is 1, for inf/inf is NaN:
 * -1 at -inf, 1 at inf, -0 at -0. */
FA_INLINE vec FN(softsign)(vec x) {
    vec a = v_min(K(0x1p60), v_abs(x));
    return v_copysign(a / (K(1) + a), x);
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
