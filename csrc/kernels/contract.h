/* The contract between kernels and their callers: the types of kernels, what they are given, and the table of all
 * kernels of one instruction set, fa_isa. runtime/ and drivers/ know kernels only by that table, and no kernel knows
 * who calls it. all.h and of_type.h fill the table, runtime/dispatch.c chooses one; a driver's jobs are in
 * drivers/jobs.h.
 *
 * A virtual vector is FA_VIRTUAL_VECTOR = 64 bytes whatever the instruction set; it decides the order of every sum.
 * `lanes` are those of a native vector. */
#ifndef FA_CONTRACT_H
#define FA_CONTRACT_H

#include "../core.h"

/* ---- elementwise: contiguous operands of one precision ----------------------------------------- */

/* out[0][i] = f(in[0][i], ...), i < n. step[k] is 1; or 0 for an input that is one virtual vector, used again and
 * again. FA_BOTH writes out[1] too. streams: store past the caches; every out[] then starts at a multiple of 64
 * bytes. */
typedef void fa_map_kernel(size_t n, const void *const in[], const size_t step[], void *const out[], int streams);

/* in: input, target, weight, scale, parameters; out: as fa_loss_result, NULL for what is not wanted.
 * The value is weight * loss and is added to `state`, gradients are scale * weight * loss', curvatures
 * scale * weight * loss''. n is a multiple of the virtual vector, except in a sum's last call. */
typedef void fa_loss_kernel(size_t n, const void *const in[], const size_t step[], fa_sum_state *state,
                            void *const out[]);

/* ---- rows with a class axis: softmax and its kin, cross entropy ---------------------------------- */

/* What a call of a row kernel covers, and what a vector holds:
 *   FA_WITHIN_ROW   x: (n)        one row of contiguous classes; a vector holds neighbouring classes of it
 *   FA_ACROSS_ROWS  x: (n, lanes) a tile of `lanes` rows; a vector holds one class of each row
 *   FA_PANEL        x: (n, rows)  tiles side by side, class by class, as they lie in memory
 * kernels/rows/row_shape.h has a picture. All three do the same operations in the same order on every row and give the
 * same bits, so the driver takes whichever suits the layout. */
typedef enum { FA_WITHIN_ROW, FA_ACROSS_ROWS, FA_PANEL, FA_TRAVERSALS } fa_traversal;

/* MAX finds the maximum, EXP_SUM computes and sums exponentials, LOG takes the sum's logarithm and writes losses, WRITE
 * writes results that have an element for each class. Ops without exponentials do all in WRITE.
 * The driver interleaves phases of several rows: while one row's total is folded, or its logarithm taken, which are
 * long chains of dependent instructions, other rows keep the CPU busy. A phase's chain should not be much longer than
 * the other phases' work. */
typedef enum { FA_PHASE_MAX, FA_PHASE_EXP_SUM, FA_PHASE_LOG, FA_PHASE_WRITE, FA_ROW_PHASES } fa_row_phase;
enum { FA_ROW_STATE = 1280 }; /* bytes a kernel keeps between the phases of a row or a tile */
/* A panel: bytes of one class, and the bytes its state and its slots of sums take. */
enum { FA_PANEL_BYTES = 1152, FA_PANEL_STATE = 22 << 10, FA_PANEL_SLOTS = 72 << 10 };

/* Kernels read labels and write losses in whole vectors, so they may go this many rows beyond the last. */
enum { FA_ROW_PADDING = FA_VIRTUAL_VECTOR / 4 };

/* What cross entropy is given beside the rows. */
typedef struct {
    int soft_targets; /* targets are probabilities, in[1]; else labels */
    int want_loss, want_grad, want_hess;
    const void *class_weight;              /* n reals, or NULL: all 1 */
    double weight_sum;                     /* the sum of class_weight, or n */
    double smoothing, class_prior, z_loss; /* class_prior: smoothing / n */
} fa_cross_entropy_options;

typedef struct {
    size_t n;    /* classes */
    size_t rows; /* panel only: its rows */
    size_t head; /* panel only: how many of them come before the first tile at a vector's alignment */
    const void *in[2];
    void *out[2];
    ptrdiff_t in_pitch[2], out_pitch[2];    /* elements between classes; not used within row */
    ptrdiff_t in_prefetch_distance[2];      /* elements ahead to what is prefetched, or 0; not used across rows */
    ptrdiff_t out_prefetch_distance;
    /* one value a row; read and written in whole vectors */
    const void *row_in;    /* reals: dy of logsumexp, scale of cross entropy (0: an ignored row) */
    void *row_out;         /* reals: logsumexp */
    double *losses;
    const int64_t *labels; /* all in range; an ignored row's is 0 */
    const fa_cross_entropy_options *options;
    void *state; /* FA_ROW_STATE or FA_PANEL_STATE bytes, aligned to a vector */
    void *slots; /* panel only: FA_PANEL_SLOTS bytes, aligned to a vector */
} fa_rows_args;

