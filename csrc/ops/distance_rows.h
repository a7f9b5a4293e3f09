/* Losses of two or three vectors a row: cosine_embedding_loss, triplet_margin_loss. Rows are in
 * float64 buffers: see wide_rows.h. */

/* ---- cosine ------------------------------------------------------------------------------------
 *
 * c = a.b / (|a| |b|), |a|^2 = a.a + 1e-12, as PyTorch has it: finite where a or b is 0. With the unit
 * vectors A = a/|a|, B = b/|b|:
 *   dc/da_i = (B_i - c A_i) / |a|,   d2c/da_i^2 = ((3 c A_i - 2 B_i) A_i - c) / |a|^2
 * Vectors whose squares overflow are scaled by 2^-600 first. */

static const double COSINE_EPS = 1e-12, WIDE_DOWN = 0x1p-600, WIDE_UP = 0x1p700;

typedef struct {
    const fa_wide_row *row;
    vec before[2], inverse[2]; /* A = (a * before) * inverse; inverse is 1 in the sums */
} cosine_pass;

FA_INLINE void cosine_body(void *context, size_t i, vec sums[WIDE_SUMS]) {
    const cosine_pass *p = context;
    vec a = v_load(p->row->in[0] + i) * p->before[0], b = v_load(p->row->in[1] + i) * p->before[1];
    sums[0] = v_fma(a, a, sums[0]);
    sums[1] = v_fma(b, b, sums[1]);
    sums[2] = v_fma(a, b, sums[2]);
}
/* The cosine; and what makes unit vectors. */
FA_INLINE vec cosine_of(cosine_pass *p) {
    vec sums[WIDE_SUMS];
    for (int again = 0; again < 2; again++) { /* again only where a square overflowed */
        wide_sums(p->row->padded, WIDE_SUMS, cosine_body, p, sums);
        if (again || !(v_any(v_le(K(0x1p1000), sums[0])) || v_any(v_le(K(0x1p1000), sums[1])))) break;
        for (int k = 0; k < 2; k++) p->before[k] = v_select(v_le(K(0x1p1000), sums[k]), K(WIDE_DOWN), K(1));
    }
    for (int k = 0; k < 2; k++)
        p->inverse[k] = K(1) / v_sqrt(v_fma(p->before[k] * p->before[k], K(COSINE_EPS), sums[k]));
    vec c = sums[2] * p->inverse[0] * p->inverse[1];
    return v_min(K(1), v_max(K(-1), c));
}

/* Gradients and curvature of slope * cosine. */
static void cosine_results(const cosine_pass *p, vec cosine, vec slope) {
    const fa_wide_row *r = p->row;
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
            if (r->grad[k]) v_store(r->grad[k] + i, v_fnma(cosine, a, b) * by[k]);
            if (r->hess[k]) v_store(r->hess[k] + i, v_fms(bend, a, cosine) * twice[k]);
        }
    }
}

/* 1 - c for target 1, max(c - margin, 0) for -1, with slope 1 at its kink; 0 for any other. */
static double cosine_embedding(const fa_wide_row *r) {
    cosine_pass p = {r, {K(1), K(1)}, {K(1), K(1)}};
    vec c = cosine_of(&p), beyond = c - v_splat(r->margin), value = K(0), slope = K(0);
    if (r->target != r->target) value = slope = v_splat(r->target);
    else if (r->target == 1.0) value = K(1) - c, slope = K(-1);
    else if (r->target == -1.0) value = v_max(K(0), beyond), slope = v_keep(v_mask_not(v_lt(beyond, K(0))), K(1));
    slope = slope * v_splat(r->scale);
    if (!r->grad[0]) return wide_first_lane(value);
    if (wide_first_lane(slope) == 0.0) wide_zero_results(r);
    else cosine_results(&p, c, slope);
    return wide_first_lane(value);
}

