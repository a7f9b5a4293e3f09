/* sigmoid, tanh, silu, softplus and their derivatives.
 *
 * All are written with e = exp(-|x|) in (0, 1], so nothing overflows and the tails
 * keep their relative precision; EXP_UNIT: what FN(exp_parts) leaves to multiply
 * by last, so that a subnormal result is rounded once. */

FA_INLINE vec FN(minus_abs)(vec x) { return v_from_bits(v_bits(x) | v_bits(K(-0.0))); }

/* exp(-|x|) / EXP_UNIT */
FA_INLINE vec FN(decay)(vec x) {
    vec p, s = FN(exp_parts)(FN(minus_abs)(x), K(0), &p);
    return v_fma(s, p, s);
}

/* sigmoid(x) = 1/(1 + exp(-x)), as (x < 0 ? e : 1)/(1 + e); 0 at -inf, 1 at inf. */
FA_INLINE vec FN(sigmoid)(vec x) {
    vec e = FN(exp_fast_nonpos)(FN(minus_abs)(x));
    return v_select(v_lt(x, K(0)), e, K(1)) / (K(1) + e);
}
/* sigmoid' = e/(1 + e)^2, even; 0 at both infinities. */
FA_INLINE vec FN(sigmoid_d1)(vec x) {
    vec big = FN(decay)(x), d = v_fma(big, K(EXP_UNIT), K(1));
    return big / (d * d) * K(EXP_UNIT);
}
/* sigmoid'' = -sign(x) e (1 - e)/(1 + e)^3, odd, root at 0. */
FA_INLINE vec FN(sigmoid_d2)(vec x) {
    vec big = FN(decay)(x), d = v_fma(big, K(EXP_UNIT), K(1));
    vec y = big * v_fnma(big, K(EXP_UNIT), K(1)) / (d * d * d) * K(EXP_UNIT);
    return v_copysign(y, -x);
}
/* y (1 - y) */
FA_INLINE vec FN(sigmoid_from_output)(vec y) { return v_fnma(y, y, y); }

/* tanh' = 4 e/(1 + e)^2 with e = exp(-2|x|): 1 - tanh^2 would lose the tails. */
FA_INLINE vec FN(tanh_d1)(vec x) {
    vec big = FN(decay)(x + x), d = v_fma(big, K(EXP_UNIT), K(1));
    return K(4) * big / (d * d) * K(EXP_UNIT);
}
/* tanh'' = -2 tanh tanh', odd, root at 0. */
FA_INLINE vec FN(tanh_d2)(vec x) {
    return K(-2) * FN(tanh)(x) * FN(tanh_d1)(x);
}
/* 1 - y^2 */
FA_INLINE vec FN(tanh_from_output)(vec y) { return v_fnma(y, y, K(1)); }

/* silu(x) = x sigmoid(x); 0 at -inf. x is bounded where e is 0, for -inf * 0 is NaN. */
FA_INLINE vec FN(silu)(vec x) {
    mask negative = v_lt(x, K(0));
    vec big = FN(decay)(x), bounded = v_max(K(EXP_LEAST), x);
    vec y = bounded * v_select(negative, big, K(1)) / v_fma(big, K(EXP_UNIT), K(1));
    return v_select(negative, y * K(EXP_UNIT), y);
}
/* For x <= 0: silu'(x) = e (1 + e + x)/(1 + e)^2, and silu'(-x) = 1 - silu'(x).
 * Root at -1.278; 0 at -inf, 1 at inf. */
FA_INLINE vec FN(silu_d1)(vec x) {
    vec a = v_max(K(EXP_LEAST), FN(minus_abs)(x));
    vec big = FN(decay)(a), d = v_fma(big, K(EXP_UNIT), K(1));
    vec y = big * (d + a) / (d * d) * K(EXP_UNIT);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* silu'' = e/(1 + e)^2 (2 - |x| (1 - e)/(1 + e)), even, roots at +-2.399. */
FA_INLINE vec FN(silu_d2)(vec x) {
    vec a = v_max(K(EXP_LEAST), FN(minus_abs)(x));
    vec big = FN(decay)(a), d = v_fma(big, K(EXP_UNIT), K(1));
    vec slope = v_fnma(big, K(EXP_UNIT), K(1));
    return big * v_fma(K(2), d, a * slope) / (d * d * d) * K(EXP_UNIT);
}

/* softplus(x) = log(1 + exp(beta x))/beta = max(x, 0) + log1p(e)/beta with
 * e = exp(-|beta x|): no threshold, never overflows. 0 at -inf, inf at inf. */
FA_INLINE vec FN(softplus)(vec x, vec beta) {
    vec z = beta * x, log_part = FN(log1p_unit)(FN(exp_fast_nonpos)(FN(minus_abs)(z)));
    return v_fma(log_part, K(1) / beta, v_select(v_lt(K(0), z), x, K(0)));
}
FA_INLINE vec FN(softplus_d1)(vec x, vec beta) { return FN(sigmoid)(beta * x); }
FA_INLINE vec FN(softplus_d2)(vec x, vec beta) { return beta * FN(sigmoid_d1)(beta * x); }
/* sigmoid(beta x) = 1 - exp(-beta y) */
FA_INLINE vec FN(softplus_from_output)(vec y, vec beta) { return -FN(expm1)(-(beta * y)); }
