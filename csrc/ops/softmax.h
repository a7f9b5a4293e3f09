/* softmax, log_softmax, logsumexp and their gradients.
 *
 * With m = max x and e_j = exp(x_j - m), the sum is 1 + others: one maximum is
 * left out, so that log(1 + others) = log1p(others) keeps its relative
 * precision in confident rows, where others is tiny.
 *   softmax     p_j = e_j / (1 + others)
 *   log_softmax (x_j - m) - log1p(others), never -0
 *   logsumexp   m + log1p(others)
 * A logit of -inf has e = 0 exactly. A row of only -inf, or with +inf or NaN,
 * is NaN throughout: its differences or its sum are. logsumexp of such a row is
 * its maximum (of none, -inf), or NaN if it holds one.
 */

typedef struct {
    vec max;
    pair others;  /* the sum of exp(x - max) without one maximum */
    vec log_total; /* log1p(others) */
} FN(row_facts);
#define row_facts FN(row_facts)

/* log1p of a pair >= 0, with the low part to first order. */
FA_INLINE vec FN(log1p_pair)(pair p) { return v_log1p(p.hi) + p.lo / (K(1) + p.hi); }

FA_INLINE pair FN(one_plus)(pair p) {
    vec hi = K(1) + p.hi, t = hi - K(1);
    pair r = {hi, ((K(1) - (hi - t)) + (p.hi - t)) + p.lo};
    return r;
}

/* Everything a row's log-probabilities need, `max` being its row_max; exp(x - max) is stored to `e` unless that is NULL. */
FA_INLINE row_facts FN(facts_of)(walk w, vec max, const void *x, ptrdiff_t x_pitch, void *e, ptrdiff_t e_pitch) {
    row_facts f;
    sum rest[MOST_SLOTS], counts[MOST_SLOTS];
    vec ties[MOST_SLOTS];
    FN(clear)(w, rest);
    for (size_t k = 0; k < w.slots; k++) ties[k] = K(0);
    f.max = max;
    for (size_t i = 0; i < w.vectors; i++) {
        vec d = FN(take)(w, x, x_pitch, i, K(-INFINITY)) - f.max;
        vec ex = v_exp_fast_nonpos(d);
        mask top = v_eq(d, K(0));
        size_t slot = FN(slot_of)(w, i);
        rest[slot] = FN(sum_add)(rest[slot], v_select(top, K(0), ex));
        ties[slot] = ties[slot] + v_keep(top, K(1)); /* exact: float32 counts to 2^24 a lane */
        if (e) FN(put)(w, e, e_pitch, i, ex);
    }
    for (size_t k = 0; k < w.slots; k++) counts[k] = FN(sum_add)(FN(sum_zero)(), ties[k]);
    pair small = FN(total)(w, rest), count = FN(total)(w, counts);
    vec extra = count.hi - K(1), hi = small.hi + extra, t = hi - extra;
    f.others.hi = hi;
    f.others.lo = ((extra - (hi - t)) + (small.hi - t)) + small.lo;
    f.log_total = FN(log1p_pair)(f.others);
    return f;
}

/* Stores e and gives its total: what softmax needs and no more. */
FA_INLINE pair FN(exponentials)(walk w, const void *x, ptrdiff_t x_pitch, void *e, ptrdiff_t e_pitch) {
    sum slots[MOST_SLOTS];
    vec m = FN(row_max)(w, x, x_pitch);
    FN(clear)(w, slots);
    for (size_t i = 0; i < w.vectors; i++) {
        vec ex = v_exp_fast_nonpos(FN(take)(w, x, x_pitch, i, K(-INFINITY)) - m);
        sum *slot = &slots[FN(slot_of)(w, i)];
        *slot = FN(sum_add)(*slot, ex);
        FN(put)(w, e, e_pitch, i, ex);
    }
    return FN(total)(w, slots);
}

FA_INLINE void FN(scale_row)(walk w, void *e, ptrdiff_t pitch, pair factor) {
    for (size_t i = 0; i < w.vectors; i++)
        FN(put)(w, e, pitch, i, FN(times)(factor, FN(take)(w, e, pitch, i, K(0))));
}

FA_INLINE void FN(softmax)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    pair total = FN(exponentials)(w, a->in[0], a->in_pitch[0], a->out[0], a->out_pitch[0]);
    FN(scale_row)(w, a->out[0], a->out_pitch[0], FN(reciprocal)(total));
}

FA_INLINE void FN(log_softmax)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    row_facts f = FN(facts_of)(w, FN(row_max)(w, a->in[0], a->in_pitch[0]), a->in[0], a->in_pitch[0], NULL, 0);
    for (size_t i = 0; i < w.vectors; i++) {
        vec d = (FN(take)(w, a->in[0], a->in_pitch[0], i, K(0)) - f.max) + K(0); /* -0 to +0 */
        FN(put)(w, a->out[0], a->out_pitch[0], i, d - f.log_total);
    }
}

