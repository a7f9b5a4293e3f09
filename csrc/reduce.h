/* Walking a row vector by vector, and totals whose order no layout,
 * instruction set or thread count changes. Included once for each element type.
 *
 * Element i of a row adds to slot i % SLOTS; a virtual vector has that many
 * lanes. Exponentials come in eights i, i + SLOTS, ..., i + 7 SLOTS, whose sum is taken
 * pairwise in their own type before it is added exactly: an eighth of the work for three
 * roundings of positive numbers.
 * At the end slot k takes slot k + SLOTS/2, then k + SLOTS/4, and so on.
 * Along a row the slots are the virtual vector's lanes; across rows they are
 * SLOTS vectors, each lane a row.
 */

#define SLOTS (FA_VIRTUAL_BYTES / sizeof(real))
#define MOST_SLOTS (FA_VIRTUAL_BYTES / sizeof(float))
#define pair FN(pair)
#define sum FN(sum)
#define walk FN(walk)

typedef struct {
    fa_direction direction;
    size_t n;             /* elements of a row */
    size_t vectors, full; /* along a row the last may hold fewer than LANES elements */
    size_t tail;          /* how many, or 0 */
    size_t slots;         /* vectors of accumulators in use */
} walk;

FA_INLINE walk FN(walk_of)(size_t n, fa_direction direction) {
    walk w = {direction, n, n, n, 0, n == 0 ? 1 : n < SLOTS ? n : SLOTS}; /* of nothing the total is 0 */
    if (direction == FA_ALONG) {
        w.vectors = (n + LANES - 1) / LANES;
        w.full = n / LANES;
        w.tail = n % LANES;
        w.slots = SLOTS / LANES;
    }
    return w;
}
FA_INLINE ptrdiff_t FN(offset_of)(walk w, size_t i, ptrdiff_t pitch) {
    return (ptrdiff_t)i * (w.direction == FA_ALONG ? (ptrdiff_t)LANES : pitch);
}

/* How many elements of a row its i-th vector holds: 0 if there is none. */
FA_INLINE size_t FN(held)(walk w, size_t i) {
    const ptrdiff_t left = (ptrdiff_t)w.n - (ptrdiff_t)(i * LANES);
    return left <= 0 ? 0 : left < LANES ? (size_t)left : LANES;
}
/* The i-th vector of a row, at p, which is whole if `full`; lanes beyond its end are `pad`. */
FA_INLINE vec FN(take_at)(walk w, int full, const real *p, size_t i, vec pad) {
    return full || w.direction == FA_ACROSS ? v_load(p) : v_load_or(p, FN(held)(w, i), pad);
}
FA_INLINE void FN(put_at)(walk w, int full, real *p, size_t i, vec v) {
    if (full || w.direction == FA_ACROSS) v_store(p, v);
    else v_store_n(p, FN(held)(w, i), v);
}
FA_INLINE vec FN(take)(walk w, int full, const void *row, ptrdiff_t pitch, size_t i, vec pad) {
    return FN(take_at)(w, full, (const real *)row + FN(offset_of)(w, i, pitch), i, pad);
}
FA_INLINE void FN(put)(walk w, int full, void *row, ptrdiff_t pitch, size_t i, vec v) {
    FN(put_at)(w, full, (real *)row + FN(offset_of)(w, i, pitch), i, v);
}

/* Calls body for each vector of a row; `full` is a constant at each call of it. */
typedef void FN(vector_body)(void *context, size_t i, int full);
FA_INLINE void FN(each)(walk w, FN(vector_body) * body, void *context) {
    size_t i = 0;
    FA_UNROLL(4)
    for (; i < w.full; i++) body(context, i, 1);
    if (w.direction == FA_ALONG && w.tail) body(context, i, 0);
}

/* The same with the vector's slot, in ascending order within each. */
typedef void FN(slot_body)(void *context, size_t slot, size_t i, int full);
FA_INLINE void FN(each_in_slot)(walk w, FN(slot_body) * body, void *context) {
    const size_t step = w.direction == FA_ALONG ? SLOTS / LANES : SLOTS;
    size_t base = 0;
    for (; base + step <= w.full; base += step)
        for (size_t k = 0; k < step; k++) body(context, k, base + k, 1);
    for (size_t k = 0; base + k < w.vectors; k++) body(context, k, base + k, 0);
}

/* Gives `there` <= 8 positive values, those of vectors i, i + step, ...; at once, for their
 * instructions to interleave. Unless `full`, along a row any of them may end early, or not be
 * there at all: those give 0. All but i are constants at each call. */
typedef void FN(eight_body)(void *context, size_t i, size_t step, size_t there, int full, vec value[8]);
#define FA_EACH_OF_EIGHT(u, j, i, step, there) \
    FA_UNROLL(8)                               \
    for (size_t u = 0, j = i; u < there; u++, j += step)

/* Up to four across rows from i on, 0 for what is not there. */
FA_INLINE void FN(last_across)(walk w, FN(eight_body) * body, void *context, size_t i, size_t step, vec value[]) {
    for (int u = 0; u < 4; u++) value[u] = K(0);
    if (i >= w.vectors) return;
    switch ((w.vectors - i + step - 1) / step) {
    case 1: body(context, i, step, 1, 1, value); break;
    case 2: body(context, i, step, 2, 1, value); break;
    case 3: body(context, i, step, 3, 1, value); break;
    default: body(context, i, step, 4, 1, value);
    }
}
/* Up to eight from i on: across rows exactly those there are, along a row four or eight, for
 * partial vectors cost less than a case for each number. */
