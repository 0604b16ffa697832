/* The version for x86-64 with AVX2 and F16C. No fused multiply-add: each operation is rounded on its own, as in the
 * portable version, which also does the elements left over behind the last full step. */
#include "opapi/matmul/quant_matmul_all_reduce_finish.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "core/half.h"

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX2_INLINE static inline __attribute__((target("avx2,f16c"), always_inline))

enum { LANES = 8 };

AVX2_INLINE __m256i load_integers(const int32_t *x) {
    return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

/* The limit is the first operand: of a NaN and a number these instructions give the second. */
AVX2_INLINE __m256 dequantise(const stub_qmm_epilogue *by, const int32_t *sums, size_t i) {
    const __m256i total = _mm256_add_epi32(load_integers(sums + i), load_integers(by->bias + i));
    const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(total), _mm256_loadu_ps(by->scale + i));
    const __m256 value = _mm256_mul_ps(scaled, _mm256_set1_ps(by->pertoken));
    const __m256 bounded = _mm256_min_ps(_mm256_set1_ps(by->limit), value);
    return _mm256_max_ps(_mm256_set1_ps(-by->limit), bounded);
}

AVX2_INLINE __m256 widen(stub_half half, __m128i raw) {
    return half == STUB_HALF_F16 ? _mm256_cvtph_ps(raw)
                                 : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16));
}

/* Every NaN as the one quiet NaN, then to nearest even. */
AVX2_INLINE __m128i narrow(stub_half half, __m256 value) {
    const __m256 is_nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
    const __m256 quiet = _mm256_castsi256_ps(_mm256_set1_epi32((int32_t)STUB_F32_NAN));
    value = _mm256_blendv_ps(value, quiet, is_nan);
    if (half == STUB_HALF_F16) {
        return _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
    const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
}

AVX2_INLINE void finish_loop(stub_half half, const stub_qmm_epilogue *given, const int32_t *sums, size_t n, void *y) {
    const stub_qmm_epilogue by = *given; /* no store of the loop can change it */
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m128i out = narrow(half, dequantise(&by, sums, i));
        if (by.x3) {
            const __m128i x3 = _mm_loadu_si128((const __m128i *)(const void *)((const uint8_t *)by.x3 + 2 * i));
            out = narrow(half, _mm256_add_ps(widen(half, out), widen(half, x3)));
        }
        _mm_storeu_si128((__m128i *)(void *)((uint8_t *)y + 2 * i), out);
    }
    const void *x3 = by.x3 ? (const uint8_t *)by.x3 + 2 * i : NULL;
    const stub_qmm_epilogue rest = {half, by.bias + i, by.scale + i, by.pertoken, by.limit, x3};
    stub_qmm_finish_baseline(&rest, sums + i, n - i, (uint8_t *)y + 2 * i);
}

AVX2 void stub_qmm_finish_avx2(const stub_qmm_epilogue *by, const int32_t *sums, size_t n, void *y) {
    if (by->half == STUB_HALF_F16) {
        finish_loop(STUB_HALF_F16, by, sums, n, y);
    } else {
        finish_loop(STUB_HALF_BF16, by, sums, n, y);
    }
}
#endif
