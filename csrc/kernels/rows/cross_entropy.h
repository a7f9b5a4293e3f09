/* Cross entropy of softmax(x), fused: loss, gradient and diagonal of the Hessian, in the four phases of softmax.h.
 *
 * q_j is the target of class j, with s the smoothing and s/n the prior of every class:
 *   labels         q_j = (1-s) [j = t] + s/n
 *   probabilities  q_j = (1-s) y_j + s/n
 * w_j is the class weight, q_j w_j the weighted target, S = sum q_j w_j. With z the z_loss, l = max + log_total,
 * Z = 2 z l and d_j = x_j - max:
 *   loss = S log_total - sum q_j w_j d_j + z l^2
 *   grad = scale ((S + Z) p_j - q_j w_j) = scale ((S - q_j w_j + Z) p_j - q_j w_j (1 - p_j))
 *   hess = scale ((S + Z) p_j (1 - p_j) + 2 z p_j^2)
 * 1 - p_j is computed as (sum_excl_max + (1 - e_j)) / (1 + sum_excl_max). That keeps its relative precision for the
 * winner of a confident row: a gradient of -sum_excl_max / (1 + sum_excl_max) there, never p - 1.
 * A term of zero weight is 0, even where its logarithm is -inf. A row of scale 0, or without any weight and z, is
 * ignored: its loss and gradients are exactly 0, whatever it holds.
 *
 * Which function does what:
 *
 *                      labels                               probability targets
 *   FA_PHASE_MAX       find_max, then                       find_max, then
 *                      read_labels: x_t, w_t, S             read_targets: S, sum q_j w_j d_j
 *   FA_PHASE_EXP_SUM   lse_stats, both: sum_excl_max; with a gradient wanted, e / EXP_SCALE stays in its place
 *   FA_PHASE_LOG       label_loss, add_z_loss               target_loss, add_z_loss
 *   FA_PHASE_WRITE     write_label_grad                     write_target_grad
 *
 * Probability targets are read element by element, as x is. Labels are handled in one of two ways:
 * - many classes: the element at the label is loaded and stored by itself, row by row (gather_at_labels,
 *   scatter_at_labels);
 * - few classes, across rows (compares_labels): each class in turn is compared with the labels of all LANES rows
 *   (select_at_label), so that everything stays in whole vectors.
 *
 * Logits and targets are read in FA_PHASE_MAX, before the gradient may overwrite them. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_CROSS_ENTROPY_H64) : !defined(FA_CROSS_ENTROPY_H32)
#ifdef FA_T_IS_F64
#define FA_CROSS_ENTROPY_H64
#else
#define FA_CROSS_ENTROPY_H32
#endif

#include "../common.h"
#include "softmax.h"

/* State of each row beside softmax_state: what phases hand on (S, x_t, w_t, d_sum or Z), and what one phase needs. */
typedef struct {
    vec scale, S;
    vec x_t, w_t; /* labels: logit and class weight at the label */
    union {
        vec d_sum; /* until the loss is computed; labels: sum w_j d_j under smoothing; targets: sum q_j w_j d_j */
        vec Z;     /* from then on */
    };
    vec prior_slope; /* scale * class_prior */
    vdd slope;       /* labels: scale (S + Z) / (1 + sum_excl_max), targets: scale / (...): see scale_factor */
    mask live;       /* rows that are not ignored */
} FN(ce_state);

typedef struct {
    FN(row_pass) p;
    const fa_rows_args *a;
    const void *target; /* probabilities, laid out as x */
    void *hess;
    ptrdiff_t target_pitch, hess_pitch;
    fa_cross_entropy_options o;
    vec class_prior;                /* s/n */
    FN(ce_state) * saved, *current; /* as in row_pass */
    vsum *target_slots;             /* a second sum's slots, beside p.slots */
    vec label, class_, grad_t;      /* compares_labels: labels, the class at hand, the gradient at the label */
} FN(ce_pass);

FA_INLINE FN(ce_state) * FN(ce_state_of)(FN(ce_pass) * c, size_t t) {
    return c->current + (c->p.shape.traversal == FA_PANEL ? t : 0);
}

