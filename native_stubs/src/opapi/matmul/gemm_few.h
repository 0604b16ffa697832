/* Products with few rows, and all of doubles: nothing is packed, each element of B is read once for up to
 * STUB_GEMM_FEW rows. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_GEMM_FEW_H
#define ASCEND_STUB_OPAPI_MATMUL_GEMM_FEW_H

#include <stddef.h>

#include "opapi/matmul/gemm.h"

enum { STUB_GEMM_FEW = 4, STUB_GEMM_FEW_COLUMNS = 1024 };

/* A product whose result has steps in both directions, so that it can stand for its transpose. */
typedef struct {
    stub_gemm gemm;
    int64_t c_column;
} stub_gemm_job;

/* Rows [row, row + rows) and columns [column, column + columns) of the product; at most FEW and FEW_COLUMNS. */
void stub_gemm_few(const stub_gemm_job *job, int64_t row, size_t rows, int64_t column, size_t columns);

#endif
