/* Constants and functions of float32 that activations and losses use beside the elementary functions. The names are
 * explained here; activation_parts_f64.h has the same for float64. Polynomials come from tools/derive_f32.sollya,
 * gelu's constants from tools/derive_f32_tables.py. */
#ifndef FA_ACTIVATION_PARTS_F32_H
#define FA_ACTIVATION_PARTS_F32_H

#include "elementary_f32.h"
#include "names.h"
#include "tables_f32.h"

#include "../simd/f32.h"

#define f32_SIXTH 0x1.555556p-3f /* 1/6 as hi + lo */
#define f32_SIXTH_LOW -0x1.555556p-28f

/* As hi + lo: selu's scale and scale alpha, and quick_gelu's 1.702. scale's low part is positive: inf - inf is NaN. */
#define f32_SELU_SCALE 0x1.0cfabcp+0f
#define f32_SELU_SCALE_LOW 0x1.6a9114p-24f
#define f32_SELU_SCALE_ALPHA 0x1.c212ccp+0f
#define f32_SELU_SCALE_ALPHA_LOW 0x1.903c0cp-26f
#define f32_QUICK_GELU 0x1.b3b646p+0f
#define f32_QUICK_GELU_LOW -0x1.78d4fep-26f

/* Above MISH_BOUND mish(x) rounds to x, above MISH_SLOPE_BOUND mish' to 1. The square of SQUARE_BOUND is still far from
 * overflowing. */
#define f32_MISH_BOUND 20.0f
#define f32_MISH_SLOPE_BOUND 10.75f
#define f32_SQUARE_BOUND 0x1p62f
#define f32_MIN_RATIO 0x1p-100f /* the least y exp(-x) that has all its digits, even if y is subnormal */
#define f32_EXP_IN_RANGE -176.0f /* the least x for which exp(-x/2) is not infinite */
/* By exp_hi_lo a difference from exp(x) has all its digits if it is at least this part of exp(x). */
#define f32_HI_LO_SUFFICES 0x1p-11f
#define f32_SQUARE_HALF_SCALE 0x1p-33f
#define f32_LARGEST 0x1.fffffep127f

/* gelu's constants: where a^2 exp(-a^2/2) rounds to 0; 1/sqrt(2 pi); C1 = 2 sqrt(2/pi), C2 = 0.044715 C1 and 3 C2 as
 * hi + lo. */
#define f32_GELU_BOUND 14.9f
#define f32_INV_SQRT_2PI 0x1.988454p-2f
#define f32_GELU_C1 0x1.988454p+0f
#define f32_GELU_C1_LOW -0x1.857936p-25f
#define f32_GELU_C2 0x1.2444f2p-4f
#define f32_GELU_C2_LOW 0x1.49b16ap-29f
#define f32_GELU_3C2 0x1.b6676cp-3f
#define f32_GELU_3C2_LOW -0x1.175e2p-32f

/* a Phi(-a)/EXP_SCALE = exp(-a^2/2) a erfcx(a/sqrt2)/2, from the exponential as s + s p.
 * In the first piece the leading term is a/2, which is exact: only a small one is rounded. */
FA_MATH vec FN(gelu_tail)(vec a, vec s, vec p) {
    ivec piece = FN(piece_of)(a);
    vec leading = v_fma(a, v_lookup16(f32_gelu_first, piece), v_lookup16(f32_gelu_pieces[1], piece));
    vec c = FN(piecewise)(a, piece, f32_gelu_pieces, leading);
    return v_fma(c, p, c) * s;
}
/* gelu'(-a)/EXP_SCALE = exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)), from the exponential as s + s p. */
FA_MATH vec FN(gelu_slope_tail)(vec a, vec s, vec p) {
    ivec piece = FN(piece_of)(a);
    vec c = FN(piecewise)(a, piece, f32_gelu_slope_pieces, v_lookup16(f32_gelu_slope_pieces[1], piece));
    return v_fma(c, p, c) * s;
}

