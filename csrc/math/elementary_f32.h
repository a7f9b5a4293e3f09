/* Elementary functions of float32.
 *
 * Every constant comes from tools/derive_f32.sollya. Horner throughout: independent
 * vectors fill the latency, and every extra product of Estrin's form is an instruction.
 * Worst errors are in ulp at the exact value, over every 977th input and all those
 * around the worst.
 */
#ifndef FA_ELEMENTARY_F32_H
#define FA_ELEMENTARY_F32_H

#include "names.h"
#include "tables_f32.h"

#include "../simd/f32.h"

/* x = k ln2 + r, |r| <= ln2/2; x - k LN2_HI is exact under fma for |k| < 2^8, although
 * LN2_HI is full. */
#define F32_LOG2E 0x1.715476p+0f
#define F32_LN2_HI 0x1.62e43p-1f
#define F32_LN2_LO -0x1.05c61p-29f

/* e^r = 1 + r (1 + r q(r)): relative error 3.2e-9 on |r| <= 0.347 */
FA_INLINE vec FN(exp_q)(vec r) {
    vec q = v_fma(r, K(0x1.6a5e34p-10f), K(0x1.123adp-7f));
    q = v_fma(r, q, K(0x1.5558a2p-5f));
    q = v_fma(r, q, K(0x1.55549p-3f));
    return v_fma(r, q, K(0x1.fffffcp-2f));
}
FA_INLINE vec FN(exp_reduce)(vec x, vec k) {
    return v_fnma(k, K(F32_LN2_LO), v_fnma(k, K(F32_LN2_HI), x));
}

/* Worst 0.89 at 0x1.86ec5cp+5. A subnormal result is rounded twice: 0.85 at most, at
 * -0x1.5e9dfcp+6. */
FA_MATH vec FN(exp)(vec x) {
    vec bounded = v_max(K(-105), v_min(K(89), x));
    vec k = v_rint(bounded * K(F32_LOG2E)), r = FN(exp_reduce)(bounded, k);
    return v_ldexp(v_fma(r, v_fma(r, FN(exp_q)(r), K(1)), K(1)), k);
}

/* For x <= 0, exp(x + x_low) = EXP_SCALE (s + s p), x_low a rounding error of x, in two
 * forms. EXP_SCALE keeps s normal where the result is subnormal: whoever multiplies by it
 * last rounds once. Adding SHIFT rounds x log2(e) to k, an integer or 16ths, and leaves
 * k + 64 (+ 127, where no table brings that) in the low bits of the sum: an exponent field
 * once shifted to its place. */
#define f32_EXP_SCALE 0x1p-64f
#define f32_EXP_HALF_SCALE 0x1p-32f /* its square root */
#define f32_EXP_MIN -131.0f /* 130 e^-130 is still below half the least subnormal */
#define f32_EXP_ZERO 3e-38f /* above the least exponential over EXP_SCALE, below that of -130.7 */
#define F32_SHIFT (0x1.8p23f + 191)
#define F32_SHIFT16 (0x1.8p19f + 64)

/* s a power of two, |p| < 0.42: c e^x = s (c + c p) rounds but once. */
FA_MATH vec FN(exp_power_parts)(vec x, vec x_low, vec *p) {
    vec bounded = v_max(K(EXP_MIN), x), t = v_fma(bounded, K(F32_LOG2E), K(F32_SHIFT));
    vec r = FN(exp_reduce)(bounded, t - K(F32_SHIFT)) + x_low;
    *p = v_fma(r * r, FN(exp_q)(r), r);
    return v_from_bits(v_bits(t) << 23);
}

/* s = 2^(k+64) to a float32's precision, k in 16ths; |p| < 0.022 takes in what s lost.
 * Three products fewer, and a shorter chain of them. With |r| <= ln2/32,
 * e^r = 1 + r + r^2 (c2 + c3 r) to 1.6e-9; the powers of r can do without k LN2_LO. For n <= 4
 * vectors at once, step by step: their chains interleave. */