FA_INLINE void FN(init_ce_pass)(FN(ce_pass) * c, FN(softmax_state) * softmax, FN(ce_state) * own, const fa_rows_args *a,
                                fa_traversal traversal) {
    FN(init_pass)(&c->p, softmax, a, traversal, 0);
    c->a = a;
    c->target = a->in[1];
    c->target_pitch = a->in_pitch[1];
    c->hess = a->out[1];
    c->hess_pitch = a->out_pitch[1];
    c->o = *a->options;
    c->class_prior = K(c->o.class_prior);
    c->saved = (FN(ce_state) *)(void *)(c->p.saved + (traversal == FA_PANEL ? MAX_TILES : 1));
    c->current = traversal == FA_PANEL ? c->saved : own;
    own->S = c->saved->S;
    own->x_t = c->saved->x_t;
    own->w_t = c->saved->w_t;
    own->d_sum = c->saved->d_sum;
    for (size_t t = 0; t < c->p.shape.tiles; t++) {
        FN(ce_state) *s = FN(ce_state_of)(c, t);
        s->scale = FN(load_row_value)(c->p.shape, a->row_in, t);
        s->live = v_mask_not(v_eq(s->scale, K(0)));
    }
}

FA_INLINE vec FN(class_weight)(const FN(ce_pass) * c, size_t i, int full) {
    const real *weight = c->o.class_weight;
    if (!weight) return K(1);
    return c->p.shape.traversal == FA_WITHIN_ROW ? FN(row_load)(c->p.shape, full, weight, 0, i, 0, K(0))
                                                 : v_splat(weight[i]);
}
FA_INLINE vec FN(sub_max_at)(FN(ce_pass) * c, size_t i, size_t t, int full) {
    const vec max = FN(state_of)(&c->p, t)->max;
    return FN(row_load)(c->p.shape, full, c->p.x, c->p.x_pitch, i, t, max) - max;
}
/* 1 - p_j, from e / EXP_SCALE. */
FA_INLINE vec FN(one_minus_p)(const FN(softmax_state) * f, vec e) {
    return FN(dd_times)(f->factor, f->sum_excl_max.hi + v_fnma(e, K(EXP_SCALE), K(1)));
}

/* hess + 2 z scale p_j^2. z_loss's other part, Z, is in hess already. */
FA_INLINE vec FN(z_curvature)(const FN(ce_pass) * c, const FN(ce_state) * s, const FN(softmax_state) * f, vec e,
                              vec hess) {
    vec p = FN(dd_times)(f->factor, e * K(EXP_SCALE));
    return v_fma(s->scale * (K(2 * c->o.z_loss) * p), p, hess);
}

/* ---- labels ------------------------------------------------------------------------ */

/* Few classes: is each class compared with all labels? That costs less than going to memory row by row. */
FA_INLINE int FN(compares_labels)(const FN(ce_pass) * c) {
    return LANES > 1 && c->p.shape.traversal == FA_ACROSS_ROWS && c->p.shape.n <= 4 * LANES;
}
FA_INLINE void FN(load_tile_labels)(FN(ce_pass) * c) {
    c->label = v_from_int(v_load_int64(c->a->labels));
    c->class_ = K(0);
}
/* label_value in the rows whose label is the class at hand, v in the others. load_tile_labels sets the class at hand to
 * the first, each call moves on to the next. */
FA_INLINE vec FN(select_at_label)(FN(ce_pass) * c, vec label_value, vec v) {
    const mask here = v_eq(c->label, c->class_);
    c->class_ = c->class_ + K(1);
    return v_select(here, label_value, v);
}

/* Many classes: elements from the start of x to the one at the label of a tile's k-th row. */
FA_INLINE ptrdiff_t FN(label_offset)(const FN(ce_pass) * c, ptrdiff_t pitch, size_t t, size_t k) {
    const size_t row = FN(first_row_of)(c->p.shape, t, 0) + k;
    return (ptrdiff_t)c->a->labels[row] * pitch + (ptrdiff_t)row;
}
/* x_t, the logit at each row's label. Collected lane by lane it goes to memory and is loaded in a later phase: a vector
 * load right after would have to wait for the single stores. */
