/* Selects float64 for code that is included once for each element type. */
#undef FA_T
#undef LANES
#undef real
#undef vec
#undef mask
#undef ivec
#undef FA_WIDENS
#define FA_T f64
#define LANES F64_LANES
#define real double
#define vec vf64
#define mask mf64
#define ivec vi64
#define FA_WIDENS 0 /* has float32 a float64 body to widen for? */
