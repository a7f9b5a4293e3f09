/* Elementary functions of float64.
 *
 * The constants come from tools/derive_f64.sollya, those of erfc from tools/derive_f64_tail.py. No tables: a lookup in
 * 16 entries is one instruction on AVX-512 only.
 * "Max error" is the largest one measured, in ulp, over some 10^6 inputs, half of them chosen hard, against
 * libquadmath. */
#ifndef FA_ELEMENTARY_F64_H
#define FA_ELEMENTARY_F64_H

#include "accumulators.h"
#include "names.h"

#include "../simd/f64.h"

/* The reduction x = k ln2 + r, |r| <= ln2/2 (a little more by the product's rounding). Adding SHIFT rounds to an
 * integer, which then shows in the low bits of the sum. LN2_HI has 41 bits, so that k * LN2_HI and x - k * LN2_HI are
 * exact. */
#define F64_SHIFT 0x1.8p52
#define F64_LOG2E 0x1.71547652b82fep+0
#define F64_LN2_HI 0x1.62e42fefa3p-1
#define F64_LN2_LO 0x1.3de6af278ece6p-42

typedef struct {
    vec k, r, r_low; /* r_low: what the last rounding of r lost */
} FN(reduced);

FA_INLINE FN(reduced) FN(exp_reduce)(vec x) {
    FN(reduced) a;
    a.k = v_fma(x, K(F64_LOG2E), K(F64_SHIFT)) - K(F64_SHIFT);
    vec high = v_fnma(a.k, K(F64_LN2_HI), x);
    a.r = v_fnma(a.k, K(F64_LN2_LO), high);
    a.r_low = v_fnma(a.k, K(F64_LN2_LO), high - a.r);
    return a;
}

/* c of exp(r) = 1 + r + r^2/2 + r^3 c(r), |r| <= ln2/2. Relative error of the whole 5.4e-18. The coefficients of the
 * first terms are exact, so that the roundings of c hardly show. */
FA_INLINE vec FN(exp_c)(vec r, vec r2) {
    vec r4 = r2 * r2;
    vec c3 = v_fma(r, K(0x1.555555555320ep-5), K(0x1.5555555555501p-3));
    vec c5 = v_fma(r, K(0x1.6c16c17cc0a7dp-10), K(0x1.1111111128976p-7));
    vec c7 = v_fma(r, K(0x1.a019ab35eeb1ep-16), K(0x1.a01a011bce266p-13));
    vec c9 = v_fma(r, K(0x1.289f81769c0fep-22), K(0x1.71df5604f2018p-19));
    c9 = v_fma(r2, K(0x1.ad1ed17439c28p-26), c9);
    return v_fma(v_fma(c9, r2, c7), r4, v_fma(c5, r2, c3));
}

/* The same for expm1, where the error counts against r: relative error 2.8e-19. */
FA_INLINE vec FN(expm1_c)(vec r, vec r2) {
    vec r4 = r2 * r2;
    vec c3 = v_fma(r, K(0x1.5555555555558p-5), K(0x1.5555555555559p-3));
    vec c5 = v_fma(r, K(0x1.6c16c16c14f57p-10), K(0x1.111111110f653p-7));
    vec c7 = v_fma(r, K(0x1.a01a01addd5dcp-16), K(0x1.a01a01b0042a5p-13));
    vec c9 = v_fma(r, K(0x1.27e4caffd566fp-22), K(0x1.71ddf80ec1da5p-19));
    vec c11 = v_fma(r, K(0x1.1f8dd78abd0bp-29), K(0x1.af5f2aeb68fe9p-26));
    c9 = v_fma(r2, c11, c9);
    return v_fma(v_fma(c9, r2, c7), r4, v_fma(c5, r2, c3));
}

/* exp(r + r_low) as hi + lo, the value returned and *low: some 4 bits more than float64 has. */
FA_INLINE vec FN(exp_dd)(vec r, vec r_low, vec *low) {
    vec r2 = r * r, half = K(0.5) * r;
    vec u = v_fma(half, r, (r2 * r) * FN(exp_c)(r, r2));
    vec s = r + u, high = K(1) + s;
    *low = (s - (high - K(1))) + v_fma(r_low, high, u - (s - r));
    return high;
}

