/* The maximum of each row and sums over it, in an order that no layout, traversal, instruction set or thread count
 * changes. softmax.h and the files beside it build their phases from these. Included once for each element type.
 *
 * Slots. A sum is kept as SLOTS partial sums, as many as a vector of 64 bytes (the virtual vector) has lanes: 16 for
 * float32, 8 for float64. Element i of a row adds to slot i % SLOTS. Where slots are kept depends on the traversal
 * (row_shape.h), here with SLOTS = 8 and LANES = 4:
 *
 *   within row: one row's slots in SLOTS / LANES vectors      across rows, and for each tile of a panel: SLOTS vectors
 *
 *   slots[0]  lanes: slot 0, slot 1, slot 2, slot 3           slots[0]  slot 0 of rows a, b, c, d
 *   slots[1]  lanes: slot 4, slot 5, slot 6, slot 7           slots[1]  slot 1 of rows a, b, c, d
 *                                                             ...       up to slots[7]
 *
 * A slot is a `vsum` (math/accumulators.h): float32 adds in float64, float64 with Kahan's correction.
 *
 * Eights. Exponentials are first summed in their own type, eight elements of one slot at a time:
 *   v0, v1, ..., v7 = elements i, i + SLOTS, ..., i + 7 SLOTS;   ((v0 + v1) + (v2 + v3)) + ((v4 + v5) + (v6 + v7))
 * Only that sum is added to the slot: an eighth of the costly additions, for three roundings of positive numbers.
 * Elements beyond the row's end count as 0. Other sums (a gradient's) have terms of both signs and use no eights.
 *
 * Folding. At the end slot k takes slot k + SLOTS/2, then slot k + SLOTS/4, and so on, until slot 0 is the total:
 *
 *   0  1  2  3  4  5  6  7   ->   0+4  1+5  2+6  3+7   ->   (0+4)+(2+6)  (1+5)+(3+7)   ->   total
 *
 * Why the order never changes: slot, eight and folding depend on an element's index alone. LANES and the traversal only
 * decide which register a slot lives in. Lanes without an element add 0, which changes no bit of a slot. So the driver
 * may choose a traversal by speed alone, and all instruction sets give the same bits.
 *
 * Next: softmax.h, then drivers/rows.c. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_ROW_REDUCE_H64) : !defined(FA_ROW_REDUCE_H32)
#ifdef FA_T_IS_F64
#define FA_ROW_REDUCE_H64
#else
#define FA_ROW_REDUCE_H32
#endif

#include "row_shape.h"

/* Computes the values of an eight, or of its first `count` vectors: i, i + step, ... of tile t. They come at once so
 * that their instructions interleave, and are not negative. Unless `full`, a vector within a row may be partial or lie
 * beyond the row's end: lanes without an element give 0. `count` and `step` are constants at each call. */
typedef void FN(eight_body)(void *context, size_t i, size_t step, size_t t, size_t count, int full, vec value[8]);
#define FA_EACH_OF_EIGHT(u, j, i, step, count) \
    FA_UNROLL(8)                               \
    for (size_t u = 0, j = i; u < count; u++, j += step)

/* Across rows: the last values of a slot, up to four from vector i on; 0 for those beyond the row's end. */
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
/* The last eight of a slot, from vector i on. Across rows exactly the vectors that exist are computed; within a row
 * always four or eight, because masked vectors cost less than a branch for each number. */
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
/* Folds slots that hold one value each, v[k] in slot k. Slots from `used` on are empty. `slots` and `used` are
 * constants. */
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
/* Takes n values as groups of SLOTS and adds the second group to the first, the fourth to the third, and so on; returns
 * how many values are left. Called until one group is left, it adds each eight in its usual order. */
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
/* Across rows: the total of a row that has at most one eight a slot. Neighbouring elements are computed four at a time,
 * whatever their slots, and then added in the same order as eights are. */
enum { FN(SHORT_ROW) = 8 * SLOTS };
FA_INLINE vdd FN(short_row_total)(row_shape shape, FN(eight_body) * body, void *context) {
    vec v[FN(SHORT_ROW)], few[4];
    size_t base = 0, n = shape.vectors;
    if (n <= 4) { /* everything stays in registers */
        FN(last_four)(shape, body, context, 0, 1, few);
        return FN(sum_dd)(FN(fold)(4, 4, few));
    }
    for (; base + 4 <= n; base += 4) body(context, base, 1, 0, 4, 1, v + base);
    if (base < n) FN(last_four)(shape, body, context, base, 1, v + base);
    n = (n + 3) / 4 * 4; /* counts the zeros that last_four has filled in */
    while (n > SLOTS) n = FN(add_groups)(n, v);
    if (n == SLOTS) return FN(sum_dd)(FN(fold)(SLOTS, SLOTS, v));
    return FN(sum_dd)(n == 8 ? FN(fold)(8, 8, v) : FN(fold)(SLOTS, 12, v));
}
/* Within row and across rows: adds all values to the slots, eight by eight. */
FA_INLINE void FN(add_row)(row_shape shape, vsum *slots, FN(eight_body) * body, void *context) {
    const size_t step = shape.traversal == FA_WITHIN_ROW ? SLOTS / LANES : SLOTS;
    size_t base = 0;
    vec v[8];
    for (; base + 8 * step <= shape.full_vectors; base += 8 * step)
        for (size_t k = 0; k < step; k++) slots[k] = FN(add_eight)(slots[k], body, context, base + k, step, 0);
    for (size_t k = 0; k < step && base + k < shape.vectors; k++) {
        FN(last_eight)(shape, body, context, base + k, step, v);
        slots[k] = FN(sum_add)(slots[k], FN(sum_of_eight)(v));
    }
}

