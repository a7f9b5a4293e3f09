/* See operands.h. */
#include "operands.h"

#include <string.h>

/* Four at a time: a loop of one copy is six instructions long, and its speed would depend on whether the linker lets it
 * straddle a cache line. */
static void copy_strided(size_t n, size_t size, const char *from, ptrdiff_t from_stride, char *to,
                         ptrdiff_t to_stride) {
#define COPY_ONE(bytes) memcpy(to, from, bytes), from += from_stride, to += to_stride
#define COPY(bytes)                  \
    case bytes:                      \
        for (; n >= 4; n -= 4) {     \
            COPY_ONE(bytes);         \
            COPY_ONE(bytes);         \
            COPY_ONE(bytes);         \
            COPY_ONE(bytes);         \
        }                            \
        while (n--) COPY_ONE(bytes); \
        break
    switch (size) {
        COPY(1);
        COPY(2);
        COPY(4);
        COPY(8);
    }
#undef COPY
#undef COPY_ONE
}

static int is_own_type(const fa_operand *o, fa_precision precision) {
    return fa_is_native(o->dtype) && fa_precision_of(o->dtype) == precision;
}

void fa_gather(const fa_isa *isa, const fa_operand *o, size_t start, size_t n, fa_precision precision, void *to) {
    ptrdiff_t size = (ptrdiff_t)fa_itemsize(o->dtype);
    if (is_own_type(o, precision)) {
        if (o->stride == size) memcpy(to, fa_at(o, start), n * (size_t)size);
        else copy_strided(n, (size_t)size, fa_at(o, start), o->stride, to, size);
        return;
    }
    if (o->stride == size) {
        isa->kernels[precision]->widen(n, o->dtype, fa_at(o, start), to);
        return;
    }
    _Alignas(64) char raw[FA_STAGE_ELEMENTS * 8];
    for (size_t done = 0, piece; done < n; done += piece) {
        piece = n - done < FA_STAGE_ELEMENTS ? n - done : FA_STAGE_ELEMENTS;
        copy_strided(piece, (size_t)size, fa_at(o, start + done), o->stride, raw, size);
        isa->kernels[precision]->widen(piece, o->dtype, raw, (char *)to + done * fa_realsize(precision));
    }
}

void fa_scatter(const fa_isa *isa, const fa_operand *o, size_t start, size_t n, fa_precision precision,
                const void *from) {
    ptrdiff_t size = (ptrdiff_t)fa_itemsize(o->dtype);
    if (is_own_type(o, precision)) {
        if (o->stride == size) memcpy(fa_at(o, start), from, n * (size_t)size);
        else copy_strided(n, (size_t)size, from, size, fa_at(o, start), o->stride);
        return;
    }
    if (o->stride == size) {
        isa->kernels[precision]->narrow(n, o->dtype, from, fa_at(o, start));
        return;
    }
    _Alignas(64) char raw[FA_STAGE_ELEMENTS * 8];
    for (size_t done = 0, piece; done < n; done += piece) {
        piece = n - done < FA_STAGE_ELEMENTS ? n - done : FA_STAGE_ELEMENTS;
        isa->kernels[precision]->narrow(piece, o->dtype, (const char *)from + done * fa_realsize(precision), raw);
        copy_strided(piece, (size_t)size, raw, size, fa_at(o, start + done), o->stride);
    }
}

void fa_scatter_doubles(const fa_isa *isa, const fa_operand *o, size_t n, const double *from) {
    _Alignas(64) float narrow[FA_STAGE_ELEMENTS];
    fa_precision precision = fa_precision_of(o->dtype);
    for (size_t done = 0, piece; done < n; done += piece) {
        piece = n - done < FA_STAGE_ELEMENTS ? n - done : FA_STAGE_ELEMENTS;
        for (size_t i = 0; precision == FA_SINGLE && i < piece; i++) narrow[i] = (float)from[done + i];
        fa_scatter(isa, o, done, piece, precision, precision == FA_SINGLE ? (const void *)narrow : from + done);
    }
}

/* By memcpy, because a user's labels need not be aligned. */
#define LABELS(code, type)                                     \
    case code:                                                 \
        for (size_t i = 0; i < n; i++) {                       \
            type label;                                        \
            memcpy(&label, fa_at(o, start + i), sizeof label); \
            to[i] = (int64_t)label;                            \
        }                                                      \
        break;