/* exp(x) = 2^k e^r. Below -746 it is 0, above 710 inf; the bounds keep NaN.
 * Max error: float64 0.85 ulp at -0x1.1e9330eb8a19p+8. */
FA_MATH vec FN(exp)(vec x) {
    FN(reduced) a = FN(exp_reduce)(v_max(K(-746), v_min(K(710), x)));
    vec r2 = a.r * a.r, q = v_fma(FN(exp_c)(a.r, r2), a.r, K(0.5));
    return v_ldexp(K(1) + (a.r + v_fma(q, r2, a.r_low)), a.k);
}

/* exp(x) as hi + lo, the value returned and *low: some 4 bits more than float64 has, for differences. */
FA_MATH vec FN(exp_hi_lo)(vec x, vec *low) {
    FN(reduced) a = FN(exp_reduce)(v_max(K(-746), v_min(K(710), x)));
    vec rest, high = FN(exp_dd)(a.r, a.r_low, &rest);
    *low = v_fma(rest + rest, v_ldexp(K(0.5), a.k), K(0)); /* 2^k might overflow where exp(x) does not */
    return v_ldexp(high, a.k);
}

/* exp(x)/EXP_SCALE for x <= 0. Max error: float64 0.984 ulp at -0x1.f911ff20c88ep-1.
 * EXP_SCALE keeps normal what e^x itself is not: whoever multiplies by it last rounds once. Adding EXP_SHIFT leaves
 * k + 128 + 1023 in the low bits of t: shifted to its place, an exponent field. r_low is left out: it would take three
 * instructions. */
#define f64_EXP_SCALE 0x1p-128
#define f64_EXP_HALF_SCALE 0x1p-64
#define f64_EXP_MIN -796.0
#define f64_EXP_ZERO_BELOW 8e-308 /* above the least exp(x)/EXP_SCALE, below that of x = -795.8 */
#define F64_EXP_SHIFT (F64_SHIFT + 1151)
FA_MATH vec FN(exp_scaled)(vec x) {
    vec bounded = v_max(K(EXP_MIN), x), t = v_fma(bounded, K(F64_LOG2E), K(F64_EXP_SHIFT));
    vec k = t - K(F64_EXP_SHIFT);
    vec r = v_fnma(k, K(F64_LN2_LO), v_fnma(k, K(F64_LN2_HI), bounded)), r2 = r * r;
    vec q = v_fma(FN(exp_c)(r, r2), r, K(0.5));
    return (K(1) + v_fma(q, r2, r)) * v_from_bits(v_bits(t) << 52);
}
FA_INLINE void FN(exp_scaled_of)(int n, vec x[]) {
    FA_UNROLL(8)
    for (int i = 0; i < n; i++) x[i] = FN(exp_scaled)(x[i]);
}

/* expm1(x)/2 as hi + lo, the value returned and *low, for x in [-708, 710]: (h - 1/2) + h r + h (expm1(r) - r),
 * h = 2^(k-1). (h - 1/2) + h r is exact as hi + lo; only then the rest is added.
 * Where h - 1/2 is inexact, the order of the terms decides whether what it lost is exact: `positive` is for x > 0 and
 * |x| large, its contrary for x < 0. */
FA_MATH vec FN(half_expm1)(vec x, int positive, vec *low) {
    vec shift = K(F64_SHIFT + 1022), t = v_fma(x, K(F64_LOG2E), shift), k = t - shift;
    vec a = v_fnma(k, K(F64_LN2_HI), x);
    vec r = v_fnma(k, K(F64_LN2_LO), a), r_low = v_fnma(k, K(F64_LN2_LO), a - r);
    vec r2 = r * r, h = v_from_bits(v_bits(t) << 52); /* k + 1022 is 2^(k-1)'s exponent field */
    vec base = h - K(0.5), linear = h * r, high = base + linear;
    vec u = v_fma(K(0.5) * r, r, v_fma(r2 * r, FN(expm1_c)(r, r2), r_low));
    vec lost = positive ? (h - base) - K(0.5) : h - (base + K(0.5));
    *low = v_fma(h, u, (linear - (high - base)) + lost);
    return high;
}

