/* Ends what f32.h and f64.h began: no word of the kernels' own is a macro beyond them. */
#undef FA_T_IS_F64
#undef FA_T
#undef LANES
#undef real
#undef vec
#undef mask
#undef ivec
