/* What the kernels of an instruction set are given and what they give: one table of them, fa_isa, is all that
 * runtime/ and drivers/ know of them, and no kernel knows who calls it.
 */
#ifndef FA_CONTRACT_H
#define FA_CONTRACT_H

#include "../core.h"

/* ---- elementwise: contiguous, of one precision ------------------------------------------------- */

/* out[0][i] = f(in[0][i], ...); step[k] is 1, or 0 for an operand that repeats a virtual vector.
 * FA_BOTH writes out[1] too. streams: store past the caches; every out[] then starts at a multiple of 64 bytes. */
typedef void fa_map_kernel(size_t n, const void *const in[], const size_t step[], void *const out[], int streams);

/* in: input, target, weight, scale, parameters. Adds weight * loss to `state`; the value is
 * weight * loss, gradients scale * weight * loss', curvatures scale * weight * loss''; any may be NULL.
 * n is a multiple of the virtual vector but in a sum's last call. */
typedef void fa_loss_kernel(size_t n, const void *const in[], const size_t step[], fa_sum_state *state,
                            void *const out[]);

/* ---- along a class axis: softmax and its kin, cross entropy -------------------------------------- */

/* A kernel works on one row whose classes are contiguous (ALONG: vectors run
 * along the row), or on `lanes` rows at a time whose elements of one class are
 * contiguous (ACROSS: a vector holds one class of each row), or on more of those
 * side by side, class by class (ABREAST: in the order they lie in memory). All do the
 * same operations in the same order on every row, so they give the same bits, and
 * the driver takes whichever suits the layout.
 *
 * It works in phases, which the driver interleaves: while a row's total, a long chain of
 * dependent instructions, is folded or its logarithm taken, the rows before and after it
 * keep the CPU busy. A phase's chain should not be much longer than the others' work.
 */
typedef enum { FA_WITHIN_ROW, FA_ACROSS_ROWS, FA_PANEL, FA_TRAVERSALS } fa_traversal;

/* BEGIN finds the maximum, MIDDLE sums exponentials, LATE takes the sum's logarithm and writes losses,
 * END writes what there is one of an element; ops without exponentials do all in END. */
typedef enum { FA_PHASE_MAX, FA_PHASE_EXP_SUM, FA_PHASE_LOG, FA_PHASE_WRITE, FA_ROW_PHASES } fa_row_phase;
enum { FA_ROW_STATE = 1280 }; /* bytes a kernel keeps between the phases of a row or a tile */
/* ABREAST: bytes of each class at a time, and what that takes of state and of sums. */
enum { FA_PANEL_BYTES = 1152, FA_PANEL_STATE = 22 << 10, FA_PANEL_SLOTS = 72 << 10 };

/* Kernels write losses and read labels by whole vectors: up to so many rows beyond the last. */
enum { FA_ROW_PADDING = FA_VIRTUAL_VECTOR / 4 };

/* What cross entropy has beside the rows. */
typedef struct {
    int soft;                 /* targets are probabilities: in[1] */
    int want_loss, want_grad, want_hess;
    const void *class_weight; /* n reals or NULL */
    double weight_sum;        /* of class_weight, or n */
    double smoothing, class_prior, z_loss; /* class_prior: of every class, smoothing / n */
} fa_cross_entropy_options;

typedef struct {
    size_t n;    /* classes */
    size_t rows; /* ABREAST: how many */
    size_t head; /* of them, before one at a vector's alignment */
    const void *in[2];
    void *out[2];
    ptrdiff_t in_pitch[2], out_pitch[2]; /* but ALONG: elements between classes */
    ptrdiff_t in_prefetch[2], out_prefetch;    /* but ACROSS: elements to what is worth fetching to the cache, or 0 */
    const void *row_in; /* a real a row, whole vectors: dy of logsumexp, scale of cross entropy (0: ignored row) */
    void *row_out;         /* a real a row: logsumexp */
    double *losses;        /* a loss a row, whole vectors */
    const int64_t *labels; /* a label a row, whole vectors, in range; of an ignored row 0 */
    const fa_cross_entropy_options *options;
    void *state; /* FA_ROW_STATE or FA_PANEL_STATE bytes, aligned to a vector */
    void *slots; /* ABREAST: FA_PANEL_SLOTS bytes, aligned to a vector */
} fa_rows_args;

