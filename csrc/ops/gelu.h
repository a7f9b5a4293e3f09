/* gelu, exact and by tanh, and their derivatives.
 *
 * Both are odd but for a linear term: f(x) = max(x, 0) - |x| G(|x|) with a decaying
 * G, so only the negative side is computed, in relative precision down to subnormal
 * results, and f'(x) = 1 - f'(-x), f''(x) = f''(-x). */

/* exp(-a^2/2) in FN(exp_parts)' form: a^2 is split by fma. */
FA_INLINE vec FN(gauss_parts)(vec a, vec *p) {
    vec half = K(-0.5) * a, z = a * half;
    return FN(exp_parts)(z, v_fms(a, half, z), p);
}

/* gelu(x) = x Phi(x), where Phi(-a) = exp(-a^2/2) * erfcx(a/sqrt2)/2 for a >= 0.
 * Never 1 + erf: that cancels. 0 at -inf. */
FA_INLINE vec FN(gelu)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p), c = FN(half_erfcx_sqrt2)(a);
    return v_fnma(v_fma(c, p, c) * a * s, K(EXP_UNIT), v_max(K(0), x));
}
/* gelu'(-a) = exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)). Root at -0.7518. */
FA_INLINE vec FN(gelu_d1)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    vec c = v_fnma(a, K(INV_SQRT_2PI), FN(half_erfcx_sqrt2)(a));
    vec y = v_fma(c, p, c) * s * K(EXP_UNIT);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* gelu'' = exp(-x^2/2)/sqrt(2 pi) (2 - x^2), even, roots at +-sqrt2. */
FA_INLINE vec FN(gelu_d2)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    vec c = v_fnma(a, a, K(2)) * K(INV_SQRT_2PI);
    return v_fma(c, p, c) * s * K(EXP_UNIT);
}

/* gelu_tanh(x) = x sigmoid(z), z = 2 sqrt(2/pi) (x + 0.044715 x^3), which is
 * x/2 (1 + tanh(z/2)) without its cancellation. -z = -a (C1 + C2 a^2) is needed to
 * an absolute error far below float's at z = 100, hence in two terms. */
FA_INLINE vec FN(gelu_tanh_parts)(vec a, vec *p) {
    vec square = a * a, square_low = v_fms(a, a, square);
    vec cubic = square * K(GELU_C2), cubic_low = v_fma(square, K(GELU_C2_LOW), v_fms(square, K(GELU_C2), cubic));
    vec w = cubic + K(GELU_C1), back = w - cubic;
    vec w_low = (cubic - (w - back)) + (K(GELU_C1) - back);
    w_low = w_low + v_fma(square_low, K(GELU_C2), cubic_low + K(GELU_C1_LOW));
    vec z = -a * w;
    return FN(exp_parts)(z, v_fnma(a, w_low, v_fnma(a, w, -z)), p);
}
FA_INLINE vec FN(gelu_tanh)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gelu_tanh_parts)(a, &p);
    vec big = v_fma(s, p, s), d = v_fma(big, K(EXP_UNIT), K(1));
    return v_fnma(a * big / d, K(EXP_UNIT), v_max(K(0), x));
}
/* With e = exp(-z(a)), z' = C1 + 3 C2 a^2: gelu_tanh'(-a) = e (1 + e - a z')/(1 + e)^2.
 * Root at -0.7525. */
FA_INLINE vec FN(gelu_tanh_d1)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gelu_tanh_parts)(a, &p);
    vec big = v_fma(s, p, s), d = v_fma(big, K(EXP_UNIT), K(1));
    vec slope = v_fma(a * a, K(3 * GELU_C2), K(GELU_C1));
    vec y = big * v_fnma(a, slope, d) / (d * d) * K(EXP_UNIT);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* gelu_tanh'' = e/(1 + e)^2 (2 C1 + 12 C2 a^2 - a z'^2 (1 - e)/(1 + e)), even. */
FA_INLINE vec FN(gelu_tanh_d2)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gelu_tanh_parts)(a, &p);
    vec big = v_fma(s, p, s), d = v_fma(big, K(EXP_UNIT), K(1));
    vec square = a * a, slope = v_fma(square, K(3 * GELU_C2), K(GELU_C1));
    vec growth = v_fma(square, K(12 * GELU_C2), K(2 * GELU_C1));
    vec fall = a * slope * slope * v_fnma(big, K(EXP_UNIT), K(1));
    return big * v_fms(growth, d, fall) / (d * d * d) * K(EXP_UNIT);
}
