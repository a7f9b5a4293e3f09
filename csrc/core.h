/* The types that all floors of csrc/ share: element types, the ops and what ops.def says of them, the state of a sum.
 * Nothing in csrc/ knows of Python. */
#ifndef FA_CORE_H
#define FA_CORE_H

#include <stddef.h>
#include <stdint.h>

/* ---- element types -------------------------------------------------------- */

typedef enum {
    FA_F32,
    FA_F64,
    FA_F16,
    FA_BF16,
    FA_I8,
    FA_U8,
    FA_I16,
    FA_U16,
    FA_I32,
    FA_U32,
    FA_I64,
    FA_U64,
    FA_DTYPES
} fa_dtype;

/* The types kernels compute in: FA_SINGLE is float32 (float16 and bfloat16 too), FA_DOUBLE is float64. */
typedef enum { FA_SINGLE, FA_DOUBLE, FA_PRECISIONS } fa_precision;

static inline size_t fa_itemsize(fa_dtype dtype) {
    static const unsigned char size[FA_DTYPES] = {4, 8, 2, 2, 1, 1, 2, 2, 4, 4, 8, 8};
    return size[dtype];
}
static inline fa_precision fa_precision_of(fa_dtype dtype) {
    return dtype == FA_F32 || dtype == FA_F16 || dtype == FA_BF16 ? FA_SINGLE : FA_DOUBLE;
}
static inline int fa_is_native(fa_dtype dtype) { return dtype == FA_F32 || dtype == FA_F64; }

/* ---- the ops ---------------------------------------------------------------- */

typedef enum { FA_COST_COPY, FA_COST_LIGHT, FA_COST_HEAVY } fa_cost;

typedef enum {
#define FA_ACTIVATION(name, ...) FA_OP_##name,
#include "ops.def"
    FA_ACTIVATIONS
} fa_activation_id;

typedef enum {
#define FA_ROW_OP(name, ...) FA_ROW_##name,
#include "ops.def"
    FA_ROW_OPS
} fa_row_id;

typedef enum {
#define FA_ELEMENTWISE_LOSS(name, ...) FA_LOSS_##name,
#include "ops.def"
    FA_ELEMENTWISE_LOSSES
} fa_elementwise_loss_id;

typedef enum {
#define FA_CLASS_LOSS(name, ...) FA_CLASS_##name,
#include "ops.def"
    FA_CLASS_LOSSES
} fa_class_loss_id;

typedef enum {
#define FA_FLOAT64_ROW_LOSS(name, ...) FA_FLOAT64_ROW_##name,
#include "ops.def"
    FA_FLOAT64_ROW_LOSSES
} fa_float64_row_loss_id;

/* What may be asked of an activation. FA_BOTH is FA_BACKWARD and FA_BY_PARAMETER in one pass, with two results.
 * FA_DERIVATIVE is FA_BACKWARD with dy = 1: it has no kernel of its own. */
typedef enum {
    FA_VALUE,
    FA_BACKWARD,
    FA_FROM_OUTPUT,
    FA_SECOND_DERIVATIVE,
    FA_BY_PARAMETER,
    FA_BOTH,
    FA_DERIVATIVE,
    FA_VARIANTS
} fa_variant;
enum { FA_ROW_VARIANTS = FA_FROM_OUTPUT + 1 };

typedef struct {
    const char *name;
    int parameters;
    int from_output;
    int by_parameter; /* has a gradient by its parameter */
    fa_cost cost;
    float ulp[FA_PRECISIONS][3]; /* documented bounds: value, first and second derivative */
} fa_activation;

typedef struct {
    const char *name;
    int reduces; /* gives one result for each row, not for each element */
    int from_output;
    float ulp[FA_PRECISIONS];
} fa_row_op;

typedef struct {
    const char *name;
    int parameters;
    int second_input; /* the first parameter is an input too, and has a gradient */
    fa_cost cost;
    float ulp[FA_PRECISIONS][3];
} fa_elementwise_loss;

/* What a loss of rows is given beside its inputs. */
typedef enum {
    FA_TARGETS_NONE,
    FA_TARGETS_LABELS,        /* one a row */
    FA_TARGETS_LABEL_LISTS,   /* as many a row as classes, ended by the first -1 */
    FA_TARGETS_PROBABILITIES, /* one for each class */
    FA_TARGETS_LABELS_OR_PROBABILITIES,
    FA_TARGETS_SIGNS, /* 1 or -1 a row */
    FA_TARGETS
} fa_targets;

typedef struct {
    const char *name;
    fa_targets targets;
    int row_kernel; /* computed by kernels/rows/; else by drivers/class_loss.c */
} fa_class_loss;

typedef struct {
    const char *name;
    int inputs; /* with gradients */
    fa_targets targets;
} fa_float64_row_loss;

extern const fa_activation fa_activations[FA_ACTIVATIONS];
extern const fa_row_op fa_row_ops[FA_ROW_OPS];
extern const fa_elementwise_loss fa_elementwise_losses[FA_ELEMENTWISE_LOSSES];
extern const fa_class_loss fa_class_losses[FA_CLASS_LOSSES];
extern const fa_float64_row_loss fa_float64_row_losses[FA_FLOAT64_ROW_LOSSES];
extern const char *const fa_targets_names[FA_TARGETS];

/* ---- sums and results ----------------------------------------------------------- */

#define FA_MAX_INPUTS 7
#define FA_MAX_OUTPUTS 5
#define FA_VIRTUAL_VECTOR 64 /* bytes; it fixes the order of every sum, whatever the instruction set */
/* of a sum in float64: element i adds to slot i % FA_SUM_SLOTS */
enum { FA_SUM_SLOTS = FA_VIRTUAL_VECTOR / sizeof(float) };

/* The slots of a running sum, in their order. The value of a slot is sum - lost. */
typedef struct {
    double sum[FA_SUM_SLOTS], lost[FA_SUM_SLOTS];
} fa_sum_state;

/* Where a loss's results go, in a kernel's out[]. GRAD and HESS: first and second derivative by the input;
 * SECOND_INPUT: by the second input. */
typedef enum {
    FA_LOSS_VALUE,
    FA_GRAD,
    FA_HESS,
    FA_SECOND_INPUT_GRAD,
    FA_SECOND_INPUT_HESS,
    FA_LOSS_RESULTS
} fa_loss_result;

#endif
