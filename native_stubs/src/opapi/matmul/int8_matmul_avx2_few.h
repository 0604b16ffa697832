/* What the two loops of the int8 matrix product for few rows share.
 *
 * An element of the weight becomes an int16 as the high byte of a zero, which takes half the time of extending its sign
 * and makes every product 256 times as large: sums of such products hold 2^23 for each pair of steps, so at most
 * MOST_PAIRS pairs are added up before a shift takes the factor out again. */
#ifndef ASCEND_STUB_OPAPI_INT8_MATMUL_AVX2_FEW_H
#define ASCEND_STUB_OPAPI_INT8_MATMUL_AVX2_FEW_H

#include "opapi/matmul/int8_matmul_avx2.h"

enum { ROWS = 2, MOST_PAIRS = 128, SHIFT = 8 };

/* Rows of x and their sums; loops work on up to two at a time. */
typedef struct {
    const int16_t *x;
    size_t x_stride, rows;
    int32_t *sums;
    size_t stride;
} stub_few_rows;

static inline size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Two rows, or the last one. */
static inline stub_few_rows rows_from(const stub_few_rows *all, size_t row, size_t step, size_t line) {
    return (stub_few_rows){all->x + row * all->x_stride + step, all->x_stride, smaller(ROWS, all->rows - row),
                           all->sums + row * all->stride + line, all->stride};
}

AVX2_INLINE __m256i load_32(const int8_t *from) {
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

AVX2_INLINE __m256i load_lanes(const void *from) {
    return _mm256_loadu_si256((const __m256i *)from);
}

AVX2_INLINE void store_lanes(void *to, __m256i lanes) {
    _mm256_storeu_si256((__m256i *)to, lanes);
}

AVX2_INLINE __m256i high_bytes_low(__m256i bytes) {
    return _mm256_unpacklo_epi8(_mm256_setzero_si256(), bytes);
}

AVX2_INLINE __m256i high_bytes_high(__m256i bytes) {
    return _mm256_unpackhi_epi8(_mm256_setzero_si256(), bytes);
}

/* Where lines are neighbours. */
void stub_int8_avx2_across(const stub_few_rows *of, const stub_int8_part *part);

#endif
