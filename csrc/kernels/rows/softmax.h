/* softmax, softmin, log_softmax, logsumexp and their gradients.
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

/* What phases hand on, of each row of a tile; along a row, of the one. */
typedef struct {
    vec max;
    union {
        pair factor;    /* what makes the exponentials probabilities */
        pair threshold; /* sparsemax: what entries lose; of its gradient, the mean */
    };
    pair others;   /* the sum of exp(x - max) without one maximum */
    union {
        vec log_total; /* log1p(others) */
        vec nan;       /* hardmax: a NaN of the row, or 0 */
    };
    pair total;    /* of a gradient's terms */
    union {
        vec unit;  /* what products of factor and exponentials are to be multiplied by */
        vec count; /* hardmax: of ones written; sparsemax: of entries above the last threshold */
    };
    ivec ties;     /* how many exponentials are 1, or entries count */
} FN(softmax_state);
#define softmax_state FN(softmax_state)

/* log1p of a pair >= 0, with the low part to first order; inverse: 1 / (1 + p.hi). */
FA_INLINE vec FN(log1p_pair)(pair p, vec inverse) { return v_log1p(p.hi) + p.lo * inverse; }

FA_INLINE pair FN(one_plus)(pair p) {
    vec hi = K(1) + p.hi, t = hi - K(1);
    pair r = {hi, ((K(1) - (hi - t)) + (p.hi - t)) + p.lo};
    return r;
}

/* The passes over rows: what they read, write and add up. */
typedef struct {
    walk w;
    const void *x, *dy;
    void *y;
    ptrdiff_t x_pitch, dy_pitch, y_pitch, x_ahead, y_ahead;
    softmax_state *tiles; /* of each tile, where the next phase finds it */
    softmax_state *known; /* the same abreast, else the kernel's own copy of the only one, which lives in registers */
    sum *slots;
    int store, fetch_y, negated; /* constants; negated: it is softmin */
} FN(pass);
#define pass FN(pass)

/* Member by member: whole structures compilers set and copy in memory. */
FA_INLINE void FN(pass_over)(pass *p, softmax_state *own, const fa_rows_args *a, fa_direction direction, int k) {
    p->w = FN(walk_over)(a, direction);
    p->x = a->in[k];
    p->x_pitch = a->in_pitch[k];
    p->x_ahead = a->in_ahead[k];
    p->y = a->out[0];
    p->y_pitch = a->out_pitch[0];
    p->y_ahead = a->out_ahead;
    p->dy = a->in[0];
    p->dy_pitch = a->in_pitch[0];
    p->tiles = a->state;
    p->slots = a->slots;
    p->store = 0;
    p->negated = 0;
    p->known = direction == FA_ABREAST ? p->tiles : own;
    own->max = p->tiles->max;
    own->factor = p->tiles->factor;
    own->others = p->tiles->others;
    own->log_total = p->tiles->log_total;
}
/* What is known of tile t. Only what is written to p->tiles[t] itself is there in the next phase. */
FA_INLINE softmax_state *FN(state_of)(pass *p, size_t t) {
    return p->known + (p->w.direction == FA_ABREAST ? t : 0);
}

FA_INLINE vec FN(input)(const pass *p, size_t i, size_t t, int full) {
    return FN(take)(p->w, full, p->x, p->x_pitch, i, t, K(-INFINITY));
}
FA_INLINE vec FN(grad_output)(const pass *p, size_t i, size_t t, int full) {
    return FN(take)(p->w, full, p->dy, p->dy_pitch, i, t, K(0));
}
FA_INLINE vec FN(output)(const pass *p, size_t i, size_t t, int full) {
    return FN(take)(p->w, full, p->y, p->y_pitch, i, t, K(0));
}
FA_INLINE void FN(put_output)(const pass *p, size_t i, size_t t, int full, vec v) {
    FN(put)(p->w, full, p->y, p->y_pitch, i, t, v);
}

