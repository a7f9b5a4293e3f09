/* One instruction set's kernels: what isa_*.c define and dispatch.c chooses from. */
#ifndef FA_ISA_H
#define FA_ISA_H

#include "../core.h"
#include "../drivers/ctc.h"
#include "../drivers/rows.h"
#include "../drivers/wide_rows.h"

enum { FA_SUM_SLOTS = 16, FA_SPREAD_ROWS = 32 };

typedef struct {
    fa_map_kernel *map[FA_ACTIVATIONS][FA_DERIVATIVE]; /* NULL: no such variant */
    fa_loss_kernel *loss[FA_ELEMENTWISE_LOSSES];
    fa_row_kernels rows;
    /* n contiguous elements of `dtype` to this precision's own type, and back */
    void (*widen)(size_t n, fa_dtype dtype, const void *from, void *to);
    void (*narrow)(size_t n, fa_dtype dtype, const void *from, void *to);
    /* sums[i % FA_SUM_SLOTS] += from[i]; and sums[i] += from[i] */
    void (*add_run)(size_t n, const void *from, double *sums);
    void (*add_each)(size_t n, const void *from, double *sums);
    /* first[c] += sum over k of p[k] (w[k][c] - r[c]), second[c] += the same of its square; rows <= FA_SPREAD_ROWS */
    void (*column_spread)(size_t rows, size_t columns, const void *p, const void *w, const void *r, double *first,
                          double *second);
} fa_kernels;

typedef struct {
    size_t below, ignored; /* labels in 0 .. limit - 1; labels that are `ignore` */
} fa_label_count;

struct fa_isa {
    const char *name;
    const fa_kernels *kernels[FA_PRECISIONS];
    const fa_ctc_kernels *ctc;
    fa_wide_kernels wide;
    /* fa_add_exactly of from[i] to slot i % FA_SUM_SLOTS; n is a multiple of that */
    void (*add_exactly)(fa_sum_state *state, size_t n, const double *from);
    fa_label_count (*count_labels)(size_t n, const int64_t *from, int64_t limit, int64_t ignore);
};

extern const fa_isa fa_isa_avx512, fa_isa_avx2, fa_isa_neon, fa_isa_baseline;

#endif
