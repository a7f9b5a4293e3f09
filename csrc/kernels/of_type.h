/* All loops of one precision. Included once for each element type. */

#include "rows/reduce.h" /* first: its pairs and sums serve the others */

#include "../math/double_double.h"

#include "activations/rectifiers.h" /* first: its constant slopes serve the others */

#include "activations/exponential.h"
#include "activations/hard.h"
#include "activations/sigmoids.h" /* its logistic serves the next */

#include "activations/gated.h"
#include "activations/gelu.h"
#include "activations/smooth.h"

#include "activations/glu.h" /* gates made of the others */

#include "rows/softmax.h"
#include "rows/sparse.h"

#include "rows/cross_entropy.h"
#include "losses/binary.h"
#include "losses/focal.h"
#include "losses/deviance.h"
#include "losses/likelihood.h"
#include "losses/regression.h"

#include "map_loop.h" /* first: its operand access serves the others */

#include "loss_loop.h"
#include "rows/phases.h"

/* Plain sums in float64, F32_LANES elements a time. */
static void FN(add_run)(size_t n, const void *from, double *sums) {
    enum { GROUP = FA_SUM_SLOTS / F32_LANES };
    const real *run = from;
    f64w s[GROUP];
    size_t i = 0;
    for (size_t k = 0; k < GROUP; k++) s[k] = f64w_load(sums + k * F32_LANES);
    for (; i + FA_SUM_SLOTS <= n; i += FA_SUM_SLOTS)
        for (size_t k = 0; k < GROUP; k++) s[k] = f64w_sum(s[k], FN(load_wide)(run + i + k * F32_LANES));
    for (size_t k = 0; k < GROUP; k++) f64w_store(sums + k * F32_LANES, s[k]);
    for (size_t k = 0; i + k < n; k++) sums[k] += (double)run[i + k];
}
static void FN(add_each)(size_t n, const void *from, double *sums) {
    const real *row = from;
    size_t i = 0;
    for (; i + F32_LANES <= n; i += F32_LANES)
        f64w_store(sums + i, f64w_sum(f64w_load(sums + i), FN(load_wide)(row + i)));
    for (; i < n; i++) sums[i] += (double)row[i];
}

#include "column_moments.h" /* of such sums */

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
#define YES(name) FA_DIRECTIONS_OF(name##_from_output)
#define NO(name) {{{NULL}}}
#define FA_ROW_OP(name, reduces, from_output, ...) \
    {FA_DIRECTIONS_OF(name), FA_DIRECTIONS_OF(name##_backward), from_output(name)},
#include "../ops.def"
#undef YES
#undef NO
                },
            .cross_entropy = FA_DIRECTIONS_OF(cross_entropy),
            .to_tile = FN(to_tile),
            .from_tile = FN(from_tile),
        },
    .widen = FN(widen_from),
    .narrow = FN(narrow_to),
    .add_run = FN(add_run),
    .add_each = FN(add_each),
    .column_spread = FN(column_spread),
};

#undef SLOTS
#undef MOST_SLOTS
#undef MOST_TILES
#undef pair
#undef sum
#undef walk
#undef softmax_state
#undef pass
#undef ce_state
#undef ce