/* ---- p-norms -----------------------------------------------------------------------------------
 *
 * N = (sum |d_i|^p)^(1/p) of any p: 0 counts what is not 0, infinities give the largest and the least
 * |d_i|. With q = |d_i| / N:
 *   dN/d_i = sign(d_i) q^(p-1),   d2N/d_i^2 = (p - 1) (q^(p-2) - q^(2p-2)) / N
 * p = 2 is d_i / N and (1 - q^2) / N; p = 1 sign(d_i) and 0; of an infinite p ties share the slope.
 * As in PyTorch the slope is 0 where N = 0, and where d_i = 0; so is the curvature of N = 0, and of d_i = 0
 * but for p = 2. Sums whose terms over- or underflow are scaled: by a power of two for p = 2, else by the
 * largest |d_i| (p < 0: the least). */

typedef enum { NORM_OF_1, NORM_OF_2, NORM_COUNT, NORM_EXTREME, NORM_POWER } norm_kind;

typedef struct {
    norm_kind kind;
    double p, norm;
    double before, inverse; /* of q = (|d| before) inverse; inverse 0 without slopes; NORM_EXTREME: 1 / ties */
} wide_norm;

static norm_kind norm_kind_of(double p) {
    if (p == 1.0) return NORM_OF_1;
    if (p == 2.0) return NORM_OF_2;
    if (p == 0.0) return NORM_COUNT;
    return p - p == 0.0 ? NORM_POWER : NORM_EXTREME;
}

/* r^e = exp(e log r) of r >= 0, within 2 + |e log r| ulp. */
FA_NOINLINE vec wide_power(vec r, vec e) { return v_select(v_eq(e, K(0)), K(1), v_exp(e * v_log(r))); }

typedef struct {
    const double *d;
    norm_kind kind;
    vec scale, p; /* scale: what d is multiplied with, or for NORM_POWER divided by; NORM_EXTREME: the extreme */
} norm_pass;

FA_INLINE void norm_body(void *context, size_t i, vec sums[WIDE_SUMS]) {
    const norm_pass *p = context;
    vec d = v_load(p->d + i), a = v_abs(d), scaled = d * p->scale;
    switch (p->kind) {
    case NORM_OF_1: sums[0] = sums[0] + a; break;
    case NORM_OF_2: sums[0] = v_fma(scaled, scaled, sums[0]); break;
    case NORM_COUNT: sums[0] = sums[0] + FN(constant_slope)(d, v_select(v_eq(d, K(0)), K(0), K(1))); break;
    case NORM_EXTREME: sums[0] = sums[0] + v_keep(v_eq(a, p->scale), K(1)); break;
    case NORM_POWER: sums[0] = sums[0] + wide_power(a / p->scale, p->p); break;
    }
}
FA_NOINLINE double norm_sum(size_t padded, const double *d, norm_kind kind, double scale, double p) {
    norm_pass pass = {d, kind, v_splat(scale), v_splat(p)};
    vec sums[WIDE_SUMS];
    wide_sums(padded, 1, norm_body, &pass, sums);
    return wide_first_lane(sums[0]);
}

/* The largest |d_i|, or for p < 0 the least; NaN if there is one. */
static double norm_extreme(size_t padded, const double *d, double p) {
    const vec sign = v_splat(p < 0 ? -1.0 : 1.0);
    vec most = K(-INFINITY), nan = K(0);
    for (size_t i = 0; i < padded; i += LANES) {
        vec x = v_load(d + i);
        nan = v_select(v_isnan(x), x, nan);
        most = v_max(most, v_abs(x) * sign);
    }
    double found = v_max_across(most);
    return v_any(v_isnan(nan)) ? (double)NAN : p < 0 ? -found : found;
}