/* Vector u of eight, `apart` elements from one to the next: from two bases, for addresses to be few. */
FA_INLINE const real *FN(of_eight)(const real *first, const real *fifth, ptrdiff_t apart, size_t u) {
    return (u < 4 ? first : fifth) + (ptrdiff_t)(u % 4) * apart;
}
FA_INLINE void FN(distances)(pass *p, size_t i, size_t step, size_t t, size_t there, int full, vec d[]) {
    const ptrdiff_t apart = FN(offset_of)(p->w, step, 0, 0, p->x_pitch);
    const real *x = (const real *)p->x + FN(offset_of)(p->w, i, t, full, p->x_pitch), *fifth = x + 4 * apart;
    const vec max = FN(state_of)(p, t)->max;
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        if (p->w.direction != FA_ACROSS) FA_PREFETCH(FN(of_eight)(x + p->x_ahead, fifth + p->x_ahead, apart, u));
        d[u] = FN(take_at)(p->w, full, FN(of_eight)(x, fifth, apart, u), j, t, K(-INFINITY)) - max;
    }
}
FA_INLINE void FN(store_eight)(const pass *p, size_t i, size_t step, size_t t, size_t there, int full, const vec e[]) {
    const ptrdiff_t apart = FN(offset_of)(p->w, step, 0, 0, p->y_pitch);
    real *y = (real *)p->y + FN(offset_of)(p->w, i, t, full, p->y_pitch), *fifth = y + 4 * apart;
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        real *to = (u < 4 ? y : fifth) + (ptrdiff_t)(u % 4) * apart;
        if (p->fetch_y) FA_PREFETCH(to + p->y_ahead);
        FN(put_at)(p->w, full, to, j, t, e[u]);
    }
}
FA_INLINE void FN(exponentials_body)(void *context, size_t i, size_t step, size_t t, size_t there, int full,
                                     vec e[8]) {
    FN(distances)(context, i, step, t, there, full, e);
    v_exp_scaled_of((int)there, e);
    FN(store_eight)(context, i, step, t, there, full, e);
}

/* The totals of what `body` gives, to each tile's `total`. */
FA_INLINE void FN(add_up)(pass *p, FN(eight_body) * body) {
    sum own[MOST_SLOTS], *slots = p->w.direction == FA_ABREAST ? p->slots : own;
    p->fetch_y = 0;
    if (p->w.direction == FA_ACROSS && p->w.vectors <= FN(SHORT_TOTAL)) {
        p->known->total = FN(short_total)(p->w, body, p);
        return;
    }
    FN(clear)(p->w, slots);
    if (p->w.direction == FA_ABREAST) {
        FN(add_abreast)(p->w, slots, body, p);
    } else if (p->store && p->w.direction == FA_ALONG && p->y_ahead) {
        p->fetch_y = 1;
        FN(add_all)(p->w, slots, body, p);
    } else {
        FN(add_all)(p->w, slots, body, p);
    }
    for (size_t t = 0; t < p->w.tiles; t++) FN(state_of)(p, t)->total = FN(total)(p->w, slots, t);
}

FA_INLINE void FN(find_max)(pass *p) {
    vec max[MOST_TILES];
    FN(row_max)(p->w, p->x, p->x_pitch, max);
    for (size_t t = 0; t < p->w.tiles; t++) p->tiles[t].max = max[t];
}
/* Stores exp(x - max) / EXP_UNIT of the k-th input to the output and gives the factor that makes them
 * probabilities: what softmax needs and no more. */
FA_INLINE void FN(exponentials)(const fa_rows_args *a, int k, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, k);
    p.store = 1;
    FN(add_up)(&p, FN(exponentials_body));
    for (size_t t = 0; t < p.w.tiles; t++) p.tiles[t].factor = FN(reciprocal)(FN(state_of)(&p, t)->total);
}

/* exp(x - max) / EXP_UNIT of each (results below the normal range would take an assist of the
 * CPU's); maxima are counted, not summed. */
FA_INLINE void FN(facts_of_four)(pass *p, size_t i, size_t step, size_t t, size_t there, int full, vec e[]) {
    softmax_state *s = FN(state_of)(p, t);
    FN(distances)(p, i, step, t, there, full, e);
    v_exp_scaled_of((int)there, e);
    if (p->store) FN(store_eight)(p, i, step, t, there, full, e);
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        mask top = v_eq(e[u], K(1 / EXP_UNIT));
        s->ties = v_count(s->ties, top);
        e[u] = v_select(top, K(0), e[u]);
    }
}
FA_INLINE void FN(facts_body)(void *context, size_t i, size_t step, size_t t, size_t there, int full, vec e[8]) {
    FN(facts_of_four)(context, i, step, t, there < 4 ? there : 4, full, e);
    if (there > 4) FN(facts_of_four)(context, i + 4 * step, step, t, there - 4, full, e + 4);
}

/* The sum of a row's counts, in every lane along a row. */
FA_INLINE vec FN(count)(walk w, ivec counts) {
    if (w.direction != FA_ALONG) return v_from_int(counts);
    int64_t total = 0;
    for (size_t k = 0; k < LANES; k++) total += counts[k];
    return v_splat((real)total);
}

