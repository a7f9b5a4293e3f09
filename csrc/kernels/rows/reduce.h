/* Walking a row vector by vector, and totals whose order no layout,
 * instruction set or thread count changes. Included once for each element type.
 *
 * Element i of a row adds to slot i % SLOTS; a virtual vector has that many
 * lanes. Exponentials come in eights i, i + SLOTS, ..., i + 7 SLOTS, whose sum is taken
 * pairwise in their own type before it is added exactly: an eighth of the work for three
 * roundings of positive numbers.
 * At the end slot k takes slot k + SLOTS/2, then k + SLOTS/4, and so on.
 * Along a row the slots are the virtual vector's lanes; across rows and abreast they are
 * SLOTS vectors for each tile, each lane a row.
 */

#define SLOTS (FA_VIRTUAL_BYTES / sizeof(real))
#define MOST_SLOTS (FA_VIRTUAL_BYTES / sizeof(float))
#define MOST_TILES (FA_ABREAST_BYTES / sizeof(vec))
#define pair FN(pair)
#define sum FN(sum)
#define walk FN(walk)

typedef struct {
    fa_direction direction;
    size_t n;             /* elements of a row */
    size_t vectors, full; /* along a row the last may hold fewer than LANES elements */
    size_t tail;          /* how many; abreast, how many rows the last tile holds; or 0 */
    size_t slots;         /* of accumulators in use */
    size_t tiles;         /* side by side, 1 but abreast */
    size_t head, missing; /* abreast: how many rows the first tile holds if it is not whole, or 0; and does not */
    size_t first_whole, end_whole; /* abreast: the tiles of LANES rows are first_whole .. end_whole - 1 */
} walk;

FA_INLINE walk FN(walk_of)(size_t n, fa_direction direction) {
    walk w = {.direction = direction, .n = n, .vectors = n, .full = n, .tiles = 1, .end_whole = 1};
    w.slots = n == 0 ? 1 : n < SLOTS ? n : SLOTS; /* of nothing the total is 0 */
    if (direction == FA_ALONG) {
        w.vectors = (n + LANES - 1) / LANES;
        w.full = n / LANES;
        w.tail = n % LANES;
        w.slots = SLOTS / LANES;
    }
    return w;
}
FA_INLINE walk FN(walk_over)(const fa_rows_args *a, fa_direction direction) {
    walk w = FN(walk_of)(a->n, direction);
    if (direction == FA_ABREAST) {
        w.head = a->head;
        w.missing = a->head ? LANES - a->head : 0;
        w.first_whole = a->head > 0;
        w.end_whole = w.first_whole + (a->rows - a->head) / LANES;
        w.tail = (a->rows - a->head) % LANES;
        w.tiles = w.end_whole + (w.tail > 0);
    }
    return w;
}
/* The first row of a tile, and how many there are. */
FA_INLINE size_t FN(start_of)(walk w, size_t t, int full) { return full || t ? t * LANES - w.missing : 0; }
FA_INLINE size_t FN(rows_of)(walk w, size_t t) { return t < w.first_whole ? w.head : t < w.end_whole ? LANES : w.tail; }
FA_INLINE int FN(is_whole)(walk w, size_t t) { return w.first_whole <= t && t < w.end_whole; }

FA_INLINE ptrdiff_t FN(offset_of)(walk w, size_t i, size_t t, int full, ptrdiff_t pitch) {
    if (w.direction == FA_ALONG) return (ptrdiff_t)(i * LANES);
    return (ptrdiff_t)i * pitch + (w.direction == FA_ABREAST ? (ptrdiff_t)FN(start_of)(w, t, full) : 0);
}

/* How many elements of a row its i-th vector holds: 0 if there is none. */
FA_INLINE size_t FN(held)(walk w, size_t i) {
    const ptrdiff_t left = (ptrdiff_t)w.n - (ptrdiff_t)(i * LANES);
    return left <= 0 ? 0 : left < LANES ? (size_t)left : LANES;
}
/* The i-th vector of a row or of a tile of rows, at p. It is whole if `full`, or across rows;
 * lanes beyond its end are `pad`. */
