/* Double-double numbers, hi + lo, where lo is some rounding error of hi: twice the precision where a formula cancels.
 * Not for infinities, unless a function says so: inf - inf is NaN. */
#include "../simd/simd.h"

#include <math.h>
#if defined(FA_T_IS_F64) ? !defined(FA_DOUBLE_DOUBLE_H64) : !defined(FA_DOUBLE_DOUBLE_H32)
#ifdef FA_T_IS_F64
#define FA_DOUBLE_DOUBLE_H64
#else
#define FA_DOUBLE_DOUBLE_H32
#endif

typedef struct {
    vec hi, lo;
} FN(dd);
#define vdd FN(dd)

FA_INLINE vdd FN(dd_of)(vec hi, vec lo) {
    vdd p = {hi, lo};
    return p;
}
FA_INLINE vdd FN(dd_add)(vdd a, vdd b) {
    vec hi = a.hi + b.hi, t = hi - a.hi;
    return FN(dd_of)(hi, ((a.hi - (hi - t)) + (b.hi - t)) + (a.lo + b.lo));
}
FA_INLINE vdd FN(dd_mul)(vdd a, vdd b) {
    vec hi = a.hi * b.hi;
    return FN(dd_of)(hi, v_fms(a.hi, b.hi, hi) + v_fma(a.hi, b.lo, a.lo * b.hi));
}
FA_INLINE vdd FN(dd_div)(vdd a, vdd b) {
    vec inverse = K(1) / b.hi, hi = a.hi * inverse;
    /* fma last, not a product: that might be fused into the sum hi + lo */
    return FN(dd_of)(hi, v_fma(v_fnma(hi, b.hi, a.hi), inverse, v_fnma(hi, b.lo, a.lo) * inverse));
}
/* a + s and a s, where s is a plain vector; and the vector nearest to a. */
FA_INLINE vdd FN(dd_add_vec)(vdd a, vec s) { return FN(dd_add)(a, FN(dd_of)(s, K(0))); }
FA_INLINE vdd FN(dd_mul_vec)(vdd a, vec s) { return FN(dd_mul)(a, FN(dd_of)(s, K(0))); }
FA_INLINE vec FN(dd_to_vec)(vdd a) { return a.hi + a.lo; }

/* c[0] + x (c[1] + ... + x c[n]). */
FA_INLINE vdd FN(dd_polynomial)(vdd x, int n, const vec c[]) {
    vdd y = FN(dd_of)(c[n], K(0));
    FA_UNROLL(4)
    for (int k = n - 1; k >= 0; k--) y = FN(dd_add_vec)(FN(dd_mul)(y, x), c[k]);
    return y;
}

/* 1/(hi + lo) as double-double, to nearly twice the type's precision. */
FA_INLINE vdd FN(dd_reciprocal)(vdd p) {
    vec hi = K(1) / p.hi;
    vec rest = v_fnma(hi, p.lo, v_fnma(hi, p.hi, K(1)));
    vdd r = {hi, hi * rest};
    return r;
}
/* (hi + lo) * factor, which may be infinite. */
FA_INLINE vdd FN(dd_scaled)(vdd p, vec factor) {
    vec hi = p.hi * factor, lo = v_fma(p.lo, factor, v_fms(p.hi, factor, hi));
    vdd r = {hi, v_keep(v_lt(v_abs(hi), K(INFINITY)), lo)}; /* an infinite product has lo = 0, not NaN */
    return r;
}
/* (hi + lo) * v as a plain vector, rounded once or hardly more. */
FA_INLINE vec FN(dd_times)(vdd p, vec v) { return v_fma(v, p.hi, v * p.lo); }

#endif
