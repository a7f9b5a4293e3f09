/* Gradients dx of softmax, softmin, log_softmax and logsumexp, given dy (grad_output).
 *
 *   softmax       dx = y (dy - sum_k dy_k y_k)          softmin: the negative of that
 *   log_softmax   dx = dy - p sum_k dy_k,  p = exp(y)
 *   logsumexp     dx = dy p,  p = softmax(x)            dy: one value a row
 *
 * <op>_from_output takes dy and y and does everything in FA_PHASE_WRITE. <op>_backward takes dy and x: phases up to
 * FA_PHASE_EXP_SUM are those of softmax (softmax.h), then FA_PHASE_WRITE has the exponentials in the output and turns
 * them into dx there. So the output must not be dy's memory; where it is, the driver copies dy first.
 *
 * sparse.h has the gradients of hardmax and sparsemax. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_SOFTMAX_BACKWARD_H64) : !defined(FA_SOFTMAX_BACKWARD_H32)
#ifdef FA_T_IS_F64
#define FA_SOFTMAX_BACKWARD_H64
#else
#define FA_SOFTMAX_BACKWARD_H32
#endif

#include "softmax.h"

/* Sums what `body` adds to p->slots, into each tile's `total`. */
FA_INLINE void FN(sum_rows_in_slots)(FN(row_pass) * p, FN(slot_body) * body) {
    vsum own[MAX_SLOTS];
    if (p->shape.traversal != FA_PANEL) p->slots = own;
    FN(clear_slots)(p->shape, p->slots);
    FN(for_each_in_slot)(p->shape, body, p);
    for (size_t t = 0; t < p->shape.tiles; t++) FN(state_of)(p, t)->total = FN(slots_total)(p->shape, p->slots, t);
}

/* The given y, which a gradient's pass has in the place of x: probabilities or log-probabilities. */
FA_INLINE vec FN(load_given_output)(const FN(row_pass) * p, size_t i, size_t t, int full) {
    return FN(row_load)(p->shape, full, p->x, p->x_pitch, i, t, K(0));
}
FA_INLINE void FN(dot_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    vec dy = FN(load_grad_output)(p, i, t, full), y = FN(load_given_output)(p, i, t, full);
    p->slots[slot] = FN(sum_add_product)(p->slots[slot], dy, y);
}
FA_INLINE void FN(softmax_from_output_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    const vdd total = FN(state_of)(p, t)->total;
    vec centred = (FN(load_grad_output)(p, i, t, full) - total.hi) - total.lo;
    FN(store_output)(p, i, t, full, FN(load_given_output)(p, i, t, full) * (p->negated ? -centred : centred));
}
/* in: dy, y. The output may be either's memory: the sum is complete before the first dx is stored. */
FA_INLINE void FN(gradient_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal,
                                        int negated) {
    if (phase != FA_PHASE_WRITE) return;
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 1);
    p.negated = negated;
    FN(sum_rows_in_slots)(&p, FN(dot_body));
    FN(for_each_vector)(p.shape, FN(softmax_from_output_body), &p);
}
FA_INLINE void FN(softmax_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(gradient_from_output)(a, phase, traversal, 0);
}
FA_INLINE void FN(softmin_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(gradient_from_output)(a, phase, traversal, 1);
}

FA_INLINE void FN(scale_dot_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    FN(scale_body)(p, i, t, full);
    FN(dot_body)(p, slot, i, t, full);
}
/* FA_PHASE_WRITE of softmax_backward. Exponentials in the output become probabilities, summed against dy in the same
 * pass; a second pass turns them into dx. */
FA_INLINE void FN(write_gradient)(FN(row_pass) * p, int negated) {
    p->negated = negated;
    p->x = p->y;
    p->x_pitch = p->y_pitch;
    FN(sum_rows_in_slots)(p, FN(scale_dot_body));
    FN(for_each_vector)(p->shape, FN(softmax_from_output_body), p);
}
/* in: dy, x */
FA_INLINE void FN(softmax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 1);
    FN(softmax_until_write)(&p, a, 1, phase, traversal);
    if (phase == FA_PHASE_WRITE) FN(write_gradient)(&p, 0);
}
/* in: dy, x. -x goes to the output first and is softmax's input from then on. */
FA_INLINE void FN(softmin_backward)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    const fa_rows_args negated = FN(with_output_as_input)(a, 1);
    if (phase == FA_PHASE_MAX) FN(softmin_max)(a, traversal, 1);
    if (phase == FA_PHASE_EXP_SUM) FA_CALL_TRAVERSAL(exp_sum, &negated, 1);
    if (phase != FA_PHASE_WRITE) return;
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, &negated, traversal, 1);
    FN(write_gradient)(&p, 1);
}
FA_INLINE void FN(sum_dy_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    p->slots[slot] = FN(sum_add)(p->slots[slot], FN(load_grad_output)(p, i, t, full));
}
FA_INLINE void FN(log_softmax_gradient_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    const vec total = FN(state_of)(p, t)->total.hi;
    FN(store_output)(p, i, t, full, v_fnma(FN(load_output)(p, i, t, full), total, FN(load_grad_output)(p, i, t, full)));
}
/* dx = dy - p sum(dy). The output holds p. */
FA_INLINE void FN(log_softmax_gradient)(FN(row_pass) * p) {
    FN(sum_rows_in_slots)(p, FN(sum_dy_body));
    FN(for_each_vector)(p->shape, FN(log_softmax_gradient_body), p);
}

FA_INLINE void FN(exp_output_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    vec y = v_min(K(0), FN(load_given_output)(p, i, t, full)); /* y > 0 is none, but must give the same bits */
    FN(store_output)(p, i, t, full, v_exp_nonpos(y));
}
/* in: dy, y = log_softmax(x) */
FA_INLINE void FN(log_softmax_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    if (phase != FA_PHASE_WRITE) return;
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 1);
    FN(for_each_vector)(p.shape, FN(exp_output_body), &p);
    FN(log_softmax_gradient)(&p);
}

/* in: dy, x */
FA_INLINE void FN(log_softmax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(softmax_of)(a, phase, traversal, 1);
    if (phase != FA_PHASE_WRITE) return;
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 1);
    FN(log_softmax_gradient)(&p);
}

FA_INLINE void FN(logsumexp_backward_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    const FN(softmax_state) *s = FN(state_of)(p, t);
    FN(store_output)(p, i, t, full, FN(factor_times_exp)(s->factor, s->exp_multiplier, FN(load_output)(p, i, t, full)));
}
/* row_in: dy; in: x. factor is 1 / sum of e / EXP_SCALE; scale_factor wants 1 / sum of e. */
FA_INLINE void FN(logsumexp_backward)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 0);
    FN(softmax_until_write)(&p, a, 0, phase, traversal);
    if (phase != FA_PHASE_WRITE) return;
    for (size_t t = 0; t < p.shape.tiles; t++) {
        FN(softmax_state) *s = FN(state_of)(&p, t);
        vdd factor = {s->factor.hi * K(1 / EXP_SCALE), s->factor.lo * K(1 / EXP_SCALE)};
        s->factor = FN(scale_factor)(factor, FN(load_row_value)(p.shape, a->row_in, t), &s->exp_multiplier);
    }
    FN(for_each_vector)(p.shape, FN(logsumexp_backward_body), &p);
}

#endif
