/* Rows in float64 buffers (see ../wide_rows.h): sums in a fixed order, widening, narrowing.
 * Included once, for float64.
 *
 * Element i adds to slot i % 16; slot k takes slot k + 8, then k + 4, and so on. Of rows longer
 * than a piece the pieces' sums are added with their rounding errors carried along, so a sum of
 * any length is within a dozen roundings, mostly less than one. */

enum { GROUP_VECTORS = FA_WIDE_GROUP / LANES, WIDE_PIECE = 256, WIDE_SUMS = 3 };

/* Adds what the vector at element i holds to `sums`. */
typedef void wide_body(void *context, size_t i, vec sums[WIDE_SUMS]);

FA_INLINE double wide_fold(vec slots[GROUP_VECTORS][WIDE_SUMS], int k) {
    for (size_t half = GROUP_VECTORS / 2; half; half /= 2)
        for (size_t v = 0; v < half; v++) slots[v][k] = slots[v][k] + slots[v + half][k];
    return f64_add_across(slots[0][k]);
}

/* The first `count` sums of a row, each in all lanes. */
FA_INLINE void wide_sums(size_t padded, int count, wide_body *body, void *context, vec total[WIDE_SUMS]) {
    double sum[WIDE_SUMS] = {0}, lost[WIDE_SUMS] = {0};
    for (size_t start = 0; start < padded; start += WIDE_PIECE) {
        const size_t end = padded - start < WIDE_PIECE ? padded : start + WIDE_PIECE;
        vec slots[GROUP_VECTORS][WIDE_SUMS];
        for (size_t v = 0; v < GROUP_VECTORS; v++)
            for (int k = 0; k < WIDE_SUMS; k++) slots[v][k] = K(0);
        for (size_t i = start; i < end; i += FA_WIDE_GROUP)
            FA_UNROLL(4)
            for (size_t v = 0; v < GROUP_VECTORS; v++) body(context, i + v * LANES, slots[v]);
        for (int k = 0; k < count; k++) fa_add_exactly(&sum[k], &lost[k], wide_fold(slots, k));
    }
    for (int k = 0; k < count; k++) /* an infinite sum has a NaN error */
        total[k] = v_splat(sum[k] - sum[k] == 0.0 ? sum[k] - lost[k] : sum[k]);
}

FA_INLINE double wide_first_lane(vec v) {
    double lanes[LANES];
    v_store(lanes, v);
    return lanes[0];
}
FA_INLINE vec wide_sign(vec x) { /* 0 of 0, NaN of NaN */
    return FN(constant_slope)(x, v_select(v_eq(x, K(0)), K(0), v_copysign(K(1), x)));
}

static void wide_fill(size_t first, size_t end, double value, double *to) {
    for (size_t i = first; i < end; i++) to[i] = value;
}
static void wide_zero_results(const fa_wide_row *r) {
    for (int k = 0; k < FA_WIDE_INPUTS; k++) {
        if (r->grad[k]) wide_fill(0, r->n, 0.0, r->grad[k]);
        if (r->hess[k]) wide_fill(0, r->n, 0.0, r->hess[k]);
    }
}
/* row *= factor; 0 where that is 0 */
static void wide_scale(const fa_wide_row *r, double factor, double *row) {
    const vec f = v_splat(factor);
    for (size_t i = 0; i < r->padded; i += LANES) v_store(row + i, FN(weighted)(f, v_load(row + i)));
}

/* ---- to and from the element types ------------------------------------------------------- */

static void wide_from_singles(size_t n, const float *from, double *to) {
    size_t i = 0;
    for (; i + F32_LANES <= n; i += F32_LANES) f64w_store(to + i, f32_load_wide(from + i));
    if (i < n) f64w_store(to + i, f32_widen(f32_load_n(from + i, n - i)));
}
static void wide_to_singles(size_t n, const double *from, float *to) {
    size_t i = 0;
    for (; i + F32_LANES <= n; i += F32_LANES) f32_store(to + i, f32_narrow(f64w_load(from + i)));
    if (i < n) f32_store_n(to + i, n - i, f32_narrow(f64w_load(from + i)));
}
static void wide_widen(size_t rows, size_t n, fa_dtype dtype, const char *from, ptrdiff_t stride, double *to,
                       size_t padded) {
    for (; rows--; from += stride, to += padded) {
        if (dtype == FA_F32) wide_from_singles(n, (const float *)(const void *)from, to);
        else memcpy(to, from, n * sizeof *to);
        wide_fill(n, padded, 0.0, to);
    }
}
static void wide_narrow(size_t rows, size_t n, fa_dtype dtype, const double *from, size_t padded, char *to,
                        ptrdiff_t stride) {
    for (; rows--; from += padded, to += stride) {
        if (dtype == FA_F32) wide_to_singles(n, from, (float *)(void *)to);
        else memcpy(to, from, n * sizeof *from);
    }
}
