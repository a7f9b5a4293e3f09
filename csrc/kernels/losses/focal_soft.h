/* Focal loss of targets strictly between 0 and 1; focal.h has the formulas. float32 computes them in float64: more of
 * its steps round than for targets 0 and 1, and a power multiplies what they lose. In float64 the bodies of focal.h
 * serve all targets. This file is included once, for float64. */
#ifndef FA_FOCAL_SOFT_H
#define FA_FOCAL_SOFT_H

#include "../../math/elementary.h"

#include "../../simd/f64.h"

/* order 0 is the value, 1 and 2 are the derivatives. Where p or q is 0, L is infinite and its factor r is 0: the term
 * counts as 0. */
FA_INLINE vec FN(focal_of_soft_target)(int order, vec x, vec y, vec alpha, vec gamma) {
    mask positive = v_le(K(0), x);
    mask square = v_eq(gamma, K(2));
    vec e = v_exp(-v_abs(x)), large = K(1) / (K(1) + e), small = e * large, log_total = v_log1p(e);
    vec p = v_select(positive, large, small), q = v_select(positive, small, large), other = K(1) - y;
    vec loss = v_fma(other, v_max(K(0), x) + log_total, y * (v_max(K(0), -x) + log_total));
    vec m = v_fma(y, q, other * p), b = v_fms(other, p, y * q), c = other - y, r = p * (q / m);
    vec balance = v_select(v_lt(alpha, K(0)), K(1), v_fma(alpha, y, (K(1) - alpha) * other));
    vec power = m * m, turn = gamma * c * r;
    if (v_any(v_mask_not(square))) power = v_select(square, power, v_power(m, gamma));
    vec factor = balance * power;
    mask flat = v_eq(r, K(0));
    if (order == 0) return factor * loss;
    if (order == 1) return factor * v_select(flat, b, v_fma(turn, loss, b));
    vec bend = v_fma(v_fma(gamma - K(1), c * r, q - p), loss, b + b);
    return factor * v_select(flat, p * q, v_fma(turn, bend, p * q));
}

FA_NOINLINE vf32 f32_focal_of_soft_target(int order, vf32 x, vf32 y, vf32 alpha, vf32 gamma) {
    f64w score = f32_widen(x), target = f32_widen(y), balance = f32_widen(alpha), power = f32_widen(gamma);
    for (int i = 0; i < FA_F64_PER_F32; i++)
        score.part[i] = f64_focal_of_soft_target(order, score.part[i], target.part[i], balance.part[i], power.part[i]);
    return f32_narrow(score);
}

/* Those for which the bodies of focal.h are not used: none in float64. */
FA_INLINE mf32 f32_focal_soft(vf32 y) {
    return f32_mask_not(f32_mask_or(f32_eq(y, f32_splat(0)), f32_eq(y, f32_splat(1))));
}
FA_INLINE mf64 f64_focal_soft(vf64 y) { return f64_lt(y, y); }

/* `hard`, which is right for targets 0 and 1, and for other targets the result by way of float64. */
FA_INLINE vf32 f32_focal_of(int order, vf32 hard, vf32 x, vf32 y, vf32 alpha, vf32 gamma) {
    mf32 soft = f32_focal_soft(y);
    if (!f32_any(soft)) return hard;
    return f32_select(soft, f32_focal_of_soft_target(order, x, y, alpha, gamma), hard);
}
FA_INLINE vf64 f64_focal_of(int order, vf64 found, vf64 x, vf64 y, vf64 alpha, vf64 gamma) {
    (void)order, (void)x, (void)y, (void)alpha, (void)gamma;
    return found;
}

#include "../../simd/f32.h"

#endif