/* The sums log-probabilities need, the maxima being found; with `store`,
 * exp(x - max) / EXP_UNIT is left in the output. */
FA_INLINE void FN(facts)(const fa_rows_args *a, int store, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 0);
    p.store = store;
    for (size_t t = 0; t < p.w.tiles; t++) FN(state_of)(&p, t)->ties = v_to_int(K(0));
    FN(add_up)(&p, FN(facts_body));
    for (size_t k = 0; k < p.w.tiles; k++) {
        const softmax_state *s = FN(state_of)(&p, k);
        pair small = {s->total.hi * K(EXP_UNIT), s->total.lo * K(EXP_UNIT)}, others;
        vec extra = FN(count)(p.w, s->ties) - K(1), hi = small.hi + extra, t = hi - extra;
        others.hi = hi;
        others.lo = ((extra - (hi - t)) + (small.hi - t)) + small.lo;
        p.tiles[k].others = others;
    }
}
FA_INLINE void FN(take_logs)(pass *p) {
    for (size_t t = 0; t < p->w.tiles; t++) {
        const pair others = FN(state_of)(p, t)->others;
        p->tiles[t].log_total = FN(log1p_pair)(others, K(1) / (K(1) + others.hi));
    }
}

/* One function a direction, called once a row or tile: copies in each op would be half a megabyte. */
#define FA_SHARED(suffix, direction)                                                                               \
    FA_NOINLINE void FN(exponentials##suffix)(const fa_rows_args *a, int k) { FN(exponentials)(a, k, direction); } \
    FA_NOINLINE void FN(facts##suffix)(const fa_rows_args *a) { FN(facts)(a, 0, direction); }                      \
    FA_NOINLINE void FN(stored_facts##suffix)(const fa_rows_args *a) { FN(facts)(a, 1, direction); }
FA_SHARED(_along, FA_ALONG)
FA_SHARED(_across, FA_ACROSS)
FA_SHARED(_abreast, FA_ABREAST)
#undef FA_SHARED
/* Calls the function of this direction, a constant. */
#define FA_GO_ON(name, ...)                                           \
    do {                                                              \
        if (direction == FA_ALONG) FN(name##_along)(__VA_ARGS__);     \
        if (direction == FA_ACROSS) FN(name##_across)(__VA_ARGS__);   \
        if (direction == FA_ABREAST) FN(name##_abreast)(__VA_ARGS__); \
    } while (0)

FA_INLINE void FN(scale_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    FN(put_output)(p, i, t, full, FN(times)(FN(state_of)(p, t)->factor, FN(output)(p, i, t, full)));
}
FA_INLINE void FN(scale)(pass *p) {
    real *y = p->y;
    size_t head = p->w.direction == FA_ALONG && p->w.full > 1 ? FN(misaligned)(y) : 0;
    if (head) { /* apart, for the rest to be aligned */
        v_store_n(y, head, FN(times)(p->known->factor, v_load_n(y, head)));
        p->y = y + head;
        p->w = FN(walk_of)(p->w.full * LANES + p->w.tail - head, FA_ALONG);
    }
    FN(each)(p->w, FN(scale_body), p);
}

/* Up to its last phase: exponentials to the output, and their factor. */
FA_INLINE void FN(unscaled_softmax)(pass *p, const fa_rows_args *a, int k, fa_row_phase phase,
                                    fa_direction direction) {
    if (phase == FA_BEGIN) FN(find_max)(p);
    if (phase == FA_MIDDLE) FA_GO_ON(exponentials, a, k);
}
/* softmin is softmax of -x, which is put to the output first. */
FA_INLINE void FN(negate_body)(void *context, size_t i, size_t t, int full) {
    FN(put_output)(context, i, t, full, -FN(input)(context, i, t, full));
}
FA_INLINE void FN(negate_to_output)(pass *p, fa_row_phase phase) {
    if (phase == FA_BEGIN) FN(each)(p->w, FN(negate_body), p);
    p->negated = 1;
    p->x = p->y;
    p->x_pitch = p->y_pitch;
    p->x_ahead = 0;
}
FA_INLINE void FN(softmax_of)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction, int k) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, k);
    FN(unscaled_softmax)(&p, a, k, phase, direction);
    if (phase == FA_END) FN(scale)(&p);
}
FA_INLINE void FN(softmax)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    FN(softmax_of)(a, phase, direction, 0);
}
/* Then it goes on with softmax's own functions, not copies of them. */
static void FN(softmax_end_along)(const fa_rows_args *a);
static void FN(softmax_end_across)(const fa_rows_args *a);
static void FN(softmax_end_abreast)(const fa_rows_args *a);
FA_INLINE fa_rows_args FN(of_output)(const fa_rows_args *a, int k) {
    fa_rows_args own = *a;
    own.in[k] = a->out[0];
    own.in_pitch[k] = a->out_pitch[0];
    own.in_ahead[k] = 0;
    return own;
}
FA_INLINE void FN(begin_softmin)(const fa_rows_args *a, fa_direction direction, int k) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, k);
    FN(negate_to_output)(&p, FA_BEGIN);
    FN(find_max)(&p);
}
FA_INLINE void FN(softmin)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    const fa_rows_args negated = FN(of_output)(a, 0);
    if (phase == FA_BEGIN) FN(begin_softmin)(a, direction, 0);
    if (phase == FA_MIDDLE) FA_GO_ON(exponentials, &negated, 0);
    if (phase == FA_END) FA_GO_ON(softmax_end, &negated);
}

