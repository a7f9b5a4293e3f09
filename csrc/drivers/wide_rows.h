/* Losses of whole rows that are computed in float64 whatever their type: each row is
 * widened to a buffer, and its gradients come back from there.
 *
 * What the rows cost in memory traffic is hidden by the arithmetic; one body serves all
 * element types and layouts, and squares of float32 cannot overflow.
 *
 * A kernel works on one row, whose buffers are padded to whole groups, or on a tile: `lanes` short
 * rows, class by class, a vector for each class. Vectors hold elements of one row, or one element
 * of each row; operations and order are the same, and so are the bits.
 */
#ifndef FA_WIDE_ROWS_H
#define FA_WIDE_ROWS_H

#include "../core.h"

typedef enum {
    FA_MULTI_MARGIN,
    FA_MULTILABEL_MARGIN,
    FA_MULTILABEL_SOFT_MARGIN,
    FA_COSINE_EMBEDDING,
    FA_TRIPLET_MARGIN,
    FA_WIDE_LOSSES
} fa_wide_loss;

enum { FA_WIDE_GROUP = 16, FA_WIDE_INPUTS = 3, FA_WIDE_LANES = FA_VIRTUAL_VECTOR / 8 };

typedef struct {
    int tile;     /* a tile, not a row */
    size_t lanes; /* rows: 1, or those of a tile, of which some may be absent: 0 and of label 0 */
    size_t n, held, padded; /* classes; elements of a buffer, and what it may hold: whole vectors */
    double *in[FA_WIDE_INPUTS]; /* padded with 0; kernels may overwrite them */
    double *grad[FA_WIDE_INPUTS], *hess[FA_WIDE_INPUTS]; /* all of an input's kind, or NULL: not wanted */
    double *work[FA_WIDE_INPUTS];
    const double *class_weight; /* padded with 0, or NULL: all 1 */
    const int64_t *labels[FA_WIDE_LANES]; /* of each row, in range */
    size_t label_count[FA_WIDE_LANES];
    double target[FA_WIDE_LANES], scale[FA_WIDE_LANES]; /* of each row; one row's in all lanes. scale: of gradients */
    double margin, p, eps;
    int swap;
} fa_wide_row;

/* Writes each row's loss to its lane, and what is wanted of gradients and curvature. */
typedef void fa_wide_kernel(const fa_wide_row *row, double loss[FA_WIDE_LANES]);

typedef struct {
    size_t lanes; /* of a tile; 1: there are none */
    fa_wide_kernel *loss[FA_WIDE_LOSSES];
    /* rows of n contiguous float32 or float64, `stride` bytes apart, to rows of `padded` float64; and back */
    void (*widen)(size_t rows, size_t n, fa_dtype dtype, const char *from, ptrdiff_t stride, double *to, size_t padded);
    void (*narrow)(size_t rows, size_t n, fa_dtype dtype, const double *from, size_t padded, char *to,
                   ptrdiff_t stride);
    /* a tile of float32 of n classes to two of float64, and back */
    void (*split)(size_t n, const float *tile, double *first, double *second);
    void (*join)(size_t n, const double *first, const double *second, float *tile);
} fa_wide_kernels;

#endif
