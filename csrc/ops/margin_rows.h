/* Losses of a row of scores with labels: multi_margin_loss, multilabel_margin_loss,
 * multilabel_soft_margin_loss. Rows are in float64 buffers: see wide_rows.h. */

/* ---- hinges of x_j against a label's x_y: max(margin - x_y + x_j, 0)^p ----------------------
 *
 * p = 1: slope 1 for z > 0, 0 from the kink z = 0 on; p = 2: slope 2 max(z, 0), curvature 2 for
 * z > 0. z = (margin - x_y) + x_j, two roundings. Classes that are -inf, as are masked ones, never
 * count; labels and padding are made -inf, so that they do not either. */

typedef struct {
    const double *x;
    double *grad, *hess;
    vec shift; /* margin - x_y */
    int square, first;
} margin_pass;

/* Of the terms, of their slopes and of their curvatures. */
FA_INLINE void margin_body(void *context, size_t i, vec sums[WIDE_SUMS]) {
    const margin_pass *p = context;
    vec x = v_load(p->x + i), z = x + p->shift, was_grad = K(0), was_hess = K(0);
    z = v_select(v_eq(x, K(-INFINITY)), K(0), z);
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

/* Adds the hinges against x_y, and to the results theirs by x_j and by x_y. The value of x_y's NaN
 * is NaN even where no other class counts. */
FA_NOINLINE double margin_against(const fa_wide_row *r, size_t y, double x_y, int square, int first) {
    margin_pass p = {r->in[0], r->grad[0], r->hess[0], v_splat(r->margin - x_y), square, first};
    vec sums[WIDE_SUMS], label = v_splat(x_y);
    wide_sums(r->padded, WIDE_SUMS, margin_body, &p, sums);
    if (p.grad) p.grad[y] -= wide_first_lane(FN(constant_slope)(label, sums[1]));
    if (p.hess) p.hess[y] += wide_first_lane(FN(constant_slope)(label, sums[2]));
    return wide_first_lane(FN(constant_slope)(label, sums[0]));
}

FA_INLINE double classes_of(const fa_wide_row *r) { return r->n ? (double)r->n : 1.0; }

static void margin_scale(const fa_wide_row *r, double factor) {
    if (r->grad[0]) wide_scale(r, factor, r->grad[0]);
    if (r->hess[0]) wide_scale(r, factor, r->hess[0]);
}

/* w_y sum over j != y of max(margin - x_y + x_j, 0)^p / n. */
static double multi_margin(const fa_wide_row *r) {
    const size_t y = (size_t)r->labels[0];
    const double x_y = r->in[0][y], n = classes_of(r), weight = r->class_weight ? r->class_weight[y] : 1.0;
    r->in[0][y] = -INFINITY;
    wide_fill(r->n, r->padded, -INFINITY, r->in[0]);
    double total = margin_against(r, y, x_y, r->p == 2.0, 1);
    margin_scale(r, weight * r->scale / n);
    return weight == 0.0 ? 0.0 : weight * total / n;
}

/* sum over labels y and other classes j of max(1 - x_y + x_j, 0) / n. A label that is there twice counts twice. */
static double multilabel_margin(const fa_wide_row *r) {
    const double n = classes_of(r);
    double *x = r->in[0], *of_label = r->work[0], total = 0.0, lost = 0.0;
    for (size_t k = 0; k < r->label_count; k++) of_label[k] = x[r->labels[k]];
    for (size_t k = 0; k < r->label_count; k++) x[r->labels[k]] = -INFINITY;
    wide_fill(r->n, r->padded, -INFINITY, x);
    if (!r->label_count) wide_zero_results(r);
    for (size_t k = 0; k < r->label_count; k++)
        fa_add_exactly(&total, &lost, margin_against(r, (size_t)r->labels[k], of_label[k], 0, k == 0));
    margin_scale(r, r->scale / n);
    return (total - total == 0.0 ? total - lost : total) / n;
}

/* ---- binary cross entropy of each class, averaged: binary_losses.h has its stable form -------- */

typedef struct {
    const fa_wide_row *row;
    vec factor;
} soft_margin_pass;

FA_INLINE void soft_margin_body(void *context, size_t i, vec sums[WIDE_SUMS]) {
    const soft_margin_pass *p = context;
    const fa_wide_row *r = p->row;
    vec x = v_load(r->in[0] + i), y = v_load(r->in[1] + i), weight = v_load(r->class_weight + i);
    vec factor = weight * p->factor;
    sums[0] = sums[0] + FN(weighted)(weight, FN(binary_cross_entropy_with_logits)(x, y, K(1)));
    if (r->grad[0])
        v_store(r->grad[0] + i, FN(weighted)(factor, FN(binary_cross_entropy_with_logits_d1)(x, y, K(1))));
    if (r->hess[0])
        v_store(r->hess[0] + i, FN(weighted)(factor, FN(binary_cross_entropy_with_logits_d2)(x, y, K(1))));
}

/* -sum of w (y log sigmoid(x) + (1 - y) log sigmoid(-x)) / n; its class weights are never NULL. */
static double multilabel_soft_margin(const fa_wide_row *r) {
    soft_margin_pass p = {r, v_splat(r->scale / classes_of(r))};
    vec sums[WIDE_SUMS];
    wide_sums(r->padded, 1, soft_margin_body, &p, sums);
    return wide_first_lane(sums[0]) / classes_of(r);
}
