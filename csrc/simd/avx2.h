/* AVX2, FMA and F16C: 8 float32 or 4 float64 in a register. */
#ifndef FA_AVX2_H
#define FA_AVX2_H

#include "blocks_x86.h"
#include "fp.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef __m256 vf32;
typedef __m256d vf64;
typedef __m256 mf32; /* all bits of a lane set or clear */
typedef __m256d mf64;
typedef int32_t vi32 __attribute__((vector_size(32)));
typedef int64_t vi64 __attribute__((vector_size(32)));
#define F32_LANES 8
#define F64_LANES 4

FA_INLINE vf32 f32_load(const float *p) { return _mm256_loadu_ps(p); }
FA_INLINE vf64 f64_load(const double *p) { return _mm256_loadu_pd(p); }
FA_INLINE void f32_store(float *p, vf32 v) { _mm256_storeu_ps(p, v); }
FA_INLINE void f64_store(double *p, vf64 v) { _mm256_storeu_pd(p, v); }
#define FA_STREAMS 1
FA_INLINE void f32_stream(float *p, vf32 v) { _mm256_stream_ps(p, v); }
FA_INLINE void f64_stream(double *p, vf64 v) { _mm256_stream_pd(p, v); }
FA_INLINE __m256i f32_first_n(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
FA_INLINE __m256i f64_first_n(size_t n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
}
FA_INLINE vf32 f32_load_n(const float *p, size_t n) { return _mm256_maskload_ps(p, f32_first_n(n)); }
FA_INLINE vf64 f64_load_n(const double *p, size_t n) { return _mm256_maskload_pd(p, f64_first_n(n)); }
FA_INLINE vf32 f32_load_or(const float *p, size_t n, vf32 pad) {
    return _mm256_blendv_ps(pad, f32_load_n(p, n), (vf32)f32_first_n(n));
}
FA_INLINE vf64 f64_load_or(const double *p, size_t n, vf64 pad) {
    return _mm256_blendv_pd(pad, f64_load_n(p, n), (vf64)f64_first_n(n));
}
FA_INLINE void f32_store_n(float *p, size_t n, vf32 v) { _mm256_maskstore_ps(p, f32_first_n(n), v); }
FA_INLINE void f64_store_n(double *p, size_t n, vf64 v) { _mm256_maskstore_pd(p, f64_first_n(n), v); }
FA_INLINE vf32 f32_splat(float s) { return _mm256_set1_ps(s); }
FA_INLINE vf64 f64_splat(double s) { return _mm256_set1_pd(s); }

FA_INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c) { return _mm256_fmadd_ps(a, b, c); }
FA_INLINE vf64 f64_fma(vf64 a, vf64 b, vf64 c) { return _mm256_fmadd_pd(a, b, c); }
FA_INLINE vf32 f32_fms(vf32 a, vf32 b, vf32 c) { return _mm256_fmsub_ps(a, b, c); }
FA_INLINE vf64 f64_fms(vf64 a, vf64 b, vf64 c) { return _mm256_fmsub_pd(a, b, c); }
FA_INLINE vf32 f32_fnma(vf32 a, vf32 b, vf32 c) { return _mm256_fnmadd_ps(a, b, c); }
FA_INLINE vf64 f64_fnma(vf64 a, vf64 b, vf64 c) { return _mm256_fnmadd_pd(a, b, c); }
FA_INLINE vf32 f32_max(vf32 a, vf32 b) { return _mm256_max_ps(a, b); }
FA_INLINE vf64 f64_max(vf64 a, vf64 b) { return _mm256_max_pd(a, b); }
FA_INLINE vf32 f32_min(vf32 a, vf32 b) { return _mm256_min_ps(a, b); }
FA_INLINE vf64 f64_min(vf64 a, vf64 b) { return _mm256_min_pd(a, b); }
FA_INLINE vf32 f32_sqrt(vf32 a) { return _mm256_sqrt_ps(a); }
FA_INLINE vf64 f64_sqrt(vf64 a) { return _mm256_sqrt_pd(a); }
FA_INLINE vf32 f32_rint(vf32 a) { return _mm256_round_ps(a, 8); }
FA_INLINE vf64 f64_rint(vf64 a) { return _mm256_round_pd(a, 8); }