FA_INLINE void FN(gather_at_labels)(FN(ce_pass) * c, size_t t, vec *to) {
    const FN(row_pass) *p = &c->p;
    if (FN(compares_labels)(c)) {
        vec x = K(0);
        FN(load_tile_labels)(c);
        FA_UNROLL(4)
        for (size_t i = 0; i < p->shape.n; i++) x = FN(select_at_label)(c, FN(load_input)(p, i, 0, 1), x);
        *to = x;
        return;
    }
    if (p->shape.traversal == FA_WITHIN_ROW) {
        *to = v_splat(FN(load_real)(p->x, (ptrdiff_t)c->a->labels[0]));
        return;
    }
    const size_t rows = FN(rows_in_tile)(p->shape, t);
    if (rows < LANES) *to = K(0);
    for (size_t k = 0; k < rows; k++) {
        const real x = FN(load_real)(p->x, FN(label_offset)(c, p->x_pitch, t, k));
        FN(store_real)(to, (ptrdiff_t)k, x);
    }
}
FA_INLINE void FN(scatter_at_labels)(const FN(ce_pass) * c, void *row, ptrdiff_t pitch, size_t t, vec v) {
    real lanes[LANES];
    v_store(lanes, v);
    if (c->p.shape.traversal == FA_WITHIN_ROW) FN(store_real)(row, (ptrdiff_t)c->a->labels[0], lanes[0]);
    else
        for (size_t k = 0; k < FN(rows_in_tile)(c->p.shape, t); k++)
            FN(store_real)(row, FN(label_offset)(c, pitch, t, k), lanes[k]);
}
FA_INLINE vec FN(weight_at_labels)(const FN(ce_pass) * c, size_t t) {
    const real *weight = c->o.class_weight;
    if (!weight) return K(1);
    if (c->p.shape.traversal == FA_WITHIN_ROW) return v_splat(weight[c->a->labels[0]]);
    real lanes[LANES];
    for (size_t k = 0; k < LANES; k++) lanes[k] = weight[c->a->labels[FN(first_row_of)(c->p.shape, t, 0) + k]];
    return v_load(lanes);
}

FA_INLINE void FN(weighted_d_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    FN(ce_pass) *c = context;
    vec term = FN(weighted)(FN(class_weight)(c, i, full), FN(sub_max_at)(c, i, t, full));
    c->p.slots[slot] = FN(sum_add)(c->p.slots[slot], term);
}
/* d_sum = sum w_j d_j over all classes: the part that smoothing adds to a label's loss. */
FA_INLINE void FN(weighted_d)(FN(ce_pass) * c) {
    vsum own[MAX_SLOTS];
    if (c->p.shape.traversal != FA_PANEL) c->p.slots = own;
    FN(clear_slots)(c->p.shape, c->p.slots);
    FN(for_each_in_slot)(c->p.shape, FN(weighted_d_body), c);
    for (size_t t = 0; t < c->p.shape.tiles; t++) c->saved[t].d_sum = FN(slots_total)(c->p.shape, c->p.slots, t).hi;
}

/* Stores the gradient of one class; with compares_labels, grad_t in the rows whose label it is. */
FA_INLINE void FN(store_label_grad)(FN(ce_pass) * c, size_t i, size_t t, int full, vec grad) {
    grad = v_keep(FN(ce_state_of)(c, t)->live, grad);
    FN(store_output)(&c->p, i, t, full, FN(compares_labels)(c) ? FN(select_at_label)(c, c->grad_t, grad) : grad);
}

/* Reads e / EXP_SCALE and stores scale ((S + Z) p_j - class_prior w_j) in its place. At the label grad_t replaces it:
 * here if labels are compared, else afterwards. */