FA_INLINE void FN(log_softmax_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    const softmax_state *s = FN(state_of)(p, t);
    vec d = (FN(input)(p, i, t, full) - s->max) + K(0); /* -0 to +0 */
    FN(put_output)(p, i, t, full, d - s->log_total);
}
/* log_softmax and logsumexp but for their last phase. */
FA_INLINE void FN(log_facts)(pass *p, const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    if (phase == FA_BEGIN) FN(find_max)(p);
    if (phase == FA_MIDDLE) FA_GO_ON(facts, a);
    if (phase == FA_LATE) FN(take_logs)(p);
}
FA_INLINE void FN(log_softmax)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 0);
    FN(log_facts)(&p, a, phase, direction);
    if (phase == FA_END) FN(each)(p.w, FN(log_softmax_body), &p);
}

/* NaN in every lane if one of v is, else `otherwise`. */
FA_INLINE vec FN(any_nan)(vec v, vec otherwise) { return v_any(v_isnan(v)) ? K(NAN) : otherwise; }

/* An infinite maximum itself, but for a NaN beside it. */
FA_INLINE vec FN(infinite_max)(const pass *p, size_t t, vec max) {
    vec nan = max;
    for (size_t i = 0; i < p->w.vectors; i++) {
        vec x = FN(take)(p->w, 0, p->x, p->x_pitch, i, t, K(0));
        nan = v_select(v_isnan(x), x, nan);
    }
    return p->w.direction == FA_ALONG ? FN(any_nan)(nan, max) : nan;
}
FA_INLINE void FN(logsumexp)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 0);
    FN(log_facts)(&p, a, phase, direction);
    for (size_t t = 0; phase == FA_END && t < p.w.tiles; t++) {
        const softmax_state *s = FN(state_of)(&p, t);
        vec result = s->max + s->log_total;
        mask infinite = v_eq(v_abs(s->max), K(INFINITY));
        if (v_any(infinite)) result = v_select(infinite, FN(infinite_max)(&p, t, s->max), result);
        FN(put_row)(p.w, a->row_out, t, result);
    }
}

/* ---- gradients ------------------------------------------------------------------ */

/* The totals of what `body` adds to p->slots, to each tile's `total`. */
FA_INLINE void FN(add_in_slots)(pass *p, FN(slot_body) * body) {
    sum own[MOST_SLOTS];
    if (p->w.direction != FA_ABREAST) p->slots = own;
    FN(clear)(p->w, p->slots);
    FN(each_in_slot)(p->w, body, p);
    for (size_t t = 0; t < p->w.tiles; t++) FN(state_of)(p, t)->total = FN(total)(p->w, p->slots, t);
}

