/* The facts of ops.def that do not depend on an instruction set. */
#include "core.h"

#define YES 1
#define NO 0

const fa_activation fa_activations[FA_ACTIVATIONS] = {
#define FA_ACTIVATION(name, parameters, from_output, by_parameter, cost, v32, d32, s32, v64, d64, s64) \
    {#name, parameters, from_output, by_parameter, FA_COST_##cost, {{v32, d32, s32}, {v64, d64, s64}}},
#include "ops.def"
};

const fa_row_op fa_row_ops[FA_ROW_OPS] = {
#define FA_ROW_OP(name, reduces, from_output, v32, v64) {#name, reduces, from_output, {v32, v64}},
#include "ops.def"
};

const fa_elementwise_loss fa_elementwise_losses[FA_ELEMENTWISE_LOSSES] = {
#define FA_ELEMENTWISE_LOSS(name, parameters, second, cost, v32, d32, s32, v64, d64, s64) \
    {#name, parameters, second, FA_COST_##cost, {{v32, d32, s32}, {v64, d64, s64}}},
#include "ops.def"
};

const fa_class_loss fa_class_losses[FA_CLASS_LOSSES] = {
#define FA_CLASS_LOSS(name, targets, row_kernel) {#name, FA_TARGETS_##targets, row_kernel},
#include "ops.def"
};

const fa_float64_row_loss fa_float64_row_losses[FA_FLOAT64_ROW_LOSSES] = {
#define FA_FLOAT64_ROW_LOSS(name, inputs, targets) {#name, inputs, FA_TARGETS_##targets},
#include "ops.def"
};

const char *const fa_targets_names[FA_TARGETS] = {
    [FA_TARGETS_NONE] = "none",
    [FA_TARGETS_LABELS] = "labels",
    [FA_TARGETS_LABEL_LISTS] = "label_lists",
    [FA_TARGETS_PROBABILITIES] = "probabilities",
    [FA_TARGETS_LABELS_OR_PROBABILITIES] = "labels_or_probabilities",
    [FA_TARGETS_SIGNS] = "signs",
};
