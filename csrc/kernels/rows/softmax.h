/* softmax, softmin, log_softmax, logsumexp and their gradients.
 *
 * With m = max x and e_j = exp(x_j - m), the sum is 1 + sum_excl_max: one maximum is
 * left out, so that log(1 + sum_excl_max) = log1p(sum_excl_max) keeps its relative
 * precision in confident rows, where sum_excl_max is tiny.
 *   softmax     p_j = e_j / (1 + sum_excl_max)
 *   log_softmax (x_j - m) - log1p(sum_excl_max), never -0
 *   logsumexp   m + log1p(sum_excl_max)
 * A logit of -inf has e = 0 exactly. A row of only -inf, or with +inf or NaN,
 * is NaN throughout: its differences or its sum are. logsumexp of such a row is
 * its maximum (of none, -inf), or NaN if it holds one.
 */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_SOFTMAX_H64) : !defined(FA_SOFTMAX_H32)
#ifdef FA_T_IS_F64
#define FA_SOFTMAX_H64
#else
#define FA_SOFTMAX_H32
#endif

#include "reduce.h"

/* What phases hand on, of each row of a tile; along a row, of the one. */
typedef struct {
    vec max;
    union {
        vdd factor;    /* what makes the exponentials probabilities */
        vdd threshold; /* sparsemax: what entries lose; of its gradient, the mean */
    };
    vdd sum_excl_max; /* the sum of exp(x - max) without one maximum */
    union {
        vec log_total; /* log1p(sum_excl_max) */
        vec nan;       /* hardmax: a NaN of the row, or 0 */
    };
    vdd total; /* of a gradient's terms */
    union {
        vec exp_scale; /* what products of factor and exponentials are to be multiplied by */
        vec count;     /* hardmax: of ones written; sparsemax: of entries above the last threshold */
    };
    ivec ties; /* how many exponentials are 1, or entries count */
} FN(softmax_state);

/* log1p of a pair >= 0, with the low part to first order; inverse: 1 / (1 + p.hi). */
FA_INLINE vec FN(log1p_dd)(vdd p, vec inverse) { return v_log1p(p.hi) + p.lo * inverse; }

FA_INLINE vdd FN(dd_one_plus)(vdd p) {
    vec hi = K(1) + p.hi, t = hi - K(1);
    vdd r = {hi, ((K(1) - (hi - t)) + (p.hi - t)) + p.lo};
    return r;
}

/* The passes over rows: what they read, write and add up. */
typedef struct {
    row_shape shape;
    const void *x, *dy;
    void *y;
    ptrdiff_t x_pitch, dy_pitch, y_pitch, x_prefetch, y_prefetch;
    FN(softmax_state) * saved; /* of each tile, where the next phase finds it */
    FN(softmax_state) *
        current; /* the same abreast, else the kernel's own copy of the only one, which lives in registers */
    vsum *slots;
    int store, prefetch_y, negated; /* constants; negated: it is softmin */
} FN(row_pass);

/* Member by member: whole structures compilers set and copy in memory. */
FA_INLINE void FN(init_pass)(FN(row_pass) * p, FN(softmax_state) * own, const fa_rows_args *a, fa_traversal traversal,
                             int k) {
    p->shape = FN(row_shape_for)(a, traversal);
    p->x = a->in[k];
    p->x_pitch = a->in_pitch[k];
    p->x_prefetch = a->in_prefetch[k];
    p->y = a->out[0];
    p->y_pitch = a->out_pitch[0];
    p->y_prefetch = a->out_prefetch;
    p->dy = a->in[0];
    p->dy_pitch = a->in_pitch[0];
    p->saved = a->state;
    p->slots = a->slots;
    p->store = 0;
    p->negated = 0;
    p->current = traversal == FA_PANEL ? p->saved : own;
    own->max = p->saved->max;
    own->factor = p->saved->factor;
    own->sum_excl_max = p->saved->sum_excl_max;
    own->log_total = p->saved->log_total;
}
/* What is current of tile t. Only what is written to p->saved[t] itself is there in the next phase. */
FA_INLINE FN(softmax_state) * FN(state_of)(FN(row_pass) * p, size_t t) {
    return p->current + (p->shape.traversal == FA_PANEL ? t : 0);
}

