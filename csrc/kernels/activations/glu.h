/* Gated linear units: a act(b) of two halves a and b. To the loops each is an activation of b with the parameter a:
 * the gradient by b is its backward, the gradient by a is the one by its parameter. Errors are the activation's and one
 * rounding more. */
#include "../../math/elementary.h"
#if defined(FA_T_IS_F64) ? !defined(FA_GLU_H64) : !defined(FA_GLU_H32)
#ifdef FA_T_IS_F64
#define FA_GLU_H64
#else
#define FA_GLU_H32
#endif

#include "gated.h"
#include "gelu.h"
#include "rectifiers.h"
#include "sigmoids.h"

/* a act(b), and its derivatives a act'(b) and a act''(b) by b and act(b) by a. */
#define FA_GLU(name, act)                                                              \
    FA_INLINE vec FN(name)(vec b, vec a) { return a * FN(act)(b); }                    \
    FA_INLINE vec FN(name##_d1)(vec b, vec a) { return a * FN(act##_d1)(b); }          \
    FA_INLINE vec FN(name##_d2)(vec b, vec a) { return a * FN(act##_d2)(b); }          \
    FA_INLINE vec FN(name##_by_parameter)(vec b, vec a) {                              \
        (void)a;                                                                       \
        return FN(act)(b);                                                             \
    }
FA_GLU(glu, sigmoid)
FA_GLU(swiglu, silu)
FA_GLU(geglu, gelu)
FA_GLU(reglu, relu)
#undef FA_GLU

#endif
