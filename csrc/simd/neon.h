/* AArch64 Advanced SIMD: 4 float32 or 2 float64 in a register. */
#ifndef FA_NEON_H
#define FA_NEON_H

#include "fp.h"

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float32x4_t vf32;
typedef float64x2_t vf64;
typedef uint32x4_t mf32; /* all bits of a lane set or clear */
typedef uint64x2_t mf64;
typedef int32x4_t vi32;
typedef int64x2_t vi64;
#define F32_LANES 4
#define F64_LANES 2

FA_INLINE vf32 f32_load(const float *p) { return vld1q_f32(p); }
FA_INLINE vf64 f64_load(const double *p) { return vld1q_f64(p); }
FA_INLINE void f32_store(float *p, vf32 v) { vst1q_f32(p, v); }
FA_INLINE void f64_store(double *p, vf64 v) { vst1q_f64(p, v); }
#define FA_STREAMS 0
#define f32_stream f32_store
#define f64_stream f64_store
/* There is no masked access: a tail goes through the stack. */
FA_INLINE vf32 f32_load_n(const float *p, size_t n) {
    float lanes[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < n; i++) memcpy(lanes + i, p + i, sizeof *lanes);
    return vld1q_f32(lanes);
}
FA_INLINE vf64 f64_load_n(const double *p, size_t n) {
    double lanes[2] = {0, 0};
    for (size_t i = 0; i < n; i++) memcpy(lanes + i, p + i, sizeof *lanes);
    return vld1q_f64(lanes);
}
FA_INLINE vf32 f32_load_or(const float *p, size_t n, vf32 pad) {
    float lanes[4];
    vst1q_f32(lanes, pad);
    for (size_t i = 0; i < n; i++) memcpy(lanes + i, p + i, sizeof *lanes);
    return vld1q_f32(lanes);
}
FA_INLINE vf64 f64_load_or(const double *p, size_t n, vf64 pad) {
    double lanes[2];
    vst1q_f64(lanes, pad);
    for (size_t i = 0; i < n; i++) memcpy(lanes + i, p + i, sizeof *lanes);
    return vld1q_f64(lanes);
}
FA_INLINE void f32_store_n(float *p, size_t n, vf32 v) {
    float lanes[4];
    vst1q_f32(lanes, v);
    for (size_t i = 0; i < n; i++) memcpy(p + i, lanes + i, sizeof *lanes);
}
FA_INLINE void f64_store_n(double *p, size_t n, vf64 v) {
    double lanes[2];
    vst1q_f64(lanes, v);
    for (size_t i = 0; i < n; i++) memcpy(p + i, lanes + i, sizeof *lanes);
}
FA_INLINE vf32 f32_splat(float s) { return vdupq_n_f32(s); }
FA_INLINE vf64 f64_splat(double s) { return vdupq_n_f64(s); }

