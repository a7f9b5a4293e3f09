/* elu, selu and celu: a straight line above 0, an exponential below.
 *
 * expm1(x) for x <= 0 comes as hi + lo, so that its product with a factor is rounded once. Exponentials come divided
 * by EXP_SCALE (exp_scaled); the product with EXP_SCALE comes last, so that a subnormal result is rounded once.
 * Max errors are those of all float32 inputs (docs/float32_all.md), and of samples in float64. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_EXPONENTIAL_H64) : !defined(FA_EXPONENTIAL_H32)
#ifdef FA_T_IS_F64
#define FA_EXPONENTIAL_H64
#else
#define FA_EXPONENTIAL_H32
#endif

/* part * y, times EXP_SCALE unless `scaled`, where y decays like exp(u). For u <= EXP_MIN, where scaled exponentials
 * stop falling, it is 0: right unless the whole factor exceeds 1e11 (float64: 1e22). */
FA_INLINE vec FN(times_parts)(vec part, mask scaled, vec y, vec u) {
    vec falling = v_keep(v_mask_not(v_le(u, K(EXP_MIN))), y); /* a NaN u keeps y */
    return part * falling * v_select(scaled, K(1), K(EXP_SCALE));
}
/* factor * y * EXP_SCALE. A subnormal result is rounded once. EXP_SCALE multiplies a large factor first, so that no
 * product overflows. */
FA_INLINE vec FN(times_scaled)(vec factor, vec y, vec u) {
    mask large = v_le(K(1), v_abs(factor));
    return FN(times_parts)(v_select(large, factor * K(EXP_SCALE), factor), large, y, u);
}

/* elu(x) = x > 0 ? x : alpha expm1(x). Range (-alpha, inf). At -inf -alpha.
 * Max error: float32 1.48 ulp at -0x1.c23796p-6, float64 0.63 ulp, for alpha = 1; any other adds a rounding. */
FA_INLINE vec FN(elu)(vec x, vec alpha) {
    vec low, high = FN(expm1_nonpos)(v_min(K(0), x), &low);
    return v_select(v_lt(x, K(0)), v_fma(alpha, high, alpha * low), x);
}
/* alpha exp(min(x, 0)): both derivatives below 0. */
FA_INLINE vec FN(elu_fall)(vec x, vec alpha) {
    vec below = v_min(K(0), x);
    return FN(times_scaled)(alpha, v_exp_scaled(below), below);
}
/* elu'(x) = x > 0 ? 1 : alpha exp(x). At the kink 0: alpha.
 * Max error: float32 0.81 ulp at -0x1.5df3c4p+6, float64 0.90 ulp. */
FA_INLINE vec FN(elu_d1)(vec x, vec alpha) { return v_select(v_lt(K(0), x), K(1), FN(elu_fall)(x, alpha)); }
/* elu''(x) = x > 0 ? 0 : alpha exp(x). At the kink 0: alpha.
 * Max error: float32 0.81 ulp at -0x1.5df3c4p+6, float64 0.90 ulp. */
FA_INLINE vec FN(elu_d2)(vec x, vec alpha) { return v_select(v_lt(K(0), x), K(0), FN(elu_fall)(x, alpha)); }
/* elu' from y = elu(x): y > 0 ? 1 : y + alpha, which is alpha exp(x). */
FA_INLINE vec FN(elu_from_output)(vec y, vec alpha) { return v_select(v_lt(K(0), y), K(1), y + alpha); }

/* selu(x) = scale (x > 0 ? x : alpha expm1(x)). Range (-1.759, inf). At -inf -scale alpha.
 * Max error: float32 1.57 ulp at -0x1.9655dp-6, float64 0.62 ulp.
 * The constants make mean 0 and variance 1 a fixed point; they are hi + lo. SELU_SCALE_ALPHA is scale alpha. */
FA_INLINE vec FN(selu)(vec x) {
    vec low, high = FN(expm1_nonpos)(v_min(K(0), x), &low);
    vec y = v_fma(high, K(SELU_SCALE_ALPHA), v_fma(low, K(SELU_SCALE_ALPHA), high * K(SELU_SCALE_ALPHA_LOW)));
    return v_select(v_lt(x, K(0)), y, v_fma(x, K(SELU_SCALE), x * K(SELU_SCALE_LOW)));
}
/* scale alpha exp(min(x, 0)): both derivatives below 0. */
FA_INLINE vec FN(selu_fall)(vec x) {
    vec e = v_exp_scaled(v_min(K(0), x));
    return v_fma(e, K(SELU_SCALE_ALPHA), e * K(SELU_SCALE_ALPHA_LOW)) * K(EXP_SCALE);
}
/* selu'(x) = x > 0 ? scale : scale alpha exp(x). At the kink 0: scale alpha.
 * Max error: float32 1.46 ulp at -0x1.4421e8p+6, float64 1.41 ulp. */
