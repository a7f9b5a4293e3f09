/* CTC: one step of the forward recursion (alpha) and of the backward recursion (beta), in float64. contract.h explains
 * states and probabilities m * 2^k; drivers/ctc.c runs the steps of a sequence.
 *
 * A sum of several m * 2^k has the largest of their k; each m is multiplied by 2^(k - largest), which is exact or too
 * small to count. So the errors of a step are the roundings of a sum of two or three terms, of one exponential and of
 * their product. */
#ifndef FA_CTC_KERNEL_H
#define FA_CTC_KERNEL_H

#include "../math/elementary.h"

#include "../simd/f64.h"
#include "contract.h"

/* An extended number, m * 2^k. */
typedef struct {
    vec m, k;
} FN(extended);
#define ext FN(extended)

FA_INLINE ext FN(ext_load)(fa_ctc_row row, size_t i) {
    ext e = {v_load(row.m + i), v_load(row.k + i)};
    return e;
}
FA_INLINE void FN(ext_store)(fa_ctc_row row, size_t i, ext e) {
    v_store(row.m + i, e.m);
    v_store(row.k + i, e.k);
}
FA_INLINE ext FN(ext_splat)(real m, real k) {
    ext e = {v_splat(m), v_splat(k)};
    return e;
}

/* 2^(k - most) for k <= most. Below 2^-1022, and where both are -inf, it is 0. The difference, bounded from below,
 * becomes the exponent field of the result. */
FA_INLINE vec FN(ext_factor)(vec k, vec most) {
    const vec shift = K(F64_SHIFT + 1023);
    return v_from_bits(v_bits(v_max(k - most, K(-1023)) + shift) << 52);
}
FA_INLINE ext FN(ext_sum2)(ext a, ext b) {
    ext s;
    s.k = v_max(a.k, b.k);
    s.m = v_fma(a.m, FN(ext_factor)(a.k, s.k), b.m * FN(ext_factor)(b.k, s.k));
    return s;
}
FA_INLINE ext FN(ext_sum3)(ext a, ext b, ext c) {
    ext s;
    s.k = v_max(a.k, v_max(b.k, c.k));
    vec two = v_fma(b.m, FN(ext_factor)(b.k, s.k), c.m * FN(ext_factor)(c.k, s.k));
    s.m = v_fma(a.m, FN(ext_factor)(a.k, s.k), two);
    return s;
}
FA_INLINE ext FN(ext_times)(ext a, ext b) {
    ext p = {a.m * b.m, a.k + b.k};
    return p;
}

/* The same number with m in [1, 2). NaN stays. */
FA_INLINE ext FN(ext_normal)(ext e) {
    ivec excess = (v_bits(e.m) >> 52) - 1023;
    ext n = {v_select(v_isnan(e.m), e.m, v_from_bits(v_bits(e.m) - (excess << 52))), e.k + v_from_int(excess)};
    return n;
}

/* exp(x - max) as m * 2^k.
 * Range: m in [0.7, 1.5). Infinities: exp(-inf) = 0; x - max = +inf or NaN gives NaN.
 * x - max is exact, d + low: the rounding error `low` joins the reduced argument. Where |d| > 2^51, neighbouring d
 * differ by a factor of more than 2 in the result, so m is 1. */
FA_INLINE ext FN(ext_exp)(vec x, vec max) {
    vec d = x - max, back = d + max, low = (x - back) - (max - (back - d)); /* two-sum */
    low = v_keep(v_lt(v_abs(low), K(0x1p-27)), low);
    mask far = v_lt(K(0x1p51), v_abs(d));
    FN(reduced) a = FN(exp_reduce)(d);
    vec r = v_select(far, K(0), a.r + low), r2 = r * r;
    vec m = K(1) + v_fma(v_fma(FN(exp_c)(r, r2), r, K(0.5)), r2, r);
    ext e = {v_select(v_lt(d, K(F64_INF)), m, K(F64_NAN)), v_select(far, d * K(F64_LOG2E), a.k)};
    return e;
}

/* Stores a state's probability, normalised if it is time to. */
FA_INLINE void FN(ext_store_step)(const fa_ctc_step *s, fa_ctc_row row, size_t i, ext e) {
    FN(ext_store)(row, i, s->normalise ? FN(ext_normal)(e) : e);
}

