/* Blocks of 16 bytes, of which x86's wider registers hold several, from and to any address: single elements are
 * copied. */
#ifndef FA_BLOCKS_X86_H
#define FA_BLOCKS_X86_H

#include "fp.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The first n > 0 elements of a block: no more of memory is touched. */
FA_INLINE __m128 f32_load_block(const float *p, size_t n) {
    float last = 0.0f;
    if (n == 4) return _mm_loadu_ps(p);
    if (n != 2) memcpy(&last, p + n - 1, sizeof last);
    if (n == 1) return _mm_set_ss(last);
    const __m128 two = _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p));
    return n == 2 ? two : _mm_movelh_ps(two, _mm_set_ss(last));
}
FA_INLINE __m128d f64_load_block(const double *p, size_t n) {
    double one;
    if (n == 2) return _mm_loadu_pd(p);
    memcpy(&one, p, sizeof one);
    return _mm_set_sd(one);
}
FA_INLINE void f32_store_block(float *p, size_t n, __m128 v) {
    const float last = _mm_cvtss_f32(n == 3 ? _mm_movehl_ps(v, v) : v);
    if (n == 4) _mm_storeu_ps(p, v);
    if (n == 2 || n == 3) _mm_storel_epi64((__m128i *)(void *)p, _mm_castps_si128(v));
    if (n == 1 || n == 3) memcpy(p + n - 1, &last, sizeof last);
}
FA_INLINE void f64_store_block(double *p, size_t n, __m128d v) {
    const double one = _mm_cvtsd_f64(v);
    if (n == 2) _mm_storeu_pd(p, v);
    else memcpy(p, &one, sizeof one);
}

#endif
