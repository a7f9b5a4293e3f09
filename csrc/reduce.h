/* Walking a row vector by vector, and totals whose order no layout,
 * instruction set or thread count changes. Included once for each element type.
 *
 * Element i of a row adds to slot i % SLOTS; a virtual vector has that many
 * lanes. Elements come in fours i, i + SLOTS, i + 2 SLOTS, i + 3 SLOTS: exponentials are
 * summed in float32 as (a + b) + (c + d) before that is widened, a quarter of the
 * conversions for at most an ulp of their sum.
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
    size_t vectors, full; /* of a row; along a row the last may hold fewer than LANES elements */
    size_t tail;          /* how many, or 0 */
    size_t slots;         /* vectors of accumulators in use */
} walk;

FA_INLINE walk FN(walk_of)(size_t n, fa_direction direction) {
    walk w = {direction, n, n, 0, n < SLOTS ? n : SLOTS};
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

/* The i-th vector of a row, which is whole if `full`; lanes beyond its end are `pad`. */
FA_INLINE vec FN(take)(walk w, int full, const void *row, ptrdiff_t pitch, size_t i, vec pad) {
    const real *p = (const real *)row + FN(offset_of)(w, i, pitch);
    return full || w.direction == FA_ACROSS || i < w.full ? v_load(p) : v_load_or(p, w.tail, pad);
}
FA_INLINE void FN(put)(walk w, int full, void *row, ptrdiff_t pitch, size_t i, vec v) {
    real *p = (real *)row + FN(offset_of)(w, i, pitch);
    if (full || w.direction == FA_ACROSS || i < w.full) v_store(p, v);
    else v_store_n(p, w.tail, v);
}

/* Calls body for each vector of a row; `full` is a constant at each call of it. */
typedef void FN(vector_body)(void *context, size_t i, int full);
FA_INLINE void FN(each)(walk w, FN(vector_body) * body, void *context) {
    size_t i = 0;
    FA_UNROLL(4)
    for (; i < w.full; i++) body(context, i, 1);
    if (w.direction == FA_ALONG && w.tail) body(context, i, 0);
}

/* Calls body for four vectors of a row, whose instructions then interleave: i, i + step,
 * i + 2 step, i + 3 step, which share a slot, being a virtual vector (along) or SLOTS
 * classes (across) apart; or, of a row with no more classes than slots, four neighbours,
 * each with the slot of its index: OWN_SLOTS. Of the last ones only the first `there` exist.
 * All but the last are whole, and that is if `full`. `step`, `there` and `full` are
 * constants at each call. */
#define OWN_SLOTS SIZE_MAX
typedef void FN(four_body)(void *context, size_t slot, size_t i, size_t step, size_t there, int full);
FA_INLINE void FN(each_four)(walk w, FN(four_body) * body, void *context) {
    const size_t step = w.direction == FA_ALONG ? SLOTS / LANES : SLOTS;
    size_t base = 0;
    if (w.direction == FA_ACROSS && w.vectors <= SLOTS) {
        for (; base + 4 <= w.vectors; base += 4) body(context, OWN_SLOTS, base, 1, 4, 1);
        switch (w.vectors - base) {
        case 1: body(context, OWN_SLOTS, base, 1, 1, 1); break;
        case 2: body(context, OWN_SLOTS, base, 1, 2, 1); break;
        case 3: body(context, OWN_SLOTS, base, 1, 3, 1); break;
        }
        return;
    }
    for (; base + 4 * step <= w.full; base += 4 * step)
        for (size_t k = 0; k < step; k++) body(context, k, base + k, step, 4, 1);
    const int whole = w.direction == FA_ACROSS;
    for (; base < w.vectors; base += 4 * step) {
        for (size_t k = 0; k < step && base + k < w.vectors; k++) {
            switch ((w.vectors - base - k + step - 1) / step) {
            case 1: body(context, k, base + k, step, 1, whole); break;
            case 2: body(context, k, base + k, step, 2, whole); break;
            case 3: body(context, k, base + k, step, 3, whole); break;
            default: body(context, k, base + k, step, 4, whole);
            }
        }
    }
}
/* Within a body: u and the index j of each that is there. */
#define FA_EACH_OF_FOUR(u, j, i, step, there) \
    FA_UNROLL(4)                              \
    for (size_t u = 0, j = i; u < there; u++, j += step)

/* Adds the four, 0 where there is none, to their slot or slots. */
FA_INLINE void FN(add_four)(sum *slots, size_t slot, size_t i, size_t there, const vec v[4]) {
    if (slot != OWN_SLOTS) {
        slots[slot] = FN(sum_add_four)(slots[slot], v);
    } else {
        FA_EACH_OF_FOUR(u, j, i, 1, there) slots[j] = FN(sum_add)(slots[j], v[u]);
    }
}
/* The slot of the one at j. */
FA_INLINE size_t FN(slot_of)(size_t slot, size_t j) { return slot == OWN_SLOTS ? j : slot; }

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
    vec hi = p.hi * factor;
    pair r = {hi, v_fma(p.lo, factor, v_fms(p.hi, factor, hi))};
    return r;
}
/* (hi + lo) * v, rounded once or hardly more. */
FA_INLINE vec FN(times)(pair p, vec v) { return v_fma(v, p.hi, v * p.lo); }

/* weight * v: 0 where the weight is, whatever v. */
FA_INLINE vec FN(weighted)(vec weight, vec v) { return v_select(v_eq(weight, K(0)), K(0), weight * v); }
