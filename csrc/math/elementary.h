/* Elementary functions of both element types: exp, exp_in_two, exp_less, exp_nonpos (x <= 0; _of n <= 8 vectors),
 * expm1, log, log1p, log1p_unit, tanh, erfc; and in *_parts.h what the activations are made of. */
#ifndef FA_VMATH_H
#define FA_VMATH_H

#include "../simd/simd.h"

#include <math.h>

#define v_exp FN(exp)
#define v_exp_in_two FN(exp_in_two)
#define v_exp_less FN(exp_less)
#define v_expm1 FN(expm1)
#define v_log FN(log)
#define v_log1p FN(log1p)
#define v_power FN(power)
#define v_tanh FN(tanh)
#define v_erfc FN(erfc)
#define v_exp_scaled FN(exp_scaled)
#define v_exp_scaled_of FN(exp_scaled_of)
#define v_exp_nonpos FN(exp_nonpos)
#define v_exp_nonpos_of FN(exp_nonpos_of)
#define v_log1p_unit FN(log1p_unit)
#define v_half_erfcx_sqrt2 FN(half_erfcx_sqrt2)

/* Constants that differ by type. */
#define EXP_UNIT FN(EXP_UNIT)
#define EXP_HALF_UNIT FN(EXP_HALF_UNIT)
#define EXP_LEAST FN(EXP_LEAST)
#define EXP_NONE FN(EXP_NONE)
#define SELU_SCALE FN(SELU_SCALE)
#define SELU_SCALE_LOW FN(SELU_SCALE_LOW)
#define SELU_BOTH FN(SELU_BOTH)
#define SELU_BOTH_LOW FN(SELU_BOTH_LOW)
#define QUICK FN(QUICK)
#define QUICK_LOW FN(QUICK_LOW)
#define MISH_BOUND FN(MISH_BOUND)
#define MISH_SLOPE_BOUND FN(MISH_SLOPE_BOUND)
#define SQUARE_BOUND FN(SQUARE_BOUND)
#define LEAST_RATIO FN(LEAST_RATIO)
#define EXP_IN_RANGE FN(EXP_IN_RANGE)
#define TWO_SUFFICE FN(TWO_SUFFICE)
#define SQUARE_HALF_SCALE FN(SQUARE_HALF_SCALE)
#define SQUARE_LARGEST FN(SQUARE_LARGEST)
#define SIXTH FN(SIXTH)
#define SIXTH_LOW FN(SIXTH_LOW)
#define GELU_BOUND FN(GELU_BOUND)
#define INV_SQRT_2PI FN(INV_SQRT_2PI)
#define GELU_C1 FN(GELU_C1)
#define GELU_C1_LOW FN(GELU_C1_LOW)
#define GELU_C2 FN(GELU_C2)
#define GELU_C2_LOW FN(GELU_C2_LOW)
#define GELU_3C2 FN(GELU_3C2)
#define GELU_3C2_LOW FN(GELU_3C2_LOW)

#include "../simd/f32.h"
#include "tables_f32.h"
#include "elementary_f32.h"
#include "activation_parts_f32.h"

#include "../simd/f64.h"
#include "elementary_f64.h"
#include "activation_parts_f64.h"

#define FA_EXP_NONPOS(T)                                                                         \
    FA_INLINE v##T T##_exp_nonpos(v##T x) { return T##_exp_scaled(x) * T##_splat(T##_EXP_UNIT); } \
    FA_INLINE void T##_exp_nonpos_of(int n, v##T x[]) {                                          \
        T##_exp_scaled_of(n, x);                                                                 \
        FA_UNROLL(8)                                                                             \
        for (int i = 0; i < n; i++) x[i] = x[i] * T##_splat(T##_EXP_UNIT);                       \
    }
FA_EXP_NONPOS(f32)
FA_EXP_NONPOS(f64)

/* log(a/b) for a, b >= 0, which keeps its digits where a is near b; NaN if one is negative. */
#define FA_LOG_QUOTIENT(T)                                                                             \
    FA_INLINE v##T T##_log_quotient(v##T a, v##T b) {                                                  \
        v##T d = a - b, least = T##_min(a, b), ratio = T##_abs(d) / least;                             \
        v##T near = T##_copysign(T##_log1p(ratio), d);                                                 \
        m##T far = T##_mask_not(T##_lt(ratio, T##_splat(INFINITY))), same = T##_eq(d, T##_splat(0));     \
        if (T##_any(far)) near = T##_select(far, T##_log(a) - T##_log(b), near);                       \
        return T##_select(T##_lt(least, T##_splat(0)), T##_splat(NAN), T##_select(same, T##_splat(0), near)); \
    }
FA_LOG_QUOTIENT(f32)
FA_LOG_QUOTIENT(f64)

/* m^k for m >= 0. What log m lost counts |k log m| times in float64; float32 is computed in float64, within
 * 0.51 ulp for results of any size. */
FA_INLINE vf64 f64_power(vf64 m, vf64 k) {
    vf64 log_m = f64_log(m), u = k * log_m, e = f64_exp(u);
    vf64 y = f64_select(f64_lt(f64_abs(u), f64_splat(700)), f64_fma(e, f64_fms(k, log_m, u), e), e);
    return f64_select(f64_eq(k, f64_splat(0)), f64_splat(1), y);
}
FA_MATH vf32 f32_power(vf32 m, vf32 k) {
    f64w w = f32_widen(m), wk = f32_widen(k);
    for (int i = 0; i < FA_WIDE; i++) w.part[i] = f64_power(w.part[i], wk.part[i]);
    return f32_narrow(w);
}

/* exp(x) - t with what the exponential lost; of float32 all its digits, but called, not inlined: for few. */
FA_INLINE vf64 f64_exp_less(vf64 x, vf64 t) {
    vf64 low, e = f64_exp_in_two(x, &low);
    return (e - t) + low;
}
FA_NOINLINE vf32 f32_exp_less(vf32 x, vf32 t) {
    f64w w = f32_widen(x), less = f32_widen(t);
    for (int i = 0; i < FA_WIDE; i++) w.part[i] = f64_exp_less(w.part[i], less.part[i]);
    return f32_narrow(w);
}

/* In float64: the tail's square, exponential and quotient would take that many terms
 * in float32. */
FA_INLINE vf32 f32_erfc(vf32 x) {
    f64w w = f32_widen(x);
    for (int i = 0; i < FA_WIDE; i++) w.part[i] = f64_erfc(w.part[i]);
    return f32_narrow(w);
}

#endif
