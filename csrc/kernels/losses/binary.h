/* Elementwise losses of a score x and one of two classes. regression.h says what holds for all of them.
 *
 * hinge_loss, squared_hinge_loss, exponential_loss, soft_margin_loss, hinge_embedding_loss and margin_ranking_loss have
 * targets t = +-1, for which t x is exact. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_BINARY_LOSSES_H64) : !defined(FA_BINARY_LOSSES_H32)
#ifdef FA_T_IS_F64
#define FA_BINARY_LOSSES_H64
#else
#define FA_BINARY_LOSSES_H32
#endif

#include "../activations/sigmoids.h"
#include "../activations/smooth.h"
#include "../common.h"

/* Binary cross entropy of sigmoid(x) and a target y in [0, 1]; w weighs the positive examples.
 * With e = exp(-|x|), log_total = log1p(e) and s(x) = (x >= 0 ? 1 : e)/(1 + e) = sigmoid(x):
 *   value  (1 - y) (max(x, 0) + log_total) + w y (max(-x, 0) + log_total)
 *   d1     (1 - y) s(x) - w y s(-x)
 *   d2     ((1 - y) + w y) s(x) s(-x)
 * A term of weight 0 is 0, even if its logarithm is infinite.
 * Each term vanishes with y or 1 - y, so that neither x = -20 with a large w nor x = +-1e36 cancels. */
