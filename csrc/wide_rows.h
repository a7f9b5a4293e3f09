/* Losses of whole rows that are computed in float64 whatever their type: each row is
 * widened to a buffer, padded to whole groups, and its gradients come back from there.
 *
 * What the rows cost in memory traffic is hidden by the arithmetic; one body serves all
 * element types and layouts, and squares of float32 cannot overflow.
 */
#ifndef FA_WIDE_ROWS_H
#define FA_WIDE_ROWS_H

#include "core.h"

typedef enum {
    FA_MULTI_MARGIN,
    FA_MULTILABEL_MARGIN,
    FA_MULTILABEL_SOFT_MARGIN,
    FA_COSINE_EMBEDDING,
    FA_TRIPLET_MARGIN,
    FA_WIDE_LOSSES
} fa_wide_loss;

enum { FA_WIDE_GROUP = 16, FA_WIDE_INPUTS = 3 };

/* One row. Buffers hold n elements and are readable and writable up to a multiple of FA_WIDE_GROUP. */
typedef struct {
    size_t n, padded;
    double *in[FA_WIDE_INPUTS]; /* padded with 0; kernels may overwrite them */
    double *grad[FA_WIDE_INPUTS], *hess[FA_WIDE_INPUTS]; /* all of an input's kind, or NULL: not wanted */
    double *work[FA_WIDE_INPUTS];
    const double *class_weight; /* padded with 0, or NULL: all 1 */
    const int64_t *labels;      /* in range */
    size_t label_count;
    double target, scale; /* scale: of gradients and curvature */
    double margin, p, eps;
    int swap;
} fa_wide_row;

/* The row's loss; writes what is wanted of gradients and curvature. */
typedef double fa_wide_kernel(const fa_wide_row *row);

typedef struct {
    fa_wide_kernel *loss[FA_WIDE_LOSSES];
    /* rows of n contiguous float32 or float64, `stride` bytes apart, to rows of `padded` float64; and back */
    void (*widen)(size_t rows, size_t n, fa_dtype dtype, const char *from, ptrdiff_t stride, double *to, size_t padded);
    void (*narrow)(size_t rows, size_t n, fa_dtype dtype, const double *from, size_t padded, char *to, ptrdiff_t stride);
} fa_wide_kernels;

#endif