/* q of e^r = 1 + r + r^2 q, |r| <= ln2/32: relative error of e^r - 1 3.2e-10. One degree more than in exp_parts. */
FA_INLINE vec FN(exp_fine_q)(vec r) {
    return v_fma(r, v_fma(r, K(0x1.55563ap-5f), K(0x1.555708p-3f)), K(0.5));
}

/* exp(x) as hi + lo, the value returned and *low: some 11 bits more than float32 has, for differences. A result rounded
 * to a subnormal is no more precise than that. */
FA_MATH vec FN(exp_hi_lo)(vec x, vec *low) {
    vec bounded = v_max(K(EXP_MIN), v_min(K(89), x));
    mask below = v_le(bounded, K(0)); /* EXP_SCALE keeps s normal there; above, its inverse keeps s finite */
    vec shift = v_select(below, K(F32_SHIFT16), K(F32_SHIFT16 - 128));
    vec unit = v_select(below, K(EXP_SCALE), K(1 / EXP_SCALE));
    vec t = v_fma(bounded, K(F32_LOG2E), shift), k = t - shift, r = v_fnma(k, K(F32_LN2_HI), bounded);
    vec s = v_from_bits((v_bits(t) << 19) + v_bits(v_lookup16(f32_exp2, v_bits(t))));
    vec lost = v_fnma(k, K(F32_LN2_LO), v_lookup16(f32_exp2_low, v_bits(t)));
    vec rest = v_fma(r * r, FN(exp_fine_q)(r), v_fma(lost, r, lost)), high = v_fma(s, r + rest, s);
    *low = v_fma(v_fma(s, rest, v_fms(s, r, high - s)), unit, K(0)); /* no bare products: sums would fuse them */
    return v_fma(high, unit, K(0));
}

/* expm1(x) for x <= 0 as hi + lo, the value returned and *low: the sum of s - 1 and s p, where e^x = s + s p. x is
 * bounded at -18, where it rounds to -1. Where s is 1 the relative error of p counts, hence exp_fine_q. */
FA_MATH vec FN(expm1_nonpos)(vec x, vec *low) {
    FN(exp_reduced) a;
    vec bounded = v_max(K(-18), x);
    FN(exp_reduce_of)(1, &bounded, &a);
    vec s = a.s * K(EXP_SCALE), p = v_fma(a.r * a.r, FN(exp_fine_q)(a.r), a.r + a.lost), base = s - K(1);
    vec rest = v_fma(s, p, s - (base + K(1))), high = base + rest;
    *low = rest - (high - base);
    return high;
}

/* q of (a - tanh(a))/a^3 = 1/3 + u q(u), u = a^2 in [0, 1]. Relative error of the whole 5.8e-09. */
FA_MATH vec FN(tanhshrink_q)(vec u) {
    vec q = v_fma(u, K(-0x1.2fe16ep-13f), K(0x1.e8532cp-11f));
    q = v_fma(u, q, K(-0x1.a5e014p-9f));
    q = v_fma(u, q, K(0x1.1d4ea6p-7f));
    q = v_fma(u, q, K(-0x1.65b738p-6f));
    q = v_fma(u, q, K(0x1.ba1318p-5f));
    return v_fma(u, q, K(-0x1.1110fcp-3f));
}

/* scale log(1 + e^z) for |z| < 1, else `otherwise`: ln2 + z/2 with what that lost, and log(cosh(z/2)), whose error is
 * 3e-10. max(z, 0) + log1p(e^-|z|) is right to an ulp there, but not monotone. */
FA_MATH vec FN(softplus_near)(vec z, vec scale, vec otherwise) {
    vec u = z * z, h = v_fma(u, K(0x1.d636fp-20f), K(-0x1.b4f1d2p-16f));
    h = v_fma(u, v_fma(u, v_fma(u, h, K(0x1.6bfc0ep-12f)), K(-0x1.55552ap-8f)), K(0.125));
    vec high = v_fma(K(0.5), z, K(0x1.62e43p-1f)), lost = v_fma(K(0.5), z, K(0x1.62e43p-1f) - high);
    vec near = high + (lost + v_fma(u, h, K(-0x1.05c61p-29f)));
    return v_select(v_lt(u, K(1)), near * scale, otherwise);
}

#endif
