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

/* What a row's phases hand on. */
typedef struct {
    vec max;
    pair factor;   /* what makes the exponentials probabilities */
    pair others;   /* the sum of exp(x - max) without one maximum */
    vec log_total; /* log1p(others) */
} FN(softmax_state);
#define softmax_state FN(softmax_state)

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
    ptrdiff_t x_pitch, y_pitch, x_ahead, y_ahead;
    vec max, log_total, unit;
    pair factor;
    ivec ties;  /* how many are 1 */
    int store, fetch_y; /* constants */
} FN(pass);
#define pass FN(pass)

FA_INLINE vec FN(below_max)(const pass *p, size_t i, int full) {
    return FN(take)(p->w, full, p->x, p->x_pitch, i, K(-INFINITY)) - p->max;
}
FA_INLINE void FN(distances)(const pass *p, size_t i, size_t step, size_t there, int full, vec d[]) {
    const real *x = (const real *)p->x + FN(offset_of)(p->w, i, p->x_pitch);
    const ptrdiff_t apart = FN(offset_of)(p->w, step, p->x_pitch);
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        if (p->w.direction == FA_ALONG) FA_PREFETCH(x + (ptrdiff_t)u * apart + p->x_ahead);
        d[u] = FN(take_at)(p->w, full, x + (ptrdiff_t)u * apart, j, K(-INFINITY)) - p->max;
    }
}
FA_INLINE void FN(store_eight)(const pass *p, size_t i, size_t step, size_t there, int full, const vec e[]) {
    real *y = (real *)p->y + FN(offset_of)(p->w, i, p->y_pitch);
    const ptrdiff_t apart = FN(offset_of)(p->w, step, p->y_pitch);
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        if (p->fetch_y) FA_PREFETCH(y + (ptrdiff_t)u * apart + p->y_ahead);
        FN(put_at)(p->w, full, y + (ptrdiff_t)u * apart, j, e[u]);
    }
}
FA_INLINE void FN(exponentials_body)(void *context, size_t i, size_t step, size_t there, int full, vec e[8]) {
    FN(distances)(context, i, step, there, full, e);
    v_exp_scaled_of((int)there, e);
    FN(store_eight)(context, i, step, there, full, e);
}

FA_INLINE pass FN(pass_of)(walk w, const fa_rows_args *a, int k) {
    pass p = {.w = w, .x = a->in[k], .x_pitch = a->in_pitch[k], .x_ahead = a->in_ahead[k]};
    p.y = a->out[0];
    p.y_pitch = a->out_pitch[0];
    p.y_ahead = a->out_ahead;
    return p;
}

FA_INLINE pair FN(total_of)(pass *p, FN(eight_body) * body) {
    sum slots[MOST_SLOTS];
    FN(clear)(p->w, slots);
    if (p->store && p->w.direction == FA_ALONG && p->y_ahead) {
        p->fetch_y = 1;
        FN(add_all)(p->w, slots, body, p);
    } else {
        p->fetch_y = 0;
        FN(add_all)(p->w, slots, body, p);
    }
    return FN(total)(p->w, slots);
}

/* Stores exp(x - max) / EXP_UNIT to y and gives its total: what softmax needs and no more. */
FA_INLINE pair FN(exponentials)(walk w, vec max, const fa_rows_args *a, int k) {
    pass p = FN(pass_of)(w, a, k);
    p.max = max;
    p.store = 1;
    return FN(total_of)(&p, FN(exponentials_body));
}

/* exp(x - max) / EXP_UNIT of each (results below the normal range would take an assist of the
 * CPU's); maxima are counted, not summed. */
