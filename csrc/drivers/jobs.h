/* What drivers can be asked to do: a job for activations, for row ops, for each kind of loss, and two reductions.
 *
 * A job is read only during the call. A struct without data (data == NULL) is absent, or a result that is not wanted.
 * Wrong labels are found before anything is written.
 */
#ifndef FA_JOBS_H
#define FA_JOBS_H

#include "../kernels/contract.h"

/* ---- operands ---------------------------------------------------------------------------------- */

/* A run of elements `stride` bytes apart; stride 0 repeats one element. */
typedef struct {
    char *data;
    ptrdiff_t stride;
    fa_dtype dtype;
} fa_operand;

/* The inputs and outputs of an elementwise function. */
typedef struct {
    size_t inputs, outputs;
    fa_operand in[FA_MAX_INPUTS], out[FA_MAX_OUTPUTS]; /* an output without data is not wanted */
    fa_precision precision;
} fa_operands;

/* Rows of classes, (outer, inner, n): class c of row (o, i) is at data + o*outer_stride + i*inner_stride +
 * c*class_stride. */
typedef struct {
    char *data;
    ptrdiff_t outer_stride, inner_stride, class_stride; /* bytes */
    fa_dtype dtype;
} fa_view3;

/* One value a row, (outer, inner): that of row (o, i) is at data + o*outer_stride + i*inner_stride. Strides 0: one for
 * all rows. */
typedef struct {
    char *data;
    ptrdiff_t outer_stride, inner_stride; /* bytes */
    fa_dtype dtype;
} fa_view2;

/* A matrix, (rows, n): class c of row r is at data + r*row_stride + c*class_stride. In a job whose rows are (outer,
 * inner), class c of row (o, i) is at data + o*outer_stride + i*row_stride + c*class_stride. */
typedef struct {
    char *data;
    ptrdiff_t row_stride, class_stride; /* bytes */
    fa_dtype dtype;
    int staged; /* go through a buffer even where kernels could read it in place */
    ptrdiff_t outer_stride;
} fa_matrix;

/* ---- activations ------------------------------------------------------------------------------------ */

typedef struct {
    int op;             /* fa_activation_id */
    fa_variant variant; /* below FA_DERIVATIVE */
    size_t n;
    fa_operands operands; /* inputs: dy (unless the variant is a value or a derivative), x or y, parameters. No output
                           * is absent. */
    const char *mask; /* n bytes, 0 leaves an element of the (only) output as it is; or NULL */
} fa_map_job;

void fa_map_run(const fa_map_job *job);

/* ---- rows of matrices ----------------------------------------------------------------------------- */

typedef struct {
    fa_precision precision;
    const fa_rows_kernel *kernel; /* by traversal */
    size_t rows, inner; /* rows: all; inner: those of one outer index, or 0: all */
    size_t n, inputs, outputs;
    fa_matrix in[2], out[2];
    const char *mask; /* bytes (rows, n), 0 leaves an element out; or NULL */
    ptrdiff_t mask_row, mask_class, mask_outer;
    double in_fill[2], out_fill; /* what a masked element of each input counts as, and what the outputs get there */
    int new_outputs;             /* mostly allocated for this call, so in no cache yet */
    fa_operand row_in, row_out;
    double *losses;        /* (rows + FA_ROW_PADDING), the padding is scratch; or NULL */
    const int64_t *labels; /* (rows + FA_ROW_PADDING), all in range; or NULL */
    const fa_cross_entropy_options *options;
} fa_rows_job;

/* 0, or -1 if there is no memory for staging: then some outputs have not been written. */
int fa_rows_run(const fa_isa *isa, const fa_rows_job *job);

/* The same of matrices that kernels can use nearly as they lie: of the precision's own type, with neither a mask nor
 * outer rows; in tasks for threads, or serial. */
int fa_rows_run_native(const fa_isa *isa, const fa_rows_job *job, int serial);

/* ---- elementwise losses --------------------------------------------------------------------------- */

typedef struct {
    int op; /* fa_elementwise_loss_id */
    fa_precision precision;
    size_t n;
    fa_operand in[FA_MAX_INPUTS]; /* input, target, weight, scale, parameters; none absent */
    fa_operand out[FA_LOSS_RESULTS];
    double *total; /* the sum of weight * loss, or NULL */
} fa_elementwise_loss_job;

/* 0, or -1 if there is no memory: then nothing has been written. */
int fa_elementwise_loss_run(const fa_elementwise_loss_job *job);

typedef enum { FA_DONE, FA_NO_MEMORY, FA_BAD_LABEL } fa_status;

/* ---- losses of rows with a class axis --------------------------------------------------------------- */

