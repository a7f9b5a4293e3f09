/* Losses of a row of scores with labels: multi_margin_loss, multilabel_margin_loss, multilabel_soft_margin_loss.
 * Rows are in float64 buffers: see float64_rows.h. drivers/float64_row_loss.c checks labels and calls these. */
#ifndef FA_MARGINS_H
#define FA_MARGINS_H

#include "../../math/elementary.h"

#include "../../simd/f64.h" /* losses/binary.h is for either type */
#include "../losses/binary.h"
#include "float64_rows.h"

#include "../../simd/f64.h"

/* ---- hinges of each score x_j against a label's score x_y --------------------------------------
 *
 * max(z, 0)^p with z = margin - x_y + x_j, p = 1 or 2.
 * Range: [0, inf). Kink z = 0: slope 0, curvature 0. p = 1 has slope 1 for z > 0; p = 2 slope 2 z, curvature 2.
 * Infinities: a class at -inf (a masked one) never counts. NaN of x_j or x_y stays NaN.
 * z is computed as (x_j - x_y) + margin, which is exact where the two scores are near, however large they are.
 * Labels and padding must not count as other classes: they are set to -inf. Where a tile's label lists differ in
 * length, nothing counts for the rows whose list has ended. */

typedef struct {
    const double *x;
    double *grad, *hess;
    vec label, margin; /* label: x_y */
    mask none;         /* rows whose label list has ended */
    int square, first; /* square: p = 2; first: results are stored, not added to */
} margin_pass;

/* The sums are those of the terms, of their slopes and of their curvatures. */
FA_INLINE void margin_body(void *context, size_t i, vec sums[ROW_SUMS]) {
    const margin_pass *p = context;
    vec x = v_load(p->x + i), z = (x - p->label) + p->margin, was_grad = K(0), was_hess = K(0);
    z = v_select(v_mask_or(p->none, v_eq(x, K(-INFINITY))), K(0), z);
    vec above = v_max(K(0), z), slope = FN(constant_slope)(z, v_keep(v_lt(K(0), z), K(1))), curve = slope - slope;
    vec added = sums[0] + above;
    if (p->square) {
        added = v_fma(above, above, sums[0]);
        curve = slope + slope;
        slope = above + above;
    }
    sums[0] = added;
    sums[1] = sums[1] + slope;
    sums[2] = sums[2] + curve;
    if (p->grad && !p->first) was_grad = v_load(p->grad + i);
    if (p->hess && !p->first) was_hess = v_load(p->hess + i);
    if (p->grad) v_store(p->grad + i, was_grad + slope);
    if (p->hess) v_store(p->hess + i, was_hess + curve);
}

/* Where the element at each row's k-th label lies in a buffer; for a row without a k-th label, that of class 0. */
FA_INLINE void label_places(const fa_float64_rows_args *r, size_t k, size_t place[FA_FLOAT64_LANES]) {
    for (size_t lane = 0; lane < r->lanes; lane++) {
        const size_t label = k < r->label_count[lane] ? (size_t)r->labels[lane][k] : 0;
        place[lane] = r->tile ? label * LANES + lane : label;
    }
}
/* One value a row as a vector; a single row's value in all lanes. */
FA_INLINE vec lanes_of(const fa_float64_rows_args *r, double values[FA_FLOAT64_LANES]) {
    for (size_t lane = r->lanes; lane < LANES; lane++) values[lane] = values[0];
    return v_load(values);
}

/* The sum of the hinges against each row's k-th label, whose scores are x_y. Adds its gradients and curvatures, by x_j
 * and by x_y, to the results. If x_y is NaN so is the sum, even where no other class counts. */
FA_NOINLINE vec margin_against(const fa_float64_rows_args *r, size_t k, double x_y[FA_FLOAT64_LANES], int square) {
    double counts[FA_FLOAT64_LANES], slopes[FA_FLOAT64_LANES], curves[FA_FLOAT64_LANES];
    size_t place[FA_FLOAT64_LANES];
    vec sums[ROW_SUMS], label = lanes_of(r, x_y);
    for (size_t lane = 0; lane < r->lanes; lane++) counts[lane] = (double)r->label_count[lane];
    margin_pass p = {
        r->in[0], r->grad[0], r->hess[0], label, v_splat(r->margin), v_le(lanes_of(r, counts), v_splat((double)k)),
        square,   k == 0};
    row_sums(r, ROW_SUMS, margin_body, &p, sums);
    for (int s = 0; s < ROW_SUMS; s++) sums[s] = v_select(p.none, K(0), FN(constant_slope)(label, sums[s]));
    if (!p.grad) return sums[0];
    v_store(slopes, sums[1]);
    v_store(curves, sums[2]);
    label_places(r, k, place);
    for (size_t lane = 0; lane < r->lanes; lane++) {
        p.grad[place[lane]] -= slopes[lane];
        if (p.hess) p.hess[place[lane]] += curves[lane];
    }
    return sums[0];
}

