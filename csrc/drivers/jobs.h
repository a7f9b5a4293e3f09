/* What drivers are asked to do: a job for each kind of loss, rows of a matrix, and two reductions.
 * Jobs are read only during the call. Whatever is wrong with labels is found before anything is written.
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

/* Row (o, i) class c of a matrix: data + o*outer + i*inner + c*class_ bytes. */
typedef struct {
    char *data;
    ptrdiff_t outer, inner, class_;
    fa_dtype dtype;
} fa_view3;

/* One element a row: data + o*outer + i*inner. */
typedef struct {
    char *data;
    ptrdiff_t outer, inner;
    fa_dtype dtype;
} fa_view2;

/* Elements of a matrix operand: row r, class c at data + r*row + c*class_ bytes. */
typedef struct {
    char *data;
    ptrdiff_t row, class_;
    fa_dtype dtype;
    int staged; /* copy it, though kernels could read it where it is */
} fa_matrix;

/* ---- activations ------------------------------------------------------------------------------------ */

typedef struct {
    int op; /* fa_activation_id */
    fa_variant variant; /* below FA_DERIVATIVE */
    size_t n;
    fa_operands operands; /* inputs: dy but for a value, x, parameters */
} fa_map_job;

void fa_map_run(const fa_map_job *job);

/* ---- rows of matrices ----------------------------------------------------------------------------- */

typedef struct {
    fa_precision precision;
    const fa_rows_kernel *kernel; /* by traversal */
    size_t rows, n, inputs, outputs;
    fa_matrix in[2], out[2];
    const char *mask; /* NULL, or bytes: 0 leaves the element out; in[0] is then the logits */
    ptrdiff_t mask_row, mask_class;
    double in_fill[2]; /* what a masked input element counts as */
    int new_outputs;    /* mostly made for this call: in no cache yet */
    fa_operand row_in, row_out; /* without data: absent */
    double *losses;             /* of each row, and FA_ROW_PADDING more, whose values are lost; or NULL */
    const int64_t *labels;      /* of each row and FA_ROW_PADDING more, all in range; or NULL */
    const fa_cross_entropy_options *options;
} fa_rows_job;

/* 0, or -1 without memory for staging (then some outputs are not written). */
int fa_rows_run(const fa_isa *isa, const fa_rows_job *job);

/* ---- elementwise losses --------------------------------------------------------------------------- */

typedef struct {
    int op; /* fa_elementwise_loss_id */
    fa_precision precision;
    size_t n;
    /* input, target, weight, scale, parameters; all with data */
    fa_operand in[FA_MAX_INPUTS];
    fa_operand out[FA_LOSS_RESULTS]; /* without data: not wanted */
    double *total;                   /* sum of weight * loss; NULL: not wanted */
} fa_elementwise_loss_job;

/* 0, or -1 without memory, nothing written. */
int fa_elementwise_loss_run(const fa_elementwise_loss_job *job);

typedef enum { FA_DONE, FA_NO_MEMORY, FA_BAD_LABEL } fa_status;

/* ---- losses of rows with a class axis --------------------------------------------------------------- */

typedef struct {
    int loss; /* fa_class_loss_id */
    fa_precision precision;
    size_t outer, inner, n;
    fa_view3 input;
    fa_view2 labels;       /* without data: soft targets */
    fa_view3 target;        /* soft targets */
    fa_operand weight;     /* n class weights; without data: 1 */
    int64_t ignore_index;
    double smoothing, z_loss;
    fa_view2 grad_output;  /* of every row, or with strides 0 of the reduced loss */
    int mean;              /* divide gradients by the denominator */
    fa_view2 value;        /* each row's loss; these three without data: not wanted */
    fa_view3 grad, hess;
    double *total;         /* the sum of the losses, or their mean; NULL: not wanted */
} fa_class_loss_job;

/* FA_BAD_LABEL: *bad_row is the first row whose label is neither ignore_index nor in
 * 0..n-1. Nothing has been written then. */
fa_status fa_class_loss_run(const fa_class_loss_job *job, size_t *bad_row);

/* ---- losses of rows computed in float64: margins of classes, distances -------------------------------- */

