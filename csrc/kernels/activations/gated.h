/* x sigmoid(u): silu, swish, quick_gelu; and mish, x tanh(softplus(x)). Errors as in
 * sigmoids.h, whose z = sigmoid(-|u|), over EXP_SCALE, they are built from. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_GATED_H64) : !defined(FA_GATED_H32)
#ifdef FA_T_IS_F64
#define FA_GATED_H64
#else
#define FA_GATED_H32
#endif

#include "exponential.h"
#include "sigmoids.h"

/* silu(x) = x sigmoid(x) = max(x, 0) - |x| z; 0 at -inf. |x| is bounded where z is 0,
 * for inf * 0 is NaN. Worst 1.70 at -0x1.02a5bp-5; 1.7. */
FA_INLINE vec FN(silu)(vec x) {
    vec a = v_max(K(EXP_MIN), FN(minus_abs)(x)), p, low, s = FN(exp_parts)(a, K(-0.0), &p);
    vec q = FN(logistic)(s, p, &low);
    return v_fma(v_fma(a, q, a * low), K(EXP_SCALE), v_max(K(0), x));
}
/* The derivative of u sigmoid(u) from a = -|u|, and a_low, what that lost, or NULL: for u <= 0 it is z (1 + u - u z),
 * and one less that for -u. 1 + u is exact around the root at -1.278, and the bracket uses
 * z unrounded. 0 at -inf, 1 at inf. */
FA_INLINE vec FN(gate_slope)(vec a, const vec *a_low, mask positive) {
    vec bounded = v_max(K(EXP_MIN), a), p, low, s = FN(exp_parts)(bounded, a_low ? *a_low : K(-0.0), &p);
    vec q = FN(logistic_exact)(s, p, &low), unit = bounded * K(EXP_SCALE);
    vec bracket = v_fnma(unit, low, v_fnma(unit, q, K(1) + bounded));
    if (a_low) bracket = bracket + v_fnma(*a_low * K(EXP_SCALE), q, *a_low);
    vec y = v_fma(q, bracket, low * bracket) * K(EXP_SCALE);
    return v_select(positive, K(1) - y, y);
}
/* And the second derivative, z' (2 - |u| (1 - 2z)), over EXP_SCALE: even, roots at +-2.399. */
FA_INLINE vec FN(gate_bend_scaled)(vec a, const vec *a_low) {
    vec bounded = v_max(K(EXP_MIN), a), p, low, s = FN(exp_parts)(bounded, a_low ? *a_low : K(-0.0), &p);
    vec q = FN(logistic_exact)(s, p, &low), z = q + low, slope = v_fnma(z, z * K(EXP_SCALE), z);
    vec twice = (bounded + bounded) * K(EXP_SCALE), lost = (q - z) + low;
    vec bracket = v_fnma(twice, lost, v_fnma(twice, z, K(2) + bounded));
    if (a_low) bracket = bracket + *a_low;
    return slope * bracket;
}
/* Worst 2.04 at -0x1.5dff3p-1; 1.8. */
FA_INLINE vec FN(silu_d1)(vec x) { return FN(gate_slope)(FN(minus_abs)(x), NULL, v_lt(K(0), x)); }
/* Worst 3.61 at -0x1.ef2d0ep+0; 2.3. */
FA_INLINE vec FN(silu_d2)(vec x) { return FN(gate_bend_scaled)(FN(minus_abs)(x), NULL) * K(EXP_SCALE); }

/* a = -|u| of u = beta x, and what the product lost. */
FA_INLINE vec FN(scaled_parts)(vec x, vec beta, vec *low, mask *positive) {
    vec u = beta * x, u_low = v_fms(beta, x, u), a = FN(minus_abs)(u);
    *positive = v_lt(K(0), u);
    u_low = v_keep(v_lt(K(EXP_MIN), a), u_low); /* inf - inf is NaN */
    *low = v_from_bits(v_bits(u_low) ^ (v_bits(K(-0.0)) & ~v_bits(u)));
    return a;
}
/* swish(x) = x sigmoid(u): z x for u <= 0, x - z x above, where the factor of z has the sign of -beta. z x is 0
 * where z counts as 0, for inf * 0 is NaN. q is z over EXP_SCALE, by which a large x is multiplied first. Errors for
 * beta = 1: as silu's. */
FA_INLINE vec FN(swish)(vec x, vec beta) {
    mask positive;
    vec a_low, a = FN(scaled_parts)(x, beta, &a_low, &positive), p, low, s = FN(exp_parts)(a, a_low, &p);
    vec q = FN(logistic)(s, p, &low), w = v_copysign(v_keep(v_lt(K(EXP_MIN), a), x), -beta);
    mask large = v_lt(K(0x1p30), v_abs(x));
    w = w * v_select(large, K(EXP_SCALE), K(1));
    return v_copysign(v_fma(v_fma(w, q, w * low), v_select(large, K(1), K(EXP_SCALE)), v_keep(positive, x)), x);
}
FA_INLINE vec FN(swish_d1)(vec x, vec beta) {
    mask positive;
    vec a_low, a = FN(scaled_parts)(x, beta, &a_low, &positive);
    return FN(gate_slope)(a, &a_low, positive);
}
FA_INLINE vec FN(swish_d2)(vec x, vec beta) {
    mask positive;
    vec a_low, a = FN(scaled_parts)(x, beta, &a_low, &positive);
    return FN(times_scaled)(beta, FN(gate_bend_scaled)(a, &a_low), a);
}
/* by beta: x^2 z' = x^2 (z - z^2), of the z that swish_d1 computes in the same pass. 0 at infinities,
 * but for beta = 0. */
