/* Blocks of 16 bytes, of which x86's wider registers hold several. */

/* The first n of its elements, 0 < n: no more of memory is touched. */
FA_INLINE __m128 f32_load_block(const float *p, size_t n) {
    if (n == 1) return _mm_load_ss(p);
    if (n == 4) return _mm_loadu_ps(p);
    __m128 two = _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p));
    return n == 2 ? two : _mm_movelh_ps(two, _mm_load_ss(p + 2));
}
FA_INLINE __m128d f64_load_block(const double *p, size_t n) { return n == 1 ? _mm_load_sd(p) : _mm_loadu_pd(p); }
FA_INLINE void f32_store_block(float *p, size_t n, __m128 v) {
    if (n == 4) _mm_storeu_ps(p, v);
    else if (n == 1) _mm_store_ss(p, v);
    else _mm_storel_epi64((__m128i *)(void *)p, _mm_castps_si128(v));
    if (n == 3) _mm_store_ss(p + 2, _mm_movehl_ps(v, v));
}
FA_INLINE void f64_store_block(double *p, size_t n, __m128d v) {
    if (n == 2) _mm_storeu_pd(p, v);
    else _mm_store_sd(p, v);
}
