/* The shape of a row, of a tile of rows or of a panel of tiles, as vectors: how many vectors there are, where each lies
 * in memory, how it is loaded and stored, and loops over all of them.
 *
 * All row kernels use this. They are written once, for "vector i of tile t"; the traversal decides what that vector
 * holds. Here with LANES = 4, rows a, b, c, ... and elements 0, 1, 2, ...:
 *
 *   FA_WITHIN_ROW            FA_ACROSS_ROWS           FA_PANEL
 *   one row                  one tile of LANES rows   several tiles side by side
 *   x: (n)                   x: (n, LANES)            x: (n, rows)
 *
 *   i = 0 | a0 a1 a2 a3      i = 0 | a0 b0 c0 d0      i = 0 | a0 b0  .  . | c0 d0 e0 f0 | g0 h0 i0 j0 | k0  .  .  .
 *   i = 1 | a4 a5 a6 a7      i = 1 | a1 b1 c1 d1      i = 1 | a1 b1  .  . | c1 d1 e1 f1 | g1 h1 i1 j1 | k1  .  .  .
 *   i = 2 | a8 a9  .  .      i = 2 | a2 b2 c2 d2      i = 2 | a2 b2  .  . | c2 d2 e2 f2 | g2 h2 i2 j2 | k2  .  .  .
 *           tail = 2         ...                      ...     t = 0         t = 1         t = 2         t = 3
 *                                                             head = 2      whole         whole         tail = 1
 *
 * - Within row, a vector holds neighbouring elements of one row; the last vector may be partial.
 * - Across rows, a vector holds one element of each row; every vector is whole, because the driver copies a tile of
 *   fewer rows to a buffer with room for LANES.
 * - A panel reads and writes rows where they lie in memory. Its head ends where the output reaches a vector's
 *   alignment, so the whole tiles after it are aligned. Head and tail are partial tiles.
 *
 * Lanes without an element are loaded as `pad` and never stored. The traversal is a constant at each call: every
 * `if (shape.traversal == ...)` below is decided by the compiler.
 *
 * Next: reduce.h (maximum and sums over these vectors), softmax.h (the phases), tiles.h (how tiles are filled),
 * drivers/rows.c (which traversal is chosen). */
#include "../../math/elementary.h"
#include "../contract.h"

#ifndef FA_ROW_SHAPE_H
#define FA_ROW_SHAPE_H

#define MAX_TILES (FA_PANEL_BYTES / sizeof(vec))

typedef struct {
    fa_traversal traversal;
    size_t n;                      /* elements of a row */
    size_t vectors, full_vectors;  /* vectors of a row, and how many of them are whole */
    size_t tail;                   /* elements of a partial last vector; panel: rows of a partial last tile; or 0 */
    size_t slots;                  /* vectors of accumulators in use, for each tile (reduce.h) */
    size_t tiles;                  /* 1 except in a panel */
    size_t head, missing;          /* panel: rows of a partial first tile, or 0; and the lanes it leaves empty */
    size_t first_whole, end_whole; /* panel: tiles first_whole .. end_whole - 1 have LANES rows */
} row_shape;

#endif

#if defined(FA_T_IS_F64) ? !defined(FA_ROW_SHAPE_H64) : !defined(FA_ROW_SHAPE_H32)
#ifdef FA_T_IS_F64
#define FA_ROW_SHAPE_H64
#else
#define FA_ROW_SHAPE_H32
#endif

