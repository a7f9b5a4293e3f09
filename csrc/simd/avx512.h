/* AVX-512 F, BW, DQ, VL: 16 float32 or 8 float64 in a register. */
#ifndef FA_AVX512_H
#define FA_AVX512_H

#include "blocks_x86.h"
#include "fp.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef __m512 vf32;
typedef __m512d vf64;
typedef __mmask16 mf32;
typedef __mmask8 mf64;
typedef int32_t vi32 __attribute__((vector_size(64)));
typedef int64_t vi64 __attribute__((vector_size(64)));
#define F32_LANES 16
#define F64_LANES 8

FA_INLINE vf32 f32_load(const float *p) { return _mm512_loadu_ps(p); }
FA_INLINE vf64 f64_load(const double *p) { return _mm512_loadu_pd(p); }
FA_INLINE void f32_store(float *p, vf32 v) { _mm512_storeu_ps(p, v); }
FA_INLINE void f64_store(double *p, vf64 v) { _mm512_storeu_pd(p, v); }
#define FA_STREAMS 1
FA_INLINE void f32_stream(float *p, vf32 v) { _mm512_stream_ps(p, v); }
FA_INLINE void f64_stream(double *p, vf64 v) { _mm512_stream_pd(p, v); }
FA_INLINE mf32 f32_first_n(size_t n) { return (mf32)((1u << n) - 1u); }
FA_INLINE mf64 f64_first_n(size_t n) { return (mf64)((1u << n) - 1u); }
FA_INLINE vf32 f32_load_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(f32_first_n(n), p); }
FA_INLINE vf64 f64_load_n(const double *p, size_t n) { return _mm512_maskz_loadu_pd(f64_first_n(n), p); }
FA_INLINE vf32 f32_load_or(const float *p, size_t n, vf32 pad) {
    return _mm512_mask_loadu_ps(pad, f32_first_n(n), p);
}
FA_INLINE vf64 f64_load_or(const double *p, size_t n, vf64 pad) {
    return _mm512_mask_loadu_pd(pad, f64_first_n(n), p);
}
FA_INLINE void f32_store_n(float *p, size_t n, vf32 v) { _mm512_mask_storeu_ps(p, f32_first_n(n), v); }
FA_INLINE void f64_store_n(double *p, size_t n, vf64 v) { _mm512_mask_storeu_pd(p, f64_first_n(n), v); }
FA_INLINE vf32 f32_splat(float s) { return _mm512_set1_ps(s); }
FA_INLINE vf64 f64_splat(double s) { return _mm512_set1_pd(s); }

FA_INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c) { return _mm512_fmadd_ps(a, b, c); }
FA_INLINE vf64 f64_fma(vf64 a, vf64 b, vf64 c) { return _mm512_fmadd_pd(a, b, c); }
FA_INLINE vf32 f32_fms(vf32 a, vf32 b, vf32 c) { return _mm512_fmsub_ps(a, b, c); }
FA_INLINE vf64 f64_fms(vf64 a, vf64 b, vf64 c) { return _mm512_fmsub_pd(a, b, c); }
FA_INLINE vf32 f32_fnma(vf32 a, vf32 b, vf32 c) { return _mm512_fnmadd_ps(a, b, c); }
FA_INLINE vf64 f64_fnma(vf64 a, vf64 b, vf64 c) { return _mm512_fnmadd_pd(a, b, c); }
FA_INLINE vf32 f32_max(vf32 a, vf32 b) { return _mm512_max_ps(a, b); }
FA_INLINE vf64 f64_max(vf64 a, vf64 b) { return _mm512_max_pd(a, b); }
FA_INLINE vf32 f32_min(vf32 a, vf32 b) { return _mm512_min_ps(a, b); }
FA_INLINE vf64 f64_min(vf64 a, vf64 b) { return _mm512_min_pd(a, b); }
FA_INLINE vf32 f32_abs(vf32 a) { return _mm512_abs_ps(a); }
FA_INLINE vf64 f64_abs(vf64 a) { return _mm512_abs_pd(a); }
FA_INLINE vf32 f32_sqrt(vf32 a) { return _mm512_sqrt_ps(a); }
FA_INLINE vf64 f64_sqrt(vf64 a) { return _mm512_sqrt_pd(a); }
FA_INLINE vf32 f32_rint(vf32 a) { return _mm512_roundscale_ps(a, 8); }
FA_INLINE vf64 f64_rint(vf64 a) { return _mm512_roundscale_pd(a, 8); }