/* expm1(x). Below -40 it is -1, above 710 inf; for |x| < 2^-54, with -0, it is x.
 * Max error: float64 0.94 ulp at 0x1.6e19ca8c71c9bp-2. */
FA_MATH vec FN(expm1)(vec x) {
    vec low, high = FN(half_expm1)(v_max(K(-40), v_min(K(710), x)), 1, &low);
    vec y = high + low;
    return v_select(v_lt(v_abs(x), K(0x1p-54)), x, y + y);
}

/* tanh(|x|) = -m/(2 + m), m = expm1(-2 |x|). Beyond 20 it rounds to 1.
 * Max error: float64 0.72 ulp at 0x1.6343bfadf6355p-3.
 * Numerator and divisor are hi + lo: one division, and the remainder is put back. */
FA_MATH vec FN(tanh)(vec x) {
    vec a = v_max(K(-20), -v_abs(x)), low, sum = FN(half_expm1)(a + a, 0, &low);
    vec n = sum + low, n_low = low - (n - sum);
    vec d = K(1) + n, d_low = (n - (d - K(1))) + n_low;
    vec inverse = K(1) / d, y = n * inverse;
    y = v_fma(v_fnma(y, d, n) + v_fnma(y, d_low, n_low), inverse, y);
    return v_select(v_lt(K(-0x1p-28), a), x, v_copysign(y, x));
}

/* P of log(1 + f) = f - f^2/2 + s (f^2/2 + s^2 P(s^2)), s = f/(2 + f): what is left of 2 atanh(s)/s - 2, for |s| <= 1/5
 * (1 + f from 2/3 to 3/2). */
FA_INLINE vec FN(log_p)(vec z) {
    vec z2 = z * z, z4 = z2 * z2;
    vec p0 = v_fma(z, K(0x1.9999999999ff8p-2), K(0x1.5555555555555p-1));
    vec p2 = v_fma(z, K(0x1.c71c72ee3d90dp-3), K(0x1.24924923ceefbp-2));
    vec p4 = v_fma(z, K(0x1.3b2a4a4e97c31p-3), K(0x1.745ca89d4e9cp-3));
    vec p6 = v_fma(z, K(0x1.16d2f135f4a46p-3), K(0x1.0e843f82dd3c3p-3));
    return v_fma(v_fma(p6, z2, p4), z4, v_fma(p2, z2, p0));
}

/* whole + log(1 + f) + small, where whole is k * LN2_HI, and |f| <= |whole| or k = 0. */
FA_INLINE vec FN(log_sum)(vec f, vec whole, vec small) {
    vec s = f / (K(2) + f), z = s * s, half = K(0.5) * f;
    vec tail = v_fma(s, v_fma(z, FN(log_p)(z), half * f), v_fnma(half, f, small));
    vec high = whole + f;
    return high + ((f - (high - whole)) + tail);
}

/* m in [sqrt(1/2), sqrt2) and k of x = 2^(k + 1) m, for x in [2^-1021, inf). */
FA_INLINE vec FN(log_split)(vec x, vec *k) {
    const int64_t root = 0x3fe6a09e667f3bcd;
    vec moved = v_from_bits(v_bits(x) + (0x3fe0000000000000 - root));
    *k = v_exponent(moved);
    return v_from_bits((v_bits(moved) & 0x000fffffffffffff) + root);
}

#define F64_INF __builtin_inf()
#define F64_NAN __builtin_nan("")

/* log(x) = k ln2 + log(m). At 0 -inf, at inf inf, below 0 NaN. A subnormal x is scaled by 2^54.
 * Max error: float64 0.84 ulp at 0x1.69f4c98748dadp-1. */
FA_MATH vec FN(log)(vec x) {
    mask small = v_lt(x, K(0x1p-1021));
    vec k, m = FN(log_split)(v_select(small, x * K(0x1p54), x), &k);
    k = k + v_select(small, K(-53), K(1));
    vec y = FN(log_sum)(m - K(1), k * K(F64_LN2_HI), k * K(F64_LN2_LO));
    vec special = v_select(v_eq(x, K(0)), K(-F64_INF), v_select(v_lt(x, K(0)), K(F64_NAN), x));
    return v_select(v_mask_and(v_lt(K(0), x), v_lt(x, K(F64_INF))), y, special);
}

