/* What the activations need of float32 beside the elementary functions. */
#ifndef FA_ACTIVATION_PARTS_F32_H
#define FA_ACTIVATION_PARTS_F32_H

#include "elementary_f32.h"
#include "names.h"
#include "tables_f32.h"

#include "../simd/f32.h"

#define f32_SIXTH 0x1.555556p-3f /* 1/6, and what that lost */
#define f32_SIXTH_LOW -0x1.555556p-28f

/* selu's scale and scale alpha, quick_gelu's 1.702, and what they lost (of scale a positive
 * number: inf - inf is NaN). */
#define f32_SELU_SCALE 0x1.0cfabcp+0f
#define f32_SELU_SCALE_LOW 0x1.6a9114p-24f
#define f32_SELU_BOTH 0x1.c212ccp+0f
#define f32_SELU_BOTH_LOW 0x1.903c0cp-26f
#define f32_QUICK 0x1.b3b646p+0f
#define f32_QUICK_LOW -0x1.78d4fep-26f

/* Where mish(x) rounds to x and mish' to 1; whose square is still far from overflowing. */
#define f32_MISH_BOUND 20.0f
#define f32_MISH_SLOPE_BOUND 10.75f
#define f32_SQUARE_BOUND 0x1p62f
#define f32_MIN_RATIO 0x1p-100f /* y exp(-x) that has all its digits, though y be subnormal */
#define f32_EXP_IN_RANGE -176.0f /* x whose exp(-x/2) is no infinity */
/* A difference with exp(x) has all its digits by exp_hi_lo if it is at least this part of exp(x). */
#define f32_HI_LO_SUFFICES 0x1p-11f
#define f32_SQUARE_HALF_SCALE 0x1p-33f
#define f32_SQUARE_LARGEST 0x1.fffffep127f

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
FA_MATH vec FN(gelu_tail)(vec a, vec s, vec p) {
    ivec piece = FN(piece_of)(a);
    vec leading = v_fma(a, v_lookup16(f32_gelu_first, piece), v_lookup16(f32_gelu_pieces[1], piece));
    vec c = FN(piecewise)(a, piece, f32_gelu_pieces, leading);
    return v_fma(c, p, c) * s;
}
/* exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)) */
FA_MATH vec FN(gelu_slope_tail)(vec a, vec s, vec p) {
    ivec piece = FN(piece_of)(a);
    vec c = FN(piecewise)(a, piece, f32_gelu_slope_pieces, v_lookup16(f32_gelu_slope_pieces[1], piece));
    return v_fma(c, p, c) * s;
}

/* e^r = 1 + r + r^2 q for |r| <= ln2/32, relative error of e^r - 1 3.2e-10: of one degree more than exp_parts'. */
FA_INLINE vec FN(exp_fine_q)(vec r) {
    return v_fma(r, v_fma(r, K(0x1.55563ap-5f), K(0x1.555708p-3f)), K(0.5));
}

/* exp(x), and in *low what that lost, with some 11 bits more than float32 has: for differences. Rounded to a
 * subnormal it is only as near as one. */
FA_MATH vec FN(exp_hi_lo)(vec x, vec *low) {
    vec bounded = v_max(K(EXP_MIN), v_min(K(89), x));
    mask below = v_le(bounded, K(0)); /* from the unit there s is normal, and finite above */
    vec shift = v_select(below, K(F32_SHIFT16), K(F32_SHIFT16 - 128));
    vec unit = v_select(below, K(EXP_SCALE), K(1 / EXP_SCALE));
    vec t = v_fma(bounded, K(F32_LOG2E), shift), k = t - shift, r = v_fnma(k, K(F32_LN2_HI), bounded);
    vec s = v_from_bits((v_bits(t) << 19) + v_bits(v_lookup16(f32_exp2, v_bits(t))));
    vec lost = v_fnma(k, K(F32_LN2_LO), v_lookup16(f32_exp2_low, v_bits(t)));
    vec rest = v_fma(r * r, FN(exp_fine_q)(r), v_fma(lost, r, lost)), high = v_fma(s, r + rest, s);
    *low = v_fma(v_fma(s, rest, v_fms(s, r, high - s)), unit, K(0)); /* no products: they will be added to */
    return v_fma(high, unit, K(0));
}

/* expm1(x) for x <= 0, the sum of the value returned and *low: with e^x = s + s p, the sum of
 * s - 1 and s p. Where s is 1 p's relative error counts. */
FA_MATH vec FN(expm1_nonpos)(vec x, vec *low) {
    FN(exp_reduced) a;
    vec bounded = v_max(K(-18), x);
    FN(exp_reduce_of)(1, &bounded, &a);
    vec s = a.s * K(EXP_SCALE), p = v_fma(a.r * a.r, FN(exp_fine_q)(a.r), a.r + a.lost), base = s - K(1);
    vec rest = v_fma(s, p, s - (base + K(1))), high = base + rest;
    *low = rest - (high - base);
    return high;
}

/* (a - tanh(a))/a^3 = 1/3 + u q(u) for u = a^2 in [0, 1]: this is q, relative error of the whole 5.8e-09. */
FA_MATH vec FN(tanhshrink_q)(vec u) {
    vec q = v_fma(u, K(-0x1.2fe16ep-13f), K(0x1.e8532cp-11f));
    q = v_fma(u, q, K(-0x1.a5e014p-9f));
    q = v_fma(u, q, K(0x1.1d4ea6p-7f));
    q = v_fma(u, q, K(-0x1.65b738p-6f));
    q = v_fma(u, q, K(0x1.ba1318p-5f));
    return v_fma(u, q, K(-0x1.1110fcp-3f));
}

/* scale log(1 + e^z) for |z| < 1, where max(z, 0) + log1p(e^-|z|) is right to an ulp but not monotone:
 * ln2 + z/2 with what that lost, and log(cosh(z/2)), whose error is 3e-10. */
FA_MATH vec FN(softplus_near)(vec z, vec scale, vec otherwise) {
    vec u = z * z, h = v_fma(u, K(0x1.d636fp-20f), K(-0x1.b4f1d2p-16f));
    h = v_fma(u, v_fma(u, v_fma(u, h, K(0x1.6bfc0ep-12f)), K(-0x1.55552ap-8f)), K(0.125));
    vec high = v_fma(K(0.5), z, K(0x1.62e43p-1f)), lost = v_fma(K(0.5), z, K(0x1.62e43p-1f) - high);
    vec near = high + (lost + v_fma(u, h, K(-0x1.05c61p-29f)));
    return v_select(v_lt(u, K(1)), near * scale, otherwise);
}

#endif
