/* Row kernels compiled: a function for each op, traversal and phase, and the macros that list them in the table.
 *
 * FA_DEFINE_PHASES(softmax) defines softmax_max_within_row, softmax_exp_sum_within_row, ..., softmax_write_panel.
 * FA_TRAVERSALS_OF(softmax) lists them as fa_rows_kernel[FA_TRAVERSALS], which of_type.h puts in fa_kernels for
 * drivers/rows.c to call. The ops themselves are in softmax.h, softmax_backward.h, sparse.h and cross_entropy.h. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_PHASES_H64) : !defined(FA_PHASES_H32)
#ifdef FA_T_IS_F64
#define FA_PHASES_H64
#else
#define FA_PHASES_H32
#endif

#include "cross_entropy.h"
#include "softmax.h"
#include "softmax_backward.h"
#include "sparse.h"

/* Phase and traversal are constants in each call, so each function holds only its own phase's code. */
#define FA_PHASES_OF_TRAVERSAL(name, suffix, traversal)                                                         \
    static void FN(name##_max##suffix)(const fa_rows_args *a) { FN(name)(a, FA_PHASE_MAX, traversal); }         \
    static void FN(name##_exp_sum##suffix)(const fa_rows_args *a) { FN(name)(a, FA_PHASE_EXP_SUM, traversal); } \
    static void FN(name##_log##suffix)(const fa_rows_args *a) { FN(name)(a, FA_PHASE_LOG, traversal); }         \
    static void FN(name##_write##suffix)(const fa_rows_args *a) { FN(name)(a, FA_PHASE_WRITE, traversal); }
#define FA_DEFINE_PHASES(name)                                 \
    FA_PHASES_OF_TRAVERSAL(name, _within_row, FA_WITHIN_ROW)   \
    FA_PHASES_OF_TRAVERSAL(name, _across_rows, FA_ACROSS_ROWS) \
    FA_PHASES_OF_TRAVERSAL(name, _panel, FA_PANEL)
#define FA_PHASE_TABLE(name, suffix)                                                                             \
    {                                                                                                            \
        { FN(name##_max##suffix), FN(name##_exp_sum##suffix), FN(name##_log##suffix), FN(name##_write##suffix) } \
    }
#define FA_TRAVERSALS_OF(name) \
    { FA_PHASE_TABLE(name, _within_row), FA_PHASE_TABLE(name, _across_rows), FA_PHASE_TABLE(name, _panel) }

#define YES(name) FA_DEFINE_PHASES(name##_from_output)
#define NO(name)
#define FA_ROW_OP(name, reduces, from_output, ...) \
    FA_DEFINE_PHASES(name)                         \
    FA_DEFINE_PHASES(name##_backward)              \
    from_output(name)
#include "../../ops.def"
#undef YES
#undef NO

#define YES(name) FA_DEFINE_PHASES(name)
#define NO(name)
#define FA_CLASS_LOSS(name, targets, row_kernel) row_kernel(name)
#include "../../ops.def"
#undef YES
#undef NO


#define FA_STATE_FITS(bytes, tiles) ((tiles) * (sizeof(FN(softmax_state)) + sizeof(FN(ce_state))) <= (bytes))
_Static_assert(FA_STATE_FITS(FA_ROW_STATE, 1), "too small a state");
_Static_assert(FA_STATE_FITS(FA_PANEL_STATE, MAX_TILES), "too small a state");
_Static_assert(2 * MAX_SLOTS * MAX_TILES * sizeof(vsum) <= FA_PANEL_SLOTS, "too few slots");

#endif