/* log1p(x) = log(u + c), u = 1 + x rounded and c what it lost; c counts as 0 where u is far below 1. For |x| <= 2^-54
 * it is x. At -1 -inf, at inf inf, below -1 NaN. Max error: float64 0.81 ulp at -0x1.2d41deb444fb6p-2.
 * While k is 0, f is x itself. */
FA_MATH vec FN(log1p)(vec x) {
    vec u = K(1) + x, c = x - (u - K(1));
    vec k, m = FN(log_split)(u, &k), f = m - K(1);
    k = k + K(1);
    mask near = v_eq(k, K(0));
    vec scale = v_from_bits(v_bits(m) - v_bits(u) + v_bits(K(2))); /* 2^(1-k), 0 for the largest */
    vec s = f / (K(2) + f);
    c = v_select(near, K(0), c * scale);
    c = c * v_fma(s, s - K(1), K(0.5)); /* c/(1 + f) closely enough: (1 - s)/(1 + s) = 1 - 2s + 2s^2 */
    vec y = FN(log_sum)(v_select(near, x, f), k * K(F64_LN2_HI), v_fma(k, K(F64_LN2_LO), c));
    mask inside = v_mask_and(v_lt(K(-1), x), v_lt(x, K(F64_INF)));
    vec special = v_select(v_eq(x, K(-1)), K(-F64_INF), v_select(v_lt(x, K(0)), K(F64_NAN), x));
    return v_select(v_mask_and(inside, v_lt(K(0x1p-54), v_abs(x))), y, v_select(inside, x, special));
}

/* log1p(x) for x in [0, 1], as log of 1 + x. Where x > 1/2, f = (x - 1)/2, which is exact.
 * Max error: float64 0.85 ulp at 0x1.e4418f78fcfc4p-2.
 * The series carried on to s = 1/3 would not need that step, but errs by 1.1 ulp. */
FA_MATH vec FN(log1p_unit)(vec x) {
    mask above = v_lt(K(0.5), x);
    vec f = v_select(above, v_fms(K(0.5), x, K(0.5)), x);
    return FN(log_sum)(f, v_keep(above, K(F64_LN2_HI)), v_keep(above, K(F64_LN2_LO)));
}

/* 2^100 erfcx(a/sqrt2)/2 as hi + lo, the value returned and *low, from d + d_low = a + 3.5, for a >= 0: G(t)/d with
 * t = (a - 3.5)/d = 1 - 7/d and one polynomial G on [-1, 1].
 * What the rounding of t lost comes back through G's slope. With 3.5 G is so flat that hi + lo in its last steps is
 * enough. The power of two is for the largest a, where 1/d is subnormal. */
