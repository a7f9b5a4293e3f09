/* Accumulators: one vector's worth of sums that lose (almost) nothing.
 *
 * float32 is summed in float64. float64 carries Kahan's correction: the sum is
 * `sum - lost`, its error within 2^-52 of the sum of magnitudes.
 */

typedef struct {
    vf32 hi, lo; /* the unevaluated sum of two */
} f32_pair;
typedef struct {
    vf64 hi, lo;
} f64_pair;

typedef f64w f32_sum;
typedef struct {
    vf64 sum, lost;
} f64_sum;

FA_INLINE f32_sum f32_sum_zero(void) {
    f32_sum s;
    for (int k = 0; k < FA_WIDE; k++) s.part[k] = f64_splat(0);
    return s;
}
FA_INLINE f64_sum f64_sum_zero(void) {
    f64_sum s = {f64_splat(0), f64_splat(0)};
    return s;
}
FA_INLINE f32_sum f32_sum_merge(f32_sum a, f32_sum b) {
    for (int k = 0; k < FA_WIDE; k++) a.part[k] = a.part[k] + b.part[k];
    return a;
}
FA_INLINE f64_sum f64_sum_merge(f64_sum a, f64_sum b) {
    vf64 sum = a.sum + b.sum, t = sum - a.sum;
    f64_sum s = {sum, (a.lost + b.lost) - ((a.sum - (sum - t)) + (b.sum - t))};
    return s;
}
FA_INLINE f32_sum f32_sum_add(f32_sum s, vf32 v) { return f32_sum_merge(s, f32_widen(v)); }
FA_INLINE f64_sum f64_sum_add(f64_sum s, vf64 v) {
    vf64 y = v - s.lost, sum = s.sum + y;
    f64_sum r = {sum, (sum - s.sum) - y};
    return r;
}
FA_INLINE f32_sum f32_sum_add_product(f32_sum s, vf32 a, vf32 b) {
    f64w wa = f32_widen(a), wb = f32_widen(b);
    for (int k = 0; k < FA_WIDE; k++) s.part[k] = f64_fma(wa.part[k], wb.part[k], s.part[k]);
    return s;
}
FA_INLINE f64_sum f64_sum_add_product(f64_sum s, vf64 a, vf64 b) {
    vf64 product = a * b;
    f64_sum r = f64_sum_add(s, product);
    r.lost = r.lost - f64_fms(a, b, product);
    return r;
}
FA_INLINE f32_pair f32_sum_pair(f32_sum s) {
    f32_pair p;
    p.hi = f32_narrow(s);
    f64w rounded = f32_widen(p.hi);
    for (int k = 0; k < FA_WIDE; k++) s.part[k] = s.part[k] - rounded.part[k];
    p.lo = f32_narrow(s);
    return p;
}
FA_INLINE f64_pair f64_sum_pair(f64_sum s) {
    vf64 hi = s.sum - s.lost;
    f64_pair p = {hi, (s.sum - hi) - s.lost};
    return p;
}

/* Each lane of `from` as a sum of its own, in all lanes of to[lane]. */
FA_INLINE void f32_sum_spread(f32_sum from, f32_sum *to) {
    double lanes[FA_WIDE * F64_LANES];
    for (int k = 0; k < FA_WIDE; k++) f64_store(lanes + k * F64_LANES, from.part[k]);
    for (int i = 0; i < FA_WIDE * F64_LANES; i++)
        for (int k = 0; k < FA_WIDE; k++) to[i].part[k] = f64_splat(lanes[i]);
}
FA_INLINE void f64_sum_spread(f64_sum from, f64_sum *to) {
    double sum[F64_LANES], lost[F64_LANES];
    f64_store(sum, from.sum);
    f64_store(lost, from.lost);
    for (int i = 0; i < F64_LANES; i++) {
        to[i].sum = f64_splat(sum[i]);
        to[i].lost = f64_splat(lost[i]);
    }
}

/* Slots first .. first + lanes of a sum kept in memory. */
FA_INLINE f32_sum f32_sum_load(const fa_sum_state *state, size_t first) {
    f32_sum s;
    for (int k = 0; k < FA_WIDE; k++) s.part[k] = f64_load(state->sum + first + (size_t)k * F64_LANES);
    return s;
}
FA_INLINE f64_sum f64_sum_load(const fa_sum_state *state, size_t first) {
    f64_sum s = {f64_load(state->sum + first), f64_load(state->lost + first)};
    return s;
}
FA_INLINE void f32_sum_store(fa_sum_state *state, size_t first, f32_sum s) {
    for (int k = 0; k < FA_WIDE; k++) f64_store(state->sum + first + (size_t)k * F64_LANES, s.part[k]);
}
FA_INLINE void f64_sum_store(fa_sum_state *state, size_t first, f64_sum s) {
    f64_store(state->sum + first, s.sum);
    f64_store(state->lost + first, s.lost);
}
