/* ops.def to loops, for one instruction set. Included by isa_*.c, once each,
 * after the target is set; FA_ISA_TABLE and FA_ISA_NAME name what it defines. */

#include "contract.h"
#include "../simd/simd.h"
#include "../math/accumulators.h"
#include "../math/elementary.h"

#include <math.h>

/* ---- element types narrower (or other) than what kernels compute in ------------- */

/* Either end may be a user's array, which need not be aligned. */
#define FA_CONVERT(type, real)                                             \
    {                                                                      \
        for (size_t i = 0; i < n; i++) {                                   \
            type given;                                                    \
            memcpy(&given, (const char *)from + i * sizeof given, sizeof given); \
            real result = (real)given;                                     \
            memcpy((char *)to + i * sizeof result, &result, sizeof result); \
        }                                                                  \
        break;                                                             \
    }

#define FA_CONVERT_ANY(real)                             \
    case FA_F32: FA_CONVERT(float, real)                 \
    case FA_F64: FA_CONVERT(double, real)                \
    case FA_I8: FA_CONVERT(int8_t, real)                 \
    case FA_U8: FA_CONVERT(uint8_t, real)                \
    case FA_I16: FA_CONVERT(int16_t, real)               \
    case FA_U16: FA_CONVERT(uint16_t, real)              \
    case FA_I32: FA_CONVERT(int32_t, real)               \
    case FA_U32: FA_CONVERT(uint32_t, real)              \
    case FA_I64: FA_CONVERT(int64_t, real)               \
    case FA_U64: FA_CONVERT(uint64_t, real)

/* A vector's worth of halves at a time; the last ones by way of a padded copy. */
#define FA_HALVES(load)                                                                                       \
    for (; n >= F32_LANES; n -= F32_LANES, half += F32_LANES, wide += F32_LANES) f32_store(wide, load(half)); \
    if (n) {                                                                                                  \
        uint16_t copy[F32_LANES] = {0};                                                                       \
        memcpy(copy, half, n * 2);                                                                            \
        f32_store_n(wide, n, load(copy));                                                                     \
    }

static void f32_widen_from(size_t n, fa_dtype dtype, const void *from, void *to) {
    const uint16_t *half = from;
    float *wide = to;
    switch (dtype) {
    case FA_F16: FA_HALVES(f32_load_f16) break;
    case FA_BF16: FA_HALVES(f32_load_bf16) break;
    FA_CONVERT_ANY(float)
    default: break;
    }
}

static void f64_widen_from(size_t n, fa_dtype dtype, const void *from, void *to) {
    float some[64];
    switch (dtype) {
    case FA_F16:
    case FA_BF16:
        for (size_t done = 0, piece; done < n; done += piece) {
            piece = n - done < 64 ? n - done : 64;
            f32_widen_from(piece, dtype, (const uint16_t *)from + done, some);
            for (size_t i = 0; i < piece; i++) ((double *)to)[done + i] = (double)some[i];
        }
        break;
    FA_CONVERT_ANY(double)
    default: break;
    }
}

#define FA_NARROW_HALVES(store)                                                                               \
    for (; n >= F32_LANES; n -= F32_LANES, half += F32_LANES, wide += F32_LANES) store(half, f32_load(wide)); \
    if (n) {                                                                                                  \
        uint16_t copy[F32_LANES];                                                                             \
        store(copy, f32_load_n(wide, n));                                                                     \
        memcpy(half, copy, n * 2);                                                                            \
    }

static void f32_narrow_to(size_t n, fa_dtype dtype, const void *from, void *to) {
    const float *wide = from;
    uint16_t *half = to;
    switch (dtype) {
    case FA_F16: FA_NARROW_HALVES(f32_store_f16) break;
    case FA_BF16: FA_NARROW_HALVES(f32_store_bf16) break;
    case FA_F32: FA_CONVERT(float, float)
    case FA_F64: FA_CONVERT(float, double)
    default: break;
    }
}

static void f64_narrow_to(size_t n, fa_dtype dtype, const void *from, void *to) {
    if (dtype == FA_F64) memcpy(to, from, n * sizeof(double));
}

/* ---- both precisions, and the table of them ---------------------------------------- */

#include "../simd/f64.h"
#include "losses/focal_soft.h" /* these first: float32 takes them from there */
#include "losses/tweedie.h"

#include "../simd/f32.h"
#include "of_type.h"

#include "../simd/f64.h" /* last: what is of float64 alone follows */
#include "of_type.h"

#include "ctc_kernel.h"
#include "float64_rows/float64_rows.h" /* its sums serve the others */

#include "float64_rows/distances.h"
#include "float64_rows/margins.h"

/* Vectors' chains in registers: through memory they take four times as long. */
static void add_exactly(fa_sum_state *state, size_t n, const double *from) {
    enum { VECTORS = FA_SUM_SLOTS / F64_LANES, GROUP = VECTORS < 4 ? VECTORS : 4 };
    for (size_t first = 0; first < FA_SUM_SLOTS; first += GROUP * F64_LANES) {
        vf64 s[GROUP], lost[GROUP];
        for (size_t k = 0; k < GROUP; k++) s[k] = f64_load(state->sum + first + k * F64_LANES);
        for (size_t k = 0; k < GROUP; k++) lost[k] = f64_load(state->lost + first + k * F64_LANES);
        for (size_t i = first; i < n; i += FA_SUM_SLOTS) {
            FA_UNROLL(4)
            for (size_t k = 0; k < GROUP; k++) {
                const vf64 v = f64_load(from + i + k * F64_LANES), total = s[k] + v, t = total - s[k];
                lost[k] = lost[k] - ((s[k] - (total - t)) + (v - t));
                s[k] = total;
            }
        }
        for (size_t k = 0; k < GROUP; k++) f64_store(state->sum + first + k * F64_LANES, s[k]);
        for (size_t k = 0; k < GROUP; k++) f64_store(state->lost + first + k * F64_LANES, lost[k]);
    }
}

static fa_label_count count_labels(size_t n, const int64_t *from, int64_t limit, int64_t ignore) {
    vi64 below = {0}, ignored = {0};
    fa_label_count total = {0, 0};
    size_t i = 0;
    for (; i + F64_LANES <= n; i += F64_LANES) { /* a comparison gives -1 */
        const vi64 v = f64_load_int64(from + i);
        below -= (v >= 0) & (v < limit);
        ignored -= v == ignore;
    }
    for (size_t k = 0; k < F64_LANES; k++) {
        total.below += (size_t)below[k];
        total.ignored += (size_t)ignored[k];
    }
    for (; i < n; i++) {
        total.below += from[i] >= 0 && from[i] < limit;
        total.ignored += from[i] == ignore;
    }
    return total;
}

const fa_isa FA_ISA_TABLE = {
    FA_ISA_NAME,
    {&f32_kernels, &f64_kernels},
    &ctc_kernels,
    {LANES,
     {multi_margin, multilabel_margin, multilabel_soft_margin, cosine_embedding, triplet_margin}, /* as fa_wide_loss */
     wide_widen, wide_narrow, wide_split, wide_join},
    add_exactly,
    count_labels,
};