FA_INLINE void FN(label_grad_body)(void *context, size_t i, size_t t, int full) {
    FN(ce_pass) *c = context;
    const FN(ce_state) *s = FN(ce_state_of)(c, t);
    const FN(softmax_state) *f = FN(state_of)(&c->p, t);
    vec e = FN(load_output)(&c->p, i, t, full), grad = FN(factor_times_exp)(s->slope, f->exp_multiplier, e);
    if (c->o.want_hess) {
        vec hess = grad * FN(one_minus_p)(f, e);
        if (c->o.z_loss > 0) hess = FN(z_curvature)(c, s, f, e, hess);
        FN(row_store)(c->p.shape, full, c->hess, c->hess_pitch, i, t, v_keep(s->live, hess));
    }
    if (c->o.smoothing > 0) {
        vec weight = FN(class_weight)(c, i, full);
        grad = v_select(v_eq(weight, K(0)), grad, v_fnma(weight, s->prior_slope, grad));
    }
    FN(store_label_grad)(c, i, t, full, grad);
}
/* The same without Hessian and smoothing: the common case. */
FA_INLINE void FN(plain_label_grad_body)(void *context, size_t i, size_t t, int full) {
    FN(ce_pass) *c = context;
    const vec exp_multiplier = FN(state_of)(&c->p, t)->exp_multiplier, e = FN(load_output)(&c->p, i, t, full);
    FN(store_label_grad)(c, i, t, full, FN(factor_times_exp)(FN(ce_state_of)(c, t)->slope, exp_multiplier, e));
}

/* FA_PHASE_MAX: all that the loss and the gradient at the label need of the logits. */
FA_INLINE void FN(read_labels)(FN(ce_pass) * c) {
    const int smooth = c->o.smoothing > 0;
    for (size_t t = 0; t < c->p.shape.tiles; t++) {
        FN(ce_state) *s = c->saved + t;
        FN(gather_at_labels)(c, t, &s->x_t);
        s->w_t = FN(weight_at_labels)(c, t);
        s->S = smooth ? v_fma(c->class_prior, K(c->o.weight_sum), K(1.0 - c->o.smoothing) * s->w_t) : s->w_t;
        s->d_sum = K(0);
    }
    if (smooth && c->o.want_loss) FN(weighted_d)(c);
}
FA_INLINE vec FN(target_loss)(const FN(ce_state) * s, const FN(softmax_state) * f) {
    return FN(weighted)(s->S, f->log_total) - s->d_sum;
}
FA_INLINE vec FN(label_loss)(const FN(ce_pass) * c, const FN(ce_state) * s, const FN(softmax_state) * f) {
    vec loss = FN(weighted)(K(1.0 - c->o.smoothing) * s->w_t, f->log_total - (s->x_t - f->max));
    if (c->o.smoothing > 0) loss = v_fma(c->class_prior, v_fms(K(c->o.weight_sum), f->log_total, s->d_sum), loss);
    return loss;
}
/* e_t / EXP_SCALE, as the output holds it at the label. For the rows of a tile it is faster to compute it again than to
 * collect it. */
FA_INLINE vec FN(exponential_at_labels)(const FN(ce_pass) * c, const FN(ce_state) * s, const FN(softmax_state) * f) {
    if (c->p.shape.traversal == FA_WITHIN_ROW) return v_splat(FN(load_real)(c->p.y, (ptrdiff_t)c->a->labels[0]));
    return v_exp_scaled(s->x_t - f->max);
}
/* grad_t, the gradient at the labels, in the form that does not cancel. The output still holds exponentials. */
FA_INLINE vec FN(grad_at_labels)(const FN(ce_pass) * c, const FN(ce_state) * s, const FN(softmax_state) * f) {
    vec q_t = s->w_t, e_t = FN(exponential_at_labels)(c, s, f);
    int smooth = c->o.smoothing > 0;
    if (smooth) q_t = v_fma(c->class_prior, q_t, K(1.0 - c->o.smoothing) * q_t);
    vec grad_t = q_t * FN(one_minus_p)(f, e_t), rise = s->Z;
    if (smooth) rise = v_fma(c->class_prior, K(c->o.weight_sum) - s->w_t, rise); /* S - q_t + Z */
    if (smooth || c->o.z_loss > 0) grad_t = v_fnma(rise, FN(dd_times)(f->factor, e_t * K(EXP_SCALE)), grad_t);
    return v_keep(s->live, -(s->scale * grad_t));
}
/* FA_PHASE_WRITE. Without z_loss, and without smoothing or with class weights that sum to 0, a row whose label has
 * weight 0 is ignored. */
