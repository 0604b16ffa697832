/* The inner loops for x86-64 with AVX2 and F16C that convert elements. */
#include "opapi/simd.h"

#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opapi/simd_avx2.h"

AVX2_INLINE __m256 saturate(__m256 v, __m256 low, __m256 high) {
    v = _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
    return _mm256_max_ps(_mm256_min_ps(v, high), low);
}

/* What rows need: those without an offset no addition, those known to stay in the range no saturation. */
typedef enum { SCALED, SHIFTED, SATURATED } need;

AVX2_INLINE __m256i quantise_lanes(__m256 v, const stub_quantiser *by, need of) {
    v = _mm256_mul_ps(v, _mm256_set1_ps(by->factor));
    if (of != SCALED) {
        v = _mm256_add_ps(v, _mm256_set1_ps(by->offset));
    }
    if (of == SATURATED) {
        v = saturate(v, _mm256_set1_ps(-by->limit - 1.0f), _mm256_set1_ps(by->limit));
    }
    return _mm256_cvtps_epi32(v);
}

/* 32 int8. The packs work on 128-bit halves, the permutation puts those in order. */
AVX2_INLINE __m256i quantise_step(stub_half half, const void *x, const float *m, size_t i, const stub_quantiser *by,
                                  need of) {
    const __m256i a = quantise_lanes(load_product(half, x, m, i), by, of);
    const __m256i b = quantise_lanes(load_product(half, x, m, i + LANES), by, of);
    const __m256i c = quantise_lanes(load_product(half, x, m, i + 2 * LANES), by, of);
    const __m256i d = quantise_lanes(load_product(half, x, m, i + 3 * LANES), by, of);
    const __m256i mixed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    return _mm256_permutevar8x32_epi32(mixed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* Sixteen bf16 become fp32 as the high halves of zeros; the pack undoes the order in which that leaves them. */
AVX2_INLINE __m256i quantise_bf16(const void *x, size_t i, const stub_quantiser *by, need of) {
    const __m256i raw = load_raw(x, i), zero = _mm256_setzero_si256();
    const __m256i a = quantise_lanes(_mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, raw)), by, of);
    const __m256i b = quantise_lanes(_mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, raw)), by, of);
    return _mm256_packs_epi32(a, b);
}

/* The same 32 int8 with fewer instructions. */
AVX2_INLINE __m256i quantise_bf16_step(const void *x, size_t i, const stub_quantiser *by, need of) {
    const __m256i mixed = _mm256_packs_epi16(quantise_bf16(x, i, by, of), quantise_bf16(x, i + 2 * LANES, by, of));
    return _mm256_permute4x64_epi64(mixed, _MM_SHUFFLE(3, 1, 2, 0));
}

AVX2_INLINE __m256i quantise_32(stub_half half, const void *x, const float *m, size_t i, const stub_quantiser *by,
                                need of) {
    return half == STUB_HALF_BF16 && !m ? quantise_bf16_step(x, i, by, of) : quantise_step(half, x, m, i, by, of);
}

AVX2_INLINE void store_bytes(void *y, __m256i bytes) {
    _mm256_storeu_si256((__m256i *)y, bytes);
}

/* Pairs of bytes to a byte of two nibbles, in words. */
AVX2_INLINE __m256i join_nibbles(__m256i bytes) {
    return _mm256_maddubs_epi16(_mm256_and_si256(bytes, _mm256_set1_epi8(0x0F)), _mm256_set1_epi16(0x1001));
}

/* 64 elements. */
AVX2_INLINE void quantise_nibbles(stub_half half, const void *x, const float *m, size_t i, const stub_quantiser *by,
                                  need of, uint8_t *y) {
    const __m256i early = join_nibbles(quantise_32(half, x, m, i, by, of));
    const __m256i late = join_nibbles(quantise_32(half, x, m, i + STEP, by, of));
    const __m256i mixed = _mm256_packus_epi16(early, late);
    store_bytes(y + i / 2, _mm256_permute4x64_epi64(mixed, _MM_SHUFFLE(3, 1, 2, 0)));
}