FA_INLINE mf32 f32_lt(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
FA_INLINE mf64 f64_lt(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
FA_INLINE mf32 f32_le(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
FA_INLINE mf64 f64_le(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
FA_INLINE mf32 f32_eq(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
FA_INLINE mf64 f64_eq(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
FA_INLINE mf32 f32_isnan(vf32 a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
FA_INLINE mf64 f64_isnan(vf64 a) { return _mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q); }
FA_INLINE mf32 f32_is_either_nan(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
FA_INLINE mf64 f64_is_either_nan(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_UNORD_Q); }
FA_INLINE vf32 f32_select(mf32 m, vf32 a, vf32 b) { return _mm512_mask_blend_ps(m, b, a); }
FA_INLINE vf64 f64_select(mf64 m, vf64 a, vf64 b) { return _mm512_mask_blend_pd(m, b, a); }
FA_INLINE vf32 f32_keep(mf32 m, vf32 a) { return _mm512_maskz_mov_ps(m, a); }
FA_INLINE vf64 f64_keep(mf64 m, vf64 a) { return _mm512_maskz_mov_pd(m, a); }
FA_INLINE mf32 f32_mask_and(mf32 a, mf32 b) { return (mf32)(a & b); }
FA_INLINE mf64 f64_mask_and(mf64 a, mf64 b) { return (mf64)(a & b); }
FA_INLINE mf32 f32_mask_or(mf32 a, mf32 b) { return (mf32)(a | b); }
FA_INLINE mf64 f64_mask_or(mf64 a, mf64 b) { return (mf64)(a | b); }
FA_INLINE mf32 f32_mask_not(mf32 a) { return (mf32)~a; }
FA_INLINE mf64 f64_mask_not(mf64 a) { return (mf64)~a; }
FA_INLINE vi32 f32_count_if(vi32 i, mf32 m) {
    return (vi32)_mm512_mask_sub_epi32((__m512i)i, m, (__m512i)i, _mm512_set1_epi32(-1));
}
FA_INLINE vi64 f64_count_if(vi64 i, mf64 m) {
    return (vi64)_mm512_mask_sub_epi64((__m512i)i, m, (__m512i)i, _mm512_set1_epi64(-1));
}
FA_INLINE int f32_any(mf32 m) { return m != 0; }
FA_INLINE int f64_any(mf64 m) { return m != 0; }

FA_INLINE float f32_max_across(vf32 a) { return _mm512_reduce_max_ps(a); }
FA_INLINE double f64_max_across(vf64 a) { return _mm512_reduce_max_pd(a); }
FA_INLINE double f64_add_across(vf64 a) {
    __m256d four = _mm512_castpd512_pd256(a) + _mm512_extractf64x4_pd(a, 1);
    __m128d two = _mm256_castpd256_pd128(four) + _mm256_extractf128_pd(four, 1);
    return two[0] + two[1];
}

FA_INLINE vf32 f32_zip_lo(vf32 a, vf32 b) { return _mm512_unpacklo_ps(a, b); }
FA_INLINE vf32 f32_zip_hi(vf32 a, vf32 b) { return _mm512_unpackhi_ps(a, b); }
FA_INLINE vf64 f64_zip_lo(vf64 a, vf64 b) { return _mm512_unpacklo_pd(a, b); }
FA_INLINE vf64 f64_zip_hi(vf64 a, vf64 b) { return _mm512_unpackhi_pd(a, b); }
FA_INLINE vf32 f32_load_blocks(const float *p, ptrdiff_t apart, size_t n) {
    __m512 v = _mm512_castps128_ps512(f32_load_block(p, n));
    v = _mm512_insertf32x4(v, f32_load_block(p + apart, n), 1);
    v = _mm512_insertf32x4(v, f32_load_block(p + 2 * apart, n), 2);
    return _mm512_insertf32x4(v, f32_load_block(p + 3 * apart, n), 3);
}
FA_INLINE vf64 f64_load_blocks(const double *p, ptrdiff_t apart, size_t n) {
    __m512d v = _mm512_castpd128_pd512(f64_load_block(p, n));
    v = _mm512_insertf64x2(v, f64_load_block(p + apart, n), 1);
    v = _mm512_insertf64x2(v, f64_load_block(p + 2 * apart, n), 2);
    return _mm512_insertf64x2(v, f64_load_block(p + 3 * apart, n), 3);
}
FA_INLINE void f32_store_blocks(float *p, ptrdiff_t apart, size_t n, vf32 v) {
    f32_store_block(p, n, _mm512_castps512_ps128(v));
    f32_store_block(p + apart, n, _mm512_extractf32x4_ps(v, 1));
    f32_store_block(p + 2 * apart, n, _mm512_extractf32x4_ps(v, 2));
    f32_store_block(p + 3 * apart, n, _mm512_extractf32x4_ps(v, 3));
}
FA_INLINE void f64_store_blocks(double *p, ptrdiff_t apart, size_t n, vf64 v) {
    f64_store_block(p, n, _mm512_castpd512_pd128(v));
    f64_store_block(p + apart, n, _mm512_extractf64x2_pd(v, 1));
    f64_store_block(p + 2 * apart, n, _mm512_extractf64x2_pd(v, 2));
    f64_store_block(p + 3 * apart, n, _mm512_extractf64x2_pd(v, 3));
}

FA_INLINE vi32 f32_bits(vf32 a) { return (vi32)a; }
FA_INLINE vi64 f64_bits(vf64 a) { return (vi64)a; }
FA_INLINE vf32 f32_from_bits(vi32 a) { return (vf32)a; }
FA_INLINE vf64 f64_from_bits(vi64 a) { return (vf64)a; }
FA_INLINE vi32 f32_to_int(vf32 a) { return (vi32)_mm512_cvtps_epi32(a); }
FA_INLINE vi64 f64_to_int(vf64 a) { return (vi64)_mm512_cvtpd_epi64(a); }
FA_INLINE vf32 f32_from_int(vi32 a) { return _mm512_cvtepi32_ps((__m512i)a); }
FA_INLINE vf64 f64_from_int(vi64 a) { return _mm512_cvtepi64_pd((__m512i)a); }
FA_INLINE vi32 f32_load_int64(const int64_t *p) {
    const __m256i lower = _mm512_cvtepi64_epi32(_mm512_loadu_si512(p));
    const __m256i upper = _mm512_cvtepi64_epi32(_mm512_loadu_si512(p + 8));
    return (vi32)_mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1);
}
FA_INLINE vi64 f64_load_int64(const int64_t *p) { return (vi64)_mm512_loadu_si512(p); }
FA_INLINE vi32 f32_load_flags(const char *p) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (vi32)_mm512_movm_epi32(_mm_test_epi8_mask(bytes, bytes));
}
FA_INLINE vi64 f64_load_flags(const char *p) {
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)p);
    return (vi64)_mm512_movm_epi64((__mmask8)_mm_test_epi8_mask(bytes, bytes));
}
FA_INLINE vf32 f32_copysign(vf32 magnitude, vf32 sign) {
    return (vf32)_mm512_ternarylogic_epi32(_mm512_set1_epi32(INT32_MAX), (__m512i)magnitude, (__m512i)sign, 0xCA);
}
FA_INLINE vf64 f64_copysign(vf64 magnitude, vf64 sign) {
    return (vf64)_mm512_ternarylogic_epi64(_mm512_set1_epi64(INT64_MAX), (__m512i)magnitude, (__m512i)sign, 0xCA);
}
FA_INLINE vf32 f32_exponent(vf32 a) { return _mm512_getexp_ps(a); }
FA_INLINE vf64 f64_exponent(vf64 a) { return _mm512_getexp_pd(a); }
FA_INLINE vf32 f32_ldexp(vf32 x, vf32 k) { return _mm512_scalef_ps(x, k); }
FA_INLINE vf64 f64_ldexp(vf64 x, vf64 k) { return _mm512_scalef_pd(x, k); }
FA_INLINE vf32 f32_lookup16(const float *table, vi32 i) {
    return _mm512_permutexvar_ps((__m512i)i, _mm512_load_ps(table));
}
FA_INLINE vf64 f64_lookup16(const double *table, vi64 i) {
    return _mm512_permutex2var_pd(_mm512_load_pd(table), (__m512i)i, _mm512_load_pd(table + 8));
}

#define FA_WIDEN(v) {{_mm512_cvtps_pd(_mm512_castps512_ps256(v)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1))}}
#define FA_NARROW(w) \
    _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps((w).part[0])), _mm512_cvtpd_ps((w).part[1]), 1)

FA_INLINE vi32 i32_load_u16(const uint16_t *p) {
    return (vi32)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
FA_INLINE void i32_store_u16(uint16_t *p, vi32 v) {
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16((__m512i)v));
}
FA_INLINE vf32 f32_load_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
FA_INLINE void f32_store_f16(uint16_t *p, vf32 v) {
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(v, 0));
}

#endif
