/* One name for each elementary function and constant of both element types: v_exp is f32_exp or f64_exp. */
#ifndef FA_MATH_NAMES_H
#define FA_MATH_NAMES_H

#include "../simd/simd.h"

#include <math.h>

#define v_exp FN(exp)
#define v_exp_hi_lo FN(exp_hi_lo)
#define v_exp_sub FN(exp_sub)
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
#define EXP_SCALE FN(EXP_SCALE)
#define EXP_HALF_SCALE FN(EXP_HALF_SCALE)
#define EXP_MIN FN(EXP_MIN)
#define EXP_ZERO_BELOW FN(EXP_ZERO_BELOW)
#define SELU_SCALE FN(SELU_SCALE)
#define SELU_SCALE_LOW FN(SELU_SCALE_LOW)
#define SELU_SCALE_ALPHA FN(SELU_SCALE_ALPHA)
#define SELU_SCALE_ALPHA_LOW FN(SELU_SCALE_ALPHA_LOW)
#define QUICK_GELU FN(QUICK_GELU)
#define QUICK_GELU_LOW FN(QUICK_GELU_LOW)
#define MISH_BOUND FN(MISH_BOUND)
#define MISH_SLOPE_BOUND FN(MISH_SLOPE_BOUND)
#define SQUARE_BOUND FN(SQUARE_BOUND)
#define MIN_RATIO FN(MIN_RATIO)
#define EXP_IN_RANGE FN(EXP_IN_RANGE)
#define HI_LO_SUFFICES FN(HI_LO_SUFFICES)
#define SQUARE_HALF_SCALE FN(SQUARE_HALF_SCALE)
#define LARGEST FN(LARGEST)
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

#endif