FA_INLINE vec FN(selu_d1)(vec x) {
    return v_select(v_lt(K(0), x), K(SELU_SCALE + SELU_SCALE_LOW), FN(selu_fall)(x));
}
/* selu''(x) = x > 0 ? 0 : scale alpha exp(x). At the kink 0: scale alpha.
 * Max error: float32 1.46 ulp at -0x1.4421e8p+6, float64 1.41 ulp. */
FA_INLINE vec FN(selu_d2)(vec x) { return v_select(v_lt(K(0), x), K(0), FN(selu_fall)(x)); }
/* selu' from y = selu(x): y > 0 ? scale : y + scale alpha, which is scale alpha exp(x). */
FA_INLINE vec FN(selu_from_output)(vec y) {
    return v_select(v_lt(K(0), y), K(SELU_SCALE + SELU_SCALE_LOW), (y + K(SELU_SCALE_ALPHA)) + K(SELU_SCALE_ALPHA_LOW));
}

/* 1/alpha, scaled: that of a subnormal alpha would overflow. alpha is mostly the same for all x, and the compiler moves
 * this one division out of the loop. */
typedef struct {
    vec scale, alpha, inverse; /* alpha: times scale; inverse: 1 over that */
} FN(celu_divisor);

FA_INLINE FN(celu_divisor) FN(celu_divisor_of)(vec alpha) {
    vec scale = v_select(v_lt(v_abs(alpha), K(EXP_SCALE)), K(1 / EXP_SCALE), K(1)), scaled = alpha * scale;
    FN(celu_divisor) d = {scale, scaled, K(1) / scaled};
    return d;
}
/* u = min(x, 0)/alpha, and in *low what its rounding lost: the exponential would multiply that by |u|. */
FA_INLINE vec FN(celu_quotient)(vec x, FN(celu_divisor) d, vec *low) {
    vec below = v_min(K(0), x) * d.scale, u = below * d.inverse;
    *low = v_keep(v_lt(v_abs(u), K(-EXP_MIN)), v_fnma(u, d.alpha, below) * d.inverse);
    return u;
}
/* celu(x) = x > 0 ? x : alpha expm1(u), u = x/alpha; where |u| < 2^-60, x. Range (-alpha, inf). At -inf -alpha.
 * Max error: float32 0.82 ulp at -0x1.20355p-2, float64 0.71 ulp, for alpha = 1. */
FA_INLINE vec FN(celu)(vec x, vec alpha) {
    vec low, u = FN(celu_quotient)(x, FN(celu_divisor_of)(alpha), &low), y = v_expm1(u);
    mask straight = v_mask_or(v_le(K(0), x), v_lt(v_abs(u), K(0x1p-60)));
    return v_select(straight, x, alpha * v_fma(low, K(1) + y, y));
}
/* exp(u)/EXP_SCALE, u = min(x, 0)/alpha. */
FA_INLINE vec FN(celu_fall_scaled)(vec x, FN(celu_divisor) d, vec *u) {
    vec low, e;
    *u = FN(celu_quotient)(x, d, &low);
    e = v_exp_scaled(*u);
    return v_fma(e, low, e);
}
/* celu'(x) = x > 0 ? 1 : exp(u). At the kink 0: 1. Max error: float32 0.81 ulp at -0x1.5df3c4p+6, float64 0.90 ulp. */
FA_INLINE vec FN(celu_d1)(vec x, vec alpha) {
    vec u, fall = FN(celu_fall_scaled)(x, FN(celu_divisor_of)(alpha), &u);
    return v_select(v_lt(K(0), x), K(1), fall * K(EXP_SCALE));
}
/* celu''(x) = x > 0 ? 0 : exp(u)/alpha. At the kink 0: 1/alpha.
 * Max error: float32 0.81 ulp at -0x1.5df3c4p+6, float64 0.90 ulp.
 * As times_scaled by 1/alpha, which might overflow where the result does not: of a large one EXP_SCALE comes first. */
FA_INLINE vec FN(celu_d2)(vec x, vec alpha) {
    FN(celu_divisor) d = FN(celu_divisor_of)(alpha);
    vec u, fall = FN(celu_fall_scaled)(x, d, &u);
    mask large = v_le(K(1), v_abs(d.inverse * d.scale));
    vec part = v_select(large, d.inverse * (d.scale * K(EXP_SCALE)), d.inverse);
    return v_select(v_lt(K(0), x), K(0), FN(times_parts)(part, large, fall, u));
}
/* celu' from y = celu(x): y > 0 ? 1 : 1 + y/alpha, which is exp(u). At y = -alpha 0.
 * The quotient is rounded correctly, by its remainder and a correctly rounded inverse, as Markstein showed. */
FA_INLINE vec FN(celu_from_output)(vec y, vec alpha) {
    FN(celu_divisor) d = FN(celu_divisor_of)(alpha);
    vec above = y * d.scale, q = above * d.inverse;
    return v_select(v_lt(K(0), y), K(1), K(1) + v_fma(v_fnma(q, d.alpha, above), d.inverse, q));
}

#endif
