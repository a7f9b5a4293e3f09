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
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_ROW_REDUCE_H64) : !defined(FA_ROW_REDUCE_H32)
#ifdef FA_T_IS_F64
#define FA_ROW_REDUCE_H64
#else
#define FA_ROW_REDUCE_H32
#endif

#include "row_shape.h"

/* Gives `there` <= 8 positive values, those of vectors i, i + step, ... of tile t; at once, for
 * their instructions to interleave. Unless `full`, along a row any of them may end early, or not
 * be there at all: those give 0. `there` and `step` are constants at each call. */
typedef void FN(eight_body)(void *context, size_t i, size_t step, size_t t, size_t there, int full, vec value[8]);
#define FA_EACH_OF_EIGHT(u, j, i, step, there) \
    FA_UNROLL(8)                               \
    for (size_t u = 0, j = i; u < there; u++, j += step)

/* Up to four across rows from i on, 0 for what is not there. */
FA_INLINE void FN(last_four)(row_shape shape, FN(eight_body) * body, void *context, size_t i, size_t step,
                             vec value[]) {
    for (int u = 0; u < 4; u++) value[u] = K(0);
    if (i >= shape.vectors) return;
    switch ((shape.vectors - i + step - 1) / step) {
    case 1: body(context, i, step, 0, 1, 1, value); break;
    case 2: body(context, i, step, 0, 2, 1, value); break;
    case 3: body(context, i, step, 0, 3, 1, value); break;
    default: body(context, i, step, 0, 4, 1, value);
    }
}
/* Up to eight from i on: across rows exactly those there are, along a row four or eight, for
 * partial vectors cost less than a case for each number. */
FA_INLINE void FN(last_eight)(row_shape shape, FN(eight_body) * body, void *context, size_t i, size_t step,
                              vec value[8]) {
    if (shape.traversal == FA_ACROSS_ROWS) {
        FN(last_four)(shape, body, context, i, step, value);
        FN(last_four)(shape, body, context, i + 4 * step, step, value + 4);
    } else if (i + 4 * step < shape.vectors) {
        body(context, i, step, 0, 8, 0, value);
    } else {
        body(context, i, step, 0, 4, 0, value);
        for (int u = 4; u < 8; u++) value[u] = K(0);
    }
}
FA_INLINE vec FN(sum_of_eight)(const vec v[8]) {
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}
FA_INLINE vsum FN(add_eight)(vsum slot, FN(eight_body) * body, void *context, size_t i, size_t step, size_t t) {
    vec v[8];
    body(context, i, step, t, 8, 1, v);
    return FN(sum_add)(slot, FN(sum_of_eight)(v));
}
/* The sum of `slots` slots, of a value each: slot k takes slot k + slots/2, and so on. From `used` on they are empty;
 * both are constants. */
