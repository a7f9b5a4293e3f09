/* hardmax, sparsemax and their gradients: results of which most are exactly 0. They use the passes of softmax.h.
 * FA_PHASE_MAX finds the maximum where it is needed, FA_PHASE_WRITE does the rest. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_SPARSE_ROWS_H64) : !defined(FA_SPARSE_ROWS_H32)
#ifdef FA_T_IS_F64
#define FA_SPARSE_ROWS_H64
#else
#define FA_SPARSE_ROWS_H32
#endif

#include "softmax.h"
#include "softmax_backward.h"

/* ---- hardmax: 1 at the first maximum, else 0; a row with NaN is NaN ---------------------------- */

FA_INLINE void FN(find_nan_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    vec x = FN(load_input)(p, i, t, full), *nan = &FN(state_of)(p, t)->nan;
    *nan = v_select(v_isnan(x), x, *nan);
}
/* Within row: of the ones in a vector keeps only the first. */
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
    FN(row_pass) *p = context;
    FN(softmax_state) *s = FN(state_of)(p, t);
    mask top = v_mask_and(v_eq(FN(load_input)(p, i, t, full), s->max), v_eq(s->count, K(0)));
    vec one = v_keep(top, K(1));
    if (p->shape.traversal == FA_WITHIN_ROW && v_any(top)) {
        one = FN(first_lane)(FN(first_lanes)(FN(lanes_held)(p->shape, i), one));
        s->count = K(1);
    }
    if (p->shape.traversal != FA_WITHIN_ROW) s->count = s->count + one;
    FN(store_output)(p, i, t, full, s->nan + one);
}
FA_INLINE void FN(hardmax)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 0);
    if (phase == FA_PHASE_MAX) FN(find_max)(&p);
    if (phase != FA_PHASE_WRITE) return;
    for (size_t t = 0; t < p.shape.tiles; t++) {
        FN(state_of)(&p, t)->nan = K(0);
        FN(state_of)(&p, t)->count = K(0);
    }
    FN(for_each_vector)(p.shape, FN(find_nan_body), &p);
    if (traversal == FA_WITHIN_ROW) own.nan = FN(any_nan)(own.nan, K(0));
    FN(for_each_vector)(p.shape, FN(hardmax_body), &p);
}
/* The derivative is 0 everywhere. NaN of x or dy stays NaN. */
FA_INLINE void FN(hardmax_backward_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    vec x = FN(row_load)(p->shape, full, p->x, p->x_pitch, i, t, K(0)), dy = FN(load_grad_output)(p, i, t, full);
    FN(store_output)(p, i, t, full, v_select(v_isnan(x), x, v_select(v_isnan(dy), dy, K(0))));
}
FA_INLINE void FN(hardmax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    if (phase != FA_PHASE_WRITE) return;
    FN(init_pass)(&p, &own, a, traversal, 1);
    FN(for_each_vector)(p.shape, FN(hardmax_backward_body), &p);
}

/* ---- sparsemax: the nearest point of the probability simplex ------------------------------------
 *
 * y = max(d - t, 0) with d = x - max x, and with the threshold t for which y adds up to 1.
 * Michelot's algorithm: every d in the support is above -1, so start with all of those; t = (their sum - 1) / their
 * number; drop the d that are not above t, and repeat until none drops. Entries never come back, so a few passes
 * suffice, which is faster than sorting.
 *
 * Gradient: dx = dy - (mean of dy over the support) in the support, 0 elsewhere. */

