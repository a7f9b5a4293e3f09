/* Accumulators: a vector of sums that lose (almost) nothing. T_sum is the type of such a vector, vsum in typed code.
 *
 * float32 is summed in float64. float64 is a compensated sum (Kahan's): its value is `sum - lost`, its error within
 * 2^-52 of the sum of magnitudes. What an infinite sum lost would be NaN, and is dropped. */
#ifndef FA_ACCUMULATORS_H
#define FA_ACCUMULATORS_H

#include "../core.h"
#include "../simd/simd.h"

#include "../simd/f64.h"
#include "double_double.h"

#include "../simd/f32.h"
#include "double_double.h"

/* Element i adds to slot i % SLOTS, a lane of the virtual vector. MAX_SLOTS: the larger of both types' SLOTS. */
#define SLOTS (FA_VIRTUAL_VECTOR / sizeof(real))
#define MAX_SLOTS (FA_VIRTUAL_VECTOR / sizeof(float))
#define vsum FN(sum)


FA_INLINE f64w f64w_load(const double *p) {
    f64w w;
    for (int k = 0; k < FA_F64_PER_F32; k++) w.part[k] = f64_load(p + (size_t)k * F64_LANES);
    return w;
}
FA_INLINE void f64w_store(double *p, f64w w) {
    for (int k = 0; k < FA_F64_PER_F32; k++) f64_store(p + (size_t)k * F64_LANES, w.part[k]);
}
FA_INLINE f64w f64w_sum(f64w a, f64w b) {
    for (int k = 0; k < FA_F64_PER_F32; k++) a.part[k] = a.part[k] + b.part[k];
    return a;
}
FA_INLINE f64w f32_load_wide(const float *p) { return f32_widen(f32_load(p)); }
FA_INLINE f64w f64_load_wide(const double *p) { return f64w_load(p); }
FA_INLINE void f32_store_doubles(double *p, vf32 v) { f64w_store(p, f32_widen(v)); }
FA_INLINE void f64_store_doubles(double *p, vf64 v) { f64_store(p, v); }

typedef f64w f32_sum;
typedef struct {
    vf64 sum, lost;
} f64_sum;

FA_INLINE f32_sum f32_sum_zero(void) {
    f32_sum s;
    for (int k = 0; k < FA_F64_PER_F32; k++) s.part[k] = f64_splat(0);
    return s;
}
FA_INLINE f64_sum f64_sum_zero(void) {
    f64_sum s = {f64_splat(0), f64_splat(0)};
    return s;
}
FA_INLINE f32_sum f32_sum_of(vf32 v) { return f32_widen(v); }
FA_INLINE f64_sum f64_sum_of(vf64 v) {
    f64_sum s = {v, f64_splat(0)};
    return s;
}
FA_INLINE f32_sum f32_sum_merge(f32_sum a, f32_sum b) { return f64w_sum(a, b); }
FA_INLINE vf64 f64_no_nan(vf64 lost) { return f64_keep(f64_eq(lost, lost), lost); }
FA_INLINE f64_sum f64_sum_merge(f64_sum a, f64_sum b) {
    vf64 sum = a.sum + b.sum, t = sum - a.sum;
    f64_sum s = {sum, f64_no_nan((a.lost + b.lost) - ((a.sum - (sum - t)) + (b.sum - t)))};
    return s;
}
FA_INLINE f32_sum f32_sum_add(f32_sum s, vf32 v) { return f32_sum_merge(s, f32_widen(v)); }
/* Adding 0, as lanes beyond a row's end do, changes neither sum nor lost. */
FA_INLINE f64_sum f64_sum_add(f64_sum s, vf64 v) {
    vf64 y = v - s.lost, sum = s.sum + y;
    mf64 none = f64_eq(v, f64_splat(0));
    f64_sum r = {f64_select(none, s.sum, sum), f64_select(none, s.lost, f64_no_nan((sum - s.sum) - y))};
    return r;
}
/* s + a b, with what the product lost. */
FA_INLINE f32_sum f32_sum_add_product(f32_sum s, vf32 a, vf32 b) {
    f64w wa = f32_widen(a), wb = f32_widen(b);
    for (int k = 0; k < FA_F64_PER_F32; k++) s.part[k] = f64_fma(wa.part[k], wb.part[k], s.part[k]);
    return s;
}
FA_INLINE f64_sum f64_sum_add_product(f64_sum s, vf64 a, vf64 b) {
    vf64 product = a * b;
    f64_sum r = f64_sum_add(s, product);
    r.lost = r.lost - f64_fms(a, b, product);
    return r;
}
/* The value of a sum as double-double. */
FA_INLINE f32_dd f32_sum_dd(f32_sum s) {
    f32_dd p;
    p.hi = f32_narrow(s);
    f64w rounded = f32_widen(p.hi);
    for (int k = 0; k < FA_F64_PER_F32; k++) s.part[k] = s.part[k] - rounded.part[k];
    p.lo = f32_narrow(s);
    return p;
}
FA_INLINE f64_dd f64_sum_dd(f64_sum s) {
    vf64 hi = s.sum - s.lost;
    f64_dd p = {hi, (s.sum - hi) - s.lost};
    return p;
}