/* alpha_t from alpha_t-1:
 *   blank j   (itself + label j - 1) exp(blank_x - max)
 *   label j   (itself + blank j + label j - 1 if label j may follow it directly) exp(x_j - max) */
static void FN(ctc_forward)(const fa_ctc_step *s, fa_ctc_row before, fa_ctc_row now) {
    const size_t w = s->width;
    const vec max = v_splat(s->max);
    const ext blank = FN(ext_exp)(v_splat(s->blank_x), max);
    for (size_t j = 0; j < w; j += LANES) {
        const fa_ctc_row shifted = {before.m - 1, before.k - 1};
        ext label = FN(ext_load)(before, j), at_blank = FN(ext_load)(before, w + j), last = FN(ext_load)(shifted, j);
        FN(ext_store_step)(s, now, w + j, FN(ext_times)(blank, FN(ext_sum2)(at_blank, last)));
        last.k = last.k + v_load(s->skip + j);
        ext sum3 = FN(ext_sum3)(label, at_blank, last);
        FN(ext_store_step)(s, now, j, FN(ext_times)(FN(ext_exp)(v_load(s->x + j), max), sum3));
    }
}

/* Folds the FA_CTC_SLOTS slots of a sum; element i was added to slot i % FA_CTC_SLOTS. */
FA_INLINE double FN(ctc_slots_total)(const vec part[FA_CTC_SLOTS / LANES]) {
    double slot[FA_CTC_SLOTS];
    for (size_t v = 0; v < FA_CTC_SLOTS / LANES; v++) v_store(slot + v * LANES, part[v]);
    for (size_t half = FA_CTC_SLOTS / 2; half; half /= 2)
        for (size_t k = 0; k < half; k++) slot[k] = slot[k] + slot[k + half];
    return slot[0];
}

/* posterior = product / 2^most, with product = alpha beta and `most` the largest of its k; returns their sum. */
FA_INLINE double FN(posteriors)(size_t n, fa_ctc_row product, vec most, double *posterior) {
    vec part[FA_CTC_SLOTS / LANES];
    for (size_t v = 0; v < FA_CTC_SLOTS / LANES; v++) part[v] = K(0);
    for (size_t i = 0; i < n; i += FA_CTC_SLOTS)
        for (size_t v = 0; v < FA_CTC_SLOTS / LANES; v++) {
            const size_t at = i + v * LANES;
            vec e = v_load(product.m + at) * FN(ext_factor)(v_load(product.k + at), most);
            v_store(posterior + at, e);
            part[v] = part[v] + e;
        }
    return FN(ctc_slots_total)(part);
}

/* beta_t from beta_t+1, and the posteriors. alpha_t includes the probability of step t's own input, and so does beta_t
 * as it is stored: alpha is multiplied with beta before beta gets it. The posteriors are normalised by their own
 * sum. */
static double FN(ctc_backward)(const fa_ctc_step *s, fa_ctc_row after, fa_ctc_row now, fa_ctc_row alpha,
                               fa_ctc_row product, double *posterior) {
    const size_t w = s->width;
    const vec max = v_splat(s->max);
    const ext blank = FN(ext_exp)(v_splat(s->blank_x), max);
    vec most = K(-F64_INF);
    for (size_t j = 0; j < w; j += LANES) {
        const fa_ctc_row shifted = {after.m + 1, after.k + 1};
        ext label = FN(ext_load)(after, j), at_blank = FN(ext_load)(after, w + j);
        ext next = FN(ext_load)(shifted, j), next_blank = FN(ext_load)(shifted, w + j);
        ext from_blank = FN(ext_sum2)(at_blank, label);
        next.k = next.k + v_load(s->skip + j + 1);
        ext from_label = FN(ext_sum3)(label, next_blank, next);
        ext blanks = FN(ext_normal)(FN(ext_times)(FN(ext_load)(alpha, w + j), from_blank));
        ext labels = FN(ext_normal)(FN(ext_times)(FN(ext_load)(alpha, j), from_label));
        FN(ext_store)(product, w + j, blanks);
        FN(ext_store)(product, j, labels);
        most = v_max(most, v_max(blanks.k, labels.k));
        FN(ext_store_step)(s, now, w + j, FN(ext_times)(blank, from_blank));
        FN(ext_store_step)(s, now, j, FN(ext_times)(FN(ext_exp)(v_load(s->x + j), max), from_label));
    }
    most = v_splat(v_max_across(most));
    const fa_ctc_row of_blanks = {product.m + w, product.k + w};
    const double labels = FN(posteriors)(w, product, most, posterior);
    const double blanks = FN(posteriors)(w, of_blanks, most, posterior + w);
    const double all = labels + blanks;
    for (size_t j = 0; j < w; j += LANES) v_store(posterior + j, v_load(posterior + j) / v_splat(all));
    return blanks / all;
}

