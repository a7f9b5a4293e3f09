/* Tweedie's deviance of any power p, its gradient and its curvature. Computed in float64 for both element types:
 * float32 would lose what is left of its powers. Of a mean m, given as it is or by its logarithm, and a target y, with
 * a = 1 - p, b = 2 - p and l = log(y/m):
 *   value      2 [(y^b - y m^a)/a - (y^b - m^b)/b]; where a divisor is 0 the limit: y l for a = 0, l for b = 0
 *   by log m   d1 = 2 (m^b - y m^a),         d2 = 2 (b m^b - a y m^a)
 *   by m       d1 = 2 (m^(b-1) - y m^(a-1)), d2 = 2 (a m^(b-2) + p y m^(a-2))
 * The largest power is taken out of the bracket, so that nothing overflows or vanishes unless the result does.
 * A target below 0 has a deviance only for p <= 0. Errors: deviance.h. This file is included once, for float64. */
#ifndef FA_TWEEDIE_H
#define FA_TWEEDIE_H

#include "../../math/elementary.h"

#include "../../simd/f64.h"

#include "../common.h" /* of float64 */

/* In place of an infinite logarithm: exp(-FAR) is 0, and products with FAR do not overflow. */
#define FAR 1e15

typedef struct {
    vec log_mean, log_target, l, target, a, b, p;
} FN(tweedie);

/* k log; 0 for k = 0, whatever log. */
FA_INLINE vec FN(log_of_power)(vec k, vec log) { return v_select(v_eq(k, K(0)), K(0), k * log); }
/* exp(k log), with what the rounding of the product lost. */
FA_INLINE vec FN(exp_of_product)(vec k, vec log) {
    vec u = FN(log_of_power)(k, log), e = v_exp(u);
    mask usual = v_mask_and(v_lt(v_abs(u), K(708)), v_mask_not(v_eq(k, K(0)))); /* 0 * inf is NaN */
    return v_select(usual, v_fma(e, v_fms(k, log, u), e), e);
}
/* v exp(k log), by exp(k log/2) twice: the power may overflow or vanish where the result does not. 0 for v = 0. */
FA_INLINE vec FN(times_power)(vec v, vec k, vec log) {
    vec root = FN(exp_of_product)(K(0.5) * k, log);
    return v_select(v_eq(v, K(0)), v, v_fma(v * root, root, K(0))); /* no bare product: a sum with it might be fused */
}
/* (1 - exp(-|k| d))/|k| for d >= 0; its limit d for k = 0. */
FA_INLINE vec FN(distance_of_powers)(vec k, vec d) {
    vec size = v_abs(k);
    return v_select(v_eq(k, K(0)), d, v_expm1(-FN(log_of_power)(size, d)) / -size);
}
/* 2 (alpha m^next + beta y m^k) for terms that do not cancel. NaN for p > 0.
 * next is k + 1, here and below: given, not computed, since an error of an exponent counts |log m| times. */
FA_INLINE vec FN(two_powers)(FN(tweedie) t, vec k, vec next, vec alpha, vec beta) {
    vec first = FN(times_power)(alpha, next, t.log_mean), second = FN(times_power)(beta * t.target, k, t.log_mean);
    return v_select(v_lt(K(0), t.p), K(NAN), K(2) * (first + second));
}
/* The deviance for y < 0, whose y^b counts as 0 but for p = 0, where it is the square of y. */
FA_INLINE vec FN(tweedie_value_below_0)(FN(tweedie) t) {
    vec powers = FN(two_powers)(t, t.a, t.b, K(1) / t.b, K(-1) / t.a);
    return v_select(v_eq(t.p, K(0)), v_fma(t.target, t.target, powers), powers);
}
/* The deviance. Divided by m^b the powers y^b, y m^a and m^b are exp(b l), exp(l) and 1. The largest of them, exp(top),
 * is taken out of the bracket; `less` is then the factor of the smaller difference. */