FA_INLINE vec FN(take_at)(walk w, int full, const real *p, size_t i, size_t t, vec pad) {
    if (full || w.direction == FA_ACROSS) return v_load(p);
    return v_load_or(p, w.direction == FA_ALONG ? FN(held)(w, i) : FN(rows_of)(w, t), pad);
}
FA_INLINE void FN(put_at)(walk w, int full, real *p, size_t i, size_t t, vec v) {
    if (full || w.direction == FA_ACROSS) v_store(p, v);
    else v_store_n(p, w.direction == FA_ALONG ? FN(held)(w, i) : FN(rows_of)(w, t), v);
}
FA_INLINE vec FN(take)(walk w, int full, const void *row, ptrdiff_t pitch, size_t i, size_t t, vec pad) {
    return FN(take_at)(w, full, (const real *)row + FN(offset_of)(w, i, t, full, pitch), i, t, pad);
}
FA_INLINE void FN(put)(walk w, int full, void *row, ptrdiff_t pitch, size_t i, size_t t, vec v) {
    FN(put_at)(w, full, (real *)row + FN(offset_of)(w, i, t, full, pitch), i, t, v);
}

/* The tiles but w.first_whole .. done - 1: up to w.end_whole, those of fewer rows. */
#define FA_EACH_OTHER(w, t, done) \
    for (size_t t = (w).first_whole ? 0 : (done); t < (w).tiles; t = t < (w).first_whole ? (done) : t + 1)

/* A statement for each tile; `full` is a constant each time. */
#define FA_EACH_TILE(w, t, full, ...)                                                \
    do {                                                                             \
        {                                                                            \
            enum { full = 1 };                                                       \
            for (size_t t = (w).first_whole; t < (w).end_whole; t++) __VA_ARGS__;    \
        }                                                                            \
        {                                                                            \
            enum { full = 0 };                                                       \
            FA_EACH_OTHER(w, t, (w).end_whole) __VA_ARGS__;                          \
        }                                                                            \
    } while (0)

/* Calls body for the i-th vector of tile t, for all i and t, one i after the other; `full` is
 * a constant at each call of it. */
typedef void FN(vector_body)(void *context, size_t i, size_t t, int full);
FA_INLINE void FN(each)(walk w, FN(vector_body) * body, void *context) {
    size_t i = 0;
    if (w.direction == FA_ABREAST) {
        for (; i < w.n; i++) FA_EACH_TILE(w, t, full, body(context, i, t, full));
        return;
    }
    FA_UNROLL(4)
    for (; i < w.full; i++) body(context, i, 0, 1);
    if (w.direction == FA_ALONG && w.tail) body(context, i, 0, 0);
}

/* The same with the vector's slot, in ascending order within each. */
typedef void FN(slot_body)(void *context, size_t slot, size_t i, size_t t, int full);
FA_INLINE void FN(each_in_slot)(walk w, FN(slot_body) * body, void *context) {
    const size_t step = w.direction == FA_ALONG ? SLOTS / LANES : SLOTS;
    size_t base = 0;
    if (w.direction == FA_ABREAST) {
        for (size_t i = 0; i < w.n; i++) {
            const size_t slot = i % SLOTS * w.tiles;
            FA_EACH_TILE(w, t, full, body(context, slot + t, i, t, full));
        }
        return;
    }
    for (; base + step <= w.full; base += step)
        for (size_t k = 0; k < step; k++) body(context, k, base + k, 0, 1);
    for (size_t k = 0; base + k < w.vectors; k++) body(context, k, base + k, 0, 0);
}

/* Gives `there` <= 8 positive values, those of vectors i, i + step, ... of tile t; at once, for
 * their instructions to interleave. Unless `full`, along a row any of them may end early, or not
 * be there at all: those give 0. `there` and `step` are constants at each call. */
typedef void FN(eight_body)(void *context, size_t i, size_t step, size_t t, size_t there, int full, vec value[8]);
#define FA_EACH_OF_EIGHT(u, j, i, step, there) \
    FA_UNROLL(8)                               \
    for (size_t u = 0, j = i; u < there; u++, j += step)

/* Up to four across rows from i on, 0 for what is not there. */
FA_INLINE void FN(last_four)(walk w, FN(eight_body) * body, void *context, size_t i, size_t step, vec value[]) {
    for (int u = 0; u < 4; u++) value[u] = K(0);
    if (i >= w.vectors) return;
    switch ((w.vectors - i + step - 1) / step) {
    case 1: body(context, i, step, 0, 1, 1, value); break;
    case 2: body(context, i, step, 0, 2, 1, value); break;
    case 3: body(context, i, step, 0, 3, 1, value); break;
    default: body(context, i, step, 0, 4, 1, value);
    }
}
/* Up to eight from i on: across rows exactly those there are, along a row four or eight, for
 * partial vectors cost less than a case for each number. */