FA_INLINE mf32 f32_lt(vf32 a, vf32 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
FA_INLINE mf64 f64_lt(vf64 a, vf64 b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
FA_INLINE mf32 f32_le(vf32 a, vf32 b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
FA_INLINE mf64 f64_le(vf64 a, vf64 b) { return _mm256_cmp_pd(a, b, _CMP_LE_OQ); }
FA_INLINE mf32 f32_eq(vf32 a, vf32 b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
FA_INLINE mf64 f64_eq(vf64 a, vf64 b) { return _mm256_cmp_pd(a, b, _CMP_EQ_OQ); }
FA_INLINE mf32 f32_isnan(vf32 a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
FA_INLINE mf64 f64_isnan(vf64 a) { return _mm256_cmp_pd(a, a, _CMP_UNORD_Q); }
FA_INLINE mf32 f32_is_either_nan(vf32 a, vf32 b) { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }
FA_INLINE mf64 f64_is_either_nan(vf64 a, vf64 b) { return _mm256_cmp_pd(a, b, _CMP_UNORD_Q); }
FA_INLINE vf32 f32_select(mf32 m, vf32 a, vf32 b) { return _mm256_blendv_ps(b, a, m); }
FA_INLINE vf64 f64_select(mf64 m, vf64 a, vf64 b) { return _mm256_blendv_pd(b, a, m); }
FA_INLINE vf32 f32_keep(mf32 m, vf32 a) { return _mm256_and_ps(m, a); }
FA_INLINE vf64 f64_keep(mf64 m, vf64 a) { return _mm256_and_pd(m, a); }
FA_INLINE mf32 f32_mask_and(mf32 a, mf32 b) { return _mm256_and_ps(a, b); }
FA_INLINE mf64 f64_mask_and(mf64 a, mf64 b) { return _mm256_and_pd(a, b); }
FA_INLINE mf32 f32_mask_or(mf32 a, mf32 b) { return _mm256_or_ps(a, b); }
FA_INLINE mf64 f64_mask_or(mf64 a, mf64 b) { return _mm256_or_pd(a, b); }
FA_INLINE mf32 f32_mask_not(mf32 a) { return (mf32)~(vi32)a; }
FA_INLINE mf64 f64_mask_not(mf64 a) { return (mf64)~(vi64)a; }
FA_INLINE vi32 f32_count_if(vi32 i, mf32 m) { return i - (vi32)m; }
FA_INLINE vi64 f64_count_if(vi64 i, mf64 m) { return i - (vi64)m; }
FA_INLINE int f32_any(mf32 m) { return _mm256_movemask_ps(m) != 0; }
FA_INLINE int f64_any(mf64 m) { return _mm256_movemask_pd(m) != 0; }

FA_INLINE float f32_max_across(vf32 a) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
FA_INLINE double f64_add_across(vf64 a) {
    __m128d two = _mm256_castpd256_pd128(a) + _mm256_extractf128_pd(a, 1);
    return two[0] + two[1];
}
FA_INLINE double f64_max_across(vf64 a) {
    __m128d m = _mm_max_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_max_sd(m, _mm_unpackhi_pd(m, m)));
}

FA_INLINE vf32 f32_zip_lo(vf32 a, vf32 b) { return _mm256_unpacklo_ps(a, b); }
FA_INLINE vf32 f32_zip_hi(vf32 a, vf32 b) { return _mm256_unpackhi_ps(a, b); }
FA_INLINE vf64 f64_zip_lo(vf64 a, vf64 b) { return _mm256_unpacklo_pd(a, b); }
FA_INLINE vf64 f64_zip_hi(vf64 a, vf64 b) { return _mm256_unpackhi_pd(a, b); }
FA_INLINE vf32 f32_load_blocks(const float *p, ptrdiff_t apart, size_t n) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(f32_load_block(p, n)), f32_load_block(p + apart, n), 1);
}
FA_INLINE vf64 f64_load_blocks(const double *p, ptrdiff_t apart, size_t n) {
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(f64_load_block(p, n)), f64_load_block(p + apart, n), 1);
}
FA_INLINE void f32_store_blocks(float *p, ptrdiff_t apart, size_t n, vf32 v) {
    f32_store_block(p, n, _mm256_castps256_ps128(v));
    f32_store_block(p + apart, n, _mm256_extractf128_ps(v, 1));
}
FA_INLINE void f64_store_blocks(double *p, ptrdiff_t apart, size_t n, vf64 v) {
    f64_store_block(p, n, _mm256_castpd256_pd128(v));
    f64_store_block(p + apart, n, _mm256_extractf128_pd(v, 1));
}

FA_INLINE vi32 f32_bits(vf32 a) { return (vi32)a; }
FA_INLINE vi64 f64_bits(vf64 a) { return (vi64)a; }
FA_INLINE vf32 f32_from_bits(vi32 a) { return (vf32)a; }
FA_INLINE vf64 f64_from_bits(vi64 a) { return (vf64)a; }
FA_INLINE vf32 f32_abs(vf32 a) { return (vf32)((vi32)a & INT32_MAX); }
FA_INLINE vf64 f64_abs(vf64 a) { return (vf64)((vi64)a & INT64_MAX); }
FA_INLINE vf32 f32_copysign(vf32 magnitude, vf32 sign) {
    return (vf32)(((vi32)magnitude & INT32_MAX) | ((vi32)sign & INT32_MIN));
}
FA_INLINE vf64 f64_copysign(vf64 magnitude, vf64 sign) {
    return (vf64)(((vi64)magnitude & INT64_MAX) | ((vi64)sign & INT64_MIN));
}
FA_INLINE vi32 f32_load_int64(const int64_t *p) {
    const __m256 first = _mm256_loadu_ps((const float *)(const void *)p);
    const __m256 second = _mm256_loadu_ps((const float *)(const void *)(p + 4));
    const __m256d lower = _mm256_castps_pd(_mm256_shuffle_ps(first, second, 0x88));
    return (vi32)_mm256_permute4x64_pd(lower, 0xd8);
}
FA_INLINE vi64 f64_load_int64(const int64_t *p) { return (vi64)_mm256_loadu_si256((const __m256i *)(const void *)p); }
FA_INLINE vi32 f32_load_flags(const char *p) {
    return (vi32)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)) != 0;
}
FA_INLINE vi64 f64_load_flags(const char *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return (vi64)_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four)) != 0;
}
FA_INLINE vi32 f32_to_int(vf32 a) { return (vi32)_mm256_cvtps_epi32(a); }
FA_INLINE vf32 f32_from_int(vi32 a) { return _mm256_cvtepi32_ps((__m256i)a); }
/* Below AVX-512 there is no 64-bit conversion: an integer added to 1.5 * 2^52 shows in its low bits. */
#define FA_MAGIC64 _mm256_set1_pd(0x1.8p52)
FA_INLINE vi64 f64_to_int(vf64 a) { return (vi64)(a + FA_MAGIC64) - (vi64)FA_MAGIC64; }
FA_INLINE vf64 f64_from_int(vi64 a) { return (vf64)(a + (vi64)FA_MAGIC64) - FA_MAGIC64; }

