/* Cross entropy of softmax(x), fused: loss, gradient and Hessian diagonal.
 *
 * With target shares q_j (labels: (1-s)[j = t] + s/n; probabilities:
 * (1-s) y_j + s/n; s the smoothing), class weights w_j and S = sum q_j w_j:
 *   loss = S log_total - sum q_j w_j d_j,   d_j = x_j - max
 *   grad = scale (S p_j - q_j w_j) = scale ((S - q_j w_j) p_j - q_j w_j (1 - p_j))
 *   hess = scale S p_j (1 - p_j)
 * 1 - p_j is (others + (1 - e_j)) / (1 + others), which keeps its relative
 * precision for a confident row's winner: -s/(1+s), never p - 1.
 * A term of zero weight is 0, also where its logarithm is -inf.
 * A row of scale 0 is ignored: loss and gradients are exactly 0, whatever it holds.
 */

typedef struct {
    walk w;
    const fa_rows_args *a;
    const fa_cross_entropy_options *o;
    vec max, scale, share; /* share: s/n, the part of every class */
    mask live;             /* rows that count */
    row_facts f;
    pair factor, slope; /* 1 / (1 + others), and that times scale S */
    vec S, everywhere;  /* everywhere: scale * share */
    sum *terms, *shares; /* slots: arrays stay apart, so that the rest can live in registers */
} FN(ce);
#define ce FN(ce)

FA_INLINE vec FN(class_weight)(const ce *c, size_t i, int full) {
    const real *weight = c->o->class_weight;
    if (!weight) return K(1);
    if (i >= c->w.vectors) return K(0);
    return c->w.direction == FA_ALONG ? FN(take)(c->w, full, weight, 0, i, K(0)) : v_splat(weight[i]);
}
FA_INLINE vec FN(below_max)(const ce *c, size_t i, int full) {
    return FN(take_any)(c->w, full, c->a->in[0], c->a->in_pitch[0], i, c->max) - c->max;
}
FA_INLINE vec FN(one_minus_p)(const ce *c, vec e) { return FN(times)(c->factor, c->f.others.hi + (K(1) - e)); }

/* max, then everything that depends on the exponentials, which the gradient's place keeps. */
FA_INLINE void FN(ce_facts)(ce *c) {
    const fa_rows_args *a = c->a;
    int store = c->o->want_grad || c->o->want_hess;
    c->f = FN(facts_of)(c->w, c->max, a->in[0], a->in_pitch[0], store ? a->out[0] : NULL, a->out_pitch[0]);
    c->factor = FN(reciprocal)(FN(one_plus)(c->f.others));
}

/* ---- labels ------------------------------------------------------------------------ */

/* One real of each row: the one at its label. */
FA_INLINE vec FN(at_labels)(const ce *c, const void *row, ptrdiff_t pitch) {
    const real *p = row;
    if (c->w.direction == FA_ALONG) return v_splat(p[c->a->labels[0]]);
    real lanes[LANES];
    for (size_t k = 0; k < LANES; k++) lanes[k] = p[(ptrdiff_t)c->a->labels[k] * pitch + (ptrdiff_t)k];
    return v_load(lanes);
}
FA_INLINE void FN(put_at_labels)(const ce *c, void *row, ptrdiff_t pitch, vec v) {
    real *p = row, lanes[LANES];
    v_store(lanes, v);
    if (c->w.direction == FA_ALONG) p[c->a->labels[0]] = lanes[0];
    else
        for (size_t k = 0; k < LANES; k++) p[(ptrdiff_t)c->a->labels[k] * pitch + (ptrdiff_t)k] = lanes[k];
}
FA_INLINE vec FN(weight_at_labels)(const ce *c) {
    const real *weight = c->o->class_weight;
    if (!weight) return K(1);
    if (c->w.direction == FA_ALONG) return v_splat(weight[c->a->labels[0]]);
    real lanes[LANES];
    for (size_t k = 0; k < LANES; k++) lanes[k] = weight[c->a->labels[k]];
    return v_load(lanes);
}

FA_INLINE void FN(weighted_d_body)(void *context, size_t slot, size_t i, size_t j, int full) {
    ce *c = context;
    vec first = FN(weighted)(FN(class_weight)(c, i, full), FN(below_max)(c, i, full));
    vec second = FN(weighted)(FN(class_weight)(c, j, full), FN(below_max)(c, j, full));
    c->terms[slot] = FN(sum_add)(FN(sum_add)(c->terms[slot], first), second);
}
/* sum of w_j d_j over all classes */
FA_INLINE vec FN(weighted_d)(ce *c) {
    sum terms[MOST_SLOTS];
    c->terms = terms;
    FN(clear)(c->w, terms);
    FN(each_pair)(c->w, FN(weighted_d_body), c);
    return FN(total)(c->w, terms).hi;
}

/* Over e: scale (S p_j - share w_j) for every class, the label not yet apart. */
FA_INLINE void FN(label_grad_body)(void *context, size_t i, int full) {
    const ce *c = context;
    const fa_rows_args *a = c->a;
    vec e = FN(take)(c->w, full, a->out[0], a->out_pitch[0], i, K(0));
    vec grad = FN(times)(c->slope, e);
    if (c->o->want_hess) {
        vec hess = v_keep(c->live, grad * FN(one_minus_p)(c, e));
        FN(put)(c->w, full, a->out[1], a->out_pitch[1], i, hess);
    }
    if (c->o->smoothing > 0) {
        vec weight = FN(class_weight)(c, i, full);
        grad = v_select(v_eq(weight, K(0)), grad, v_fnma(weight, c->everywhere, grad));
    }
    FN(put)(c->w, full, a->out[0], a->out_pitch[0], i, v_keep(c->live, grad));
}

