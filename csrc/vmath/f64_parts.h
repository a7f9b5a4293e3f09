/* What the activations need of float64 beside the elementary functions; see f32.h. */
#define f64_EXP_UNIT 0x1p-128
#define f64_EXP_LEAST -796.0
#define f64_GELU_BOUND 39.0
#define f64_INV_SQRT_2PI 0x1.9884533d43651p-2
#define f64_GELU_C1 0x1.9884533d43651p+0
#define f64_GELU_C1_LOW -0x1.cbc0d30ebfd15p-54
#define f64_GELU_C2 0x1.2444f2a4d8b4bp-4
#define f64_GELU_C2_LOW -0x1.6c843a29d1c7p-61

FA_INLINE vec FN(exp_parts)(vec x, vec x_low, vec *p) {
    vec bounded = v_max(K(EXP_LEAST), x), t = v_fma(bounded, K(F64_LOG2E), K(F64_SCALE_SHIFT));
    vec k = t - K(F64_SCALE_SHIFT), high = v_fnma(k, K(F64_LN2_HI), bounded);
    vec less = v_fnma(k, K(F64_LN2_LO), x_low), r = high + less, r_low = less - (r - high), square = r * r;
    *p = v_fma(v_fma(FN(exp_c)(r, square), r, K(0.5)), square, r) + r_low;
    return v_from_bits(v_bits(t) << 52);
}

/* a Phi(-a) = exp(-a^2/2) a erfcx(a/sqrt2)/2, with the exponential as s + s p */
FA_INLINE vec FN(gelu_tail)(vec a, vec s, vec p) {
    vec c = FN(half_erfcx_sqrt2)(a), h = a * c;
    return (h + v_fma(h, p, v_fms(a, c, h))) * s;
}

/* Second factors (f(r + d)/d) of derivatives around a root r, |d| <= 0.26: r in two
 * terms, then the coefficients. Relative errors 6.3e-17 at most. */
static const double f64_silu_d1_root[] = {
    0x1.474973c84120bp+0, 0x1.f8d74bc9ac154p-54, -0x1.be1410460527fp-3, 0x1.2c563458cc0adp-3,
    -0x1.353eb573ca128p-6, -0x1.f2d0e32bc38cep-7, 0x1.b0f82c48eaa39p-8, 0x1.098e92e5794f5p-13,
    -0x1.a2a7c91046f34p-11, 0x1.8574c1fec280dp-13, 0x1.571dc2cb416bep-15, -0x1.f2c214061aa02p-16,
    0x1.95172f94d5ac9p-19, 0x1.27c46a3599b7ap-19, -0x1.150c594d04c18p-19, 0x1.25bb8fb2b1a0cp-19,
    0x1.58e80021eed52p-17, -0x1.35a6bd848ebfp-16, -0x1.29a45f5b2a802p-15, 0x1.0980b69fd074fp-14};
static const double f64_gelu_tanh_d1_root[] = {
    0x1.81429f9e97e4dp-1, -0x1.4f523ed77dbdcp-55, -0x1.b8bacd2c96b91p-2, 0x1.8cd1a2b2fff32p-2,
    0x1.029615edaf739p-6, -0x1.d2b7734646a4ep-4, 0x1.104a83ee93ap-6, 0x1.427996dad2aafp-6,
    -0x1.58c9eea3df3ddp-8, -0x1.3d8d60338e639p-9, 0x1.e64102674ff87p-11, 0x1.14b97e5a686d9p-12,
    -0x1.0562717e70ee4p-13, -0x1.1febc7b7912f5p-15, 0x1.72c2bf22f868dp-16, -0x1.1aab6daf4e52ep-18,
    -0x1.c8b561d7d986fp-15, 0x1.64243cf71f08dp-14, 0x1.7cc9789654e57p-13, -0x1.3a1f7fe702406p-12};
static const double f64_gelu_tanh_d2_root[] = {
    0x1.6b23142700629p+0, 0x1.750d2fad2c04bp-54, -0x1.a360c3e39b758p-2, 0x1.ba73788e0f42fp-2,
    -0x1.0bae229790b3cp-7, -0x1.49ec14523ace5p-3, 0x1.d0e682b0598bep-5, 0x1.4842653e658f6p-6,
    -0x1.11cd246e4ce79p-6, 0x1.9022ef5fb545ep-11, 0x1.5a7b8f7a1b717p-9, -0x1.89f372e1aec89p-11,
    -0x1.12359935162d6p-12, 0x1.7074dda16bb96p-13, 0x1.49182e4f8682bp-19, -0x1.635cd962013d1p-16,
    0x1.2eae9efdfa199p-15, -0x1.0b79d1e133e0ep-14, -0x1.ce08bc7708eefp-14, 0x1.e9253f7dda7ddp-13};
static const double f64_gelu_d1_root[] = {
    0x1.80ead197f00b4p-1, -0x1.13e74c58cada8p-56, -0x1.b9d98fa5a3215p-2, 0x1.8d9a941de3ac5p-2,
    0x1.2a2ef9bb84fccp-6, -0x1.d2fa4c17c782fp-4, 0x1.e4088247308b6p-7, 0x1.3e346dedd55d5p-6,
    -0x1.297b9f0ce1107p-8, -0x1.258a6926c2261p-9, 0x1.8683745945d8ep-11, 0x1.86ba792415affp-13,
    -0x1.6b8e7a00de817p-14, -0x1.5f6bec55c7385p-17, 0x1.0ce140d5089e2p-16, -0x1.83fa839614303p-17,
    -0x1.281da13c3ca42p-14, 0x1.ae5a9fe0555bep-14, 0x1.ff999aa4003dp-13, -0x1.79f3a2c4de401p-12};

FA_INLINE vec FN(near_root)(vec a, const double *c) {
    vec d = (a - K(c[0])) - K(c[1]), y = v_fma(d, K(c[19]), K(c[18]));
    y = v_fma(d, y, K(c[17]));
    y = v_fma(d, y, K(c[16]));
    y = v_fma(d, y, K(c[15]));
    y = v_fma(d, y, K(c[14]));
    y = v_fma(d, y, K(c[13]));
    y = v_fma(d, y, K(c[12]));
    y = v_fma(d, y, K(c[11]));
    y = v_fma(d, y, K(c[10]));
    y = v_fma(d, y, K(c[9]));
    y = v_fma(d, y, K(c[8]));
    y = v_fma(d, y, K(c[7]));
    y = v_fma(d, y, K(c[6]));
    y = v_fma(d, y, K(c[5]));
    y = v_fma(d, y, K(c[4]));
    y = v_fma(d, y, K(c[3]));
    return d * v_fma(d, y, K(c[2]));
}

/* exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)) as s + s p times the bracket; where
 * that cancels, from the polynomial around the root. */
FA_INLINE vec FN(gelu_slope_tail)(vec a, vec s, vec p) {
    vec c = v_fnma(a, K(INV_SQRT_2PI), FN(half_erfcx_sqrt2)(a));
    mask near = v_lt(v_abs(a - K(0.75)), K(0.25));
    return v_select(near, FN(near_root)(a, f64_gelu_d1_root) * K(0x1p128), v_fma(c, p, c) * s);
}