void fa_gather_labels(const fa_operand *o, size_t start, size_t n, int64_t beyond, int64_t *to) {
    if (o->dtype == FA_I64 && o->stride == sizeof *to) {
        memcpy(to, fa_at(o, start), n * sizeof *to);
        return;
    }
    switch (o->dtype) {
        LABELS(FA_I8, int8_t)
        LABELS(FA_U8, uint8_t)
        LABELS(FA_I16, int16_t)
        LABELS(FA_U16, uint16_t)
        LABELS(FA_I32, int32_t)
        LABELS(FA_U32, uint32_t)
        LABELS(FA_I64, int64_t)
    case FA_U64:
        for (size_t i = 0; i < n; i++) {
            uint64_t label;
            memcpy(&label, fa_at(o, start + i), sizeof label);
            to[i] = label > INT64_MAX ? beyond : (int64_t)label;
        }
        break;
    default: break;
    }
}
#undef LABELS

/* One element, repeated over a virtual vector. float32 is the common case, and needs no call. */
static void broadcast(const fa_isa *isa, const fa_operand *o, fa_precision precision, char *to) {
    if (precision == FA_SINGLE) {
        float one;
        if (o->dtype == FA_F32) memcpy(&one, o->data, sizeof one);
        else isa->kernels[precision]->widen(1, o->dtype, o->data, &one);
        for (size_t i = 0; i < FA_VIRTUAL_VECTOR / sizeof one; i++) memcpy(to + i * sizeof one, &one, sizeof one);
    } else {
        double one;
        isa->kernels[precision]->widen(1, o->dtype, o->data, &one);
        for (size_t i = 0; i < FA_VIRTUAL_VECTOR / sizeof one; i++) memcpy(to + i * sizeof one, &one, sizeof one);
    }
}

typedef enum { IN_PLACE, BROADCAST, STAGED } operand_access;

static operand_access access_of(const fa_operand *o, fa_precision precision) {
    if (o->stride == 0) return BROADCAST;
    return fa_is_contiguous(o) && fa_precision_of(o->dtype) == precision ? IN_PLACE : STAGED;
}

/* How the kernel reaches its operands, and where, from the piece at hand on. */
typedef struct {
    operand_access in_access[FA_MAX_INPUTS], out_access[FA_MAX_OUTPUTS];
    const void *in[FA_MAX_INPUTS];
    void *out[FA_MAX_OUTPUTS];
    size_t step[FA_MAX_INPUTS];
} operand_pointers;

/* Piece by piece; STAGED operands go through buffers. */
static void for_staged_pieces(const fa_isa *isa, const fa_operands *all, size_t start, size_t n,
                              fa_piece_kernel *kernel, void *context, operand_pointers *p) {
    _Alignas(64) char in_stage[FA_MAX_INPUTS][FA_STAGE_ELEMENTS * 8], out_stage[FA_MAX_OUTPUTS][FA_STAGE_ELEMENTS * 8];
    for (size_t done = 0, piece; done < n; done += piece) {
        size_t at = start + done;
        piece = n - done < FA_STAGE_ELEMENTS ? n - done : FA_STAGE_ELEMENTS;
        for (size_t k = 0; k < all->inputs; k++) {
            if (p->in_access[k] == IN_PLACE) p->in[k] = fa_at(&all->in[k], at);
            if (p->in_access[k] != STAGED) continue;
            fa_gather(isa, &all->in[k], at, piece, all->precision, in_stage[k]);
            p->in[k] = in_stage[k];
        }
        for (size_t k = 0; k < all->outputs; k++)
            if (p->out[k]) p->out[k] = p->out_access[k] == IN_PLACE ? fa_at(&all->out[k], at) : out_stage[k];
        kernel(context, piece, p->in, p->step, p->out);
        for (size_t k = 0; k < all->outputs; k++)
            if (p->out[k] && p->out_access[k] == STAGED)
                fa_scatter(isa, &all->out[k], at, piece, all->precision, out_stage[k]);
    }
}

void fa_for_pieces(const fa_isa *isa, const fa_operands *all, size_t start, size_t n, fa_piece_kernel *kernel,
                   void *context) {
    _Alignas(64) char repeated[FA_MAX_INPUTS][FA_VIRTUAL_VECTOR];
    operand_pointers p;
    int staged = 0;
    for (size_t k = 0; k < all->inputs; k++) {
        const fa_operand *o = &all->in[k];
        p.in_access[k] = access_of(o, all->precision);
        p.step[k] = p.in_access[k] != BROADCAST;
        p.in[k] = p.step[k] ? fa_at(o, start) : repeated[k];
        if (!p.step[k]) broadcast(isa, o, all->precision, repeated[k]);
        staged |= p.in_access[k] == STAGED;
    }
    for (size_t k = 0; k < all->outputs; k++) {
        const fa_operand *o = &all->out[k];
        int direct = fa_is_contiguous(o) && fa_precision_of(o->dtype) == all->precision;
        p.out_access[k] = direct ? IN_PLACE : STAGED;
        p.out[k] = o->data ? fa_at(o, start) : NULL;
        staged |= o->data && !direct;
    }
    if (staged) for_staged_pieces(isa, all, start, n, kernel, context, &p);
    else kernel(context, n, p.in, p.step, p.out);
}
