/* Elementwise losses of a difference d = x - t, of a prediction x and a target t.
 *
 * For the elementwise losses of all files: name is the value, name_d1 and name_d2 are its derivatives by x. The loops
 * call those that are wanted, and the compiler computes once what two of them share. At a kink d1 is the middle of its
 * two sides or 0, and d2 that of the flat side, unless a body says otherwise. NaN gives NaN.
 *
 * No body names its Max error, since nothing can walk all pairs of inputs: the bounds in ops.def, in ulp, stand for it.
 * In them the rounding of d counts half an ulp, and twice that where d is squared. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_REGRESSION_H64) : !defined(FA_REGRESSION_H32)
#ifdef FA_T_IS_F64
#define FA_REGRESSION_H64
#else
#define FA_REGRESSION_H32
#endif

#include "../activations/sigmoids.h"
#include "../common.h"

/* mse_loss = (x - t)^2. x - t and the square each round: 1.5 ulp. */
FA_INLINE vec FN(mse_loss)(vec x, vec t) {
    vec d = x - t;
    return d * d;
}
/* d1 = 2 (x - t). */
FA_INLINE vec FN(mse_loss_d1)(vec x, vec t) { return K(2) * (x - t); }
/* d2 = 2. */
FA_INLINE vec FN(mse_loss_d2)(vec x, vec t) { return FN(constant_of)(x, t, K(2)); }

/* half_squared_error = (x - t)^2/2. Rounded as mse_loss. */
FA_INLINE vec FN(half_squared_error)(vec x, vec t) {
    vec d = x - t;
    return K(0.5) * d * d;
}
/* d1 = x - t. */
FA_INLINE vec FN(half_squared_error_d1)(vec x, vec t) { return x - t; }
/* d2 = 1. */
FA_INLINE vec FN(half_squared_error_d2)(vec x, vec t) { return FN(constant_of)(x, t, K(1)); }

/* sign(d): 1 or -1; at +-0 and NaN d. */
FA_INLINE vec FN(sign)(vec d) { return v_select(v_lt(K(0), v_abs(d)), v_copysign(K(1), d), d); }
/* l1_loss = |d|. */
FA_INLINE vec FN(l1_loss)(vec x, vec t) { return v_abs(x - t); }
/* d1 = sign(d). At the kink 0: 0. */
FA_INLINE vec FN(l1_loss_d1)(vec x, vec t) { return FN(sign)(x - t); }
/* d2 = 0. */
FA_INLINE vec FN(l1_loss_d2)(vec x, vec t) { return FN(constant_of)(x, t, K(0)); }

/* smooth_l1_loss = |d| < beta ? d^2/(2 beta) : |d| - beta/2. For beta = 0 it is l1_loss.
 * |d|/beta comes first, for d^2 might overflow. */
FA_INLINE vec FN(smooth_l1_loss)(vec x, vec t, vec beta) {
    vec a = v_abs(x - t);
    return v_select(v_lt(a, beta), K(0.5) * a * (a / beta), v_fnma(beta, K(0.5), a));
}
/* d1 = |d| < beta ? d/beta : sign(d). */
FA_INLINE vec FN(smooth_l1_loss_d1)(vec x, vec t, vec beta) {
    vec d = x - t;
    return v_select(v_lt(v_abs(d), beta), d / beta, FN(sign)(d));
}
/* d2 = |d| < beta ? 1/beta : 0. At the kinks 0. */
FA_INLINE vec FN(smooth_l1_loss_d2)(vec x, vec t, vec beta) {
    vec d = x - t, curvature = FN(constant_slope)(d, v_keep(v_lt(v_abs(d), beta), K(1) / beta));
    mask none = v_eq(beta, K(0));
    return v_any(none) ? v_select(none, FN(constant_of)(x, t, K(0)), curvature) : curvature;
}

/* huber_loss = |d| < delta ? d^2/2 : delta (|d| - delta/2). For an infinite delta it is half_squared_error. Where |d| is
 * infinite too, `near` is the largest number: inf - inf is NaN. */
FA_INLINE vec FN(huber_loss)(vec x, vec t, vec delta) {
    vec a = v_abs(x - t), near = v_min(v_min(K(LARGEST), delta), a);
    return near * v_fnma(near, K(0.5), a);
}
/* d1 = d, bounded to [-delta, delta]. */
FA_INLINE vec FN(huber_loss_d1)(vec x, vec t, vec delta) { return v_max(-delta, v_min(delta, x - t)); }
/* d2 = |d| < delta ? 1 : 0. At the kinks 0. */
FA_INLINE vec FN(huber_loss_d2)(vec x, vec t, vec delta) {
    vec d = x - t;
    return FN(constant_slope)(d, v_keep(v_lt(v_min(K(LARGEST), v_abs(d)), delta), K(1)));
}

#define LOG_2 0x1.62e42fefa39efp-1

/* log_cosh_loss = log(cosh(d)). With a = |d| and m = exp(-a) - 1 as hi + lo it is log1p(cosh(a) - 1), where
 * cosh(a) - 1 = m^2/2/(1 + m), for a < 1; and (a - log 2) + log1p(exp(-2 a)) above, where cosh would overflow. */