FA_INLINE vec FN(tweedie_value)(FN(tweedie) t) {
    vec d = v_abs(t.l), l = v_max(K(-FAR), v_min(K(FAR), t.l)), power = v_fma(t.b, l, K(0));
    vec upper = v_max(power, l), top = v_max(K(0), upper);
    mask first_is_top = v_eq(upper, top), of_mean = v_eq(top, K(0));
    mask of_target = v_mask_and(v_eq(power, top), v_mask_not(of_mean));
    vec less = v_exp((upper - top) + (v_max(power, K(0)) - top));
    vec first = FN(distance_of_powers)(t.a, d), second = FN(distance_of_powers)(t.b, d);
    vec larger = v_select(first_is_top, first, second), smaller = v_select(first_is_top, second, first);
    vec bracket = v_abs(v_select(v_eq(less, K(0)), larger, v_fnma(less, smaller, larger)));
    /* the factor: m^b, y^b or y m^a */
    vec factor = v_select(v_mask_or(of_mean, of_target), K(2), K(2) * t.target);
    vec log = v_select(of_target, t.log_target, t.log_mean);
    vec k = v_select(v_mask_or(of_mean, of_target), t.b, t.a);
    return FN(times_power)(factor * bracket, k, log);
}
/* 2 (m^next - y m^k); the larger of the two is the factor. */
FA_INLINE vec FN(tweedie_grad)(FN(tweedie) t, vec k, vec next) {
    mask above = v_lt(K(0), t.l);
    vec bracket = v_copysign(K(2), t.l) * v_expm1(-v_abs(t.l));
    return FN(times_power)(v_select(above, t.target, K(1)) * bracket, v_select(above, k, next), t.log_mean);
}
/* 2 (alpha m^next + beta y m^k) */
FA_INLINE vec FN(tweedie_hess)(FN(tweedie) t, vec k, vec next, vec alpha, vec beta) {
    mask above = v_mask_or(v_mask_and(v_lt(K(0), t.l), v_mask_not(v_eq(beta, K(0)))), v_eq(alpha, K(0)));
    vec less = v_exp(-v_abs(t.l));
    vec bracket = v_select(above, v_fma(alpha, less, beta), v_fma(beta, less, alpha));
    vec factor = v_select(above, K(2) * t.target, K(2));
    return FN(times_power)(factor * bracket, v_select(above, k, next), t.log_mean);
}

/* The limits at the ends of the means, 0 and infinity: what is left of each formula there, by its term that vanishes
 * last. They come with y >= 0 or p <= 0. */
FA_INLINE mask FN(tweedie_at_end)(FN(tweedie) t) { return v_eq(v_abs(t.log_mean), K(INFINITY)); }
/* The deviance: of y = 0 2 m^b/b; of a larger y 2 y^b/(a b) where the powers of m vanish, else inf. */
FA_INLINE vec FN(tweedie_value_at_end)(FN(tweedie) t) {
    mask zero = v_lt(t.log_mean, K(0)), none = v_eq(t.target, K(0));
    mask vanish = v_mask_or(v_mask_and(zero, v_lt(K(0), t.a)), v_mask_and(v_mask_not(zero), v_lt(t.b, K(0))));
    vec of_target = FN(times_power)(K(2) / (t.a * t.b), t.b, t.log_target);
    vec of_mean = v_select(v_lt(K(0), t.b), FN(times_power)(K(2) / t.b, t.b, t.log_mean), K(INFINITY));
    return FN(constant_slope)(t.target, v_select(none, of_mean, v_select(vanish, of_target, K(INFINITY))));
}
/* 2 (alpha m^next + beta y m^k): its first term for y = 0 and an infinite m, else the second, whose beta y may vanish
 * but counts only for k = 0. */
FA_INLINE vec FN(tweedie_slope_at_end)(FN(tweedie) t, vec k, vec next, vec alpha, vec beta) {
    mask first = v_mask_or(v_eq(t.target, K(0)), v_lt(K(0), t.log_mean));
    vec second = v_select(v_eq(k, K(0)), beta * t.target, beta);
    vec factor = K(2) * v_select(first, alpha, second);
    return FN(constant_slope)(t.target, FN(times_power)(factor, v_select(first, next, k), t.log_mean));
}

