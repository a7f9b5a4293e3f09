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

/* The passes over a row: what they read, write and add up. */
typedef struct {
    walk w;
    const void *x;
    void *y;
    ptrdiff_t x_pitch, y_pitch;
    vec max, log_total;
    pair factor;
    vec ties;   /* how many maxima: exact in any order, float32 counts to 2^24 a lane */
    sum *slots; /* an array stays apart, so that the rest can live in registers */
} FN(pass);
#define pass FN(pass)

FA_INLINE vec FN(exp_below_max)(const pass *p, size_t i, int full) {
    if (!full && i >= p->w.vectors) return K(0);
    return v_exp_nonpos(FN(take)(p->w, full, p->x, p->x_pitch, i, K(-INFINITY)) - p->max);
}

FA_INLINE void FN(exponentials_body)(void *context, size_t slot, size_t i, size_t j, int full) {
    pass *p = context;
    vec first = FN(exp_below_max)(p, i, full), second = FN(exp_below_max)(p, j, full);
    p->slots[slot] = FN(sum_add_two)(p->slots[slot], first, second);
    FN(put)(p->w, full, p->y, p->y_pitch, i, first);
    FN(put_any)(p->w, full, p->y, p->y_pitch, j, second);
}

/* Stores exp(x - max) to y and gives its total: what softmax needs and no more. */
FA_INLINE pair FN(exponentials)(walk w, const void *x, ptrdiff_t x_pitch, void *y, ptrdiff_t y_pitch) {
    sum slots[MOST_SLOTS];
    pass p = {.w = w, .x = x, .x_pitch = x_pitch, .y = y, .y_pitch = y_pitch, .slots = slots};
    p.max = FN(row_max)(w, x, x_pitch);
    FN(clear)(w, slots);
    FN(each_pair)(w, FN(exponentials_body), &p);
    return FN(total)(w, slots);
}

/* exp(x - max) but 0 at a maximum, which is counted instead. */
FA_INLINE vec FN(exp_but_ties)(pass *p, size_t i, int full) {
    if (!full && i >= p->w.vectors) return K(0);
    vec d = FN(take)(p->w, full, p->x, p->x_pitch, i, K(-INFINITY)) - p->max;
    vec e = v_exp_nonpos(d);
    mask top = v_eq(d, K(0));
    if (p->y) FN(put)(p->w, full, p->y, p->y_pitch, i, e);
    p->ties = p->ties + v_keep(top, K(1));
    return v_select(top, K(0), e);
}
FA_INLINE void FN(facts_body)(void *context, size_t slot, size_t i, size_t j, int full) {
    pass *p = context;
    vec first = FN(exp_but_ties)(p, i, full), second = FN(exp_but_ties)(p, j, full);
    p->slots[slot] = FN(sum_add_two)(p->slots[slot], first, second);
}

/* The sum of a row's counts, in every lane along a row. */
FA_INLINE vec FN(count)(walk w, vec counts) {
    if (w.direction == FA_ACROSS) return counts;
    real lanes[LANES], total = 0;
    v_store(lanes, counts);
    for (size_t k = 0; k < LANES; k++) total += lanes[k];
    return v_splat(total);
}

/* Everything a row's log-probabilities need, `max` being its row_max; exp(x - max) is
 * stored to `e` unless that is NULL. */
FA_INLINE row_facts FN(facts_of)(walk w, vec max, const void *x, ptrdiff_t x_pitch, void *e, ptrdiff_t e_pitch) {
    sum slots[MOST_SLOTS];
    pass p = {.w = w, .x = x, .x_pitch = x_pitch, .y = e, .y_pitch = e_pitch, .max = max, .slots = slots};
    p.ties = K(0);
    FN(clear)(w, slots);
    FN(each_pair)(w, FN(facts_body), &p);
    pair small = FN(total)(w, slots);

    row_facts f;
    vec extra = FN(count)(w, p.ties) - K(1), hi = small.hi + extra, t = hi - extra;
    f.max = max;
    f.others.hi = hi;
    f.others.lo = ((extra - (hi - t)) + (small.hi - t)) + small.lo;
    f.log_total = FN(log1p_pair)(f.others);
    return f;
}

FA_INLINE void FN(scale_body)(void *context, size_t i, int full) {
    pass *p = context;
    FN(put)(p->w, full, p->y, p->y_pitch, i, FN(times)(p->factor, FN(take)(p->w, full, p->y, p->y_pitch, i, K(0))));
}
FA_INLINE void FN(scale_row)(walk w, void *y, ptrdiff_t pitch, pair factor) {
    pass p = {.w = w, .y = y, .y_pitch = pitch, .factor = factor};
    FN(each)(w, FN(scale_body), &p);
}

FA_INLINE void FN(softmax)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    pair total = FN(exponentials)(w, a->in[0], a->in_pitch[0], a->out[0], a->out_pitch[0]);
    FN(scale_row)(w, a->out[0], a->out_pitch[0], FN(reciprocal)(total));
}

