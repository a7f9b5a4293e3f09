/* Selects float64 for code that is included once for each element type. */
#undef FA_T
#undef LANES
#undef real
#undef vec
#undef mask
#undef ivec
#define FA_T f64
#define LANES F64_LANES
#define real double
#define vec vf64
#define mask mf64
#define ivec vi64
