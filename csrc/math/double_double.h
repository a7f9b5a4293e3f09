/* Numbers in two terms, hi + lo, lo some rounding error of hi: twice the precision where a
 * formula cancels. Included once for each element type. Not for infinities: inf - inf is NaN. */

FA_INLINE pair FN(pair_of)(vec hi, vec lo) {
    pair p = {hi, lo};
    return p;
}
FA_INLINE pair FN(pair_sum)(pair a, pair b) {
    vec hi = a.hi + b.hi, t = hi - a.hi;
    return FN(pair_of)(hi, ((a.hi - (hi - t)) + (b.hi - t)) + (a.lo + b.lo));
}
FA_INLINE pair FN(pair_product)(pair a, pair b) {
    vec hi = a.hi * b.hi;
    return FN(pair_of)(hi, v_fms(a.hi, b.hi, hi) + v_fma(a.hi, b.lo, a.lo * b.hi));
}
FA_INLINE pair FN(pair_quotient)(pair a, pair b) {
    vec inverse = K(1) / b.hi, hi = a.hi * inverse;
    /* no product last: hi + lo must not be fused */
    return FN(pair_of)(hi, v_fma(v_fnma(hi, b.hi, a.hi), inverse, v_fnma(hi, b.lo, a.lo) * inverse));
}
/* x + s and x s of a plain s; and the vector nearest to a pair */
FA_INLINE pair FN(pair_plus)(pair a, vec s) { return FN(pair_sum)(a, FN(pair_of)(s, K(0))); }
FA_INLINE pair FN(pair_times)(pair a, vec s) { return FN(pair_product)(a, FN(pair_of)(s, K(0))); }
FA_INLINE vec FN(pair_rounded)(pair a) { return a.hi + a.lo; }

/* c[0] + x (c[1] + ... + x c[n]) */
FA_INLINE pair FN(pair_polynomial)(pair x, int n, const vec c[]) {
    pair y = FN(pair_of)(c[n], K(0));
    FA_UNROLL(4)
    for (int k = n - 1; k >= 0; k--) y = FN(pair_plus)(FN(pair_product)(y, x), c[k]);
    return y;
}
