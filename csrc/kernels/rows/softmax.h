/* softmax, softmin, log_softmax and logsumexp of rows, in four phases. Also the pieces that softmax_backward.h,
 * cross_entropy.h and sparse.h share: the state between phases, and the passes over a row.
 *
 * With m = max x and e_j = exp(x_j - m) the normaliser is sum e_j = 1 + sum_excl_max; sum_excl_max leaves out one
 * maximum, whose e is 1.
 *   softmax       p_j = e_j / (1 + sum_excl_max)
 *   softmin       softmax of -x
 *   log_softmax   (x_j - m) - log1p(sum_excl_max)       never -0
 *   logsumexp     m + log1p(sum_excl_max)               one result a row
 * Leaving the maximum out keeps the relative precision of log1p(sum_excl_max) in confident rows, where sum_excl_max is
 * tiny and 1 + sum_excl_max would round it away.
 *
 * A logit of -inf has e = 0 exactly. A row with +inf or NaN, or of -inf only, is NaN throughout. logsumexp of such a
 * row is its maximum, or NaN if the row holds one; of an empty row it is -inf.
 *
 * Each phase is a function of its own (phases.h); between two phases of a row the driver runs phases of other rows
 * (drivers/rows.c). What a phase finds it leaves in softmax_state.
 *
 *                  FA_PHASE_MAX     FA_PHASE_EXP_SUM           FA_PHASE_LOG          FA_PHASE_WRITE
 *   softmax        m                y = e, factor = 1 / sum    -                     y = factor y
 *   softmin        y = -x, m of y   the same, from y           -                     y = factor y
 *   log_softmax    m                sum_excl_max               log1p(sum_excl_max)   y = (x - m) - log_total
 *   logsumexp      m                sum_excl_max               log1p(sum_excl_max)   m + log_total
 *
 * Exponentials stay divided by EXP_SCALE, 2^-64 in float32 and 2^-128 in float64, while they are summed and stored:
 * results below the normal range would cost a CPU assist each. `e / EXP_SCALE` in a comment is such a number.
 *
 * Next: row_shape.h and reduce.h (vectors and sums), phases.h (how these functions become a table). */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_SOFTMAX_H64) : !defined(FA_SOFTMAX_H32)
#ifdef FA_T_IS_F64
#define FA_SOFTMAX_H64
#else
#define FA_SOFTMAX_H32
#endif

#include "reduce.h"

/* What one phase leaves for the next: each row's in its lane; within row, the one row's in every lane. */
typedef struct {
    vec max;
    union {
        vdd factor;    /* 1 / sum: turns stored exponentials into probabilities */
        vdd threshold; /* sparsemax: subtracted from each entry; its gradient: the mean over the support */
    };
    vdd sum_excl_max; /* the sum of exp(x - max) without one maximum */
    union {
        vec log_total; /* log1p(sum_excl_max) */
        vec nan;       /* hardmax: a NaN of the row, or 0 */
    };
    vdd total; /* of the pass at hand: exponentials, or a gradient's terms */
    union {
        vec exp_multiplier; /* EXP_SCALE or 1: the exponential's part of the product (scale_factor) */
        vec count;          /* hardmax: ones written; sparsemax: entries above the last threshold */
    };
    ivec ties; /* how many exponentials are 1; sparsemax: how many entries are above the threshold */
} FN(softmax_state);

/* log1p of hi + lo >= 0, with lo to first order. inverse: 1 / (1 + p.hi). */
FA_INLINE vec FN(log1p_dd)(vdd p, vec inverse) { return v_log1p(p.hi) + p.lo * inverse; }

/* 1 + hi + lo. */
FA_INLINE vdd FN(dd_one_plus)(vdd p) {
    vec hi = K(1) + p.hi, t = hi - K(1);
    vdd r = {hi, ((K(1) - (hi - t)) + (p.hi - t)) + p.lo};
    return r;
}

/* One pass over a row, tile or panel: what it reads, writes and sums.
 * x, dy, y: (n) within row, (n, LANES) across rows, (n, rows) in a panel; pitch: elements from one class to the next;
 * prefetch: elements ahead to what is fetched to the cache, the next row or in a panel the next class; or 0. */
typedef struct {
    row_shape shape;
    const void *x, *dy;
    void *y;
    ptrdiff_t x_pitch, dy_pitch, y_pitch, x_prefetch, y_prefetch;
    FN(softmax_state) * saved; /* (tiles): the next phase finds this */
    FN(softmax_state) *
        current; /* panel: the same array; else the kernel's own copy of its only element, which lives in registers */
    vsum *slots;
    int store, prefetch_y, negated; /* constants; negated: softmin */
} FN(row_pass);

/* x is the k-th input, dy the first. Set member by member, because compilers set and copy whole structures through
 * memory. */
