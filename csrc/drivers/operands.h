/* Staging: an operand of any stride and element type, to and from contiguous
 * elements of the precision kernels compute in. */
#ifndef FA_OPERAND_H
#define FA_OPERAND_H

#include "jobs.h"

/* Elements staged at a time: a handful of such buffers fit L1. */
#define FA_STAGE_ELEMENTS 512

static inline size_t fa_realsize(fa_precision precision) { return precision == FA_SINGLE ? 4 : 8; }

/* Can kernels work on its memory as it is? */
static inline int fa_is_contiguous(const fa_operand *o) {
    return fa_is_native(o->dtype) && o->stride == (ptrdiff_t)fa_itemsize(o->dtype);
}
static inline char *fa_at(const fa_operand *o, size_t i) { return o->data + (ptrdiff_t)i * o->stride; }

/* n elements from element `start` on; any n. */
void fa_gather(const fa_isa *isa, const fa_operand *o, size_t start, size_t n, fa_precision precision, void *to);
void fa_scatter(const fa_isa *isa, const fa_operand *o, size_t start, size_t n, fa_precision precision,
                const void *from);

/* n doubles to any operand. */
void fa_scatter_doubles(const fa_isa *isa, const fa_operand *o, size_t n, const double *from);

/* n integers of any type as int64; those too large for it become `beyond`. */
void fa_gather_labels(const fa_operand *o, size_t start, size_t n, int64_t beyond, int64_t *to);

/* What a kernel is called with: pointers into the operands where those are contiguous, into stages where they are
 * not. */
typedef void fa_piece_kernel(void *context, size_t n, const void *const in[], const size_t step[], void *const out[]);

/* Calls the kernel over elements start..start+n, in pieces of FA_STAGE_ELEMENTS where an operand is staged. */
void fa_for_pieces(const fa_isa *isa, const fa_operands *all, size_t start, size_t n, fa_piece_kernel *kernel,
                   void *context);

#endif