FA_INLINE void FN(facts_of_four)(pass *p, size_t i, size_t step, size_t there, int full, vec e[]) {
    FN(distances)(p, i, step, there, full, e);
    v_exp_scaled_of((int)there, e);
    if (p->store) FN(store_eight)(p, i, step, there, full, e);
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        mask top = v_eq(e[u], K(1 / EXP_UNIT));
        p->ties = v_count(p->ties, top);
        e[u] = v_select(top, K(0), e[u]);
    }
}
FA_INLINE void FN(facts_body)(void *context, size_t i, size_t step, size_t there, int full, vec e[8]) {
    FN(facts_of_four)(context, i, step, there < 4 ? there : 4, full, e);
    if (there > 4) FN(facts_of_four)(context, i + 4 * step, step, there - 4, full, e + 4);
}

/* The sum of a row's counts, in every lane along a row. */
FA_INLINE vec FN(count)(walk w, ivec counts) {
    if (w.direction == FA_ACROSS) return v_from_int(counts);
    int64_t total = 0;
    for (size_t k = 0; k < LANES; k++) total += counts[k];
    return v_splat((real)total);
}

/* Everything a row's log-probabilities need, s->max being its row_max; with `store`,
 * exp(x - max) / EXP_UNIT is left in the output. */
FA_INLINE void FN(facts)(walk w, softmax_state *s, const fa_rows_args *a, int store) {
    pass p = FN(pass_of)(w, a, 0);
    p.max = s->max;
    p.store = store;
    p.ties = v_to_int(K(0));
    pair small = FN(total_of)(&p, FN(facts_body));
    small.hi = small.hi * K(EXP_UNIT);
    small.lo = small.lo * K(EXP_UNIT);

    vec extra = FN(count)(w, p.ties) - K(1), hi = small.hi + extra, t = hi - extra;
    s->others.hi = hi;
    s->others.lo = ((extra - (hi - t)) + (small.hi - t)) + small.lo;
    s->log_total = FN(log1p_pair)(s->others);
}

FA_INLINE void FN(scale_body)(void *context, size_t i, int full) {
    pass *p = context;
    FN(put)(p->w, full, p->y, p->y_pitch, i, FN(times)(p->factor, FN(take)(p->w, full, p->y, p->y_pitch, i, K(0))));
}
FA_INLINE void FN(scale_row)(walk w, void *y, ptrdiff_t pitch, pair factor) {
    pass p = {.w = w, .y = y, .y_pitch = pitch, .factor = factor};
    size_t head = w.direction == FA_ALONG && w.full > 1 ? FN(misaligned)(y) : 0;
    if (head) { /* apart, for the rest to be aligned */
        v_store_n(y, head, FN(times)(factor, v_load_n(y, head)));
        p.y = (real *)y + head;
        p.w = FN(walk_of)(w.full * LANES + w.tail - head, FA_ALONG);
    }
    FN(each)(p.w, FN(scale_body), &p);
}

/* Up to its last phase: exponentials of input k to the output, and their factor. */
FA_INLINE void FN(unscaled_softmax)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction, int k) {
    softmax_state *s = a->state;
    walk w = FN(walk_of)(a->n, direction);
    if (phase == FA_BEGIN) s->max = FN(row_max)(w, a->in[k], a->in_pitch[k]);
    if (phase == FA_MIDDLE)
        s->factor = FN(reciprocal)(FN(exponentials)(w, s->max, a, k));
}
FA_INLINE void FN(softmax_of)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction, int k) {
    const softmax_state *s = a->state;
    FN(unscaled_softmax)(a, phase, direction, k);
    if (phase == FA_END) FN(scale_row)(FN(walk_of)(a->n, direction), a->out[0], a->out_pitch[0], s->factor);
}
FA_INLINE void FN(softmax)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    FN(softmax_of)(a, phase, direction, 0);
}

