/* Cross entropy of softmax(x), fused: loss, gradient and Hessian diagonal.
 *
 * With target shares q_j (labels: (1-s)[j = t] + s/n; probabilities:
 * (1-s) y_j + s/n; s the smoothing), class weights w_j and S = sum q_j w_j:
 *   loss = sum q_j w_j (log_total - d_j),   d_j = x_j - max
 *   grad = scale (S p_j - q_j w_j) = scale ((S - q_j w_j) p_j - q_j w_j (1 - p_j))
 *   hess = scale S p_j (1 - p_j)
 * 1 - p_j is (others + (1 - e_j)) / (1 + others), which keeps its relative
 * precision for a confident row's winner: -s/(1+s), never p - 1.
 * A term of zero weight is 0, also where its logarithm is -inf.
 * A row of scale 0 is ignored: loss and gradients are exactly 0, whatever it holds.
 */

/* For labels and soft targets alike: what one row, or one tile of rows, needs. */
typedef struct {
    walk w;
    const fa_rows_args *a;
    vec scale, share; /* share: s/n, the part of every class */
    mask live;        /* rows that count */
    row_facts f;
    pair factor; /* 1 / (1 + others) */
    vec S;
} FN(ce);
#define ce FN(ce)

FA_INLINE vec FN(class_weight)(const ce *c, size_t i) {
    const real *weight = c->a->options->class_weight;
    if (!weight) return K(1);
    return c->w.direction == FA_ALONG ? FN(take)(c->w, weight, 0, i, K(0)) : v_splat(weight[i]);
}

/* From label-many reals of a row (`row` + label) one for each row. */
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
    for (size_t k = 0; k < (c->w.direction == FA_ALONG ? 1 : LANES); k++)
        p[(ptrdiff_t)c->a->labels[k] * (c->w.direction == FA_ALONG ? 1 : pitch) + (ptrdiff_t)k] = lanes[k];
}
FA_INLINE vec FN(weight_at_labels)(const ce *c) {
    const real *weight = c->a->options->class_weight;
    if (!weight) return K(1);
    real lanes[LANES];
    for (size_t k = 0; k < LANES; k++) lanes[k] = weight[c->a->labels[c->w.direction == FA_ALONG ? 0 : k]];
    return v_load(lanes);
}

FA_INLINE vec FN(one_minus_p)(const ce *c, vec e) { return FN(times)(c->factor, c->f.others.hi + (K(1) - e)); }

/* The gradient of every class, over e: scale (S p_j - share w_j), and the Hessian. */
FA_INLINE void FN(ce_label_rows)(const ce *c) {
    const fa_rows_args *a = c->a;
    const fa_cross_entropy_options *o = a->options;
    pair slope = FN(scaled)(c->factor, c->scale * c->S);
    vec everywhere = c->scale * c->share;
    for (size_t i = 0; i < c->w.vectors; i++) {
        vec e = FN(take)(c->w, a->out[0], a->out_pitch[0], i, K(0));
        vec grad = FN(times)(slope, e);
        if (o->want_hess) {
            vec hess = grad * FN(one_minus_p)(c, e);
            FN(put)(c->w, a->out[1], a->out_pitch[1], i, v_keep(c->live, hess));
        }
        if (o->smoothing > 0) grad = grad - FN(weighted)(FN(class_weight)(c, i), everywhere);
        FN(put)(c->w, a->out[0], a->out_pitch[0], i, v_keep(c->live, grad));
    }
}

