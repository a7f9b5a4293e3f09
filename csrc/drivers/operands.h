/* Operands of any stride and element type, to and from contiguous elements of the precision that kernels compute in.
 * All drivers use this; map.c and elementwise_loss.c run whole kernels through fa_for_pieces. Conversion itself is
 * kernels/convert.h. */
#ifndef FA_OPERANDS_H
#define FA_OPERANDS_H

#include "jobs.h"

/* Elements staged at a time, which lets a handful of buffers fit L1. */
#define FA_STAGE_ELEMENTS 512
_Static_assert(FA_STAGE_ELEMENTS % FA_SUM_SLOTS == 0, "sums continue in their slots");

static inline size_t fa_realsize(fa_precision precision) { return precision == FA_SINGLE ? 4 : 8; }

/* Contiguous and float32 or float64: kernels of that precision can use the memory as it is. */
static inline int fa_is_contiguous(const fa_operand *o) {
    return fa_is_native(o->dtype) && o->stride == (ptrdiff_t)fa_itemsize(o->dtype);
}
static inline char *fa_at(const fa_operand *o, size_t i) { return o->data + (ptrdiff_t)i * o->stride; }

/* Elements start .. start + n - 1, converted to contiguous `to` of the precision, and back; any n. */
void fa_gather(const fa_isa *isa, const fa_operand *o, size_t start, size_t n, fa_precision precision, void *to);
void fa_scatter(const fa_isa *isa, const fa_operand *o, size_t start, size_t n, fa_precision precision,
                const void *from);

/* n doubles to the first n elements of an operand of any float type. */
void fa_scatter_doubles(const fa_isa *isa, const fa_operand *o, size_t n, const double *from);

/* n integers of any type as int64; uint64 values that int64 cannot hold become `beyond`. */
void fa_gather_labels(const fa_operand *o, size_t start, size_t n, int64_t beyond, int64_t *to);

typedef void fa_piece_kernel(void *context, size_t n, const void *const in[], const size_t step[], void *const out[]);

/* Calls the kernel over elements start .. start + n - 1. It gets pointers into the operands that kernels can use as
 * they are, and into buffers for the others; then in pieces of FA_STAGE_ELEMENTS. An input of stride 0 is a virtual
 * vector of that one element, with step 0 (contract.h). */
void fa_for_pieces(const fa_isa *isa, const fa_operands *all, size_t start, size_t n, fa_piece_kernel *kernel,
                   void *context);

#endif
