/* What the AVX2 loops of aclnnNsaCompress share: the rounding. Include only where they are compiled. */
#ifndef ASCEND_STUB_OPAPI_NSA_COMPRESS_AVX2_H
#define ASCEND_STUB_OPAPI_NSA_COMPRESS_AVX2_H

#include <immintrin.h>

#include "opapi/attention/nsa_compress_loops.h"

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX2_INLINE static inline __attribute__((target("avx2,f16c"), always_inline))

enum { LANES = STUB_PLANE /* of a vector */ };

AVX2_INLINE __m256i one_nan(__m256 value) {
    const __m256 unordered = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
    return _mm256_castps_si256(
        _mm256_blendv_ps(value, _mm256_castsi256_ps(_mm256_set1_epi32((int32_t)STUB_F32_NAN)), unordered));
}

/* stub_break_tie, then to fp16. */
AVX2_INLINE __m128i round_f16(__m256 value) {
    const __m256i bits = one_nan(value);
    const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32((int32_t)STUB_F32_MAGNITUDE));
    const __m256i finite = _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)STUB_F32_INFINITY), magnitude);
    const __m256i broken = _mm256_or_si256(bits, _mm256_srli_epi32(finite, 31));
    return _mm256_cvtps_ph(_mm256_castsi256_ps(broken), _MM_FROUND_TO_NEAREST_INT);
}

/* bf16 in the high half of each lane, rubbish in the low one. */
AVX2_INLINE __m256i round_bf16(__m256 value) {
    return _mm256_add_epi32(one_nan(value), _mm256_set1_epi32(0x8000));
}

#endif
