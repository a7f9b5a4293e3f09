/* Cross entropy of softmax(x), fused: loss, gradient and Hessian diagonal.
 *
 * With target shares q_j (labels: (1-s)[j = t] + s/n; probabilities:
 * (1-s) y_j + s/n; s the smoothing), class weights w_j, S = sum q_j w_j,
 * z_loss z, l = max + log_total and Z = 2 z l:
 *   loss = S log_total - sum q_j w_j d_j + z l^2,   d_j = x_j - max
 *   grad = scale ((S + Z) p_j - q_j w_j) = scale ((S - q_j w_j + Z) p_j - q_j w_j (1 - p_j))
 *   hess = scale ((S + Z) p_j (1 - p_j) + 2 z p_j^2)
 * 1 - p_j is (others + (1 - e_j)) / (1 + others), which keeps its relative
 * precision for a confident row's winner: -s/(1+s), never p - 1.
 * A term of zero weight is 0, also where its logarithm is -inf.
 * A row of scale 0, or of no weight and no z, is ignored: loss and gradients are exactly 0, whatever it holds.
 */

/* What phases hand on of a row, beside what softmax's do, and what one of them needs. */
typedef struct {
    vec scale, S;
    vec x_t, w_t;  /* labels: the logit there, and the class's weight */
    union {
        vec d_sum; /* sum of w d under smoothing, of q w d for probabilities: up to the loss */
        vec Z;     /* from there on */
    };
    vec everywhere; /* scale * share */
    pair slope;    /* 1 / (1 + others), times scale, for labels times S too, for products with e * unit */
    mask live;     /* rows that count */
} FN(ce_state);
#define ce_state FN(ce_state)

typedef struct {
    pass p;
    const fa_rows_args *a;
    const void *target; /* probabilities */
    void *hess;
    ptrdiff_t target_pitch, hess_pitch;
    fa_cross_entropy_options o;
    vec share;            /* s/n, the part of every class */
    ce_state *tiles, *known; /* as in `pass` */
    sum *shares;          /* slots, as p.slots */
    vec label, class_, grad_t; /* where labels are compared: the label, the class at hand, the gradient at the label */
} FN(ce);
#define ce FN(ce)

FA_INLINE ce_state *FN(loss_of)(ce *c, size_t t) { return c->known + (c->p.w.direction == FA_ABREAST ? t : 0); }

FA_INLINE void FN(ce_over)(ce *c, softmax_state *softmax, ce_state *own, const fa_rows_args *a,
                           fa_direction direction) {
    FN(pass_over)(&c->p, softmax, a, direction, 0);
    c->a = a;
    c->target = a->in[1];
    c->target_pitch = a->in_pitch[1];
    c->hess = a->out[1];
    c->hess_pitch = a->out_pitch[1];
    c->o = *a->options;
    c->share = K(c->o.share);
    c->tiles = (ce_state *)(void *)(c->p.tiles + (direction == FA_ABREAST ? MOST_TILES : 1));
    c->known = direction == FA_ABREAST ? c->tiles : own;
    own->S = c->tiles->S;
    own->x_t = c->tiles->x_t;
    own->w_t = c->tiles->w_t;
    own->d_sum = c->tiles->d_sum;
    for (size_t t = 0; t < c->p.w.tiles; t++) {
        ce_state *s = FN(loss_of)(c, t);
        s->scale = FN(take_row)(c->p.w, a->row_in, t);
        s->live = v_mask_not(v_eq(s->scale, K(0)));
    }
}

FA_INLINE vec FN(class_weight)(const ce *c, size_t i, int full) {
    const real *weight = c->o.class_weight;
    if (!weight) return K(1);
    return c->p.w.direction == FA_ALONG ? FN(take)(c->p.w, full, weight, 0, i, 0, K(0)) : v_splat(weight[i]);
}
FA_INLINE vec FN(distance)(ce *c, size_t i, size_t t, int full) {
    const vec max = FN(state_of)(&c->p, t)->max;
    return FN(take)(c->p.w, full, c->p.x, c->p.x_pitch, i, t, max) - max;
}
/* e over EXP_UNIT */
FA_INLINE vec FN(one_minus_p)(const softmax_state *f, vec e) {
    return FN(times)(f->factor, f->others.hi + v_fnma(e, K(EXP_UNIT), K(1)));
}

