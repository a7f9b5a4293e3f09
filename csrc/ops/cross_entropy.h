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

/* What a row's phases hand on. */
typedef struct {
    softmax_state f;
    vec S;
    vec d_t, w_t; /* labels: x - max there, and the class's weight */
    vec d_sum;    /* sum of w d under smoothing, of q w d for probabilities */
} FN(ce_state);
#define ce_state FN(ce_state)

/* What the passes of a phase need; a local of it, so that no store can change it and its
 * parts live in registers. */
typedef struct {
    walk w;
    fa_rows_args a;
    fa_cross_entropy_options o;
    vec max, scale, share; /* share: s/n, the part of every class */
    mask live;             /* rows that count */
    vec others, S, everywhere; /* everywhere: scale * share */
    pair factor, slope;        /* 1 / (1 + others), and that times scale, for labels times S too, for products with e * unit */
    vec unit;
    sum *terms, *shares;       /* slots: arrays stay apart */
} FN(ce);
#define ce FN(ce)

FA_INLINE ce FN(ce_of)(const fa_rows_args *a, fa_direction direction) {
    ce c = {.w = FN(walk_of)(a->n, direction), .a = *a, .o = *a->options};
    c.scale = FN(take_row)(c.w, a->row_in);
    c.live = v_mask_not(v_eq(c.scale, K(0)));
    c.share = K(c.o.smoothing / (double)a->n);
    return c;
}

FA_INLINE vec FN(class_weight)(const ce *c, size_t i, int full) {
    const real *weight = c->o.class_weight;
    if (!weight) return K(1);
    return c->w.direction == FA_ALONG ? FN(take)(c->w, full, weight, 0, i, K(0)) : v_splat(weight[i]);
}
FA_INLINE vec FN(distance)(const ce *c, size_t i, int full) {
    return FN(take)(c->w, full, c->a.in[0], c->a.in_pitch[0], i, c->max) - c->max;
}
/* e over EXP_UNIT */
FA_INLINE vec FN(one_minus_p)(const ce *c, vec e) {
    return FN(times)(c->factor, c->others + v_fnma(e, K(EXP_UNIT), K(1)));
}

/* ---- labels ------------------------------------------------------------------------ */

/* Single reals of a row, which may be a user's and need not be aligned. */
FA_INLINE real FN(real_at)(const void *row, ptrdiff_t i) {
    real r;
    memcpy(&r, (const char *)row + i * (ptrdiff_t)sizeof r, sizeof r);
    return r;
}
FA_INLINE void FN(put_real_at)(void *row, ptrdiff_t i, real r) {
    memcpy((char *)row + i * (ptrdiff_t)sizeof r, &r, sizeof r);
}

/* One real of each row: the one at its label. */
FA_INLINE vec FN(at_labels)(const ce *c, const void *row, ptrdiff_t pitch) {
    if (c->w.direction == FA_ALONG) return v_splat(FN(real_at)(row, (ptrdiff_t)c->a.labels[0]));
    real lanes[LANES];
    for (size_t k = 0; k < LANES; k++) lanes[k] = FN(real_at)(row, (ptrdiff_t)c->a.labels[k] * pitch + (ptrdiff_t)k);
    return v_load(lanes);
}
FA_INLINE void FN(put_at_labels)(const ce *c, void *row, ptrdiff_t pitch, vec v) {
    real lanes[LANES];
    v_store(lanes, v);
    if (c->w.direction == FA_ALONG) FN(put_real_at)(row, (ptrdiff_t)c->a.labels[0], lanes[0]);
    else
        for (size_t k = 0; k < LANES; k++)
            FN(put_real_at)(row, (ptrdiff_t)c->a.labels[k] * pitch + (ptrdiff_t)k, lanes[k]);
}
FA_INLINE vec FN(weight_at_labels)(const ce *c) {
    const real *weight = c->o.class_weight;
    if (!weight) return K(1);
    if (c->w.direction == FA_ALONG) return v_splat(weight[c->a.labels[0]]);
    real lanes[LANES];
    for (size_t k = 0; k < LANES; k++) lanes[k] = weight[c->a.labels[k]];
    return v_load(lanes);
}

