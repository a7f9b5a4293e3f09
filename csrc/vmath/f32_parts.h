/* What the activations need of float32 beside the elementary functions. */

/* gelu's constants: where a^2 exp(-a^2/2) rounds to 0, and 2 sqrt(2/pi) (1, 0.044715). */
#define f32_GELU_BOUND 14.9f
#define f32_INV_SQRT_2PI 0x1.988454p-2f
#define f32_GELU_C1 0x1.988454p+0f
#define f32_GELU_C1_LOW -0x1.857936p-25f
#define f32_GELU_C2 0x1.2444f2p-4f
#define f32_GELU_C2_LOW 0x1.49b16ap-29f
#define f32_GELU_3C2 0x1.b6676cp-3f
#define f32_GELU_3C2_LOW -0x1.175e2p-32f

/* Functions of a in [0, 14.99] in 16 pieces, four to each octave of 1 + a. Row 0 is the
 * point a piece's polynomial is centred at, chosen where the exact value is within 2^-31
 * of a float32, so that the leading coefficient brings no error of its own; the other
 * rows are the coefficients. */

/* a erfcx(a/sqrt2)/2, relative error 2.4e-9 */
static _Alignas(64) const float f32_gelu_pieces[8][16] = {
    {0x1.40023ap+0f, 0x1.c0031p+0f, 0x1.1ffec4p+1f, 0x1.5ffd3p+1f, 0x1.c000bep+1f, 0x1.200078p+2f,
     0x1.5fffd8p+2f, 0x1.9ffecap+2f, 0x1.fffff8p+2f, 0x1.3fff6ap+3f, 0x1.8000a4p+3f, 0x1.c002b4p+3f, 0,
     0x1.7ffe74p-2f, 0x1.4001aep-1f, 0x1.c000e2p-1f},
    {0x1.27605ep-2f, 0x1.4bf01p-2f, 0x1.620344p-2f, 0x1.701e7p-2f, 0x1.7d242ep-2f, 0x1.86c634p-2f,
     0x1.8c2b86p-2f, 0x1.8f76d2p-2f, 0x1.926972p-2f, 0x1.948c6ap-2f, 0x1.95bcb6p-2f, 0x1.9676bep-2f, 0,
     0x1.238864p-3f, 0x1.9de6b2p-3f, 0x1.f559d2p-3f},
    {0x1.7b7616p-4f, 0x1.bd40ap-5f, 0x1.15accep-5f, 0x1.6c64ap-6f, 0x1.a29d6cp-7f, 0x1.bfb914p-8f,
     0x1.07e43cp-8f, 0x1.4ea7bap-9f, 0x1.7626p-10f, 0x1.8af45ep-11f, 0x1.d0f922p-12f, 0x1.27e2c6p-12f, 0,
     0x1.222fc4p-2f, 0x1.9a43e4p-3f, 0x1.28be4ap-3f},
    {-0x1.aec8cap-5f, -0x1.be0dep-6f, -0x1.ee9da6p-7f, -0x1.22afa4p-7f, -0x1.1ee02ep-8f, -0x1.004b9ap-9f,
     -0x1.02000ep-10f, -0x1.1c8ac6p-11f, -0x1.0926e6p-12f, -0x1.c8837ep-14f, -0x1.c4cc6ep-15f,
     -0x1.f1514cp-16f, -0x1.988446p-2f, -0x1.a0aecep-3f, -0x1.12ec12p-3f, -0x1.73b6a4p-4f},
    {0x1.8fe6e6p-6f, 0x1.721536p-7f, 0x1.70c90cp-8f, 0x1.87bfb8p-9f, 0x1.4fa254p-10f, 0x1.fa2aa8p-12f,
     0x1.b63d5p-13f, 0x1.a67468p-14f, 0x1.49b306p-15f, 0x1.d0e108p-17f, 0x1.857486p-18f, 0x1.71b90ep-19f,
     0x1.fffa1ep-3f, 0x1.dc35f4p-4f, 0x1.27b698p-4f, 0x1.78a5b4p-5f},
    {-0x1.446574p-7f, -0x1.0ed8dep-8f, -0x1.e93054p-10f, -0x1.d923bcp-11f, -0x1.62fc36p-12f, -0x1.c7cb4ep-14f,
     -0x1.5580cep-15f, -0x1.211114p-16f, -0x1.7bbcaep-18f, -0x1.b80db2p-20f, -0x1.382a8p-21f,
     -0x1.007872p-22f, -0x1.0feb04p-3f, -0x1.d2380cp-5f, -0x1.122334p-5f, -0x1.4ad8ep-6f},
    {0x1.e12e6ap-9f, 0x1.6c4b5cp-10f, 0x1.2b3406p-11f, 0x1.090192p-12f, 0x1.649668p-14f, 0x1.867b3cp-16f,
     0x1.fb790ep-18f, 0x1.79df4cp-19f, 0x1.ab5094p-21f, 0x1.94cbe2p-23f, 0x1.e41dfcp-25f, 0x1.57f712p-26f,
     0x1.f200d4p-5f, 0x1.961772p-6f, 0x1.c6ef8cp-7f, 0x1.064ccep-7f},
    {-0x1.452c56p-10f, -0x1.c80a64p-12f, -0x1.549a56p-13f, -0x1.0bc182p-14f, -0x1.4a22acp-16f,
     -0x1.3732a6p-18f, -0x1.631fa4p-20f, -0x1.d0acecp-22f, -0x1.bff29ep-24f, -0x1.614be8p-26f,
     -0x1.61fd8ep-28f, -0x1.bc71f6p-30f, -0x1.485ee4p-6f, -0x1.506a3p-7f, -0x1.5d72a2p-8f, -0x1.74730ap-9f},
};

