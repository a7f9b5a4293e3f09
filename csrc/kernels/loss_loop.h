/* Loops of the elementwise losses: any of sum, values, gradients and curvatures, in one pass. The requests that are most
 * common have a copy of the loop each, in which it is a constant what is wanted. */
#include "../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_LOSS_LOOP_H64) : !defined(FA_LOSS_LOOP_H32)
#ifdef FA_T_IS_F64
#define FA_LOSS_LOOP_H64
#else
#define FA_LOSS_LOOP_H32
#endif

#include "common.h"
#include "contract.h"
#include "losses/binary.h"
#include "losses/deviance.h"
#include "losses/focal.h"
#include "losses/likelihood.h"
#include "losses/regression.h"
#include "map_loop.h"

typedef vec FN(loss_body)(vec x, vec t, const vec p[]);

/* Value and derivatives of one loss: d1 and d2 by x; d1_second and d2_second by the second input, which is p[0], or
 * NULL if there is none. */
typedef struct {
    FN(loss_body) * value, *d1, *d2, *d1_second, *d2_second;
} FN(loss_bodies);

#define IN(k) (masked ? FN(load_last)(in, step, k, i, left) : FN(load_next)(in, step, k, i))
#define OUT(p, v) (masked ? v_store_n((real *)(p) + i, left, v) : v_store((real *)(p) + i, v))
#define SCALED(result, body) \
    if (out[result]) OUT(out[result], FN(weighted)(scaled, f.body(x, t, p)))
/* The weights of `left` elements, and 0 in the lanes beyond: these then add 0 to a sum. */
FA_INLINE vec FN(load_weights)(const void *const in[], const size_t step[], size_t i, size_t left) {
    return v_load_n((const real *)in[2] + i * step[2], left);
}
/* Elements i to i + left - 1, or if `masked` is 0 a whole vector: stores what is wanted, and returns s, to which their
 * losses are added if want_sum. in: input, target, weight, scale, parameters. */
FA_INLINE vsum FN(loss_at)(FN(loss_bodies) f, size_t i, int masked, size_t left, int parameters, const void *const in[],
                          const size_t step[], int want_sum, vsum s, void *const out[]) {
    vec x = IN(0), t = IN(1), weight = masked ? FN(load_weights)(in, step, i, left) : IN(2), p[3];
    FA_UNROLL(3)
    for (int k = 0; k < parameters; k++) p[k] = IN(4 + k);
    if (want_sum || out[FA_LOSS_VALUE]) {
        vec v = FN(weighted)(weight, f.value(x, t, p));
        if (want_sum) s = FN(sum_add)(s, v);
        if (out[FA_LOSS_VALUE]) OUT(out[FA_LOSS_VALUE], v);
    }
    if (out[FA_GRAD] || out[FA_HESS] || (f.d1_second && (out[FA_SECOND_INPUT_GRAD] || out[FA_SECOND_INPUT_HESS]))) {
        vec scaled = weight * IN(3);
        SCALED(FA_HESS, d2);
        if (f.d1_second) SCALED(FA_SECOND_INPUT_HESS, d2_second);
        if (f.d1_second) SCALED(FA_SECOND_INPUT_GRAD, d1_second);
        SCALED(FA_GRAD, d1);
    }
    return s;
}
#undef IN
#undef OUT
#undef SCALED

/* All n elements. Element i adds to slot i % SLOTS of the sum, whatever the width of vectors. state is NULL if the
 * sum is not wanted. */
FA_INLINE void FN(loss_loop)(FN(loss_bodies) f, int parameters, size_t n, const void *const in[], const size_t step[],
                             fa_sum_state *state, void *const out[]) {
    enum { UNROLL = SLOTS / LANES };
    vsum slots[UNROLL];
    size_t i = 0;
    for (size_t k = 0; k < UNROLL; k++) slots[k] = state ? FN(sum_load)(state, k * LANES) : FN(sum_zero)();
    for (; i + SLOTS <= n; i += SLOTS)
        for (size_t k = 0; k < UNROLL; k++)
            slots[k] = FN(loss_at)(f, i + k * LANES, 0, LANES, parameters, in, step, state != NULL, slots[k], out);
    for (size_t k = 0; i < n; i += LANES, k++)
        slots[k] = FN(loss_at)(f, i, LANES > 1, n - i < LANES ? n - i : LANES, parameters, in, step, state != NULL,
                               slots[k], out);
    for (size_t k = 0; state && k < UNROLL; k++) FN(sum_store)(state, k * LANES, slots[k]);
}

