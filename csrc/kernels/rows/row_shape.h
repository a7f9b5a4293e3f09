/* A row, or a tile or panel of rows, seen as vectors: which there are, how they are loaded and stored, and loops over
 * them. Whether vectors lie within a row or across rows (contract.h) is a constant at each call. */
#include "../../math/elementary.h"
#include "../contract.h"

#ifndef FA_ROW_SHAPE_H
#define FA_ROW_SHAPE_H

#define MAX_TILES (FA_PANEL_BYTES / sizeof(vec))

typedef struct {
    fa_traversal traversal;
    size_t n;             /* elements of a row */
    size_t vectors, full; /* within a row the last may hold fewer than LANES elements */
    size_t tail;          /* how many; of a panel, how many rows the last tile holds; or 0 */
    size_t slots;         /* of accumulators in use */
    size_t tiles;         /* side by side: 1 but in a panel */
    size_t head, missing; /* panel: how many rows the first tile holds if it is not whole, or 0; and does not */
    size_t first_whole, end_whole; /* panel: the tiles of LANES rows are first_whole .. end_whole - 1 */
} row_shape;

#endif

#if defined(FA_T_IS_F64) ? !defined(FA_ROW_SHAPE_H64) : !defined(FA_ROW_SHAPE_H32)
#ifdef FA_T_IS_F64
#define FA_ROW_SHAPE_H64
#else
#define FA_ROW_SHAPE_H32
#endif

FA_INLINE row_shape FN(row_shape_of)(size_t n, fa_traversal traversal) {
    row_shape shape = {.traversal = traversal, .n = n, .vectors = n, .full = n, .tiles = 1, .end_whole = 1};
    shape.slots = n == 0 ? 1 : n < SLOTS ? n : SLOTS; /* of nothing the total is 0 */
    if (traversal == FA_WITHIN_ROW) {
        shape.vectors = (n + LANES - 1) / LANES;
        shape.full = n / LANES;
        shape.tail = n % LANES;
        shape.slots = SLOTS / LANES;
    }
    return shape;
}
FA_INLINE row_shape FN(row_shape_for)(const fa_rows_args *a, fa_traversal traversal) {
    row_shape shape = FN(row_shape_of)(a->n, traversal);
    if (traversal == FA_PANEL) {
        shape.head = a->head;
        shape.missing = a->head ? LANES - a->head : 0;
        shape.first_whole = a->head > 0;
        shape.end_whole = shape.first_whole + (a->rows - a->head) / LANES;
        shape.tail = (a->rows - a->head) % LANES;
        shape.tiles = shape.end_whole + (shape.tail > 0);
    }
    return shape;
}
/* The first row of a tile, and how many there are. */
FA_INLINE size_t FN(first_row_of)(row_shape shape, size_t t, int full) {
    return full || t ? t * LANES - shape.missing : 0;
}
FA_INLINE size_t FN(rows_in_tile)(row_shape shape, size_t t) {
    return t < shape.first_whole ? shape.head : t < shape.end_whole ? LANES : shape.tail;
}
FA_INLINE int FN(is_whole_tile)(row_shape shape, size_t t) { return shape.first_whole <= t && t < shape.end_whole; }

FA_INLINE ptrdiff_t FN(offset_of)(row_shape shape, size_t i, size_t t, int full, ptrdiff_t pitch) {
    if (shape.traversal == FA_WITHIN_ROW) return (ptrdiff_t)(i * LANES);
    return (ptrdiff_t)i * pitch + (shape.traversal == FA_PANEL ? (ptrdiff_t)FN(first_row_of)(shape, t, full) : 0);
}

/* How many elements of a row its i-th vector holds: 0 if there is none. */
FA_INLINE size_t FN(lanes_held)(row_shape shape, size_t i) {
    const ptrdiff_t left = (ptrdiff_t)shape.n - (ptrdiff_t)(i * LANES);
    return left <= 0 ? 0 : left < LANES ? (size_t)left : LANES;
}
/* The i-th vector of a row or of a tile of rows, at p. It is whole if `full`, or across rows;
 * lanes beyond its end are `pad`. */
FA_INLINE vec FN(row_load_at)(row_shape shape, int full, const real *p, size_t i, size_t t, vec pad) {
    if (full || shape.traversal == FA_ACROSS_ROWS) return v_load(p);
    return v_load_or(p, shape.traversal == FA_WITHIN_ROW ? FN(lanes_held)(shape, i) : FN(rows_in_tile)(shape, t), pad);
}
FA_INLINE void FN(row_store_at)(row_shape shape, int full, real *p, size_t i, size_t t, vec v) {
    if (full || shape.traversal == FA_ACROSS_ROWS) v_store(p, v);
    else v_store_n(p, shape.traversal == FA_WITHIN_ROW ? FN(lanes_held)(shape, i) : FN(rows_in_tile)(shape, t), v);
}
FA_INLINE vec FN(row_load)(row_shape shape, int full, const void *row, ptrdiff_t pitch, size_t i, size_t t, vec pad) {
    return FN(row_load_at)(shape, full, (const real *)row + FN(offset_of)(shape, i, t, full, pitch), i, t, pad);
}
FA_INLINE void FN(row_store)(row_shape shape, int full, void *row, ptrdiff_t pitch, size_t i, size_t t, vec v) {
    FN(row_store_at)(shape, full, (real *)row + FN(offset_of)(shape, i, t, full, pitch), i, t, v);
}

