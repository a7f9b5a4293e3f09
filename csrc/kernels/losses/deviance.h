/* Deviances of exponential families: of a target y and a mean m > 0, which is given as it is (x = m) or by its
 * logarithm (x = log m). regression.h says what holds for all losses. Errors of values and curvatures are in ulp of the
 * larger of the two terms that are subtracted. Gradients keep their digits next to their root: what an exponential lost
 * is put back. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_DEVIANCE_H64) : !defined(FA_DEVIANCE_H32)
#ifdef FA_T_IS_F64
#define FA_DEVIANCE_H64
#else
#define FA_DEVIANCE_H32
#endif

#include "../common.h"
#include "tweedie.h"

/* A mean: x, but NaN below 0 and 0 for -0. */
FA_INLINE vec FN(mean)(vec x) { return FN(at_least_0)(x + K(0)); }
/* (m - y)/m, its limit 1 for y = 0. An infinite m counts as the largest number: inf/inf is NaN. */
FA_INLINE vec FN(excess)(vec m, vec y) {
    vec bounded = v_min(K(LARGEST), m);
    return v_select(v_eq(y, K(0)), FN(constant_slope)(m, K(1)), (bounded - y) / bounded);
}
/* Is the mean positive, normal and finite and the target at least 0, as in all but few elements? The others are computed
 * apart. */
FA_INLINE mask FN(usual_mean)(vec m, vec y) {
    return v_mask_and(v_le(K(0), y), v_mask_and(v_lt(K(0x1p-120), m), v_lt(m, K(INFINITY))));
}
/* The bodies of gamma_deviance at every mean and target. */
FA_COLD vec FN(rare_gamma_of_mean)(int order, vec x, vec y) {
    vec m = FN(mean)(x), bounded = v_min(K(LARGEST), m), target = FN(at_least_0)(y), u_less_1 = (y - bounded) / bounded;
    mask none = v_eq(y, K(0));
    if (order == 1) return K(2) * FN(excess)(m, target) / m;
    if (order == 2) return K(4) * ((v_select(none, FN(constant_slope)(m, K(0)), target / m) - K(0.5)) / m / m);
    vec deviance = K(2) * (u_less_1 - FN(log_quotient)(y, m));
    deviance = v_select(v_eq(u_less_1, K(INFINITY)), u_less_1, deviance);
    return v_select(none, FN(constant_slope)(m, K(INFINITY)), deviance);
}
FA_INLINE vec FN(gamma_of_mean)(int order, vec found, vec x, vec y) {
    mask rare = v_mask_not(FN(usual_mean)(x, y));
    return v_any(rare) ? v_select(rare, FN(rare_gamma_of_mean)(order, x, y), found) : found;
}
/* gamma_deviance = 2 ((u - 1) - log u), u = y/m. NaN for m < 0 and y < 0. Where u overflows inf, and for y = 0, whatever
 * m; for an infinite m too. */
FA_INLINE vec FN(gamma_deviance)(vec x, vec y) {
    vec u_less_1 = (y - x) / x, deviance = K(2) * (u_less_1 - FN(log_quotient)(y, x));
    return FN(gamma_of_mean)(0, v_select(v_eq(u_less_1, K(INFINITY)), u_less_1, deviance), x, y);
}
/* d1 = 2 (m - y)/m^2. NaN for m < 0 and y < 0. */
FA_INLINE vec FN(gamma_deviance_d1)(vec x, vec y) { return FN(gamma_of_mean)(1, K(2) * ((x - y) / x) / x, x, y); }
/* d2 = 2 (2 u - 1)/m^2. NaN for m < 0 and y < 0. */
FA_INLINE vec FN(gamma_deviance_d2)(vec x, vec y) {
    return FN(gamma_of_mean)(2, K(4) * ((y / x - K(0.5)) / x / x), x, y);
}
/* u = y exp(-x), for x = log m. It is y exp(-x/2) exp(-x/2) in two steps, so that no exponential overflows or vanishes
 * where u does not. */
typedef struct {
    vec u, lost; /* y exp(-x) = u + lost; lost is 0 unless u is near 1 */
} FN(gamma_ratio);
/* u for a y that is 0, infinite or negative, and for x below EXP_IN_RANGE, where exp(-x/2) would overflow: there
 * exp(-x) is a product of three, whose last factor is for what x lies below that bound. */