/* x_y: the score at each row's k-th label. */
FA_INLINE void extract_labels(const fa_float64_rows_args *r, size_t k, double x_y[FA_FLOAT64_LANES]) {
    size_t place[FA_FLOAT64_LANES];
    label_places(r, k, place);
    for (size_t lane = 0; lane < r->lanes; lane++) x_y[lane] = r->in[0][place[lane]];
}
/* Sets the scores at the k-th labels to -inf, so that they do not count as other classes. */
FA_INLINE void mask_labels(const fa_float64_rows_args *r, size_t k) {
    size_t place[FA_FLOAT64_LANES];
    label_places(r, k, place);
    for (size_t lane = 0; lane < r->lanes; lane++)
        if (k < r->label_count[lane]) r->in[0][place[lane]] = -INFINITY;
}

/* loss = w_y / n sum over j != y of max(margin - x_y + x_j, 0)^p, with p = 1 or 2. */
static void multi_margin_loss_kernel(const fa_float64_rows_args *r, double loss[FA_FLOAT64_LANES]) {
    double x_y[FA_FLOAT64_LANES], weights[FA_FLOAT64_LANES];
    extract_labels(r, 0, x_y);
    mask_labels(r, 0);
    fill(r->held, r->padded, -INFINITY, r->in[0]);
    for (size_t lane = 0; lane < r->lanes; lane++)
        weights[lane] = r->class_weight ? r->class_weight[r->labels[lane][0]] : 1.0;
    vec total = margin_against(r, 0, x_y, r->p == 2.0), weight = lanes_of(r, weights);
    vec factor = weight * v_load(r->scale) / class_count(r);
    scale_results(r, factor, r->grad[0]);
    scale_results(r, factor, r->hess[0]);
    v_store(loss, FN(weighted)(weight, total) / class_count(r));
}

/* loss = 1 / n sum over labels y, and over classes j that are no label, of max(margin - x_y + x_j, 0). A label that is
 * listed twice counts twice. */
static void multilabel_margin_loss_kernel(const fa_float64_rows_args *r, double loss[FA_FLOAT64_LANES]) {
    double *of_label = r->work[0]; /* (labels, lanes): the score at each label */
    f64_sum total = f64_sum_zero();
    size_t most = 0;
    for (size_t lane = 0; lane < r->lanes; lane++) most = r->label_count[lane] > most ? r->label_count[lane] : most;
    for (size_t k = 0; k < most; k++) extract_labels(r, k, of_label + k * r->lanes);
    for (size_t k = 0; k < most; k++) mask_labels(r, k);
    fill(r->held, r->padded, -INFINITY, r->in[0]);
    if (!most) zero_results(r);
    for (size_t k = 0; k < most; k++) {
        double x_y[FA_FLOAT64_LANES];
        for (size_t lane = 0; lane < r->lanes; lane++) x_y[lane] = of_label[k * r->lanes + lane];
        total = f64_sum_add(total, margin_against(r, k, x_y, 0));
    }
    vec factor = v_load(r->scale) / class_count(r);
    scale_results(r, factor, r->grad[0]);
    scale_results(r, factor, r->hess[0]);
    v_store(loss, (total.sum - total.lost) / class_count(r));
}

/* ---- the mean over classes of binary cross entropy; losses/binary.h has its stable form ----------- */

typedef struct {
    const fa_float64_rows_args *row;
    vec factor;
} soft_margin_pass;

FA_INLINE void soft_margin_body(void *context, size_t i, vec sums[ROW_SUMS]) {
    const soft_margin_pass *p = context;
    const fa_float64_rows_args *r = p->row;
    vec x = v_load(r->in[0] + i), y = v_load(r->in[1] + i), weight = class_weight_at(r, i);
    vec factor = weight * p->factor;
    sums[0] = sums[0] + FN(weighted)(weight, FN(binary_cross_entropy_with_logits)(x, y, K(1)));
    if (r->grad[0]) v_store(r->grad[0] + i, FN(weighted)(factor, FN(binary_cross_entropy_with_logits_d1)(x, y, K(1))));
    if (r->hess[0]) v_store(r->hess[0] + i, FN(weighted)(factor, FN(binary_cross_entropy_with_logits_d2)(x, y, K(1))));
}

/* loss = -1 / n sum w_j (y_j log sigmoid(x_j) + (1 - y_j) log sigmoid(-x_j)). Its class weights are never NULL. */
static void multilabel_soft_margin_loss_kernel(const fa_float64_rows_args *r, double loss[FA_FLOAT64_LANES]) {
    soft_margin_pass p = {r, v_load(r->scale) / class_count(r)};
    vec sums[ROW_SUMS];
    row_sums(r, 1, soft_margin_body, &p, sums);
    v_store(loss, sums[0] / class_count(r));
}

#include "../../simd/f32.h"

#endif