FA_INLINE void FN(log_softmax_body)(void *context, size_t i, int full) {
    pass *p = context;
    vec d = FN(below_max)(p, i, full) + K(0); /* -0 to +0 */
    FN(put)(p->w, full, p->y, p->y_pitch, i, d - p->log_total);
}
/* log_softmax and logsumexp but for their last phase. */
FA_INLINE void FN(log_facts)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    softmax_state *s = a->state;
    walk w = FN(walk_of)(a->n, direction);
    if (phase == FA_BEGIN) s->max = FN(row_max)(w, a->in[0], a->in_pitch[0]);
    if (phase == FA_MIDDLE) FN(facts)(w, s, a, 0);
}
FA_INLINE void FN(log_softmax)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    const softmax_state *s = a->state;
    FN(log_facts)(a, phase, direction);
    if (phase != FA_END) return;
    pass p = {.w = FN(walk_of)(a->n, direction), .x = a->in[0], .x_pitch = a->in_pitch[0], .y = a->out[0]};
    p.y_pitch = a->out_pitch[0];
    p.max = s->max;
    p.log_total = s->log_total;
    FN(each)(p.w, FN(log_softmax_body), &p);
}

/* NaN in every lane if one of v is, else `otherwise`. */
FA_INLINE vec FN(any_nan)(vec v, vec otherwise) { return v_any(v_isnan(v)) ? K(NAN) : otherwise; }

/* An infinite maximum itself, but for a NaN beside it. */
FA_INLINE vec FN(infinite_max)(walk w, const fa_rows_args *a, vec max) {
    vec nan = max;
    for (size_t i = 0; i < w.vectors; i++) {
        vec x = FN(take)(w, 0, a->in[0], a->in_pitch[0], i, K(0));
        nan = v_select(v_isnan(x), x, nan);
    }
    return w.direction == FA_ALONG ? FN(any_nan)(nan, max) : nan;
}
FA_INLINE void FN(logsumexp)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    const softmax_state *s = a->state;
    FN(log_facts)(a, phase, direction);
    if (phase != FA_END) return;
    walk w = FN(walk_of)(a->n, direction);
    vec result = s->max + s->log_total;
    mask infinite = v_eq(v_abs(s->max), K(INFINITY));
    if (v_any(infinite)) result = v_select(infinite, FN(infinite_max)(w, a, s->max), result);
    FN(put_row)(w, a->row_out, result);
}

/* ---- gradients ------------------------------------------------------------------ */

typedef struct {
    walk w;
    fa_rows_args a; /* a copy, which no store can change */
    pair total;
    sum *slots;
} FN(back);
#define back FN(back)

FA_INLINE vec FN(back_input)(const back *b, int k, size_t i, int full) {
    return FN(take)(b->w, full, b->a.in[k], b->a.in_pitch[k], i, K(0));
}

FA_INLINE void FN(dot_body)(void *context, size_t slot, size_t i, int full) {
    back *b = context;
    vec dy = FN(back_input)(b, 0, i, full), y = FN(back_input)(b, 1, i, full);
    b->slots[slot] = FN(sum_add_product)(b->slots[slot], dy, y);
}
FA_INLINE void FN(softmax_from_output_body)(void *context, size_t i, int full) {
    back *b = context;
    vec centred = (FN(back_input)(b, 0, i, full) - b->total.hi) - b->total.lo;
    FN(put)(b->w, full, b->a.out[0], b->a.out_pitch[0], i, FN(back_input)(b, 1, i, full) * centred);
}
/* dx = y (dy - sum(dy y)); in: dy, y. May overwrite either. */
FA_INLINE void FN(softmax_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    if (phase != FA_END) return;
    sum slots[MOST_SLOTS];
    back b = {.w = FN(walk_of)(a->n, direction), .a = *a, .slots = slots};
    FN(clear)(b.w, slots);
    FN(each_in_slot)(b.w, FN(dot_body), &b);
    b.total = FN(total)(b.w, slots);
    FN(each)(b.w, FN(softmax_from_output_body), &b);
}

/* in: dy, x; the probabilities pass through the output. */
FA_INLINE void FN(softmax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    fa_rows_args backward = *a;
    FN(softmax_of)(a, phase, direction, 1);
    backward.in[1] = a->out[0];
    backward.in_pitch[1] = a->out_pitch[0];
    FN(softmax_from_output)(&backward, phase, direction);
}