FA_INLINE void FN(ce_labels)(ce *c) {
    const fa_rows_args *a = c->a;
    const fa_cross_entropy_options *o = a->options;
    const vec keep = K(1.0 - o->smoothing);
    vec x_t = FN(at_labels)(c, a->in[0], a->in_pitch[0]); /* before a gradient may overwrite it */
    vec w_t = FN(weight_at_labels)(c);
    int smooth = o->smoothing > 0, store = o->want_grad || o->want_hess;

    vec max = FN(row_max)(c->w, a->in[0], a->in_pitch[0]), all_d = K(0);
    if (smooth && o->want_loss) { /* sum of w_j d_j */
        sum slots[MOST_SLOTS];
        FN(clear)(c->w, slots);
        for (size_t i = 0; i < c->w.vectors; i++) {
            vec d = FN(take)(c->w, a->in[0], a->in_pitch[0], i, max) - max;
            sum *slot = &slots[FN(slot_of)(c->w, i)];
            *slot = FN(sum_add)(*slot, FN(weighted)(FN(class_weight)(c, i), d));
        }
        all_d = FN(total)(c->w, slots).hi;
    }
    c->f = FN(facts_of)(c->w, max, a->in[0], a->in_pitch[0], store ? a->out[0] : NULL, a->out_pitch[0]);
    c->factor = FN(reciprocal)(FN(one_plus)(c->f.others));
    c->S = keep * w_t;
    if (smooth) c->S = v_fma(c->share, K(o->weight_sum), c->S);

    if (o->want_loss) {
        vec loss = FN(weighted)(keep * w_t, c->f.log_total - (x_t - c->f.max));
        if (smooth) loss = loss + c->share * v_fms(K(o->weight_sum), c->f.log_total, all_d);
        FN(put_row)(c->w, a->row_out, v_keep(c->live, loss));
    }
    if (!store) return;
    vec e_t = FN(at_labels)(c, a->out[0], a->out_pitch[0]);
    vec grad_t = -(c->scale * c->S) * FN(one_minus_p)(c, e_t);
    if (smooth) grad_t = grad_t + c->scale * (c->share * (K(o->weight_sum) - w_t));
    FN(ce_label_rows)(c);
    FN(put_at_labels)(c, a->out[0], a->out_pitch[0], v_keep(c->live, grad_t));
}

FA_INLINE vec FN(soft_share)(const ce *c, size_t i) {
    vec y = FN(take)(c->w, c->a->in[1], c->a->in_pitch[1], i, K(0));
    vec q = v_fma(K(1.0 - c->a->options->smoothing), y, c->share);
    return q * FN(class_weight)(c, i);
}

/* sum q_j w_j d_j; sets S. */
FA_INLINE vec FN(ce_soft_loss)(ce *c, vec max) {
    const fa_rows_args *a = c->a;
    sum terms[MOST_SLOTS], shares[MOST_SLOTS];
    FN(clear)(c->w, terms);
    FN(clear)(c->w, shares);
    for (size_t i = 0; i < c->w.vectors; i++) {
        vec d = FN(take)(c->w, a->in[0], a->in_pitch[0], i, max) - max;
        vec q = FN(soft_share)(c, i);
        if (FN(at_tail)(c->w, i)) q = FN(first)(c->w.tail, q);
        size_t slot = FN(slot_of)(c->w, i);
        terms[slot] = FN(sum_add)(terms[slot], FN(weighted)(q, d));
        shares[slot] = FN(sum_add)(shares[slot], q);
    }
    c->S = FN(total)(c->w, shares).hi;
    return FN(total)(c->w, terms).hi;
}

FA_INLINE void FN(ce_soft)(ce *c) {
    const fa_rows_args *a = c->a;
    const fa_cross_entropy_options *o = a->options;
    int store = o->want_grad || o->want_hess;
    vec max = FN(row_max)(c->w, a->in[0], a->in_pitch[0]), terms = FN(ce_soft_loss)(c, max);
    c->f = FN(facts_of)(c->w, max, a->in[0], a->in_pitch[0], store ? a->out[0] : NULL, a->out_pitch[0]);
    c->factor = FN(reciprocal)(FN(one_plus)(c->f.others));
    if (o->want_loss) {
        vec loss = FN(weighted)(c->S, c->f.log_total) - terms;
        FN(put_row)(c->w, a->row_out, v_keep(c->live, loss));
    }
    if (!store) return;
    for (size_t i = 0; i < c->w.vectors; i++) {
        vec e = FN(take)(c->w, a->out[0], a->out_pitch[0], i, K(0));
        vec q = FN(soft_share)(c, i);
        vec p = FN(times)(c->factor, e), rest = FN(one_minus_p)(c, e);
        vec grad = c->scale * v_fms(c->S - q, p, q * rest);
        if (o->want_hess) {
            vec hess = c->scale * c->S * p * rest;
            FN(put)(c->w, a->out[1], a->out_pitch[1], i, v_keep(c->live, hess));
        }
        FN(put)(c->w, a->out[0], a->out_pitch[0], i, v_keep(c->live, grad));
    }
}

FA_INLINE void FN(cross_entropy)(const fa_rows_args *a, fa_direction direction) {
    ce c;
    c.w = FN(walk_of)(a->n, direction);
    c.a = a;
    c.scale = FN(take_row)(c.w, a->row_in);
    c.live = v_mask_not(v_eq(c.scale, K(0)));
    c.share = K(a->options->smoothing / (double)a->n);
    if (a->options->soft) FN(ce_soft)(&c);
    else FN(ce_labels)(&c);
}