/* The curvature with 2 z scale p_j^2, which z_loss adds to it beside its part of the slope. */
FA_INLINE vec FN(z_curvature)(const ce *c, const ce_state *s, const softmax_state *f, vec e, vec hess) {
    vec p = FN(times)(f->factor, e * K(EXP_UNIT));
    return v_fma(s->scale * (K(2 * c->o.z_loss) * p), p, hess);
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

/* Whether each class is compared with all labels, which of few classes costs less than an access for each row. */
FA_INLINE int FN(compares_labels)(const ce *c) {
    return LANES > 1 && c->p.w.direction == FA_ACROSS && c->p.w.n <= 4 * LANES;
}
FA_INLINE void FN(start_comparing)(ce *c) {
    c->label = v_from_int(v_load_int64(c->a->labels));
    c->class_ = K(0);
}
/* Of the class at hand, which start_comparing sets to the first and each call to the next: `there` in the rows whose
 * label it is, v in the others. */
FA_INLINE vec FN(at_label)(ce *c, vec there, vec v) {
    const mask here = v_eq(c->label, c->class_);
    c->class_ = c->class_ + K(1);
    return v_select(here, there, v);
}

/* Where the element at the label of a tile's k-th row is. */
FA_INLINE ptrdiff_t FN(label_offset)(const ce *c, ptrdiff_t pitch, size_t t, size_t k) {
    const size_t row = FN(start_of)(c->p.w, t, 0) + k;
    return (ptrdiff_t)c->a->labels[row] * pitch + (ptrdiff_t)row;
}
/* One logit of each row: the one at its label. Left in memory: a vector cannot be loaded soon after its lanes were
 * stored one by one. */
FA_INLINE void FN(take_at_labels)(ce *c, size_t t, vec *to) {
    const pass *p = &c->p;
    if (FN(compares_labels)(c)) {
        vec x = K(0);
        FN(start_comparing)(c);
        FA_UNROLL(4)
        for (size_t i = 0; i < p->w.n; i++) x = FN(at_label)(c, FN(input)(p, i, 0, 1), x);
        *to = x;
        return;
    }
    if (p->w.direction == FA_ALONG) {
        *to = v_splat(FN(real_at)(p->x, (ptrdiff_t)c->a->labels[0]));
        return;
    }
    const size_t rows = FN(rows_of)(p->w, t);
    if (rows < LANES) *to = K(0);
    for (size_t k = 0; k < rows; k++) {
        const real x = FN(real_at)(p->x, FN(label_offset)(c, p->x_pitch, t, k));
        FN(put_real_at)(to, (ptrdiff_t)k, x);
    }
}
FA_INLINE void FN(put_at_labels)(const ce *c, void *row, ptrdiff_t pitch, size_t t, vec v) {
    real lanes[LANES];
    v_store(lanes, v);
    if (c->p.w.direction == FA_ALONG) FN(put_real_at)(row, (ptrdiff_t)c->a->labels[0], lanes[0]);
    else
        for (size_t k = 0; k < FN(rows_of)(c->p.w, t); k++)
            FN(put_real_at)(row, FN(label_offset)(c, pitch, t, k), lanes[k]);
}
FA_INLINE vec FN(weight_at_labels)(const ce *c, size_t t) {
    const real *weight = c->o.class_weight;
    if (!weight) return K(1);
    if (c->p.w.direction == FA_ALONG) return v_splat(weight[c->a->labels[0]]);
    real lanes[LANES];
    for (size_t k = 0; k < LANES; k++) lanes[k] = weight[c->a->labels[FN(start_of)(c->p.w, t, 0) + k]];
    return v_load(lanes);
}

FA_INLINE void FN(weighted_d_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    ce *c = context;
    vec term = FN(weighted)(FN(class_weight)(c, i, full), FN(distance)(c, i, t, full));
    c->p.slots[slot] = FN(sum_add)(c->p.slots[slot], term);
}
/* sum of w_j d_j over all classes */
FA_INLINE void FN(weighted_d)(ce *c) {
    sum own[MOST_SLOTS];
    if (c->p.w.direction != FA_ABREAST) c->p.slots = own;
    FN(clear)(c->p.w, c->p.slots);
    FN(each_in_slot)(c->p.w, FN(weighted_d_body), c);
    for (size_t t = 0; t < c->p.w.tiles; t++) c->tiles[t].d_sum = FN(total)(c->p.w, c->p.slots, t).hi;
}

/* With the gradient at the label, if labels are compared. */
FA_INLINE void FN(put_label_grad)(ce *c, size_t i, size_t t, int full, vec grad) {
    grad = v_keep(FN(loss_of)(c, t)->live, grad);
    FN(put_output)(&c->p, i, t, full, FN(compares_labels)(c) ? FN(at_label)(c, c->grad_t, grad) : grad);
}

/* Over e / EXP_UNIT: scale ((S + Z) p_j - share w_j) for every class, the label not yet apart. */
FA_INLINE void FN(label_grad_body)(void *context, size_t i, size_t t, int full) {
    ce *c = context;
    const ce_state *s = FN(loss_of)(c, t);
    const softmax_state *f = FN(state_of)(&c->p, t);
    vec e = FN(output)(&c->p, i, t, full), grad = FN(shared)(s->slope, f->unit, e);
    if (c->o.want_hess) {
        vec hess = grad * FN(one_minus_p)(f, e);
        if (c->o.z_loss > 0) hess = FN(z_curvature)(c, s, f, e, hess);
        FN(put)(c->p.w, full, c->hess, c->hess_pitch, i, t, v_keep(s->live, hess));
    }
    if (c->o.smoothing > 0) {
        vec weight = FN(class_weight)(c, i, full);
        grad = v_select(v_eq(weight, K(0)), grad, v_fnma(weight, s->everywhere, grad));
    }
    FN(put_label_grad)(c, i, t, full, grad);
}
/* The same without Hessian and smoothing, most calls' case. */
FA_INLINE void FN(plain_label_grad_body)(void *context, size_t i, size_t t, int full) {
    ce *c = context;
    const vec unit = FN(state_of)(&c->p, t)->unit, e = FN(output)(&c->p, i, t, full);
    FN(put_label_grad)(c, i, t, full, FN(shared)(FN(loss_of)(c, t)->slope, unit, e));
}

/* Before a gradient may overwrite the logits. */
FA_INLINE void FN(begin_labels)(ce *c) {
    const int smooth = c->o.smoothing > 0;
    for (size_t t = 0; t < c->p.w.tiles; t++) {
        ce_state *s = c->tiles + t;
        FN(take_at_labels)(c, t, &s->x_t);
        s->w_t = FN(weight_at_labels)(c, t);
        s->S = smooth ? v_fma(c->share, K(c->o.weight_sum), K(1.0 - c->o.smoothing) * s->w_t) : s->w_t;
        s->d_sum = K(0);
    }
    if (smooth && c->o.want_loss) FN(weighted_d)(c);
}
FA_INLINE vec FN(soft_loss)(const ce_state *s, const softmax_state *f) {
    return FN(weighted)(s->S, f->log_total) - s->d_sum;
}
FA_INLINE vec FN(label_loss)(const ce *c, const ce_state *s, const softmax_state *f) {
    vec loss = FN(weighted)(K(1.0 - c->o.smoothing) * s->w_t, f->log_total - (s->x_t - f->max));
    if (c->o.smoothing > 0) loss = v_fma(c->share, v_fms(K(c->o.weight_sum), f->log_total, s->d_sum), loss);
    return loss;
}
/* exp(x_t - max), over EXP_UNIT: what the output holds at the label. Of many rows it is sooner computed once more than
 * collected. */
FA_INLINE vec FN(exponential_at_labels)(const ce *c, const ce_state *s, const softmax_state *f) {
    if (c->p.w.direction == FA_ALONG) return v_splat(FN(real_at)(c->p.y, (ptrdiff_t)c->a->labels[0]));
    return v_exp_scaled(s->x_t - f->max);
}
/* The gradient at the labels, while the output holds exponentials. */
FA_INLINE vec FN(grad_at_labels)(const ce *c, const ce_state *s, const softmax_state *f) {
    vec q_t = s->w_t, e_t = FN(exponential_at_labels)(c, s, f);
    int smooth = c->o.smoothing > 0;
    if (smooth) q_t = v_fma(c->share, q_t, K(1.0 - c->o.smoothing) * q_t);
    vec grad_t = q_t * FN(one_minus_p)(f, e_t), rise = s->Z;
    if (smooth) rise = v_fma(c->share, K(c->o.weight_sum) - s->w_t, rise); /* S - q_t + Z */
    if (smooth || c->o.z_loss > 0) grad_t = v_fnma(rise, FN(times)(f->factor, e_t * K(EXP_UNIT)), grad_t);
    return v_keep(s->live, -(s->scale * grad_t));
}
FA_INLINE void FN(label_grad)(ce *c) {
    vec grad_t[MOST_TILES];
    for (size_t t = 0; t < c->p.w.tiles; t++) {
        softmax_state *f = FN(state_of)(&c->p, t);
        ce_state *s = FN(loss_of)(c, t);
        if (!(c->o.z_loss > 0) && (!(c->o.smoothing > 0) || !(c->o.weight_sum != 0)))
            s->live = v_mask_and(s->live, v_mask_not(v_eq(s->w_t, K(0))));
        grad_t[t] = FN(grad_at_labels)(c, s, f);
        s->everywhere = s->scale * c->share;
        s->slope = FN(share)(f->factor, s->scale * (s->S + s->Z), &f->unit);
    }
    c->grad_t = grad_t[0];
    if (FN(compares_labels)(c)) FN(start_comparing)(c);
    if (c->o.smoothing > 0 || c->o.want_hess) FN(each)(c->p.w, FN(label_grad_body), c);
    else FN(each)(c->p.w, FN(plain_label_grad_body), c);
    if (FN(compares_labels)(c)) return;
    for (size_t t = 0; t < c->p.w.tiles; t++) FN(put_at_labels)(c, c->p.y, c->p.y_pitch, t, grad_t[t]);
}

/* ---- probabilities ------------------------------------------------------------------- */

/* q_j w_j; 0 beyond the row's end */
FA_INLINE vec FN(soft_share)(const ce *c, size_t i, size_t t, int full) {
    vec y = FN(take)(c->p.w, full, c->target, c->target_pitch, i, t, K(0));
    vec q = v_fma(K(1.0 - c->o.smoothing), y, c->share) * FN(class_weight)(c, i, full);
    return full || c->p.w.direction != FA_ALONG || i < c->p.w.full ? q : FN(first)(c->p.w.tail, q);
}
FA_INLINE void FN(soft_terms_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    ce *c = context;
    vec q = FN(soft_share)(c, i, t, full);
    c->p.slots[slot] = FN(sum_add)(c->p.slots[slot], FN(weighted)(q, FN(distance)(c, i, t, full)));
    c->shares[slot] = FN(sum_add)(c->shares[slot], q);
}
FA_INLINE void FN(soft_grad_body)(void *context, size_t i, size_t t, int full) {
    ce *c = context;
    const ce_state *s = FN(loss_of)(c, t);
    const softmax_state *f = FN(state_of)(&c->p, t);
    vec e = FN(output)(&c->p, i, t, full);
    vec q = FN(soft_share)(c, i, t, full), p = FN(shared)(s->slope, f->unit, e), rest = FN(one_minus_p)(f, e);
    vec grad = v_fms((s->S - q) + s->Z, p, s->scale * q * rest); /* p: times scale */
    if (c->o.want_hess) {
        vec hess = (s->S + s->Z) * p * rest;
        if (c->o.z_loss > 0) hess = FN(z_curvature)(c, s, f, e, hess);
        FN(put)(c->p.w, full, c->hess, c->hess_pitch, i, t, v_keep(s->live, hess));
    }
    FN(put_output)(&c->p, i, t, full, v_keep(s->live, grad));
}

FA_INLINE void FN(begin_soft)(ce *c) {
    sum terms[MOST_SLOTS], shares[MOST_SLOTS];
    if (c->p.w.direction == FA_ABREAST) {
        c->shares = c->p.slots + MOST_SLOTS * MOST_TILES;
    } else {
        c->p.slots = terms;
        c->shares = shares;
    }
    FN(clear)(c->p.w, c->p.slots);
    FN(clear)(c->p.w, c->shares);
    FN(each_in_slot)(c->p.w, FN(soft_terms_body), c);
    for (size_t t = 0; t < c->p.w.tiles; t++) {
        c->tiles[t].S = FN(total)(c->p.w, c->shares, t).hi;
        c->tiles[t].d_sum = FN(total)(c->p.w, c->p.slots, t).hi;
    }
}
FA_INLINE void FN(soft_grad)(ce *c) {
    for (size_t t = 0; t < c->p.w.tiles; t++) {
        softmax_state *f = FN(state_of)(&c->p, t);
        ce_state *s = FN(loss_of)(c, t);
        s->slope = FN(share)(f->factor, s->scale, &f->unit);
    }
    FN(each)(c->p.w, FN(soft_grad_body), c);
}

/* ---- both ------------------------------------------------------------------------------ */

FA_INLINE void FN(ce_begin)(ce *c) {
    FN(find_max)(&c->p);
    if (c->p.w.direction != FA_ABREAST) c->p.known->max = c->p.tiles->max;
    if (c->o.soft) FN(begin_soft)(c);
    else FN(begin_labels)(c);
}
/* After the loss: Z takes the place of d_sum. */
FA_INLINE vec FN(add_z_loss)(ce *c, size_t t, vec loss) {
    vec lse = c->p.tiles[t].max + c->p.tiles[t].log_total, slope = K(c->o.z_loss) * lse;
    c->tiles[t].Z = slope + slope;
    return v_fma(slope, lse, loss);
}
/* The gradient's place keeps the exponentials, over EXP_UNIT. */
FA_INLINE void FN(ce_middle)(ce *c, fa_direction direction) {
    if (c->o.want_grad) FA_GO_ON(stored_facts, c->a);
    else FA_GO_ON(facts, c->a);
}
FA_INLINE void FN(ce_late)(ce *c) {
    for (size_t t = 0; t < c->p.w.tiles; t++) {
        softmax_state *f = c->p.tiles + t;
        f->factor = FN(reciprocal)(FN(one_plus)(f->others));
        f->log_total = FN(log1p_pair)(f->others, f->factor.hi);
        const ce_state *s = FN(loss_of)(c, t);
        vec loss = K(0);
        if (c->o.want_loss) loss = c->o.soft ? FN(soft_loss)(s, f) : FN(label_loss)(c, s, f);
        if (c->o.z_loss > 0) loss = FN(add_z_loss)(c, t, loss);
        else c->tiles[t].Z = K(0);
        if (c->o.want_loss) FN(put_losses)(c->p.w, c->a->losses, t, v_keep(s->live, loss));
    }
}
FA_INLINE void FN(cross_entropy)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    ce c;
    softmax_state softmax;
    ce_state own;
    FN(ce_over)(&c, &softmax, &own, a, direction);
    if (phase == FA_BEGIN) FN(ce_begin)(&c);
    if (phase == FA_MIDDLE) FN(ce_middle)(&c, direction);
    if (phase == FA_LATE) FN(ce_late)(&c);
    if (phase != FA_END || !c.o.want_grad) return;
    if (c.o.soft) FN(soft_grad)(&c);
    else FN(label_grad)(&c);
}