typedef struct {
    void (*phase[FA_ROW_PHASES])(const fa_rows_args *args);
} fa_rows_kernel;

typedef struct {
    size_t lanes;
    fa_rows_kernel op[FA_ROW_OPS][FA_ROW_VARIANTS][FA_TRAVERSALS];
    fa_rows_kernel class_loss[FA_CLASS_LOSSES][FA_TRAVERSALS]; /* NULL: it has no row kernel */
    /* `rows` <= lanes rows of n reals, `row_pitch` reals apart, to a tile (n, lanes) and back; absent rows become 0 */
    void (*to_tile)(size_t n, size_t rows, const void *from, ptrdiff_t row_pitch, void *tile);
    void (*from_tile)(size_t n, size_t rows, const void *tile, void *to, ptrdiff_t row_pitch);
} fa_row_kernels;

/* ---- rows computed in float64 whatever their type: margins, distances ------------------------------ */

/* Each row is widened to a float64 buffer, and its gradients are narrowed from one. So one body serves all element
 * types and layouts, and squares of float32 cannot overflow; the arithmetic hides the additional memory traffic.
 *
 * A kernel works on one row (n), padded to whole groups of FA_FLOAT64_GROUP, or on a tile (n, lanes) of short rows. A
 * vector holds neighbouring elements of one row, or one element of each row. Operations and their order are the same,
 * and so are the bits. */
enum { FA_FLOAT64_GROUP = 16, FA_FLOAT64_ROW_INPUTS = 3, FA_FLOAT64_LANES = FA_VIRTUAL_VECTOR / 8 };

typedef struct {
    int tile;                          /* a tile; else one row */
    size_t lanes;                      /* rows: 1, or a tile's, where absent rows are 0 and have label 0 */
    size_t n, held, padded;            /* classes; a buffer's elements (n * lanes), and its size in whole vectors */
    double *in[FA_FLOAT64_ROW_INPUTS]; /* padded with 0; kernels may overwrite them */
    double *grad[FA_FLOAT64_ROW_INPUTS], *hess[FA_FLOAT64_ROW_INPUTS]; /* by each input; NULL: not wanted */
    double *work[FA_FLOAT64_ROW_INPUTS];
    const double *class_weight;              /* (n), padded with 0; or NULL: all 1 */
    const int64_t *labels[FA_FLOAT64_LANES]; /* each row's, in range */
    size_t label_count[FA_FLOAT64_LANES];
    /* one value a row; a single row has it in all lanes. Gradients are multiplied by scale. */
    double target[FA_FLOAT64_LANES], scale[FA_FLOAT64_LANES];
    double margin, p, eps;
    int swap;
} fa_float64_rows_args;

/* Writes each row's loss to its lane, and the gradients and curvatures that are wanted. */
typedef void fa_float64_row_kernel(const fa_float64_rows_args *row, double loss[FA_FLOAT64_LANES]);

typedef struct {
    size_t lanes; /* rows of a tile; 1: there are no tiles */
    fa_float64_row_kernel *loss[FA_FLOAT64_ROW_LOSSES];
    /* rows of n contiguous float32 or float64, `stride` bytes apart, to float64 (rows, padded); and back */
    void (*widen)(size_t rows, size_t n, fa_dtype dtype, const char *from, ptrdiff_t stride, double *to, size_t padded);
    void (*narrow)(size_t rows, size_t n, fa_dtype dtype, const double *from, size_t padded, char *to,
                   ptrdiff_t stride);
    /* a float32 tile of n classes to two float64 tiles, which have half its lanes each; and back */
    void (*tile_to_f64)(size_t n, const float *tile, double *first, double *second);
    void (*tile_from_f64)(size_t n, const double *first, const double *second, float *tile);
} fa_float64_row_kernels;

/* ---- connectionist temporal classification: the sum over all alignments of labels to time steps ------ */

/* States alternate between blanks and labels: blank 0, label 0, blank 1, ..., label L - 1, blank L. From one step to
 * the next a path stays in its state, moves on by one, or moves from a label to the next label if the two differ.
 * alpha_t(s) is the probability of all beginnings of paths up to step t that end in s, beta_t(s) that of all ends from
 * s on.
 *
 * A probability is m * 2^k, with k a float64 of integral value and a k for each state. So no path underflows, however
 * improbable it is beside others, and errors are those of a few products a step, however small the probability. Zero is
 * k = -inf with any finite m. ctc_kernel.h has the steps, drivers/ctc.c the loop over steps. */