typedef struct {
    int loss; /* fa_class_loss_id */
    fa_precision precision;
    size_t outer, inner, n;
    fa_view3 input;
    fa_view2 labels;   /* or, if absent, */
    fa_view3 target;   /* probabilities */
    fa_operand weight; /* of each class; absent: 1 */
    int64_t ignore_index;
    double smoothing, z_loss;
    fa_view2 grad_output; /* by each row's loss, or with strides 0 by the reduced loss */
    int mean;             /* divide the total and the gradients by what a mean divides by */
    fa_view2 value;       /* each row's loss */
    fa_view3 grad, hess;
    double *total; /* the losses' sum or mean, or NULL */
} fa_class_loss_job;

/* FA_BAD_LABEL: *bad_row is the first row whose label is neither ignore_index nor in 0 .. n - 1.
 * FA_NO_MEMORY: gradients may have been written in part; values and the total have not. */
fa_status fa_class_loss_run(const fa_class_loss_job *job, size_t *bad_row);

/* ---- losses of rows computed in float64: margins of classes, distances -------------------------------- */

typedef struct {
    int loss; /* fa_float64_row_loss_id */
    size_t outer, inner, n, inputs;
    fa_view3 input[FA_FLOAT64_ROW_INPUTS]; /* if targets are PROBABILITIES the last is the target */
    /* of these three the one that the table's targets ask for (fa_targets) */
    fa_view2 labels;
    fa_view3 label_lists;
    fa_view2 target;   /* 1 or -1 a row */
    fa_operand weight; /* of each class; absent: 1 */
    double margin, p, eps;
    int swap;
    fa_view2 grad_output; /* by each row's loss, or with strides 0 by the reduced loss */
    fa_view2 row_weight;  /* absent: 1 */
    int mean;             /* divide the total and the gradients by the number of rows */
    fa_view2 value;       /* each row's loss */
    /* by the first input, or by all; hess only beside grad */
    fa_view3 grad[FA_FLOAT64_ROW_INPUTS], hess[FA_FLOAT64_ROW_INPUTS];
    double *total; /* the losses' sum or mean, or NULL */
} fa_float64_row_loss_job;

/* FA_BAD_LABEL: *bad is the first label that is not in 0 .. n - 1 (in a list also -1), counted through the rows.
 * FA_NO_MEMORY as above. */
fa_status fa_float64_row_loss_run(const fa_float64_row_loss_job *job, size_t *bad);

/* ---- CTC: a whole batch --------------------------------------------------------------------------------- */

typedef struct {
    size_t steps, sequences, classes;
    fa_view3 input;     /* (steps, sequences, classes) */
    int logits;         /* 1: input is logits, and so are the gradients'; 0: log-probabilities */
    fa_view2 labels;    /* (sequences, labels_each), or if concatenated (labels_each), where outer is not used */
    size_t labels_each; /* room for a sequence's labels, or if concatenated the number of all */
    int concatenated;
    fa_operand input_lengths, target_lengths; /* (sequences), integers */
    int64_t blank;
    int mean, zero_infinity;
    fa_operand grad_output; /* by each sequence's loss, or with stride 0 by the reduced loss */
    fa_operand weight;      /* of each sequence; absent: 1 */
    fa_operand value;       /* each sequence's loss */
    fa_view3 grad, hess;
    double *total; /* the losses' sum or mean, or NULL */
} fa_ctc_job;

typedef enum {
    FA_CTC_DONE,
    FA_CTC_NO_MEMORY,
    FA_CTC_BAD_BLANK,
    FA_CTC_BAD_INPUT_LENGTH,
    FA_CTC_BAD_TARGET_LENGTH,
    FA_CTC_BAD_SUM,   /* concatenated target lengths do not add up to labels_each */
    FA_CTC_BAD_LABEL, /* not a class, or the blank */
} fa_ctc_status;

/* Where the first fault is: the sequence, and if it is a label its place in the sequence. */
typedef struct {
    size_t sequence, label;
} fa_ctc_fault;

fa_ctc_status fa_ctc_run(const fa_ctc_job *job, fa_ctc_fault *bad);

/* ---- reductions ------------------------------------------------------------------------------------------- */

/* out[k] = sum over o and i of terms[o][k][i]. terms: (outer, kept, inner), contiguous float32 or float64; out: (kept),
 * any float type. Added in float64, in an order that the three lengths alone decide. 0, or -1 if there is no memory. */
int fa_parameter_sums(size_t outer, size_t kept, size_t inner, fa_dtype dtype, const void *terms,
                      const fa_operand *out);

/* first[i][c] += sum over k of p[i][k] (w[k][c] - center[i][c]), and second[i][c] += the same with the difference
 * squared. p: (count, rows), rows `row_pitch` elements apart; w: (rows, columns); center, first, second: (count,
 * columns).
 * All but p are contiguous. Sums go in the order of k. */
typedef struct {
    fa_precision precision;
    size_t count, rows, columns, row_pitch;
    const void *p, *w, *center;
    double *first, *second;
} fa_column_moments_job;

void fa_column_moments(const fa_column_moments_job *job);

#endif
