/* silu, swish and quick_gelu, which are x sigmoid(u); and mish, x tanh(softplus(x)).
 *
 * They are built from z = sigmoid(-|u|) of sigmoids.h, which comes as hi + lo and divided by EXP_SCALE: q + low.
 * Max errors are those of all float32 inputs (docs/float32_all.md), and of samples in float64. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_GATED_H64) : !defined(FA_GATED_H32)
#ifdef FA_T_IS_F64
#define FA_GATED_H64
#else
#define FA_GATED_H32
#endif

#include "../common.h"
#include "exponential.h"
#include "sigmoids.h"

/* silu(x) = x sigmoid(x) = max(x, 0) - |x| z. Range [-0.278, inf). At -inf 0.
 * Max error: float32 1.74 ulp at -0x1.59e842p-1, float64 1.7 ulp.
 * |x| is bounded where z is 0, for inf * 0 is NaN. */
FA_INLINE vec FN(silu)(vec x) {
    vec a = v_max(K(EXP_MIN), FN(minus_abs)(x)), p, low, s = FN(exp_parts)(a, K(-0.0), &p);
    vec q = FN(logistic)(s, p, &low);
    return v_fma(v_fma(a, q, a * low), K(EXP_SCALE), v_max(K(0), x));
}
/* The derivative of u sigmoid(u) from a = -|u|: y = z (1 + a - a z) for u <= 0, 1 - y for u > 0. a_low is what the
 * rounding of a lost, or NULL. At -inf 0, at inf 1; root at -1.278.
 * 1 + a is exact around the root, and the bracket uses z as hi + lo. */
FA_INLINE vec FN(gate_slope)(vec a, const vec *a_low, mask positive) {
    vec bounded = v_max(K(EXP_MIN), a), p, low, s = FN(exp_parts)(bounded, a_low ? *a_low : K(-0.0), &p);
    vec q = FN(logistic_precise)(s, p, &low), unscaled = bounded * K(EXP_SCALE);
    vec bracket = v_fnma(unscaled, low, v_fnma(unscaled, q, K(1) + bounded));
    if (a_low) bracket = bracket + v_fnma(*a_low * K(EXP_SCALE), q, *a_low);
    vec y = v_fma(q, bracket, low * bracket) * K(EXP_SCALE);
    return v_select(positive, K(1) - y, y);
}
/* The second derivative of u sigmoid(u), divided by EXP_SCALE: z' (2 - |u| (1 - 2 z)). Even; roots at +-2.399. */
FA_INLINE vec FN(gate_bend_scaled)(vec a, const vec *a_low) {
    vec bounded = v_max(K(EXP_MIN), a), p, low, s = FN(exp_parts)(bounded, a_low ? *a_low : K(-0.0), &p);
    vec q = FN(logistic_precise)(s, p, &low), z = q + low, slope = v_fnma(z, z * K(EXP_SCALE), z);
    vec twice = (bounded + bounded) * K(EXP_SCALE), lost = (q - z) + low;
    vec bracket = v_fnma(twice, lost, v_fnma(twice, z, K(2) + bounded));
    if (a_low) bracket = bracket + *a_low;
    return slope * bracket;
}
/* silu'(x) = sigmoid(x) (1 + x sigmoid(-x)). At -inf 0, at inf 1.
 * Max error: float32 2.05 ulp at -0x1.5dff3p-1, float64 1.8 ulp. */
FA_INLINE vec FN(silu_d1)(vec x) { return FN(gate_slope)(FN(minus_abs)(x), NULL, v_lt(K(0), x)); }
/* silu''(x) = sigmoid'(x) (2 - |x| (1 - 2 z)). At both infinities 0.
 * Max error: float32 3.62 ulp at -0x1.ef2d0ep+0, float64 2.3 ulp. */
FA_INLINE vec FN(silu_d2)(vec x) { return FN(gate_bend_scaled)(FN(minus_abs)(x), NULL) * K(EXP_SCALE); }

