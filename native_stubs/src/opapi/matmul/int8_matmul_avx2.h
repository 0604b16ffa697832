/* Inner loops that the AVX2 files of the int8 matrix product share. Pairs of steps are the unit: one instruction
 * multiplies eight lines' pairs by a row's pair and adds the two products, exactly in int32. */
#ifndef ASCEND_STUB_OPAPI_INT8_MATMUL_AVX2_H
#define ASCEND_STUB_OPAPI_INT8_MATMUL_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "opapi/matmul/int8_matmul_kernel.h"

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE static inline __attribute__((target("avx2"), always_inline))

enum { AVX2_ROWS = 4, AVX2_COLUMNS = 16, LANES = 8, PAIR = 2, CHUNK = 16 };

/* multiply_few of the kernel. */
void stub_int8_avx2_few(const int16_t *x, size_t x_stride, const stub_int8_part *part, size_t rows, int32_t *sums,
                        size_t sums_stride);

/* Sixteen lines' pairs of steps, or sums. */
typedef struct {
    __m256i low, high;
} sixteen;

/* 16 elements, zero behind the first `count`. */
AVX2_INLINE __m128i load_up_to_16(const int8_t *from, size_t count) {
    if (count >= CHUNK) {
        return _mm_loadu_si128((const __m128i *)(const void *)from);
    }
    int8_t some[CHUNK] = {0};
    memcpy(some, from, count);
    return _mm_loadu_si128((const __m128i *)(const void *)some);
}

/* A step of neighbouring lines and the next one. */
AVX2_INLINE sixteen interleave(__m128i even, __m128i odd) {
    return (sixteen){_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(even, odd)),
                     _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(even, odd))};
}

AVX2_INLINE sixteen load_pairs(const int16_t *panel) {
    const __m256i *from = (const __m256i *)(const void *)panel;
    return (sixteen){_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
}

AVX2_INLINE void store_pairs(int16_t *panel, sixteen pairs) {
    __m256i *to = (__m256i *)(void *)panel;
    _mm256_storeu_si256(to, pairs.low);
    _mm256_storeu_si256(to + 1, pairs.high);
}

/* Without this GCC moves sums from register to register in every round of a loop. */
AVX2_INLINE void stay(__m256i *sums) {
    __asm__("" : "+x"(*sums));
}

AVX2_INLINE void add_products(__m256i *sums, __m256i x, __m256i weight) {
    *sums = _mm256_add_epi32(*sums, _mm256_madd_epi16(x, weight));
    stay(sums);
}

AVX2_INLINE __m256i broadcast_pair(const int16_t *x) {
    int32_t both;
    memcpy(&both, x, sizeof both);
    return _mm256_set1_epi32(both);
}

/* One pair of steps for the row; nothing when there is no such row. */
AVX2_INLINE void add_pair(sixteen *sums, size_t row, size_t rows, const int16_t *x, size_t stride, sixteen weight) {
    if (row < rows) {
        const __m256i pair = broadcast_pair(x + row * stride);
        add_products(&sums->low, pair, weight.low);
        add_products(&sums->high, pair, weight.high);
    }
}

AVX2_INLINE void add_lanes(int32_t *sums, __m256i found) {
    __m256i *at = (__m256i *)(void *)sums;
    _mm256_storeu_si256(at, _mm256_add_epi32(_mm256_loadu_si256(at), found));
}

AVX2_INLINE void add_row(const sixteen *found, size_t row, size_t rows, int32_t *sums, size_t stride) {
    if (row < rows) {
        add_lanes(sums + row * stride, found->low);
        add_lanes(sums + row * stride + LANES, found->high);
    }
}

#endif
