/* Elementary functions of both element types: exp, exp_hi_lo, exp_sub, exp_nonpos (x <= 0; _of: n <= 8 vectors at
 * once), expm1, log, log1p, log1p_unit (x in [0, 1]), log_quotient, power, tanh, erfc; and what the activations are
 * made of: activation_parts_*.h.
 *
 * "Max error" here is the largest one measured, in ulp; elementary_f32.h and elementary_f64.h say over which inputs. */
#ifndef FA_ELEMENTARY_H
#define FA_ELEMENTARY_H

#include "accumulators.h"
#include "activation_parts_f32.h"
#include "activation_parts_f64.h"
#include "double_double.h"
#include "elementary_f32.h"
#include "elementary_f64.h"
#include "names.h"

/* exp(x) for x <= 0. EXP_SCALE comes last, so that a subnormal result is rounded once. */
#define FA_EXP_NONPOS(T)                                                                         \
    FA_INLINE v##T T##_exp_nonpos(v##T x) { return T##_exp_scaled(x) * T##_splat(T##_EXP_SCALE); } \
    FA_INLINE void T##_exp_nonpos_of(int n, v##T x[]) {                                          \
        T##_exp_scaled_of(n, x);                                                                 \
        FA_UNROLL(8)                                                                             \
        for (int i = 0; i < n; i++) x[i] = x[i] * T##_splat(T##_EXP_SCALE);                       \
    }
FA_EXP_NONPOS(f32)
FA_EXP_NONPOS(f64)

/* log(a/b) for a, b >= 0, which may be -0; NaN if one is negative. It keeps its digits where a is near b. */
#define FA_LOG_QUOTIENT(T)                                                                             \
    FA_INLINE v##T T##_log_quotient(v##T a, v##T b) {                                                  \
        v##T d = a - b, least = T##_min(a, b), ratio = T##_abs(d / least);                             \
        v##T near = T##_copysign(T##_log1p(ratio), d);                                                 \
        m##T far = T##_mask_not(T##_lt(ratio, T##_splat(INFINITY))), same = T##_eq(d, T##_splat(0));     \
        if (T##_any(far)) near = T##_select(far, T##_log(a) - T##_log(b), near);                       \
        return T##_select(T##_lt(least, T##_splat(0)), T##_splat(NAN), T##_select(same, T##_splat(0), near)); \
    }
FA_LOG_QUOTIENT(f32)
FA_LOG_QUOTIENT(f64)

/* m^k for m >= 0. At k = 0: 1. float32 is computed in float64, within 0.51 ulp for results of any size. In float64 what
 * log m lost counts |k log m| times. */
FA_INLINE vf64 f64_power(vf64 m, vf64 k) {
    vf64 log_m = f64_log(m), u = k * log_m, e = f64_exp(u);
    vf64 y = f64_select(f64_lt(f64_abs(u), f64_splat(700)), f64_fma(e, f64_fms(k, log_m, u), e), e);
    return f64_select(f64_eq(k, f64_splat(0)), f64_splat(1), y);
}
FA_MATH vf32 f32_power(vf32 m, vf32 k) {
    f64w w = f32_widen(m), wk = f32_widen(k);
    for (int i = 0; i < FA_F64_PER_F32; i++) w.part[i] = f64_power(w.part[i], wk.part[i]);
    return f32_narrow(w);
}

/* exp(x) - t, with what the exponential lost. float32 is computed in float64 and has all digits; called, not inlined,
 * for few elements need it. */
FA_INLINE vf64 f64_exp_sub(vf64 x, vf64 t) {
    vf64 low, e = f64_exp_hi_lo(x, &low);
    return (e - t) + low;
}
FA_NOINLINE vf32 f32_exp_sub(vf32 x, vf32 t) {
    f64w w = f32_widen(x), less = f32_widen(t);
    for (int i = 0; i < FA_F64_PER_F32; i++) w.part[i] = f64_exp_sub(w.part[i], less.part[i]);
    return f32_narrow(w);
}

/* erfc(x). float32 is computed in float64: else the tail's square, exponential and quotient would each be hi + lo. */
FA_INLINE vf32 f32_erfc(vf32 x) {
    f64w w = f32_widen(x);
    for (int i = 0; i < FA_F64_PER_F32; i++) w.part[i] = f64_erfc(w.part[i]);
    return f32_narrow(w);
}

#endif
