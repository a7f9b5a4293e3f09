/* The tables of float32's functions, from tools/derive_f32_tables.py. */
#ifndef FA_TABLES_F32_H
#define FA_TABLES_F32_H

#include "names.h"

#include "../simd/f32.h"

/* (16,): 2^(j/16) as a float32, less j << 19, which the bits of the index bring back; and what it lost, relative. */
static _Alignas(64) const float f32_exp2[16] = {
    0x1p+0f, 0x1.fb5586p-1f, 0x1.f72b84p-1f, 0x1.f387a6p-1f, 0x1.f06fep-1f, 0x1.edea64p-1f, 0x1.ebfdaep-1f,
    0x1.eab07ep-1f, 0x1.ea09e6p-1f, 0x1.ea1148p-1f, 0x1.eace54p-1f, 0x1.ec4918p-1f, 0x1.ee89fap-1f,
    0x1.f199bep-1f, 0x1.f5818ep-1f, 0x1.fa4afap-1f};
static _Alignas(64) const float f32_exp2_low[16] = {
    0, 0x1.8d96d4p-25f, -0x1.9c0c22p-27f, 0x1.964904p-25f, 0x1.125002p-25f, 0x1.370be4p-25f,
    -0x1.0a355p-25f, -0x1.00d8acp-27f, 0x1.26055cp-26f, -0x1.05cb44p-25f, 0x1.67a1cap-28f, 0x1.a3b5e4p-28f,
    -0x1.f9c304p-27f, -0x1.6961b4p-28f, -0x1.a5217cp-28f, 0x1.61428ep-28f};

/* Functions of a in [0, 14.99] in 16 pieces, four to each octave of 1 + a. Row 0 is the point at which a piece's
 * polynomial is centred: one where the exact value is within 2^-31 of a float32, so that the leading coefficient
 * brings no error of its own. The other rows are the coefficients. All are (row, piece). */

