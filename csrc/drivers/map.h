/* Activations over operands of any layout, on any number of threads. */
#ifndef FA_ELEMENTWISE_H
#define FA_ELEMENTWISE_H

#include "../core.h"

/* Which function a strided loop computes, on which types: its `data`. */
typedef struct {
    int op; /* fa_activation_id */
    fa_variant variant;
    int inputs;
    fa_dtype in[FA_MAX_INPUTS], out;
    const void *fixed[FA_MAX_INPUTS]; /* an input's one value if it is no operand; else NULL */
} fa_map_loop;

/* The loop NumPy calls a ufunc's inner loop: args and strides of the operands, then of the outputs. */
void fa_map_strided(char **args, const ptrdiff_t *n, const ptrdiff_t *strides, void *data);

#endif
