/* Ends what f32.h and f64.h began, so that no common word (`vec`, `mask`, `real`) stays a macro beyond the kernels. */
#undef FA_T_IS_F64
#undef FA_T
#undef LANES
#undef real
#undef vec
#undef mask
#undef ivec
