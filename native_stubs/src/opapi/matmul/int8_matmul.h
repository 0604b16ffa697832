/* The int8 matrix product: exact int32 sums of x @ weight, on all cores. */
#ifndef ASCEND_STUB_OPAPI_INT8_MATMUL_H
#define ASCEND_STUB_OPAPI_INT8_MATMUL_H

#include <stddef.h>
#include <stdint.h>

#include "aclnn/acl_meta.h"

/* How the logical weight [k, n] lies in memory. */
typedef enum {
    STUB_WEIGHT_ROWS,         /* [k][n], `weight_stride` elements between rows */
    STUB_WEIGHT_COLUMNS,      /* stored as [n][k], `weight_stride` elements between those rows */
    STUB_WEIGHT_NZ,           /* FRACTAL_NZ of [k, n]: [ceil(n/32)][ceil(k/16)][16][32] */
    STUB_WEIGHT_NZ_TRANSPOSED /* FRACTAL_NZ of [n, k]: [ceil(k/32)][ceil(n/16)][16][32] */
} stub_weight_layout;

typedef struct {
    const int8_t *x; /* [m, k] */
    size_t x_stride; /* elements between rows */
    const int8_t *weight;
    size_t weight_stride;
    stub_weight_layout layout;
    size_t m, k, n;
    /* Takes finished sums: `count` of row `row` from column `column` on. Called from several threads at once, for each
     * element once; `column` and `count` cut rows into pieces worth a vector loop (a few hundred columns, or the row).
     */
    void (*finish)(void *state, size_t row, size_t column, const int32_t *sums, size_t count);
    void *state;
} stub_int8_matmul;

/* 0, or 207001 with a text when the host has no memory for packed operands (at most about a megabyte for each thread).
 * Sums are exact up to k = 131071 and wrap beyond. Shown outside the library for its test. */
aclnnStatus stub_int8_matmul_run(const stub_int8_matmul *work);

#endif
