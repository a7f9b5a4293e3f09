/* All kernels of one instruction set, and the table of them, fa_isa (contract.h). Each runtime/isa_*.c sets its target,
 * the names FA_ISA_TABLE and FA_ISA_NAME, and includes this once. Kernels written for either element type are in
 * of_type.h, which is included twice. */
#ifndef FA_ALL_H
#define FA_ALL_H

#include "contract.h"

#include "../math/elementary.h"
#include "convert.h"

#include "losses/focal_soft.h"
#include "losses/tweedie.h"

#include "../simd/f32.h"
#include "of_type.h"

#include "../simd/f64.h"
#include "of_type.h"

#include "ctc_kernel.h"
#include "float64_rows/float64_rows.h"
#include "float64_rows/distances.h"
#include "float64_rows/margins.h"
#include "float64_sums.h"

#include "../simd/end_type.h"

const fa_isa FA_ISA_TABLE = {
    FA_ISA_NAME,
    {&f32_kernels, &f64_kernels},
    &ctc_kernels,
    {F64_LANES,
     {
#define FA_FLOAT64_ROW_LOSS(name, ...) name##_kernel,
#include "../ops.def"
     },
     widen_rows, narrow_rows, split_tile, join_tiles},
    add_compensated,
    count_labels,
};

#endif
