/* Elementary functions of float32, included after "f32.h" has set the type.
 *
 * Every constant comes from tools/derive_f32.py or tools/derive_f32.sollya.
 * Worst errors are over all inputs of the domain, in ulp at the exact value.
 */

/* x = k ln2 + r. The one addition of SHIFT rounds x log2(e) to the integer k and
 * leaves the exponent field of 2^(k+64) in the low bits of the sum: 2^64 e^x stays
 * normal where e^x is subnormal, so whoever multiplies by EXP_UNIT last rounds
 * once. x - k LN2_HI is exact under fma for |k| < 2^8, although LN2_HI is full. */
#define F32_LOG2E 0x1.715476p+0f
#define F32_LN2_HI 0x1.62e43p-1f
#define F32_LN2_LO -0x1.05c61p-29f
#define f32_EXP_UNIT 0x1p-64f
#define f32_EXP_LEAST -131.0f /* 130 e^-130 is still below half the least subnormal */

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

FA_INLINE vec FN(exp)(vec x) {
    vec bounded = v_max(K(-105), v_min(K(89), x));
    vec k = v_rint(bounded * K(F32_LOG2E)), r = FN(exp_reduce)(bounded, k);
    return v_ldexp(v_fma(r, v_fma(r, FN(exp_q)(r), K(1)), K(1)), k);
}

FA_INLINE vec FN(exp_fast_nonpos)(vec x) {
    vec bounded = v_max(K(-105), x), t = v_fma(bounded, K(F32_LOG2E), K(F32_SCALE_SHIFT));
    vec r = FN(exp_reduce)(bounded, t - K(F32_SCALE_SHIFT));
    return v_scale_down(v_fma(r, v_fma(r, FN(exp_q)(r), K(1)), K(1)), t);
}

/* exp(x + x_low) = EXP_UNIT (s + s p) for x <= 0, |x_low| a rounding error
 * of x: for products that fold p in (c e^x as s (c + c p), one rounding) and
 * must not round a subnormal twice. s is a power of two, |p| < 0.42. */
FA_INLINE vec FN(exp_parts)(vec x, vec x_low, vec *p) {
    vec bounded = v_max(K(EXP_LEAST), x), t = v_fma(bounded, K(F32_LOG2E), K(F32_SCALE_SHIFT));
    vec r = FN(exp_reduce)(bounded, t - K(F32_SCALE_SHIFT)) + x_low;
    *p = v_fma(r * r, FN(exp_q)(r), r);
    return v_from_bits(v_bits(t) << 23);
}

FA_INLINE vec FN(exp_nonpos)(vec x, vec *low) {
    vec p, s = FN(exp_parts)(x, K(0), &p), high = v_fma(s, p, s);
    *low = v_fma(s, p, s - high) * K(EXP_UNIT);
    return high * K(EXP_UNIT);
}

/* With s = 2^k, (s - 1) + s r is exact in two terms, and only then is s r^2 q added.
 * k = 128 would overflow s: half of everything is computed there. */
FA_INLINE vec FN(expm1)(vec x) {
    vec bounded = v_max(K(-18), v_min(K(89), x));
    vec k = v_rint(bounded * K(F32_LOG2E));
    vec exact = v_fnma(k, K(F32_LN2_HI), bounded), r = v_fnma(k, K(F32_LN2_LO), exact);
    vec r_low = v_fnma(k, K(F32_LN2_LO), exact - r);
    vec half = v_from_bits((v_to_int(k) + 126) << 23), base = half - K(0.5);
    vec high = v_fma(half, r, base), low = v_fma(half, r, base - high);
    vec y = high + v_fma(half, v_fma(r * r, FN(exp_q)(r), r_low), low);
    return v_select(v_lt(v_abs(x), K(0x1p-25)), x, y + y);
}

/* With e = exp(-2|x|): (1 - e)/(1 + e), 1 - e by expm1, up to 0.55; from there on
 * 1 - 2e/(1 + e), where the quotient's errors count less. From 9.02 on it rounds to 1. */