/* What of the first piece is left to an exact a/2 is its second coefficient, 0 above. */
static _Alignas(64) const float f32_gelu_first[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5f, 0, 0, 0};

/* erfcx(a/sqrt2)/2 - a/sqrt(2 pi), error 1.1e-8 relative to the value or,
 * around the root, to 2^-4 */
static _Alignas(64) const float f32_gelu_slope_pieces[8][16] = {
    {0x1.3ffd34p+0f, 0x1.bffd4ap+0f, 0x1.20004ap+1f, 0x1.60015ep+1f, 0x1.bffd5ap+1f, 0x1.1ffebap+2f,
     0x1.6002dap+2f, 0x1.a00164p+2f, 0x1.0001c8p+3f, 0x1.3ffd8cp+3f, 0x1.8002ccp+3f, 0x1.bffd9ep+3f, 0,
     0x1.800038p-2f, 0x1.4003p-1f, 0x1.bffddcp-1f},
    {-0x1.125346p-2f, -0x1.069a88p-1f, -0x1.7ce9ecp-1f, -0x1.eec9fep-1f, -0x1.4a3818p+0f, -0x1.b5dd12p+0f,
     -0x1.0fdc54p+1f, -0x1.443e0ep+1f, -0x1.923d9p+1f, -0x1.f992e6p+1f, -0x1.304882p+2f, -0x1.63a158p+2f,
     0x1p-1f, 0x1.d70a84p-3f, 0x1.2f1e68p-4f, -0x1.1bd4f6p-4f},
    {-0x1.04d512p-1f, -0x1.e519d8p-2f, -0x1.cf04f8p-2f, -0x1.c0e978p-2f, -0x1.b3e4d2p-2f, -0x1.aa42a4p-2f,
     -0x1.a4dceep-2f, -0x1.a191bap-2f, -0x1.9e9f2p-2f, -0x1.9c7c48p-2f, -0x1.9b4be8p-2f, -0x1.9a91f4p-2f,
     -0x1.988454p-1f, -0x1.4fa1fap-1f, -0x1.310a64p-1f, -0x1.1b2e4ep-1f},
    {0x1.7b7ebp-5f, 0x1.bd4abp-6f, 0x1.15a9eep-6f, 0x1.6c5b22p-7f, 0x1.a2a4d6p-8f, 0x1.bfbfc6p-9f,
     0x1.07de4ep-9f, 0x1.4ea202p-10f, 0x1.761e4ep-11f, 0x1.8afad6p-12f, 0x1.d0f2cep-13f, 0x1.27ebbcp-13f,
     0x1.000036p-2f, 0x1.222f06p-3f, 0x1.9a42b6p-4f, 0x1.28c0aep-4f},
    {-0x1.1f3a44p-6f, -0x1.2964cp-7f, -0x1.49c28cp-8f, -0x1.838a26p-9f, -0x1.7e7894p-10f, -0x1.55aa64p-11f,
     -0x1.5820cep-12f, -0x1.7b0f7ap-13f, -0x1.615c56p-14f, -0x1.305b52p-15f, -0x1.2e59c2p-16f,
     -0x1.4bf9ecp-17f, -0x1.105c46p-3f, -0x1.15ca1ap-4f, -0x1.6e8158p-5f, -0x1.efba3cp-6f},
    {0x1.8fb2e2p-8f, 0x1.722086p-9f, 0x1.708d8cp-10f, 0x1.87ac48p-11f, 0x1.4fc7aap-12f, 0x1.fa9742p-14f,
     0x1.b5b2bcp-15f, 0x1.a68fcap-16f, 0x1.49d7f4p-17f, 0x1.d11ae8p-19f, 0x1.839312p-20f, 0x1.7351a4p-21f,
     0x1.fff804p-5f, 0x1.dc5aaep-6f, 0x1.26f264p-6f, 0x1.77665p-7f},
    {-0x1.047f8ep-9f, -0x1.b5434cp-11f, -0x1.82f458p-12f, -0x1.7a4d7ep-13f, -0x1.224c44p-14f,
     -0x1.77e41ap-16f, -0x1.039076p-17f, -0x1.036942p-18f, -0x1.3a9accp-20f, -0x1.64c084p-22f,
     -0x1.999176p-24f, -0x1.5851fap-25f, -0x1.acd91p-6f, -0x1.744d58p-7f, -0x1.cae36ep-8f, -0x1.efb78ep-9f},
    {0x1.587482p-11f, 0x1.e66c9ap-13f, 0x1.b4a642p-14f, 0x1.653e74p-15f, 0x1.d2bd42p-17f, 0x1.e8a54ep-19f,
     0x1.7fce34p-20f, 0x1.c5cb48p-22f, 0x1.148e68p-23f, 0x1.07d336p-25f, 0x1.e3f4f8p-27f, 0x1.0c0c94p-29f,
     0x1.0daffcp-7f, 0x1.e727e2p-9f, 0x1.22cf86p-8f, 0x1.96defcp-9f},
};

