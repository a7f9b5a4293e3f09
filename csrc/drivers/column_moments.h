/* Moments of a matrix's columns about a row, under many distributions of its rows. */
#ifndef FA_COLUMN_SPREAD_H
#define FA_COLUMN_SPREAD_H

#include "../core.h"

/* first[i][c] += sum over k of p[i][k] (w[k][c] - about[i][c]), second[i][c] += the same of its square, for i < count,
 * k < rows, c < columns. All arrays are contiguous but for p, whose rows are `pitch` elements apart. The order of all
 * sums is that of k. */
typedef struct {
    fa_precision precision;
    size_t count, rows, columns, pitch;
    const void *p, *w, *about;
    double *first, *second;
} fa_column_spread_job;

void fa_column_spread(const fa_column_spread_job *job);

#endif