/* NaN in every lane if one of v is, else `otherwise`. */
FA_INLINE vec FN(any_nan)(vec v, vec otherwise) { return v_any(v_isnan(v)) ? K(NAN) : otherwise; }

FA_INLINE void FN(logsumexp)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    vec max = FN(row_max)(w, a->in[0], a->in_pitch[0]);
    row_facts f = FN(facts_of)(w, max, a->in[0], a->in_pitch[0], NULL, 0);
    vec result = max + f.log_total;
    mask infinite = v_eq(v_abs(max), K(INFINITY));
    if (v_any(infinite)) { /* the maximum itself, but for a NaN beside it */
        vec nan = max;
        for (size_t i = 0; i < w.vectors; i++) {
            vec x = FN(take)(w, a->in[0], a->in_pitch[0], i, K(0));
            nan = v_select(v_isnan(x), x, nan);
        }
        if (w.direction == FA_ALONG) nan = FN(any_nan)(nan, max);
        result = v_select(infinite, nan, result);
    }
    FN(put_row)(w, a->row_out, result);
}

/* ---- gradients ------------------------------------------------------------------ */

/* dx = y (dy - sum(dy y)); in: dy, y. May overwrite either. */
FA_INLINE void FN(softmax_from_output)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    sum slots[MOST_SLOTS];
    FN(clear)(w, slots);
    for (size_t i = 0; i < w.vectors; i++) {
        vec dy = FN(take)(w, a->in[0], a->in_pitch[0], i, K(0));
        vec y = FN(take)(w, a->in[1], a->in_pitch[1], i, K(0));
        sum *slot = &slots[FN(slot_of)(w, i)];
        *slot = FN(sum_add_product)(*slot, dy, y);
    }
    pair dot = FN(total)(w, slots);
    for (size_t i = 0; i < w.vectors; i++) {
        vec dy = FN(take)(w, a->in[0], a->in_pitch[0], i, K(0));
        vec y = FN(take)(w, a->in[1], a->in_pitch[1], i, K(0));
        FN(put)(w, a->out[0], a->out_pitch[0], i, y * ((dy - dot.hi) - dot.lo));
    }
}

/* in: dy, x; the probabilities pass through the output. */
FA_INLINE void FN(softmax_backward)(const fa_rows_args *a, fa_direction direction) {
    fa_rows_args forward = *a, back = *a;
    forward.in[0] = a->in[1];
    forward.in_pitch[0] = a->in_pitch[1];
    FN(softmax)(&forward, direction);
    back.in[1] = a->out[0];
    back.in_pitch[1] = a->out_pitch[0];
    FN(softmax_from_output)(&back, direction);
}

/* dx = dy - p sum(dy), with p in the output already. */
FA_INLINE void FN(subtract_share)(walk w, const fa_rows_args *a) {
    sum slots[MOST_SLOTS];
    FN(clear)(w, slots);
    for (size_t i = 0; i < w.vectors; i++) {
        vec dy = FN(take)(w, a->in[0], a->in_pitch[0], i, K(0));
        sum *slot = &slots[FN(slot_of)(w, i)];
        *slot = FN(sum_add)(*slot, dy);
    }
    vec total = FN(total)(w, slots).hi;
    for (size_t i = 0; i < w.vectors; i++) {
        vec dy = FN(take)(w, a->in[0], a->in_pitch[0], i, K(0));
        vec p = FN(take)(w, a->out[0], a->out_pitch[0], i, K(0));
        FN(put)(w, a->out[0], a->out_pitch[0], i, v_fnma(p, total, dy));
    }
}

/* in: dy, y = log_softmax(x) */
FA_INLINE void FN(log_softmax_from_output)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    for (size_t i = 0; i < w.vectors; i++)
        FN(put)(w, a->out[0], a->out_pitch[0], i, v_exp_fast_nonpos(FN(take)(w, a->in[1], a->in_pitch[1], i, K(0))));
    FN(subtract_share)(w, a);
}

/* in: dy, x */
FA_INLINE void FN(log_softmax_backward)(const fa_rows_args *a, fa_direction direction) {
    fa_rows_args forward = *a;
    forward.in[0] = a->in[1];
    forward.in_pitch[0] = a->in_pitch[1];
    FN(softmax)(&forward, direction);
    FN(subtract_share)(FN(walk_of)(a->n, direction), a);
}

/* row_in: dy; in: x; dx = dy p */
FA_INLINE void FN(logsumexp_backward)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    pair total = FN(exponentials)(w, a->in[0], a->in_pitch[0], a->out[0], a->out_pitch[0]);
    pair factor = FN(scaled)(FN(reciprocal)(total), FN(take_row)(w, a->row_in));
    FN(scale_row)(w, a->out[0], a->out_pitch[0], factor);
}