/* a = -|u| of u = beta x, and in *low what its rounding lost. */
FA_INLINE vec FN(scaled_parts)(vec x, vec beta, vec *low, mask *positive) {
    vec u = beta * x, u_low = v_fms(beta, x, u), a = FN(minus_abs)(u);
    *positive = v_lt(K(0), u);
    u_low = v_keep(v_lt(K(EXP_MIN), a), u_low); /* inf - inf is NaN */
    *low = v_from_bits(v_bits(u_low) ^ (v_bits(K(-0.0)) & ~v_bits(u)));
    return a;
}
/* swish(x) = x sigmoid(u), u = beta x: x z for u <= 0, x - x z for u > 0. At u = -inf 0.
 * Max error: as silu's, for beta = 1.
 * x z is 0 where z counts as 0, for inf * 0 is NaN. In both cases the factor of z has the sign of -beta: that is w. A
 * large x is multiplied by EXP_SCALE before q, so that the product does not overflow. For beta = 0: x/2. */
FA_INLINE vec FN(swish)(vec x, vec beta) {
    mask positive;
    vec a_low, a = FN(scaled_parts)(x, beta, &a_low, &positive), p, low, s = FN(exp_parts)(a, a_low, &p);
    vec q = FN(logistic)(s, p, &low), w = v_copysign(v_keep(v_lt(K(EXP_MIN), a), x), -beta);
    mask large = v_lt(K(0x1p30), v_abs(x));
    w = w * v_select(large, K(EXP_SCALE), K(1));
    vec y = v_copysign(v_fma(v_fma(w, q, w * low), v_select(large, K(1), K(EXP_SCALE)), v_keep(positive, x)), x);
    return v_select(v_eq(beta, K(0)), K(0.5) * x, y); /* w * low may be inf * 0 */
}
/* swish'(x) = sigmoid(u) (1 + u sigmoid(-u)). At u = -inf 0, at u = inf 1.
 * Max error: float32 2.05 ulp at -0x1.5dff3p-1, float64 1.98 ulp. */
FA_INLINE vec FN(swish_d1)(vec x, vec beta) {
    mask positive;
    vec a_low, a = FN(scaled_parts)(FN(bounded_for)(beta, x), beta, &a_low, &positive);
    return FN(gate_slope)(a, &a_low, positive);
}
/* swish''(x) = beta sigmoid'(u) (2 - |u| (1 - 2 z)). At u = +-inf 0.
 * Max error: float32 3.62 ulp at -0x1.ef2d0ep+0, float64 2.85 ulp. */
FA_INLINE vec FN(swish_d2)(vec x, vec beta) {
    mask positive;
    vec a_low, a = FN(scaled_parts)(FN(bounded_for)(beta, x), beta, &a_low, &positive);
    return FN(times_scaled)(beta, FN(gate_bend_scaled)(a, &a_low), a);
}
/* By beta: x^2 sigmoid'(u) = x^2 (z - z^2). At infinities 0, unless beta = 0.
 * z is written as in swish_d1: a pass that needs both computes it once. */
FA_INLINE vec FN(swish_by_parameter)(vec x, vec beta) {
    mask positive;
    vec a_low, a = FN(scaled_parts)(FN(bounded_for)(beta, x), beta, &a_low, &positive);
    vec p, low, s = FN(exp_parts)(v_max(K(EXP_MIN), a), a_low, &p);
    vec z = FN(logistic_precise)(s, p, &low) + low, slope = v_fnma(z, z * K(EXP_SCALE), z);
    vec w = v_keep(v_lt(K(EXP_MIN), a), x) * K(EXP_HALF_SCALE); /* multiplies twice: neither product overflows */
    return w * slope * w;
}

/* u = -1.702 |x|, and in *low what the product's rounding lost: the exponential would multiply that a hundredfold.
 * |x| is bounded where z is 0. */