FA_INLINE vsum FN(fold)(size_t slots, size_t used, const vec v[]) {
    const size_t half_of_all = slots / 2;
    vsum s[SLOTS / 2];
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
enum { FN(SHORT_ROW) = 8 * SLOTS };
FA_INLINE vdd FN(short_row_total)(row_shape shape, FN(eight_body) * body, void *context) {
    vec v[FN(SHORT_ROW)], few[4];
    size_t base = 0, n = shape.vectors;
    if (n <= 4) { /* in registers */
        FN(last_four)(shape, body, context, 0, 1, few);
        return FN(sum_dd)(FN(fold)(4, 4, few));
    }
    for (; base + 4 <= n; base += 4) body(context, base, 1, 0, 4, 1, v + base);
    if (base < n) FN(last_four)(shape, body, context, base, 1, v + base);
    n = (n + 3) / 4 * 4; /* with the last four's zeros */
    while (n > SLOTS) n = FN(add_groups)(n, v);
    if (n == SLOTS) return FN(sum_dd)(FN(fold)(SLOTS, SLOTS, v));
    return FN(sum_dd)(n == 8 ? FN(fold)(8, 8, v) : FN(fold)(SLOTS, 12, v));
}
/* Adds all values of a row, or of a tile of them across, to its slots. */
FA_INLINE void FN(add_row)(row_shape shape, vsum *slots, FN(eight_body) * body, void *context) {
    const size_t step = shape.traversal == FA_WITHIN_ROW ? SLOTS / LANES : SLOTS;
    size_t base = 0;
    vec v[8];
    for (; base + 8 * step <= shape.full; base += 8 * step)
        for (size_t k = 0; k < step; k++) slots[k] = FN(add_eight)(slots[k], body, context, base + k, step, 0);
    for (size_t k = 0; k < step && base + k < shape.vectors; k++) {
        FN(last_eight)(shape, body, context, base + k, step, v);
        slots[k] = FN(sum_add)(slots[k], FN(sum_of_eight)(v));
    }
}

/* Abreast, each eight in two halves: of lines a page apart L1 holds no more than some twelve. */
FA_INLINE vec FN(sum_of_four)(FN(eight_body) * body, void *context, size_t i, size_t t, size_t there, int full) {
    vec v[4] = {K(0), K(0), K(0), K(0)};
    if (full) body(context, i, SLOTS, t, 4, 1, v);
    else switch (there) {
        case 1: body(context, i, SLOTS, t, 1, 0, v); break;
        case 2: body(context, i, SLOTS, t, 2, 0, v); break;
        case 3: body(context, i, SLOTS, t, 3, 0, v); break;
        default: body(context, i, SLOTS, t, 4, 0, v);
        }
    return (v[0] + v[1]) + (v[2] + v[3]);
}
/* The first half's sum is kept in `part`, the second's added to it, and both to the slot. */
FA_INLINE void FN(keep_half)(int second, vec half, vec *part, vsum *slot) {
    if (second) *slot = FN(sum_add)(*slot, *part + half);
    else *part = half;
}
FA_INLINE void FN(add_half)(row_shape shape, vsum *slots, vec *part, FN(eight_body) * body, void *context, size_t i,
                            int second) {
    const size_t left = i < shape.n ? (shape.n - i + SLOTS - 1) / SLOTS : 0, there = left < 4 ? left : 4;
    size_t done = shape.first_whole;
    if (there == 4)
        for (; done < shape.end_whole; done++)
            FN(keep_half)(second, FN(sum_of_four)(body, context, i, done, 4, 1), part + done, slots + done);
    FA_EACH_OTHER(shape, t, done) {
        vec half = there ? FN(sum_of_four)(body, context, i, t, there, 0) : K(0);
        FN(keep_half)(second, half, part + t, slots + t);
    }
}
FA_INLINE void FN(add_panel)(row_shape shape, vsum *slots, FN(eight_body) * body, void *context) {
    vec part[MAX_TILES];
    for (size_t base = 0; base < shape.n; base += 8 * SLOTS)
        for (size_t k = 0; k < SLOTS && base + k < shape.n; k++)
            for (int second = 0; second < 2; second++)
                FN(add_half)
                (shape, slots + k * shape.tiles, part, body, context, base + k + (second ? 4 * SLOTS : 0), second);
}

FA_INLINE void FN(clear_slots)(row_shape shape, vsum *slots) {
    for (size_t k = 0; k < shape.slots * shape.tiles; k++) slots[k] = FN(sum_zero)();
}

/* The total of each row of tile t, in its lane; along a row, in every lane. Slots that never
 * held an element are left out: adding their 0 would change nothing. */
FA_INLINE vdd FN(slots_total)(row_shape shape, vsum *slots, size_t t) {
    if (shape.traversal == FA_WITHIN_ROW) return FN(sum_dd)(FN(sum_across_lanes)(slots, SLOTS / LANES));
    for (size_t half = SLOTS / 2; half; half /= 2) {
        for (size_t k = 0; k < half && k + half < shape.slots; k++) {
            vsum *slot = slots + k * shape.tiles + t;
            *slot = FN(sum_merge)(*slot, slot[half * shape.tiles]);
        }
    }
    return FN(sum_dd)(slots[t]);
}

/* The largest of tile t's elements i to i + 3, and of what was the largest. */
FA_INLINE vec FN(max_of_four)(row_shape shape, int full, const void *row, ptrdiff_t pitch, size_t i, size_t t,
                              vec max) {
    vec v[4];
    FA_UNROLL(4)
    for (size_t u = 0; u < 4; u++) v[u] = FN(row_load)(shape, full, row, pitch, i + u, t, K(-INFINITY));
    return v_max(max, v_max(v_max(v[0], v[1]), v_max(v[2], v[3])));
}
FA_INLINE void FN(panel_max)(row_shape shape, const void *row, ptrdiff_t pitch, vec max[]) {
    size_t i = 0;
    for (size_t t = 0; t < shape.tiles; t++) max[t] = K(-INFINITY);
    for (; i + 4 <= shape.n; i += 4)
        FA_EACH_TILE(shape, t, full, max[t] = FN(max_of_four)(shape, full, row, pitch, i, t, max[t]));
    for (; i < shape.n; i++)
        for (size_t t = 0; t < shape.tiles; t++)
            max[t] = v_max(max[t], FN(row_load)(shape, FN(is_whole_tile)(shape, t), row, pitch, i, t, K(-INFINITY)));
}

/* The largest element of each row, for each tile; of rows that hold a NaN, anything. */
FA_INLINE void FN(row_max)(row_shape shape, const void *row, ptrdiff_t pitch, vec max[MAX_TILES]) {
    const vec lowest = K(-INFINITY);
    vec a = lowest, b = lowest, c = lowest, d = lowest;
    size_t i = 0;
    if (shape.traversal == FA_PANEL) {
        FN(panel_max)(shape, row, pitch, max);
        return;
    }
    if (shape.traversal == FA_WITHIN_ROW && shape.full > 1) { /* its ends overlap what is aligned, which does no harm */
        const real *first = row, *end = first + shape.full * LANES + shape.tail;
        a = v_load(first);
        b = v_load(end - LANES);
        row = first + FN(to_alignment)(first);
        shape.full = shape.vectors = (size_t)(end - (const real *)row) / LANES;
    }
    for (; i + 4 <= shape.full; i += 4) {
        a = v_max(a, FN(row_load)(shape, 1, row, pitch, i, 0, lowest));
        b = v_max(b, FN(row_load)(shape, 1, row, pitch, i + 1, 0, lowest));
        c = v_max(c, FN(row_load)(shape, 1, row, pitch, i + 2, 0, lowest));
        d = v_max(d, FN(row_load)(shape, 1, row, pitch, i + 3, 0, lowest));
    }
    for (; i < shape.vectors; i++) a = v_max(a, FN(row_load)(shape, 0, row, pitch, i, 0, lowest));
    a = v_max(v_max(a, b), v_max(c, d));
    max[0] = shape.traversal == FA_WITHIN_ROW ? v_splat(v_max_across(a)) : a;
}

#endif
