/* Elementwise loops: the functions of an activation over contiguous operands.
 *
 * step[k] is 1 for an input of n elements and 0 for one that repeats: that one is a virtual vector of equal elements.
 * Each function is a constant where a loop is called, so the compiler inlines it. */
#include "../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_MAP_LOOP_H64) : !defined(FA_MAP_LOOP_H32)
#ifdef FA_T_IS_F64
#define FA_MAP_LOOP_H64
#else
#define FA_MAP_LOOP_H32
#endif

#include "activations/exponential.h"
#include "activations/gated.h"
#include "activations/gelu.h"
#include "activations/glu.h"
#include "activations/hard.h"
#include "activations/rectifiers.h"
#include "activations/sigmoids.h"
#include "activations/smooth.h"

/* Input k at element i: a whole vector, and one of n elements with 0 beyond them. */
FA_INLINE vec FN(load_next)(const void *const in[], const size_t step[], int k, size_t i) {
    return v_load((const real *)in[k] + i * step[k]);
}
FA_INLINE vec FN(load_last)(const void *const in[], const size_t step[], int k, size_t i, size_t n) {
    return step[k] ? v_load_n((const real *)in[k] + i, n) : v_load((const real *)in[k]);
}

typedef vec FN(body1)(vec);
typedef vec FN(body2)(vec, vec);
typedef vec FN(body3)(vec, vec, vec);
typedef vec FN(body4)(vec, vec, vec, vec);

#define ARG(k) ((k) < arrays ? FN(load_next)(in, step, k, at) : held[k])
#define TAIL(k) FN(load_last)(in, step, k, i, left)
/* In ascending order, which is a third faster where results go to memory. */
#define STORE_GROUP(store, to, group)            \
    FA_UNROLL(4)                                 \
    for (size_t k = 0; k < GROUP; k++) {         \
        store(to + i + k * LANES, group[k]);     \
        FA_IN_ORDER();                           \
    }
/* out[0] = f(inputs), and out[1] = g(inputs) unless g is NULL: what both compute is computed once. Inputs number
 * `arrays` and beyond repeat, and stay in registers.
 * Four vectors side by side fill each other's latencies. The compiler interleaves them (fp.h tells gcc to), for a
 * CPU's scheduler cannot look that far ahead. */
#define FA_DEFINE_MAP(arity, arguments, last_arguments)                                         \
    FA_INLINE void FN(map##arity)(FN(body##arity) * f, FN(body##arity) * g, int arrays, size_t n, \
                                  const void *const inputs[], const size_t steps[], void *const out[], \
                                  int streams) {                                                \
        enum { GROUP = LANES > 1 ? 4 : 1 };                                                     \
        const void *in[arity];                                                                  \
        size_t step[arity]; /* copies, which no store can change */                             \
        vec held[arity];                                                                        \
        real *y = out[0], *z = g ? out[1] : NULL;                                               \
        for (int k = 0; k < arity; k++) {                                                       \
            in[k] = inputs[k];                                                                  \
            step[k] = steps[k];                                                                 \
            held[k] = k < arrays ? K(0) : v_load((const real *)in[k]);                          \
        }                                                                                       \
        size_t i = 0;                                                                           \
        for (; i + GROUP * LANES <= n; i += GROUP * LANES) {                                    \
            vec first[GROUP], second[GROUP];                                                    \
            FA_UNROLL(4)                                                                        \
            for (size_t k = 0, at = i; k < GROUP; k++, at += LANES) {                           \
                first[k] = f arguments;                                                         \
                if (g) second[k] = g arguments;                                                 \
            }                                                                                   \
            if (FA_STREAMS && streams) {                                                        \
                STORE_GROUP(v_stream, y, first)                                                 \
                if (g) STORE_GROUP(v_stream, z, second)                                         \
            } else {                                                                            \
                STORE_GROUP(v_store, y, first)                                                  \
                if (g) STORE_GROUP(v_store, z, second)                                          \
            }                                                                                   \
        }                                                                                       \
        /* One copy of f for the rest: a second one, for whole vectors, would be a sixth of all code. */   \
        for (; LANES > 1 && i < n; i += LANES) {                                                \
            size_t left = n - i < LANES ? n - i : LANES;                                        \
            vec one = f last_arguments;                                                         \
            if (g) v_store_n(z + i, left, g last_arguments);                                    \
            v_store_n(y + i, left, one);                                                        \
        }                                                                                       \
    }
FA_DEFINE_MAP(1, (ARG(0)), (TAIL(0)))
FA_DEFINE_MAP(2, (ARG(0), ARG(1)), (TAIL(0), TAIL(1)))
FA_DEFINE_MAP(3, (ARG(0), ARG(1), ARG(2)), (TAIL(0), TAIL(1), TAIL(2)))
FA_DEFINE_MAP(4, (ARG(0), ARG(1), ARG(2), ARG(3)), (TAIL(0), TAIL(1), TAIL(2), TAIL(3)))
#undef ARG
#undef TAIL
#undef STORE_GROUP
#undef FA_DEFINE_MAP

