/* All kernels of one precision, and the table of them, fa_kernels (contract.h). all.h includes this once for each
 * element type. ops.def makes the lists: the order of its lines is that of the ids in core.h.
 *
 * Each header includes what it uses. They are listed here all the same, from the ground up, since gcc numbers what it
 * meets and its choices of registers follow: an include that moves elsewhere shall not change the code. */
#include "../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_OF_TYPE_H64) : !defined(FA_OF_TYPE_H32)
#ifdef FA_T_IS_F64
#define FA_OF_TYPE_H64
#else
#define FA_OF_TYPE_H32
#endif

#include "convert.h"
#include "rows/reduce.h"
#include "common.h"

#include "activations/rectifiers.h"
#include "activations/exponential.h"
#include "activations/hard.h"
#include "activations/sigmoids.h"
#include "activations/gated.h"
#include "activations/gelu.h"
#include "activations/smooth.h"
#include "activations/glu.h"

#include "rows/softmax.h"
#include "rows/softmax_backward.h"
#include "rows/sparse.h"
#include "rows/cross_entropy.h"

#include "losses/binary.h"
#include "losses/focal.h"
#include "losses/deviance.h"
#include "losses/likelihood.h"
#include "losses/regression.h"

#include "map_loop.h"
#include "loss_loop.h"
#include "rows/phases.h"
#include "rows/tiles.h"
#include "plain_sums.h"
#include "column_moments.h"
#include "masked.h"

static const fa_kernels FN(kernels) = {
    .map =
        {
#define YES(name) FN(map_##name)
#define NO(name) NULL
#define FA_ACTIVATION(name, parameters, from_output, by_parameter, ...)                                    \
    {FN(map_##name), FN(map_##name##_backward), from_output(name##_backward_from_output), FN(map_##name##_d2), \
     by_parameter(name##_backward_by_parameter), by_parameter(name##_both)},
#include "../ops.def"
#undef YES
#undef NO
        },
    .loss =
        {
#define FA_ELEMENTWISE_LOSS(name, ...) FN(loss_##name),
#include "../ops.def"
        },
    .rows =
        {
            .lanes = LANES,
            .op =
                {
#define YES(name) FA_TRAVERSALS_OF(name##_from_output)
#define NO(name) {{{NULL}}}
#define FA_ROW_OP(name, reduces, from_output, ...) \
    {FA_TRAVERSALS_OF(name), FA_TRAVERSALS_OF(name##_backward), from_output(name)},
#include "../ops.def"
#undef YES
#undef NO
                },
            .class_loss =
                {
#define YES(name) FA_TRAVERSALS_OF(name)
#define NO(name) {{{NULL}}}
#define FA_CLASS_LOSS(name, targets, row_kernel) row_kernel(name),
#include "../ops.def"
#undef YES
#undef NO
                },
            .to_tile = FN(to_tile),
            .from_tile = FN(from_tile),
        },
    .widen = FN(widen_from),
    .narrow = FN(narrow_to),
    .add_to_slots = FN(add_to_slots),
    .add_elementwise = FN(add_elementwise),
    .column_moments = FN(column_moments),
    .fill_masked = FN(fill_masked),
};

#endif