FA_INLINE row_shape FN(row_shape_of)(size_t n, fa_traversal traversal) {
    row_shape shape = {.traversal = traversal, .n = n, .vectors = n, .full_vectors = n, .tiles = 1, .end_whole = 1};
    shape.slots = n == 0 ? 1 : n < SLOTS ? n : SLOTS; /* an empty row has one slot: its total is 0 */
    if (traversal == FA_WITHIN_ROW) {
        shape.vectors = (n + LANES - 1) / LANES;
        shape.full_vectors = n / LANES;
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
/* The first row of tile t. `full`: the tile is whole. */
FA_INLINE size_t FN(first_row_of)(row_shape shape, size_t t, int full) {
    return full || t ? t * LANES - shape.missing : 0;
}
FA_INLINE size_t FN(rows_in_tile)(row_shape shape, size_t t) {
    return t < shape.first_whole ? shape.head : t < shape.end_whole ? LANES : shape.tail;
}
FA_INLINE int FN(is_whole_tile)(row_shape shape, size_t t) { return shape.first_whole <= t && t < shape.end_whole; }

/* Elements from the start of x to vector i of tile t; from one element of a row to the next it is `pitch`. */
FA_INLINE ptrdiff_t FN(offset_of)(row_shape shape, size_t i, size_t t, int full, ptrdiff_t pitch) {
    if (shape.traversal == FA_WITHIN_ROW) return (ptrdiff_t)(i * LANES);
    return (ptrdiff_t)i * pitch + (shape.traversal == FA_PANEL ? (ptrdiff_t)FN(first_row_of)(shape, t, full) : 0);
}

/* Within row: how many elements vector i holds, 0 if it lies beyond the row's end. */
FA_INLINE size_t FN(lanes_held)(row_shape shape, size_t i) {
    const ptrdiff_t left = (ptrdiff_t)shape.n - (ptrdiff_t)(i * LANES);
    return left <= 0 ? 0 : left < LANES ? (size_t)left : LANES;
}
/* Vector i of tile t, which lies at p. `full` says that it is whole; else lanes without an element are `pad`. */
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

/* The tiles besides first_whole .. done - 1: a partial head, then `done` and all after it. With done = end_whole these
 * are the partial tiles. */
#define FA_EACH_PARTIAL_TILE(shape, t, done) \
    for (size_t t = (shape).first_whole ? 0 : (done); t < (shape).tiles; t = t < (shape).first_whole ? (done) : t + 1)

/* A statement for each tile: first the whole ones, then the partial ones. `full` is a constant in each copy. */
#define FA_EACH_TILE(shape, t, full, ...)                                                 \
    do {                                                                                  \
        {                                                                                 \
            enum { full = 1 };                                                            \
            for (size_t t = (shape).first_whole; t < (shape).end_whole; t++) __VA_ARGS__; \
        }                                                                                 \
        {                                                                                 \
            enum { full = 0 };                                                            \
            FA_EACH_PARTIAL_TILE(shape, t, (shape).end_whole) __VA_ARGS__;                \
        }                                                                                 \
    } while (0)

/* Calls body for vector i of tile t, for all i and t, i ascending. `full` is a constant at each call of body. */
typedef void FN(vector_body)(void *context, size_t i, size_t t, int full);
FA_INLINE void FN(for_each_vector)(row_shape shape, FN(vector_body) * body, void *context) {
    size_t i = 0;
    if (shape.traversal == FA_PANEL) {
        for (; i < shape.n; i++) FA_EACH_TILE(shape, t, full, body(context, i, t, full));
        return;
    }
    FA_UNROLL(4)
    for (; i < shape.full_vectors; i++) body(context, i, 0, 1);
    if (shape.traversal == FA_WITHIN_ROW && shape.tail) body(context, i, 0, 0);
}

/* The same, with the slot that the vector adds to; within one slot i ascends. */
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
    for (; base + step <= shape.full_vectors; base += step)
        for (size_t k = 0; k < step; k++) body(context, k, base + k, 0, 1);
    for (size_t k = 0; base + k < shape.vectors; k++) body(context, k, base + k, 0, 0);
}

/* The first n lanes of v; the others 0. */
FA_INLINE vec FN(first_lanes)(size_t n, vec v) {
    real lanes[LANES];
    v_store(lanes, v);
    return v_load_n(lanes, n);
}
/* One value a row: scale, grad_output, logsumexp. Within row it is in every lane, else each row's is in its lane.
 * Loads and stores are of whole vectors: what a partial head stores too much the next tile overwrites, and behind the
 * last row there is room for a vector. */
FA_INLINE vec FN(load_row_value)(row_shape shape, const void *p, size_t t) {
    return shape.traversal == FA_WITHIN_ROW ? v_splat(*(const real *)p)
                                            : v_load((const real *)p + FN(first_row_of)(shape, t, 0));
}
FA_INLINE void FN(store_row_value)(row_shape shape, void *p, size_t t, vec v) {
    if (shape.traversal == FA_WITHIN_ROW) v_store_n((real *)p, 1, v);
    else v_store((real *)p + FN(first_row_of)(shape, t, 0), v);
}

/* One loss a row, as float64 whatever the type. */
FA_INLINE void FN(store_losses)(row_shape shape, double *p, size_t t, vec v) {
    real one;
    if (shape.traversal != FA_WITHIN_ROW) {
        FN(store_doubles)(p + FN(first_row_of)(shape, t, 0), v);
        return;
    }
    v_store_n(&one, 1, v);
    *p = (double)one;
}

/* How many elements of a contiguous row precede the first that lies at a vector's alignment. A load or store across a
 * cache line's end costs twice. */
FA_INLINE size_t FN(to_alignment)(const void *row) { return (0 - (uintptr_t)row / sizeof(real)) % LANES; }

/* Single elements of a row. A user's array need not be aligned. */
FA_INLINE real FN(load_real)(const void *row, ptrdiff_t i) {
    real r;
    memcpy(&r, (const char *)row + i * (ptrdiff_t)sizeof r, sizeof r);
    return r;
}
FA_INLINE void FN(store_real)(void *row, ptrdiff_t i, real r) {
    memcpy((char *)row + i * (ptrdiff_t)sizeof r, &r, sizeof r);
}

#endif