enum { FA_CTC_SLOTS = FA_VIRTUAL_VECTOR / 8 };

/* (2, width): m * 2^k of the labels, then of the blanks. FA_CTC_SLOTS elements before and behind are readable. */
typedef struct {
    double *m, *k;
} fa_ctc_row;

typedef struct {
    size_t width;    /* a multiple of FA_CTC_SLOTS, at least labels + 2; beyond the labels all m * 2^k are 0 */
    const double *x; /* (width): the input at each label; -inf beyond the last */
    double blank_x;
    double max;         /* probabilities are exp(x - max) */
    const double *skip; /* (width + FA_CTC_SLOTS): 0 where a label may directly follow the one before it, else -inf */
    int normalise;      /* bring m back to [1, 2): true at least every FA_CTC_NORMALISE steps */
} fa_ctc_step;
enum { FA_CTC_NORMALISE = 32 };

typedef struct {
    /* alpha_t from alpha_t-1 */
    void (*forward)(const fa_ctc_step *step, fa_ctc_row before, fa_ctc_row now);
    /* beta_t from beta_t+1, and from alpha_t the posterior of each state: each label's to `posterior`, which has room
     * for 2 width; returns the posterior of all blanks together. */
    double (*backward)(const fa_ctc_step *step, fa_ctc_row after, fa_ctc_row now, fa_ctc_row alpha,
                       fa_ctc_row product, double *posterior);
    /* the maximum, and the sum of exp(x - max); both NaN if an x is. n is a multiple of FA_CTC_SLOTS; elements beyond
     * the classes are -inf */
    double (*exp_sum)(size_t n, const double *x, double *max);
    /* grad = scale (y - posterior) and hess = scale (y (1 - y) - posterior (1 - posterior)), with
     * y = exp(x - max) inverse, or 0 where x is NULL. hess may be NULL. n as above. */
    void (*row_gradient)(size_t n, const double *x, double max, double inverse, const double *posterior, double scale,
                         double *grad, double *hess);
    /* -log((m[0] 2^k[0] + m[1] 2^k[1]) / (m[2] 2^k[2])) */
    double (*minus_log)(const double m[3], const double k[3]);
} fa_ctc_kernels;

/* ---- the table ------------------------------------------------------------------------------------ */

enum { FA_MOMENT_ROWS = 32 }; /* the most rows of a call of column_moments */

typedef struct {
    fa_map_kernel *map[FA_ACTIVATIONS][FA_DERIVATIVE]; /* NULL: no such variant */
    fa_loss_kernel *loss[FA_ELEMENTWISE_LOSSES];
    fa_row_kernels rows;
    /* n contiguous elements of `dtype` to the type of this precision, and back */
    void (*widen)(size_t n, fa_dtype dtype, const void *from, void *to);
    void (*narrow)(size_t n, fa_dtype dtype, const void *from, void *to);
    /* sums[i % FA_SUM_SLOTS] += from[i]; and sums[i] += from[i] */
    void (*add_to_slots)(size_t n, const void *from, double *sums);
    void (*add_elementwise)(size_t n, const void *from, double *sums);
    /* first[c] += sum over k of p[k] (w[k][c] - r[c]), second[c] += sum over k of p[k] (w[k][c] - r[c])^2;
     * w: (rows, columns), rows <= FA_MOMENT_ROWS */
    void (*column_moments)(size_t rows, size_t columns, const void *p, const void *w, const void *r, double *first,
                           double *second);
    /* to[i] = mask[i] ? from[i] : fill; from may be `to` */
    void (*fill_masked)(size_t n, const char *mask, double fill, const void *from, void *to);
} fa_kernels;

typedef struct {
    size_t below, ignored; /* how many labels are in 0 .. limit - 1, and how many are `ignore` */
} fa_label_count;

typedef struct {
    const char *name;
    const fa_kernels *kernels[FA_PRECISIONS];
    const fa_ctc_kernels *ctc;
    fa_float64_row_kernels float64_rows;
    /* fa_add_compensated of from[i] to slot i % FA_SUM_SLOTS; n is a multiple of FA_SUM_SLOTS */
    void (*add_compensated)(fa_sum_state *state, size_t n, const double *from);
    fa_label_count (*count_labels)(size_t n, const int64_t *from, int64_t limit, int64_t ignore);
} fa_isa;

#endif
