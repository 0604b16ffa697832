/* The tile for x86-64 with AVX2 and FMA: 6 x 16, twelve sums of eight numbers, which leaves registers for one step. */
#include "opapi/matmul/gemm_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { ROWS = 6, COLUMNS = 16, LANES = 8 };

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

__attribute__((target("avx2,fma"))) static void multiply(const float *a, const float *b, size_t steps, float *tile) {
#define ZERO(i) __m256 left##i = _mm256_setzero_ps(), right##i = left##i;
    EACH_ROW(ZERO)
    for (size_t p = 0; p < steps; p++) {
        const __m256 left = _mm256_load_ps(b), right = _mm256_load_ps(b + LANES);
#define ADD(i)                                                                                                         \
    {                                                                                                                  \
        const __m256 x = _mm256_broadcast_ss(a + (i));                                                                 \
        left##i = _mm256_fmadd_ps(x, left, left##i);                                                                   \
        right##i = _mm256_fmadd_ps(x, right, right##i);                                                                \
    }
        EACH_ROW(ADD)
        a += ROWS;
        b += COLUMNS;
    }
#define STORE(i)                                                                                                       \
    _mm256_store_ps(tile + (i) * COLUMNS, left##i);                                                                    \
    _mm256_store_ps(tile + (i) * COLUMNS + LANES, right##i);
    EACH_ROW(STORE)
}

const stub_gemm_kernel stub_gemm_avx2 = {ROWS, COLUMNS, multiply};
#endif