FA_INLINE FN(tweedie) FN(tweedie_of_log)(vec x, vec y, vec p) {
    vec log_y = v_log(y), finite_x = v_max(K(-FAR), x);
    vec l = log_y - v_select(v_eq(y, K(0)), finite_x, x); /* for y = 0 and m = 0: not inf - inf */
    FN(tweedie) t = {x, log_y, l, y, K(1) - p, K(2) - p, p};
    return t;
}
FA_INLINE FN(tweedie) FN(tweedie_of_mean)(vec x, vec y, vec p) {
    FN(tweedie) t = {v_log(x), v_log(y), FN(log_quotient)(y, x), y, K(1) - p, K(2) - p, p};
    return t;
}

/* The functions that deviance.h calls; in float32 they widen to float64. They are called, not inlined: powers other
 * than the default are rare, and inlined they would take a megabyte. */
#define FA_TWEEDIE(name, make, usual, at_end, below_0)                                \
    FA_NOINLINE vf64 f64_general_##name(vf64 x, vf64 given, vf64 p) {                 \
        vf64 y = given + K(0); /* 0 for -0 */                                         \
        f64_tweedie t = make(x, y, p);                                                \
        vf64 found = usual;                                                           \
        mask end = FN(tweedie_at_end)(t), negative = v_lt(y, K(0));                   \
        if (!v_any(v_mask_or(end, negative))) return found;                           \
        return v_select(negative, below_0, v_select(end, at_end, found));             \
    }                                                                                 \
    FA_NOINLINE vf32 f32_general_##name(vf32 x, vf32 y, vf32 p) {                     \
        f64w m = f32_widen(x), target = f32_widen(y), power = f32_widen(p);           \
        for (int i = 0; i < FA_F64_PER_F32; i++)                                      \
            m.part[i] = f64_general_##name(m.part[i], target.part[i], power.part[i]); \
        return f32_narrow(m);                                                         \
    }
#define FA_TWEEDIE_VALUE(name, make) \
    FA_TWEEDIE(name, make, FN(tweedie_value)(t), FN(tweedie_value_at_end)(t), FN(tweedie_value_below_0)(t))
#define FA_TWEEDIE_GRAD(name, make, k, next)                                                             \
    FA_TWEEDIE(name, make, FN(tweedie_grad)(t, k, next), FN(tweedie_slope_at_end)(t, k, next, K(1), K(-1)), \
               FN(two_powers)(t, k, next, K(1), K(-1)))
#define FA_TWEEDIE_HESS(name, make, k, next, alpha, beta)     \
    FA_TWEEDIE(name, make, FN(tweedie_hess)(t, k, next, alpha, beta), \
               FN(tweedie_slope_at_end)(t, k, next, alpha, beta), FN(two_powers)(t, k, next, alpha, beta))
FA_TWEEDIE_VALUE(tweedie_deviance, FN(tweedie_of_mean))
FA_TWEEDIE_VALUE(tweedie_deviance_log_input, FN(tweedie_of_log))
FA_TWEEDIE_GRAD(tweedie_deviance_d1, FN(tweedie_of_mean), -t.p, t.a)
FA_TWEEDIE_GRAD(tweedie_deviance_log_input_d1, FN(tweedie_of_log), t.a, t.b)
FA_TWEEDIE_HESS(tweedie_deviance_d2, FN(tweedie_of_mean), -t.p - K(1), -t.p, t.a, t.p)
FA_TWEEDIE_HESS(tweedie_deviance_log_input_d2, FN(tweedie_of_log), t.a, t.b, t.b, -t.a)
#undef FA_TWEEDIE_HESS
#undef FA_TWEEDIE_GRAD
#undef FA_TWEEDIE_VALUE
#undef FA_TWEEDIE
#undef FAR

#include "../../simd/f32.h"

#endif
