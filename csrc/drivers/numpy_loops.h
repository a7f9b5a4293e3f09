/* Loops as NumPy calls them: of ufuncs and gufuncs, over operands of any layout. */
#ifndef FA_NUMPY_LOOPS_H
#define FA_NUMPY_LOOPS_H

#include "../core.h"

/* A ufunc's inner loop as NumPy calls it. `data` is a fa_map_loop, which says what to compute on which types. */
typedef struct {
    int op; /* fa_activation_id */
    fa_variant variant;
    int inputs;
    fa_dtype in[FA_MAX_INPUTS], out;
    const void *constant[FA_MAX_INPUTS]; /* a parameter's value that is no operand of the ufunc; else NULL */
} fa_map_loop;

/* args, strides: of the inputs that have no constant, then of the outputs */
void fa_map_strided(char **args, const ptrdiff_t *n, const ptrdiff_t *strides, void *data);
/* The same where `mask`, of n bytes, is not 0; or with NULL everywhere. */
void fa_map_masked(char **args, const ptrdiff_t *n, const ptrdiff_t *strides, const fa_map_loop *loop,
                   const char *mask);

/* The same of a gufunc: dims are rows and n. */
typedef struct {
    int op; /* fa_row_id */
    fa_variant variant;
    int masked;
    fa_dtype dtype, in_dtype; /* in_dtype: of the inputs, which differs for integers */
} fa_rows_loop;

/* 0, or -1 if there is no memory. */
int fa_rows_strided(char **args, const ptrdiff_t *dims, const ptrdiff_t *strides, const fa_rows_loop *loop);

/* The same `outer` times, args `outer_strides` bytes further each time, as one job. */
int fa_rows_nested(char **args, const ptrdiff_t *dims, const ptrdiff_t *strides, ptrdiff_t outer,
                   const ptrdiff_t *outer_strides, const fa_rows_loop *loop);

#endif
