/* hardmax and sparsemax: rows in which most entries are exactly 0. They use softmax.h's passes. */

/* ---- hardmax: 1 at the first maximum, else 0 ------------------------------------------------ */

FA_INLINE void FN(find_nan_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    vec x = FN(input)(p, i, t, full), *nan = &FN(state_of)(p, t)->nan;
    *nan = v_select(v_isnan(x), x, *nan);
}
/* Along a row, of the maxima in a vector only the first. */
FA_INLINE vec FN(first_lane)(vec ones) {
    real lanes[LANES], found = 0;
    v_store(lanes, ones);
    for (size_t k = 0; k < LANES; k++) {
        lanes[k] = found == 0 ? lanes[k] : 0;
        found += lanes[k];
    }
    return v_load(lanes);
}
FA_INLINE void FN(hardmax_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    softmax_state *s = FN(state_of)(p, t);
    mask top = v_mask_and(v_eq(FN(input)(p, i, t, full), s->max), v_eq(s->count, K(0)));
    vec one = v_keep(top, K(1));
    if (p->w.direction == FA_ALONG && v_any(top)) {
        one = FN(first_lane)(FN(first)(FN(held)(p->w, i), one));
        s->count = K(1);
    }
    if (p->w.direction != FA_ALONG) s->count = s->count + one;
    FN(put_output)(p, i, t, full, s->nan + one);
}
FA_INLINE void FN(hardmax)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 0);
    if (phase == FA_BEGIN) FN(find_max)(&p);
    if (phase != FA_END) return;
    for (size_t t = 0; t < p.w.tiles; t++) {
        FN(state_of)(&p, t)->nan = K(0);
        FN(state_of)(&p, t)->count = K(0);
    }
    FN(each)(p.w, FN(find_nan_body), &p);
    if (direction == FA_ALONG) own.nan = FN(any_nan)(own.nan, K(0));
    FN(each)(p.w, FN(hardmax_body), &p);
}
/* Its derivative is 0 everywhere; NaN stays. */
FA_INLINE void FN(hardmax_backward_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    vec x = FN(take)(p->w, full, p->x, p->x_pitch, i, t, K(0)), dy = FN(grad_output)(p, i, t, full);
    FN(put_output)(p, i, t, full, v_select(v_isnan(x), x, v_select(v_isnan(dy), dy, K(0))));
}
FA_INLINE void FN(hardmax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    if (phase != FA_END) return;
    FN(pass_over)(&p, &own, a, direction, 1);
    FN(each)(p.w, FN(hardmax_backward_body), &p);
}

/* ---- sparsemax: the nearest point of the simplex ---------------------------------------------
 *
 * y = max(d - t, 0) with d = x - max x and the t for which y adds up to 1. Michelot's way: t of
 * all d > -1, which those in the support must be; then of all d > t, and so on until none
 * drops out. Each pass only drops, so there are few: sorting would be slower. */

/* Adds the d above the threshold, and counts them. NaN is among them: it makes the row NaN. */
FA_INLINE void FN(support_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    pass *p = context;
    softmax_state *s = FN(state_of)(p, t);
    vec d = FN(input)(p, i, t, full) - s->max;
    mask out = v_le(d, s->threshold.hi);
    if (p->w.direction == FA_ALONG) out = v_mask_or(out, v_eq(d, K(-INFINITY))); /* beyond the row's end */
    s->ties = v_count(s->ties, v_mask_not(out));
    p->slots[slot] = FN(sum_add)(p->slots[slot], v_select(out, K(0), d));
}
/* One pass: t of what is above the last one, to `threshold`. Whether something dropped out. */
FA_INLINE int FN(raise_threshold)(pass *p) {
    int dropped = 0;
    for (size_t t = 0; t < p->w.tiles; t++) FN(state_of)(p, t)->ties = v_to_int(K(0));
    FN(add_in_slots)(p, FN(support_body));
    for (size_t t = 0; t < p->w.tiles; t++) {
        softmax_state *s = FN(state_of)(p, t);
        vec count = FN(count)(p->w, s->ties);
        pair sum_less_1 = FN(pair_plus)(s->total, K(-1));
        dropped |= v_any(v_lt(count, s->count));
        s->count = count;
        s->threshold = FN(pair_quotient)(sum_less_1, FN(pair_of)(count, K(0)));
    }
    return dropped;
}
FA_INLINE void FN(find_threshold)(pass *p) {
    for (size_t t = 0; t < p->w.tiles; t++) {
        FN(state_of)(p, t)->threshold = FN(pair_of)(K(-1), K(0));
        FN(state_of)(p, t)->count = v_splat((real)p->w.n + 1);
    }
    while (FN(raise_threshold)(p)) {}
}
FA_INLINE void FN(sparsemax_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    const softmax_state *s = FN(state_of)(p, t);
    vec d = FN(input)(p, i, t, full) - s->max;
    FN(put_output)(p, i, t, full, v_max(K(0), (d - s->threshold.hi) - s->threshold.lo));
}
FA_INLINE void FN(sparsemax_of)(pass *p, fa_row_phase phase) {
    if (phase == FA_BEGIN) FN(find_max)(p);
    if (phase != FA_END) return;
    FN(find_threshold)(p);
    FN(each)(p->w, FN(sparsemax_body), p);
}
FA_INLINE void FN(sparsemax)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 0);
    FN(sparsemax_of)(&p, phase);
}

/* Adds dy over the support, where y is not 0, and counts it. */
FA_INLINE void FN(support_dy_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    pass *p = context;
    mask out = v_le(FN(given_output)(p, i, t, full), K(0));
    softmax_state *s = FN(state_of)(p, t);
    s->ties = v_count(s->ties, v_mask_not(out));
    p->slots[slot] = FN(sum_add)(p->slots[slot], v_select(out, K(0), FN(grad_output)(p, i, t, full)));
}
FA_INLINE void FN(sparsemax_from_output_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    const pair mean = FN(state_of)(p, t)->threshold;
    vec y = FN(given_output)(p, i, t, full), dx = (FN(grad_output)(p, i, t, full) - mean.hi) - mean.lo;
    FN(put_output)(p, i, t, full, v_select(v_le(y, K(0)), K(0), v_select(v_isnan(y), y, dx)));
}
/* dx = dy less its mean over the support there, else 0. The probabilities are in p->x. */
FA_INLINE void FN(sparsemax_gradient)(pass *p) {
    for (size_t t = 0; t < p->w.tiles; t++) FN(state_of)(p, t)->ties = v_to_int(K(0));
    FN(add_in_slots)(p, FN(support_dy_body));
    for (size_t t = 0; t < p->w.tiles; t++) {
        softmax_state *s = FN(state_of)(p, t);
        s->threshold = FN(pair_quotient)(s->total, FN(pair_of)(FN(count)(p->w, s->ties), K(0)));
    }
    FN(each)(p->w, FN(sparsemax_from_output_body), p);
}
FA_INLINE void FN(sparsemax_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    if (phase != FA_END) return;
    FN(pass_over)(&p, &own, a, direction, 1);
    FN(sparsemax_gradient)(&p);
}
/* in: dy, x; the probabilities pass through the output. */
FA_INLINE void FN(sparsemax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 1);
    FN(sparsemax_of)(&p, phase);
    if (phase != FA_END) return;
    p.x = p.y;
    p.x_pitch = p.y_pitch;
    FN(sparsemax_gradient)(&p);
}