/* The softmax normaliser of one step: sum exp(x - max), and max. */
static double FN(ctc_exp_sum)(size_t n, const double *x, double *max) {
    FN(sum) part[FA_CTC_SLOTS / LANES];
    vec most = K(-F64_INF);
    for (size_t i = 0; i < n; i += LANES) most = v_max(most, v_load(x + i));
    *max = v_max_across(most);
    most = v_splat(*max);
    for (size_t v = 0; v < FA_CTC_SLOTS / LANES; v++) part[v] = FN(sum_zero)();
    for (size_t i = 0; i < n; i += FA_CTC_SLOTS)
        for (size_t v = 0; v < FA_CTC_SLOTS / LANES; v++)
            part[v] = FN(sum_add)(part[v], v_exp_nonpos(v_load(x + i + v * LANES) - most));
    double lanes[LANES];
    v_store(lanes, FN(sum_dd)(FN(sum_across_lanes)(part, FA_CTC_SLOTS / LANES)).hi);
    if (lanes[0] != lanes[0]) *max = lanes[0]; /* with NaN, v_max_across may give any lane */
    return lanes[0];
}

/* grad = scale (y - posterior) of one step; hess = scale (y (1 - y) - posterior (1 - posterior)). x NULL: y is 0. */
static void FN(ctc_row_gradient)(size_t n, const double *x, double max, double inverse, const double *posterior,
                                 double scale, double *grad, double *hess) {
    for (size_t i = 0; i < n; i += LANES) {
        vec g = v_load(posterior + i), y = K(0);
        if (x) y = v_exp_nonpos(v_load(x + i) - v_splat(max)) * v_splat(inverse);
        if (hess) v_store(hess + i, (v_fnma(y, y, y) - v_fnma(g, g, g)) * v_splat(scale));
        v_store(grad + i, (y - g) * v_splat(scale));
    }
}

/* -log of (m[0] 2^k[0] + m[1] 2^k[1]) / (m[2] 2^k[2]): inf for probability 0, NaN for NaN. */
static double FN(ctc_minus_log)(const double m[3], const double k[3]) {
    ext p = FN(ext_sum2)(FN(ext_splat)(m[0], k[0]), FN(ext_splat)(m[1], k[1]));
    p.m = p.m / v_splat(m[2]);
    p.k = p.k - v_splat(k[2]);
    p = FN(ext_normal)(p);
    mask above = v_lt(K(0x1.6a09e667f3bcdp+0), p.m); /* m in [sqrt(1/2), sqrt(2)]: log m and k log 2 never cancel */
    p.m = v_select(above, K(0.5) * p.m, p.m);
    p.k = p.k + v_keep(above, K(1));
    vec low = v_fma(p.k, K(F64_LN2_LO), v_log(p.m));
    vec none = v_select(v_isnan(p.m), p.m, K(F64_INF));
    vec loss = v_select(v_lt(K(-F64_INF), p.k), K(0) - v_fma(p.k, K(F64_LN2_HI), low), none);
    double lanes[LANES];
    v_store(lanes, loss);
    return lanes[0];
}

static const fa_ctc_kernels ctc_kernels = {FN(ctc_forward), FN(ctc_backward), FN(ctc_exp_sum), FN(ctc_row_gradient),
                                           FN(ctc_minus_log)};
#undef ext

#include "../simd/f32.h"

#endif
