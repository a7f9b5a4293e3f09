/* One lane, in portable C: the level for CPUs without fma, and the definition of what every operation means.
 *
 * fma is composed from exact sums and products and one rounding to odd (Boldo and Melquiond, "Emulation of FMA and
 * correctly rounded sums: proved algorithms using rounding to odd", 2008). So this level gives the others' bits, too,
 * except where the error term of the product over- or underflows float64 (|a*b| above 2^996 or below 2^-960). */
#ifndef FA_SCALAR_H
#define FA_SCALAR_H

#include "fp.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float vf32;
typedef double vf64;
typedef int32_t mf32;
typedef int32_t mf64;
/* One-lane vectors, so that their arithmetic wraps as on the wider levels. */
typedef int32_t vi32 __attribute__((vector_size(4)));
typedef int64_t vi64 __attribute__((vector_size(8)));
#define F32_LANES 1
#define F64_LANES 1

FA_INLINE vi32 f32_bits(vf32 a) { vi32 i; memcpy(&i, &a, sizeof i); return i; }
FA_INLINE vi64 f64_bits(vf64 a) { vi64 i; memcpy(&i, &a, sizeof i); return i; }
FA_INLINE vf32 f32_from_bits(vi32 i) { vf32 a; memcpy(&a, &i, sizeof a); return a; }
FA_INLINE vf64 f64_from_bits(vi64 i) { vf64 a; memcpy(&a, &i, sizeof a); return a; }
/* A user's array may lie at any address: memory is copied, not dereferenced. */
FA_INLINE vf32 f32_load(const float *p) { vf32 v; memcpy(&v, p, sizeof v); return v; }
FA_INLINE vf64 f64_load(const double *p) { vf64 v; memcpy(&v, p, sizeof v); return v; }
FA_INLINE void f32_store(float *p, vf32 v) { memcpy(p, &v, sizeof v); }
FA_INLINE void f64_store(double *p, vf64 v) { memcpy(p, &v, sizeof v); }
#define FA_STREAMS 0
#define f32_stream f32_store
#define f64_stream f64_store
FA_INLINE vf32 f32_load_n(const float *p, size_t n) { return n ? f32_load(p) : 0.0f; }
FA_INLINE vf64 f64_load_n(const double *p, size_t n) { return n ? f64_load(p) : 0.0; }
FA_INLINE vf32 f32_load_or(const float *p, size_t n, vf32 pad) { return n ? f32_load(p) : pad; }
FA_INLINE vf64 f64_load_or(const double *p, size_t n, vf64 pad) { return n ? f64_load(p) : pad; }
FA_INLINE void f32_store_n(float *p, size_t n, vf32 v) { if (n) f32_store(p, v); }
FA_INLINE void f64_store_n(double *p, size_t n, vf64 v) { if (n) f64_store(p, v); }
FA_INLINE vf32 f32_splat(float s) { return s; }
FA_INLINE vf64 f64_splat(double s) { return s; }

FA_INLINE float f32_max_across(vf32 a) { return a; }
FA_INLINE double f64_max_across(vf64 a) { return a; }
FA_INLINE double f64_add_across(vf64 a) { return a; }
FA_INLINE vf32 f32_zip_lo(vf32 a, vf32 b) { (void)b; return a; }
FA_INLINE vf32 f32_zip_hi(vf32 a, vf32 b) { (void)a; return b; }
FA_INLINE vf64 f64_zip_lo(vf64 a, vf64 b) { (void)b; return a; }
FA_INLINE vf64 f64_zip_hi(vf64 a, vf64 b) { (void)a; return b; }
FA_INLINE vf32 f32_load_blocks(const float *p, ptrdiff_t apart, size_t n) { (void)apart, (void)n; return f32_load(p); }
FA_INLINE vf64 f64_load_blocks(const double *p, ptrdiff_t apart, size_t n) { (void)apart, (void)n; return f64_load(p); }
FA_INLINE void f32_store_blocks(float *p, ptrdiff_t apart, size_t n, vf32 v) { (void)apart, (void)n; f32_store(p, v); }
FA_INLINE void f64_store_blocks(double *p, ptrdiff_t apart, size_t n, vf64 v) { (void)apart, (void)n; f64_store(p, v); }

typedef struct {
    double sum, error;
} sum_and_error;