FA_INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c) { return vfmaq_f32(c, a, b); }
FA_INLINE vf64 f64_fma(vf64 a, vf64 b, vf64 c) { return vfmaq_f64(c, a, b); }
FA_INLINE vf32 f32_fms(vf32 a, vf32 b, vf32 c) { return vfmaq_f32(vnegq_f32(c), a, b); }
FA_INLINE vf64 f64_fms(vf64 a, vf64 b, vf64 c) { return vfmaq_f64(vnegq_f64(c), a, b); }
FA_INLINE vf32 f32_fnma(vf32 a, vf32 b, vf32 c) { return vfmsq_f32(c, a, b); }
FA_INLINE vf64 f64_fnma(vf64 a, vf64 b, vf64 c) { return vfmsq_f64(c, a, b); }
FA_INLINE mf32 f32_lt(vf32 a, vf32 b) { return vcltq_f32(a, b); }
FA_INLINE mf64 f64_lt(vf64 a, vf64 b) { return vcltq_f64(a, b); }
FA_INLINE mf32 f32_le(vf32 a, vf32 b) { return vcleq_f32(a, b); }
FA_INLINE mf64 f64_le(vf64 a, vf64 b) { return vcleq_f64(a, b); }
FA_INLINE mf32 f32_eq(vf32 a, vf32 b) { return vceqq_f32(a, b); }
FA_INLINE mf64 f64_eq(vf64 a, vf64 b) { return vceqq_f64(a, b); }
FA_INLINE vf32 f32_select(mf32 m, vf32 a, vf32 b) { return vbslq_f32(m, a, b); }
FA_INLINE vf64 f64_select(mf64 m, vf64 a, vf64 b) { return vbslq_f64(m, a, b); }
/* Not vmaxq and vminq: they keep a NaN from either side and order the zeros. */
FA_INLINE vf32 f32_max(vf32 a, vf32 b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
FA_INLINE vf64 f64_max(vf64 a, vf64 b) { return vbslq_f64(vcgtq_f64(a, b), a, b); }
FA_INLINE vf32 f32_min(vf32 a, vf32 b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
FA_INLINE vf64 f64_min(vf64 a, vf64 b) { return vbslq_f64(vcltq_f64(a, b), a, b); }
FA_INLINE vf32 f32_abs(vf32 a) { return vabsq_f32(a); }
FA_INLINE vf64 f64_abs(vf64 a) { return vabsq_f64(a); }
FA_INLINE vf32 f32_sqrt(vf32 a) { return vsqrtq_f32(a); }
FA_INLINE vf64 f64_sqrt(vf64 a) { return vsqrtq_f64(a); }
FA_INLINE vf32 f32_rint(vf32 a) { return vrndnq_f32(a); }
FA_INLINE vf64 f64_rint(vf64 a) { return vrndnq_f64(a); }
FA_INLINE vf32 f32_keep(mf32 m, vf32 a) { return vreinterpretq_f32_u32(vandq_u32(m, vreinterpretq_u32_f32(a))); }
FA_INLINE vf64 f64_keep(mf64 m, vf64 a) { return vreinterpretq_f64_u64(vandq_u64(m, vreinterpretq_u64_f64(a))); }
FA_INLINE mf32 f32_mask_and(mf32 a, mf32 b) { return vandq_u32(a, b); }
FA_INLINE mf64 f64_mask_and(mf64 a, mf64 b) { return vandq_u64(a, b); }
FA_INLINE mf32 f32_mask_or(mf32 a, mf32 b) { return vorrq_u32(a, b); }
FA_INLINE mf64 f64_mask_or(mf64 a, mf64 b) { return vorrq_u64(a, b); }
FA_INLINE mf32 f32_mask_not(mf32 a) { return vmvnq_u32(a); }
FA_INLINE mf64 f64_mask_not(mf64 a) { return veorq_u64(a, vdupq_n_u64(~(uint64_t)0)); }
FA_INLINE mf32 f32_isnan(vf32 a) { return f32_mask_not(vceqq_f32(a, a)); }
FA_INLINE mf64 f64_isnan(vf64 a) { return f64_mask_not(vceqq_f64(a, a)); }
FA_INLINE mf32 f32_is_either_nan(vf32 a, vf32 b) { return f32_mask_or(f32_isnan(a), f32_isnan(b)); }
FA_INLINE mf64 f64_is_either_nan(vf64 a, vf64 b) { return f64_mask_or(f64_isnan(a), f64_isnan(b)); }
FA_INLINE vi32 f32_count_if(vi32 i, mf32 m) { return i - (vi32)m; }
FA_INLINE vi64 f64_count_if(vi64 i, mf64 m) { return i - (vi64)m; }
FA_INLINE int f32_any(mf32 m) { return vmaxvq_u32(m) != 0; }
FA_INLINE int f64_any(mf64 m) { return vmaxvq_u32(vreinterpretq_u32_u64(m)) != 0; }

FA_INLINE float f32_max_across(vf32 a) { return vmaxvq_f32(a); }
FA_INLINE double f64_max_across(vf64 a) { return vmaxvq_f64(a); }
FA_INLINE double f64_add_across(vf64 a) { return vaddvq_f64(a); }
FA_INLINE vf32 f32_zip_lo(vf32 a, vf32 b) { return vzip1q_f32(a, b); }
FA_INLINE vf32 f32_zip_hi(vf32 a, vf32 b) { return vzip2q_f32(a, b); }
FA_INLINE vf64 f64_zip_lo(vf64 a, vf64 b) { return vzip1q_f64(a, b); }
FA_INLINE vf64 f64_zip_hi(vf64 a, vf64 b) { return vzip2q_f64(a, b); }
FA_INLINE vf32 f32_load_blocks(const float *p, ptrdiff_t apart, size_t n) {
    (void)apart;
    return n == 4 ? f32_load(p) : f32_load_n(p, n);
}
FA_INLINE vf64 f64_load_blocks(const double *p, ptrdiff_t apart, size_t n) {
    (void)apart;
    return n == 2 ? f64_load(p) : f64_load_n(p, n);
}
FA_INLINE void f32_store_blocks(float *p, ptrdiff_t apart, size_t n, vf32 v) {
    (void)apart;
    if (n == 4) f32_store(p, v);
    else f32_store_n(p, n, v);
}
FA_INLINE void f64_store_blocks(double *p, ptrdiff_t apart, size_t n, vf64 v) {
    (void)apart;
    if (n == 2) f64_store(p, v);
    else f64_store_n(p, n, v);
}

FA_INLINE vi32 f32_bits(vf32 a) { return vreinterpretq_s32_f32(a); }
FA_INLINE vi64 f64_bits(vf64 a) { return vreinterpretq_s64_f64(a); }
FA_INLINE vf32 f32_from_bits(vi32 a) { return vreinterpretq_f32_s32(a); }
FA_INLINE vf64 f64_from_bits(vi64 a) { return vreinterpretq_f64_s64(a); }
FA_INLINE vf32 f32_copysign(vf32 magnitude, vf32 sign) {
    return vbslq_f32(vdupq_n_u32(0x7fffffffu), magnitude, sign);
}
FA_INLINE vf64 f64_copysign(vf64 magnitude, vf64 sign) {
    return vbslq_f64(vdupq_n_u64(0x7fffffffffffffffu), magnitude, sign);
}
FA_INLINE vi32 f32_load_int64(const int64_t *p) {
    return vcombine_s32(vmovn_s64(vld1q_s64(p)), vmovn_s64(vld1q_s64(p + 2)));
}
FA_INLINE vi64 f64_load_int64(const int64_t *p) { return vld1q_s64(p); }
FA_INLINE vi32 f32_load_flags(const char *p) {
    uint32_t four;
    memcpy(&four, p, sizeof four);
    const uint32x4_t wide = vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)))));
    return vreinterpretq_s32_u32(vtstq_u32(wide, wide));
}
FA_INLINE vi64 f64_load_flags(const char *p) {
    return (vi64){-(int64_t)(p[0] != 0), -(int64_t)(p[1] != 0)};
}
FA_INLINE vi32 f32_to_int(vf32 a) { return vcvtq_s32_f32(a); }
FA_INLINE vi64 f64_to_int(vf64 a) { return vcvtq_s64_f64(a); }
FA_INLINE vf32 f32_from_int(vi32 a) { return vcvtq_f32_s32(a); }
FA_INLINE vf64 f64_from_int(vi64 a) { return vcvtq_f64_s64(a); }
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
/* table[i & 15], by bytes: the four of element i begin at 4 i. */
FA_INLINE vf32 f32_lookup16(const float *table, vi32 i) {
    uint8x16x4_t bytes = vld1q_u8_x4((const uint8_t *)table);
    uint32x4_t first = vmulq_n_u32(vreinterpretq_u32_s32(i & 15), 0x04040404u);
    return vreinterpretq_f32_u8(
        vqtbl4q_u8(bytes, vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x03020100u)))));
}
FA_INLINE vf64 f64_lookup16(const double *table, vi64 i) {
    double lanes[2] = {table[vgetq_lane_s64(i, 0) & 15], table[vgetq_lane_s64(i, 1) & 15]};
    return vld1q_f64(lanes);
}

#define FA_WIDEN(v) {{vcvt_f64_f32(vget_low_f32(v)), vcvt_high_f64_f32(v)}}
#define FA_NARROW(w) vcvt_high_f32_f64(vcvt_f32_f64((w).part[0]), (w).part[1])

FA_INLINE vi32 i32_load_u16(const uint16_t *p) { return vreinterpretq_s32_u32(vmovl_u16(vld1_u16(p))); }
FA_INLINE void i32_store_u16(uint16_t *p, vi32 v) { vst1_u16(p, vmovn_u32(vreinterpretq_u32_s32(v))); }
FA_INLINE vf32 f32_load_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
FA_INLINE void f32_store_f16(uint16_t *p, vf32 v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }

#endif