FA_INLINE void FN(write_label_grad)(FN(ce_pass) * c) {
    vec grad_t[MAX_TILES];
    for (size_t t = 0; t < c->p.shape.tiles; t++) {
        FN(softmax_state) *f = FN(state_of)(&c->p, t);
        FN(ce_state) *s = FN(ce_state_of)(c, t);
        if (!(c->o.z_loss > 0) && (!(c->o.smoothing > 0) || !(c->o.weight_sum != 0)))
            s->live = v_mask_and(s->live, v_mask_not(v_eq(s->w_t, K(0))));
        grad_t[t] = FN(grad_at_labels)(c, s, f);
        s->prior_slope = s->scale * c->class_prior;
        s->slope = FN(scale_factor)(f->factor, s->scale * (s->S + s->Z), &f->exp_multiplier);
    }
    c->grad_t = grad_t[0];
    if (FN(compares_labels)(c)) FN(load_tile_labels)(c);
    if (c->o.smoothing > 0 || c->o.want_hess) FN(for_each_vector)(c->p.shape, FN(label_grad_body), c);
    else FN(for_each_vector)(c->p.shape, FN(plain_label_grad_body), c);
    if (FN(compares_labels)(c)) return;
    for (size_t t = 0; t < c->p.shape.tiles; t++) FN(scatter_at_labels)(c, c->p.y, c->p.y_pitch, t, grad_t[t]);
}

/* ---- probabilities ------------------------------------------------------------------- */

/* q_j w_j; 0 beyond the row's end, where y is 0 but the class prior is not */
FA_INLINE vec FN(weighted_target)(const FN(ce_pass) * c, size_t i, size_t t, int full) {
    vec y = FN(row_load)(c->p.shape, full, c->target, c->target_pitch, i, t, K(0));
    vec q = v_fma(K(1.0 - c->o.smoothing), y, c->class_prior) * FN(class_weight)(c, i, full);
    return full || c->p.shape.traversal != FA_WITHIN_ROW || i < c->p.shape.full_vectors
               ? q
               : FN(first_lanes)(c->p.shape.tail, q);
}
FA_INLINE void FN(target_terms_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    FN(ce_pass) *c = context;
    vec q = FN(weighted_target)(c, i, t, full);
    c->p.slots[slot] = FN(sum_add)(c->p.slots[slot], FN(weighted)(q, FN(sub_max_at)(c, i, t, full)));
    c->target_slots[slot] = FN(sum_add)(c->target_slots[slot], q);
}
FA_INLINE void FN(target_grad_body)(void *context, size_t i, size_t t, int full) {
    FN(ce_pass) *c = context;
    const FN(ce_state) *s = FN(ce_state_of)(c, t);
    const FN(softmax_state) *f = FN(state_of)(&c->p, t);
    vec e = FN(load_output)(&c->p, i, t, full);
    vec q = FN(weighted_target)(c, i, t, full), p = FN(factor_times_exp)(s->slope, f->exp_multiplier, e),
        rest = FN(one_minus_p)(f, e);
    vec grad = v_fms((s->S - q) + s->Z, p, s->scale * q * rest); /* p has taken scale already */
    if (c->o.want_hess) {
        vec hess = (s->S + s->Z) * p * rest;
        if (c->o.z_loss > 0) hess = FN(z_curvature)(c, s, f, e, hess);
        FN(row_store)(c->p.shape, full, c->hess, c->hess_pitch, i, t, v_keep(s->live, hess));
    }
    FN(store_output)(&c->p, i, t, full, v_keep(s->live, grad));
}

