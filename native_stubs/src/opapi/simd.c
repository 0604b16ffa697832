/* Chooses the version of the inner loops. */
#include "opapi/simd.h"

#include "core/cpu.h"

const stub_simd *stub_get_simd(void) {
#if defined(__x86_64__)
    if (stub_cpu_level() == STUB_CPU_AVX2) {
        return &stub_simd_avx2;
    }
#endif
    return &stub_simd_baseline;
}
