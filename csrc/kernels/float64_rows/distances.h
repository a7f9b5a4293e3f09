/* Losses of two or three vectors a row: cosine_embedding_loss, triplet_margin_loss. Rows are in float64 buffers: see
 * float64_rows.h. drivers/float64_row_loss.c calls these. */
#ifndef FA_DISTANCES_H
#define FA_DISTANCES_H

#include "../../math/elementary.h"

#include "float64_rows.h"

#include "../../simd/f64.h"

/* ---- cosine ------------------------------------------------------------------------------------
 *
 * c = a.b / (|a| |b|), with |a|^2 = a.a + 1e-12 as in PyTorch. With unit vectors A = a / |a|, B = b / |b|:
 *   dc/da_i = (B_i - c A_i) / |a|,   d2c/da_i^2 = ((3 c A_i - 2 B_i) A_i - c) / |a|^2
 * Range: [-1, 1], clamped. Where a or b is 0, the 1e-12 keeps everything finite and c = 0.
 * Vectors whose squares overflow are summed again, scaled by 2^-600. */

static const double COSINE_EPS = 1e-12, SCALE_DOWN = 0x1p-600, SCALE_UP = 0x1p700;

typedef struct {
    const fa_float64_rows_args *row;
    vec before[2], inverse[2]; /* A = (a * before) * inverse */
} cosine_pass;

FA_INLINE void cosine_body(void *context, size_t i, vec sums[ROW_SUMS]) {
    const cosine_pass *p = context;
    vec a = v_load(p->row->in[0] + i) * p->before[0], b = v_load(p->row->in[1] + i) * p->before[1];
    sums[0] = v_fma(a, a, sums[0]);
    sums[1] = v_fma(b, b, sums[1]);
    sums[2] = v_fma(a, b, sums[2]);
}
/* The cosine; sets before and inverse, which turn a and b into unit vectors. */
FA_INLINE vec cosine_of(cosine_pass *p) {
    vec sums[ROW_SUMS];
    for (int again = 0; again < 2; again++) { /* a second time only if a square overflowed */
        row_sums(p->row, ROW_SUMS, cosine_body, p, sums);
        mask over[2] = {v_le(K(0x1p1000), sums[0]), v_le(K(0x1p1000), sums[1])};
        if (again || !v_any(v_mask_or(over[0], over[1]))) break;
        for (int k = 0; k < 2; k++) p->before[k] = v_select(over[k], K(SCALE_DOWN), K(1));
    }
    for (int k = 0; k < 2; k++)
        p->inverse[k] = K(1) / v_sqrt(v_fma(p->before[k] * p->before[k], K(COSINE_EPS), sums[k]));
    vec c = sums[2] * p->inverse[0] * p->inverse[1];
    return v_min(K(1), v_max(K(-1), c));
}

/* Gradients and curvature of slope * cosine; 0 where the slope is 0. */
static void cosine_results(const cosine_pass *p, vec cosine, vec slope) {
    const fa_float64_rows_args *r = p->row;
    const mask none = v_eq(slope, K(0));
    vec by[2], twice[2];
    for (int k = 0; k < 2; k++) {
        by[k] = slope * p->before[k] * p->inverse[k];
        twice[k] = by[k] * p->before[k] * p->inverse[k];
    }
    for (size_t i = 0; i < r->padded; i += LANES) {
        vec unit[2];
        for (int k = 0; k < 2; k++) unit[k] = v_load(r->in[k] + i) * p->before[k] * p->inverse[k];
        for (int k = 0; k < 2; k++) {
            vec a = unit[k], b = unit[1 - k], bend = v_fms(K(3) * cosine, a, b + b);
            if (r->grad[k]) v_store(r->grad[k] + i, v_select(none, K(0), v_fnma(cosine, a, b) * by[k]));
            if (r->hess[k]) v_store(r->hess[k] + i, v_select(none, K(0), v_fms(bend, a, cosine) * twice[k]));
        }
    }
}

/* loss = 1 - c for target 1, max(c - margin, 0) for target -1, 0 for any other target.
 * Kink c = margin: slope 1. A NaN target gives NaN. */