FA_INLINE vec FN(log_cosh_loss)(vec x, vec t) {
    vec a = v_abs(x - t), low, m = FN(expm1_nonpos)(v_max(K(-1), -a), &low);
    vec near = FN(log1p_unit)(K(0.5) * v_fma(m, m, (m + m) * low) / (K(1) + m));
    vec far = (a - K(LOG_2)) + FN(log1p_unit)(v_exp_nonpos(-(a + a)));
    return v_select(v_lt(a, K(1)), near, far);
}
/* d1 = tanh(d). */
FA_INLINE vec FN(log_cosh_loss_d1)(vec x, vec t) { return v_tanh(x - t); }
/* d2 = tanh'(d). What the rounding of d lost is put back: the exponential in tanh' would multiply it by 2 |d|. */
FA_INLINE vec FN(log_cosh_loss_d2)(vec x, vec t) {
    vdd d = FN(dd_add_vec)(FN(dd_of)(x, K(0)), -t);
    vec a = FN(minus_abs)(d.hi + d.hi), lost = v_keep(v_lt(K(EXP_MIN), a), d.lo + d.lo);
    return FN(logistic_slope)(a, v_select(v_lt(d.hi, K(0)), lost, -lost)) * K(4 * EXP_SCALE);
}

/* The loss where an infinite e times a factor of 0 gave NaN. */
FA_COLD vec FN(rare_pinball)(vec loss, vec e, vec factor) {
    return v_select(v_isnan(loss), factor * v_max(K(-1), v_min(K(1), e)), loss);
}
/* pinball_loss = e > 0 ? quantile e : (quantile - 1) e, e = t - x. 0 where the factor is 0, for an infinite e too. */
FA_INLINE vec FN(pinball_loss)(vec x, vec t, vec quantile) {
    vec e = t - x, factor = v_select(v_lt(K(0), e), quantile, quantile - K(1)), loss = factor * e;
    return v_any(v_isnan(loss)) ? FN(rare_pinball)(loss, e, factor) : loss;
}
/* d1 = e > 0 ? -quantile : 1 - quantile. At the kink 0: 0. */
FA_INLINE vec FN(pinball_loss_d1)(vec x, vec t, vec quantile) {
    vec e = t - x;
    return v_select(v_lt(K(0), e), -quantile, v_select(v_lt(e, K(0)), K(1) - quantile, e));
}
/* d2 = 0. */
FA_INLINE vec FN(pinball_loss_d2)(vec x, vec t, vec quantile) {
    (void)quantile;
    return FN(constant_of)(t, x, K(0));
}

/* 1 + x as hi + lo. */
FA_INLINE vdd FN(one_plus_of)(vec x) { return FN(dd_add_vec)(FN(dd_of)(K(1), K(0)), x); }
/* l = log((1 + x)/(1 + t)) = +-log1p(|x - t|/(1 + min(x, t))), as hi + lo, for x and t above -1; NaN for one below, for
 * both -1 and for both infinite.
 * Written so, l keeps its digits where x is near t. lo is what 1 + x, 1 + t, x - t and the quotient lost, times the
 * derivative of log1p(r): 1/(1 + r), which is (1 + min)/(1 + max). */
FA_INLINE vdd FN(log_ratio)(vec x, vec t) {
    vdd d = FN(dd_add_vec)(FN(dd_of)(x, K(0)), -t);
    vdd a = FN(one_plus_of)(v_min(t, x)), b = FN(one_plus_of)(v_max(t, x));
    vec size = v_abs(d.hi), ratio = size / a.hi, size_low = v_copysign(K(1), d.hi) * d.lo;
    vec low = (v_fnma(ratio, a.hi, size) + v_fnma(ratio, a.lo, size_low)) / b.hi;
    mask exact = v_mask_or(v_eq(d.hi, K(0)), v_mask_not(v_lt(v_abs(low), ratio)));
    vec l = v_select(v_lt(a.hi, K(0)), K(NAN), v_log1p(ratio));
    return FN(dd_of)(v_copysign(l, d.hi), v_select(exact, K(0), v_copysign(K(1), d.hi) * low));
}
/* msle_loss = l^2. */
FA_INLINE vec FN(msle_loss)(vec x, vec t) {
    vec l = FN(dd_to_vec)(FN(log_ratio)(x, t));
    return l * l;
}
/* 0, the limit of derivatives at x = inf, and elsewhere what was found. NaN where l is. */
FA_INLINE vec FN(flat_at_infinity)(vec x, vec l, vec found) {
    return v_select(v_eq(x, K(INFINITY)), FN(constant_slope)(l, K(0)), found);
}
/* d1 = 2 l/(1 + x). The quotient's remainder is put back. */
FA_INLINE vec FN(msle_loss_d1)(vec x, vec t) {
    vdd l = FN(log_ratio)(x, t), base = FN(one_plus_of)(x);
    vec inverse = K(1) / base.hi, q = l.hi * inverse;
    vec low = (v_fnma(q, base.hi, l.hi) + v_fnma(q, base.lo, l.lo)) * inverse;
    return FN(flat_at_infinity)(x, l.hi, K(2) * (q + v_select(v_lt(v_abs(low), v_abs(q)), low, K(0))));
}
/* d2 = 2 (1 - l)/(1 + x)^2. */
FA_INLINE vec FN(msle_loss_d2)(vec x, vec t) {
    vec rate = K(1) / (K(1) + x), l = FN(dd_to_vec)(FN(log_ratio)(x, t));
    return FN(flat_at_infinity)(x, l, v_fnma(K(2), l, K(2)) * rate * rate);
}
#undef LOG_2

#endif
