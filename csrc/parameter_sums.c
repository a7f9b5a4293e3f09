#include "parameter_sums.h"

#include "simd/fp.h"

#include <stdlib.h>

/* Element i of a run, or row o of single elements, adds to slot i % SLOTS, o % SLOTS: as
 * many independent sums as keep a core busy. */
enum { SLOTS = 16, CHUNK = 1 << 16 };

typedef struct {
    size_t outer, kept, inner;
    size_t rows, columns; /* of a chunk: some of the outer rows, or of one row a part of each run */
    size_t chunks, used; /* of the slots */
    fa_dtype dtype;
    const void *terms;
    double *slots; /* [chunks][kept][SLOTS], of single elements [chunks][used][kept] */
} sums_plan;

#define FA_SUMS_OF(real)                                                                               \
    /* slots[k][SLOTS] += the runs of rows o, elements first .. end of each */                         \
    static void add_runs_##real(const sums_plan *p, size_t o, size_t first, size_t end, double *slots) { \
        for (size_t k = 0; k < p->kept; k++, slots += SLOTS) {                                         \
            const real *run = (const real *)p->terms + (o * p->kept + k) * p->inner;                   \
            size_t i = first;                                                                          \
            for (; i + SLOTS <= end; i += SLOTS)                                                       \
                for (size_t s = 0; s < SLOTS; s++) slots[s] += (double)run[i + s];                     \
            for (size_t s = 0; i + s < end; s++) slots[s] += (double)run[i + s];                       \
        }                                                                                              \
    }                                                                                                  \
    /* slots[SLOTS][kept] += row o of single elements */                                               \
    static void add_row_##real(const sums_plan *p, size_t o, double *slots) {                          \
        const real *row = (const real *)p->terms + o * p->kept;                                        \
        slots += (o % SLOTS) * p->kept;                                                                \
        for (size_t k = 0; k < p->kept; k++) slots[k] += (double)row[k];                               \
    }
FA_SUMS_OF(float)
FA_SUMS_OF(double)

static void sums_chunk(void *context, size_t index) {
    const sums_plan *p = context;
    double *slots = p->slots + index * p->used * p->kept;
    size_t parts = (p->inner + p->columns - 1) / p->columns, first = index % parts * p->columns;
    size_t end = p->inner - first < p->columns ? p->inner : first + p->columns;
    size_t o = index / parts * p->rows, last = p->outer - o < p->rows ? p->outer : o + p->rows;
    for (; o < last; o++) {
        if (p->inner == 1) (p->dtype == FA_F32 ? add_row_float : add_row_double)(p, o, slots);
        else (p->dtype == FA_F32 ? add_runs_float : add_runs_double)(p, o, first, end, slots);
    }
}

/* The slots of parameter k: slot s + half into s until one is left. */
static double folded(const sums_plan *p, const double *slots, size_t k) {
    double sum[SLOTS] = {0};
    for (size_t s = 0; s < p->used; s++) sum[s] = slots[p->inner == 1 ? s * p->kept + k : k * SLOTS + s];
    for (size_t half = SLOTS / 2; half; half /= 2)
        for (size_t s = 0; s < half; s++) sum[s] += sum[s + half];
    return sum[0];
}

int fa_parameter_sums(size_t outer, size_t kept, size_t inner, fa_dtype dtype, const void *terms, double *out) {
    for (size_t k = 0; k < kept; k++) out[k] = 0.0;
    if (!outer || !kept || !inner) return 0;
    sums_plan p = {outer, kept, inner, .columns = inner, .dtype = dtype, .terms = terms};
    size_t least = kept * SLOTS * SLOTS; /* so that a chunk's slots are few beside its elements */
    p.rows = (CHUNK > least ? CHUNK : least) / inner / kept;
    if (!p.rows) p.rows = 1;
    if (outer == 1) p.columns = CHUNK;
    p.used = inner == 1 && outer < SLOTS ? outer : SLOTS;
    p.chunks = (outer + p.rows - 1) / p.rows * ((inner + p.columns - 1) / p.columns);
    if (!(p.slots = calloc(p.chunks * kept, p.used * sizeof(double)))) return -1;
    fa_parallel_for(p.chunks, sums_chunk, &p);
    for (size_t c = 0; c < p.chunks; c++)
        for (size_t k = 0; k < kept; k++) out[k] += folded(&p, p.slots + c * p.used * kept, k);
    free(p.slots);
    return 0;
}
