/* Elementary functions of float32.
 *
 * Every constant comes from tools/derive_f32.sollya. Polynomials are evaluated by Horner's rule: other vectors, which
 * are independent, fill the latency, and each extra product of Estrin's form would be one more instruction.
 * "Max error" is the largest one measured, in ulp at the exact value, over every 977th input and all those around the
 * worst. */
#ifndef FA_ELEMENTARY_F32_H
#define FA_ELEMENTARY_F32_H

#include "names.h"
#include "tables_f32.h"

#include "../simd/f32.h"

/* The reduction x = k ln2 + r, |r| <= ln2/2. Although LN2_HI has all 24 bits, x - k LN2_HI is exact under fma for
 * |k| < 2^8. */
#define F32_LOG2E 0x1.715476p+0f
#define F32_LN2_HI 0x1.62e43p-1f
#define F32_LN2_LO -0x1.05c61p-29f

/* q of e^r = 1 + r (1 + r q(r)), |r| <= 0.347. Relative error of the whole 3.2e-9. */
FA_INLINE vec FN(exp_q)(vec r) {
    vec q = v_fma(r, K(0x1.6a5e34p-10f), K(0x1.123adp-7f));
    q = v_fma(r, q, K(0x1.5558a2p-5f));
    q = v_fma(r, q, K(0x1.55549p-3f));
    return v_fma(r, q, K(0x1.fffffcp-2f));
}
/* r = x - k ln2. */
FA_INLINE vec FN(exp_reduce)(vec x, vec k) {
    return v_fnma(k, K(F32_LN2_LO), v_fnma(k, K(F32_LN2_HI), x));
}

/* exp(x) = 2^k e^r. Below -105 it is 0, above 89 inf; the bounds keep NaN.
 * Max error: float32 0.89 ulp at 0x1.86ec5cp+5. A subnormal result is rounded twice: 0.85 ulp at most, at
 * -0x1.5e9dfcp+6. */
FA_MATH vec FN(exp)(vec x) {
    vec bounded = v_max(K(-105), v_min(K(89), x));
    vec k = v_rint(bounded * K(F32_LOG2E)), r = FN(exp_reduce)(bounded, k);
    return v_ldexp(v_fma(r, v_fma(r, FN(exp_q)(r), K(1)), K(1)), k);
}

/* exp(x + x_low) = EXP_SCALE (s + s p) for x <= 0, in two forms: exp_power_parts and exp_parts. x_low is what a
 * rounding of x lost. EXP_SCALE keeps s normal where the result is subnormal: whoever multiplies by it last rounds
 * once.
 *
 * Adding SHIFT (SHIFT16) rounds x log2(e) to k, an integer (a multiple of 1/16), and leaves k + 64 (+ 127, unless a
 * table brings that) in the low bits of the sum. Shifted to its place, that is an exponent field. */
#define f32_EXP_SCALE 0x1p-64f
#define f32_EXP_HALF_SCALE 0x1p-32f /* its square root */
#define f32_EXP_MIN -131.0f /* 130 e^-130 is still below half the least subnormal */
#define f32_EXP_ZERO_BELOW 3e-38f /* above the least exp(x)/EXP_SCALE, below that of x = -130.7 */
#define F32_SHIFT (0x1.8p23f + 191)
#define F32_SHIFT16 (0x1.8p19f + 64)

/* s is a power of two, |p| < 0.42. So a product c e^x = s (c + c p) is rounded only once. */
FA_MATH vec FN(exp_power_parts)(vec x, vec x_low, vec *p) {
    vec bounded = v_max(K(EXP_MIN), x), t = v_fma(bounded, K(F32_LOG2E), K(F32_SHIFT));
    vec r = FN(exp_reduce)(bounded, t - K(F32_SHIFT)) + x_low;
    *p = v_fma(r * r, FN(exp_q)(r), r);
    return v_from_bits(v_bits(t) << 23);
}

/* s is 2^(k + 64) rounded to float32, k a multiple of 1/16; |p| < 0.022, and p takes in what s lost. |r| <= ln2/32,
 * and e^r = 1 + r + r^2 (c2 + c3 r) to 1.6e-9; r goes without k LN2_LO, which only the linear term needs.
 * That is three products fewer than by powers of two, and a shorter chain of them. n <= 4 vectors go at once, step by
 * step, so that their chains interleave. */