FA_INLINE vec FN(quick_gelu_parts)(vec x, vec *low) {
    vec a = v_max(K(EXP_MIN), FN(minus_abs)(x)), u = a * K(QUICK_GELU);
    *low = v_fma(a, K(QUICK_GELU_LOW), v_fms(a, K(QUICK_GELU), u));
    return u;
}
/* quick_gelu(x) = x sigmoid(1.702 x) = max(x, 0) - |x| z. Range [-0.164, inf). At -inf 0.
 * Max error: float32 1.80 ulp at -0x1.663958p-2, float64 1.57 ulp.
 * The cheapest stand-in for gelu. */
FA_INLINE vec FN(quick_gelu)(vec x) {
    vec u_low, u = FN(quick_gelu_parts)(x, &u_low), p, low, s = FN(exp_parts)(u, u_low, &p);
    vec q = FN(logistic)(s, p, &low), a = v_max(K(EXP_MIN), FN(minus_abs)(x));
    return v_fma(v_fma(a, q, a * low), K(EXP_SCALE), v_max(K(0), x));
}
/* quick_gelu'(x) = sigmoid(u) (1 + u sigmoid(-u)), u = 1.702 x. At -inf 0, at inf 1.
 * Max error: float32 2.42 ulp at -0x1.5357fcp+2, float64 2.23 ulp.
 * As gate_slope, but what q and u lost is summed before the bracket, which then rounds once less. */
FA_INLINE vec FN(quick_gelu_d1)(vec x) {
    vec u_low, u = FN(quick_gelu_parts)(x, &u_low), p, low, s = FN(exp_parts)(u, u_low, &p);
    vec q = FN(logistic_precise)(s, p, &low), unscaled = u * K(EXP_SCALE);
    vec lost = v_fnma(unscaled, low, v_fnma(u_low * K(EXP_SCALE), q, u_low));
    vec bracket = v_fnma(unscaled, q, K(1) + u) + lost;
    vec y = v_fma(q, bracket, low * bracket) * K(EXP_SCALE);
    return v_select(v_lt(K(0), x), K(1) - y, y);
}
/* quick_gelu''(x) = 1.702 sigmoid'(u) (2 - |u| (1 - 2 z)), u = 1.702 x. At both infinities 0.
 * Max error: float32 5.23 ulp at -0x1.3d22f4p+0, float64 4.04 ulp. */
FA_INLINE vec FN(quick_gelu_d2)(vec x) {
    vec u_low, u = FN(quick_gelu_parts)(x, &u_low);
    return K(QUICK_GELU) * FN(gate_bend_scaled)(u, &u_low) * K(EXP_SCALE);
}

/* exp(x)/EXP_SCALE as double-double (hi + lo), which mish uses throughout: in plain arithmetic it is 4 ulp off, its
 * derivatives 10. Where E = exp(x) is a factor, it comes divided by EXP_SCALE. */
FA_INLINE vdd FN(exp_dd_scaled)(vec x) {
    vec p, s = FN(exp_parts)(x, K(-0.0), &p), e = v_fma(s, p, s);
    return FN(dd_of)(e, v_fma(s, p, s - e));
}
FA_INLINE vdd FN(unscaled)(vdd e) { return FN(dd_of)(e.hi * K(EXP_SCALE), e.lo * K(EXP_SCALE)); }

/* mish(x) = x tanh(softplus(x)) = x n/(n + 2), n = E (E + 2), E = exp(x); above MISH_BOUND x. Range [-0.309, inf).
 * At -inf 0. Max error: float32 0.81 ulp at -0x1.6fa3cap+6, float64 0.97 ulp.
 * This form needs no logarithm. */
