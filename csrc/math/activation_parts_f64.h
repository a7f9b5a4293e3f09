/* Constants and functions of float64 that activations and losses use beside the elementary functions;
 * activation_parts_f32.h explains the names. */
#ifndef FA_ACTIVATION_PARTS_F64_H
#define FA_ACTIVATION_PARTS_F64_H

#include "elementary_f64.h"
#include "names.h"

#include "../simd/f64.h"

#define f64_SELU_SCALE 0x1.0cfabd6a91132p+0
#define f64_SELU_SCALE_LOW 0x1.6fc7d272f2695p-55
#define f64_SELU_SCALE_ALPHA 0x1.c212cc640f031p+0
#define f64_SELU_SCALE_ALPHA_LOW 0x1.05161b045a1fep-56
#define f64_QUICK_GELU 0x1.b3b645a1cac08p+0
#define f64_QUICK_GELU_LOW 0x1.89374bc6a7efap-55
#define f64_MISH_BOUND 40.0
#define f64_MISH_SLOPE_BOUND 21.0
#define f64_SQUARE_BOUND 0x1p510
#define f64_MIN_RATIO 0x1p-900
#define f64_EXP_IN_RANGE -1418.0
#define f64_HI_LO_SUFFICES 0.0 /* always enough: there is no wider type to go to */
#define f64_SQUARE_HALF_SCALE 0x1p-257
#define f64_LARGEST 0x1.fffffffffffffp1023
#define f64_SIXTH 0x1.5555555555555p-3
#define f64_SIXTH_LOW 0x1.5555555555555p-57
#define f64_GELU_BOUND 39.0
#define f64_INV_SQRT_2PI 0x1.9884533d43651p-2
#define f64_GELU_C1 0x1.9884533d43651p+0
#define f64_GELU_C1_LOW -0x1.cbc0d30ebfd15p-54
#define f64_GELU_C2 0x1.2444f2a4d8b4bp-4
#define f64_GELU_C2_LOW -0x1.6c843a29d1c7p-61
#define f64_GELU_3C2 0x1.b6676bf7450fp-3
#define f64_GELU_3C2_LOW 0x1.bba7351828aabp-57

/* exp(x + x_low) = EXP_SCALE (s + s p) for x <= 0, as in elementary_f32.h; s a power of two. */
FA_MATH vec FN(exp_parts)(vec x, vec x_low, vec *p) {
    vec bounded = v_max(K(EXP_MIN), x), t = v_fma(bounded, K(F64_LOG2E), K(F64_EXP_SHIFT));
    vec k = t - K(F64_EXP_SHIFT), high = v_fnma(k, K(F64_LN2_HI), bounded);
    vec less = v_fnma(k, K(F64_LN2_LO), x_low), r = high + less, r_low = less - (r - high), square = r * r;
    *p = v_fma(v_fma(FN(exp_c)(r, square), r, K(0.5)), square, r) + r_low;
    return v_from_bits(v_bits(t) << 52);
}
FA_INLINE vec FN(exp_power_parts)(vec x, vec x_low, vec *p) { return FN(exp_parts)(x, x_low, p); }

/* a Phi(-a)/EXP_SCALE = exp(-a^2/2) a erfcx(a/sqrt2)/2, from the exponential as s + s p. */
FA_MATH vec FN(gelu_tail)(vec a, vec s, vec p) {
    vec c = FN(half_erfcx_sqrt2)(a), h = a * c;
    return (h + v_fma(h, p, v_fms(a, c, h))) * s;
}

/* gelu'(-a)/EXP_SCALE = exp(-a^2/2) (erfcx(a/sqrt2)/2 - a/sqrt(2 pi)). erfcx is hi + lo, for the difference cancels. */
FA_MATH vec FN(gelu_slope_tail)(vec a, vec s, vec p) {
    vec d = a + K(3.5), d_low = v_min(K(3.5), a) - (d - v_max(K(3.5), a));
    vec low, high = FN(normal_tail)(d, d_low, &low) * K(0x1p-100);
    vec c = v_fnma(a, K(INV_SQRT_2PI), high) + v_fma(low, K(0x1p-100), a * K(0x1.cbc0d30ebfd15p-56));
    return v_fma(c, p, c) * s;
}

/* exp(x) for x <= 0. Not proved to be monotone, as float32's is. */
FA_INLINE vec FN(exp_monotone)(vec x) { return v_exp_scaled(x) * K(EXP_SCALE); }
FA_MATH vec FN(softplus_near)(vec z, vec scale, vec otherwise) {
    (void)z, (void)scale;
    return otherwise;
}

/* expm1(x) for x <= 0 as hi + lo, the value returned and *low. x is bounded at -40, where it rounds to -1. */
FA_MATH vec FN(expm1_nonpos)(vec x, vec *low) {
    vec rest, half = FN(half_expm1)(v_max(K(-40), x), 0, &rest), high = half + rest;
    mask tiny = v_lt(K(-0x1p-54), x);
    vec lost = rest - (high - half);
    *low = v_select(tiny, K(0), lost + lost);
    return v_select(tiny, x, high + high);
}

/* q of (a - tanh(a))/a^3 = 1/3 + u q(u), u = a^2 in [0, 1]. Relative error of the whole 1.5e-17. */
FA_MATH vec FN(tanhshrink_q)(vec u) {
    vec q = v_fma(u, K(-0x1.b362b503a4d52p-26), K(0x1.1c49b2074e2dcp-22));
    q = v_fma(u, q, K(-0x1.739707ba07aacp-20));
    q = v_fma(u, q, K(0x1.4f7031af028c5p-18));
    q = v_fma(u, q, K(-0x1.ea98f249b3d7cp-17));
    q = v_fma(u, q, K(0x1.4228048bfbb5ap-15));
    q = v_fma(u, q, K(-0x1.94a2f51d5fb5dp-14));
    q = v_fma(u, q, K(0x1.f523d93432426p-13));
    q = v_fma(u, q, K(-0x1.3551ef66ed7f7p-11));
    q = v_fma(u, q, K(0x1.7da2c665f8c06p-10));
    q = v_fma(u, q, K(-0x1.d6d3c60594bep-9));
    q = v_fma(u, q, K(0x1.226e351fe5e2fp-7));
    q = v_fma(u, q, K(-0x1.664f48811293ep-6));
    q = v_fma(u, q, K(0x1.ba1ba1ba15be2p-5));
    return v_fma(u, q, K(-0x1.11111111110d7p-3));
}

#include "../simd/f32.h"

#endif
