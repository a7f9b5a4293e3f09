/* Deviances of exponential families: of a mean m > 0, or of its logarithm, and a target y. As
 * regression_losses.h has them; errors are in ulp of the larger of the two terms that are subtracted. */

/* exp(k x): with what the product lost. */
FA_INLINE vec FN(exp_of_product)(vec k, vec x) {
    vec u = k * x, e = v_exp(u);
    return v_select(v_lt(v_abs(u), K(80)), v_fma(e, v_fms(k, x, u), e), e);
}

/* log(a/b) of a - b and the lesser of a and b, which keeps its digits where a is near b; NaN if that is
 * negative. */
FA_INLINE vec FN(log_quotient)(vec difference, vec least) {
    vec ratio = v_select(v_eq(difference, K(0)), K(0), v_abs(difference) / least);
    return v_select(v_lt(least, K(0)), K(NAN), v_copysign(v_log1p(ratio), difference));
}

/* Gamma, with u = y/m: 2 ((u - 1) - log u); 2 (m - y)/m^2; 2 (2u - 1)/m^2. */
FA_INLINE vec FN(gamma_deviance)(vec x, vec y) {
    vec excess = y - x;
    return K(2) * (excess / x - FN(log_quotient)(excess, v_min(y, x)));
}
FA_INLINE vec FN(gamma_deviance_d1)(vec x, vec y) { return K(2) * ((x - y) / x) / x; }
FA_INLINE vec FN(gamma_deviance_d2)(vec x, vec y) { return v_fms(K(4), y / x, K(2)) / x / x; }
/* By x = log m: 2 (1 - u); 2u, with u = y exp(-x/2)^2 in two steps of which neither overflows alone. */
FA_INLINE vec FN(gamma_deviance_log_input)(vec x, vec y) {
    vec log_ratio = v_log(y) - x;
    return K(2) * (v_expm1(log_ratio) - log_ratio);
}
FA_INLINE vec FN(gamma_deviance_log_input_d1)(vec x, vec y) {
    vec half = v_exp(K(-0.5) * x);
    return K(2) * v_fnma(y * half, half, K(1));
}
FA_INLINE vec FN(gamma_deviance_log_input_d2)(vec x, vec y) {
    vec half = v_exp(K(-0.5) * x);
    return K(2) * y * half * half;
}

/* Tweedie of power p, with f_k = (y^k - m^k)/k = m^k expm1(k l)/k, l = log(y/m), which is l for k = 0:
 * 2 (y f_{1-p} - f_{2-p}), whatever p; (y - m)^2 for p = 0. y = 0, and for p < 0 y < 0, leave
 * 2 (m^{2-p}/(2-p) - y m^{1-p}/(1-p)). NaN for other y < 0. `power` is m^{1-p}. */
FA_INLINE vec FN(box_cox)(vec power, vec k, vec l) {
    return v_select(v_eq(k, K(0)), l, power * (v_expm1(k * l) / k));
}
FA_INLINE vec FN(tweedie)(vec mean, vec y, vec p, vec l, vec power) {
    vec a = K(1) - p, b = K(2) - p, d = y - mean, next = power * mean;
    vec usual = v_fms(y, FN(box_cox)(power, a, l), FN(box_cox)(next, b, l));
    vec without = v_select(v_lt(p, K(2)), FN(less_weighted)(next / b, y, power / a), K(INFINITY));
    without = v_select(v_mask_and(v_lt(y, K(0)), v_lt(K(0), p)), K(NAN), without);
    vec half = v_select(v_le(y, K(0)), without, usual);
    return v_select(v_eq(p, K(0)), d * d, K(2) * half);
}
/* The default, p = 3/2, needs no logarithm: 4 (sqrt y - sqrt m)^2/sqrt m; 2 (m - y)/m^{3/2}; (3y - m)/m^{5/2}. Others
 * are computed where there are any; each element's result is its own. */
#define FA_UNLESS_THREE_HALVES(special, general)                \
    do {                                                        \
        mask three_halves = v_eq(p, K(1.5));                    \
        vec found = special;                                    \
        if (!v_any(v_mask_not(three_halves))) return found;     \
        return v_select(three_halves, found, general);          \
    } while (0)
FA_INLINE vec FN(tweedie_three_halves)(vec y, vec root, vec difference) {
    return K(4) * v_select(v_eq(y, K(0)), root, (difference / root) * difference);
}
FA_INLINE vec FN(tweedie_deviance)(vec x, vec y, vec p) {
    vec root = v_sqrt(x), difference = (y - x) / (v_sqrt(y) + root);
    FA_UNLESS_THREE_HALVES(
        FN(tweedie_three_halves)(y, root, difference),
        FN(tweedie)(x, y, p, FN(log_quotient)(y - x, v_min(y, x)), v_power(x, K(1) - p)));
}
/* 2 (m - y)/m^p; 2 ((1-p) m + p y)/m^{p+1}. */
FA_INLINE vec FN(tweedie_deviance_d1)(vec x, vec y, vec p) {
    vec d = K(2) * (x - y);
    FA_UNLESS_THREE_HALVES(d / x / v_sqrt(x), v_select(v_eq(p, K(0)), d, d / x * v_power(x, K(1) - p)));
}
FA_INLINE vec FN(tweedie_deviance_d2)(vec x, vec y, vec p) {
    vec rise = K(2) * v_fma(K(1) - p, x, p * y) / x / x;
    FA_UNLESS_THREE_HALVES(rise / v_sqrt(x), v_select(v_eq(p, K(0)), FN(constant_slope)(x - y, K(2)),
                                                      rise * v_power(x, K(1) - p)));
}
/* By x = log m: 2 (m^{2-p} - y m^{1-p}); 2 ((2-p) m^{2-p} - (1-p) y m^{1-p}). */
FA_INLINE vec FN(tweedie_deviance_log_input)(vec x, vec y, vec p) {
    vec root = v_exp(K(0.5) * x);
    FA_UNLESS_THREE_HALVES(FN(tweedie_three_halves)(y, root, v_sqrt(y) - root),
                           FN(tweedie)(v_exp(x), y, p, v_log(y) - x, FN(exp_of_product)(K(1) - p, x)));
}
FA_INLINE vec FN(tweedie_deviance_log_input_d1)(vec x, vec y, vec p) {
    vec root = v_exp(K(0.5) * x), a = K(1) - p, b = K(2) - p;
    FA_UNLESS_THREE_HALVES(K(2) * FN(less_weighted)(root, y, K(1) / root),
                           K(2) * FN(less_weighted)(FN(exp_of_product)(b, x), y, FN(exp_of_product)(a, x)));
}
FA_INLINE vec FN(tweedie_deviance_log_input_d2)(vec x, vec y, vec p) {
    vec root = v_exp(K(0.5) * x), a = K(1) - p, b = K(2) - p;
    FA_UNLESS_THREE_HALVES(FN(plus_weighted)(root, y, K(1) / root),
                           K(2) * FN(less_weighted)(b * FN(exp_of_product)(b, x), a * y, FN(exp_of_product)(a, x)));
}
#undef FA_UNLESS_THREE_HALVES