FA_INLINE vec FN(load_input)(const FN(row_pass) * p, size_t i, size_t t, int full) {
    return FN(row_load)(p->shape, full, p->x, p->x_pitch, i, t, K(-INFINITY));
}
FA_INLINE vec FN(load_grad_output)(const FN(row_pass) * p, size_t i, size_t t, int full) {
    return FN(row_load)(p->shape, full, p->dy, p->dy_pitch, i, t, K(0));
}
FA_INLINE vec FN(load_output)(const FN(row_pass) * p, size_t i, size_t t, int full) {
    return FN(row_load)(p->shape, full, p->y, p->y_pitch, i, t, K(0));
}
FA_INLINE void FN(store_output)(const FN(row_pass) * p, size_t i, size_t t, int full, vec v) {
    FN(row_store)(p->shape, full, p->y, p->y_pitch, i, t, v);
}

/* Vector u of eight, `apart` elements from one to the next: from two bases, for addresses to be few. */
FA_INLINE const real *FN(address_in_eight)(const real *first, const real *fifth, ptrdiff_t apart, size_t u) {
    return (u < 4 ? first : fifth) + (ptrdiff_t)(u % 4) * apart;
}
FA_INLINE void FN(sub_max)(FN(row_pass) * p, size_t i, size_t step, size_t t, size_t there, int full, vec d[]) {
    const ptrdiff_t apart = FN(offset_of)(p->shape, step, 0, 0, p->x_pitch);
    const real *x = (const real *)p->x + FN(offset_of)(p->shape, i, t, full, p->x_pitch), *fifth = x + 4 * apart;
    const vec max = FN(state_of)(p, t)->max;
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        if (p->shape.traversal != FA_ACROSS_ROWS)
            FA_PREFETCH(FN(address_in_eight)(x + p->x_prefetch, fifth + p->x_prefetch, apart, u));
        d[u] = FN(row_load_at)(p->shape, full, FN(address_in_eight)(x, fifth, apart, u), j, t, K(-INFINITY)) - max;
    }
}
FA_INLINE void FN(store_eight)(const FN(row_pass) * p, size_t i, size_t step, size_t t, size_t there, int full,
                               const vec e[]) {
    const ptrdiff_t apart = FN(offset_of)(p->shape, step, 0, 0, p->y_pitch);
    real *y = (real *)p->y + FN(offset_of)(p->shape, i, t, full, p->y_pitch), *fifth = y + 4 * apart;
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        real *to = (u < 4 ? y : fifth) + (ptrdiff_t)(u % 4) * apart;
        if (p->prefetch_y) FA_PREFETCH(to + p->y_prefetch);
        FN(row_store_at)(p->shape, full, to, j, t, e[u]);
    }
}
FA_INLINE void FN(exp_sum_body)(void *context, size_t i, size_t step, size_t t, size_t there, int full, vec e[8]) {
    FN(sub_max)(context, i, step, t, there, full, e);
    v_exp_scaled_of((int)there, e);
    FN(store_eight)(context, i, step, t, there, full, e);
}

/* The totals of what `body` gives, to each tile's `total`. */
FA_INLINE void FN(sum_rows)(FN(row_pass) * p, FN(eight_body) * body) {
    vsum own[MAX_SLOTS], *slots = p->shape.traversal == FA_PANEL ? p->slots : own;
    p->prefetch_y = 0;
    if (p->shape.traversal == FA_ACROSS_ROWS && p->shape.vectors <= FN(SHORT_ROW)) {
        p->current->total = FN(short_row_total)(p->shape, body, p);
        return;
    }
    FN(clear_slots)(p->shape, slots);
    if (p->shape.traversal == FA_PANEL) {
        FN(add_panel)(p->shape, slots, body, p);
    } else if (p->store && p->shape.traversal == FA_WITHIN_ROW && p->y_prefetch) {
        p->prefetch_y = 1;
        FN(add_row)(p->shape, slots, body, p);
    } else {
        FN(add_row)(p->shape, slots, body, p);
    }
    for (size_t t = 0; t < p->shape.tiles; t++) FN(state_of)(p, t)->total = FN(slots_total)(p->shape, slots, t);
}

