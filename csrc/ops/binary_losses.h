/* Elementwise losses of a score x and one of two classes. As regression_losses.h has them.
 *
 * Of targets t = +-1, for which t x is exact: hinge_loss, squared_hinge_loss, exponential_loss,
 * soft_margin_loss, hinge_embedding_loss. */

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

/* max(1 - t x, 0); -t inside the margin, 0 at the kink; 0. */
FA_INLINE vec FN(hinge_loss)(vec x, vec t) { return v_max(K(0), v_fnma(t, x, K(1))); }
FA_INLINE vec FN(hinge_loss_d1)(vec x, vec t) {
    vec m = v_fnma(t, x, K(1));
    return FN(constant_slope)(m, v_keep(v_lt(K(0), m), -t));
}
FA_INLINE vec FN(hinge_loss_d2)(vec x, vec t) { return FN(constant_slope)(v_fnma(t, x, K(1)), K(0)); }

/* max(1 - t x, 0)^2; -2 t max(1 - t x, 0); 2 t^2 inside the margin, 0 at the kink. */
FA_INLINE vec FN(squared_hinge_loss)(vec x, vec t) {
    vec m = FN(hinge_loss)(x, t);
    return m * m;
}
FA_INLINE vec FN(squared_hinge_loss_d1)(vec x, vec t) { return K(-2) * t * FN(hinge_loss)(x, t); }
FA_INLINE vec FN(squared_hinge_loss_d2)(vec x, vec t) {
    vec m = v_fnma(t, x, K(1));
    return FN(constant_slope)(m, v_keep(v_lt(K(0), m), K(2) * t * t));
}

/* exp(-t x); -t exp(-t x); t^2 exp(-t x). */
FA_INLINE vec FN(exponential_loss)(vec x, vec t) { return v_exp(-(t * x)); }
FA_INLINE vec FN(exponential_loss_d1)(vec x, vec t) { return -t * v_exp(-(t * x)); }
FA_INLINE vec FN(exponential_loss_d2)(vec x, vec t) { return t * t * v_exp(-(t * x)); }

/* log(1 + exp(-t x)) = -logsigmoid(t x); -t sigmoid(-t x); t^2 sigmoid'(t x). */
FA_INLINE vec FN(soft_margin_loss)(vec x, vec t) { return -FN(logsigmoid)(t * x); }
FA_INLINE vec FN(soft_margin_loss_d1)(vec x, vec t) { return -t * FN(logsigmoid_d1)(t * x); }
FA_INLINE vec FN(soft_margin_loss_d2)(vec x, vec t) { return t * t * FN(sigmoid_d1)(t * x); }

/* x for t = 1, max(margin - x, 0) for t = -1, both for others, as PyTorch has it; their slopes, that of
 * max(margin - x, 0) -1 at the kink; 0. */
FA_INLINE vec FN(hinge_embedding_loss)(vec x, vec t, vec margin) {
    return v_select(v_eq(t, K(1)), K(0), v_max(K(0), margin - x)) + v_select(v_eq(t, K(-1)), K(0), x);
}
FA_INLINE vec FN(hinge_embedding_loss_d1)(vec x, vec t, vec margin) {
    vec inside = v_select(v_eq(t, K(1)), K(0), v_keep(v_le(K(0), margin - x), K(-1)));
    return FN(constant_slope)(margin - x, inside + v_select(v_eq(t, K(-1)), K(0), K(1)));
}
FA_INLINE vec FN(hinge_embedding_loss_d2)(vec x, vec t, vec margin) {
    (void)t;
    return FN(constant_slope)(margin - x, K(0));
}

/* Focal: a m^g L of the cross entropy L = binary_cross_entropy_with_logits(x, y), m = y q + (1-y) p with
 * p = sigmoid(x), q = 1 - p, and a = alpha y + (1-alpha) (1-y), or 1 for a negative alpha. With c = 1 - 2y,
 * L' = b = (1-y) p - y q, r = p q/m (p for y = 1, q for y = 0, where m may vanish):
 *   d1  a m^g (g c r L + b),   d2  a m^g (g c r (((g-1) c r + q - p) L + 2b) + p q)
 * A gradient's terms have one sign for y = 0 and 1. m^g is m^2 for g = 2, whose power costs no logarithm. */
typedef struct {
    vec p, q, loss, b, c, r, factor;
} FN(focal);
FA_INLINE vec FN(focal_power)(vec m, vec gamma) {
    mask square = v_eq(gamma, K(2));
    if (!v_any(v_mask_not(square))) return m * m;
    return v_select(square, m * m, v_power(m, gamma));
}
FA_INLINE FN(focal) FN(focal_of)(vec x, vec y, vec alpha, vec gamma) {
    FN(logit) l = FN(logit_of)(x);
    FN(focal) f;
    vec other = K(1) - y;
    f.p = v_select(l.positive, K(1), l.e) / l.total;
    f.q = v_select(l.positive, l.e, K(1)) / l.total;
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

/* Of two scores and t = +-1: max(margin - t (x - z), 0); by x -t, by z t inside the margin and, as PyTorch has
 * it, at the kink; 0. */
FA_INLINE vec FN(margin_ranking)(vec x, vec t, vec z, vec margin) { return v_fnma(t, x - z, margin); }
FA_INLINE vec FN(margin_ranking_loss)(vec x, vec t, vec z, vec margin) {
    return v_max(K(0), FN(margin_ranking)(x, t, z, margin));
}
FA_INLINE vec FN(inside_margin)(vec m, vec slope) {
    return FN(constant_slope)(m, v_keep(v_le(K(0), m), slope));
}
FA_INLINE vec FN(margin_ranking_loss_d1)(vec x, vec t, vec z, vec margin) {
    return FN(inside_margin)(FN(margin_ranking)(x, t, z, margin), -t);
}
FA_INLINE vec FN(margin_ranking_loss_d2)(vec x, vec t, vec z, vec margin) {
    return FN(inside_margin)(FN(margin_ranking)(x, t, z, margin), K(0));
}
FA_INLINE vec FN(margin_ranking_loss_e1)(vec x, vec t, vec z, vec margin) {
    return FN(inside_margin)(FN(margin_ranking)(x, t, z, margin), t);
}
FA_INLINE vec FN(margin_ranking_loss_e2)(vec x, vec t, vec z, vec margin) {
    return FN(margin_ranking_loss_d2)(x, t, z, margin);
}