FA_INLINE void FN(init_pass)(FN(row_pass) * p, FN(softmax_state) * own, const fa_rows_args *a, fa_traversal traversal,
                             int k) {
    p->shape = FN(row_shape_for)(a, traversal);
    p->x = a->in[k];
    p->x_pitch = a->in_pitch[k];
    p->x_prefetch = a->in_prefetch_distance[k];
    p->y = a->out[0];
    p->y_pitch = a->out_pitch[0];
    p->y_prefetch = a->out_prefetch_distance;
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
/* The state of tile t in this phase. Only what is written to p->saved[t] reaches the next phase. */
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

/* Where vector u of an eight lies, with `apart` elements from one vector to the next. Counted from two bases, four
 * offsets serve all eight. */
FA_INLINE const real *FN(address_in_eight)(const real *first, const real *fifth, ptrdiff_t apart, size_t u) {
    return (u < 4 ? first : fifth) + (ptrdiff_t)(u % 4) * apart;
}
/* d = x - max of an eight. Except across rows, x is prefetched. */
FA_INLINE void FN(sub_max)(FN(row_pass) * p, size_t i, size_t step, size_t t, size_t count, int full, vec d[]) {
    const ptrdiff_t apart = FN(offset_of)(p->shape, step, 0, 0, p->x_pitch);
    const real *x = (const real *)p->x + FN(offset_of)(p->shape, i, t, full, p->x_pitch), *fifth = x + 4 * apart;
    const vec max = FN(state_of)(p, t)->max;
    FA_EACH_OF_EIGHT(u, j, i, step, count) {
        if (p->shape.traversal != FA_ACROSS_ROWS)
            FA_PREFETCH(FN(address_in_eight)(x + p->x_prefetch, fifth + p->x_prefetch, apart, u));
        d[u] = FN(row_load_at)(p->shape, full, FN(address_in_eight)(x, fifth, apart, u), j, t, K(-INFINITY)) - max;
    }
}
FA_INLINE void FN(store_eight)(const FN(row_pass) * p, size_t i, size_t step, size_t t, size_t count, int full,
                               const vec e[]) {
    const ptrdiff_t apart = FN(offset_of)(p->shape, step, 0, 0, p->y_pitch);
    real *y = (real *)p->y + FN(offset_of)(p->shape, i, t, full, p->y_pitch), *fifth = y + 4 * apart;
    FA_EACH_OF_EIGHT(u, j, i, step, count) {
        real *to = (u < 4 ? y : fifth) + (ptrdiff_t)(u % 4) * apart;
        if (p->prefetch_y) FA_PREFETCH(to + p->y_prefetch);
        FN(row_store_at)(p->shape, full, to, j, t, e[u]);
    }
}
/* e / EXP_SCALE of an eight, which the output keeps. */
FA_INLINE void FN(exp_sum_body)(void *context, size_t i, size_t step, size_t t, size_t count, int full, vec e[8]) {
    FN(sub_max)(context, i, step, t, count, full, e);
    v_exp_scaled_of((int)count, e);
    FN(store_eight)(context, i, step, t, count, full, e);
}

/* Sums what `body` computes over each row, into each tile's `total`. prefetch_y is a constant in either call of
 * add_row. */
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
/* FA_PHASE_EXP_SUM of softmax: y = e / EXP_SCALE of the k-th input, and factor = 1 / sum y, so that factor * y is a
 * probability. */
FA_INLINE void FN(exp_sum)(const fa_rows_args *a, int k, fa_traversal traversal) {
    FN(row_pass) p;
    FN(softmax_state) own;
    FN(init_pass)(&p, &own, a, traversal, k);
    p.store = 1;
    FN(sum_rows)(&p, FN(exp_sum_body));
    for (size_t t = 0; t < p.shape.tiles; t++) p.saved[t].factor = FN(dd_reciprocal)(FN(state_of)(&p, t)->total);
}

/* e / EXP_SCALE of up to four vectors. Maxima, whose e is exactly 1, are counted in `ties` and give 0 to the sum. */
FA_INLINE void FN(lse_stats_of_four)(FN(row_pass) * p, size_t i, size_t step, size_t t, size_t count, int full,
                                     vec e[]) {
    FN(softmax_state) *s = FN(state_of)(p, t);
    FN(sub_max)(p, i, step, t, count, full, e);
    v_exp_scaled_of((int)count, e);
    if (p->store) FN(store_eight)(p, i, step, t, count, full, e);
    FA_EACH_OF_EIGHT(u, j, i, step, count) {
        mask top = v_eq(e[u], K(1 / EXP_SCALE));
        s->ties = v_count(s->ties, top);
        e[u] = v_select(top, K(0), e[u]);
    }
}
FA_INLINE void FN(lse_stats_body)(void *context, size_t i, size_t step, size_t t, size_t count, int full, vec e[8]) {
    FN(lse_stats_of_four)(context, i, step, t, count < 4 ? count : 4, full, e);
    if (count > 4) FN(lse_stats_of_four)(context, i + 4 * step, step, t, count - 4, full, e + 4);
}

/* A row's counts as a real: each row's in its lane; within row, added over all lanes and in every lane. */
FA_INLINE vec FN(total_count)(row_shape shape, ivec counts) {
    if (shape.traversal != FA_WITHIN_ROW) return v_from_int(counts);
    int64_t total = 0;
    for (size_t k = 0; k < LANES; k++) total += counts[k];
    return v_splat((real)total);
}

/* FA_PHASE_EXP_SUM of log-probabilities: sum_excl_max = (number of maxima - 1) + sum of all e below 1, as a
 * double-double. With `store` the output keeps e / EXP_SCALE. */
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
/* FA_PHASE_LOG of log-probabilities. */
FA_INLINE void FN(log_sums)(FN(row_pass) * p) {
    for (size_t t = 0; t < p->shape.tiles; t++) {
        const vdd sum_excl_max = FN(state_of)(p, t)->sum_excl_max;
        p->saved[t].log_total = FN(log1p_dd)(sum_excl_max, K(1) / (K(1) + sum_excl_max.hi));
    }
}

/* The exponentials' loops are functions, one a traversal, called once a row or tile: inlined in each op they would be
 * half a megabyte of code. */
#define FA_OUT_OF_LINE(suffix, traversal)                                                                \
    FA_NOINLINE void FN(exp_sum##suffix)(const fa_rows_args *a, int k) { FN(exp_sum)(a, k, traversal); } \
    FA_NOINLINE void FN(lse_stats##suffix)(const fa_rows_args *a) { FN(lse_stats)(a, 0, traversal); }    \
    FA_NOINLINE void FN(lse_stats_stored##suffix)(const fa_rows_args *a) { FN(lse_stats)(a, 1, traversal); }
FA_OUT_OF_LINE(_within_row, FA_WITHIN_ROW)
FA_OUT_OF_LINE(_across_rows, FA_ACROSS_ROWS)
FA_OUT_OF_LINE(_panel, FA_PANEL)
#undef FA_OUT_OF_LINE
/* Calls the function for `traversal`, which is a constant where this is used. */
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
/* FA_PHASE_WRITE of softmax: y = factor y. */
FA_INLINE void FN(scale)(FN(row_pass) * p) {
    real *y = p->y;
    size_t head = p->shape.traversal == FA_WITHIN_ROW && p->shape.full_vectors > 1 ? FN(to_alignment)(y) : 0;
    if (head) { /* by itself, so that the rest is aligned */
        v_store_n(y, head, FN(dd_times)(p->current->factor, v_load_n(y, head)));
        p->y = y + head;
        p->shape = FN(row_shape_of)(p->shape.full_vectors * LANES + p->shape.tail - head, FA_WITHIN_ROW);
    }
    FN(for_each_vector)(p->shape, FN(scale_body), p);
}

/* softmax except its last phase: leaves exponentials in the output, and their factor in the state. */
FA_INLINE void FN(softmax_until_write)(FN(row_pass) * p, const fa_rows_args *a, int k, fa_row_phase phase,
                                       fa_traversal traversal) {
    if (phase == FA_PHASE_MAX) FN(find_max)(p);
    if (phase == FA_PHASE_EXP_SUM) FA_CALL_TRAVERSAL(exp_sum, a, k);
}
/* softmin is softmax of -x: the output takes -x first. */
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
/* After that, softmin calls softmax's own functions with its output for input, instead of compiling copies of them. */
static void FN(softmax_write_within_row)(const fa_rows_args *a);
static void FN(softmax_write_across_rows)(const fa_rows_args *a);
static void FN(softmax_write_panel)(const fa_rows_args *a);
FA_INLINE fa_rows_args FN(with_output_as_input)(const fa_rows_args *a, int k) {
    fa_rows_args own = *a;
    own.in[k] = a->out[0];
    own.in_pitch[k] = a->out_pitch[0];
    own.in_prefetch_distance[k] = 0;
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
    vec d = (FN(load_input)(p, i, t, full) - s->max) + K(0); /* + 0: no -0 */
    FN(store_output)(p, i, t, full, d - s->log_total);
}
/* log_softmax and logsumexp except their last phase. */
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

/* NaN in every lane if a lane of v is NaN, else `otherwise`. */
FA_INLINE vec FN(any_nan)(vec v, vec otherwise) { return v_any(v_isnan(v)) ? K(NAN) : otherwise; }

/* logsumexp where the maximum is infinite: that maximum, or NaN if the row holds one. */
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

/* factor * dy, for products with e / EXP_SCALE. One of the two must take EXP_SCALE back: the factor, if |dy| >= 2^-20,
 * else the exponential, by *exp_multiplier. So neither leaves the normal range: not the factor where dy is small, and
 * not the exponential where dy is large enough for the product to matter. */
FA_INLINE vdd FN(scale_factor)(vdd factor, vec dy, vec *exp_multiplier) {
    mask large = v_le(K(0x1p-20), v_abs(dy));
    *exp_multiplier = v_select(large, K(1), K(EXP_SCALE));
    return FN(dd_scaled)(factor, v_select(large, dy * K(EXP_SCALE), dy));
}
/* That product. For a logit of -inf, whose e / EXP_SCALE is clamped to a small number, it is 0 however large dy is. */
FA_INLINE vec FN(factor_times_exp)(vdd factor, vec exp_multiplier, vec e) {
    return FN(dd_times)(factor, v_keep(v_lt(K(EXP_ZERO_BELOW), e), e) * exp_multiplier);
}

#endif