typedef struct {
    void (*phase[FA_ROW_PHASES])(const fa_rows_args *args);
} fa_rows_kernel;

typedef struct {
    size_t lanes;
    fa_rows_kernel op[FA_ROW_OPS][FA_ROW_VARIANTS][FA_TRAVERSALS];
    fa_rows_kernel class_loss[FA_CLASS_LOSSES][FA_TRAVERSALS]; /* NULL: it has no row kernel */
    /* `rows` <= lanes rows of n reals, `pitch` reals apart, to and from [n][lanes]; absent rows are 0 */
    void (*to_tile)(size_t n, size_t rows, const void *from, ptrdiff_t pitch, void *tile);
    void (*from_tile)(size_t n, size_t rows, const void *tile, void *to, ptrdiff_t pitch);
} fa_row_kernels;

/* ---- rows computed in float64 whatever their type: margins, distances ------------------------------ */

/* Each row is widened to a buffer, and its gradients come back from there. What the rows cost in memory traffic
 * is hidden by the arithmetic; one body serves all element types and layouts, and squares of float32 cannot
 * overflow.
 *
 * A kernel works on one row, whose buffers are padded to whole groups, or on a tile: `lanes` short
 * rows, class by class, a vector for each class. Vectors hold elements of one row, or one element
 * of each row; operations and order are the same, and so are the bits.
 */
enum { FA_FLOAT64_GROUP = 16, FA_FLOAT64_ROW_INPUTS = 3, FA_FLOAT64_LANES = FA_VIRTUAL_VECTOR / 8 };

typedef struct {
    int tile;     /* a tile, not a row */
    size_t lanes; /* rows: 1, or those of a tile, of which some may be absent: 0 and of label 0 */
    size_t n, held, padded; /* classes; elements of a buffer, and what it may hold: whole vectors */
    double *in[FA_FLOAT64_ROW_INPUTS]; /* padded with 0; kernels may overwrite them */
    double *grad[FA_FLOAT64_ROW_INPUTS], *hess[FA_FLOAT64_ROW_INPUTS]; /* all of an input's kind, or NULL: not wanted */
    double *work[FA_FLOAT64_ROW_INPUTS];
    const double *class_weight; /* padded with 0, or NULL: all 1 */
    const int64_t *labels[FA_FLOAT64_LANES]; /* of each row, in range */
    size_t label_count[FA_FLOAT64_LANES];
    /* of each row; one row's in all lanes. scale: what gradients are multiplied by */
    double target[FA_FLOAT64_LANES], scale[FA_FLOAT64_LANES];
    double margin, p, eps;
    int swap;
} fa_float64_rows_args;

/* Writes each row's loss to its lane, and what is wanted of gradients and curvature. */
typedef void fa_float64_row_kernel(const fa_float64_rows_args *row, double loss[FA_FLOAT64_LANES]);

typedef struct {
    size_t lanes; /* of a tile; 1: there are none */
    fa_float64_row_kernel *loss[FA_FLOAT64_ROW_LOSSES];
    /* rows of n contiguous float32 or float64, `stride` bytes apart, to rows of `padded` float64; and back */
    void (*widen)(size_t rows, size_t n, fa_dtype dtype, const char *from, ptrdiff_t stride, double *to, size_t padded);
    void (*narrow)(size_t rows, size_t n, fa_dtype dtype, const double *from, size_t padded, char *to,
                   ptrdiff_t stride);
    /* a tile of float32 of n classes to two of float64, and back */
    void (*split)(size_t n, const float *tile, double *first, double *second);
    void (*join)(size_t n, const double *first, const double *second, float *tile);
} fa_float64_row_kernels;

/* ---- connectionist temporal classification: the sum over all alignments of labels to time steps ------ */

/* States alternate between blanks and labels: blank 0, label 0, blank 1, ..., label L - 1, blank L. A path
 * stays, goes on by one, or from a label to the next one by two if the two differ. alpha_t(s) is the
 * probability of all beginnings up to step t that end in s, beta_t(s) that of all ends from s on.
 *
 * Probabilities are m * 2^k with k a float64 of integral value, of each state its own: no path is so
 * improbable beside others that it would be lost, and errors are those of a few products a step, however
 * small the probability. Zero is k = -inf, with any finite m.
 */