FA_INLINE void FN(last_eight)(walk w, FN(eight_body) * body, void *context, size_t i, size_t step, vec value[8]) {
    if (w.direction == FA_ACROSS) {
        FN(last_four)(w, body, context, i, step, value);
        FN(last_four)(w, body, context, i + 4 * step, step, value + 4);
    } else if (i + 4 * step < w.vectors) {
        body(context, i, step, 0, 8, 0, value);
    } else {
        body(context, i, step, 0, 4, 0, value);
        for (int u = 4; u < 8; u++) value[u] = K(0);
    }
}
FA_INLINE vec FN(sum_of_eight)(const vec v[8]) {
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}
FA_INLINE sum FN(add_eight)(sum slot, FN(eight_body) * body, void *context, size_t i, size_t step, size_t t) {
    vec v[8];
    body(context, i, step, t, 8, 1, v);
    return FN(sum_add)(slot, FN(sum_of_eight)(v));
}
/* The sum of `slots` slots, of a value each: slot k takes slot k + slots/2, and so on. From `used` on they are empty;
 * both are constants. */
FA_INLINE sum FN(fold)(size_t slots, size_t used, const vec v[]) {
    const size_t half_of_all = slots / 2;
    sum s[SLOTS / 2];
    FA_UNROLL(8)
    for (size_t k = 0; k < half_of_all; k++) {
        s[k] = FN(sum_of)(v[k]);
        if (k + half_of_all < used) s[k] = FN(sum_merge)(s[k], FN(sum_of)(v[k + half_of_all]));
    }
    FA_UNROLL(4)
    for (size_t half = slots / 4; half; half /= 2) {
        FA_UNROLL(4)
        for (size_t k = 0; k < half; k++) s[k] = FN(sum_merge)(s[k], s[k + half]);
    }
    return s[0];
}
/* Of n values those of neighbouring groups of SLOTS added, the second's to the first's: how many are left. */
FA_INLINE size_t FN(add_groups)(size_t n, vec v[]) {
    size_t to = 0;
    for (size_t from = 0; from < n; from += 2 * SLOTS) {
        const size_t left = n - from, first = left < SLOTS ? left : SLOTS, rest = left - first;
        const size_t second = rest < SLOTS ? rest : SLOTS;
        for (size_t k = 0; k < second; k++) v[to + k] = v[from + k] + v[from + SLOTS + k];
        for (size_t k = second; k < first; k++) v[to + k] = v[from + k];
        to += first;
    }
    return to;
}
/* The total of short rows across, of one eight a slot: neighbours are taken at once, and added as eights would be. */
enum { FN(SHORT_TOTAL) = 8 * SLOTS };
FA_INLINE pair FN(short_total)(walk w, FN(eight_body) * body, void *context) {
    vec v[FN(SHORT_TOTAL)], few[4];
    size_t base = 0, n = w.vectors;
    if (n <= 4) { /* in registers */
        FN(last_four)(w, body, context, 0, 1, few);
        return FN(sum_pair)(FN(fold)(4, 4, few));
    }
    for (; base + 4 <= n; base += 4) body(context, base, 1, 0, 4, 1, v + base);
    if (base < n) FN(last_four)(w, body, context, base, 1, v + base);
    n = (n + 3) / 4 * 4; /* with the last four's zeros */
    while (n > SLOTS) n = FN(add_groups)(n, v);
    if (n == SLOTS) return FN(sum_pair)(FN(fold)(SLOTS, SLOTS, v));
    return FN(sum_pair)(n == 8 ? FN(fold)(8, 8, v) : FN(fold)(SLOTS, 12, v));
}
/* Adds all values of a row, or of a tile of them across, to its slots. */
FA_INLINE void FN(add_all)(walk w, sum *slots, FN(eight_body) * body, void *context) {
    const size_t step = w.direction == FA_ALONG ? SLOTS / LANES : SLOTS;
    size_t base = 0;
    vec v[8];
    for (; base + 8 * step <= w.full; base += 8 * step)
        for (size_t k = 0; k < step; k++) slots[k] = FN(add_eight)(slots[k], body, context, base + k, step, 0);
    for (size_t k = 0; k < step && base + k < w.vectors; k++) {
        FN(last_eight)(w, body, context, base + k, step, v);
        slots[k] = FN(sum_add)(slots[k], FN(sum_of_eight)(v));
    }
}

