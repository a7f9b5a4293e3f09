/* Sums of an array's elements to the shape of a parameter: its gradient. */
#ifndef FA_PARAMETER_SUMS_H
#define FA_PARAMETER_SUMS_H

#include "../core.h"

/* out[k] = the sum over o and i of terms[o][k][i], a contiguous array of float32 or float64.
 * Added in float64, in an order that the three lengths alone decide; out may be of any float
 * type. 0, or -1 without memory. */
int fa_parameter_sums(size_t outer, size_t kept, size_t inner, fa_dtype dtype, const void *terms,
                      const fa_operand *out);

#endif