/* FA_PHASE_MAX: S and d_sum in one pass. */
FA_INLINE void FN(read_targets)(FN(ce_pass) * c) {
    vsum terms[MAX_SLOTS], targets[MAX_SLOTS];
    if (c->p.shape.traversal == FA_PANEL) {
        c->target_slots = c->p.slots + MAX_SLOTS * MAX_TILES;
    } else {
        c->p.slots = terms;
        c->target_slots = targets;
    }
    FN(clear_slots)(c->p.shape, c->p.slots);
    FN(clear_slots)(c->p.shape, c->target_slots);
    FN(for_each_in_slot)(c->p.shape, FN(target_terms_body), c);
    for (size_t t = 0; t < c->p.shape.tiles; t++) {
        c->saved[t].S = FN(slots_total)(c->p.shape, c->target_slots, t).hi;
        c->saved[t].d_sum = FN(slots_total)(c->p.shape, c->p.slots, t).hi;
    }
}
/* FA_PHASE_WRITE. */
FA_INLINE void FN(write_target_grad)(FN(ce_pass) * c) {
    for (size_t t = 0; t < c->p.shape.tiles; t++) {
        FN(softmax_state) *f = FN(state_of)(&c->p, t);
        FN(ce_state) *s = FN(ce_state_of)(c, t);
        s->slope = FN(scale_factor)(f->factor, s->scale, &f->exp_multiplier);
    }
    FN(for_each_vector)(c->p.shape, FN(target_grad_body), c);
}

/* ---- both ------------------------------------------------------------------------------ */

FA_INLINE void FN(ce_phase_max)(FN(ce_pass) * c) {
    FN(find_max)(&c->p);
    if (c->p.shape.traversal != FA_PANEL) c->p.current->max = c->p.saved->max;
    if (c->o.soft_targets) FN(read_targets)(c);
    else FN(read_labels)(c);
}
/* The loss with z l^2. Z takes the place of d_sum, which is no longer needed. */
FA_INLINE vec FN(add_z_loss)(FN(ce_pass) * c, size_t t, vec loss) {
    vec lse = c->p.saved[t].max + c->p.saved[t].log_total, slope = K(c->o.z_loss) * lse;
    c->saved[t].Z = slope + slope;
    return v_fma(slope, lse, loss);
}
/* If a gradient is wanted, its place keeps e / EXP_SCALE. */
FA_INLINE void FN(ce_phase_exp_sum)(FN(ce_pass) * c, fa_traversal traversal) {
    if (c->o.want_grad) FA_CALL_TRAVERSAL(lse_stats_stored, c->a);
    else FA_CALL_TRAVERSAL(lse_stats, c->a);
}
/* factor here is 1 / (1 + sum_excl_max), of the sum of e itself. */
FA_INLINE void FN(ce_phase_log)(FN(ce_pass) * c) {
    for (size_t t = 0; t < c->p.shape.tiles; t++) {
        FN(softmax_state) *f = c->p.saved + t;
        f->factor = FN(dd_reciprocal)(FN(dd_one_plus)(f->sum_excl_max));
        f->log_total = FN(log1p_dd)(f->sum_excl_max, f->factor.hi);
        const FN(ce_state) *s = FN(ce_state_of)(c, t);
        vec loss = K(0);
        if (c->o.want_loss) loss = c->o.soft_targets ? FN(target_loss)(s, f) : FN(label_loss)(c, s, f);
        if (c->o.z_loss > 0) loss = FN(add_z_loss)(c, t, loss);
        else c->saved[t].Z = K(0);
        if (c->o.want_loss) FN(store_losses)(c->p.shape, c->a->losses, t, v_keep(s->live, loss));
    }
}
FA_INLINE void FN(cross_entropy)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(ce_pass) c;
    FN(softmax_state) softmax;
    FN(ce_state) own;
    FN(init_ce_pass)(&c, &softmax, &own, a, traversal);
    if (phase == FA_PHASE_MAX) FN(ce_phase_max)(&c);
    if (phase == FA_PHASE_EXP_SUM) FN(ce_phase_exp_sum)(&c, traversal);
    if (phase == FA_PHASE_LOG) FN(ce_phase_log)(&c);
    if (phase != FA_PHASE_WRITE || !c.o.want_grad) return;
    if (c.o.soft_targets) FN(write_target_grad)(&c);
    else FN(write_label_grad)(&c);
}

#endif