/* tanh(a), relative error 1.3e-8. In the first piece: of tanh(a) - a, for a is added to it. */
static _Alignas(64) const float f32_tanh_pieces[8][16] = {
    {0x1.40015ep+0f, 0x1.bfff9p+0f, 0x1.1ffe24p+1f, 0x1.60023p+1f, 0x1.bffdcp+1f, 0x1.1ffee2p+2f,
     0x1.60032p+2f, 0x1.9ffcep+2f, 0x1.fff9cp+2f, 0x1.40032p+3f, 0x1.80032p+3f, 0x1.c0032p+3f, 0,
     0x1.80002ep-2f, 0x1.3ffe2ep-1f, 0x1.bfff6p-1f},
    {0x1.b253p-1f, 0x1.e1fbep-1f, 0x1.f4bf84p-1f, 0x1.fbd52ep-1f, 0x1.ff1124p-1f, 0x1.ffdfa6p-1f,
     0x1.fffbap-1f, 0x1.ffff68p-1f, 0x1.fffff8p-1f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0, 0x1.6ef566p-2f,
     0x1.1bf33cp-1f, 0x1.6866p-1f},
    {0x1.1f2272p-2f, 0x1.d22e14p-4f, 0x1.641aa8p-5f, 0x1.099ea8p-6f, 0x1.dd4af4p-9f, 0x1.02c944p-11f,
     0x1.18190cp-14f, 0x1.2f7f0ap-17f, 0x1.e46b24p-22f, 0x1.1b2e3p-27f, 0x1.4bf1cp-33f, 0x1.851afep-39f,
     0, 0x1.be3facp-1f, 0x1.62862ap-1f, 0x1.02507cp-1f},
    {-0x1.e72586p-3f, -0x1.b6d9ap-4f, -0x1.5c473ap-5f, -0x1.077534p-6f, -0x1.dc6ac8p-9f, -0x1.02b7f2p-11f,
     -0x1.19a10ep-14f, -0x1.275a84p-17f, -0x1.72d456p-22f, -0x1.61e144p-25f, -0x1.9ed182p-31f,
     -0x1.e6402p-37f, -0x1.343d66p-20f, -0x1.3fd56ep-2f, -0x1.893b26p-2f, -0x1.6ba81cp-2f},
    {0x1.bbb252p-4f, 0x1.01c1a2p-4f, 0x1.bbd9d2p-6f, 0x1.5988d2p-7f, 0x1.3c272ap-9f, 0x1.586c6cp-12f,
     0x1.7507aap-15f, 0x1.94446p-18f, 0x1.3cbb6cp-22f, 0x1.75f524p-28f, 0x1.b65a7ap-34f, 0x1.00eb4ep-39f,
     -0x1.55445p-2f, -0x1.6dc386p-3f, -0x1.246d62p-6f, 0x1.4f106cp-4f},
    {-0x1.9c8524p-7f, -0x1.8169fcp-6f, -0x1.93d54cp-7f, -0x1.4e2f1cp-8f, -0x1.39f988p-10f,
     -0x1.583bd2p-13f, -0x1.43b432p-16f, -0x1.4c66b6p-18f, -0x1.81bfacp-22f, 0x1.0f6908p-24f,
     0x1.3e25bap-30f, 0x1.74eecp-36f, -0x1.3ba50ep-10f, 0x1.5856eap-3f, 0x1.1a685ep-3f, 0x1.f212dcp-5f},
    {-0x1.4272e8p-6f, 0x1.c88122p-9f, 0x1.04b116p-8f, 0x1.f5f95ap-10f, 0x1.012152p-11f, 0x1.1e869p-14f,
     0x1.371d0cp-17f, 0x1.50a1a2p-20f, 0x1.2f79bcp-24f, 0x1.5631d8p-30f, 0x1.911efap-36f, 0x1.d631bcp-42f,
     0x1.253a3cp-3f, 0x1.339b8ap-6f, -0x1.bc07aep-5f, -0x1.df3f7cp-5f},
    {0x1.ef64f6p-7f, 0x1.11c9c6p-9f, -0x1.791c76p-11f, -0x1.1e83ecp-11f, -0x1.496c0ep-13f, -0x1.795bp-16f,
     -0x1.48d71ap-17f, 0x1.0dbad2p-18f, 0x1.9827fcp-24f, -0x1.471cd2p-25f, -0x1.7f711p-31f,
     -0x1.c1787ap-37f, -0x1.30226cp-5f, -0x1.1f8058p-4f, -0x1.868c7ep-6f, 0x1.a52882p-7f},
};

/* a erfcx(a/sqrt2)/2, relative error 2.4e-9. */
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

/* 0.5 in the first piece: its linear coefficient, which is 0 above, since a product with 0.5 is exact. 0 in the
 * others. */
static _Alignas(64) const float f32_gelu_first[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5f, 0, 0, 0};

/* Columns as above: row 0 is a piece's centre, row r the coefficient of degree r - 1.
 * erfcx(a/sqrt2)/2 - a/sqrt(2 pi), error 1.1e-8 relative to the value or, around the root, to 2^-4. */
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

/* The piece of a, in the low four bits: the exponent's last two and the fraction's first two of 1 + a. */
FA_INLINE ivec FN(piece_of)(vec a) { return v_bits(a + K(1)) >> 21; }

/* A piece's polynomial, with the leading term given. pieces: (row, piece). */
FA_MATH vec FN(piecewise)(vec a, ivec piece, const float pieces[8][16], vec leading) {
    vec d = a - v_lookup16(pieces[0], piece), y = v_lookup16(pieces[7], piece);
    y = v_fma(d, y, v_lookup16(pieces[6], piece));
    y = v_fma(d, y, v_lookup16(pieces[5], piece));
    y = v_fma(d, y, v_lookup16(pieces[4], piece));
    y = v_fma(d, y, v_lookup16(pieces[3], piece));
    y = v_fma(d, y, v_lookup16(pieces[2], piece));
    return v_fma(d, y, leading);
}

#endif
