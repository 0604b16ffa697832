/* The portable tile: 4 x 8, eight sums of four numbers. */
#include "opapi/matmul/gemm_kernel.h"

#include <string.h>

enum { ROWS = 4, COLUMNS = 8, LANES = 4 };

/* Vectors as GCC and Clang have them on every machine; a float is multiplied with all lanes. */
typedef float four __attribute__((vector_size(LANES * sizeof(float))));

static void multiply(const float *a, const float *b, size_t steps, float *tile) {
    four sums[ROWS][2] = {0};
    for (size_t p = 0; p < steps; p++) {
        four left, right;
        memcpy(&left, b + p * COLUMNS, sizeof left);
        memcpy(&right, b + p * COLUMNS + LANES, sizeof right);
        for (int i = 0; i < ROWS; i++) {
            const float x = a[p * ROWS + (size_t)i];
            sums[i][0] += left * x;
            sums[i][1] += right * x;
        }
    }
    memcpy(tile, sums, sizeof sums);
}

const stub_gemm_kernel stub_gemm_baseline = {ROWS, COLUMNS, multiply};