enum { FA_CTC_SLOTS = FA_VIRTUAL_VECTOR / 8 };

/* m * 2^k of `width` labels, then of `width` blanks; FA_CTC_SLOTS elements before and behind may be read. */
typedef struct {
    double *m, *k;
} fa_ctc_row;

typedef struct {
    size_t width;       /* a multiple of FA_CTC_SLOTS, at least labels + 2: the last ones' m * 2^k are 0 */
    const double *x;    /* of each label; -inf beyond the last */
    double blank_x;
    double max;         /* what probabilities are exp(x - max) of */
    const double *skip; /* width + FA_CTC_SLOTS: 0 where a label may follow the one before it at once, else -inf */
    int normalise;      /* m back to [1, 2): at least every FA_CTC_NORMALISE steps */
} fa_ctc_step;
enum { FA_CTC_NORMALISE = 32 };

typedef struct {
    /* alpha_t from alpha_t-1 */
    void (*forward)(const fa_ctc_step *step, fa_ctc_row before, fa_ctc_row now);
    /* beta_t from beta_t+1, and the posterior of each state from alpha_t: label by label to `posterior`, which
     * has room for 2 width; returns that of all blanks. */
    double (*backward)(const fa_ctc_step *step, fa_ctc_row after, fa_ctc_row now, fa_ctc_row alpha,
                       fa_ctc_row product, double *posterior);
    /* max, and the sum of exp(x - max), both NaN if one is; n a multiple of FA_CTC_SLOTS, what is beyond the
     * classes -inf */
    double (*total)(size_t n, const double *x, double *max);
    /* grad = scale (y - posterior) with y = exp(x - max) inverse, and hess = scale (y (1 - y) - posterior (1 - posterior));
     * without x, y is 0. hess may be NULL. n as above. */
    void (*row)(size_t n, const double *x, double max, double inverse, const double *posterior, double scale,
                double *grad, double *hess);
    /* -log((m[0] 2^k[0] + m[1] 2^k[1]) / (m[2] 2^k[2])) */
    double (*minus_log)(const double m[3], const double k[3]);
} fa_ctc_kernels;

/* ---- the table ------------------------------------------------------------------------------------ */

enum { FA_MOMENT_ROWS = 32 }; /* at most, of a call of column_moments */

typedef struct {
    fa_map_kernel *map[FA_ACTIVATIONS][FA_DERIVATIVE]; /* NULL: no such variant */
    fa_loss_kernel *loss[FA_ELEMENTWISE_LOSSES];
    fa_row_kernels rows;
    /* n contiguous elements of `dtype` to this precision's own type, and back */
    void (*widen)(size_t n, fa_dtype dtype, const void *from, void *to);
    void (*narrow)(size_t n, fa_dtype dtype, const void *from, void *to);
    /* sums[i % FA_SUM_SLOTS] += from[i]; and sums[i] += from[i] */
    void (*add_run)(size_t n, const void *from, double *sums);
    void (*add_each)(size_t n, const void *from, double *sums);
    /* first[c] += sum over k of p[k] (w[k][c] - r[c]), second[c] += the same of its square; rows <= FA_MOMENT_ROWS */
    void (*column_moments)(size_t rows, size_t columns, const void *p, const void *w, const void *r, double *first,
                          double *second);
} fa_kernels;

typedef struct {
    size_t below, ignored; /* labels in 0 .. limit - 1; labels that are `ignore` */
} fa_label_count;

typedef struct {
    const char *name;
    const fa_kernels *kernels[FA_PRECISIONS];
    const fa_ctc_kernels *ctc;
    fa_float64_row_kernels float64_rows;
    /* fa_add_compensated of from[i] to slot i % FA_SUM_SLOTS; n is a multiple of that */
    void (*add_compensated)(fa_sum_state *state, size_t n, const double *from);
    fa_label_count (*count_labels)(size_t n, const int64_t *from, int64_t limit, int64_t ignore);
} fa_isa;

#endif
