/* Reductions for x86-64 with AVX2 and F16C: floating point sums, and fp16 products, whose conversions are what the
 * baseline is slow at. Each operation is rounded on its own, as there. */
#include "comm/reduce.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX2_INLINE static inline __attribute__((target("avx2,f16c"), always_inline))

enum { LANES = 8, STEP = 32 };

typedef enum { SUM_F16, PRODUCT_F16, SUM_BF16, SUM_F32 } reduction_kind;

AVX2_INLINE size_t element_size(reduction_kind kind) {
    return kind == SUM_F32 ? 4 : 2;
}

/* Eight elements as fp32. */
AVX2_INLINE __m256 widen(reduction_kind kind, const unsigned char *from) {
    if (kind == SUM_F32) {
        return _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(const void *)from));
    }
    const __m128i raw = _mm_loadu_si128((const __m128i *)(const void *)from);
    return kind == SUM_BF16 ? _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16))
                            : _mm256_cvtph_ps(raw);
}

/* The quiet NaN for NaNs. */
AVX2_INLINE __m256 canonical(__m256 v) {
    const __m256 quiet = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FC00000));
    return _mm256_blendv_ps(v, quiet, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}

/* To the nearest bf16, as fp32. NaNs of bf16 values have nothing in their lower bits and stay NaNs. */
AVX2_INLINE __m256 round_bf16(__m256 v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
    return _mm256_castsi256_ps(_mm256_and_si256(sum, _mm256_set1_epi32((int32_t)0xFFFF0000u)));
}

AVX2_INLINE __m256 round_f16(__m256 v) {
    return _mm256_cvtph_ps(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

AVX2_INLINE __m256 combine(reduction_kind kind, __m256 a, __m256 b) {
    switch (kind) {
    case SUM_F16:
        return round_f16(_mm256_add_ps(a, b));
    case PRODUCT_F16:
        return round_f16(_mm256_mul_ps(a, b));
    case SUM_BF16:
        return round_bf16(_mm256_add_ps(a, b));
    default:
        return _mm256_add_ps(a, b);
    }
}

/* Sixteen values that are of the narrow type already. */
AVX2_INLINE void narrow(reduction_kind kind, __m256 a, __m256 b, unsigned char *to) {
    if (kind == SUM_F32) {
        _mm256_storeu_si256((__m256i *)(void *)to, _mm256_castps_si256(a));
        _mm256_storeu_si256((__m256i *)(void *)(to + 4 * LANES), _mm256_castps_si256(b));
    } else if (kind == SUM_BF16) { /* the pack works on 128-bit halves, the permutation puts those in order */
        const __m256i high_a = _mm256_srli_epi32(_mm256_castps_si256(a), 16);
        const __m256i high_b = _mm256_srli_epi32(_mm256_castps_si256(b), 16);
        const __m256i mixed = _mm256_packus_epi32(high_a, high_b);
        _mm256_storeu_si256((__m256i *)(void *)to, _mm256_permute4x64_epi64(mixed, _MM_SHUFFLE(3, 1, 2, 0)));
    } else {
        _mm_storeu_si128((__m128i *)(void *)to, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
        _mm_storeu_si128((__m128i *)(void *)(to + 2 * LANES), _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT));
    }
}

/* The values of a step stay in registers while the sources pass by. What is not a number stays so: one look at the end
 * is enough. */
AVX2_INLINE void reduce_step(reduction_kind kind, unsigned char *out, unsigned char *const *from, uint32_t count,
                             size_t offset) {
    const size_t bytes = LANES * element_size(kind);
    __m256 part[STEP / LANES];
    for (size_t i = 0; i < STEP / LANES; i++) {
        part[i] = widen(kind, from[0] + offset + i * bytes);
    }
    for (uint32_t source = 1; source < count; source++) {
        for (size_t i = 0; i < STEP / LANES; i++) {
            part[i] = combine(kind, part[i], widen(kind, from[source] + offset + i * bytes));
        }
    }
    narrow(kind, canonical(part[0]), canonical(part[1]), out);
    narrow(kind, canonical(part[2]), canonical(part[3]), out + 2 * bytes);
}

AVX2_INLINE void reduce_loop(reduction_kind kind, stub_reduction rest, unsigned char *out, unsigned char *const *from,
                             uint32_t count, size_t start, size_t n) {
    const size_t size = element_size(kind);
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        reduce_step(kind, out + i * size, from, count, (start + i) * size);
    }
    rest(out + i * size, from, count, start + i, n - i);
}

/* One source is copied, whatever its NaNs look like. */
#define DEFINE_REDUCTION(name, kind, data_type, op)                                                                    \
    AVX2 static void name(void *out, unsigned char *const *from, uint32_t count, size_t start, size_t n) {             \
        const stub_reduction baseline = stub_reduction_baseline(data_type, op);                                        \
        if (count == 1) {                                                                                              \
            baseline(out, from, count, start, n);                                                                      \
        } else {                                                                                                       \
            reduce_loop(kind, baseline, out, from, count, start, n);                                                   \
        }                                                                                                              \
    }

DEFINE_REDUCTION(sum_f16, SUM_F16, HCCL_DATA_TYPE_FP16, HCCL_REDUCE_SUM)
DEFINE_REDUCTION(product_f16, PRODUCT_F16, HCCL_DATA_TYPE_FP16, HCCL_REDUCE_PROD)
DEFINE_REDUCTION(sum_bf16, SUM_BF16, HCCL_DATA_TYPE_BFP16, HCCL_REDUCE_SUM)
DEFINE_REDUCTION(sum_f32, SUM_F32, HCCL_DATA_TYPE_FP32, HCCL_REDUCE_SUM)

stub_reduction stub_reduction_avx2(int32_t data_type, int32_t reduce_op) {
    if (reduce_op == HCCL_REDUCE_PROD) {
        return data_type == HCCL_DATA_TYPE_FP16 ? product_f16 : NULL;
    }
    if (reduce_op != HCCL_REDUCE_SUM) {
        return NULL;
    }
    return data_type == HCCL_DATA_TYPE_FP16    ? sum_f16
           : data_type == HCCL_DATA_TYPE_BFP16 ? sum_bf16
           : data_type == HCCL_DATA_TYPE_FP32  ? sum_f32
                                               : NULL;
}
#endif