FA_INLINE void FN(find_max)(FN(row_pass) * p) {
    vec max[MAX_TILES];
    FN(row_max)(p->shape, p->x, p->x_pitch, max);
    for (size_t t = 0; t < p->shape.tiles; t++) p->saved[t].max = max[t];
}
/* Stores exp(x - max) / EXP_SCALE of the k-th input to the output and gives the factor that makes them
 * probabilities: what softmax needs and no more. */
FA_INLINE void FN(exp_sum)(const fa_rows_args *a, int k, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, k);
    p.store = 1;
    FN(sum_rows)(&p, FN(exp_sum_body));
    for (size_t t = 0; t < p.shape.tiles; t++) p.saved[t].factor = FN(dd_reciprocal)(FN(state_of)(&p, t)->total);
}

/* exp(x - max) / EXP_SCALE of each (results below the normal range would take an assist of the
 * CPU's); maxima are counted, not summed. */
FA_INLINE void FN(lse_stats_of_four)(FN(row_pass) * p, size_t i, size_t step, size_t t, size_t there, int full,
                                     vec e[]) {
    FN(softmax_state) *s = FN(state_of)(p, t);
    FN(sub_max)(p, i, step, t, there, full, e);
    v_exp_scaled_of((int)there, e);
    if (p->store) FN(store_eight)(p, i, step, t, there, full, e);
    FA_EACH_OF_EIGHT(u, j, i, step, there) {
        mask top = v_eq(e[u], K(1 / EXP_SCALE));
        s->ties = v_count(s->ties, top);
        e[u] = v_select(top, K(0), e[u]);
    }
}
FA_INLINE void FN(lse_stats_body)(void *context, size_t i, size_t step, size_t t, size_t there, int full, vec e[8]) {
    FN(lse_stats_of_four)(context, i, step, t, there < 4 ? there : 4, full, e);
    if (there > 4) FN(lse_stats_of_four)(context, i + 4 * step, step, t, there - 4, full, e + 4);
}

/* The sum of a row's counts, in every lane along a row. */
FA_INLINE vec FN(total_count)(row_shape shape, ivec counts) {
    if (shape.traversal != FA_WITHIN_ROW) return v_from_int(counts);
    int64_t total = 0;
    for (size_t k = 0; k < LANES; k++) total += counts[k];
    return v_splat((real)total);
}

/* The sums log-probabilities need, the maxima being found; with `store`,
 * exp(x - max) / EXP_SCALE is left in the output. */
FA_INLINE void FN(lse_stats)(const fa_rows_args *a, int store, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 0);
    p.store = store;
    for (size_t t = 0; t < p.shape.tiles; t++) FN(state_of)(&p, t)->ties = v_to_int(K(0));
    FN(sum_rows)(&p, FN(lse_stats_body));
    for (size_t k = 0; k < p.shape.tiles; k++) {
        const FN(softmax_state) *s = FN(state_of)(&p, k);
        vdd small = {s->total.hi * K(EXP_SCALE), s->total.lo * K(EXP_SCALE)}, sum_excl_max;
        vec extra = FN(total_count)(p.shape, s->ties) - K(1), hi = small.hi + extra, t = hi - extra;
        sum_excl_max.hi = hi;
        sum_excl_max.lo = ((extra - (hi - t)) + (small.hi - t)) + small.lo;
        p.saved[k].sum_excl_max = sum_excl_max;
    }
}
FA_INLINE void FN(log_sums)(FN(row_pass) * p) {
    for (size_t t = 0; t < p->shape.tiles; t++) {
        const vdd sum_excl_max = FN(state_of)(p, t)->sum_excl_max;
        p->saved[t].log_total = FN(log1p_dd)(sum_excl_max, K(1) / (K(1) + sum_excl_max.hi));
    }
}