FA_NOINLINE vec FN(rare_gamma_ratio)(vec x, vec y) {
    vec bounded = v_max(K(EXP_IN_RANGE), x), half = v_exp(K(-0.5) * bounded);
    vec u = v_select(v_lt(x, bounded), y * half * half * v_exp(bounded - x), y * half * half);
    u = v_select(v_eq(y, K(INFINITY)), y - x, v_select(v_eq(y, K(0)), FN(constant_slope)(x, K(0)), u));
    return v_select(v_lt(y, K(0)), K(NAN), u);
}
FA_INLINE FN(gamma_ratio) FN(gamma_ratio_of)(vec x, vec y) {
    vec low, half = v_exp_hi_lo(K(-0.5) * x, &low), part = v_fma(y, half, K(0));
    FN(gamma_ratio) r = {part * half, K(0)};
    r.lost = v_fma(v_fms(y, half, part), half, v_fma(part + part, low, v_fms(part, half, r.u)));
    r.lost = v_keep(v_lt(v_abs(r.u - K(1)), K(4)), r.lost);
    mask usual = v_mask_and(v_le(K(EXP_IN_RANGE), x), v_mask_and(v_lt(K(0), y), v_lt(y, K(INFINITY))));
    if (v_any(v_mask_not(usual))) r.u = v_select(usual, r.u, FN(rare_gamma_ratio)(x, y));
    return r;
}
/* The deviance where u is infinite, or so small that it has lost digits: log u = log y - x. */
FA_NOINLINE vec FN(rare_gamma_deviance)(vec x, vec y, vec u) {
    vec log_y = v_log(y), log_u = v_select(v_eq(y, K(0)), log_y, log_y - x); /* -inf for y = 0, at x = -inf too */
    return v_select(v_eq(u, K(INFINITY)), u, K(2) * ((u - K(1)) - log_u));
}
/* gamma_deviance_log_input = 2 ((u - 1) - log u). NaN for y < 0.
 * log u is taken of u itself where u has all its digits: log y - x would pass on the rounding of log y. */
FA_INLINE vec FN(gamma_deviance_log_input)(vec x, vec y) {
    vec u = FN(gamma_ratio_of)(x, y).u, deviance = K(2) * ((u - K(1)) - v_log(u));
    mask usual = v_mask_and(v_le(K(MIN_RATIO), u), v_lt(u, K(INFINITY)));
    if (!v_any(v_mask_not(usual))) return deviance;
    return v_select(usual, deviance, FN(rare_gamma_deviance)(x, y, u));
}
/* d1 = 2 (1 - u). NaN for y < 0. */
FA_INLINE vec FN(gamma_deviance_log_input_d1)(vec x, vec y) {
    FN(gamma_ratio) r = FN(gamma_ratio_of)(x, y);
    return K(2) * ((K(1) - r.u) - r.lost);
}
/* d2 = 2 u. NaN for y < 0. */
FA_INLINE vec FN(gamma_deviance_log_input_d2)(vec x, vec y) { return K(2) * FN(gamma_ratio_of)(x, y).u; }

/* Tweedie deviance of power p. tweedie.h has the formulas of any p. Two powers have their own: p = 3/2, the default,
 * needs no logarithm, and p = 0 by the mean is (y - m)^2.
 *
 * FA_UNLESS returns `special` where the mask `usual` is set. The general formula is computed only if a vector has
 * elements that need it; an element's result never depends on the others. */
#define FA_UNLESS(usual, special, general)               \
    do {                                                 \
        mask is_usual = usual;                           \
        vec found = special;                             \
        if (!v_any(v_mask_not(is_usual))) return found;  \
        return v_select(is_usual, found, general);       \
    } while (0)
FA_INLINE mask FN(three_halves)(vec p) { return v_eq(p, K(1.5)); }
/* 4 (sqrt y - sqrt m)^2/sqrt m, from root_y = sqrt y, root = sqrt m and difference = sqrt y - sqrt m. At y = 0: 4 sqrt m.
 * At m = inf: inf. */
