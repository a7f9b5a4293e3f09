/* Elementary functions of both element types: exp, expm1, exp_nonpos,
 * exp_fast_nonpos, log, log1p, log1p_unit, tanh, erfc, half_erfcx_sqrt2. */
#ifndef FA_VMATH_H
#define FA_VMATH_H

#include "simd.h"

#include <math.h>

#include "f32.h"
#include "vmath/f32.h"

#include "f64.h"
#include "vmath/f64.h"

#endif