FA_INLINE vec FN(piecewise)(vec d, ivec piece, const float pieces[8][16], vec leading) {
    vec y = v_lookup16(pieces[7], piece);
    y = v_fma(d, y, v_lookup16(pieces[6], piece));
    y = v_fma(d, y, v_lookup16(pieces[5], piece));
    y = v_fma(d, y, v_lookup16(pieces[4], piece));
    y = v_fma(d, y, v_lookup16(pieces[3], piece));
    y = v_fma(d, y, v_lookup16(pieces[2], piece));
    return v_fma(d, y, leading);
}
/* a Phi(-a) = exp(-a^2/2) a erfcx(a/sqrt2)/2, with the exponential as s + s p. The first
 * piece's leading term is a/2, which is exact, so that only a small one is rounded. */
FA_INLINE vec FN(gelu_tail)(vec a, vec s, vec p) {
    ivec piece = v_bits(a + K(1)) >> 21;
    vec leading = v_fma(a, v_lookup16(f32_gelu_first, piece), v_lookup16(f32_gelu_pieces[1], piece));
    vec c = FN(piecewise)(a - v_lookup16(f32_gelu_pieces[0], piece), piece, f32_gelu_pieces, leading);
    return v_fma(c, p, c) * s;
}
/* exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)) */
FA_INLINE vec FN(gelu_slope_tail)(vec a, vec s, vec p) {
    ivec piece = v_bits(a + K(1)) >> 21;
    vec leading = v_lookup16(f32_gelu_slope_pieces[1], piece);
    vec c = FN(piecewise)(a - v_lookup16(f32_gelu_slope_pieces[0], piece), piece, f32_gelu_slope_pieces, leading);
    return v_fma(c, p, c) * s;
}
