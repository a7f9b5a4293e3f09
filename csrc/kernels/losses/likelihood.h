/* Negative log-likelihoods of a target t under a prediction x. regression.h says what holds for all losses. Derivatives
 * by the second input are name_d1_second and name_d2_second. A target's logarithm counts for nothing where the target
 * is 0. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_LIKELIHOOD_H64) : !defined(FA_LIKELIHOOD_H32)
#ifdef FA_T_IS_F64
#define FA_LIKELIHOOD_H64
#else
#define FA_LIKELIHOOD_H32
#endif

#include "../common.h"
#include "deviance.h"

/* p, but NaN outside [0, 1], and 0 for -0: its reciprocal is inf. */
FA_INLINE vec FN(probability)(vec p) {
    return v_select(v_mask_and(v_le(K(0), p), v_le(p, K(1))), v_abs(p), K(NAN));
}
/* binary_cross_entropy = -y log p - (1 - y) log(1 - p), of a probability p = x and a target y in [0, 1]. Each logarithm
 * is at least -100, as in PyTorch. NaN for p outside [0, 1]. */
FA_INLINE vec FN(binary_cross_entropy)(vec x, vec y) {
    vec p = FN(probability)(x);
    vec positive = FN(weighted)(y, v_min(K(100), K(0) - v_log(p)));
    return FN(plus_weighted)(positive, K(1) - y, v_min(K(100), K(0) - v_log1p(-p)));
}
/* d1 = (p - y)/(p (1 - p)): -1/p for y = 1, 1/(1 - p) for y = 0. The true derivative, without the bound of -100. */
FA_INLINE vec FN(binary_cross_entropy_d1)(vec x, vec y) {
    vec p = FN(probability)(x), q = K(1) - p;
    mask none = v_eq(y, K(0)), all = v_eq(y, K(1));
    vec above = v_select(none, K(1), v_select(all, K(-1), p - y));
    return above / v_select(none, q, v_select(all, p, p * q));
}
/* d2 = y/p^2 + (1 - y)/(1 - p)^2. */
FA_INLINE vec FN(binary_cross_entropy_d2)(vec x, vec y) {
    vec p = FN(probability)(x), a = K(1) / p, b = K(1) / (K(1) - p);
    return FN(plus_weighted)(FN(weighted)(FN(weighted)(y, a), a), K(1) - y, b * b);
}

/* p v of a probability p. 0 where p is 0, whatever v, but for a NaN x. */
FA_INLINE vec FN(expected)(vec p, vec v, vec x) {
    return v_select(v_eq(p, K(0)), FN(constant_slope)(x, K(0)), p * v);
}
/* kl_div = t (log t - x), d1 = -t, d2 = 0, of a log-probability x and a probability t. NaN for t < 0. */
FA_INLINE vec FN(kl_div)(vec x, vec t) { return FN(expected)(t, v_log(t) - x, x); }
FA_INLINE vec FN(kl_div_d1)(vec x, vec t) { return FN(constant_slope)(x, -FN(at_least_0)(t)); }
FA_INLINE vec FN(kl_div_d2)(vec x, vec t) { return FN(constant_of)(x, FN(at_least_0)(t), K(0)); }
/* kl_div_log_target = exp(t) (t - x), d1 = -exp(t), d2 = 0, of log-probabilities x and t. */
FA_INLINE vec FN(kl_div_log_target)(vec x, vec t) { return FN(expected)(v_exp(t), t - x, x); }
FA_INLINE vec FN(kl_div_log_target_d1)(vec x, vec t) { return FN(constant_slope)(x, -v_exp(t)); }
FA_INLINE vec FN(kl_div_log_target_d2)(vec x, vec t) { return FN(constant_of)(x, t, K(0)); }

#define HALF_LOG_2PI 0x1.d67f1c864beb5p-1

/* Stirling's t log t - t + log(2 pi t)/2. */
FA_INLINE vec FN(stirling)(vec t) { return v_fma(t + K(0.5), v_log(t), K(HALF_LOG_2PI) - t); }
/* rate - t log_rate + Stirling's term for t > 1, 2^-12 of it at first: t log_rate or t log t overflows. */
FA_COLD vec FN(rare_full_poisson)(vec rate, vec log_rate, vec t) {
    vec part = K(0x1p-12), share = t * part, sum = v_fma(rate, part, -share);
    return v_fma(share, v_log(t) - log_rate, sum) * K(0x1p12);
}
/* `loss`, which is rate - t log_rate, and if `full` Stirling's term for t > 1. */
FA_INLINE vec FN(full_poisson)(vec loss, vec rate, vec log_rate, vec t, vec full) {
    mask wanted = v_mask_and(v_lt(K(0), full), v_lt(K(1), t));
    if (!v_any(wanted)) return loss + K(0);
    vec sum = loss + v_keep(wanted, FN(stirling)(t));
    mask lost = v_mask_not(v_lt(v_abs(sum), K(INFINITY)));
    return v_any(lost) ? v_select(v_mask_and(lost, wanted), FN(rare_full_poisson)(rate, log_rate, t), sum) : sum;
}
/* poisson_nll_loss_log_input = exp(x) - t x, and Stirling's term if `full`, of a log-rate x and a count t. Where exp(x)
 * is infinite the loss is, too. exp(x) is computed alike in value, d1 and d2, so that a pass computes it once. */
