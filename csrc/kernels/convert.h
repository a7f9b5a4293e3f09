/* Conversion of all element types to float32 and float64, which kernels compute in, and back. */
#ifndef FA_CONVERT_H
#define FA_CONVERT_H

#include "../core.h"
#include "../simd/simd.h"

/* By memcpy, since either end may be a user's array, which need not be aligned. */
#define FA_CONVERT(type, real)                                             \
    {                                                                      \
        for (size_t i = 0; i < n; i++) {                                   \
            type given;                                                    \
            memcpy(&given, (const char *)from + i * sizeof given, sizeof given); \
            real result = (real)given;                                     \
            memcpy((char *)to + i * sizeof result, &result, sizeof result); \
        }                                                                  \
        break;                                                             \
    }

#define FA_CONVERT_ANY(real)                             \
    case FA_F32: FA_CONVERT(float, real)                 \
    case FA_F64: FA_CONVERT(double, real)                \
    case FA_I8: FA_CONVERT(int8_t, real)                 \
    case FA_U8: FA_CONVERT(uint8_t, real)                \
    case FA_I16: FA_CONVERT(int16_t, real)               \
    case FA_U16: FA_CONVERT(uint16_t, real)              \
    case FA_I32: FA_CONVERT(int32_t, real)               \
    case FA_U32: FA_CONVERT(uint32_t, real)              \
    case FA_I64: FA_CONVERT(int64_t, real)               \
    case FA_U64: FA_CONVERT(uint64_t, real)

/* 16-bit floats (half) to float32 (wide), a vector at a time; the last ones by way of a padded copy. */
#define FA_HALVES(load)                                                                                       \
    for (; n >= F32_LANES; n -= F32_LANES, half += F32_LANES, wide += F32_LANES) f32_store(wide, load(half)); \
    if (n) {                                                                                                  \
        uint16_t copy[F32_LANES] = {0};                                                                       \
        memcpy(copy, half, n * 2);                                                                            \
        f32_store_n(wide, n, load(copy));                                                                     \
    }

static void f32_widen_from(size_t n, fa_dtype dtype, const void *from, void *to) {
    const uint16_t *half = from;
    float *wide = to;
    switch (dtype) {
    case FA_F16: FA_HALVES(f32_load_f16) break;
    case FA_BF16: FA_HALVES(f32_load_bf16) break;
    FA_CONVERT_ANY(float)
    default: break;
    }
}

static void f64_widen_from(size_t n, fa_dtype dtype, const void *from, void *to) {
    float some[64];
    switch (dtype) {
    case FA_F16:
    case FA_BF16:
        for (size_t done = 0, piece; done < n; done += piece) {
            piece = n - done < 64 ? n - done : 64;
            f32_widen_from(piece, dtype, (const uint16_t *)from + done, some);
            for (size_t i = 0; i < piece; i++) ((double *)to)[done + i] = (double)some[i];
        }
        break;
    FA_CONVERT_ANY(double)
    default: break;
    }
}

#define FA_NARROW_HALVES(store)                                                                               \
    for (; n >= F32_LANES; n -= F32_LANES, half += F32_LANES, wide += F32_LANES) store(half, f32_load(wide)); \
    if (n) {                                                                                                  \
        uint16_t copy[F32_LANES];                                                                             \
        store(copy, f32_load_n(wide, n));                                                                     \
        memcpy(half, copy, n * 2);                                                                            \
    }

static void f32_narrow_to(size_t n, fa_dtype dtype, const void *from, void *to) {
    const float *wide = from;
    uint16_t *half = to;
    switch (dtype) {
    case FA_F16: FA_NARROW_HALVES(f32_store_f16) break;
    case FA_BF16: FA_NARROW_HALVES(f32_store_bf16) break;
    case FA_F32: FA_CONVERT(float, float)
    case FA_F64: FA_CONVERT(float, double)
    default: break;
    }
}

static void f64_narrow_to(size_t n, fa_dtype dtype, const void *from, void *to) {
    if (dtype == FA_F64) memcpy(to, from, n * sizeof(double));
}

#endif