typedef struct {
    vec r, s, lost; /* lost: what s lost, relative, and k LN2_LO */
} FN(exp_reduced);
#define EACH FA_UNROLL(4) for (int i = 0; i < n; i++)
FA_INLINE void FN(exp_reduce_of)(int n, const vec x[], FN(exp_reduced) a[]) {
    vec bounded[4], t[4], k[4];
    EACH bounded[i] = v_max(K(EXP_MIN), x[i]);
    EACH t[i] = v_fma(bounded[i], K(F32_LOG2E), K(F32_SHIFT16));
    EACH k[i] = t[i] - K(F32_SHIFT16);
    EACH a[i].r = v_fnma(k[i], K(F32_LN2_HI), bounded[i]);
    EACH a[i].lost = v_fnma(k[i], K(F32_LN2_LO), v_lookup16(f32_exp2_low, v_bits(t[i])));
    EACH a[i].s = v_from_bits((v_bits(t[i]) << 19) + v_bits(v_lookup16(f32_exp2, v_bits(t[i]))));
}
FA_INLINE void FN(exp_less_1_of)(int n, const FN(exp_reduced) a[], vec p[]) {
    EACH p[i] = v_fma(a[i].r, K(0x1.555598p-3f), K(0x1.00021ep-1f));
    EACH p[i] = v_fma(a[i].r, p[i], K(1));
    EACH p[i] = v_fma(a[i].r, p[i], a[i].lost);
}
FA_MATH vec FN(exp_parts)(vec x, vec x_low, vec *p) {
    FN(exp_reduced) a;
    FN(exp_reduce_of)(1, &x, &a);
    a.r = a.r + x_low;
    FN(exp_less_1_of)(1, &a, p);
    return a.s;
}

/* exp(x) for x <= 0, monotone: it never falls as x grows. Only the last step rounds to more than a trifle of the
 * result's ulp, and that step is monotone. */
FA_MATH vec FN(exp_monotone)(vec x) {
    FN(exp_reduced) a;
    FN(exp_reduce_of)(1, &x, &a);
    vec p = v_fma(a.r * a.r, v_fma(a.r, K(0x1.555598p-3f), K(0x1.00021ep-1f)), a.r + a.lost);
    return v_fma(a.s, p, a.s) * K(EXP_SCALE);
}

/* x = exp(x)/EXP_SCALE from its parts. */
FA_INLINE void FN(exp_evaluate_of)(int n, const FN(exp_reduced) a[], vec x[]) {
    vec p[4];
    FN(exp_less_1_of)(n, a, p);
    EACH x[i] = v_fma(a[i].s, p[i], a[i].s);
}
#undef EACH
/* x = exp(x)/EXP_SCALE for x <= 0, of n <= 8 vectors. Max error: float32 0.63 ulp at -0x1.3eef2cp+6, over all inputs;
 * after rounding to a subnormal 0.81 ulp, at -0x1.5df3c4p+6.
 * The second four are reduced before the first four are evaluated: that gives the compiler more to interleave. */
FA_MATH void FN(exp_scaled_of)(int n, vec x[]) {
    FN(exp_reduced) a[4], b[4];
    const int first = n < 4 ? n : 4;
    FN(exp_reduce_of)(first, x, a);
    if (n > 4) FN(exp_reduce_of)(n - 4, x + 4, b);
    FN(exp_evaluate_of)(first, a, x);
    if (n > 4) FN(exp_evaluate_of)(n - 4, b, x + 4);
}
FA_INLINE vec FN(exp_scaled)(vec x) {
    FN(exp_scaled_of)(1, &x);
    return x;
}

/* q of e^r = 1 + r + r^2 q(r) for expm1, |r| <= 0.347. Relative error 1.3e-10, less than exp_q's: it counts against r,
 * not 1 + r. */
FA_INLINE vec FN(expm1_q)(vec r) {
    vec q = v_fma(r, K(0x1.9a94e6p-13f), K(0x1.6d5166p-10f));
    q = v_fma(r, q, K(0x1.1115b6p-7f));
    q = v_fma(r, q, K(0x1.5554e4p-5f));
    q = v_fma(r, q, K(0x1.555552p-3f));
    return v_fma(r, q, K(0.5));
}

/* expm1(x) = (s - 1) + s r + s r^2 q, s = 2^k. For |x| < 2^-25 it is x; below -18 it is -1, above 89 inf; the bounds
 * keep NaN. Max error: float32 0.88 ulp at 0x1.890862p-2.
 * (s - 1) + s r is exact as hi + lo; only then the rest is added. k = 128 would overflow s: half of everything is
 * computed. */
FA_MATH vec FN(expm1)(vec x) {
    vec bounded = v_max(K(-18), v_min(K(89), x));
    vec k = v_rint(bounded * K(F32_LOG2E));
    vec exact = v_fnma(k, K(F32_LN2_HI), bounded), r = v_fnma(k, K(F32_LN2_LO), exact);
    vec r_low = v_fnma(k, K(F32_LN2_LO), exact - r);
    vec half = v_from_bits((v_to_int(k) + 126) << 23), base = half - K(0.5);
    vec high = v_fma(half, r, base), low = v_fma(half, r, base - high) + ((half - base) - K(0.5));
    vec y = high + v_fma(half, v_fma(r * r, FN(expm1_q)(r), r_low), low);
    return v_select(v_lt(v_abs(x), K(0x1p-25)), x, y + y);
}

/* tanh(x), by 16 polynomials of a = |x|. Above 14.9 it is 1, as are the last polynomials.
 * Max error: float32 0.77 ulp at -0x1.0022p-2.
 * Where 1 + a rounds to less than 1.25 the polynomial adds to a itself. That sum's one rounding makes it monotone. */