/* One function a traversal, called once a row or tile: copies in each op would be half a megabyte. */
#define FA_OUT_OF_LINE(suffix, traversal)                                                                \
    FA_NOINLINE void FN(exp_sum##suffix)(const fa_rows_args *a, int k) { FN(exp_sum)(a, k, traversal); } \
    FA_NOINLINE void FN(lse_stats##suffix)(const fa_rows_args *a) { FN(lse_stats)(a, 0, traversal); }    \
    FA_NOINLINE void FN(lse_stats_stored##suffix)(const fa_rows_args *a) { FN(lse_stats)(a, 1, traversal); }
FA_OUT_OF_LINE(_within_row, FA_WITHIN_ROW)
FA_OUT_OF_LINE(_across_rows, FA_ACROSS_ROWS)
FA_OUT_OF_LINE(_panel, FA_PANEL)
#undef FA_OUT_OF_LINE
/* Calls the function of this traversal, a constant. */
#define FA_CALL_TRAVERSAL(name, ...)                                          \
    do {                                                                      \
        if (traversal == FA_WITHIN_ROW) FN(name##_within_row)(__VA_ARGS__);   \
        if (traversal == FA_ACROSS_ROWS) FN(name##_across_rows)(__VA_ARGS__); \
        if (traversal == FA_PANEL) FN(name##_panel)(__VA_ARGS__);             \
    } while (0)

FA_INLINE void FN(scale_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    FN(store_output)(p, i, t, full, FN(dd_times)(FN(state_of)(p, t)->factor, FN(load_output)(p, i, t, full)));
}
FA_INLINE void FN(scale)(FN(row_pass) * p) {
    real *y = p->y;
    size_t head = p->shape.traversal == FA_WITHIN_ROW && p->shape.full > 1 ? FN(to_alignment)(y) : 0;
    if (head) { /* apart, for the rest to be aligned */
        v_store_n(y, head, FN(dd_times)(p->current->factor, v_load_n(y, head)));
        p->y = y + head;
        p->shape = FN(row_shape_of)(p->shape.full * LANES + p->shape.tail - head, FA_WITHIN_ROW);
    }
    FN(for_each_vector)(p->shape, FN(scale_body), p);
}

/* Up to its last phase: exponentials to the output, and their factor. */
FA_INLINE void FN(softmax_until_write)(FN(row_pass) * p, const fa_rows_args *a, int k, fa_row_phase phase,
                                       fa_traversal traversal) {
    if (phase == FA_PHASE_MAX) FN(find_max)(p);
    if (phase == FA_PHASE_EXP_SUM) FA_CALL_TRAVERSAL(exp_sum, a, k);
}
/* softmin is softmax of -x, which is put to the output first. */
FA_INLINE void FN(negate_body)(void *context, size_t i, size_t t, int full) {
    FN(store_output)(context, i, t, full, -FN(load_input)(context, i, t, full));
}
FA_INLINE void FN(negate_to_output)(FN(row_pass) * p, fa_row_phase phase) {
    if (phase == FA_PHASE_MAX) FN(for_each_vector)(p->shape, FN(negate_body), p);
    p->negated = 1;
    p->x = p->y;
    p->x_pitch = p->y_pitch;
    p->x_prefetch = 0;
}
FA_INLINE void FN(softmax_of)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal, int k) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, k);
    FN(softmax_until_write)(&p, a, k, phase, traversal);
    if (phase == FA_PHASE_WRITE) FN(scale)(&p);
}
FA_INLINE void FN(softmax)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(softmax_of)(a, phase, traversal, 0);
}
/* Then it goes on with softmax's own functions, not copies of them. */
static void FN(softmax_write_within_row)(const fa_rows_args *a);
static void FN(softmax_write_across_rows)(const fa_rows_args *a);
static void FN(softmax_write_panel)(const fa_rows_args *a);
FA_INLINE fa_rows_args FN(with_output_as_input)(const fa_rows_args *a, int k) {
    fa_rows_args own = *a;
    own.in[k] = a->out[0];
    own.in_pitch[k] = a->out_pitch[0];
    own.in_prefetch[k] = 0;
    return own;
}
FA_INLINE void FN(softmin_max)(const fa_rows_args *a, fa_traversal traversal, int k) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, k);
    FN(negate_to_output)(&p, FA_PHASE_MAX);
    FN(find_max)(&p);
}
FA_INLINE void FN(softmin)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    const fa_rows_args negated = FN(with_output_as_input)(a, 0);
    if (phase == FA_PHASE_MAX) FN(softmin_max)(a, traversal, 0);
    if (phase == FA_PHASE_EXP_SUM) FA_CALL_TRAVERSAL(exp_sum, &negated, 0);
    if (phase == FA_PHASE_WRITE) FA_CALL_TRAVERSAL(softmax_write, &negated);
}

