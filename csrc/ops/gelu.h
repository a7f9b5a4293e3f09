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

/* gelu(x) = x Phi(x) = max(x, 0) - a Phi(-a), Phi(-a) = exp(-a^2/2) erfcx(a/sqrt2)/2.
 * Never 1 + erf: that cancels. 0 at -inf. */
FA_INLINE vec FN(gelu)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    return v_fnma(FN(gelu_tail)(a, s, p), K(EXP_UNIT), v_max(K(0), x));
}
/* gelu'(-a) = exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)). Root at -0.7518. */
FA_INLINE vec FN(gelu_d1)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    vec y = FN(gelu_slope_tail)(a, s, p) * K(EXP_UNIT);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* gelu'' = exp(-x^2/2)/sqrt(2 pi) (2 - x^2), even, roots at +-sqrt2. */
FA_INLINE vec FN(gelu_d2)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    vec c = v_fnma(a, a, K(2)) * K(INV_SQRT_2PI);
    return v_fma(c, p, c) * s * K(EXP_UNIT);
}

/* gelu_tanh(x) = x sigmoid(u), u = 2 sqrt(2/pi) (x + 0.044715 x^3), which is
 * x/2 (1 + tanh(u/2)) without its cancellation. -u = -a (C1 + C2 a^2) is needed to
 * an absolute error far below float's at u = 100, hence in two terms. */
FA_INLINE vec FN(gelu_tanh_parts)(vec a, vec *p) {
    vec square = a * a, square_low = v_fms(a, a, square);
    vec cubic = square * K(GELU_C2), cubic_low = v_fma(square, K(GELU_C2_LOW), v_fms(square, K(GELU_C2), cubic));
    vec w = cubic + K(GELU_C1), back = w - cubic;
    vec w_low = (cubic - (w - back)) + (K(GELU_C1) - back);
    w_low = w_low + v_fma(square_low, K(GELU_C2), cubic_low + K(GELU_C1_LOW));
    vec z = -a * w;
    return FN(exp_parts)(z, v_fnma(a, w_low, v_fnma(a, w, -z)), p);
}
/* With z = sigmoid(-u(a)), as in sigmoids.h: max(x, 0) - a z. 0 at -inf. */
FA_INLINE vec FN(gelu_tanh)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec q = FN(logistic)(s, p, &low);
    return v_fnma(v_fma(a, q, a * low), K(EXP_UNIT), v_max(K(0), x));
}
/* With u' = C1 + 3 C2 a^2: gelu_tanh'(-a) = z (1 - a u' (1 - z)). Root at -0.7525. */
FA_INLINE vec FN(gelu_tanh_d1)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec z = FN(logistic)(s, p, &low) + low, unit = z * K(EXP_UNIT);
    vec slope = a * v_fma(a * a, K(3 * GELU_C2), K(GELU_C1));
    vec y = z * v_fma(slope, unit, K(1) - slope) * K(EXP_UNIT);
    y = v_select(v_lt(v_abs(a - K(0.75)), K(0.25)), FN(near_root)(a, FN(gelu_tanh_d1_root)), y);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* gelu_tanh'' = z' (2 C1 + 12 C2 a^2 - a u'^2 (1 - 2z)), even. */
FA_INLINE vec FN(gelu_tanh_d2)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec z = FN(logistic)(s, p, &low) + low, unit = z * K(EXP_UNIT);
    vec square = a * a, slope = v_fma(square, K(3 * GELU_C2), K(GELU_C1));
    vec growth = v_fma(square, K(12 * GELU_C2), K(2 * GELU_C1));
    vec curve = v_fnma(a * slope * slope, v_fnma(K(2), unit, K(1)), growth);
    vec y = v_fnma(z, unit, z) * curve * K(EXP_UNIT);
    return v_select(v_lt(v_abs(a - K(1.42)), K(0.25)), FN(near_root)(a, FN(gelu_tanh_d2_root)), y);
}
