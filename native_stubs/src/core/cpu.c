/* The processor's instruction set, and the user's wish. */
#include "core/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static stub_cpu best(void) {
    unsigned int a, b, c, d;
    const int has_f16c = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && has_f16c ? STUB_CPU_AVX2 : STUB_CPU_BASELINE;
}
#else
static stub_cpu best(void) {
    return STUB_CPU_BASELINE;
}
#endif

static stub_cpu level;

static void choose(void) {
    static const char *const names[] = {[STUB_CPU_BASELINE] = "baseline", [STUB_CPU_AVX2] = "avx2"};
    const char *wish = getenv("ASCEND_STUB_SIMD");
    level = best();
    if (!wish || !*wish || strcmp(wish, names[level]) == 0) {
        return;
    }
    if (strcmp(wish, names[STUB_CPU_BASELINE]) != 0) {
        fprintf(stderr, "ascend stub: ASCEND_STUB_SIMD=%s is not available here, using baseline (of baseline, avx2)\n",
                wish);
    }
    level = STUB_CPU_BASELINE;
}

stub_cpu stub_cpu_level(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose);
    return level;
}
