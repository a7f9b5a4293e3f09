/* Selects float64 for code that is written once for both element types: see f32.h. */
#include "end_type.h"
#define FA_T_IS_F64
#define FA_T f64
#define LANES F64_LANES
#define real double
#define vec vf64
#define mask mf64
#define ivec vi64
