/* How the columns of a matrix w spread about a row r, under weights p of its rows: first += sum p (w - r) and
 * second += sum p (w - r)^2, in each column.
 *
 * If p is a distribution, second - first^2 is the variance, whatever r. It loses next to nothing if r is the mean but
 * for a rounding. That holds also where one row has nearly all the weight: r then is that row, or its distance is
 * about 0. Sums of at most FA_MOMENT_ROWS rows are in the type itself, beyond that in float64.
 *
 * All loops over the vectors of a tile are unrolled, which keeps these in registers. */
#include "../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_COLUMN_MOMENTS_H64) : !defined(FA_COLUMN_MOMENTS_H32)
#ifdef FA_T_IS_F64
#define FA_COLUMN_MOMENTS_H64
#else
#define FA_COLUMN_MOMENTS_H32
#endif

#include "contract.h"
#include "plain_sums.h"

#ifndef MOMENT_VECTORS
#define MOMENT_VECTORS 4
#endif

FA_INLINE vec FN(moments_load)(const real *from, size_t width) {
    return width < LANES ? v_load_n(from, width) : v_load(from);
}

/* A tile: `vectors` vectors of columns side by side, a constant at each call. width is LANES, or less for a tail of one
 * vector. p: (rows); w: (rows, columns) from the tile's first column on; r, first, second: from there too. */
FA_INLINE void FN(moments_tile)(size_t rows, size_t columns, const real *p, const real *w, const real *r, int vectors,
                                size_t width, double *first, double *second) {
    real sums[2][MOMENT_VECTORS * LANES];
    vec about[MOMENT_VECTORS], one[MOMENT_VECTORS], two[MOMENT_VECTORS];
    FA_UNROLL(4)
    for (int v = 0; v < vectors; v++) {
        about[v] = FN(moments_load)(r + v * LANES, width);
        one[v] = two[v] = K(0);
    }
    for (size_t k = 0; k < rows; k++, w += columns) {
        const vec weight = v_splat(p[k]);
        FA_UNROLL(4)
        for (int v = 0; v < vectors; v++) {
            vec away = FN(moments_load)(w + v * LANES, width) - about[v];
            one[v] = v_fma(weight, away, one[v]);
            two[v] = v_fma(weight * away, away, two[v]);
        }
    }
    FA_UNROLL(4)
    for (int v = 0; v < vectors; v++) {
        v_store(sums[0] + v * LANES, one[v]);
        v_store(sums[1] + v * LANES, two[v]);
    }
    const size_t n = width < LANES ? width : (size_t)vectors * LANES;
    FN(add_elementwise)(n, sums[0], first);
    FN(add_elementwise)(n, sums[1], second);
}

/* p: (rows); w: (rows, columns); r, first, second: (columns). rows <= FA_MOMENT_ROWS. */
static void FN(column_moments)(size_t rows, size_t columns, const void *p, const void *w, const void *r, double *first,
                               double *second) {
    const real *from = w, *about = r;
    size_t c = 0;
    for (; c + MOMENT_VECTORS * LANES <= columns; c += MOMENT_VECTORS * LANES)
        FN(moments_tile)(rows, columns, p, from + c, about + c, MOMENT_VECTORS, LANES, first + c, second + c);
    for (size_t width; c < columns; c += width) {
        width = columns - c < LANES ? columns - c : LANES;
        FN(moments_tile)(rows, columns, p, from + c, about + c, 1, width, first + c, second + c);
    }
}

#endif
