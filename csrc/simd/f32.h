/* Selects float32 for code that is written once for both element types: see simd.h.
 *
 * A header of such code may be included any number of times, and counts once for each type: its guard depends on
 * FA_T_IS_F64, which f64.h defines. */
#include "end_type.h"
#define FA_T f32
#define LANES F32_LANES
#define real float
#define vec vf32
#define mask mf32
#define ivec vi32