/* Adds and counts the d above the threshold. NaN counts as above: it makes the row NaN. */
FA_INLINE void FN(support_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    FN(softmax_state) *s = FN(state_of)(p, t);
    vec d = FN(load_input)(p, i, t, full) - s->max;
    mask out = v_le(d, s->threshold.hi);
    if (p->shape.traversal == FA_WITHIN_ROW) out = v_mask_or(out, v_eq(d, K(-INFINITY))); /* beyond the row's end */
    s->ties = v_count(s->ties, v_mask_not(out));
    p->slots[slot] = FN(sum_add)(p->slots[slot], v_select(out, K(0), d));
}
/* One pass: the next threshold from the entries above this one. Returns whether an entry dropped out. */
FA_INLINE int FN(raise_threshold)(FN(row_pass) * p) {
    int dropped = 0;
    for (size_t t = 0; t < p->shape.tiles; t++) FN(state_of)(p, t)->ties = v_to_int(K(0));
    FN(sum_rows_in_slots)(p, FN(support_body));
    for (size_t t = 0; t < p->shape.tiles; t++) {
        FN(softmax_state) *s = FN(state_of)(p, t);
        vec count = FN(total_count)(p->shape, s->ties);
        vdd sum_less_1 = FN(dd_add_vec)(s->total, K(-1));
        dropped |= v_any(v_lt(count, s->count));
        s->count = count;
        s->threshold = FN(dd_div)(sum_less_1, FN(dd_of)(count, K(0)));
    }
    return dropped;
}
FA_INLINE void FN(find_threshold)(FN(row_pass) * p) {
    for (size_t t = 0; t < p->shape.tiles; t++) {
        FN(state_of)(p, t)->threshold = FN(dd_of)(K(-1), K(0));
        FN(state_of)(p, t)->count = v_splat((real)p->shape.n + 1);
    }
    while (FN(raise_threshold)(p)) {}
}
FA_INLINE void FN(sparsemax_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    const FN(softmax_state) *s = FN(state_of)(p, t);
    vec d = FN(load_input)(p, i, t, full) - s->max;
    FN(store_output)(p, i, t, full, v_max(K(0), (d - s->threshold.hi) - s->threshold.lo));
}
FA_INLINE void FN(sparsemax_of)(FN(row_pass) * p, fa_row_phase phase) {
    if (phase == FA_PHASE_MAX) FN(find_max)(p);
    if (phase != FA_PHASE_WRITE) return;
    FN(find_threshold)(p);
    FN(for_each_vector)(p->shape, FN(sparsemax_body), p);
}
FA_INLINE void FN(sparsemax)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 0);
    FN(sparsemax_of)(&p, phase);
}

/* Adds dy over the support, where y > 0, and counts the support. */
FA_INLINE void FN(support_dy_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    mask out = v_le(FN(load_given_output)(p, i, t, full), K(0));
    FN(softmax_state) *s = FN(state_of)(p, t);
    s->ties = v_count(s->ties, v_mask_not(out));
    p->slots[slot] = FN(sum_add)(p->slots[slot], v_select(out, K(0), FN(load_grad_output)(p, i, t, full)));
}
FA_INLINE void FN(sparsemax_from_output_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    const vdd mean = FN(state_of)(p, t)->threshold;
    vec y = FN(load_given_output)(p, i, t, full), dx = (FN(load_grad_output)(p, i, t, full) - mean.hi) - mean.lo;
    FN(store_output)(p, i, t, full, v_select(v_le(y, K(0)), K(0), v_select(v_isnan(y), y, dx)));
}
/* p->x holds the probabilities y. */
FA_INLINE void FN(sparsemax_gradient)(FN(row_pass) * p) {
    for (size_t t = 0; t < p->shape.tiles; t++) FN(state_of)(p, t)->ties = v_to_int(K(0));
    FN(sum_rows_in_slots)(p, FN(support_dy_body));
    for (size_t t = 0; t < p->shape.tiles; t++) {
        FN(softmax_state) *s = FN(state_of)(p, t);
        s->threshold = FN(dd_div)(s->total, FN(dd_of)(FN(total_count)(p->shape, s->ties), K(0)));
    }
    FN(for_each_vector)(p->shape, FN(sparsemax_from_output_body), p);
}
FA_INLINE void FN(sparsemax_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    if (phase != FA_PHASE_WRITE) return;
    FN(init_pass)(&p, &own, a, traversal, 1);
    FN(sparsemax_gradient)(&p);
}
/* in: dy, x. The output holds y before it holds dx. */
FA_INLINE void FN(sparsemax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 1);
    FN(sparsemax_of)(&p, phase);
    if (phase != FA_PHASE_WRITE) return;
    p.x = p.y;
    p.x_pitch = p.y_pitch;
    FN(sparsemax_gradient)(&p);
}

#endif