/* The sum of all lanes of `vectors` sums, in every lane. Slot k is merged with slot k + half until one is left: the
 * same sums in the same order as if whole vectors were merged. */
FA_INLINE f32_sum f32_sum_across_lanes(const f32_sum *from, size_t vectors) {
    vf64 part[FA_VIRTUAL_VECTOR / sizeof(float)];
    for (size_t v = 0; v < vectors; v++)
        for (size_t k = 0; k < FA_F64_PER_F32; k++) part[v * FA_F64_PER_F32 + k] = from[v].part[k];
    for (size_t half = vectors * FA_F64_PER_F32 / 2; half; half /= 2)
        for (size_t k = 0; k < half; k++) part[k] = part[k] + part[k + half];
    f32_sum s;
    for (int k = 0; k < FA_F64_PER_F32; k++) s.part[k] = f64_splat(f64_add_across(part[0]));
    return s;
}
FA_INLINE f64_sum f64_sum_across_lanes(const f64_sum *from, size_t vectors) {
    double sums[FA_VIRTUAL_VECTOR / sizeof(double)], lost[FA_VIRTUAL_VECTOR / sizeof(double)];
    for (size_t v = 0; v < vectors; v++) {
        f64_store(sums + v * F64_LANES, from[v].sum);
        f64_store(lost + v * F64_LANES, from[v].lost);
    }
    for (size_t half = FA_VIRTUAL_VECTOR / sizeof(double) / 2; half; half /= 2) {
        for (size_t k = 0; k < half; k++) {
            double a = sums[k], b = sums[k + half], total = a + b, t = total - a;
            double rest = (lost[k] + lost[k + half]) - ((a - (total - t)) + (b - t));
            lost[k] = rest == rest ? rest : 0.0;
            sums[k] = total;
        }
    }
    f64_sum s = {f64_splat(sums[0]), f64_splat(lost[0])};
    return s;
}

/* Slots first .. first + LANES - 1 of a sum kept in memory. */
FA_INLINE f32_sum f32_sum_load(const fa_sum_state *state, size_t first) {
    return f64w_load(state->sum + first);
}
FA_INLINE f64_sum f64_sum_load(const fa_sum_state *state, size_t first) {
    f64_sum s = {f64_load(state->sum + first), f64_load(state->lost + first)};
    return s;
}
FA_INLINE void f32_sum_store(fa_sum_state *state, size_t first, f32_sum s) {
    f64w_store(state->sum + first, s);
}
FA_INLINE void f64_sum_store(fa_sum_state *state, size_t first, f64_sum s) {
    f64_store(state->sum + first, s.sum);
    f64_store(state->lost + first, s.lost);
}

#endif