static void cosine_embedding_loss_kernel(const fa_float64_rows_args *r, double loss[FA_FLOAT64_LANES]) {
    cosine_pass p = {r, {K(1), K(1)}, {K(1), K(1)}};
    vec c = cosine_of(&p), beyond = c - v_splat(r->margin), t = v_load(r->target);
    mask alike = v_eq(t, K(1)), unlike = v_eq(t, K(-1)), inside = v_lt(beyond, K(0));
    vec value = v_select(alike, K(1) - c, v_select(unlike, v_max(K(0), beyond), FN(constant_slope)(t, K(0))));
    vec slope = v_keep(v_mask_and(unlike, v_mask_not(inside)), K(1));
    slope = v_select(alike, K(-1), FN(constant_slope)(t, slope)) * v_load(r->scale);
    v_store(loss, value);
    if (!r->grad[0]) return;
    if (v_any(v_mask_not(v_eq(slope, K(0))))) cosine_results(&p, c, slope);
    else zero_results(r);
}

/* ---- p-norms -----------------------------------------------------------------------------------
 *
 * N = (sum |d_i|^p)^(1/p) for any p. p = 0 counts the d_i that are not 0; p = inf is the largest |d_i|, p = -inf the
 * least. With q = |d_i| / N:
 *   dN/dd_i = sign(d_i) q^(p-1),   d2N/dd_i^2 = (p - 1) (q^(p-2) - q^(2p-2)) / N
 *   p = 2: d_i / N and (1 - q^2) / N;   p = 1: sign(d_i) and 0
 * Range: [0, inf]. Kinks, as in PyTorch: the slope is 0 where N = 0 or d_i = 0; the curvature is 0 where N = 0, and
 * where d_i = 0 unless p = 2. With infinite p, elements that tie share the slope equally.
 * Sums whose terms over- or underflow are scaled: by a power of two for p = 2, which is exact; else by the largest
 * |d_i| (p < 0: the least). */

typedef enum { NORM_OF_1, NORM_OF_2, NORM_COUNT, NORM_EXTREME, NORM_POWER } norm_kind;

typedef struct {
    norm_kind kind;
    double p;
    vec norm, before, inverse; /* q = (|d| before) inverse; inverse 0: slope 0; NORM_EXTREME: inverse = 1 / ties */
} row_norm;

static norm_kind norm_kind_of(double p) {
    if (p == 1.0) return NORM_OF_1;
    if (p == 2.0) return NORM_OF_2;
    if (p == 0.0) return NORM_COUNT;
    return p - p == 0.0 ? NORM_POWER : NORM_EXTREME;
}

/* r^e = exp(e log r) for r >= 0; r^0 = 1. Max error: 2 + |e log r| ulp. */
FA_NOINLINE vec rough_power(vec r, vec e) { return v_select(v_eq(e, K(0)), K(1), v_exp(e * v_log(r))); }

typedef struct {
    const double *d;
    norm_kind kind;
    vec scale, p; /* scale: multiplies d; NORM_POWER: divides |d|; NORM_EXTREME: the extreme itself */
} norm_pass;

FA_INLINE void norm_body(void *context, size_t i, vec sums[ROW_SUMS]) {
    const norm_pass *p = context;
    vec d = v_load(p->d + i), a = v_abs(d);
    switch (p->kind) {
    case NORM_OF_1: sums[0] = sums[0] + a; break;
    case NORM_OF_2: break;
    case NORM_COUNT: sums[0] = sums[0] + FN(constant_slope)(d, v_select(v_eq(d, K(0)), K(0), K(1))); break;
    case NORM_EXTREME: sums[0] = sums[0] + v_keep(v_eq(a, p->scale), K(1)); break;
    case NORM_POWER: sums[0] = sums[0] + rough_power(a / p->scale, p->p); break;
    }
}
FA_INLINE void square_body(void *context, size_t i, vec sums[ROW_SUMS]) {
    const norm_pass *p = context;
    vec d = v_load(p->d + i) * p->scale;
    sums[0] = v_fma(d, d, sums[0]);
}
FA_NOINLINE vec norm_sum(const fa_float64_rows_args *r, const double *d, norm_kind kind, vec scale) {
    norm_pass p = {d, kind, scale, v_splat(r->p)};
    vec sums[ROW_SUMS];
    if (kind == NORM_OF_2) row_sums(r, 1, square_body, &p, sums); /* the common case: a tight loop */
    else row_sums(r, 1, norm_body, &p, sums);
    return sums[0];
}

/* The largest |d_i|, or for p < 0 the least; NaN if a d_i is. */
static vec norm_extreme(const fa_float64_rows_args *r, const double *d) {
    const vec sign = v_splat(r->p < 0 ? -1.0 : 1.0);
    vec most = K(-INFINITY), nan = K(0);
    for (size_t i = 0; i < r->padded; i += LANES) {
        vec x = v_load(d + i);
        nan = v_select(v_isnan(x), x, nan);
        most = v_max(most, v_abs(x) * sign);
    }
    if (!r->tile) {
        most = v_splat(v_max_across(most));
        if (v_any(v_isnan(nan))) nan = K(NAN);
    }
    return FN(constant_slope)(nan, most * sign);
}