FA_INLINE sum_and_error two_sum(double a, double b) {
    double s = a + b, t = s - a;
    sum_and_error r = {s, (a - (s - t)) + (b - t)};
    return r;
}
FA_INLINE sum_and_error two_product(double a, double b) {
    double ca = a * 134217729.0, cb = b * 134217729.0; /* 2^27 + 1 splits 53 bits in two halves */
    double ah = ca - (ca - a), al = a - ah, bh = cb - (cb - b), bl = b - bh;
    double p = a * b;
    sum_and_error r = {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
    return r;
}
/* a + b with an inexact result's last bit forced to 1, so that a later rounding cannot err. */
FA_INLINE double sum_to_odd(double a, double b) {
    sum_and_error r = two_sum(a, b);
    int64_t i;
    memcpy(&i, &r.sum, sizeof i);
    if (r.error == 0.0 || r.error != r.error || (i & 1)) return r.sum;
    i += (r.error > 0) == (r.sum > 0) ? 1 : -1;
    memcpy(&r.sum, &i, sizeof i);
    return r.sum;
}
/* fma is some 40 operations here: it is called, for the sake of the code's size. */
FA_NOINLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c) { return (float)sum_to_odd((double)a * (double)b, (double)c); }
FA_NOINLINE vf64 f64_fma(vf64 a, vf64 b, vf64 c) {
#if defined(FP_FAST_FMA)
    return fma(a, b, c);
#else
    sum_and_error p = two_product(a, b);
    if (!(fabs(p.error) <= 0x1p1000)) return a * b + c; /* infinities, NaN and the splitting's overflow */
    sum_and_error low = two_sum(c, p.error), high = two_sum(p.sum, low.sum);
    if (!(fabs(high.sum) <= 0x1.fffffffffffffp1023)) return high.sum;
    double result = high.sum + sum_to_odd(low.error, high.error);
    if (result != 0.0) return result;
    return c == 0.0 && a != 0.0 && b != 0.0 ? a * b : a * b + c; /* for the sign of zero */
#endif
}
FA_INLINE vf32 f32_fms(vf32 a, vf32 b, vf32 c) { return f32_fma(a, b, -c); }
FA_INLINE vf64 f64_fms(vf64 a, vf64 b, vf64 c) { return f64_fma(a, b, -c); }
FA_INLINE vf32 f32_fnma(vf32 a, vf32 b, vf32 c) { return f32_fma(-a, b, c); }
FA_INLINE vf64 f64_fnma(vf64 a, vf64 b, vf64 c) { return f64_fma(-a, b, c); }
FA_INLINE vf32 f32_max(vf32 a, vf32 b) { return a > b ? a : b; }
FA_INLINE vf64 f64_max(vf64 a, vf64 b) { return a > b ? a : b; }
FA_INLINE vf32 f32_min(vf32 a, vf32 b) { return a < b ? a : b; }
FA_INLINE vf64 f64_min(vf64 a, vf64 b) { return a < b ? a : b; }
FA_INLINE vf32 f32_abs(vf32 a) { return fabsf(a); }
FA_INLINE vf64 f64_abs(vf64 a) { return fabs(a); }
FA_INLINE vf32 f32_sqrt(vf32 a) { return sqrtf(a); }
FA_INLINE vf64 f64_sqrt(vf64 a) { return sqrt(a); }
FA_INLINE vf32 f32_rint(vf32 a) { return rintf(a); }
FA_INLINE vf64 f64_rint(vf64 a) { return rint(a); }
FA_INLINE vf32 f32_copysign(vf32 magnitude, vf32 sign) { return copysignf(magnitude, sign); }
FA_INLINE vf64 f64_copysign(vf64 magnitude, vf64 sign) { return copysign(magnitude, sign); }

FA_INLINE mf32 f32_lt(vf32 a, vf32 b) { return a < b; }
FA_INLINE mf64 f64_lt(vf64 a, vf64 b) { return a < b; }
FA_INLINE mf32 f32_le(vf32 a, vf32 b) { return a <= b; }
FA_INLINE mf64 f64_le(vf64 a, vf64 b) { return a <= b; }
FA_INLINE mf32 f32_eq(vf32 a, vf32 b) { return a == b; }
FA_INLINE mf64 f64_eq(vf64 a, vf64 b) { return a == b; }
FA_INLINE mf32 f32_isnan(vf32 a) { return a != a; }
FA_INLINE mf64 f64_isnan(vf64 a) { return a != a; }
FA_INLINE mf32 f32_is_either_nan(vf32 a, vf32 b) { return a != a || b != b; }
FA_INLINE mf64 f64_is_either_nan(vf64 a, vf64 b) { return a != a || b != b; }
FA_INLINE vf32 f32_select(mf32 m, vf32 a, vf32 b) { return m ? a : b; }
FA_INLINE vf64 f64_select(mf64 m, vf64 a, vf64 b) { return m ? a : b; }
FA_INLINE vf32 f32_keep(mf32 m, vf32 a) { return m ? a : 0.0f; }
FA_INLINE vf64 f64_keep(mf64 m, vf64 a) { return m ? a : 0.0; }
FA_INLINE mf32 f32_mask_and(mf32 a, mf32 b) { return a & b; }
FA_INLINE mf64 f64_mask_and(mf64 a, mf64 b) { return a & b; }
FA_INLINE mf32 f32_mask_or(mf32 a, mf32 b) { return a | b; }
FA_INLINE mf64 f64_mask_or(mf64 a, mf64 b) { return a | b; }
FA_INLINE mf32 f32_mask_not(mf32 a) { return !a; }
FA_INLINE mf64 f64_mask_not(mf64 a) { return !a; }
FA_INLINE vi32 f32_count_if(vi32 i, mf32 m) { return i + (vi32){m}; }
FA_INLINE vi64 f64_count_if(vi64 i, mf64 m) { return i + (vi64){m}; }
FA_INLINE int f32_any(mf32 m) { return m; }
FA_INLINE int f64_any(mf64 m) { return m; }

