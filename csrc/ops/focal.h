/* Focal: a m^g L of the cross entropy L = binary_cross_entropy_with_logits(x, y), m = y q + (1-y) p with
 * p = sigmoid(x), q = 1 - p, and a = alpha y + (1-alpha) (1-y), or 1 for a negative alpha. With c = 1 - 2y,
 * L' = b = (1-y) p - y q, r = p q/m (p for y = 1, q for y = 0, where m may vanish):
 *   d1  a m^g (g c r L + b),   d2  a m^g (g c r (((g-1) c r + q - p) L + 2b) + p q)
 * A gradient's terms have one sign for y = 0 and 1. m^g is m^2 for g = 2, whose power costs no logarithm.
 * So many roundings add up to 8 ulp: float32 is computed in float64. */
#if FA_WIDENS
#define FA_WIDENED(name)                                                                         \
    FA_INLINE vec FN(name)(vec x, vec y, vec alpha, vec gamma) {                                 \
        f64w w = f32_widen(x), t = f32_widen(y), a = f32_widen(alpha), g = f32_widen(gamma);     \
        for (int i = 0; i < FA_WIDE; i++) w.part[i] = f64_##name(w.part[i], t.part[i], a.part[i], g.part[i]); \
        return f32_narrow(w);                                                                    \
    }
FA_WIDENED(focal_loss)
FA_WIDENED(focal_loss_d1)
FA_WIDENED(focal_loss_d2)
#undef FA_WIDENED
#else
typedef struct {
    vec p, q, loss, b, c, r, factor;
} FN(focal);
FA_INLINE vec FN(focal_power)(vec m, vec gamma) {
    mask square = v_eq(gamma, K(2));
    if (!v_any(v_mask_not(square))) return m * m;
    return v_select(square, m * m, v_power(m, gamma));
}
FA_INLINE FN(focal) FN(focal_of)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f;
    mask positive = v_le(K(0), x);
    vec power, low, scale = FN(exp_parts)(FN(minus_abs)(x), K(-0.0), &power);
    vec q = FN(logistic_exact)(scale, power, &low), small = (q + low) * K(EXP_UNIT), large = K(1) - small;
    vec other = K(1) - y;
    f.p = v_select(positive, large, small);
    f.q = v_select(positive, small, large);
    f.loss = FN(binary_cross_entropy_with_logits)(x, y, K(1));
    f.b = v_fms(other, f.p, y * f.q);
    f.c = other - y;
    vec m = v_fma(y, f.q, other * f.p);
    f.r = v_select(v_eq(y, K(1)), f.p, v_select(v_eq(y, K(0)), f.q, f.p * (f.q / m)));
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
    return FN(weighted)(f.factor, v_fma(gamma * f.c * f.r, f.loss, f.b));
}
FA_INLINE vec FN(focal_loss_d2)(vec x, vec y, vec alpha, vec gamma) {
    FN(focal) f = FN(focal_of)(x, y, alpha, gamma);
    vec turn = v_fma(gamma - K(1), f.c * f.r, f.q - f.p);
    return FN(weighted)(f.factor, v_fma(gamma * f.c * f.r, v_fma(turn, f.loss, K(2) * f.b), f.p * f.q));
}
#endif