AVX2_INLINE void quantise_loop(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                               need of, int8_t *y) {
    const stub_quantiser constants = *by; /* no store of the loop can change it */
    for (size_t i = 0; i + STEP <= n; i += STEP) {
        store_bytes(y + i, quantise_32(half, x, m, i, &constants, of));
    }
    store_bytes(y + n - STEP, quantise_32(half, x, m, n - STEP, &constants, of));
}

AVX2_INLINE void quantise_int4_loop(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                                    need of, uint8_t *y) {
    const stub_quantiser constants = *by;
    for (size_t i = 0; i + 2 * STEP <= n; i += 2 * STEP) {
        quantise_nibbles(half, x, m, i, &constants, of, y);
    }
    quantise_nibbles(half, x, m, n - 2 * STEP, &constants, of, y);
}

/* A loop for each combination of what does not change inside it. */
#define QUANTISE_NEED(loop, half, m)                                                                                   \
    if (!by->bounded) {                                                                                                \
        loop(half, x, m, n, by, SATURATED, y);                                                                         \
    } else if (by->offset != 0) {                                                                                      \
        loop(half, x, m, n, by, SHIFTED, y);                                                                           \
    } else {                                                                                                           \
        loop(half, x, m, n, by, SCALED, y);                                                                            \
    }

#define QUANTISE_HALF(loop, half)                                                                                      \
    if (m) {                                                                                                           \
        QUANTISE_NEED(loop, half, m)                                                                                   \
    } else {                                                                                                           \
        QUANTISE_NEED(loop, half, NULL)                                                                                \
    }

#define QUANTISE(loop)                                                                                                 \
    if (half == STUB_HALF_F16) {                                                                                       \
        QUANTISE_HALF(loop, STUB_HALF_F16)                                                                             \
    } else {                                                                                                           \
        QUANTISE_HALF(loop, STUB_HALF_BF16)                                                                            \
    }

AVX2 static void avx2_quantise(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                               void *y) {
    if (n < STEP) {
        stub_simd_baseline.quantise(half, x, m, n, by, y);
        return;
    }
    QUANTISE(quantise_loop)
}

AVX2 static void avx2_quantise_int4(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                                    void *y) {
    if (n < 2 * STEP) {
        stub_simd_baseline.quantise_int4(half, x, m, n, by, y);
        return;
    }
    QUANTISE(quantise_int4_loop)
}

AVX2_INLINE void widen_loop(stub_half half, const void *x, size_t n, float *y) {
    if (n < LANES) {
        stub_simd_baseline.widen(half, x, n, y);
        return;
    }
    for (size_t i = 0; i + LANES <= n; i += LANES) {
        _mm256_storeu_ps(y + i, load_half(half, x, i));
    }
    _mm256_storeu_ps(y + n - LANES, load_half(half, x, n - LANES));
}

AVX2 static void avx2_widen(stub_half half, const void *x, size_t n, float *y) {
    half == STUB_HALF_F16 ? widen_loop(STUB_HALF_F16, x, n, y) : widen_loop(STUB_HALF_BF16, x, n, y);
}

/* bf16 in the low half of each 32-bit lane, of values that are not NaN. */
AVX2_INLINE __m256i round_bf16(__m256 v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i last = _mm256_set1_epi32(0x10000);
    const __m256i minus_odd = _mm256_cmpeq_epi32(_mm256_and_si256(bits, last), last);
    const __m256i sum = _mm256_sub_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), minus_odd);
    return _mm256_srli_epi32(sum, 16);
}

