/* The innermost product of gemm.c in one version per instruction set: a tile of `rows` x `columns` sums from packed
 * panels, [steps][rows] of A and [steps][columns] of B. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_GEMM_KERNEL_H
#define ASCEND_STUB_OPAPI_MATMUL_GEMM_KERNEL_H

#include <stddef.h>

/* The largest tile of any version. */
enum { STUB_GEMM_TILE = 6 * 16 };

typedef struct {
    size_t rows, columns;
    /* Panels of B and the tile lie on 64 bytes. */
    void (*multiply)(const float *a, const float *b, size_t steps, float *tile);
} stub_gemm_kernel;

extern const stub_gemm_kernel stub_gemm_baseline;
#if defined(__x86_64__)
extern const stub_gemm_kernel stub_gemm_avx2; /* needs AVX2 and FMA */
#endif

#endif
