/* Losses of one input and one target at a time. value, d1 and d2 (by the
 * input) are written apart; the loops call what is wanted, and what two of
 * them share is computed once.
 */

/* (x - t)^2; 2 (x - t); 2. Rounding of x - t and of the square: 1.5 ulp. */
FA_INLINE vec FN(mse_loss)(vec x, vec t) {
    vec d = x - t;
    return d * d;
}
FA_INLINE vec FN(mse_loss_d1)(vec x, vec t) { return K(2) * (x - t); }
FA_INLINE vec FN(mse_loss_d2)(vec x, vec t) { return v_select(v_isnan(x - t), x - t, K(2)); }

/* Binary cross entropy of sigmoid(x) with a target y in [0, 1] and positive
 * examples weighted by w. With e = exp(-|x|), L = log1p(e) = softplus(-|x|):
 *   value  (1-y) (max(x,0) + L) + w y (max(-x,0) + L)
 *   d1     (1-y) s(x) - w y s(-x),  s(x) = (x >= 0 ? 1 : e) / (1 + e)
 *   d2     ((1-y) + w y) s(x) s(-x)
 * Both sides are sums of products that vanish with y or 1-y, so neither x = -20
 * with a large w nor x = +-1e36 cancels. A side of zero weight is 0 though its
 * logarithm be infinite.
 */
typedef struct {
    vec e, total; /* exp(-|x|), 1 + e */
    mask positive;
} FN(logit);

FA_INLINE FN(logit) FN(logit_of)(vec x) {
    FN(logit) l;
    l.e = v_exp_nonpos(-v_abs(x));
    l.total = K(1) + l.e;
    l.positive = v_le(K(0), x);
    return l;
}
FA_INLINE vec FN(binary_cross_entropy_with_logits)(vec x, vec y, vec w) {
    vec log_total = v_log1p_unit(v_exp_nonpos(-v_abs(x)));
    vec negative = FN(weighted)(K(1) - y, v_max(K(0), x) + log_total);
    vec positive = FN(weighted)(w * y, v_max(K(0), -x) + log_total);
    return negative + positive;
}
FA_INLINE vec FN(binary_cross_entropy_with_logits_d1)(vec x, vec y, vec w) {
    FN(logit) l = FN(logit_of)(x);
    vec up = v_select(l.positive, K(1), l.e), down = v_select(l.positive, l.e, K(1));
    return v_fms(K(1) - y, up, w * y * down) / l.total;
}
FA_INLINE vec FN(binary_cross_entropy_with_logits_d2)(vec x, vec y, vec w) {
    FN(logit) l = FN(logit_of)(x);
    return v_fma(w, y, K(1) - y) * (l.e / (l.total * l.total));
}