FA_INLINE vec FN(tweedie_three_halves)(vec root_y, vec root, vec difference) {
    mask ends = v_mask_or(v_eq(root_y, K(0)), v_eq(root, K(INFINITY)));
    return K(4) * v_select(ends, root + root_y, (difference / root) * difference);
}
FA_INLINE vec FN(unless_0)(vec p, vec of_0, vec others) { return v_select(v_eq(p, K(0)), of_0, others); }
/* Its form for p = 3/2, and its derivatives, at every mean and target. */
FA_COLD vec FN(rare_three_halves)(int order, vec x, vec y) {
    vec m = FN(mean)(x), root_y = v_sqrt(y), root = v_sqrt(m), difference = (y - x) / (root_y + root);
    vec bounded = v_min(K(LARGEST), m), target = FN(at_least_0)(y);
    vec part = v_fms(K(0.75), target, K(0.25) * bounded) / bounded;
    if (order == 0) return FN(tweedie_three_halves)(root_y, root, difference);
    if (order == 1) return K(2) * (FN(excess)(m, target) / root);
    return K(4) * (v_select(v_eq(y, K(0)), K(-0.25), part) / m / root);
}
FA_INLINE vec FN(three_halves_of_mean)(int order, vec found, vec x, vec y) {
    mask rare = v_mask_not(FN(usual_mean)(x, y));
    return v_any(rare) ? v_select(rare, FN(rare_three_halves)(order, x, y), found) : found;
}
/* tweedie_deviance; 4 (sqrt y - sqrt m)^2/sqrt m for p = 3/2, (y - m)^2 for p = 0. */
FA_INLINE vec FN(tweedie_deviance)(vec x, vec y, vec p) {
    vec d = y - x, root = v_sqrt(x), difference = d / (v_sqrt(y) + root);
    vec part = v_select(v_eq(y, K(0)), root, (difference / root) * difference);
    FA_UNLESS(FN(three_halves)(p), FN(three_halves_of_mean)(0, K(4) * part, x, y),
              FN(unless_0)(p, d * d, FN(general_tweedie_deviance)(x, y, p)));
}
/* d1; 2 (m - y)/m^{3/2} for p = 3/2, 2 (m - y) for p = 0. */
FA_INLINE vec FN(tweedie_deviance_d1)(vec x, vec y, vec p) {
    vec d = K(2) * (x - y);
    FA_UNLESS(FN(three_halves)(p), FN(three_halves_of_mean)(1, K(2) * ((x - y) / x / v_sqrt(x)), x, y),
              FN(unless_0)(p, d, FN(general_tweedie_deviance_d1)(x, y, p)));
}
/* d2; (3 y - m)/m^{5/2} for p = 3/2, 2 for p = 0. */
FA_INLINE vec FN(tweedie_deviance_d2)(vec x, vec y, vec p) {
    vec part = v_fms(K(0.75), y, K(0.25) * x) / x;
    FA_UNLESS(FN(three_halves)(p), FN(three_halves_of_mean)(2, K(4) * (part / x / v_sqrt(x)), x, y),
              FN(unless_0)(p, FN(constant_of)(x, y, K(2)), FN(general_tweedie_deviance_d2)(x, y, p)));
}
/* Of x, the logarithm of the mean m: does p = 3/2 take its own form? As long as sqrt m = exp(x/2) is a normal number. */
FA_INLINE mask FN(three_halves_near)(vec x, vec p) {
    return v_mask_and(FN(three_halves)(p), v_lt(v_abs(x), K(160)));
}
/* tweedie_deviance_log_input; 4 (sqrt y - sqrt m)^2/sqrt m for p = 3/2. */
FA_INLINE vec FN(tweedie_deviance_log_input)(vec x, vec y, vec p) {
    vec low, root = v_exp_hi_lo(K(0.5) * x, &low), root_y = v_sqrt(y);
    FA_UNLESS(FN(three_halves_near)(x, p), FN(tweedie_three_halves)(root_y, root, root_y - root),
              FN(general_tweedie_deviance_log_input)(x, y, p));
}
/* Where so little is left of a difference from a large exponential e that e as hi + lo does not give all its digits. */
FA_INLINE mask FN(next_to_root)(vec difference, vec e) {
    return v_mask_and(v_lt(v_abs(difference), K(HI_LO_SUFFICES) * e), v_lt(K(64), e));
}
/* d1; 2 (sqrt m - y/sqrt m) for p = 3/2. Near its root it counts what sqrt m and the quotient lost. */
FA_INLINE vec FN(tweedie_deviance_log_input_d1)(vec x, vec y, vec p) {
    vec low, root = v_exp_hi_lo(K(0.5) * x, &low), target = FN(at_least_0)(y), quotient = target / root;
    vec slope = root - quotient, lost = low - v_fnma(quotient, low, v_fnma(quotient, root, target)) / root;
    mask near = v_lt(v_abs(slope), K(4) * root), closer = FN(next_to_root)(slope, root);
    mask usual = FN(three_halves_near)(x, p);
    slope = v_select(near, slope + lost, slope);
    if (v_any(closer)) slope = v_select(closer, v_exp_sub(x, target) / root, slope);
    FA_UNLESS(usual, K(2) * slope, FN(general_tweedie_deviance_log_input_d1)(x, y, p));
}
/* d2; sqrt m + y/sqrt m for p = 3/2. */
FA_INLINE vec FN(tweedie_deviance_log_input_d2)(vec x, vec y, vec p) {
    vec low, root = v_exp_hi_lo(K(0.5) * x, &low);
    FA_UNLESS(FN(three_halves_near)(x, p), root + FN(at_least_0)(y) / root,
              FN(general_tweedie_deviance_log_input_d2)(x, y, p));
}
#undef FA_UNLESS

#endif