FA_INLINE vf32 f32_exponent(vf32 a) { return f32_from_int((vi32)_mm256_srli_epi32((__m256i)a, 23) - 127); }
/* The exponent field becomes the low bits of 2^52, from which 2^52 and the bias are subtracted. */
FA_INLINE vf64 f64_exponent(vf64 a) {
    vi64 field = (vi64)_mm256_srli_epi64((__m256i)a, 52);
    return (vf64)(field | 0x4330000000000000) - _mm256_set1_pd(0x1p52 + 1023);
}
/* By two factors, since 2^k may be out of range: x * 2^(k/2) is exact, the second product rounds once. */
FA_INLINE vf32 f32_ldexp(vf32 x, vf32 k) {
    vi32 whole = f32_to_int(k), half = whole >> 1;
    vf32 first = (vf32)((half + 127) << 23), second = (vf32)((whole - half + 127) << 23);
    return x * first * second;
}
FA_INLINE vf64 f64_ldexp(vf64 x, vf64 k) {
    __m128i whole = _mm256_cvtpd_epi32(k), half = _mm_srai_epi32(whole, 1);
    vi64 a = (vi64)_mm256_cvtepi32_epi64(half), b = (vi64)_mm256_cvtepi32_epi64(_mm_sub_epi32(whole, half));
    return x * (vf64)((a + 1023) << 52) * (vf64)((b + 1023) << 52);
}
FA_INLINE vf32 f32_lookup16(const float *table, vi32 i) {
    vf32 low = _mm256_permutevar8x32_ps(_mm256_load_ps(table), (__m256i)i);
    vf32 high = _mm256_permutevar8x32_ps(_mm256_load_ps(table + 8), (__m256i)i);
    return _mm256_blendv_ps(low, high, (vf32)(i << 28));
}
FA_INLINE vf64 f64_lookup16(const double *table, vi64 i) {
    return _mm256_i64gather_pd(table, (__m256i)(i & 15), 8);
}

#define FA_WIDEN(v) {{_mm256_cvtps_pd(_mm256_castps256_ps128(v)), _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1))}}
#define FA_NARROW(w) _mm256_set_m128(_mm256_cvtpd_ps((w).part[1]), _mm256_cvtpd_ps((w).part[0]))

FA_INLINE vi32 i32_load_u16(const uint16_t *p) {
    return (vi32)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
FA_INLINE void i32_store_u16(uint16_t *p, vi32 v) {
    __m256i packed = _mm256_packus_epi32((__m256i)v, (__m256i)v);
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08)));
}
FA_INLINE vf32 f32_load_f16(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
FA_INLINE void f32_store_f16(uint16_t *p, vf32 v) {
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(v, 0));
}

#endif
