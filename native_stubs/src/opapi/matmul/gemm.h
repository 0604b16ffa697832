/* Products of matrices of floats, whatever their types and strides: C = A B in fp32 (or fp64 for DOUBLE).
 *
 * Each element is a sum of k products in fp32; the order of the sum is not promised. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_GEMM_H
#define ASCEND_STUB_OPAPI_MATMUL_GEMM_H

#include <stdbool.h>
#include <stdint.h>

#include "acl/acl_base.h"

/* FLOAT, FLOAT16, BF16 or DOUBLE elements, steps in elements. */
typedef struct {
    const void *first;
    aclDataType dtype;
    int64_t row, column;
} stub_matrix;

typedef struct {
    int64_t m, n, k;
    stub_matrix a, b; /* m x k, k x n */
    void *c;          /* float (double when a is DOUBLE), m rows of n numbers */
    int64_t c_row;    /* numbers from one row to the next */
    bool adds;        /* to what c holds */
} stub_gemm;

/* On the calling thread alone: for kernels that share out their work themselves. False without host memory. */
bool stub_gemm_run_here(const stub_gemm *gemm);
/* On all cores. */
bool stub_gemm_run(const stub_gemm *gemm);

#endif