FA_INLINE void FN(weighted_d_body)(void *context, size_t slot, size_t i, int full) {
    ce *c = context;
    vec term = FN(weighted)(FN(class_weight)(c, i, full), FN(distance)(c, i, full));
    c->terms[slot] = FN(sum_add)(c->terms[slot], term);
}
/* sum of w_j d_j over all classes */
FA_INLINE vec FN(weighted_d)(ce *c) {
    sum terms[MOST_SLOTS];
    c->terms = terms;
    FN(clear)(c->w, terms);
    FN(each_in_slot)(c->w, FN(weighted_d_body), c);
    return FN(total)(c->w, terms).hi;
}

/* Over e / EXP_UNIT: scale (S p_j - share w_j) for every class, the label not yet apart. */
FA_INLINE void FN(label_grad_body)(void *context, size_t i, int full) {
    const ce *c = context;
    vec e = FN(take)(c->w, full, c->a.out[0], c->a.out_pitch[0], i, K(0));
    vec grad = FN(shared)(c->slope, c->unit, e);
    if (c->o.want_hess) {
        vec hess = v_keep(c->live, grad * FN(one_minus_p)(c, e));
        FN(put)(c->w, full, c->a.out[1], c->a.out_pitch[1], i, hess);
    }
    if (c->o.smoothing > 0) {
        vec weight = FN(class_weight)(c, i, full);
        grad = v_select(v_eq(weight, K(0)), grad, v_fnma(weight, c->everywhere, grad));
    }
    FN(put)(c->w, full, c->a.out[0], c->a.out_pitch[0], i, v_keep(c->live, grad));
}
/* The same without Hessian and smoothing, most calls' case. */
FA_INLINE void FN(plain_label_grad_body)(void *context, size_t i, int full) {
    const ce *c = context;
    vec e = FN(take)(c->w, full, c->a.out[0], c->a.out_pitch[0], i, K(0));
    FN(put)(c->w, full, c->a.out[0], c->a.out_pitch[0], i, v_keep(c->live, FN(shared)(c->slope, c->unit, e)));
}

/* Before a gradient may overwrite the logits. */
FA_INLINE void FN(begin_labels)(ce *c, ce_state *s) {
    s->d_t = FN(at_labels)(c, c->a.in[0], c->a.in_pitch[0]) - c->max;
    s->w_t = FN(weight_at_labels)(c);
    int smooth = c->o.smoothing > 0;
    s->S = smooth ? v_fma(c->share, K(c->o.weight_sum), K(1.0 - c->o.smoothing) * s->w_t) : s->w_t;
    s->d_sum = smooth && c->o.want_loss ? FN(weighted_d)(c) : K(0);
}
FA_INLINE vec FN(soft_loss)(const ce_state *s) { return FN(weighted)(s->S, s->f.log_total) - s->d_sum; }
FA_INLINE vec FN(label_loss)(const ce *c, const ce_state *s) {
    vec loss = FN(weighted)(K(1.0 - c->o.smoothing) * s->w_t, s->f.log_total - s->d_t);
    if (c->o.smoothing > 0) loss = v_fma(c->share, v_fms(K(c->o.weight_sum), s->f.log_total, s->d_sum), loss);
    return loss;
}
FA_INLINE void FN(label_grad)(ce *c, const ce_state *s) {
    const fa_rows_args *a = &c->a;
    vec q_t = s->w_t, e_t = FN(at_labels)(c, a->out[0], a->out_pitch[0]);
    int smooth = c->o.smoothing > 0;
    if (smooth) q_t = v_fma(c->share, q_t, K(1.0 - c->o.smoothing) * q_t);
    vec grad_t = q_t * FN(one_minus_p)(c, e_t); /* S - q_t is share (weight_sum - w_t) */
    if (smooth) grad_t = v_fnma(c->share * (K(c->o.weight_sum) - s->w_t), FN(times)(c->factor, e_t * K(EXP_UNIT)), grad_t);
    grad_t = -(c->scale * grad_t);
    c->slope = FN(share)(c->factor, c->scale * c->S, &c->unit);
    if (smooth || c->o.want_hess) FN(each)(c->w, FN(label_grad_body), c);
    else FN(each)(c->w, FN(plain_label_grad_body), c);
    FN(put_at_labels)(c, a->out[0], a->out_pitch[0], v_keep(c->live, grad_t));
}

/* ---- probabilities ------------------------------------------------------------------- */

