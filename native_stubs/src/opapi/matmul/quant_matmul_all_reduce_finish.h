/* What aclnnQuantMatmulAllReduce does with finished int32 sums, in one version per instruction set; every version gives
 * the same bits. */
#ifndef ASCEND_STUB_OPAPI_QUANT_MATMUL_ALL_REDUCE_FINISH_H
#define ASCEND_STUB_OPAPI_QUANT_MATMUL_ALL_REDUCE_FINISH_H

#include <stddef.h>
#include <stdint.h>

#include "opapi/simd.h"

/* y = half(fp32(sum + bias) * scale * pertoken), kept within -limit .. limit before the rounding (infinity: no limit);
 * then, when there is an x3, y = half(y + x3). All arrays hold one number per sum; x3 and y need no alignment. */
typedef struct {
    stub_half half;
    const int32_t *bias;
    const float *scale;
    float pertoken; /* 1 without: that multiplication is exact */
    float limit;
    const void *x3; /* NULL: none */
} stub_qmm_epilogue;

void stub_qmm_finish(const stub_qmm_epilogue *by, const int32_t *sums, size_t n, void *y);

void stub_qmm_finish_baseline(const stub_qmm_epilogue *by, const int32_t *sums, size_t n, void *y);
#if defined(__x86_64__)
void stub_qmm_finish_avx2(const stub_qmm_epilogue *by, const int32_t *sums, size_t n, void *y);
#endif

#endif