FA_INLINE void FN(log_softmax_body)(void *context, size_t i, size_t t, int full) {
    FN(row_pass) *p = context;
    const FN(softmax_state) *s = FN(state_of)(p, t);
    vec d = (FN(load_input)(p, i, t, full) - s->max) + K(0); /* -0 to +0 */
    FN(store_output)(p, i, t, full, d - s->log_total);
}
/* log_softmax and logsumexp but for their last phase. */
FA_INLINE void FN(lse_until_write)(FN(row_pass) * p, const fa_rows_args *a, fa_row_phase phase,
                                   fa_traversal traversal) {
    if (phase == FA_PHASE_MAX) FN(find_max)(p);
    if (phase == FA_PHASE_EXP_SUM) FA_CALL_TRAVERSAL(lse_stats, a);
    if (phase == FA_PHASE_LOG) FN(log_sums)(p);
}
FA_INLINE void FN(log_softmax)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 0);
    FN(lse_until_write)(&p, a, phase, traversal);
    if (phase == FA_PHASE_WRITE) FN(for_each_vector)(p.shape, FN(log_softmax_body), &p);
}

/* NaN in every lane if one of v is, else `otherwise`. */
FA_INLINE vec FN(any_nan)(vec v, vec otherwise) { return v_any(v_isnan(v)) ? K(NAN) : otherwise; }

/* An infinite maximum itself, but for a NaN beside it. */
FA_INLINE vec FN(infinite_max)(const FN(row_pass) * p, size_t t, vec max) {
    vec nan = max;
    for (size_t i = 0; i < p->shape.vectors; i++) {
        vec x = FN(row_load)(p->shape, 0, p->x, p->x_pitch, i, t, K(0));
        nan = v_select(v_isnan(x), x, nan);
    }
    return p->shape.traversal == FA_WITHIN_ROW ? FN(any_nan)(nan, max) : nan;
}
FA_INLINE void FN(logsumexp)(const fa_rows_args *a, fa_row_phase phase, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, 0);
    FN(lse_until_write)(&p, a, phase, traversal);
    for (size_t t = 0; phase == FA_PHASE_WRITE && t < p.shape.tiles; t++) {
        const FN(softmax_state) *s = FN(state_of)(&p, t);
        vec result = s->max + s->log_total;
        mask infinite = v_eq(v_abs(s->max), K(INFINITY));
        if (v_any(infinite)) result = v_select(infinite, FN(infinite_max)(&p, t, s->max), result);
        FN(store_row_value)(p.shape, a->row_out, t, result);
    }
}

/* ---- gradients of exponentials ---------------------------------------------------------- */

/* factor dy, for products with e * unit, e being exponentials over EXP_SCALE. With a small dy
 * the factor might be no normal number, with a large one e: the unit goes to the larger. */
FA_INLINE vdd FN(scale_factor)(vdd factor, vec dy, vec *exp_scale) {
    mask large = v_le(K(0x1p-20), v_abs(dy));
    *exp_scale = v_select(large, K(1), K(EXP_SCALE));
    return FN(dd_scaled)(factor, v_select(large, dy * K(EXP_SCALE), dy));
}
/* That product; of -inf, whose exponential over EXP_SCALE is only small, 0 however large dy. */
FA_INLINE vec FN(factor_times_exp)(vdd factor, vec exp_scale, vec e) {
    return FN(dd_times)(factor, v_keep(v_lt(K(EXP_ZERO), e), e) * exp_scale);
}

#endif
