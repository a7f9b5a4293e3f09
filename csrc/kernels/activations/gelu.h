/* gelu, exact and by tanh, and their derivatives.
 *
 * Both are odd but for a linear term: f(x) = max(x, 0) - |x| G(|x|), and G decays. So only the negative side is
 * computed, with full relative precision down to subnormal results, and f'(x) = 1 - f'(-x), f''(x) = f''(-x).
 * a is |x|, bounded where the negative side is 0.
 * Max errors are those of all float32 inputs (docs/float32_all.md), and of samples in float64. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_GELU_H64) : !defined(FA_GELU_H32)
#ifdef FA_T_IS_F64
#define FA_GELU_H64
#else
#define FA_GELU_H32
#endif

#include "sigmoids.h"

/* exp(-a^2/2) in the form of FN(exp_power_parts); a^2 is hi + lo, split by fma. */
FA_INLINE vec FN(gauss_parts)(vec a, vec *p) {
    vec half = K(-0.5) * a, z = a * half;
    return FN(exp_power_parts)(z, v_fms(a, half, z), p);
}

/* gelu(x) = x Phi(x) = max(x, 0) - a Phi(-a), with Phi(-a) = exp(-a^2/2) erfcx(a/sqrt2)/2.
 * Range [-0.170, inf). At -inf 0. Max error: float32 1.84 ulp at -0x1.3fb16ap+1, float64 1.9 ulp.
 * Never 1 + erf: that cancels. -0, so that what vanishes below 0 is -0. */
FA_INLINE vec FN(gelu)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    return v_fnma(FN(gelu_tail)(a, s, p), K(EXP_SCALE), v_max(K(-0.0), x));
}
/* gelu'(-a) = exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)), gelu'(a) = 1 - gelu'(-a).
 * At -inf 0, at inf 1; root at -0.7518. Max error: float32 1.98 ulp at -0x1.cebc2ap+1, float64 2.2 ulp. */
FA_INLINE vec FN(gelu_d1)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    vec y = FN(gelu_slope_tail)(a, s, p) * K(EXP_SCALE);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* gelu''(x) = exp(-x^2/2)/sqrt(2 pi) (2 - x^2). At both infinities 0; roots at +-sqrt2.
 * Max error: float32 2.78 ulp at -0x1.7fba0ap+1, float64 2.6 ulp. */
FA_INLINE vec FN(gelu_d2)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, s = FN(gauss_parts)(a, &p);
    vec c = v_fnma(a, a, K(2)) * K(INV_SQRT_2PI);
    return v_fma(c, p, c) * s * K(EXP_SCALE);
}

/* exp(-u) in the form of FN(exp_parts), u = a (C1 + C2 a^2) = 2 sqrt(2/pi) (a + 0.044715 a^3). u is hi + lo: near
 * u = 100 the exponential needs it to an absolute error far below that of one float. */
FA_INLINE vec FN(gelu_tanh_parts)(vec a, vec *p) {
    vec square = a * a, square_low = v_fms(a, a, square);
    vec cubic = square * K(GELU_C2), cubic_low = v_fma(square, K(GELU_C2_LOW), v_fms(square, K(GELU_C2), cubic));
    vec w = cubic + K(GELU_C1), back = w - cubic;
    vec w_low = (cubic - (w - back)) + (K(GELU_C1) - back);
    w_low = w_low + v_fma(square_low, K(GELU_C2), cubic_low + K(GELU_C1_LOW));
    vec z = -a * w;
    return FN(exp_parts)(z, v_fnma(a, w_low, v_fnma(a, w, -z)), p);
}
/* gelu_tanh(x) = x sigmoid(u(x)) = max(x, 0) - a z, with z = sigmoid(-u(a)) as in sigmoids.h.
 * Range [-0.170, inf). At -inf 0. Max error: float32 1.78 ulp at -0x1.56068cp-2, float64 1.9 ulp.
 * It equals x/2 (1 + tanh(u/2)), which cancels. */
FA_INLINE vec FN(gelu_tanh)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec q = FN(logistic)(s, p, &low);
    return v_fnma(v_fma(a, q, a * low), K(EXP_SCALE), v_max(K(0), x));
}
/* u' = C1 + 3 C2 a^2 and *scaled = a u', with *low and *scaled_low, what their roundings lost: the derivatives cancel
 * around their roots. */
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
/* gelu_tanh'(-a) = z (1 - a u' (1 - z)), gelu_tanh'(a) = 1 - gelu_tanh'(-a).
 * At -inf 0, at inf 1; root at -0.7525. Max error: float32 2.44 ulp at -0x1.df65b6p+1, float64 2.4 ulp. */
FA_INLINE vec FN(gelu_tanh_d1)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec q = FN(logistic_precise)(s, p, &low), unscaled = q * K(EXP_SCALE), unscaled_low = low * K(EXP_SCALE);
    vec rate_low, scaled, scaled_low;
    FN(gelu_tanh_rate)(a, &rate_low, &scaled, &scaled_low);
    vec bracket =
        v_fma(scaled, unscaled, K(1) - scaled) + v_fma(scaled, unscaled_low, v_fms(scaled_low, unscaled, scaled_low));
    vec y = v_fma(q, bracket, low * bracket) * K(EXP_SCALE);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* gelu_tanh''(x) = z' (2 C1 + 12 C2 a^2 - a u'^2 (1 - 2 z)), where 2 C1 + 12 C2 a^2 = 4 u' - 2 C1.
 * At both infinities 0; roots at +-1.4185. Max error: float32 5.10 ulp at -0x1.4a12c8p+0, float64 5.0 ulp. */
FA_INLINE vec FN(gelu_tanh_d2)(vec x) {
    vec a = v_min(K(GELU_BOUND), v_abs(x)), p, low, s = FN(gelu_tanh_parts)(a, &p);
    vec q = FN(logistic_precise)(s, p, &low), unscaled = q * K(EXP_SCALE), unscaled_low = low * K(EXP_SCALE);
    vec rate_low, scaled, scaled_low, rate = FN(gelu_tanh_rate)(a, &rate_low, &scaled, &scaled_low);
    vec fall = scaled * rate, fall_low = v_fma(scaled, rate_low, v_fma(scaled_low, rate, v_fms(scaled, rate, fall)));
    vec t = v_fnma(K(2), unscaled, K(1)), t_low = v_fnma(K(2), unscaled, K(1) - t) - K(2) * unscaled_low;
    vec growth = v_fms(K(4), rate, K(2 * GELU_C1)), growth_low = v_fms(K(4), rate, growth) - K(2 * GELU_C1);
    vec rest = v_fnma(fall, t_low, v_fnma(fall_low, t, v_fma(K(4), rate_low, growth_low)));
    vec bracket = v_fnma(fall, t, growth) + rest, z = q + low;
    return v_fnma(z, unscaled, z) * bracket * K(EXP_SCALE);
}

#endif
