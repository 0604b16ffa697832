/* Chooses the version of the inner loops, once per process. */
#include "opapi/simd.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static bool has_f16c(void) {
    unsigned int a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static const stub_simd *best(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && has_f16c() ? &stub_simd_avx2 : &stub_simd_baseline;
}
#else
static const stub_simd *best(void) {
    return &stub_simd_baseline;
}
#endif

static const stub_simd *choose(void) {
    const char *wish = getenv("ASCEND_STUB_SIMD");
    if (!wish || !*wish) {
        return best();
    }
    if (strcmp(wish, best()->name) == 0) {
        return best();
    }
    if (strcmp(wish, "baseline") != 0) {
        fprintf(stderr, "ascend stub: ASCEND_STUB_SIMD=%s is not available here, using baseline (of baseline, avx2)\n",
                wish);
    }
    return &stub_simd_baseline;
}

const stub_simd *stub_get_simd(void) {
    static _Atomic(const stub_simd *) chosen;
    const stub_simd *simd = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!simd) {
        simd = choose();
        atomic_store_explicit(&chosen, simd, memory_order_release);
    }
    return simd;
}
