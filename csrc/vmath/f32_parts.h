/* What the activations need of float32 beside the elementary functions. */

#define f32_SIXTH 0x1.555556p-3f /* 1/6, and what that lost */
#define f32_SIXTH_LOW -0x1.555556p-28f

/* gelu's constants: where a^2 exp(-a^2/2) rounds to 0, and 2 sqrt(2/pi) (1, 0.044715). */
#define f32_GELU_BOUND 14.9f
#define f32_INV_SQRT_2PI 0x1.988454p-2f
#define f32_GELU_C1 0x1.988454p+0f
#define f32_GELU_C1_LOW -0x1.857936p-25f
#define f32_GELU_C2 0x1.2444f2p-4f
#define f32_GELU_C2_LOW 0x1.49b16ap-29f
#define f32_GELU_3C2 0x1.b6676cp-3f
#define f32_GELU_3C2_LOW -0x1.175e2p-32f

/* a Phi(-a) = exp(-a^2/2) a erfcx(a/sqrt2)/2, with the exponential as s + s p. The first
 * piece's leading term is a/2, which is exact, so that only a small one is rounded. */
FA_INLINE vec FN(gelu_tail)(vec a, vec s, vec p) {
    ivec piece = FN(piece_of)(a);
    vec leading = v_fma(a, v_lookup16(f32_gelu_first, piece), v_lookup16(f32_gelu_pieces[1], piece));
    vec c = FN(piecewise)(a, piece, f32_gelu_pieces, leading);
    return v_fma(c, p, c) * s;
}
/* exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)) */
FA_INLINE vec FN(gelu_slope_tail)(vec a, vec s, vec p) {
    ivec piece = FN(piece_of)(a);
    vec c = FN(piecewise)(a, piece, f32_gelu_slope_pieces, v_lookup16(f32_gelu_slope_pieces[1], piece));
    return v_fma(c, p, c) * s;
}