/* The tail: what is left at the end, less than a vector, copied to whole vectors. Beyond it the weight is 0. */
typedef struct {
    real in[FA_MAX_INPUTS][LANES], out[FA_LOSS_RESULTS][LANES];
} FN(loss_tail);
FA_NOINLINE void FN(load_tail)(FN(loss_tail) * tail, size_t inputs, size_t i, size_t left, const void *const in[],
                               const size_t step[]) {
    for (size_t k = 0; k < inputs; k++)
        v_store(tail->in[k], k == 2 ? FN(load_weights)(in, step, i, left) : FN(load_last)(in, step, (int)k, i, left));
}
FA_NOINLINE void FN(store_tail)(const FN(loss_tail) * tail, size_t i, size_t left, void *const out[]) {
    for (size_t k = 0; k < FA_LOSS_RESULTS; k++)
        if (out[k]) memcpy((real *)out[k] + i, tail->out[k], left * sizeof(real));
}
/* As loss_loop, with one copy of the bodies: for the whole vectors and then, as one more, for the tail. Masked loads
 * and stores for all of them would do too, but some CPUs then read memory at a fifth of its speed:
 * docs/decisions/0021-one-copy-of-long-bodies.md. `to` is written so that the compiler sees which results are NULL. */
FA_INLINE void FN(loss_loop_compact)(FN(loss_bodies) f, int parameters, size_t n, const void *const in[],
                                     const size_t step[], fa_sum_state *state, void *const out[]) {
    enum { UNROLL = SLOTS / LANES };
    const size_t whole = n - n % LANES, inputs = 4 + (size_t)parameters;
    FN(loss_tail) tail;
    vsum slots[UNROLL];
    for (size_t k = 0; k < UNROLL; k++) slots[k] = state ? FN(sum_load)(state, k * LANES) : FN(sum_zero)();
    for (size_t turn = 0, slot = 0; turn < (LANES > 1 ? 2 : 1); turn++) {
        const size_t end = !turn ? whole : whole < n ? LANES : 0;
        const void *from[FA_MAX_INPUTS];
        void *to[FA_LOSS_RESULTS];
        if (turn && end) FN(load_tail)(&tail, inputs, whole, n - whole, in, step);
        FA_UNROLL(7)
        for (size_t k = 0; k < inputs; k++) from[k] = turn ? tail.in[k] : in[k];
        FA_UNROLL(5)
        for (size_t k = 0; k < FA_LOSS_RESULTS; k++) to[k] = turn && out[k] ? tail.out[k] : out[k];
        for (size_t i = 0; i < end; i += LANES, slot = (slot + 1) % UNROLL)
            slots[slot] = FN(loss_at)(f, i, 0, LANES, parameters, from, step, state != NULL, slots[slot], to);
    }
    if (LANES > 1 && whole < n) FN(store_tail)(&tail, whole, n - whole, out);
    for (size_t k = 0; state && k < UNROLL; k++) FN(sum_store)(state, k * LANES, slots[k]);
}

#define FA_ONLY_GRADIENT(out) {NULL, (out)[FA_GRAD]}
/* Is nothing wanted but the sum and the gradient, or one of the two? */
FA_INLINE int FN(only_sum_and_grad)(FN(loss_bodies) f, void *const out[]) {
    return !(out[FA_LOSS_VALUE] || out[FA_HESS] ||
             (f.d1_second && (out[FA_SECOND_INPUT_GRAD] || out[FA_SECOND_INPUT_HESS])));
}
/* Losses bound by memory have a loop for each of the requests that are common. */
FA_INLINE void FN(loss_dispatch)(FN(loss_bodies) f, int parameters, size_t n, const void *const in[],
                                 const size_t step[], fa_sum_state *state, void *const out[]) {
    void *const none[FA_LOSS_RESULTS] = {NULL}, *const gradient[FA_LOSS_RESULTS] = FA_ONLY_GRADIENT(out);
    int others = !FN(only_sum_and_grad)(f, out);
    if (!others && !out[FA_GRAD]) FN(loss_loop)(f, parameters, n, in, step, state, none);
    else if (!others && state) FN(loss_loop)(f, parameters, n, in, step, state, gradient);
    else if (!others) FN(loss_loop)(f, parameters, n, in, step, NULL, gradient);
    else FN(loss_loop)(f, parameters, n, in, step, state, out);
}
/* Adds the values of whole groups of vectors to the sum, and returns how many elements those are. The vectors of a
 * group go side by side, as in map_loop.h, and the compiler interleaves them. A group has every slot equally often,
 * so that each begins with the first. */
