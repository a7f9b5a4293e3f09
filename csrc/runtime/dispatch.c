/* Chooses the instruction set at the first use: the one that the environment variable FASTACT_ISA names, if this CPU
 * has it, else the best. A host may change it later (fa_set_isa). */
#include "dispatch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)
#define FA_X86 1
#include "cpu_x86.h"
#endif

const fa_isa *const fa_isas[] = {
#if defined(FA_X86)
    &fa_isa_avx512, &fa_isa_avx2,
#elif defined(__aarch64__)
    &fa_isa_neon,
#endif
    &fa_isa_baseline, NULL,
};

static int cpu_has(const fa_isa *isa) {
#if defined(FA_X86)
    if (isa == &fa_isa_avx512) return fa_cpu_has_avx512();
    if (isa == &fa_isa_avx2) return fa_cpu_has_avx2();
#endif
    (void)isa;
    return 1; /* Advanced SIMD is part of AArch64 */
}

int fa_isa_supported(const fa_isa *isa) { return cpu_has(isa); }
const char *fa_isa_name(const fa_isa *isa) { return isa->name; }

static _Atomic(const fa_isa *) current;

static const fa_isa *find(const char *name) {
    for (size_t i = 0; fa_isas[i]; i++)
        if (strcmp(fa_isas[i]->name, name) == 0 && cpu_has(fa_isas[i])) return fa_isas[i];
    return NULL;
}

static const fa_isa *choose(void) {
    const char *asked = getenv("FASTACT_ISA");
    const fa_isa *best = asked ? find(asked) : NULL;
    for (size_t i = 0; !best; i++)
        if (cpu_has(fa_isas[i])) best = fa_isas[i];
    atomic_store(&current, best);
    return best;
}

const fa_isa *fa_current_isa(void) {
    const fa_isa *isa = atomic_load_explicit(&current, memory_order_acquire);
    return isa ? isa : choose();
}

int fa_set_isa(const char *name) {
    const fa_isa *isa = find(name);
    if (!isa) return -1;
    atomic_store(&current, isa);
    return 0;
}