FA_INLINE void FN(ce_labels)(ce *c) {
    const fa_rows_args *a = c->a;
    const vec keep = K(1.0 - c->o->smoothing), weight_sum = K(c->o->weight_sum);
    vec x_t = FN(at_labels)(c, a->in[0], a->in_pitch[0]); /* before a gradient may overwrite it */
    vec w_t = FN(weight_at_labels)(c);
    int smooth = c->o->smoothing > 0;
    vec all_d = smooth && c->o->want_loss ? FN(weighted_d)(c) : K(0);
    FN(ce_facts)(c);
    c->S = smooth ? v_fma(c->share, weight_sum, keep * w_t) : w_t;

    if (c->o->want_loss) {
        vec loss = FN(weighted)(keep * w_t, c->f.log_total - (x_t - c->max));
        if (smooth) loss = v_fma(c->share, v_fms(weight_sum, c->f.log_total, all_d), loss);
        FN(put_row)(c->w, a->row_out, v_keep(c->live, loss));
    }
    if (!c->o->want_grad) return;
    vec e_t = FN(at_labels)(c, a->out[0], a->out_pitch[0]);
    vec q_t = smooth ? v_fma(c->share, w_t, keep * w_t) : w_t, grad_t = q_t * FN(one_minus_p)(c, e_t);
    if (smooth) grad_t = v_fnma(c->share * (weight_sum - w_t), FN(times)(c->factor, e_t), grad_t);
    grad_t = -(c->scale * grad_t); /* S - q_t is share (weight_sum - w_t) */
    c->slope = FN(scaled)(c->factor, c->scale * c->S);
    FN(each)(c->w, FN(label_grad_body), c);
    FN(put_at_labels)(c, a->out[0], a->out_pitch[0], v_keep(c->live, grad_t));
}

/* ---- probabilities ------------------------------------------------------------------- */

/* q_j w_j; 0 beyond the row's end */
FA_INLINE vec FN(soft_share)(const ce *c, size_t i, int full) {
    if (i >= c->w.vectors) return K(0);
    vec y = FN(take)(c->w, full, c->a->in[1], c->a->in_pitch[1], i, K(0));
    vec q = v_fma(K(1.0 - c->o->smoothing), y, c->share) * FN(class_weight)(c, i, full);
    return full || c->w.direction == FA_ACROSS || i < c->w.full ? q : FN(first)(c->w.tail, q);
}
FA_INLINE void FN(soft_term)(ce *c, size_t slot, size_t i, int full) {
    vec q = FN(soft_share)(c, i, full);
    c->terms[slot] = FN(sum_add)(c->terms[slot], FN(weighted)(q, FN(below_max)(c, i, full)));
    c->shares[slot] = FN(sum_add)(c->shares[slot], q);
}
FA_INLINE void FN(soft_terms_body)(void *context, size_t slot, size_t i, size_t j, int full) {
    FN(soft_term)(context, slot, i, full);
    FN(soft_term)(context, slot, j, full);
}
FA_INLINE void FN(soft_grad_body)(void *context, size_t i, int full) {
    const ce *c = context;
    const fa_rows_args *a = c->a;
    vec e = FN(take)(c->w, full, a->out[0], a->out_pitch[0], i, K(0));
    vec q = FN(soft_share)(c, i, full), p = FN(times)(c->factor, e), rest = FN(one_minus_p)(c, e);
    vec grad = c->scale * v_fms(c->S - q, p, q * rest);
    if (c->o->want_hess) FN(put)(c->w, full, a->out[1], a->out_pitch[1], i, v_keep(c->live, c->scale * c->S * p * rest));
    FN(put)(c->w, full, a->out[0], a->out_pitch[0], i, v_keep(c->live, grad));
}

FA_INLINE void FN(ce_soft)(ce *c) {
    sum term_slots[MOST_SLOTS], share_slots[MOST_SLOTS];
    c->terms = term_slots;
    c->shares = share_slots;
    FN(clear)(c->w, term_slots);
    FN(clear)(c->w, share_slots);
    FN(each_pair)(c->w, FN(soft_terms_body), c);
    c->S = FN(total)(c->w, share_slots).hi;
    vec terms = FN(total)(c->w, term_slots).hi;
    FN(ce_facts)(c);
    if (c->o->want_loss) {
        vec loss = FN(weighted)(c->S, c->f.log_total) - terms;
        FN(put_row)(c->w, c->a->row_out, v_keep(c->live, loss));
    }
    if (c->o->want_grad) FN(each)(c->w, FN(soft_grad_body), c);
}

FA_INLINE void FN(cross_entropy)(const fa_rows_args *a, fa_direction direction) {
    ce c = {.w = FN(walk_of)(a->n, direction), .a = a, .o = a->options};
    c.scale = FN(take_row)(c.w, a->row_in);
    c.live = v_mask_not(v_eq(c.scale, K(0)));
    c.share = K(c.o->smoothing / (double)a->n);
    c.everywhere = c.scale * c.share;
    c.max = FN(row_max)(c.w, a->in[0], a->in_pitch[0]);
    if (c.o->soft) FN(ce_soft)(&c);
    else FN(ce_labels)(&c);
}
