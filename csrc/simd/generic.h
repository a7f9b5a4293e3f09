/* Conversions that every level composes in the same way from its own operations. */
#ifndef FA_GENERIC_H
#define FA_GENERIC_H

#include "isa.h"

FA_INLINE f64w f32_widen(vf32 v) {
    f64w w = FA_WIDEN(v);
    return w;
}
FA_INLINE vf32 f32_narrow(f64w w) { return FA_NARROW(w); }

/* bfloat16 is the upper half of a float32, rounded half to even; a NaN stays a quiet NaN. */
FA_INLINE vf32 f32_load_bf16(const uint16_t *p) { return f32_from_bits(i32_load_u16(p) << 16); }
FA_INLINE void f32_store_bf16(uint16_t *p, vf32 v) {
    vi32 bits = f32_bits(v);
    vf32 rounded = f32_from_bits(bits + 0x7fff + ((bits >> 16) & 1));
    vf32 quiet = f32_from_bits(bits | 0x400000);
    i32_store_u16(p, (f32_bits(f32_select(f32_isnan(v), quiet, rounded)) >> 16) & 0xffff);
}

#endif
