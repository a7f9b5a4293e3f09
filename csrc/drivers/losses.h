/* Losses over whole arrays: reductions, labels, ignored rows. */
#ifndef FA_LOSSES_H
#define FA_LOSSES_H

#include "../core.h"
#include "wide_rows.h"

/* ---- elementwise losses ------------------------------------------------------ */

typedef struct {
    int op; /* fa_loss_id */
    fa_precision precision;
    size_t n;
    /* input, target, weight, scale, parameters; all with data */
    fa_operand in[FA_MAX_INPUTS];
    fa_operand out[FA_LOSS_RESULTS]; /* without data: not wanted */
    double *total;                   /* sum of weight * loss; NULL: not wanted */
} fa_loss_job;

/* 0, or -1 without memory, nothing written. */
int fa_loss_run(const fa_loss_job *job);

/* ---- losses of rows with a class axis ------------------------------------------ */

/* Row (o, i) class c of a matrix: data + o*outer + i*inner + c*class_ bytes. */
typedef struct {
    char *data;
    ptrdiff_t outer, inner, class_;
    fa_dtype dtype;
} fa_cube;

/* One element a row: data + o*outer + i*inner. */
typedef struct {
    char *data;
    ptrdiff_t outer, inner;
    fa_dtype dtype;
} fa_plane;

typedef enum { FA_NLL, FA_CROSS_ENTROPY } fa_row_loss;

typedef struct {
    fa_row_loss loss;
    fa_precision precision;
    size_t outer, inner, n;
    fa_cube input;
    fa_plane labels;       /* without data: soft targets */
    fa_cube target;        /* soft targets */
    fa_operand weight;     /* n class weights; without data: 1 */
    int64_t ignore_index;
    double smoothing, z_loss;
    fa_plane grad_output;  /* of every row, or with strides 0 of the reduced loss */
    int mean;              /* divide gradients by the denominator */
    fa_plane value;        /* each row's loss; these three without data: not wanted */
    fa_cube grad, hess;
    double *total;         /* the sum of the losses, or their mean; NULL: not wanted */
} fa_row_loss_job;

typedef enum { FA_DONE, FA_NO_MEMORY, FA_BAD_LABEL } fa_status;

/* FA_BAD_LABEL: *bad_row is the first row whose label is neither ignore_index nor in
 * 0..n-1. Nothing has been written then. */
fa_status fa_row_loss_run(const fa_row_loss_job *job, size_t *bad_row);

/* ---- losses of whole rows in float64: margins of classes, distances ---------------- */

typedef struct {
    fa_wide_loss loss;
    size_t outer, inner, n, inputs;
    fa_cube input[FA_WIDE_INPUTS]; /* of multilabel_soft_margin the second is the target */
    fa_plane labels;               /* multi_margin: one a row */
    fa_cube label_lists;           /* multilabel_margin: n a row, ended by the first -1 */
    fa_plane target;               /* cosine_embedding: 1 or -1 a row */
    fa_operand weight;             /* n class weights; without data: 1 */
    double margin, p, eps;
    int swap;
    fa_plane grad_output; /* of every row, or with strides 0 of the reduced loss */
    fa_plane row_weight;  /* of each row, or with strides 0 of all; without data: 1 */
    int mean;             /* divide by the number of rows */
    fa_plane value;       /* each row's loss; without data, like those below: not wanted */
    fa_cube grad[FA_WIDE_INPUTS], hess[FA_WIDE_INPUTS]; /* of the first, or all inputs; hess only beside grad */
    double *total;
} fa_wide_loss_job;

/* FA_BAD_LABEL: *bad is the first label that is not in 0..n-1 (of lists: in -1..n-1), counted
 * through the rows. Nothing has been written then. */
fa_status fa_wide_loss_run(const fa_wide_loss_job *job, size_t *bad);

#endif