FA_MATH vec FN(tanh)(vec x) {
    vec a = v_min(K(14.9f), v_abs(x));
    ivec piece = FN(piece_of)(a);
    vec leading = v_select(v_lt(K(1) + a, K(1.25f)), a, v_lookup16(f32_tanh_pieces[1], piece));
    return v_copysign(FN(piecewise)(a, piece, f32_tanh_pieces, leading), x);
}

/* -1/2 + f R(f) of log(1 + f) = f - f^2/2 + f^3 R(f), f in [-0.2929, 0.4143]. Relative error of the whole 7.5e-9. */
FA_INLINE vec FN(log_q)(vec f) {
    vec q = v_fma(f, K(-0x1.2eb8fap-4f), K(0x1.02b4d6p-3f));
    q = v_fma(f, q, K(-0x1.0e58c8p-3f));
    q = v_fma(f, q, K(0x1.235f5p-3f));
    q = v_fma(f, q, K(-0x1.54680cp-3f));
    q = v_fma(f, q, K(0x1.9997dp-3f));
    q = v_fma(f, q, K(-0x1.000238p-2f));
    q = v_fma(f, q, K(0x1.555568p-2f));
    return v_fma(f, q, K(-0.5));
}
/* k ln2 + log(1 + f) + small. The upper 16 bits of ln2, times k, and f add exactly as hi + lo. */
FA_INLINE vec FN(log_sum)(vec k, vec f, vec small) {
    vec high = v_fma(k, K(0x1.62e4p-1f), f), low = v_fma(k, K(0x1.62e4p-1f), -high) + f;
    return high + (low + v_fma(f * f, FN(log_q)(f), v_fma(k, K(0x1.7f7d1cp-20f), small)));
}
/* The k for which x 2^-k is in [sqrt(1/2), sqrt(2)). */
FA_INLINE ivec FN(log_power)(vec x) {
    return (v_bits(x) - 0x3f3504f3) >> 23;
}

/* log(x) = k ln2 + log(1 + f), 1 + f = x 2^-k. At 0 -inf, at inf inf, below 0 NaN. A subnormal x is scaled by 2^24.
 * Max error: float32 0.88 ulp at 0x1.65fb56p-1. */
FA_MATH vec FN(log)(vec x) {
    mask tiny = v_lt(x, K(0x1p-126f));
    vec scaled = v_select(tiny, x * K(0x1p24f), x);
    ivec power = FN(log_power)(scaled);
    vec f = v_from_bits(v_bits(scaled) - (power << 23)) - K(1);
    vec y = FN(log_sum)(v_from_int(power) - v_keep(tiny, K(24)), f, K(0));
    vec special = v_select(v_eq(x, K(0)), K(-INFINITY), v_select(v_lt(x, K(0)), K(NAN), x));
    return v_select(v_mask_and(v_lt(K(0), x), v_lt(x, K(INFINITY))), y, special);
}

/* log1p(x) = k ln2 + log(1 + f), 1 + f = (1 + x) 2^-k. For |x| <= 2^-25 it is x. At -1 -inf, at inf inf, below -1 NaN.
 * Max error: float32 0.89 ulp at 0x1.966274p-2.
 * f comes by one fma, with its rounding error put back, and no division; for k = 0 it is x itself. 4 f is computed,
 * so that 2^-128 is not needed. */
FA_MATH vec FN(log1p)(vec x) {
    ivec power = FN(log_power)(K(1) + x);
    vec s = v_from_bits((129 - power) << 23), base = s - K(4);
    vec high = v_fma(x, s, base), low = v_fma(x, s, base - high) * K(0.25), f = high * K(0.25);
    vec y = FN(log_sum)(v_from_int(power), f, v_fnma(low, v_fnma(f, f, f), low));
    vec special = v_select(v_eq(x, K(-1)), K(-INFINITY), v_select(v_lt(x, K(-1)), K(NAN), x));
    mask usual = v_mask_and(v_lt(K(-1), x), v_lt(x, K(INFINITY)));
    return v_select(v_mask_and(usual, v_lt(K(0x1p-25f), v_abs(x))), y, special);
}

/* log1p(x) = x + x (x q(x)) for x in [0, 1]. Max error: float32 1.17 ulp at 0x1.f73154p-1, where the sum alternates.
 * Without a reduction: the pole at -1 costs [0, 1] no higher degree than [-0.29, 0.41]. Relative error of the
 * polynomial 5.3e-9. A low part put back brought no more than it cost. */
FA_MATH vec FN(log1p_unit)(vec x) {
    vec q = v_fma(x, K(-0x1.b22adep-9f), K(0x1.4a9226p-6f));
    q = v_fma(x, q, K(-0x1.d7efa8p-5f));
    q = v_fma(x, q, K(0x1.b53c48p-4f));
    q = v_fma(x, q, K(-0x1.3a6736p-3f));
    q = v_fma(x, q, K(0x1.935568p-3f));
    q = v_fma(x, q, K(-0x1.ff2556p-3f));
    q = v_fma(x, q, K(0x1.554ddap-2f));
    q = v_fma(x, q, K(-0x1.ffffd2p-2f));
    return v_fma(x * x, q, x);
}

#endif