typedef struct {
    vec e, total; /* e = exp(-|x|), total = 1 + e */
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
/* d1, both terms over 1 + e. The numerator is taken with what e, 1 - y and w y lost: it may vanish where y lies between
 * 0 and 1. */
FA_INLINE vec FN(binary_cross_entropy_with_logits_d1)(vec x, vec y, vec w) {
    mask positive = v_le(K(0), x);
    vec rest, s = FN(exp_parts)(FN(minus_abs)(x), K(-0.0), &rest) * K(EXP_SCALE), other = K(1) - y, own = w * y;
    vec other_low = (K(1) - other) - y, own_low = v_keep(v_lt(v_abs(own), K(INFINITY)), v_fms(w, y, own));
    vec a = v_select(positive, other, own), a_low = v_select(positive, other_low, own_low);
    vec b = v_select(positive, own, other), b_low = v_select(positive, own_low, other_low);
    vec product = v_fma(b, s, K(0)), low = v_fma(product, rest, v_fma(b_low, s, v_fms(b, s, product)));
    low = v_keep(v_lt(v_abs(product), K(INFINITY)), low);
    vec lost = a_low - low, above = v_select(positive, a - product, product - a) + v_select(positive, lost, -lost);
    return above / v_fma(s, rest, K(1) + s);
}
FA_INLINE vec FN(binary_cross_entropy_with_logits_d2)(vec x, vec y, vec w) {
    FN(logit) l = FN(logit_of)(x);
    return v_fma(w, y, K(1) - y) * (l.e / (l.total * l.total));
}

/* hinge_loss = max(1 - t x, 0). */
FA_INLINE vec FN(hinge_loss)(vec x, vec t) { return v_max(K(0), v_fnma(t, x, K(1))); }
/* d1 = 1 - t x > 0 ? -t : 0. At the kink 0. */
FA_INLINE vec FN(hinge_loss_d1)(vec x, vec t) {
    vec m = v_fnma(t, x, K(1));
    return FN(constant_slope)(m, v_keep(v_lt(K(0), m), -t));
}
/* d2 = 0. */
FA_INLINE vec FN(hinge_loss_d2)(vec x, vec t) { return FN(constant_slope)(v_fnma(t, x, K(1)), K(0)); }

/* squared_hinge_loss = max(1 - t x, 0)^2. */
FA_INLINE vec FN(squared_hinge_loss)(vec x, vec t) {
    vec m = FN(hinge_loss)(x, t);
    return m * m;
}
/* d1 = -2 t max(1 - t x, 0). */
FA_INLINE vec FN(squared_hinge_loss_d1)(vec x, vec t) { return K(-2) * t * FN(hinge_loss)(x, t); }
/* d2 = 1 - t x > 0 ? 2 t^2 : 0. At the kink 0. */
FA_INLINE vec FN(squared_hinge_loss_d2)(vec x, vec t) {
    vec m = v_fnma(t, x, K(1));
    return FN(constant_slope)(m, v_keep(v_lt(K(0), m), K(2) * t * t));
}

/* exponential_loss = exp(-t x), d1 = -t exp(-t x), d2 = t^2 exp(-t x). */
FA_INLINE vec FN(exponential_loss)(vec x, vec t) { return v_exp(-(t * x)); }
FA_INLINE vec FN(exponential_loss_d1)(vec x, vec t) { return -t * v_exp(-(t * x)); }
FA_INLINE vec FN(exponential_loss_d2)(vec x, vec t) { return t * t * v_exp(-(t * x)); }

/* soft_margin_loss = log(1 + exp(-t x)) = -logsigmoid(t x), d1 = -t sigmoid(-t x), d2 = t^2 sigmoid'(t x). */
FA_INLINE vec FN(soft_margin_loss)(vec x, vec t) { return -FN(logsigmoid)(t * x); }
FA_INLINE vec FN(soft_margin_loss_d1)(vec x, vec t) { return -t * FN(logsigmoid_d1)(t * x); }
FA_INLINE vec FN(soft_margin_loss_d2)(vec x, vec t) { return t * t * FN(sigmoid_d1)(t * x); }

/* hinge_embedding_loss = t == 1 ? x : max(margin - x, 0) for t = -1. For any other t it is the sum of both, as in
 * PyTorch. */
FA_INLINE vec FN(hinge_embedding_loss)(vec x, vec t, vec margin) {
    vec both = v_select(v_eq(t, K(1)), K(0), v_max(K(0), margin - x)) + v_select(v_eq(t, K(-1)), K(0), x);
    return FN(constant_slope)(t, both);
}
/* d1 = 1 for t = 1; margin - x >= 0 ? -1 : 0 for t = -1. At the kink -1. */
FA_INLINE vec FN(hinge_embedding_loss_d1)(vec x, vec t, vec margin) {
    vec inside = v_select(v_eq(t, K(1)), K(0), v_keep(v_le(K(0), margin - x), K(-1)));
    vec slope = FN(constant_slope)(t, inside + v_select(v_eq(t, K(-1)), K(0), K(1)));
    return FN(constant_slope)(margin - x, slope);
}
/* d2 = 0. */
FA_INLINE vec FN(hinge_embedding_loss_d2)(vec x, vec t, vec margin) {
    return FN(constant_slope)(margin - x, FN(constant_slope)(t, K(0)));
}

/* margin - t (x - z), of two scores x and z. */
FA_INLINE vec FN(margin_ranking)(vec x, vec t, vec z, vec margin) { return v_fnma(t, x - z, margin); }
/* margin_ranking_loss = max(margin - t (x - z), 0). */
FA_INLINE vec FN(margin_ranking_loss)(vec x, vec t, vec z, vec margin) {
    return v_max(K(0), FN(margin_ranking)(x, t, z, margin));
}
/* slope where m >= 0, else 0. At the kink m = 0 it is slope, as in PyTorch. */
FA_INLINE vec FN(inside_margin)(vec m, vec slope) {
    return FN(constant_slope)(m, v_keep(v_le(K(0), m), slope));
}
/* By x: d1 = -t inside the margin and at the kink. */
FA_INLINE vec FN(margin_ranking_loss_d1)(vec x, vec t, vec z, vec margin) {
    return FN(inside_margin)(FN(margin_ranking)(x, t, z, margin), -t);
}
/* By x: d2 = 0. */
FA_INLINE vec FN(margin_ranking_loss_d2)(vec x, vec t, vec z, vec margin) {
    return FN(constant_of)(x, z, FN(constant_of)(t, margin, K(0)));
}
/* By z: d1_second = t inside the margin and at the kink, d2_second = 0. */
FA_INLINE vec FN(margin_ranking_loss_d1_second)(vec x, vec t, vec z, vec margin) {
    return FN(inside_margin)(FN(margin_ranking)(x, t, z, margin), t);
}
FA_INLINE vec FN(margin_ranking_loss_d2_second)(vec x, vec t, vec z, vec margin) {
    return FN(margin_ranking_loss_d2)(x, t, z, margin);
}

#endif