typedef struct {
    vec r, s, lost; /* lost: of s relative, and k LN2_LO */
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

/* exp(x) for x <= 0 such that it never falls as x grows: of p only the last step rounds to
 * more than a trifle of its ulp, and that is monotone. */
FA_MATH vec FN(exp_monotone)(vec x) {
    FN(exp_reduced) a;
    FN(exp_reduce_of)(1, &x, &a);
    vec p = v_fma(a.r * a.r, v_fma(a.r, K(0x1.555598p-3f), K(0x1.00021ep-1f)), a.r + a.lost);
    return v_fma(a.s, p, a.s) * K(EXP_SCALE);
}

/* exp(x) / EXP_SCALE for x <= 0. Worst of all inputs 0.63 at -0x1.3eef2cp+6; after rounding to a
 * subnormal 0.81, at -0x1.5df3c4p+6. */
FA_INLINE void FN(exp_evaluate_of)(int n, const FN(exp_reduced) a[], vec x[]) {
    vec p[4];
    FN(exp_less_1_of)(n, a, p);
    EACH x[i] = v_fma(a[i].s, p[i], a[i].s);
}
#undef EACH
/* n <= 8. The second four are reduced before the first are evaluated: more to interleave. */
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

/* The same for expm1, where r counts, not 1 + r: 1.3e-10 */
FA_INLINE vec FN(expm1_q)(vec r) {
    vec q = v_fma(r, K(0x1.9a94e6p-13f), K(0x1.6d5166p-10f));
    q = v_fma(r, q, K(0x1.1115b6p-7f));
    q = v_fma(r, q, K(0x1.5554e4p-5f));
    q = v_fma(r, q, K(0x1.555552p-3f));
    return v_fma(r, q, K(0.5));
}

/* With s = 2^k, (s - 1) + s r is exact in two terms, and only then is s r^2 q added.
 * k = 128 would overflow s: half of everything is computed. Worst 0.88 at 0x1.890862p-2. */
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

/* 16 polynomials, the last ones 1; the first, where 1 + a rounds to less than 1.25, adds to
 * a itself, so that the sum's one rounding makes it monotone. Worst 0.77 at -0x1.0022p-2. */
FA_MATH vec FN(tanh)(vec x) {
    vec a = v_min(K(14.9f), v_abs(x));
    ivec piece = FN(piece_of)(a);
    vec leading = v_select(v_lt(K(1) + a, K(1.25f)), a, v_lookup16(f32_tanh_pieces[1], piece));
    return v_copysign(FN(piecewise)(a, piece, f32_tanh_pieces, leading), x);
}

/* log(1 + f) = f - f^2/2 + f^3 R(f), f in [-0.2929, 0.4143]: this returns
 * -1/2 + f R(f); relative error of the whole 7.5e-9. */
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
/* k ln2 + log(1 + f) + small: k ln2's upper 16 bits and f add exactly in two terms. */
FA_INLINE vec FN(log_sum)(vec k, vec f, vec small) {
    vec high = v_fma(k, K(0x1.62e4p-1f), f), low = v_fma(k, K(0x1.62e4p-1f), -high) + f;
    return high + (low + v_fma(f * f, FN(log_q)(f), v_fma(k, K(0x1.7f7d1cp-20f), small)));
}
/* The power of two 2^k that brings x into [sqrt(1/2), sqrt(2)): k. */
FA_INLINE ivec FN(log_power)(vec x) {
    return (v_bits(x) - 0x3f3504f3) >> 23;
}

/* Worst 0.88 at 0x1.65fb56p-1. */
FA_MATH vec FN(log)(vec x) {
    mask tiny = v_lt(x, K(0x1p-126f));
    vec scaled = v_select(tiny, x * K(0x1p24f), x);
    ivec power = FN(log_power)(scaled);
    vec f = v_from_bits(v_bits(scaled) - (power << 23)) - K(1);
    vec y = FN(log_sum)(v_from_int(power) - v_keep(tiny, K(24)), f, K(0));
    vec special = v_select(v_eq(x, K(0)), K(-INFINITY), v_select(v_lt(x, K(0)), K(NAN), x));
    return v_select(v_mask_and(v_lt(K(0), x), v_lt(x, K(INFINITY))), y, special);
}

/* f = (1 + x) 2^-k - 1 by one fma, with the rounding error put back: no division.
 * While k = 0, f is x itself. 4f is computed so that 2^-128 is not needed.
 * Worst 0.89 at 0x1.966274p-2. */
FA_MATH vec FN(log1p)(vec x) {
    ivec power = FN(log_power)(K(1) + x);
    vec s = v_from_bits((129 - power) << 23), base = s - K(4);
    vec high = v_fma(x, s, base), low = v_fma(x, s, base - high) * K(0.25), f = high * K(0.25);
    vec y = FN(log_sum)(v_from_int(power), f, v_fnma(low, v_fnma(f, f, f), low));
    vec special = v_select(v_eq(x, K(-1)), K(-INFINITY), v_select(v_lt(x, K(-1)), K(NAN), x));
    mask usual = v_mask_and(v_lt(K(-1), x), v_lt(x, K(INFINITY)));
    return v_select(v_mask_and(usual, v_lt(K(0x1p-25f), v_abs(x))), y, special);
}

/* x + x (x q(x)) on [0, 1] without reducing: a pole at -1 costs [0, 1] no higher degree
 * than [-0.29, 0.41]. Relative error 5.3e-9. Worst 1.17 at 0x1.f73154p-1, where the
 * sum alternates; putting a low part back brought no more than it cost. */
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
