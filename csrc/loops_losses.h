/* Loops of the elementwise losses: any of sum, value, gradient and curvature in
 * one pass. Which are wanted is a constant in each copy of the loop. */

typedef vec FN(loss_body)(vec x, vec t, vec p);

typedef struct {
    FN(loss_body) * value, *d1, *d2;
} FN(loss_bodies);

#define IN(k) (tail ? FN(last)(in, step, k, i, tail) : FN(next)(in, step, k, i))
#define OUT(p, v) (tail ? v_store_n((real *)(p) + i, tail, v) : v_store((real *)(p) + i, v))




FA_INLINE sum FN(loss_at)(FN(loss_bodies) f, size_t i, size_t tail, int parameters, const void *const in[],
                          const size_t step[], int want_sum, sum s, void *value, void *grad, void *hess) {
    vec x = IN(0), t = IN(1), weight = IN(2), p = parameters ? IN(4) : K(0);
    if (want_sum || value) {
        vec v = FN(weighted)(weight, f.value(x, t, p));
        if (want_sum) s = FN(sum_add)(s, tail ? FN(first)(tail, v) : v);
        if (value) OUT(value, v);
    }
    if (grad || hess) {
        vec scaled = weight * IN(3);
        if (hess) OUT(hess, FN(weighted)(scaled, f.d2(x, t, p)));
        if (grad) OUT(grad, FN(weighted)(scaled, f.d1(x, t, p)));
    }
    return s;
}
#undef IN
#undef OUT

FA_INLINE void FN(loss_loop)(FN(loss_bodies) f, int parameters, size_t n, const void *const in[],
                             const size_t step[], fa_sum_state *state, void *value, void *grad, void *hess) {
    enum { UNROLL = SLOTS / LANES };
    sum slots[UNROLL];
    size_t i = 0;
    for (size_t k = 0; k < UNROLL; k++) slots[k] = state ? FN(sum_load)(state, k * LANES) : FN(sum_zero)();
    for (; i + SLOTS <= n; i += SLOTS)
        for (size_t k = 0; k < UNROLL; k++)
            slots[k] = FN(loss_at)(f, i + k * LANES, 0, parameters, in, step, state != NULL, slots[k], value, grad,
                                   hess);
    for (size_t k = 0; i < n; i += LANES, k++)
        slots[k] = FN(loss_at)(f, i, n - i < LANES ? n - i : 0, parameters, in, step, state != NULL, slots[k], value,
                               grad, hess);
    for (size_t k = 0; state && k < UNROLL; k++) FN(sum_store)(state, k * LANES, slots[k]);
}

FA_INLINE void FN(loss_any)(FN(loss_bodies) f, int parameters, size_t n, const void *const in[], const size_t step[],
                            fa_sum_state *state, void *value, void *grad, void *hess) {
    if (!value && !grad && !hess) FN(loss_loop)(f, parameters, n, in, step, state, NULL, NULL, NULL);
    else if (state && grad && !value && !hess) FN(loss_loop)(f, parameters, n, in, step, state, NULL, grad, NULL);
    else if (!state && grad && !value && !hess) FN(loss_loop)(f, parameters, n, in, step, NULL, NULL, grad, NULL);
    else FN(loss_loop)(f, parameters, n, in, step, state, value, grad, hess);
}

#define FA_LOSS_ARGUMENTS_0 (x, t)
#define FA_LOSS_ARGUMENTS_1 (x, t, p)
#define FA_LOSS_BODY(name, parameters)                                  \
    FA_INLINE vec FN(name##_body)(vec x, vec t, vec p) {                \
        (void)p;                                                        \
        return FN(name) FA_LOSS_ARGUMENTS_##parameters;                 \
    }
#define FA_ELEMENTWISE_LOSS(name, parameters, ...)                                                          \
    FA_LOSS_BODY(name, parameters)                                                                          \
    FA_LOSS_BODY(name##_d1, parameters)                                                                     \
    FA_LOSS_BODY(name##_d2, parameters)                                                                     \
    static void FN(loss_##name)(size_t n, const void *const in[], const size_t step[], fa_sum_state *state, \
                                void *value, void *grad, void *hess) {                                      \
        const FN(loss_bodies) f = {FN(name##_body), FN(name##_d1_body), FN(name##_d2_body)};                \
        FN(loss_any)(f, parameters, n, in, step, state, value, grad, hess);                                 \
    }
#include "ops.def"