FA_INLINE vec FN(poisson_nll_loss_log_input)(vec x, vec t, vec full, vec eps) {
    vec low, rate = v_exp_hi_lo(x, &low);
    (void)eps;
    vec log_rate = v_min(K(1000), x);
    return FN(full_poisson)(FN(less_weighted)(rate, t, log_rate), rate, log_rate, t, full);
}
/* d1 = exp(x) - t, with what exp(x) lost: it has a root. */
FA_INLINE vec FN(poisson_nll_loss_log_input_d1)(vec x, vec t, vec full, vec eps) {
    vec low, rate = v_exp_hi_lo(x, &low);
    (void)full, (void)eps;
    vec slope = (rate - t) + low;
    mask closer = FN(next_to_root)(slope, rate);
    return v_any(closer) ? v_select(closer, v_exp_sub(x, t), slope) : slope;
}
/* d2 = exp(x). */
FA_INLINE vec FN(poisson_nll_loss_log_input_d2)(vec x, vec t, vec full, vec eps) {
    vec low, rate = v_exp_hi_lo(x, &low);
    (void)full, (void)eps;
    return FN(constant_slope)(t, rate);
}
/* x + eps as hi + lo. */
FA_INLINE vdd FN(rate)(vec x, vec eps) { return FN(dd_add_vec)(FN(dd_of)(x, K(0)), eps); }
/* poisson_nll_loss = x - t log(x + eps), and Stirling's term if `full`, of a rate x and a count t. NaN for x + eps < 0
 * unless t is 0. The logarithm is bounded where the rate is infinite, and the loss is, too. */
FA_INLINE vec FN(poisson_nll_loss)(vec x, vec t, vec full, vec eps) {
    vdd rate = FN(rate)(x, eps);
    vec log_rate = v_log(rate.hi) + v_keep(v_lt(K(0), v_abs(rate.lo)), rate.lo / rate.hi); /* what x + eps lost */
    log_rate = v_min(K(1000), log_rate);
    return FN(full_poisson)(FN(less_weighted)(x, t, log_rate), x, log_rate, t, full);
}
/* d1 = 1 - t/(x + eps). At t = 0: 1. */
FA_INLINE vec FN(poisson_nll_loss_d1)(vec x, vec t, vec full, vec eps) {
    vdd rate = FN(rate)(x, eps);
    vec divisor = FN(at_least_0)(rate.hi), slope = ((rate.hi - t) + rate.lo) / divisor;
    mask lost = v_isnan(slope); /* inf/inf */
    (void)full;
    if (v_any(lost)) slope = v_select(lost, K(1) - t / divisor, slope);
    return FN(constant_slope)(x, v_select(v_eq(t, K(0)), K(1), slope));
}
/* d2 = t/(x + eps)^2. At t = 0: 0. Of a large rate the square's reciprocal vanishes where the result need not. */
FA_INLINE vec FN(poisson_nll_loss_d2)(vec x, vec t, vec full, vec eps) {
    vec rate = FN(at_least_0)(x + eps);
    (void)full;
    vec slope = FN(weighted)(t, K(1) / rate / rate);
    mask large = v_lt(K(0x1p60), rate);
    if (v_any(large)) slope = v_select(large, t / rate / rate, slope);
    return FN(constant_slope)(x, slope);
}

/* v = max(variance, eps), but NaN for a negative variance. */
FA_INLINE vec FN(variance)(vec variance, vec eps) {
    return v_select(v_lt(variance, K(0)), K(NAN), v_max(eps, variance));
}
/* gaussian_nll_loss = (log v + d^2/v)/2 + full log(2 pi)/2, of a mean x and a variance, d = x - t; full is 0 or 1.
 * NaN for a negative variance. Of an infinite variance it is infinite, whatever d. */
FA_INLINE vec FN(gaussian_nll_loss)(vec x, vec t, vec variance, vec full, vec eps) {
    vec v = FN(variance)(variance, eps), d = x - t;
    vec loss = v_fma(K(0.5), v_fma(d, d / v, v_log(v)), full * K(HALF_LOG_2PI));
    mask flat = v_eq(v, K(INFINITY));
    return v_any(flat) ? v_select(flat, FN(constant_of)(x, t, v), loss) : loss;
}
/* By x: d1 = d/v. */
FA_INLINE vec FN(gaussian_nll_loss_d1)(vec x, vec t, vec variance, vec full, vec eps) {
    (void)full;
    return (x - t) / FN(variance)(variance, eps);
}
/* By x: d2 = 1/v. */
FA_INLINE vec FN(gaussian_nll_loss_d2)(vec x, vec t, vec variance, vec full, vec eps) {
    (void)full;
    return FN(constant_of)(x, t, K(1) / FN(variance)(variance, eps));
}
/* By the variance, as if it were v: d1_second = (1 - d^2/v)/(2 v), written (v - d^2)/v/(2 v) with what d lost. Where
 * d^2 might overflow d^2/v comes first. */
FA_INLINE vec FN(gaussian_nll_loss_d1_second)(vec x, vec t, vec variance, vec full, vec eps) {
    vdd d = FN(dd_add_vec)(FN(dd_of)(x, K(0)), -t);
    vec v = FN(variance)(variance, eps), far = v_fnma(d.hi, d.hi / v, K(1)) * (K(0.5) / v);
    vec near = v_fnma(d.hi + d.hi, d.lo, v_fnma(d.hi, d.hi, v)) / v * (K(0.5) / v);
    mask closer = v_mask_and(v_lt(v_abs(d.hi), K(SQUARE_BOUND)), v_lt(v, K(SQUARE_BOUND)));
    (void)full;
    return v_select(closer, near, far);
}
/* By the variance, as if it were v: d2_second = (d^2/v - 1/2)/v^2. */
FA_INLINE vec FN(gaussian_nll_loss_d2_second)(vec x, vec t, vec variance, vec full, vec eps) {
    vec v = FN(variance)(variance, eps), d = x - t;
    (void)full;
    return v_fma(d, d / v, K(-0.5)) / v / v;
}
#undef HALF_LOG_2PI

#endif