static double power_of_two_for(double largest) {
    return largest < 0x1p-480 ? WIDE_UP : largest > 0x1p480 ? WIDE_DOWN : 1.0;
}
/* sums that are plain: p = 2 */
static void norm_of_2(wide_norm *s, size_t padded, const double *d) {
    double squares = norm_sum(padded, d, NORM_OF_2, 1.0, 2.0);
    if (!(squares > 0x1p-900 && squares < 0x1p1000) && squares == squares) {
        double largest = norm_extreme(padded, d, 2.0);
        s->norm = largest;
        if (largest == 0.0 || largest - largest != 0.0) return;
        s->before = power_of_two_for(largest);
        squares = norm_sum(padded, d, NORM_OF_2, s->before, 2.0);
    }
    double root = wide_first_lane(v_sqrt(v_splat(squares)));
    s->norm = root / s->before;
    s->inverse = 1.0 / root;
}
static void norm_of_power(wide_norm *s, size_t padded, const double *d) {
    double extreme = norm_extreme(padded, d, s->p);
    s->norm = extreme;
    if (extreme == 0.0 || extreme - extreme != 0.0) return;
    double total = norm_sum(padded, d, NORM_POWER, extreme, s->p);
    double ratio = wide_first_lane(wide_power(v_splat(total), v_splat(1.0 / s->p)));
    s->before = power_of_two_for(extreme);
    s->norm = extreme * ratio;
    s->inverse = 1.0 / (extreme * s->before * ratio);
}
/* d is padded with 0, for p < 0 with infinity: what adds nothing. */
FA_NOINLINE wide_norm norm_of(double p, size_t padded, const double *d) {
    wide_norm s = {norm_kind_of(p), p, 0.0, 1.0, 0.0};
    switch (s.kind) {
    case NORM_OF_1:
    case NORM_COUNT: s.norm = norm_sum(padded, d, s.kind, 1.0, p); break;
    case NORM_OF_2: norm_of_2(&s, padded, d); break;
    case NORM_POWER: norm_of_power(&s, padded, d); break;
    case NORM_EXTREME:
        s.norm = norm_extreme(padded, d, p);
        s.inverse = s.norm == 0.0 ? 0.0 : 1.0 / norm_sum(padded, d, NORM_EXTREME, s.norm, p);
        break;
    }
    if (s.norm != s.norm) s.inverse = s.norm;
    return s;
}

FA_INLINE vec norm_slope(const wide_norm *s, vec d, vec q, vec inverse) {
    vec sign = wide_sign(d), p1 = v_splat(s->p - 1.0);
    switch (s->kind) {
    case NORM_OF_1: return sign;
    case NORM_OF_2: return v_copysign(q, d);
    case NORM_COUNT: return d - d;
    case NORM_EXTREME: return FN(constant_slope)(d, v_keep(v_eq(v_abs(d), v_splat(s->norm)), sign * inverse));
    case NORM_POWER: break;
    }
    if (s->inverse == 0.0) return q;
    return v_select(v_eq(d, K(0)), K(0), sign * wide_power(q, p1));
}
FA_INLINE vec norm_curve(const wide_norm *s, vec d, vec slope, vec q) {
    const vec over = v_splat(s->inverse), before = v_splat(s->before);
    if (s->inverse == 0.0 || s->kind == NORM_OF_1 || s->kind == NORM_EXTREME || s->kind == NORM_COUNT) return slope - slope;
    if (s->kind == NORM_OF_2) return v_fnma(slope, slope, K(1)) * over * before;
    vec bend = v_fnma(slope, slope, wide_power(q, v_splat(s->p - 2.0))) * v_splat(s->p - 1.0);
    return v_select(v_eq(d, K(0)), K(0), bend * over * before);
}
/* d becomes the slopes of its norm; curves, unless NULL, its second derivatives. */
FA_NOINLINE void norm_slopes(const wide_norm *s, size_t padded, double *d, double *curves) {
    const vec before = v_splat(s->before), inverse = v_splat(s->inverse);
    for (size_t i = 0; i < padded; i += LANES) {
        vec x = v_load(d + i), q = v_abs(x) * before * inverse, slope = norm_slope(s, x, q, inverse);
        if (curves) v_store(curves + i, norm_curve(s, x, slope, q));
        v_store(d + i, slope);
    }
}