/* q_j w_j; 0 beyond the row's end */
FA_INLINE vec FN(soft_share)(const ce *c, size_t i, int full) {
    vec y = FN(take)(c->w, full, c->a.in[1], c->a.in_pitch[1], i, K(0));
    vec q = v_fma(K(1.0 - c->o.smoothing), y, c->share) * FN(class_weight)(c, i, full);
    return full || c->w.direction == FA_ACROSS || i < c->w.full ? q : FN(first)(c->w.tail, q);
}
FA_INLINE void FN(soft_terms_body)(void *context, size_t slot, size_t i, int full) {
    ce *c = context;
    vec q = FN(soft_share)(c, i, full);
    c->terms[slot] = FN(sum_add)(c->terms[slot], FN(weighted)(q, FN(distance)(c, i, full)));
    c->shares[slot] = FN(sum_add)(c->shares[slot], q);
}
FA_INLINE void FN(soft_grad_body)(void *context, size_t i, int full) {
    const ce *c = context;
    vec e = FN(take)(c->w, full, c->a.out[0], c->a.out_pitch[0], i, K(0));
    vec q = FN(soft_share)(c, i, full), p = FN(shared)(c->slope, c->unit, e), rest = FN(one_minus_p)(c, e);
    vec grad = v_fms(c->S - q, p, c->scale * q * rest); /* p: times scale */
    if (c->o.want_hess) {
        vec hess = v_keep(c->live, c->S * p * rest);
        FN(put)(c->w, full, c->a.out[1], c->a.out_pitch[1], i, hess);
    }
    FN(put)(c->w, full, c->a.out[0], c->a.out_pitch[0], i, v_keep(c->live, grad));
}

FA_INLINE void FN(begin_soft)(ce *c, ce_state *s) {
    sum term_slots[MOST_SLOTS], share_slots[MOST_SLOTS];
    c->terms = term_slots;
    c->shares = share_slots;
    FN(clear)(c->w, term_slots);
    FN(clear)(c->w, share_slots);
    FN(each_in_slot)(c->w, FN(soft_terms_body), c);
    s->S = FN(total)(c->w, share_slots).hi;
    s->d_sum = FN(total)(c->w, term_slots).hi;
}

/* ---- both ------------------------------------------------------------------------------ */

FA_INLINE void FN(ce_begin)(const fa_rows_args *a, fa_direction direction) {
    ce_state *s = a->state;
    ce c = FN(ce_of)(a, direction);
    s->f.max = c.max = FN(row_max)(c.w, a->in[0], a->in_pitch[0]);
    if (c.o.soft) FN(begin_soft)(&c, s);
    else FN(begin_labels)(&c, s);
}
/* The gradient's place keeps the exponentials, over EXP_UNIT. */
FA_INLINE void FN(ce_middle)(const fa_rows_args *a, fa_direction direction) {
    ce_state *s = a->state;
    ce c = FN(ce_of)(a, direction);
    if (c.o.want_grad) FN(facts)(c.w, &s->f, a, 1);
    else FN(facts)(c.w, &s->f, a, 0);
    s->f.factor = FN(reciprocal)(FN(one_plus)(s->f.others));
    if (!c.o.want_loss) return;
    vec loss = c.o.soft ? FN(soft_loss)(s) : FN(label_loss)(&c, s);
    FN(put_row)(c.w, a->row_out, v_keep(c.live, loss));
}
FA_INLINE void FN(ce_end)(const fa_rows_args *a, fa_direction direction) {
    const ce_state *s = a->state;
    ce c = FN(ce_of)(a, direction);
    if (!c.o.want_grad) return;
    c.everywhere = c.scale * c.share;
    c.others = s->f.others.hi;
    c.factor = s->f.factor;
    c.S = s->S;
    if (c.o.soft) {
        c.slope = FN(share)(c.factor, c.scale, &c.unit);
        FN(each)(c.w, FN(soft_grad_body), &c);
    } else {
        FN(label_grad)(&c, s);
    }
}
FA_INLINE void FN(cross_entropy)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    if (phase == FA_BEGIN) FN(ce_begin)(a, direction);
    if (phase == FA_MIDDLE) FN(ce_middle)(a, direction);
    if (phase == FA_END) FN(ce_end)(a, direction);
}
