/* Walking a row vector by vector, and totals whose order no layout,
 * instruction set or thread count changes. Included once for each element type.
 *
 * Element i of a row adds to slot i % SLOTS; a virtual vector has that many
 * lanes. At the end slot k takes slot k + SLOTS/2, then k + SLOTS/4, and so on.
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
    size_t vectors, tail; /* along a row the last vector holds `tail` elements, if not 0 */
    size_t slots;         /* accumulators in use */
} walk;

FA_INLINE walk FN(walk_of)(size_t n, fa_direction direction) {
    walk w = {direction, n, 0, n < SLOTS ? n : SLOTS};
    if (direction == FA_ALONG) {
        w.vectors = (n + LANES - 1) / LANES;
        w.tail = n % LANES;
        w.slots = SLOTS / LANES;
    }
    return w;
}
FA_INLINE size_t FN(slot_of)(walk w, size_t i) {
    return i & ((w.direction == FA_ALONG ? SLOTS / LANES : SLOTS) - 1);
}
FA_INLINE int FN(at_tail)(walk w, size_t i) { return w.direction == FA_ALONG && w.tail && i + 1 == w.vectors; }
FA_INLINE ptrdiff_t FN(offset_of)(walk w, size_t i, ptrdiff_t pitch) {
    return (ptrdiff_t)i * (w.direction == FA_ALONG ? (ptrdiff_t)LANES : pitch);
}

/* The i-th vector of a row; lanes beyond its end are `pad`. */
FA_INLINE vec FN(take)(walk w, const void *row, ptrdiff_t pitch, size_t i, vec pad) {
    const real *p = (const real *)row + FN(offset_of)(w, i, pitch);
    return FN(at_tail)(w, i) ? v_load_or(p, w.tail, pad) : v_load(p);
}
FA_INLINE void FN(put)(walk w, void *row, ptrdiff_t pitch, size_t i, vec v) {
    real *p = (real *)row + FN(offset_of)(w, i, pitch);
    if (FN(at_tail)(w, i)) v_store_n(p, w.tail, v);
    else v_store(p, v);
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

/* Slots that never held an element are left out: adding their 0 would change nothing. */
FA_INLINE sum FN(fold)(size_t used, sum *slots) {
    for (size_t half = SLOTS / 2; half; half /= 2)
        for (size_t k = 0; k < half && k + half < used; k++) slots[k] = FN(sum_merge)(slots[k], slots[k + half]);
    return slots[0];
}

/* The total of each row, in its lane; along a row, in every lane. */
FA_INLINE pair FN(total)(walk w, sum *slots) {
    if (w.direction == FA_ACROSS) return FN(sum_pair)(FN(fold)(w.slots, slots));
    sum spread[MOST_SLOTS];
    for (size_t k = 0; k < SLOTS / LANES; k++) FN(sum_spread)(slots[k], spread + k * LANES);
    return FN(sum_pair)(FN(fold)(SLOTS, spread));
}

/* The largest element of each row; of rows that hold a NaN, anything. */
FA_INLINE vec FN(row_max)(walk w, const void *row, ptrdiff_t pitch) {
    const vec lowest = K(-INFINITY);
    vec a = lowest, b = lowest, c = lowest, d = lowest;
    size_t i = 0;
    for (; i + 4 < w.vectors; i += 4) {
        a = v_max(a, FN(take)(w, row, pitch, i, lowest));
        b = v_max(b, FN(take)(w, row, pitch, i + 1, lowest));
        c = v_max(c, FN(take)(w, row, pitch, i + 2, lowest));
        d = v_max(d, FN(take)(w, row, pitch, i + 3, lowest));
    }
    for (; i < w.vectors; i++) a = v_max(a, FN(take)(w, row, pitch, i, lowest));
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
