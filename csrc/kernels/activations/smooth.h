/* Smooth rectifiers. Max errors are those of all float32 inputs (docs/float32_all.md), and of samples in float64. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_SMOOTH_H64) : !defined(FA_SMOOTH_H32)
#ifdef FA_T_IS_F64
#define FA_SMOOTH_H64
#else
#define FA_SMOOTH_H32
#endif

#include "exponential.h"
#include "gated.h"
#include "sigmoids.h"

/* max(x, 0) + log1p(e)/beta, from u = beta x, e = exp(-|u|) and inverse = 1/beta. */
FA_INLINE vec FN(softplus_of)(vec x, vec u, vec e, vec inverse) {
    vec y = v_fma(FN(log1p_unit)(e), inverse, v_select(v_lt(K(0), u), x, K(0)));
    return FN(softplus_near)(u, inverse, y);
}
/* softplus(x) = log(1 + exp(u))/beta = max(x, 0) + log1p(e)/beta, u = beta x, e = exp(-|u|). Range (0, inf).
 * At -inf 0, at inf inf.
 * Max error: float32 1.58 ulp at -0x1.b9ec4p+1, float64 1.5 ulp, for beta = 1.
 * It needs no threshold and never overflows. What the rounding of u lost is put back: the exponential would multiply
 * that by |u|. */
FA_INLINE vec FN(softplus)(vec x, vec beta) {
    mask positive;
    vec low, a = FN(scaled_parts)(x, beta, &low, &positive), e = v_exp_scaled(a), inverse = K(1) / beta;
    e = v_fma(e, low, e);
    vec y = FN(softplus_of)(x, beta * x, e * K(EXP_SCALE), inverse);
    mask tail = v_mask_and(v_lt(a, K(-40)), v_mask_not(positive)); /* where softplus is e/beta */
    return v_select(tail, FN(times_scaled)(inverse, e, a), y);
}
/* softplus'(x) = sigmoid(u). Max error: as that of sigmoid. */
FA_INLINE vec FN(softplus_d1)(vec x, vec beta) {
    mask positive;
    vec low, a = FN(scaled_parts)(x, beta, &low, &positive), e = FN(exp_monotone)(a);
    return FN(sigmoid_of)(v_fma(e, low, e), v_mask_not(positive));
}
/* softplus''(x) = beta sigmoid'(u). Max error: as that of sigmoid'. */
FA_INLINE vec FN(softplus_d2)(vec x, vec beta) {
    mask positive;
    vec low, a = FN(scaled_parts)(x, beta, &low, &positive);
    return FN(times_scaled)(beta, FN(logistic_slope)(a, low), a);
}
/* softplus' from y = softplus(x): sigmoid(u) = 1 - exp(-beta y). */
FA_INLINE vec FN(softplus_from_output)(vec y, vec beta) { return -FN(expm1)(-(beta * y)); }

/* logsigmoid(x) = -softplus(-x) = min(x, 0) - log1p(e). Range (-inf, 0). At -inf -inf, at inf -0.
 * Max error: float32 1.58 ulp at 0x1.b9ec4p+1, float64 1.5 ulp. */
FA_INLINE vec FN(logsigmoid)(vec x) {
    return -FN(softplus_of)(-x, -x, v_exp_nonpos(FN(minus_abs)(x)), K(1));
}
/* logsigmoid'(x) = sigmoid(-x). Max error: float32 1.50 ulp at 0x1.09549p+2, float64 1.41 ulp. */
FA_INLINE vec FN(logsigmoid_d1)(vec x) { return FN(sigmoid)(-x); }
/* logsigmoid''(x) = -sigmoid'(x). Max error: float32 2.40 ulp at -0x1.626e96p+2, float64 2.14 ulp. */
FA_INLINE vec FN(logsigmoid_d2)(vec x) { return -FN(sigmoid_d1)(x); }

