/* What the files of the inner loops for x86-64 with AVX2 and F16C share.
 *
 * No fused multiply-add: each operation is rounded on its own, as in the portable version, which also does what is
 * shorter than a step. The last step of a longer run ends with the run and so overlaps the step before it: elements
 * done twice come out the same. */
#ifndef ASCEND_STUB_OPAPI_SIMD_AVX2_H
#define ASCEND_STUB_OPAPI_SIMD_AVX2_H

#include <immintrin.h>

#include "opapi/simd.h"

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX2_INLINE static inline __attribute__((target("avx2,f16c"), always_inline))

enum { LANES = 8, STEP = 32 };

AVX2_INLINE __m128i load_16_bytes(const void *x, size_t bytes) {
    return _mm_loadu_si128((const __m128i *)(const void *)((const uint8_t *)x + bytes));
}

AVX2_INLINE __m256i load_raw(const void *x, size_t i) {
    return _mm256_loadu_si256((const __m256i *)(const void *)((const uint8_t *)x + 2 * i));
}

AVX2_INLINE __m256 load_half(stub_half half, const void *x, size_t i) {
    const __m128i raw = load_16_bytes(x, 2 * i);
    return half == STUB_HALF_F16 ? _mm256_cvtph_ps(raw)
                                 : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16));
}

AVX2_INLINE __m256 load_product(stub_half half, const void *x, const float *m, size_t i) {
    const __m256 value = load_half(half, x, i);
    return m ? _mm256_mul_ps(value, _mm256_loadu_ps(m + i)) : value;
}

/* `largest` and `extremes` of the set. */
uint32_t stub_avx2_largest(stub_half half, const void *x, const float *m, size_t n, uint32_t so_far);
void stub_avx2_extremes(stub_half half, const void *x, const float *m, size_t n, stub_extremes *found);

#endif