FA_INLINE vi32 f32_load_int64(const int64_t *p) { return (vi32){(int32_t)*p}; }
FA_INLINE vi64 f64_load_int64(const int64_t *p) { return (vi64){*p}; }
FA_INLINE vi32 f32_load_flags(const char *p) { return (vi32){-(*p != 0)}; }
FA_INLINE vi64 f64_load_flags(const char *p) { return (vi64){-(*p != 0)}; }
/* Out of range (a NaN, or lanes whose result is not used) the conversion would be undefined. */
FA_INLINE vi32 f32_to_int(vf32 a) { return (vi32){fabsf(a) < 0x1p31f ? (int32_t)a : INT32_MIN}; }
FA_INLINE vi64 f64_to_int(vf64 a) { return (vi64){fabs(a) < 0x1p63 ? (int64_t)a : INT64_MIN}; }
FA_INLINE vf32 f32_from_int(vi32 a) { return (float)a[0]; }
FA_INLINE vf64 f64_from_int(vi64 a) { return (double)a[0]; }
FA_INLINE vf32 f32_exponent(vf32 a) { return f32_from_int((f32_bits(a) >> 23) - 127); }
FA_INLINE vf64 f64_exponent(vf64 a) { return f64_from_int((f64_bits(a) >> 52) - 1023); }
/* By two factors, since 2^k may be out of range: x * 2^(k/2) is exact, the second product rounds once. */
FA_INLINE vf32 f32_ldexp(vf32 x, vf32 k) {
    vi32 whole = f32_to_int(k), half = whole >> 1;
    return x * f32_from_bits((half + 127) << 23) * f32_from_bits((whole - half + 127) << 23);
}
FA_INLINE vf64 f64_ldexp(vf64 x, vf64 k) {
    vi64 whole = f64_to_int(k), half = whole >> 1;
    return x * f64_from_bits((half + 1023) << 52) * f64_from_bits((whole - half + 1023) << 52);
}
FA_INLINE vf32 f32_lookup16(const float *table, vi32 i) { return table[i[0] & 15]; }
FA_INLINE vf64 f64_lookup16(const double *table, vi64 i) { return table[i[0] & 15]; }

#define FA_WIDEN(v) {{(double)(v)}}
#define FA_NARROW(w) ((float)(w).part[0])

FA_INLINE uint16_t u16_load(const uint16_t *p) { uint16_t v; memcpy(&v, p, sizeof v); return v; }
FA_INLINE void u16_store(uint16_t *p, uint16_t v) { memcpy(p, &v, sizeof v); }
FA_INLINE vi32 i32_load_u16(const uint16_t *p) { return (vi32){u16_load(p)}; }
FA_INLINE void i32_store_u16(uint16_t *p, vi32 v) { u16_store(p, (uint16_t)v[0]); }

FA_INLINE uint32_t f32_word(float a) { uint32_t w; memcpy(&w, &a, sizeof w); return w; }
FA_INLINE float f32_from_word(uint32_t w) { float a; memcpy(&a, &w, sizeof a); return a; }
/* float16, by moving its fields; subnormals by the exact product with 2^-24. */
FA_INLINE vf32 f32_load_f16(const uint16_t *p) {
    uint32_t h = u16_load(p), magnitude = h & 0x7fffu, sign = (h & 0x8000u) << 16, word;
    if (magnitude < 0x400u) word = f32_word((float)magnitude * 0x1p-24f);
    else if (magnitude < 0x7c00u) word = (magnitude << 13) + 0x38000000u;
    else word = 0x7f800000u | (magnitude & 0x3ffu) << 13 | (magnitude > 0x7c00u ? 0x400000u : 0u);
    return f32_from_word(word | sign);
}
FA_INLINE void f32_store_f16(uint16_t *p, vf32 v) {
    uint32_t word = f32_word(v), sign = word >> 16 & 0x8000u, magnitude = word & 0x7fffffffu, h;
    if (magnitude > 0x7f800000u) h = 0x7e00u | (magnitude >> 13 & 0x3ffu);
    else if (magnitude >= 0x477ff000u) h = 0x7c00u;
    else if (magnitude < 0x38800000u) /* adding 0.5 leaves multiples of 2^-24 in the low bits */
        h = f32_word(f32_from_word(magnitude) + 0.5f) - 0x3f000000u;
    else h = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    u16_store(p, (uint16_t)(h | sign));
}

#endif
