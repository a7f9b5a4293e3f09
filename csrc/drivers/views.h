/* Rows of operands with up to three dimensions, (outer, inner, classes): the walker of class losses and of float64 row
 * losses.
 *
 * Rows are counted through the outer and the inner dimension: row r is (r / inner, r % inner). Rows of one outer index
 * are `v->inner_stride` bytes apart, so that a run of them is an operand; runs end where the outer index changes.
 */
#ifndef FA_VIEWS_H
#define FA_VIEWS_H

#include "operands.h"

/* Of `rows` rows from `row` on, how many have its outer index? */
static inline size_t fa_run_length(size_t inner, size_t row, size_t rows) {
    const size_t left = inner - row % inner;
    return rows < left ? rows : left;
}

/* The values from `row` on, as far as its run goes. A view without data stays without. */
static inline fa_operand fa_view2_run(const fa_view2 *v, size_t inner, size_t row) {
    const ptrdiff_t outer = (ptrdiff_t)(row / inner), at = (ptrdiff_t)(row % inner);
    fa_operand o = {v->data ? v->data + outer * v->outer_stride + at * v->inner_stride : NULL, v->inner_stride,
                    v->dtype};
    return o;
}
/* One value for all rows? */
static inline int fa_view2_repeats(const fa_view2 *v) { return !v->inner_stride && !v->outer_stride; }

/* The values of n rows from `row` on, as doubles; or as labels, where uint64 values that int64 cannot hold become
 * `beyond`. */
static inline void fa_view2_gather(const fa_isa *isa, const fa_view2 *v, size_t inner, size_t row, size_t n,
                                   double *to) {
    for (size_t run; n; row += run, to += run, n -= run) {
        const fa_operand o = fa_view2_run(v, inner, row);
        run = fa_run_length(inner, row, n);
        fa_gather(isa, &o, 0, run, FA_DOUBLE, to);
    }
}
static inline void fa_view2_gather_labels(const fa_view2 *v, size_t inner, size_t row, size_t n, int64_t beyond,
                                          int64_t *to) {
    for (size_t run; n; row += run, to += run, n -= run) {
        const fa_operand o = fa_view2_run(v, inner, row);
        run = fa_run_length(inner, row, n);
        fa_gather_labels(&o, 0, run, beyond, to);
    }
}
/* A double to each of the view's rows. */
static inline void fa_view2_scatter(const fa_isa *isa, const fa_view2 *v, size_t inner, size_t rows,
                                    const double *from) {
    for (size_t row = 0; row < rows; row += inner) {
        const fa_operand o = fa_view2_run(v, inner, row);
        fa_scatter_doubles(isa, &o, inner, from + row);
    }
}

/* The first element of row (outer, inner). */
static inline char *fa_view3_at2(const fa_view3 *v, size_t outer, size_t inner) {
    return v->data + (ptrdiff_t)outer * v->outer_stride + (ptrdiff_t)inner * v->inner_stride;
}
/* The first element of a row. */
static inline char *fa_view3_at(const fa_view3 *v, size_t inner, size_t row) {
    return fa_view3_at2(v, row / inner, row % inner);
}
/* A row's elements. */
static inline fa_operand fa_view3_row(const fa_view3 *v, size_t inner, size_t row) {
    fa_operand o = {fa_view3_at(v, inner, row), v->class_stride, v->dtype};
    return o;
}
static inline fa_matrix fa_view3_matrix(const fa_view3 *v) {
    fa_matrix m = {v->data, v->inner_stride, v->class_stride, v->dtype, 0, v->outer_stride};
    return m;
}

#endif
