/* Connectionist temporal classification: the sum over all alignments of labels to time steps.
 *
 * States alternate between blanks and labels: blank 0, label 0, blank 1, ..., label L - 1, blank L. A path
 * stays, goes on by one, or from a label to the next one by two if the two differ. alpha_t(s) is the
 * probability of all beginnings up to step t that end in s, beta_t(s) that of all ends from s on.
 *
 * Probabilities are m * 2^k with k a float64 of integral value, of each state its own: no path is so
 * improbable beside others that it would be lost, and errors are those of a few products a step, however
 * small the probability. Zero is k = -inf, with any finite m.
 */
#ifndef FA_CTC_H
#define FA_CTC_H

#include "losses.h"

/* ---- a whole batch ---------------------------------------------------------------- */

typedef struct {
    size_t steps, sequences, classes;
    fa_cube input; /* outer: steps, inner: sequences */
    int logits;    /* input is not normalised: gradients are by logits */
    fa_plane labels;      /* outer: from sequence to sequence, inner: within one */
    size_t labels_each;   /* room for each sequence's, or if concatenated the number of all */
    int concatenated;     /* then labels.outer is not used */
    fa_operand input_lengths, target_lengths; /* integers */
    int64_t blank;
    int mean, zero_infinity;
    fa_operand grad_output; /* of each sequence, or with stride 0 of the reduced loss */
    fa_operand weight;      /* of each sequence; without data: 1 */
    fa_operand value;       /* each sequence's loss; these three without data: not wanted */
    fa_cube grad, hess;
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
} fa_ctc_place;

/* Whatever is wrong with lengths and labels is found before anything is written. */
fa_ctc_status fa_ctc_run(const fa_ctc_job *job, fa_ctc_place *bad);

/* ---- kernels of one step ------------------------------------------------------------- */

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
    /* beta_t from beta_t+1, and the posterior of each state from alpha_t: label by label to `share`, which
     * has room for 2 width; returns that of all blanks. */
    double (*backward)(const fa_ctc_step *step, fa_ctc_row after, fa_ctc_row now, fa_ctc_row alpha,
                       fa_ctc_row product, double *share);
    /* max, and the sum of exp(x - max), both NaN if one is; n a multiple of FA_CTC_SLOTS, what is beyond the
     * classes -inf */
    double (*total)(size_t n, const double *x, double *max);
    /* scale (y - share) with y = exp(x - max) inverse, and scale (y (1 - y) - share (1 - share)); without x, y is 0.
     * hess may be NULL. n as above. */
    void (*row)(size_t n, const double *x, double max, double inverse, const double *share, double scale,
                double *grad, double *hess);
    /* -log((m[0] 2^k[0] + m[1] 2^k[1]) / (m[2] 2^k[2])) */
    double (*minus_log)(const double m[3], const double k[3]);
} fa_ctc_kernels;

#endif