/* Abreast, each eight in two halves: of lines a page apart L1 holds no more than some twelve. */
FA_INLINE vec FN(sum_of_four)(FN(eight_body) * body, void *context, size_t i, size_t t, size_t there, int full) {
    vec v[4] = {K(0), K(0), K(0), K(0)};
    if (full) body(context, i, SLOTS, t, 4, 1, v);
    else
        switch (there) {
        case 1: body(context, i, SLOTS, t, 1, 0, v); break;
        case 2: body(context, i, SLOTS, t, 2, 0, v); break;
        case 3: body(context, i, SLOTS, t, 3, 0, v); break;
        default: body(context, i, SLOTS, t, 4, 0, v);
        }
    return (v[0] + v[1]) + (v[2] + v[3]);
}
/* The first half's sum is kept in `part`, the second's added to it, and both to the slot. */
FA_INLINE void FN(keep_half)(int second, vec half, vec *part, sum *slot) {
    if (second) *slot = FN(sum_add)(*slot, *part + half);
    else *part = half;
}
FA_INLINE void FN(add_half)(walk w, sum *slots, vec *part, FN(eight_body) * body, void *context, size_t i, int second) {
    const size_t left = i < w.n ? (w.n - i + SLOTS - 1) / SLOTS : 0, there = left < 4 ? left : 4;
    size_t done = w.first_whole;
    if (there == 4)
        for (; done < w.end_whole; done++)
            FN(keep_half)(second, FN(sum_of_four)(body, context, i, done, 4, 1), part + done, slots + done);
    FA_EACH_OTHER(w, t, done) {
        vec half = there ? FN(sum_of_four)(body, context, i, t, there, 0) : K(0);
        FN(keep_half)(second, half, part + t, slots + t);
    }
}
FA_INLINE void FN(add_abreast)(walk w, sum *slots, FN(eight_body) * body, void *context) {
    vec part[MOST_TILES];
    for (size_t base = 0; base < w.n; base += 8 * SLOTS)
        for (size_t k = 0; k < SLOTS && base + k < w.n; k++)
            for (int second = 0; second < 2; second++)
                FN(add_half)(w, slots + k * w.tiles, part, body, context, base + k + (second ? 4 * SLOTS : 0), second);
}

/* The first n lanes of v, then 0. */
FA_INLINE vec FN(first)(size_t n, vec v) {
    real lanes[LANES];
    v_store(lanes, v);
    return v_load_n(lanes, n);
}
/* What there is one of a row: whole vectors, of which what is put last stays. */
FA_INLINE vec FN(take_row)(walk w, const void *p, size_t t) {
    return w.direction == FA_ALONG ? v_splat(*(const real *)p) : v_load((const real *)p + FN(start_of)(w, t, 0));
}
FA_INLINE void FN(put_row)(walk w, void *p, size_t t, vec v) {
    if (w.direction == FA_ALONG) v_store_n((real *)p, 1, v);
    else v_store((real *)p + FN(start_of)(w, t, 0), v);
}

FA_INLINE void FN(put_losses)(walk w, double *p, size_t t, vec v) {
    real one;
    if (w.direction != FA_ALONG) {
        FN(store_doubles)(p + FN(start_of)(w, t, 0), v);
        return;
    }
    v_store_n(&one, 1, v);
    *p = (double)one;
}

FA_INLINE void FN(clear)(walk w, sum *slots) {
    for (size_t k = 0; k < w.slots * w.tiles; k++) slots[k] = FN(sum_zero)();
}

/* The total of each row of tile t, in its lane; along a row, in every lane. Slots that never
 * held an element are left out: adding their 0 would change nothing. */
FA_INLINE pair FN(total)(walk w, sum *slots, size_t t) {
    if (w.direction == FA_ALONG) return FN(sum_pair)(FN(sum_across_lanes)(slots, SLOTS / LANES));
    for (size_t half = SLOTS / 2; half; half /= 2) {
        for (size_t k = 0; k < half && k + half < w.slots; k++) {
            sum *slot = slots + k * w.tiles + t;
            *slot = FN(sum_merge)(*slot, slot[half * w.tiles]);
        }
    }
    return FN(sum_pair)(slots[t]);
}

/* Elements of a contiguous row before the first at a vector's alignment: loads and stores
 * across cache lines cost twice. */