FA_INLINE vec FN(mish)(vec x) {
    vdd scaled = FN(exp_dd_scaled)(v_max(K(EXP_MIN), v_min(K(MISH_BOUND), x))), e = FN(unscaled)(scaled);
    vdd plus = FN(dd_add_vec)(e, K(2)), d = FN(dd_add_vec)(FN(dd_mul)(e, plus), K(2));
    vdd q = FN(dd_div)(FN(dd_mul)(scaled, plus), d);
    vec y = FN(dd_to_vec)(FN(dd_mul_vec)(q, v_max(K(EXP_MIN), x))) * K(EXP_SCALE);
    return v_copysign(v_select(v_lt(K(MISH_BOUND), x), x, y), x);
}
/* mish'(x) = E ((E + 2) d + 4 x (1 + E))/d^2, d = n + 2. At -inf 0, at inf 1; root at -1.192.
 * Max error: float32 0.80 ulp at -0x1.6f7a58p+6, float64 1.24 ulp. */
FA_INLINE vec FN(mish_d1)(vec x) {
    vec bounded = v_max(K(EXP_MIN), v_min(K(MISH_SLOPE_BOUND), x));
    vdd scaled = FN(exp_dd_scaled)(bounded), e = FN(unscaled)(scaled);
    vdd plus = FN(dd_add_vec)(e, K(2)), d = FN(dd_add_vec)(FN(dd_mul)(e, plus), K(2));
    vdd bracket = FN(dd_add)(FN(dd_mul)(plus, d), FN(dd_mul_vec)(FN(dd_add_vec)(e, K(1)), K(4) * bounded));
    vdd q = FN(dd_div)(FN(dd_mul)(scaled, bracket), FN(dd_mul)(d, d));
    return FN(dd_to_vec)(q) * K(EXP_SCALE);
}
/* mish''(x), with w = exp(-|x|) and a = |x|, is for x <= 0
 *   4 w (4 - 2 a + w (8 + 6 w + 2 w^2 - a (2 - 3 w - 2 w^2)))/(2 + 2 w + w^2)^3
 * and for x > 0
 *   4 w^2 (2 - 2 a + w (6 + 8 w + 4 w^2 - a (3 - 2 w - 2 w^2)))/(1 + 2 w + 2 w^2)^3.
 * At both infinities 0; roots at -2.256 and 1.491.
 * Max error: float32 0.85 ulp at 0x1.751602p+5, float64 1.31 ulp. */
FA_INLINE vec FN(mish_d2)(vec x) {
    mask positive = v_lt(K(0), x);
#define BY_SIDE(above, below) v_select(positive, K(above), K(below))
    vec growth[] = {BY_SIDE(6, 8), BY_SIDE(8, 6), BY_SIDE(4, 2)}, fall[] = {BY_SIDE(3, 2), BY_SIDE(-2, -3), K(-2)};
    vec below[] = {BY_SIDE(1, 2), K(2), BY_SIDE(2, 1)}, a = v_min(K(-EXP_MIN), v_abs(x));
    vdd scaled = FN(exp_dd_scaled)(-a), w = FN(unscaled)(scaled), d = FN(dd_polynomial)(w, 2, below);
    vdd rest = FN(dd_add)(FN(dd_polynomial)(w, 2, growth), FN(dd_mul_vec)(FN(dd_polynomial)(w, 2, fall), -a));
    vdd start = FN(dd_add_vec)(FN(dd_of)(K(-2) * a, K(0)), BY_SIDE(2, 4));
    vdd bracket = FN(dd_add)(start, FN(dd_mul)(w, rest));
#undef BY_SIDE
    vec tail = v_select(positive, w.hi, K(1)), tail_low = v_select(positive, w.lo, K(0));
    vdd above = FN(dd_mul)(FN(dd_mul)(scaled, FN(dd_of)(tail, tail_low)), bracket);
    vdd q = FN(dd_div)(above, FN(dd_mul)(d, FN(dd_mul)(d, d)));
    return K(4) * FN(dd_to_vec)(q) * K(EXP_SCALE);
}

#endif