FA_INLINE void FN(sum_dy_body)(void *context, size_t slot, size_t i, int full) {
    back *b = context;
    b->slots[slot] = FN(sum_add)(b->slots[slot], FN(back_input)(b, 0, i, full));
}
FA_INLINE void FN(subtract_share_body)(void *context, size_t i, int full) {
    back *b = context;
    vec p = FN(take)(b->w, full, b->a.out[0], b->a.out_pitch[0], i, K(0));
    FN(put)(b->w, full, b->a.out[0], b->a.out_pitch[0], i, v_fnma(p, b->total.hi, FN(back_input)(b, 0, i, full)));
}
/* dx = dy - p sum(dy), with p in the output already. */
FA_INLINE void FN(subtract_share)(walk w, const fa_rows_args *a) {
    sum slots[MOST_SLOTS];
    back b = {.w = w, .a = *a, .slots = slots};
    FN(clear)(w, slots);
    FN(each_in_slot)(w, FN(sum_dy_body), &b);
    b.total = FN(total)(w, slots);
    FN(each)(w, FN(subtract_share_body), &b);
}

FA_INLINE void FN(exp_output_body)(void *context, size_t i, int full) {
    back *b = context;
    vec y = v_min(K(0), FN(back_input)(b, 1, i, full)); /* above 0 it is no log-probability, but the same bits */
    FN(put)(b->w, full, b->a.out[0], b->a.out_pitch[0], i, v_exp_nonpos(y));
}
/* in: dy, y = log_softmax(x) */
FA_INLINE void FN(log_softmax_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    if (phase != FA_END) return;
    back b = {.w = FN(walk_of)(a->n, direction), .a = *a};
    FN(each)(b.w, FN(exp_output_body), &b);
    FN(subtract_share)(b.w, a);
}

/* in: dy, x */
FA_INLINE void FN(log_softmax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    FN(softmax_of)(a, phase, direction, 1);
    if (phase == FA_END) FN(subtract_share)(FN(walk_of)(a->n, direction), a);
}

/* factor dy, for products with e * unit, e being exponentials over EXP_UNIT. With a small dy
 * the factor might be no normal number, with a large one e: the unit goes to the larger. */
FA_INLINE pair FN(share)(pair factor, vec dy, vec *unit) {
    mask large = v_le(K(0x1p-20), v_abs(dy));
    *unit = v_select(large, K(1), K(EXP_UNIT));
    return FN(scaled)(factor, v_select(large, dy * K(EXP_UNIT), dy));
}
/* That product; of -inf, whose exponential over EXP_UNIT is only small, 0 however large dy. */
FA_INLINE vec FN(shared)(pair share, vec unit, vec e) {
    return FN(times)(share, v_keep(v_lt(K(EXP_NONE), e), e) * unit);
}
FA_INLINE void FN(share_body)(void *context, size_t i, int full) {
    pass *p = context;
    vec e = FN(take)(p->w, full, p->y, p->y_pitch, i, K(0));
    FN(put)(p->w, full, p->y, p->y_pitch, i, FN(shared)(p->factor, p->unit, e));
}
/* row_in: dy; in: x; dx = dy p. */
FA_INLINE void FN(logsumexp_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    const softmax_state *s = a->state;
    walk w = FN(walk_of)(a->n, direction);
    FN(unscaled_softmax)(a, phase, direction, 0);
    if (phase != FA_END) return;
    pass p = {.w = w, .y = a->out[0], .y_pitch = a->out_pitch[0]};
    pair factor = {s->factor.hi * K(1 / EXP_UNIT), s->factor.lo * K(1 / EXP_UNIT)};
    p.factor = FN(share)(factor, FN(take_row)(w, a->row_in), &p.unit);
    FN(each)(w, FN(share_body), &p);
}
