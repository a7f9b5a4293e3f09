/* Ops along an axis: softmax and its kin, cross entropy.
 *
 * A kernel works on one row whose classes are contiguous (ALONG: vectors run
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
#ifndef FA_ROWS_H
#define FA_ROWS_H

#include "../core.h"

typedef enum { FA_ALONG, FA_ACROSS, FA_ABREAST, FA_DIRECTIONS } fa_direction;

/* BEGIN finds the maximum, MIDDLE sums exponentials, LATE takes the sum's logarithm and writes losses,
 * END writes what there is one of an element; ops without exponentials do all in END. */
typedef enum { FA_BEGIN, FA_MIDDLE, FA_LATE, FA_END, FA_ROW_PHASES } fa_row_phase;
enum { FA_ROW_STATE = 1280 }; /* bytes a kernel keeps between the phases of a row or a tile */
/* ABREAST: bytes of each class at a time, and what that takes of state and of sums. */
enum { FA_ABREAST_BYTES = 1152, FA_ABREAST_STATE = 22 << 10, FA_ABREAST_SLOTS = 72 << 10 };

/* Kernels write losses and read labels by whole vectors: up to so many rows beyond the last. */
enum { FA_ROOM_BEYOND = FA_VIRTUAL_VECTOR / 4 };

/* What cross entropy has beside the rows. */
typedef struct {
    int soft;                 /* targets are probabilities: in[1] */
    int want_loss, want_grad, want_hess;
    const void *class_weight; /* n reals or NULL */
    double weight_sum;        /* of class_weight, or n */
    double smoothing, share, z_loss; /* share: of every class, smoothing / n */
} fa_cross_entropy_options;

typedef struct {
    size_t n;    /* classes */
    size_t rows; /* ABREAST: how many */
    size_t head; /* of them, before one at a vector's alignment */
    const void *in[2];
    void *out[2];
    ptrdiff_t in_pitch[2], out_pitch[2]; /* but ALONG: elements between classes */
    ptrdiff_t in_ahead[2], out_ahead;    /* but ACROSS: elements to what is worth fetching to the cache, or 0 */
    const void *row_in; /* a real a row, whole vectors: dy of logsumexp, scale of cross entropy (0: ignored row) */
    void *row_out;         /* a real a row: logsumexp */
    double *losses;        /* a loss a row, whole vectors */
    const int64_t *labels; /* a label a row, whole vectors, in range; of an ignored row 0 */
    const fa_cross_entropy_options *options;
    void *state; /* FA_ROW_STATE or FA_ABREAST_STATE bytes, aligned to a vector */
    void *slots; /* ABREAST: FA_ABREAST_SLOTS bytes, aligned to a vector */
} fa_rows_args;

typedef struct {
    void (*phase[FA_ROW_PHASES])(const fa_rows_args *args);
} fa_rows_kernel;

typedef struct {
    size_t lanes;
    fa_rows_kernel op[FA_ROW_OPS][FA_ROW_VARIANTS][FA_DIRECTIONS];
    fa_rows_kernel cross_entropy[FA_DIRECTIONS];
    /* `rows` <= lanes rows of n reals, `pitch` reals apart, to and from [n][lanes]; absent rows are 0 */
    void (*to_tile)(size_t n, size_t rows, const void *from, ptrdiff_t pitch, void *tile);
    void (*from_tile)(size_t n, size_t rows, const void *tile, void *to, ptrdiff_t pitch);
} fa_row_kernels;

/* Elements of a matrix operand: row r, class c at data + r*row + c*class_ bytes. */
typedef struct {
    char *data;
    ptrdiff_t row, class_;
    fa_dtype dtype;
    int staged; /* copy it, though kernels could read it where it is */
} fa_matrix;

typedef struct {
    fa_precision precision;
    const fa_rows_kernel *kernel; /* by direction */
    size_t rows, n, inputs, outputs;
    fa_matrix in[2], out[2];
    const char *mask; /* NULL, or bytes: 0 leaves the element out; in[0] is then the logits */
    ptrdiff_t mask_row, mask_class;
    double in_fill[2]; /* what a masked input element counts as */
    int new_outputs;    /* mostly made for this call: in no cache yet */
    fa_operand row_in, row_out; /* without data: absent */
    double *losses;             /* of each row, and FA_ROOM_BEYOND more, whose values are lost; or NULL */
    const int64_t *labels;      /* of each row and FA_ROOM_BEYOND more, all in range; or NULL */
    const fa_cross_entropy_options *options;
} fa_rows_job;

/* 0, or -1 without memory for staging (then some outputs are not written). */
int fa_rows_run(const fa_isa *isa, const fa_rows_job *job);

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