/* A factor that keeps squares of numbers up to `largest` from over- and underflow. */
FA_INLINE vec power_of_two_for(vec largest) {
    return v_select(v_lt(largest, K(0x1p-480)), K(SCALE_UP), v_select(v_lt(K(0x1p480), largest), K(SCALE_DOWN), K(1)));
}
FA_INLINE mask is_zero_or_infinite(vec x) { return v_mask_or(v_eq(x, K(0)), v_eq(x, K(INFINITY))); }

FA_INLINE void norm_of_2(row_norm *s, const fa_float64_rows_args *r, const double *d) {
    vec squares = norm_sum(r, d, NORM_OF_2, K(1)), root = v_sqrt(squares);
    mask fit = v_mask_and(v_lt(K(0x1p-900), squares), v_lt(squares, K(0x1p1000)));
    s->norm = root;
    if (r->grad[0]) s->inverse = K(1) / root;
    if (!v_any(v_mask_not(v_mask_or(fit, v_isnan(squares))))) return;
    vec largest = norm_extreme(r, d), before = v_select(fit, K(1), power_of_two_for(largest));
    root = v_sqrt(norm_sum(r, d, NORM_OF_2, before));
    mask plain = is_zero_or_infinite(largest);
    s->before = before;
    s->norm = v_select(plain, largest, root / before);
    s->inverse = v_select(plain, K(0), K(1) / root);
}
FA_INLINE void norm_of_power(row_norm *s, const fa_float64_rows_args *r, const double *d) {
    vec extreme = norm_extreme(r, d);
    mask plain = is_zero_or_infinite(extreme);
    vec ratio = rough_power(norm_sum(r, d, NORM_POWER, extreme), v_splat(1.0 / s->p));
    s->before = power_of_two_for(extreme);
    s->norm = v_select(plain, extreme, extreme * ratio);
    s->inverse = v_select(plain, K(0), K(1) / (extreme * s->before * ratio));
}
/* d is padded with what adds nothing: 0, or infinity for p < 0. */
FA_NOINLINE void norm_of(row_norm *s, const fa_float64_rows_args *r, const double *d) {
    s->kind = norm_kind_of(r->p);
    s->p = r->p;
    s->before = K(1);
    s->inverse = K(0);
    switch (s->kind) {
    case NORM_OF_1:
    case NORM_COUNT: s->norm = norm_sum(r, d, s->kind, K(1)); break;
    case NORM_OF_2: norm_of_2(s, r, d); break;
    case NORM_POWER: norm_of_power(s, r, d); break;
    case NORM_EXTREME:
        s->norm = norm_extreme(r, d);
        s->inverse = K(1) / norm_sum(r, d, NORM_EXTREME, s->norm);
        break;
    }
    if (!r->n) s->norm = K(0); /* an empty row, also for p < 0 */
    s->inverse = FN(constant_slope)(s->norm, s->inverse);
}

FA_INLINE vec norm_slope(const row_norm *s, vec d, vec q) {
    vec sign = sign_or_nan(d);
    switch (s->kind) {
    case NORM_OF_1: return sign;
    case NORM_OF_2: return v_copysign(q, d);
    case NORM_COUNT: return d - d;
    case NORM_EXTREME: return FN(constant_slope)(d, v_keep(v_eq(v_abs(d), s->norm), sign * s->inverse));
    case NORM_POWER: break;
    }
    vec slope = v_select(v_eq(d, K(0)), K(0), sign * rough_power(q, v_splat(s->p - 1.0)));
    return v_select(v_eq(s->inverse, K(0)), q, slope);
}
FA_INLINE vec norm_curve(const row_norm *s, vec d, vec slope, vec q) {
    vec none = slope - slope, bend;
    if (s->kind == NORM_OF_2) bend = v_fnma(slope, slope, K(1));
    else if (s->kind == NORM_POWER) bend = v_fnma(slope, slope, rough_power(q, v_splat(s->p - 2.0)));
    else return none;
    bend = bend * v_splat(s->p - 1.0); /* 1 for p = 2 */
    bend = bend * s->inverse * s->before;
    if (s->kind == NORM_POWER) bend = v_select(v_eq(d, K(0)), K(0), bend);
    return v_select(v_eq(s->inverse, K(0)), none, bend);
}
/* Replaces d by the slopes of its norm; curves, unless NULL, takes the second derivatives. */
FA_NOINLINE void norm_slopes(const row_norm *s, const fa_float64_rows_args *r, double *d, double *curves) {
    for (size_t i = 0; i < r->padded; i += LANES) {
        vec x = v_load(d + i), q = v_abs(x) * s->before * s->inverse, slope = norm_slope(s, x, q);
        if (curves) v_store(curves + i, norm_curve(s, x, slope, q));
        v_store(d + i, slope);
    }
}