/* Panels compute each eight in two halves: where classes lie a page apart, L1 holds no more than some twelve of their
 * cache lines at once. */
FA_INLINE vec FN(sum_of_four)(FN(eight_body) * body, void *context, size_t i, size_t t, size_t count, int full) {
    vec v[4] = {K(0), K(0), K(0), K(0)};
    if (full) body(context, i, SLOTS, t, 4, 1, v);
    else switch (count) {
        case 1: body(context, i, SLOTS, t, 1, 0, v); break;
        case 2: body(context, i, SLOTS, t, 2, 0, v); break;
        case 3: body(context, i, SLOTS, t, 3, 0, v); break;
        default: body(context, i, SLOTS, t, 4, 0, v);
        }
    return (v[0] + v[1]) + (v[2] + v[3]);
}
/* The first half's sum waits in `part`; the second half's is added to it, and then both to the slot. */
FA_INLINE void FN(keep_half)(int second, vec half, vec *part, vsum *slot) {
    if (second) *slot = FN(sum_add)(*slot, *part + half);
    else *part = half;
}
/* Adds one half of an eight, elements i, i + SLOTS, ..., in all tiles. slots and part: (tiles). */
FA_INLINE void FN(add_half)(row_shape shape, vsum *slots, vec *part, FN(eight_body) * body, void *context, size_t i,
                            int second) {
    const size_t left = i < shape.n ? (shape.n - i + SLOTS - 1) / SLOTS : 0, count = left < 4 ? left : 4;
    size_t done = shape.first_whole;
    if (count == 4)
        for (; done < shape.end_whole; done++)
            FN(keep_half)(second, FN(sum_of_four)(body, context, i, done, 4, 1), part + done, slots + done);
    FA_EACH_PARTIAL_TILE(shape, t, done) {
        vec half = count ? FN(sum_of_four)(body, context, i, t, count, 0) : K(0);
        FN(keep_half)(second, half, part + t, slots + t);
    }
}
/* Adds all values of a panel to slots: (SLOTS, tiles). */
FA_INLINE void FN(add_panel)(row_shape shape, vsum *slots, FN(eight_body) * body, void *context) {
    vec part[MAX_TILES];
    for (size_t base = 0; base < shape.n; base += 8 * SLOTS)
        for (size_t k = 0; k < SLOTS && base + k < shape.n; k++)
            for (int second = 0; second < 2; second++) {
                const size_t start = base + k + (second ? 4 * SLOTS : 0);
                FN(add_half)(shape, slots + k * shape.tiles, part, body, context, start, second);
            }
}

FA_INLINE void FN(clear_slots)(row_shape shape, vsum *slots) {
    for (size_t k = 0; k < shape.slots * shape.tiles; k++) slots[k] = FN(sum_zero)();
}

/* Folds the slots: the total of each row of tile t in its lane; within row, the total in every lane. Slots that never
 * held an element are left out, because adding their 0 would change nothing. */
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

/* The largest of `max` and elements i .. i + 3 of tile t. */
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

/* The largest element of each row, for each tile; within row in every lane. A row that holds a NaN may give anything:
 * its sum will be NaN, and hardmax looks for NaN itself. Within and across rows there are four maxima side by side: one
 * alone would be a chain of dependent instructions. */
FA_INLINE void FN(row_max)(row_shape shape, const void *row, ptrdiff_t pitch, vec max[MAX_TILES]) {
    const vec lowest = K(-INFINITY);
    vec a = lowest, b = lowest, c = lowest, d = lowest;
    size_t i = 0;
    if (shape.traversal == FA_PANEL) {
        FN(panel_max)(shape, row, pitch, max);
        return;
    }
    if (shape.traversal == FA_WITHIN_ROW &&
        shape.full_vectors > 1) { /* both ends unaligned, the vectors between aligned */
        const real *first = row, *end = first + shape.full_vectors * LANES + shape.tail;
        a = v_load(first);
        b = v_load(end - LANES);
        row = first + FN(to_alignment)(first);
        shape.full_vectors = shape.vectors = (size_t)(end - (const real *)row) / LANES;
    }
    for (; i + 4 <= shape.full_vectors; i += 4) {
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
