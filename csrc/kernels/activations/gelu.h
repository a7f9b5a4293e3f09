/* gelu, exact and by tanh, and their derivatives.
 *
 * Both are odd but for a linear term: f(x) = max(x, 0) - |x| G(|x|) with a decaying
 * G, so only the negative side is computed, in relative precision down to subnormal
 * results, and f'(x) = 1 - f'(-x), f''(x) = f''(-x). a is |x|, bounded where the
 * negative side is 0. Errors as in sigmoids.h. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_GELU_H64) : !defined(FA_GELU_H32)
#ifdef FA_T_IS_F64
#define FA_GELU_H64
#else
#define FA_GELU_H32
#endif

#include "sigmoids.h"

/* exp(-a^2/2) in FN(exp_power_parts)' form: a^2 is split by fma. */
FA_INLINE vec FN(gauss_parts)(vec a, vec *p) {
    vec half = K(-0.5) * a, z = a * half;
    return FN(exp_power_parts)(z, v_fms(a, half, z), p);
}

/* gelu(x) = x Phi(x) = max(x, 0) - a Phi(-a), Phi(-a) = exp(-a^2/2) erfcx(a/sqrt2)/2.
 * Never 1 + erf: that cancels. 0 at -inf. Worst 1.72 at -0x1.69700ep+0; 1.9. */
FA_INLINE vec FN(gelu)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    return v_fnma(FN(gelu_tail)(a, s, p), K(EXP_SCALE), v_max(K(0), x));
}
/* gelu'(-a) = exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)). Root at -0.7518.
 * 0 at -inf, 1 at inf. Worst 1.98 at -0x1.cebc2ap+1; 2.2. */
FA_INLINE vec FN(gelu_d1)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    vec y = FN(gelu_slope_tail)(a, s, p) * K(EXP_SCALE);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* gelu'' = exp(-x^2/2)/sqrt(2 pi) (2 - x^2), even, roots at +-sqrt2. Worst 2.71 at
 * 0x1.489fe6p+0; 2.6. */
FA_INLINE vec FN(gelu_d2)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    vec c = v_fnma(a, a, K(2)) * K(INV_SQRT_2PI);
    return v_fma(c, p, c) * s * K(EXP_SCALE);
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
/* With z = sigmoid(-u(a)), as in sigmoids.h: max(x, 0) - a z. 0 at -inf. Worst 1.71 at
 * 0x1.f9606p-12; 1.9. */
FA_INLINE vec FN(gelu_tanh)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec q = FN(logistic)(s, p, &low);
    return v_fnma(v_fma(a, q, a * low), K(EXP_SCALE), v_max(K(0), x));
}
/* u' = C1 + 3 C2 a^2 and *scaled = a u', both with what their roundings lost: the
 * derivatives cancel around their roots. */
FA_INLINE vec FN(gelu_tanh_rate)(vec a, vec *low, vec *scaled, vec *scaled_low) {
    vec square = a * a, square_low = v_fms(a, a, square);
    vec growth = square * K(GELU_3C2), rate = growth + K(GELU_C1);
    vec growth_low = v_fma(square, K(GELU_3C2_LOW), v_fms(square, K(GELU_3C2), growth));
    growth_low = v_fma(square_low, K(GELU_3C2), growth_low);
    vec lost = v_min(growth, K(GELU_C1)) - (rate - v_max(growth, K(GELU_C1)));
    *low = lost + (growth_low + K(GELU_C1_LOW));
    *scaled = a * rate;
    *scaled_low = v_fma(a, *low, v_fms(a, rate, *scaled));
    return rate;
}
/* gelu_tanh'(-a) = z (1 - a u' (1 - z)). Root at -0.7525. 0 at -inf, 1 at inf.
 * Worst 2.32 at -0x1.3df09cp+2; 2.4. */
FA_INLINE vec FN(gelu_tanh_d1)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec q = FN(logistic_exact)(s, p, &low), unit = q * K(EXP_SCALE), unit_low = low * K(EXP_SCALE);
    vec rate_low, scaled, scaled_low;
    FN(gelu_tanh_rate)(a, &rate_low, &scaled, &scaled_low);
    vec bracket = v_fma(scaled, unit, K(1) - scaled) + v_fma(scaled, unit_low, v_fms(scaled_low, unit, scaled_low));
    vec y = v_fma(q, bracket, low * bracket) * K(EXP_SCALE);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* gelu_tanh'' = z' (2 C1 + 12 C2 a^2 - a u'^2 (1 - 2z)), even; 2 C1 + 12 C2 a^2 is
 * 4 u' - 2 C1. Roots at +-1.4185. Worst 4.78 at -0x1.4a7dcp+0; 5.0. */
FA_INLINE vec FN(gelu_tanh_d2)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec q = FN(logistic_exact)(s, p, &low), unit = q * K(EXP_SCALE), unit_low = low * K(EXP_SCALE);
    vec rate_low, scaled, scaled_low, rate = FN(gelu_tanh_rate)(a, &rate_low, &scaled, &scaled_low);
    vec fall = scaled * rate, fall_low = v_fma(scaled, rate_low, v_fma(scaled_low, rate, v_fms(scaled, rate, fall)));
    vec t = v_fnma(K(2), unit, K(1)), t_low = v_fnma(K(2), unit, K(1) - t) - K(2) * unit_low;
    vec growth = v_fms(K(4), rate, K(2 * GELU_C1)), growth_low = v_fms(K(4), rate, growth) - K(2 * GELU_C1);
    vec rest = v_fnma(fall, t_low, v_fnma(fall_low, t, v_fma(K(4), rate_low, growth_low)));
    vec bracket = v_fnma(fall, t, growth) + rest, z = q + low;
    return v_fnma(z, unit, z) * bracket * K(EXP_SCALE);
}

#endif
