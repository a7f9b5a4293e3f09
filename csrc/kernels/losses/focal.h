/* Focal loss: a m^g L of a score x and a target y in [0, 1]. regression.h says what holds for all losses. With
 * p = sigmoid(x), q = 1 - p:
 *   cross entropy     L = (1 - y) log(1 + exp(x)) + y log(1 + exp(-x))
 *   wrong class       m = y q + (1 - y) p, the probability given to it
 *   balance           a = alpha y + (1 - alpha) (1 - y), or 1 for a negative alpha
 * and with c = 1 - 2 y, b = L' = (1 - y) p - y q, r = p q/m (that is p for y = 1 and q for y = 0, where m may vanish):
 *   value   a m^g L
 *   d1      a m^g (g c r L + b)
 *   d2      a m^g (g c r (((g - 1) c r + q - p) L + 2 b) + p q)
 * r is 0 where L is infinite. For y = 0 and 1 the terms of d1 have one sign.
 *
 * p, q, m, b and r are double-double (hi + lo), for a power multiplies an error by g. g = 2 needs no logarithm: m^2.
 * Targets between 0 and 1 in float32: focal_soft.h. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_FOCAL_H64) : !defined(FA_FOCAL_H32)
#ifdef FA_T_IS_F64
#define FA_FOCAL_H64
#else
#define FA_FOCAL_H32
#endif

#include "../activations/sigmoids.h"
#include "../common.h"
#include "focal_soft.h"

typedef struct {
    vdd p, q, b, r, power;
    vec loss, c, balance;
} FN(focal);
/* m^gamma; of soft targets anything. */
FA_INLINE vdd FN(focal_power)(vdd m, vec gamma, vec y) {
    mask square = v_eq(gamma, K(2));
    vdd power = FN(dd_mul)(m, m);
    if (!v_any(v_mask_not(v_mask_or(square, FN(focal_soft)(y))))) return power;
    vec other = v_power(m.hi, gamma), low = v_select(v_eq(m.lo, K(0)), K(0), gamma * other * (m.lo / m.hi));
    return FN(dd_of)(v_select(square, power.hi, other), v_select(square, power.lo, low));
}
/* r = p q/m. q/m may overflow where p/m does not. */
FA_INLINE vdd FN(focal_ratio)(vec y, vdd p, vdd q, vdd m) {
    mask all = v_eq(y, K(1)), sides = v_mask_or(all, v_eq(y, K(0)));
    vdd hard = FN(dd_of)(v_select(all, p.hi, q.hi), v_select(all, p.lo, q.lo));
    if (!v_any(v_mask_not(sides))) return hard;
    vec of_q = q.hi / m.hi, soft = v_select(v_lt(of_q, K(INFINITY)), p.hi * of_q, (p.hi / m.hi) * q.hi);
    return FN(dd_of)(v_select(sides, hard.hi, soft), v_keep(sides, hard.lo));
}
/* weight p + other q. The products are by v_fma, or a compiler might fuse them into the sum. */
FA_INLINE vdd FN(focal_blend)(vec weight, vdd p, vec other, vdd q) {
    vec a = v_fma(weight, p.hi, K(0)), b = v_fma(other, q.hi, K(0));
    vec lost = v_fms(weight, p.hi, a) + v_fms(other, q.hi, b);
    vec sum = a + b, t = sum - a, low = (a - (sum - t)) + (b - t);
    return FN(dd_of)(sum, low + (lost + v_fma(weight, p.lo, other * q.lo)));
}
FA_INLINE FN(focal) FN(focal_parts)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f;
    mask positive = v_le(K(0), x);
    vec power, low, s = FN(exp_parts)(FN(minus_abs)(x), K(-0.0), &power), z = FN(logistic_precise)(s, power, &low);
    vec log_total = v_log1p_unit(v_fma(s, power, s) * K(EXP_SCALE)), other = K(1) - y;
    vec small = z * K(EXP_SCALE), small_low = low * K(EXP_SCALE), large = K(1) - small;
    vec large_low = ((K(1) - large) - small) - small_low;
    f.p = FN(dd_of)(v_select(positive, large, small), v_select(positive, large_low, small_low));
    f.q = FN(dd_of)(v_select(positive, small, large), v_select(positive, small_low, large_low));
    f.loss = FN(plus_weighted)(FN(weighted)(other, v_max(K(0), x) + log_total), y, v_max(K(0), -x) + log_total);
    f.b = FN(focal_blend)(other, f.p, -y, f.q);
    f.c = other - y;
    vdd m = FN(focal_blend)(y, f.q, other, f.p);
    f.r = FN(focal_ratio)(y, f.p, f.q, m);
    f.balance = v_select(v_lt(alpha, K(0)), K(1), v_fma(alpha, y, (K(1) - alpha) * other));
    f.power = FN(focal_power)(m, gamma, y);
    return f;
}
/* a m^g (v + low). 0 where a factor is 0. */
FA_INLINE vec FN(focal_times)(FN(focal) f, vec v, vec low) {
    vec rest = v_keep(v_lt(v_abs(v), K(INFINITY)), v_fma(f.power.lo, v, f.power.hi * low));
    return FN(weighted)(f.balance, v_select(v_eq(f.power.hi, K(0)), K(0), v_fma(f.power.hi, v, rest)));
}
/* focal_loss = a m^g L. */
FA_INLINE vec FN(focal_loss)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f = FN(focal_parts)(x, y, alpha, gamma);
    return FN(focal_of)(0, FN(focal_times)(f, f.loss, K(0)), x, y, alpha, gamma);
}
/* d1 = a m^g (g c r L + b). */
FA_INLINE vec FN(focal_loss_d1)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f = FN(focal_parts)(x, y, alpha, gamma);
    vec turn = gamma * f.c;
    vec slope = FN(plus_weighted)(f.b.hi, turn * f.r.hi, f.loss);
    vec hard = FN(focal_times)(f, slope, FN(plus_weighted)(f.b.lo, turn * f.r.lo, f.loss));
    return FN(focal_of)(1, hard, x, y, alpha, gamma);
}
/* d2 = a m^g (g c r (((g - 1) c r + q - p) L + 2 b) + p q). */
FA_INLINE vec FN(focal_loss_d2)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f = FN(focal_parts)(x, y, alpha, gamma);
    vec turn = v_fma(gamma - K(1), f.c * f.r.hi, f.q.hi - f.p.hi), slope = K(2) * f.b.hi;
    vec sum = FN(plus_weighted)(f.p.hi * f.q.hi, gamma * f.c * f.r.hi, v_fma(turn, f.loss, slope));
    return FN(focal_of)(2, FN(focal_times)(f, sum, K(0)), x, y, alpha, gamma);
}

#endif