/* r = sqrt(x^2 + b) and h = (|x| + r)/2 as double-double: the rounding of r alone is an ulp of the results around 0.
 * Where x^2 would overflow both are multiplied by half^2. */
typedef struct {
    vdd r, h;
    vec half, inverse; /* inverse: 1/half */
} FN(squareplus_parts);

FA_INLINE FN(squareplus_parts) FN(squareplus_parts_of)(vec x, vec b) {
    mask far = v_lt(K(SQUARE_BOUND), v_abs(x));
    FN(squareplus_parts) s = {.half = v_select(far, K(SQUARE_HALF_SCALE), K(1)),
                              .inverse = v_select(far, K(1 / SQUARE_HALF_SCALE), K(1))};
    vec scale = s.half * s.half, a = v_min(K(LARGEST), v_abs(x)) * scale;
    vdd square = FN(dd_add_vec)(FN(dd_of)(a * a, v_fms(a, a, a * a)), b * scale * scale);
    s.r.hi = v_sqrt(square.hi);
    s.r.lo = (v_fnma(s.r.hi, s.r.hi, square.hi) + square.lo) * K(0.5) / s.r.hi;
    s.h = FN(dd_mul_vec)(FN(dd_add_vec)(s.r, a), K(0.5));
    return s;
}
/* half (b/4)/divisor, for a divisor that is scaled. That undoes one half of its scale; the caller undoes the others. */
FA_INLINE vec FN(squareplus_quarter)(FN(squareplus_parts) s, vec b, vdd divisor) {
    return FN(dd_to_vec)(FN(dd_div)(FN(dd_of)(K(0.25) * b * s.half, K(0)), divisor));
}
/* squareplus(x) = (x + r)/2: h for x >= 0, (b/4)/h for x < 0, where x + r would cancel. Range (0, inf).
 * At -inf 0, at inf inf.
 * Max error: float32 0.75 ulp at -0x1.847b86p+126, float64 0.62 ulp, for b = 4. */
FA_INLINE vec FN(squareplus)(vec x, vec b) {
    FN(squareplus_parts) s = FN(squareplus_parts_of)(x, b);
    vec below = FN(squareplus_quarter)(s, b, s.h) * s.half, above = FN(dd_to_vec)(s.h) * s.inverse * s.inverse;
    below = v_select(v_eq(x, K(-INFINITY)), K(0), below);
    return v_select(v_lt(x, K(0)), below, v_select(v_eq(x, K(INFINITY)), x, above));
}
/* squareplus'(x) = (1 + x/r)/2: y = (b/4)/(h r) for x < 0, 1 - y for x >= 0. At -inf 0, at inf 1.
 * Max error: float32 0.75 ulp at 0x1.8dba1ep-9, float64 0.75 ulp, for b = 4. */
FA_INLINE vec FN(squareplus_d1)(vec x, vec b) {
    FN(squareplus_parts) s = FN(squareplus_parts_of)(x, b);
    vec y = FN(squareplus_quarter)(s, b, FN(dd_mul)(s.h, s.r)) * s.half * s.half * s.half;
    return v_select(v_lt(x, K(0)), y, K(1) - y);
}
/* squareplus''(x) = (b/2)/r^3, even. At both infinities 0.
 * Max error: float32 3.04 ulp at -0x1.436c16p+13, float64 2.71 ulp, for b = 4.
 * r^3 as written would overflow where the result is still above 0. */
FA_INLINE vec FN(squareplus_d2)(vec x, vec b) {
    FN(squareplus_parts) s = FN(squareplus_parts_of)(x, b);
    vdd inverse = FN(dd_div)(FN(dd_of)(K(1), K(0)), s.r);
    vdd y = FN(dd_mul_vec)(FN(dd_mul)(inverse, inverse), K(0.5) * b * s.half * s.half);
    return FN(dd_to_vec)(y) * inverse.hi * s.half * s.half * s.half * s.half;
}

#endif
