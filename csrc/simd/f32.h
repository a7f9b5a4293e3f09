/* Selects float32 for code that is included once for each element type. */
#undef FA_T
#undef LANES
#undef real
#undef vec
#undef mask
#undef ivec
#define FA_T f32
#define LANES F32_LANES
#define real float
#define vec vf32
#define mask mf32
#define ivec vi32
