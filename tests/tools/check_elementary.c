/* Runs the elementary functions of csrc/math/elementary.h over numbers from standard input.
 *
 *   check_elementary f32|f64 FUNCTION < numbers > results
 *
 * Numbers and results are raw, of that type. The instruction set is the one this file is
 * compiled for: -DFA_ISA_AVX512, -DFA_ISA_AVX2 or -DFA_ISA_NEON with the compiler's flags
 * for it, or nothing for portable C. */
#include "math/elementary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096 }; /* numbers; a multiple of every vector */

/* The last vector of a short read is computed whole, over zeros. */
#define DEFINE(type, scalar, lanes, name)                                              \
    static void run_##type##_##name(scalar *x, size_t n) {                             \
        for (size_t i = 0; i < n; i += lanes) type##_store(x + i, type##_##name(type##_load(x + i))); \
    }
#define FUNCTIONS(X, type, scalar, lanes) \
    X(type, scalar, lanes, exp)           \
    X(type, scalar, lanes, expm1)         \
    X(type, scalar, lanes, log)           \
    X(type, scalar, lanes, log1p)         \
    X(type, scalar, lanes, tanh)          \
    X(type, scalar, lanes, erfc)          \
    X(type, scalar, lanes, exp_nonpos) \
    X(type, scalar, lanes, log1p_unit)
FUNCTIONS(DEFINE, f32, float, F32_LANES)
FUNCTIONS(DEFINE, f64, double, F64_LANES)

#define RUN(type, scalar, lanes, name)                                           \
    if (!strcmp(argv[1], #type) && !strcmp(argv[2], #name)) {                    \
        static scalar x[CHUNK];                                                  \
        size_t n;                                                                \
        while ((n = fread(x, sizeof *x, CHUNK, stdin)) > 0) {                    \
            run_##type##_##name(x, n);                                           \
            if (fwrite(x, sizeof *x, n, stdout) != n) return EXIT_FAILURE;       \
        }                                                                        \
        return EXIT_SUCCESS;                                                     \
    }

int main(int argc, char **argv) {
    if (argc == 3) {
        FUNCTIONS(RUN, f32, float, F32_LANES)
        FUNCTIONS(RUN, f64, double, F64_LANES)
    }
    fprintf(stderr, "usage: check_elementary f32|f64 function\n");
    return EXIT_FAILURE;
}