/* ---- triplets of anchor a, positive p, negative n ------------------------------------------------
 *
 * loss = max(margin + |a - p + eps| - |a - n + eps|, 0), with the p-norm above. With swap, the lesser of |a - n + eps|
 * and |p - n + eps| is subtracted.
 * Range: [0, inf). Kink at 0: slope 1. Where swap's two distances are equal, each has half the slope. */

FA_NOINLINE void triplet_difference(const fa_float64_rows_args *r, const double *a, const double *b, double *d) {
    const vec eps = v_splat(r->eps);
    for (size_t i = 0; i < r->padded; i += LANES) v_store(d + i, (v_load(a + i) - v_load(b + i)) + eps);
    fill(r->held, r->padded, r->p < 0 ? (double)INFINITY : 0.0, d);
}

/* Slopes or curvatures of the three distances, each (n). Those of the loss are sums of them. */
typedef struct {
    const double *near, *far, *swapped; /* |a - p|, |a - n|, |p - n|; swapped NULL: 0 */
    vec far_weight, swapped_weight, factor;
} triplet_parts;

FA_INLINE void triplet_combine(const fa_float64_rows_args *r, const triplet_parts *t, int curves, double *const out[]) {
    for (size_t i = 0; i < r->padded; i += LANES) {
        vec near = v_load(t->near + i), far = FN(weighted)(t->far_weight, v_load(t->far + i)), swapped = K(0);
        if (t->swapped) swapped = FN(weighted)(t->swapped_weight, v_load(t->swapped + i));
        vec both = far + swapped, positive = -(near + swapped);
        if (curves) positive = near - swapped, both = -both;
        v_store(out[0] + i, FN(weighted)(t->factor, near - far));
        v_store(out[1] + i, FN(weighted)(t->factor, positive));
        v_store(out[2] + i, FN(weighted)(t->factor, both));
    }
}

static void triplet_margin_loss_kernel(const fa_float64_rows_args *r, double loss[FA_FLOAT64_LANES]) {
    double *near = r->work[0], *far = r->work[1], *swapped = r->work[2];
    row_norm to_near, to_far, to_swapped;
    triplet_difference(r, r->in[0], r->in[1], near);
    triplet_difference(r, r->in[0], r->in[2], far);
    norm_of(&to_near, r, near);
    norm_of(&to_far, r, far);
    vec negative = to_far.norm, far_weight = K(1);
    if (r->swap) {
        triplet_difference(r, r->in[1], r->in[2], swapped);
        norm_of(&to_swapped, r, swapped);
        vec other = to_swapped.norm;
        far_weight = v_select(v_lt(negative, other), K(1), v_select(v_lt(other, negative), K(0), K(0.5)));
        negative = v_select(v_isnan(negative), negative, v_min(negative, other));
    }
    vec beyond = v_splat(r->margin) + to_near.norm - negative;
    v_store(loss, v_max(K(0), beyond));
    if (!r->grad[0]) return;
    vec factor = v_select(v_lt(beyond, K(0)), K(0), v_load(r->scale));
    if (!v_any(v_mask_not(v_eq(factor, K(0))))) {
        zero_results(r);
        return;
    }
    double *const *curves = r->hess; /* hold each distance's curvatures until they are combined */
    norm_slopes(&to_near, r, near, curves[0]);
    norm_slopes(&to_far, r, far, curves[1]);
    if (r->swap) norm_slopes(&to_swapped, r, swapped, curves[2]);
    triplet_parts t = {near, far, r->swap ? swapped : NULL, far_weight, K(1) - far_weight, factor};
    triplet_combine(r, &t, 0, r->grad);
    if (!curves[0]) return;
    t.near = curves[0];
    t.far = curves[1];
    t.swapped = r->swap ? curves[2] : NULL;
    triplet_combine(r, &t, 1, r->hess);
}

#include "../../simd/f32.h"

#endif