/* A gradient's passes have probabilities or log-probabilities for x. */
FA_INLINE vec FN(given_output)(const pass *p, size_t i, size_t t, int full) {
    return FN(take)(p->w, full, p->x, p->x_pitch, i, t, K(0));
}
FA_INLINE void FN(dot_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    pass *p = context;
    vec dy = FN(grad_output)(p, i, t, full), y = FN(given_output)(p, i, t, full);
    p->slots[slot] = FN(sum_add_product)(p->slots[slot], dy, y);
}
FA_INLINE void FN(softmax_from_output_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    const pair total = FN(state_of)(p, t)->total;
    vec centred = (FN(grad_output)(p, i, t, full) - total.hi) - total.lo;
    FN(put_output)(p, i, t, full, FN(given_output)(p, i, t, full) * (p->negated ? -centred : centred));
}
/* dx = y (dy - sum(dy y)), softmin's its negative; in: dy, y. May overwrite either. */
FA_INLINE void FN(gradient_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction,
                                        int negated) {
    if (phase != FA_END) return;
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 1);
    p.negated = negated;
    FN(add_in_slots)(&p, FN(dot_body));
    FN(each)(p.w, FN(softmax_from_output_body), &p);
}
FA_INLINE void FN(softmax_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    FN(gradient_from_output)(a, phase, direction, 0);
}
FA_INLINE void FN(softmin_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    FN(gradient_from_output)(a, phase, direction, 1);
}

FA_INLINE void FN(scale_dot_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    pass *p = context;
    FN(scale_body)(p, i, t, full);
    FN(dot_body)(p, slot, i, t, full);
}
/* in: dy, x; the probabilities pass through the output. */
FA_INLINE void FN(end_gradient)(pass *p, int negated) {
    p->negated = negated;
    p->x = p->y;
    p->x_pitch = p->y_pitch;
    FN(add_in_slots)(p, FN(scale_dot_body));
    FN(each)(p->w, FN(softmax_from_output_body), p);
}
FA_INLINE void FN(softmax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 1);
    FN(unscaled_softmax)(&p, a, 1, phase, direction);
    if (phase == FA_END) FN(end_gradient)(&p, 0);
}
FA_INLINE void FN(softmin_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    const fa_rows_args negated = FN(of_output)(a, 1);
    if (phase == FA_BEGIN) FN(begin_softmin)(a, direction, 1);
    if (phase == FA_MIDDLE) FA_GO_ON(exponentials, &negated, 1);
    if (phase != FA_END) return;
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, &negated, direction, 1);
    FN(end_gradient)(&p, 1);
}
FA_INLINE void FN(sum_dy_body)(void *context, size_t slot, size_t i, size_t t, int full) {
    pass *p = context;
    p->slots[slot] = FN(sum_add)(p->slots[slot], FN(grad_output)(p, i, t, full));
}
FA_INLINE void FN(subtract_share_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    const vec total = FN(state_of)(p, t)->total.hi;
    FN(put_output)(p, i, t, full, v_fnma(FN(output)(p, i, t, full), total, FN(grad_output)(p, i, t, full)));
}
/* dx = dy - p sum(dy), with p in the output already. */
FA_INLINE void FN(subtract_share)(pass *p) {
    FN(add_in_slots)(p, FN(sum_dy_body));
    FN(each)(p->w, FN(subtract_share_body), p);
}

FA_INLINE void FN(exp_output_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    vec y = v_min(K(0), FN(given_output)(p, i, t, full)); /* above 0 it is no log-probability, but the same bits */
    FN(put_output)(p, i, t, full, v_exp_nonpos(y));
}
/* in: dy, y = log_softmax(x) */
FA_INLINE void FN(log_softmax_from_output)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    if (phase != FA_END) return;
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 1);
    FN(each)(p.w, FN(exp_output_body), &p);
    FN(subtract_share)(&p);
}

/* in: dy, x */
FA_INLINE void FN(log_softmax_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    FN(softmax_of)(a, phase, direction, 1);
    if (phase != FA_END) return;
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 1);
    FN(subtract_share)(&p);
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
FA_INLINE void FN(share_body)(void *context, size_t i, size_t t, int full) {
    pass *p = context;
    const softmax_state *s = FN(state_of)(p, t);
    FN(put_output)(p, i, t, full, FN(shared)(s->factor, s->unit, FN(output)(p, i, t, full)));
}
/* row_in: dy; in: x; dx = dy p. */
FA_INLINE void FN(logsumexp_backward)(const fa_rows_args *a, fa_row_phase phase, fa_direction direction) {
    pass p;
    softmax_state own;
    FN(pass_over)(&p, &own, a, direction, 0);
    FN(unscaled_softmax)(&p, a, 0, phase, direction);
    if (phase != FA_END) return;
    for (size_t t = 0; t < p.w.tiles; t++) {
        softmax_state *s = FN(state_of)(&p, t);
        pair factor = {s->factor.hi * K(1 / EXP_UNIT), s->factor.lo * K(1 / EXP_UNIT)};
        s->factor = FN(share)(factor, FN(take_row)(p.w, a->row_in, t), &s->unit);
    }
    FN(each)(p.w, FN(share_body), &p);
}