FA_INLINE vec FN(tanh)(vec x) {
    vec z = K(-2) * v_min(K(10), v_abs(x));
    vec t = v_fma(z, K(F32_LOG2E), K(0x1.8p23f + 127)), k = t - K(0x1.8p23f + 127);
    vec r = FN(exp_reduce)(z, k), s = v_from_bits(v_bits(t) << 23);
    vec p = v_fma(r * r, FN(exp_q)(r), r), e = v_fma(s, p, s);
    mask large = v_lt(z, K(-1.1f));
    vec y = v_keep(large, K(1)) - v_select(large, e + e, v_fma(s, p, s - K(1))) / (K(1) + e);
    return v_copysign(y, x);
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

FA_INLINE vec FN(log)(vec x) {
    mask tiny = v_lt(x, K(0x1p-126f));
    vec scaled = v_select(tiny, x * K(0x1p24f), x);
    ivec power = FN(log_power)(scaled);
    vec f = v_from_bits(v_bits(scaled) - (power << 23)) - K(1);
    vec y = FN(log_sum)(v_from_int(power) - v_keep(tiny, K(24)), f, K(0));
    vec special = v_select(v_eq(x, K(0)), K(-INFINITY), v_select(v_lt(x, K(0)), K(NAN), x));
    return v_select(v_mask_and(v_lt(K(0), x), v_lt(x, K(INFINITY))), y, special);
}

/* f = (1 + x) 2^-k - 1 by one fma, with the rounding error put back: no division.
 * While k = 0, f is x itself. 4f is computed so that 2^-128 is not needed. */
FA_INLINE vec FN(log1p)(vec x) {
    ivec power = FN(log_power)(K(1) + x);
    vec s = v_from_bits((129 - power) << 23), base = s - K(4);
    vec high = v_fma(x, s, base), low = v_fma(x, s, base - high) * K(0.25), f = high * K(0.25);
    vec y = FN(log_sum)(v_from_int(power), f, v_fnma(low, v_fnma(f, f, f), low));
    vec special = v_select(v_eq(x, K(-1)), K(-INFINITY), v_select(v_lt(x, K(-1)), K(NAN), x));
    mask usual = v_mask_and(v_lt(K(-1), x), v_lt(x, K(INFINITY)));
    return v_select(v_mask_and(usual, v_lt(K(0x1p-25f), v_abs(x))), y, special);
}

/* x + x (x q(x)) on [0, 1] without reducing: a pole at -1 costs [0, 1] no higher degree
 * than [-0.29, 0.41]. Relative error 5.3e-9. */
FA_INLINE vec FN(log1p_unit)(vec x) {
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

/* 0.5 erfcx(a / sqrt2) in 16 pieces, four to each octave of 1 + a: row 0 is the point a
 * piece's polynomial is centred at, chosen where the exact value is within 2^-32 of a
 * float32, so that the leading coefficient brings no error of its own. */
static _Alignas(64) const float f32_tail_pieces[8][16] = {
    {0x1.4000acp+0f, 0x1.bffd44p+0f, 0x1.2000d8p+1f, 0x1.600268p+1f,
     0x1.bffd08p+1f, 0x1.2002eap+2f, 0x1.600318p+2f, 0x1.a001dap+2f,
     0x1.000112p+3f, 0x1.40008cp+3f, 0x1.7fff9ap+3f, 0x1.bfff54p+3f,
     0x0p+0f, 0x1.80008cp-2f, 0x1.400008p-1f, 0x1.bffe78p-1f},
    {0x1.d89846p-3f, 0x1.7b5c6p-3f, 0x1.3aad26p-3f, 0x1.0bb7e4p-3f,
     0x1.b39984p-4f, 0x1.5b5792p-4f, 0x1.201d46p-4f, 0x1.eba3e6p-5f,
     0x1.9267dp-5f, 0x1.43a3p-5f, 0x1.0e7e14p-5f, 0x1.d0885ep-6f,
     0x1p-1f, 0x1.84b6e2p-2f, 0x1.4b1ddep-2f, 0x1.1e7ca6p-2f},
    {-0x1.c49224p-4f, -0x1.325618p-4f, -0x1.b403f8p-5f, -0x1.4327acp-5f,
     -0x1.b6086ap-6f, -0x1.1bddaep-6f, -0x1.8b12f6p-7f, -0x1.21ac28p-7f,
     -0x1.86b52ap-8f, -0x1.fbf122p-9f, -0x1.63d082p-9f, -0x1.06ce86p-9f,
     -0x1.988452p-2f, -0x1.06bf8ap-2f, -0x1.932346p-3f, -0x1.3bb03ap-3f},
    {0x1.7b78bp-5f, 0x1.bd4ab8p-6f, 0x1.15a8c8p-6f, 0x1.6c58c6p-7f,
     0x1.a2a5aap-8f, 0x1.bfaf4p-9f, 0x1.07ddacp-9f, 0x1.4ea0ecp-10f,
     0x1.762168p-11f, 0x1.8af04cp-12f, 0x1.d0fcccp-13f, 0x1.27e956p-13f,
     0x1.ffff76p-3f, 0x1.222eeep-3f, 0x1.9a45a8p-4f, 0x1.28c00ap-4f},
    {-0x1.1f308ep-6f, -0x1.296532p-7f, -0x1.49b76cp-8f, -0x1.83856p-9f,
     -0x1.7e800cp-10f, -0x1.55ac04p-11f, -0x1.57f0cap-12f, -0x1.7b54b2p-13f,
     -0x1.617558p-14f, -0x1.304e84p-15f, -0x1.2ddebap-16f, -0x1.4b91fap-17f,
     -0x1.104d3ap-3f, -0x1.15c698p-4f, -0x1.6e93dp-5f, -0x1.efa5c2p-6f},
    {0x1.8ff04ep-8f, 0x1.72245cp-9f, 0x1.70c71p-10f, 0x1.87ae66p-11f,
     0x1.4fbap-12f, 0x1.fa257ep-14f, 0x1.b6316ep-15f, 0x1.a662e8p-16f,
     0x1.49bd4p-17f, 0x1.d0e476p-19f, 0x1.857e9ep-20f, 0x1.71c39p-21f,
     0x1.fe4a2p-5f, 0x1.dc1f2ep-6f, 0x1.27bd9cp-6f, 0x1.78ae9p-7f},
    {-0x1.0604bcp-9f, -0x1.b4f8cp-11f, -0x1.89c174p-12f, -0x1.7b6c98p-13f,
     -0x1.211dcp-14f, -0x1.714b2ap-16f, -0x1.146beep-17f, -0x1.d4457cp-19f,
     -0x1.36cedap-20f, -0x1.655bfp-22f, -0x1.f88654p-24f, -0x1.9f0386p-25f,
     -0x1.a1a712p-6f, -0x1.791bacp-7f, -0x1.b4e9e4p-8f, -0x1.064884p-8f},
    {0x1.3eebacp-11f, 0x1.e3c4a2p-13f, 0x1.8ae536p-14f, 0x1.5f89a4p-15f,
     0x1.d6fc7p-17f, 0x1.023f1ap-18f, 0x1.50d204p-20f, 0x1.faaf0ep-22f,
     0x1.1a09ep-23f, 0x1.0be7fcp-25f, 0x1.40f09p-27f, 0x1.cc8402p-29f,
     0x1.e2cba2p-8f, 0x1.1c411ap-8f, 0x1.27319ap-9f, 0x1.54cb14p-10f},
};

/* a in [0, 14.99]. */
FA_INLINE vec FN(half_erfcx_sqrt2)(vec a) {
    ivec piece = v_bits(a + K(1)) >> 21;
    vec d = a - v_lookup16(f32_tail_pieces[0], piece), y = v_lookup16(f32_tail_pieces[7], piece);
    y = v_fma(d, y, v_lookup16(f32_tail_pieces[6], piece));
    y = v_fma(d, y, v_lookup16(f32_tail_pieces[5], piece));
    y = v_fma(d, y, v_lookup16(f32_tail_pieces[4], piece));
    y = v_fma(d, y, v_lookup16(f32_tail_pieces[3], piece));
    y = v_fma(d, y, v_lookup16(f32_tail_pieces[2], piece));
    return v_fma(d, y, v_lookup16(f32_tail_pieces[1], piece));
}

/* gelu's constants: where exp(-a^2/2) a^2 rounds to 0, and 2 sqrt(2/pi) (1, 0.044715). */
#define f32_GELU_BOUND 14.9f
#define f32_INV_SQRT_2PI 0x1.988454p-2f
#define f32_GELU_C1 0x1.988454p+0f
#define f32_GELU_C1_LOW -0x1.857936p-25f
#define f32_GELU_C2 0x1.2444f2p-4f
#define f32_GELU_C2_LOW 0x1.49b16ap-29f

FA_INLINE vec FN(erfc)(vec x) {
    vec a = v_min(K(10.5f), v_abs(x)), z = -a * a, z_low = v_fnma(a, a, -z), p;
    vec s = FN(exp_parts)(z, z_low, &p), c = K(2) * FN(half_erfcx_sqrt2)(a * K(0x1.6a09e6p+0f));
    vec tail = v_fma(c, p, c) * s * K(EXP_UNIT);
    return v_select(v_lt(x, K(0)), K(2) - tail, tail);
}