/* The tiles but shape.first_whole .. done - 1: up to shape.end_whole, those of fewer rows. */
#define FA_EACH_OTHER(shape, t, done) \
    for (size_t t = (shape).first_whole ? 0 : (done); t < (shape).tiles; t = t < (shape).first_whole ? (done) : t + 1)

/* A statement for each tile; `full` is a constant each time. */
#define FA_EACH_TILE(shape, t, full, ...)                                                 \
    do {                                                                                  \
        {                                                                                 \
            enum { full = 1 };                                                            \
            for (size_t t = (shape).first_whole; t < (shape).end_whole; t++) __VA_ARGS__; \
        }                                                                                 \
        {                                                                                 \
            enum { full = 0 };                                                            \
            FA_EACH_OTHER(shape, t, (shape).end_whole) __VA_ARGS__;                       \
        }                                                                                 \
    } while (0)

/* Calls body for the i-th vector of tile t, for all i and t, one i after the other; `full` is
 * a constant at each call of it. */
typedef void FN(vector_body)(void *context, size_t i, size_t t, int full);
FA_INLINE void FN(for_each_vector)(row_shape shape, FN(vector_body) * body, void *context) {
    size_t i = 0;
    if (shape.traversal == FA_PANEL) {
        for (; i < shape.n; i++) FA_EACH_TILE(shape, t, full, body(context, i, t, full));
        return;
    }
    FA_UNROLL(4)
    for (; i < shape.full; i++) body(context, i, 0, 1);
    if (shape.traversal == FA_WITHIN_ROW && shape.tail) body(context, i, 0, 0);
}

/* The same with the vector's slot, in ascending order within each. */
typedef void FN(slot_body)(void *context, size_t slot, size_t i, size_t t, int full);
FA_INLINE void FN(for_each_in_slot)(row_shape shape, FN(slot_body) * body, void *context) {
    const size_t step = shape.traversal == FA_WITHIN_ROW ? SLOTS / LANES : SLOTS;
    size_t base = 0;
    if (shape.traversal == FA_PANEL) {
        for (size_t i = 0; i < shape.n; i++) {
            const size_t slot = i % SLOTS * shape.tiles;
            FA_EACH_TILE(shape, t, full, body(context, slot + t, i, t, full));
        }
        return;
    }
    for (; base + step <= shape.full; base += step)
        for (size_t k = 0; k < step; k++) body(context, k, base + k, 0, 1);
    for (size_t k = 0; base + k < shape.vectors; k++) body(context, k, base + k, 0, 0);
}

/* The first n lanes of v, then 0. */
FA_INLINE vec FN(first_lanes)(size_t n, vec v) {
    real lanes[LANES];
    v_store(lanes, v);
    return v_load_n(lanes, n);
}
/* What there is one of a row: whole vectors, of which what is put last stays. */
FA_INLINE vec FN(load_row_value)(row_shape shape, const void *p, size_t t) {
    return shape.traversal == FA_WITHIN_ROW ? v_splat(*(const real *)p)
                                            : v_load((const real *)p + FN(first_row_of)(shape, t, 0));
}
FA_INLINE void FN(store_row_value)(row_shape shape, void *p, size_t t, vec v) {
    if (shape.traversal == FA_WITHIN_ROW) v_store_n((real *)p, 1, v);
    else v_store((real *)p + FN(first_row_of)(shape, t, 0), v);
}

FA_INLINE void FN(store_losses)(row_shape shape, double *p, size_t t, vec v) {
    real one;
    if (shape.traversal != FA_WITHIN_ROW) {
        FN(store_doubles)(p + FN(first_row_of)(shape, t, 0), v);
        return;
    }
    v_store_n(&one, 1, v);
    *p = (double)one;
}

/* Elements of a contiguous row before the first at a vector's alignment: loads and stores
 * across cache lines cost twice. */
FA_INLINE size_t FN(to_alignment)(const void *row) { return (0 - (uintptr_t)row / sizeof(real)) % LANES; }

/* Single reals of a row, which may be a user's and need not be aligned. */
FA_INLINE real FN(load_real)(const void *row, ptrdiff_t i) {
    real r;
    memcpy(&r, (const char *)row + i * (ptrdiff_t)sizeof r, sizeof r);
    return r;
}
FA_INLINE void FN(store_real)(void *row, ptrdiff_t i, real r) {
    memcpy((char *)row + i * (ptrdiff_t)sizeof r, &r, sizeof r);
}

#endif
