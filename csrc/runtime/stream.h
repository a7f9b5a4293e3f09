/* When stores past the caches pay, for map.c: with outputs so large that each cache line would be read from memory only
 * to be overwritten. */
#ifndef FA_STREAM_H
#define FA_STREAM_H

#include <stddef.h>
#include <stdint.h>

#if (defined(__x86_64__) || defined(_M_X64)) && defined(__linux__)
#include <cpuid.h>
#include <sys/mman.h>
#include <xmmintrin.h>

enum { FA_STREAM_MIN_BYTES = 48 << 20 }; /* bytes of an output */

static inline int fa_streams_pay(void) {
    unsigned a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx; /* not measured on others */
}
/* Is the page of its last byte in memory? A page that is not will be cleared by the system, which brings it to the
 * cache: then streaming does not pay. */
static inline int fa_is_resident(const void *data, size_t bytes) {
    const uintptr_t page = 4096;
    unsigned char present = 0;
    void *last = (void *)(((uintptr_t)data + bytes - 1) & ~(page - 1));
    return mincore(last, 1, &present) == 0 && (present & 1);
}
/* To be called before other threads may read what was stored. */
static inline void fa_stream_end(void) { _mm_sfence(); }
#else
enum { FA_STREAM_MIN_BYTES = 48 << 20 };
static inline int fa_streams_pay(void) { return 0; }
static inline int fa_is_resident(const void *data, size_t bytes) { return data && bytes; }
static inline void fa_stream_end(void) {}
#endif

#endif