FA_INLINE void FN(last_eight)(walk w, FN(eight_body) * body, void *context, size_t i, size_t step, vec value[8]) {
    if (w.direction == FA_ACROSS) {
        FN(last_across)(w, body, context, i, step, value);
        FN(last_across)(w, body, context, i + 4 * step, step, value + 4);
    } else if (i + 4 * step < w.vectors) {
        body(context, i, step, 8, 0, value);
    } else {
        body(context, i, step, 4, 0, value);
        for (int u = 4; u < 8; u++) value[u] = K(0);
    }
}
FA_INLINE vec FN(sum_of_eight)(const vec v[8]) {
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}
/* Adds all values of a row to its slots. */
FA_INLINE void FN(add_all)(walk w, sum *slots, FN(eight_body) * body, void *context) {
    const size_t step = w.direction == FA_ALONG ? SLOTS / LANES : SLOTS;
    size_t base = 0;
    vec v[8];
    if (w.direction == FA_ACROSS && w.vectors <= SLOTS) { /* a slot each: neighbours may be taken at once */
        for (; base + 4 <= w.vectors; base += 4) {
            body(context, base, 1, 4, 1, v);
            for (size_t u = 0; u < 4; u++) slots[base + u] = FN(sum_add)(slots[base + u], v[u]);
        }
        FN(last_across)(w, body, context, base, 1, v);
        for (size_t u = 0; base + u < w.vectors; u++) slots[base + u] = FN(sum_add)(slots[base + u], v[u]);
        return;
    }
    for (; base + 8 * step <= w.full; base += 8 * step) {
        for (size_t k = 0; k < step; k++) {
            body(context, base + k, step, 8, 1, v);
            slots[k] = FN(sum_add)(slots[k], FN(sum_of_eight)(v));
        }
    }
    for (size_t k = 0; k < step && base + k < w.vectors; k++) {
        FN(last_eight)(w, body, context, base + k, step, v);
        slots[k] = FN(sum_add)(slots[k], FN(sum_of_eight)(v));
    }
}

/* The first n lanes of v, then 0. */
FA_INLINE vec FN(first)(size_t n, vec v) {
    real lanes[LANES];
    v_store(lanes, v);
    return v_load_n(lanes, n);
}
/* What there is one of a row. */
FA_INLINE vec FN(take_row)(walk w, const void *p) {
    return w.direction == FA_ALONG ? v_splat(*(const real *)p) : v_load((const real *)p);
}
FA_INLINE void FN(put_row)(walk w, void *p, vec v) {
    if (w.direction == FA_ALONG) v_store_n((real *)p, 1, v);
    else v_store((real *)p, v);
}

FA_INLINE void FN(clear)(walk w, sum *slots) {
    for (size_t k = 0; k < w.slots; k++) slots[k] = FN(sum_zero)();
}

/* The total of each row, in its lane; along a row, in every lane. Slots that never
 * held an element are left out: adding their 0 would change nothing. */
FA_INLINE pair FN(total)(walk w, sum *slots) {
    if (w.direction == FA_ALONG) return FN(sum_pair)(FN(sum_across_lanes)(slots, SLOTS / LANES));
    for (size_t half = SLOTS / 2; half; half /= 2)
        for (size_t k = 0; k < half && k + half < w.slots; k++) slots[k] = FN(sum_merge)(slots[k], slots[k + half]);
    return FN(sum_pair)(slots[0]);
}

/* Elements of a contiguous row before the first at a vector's alignment: loads and stores
 * across cache lines cost twice. */
FA_INLINE size_t FN(misaligned)(const void *row) {
    return (0 - (uintptr_t)row / sizeof(real)) % LANES;
}

/* The largest element of each row; of rows that hold a NaN, anything. */
FA_INLINE vec FN(row_max)(walk w, const void *row, ptrdiff_t pitch) {
    const vec lowest = K(-INFINITY);
    vec a = lowest, b = lowest, c = lowest, d = lowest;
    size_t i = 0;
    if (w.direction == FA_ALONG && w.full > 1) { /* its ends overlap what is aligned, which does no harm */
        const real *first = row, *end = first + w.full * LANES + w.tail;
        a = v_load(first);
        b = v_load(end - LANES);
        row = first + FN(misaligned)(first);
        w.full = w.vectors = (size_t)(end - (const real *)row) / LANES;
    }
    for (; i + 4 <= w.full; i += 4) {
        a = v_max(a, FN(take)(w, 1, row, pitch, i, lowest));
        b = v_max(b, FN(take)(w, 1, row, pitch, i + 1, lowest));
        c = v_max(c, FN(take)(w, 1, row, pitch, i + 2, lowest));
        d = v_max(d, FN(take)(w, 1, row, pitch, i + 3, lowest));
    }
    for (; i < w.vectors; i++) a = v_max(a, FN(take)(w, 0, row, pitch, i, lowest));
    a = v_max(v_max(a, b), v_max(c, d));
    return w.direction == FA_ALONG ? v_splat(v_max_across(a)) : a;
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