#define AT(k) FN(load_next)(in, step, k, at)
FA_INLINE size_t FN(loss_sum)(FN(loss_bodies) f, size_t group, int parameters, size_t n, const void *const in[],
                              const size_t step[], fa_sum_state *state) {
    enum { UNROLL = SLOTS / LANES };
    vsum slots[UNROLL];
    size_t i = 0;
    for (size_t k = 0; k < UNROLL; k++) slots[k] = FN(sum_load)(state, k * LANES);
    for (; i + group * LANES <= n; i += group * LANES) {
        vec value[4];
        FA_UNROLL(4)
        for (size_t k = 0, at = i; k < group; k++, at += LANES) {
            vec x = AT(0), t = AT(1), weight = AT(2), p[3];
            FA_UNROLL(3)
            for (int j = 0; j < parameters; j++) p[j] = AT(4 + j);
            value[k] = FN(weighted)(weight, f.value(x, t, p));
        }
        FA_UNROLL(4)
        for (size_t k = 0; k < group; k++) slots[k % UNROLL] = FN(sum_add)(slots[k % UNROLL], value[k]);
    }
    for (size_t k = 0; k < UNROLL; k++) FN(sum_store)(state, k * LANES, slots[k]);
    return i;
}
#undef AT
/* Losses of long bodies, which are copied less often: copies for every request would be a megabyte. Two requests have
 * loops of their own: the sum alone, and sum and gradient, which share much of what they compute. */
FA_INLINE void FN(loss_dispatch_compact)(FN(loss_bodies) f, size_t group, int parameters, size_t n,
                                         const void *const in[], const size_t step[], fa_sum_state *state,
                                         void *const out[]) {
    void *const gradient[FA_LOSS_RESULTS] = FA_ONLY_GRADIENT(out);
    const void *from[FA_MAX_INPUTS];
    size_t done = 0;
    if (state && out[FA_GRAD] && FN(only_sum_and_grad)(f, out)) {
        FN(loss_loop_compact)(f, parameters, n, in, step, state, gradient);
        return;
    }
    if (LANES > 1 && state && !out[FA_GRAD] && FN(only_sum_and_grad)(f, out)) {
        const size_t side_by_side = group < SLOTS / LANES ? SLOTS / LANES : group;
        done = FN(loss_sum)(f, side_by_side, parameters, n, in, step, state);
    }
    for (size_t k = 0; k < 4 + (size_t)parameters; k++) from[k] = (const real *)in[k] + done * step[k];
    /* where loss_sum has done a part there are no outputs, so that `out` need not move along */
    if (done < n) FN(loss_loop_compact)(f, parameters, n - done, from, step, state, out);
}
#undef FA_ONLY_GRADIENT

#define FA_LOSS_OF_COPY(f, ...) FN(loss_dispatch)(f, __VA_ARGS__)
#define FA_LOSS_OF_LIGHT(f, ...) FN(loss_dispatch_compact)(f, 4, __VA_ARGS__)
#define FA_LOSS_OF_HEAVY(f, ...) FN(loss_dispatch_compact)(f, 2, __VA_ARGS__)
#define FA_LOSS_ARGUMENTS_0 (x, t)
#define FA_LOSS_ARGUMENTS_1 (x, t, p[0])
#define FA_LOSS_ARGUMENTS_2 (x, t, p[0], p[1])
#define FA_LOSS_ARGUMENTS_3 (x, t, p[0], p[1], p[2])
#define FA_LOSS_BODY(name, parameters)                                  \
    FA_INLINE vec FN(name##_body)(vec x, vec t, const vec p[]) {        \
        (void)p;                                                        \
        return FN(name) FA_LOSS_ARGUMENTS_##parameters;                 \
    }
#define FA_SECOND_INPUT_YES(name, parameters)    \
    FA_LOSS_BODY(name##_d1_second, parameters)   \
    FA_LOSS_BODY(name##_d2_second, parameters)
#define FA_SECOND_INPUT_NO(name, parameters)
#define YES(name) , FN(name##_d1_second_body), FN(name##_d2_second_body)
#define NO(name) , NULL, NULL
#define FA_ELEMENTWISE_LOSS(name, parameters, second, cost, ...)                                            \
    FA_LOSS_BODY(name, parameters)                                                                          \
    FA_LOSS_BODY(name##_d1, parameters)                                                                     \
    FA_LOSS_BODY(name##_d2, parameters)                                                                     \
    FA_SECOND_INPUT_##second(name, parameters)                                                                    \
    static void FN(loss_##name)(size_t n, const void *const in[], const size_t step[], fa_sum_state *state, \
                                void *const out[]) {                                                        \
        const FN(loss_bodies) f = {FN(name##_body), FN(name##_d1_body), FN(name##_d2_body) second(name)};   \
        FA_LOSS_OF_##cost(f, parameters, n, in, step, state, out);                                          \
    }
#include "../ops.def"
#undef YES
#undef NO

#endif