FA_INLINE size_t FN(misaligned)(const void *row) {
    return (0 - (uintptr_t)row / sizeof(real)) % LANES;
}

/* The largest of tile t's elements i to i + 3, and of what was the largest. */
FA_INLINE vec FN(max_of_four)(walk w, int full, const void *row, ptrdiff_t pitch, size_t i, size_t t, vec max) {
    vec v[4];
    FA_UNROLL(4)
    for (size_t u = 0; u < 4; u++) v[u] = FN(take)(w, full, row, pitch, i + u, t, K(-INFINITY));
    return v_max(max, v_max(v_max(v[0], v[1]), v_max(v[2], v[3])));
}
FA_INLINE void FN(max_abreast)(walk w, const void *row, ptrdiff_t pitch, vec max[]) {
    size_t i = 0;
    for (size_t t = 0; t < w.tiles; t++) max[t] = K(-INFINITY);
    for (; i + 4 <= w.n; i += 4)
        FA_EACH_TILE(w, t, full, max[t] = FN(max_of_four)(w, full, row, pitch, i, t, max[t]));
    for (; i < w.n; i++)
        for (size_t t = 0; t < w.tiles; t++)
            max[t] = v_max(max[t], FN(take)(w, FN(is_whole)(w, t), row, pitch, i, t, K(-INFINITY)));
}

/* The largest element of each row, for each tile; of rows that hold a NaN, anything. */
FA_INLINE void FN(row_max)(walk w, const void *row, ptrdiff_t pitch, vec max[MOST_TILES]) {
    const vec lowest = K(-INFINITY);
    vec a = lowest, b = lowest, c = lowest, d = lowest;
    size_t i = 0;
    if (w.direction == FA_ABREAST) {
        FN(max_abreast)(w, row, pitch, max);
        return;
    }
    if (w.direction == FA_ALONG && w.full > 1) { /* its ends overlap what is aligned, which does no harm */
        const real *first = row, *end = first + w.full * LANES + w.tail;
        a = v_load(first);
        b = v_load(end - LANES);
        row = first + FN(misaligned)(first);
        w.full = w.vectors = (size_t)(end - (const real *)row) / LANES;
    }
    for (; i + 4 <= w.full; i += 4) {
        a = v_max(a, FN(take)(w, 1, row, pitch, i, 0, lowest));
        b = v_max(b, FN(take)(w, 1, row, pitch, i + 1, 0, lowest));
        c = v_max(c, FN(take)(w, 1, row, pitch, i + 2, 0, lowest));
        d = v_max(d, FN(take)(w, 1, row, pitch, i + 3, 0, lowest));
    }
    for (; i < w.vectors; i++) a = v_max(a, FN(take)(w, 0, row, pitch, i, 0, lowest));
    a = v_max(v_max(a, b), v_max(c, d));
    max[0] = w.direction == FA_ALONG ? v_splat(v_max_across(a)) : a;
}

/* 1 / (hi + lo) as a pair, to nearly twice the type's precision. */
FA_INLINE pair FN(reciprocal)(pair p) {
    vec hi = K(1) / p.hi;
    vec rest = v_fnma(hi, p.lo, v_fnma(hi, p.hi, K(1)));
    pair r = {hi, hi * rest};
    return r;
}
FA_INLINE pair FN(scaled)(pair p, vec factor) {
    vec hi = p.hi * factor, lo = v_fma(p.lo, factor, v_fms(p.hi, factor, hi));
    pair r = {hi, v_keep(v_lt(v_abs(hi), K(INFINITY)), lo)}; /* of infinity no NaN */
    return r;
}
/* (hi + lo) * v, rounded once or hardly more. */
FA_INLINE vec FN(times)(pair p, vec v) { return v_fma(v, p.hi, v * p.lo); }

/* weight * v: 0 where the weight is, whatever v. */
FA_INLINE vec FN(weighted)(vec weight, vec v) { return v_select(v_eq(weight, K(0)), K(0), weight * v); }
/* c - weight * v and c + weight * v, rounded once. */
FA_INLINE vec FN(less_weighted)(vec c, vec weight, vec v) {
    return v_select(v_eq(weight, K(0)), c, v_fnma(weight, v, c));
}
FA_INLINE vec FN(plus_weighted)(vec c, vec weight, vec v) {
    return v_select(v_eq(weight, K(0)), c, v_fma(weight, v, c));
}
