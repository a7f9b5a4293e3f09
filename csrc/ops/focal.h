/* Focal: a m^g L of the cross entropy L = (1-y) log(1 + exp(x)) + y log(1 + exp(-x)), m = y q + (1-y) p with
 * p = sigmoid(x), q = 1 - p, and a = alpha y + (1-alpha) (1-y), or 1 for a negative alpha. With c = 1 - 2y,
 * L' = b = (1-y) p - y q, r = p q/m (p for y = 1, q for y = 0, where m may vanish):
 *   d1  a m^g (g c r L + b),   d2  a m^g (g c r (((g-1) c r + q - p) L + 2b) + p q)
 * r is 0 where L is infinite. A gradient's terms have one sign for y = 0 and 1. m^g is m^2 for g = 2, whose power
 * costs no logarithm. The logistic is exact to the last bits, for it is a factor three times. */
typedef struct {
    vec p, q, loss, b, c, r, factor;
} FN(focal);
FA_INLINE vec FN(focal_power)(vec m, vec gamma) {
    mask square = v_eq(gamma, K(2));
    if (!v_any(v_mask_not(square))) return m * m;
    return v_select(square, m * m, v_power(m, gamma));
}
FA_INLINE vec FN(focal_ratio)(vec y, vec p, vec q, vec m) {
    mask all = v_eq(y, K(1)), none = v_eq(y, K(0));
    vec hard = v_select(all, p, q);
    if (!v_any(v_mask_not(v_mask_or(all, none)))) return hard;
    return v_select(v_mask_or(all, none), hard, p * (q / m));
}
FA_INLINE FN(focal) FN(focal_of)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f;
    mask positive = v_le(K(0), x);
    vec power, low, s = FN(exp_parts)(FN(minus_abs)(x), K(-0.0), &power), log_total;
    vec z = FN(logistic_exact)(s, power, &low), small = (z + low) * K(EXP_UNIT), large = K(1) - small, other = K(1) - y;
    log_total = v_log1p_unit(v_fma(s, power, s) * K(EXP_UNIT));
    f.p = v_select(positive, large, small);
    f.q = v_select(positive, small, large);
    f.loss = FN(plus_weighted)(FN(weighted)(other, v_max(K(0), x) + log_total), y, v_max(K(0), -x) + log_total);
    f.b = v_fms(other, f.p, y * f.q);
    f.c = other - y;
    vec m = v_fma(y, f.q, other * f.p);
    f.r = FN(focal_ratio)(y, f.p, f.q, m);
    vec balance = v_select(v_lt(alpha, K(0)), K(1), v_fma(alpha, y, (K(1) - alpha) * other));
    f.factor = balance * FN(focal_power)(m, gamma);
    return f;
}
FA_INLINE vec FN(focal_loss)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f = FN(focal_of)(x, y, alpha, gamma);
    return FN(weighted)(f.factor, f.loss);
}
FA_INLINE vec FN(focal_loss_d1)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f = FN(focal_of)(x, y, alpha, gamma);
    return FN(weighted)(f.factor, FN(plus_weighted)(f.b, gamma * f.c * f.r, f.loss));
}
FA_INLINE vec FN(focal_loss_d2)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f = FN(focal_of)(x, y, alpha, gamma);
    vec turn = v_fma(gamma - K(1), f.c * f.r, f.q - f.p);
    vec bend = v_fma(turn, f.loss, K(2) * f.b);
    return FN(weighted)(f.factor, FN(plus_weighted)(f.p * f.q, gamma * f.c * f.r, bend));
}