/* Arity: an op of P parameters has P + 1 inputs, its backward, whose first input is dy, P + 2. */
#define VALUE_ARITY_0 1
#define VALUE_ARITY_1 2
#define VALUE_ARITY_2 3
#define BACKWARD_ARITY_0 2
#define BACKWARD_ARITY_1 3
#define BACKWARD_ARITY_2 4
#define DECLARE_0
#define DECLARE_1 , vec p
#define DECLARE_2 , vec p, vec q
#define PASS_0
#define PASS_1 , p
#define PASS_2 , p, q

/* Do all inputs number `arrays` and beyond repeat, as parameters mostly do? Then they stay in registers: loading them
 * anew would be most of the work of a cheap function, and what follows from a parameter alone is computed once. */
FA_INLINE int FN(all_repeat)(int arrays, int arity, const size_t step[]) {
    size_t moving = 0;
    for (int k = arrays; k < arity; k++) moving |= step[k];
    return !moving;
}
#define FA_LOOP(arrays, arity, name, holds)                                                                 \
    static void FN(map_##name)(size_t n, const void *const in[], const size_t step[], void *const out[],     \
                               int streams) {                                                                \
        if (holds && FN(all_repeat)(arrays, arity, step))                                                   \
            FA_CAT(FN(map), arity)(FN(name), NULL, arrays, n, in, step, out, streams);                              \
        else FA_CAT(FN(map), arity)(FN(name), NULL, arity, n, in, step, out, streams);                              \
    }
/* A loop of two functions. It has no copy for inputs that repeat, for neither function is cheap. */
#define FA_LOOP_OF_TWO(arity, name, f, g)                                                                  \
    static void FN(map_##name)(size_t n, const void *const in[], const size_t step[], void *const out[],     \
                               int streams) {                                                                \
        FA_CAT(FN(map), arity)(FN(f), FN(g), arity, n, in, step, out, streams);                                     \
    }
/* The loop of a backward: dy times a derivative. */
#define FA_LOOP_BACKWARD(derivative, backward, parameters, holds)                                            \
    FA_INLINE vec FN(backward)(vec dy, vec x DECLARE_##parameters) {                                        \
        return dy * FN(derivative)(x PASS_##parameters);                                                    \
    }                                                                                                       \
    FA_LOOP(2, BACKWARD_ARITY_##parameters, backward, holds)

/* Is a second copy of an op's loops for parameters that repeat worth its code? Not without vectors, and not for a HEAVY
 * op with a gradient by its parameter, which then is geglu's other half and does not repeat. */
#define IS_COPY_HEAVY 0
#define IS_LIGHT_HEAVY 0
#define IS_HEAVY_HEAVY 1
#define IS_YES 1
#define IS_NO 0
#define HOLDS(cost, by_parameter) (LANES > 1 && !(IS_##cost##_HEAVY && IS_##by_parameter))

#define YES(derivative, backward, parameters, holds) FA_LOOP_BACKWARD(derivative, backward, parameters, holds)
#define NO(derivative, backward, parameters, holds)
#define BOTH_YES(name, parameters) \
    FA_LOOP_OF_TWO(BACKWARD_ARITY_##parameters, name##_both, name##_backward, name##_backward_by_parameter)
#define BOTH_NO(name, parameters)
#define FA_ACTIVATION(name, parameters, from_output, by_parameter, cost, ...) \
    FA_ACTIVATION_LOOPS(name, parameters, from_output, by_parameter, HOLDS(cost, by_parameter)) \
    BOTH_##by_parameter(name, parameters)
#define FA_ACTIVATION_LOOPS(name, parameters, from_output, by_parameter, holds)     \
    FA_LOOP(1, VALUE_ARITY_##parameters, name, holds)                               \
    FA_LOOP(1, VALUE_ARITY_##parameters, name##_d2, holds)                          \
    FA_LOOP_BACKWARD(name##_d1, name##_backward, parameters, holds)                 \
    from_output(name##_from_output, name##_backward_from_output, parameters, holds) \
    by_parameter(name##_by_parameter, name##_backward_by_parameter, parameters, holds)
#include "../ops.def"
#undef YES
#undef NO
#undef BOTH_YES
#undef BOTH_NO
#undef IS_COPY_HEAVY
#undef IS_LIGHT_HEAVY
#undef IS_HEAVY_HEAVY
#undef IS_YES
#undef IS_NO
#undef HOLDS
#undef FA_ACTIVATION_LOOPS

#endif