typedef struct {
    int loss; /* fa_float64_row_loss_id */
    size_t outer, inner, n, inputs;
    fa_view3 input[FA_FLOAT64_ROW_INPUTS]; /* if targets are PROBABILITIES the last is the target */
    fa_view2 labels;               /* multi_margin: one a row */
    fa_view3 label_lists;           /* multilabel_margin: n a row, ended by the first -1 */
    fa_view2 target;               /* cosine_embedding: 1 or -1 a row */
    fa_operand weight;             /* n class weights; without data: 1 */
    double margin, p, eps;
    int swap;
    fa_view2 grad_output; /* of every row, or with strides 0 of the reduced loss */
    fa_view2 row_weight;  /* of each row, or with strides 0 of all; without data: 1 */
    int mean;             /* divide by the number of rows */
    fa_view2 value;       /* each row's loss; without data, like those below: not wanted */
    /* by the first, or by all inputs; hess only beside grad */
    fa_view3 grad[FA_FLOAT64_ROW_INPUTS], hess[FA_FLOAT64_ROW_INPUTS];
    double *total;
} fa_float64_row_loss_job;

/* FA_BAD_LABEL: *bad is the first label that is not in 0..n-1 (of lists: in -1..n-1), counted
 * through the rows. Nothing has been written then. */
fa_status fa_float64_row_loss_run(const fa_float64_row_loss_job *job, size_t *bad);

/* ---- CTC: a whole batch --------------------------------------------------------------------------------- */

typedef struct {
    size_t steps, sequences, classes;
    fa_view3 input; /* outer: steps, inner: sequences */
    int logits;    /* input is not normalised: gradients are by logits */
    fa_view2 labels;      /* outer: from sequence to sequence, inner: within one */
    size_t labels_each;   /* room for each sequence's, or if concatenated the number of all */
    int concatenated;     /* then labels.outer is not used */
    fa_operand input_lengths, target_lengths; /* integers */
    int64_t blank;
    int mean, zero_infinity;
    fa_operand grad_output; /* of each sequence, or with stride 0 of the reduced loss */
    fa_operand weight;      /* of each sequence; without data: 1 */
    fa_operand value;       /* each sequence's loss; these three without data: not wanted */
    fa_view3 grad, hess;
    double *total;          /* the sum of the losses, or their mean; NULL: not wanted */
} fa_ctc_job;

typedef enum {
    FA_CTC_DONE,
    FA_CTC_NO_MEMORY,
    FA_CTC_BAD_BLANK,
    FA_CTC_BAD_INPUT_LENGTH,
    FA_CTC_BAD_TARGET_LENGTH,
    FA_CTC_BAD_SUM,   /* of target lengths, which must be labels_each if concatenated */
    FA_CTC_BAD_LABEL, /* not a class, or the blank */
} fa_ctc_status;

/* Where the first fault is: the sequence, and of a label its place in it. */
typedef struct {
    size_t sequence, label;
} fa_ctc_fault;

/* Whatever is wrong with lengths and labels is found before anything is written. */
fa_ctc_status fa_ctc_run(const fa_ctc_job *job, fa_ctc_fault *bad);

/* ---- reductions ------------------------------------------------------------------------------------------- */

/* out[k] = the sum over o and i of terms[o][k][i], a contiguous array of float32 or float64.
 * Added in float64, in an order that the three lengths alone decide; out may be of any float
 * type. 0, or -1 without memory. */
int fa_parameter_sums(size_t outer, size_t kept, size_t inner, fa_dtype dtype, const void *terms,
                      const fa_operand *out);

/* first[i][c] += sum over k of p[i][k] (w[k][c] - about[i][c]), second[i][c] += the same of its square, for i < count,
 * k < rows, c < columns. All arrays are contiguous but for p, whose rows are `pitch` elements apart. The order of all
 * sums is that of k. */
typedef struct {
    fa_precision precision;
    size_t count, rows, columns, pitch;
    const void *p, *w, *about;
    double *first, *second;
} fa_column_moments_job;

void fa_column_moments(const fa_column_moments_job *job);

#endif