/* Sixteen values, no NaNs among them. */
AVX2_INLINE void store_halves(stub_half half, __m256 a, __m256 b, void *y, size_t i) {
    uint8_t *to = (uint8_t *)y + 2 * i;
    if (half == STUB_HALF_F16) {
        _mm_storeu_si128((__m128i *)(void *)to, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
        _mm_storeu_si128((__m128i *)(void *)(to + 16), _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT));
    } else { /* the pack works on 128-bit halves, the permutation puts those in order */
        const __m256i mixed = _mm256_packus_epi32(round_bf16(a), round_bf16(b));
        _mm256_storeu_si256((__m256i *)(void *)to, _mm256_permute4x64_epi64(mixed, _MM_SHUFFLE(3, 1, 2, 0)));
    }
}

typedef enum { FROM_INT8, FROM_INT4 } source;

/* Of int4, all eight in every lane: each lane shifts its own up to the sign. */
AVX2_INLINE __m256 load_integers(source from, const uint8_t *x, size_t i) {
    if (from == FROM_INT8) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(x + i))));
    }
    int32_t all;
    memcpy(&all, x + i / 2, sizeof all);
    const __m256i up = _mm256_sllv_epi32(_mm256_set1_epi32(all), _mm256_setr_epi32(28, 24, 20, 16, 12, 8, 4, 0));
    return _mm256_cvtepi32_ps(_mm256_srai_epi32(up, 28));
}

AVX2_INLINE __m256 dequantise_lanes(source from, const uint8_t *x, const stub_dequantiser *by, size_t i) {
    const __m256 integers = load_integers(from, x, i), scale = _mm256_loadu_ps(by->scale + i);
    const __m256 sum = by->offset ? _mm256_add_ps(integers, _mm256_loadu_ps(by->offset + i)) : integers;
    const __m256 product = _mm256_mul_ps(sum, scale);
    return by->twice ? _mm256_mul_ps(product, scale) : product;
}

AVX2_INLINE void dequantise_step(stub_half half, source from, const uint8_t *x, const stub_dequantiser *by, size_t i,
                                 void *y) {
    const __m256 a = dequantise_lanes(from, x, by, i), b = dequantise_lanes(from, x, by, i + LANES);
    store_halves(half, a, b, y, i);
}

AVX2_INLINE void dequantise_loop(stub_half half, source from, const uint8_t *x, size_t n, const stub_dequantiser *by,
                                 void *y) {
    const stub_dequantiser constants = *by;
    for (size_t i = 0; i + 2 * LANES <= n; i += 2 * LANES) {
        dequantise_step(half, from, x, &constants, i, y);
    }
    dequantise_step(half, from, x, &constants, n - 2 * LANES, y);
}

/* Limits and NaNs are rare enough to leave them to the baseline. */
static bool is_usual(const stub_dequantiser *by, size_t n) {
    return by->finite && by->limit == INFINITY && n >= 2 * LANES;
}

AVX2 static void avx2_dequantise(stub_half half, const void *x, size_t n, const stub_dequantiser *by, void *y) {
    if (!is_usual(by, n)) {
        stub_simd_baseline.dequantise(half, x, n, by, y);
    } else if (half == STUB_HALF_F16) {
        dequantise_loop(STUB_HALF_F16, FROM_INT8, x, n, by, y);
    } else {
        dequantise_loop(STUB_HALF_BF16, FROM_INT8, x, n, by, y);
    }
}

AVX2 static void avx2_dequantise_int4(stub_half half, const void *x, size_t n, const stub_dequantiser *by, void *y) {
    if (!is_usual(by, n)) {
        stub_simd_baseline.dequantise_int4(half, x, n, by, y);
    } else if (half == STUB_HALF_F16) {
        dequantise_loop(STUB_HALF_F16, FROM_INT4, x, n, by, y);
    } else {
        dequantise_loop(STUB_HALF_BF16, FROM_INT4, x, n, by, y);
    }
}

const stub_simd stub_simd_avx2 = {
    .name = "avx2",
    .largest = stub_avx2_largest,
    .extremes = stub_avx2_extremes,
    .quantise = avx2_quantise,
    .quantise_int4 = avx2_quantise_int4,
    .dequantise = avx2_dequantise,
    .dequantise_int4 = avx2_dequantise_int4,
    .widen = avx2_widen,
};
#endif