FA_MATH vec FN(normal_tail)(vec d, vec d_low, vec *low) {
    vec y = K(0x1p100) / d, y_low = y * K(0x1p-100) * v_fnma(y, d_low, v_fnma(y, d, K(0x1p100)));
    vec u = K(0x7p-100) * y, u_low = v_fma(K(0x7p-100), y_low, v_fms(K(0x7p-100), y, u));
    vec t = K(1) - u, t2 = t * t;
    vec odd = K(-0x1.6df16bcaf19abp-32), even = K(-0x1.b3fbc33d6185fp-31);
    odd = v_fma(odd, t2, K(0x1.5514d906bb9dbp-29));
    even = v_fma(even, t2, K(0x1.1f8e0e2f5e2e9p-27));
    odd = v_fma(odd, t2, K(-0x1.41bcd905a5f22p-28));
    even = v_fma(even, t2, K(-0x1.71043be0d0582p-25));
    odd = v_fma(odd, t2, K(-0x1.076ef386aa4c9p-25));
    even = v_fma(even, t2, K(0x1.19c72de561a78p-23));
    odd = v_fma(odd, t2, K(0x1.3de3857ae7972p-22));
    even = v_fma(even, t2, K(-0x1.3e8481e7e78cep-23));
    odd = v_fma(odd, t2, K(-0x1.8d771bd2ba65fp-20));
    even = v_fma(even, t2, K(-0x1.381972d8389b6p-20));
    odd = v_fma(odd, t2, K(0x1.7b584e1a7510ap-18));
    even = v_fma(even, t2, K(0x1.8212f8a0d1608p-17));
    odd = v_fma(odd, t2, K(-0x1.3b3abb4ecede9p-16));
    even = v_fma(even, t2, K(-0x1.3d0641263158cp-14));
    odd = v_fma(odd, t2, K(0x1.19286f548ca29p-14));
    even = v_fma(even, t2, K(0x1.f3cfa9602c71fp-12));
    odd = v_fma(odd, t2, K(-0x1.d2a14171cbc63p-12));
    even = v_fma(even, t2, K(-0x1.a20079669c314p-9));
    odd = v_fma(odd, t2, K(0x1.a86cec76ce58fp-8));
    even = v_fma(even, t2, K(0x1.1d35bdee11783p-6));
    vec c0 = K(0x1.7d241a953a614p-1), c1 = K(-0x1.2191517fa27b7p-1), c2 = K(0x1.42fec3680acc2p-2);
    vec p3 = v_fma(v_fma(odd, t, even), t, K(-0x1.db5837f7f580ap-4));
    vec p2 = v_fma(p3, t, c2), p2_low = v_fma(p3, t, c2 - p2);
    vec p = v_fma(p2, t, c1), p_low = v_fma(p2_low, t, v_fma(p2, t, c1 - p) + K(-0x1.6b33587db10eap-55));
    vec slope = v_fma(v_fma(p3, t, p2), t, p); /* G', but for c4 and beyond */
    vec g = v_fma(p, t, c0), g_low = v_fma(p_low, t, v_fma(p, t, c0 - g) + K(-0x1.2e52b752f9db8p-58));
    g_low = v_fnma(u_low, slope, g_low);
    vec high = g * y;
    *low = v_fms(g, y, high) + v_fma(g, y_low, g_low * y);
    return high;
}

/* erfcx(a/sqrt2)/2 for a >= 0. At inf 0. Max error: float64 0.88 ulp at 0x1.9f9f6bdcb6e25p+4.
 * What a + 3.5 lost is taken with the larger of the two first. */
FA_MATH vec FN(half_erfcx_sqrt2)(vec a) {
    vec d = a + K(3.5), d_low = v_min(K(3.5), a) - (d - v_max(K(3.5), a));
    vec low, high = FN(normal_tail)(d, d_low, &low);
    return v_select(v_eq(a, K(F64_INF)), K(0), (high + low) * K(0x1p-100));
}

/* erfc(|x|) = 2 exp(-x^2) times half_erfcx_sqrt2(sqrt2 |x|); for x < 0 2 minus that. Beyond 28 it is 0 or 2.
 * Max error: float64 0.89 ulp at 0x1.a47f8f74ffa87p+4.
 * x^2 and sqrt2 |x| are hi + lo. */
FA_MATH vec FN(erfc)(vec x) {
    vec a = v_min(K(28), v_abs(x)), square = a * a, square_low = v_fms(a, a, square);
    FN(reduced) e = FN(exp_reduce)(-square);
    vec root2 = K(0x1.6a09e667f3bcdp+0), b = root2 * a;
    vec b_low = v_fma(K(-0x1.bdd3413b26456p-54), a, v_fms(root2, a, b));
    vec p_low, p = FN(exp_dd)(e.r, e.r_low - square_low, &p_low);
    vec d = b + K(3.5), d_low = (b - (d - K(3.5))) + b_low;
    vec w_low, w = FN(normal_tail)(d, d_low, &w_low);
    p = p * K(0x1p-99);
    p_low = p_low * K(0x1p-99);
    vec y = p * w, y_low = v_fms(p, w, y) + v_fma(p, w_low, p_low * w);
    vec sum = y + y_low;
    vec tail = v_ldexp(sum, e.k);
    vec far = v_ldexp(y_low - (sum - y), e.k);
    return v_select(v_lt(x, K(0)), (K(2) - tail) - far, tail);
}

#include "../simd/f32.h"

#endif