FA_INLINE void FN(log_softmax_body)(void *context, size_t i, int full) {
    pass *p = context;
    vec d = (FN(take)(p->w, full, p->x, p->x_pitch, i, K(0)) - p->max) + K(0); /* -0 to +0 */
    FN(put)(p->w, full, p->y, p->y_pitch, i, d - p->log_total);
}
FA_INLINE void FN(log_softmax)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    vec max = FN(row_max)(w, a->in[0], a->in_pitch[0]);
    row_facts f = FN(facts_of)(w, max, a->in[0], a->in_pitch[0], NULL, 0);
    pass p = {.w = w, .x = a->in[0], .x_pitch = a->in_pitch[0], .y = a->out[0], .y_pitch = a->out_pitch[0]};
    p.max = max;
    p.log_total = f.log_total;
    FN(each)(w, FN(log_softmax_body), &p);
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
            vec x = FN(take)(w, 0, a->in[0], a->in_pitch[0], i, K(0));
            nan = v_select(v_isnan(x), x, nan);
        }
        if (w.direction == FA_ALONG) nan = FN(any_nan)(nan, max);
        result = v_select(infinite, nan, result);
    }
    FN(put_row)(w, a->row_out, result);
}

/* ---- gradients ------------------------------------------------------------------ */

typedef struct {
    walk w;
    const fa_rows_args *a;
    pair total;
    sum *slots;
} FN(back);
#define back FN(back)

FA_INLINE vec FN(back_input)(const back *b, int k, size_t i, int full) {
    return FN(take_any)(b->w, full, b->a->in[k], b->a->in_pitch[k], i, K(0));
}

FA_INLINE void FN(dot_body)(void *context, size_t slot, size_t i, size_t j, int full) {
    back *b = context;
    b->slots[slot] = FN(sum_add_product)(b->slots[slot], FN(back_input)(b, 0, i, full), FN(back_input)(b, 1, i, full));
    b->slots[slot] = FN(sum_add_product)(b->slots[slot], FN(back_input)(b, 0, j, full), FN(back_input)(b, 1, j, full));
}
FA_INLINE void FN(softmax_from_output_body)(void *context, size_t i, int full) {
    back *b = context;
    vec centred = (FN(back_input)(b, 0, i, full) - b->total.hi) - b->total.lo;
    FN(put)(b->w, full, b->a->out[0], b->a->out_pitch[0], i, FN(back_input)(b, 1, i, full) * centred);
}
/* dx = y (dy - sum(dy y)); in: dy, y. May overwrite either. */
FA_INLINE void FN(softmax_from_output)(const fa_rows_args *a, fa_direction direction) {
    sum slots[MOST_SLOTS];
    back b = {.w = FN(walk_of)(a->n, direction), .a = a, .slots = slots};
    FN(clear)(b.w, slots);
    FN(each_pair)(b.w, FN(dot_body), &b);
    b.total = FN(total)(b.w, slots);
    FN(each)(b.w, FN(softmax_from_output_body), &b);
}

/* in: dy, x; the probabilities pass through the output. */
FA_INLINE void FN(softmax_backward)(const fa_rows_args *a, fa_direction direction) {
    fa_rows_args forward = *a, backward = *a;
    forward.in[0] = a->in[1];
    forward.in_pitch[0] = a->in_pitch[1];
    FN(softmax)(&forward, direction);
    backward.in[1] = a->out[0];
    backward.in_pitch[1] = a->out_pitch[0];
    FN(softmax_from_output)(&backward, direction);
}

FA_INLINE void FN(sum_dy_body)(void *context, size_t slot, size_t i, size_t j, int full) {
    back *b = context;
    b->slots[slot] = FN(sum_add)(b->slots[slot], FN(back_input)(b, 0, i, full));
    b->slots[slot] = FN(sum_add)(b->slots[slot], FN(back_input)(b, 0, j, full));
}
FA_INLINE void FN(subtract_share_body)(void *context, size_t i, int full) {
    back *b = context;
    vec p = FN(take)(b->w, full, b->a->out[0], b->a->out_pitch[0], i, K(0));
    FN(put)(b->w, full, b->a->out[0], b->a->out_pitch[0], i, v_fnma(p, b->total.hi, FN(back_input)(b, 0, i, full)));
}
/* dx = dy - p sum(dy), with p in the output already. */
FA_INLINE void FN(subtract_share)(walk w, const fa_rows_args *a) {
    sum slots[MOST_SLOTS];
    back b = {.w = w, .a = a, .slots = slots};
    FN(clear)(w, slots);
    FN(each_pair)(w, FN(sum_dy_body), &b);
    b.total = FN(total)(w, slots);
    FN(each)(w, FN(subtract_share_body), &b);
}

FA_INLINE void FN(exp_output_body)(void *context, size_t i, int full) {
    back *b = context;
    vec y = v_min(K(0), FN(back_input)(b, 1, i, full)); /* a log-probability: above 0 it is nonsense, but the same one */
    FN(put)(b->w, full, b->a->out[0], b->a->out_pitch[0], i, v_exp_nonpos(y));
}
/* in: dy, y = log_softmax(x) */
FA_INLINE void FN(log_softmax_from_output)(const fa_rows_args *a, fa_direction direction) {
    back b = {.w = FN(walk_of)(a->n, direction), .a = a};
    FN(each)(b.w, FN(exp_output_body), &b);
    FN(subtract_share)(b.w, a);
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
