/* The vector layer: some 40 operations, with the same name and the same result at every level.
 *
 * A level is an instruction set: AVX-512, AVX2, NEON, or portable C (scalar.h). Its header defines, for T = f32
 * and f64:
 *   vT, mT, viN      a native vector, a lane mask, the integers of one lane's width
 *   T_LANES          lanes of a native vector
 *   T_<operation>    static inline functions, listed below
 * + - * / and unary - are the compiler's vector operators, on vi too (with
 * << >> & | ^); everything else is a function.
 *
 * Code written once for both element types is included twice, with FA_T set by
 * f32.h or f64.h; it says `vec`, `mask`, `ivec`, `real`, `K(0.5)`, `v_fma(a, b, c)`
 * and names its own functions with FN(name).
 *
 * Each operation gives the same bits at every level:
 *   v_load(p) v_store(p, v)           any alignment
 *   v_stream(p, v)                    past the caches if FA_STREAMS is 1; p aligned; fa_stream_end after the last
 *   v_load_n(p, n) v_store_n(p, n, v) the first n <= LANES lanes; the rest of the
 *                                     vector is 0, the rest of memory untouched
 *   v_load_or(p, n, pad)              the first n <= LANES lanes; the rest from pad
 *   v_splat(s)                        all lanes s
 *   v_fma(a, b, c)                    a*b + c, rounded once
 *   v_fms(a, b, c)                    a*b - c, rounded once
 *   v_fnma(a, b, c)                   c - a*b, rounded once
 *   v_max(a, b) v_min(a, b)           a > b ? a : b and a < b ? a : b, so a NaN on
 *                                     either side gives b: put the variable second
 *                                     to keep its NaN
 *   v_abs v_sqrt v_rint               |x|, square root, round half to even
 *   v_copysign(magnitude, sign)
 *   v_lt v_le v_eq                    false on NaN
 *   v_isnan(x) v_is_either_nan(a, b)
 *   v_select(m, a, b)                 m ? a : b
 *   v_keep(m, a)                      m ? a : +0
 *   v_count(i, m)                     m ? i + 1 : i
 *   v_mask_and v_mask_or v_mask_not   v_any(m): some lane set
 *   v_bits v_from_bits                reinterpret as integers and back
 *   v_to_int(x)                       x integral, within the integer's range
 *   v_load_int64(p)                   LANES int64_t, whose values are within the lane integer's range
 *   v_load_flags(p)                   LANES bytes as integers: all bits set if a byte is not 0, else none
 *   v_from_int(i)                     |i| < 2^22 (f32), 2^51 (f64)
 *   v_exponent(x)                     floor(log2(x)) for x positive and normal
 *   v_ldexp(x, k)                     x * 2^k rounded once; k integral, and
 *                                     |x| in [0.5, 4), |k| <= 250 (f32), 2040 (f64)
 *   v_lookup16(table, i)              table[i & 15] of 16 reals, 64-byte aligned
 *   v_max_across(v)                   the largest lane, a real; v without NaN (with one: any lane)
 *   f64_add_across(v)                 the sum of the lanes: lane k and k + half added until one is left
 *   v_zip_lo(a, b) v_zip_hi(a, b)     a0 b0 a1 b1 ... of each block of 16 bytes: its first and its second half
 *   v_load_blocks(p, apart, n)        block k, of 16 bytes (one lane, if there is only one), from p + k * apart: its
 *                                     first n > 0 elements, then 0
 *   v_store_blocks(p, apart, n, v)    the first n > 0 elements of block k to p + k * apart
 * and between the types:
 *   f64w, f32_widen(v), f32_narrow(w) a f32 vector as FA_F64_PER_F32 f64 vectors, in lane order
 *   f32_load_f16 f32_load_bf16 f32_store_f16 f32_store_bf16
 */
#ifndef FA_SIMD_H
#define FA_SIMD_H

#include "generic.h"

#define FA_CAT_(a, b) a##b
#define FA_CAT(a, b) FA_CAT_(a, b)
#define FN(name) FA_CAT(FA_T, _##name)

#define K(c) FN(splat)((real)(c))
#define v_load FN(load)
#define v_store FN(store)
#define v_load_n FN(load_n)
#define v_store_n FN(store_n)
#define v_stream FN(stream)
#define v_load_or FN(load_or)
#define v_max_across FN(max_across)
#define v_load_blocks FN(load_blocks)
#define v_store_blocks FN(store_blocks)
#define v_load_int64 FN(load_int64)
#define v_zip_lo FN(zip_lo)
#define v_zip_hi FN(zip_hi)
#define v_load_flags FN(load_flags)
#define v_splat FN(splat)
#define v_fma FN(fma)
#define v_fms FN(fms)
#define v_fnma FN(fnma)
#define v_max FN(max)
#define v_min FN(min)
#define v_abs FN(abs)
#define v_sqrt FN(sqrt)
#define v_rint FN(rint)
#define v_copysign FN(copysign)
#define v_lt FN(lt)
#define v_le FN(le)
#define v_eq FN(eq)
#define v_isnan FN(isnan)
#define v_is_either_nan FN(is_either_nan)
#define v_select FN(select)
#define v_keep FN(keep)
#define v_mask_and FN(mask_and)
#define v_mask_or FN(mask_or)
#define v_mask_not FN(mask_not)
#define v_any FN(any)
#define v_count FN(count_if)
#define v_bits FN(bits)
#define v_from_bits FN(from_bits)
#define v_to_int FN(to_int)
#define v_from_int FN(from_int)
#define v_exponent FN(exponent)
#define v_ldexp FN(ldexp)
#define v_lookup16 FN(lookup16)

#include "f32.h" /* until another type is selected */

#endif
