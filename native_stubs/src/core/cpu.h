/* Which instruction set the inner loops may use; decided once per process. */
#ifndef ASCEND_STUB_CORE_CPU_H
#define ASCEND_STUB_CORE_CPU_H

#include "core/export.h"

typedef enum {
    STUB_CPU_BASELINE, /* what the compiler assumes for the machine: SSE2, or NEON on aarch64 */
    STUB_CPU_AVX2      /* AVX2 and F16C */
} stub_cpu;

/* The best the processor has, or what ASCEND_STUB_SIMD (baseline, avx2) asks for. Every version of a loop gives the
 * same bits. */
STUB_EXPORT stub_cpu stub_cpu_level(void);

#endif
