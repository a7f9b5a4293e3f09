/* Loops as NumPy calls them: of ufuncs and gufuncs, over operands of any layout. */
#ifndef FA_NUMPY_LOOPS_H
#define FA_NUMPY_LOOPS_H

#include "../core.h"

/* Which function a strided loop computes, on which types: its `data`. */
typedef struct {
    int op; /* fa_activation_id */
    fa_variant variant;
    int inputs;
    fa_dtype in[FA_MAX_INPUTS], out;
    const void *constant[FA_MAX_INPUTS]; /* a parameter's value that is no operand of the ufunc; else NULL */
} fa_map_loop;

/* The loop NumPy calls a ufunc's inner loop: args and strides of the operands, then of the outputs. */
void fa_map_strided(char **args, const ptrdiff_t *n, const ptrdiff_t *strides, void *data);

/* Which function a gufunc's inner loop computes: its `data`. */
typedef struct {
    int op; /* fa_row_id */
    fa_variant variant;
    int masked;
    fa_dtype dtype, in_dtype; /* in_dtype differs for integers */
} fa_rows_loop;

/* As NumPy calls a gufunc's inner loop; 0, or -1 without memory. */
int fa_rows_strided(char **args, const ptrdiff_t *dims, const ptrdiff_t *strides, const fa_rows_loop *loop);

#endif
