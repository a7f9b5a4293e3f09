/* The CPU family that the compiler builds for. System headers come first: a target pragma in front of them would change
 * their inline functions, too. */
#ifndef FA_TARGET_H
#define FA_TARGET_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)
#define FA_TARGET_X86 1
#include <immintrin.h>
#elif defined(__aarch64__) || defined(_M_ARM64)
#define FA_TARGET_AARCH64 1
#include <arm_neon.h>
#endif

typedef int fa_target; /* gives content to a translation unit that is for another target */

#endif
