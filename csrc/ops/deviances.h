/* Deviances of exponential families: of a mean m > 0, or of its logarithm, and a target y. As
 * regression_losses.h has them; errors are in ulp of the larger of the two terms that are subtracted. */

/* Gamma, with u = y/m: 2 ((u - 1) - log u); 2 (m - y)/m^2; 2 (2u - 1)/m^2. NaN for y < 0. */
FA_INLINE vec FN(gamma_target)(vec y) { return v_select(v_lt(y, K(0)), K(NAN), y); }
FA_INLINE vec FN(gamma_deviance)(vec x, vec y) {
    vec u_less_1 = (y - x) / x;
    return v_select(v_eq(u_less_1, K(INFINITY)), u_less_1, K(2) * (u_less_1 - FN(log_quotient)(y, x)));
}
FA_INLINE vec FN(gamma_deviance_d1)(vec x, vec y) { return K(2) * ((x - FN(gamma_target)(y)) / x) / x; }
FA_INLINE vec FN(gamma_deviance_d2)(vec x, vec y) { return K(4) * ((FN(gamma_target)(y) / x - K(0.5)) / x / x); }
/* By x = log m: 2 (1 - u); 2u, with u = y exp(-x/2)^2 in two steps of which neither overflows alone. */
FA_INLINE vec FN(gamma_deviance_log_input)(vec x, vec y) {
    vec log_ratio = v_log(y) - x, u_less_1 = v_expm1(log_ratio);
    return v_select(v_eq(u_less_1, K(INFINITY)), u_less_1, K(2) * (u_less_1 - log_ratio));
}
FA_INLINE vec FN(gamma_ratio)(vec x, vec y) {
    vec half = v_exp(K(-0.5) * x), u = FN(gamma_target)(y) * half * half;
    return v_select(v_eq(y, K(0)), FN(constant_slope)(x, K(0)), u);
}
FA_INLINE vec FN(gamma_deviance_log_input_d1)(vec x, vec y) { return K(2) * (K(1) - FN(gamma_ratio)(x, y)); }
FA_INLINE vec FN(gamma_deviance_log_input_d2)(vec x, vec y) { return K(2) * FN(gamma_ratio)(x, y); }

/* Tweedie of power p: tweedie.h has them all; (y - m)^2 for p = 0 by the mean. The default, p = 3/2, needs no
 * logarithm: 4 (sqrt y - sqrt m)^2/sqrt m; 2 (m - y)/m^{3/2}; (3y - m)/m^{5/2}; by x = log m 2 (sqrt m - y/sqrt m);
 * sqrt m + y/sqrt m. Others are computed where there are any; each element's result is its own. */
#define FA_UNLESS(usual, special, general)               \
    do {                                                 \
        mask is_usual = usual;                           \
        vec found = special;                             \
        if (!v_any(v_mask_not(is_usual))) return found;  \
        return v_select(is_usual, found, general);       \
    } while (0)
FA_INLINE mask FN(three_halves)(vec p) { return v_eq(p, K(1.5)); }
FA_INLINE vec FN(tweedie_three_halves)(vec y, vec root, vec difference) {
    return K(4) * v_select(v_eq(y, K(0)), root, (difference / root) * difference);
}
FA_INLINE vec FN(unless_0)(vec p, vec of_0, vec others) { return v_select(v_eq(p, K(0)), of_0, others); }
FA_INLINE vec FN(tweedie_deviance)(vec x, vec y, vec p) {
    vec d = y - x, root = v_sqrt(x), difference = d / (v_sqrt(y) + root);
    FA_UNLESS(FN(three_halves)(p), FN(tweedie_three_halves)(y, root, difference),
              FN(unless_0)(p, d * d, FN(general_tweedie_deviance)(x, y, p)));
}
FA_INLINE vec FN(tweedie_deviance_d1)(vec x, vec y, vec p) {
    vec d = K(2) * (x - y);
    FA_UNLESS(FN(three_halves)(p), K(2) * ((x - FN(gamma_target)(y)) / x / v_sqrt(x)),
              FN(unless_0)(p, d, FN(general_tweedie_deviance_d1)(x, y, p)));
}
FA_INLINE vec FN(tweedie_deviance_d2)(vec x, vec y, vec p) {
    FA_UNLESS(FN(three_halves)(p),
              K(4) * (v_fms(K(0.75), FN(gamma_target)(y), K(0.25) * x) / x / x / v_sqrt(x)),
              FN(unless_0)(p, FN(constant_slope)(x - y, K(2)), FN(general_tweedie_deviance_d2)(x, y, p)));
}
/* By logarithms as far as a root of the mean is a number that has all its digits. */
FA_INLINE mask FN(three_halves_near)(vec x, vec p) {
    return v_mask_and(FN(three_halves)(p), v_lt(v_abs(x), K(160)));
}
FA_INLINE vec FN(tweedie_deviance_log_input)(vec x, vec y, vec p) {
    vec root = v_exp(K(0.5) * x);
    FA_UNLESS(FN(three_halves_near)(x, p), FN(tweedie_three_halves)(y, root, v_sqrt(y) - root),
              FN(general_tweedie_deviance_log_input)(x, y, p));
}
FA_INLINE vec FN(tweedie_deviance_log_input_d1)(vec x, vec y, vec p) {
    vec root = v_exp(K(0.5) * x);
    FA_UNLESS(FN(three_halves_near)(x, p), K(2) * (root - FN(gamma_target)(y) / root),
              FN(general_tweedie_deviance_log_input_d1)(x, y, p));
}
FA_INLINE vec FN(tweedie_deviance_log_input_d2)(vec x, vec y, vec p) {
    vec root = v_exp(K(0.5) * x);
    FA_UNLESS(FN(three_halves_near)(x, p), root + FN(gamma_target)(y) / root,
              FN(general_tweedie_deviance_log_input_d2)(x, y, p));
}
#undef FA_UNLESS