FA_INLINE vec FN(swish_by_parameter)(vec x, vec beta) {
    mask positive;
    vec a_low, a = FN(scaled_parts)(x, beta, &a_low, &positive);
    vec p, low, s = FN(exp_parts)(v_max(K(EXP_MIN), a), a_low, &p);
    vec z = FN(logistic_exact)(s, p, &low) + low, slope = v_fnma(z, z * K(EXP_SCALE), z);
    vec w = v_keep(v_lt(K(EXP_MIN), a), x) * K(EXP_HALF_SCALE); /* twice, so that neither product overflows */
    return w * slope * w;
}

/* quick_gelu(x) = x sigmoid(1.702 x), gelu's cheapest stand-in; max(x, 0) - |x| z. The
 * product's rounding goes with it, for the exponential would multiply it a hundredfold.
 * Worst 1.71 at -0x1.674442p-2; 1.57. */
FA_INLINE vec FN(quick_gelu_parts)(vec x, vec *low) {
    vec a = v_max(K(EXP_MIN), FN(minus_abs)(x)), u = a * K(QUICK);
    *low = v_fma(a, K(QUICK_LOW), v_fms(a, K(QUICK), u));
    return u;
}
FA_INLINE vec FN(quick_gelu)(vec x) {
    vec u_low, u = FN(quick_gelu_parts)(x, &u_low), p, low, s = FN(exp_parts)(u, u_low, &p);
    vec q = FN(logistic)(s, p, &low), a = v_max(K(EXP_MIN), FN(minus_abs)(x));
    return v_fma(v_fma(a, q, a * low), K(EXP_SCALE), v_max(K(0), x));
}
FA_INLINE vec FN(quick_gelu_d1)(vec x) {
    vec u_low, u = FN(quick_gelu_parts)(x, &u_low);
    return FN(gate_slope)(u, &u_low, v_lt(K(0), x));
}
FA_INLINE vec FN(quick_gelu_d2)(vec x) {
    vec u_low, u = FN(quick_gelu_parts)(x, &u_low);
    return K(QUICK) * FN(gate_bend_scaled)(u, &u_low) * K(EXP_SCALE);
}

/* mish(x) = x tanh(softplus(x)) = x n/(n + 2) with n = E (E + 2), E = exp(x): no logarithm.
 * x is bounded where the quotient is 1. In pairs: written plainly it is 4 ulp off, and its
 * derivatives 10. Where E is a factor it comes over EXP_SCALE. */
FA_INLINE vdd FN(exp_dd_scaled)(vec x) {
    vec p, s = FN(exp_parts)(x, K(-0.0), &p), e = v_fma(s, p, s);
    return FN(dd_of)(e, v_fma(s, p, s - e));
}
FA_INLINE vdd FN(unscaled)(vdd e) { return FN(dd_of)(e.hi * K(EXP_SCALE), e.lo * K(EXP_SCALE)); }

/* 0 at -inf. Worst 0.77 at -0x1.7080cep+6; 0.97. */
FA_INLINE vec FN(mish)(vec x) {
    vdd scaled = FN(exp_dd_scaled)(v_max(K(EXP_MIN), v_min(K(MISH_BOUND), x))), e = FN(unscaled)(scaled);
    vdd plus = FN(dd_add_vec)(e, K(2)), d = FN(dd_add_vec)(FN(dd_mul)(e, plus), K(2));
    vdd q = FN(dd_div)(FN(dd_mul)(scaled, plus), d);
    vec y = FN(dd_to_vec)(FN(dd_mul_vec)(q, v_max(K(EXP_MIN), x))) * K(EXP_SCALE);
    return v_copysign(v_select(v_lt(K(MISH_BOUND), x), x, y), x);
}
/* mish' = E ((E + 2) d + 4 x (1 + E))/d^2, d = n + 2. Root at -1.192. 0 at -inf, 1 at inf.
 * Worst 0.78 at -0x1.70b2dp+6; 1.24. */
FA_INLINE vec FN(mish_d1)(vec x) {
    vec bounded = v_max(K(EXP_MIN), v_min(K(MISH_SLOPE_BOUND), x));
    vdd scaled = FN(exp_dd_scaled)(bounded), e = FN(unscaled)(scaled);
    vdd plus = FN(dd_add_vec)(e, K(2)), d = FN(dd_add_vec)(FN(dd_mul)(e, plus), K(2));
    vdd bracket = FN(dd_add)(FN(dd_mul)(plus, d), FN(dd_mul_vec)(FN(dd_add_vec)(e, K(1)), K(4) * bounded));
    vdd q = FN(dd_div)(FN(dd_mul)(scaled, bracket), FN(dd_mul)(d, d));
    return FN(dd_to_vec)(q) * K(EXP_SCALE);
}
/* With w = exp(-|x|), a = |x|: for x <= 0
 *   mish'' = 4 w (4 - 2 a + w (8 + 6 w + 2 w^2 - a (2 - 3 w - 2 w^2)))/(2 + 2 w + w^2)^3
 * and for x > 0
 *   4 w^2 (2 - 2 a + w (6 + 8 w + 4 w^2 - a (3 - 2 w - 2 w^2)))/(1 + 2 w + 2 w^2)^3.
 * Roots at -2.256 and 1.491. 0 at both infinities. Worst 0.78 at
 * -0x1.7052dap+6; 1.31. */
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
