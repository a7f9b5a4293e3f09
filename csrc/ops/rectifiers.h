/* Activations made of comparisons only: exact, whatever the type. */

/* relu(x) = max(x, 0); derivative 1 for x > 0, else 0: relu'(0) = 0; second
 * derivative 0. NaN stays NaN in the derivatives too; -0 gives -0. */
FA_INLINE vec FN(relu)(vec x) { return v_max(K(0), x); }
FA_INLINE vec FN(relu_d1)(vec x) {
    return v_select(v_isnan(x), x, v_keep(v_lt(K(0), x), K(1)));
}
FA_INLINE vec FN(relu_d2)(vec x) { return v_select(v_isnan(x), x, K(0)); }
FA_INLINE vec FN(relu_from_output)(vec y) { return FN(relu_d1)(y); }

/* leaky_relu(x, slope) = x > 0 ? x : slope x; derivative x > 0 ? 1 : slope, so
 * leaky_relu'(0) = slope; second derivative 0. One rounding, that of slope x. */
FA_INLINE vec FN(leaky_relu)(vec x, vec negative_slope) {
    return v_select(v_lt(K(0), x), x, x * negative_slope);
}
FA_INLINE vec FN(leaky_relu_d1)(vec x, vec negative_slope) {
    return v_select(v_isnan(x), x, v_select(v_lt(K(0), x), K(1), negative_slope));
}
FA_INLINE vec FN(leaky_relu_d2)(vec x, vec negative_slope) {
    (void)negative_slope;
    return v_select(v_isnan(x), x, K(0));
}
