/* Rows in float64 buffers, which margins.h and distances.h work on: sums in a fixed order, conversion from and to the
 * element types. contract.h (fa_float64_rows_args) says what a buffer holds: a row (n), or a tile (n, LANES) with a
 * vector for each class. drivers/float64_row_loss.c fills them. Included once, for float64.
 *
 * Sums. Element i adds to slot i % 16; at the end slot k takes slot k + 8, then k + 4, and so on: the same order for a
 * row and for a tile. A row longer than PIECE is summed piece by piece, and the pieces' sums are added with Kahan's
 * correction. Max error: a sum of any length is within a dozen roundings, mostly less than one. */
#ifndef FA_FLOAT64_ROWS_H
#define FA_FLOAT64_ROWS_H

#include "../../math/elementary.h"

#include "../../simd/f64.h"
#include "../common.h"
#include "../contract.h"

enum { PIECE = 256, ROW_SUMS = 3 };

/* Adds the terms of one vector, at element `i` of the row's or tile's buffer, to `sums`. */
typedef void row_sum_body(void *context, size_t i, vec sums[ROW_SUMS]);

/* `count` sums of each row: in its lane; a single row's in all lanes. `tile` is a constant. */
FA_INLINE void row_sums_of(const fa_float64_rows_args *r, int tile, int count, row_sum_body *body, void *context,
                           vec total[ROW_SUMS]) {
    const size_t vectors = tile ? FA_FLOAT64_GROUP : FA_FLOAT64_GROUP / LANES; /* that hold a group's 16 slots */
    const size_t used = tile && r->n < vectors ? r->n : vectors; /* the other slots stay 0: nothing to add */
    f64_sum sums[ROW_SUMS];
    for (int k = 0; k < count; k++) sums[k] = f64_sum_zero();
    for (size_t start = 0; start < r->padded; start += PIECE / FA_FLOAT64_GROUP * vectors * LANES) {
        const size_t piece = PIECE / FA_FLOAT64_GROUP * vectors * LANES;
        const size_t end = r->padded - start < piece ? r->padded : start + piece;
        vec slots[FA_FLOAT64_GROUP][ROW_SUMS];
        for (size_t v = 0; v < used; v++)
            for (int k = 0; k < count; k++) slots[v][k] = K(0);
        size_t i = start;
        for (; i + vectors * LANES <= end; i += vectors * LANES) {
            FA_UNROLL(4)
            for (size_t v = 0; v < vectors; v++) body(context, i + v * LANES, slots[v]);
        }
        for (size_t v = 0; tile && i < end; v++, i += LANES) body(context, i, slots[v]);
        for (int k = 0; k < count; k++) {
            for (size_t half = vectors / 2; half; half /= 2)
                for (size_t v = 0; v < half && v + half < used; v++) slots[v][k] = slots[v][k] + slots[v + half][k];
            sums[k] = f64_sum_add(sums[k], tile ? slots[0][k] : v_splat(f64_add_across(slots[0][k])));
        }
    }
    for (int k = 0; k < count; k++) total[k] = sums[k].sum - sums[k].lost;
}
FA_INLINE void row_sums(const fa_float64_rows_args *r, int count, row_sum_body *body, void *context,
                        vec total[ROW_SUMS]) {
    if (LANES > 1 && r->tile) row_sums_of(r, 1, count, body, context, total);
    else row_sums_of(r, 0, count, body, context, total);
}

FA_INLINE vec sign_or_nan(vec x) { /* 0 of 0, NaN of NaN */
    vec one = v_copysign(K(1), x);
    return FN(constant_slope)(x, v_select(v_eq(x, K(0)), K(0), one));
}
/* The weight of the class whose elements the vector at i holds; a tile's is the same in all lanes. */
FA_INLINE vec class_weight_at(const fa_float64_rows_args *r, size_t i) {
    return r->tile ? v_splat(r->class_weight[i / LANES]) : v_load(r->class_weight + i);
}
/* What a loss divides by: n, or 1 for empty rows. */
FA_INLINE vec class_count(const fa_float64_rows_args *r) { return v_splat(r->n ? (double)r->n : 1.0); }

static void fill(size_t first, size_t end, double value, double *to) {
    for (size_t i = first; i < end; i++) to[i] = value;
}
static void zero_results(const fa_float64_rows_args *r) {
    for (int k = 0; k < FA_FLOAT64_ROW_INPUTS; k++) {
        if (r->grad[k]) fill(0, r->held, 0.0, r->grad[k]);
        if (r->hess[k]) fill(0, r->held, 0.0, r->hess[k]);
    }
}
/* results *= factor; 0 where factor is 0, whatever the result */
static void scale_results(const fa_float64_rows_args *r, vec factor, double *results) {
    for (size_t i = 0; results && i < r->padded; i += LANES)
        v_store(results + i, FN(weighted)(factor, v_load(results + i)));
}

/* ---- to and from the element types ------------------------------------------------------- */

/* Rows may start at any address. The buffer is 0 from a row's end on. */
static void widen_rows(size_t rows, size_t n, fa_dtype dtype, const char *from, ptrdiff_t stride, double *to,
                       size_t padded) {
    for (; rows--; from += stride, to += padded) {
        const float *single = (const float *)(const void *)from;
        const double *wide = (const double *)(const void *)from;
        size_t i = 0;
        for (; dtype == FA_F32 && i < n; i += F32_LANES)
            f64w_store(to + i, f32_widen(n - i < F32_LANES ? f32_load_n(single + i, n - i) : f32_load(single + i)));
        for (; dtype == FA_F64 && i < n; i += LANES)
            v_store(to + i, n - i < LANES ? v_load_n(wide + i, n - i) : v_load(wide + i));
        for (; i < padded; i += LANES) v_store(to + i, K(0));
    }
}
static void narrow_rows(size_t rows, size_t n, fa_dtype dtype, const double *from, size_t padded, char *to,
                        ptrdiff_t stride) {
    for (; rows--; from += padded, to += stride) {
        float *single = (float *)(void *)to;
        double *wide = (double *)(void *)to;
        for (size_t i = 0; dtype == FA_F32 && i < n; i += F32_LANES) {
            vf32 v = f32_narrow(f64w_load(from + i));
            if (n - i < F32_LANES) f32_store_n(single + i, n - i, v);
            else f32_store(single + i, v);
        }
        for (size_t i = 0; dtype == FA_F64 && i < n; i += LANES) {
            if (n - i < LANES) v_store_n(wide + i, n - i, v_load(from + i));
            else v_store(wide + i, v_load(from + i));
        }
    }
}
/* A float32 tile (n, F32_LANES) is two float64 tiles (n, LANES). */
static void split_tile(size_t n, const float *tile, double *first, double *second) {
    for (size_t c = 0; c < n; c++) {
        f64w both = f32_load_wide(tile + c * F32_LANES);
        v_store(first + c * LANES, both.part[0]);
        v_store(second + c * LANES, both.part[FA_F64_PER_F32 - 1]);
    }
}
static void join_tiles(size_t n, const double *first, const double *second, float *tile) {
    for (size_t c = 0; c < n; c++) {
        f64w both = {{v_load(first + c * LANES)}};
        both.part[FA_F64_PER_F32 - 1] = v_load(second + c * LANES);
        f32_store(tile + c * F32_LANES, f32_narrow(both));
    }
}

#include "../../simd/f32.h"

#endif