/* ---- triplets: max(margin + |a - p + eps| - |a - n + eps|, 0), slope 1 at the kink ----------------
 *
 * swap: of |a - n + eps| and |p - n + eps| the lesser; where they are equal each has half the slope. */

FA_NOINLINE void triplet_difference(const fa_wide_row *r, const double *a, const double *b, double *d) {
    const vec eps = v_splat(r->eps);
    for (size_t i = 0; i < r->padded; i += LANES) v_store(d + i, (v_load(a + i) - v_load(b + i)) + eps);
    wide_fill(r->n, r->padded, r->p < 0 ? (double)INFINITY : 0.0, d);
}

/* Slopes and curves of the three distances, times the shares that they have in the loss. */
typedef struct {
    const double *near, *far, *swapped; /* NULL: 0 */
    vec far_share, swapped_share, factor;
} triplet_parts;

FA_INLINE void triplet_combine(const fa_wide_row *r, const triplet_parts *t, int curves, double *const out[]) {
    for (size_t i = 0; i < r->padded; i += LANES) {
        vec near = v_load(t->near + i);
        vec far = t->far ? v_load(t->far + i) : K(0), swapped = t->swapped ? v_load(t->swapped + i) : K(0);
        vec both = v_fma(t->far_share, far, swapped * t->swapped_share);
        vec positive = curves ? v_fnma(t->swapped_share, swapped, near) : -v_fma(t->swapped_share, swapped, near);
        v_store(out[0] + i, t->factor * v_fnma(t->far_share, far, near));
        v_store(out[1] + i, t->factor * positive);
        v_store(out[2] + i, t->factor * (curves ? -both : both));
    }
}

static double triplet_margin(const fa_wide_row *r) {
    double *near = r->work[0], *far = r->work[1], *swapped = r->work[2];
    wide_norm to_far, to_swapped = {NORM_OF_1, 1.0, 0.0, 1.0, 0.0};
    triplet_difference(r, r->in[0], r->in[1], near);
    triplet_difference(r, r->in[0], r->in[2], far);
    wide_norm to_near = norm_of(r->p, r->padded, near);
    to_far = norm_of(r->p, r->padded, far);
    double negative = to_far.norm, far_share = 1.0;
    if (r->swap) {
        triplet_difference(r, r->in[1], r->in[2], swapped);
        to_swapped = norm_of(r->p, r->padded, swapped);
        far_share = negative < to_swapped.norm ? 1.0 : to_swapped.norm < negative ? 0.0 : 0.5;
        negative = far_share == 0.0 || to_swapped.norm != to_swapped.norm ? to_swapped.norm : negative;
    }
    double beyond = r->margin + to_near.norm - negative;
    if (!r->grad[0]) return beyond < 0.0 ? 0.0 : beyond;
    if (beyond < 0.0 || r->scale == 0.0) {
        wide_zero_results(r);
        return beyond < 0.0 ? 0.0 : beyond;
    }
    double *const *curves = r->hess; /* each distance's, until they are combined */
    norm_slopes(&to_near, r->padded, near, curves[0]);
    if (far_share != 0.0) norm_slopes(&to_far, r->padded, far, curves[1]);
    if (far_share != 1.0) norm_slopes(&to_swapped, r->padded, swapped, curves[2]);
    triplet_parts t = {near, far_share != 0.0 ? far : NULL, far_share != 1.0 ? swapped : NULL,
                       v_splat(far_share), v_splat(1.0 - far_share), v_splat(r->scale)};
    triplet_combine(r, &t, 0, r->grad);
    if (!curves[0]) return beyond;
    t.near = curves[0];
    if (t.far) t.far = curves[1];
    if (t.swapped) t.swapped = curves[2];
    triplet_combine(r, &t, 1, r->hess);
    return beyond;
}
