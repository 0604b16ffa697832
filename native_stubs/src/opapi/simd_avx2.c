/* The inner loops for x86-64 with AVX2 and F16C. No fused multiply-add: each operation is rounded on its own, as in
 * the portable version, which also does the elements left over behind the last full step. */
#include "opapi/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#include "core/half.h"

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX2_INLINE static inline __attribute__((target("avx2,f16c"), always_inline))

enum { LANES = 8, STEP = 32 };

AVX2_INLINE __m128i load_16_bytes(const void *x, size_t bytes) {
    return _mm_loadu_si128((const __m128i *)(const void *)((const uint8_t *)x + bytes));
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

AVX2_INLINE __m256i magnitude(__m256 v) {
    return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32((int32_t)STUB_F32_MAGNITUDE));
}

AVX2_INLINE int32_t highest_lane(__m256i v) {
    __m128i best = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    best = _mm_max_epi32(best, _mm_shuffle_epi32(best, _MM_SHUFFLE(1, 0, 3, 2)));
    best = _mm_max_epi32(best, _mm_shuffle_epi32(best, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(best);
}

AVX2_INLINE uint32_t largest_loop(stub_half half, const void *x, const float *m, size_t n, uint32_t so_far) {
    __m256i a = _mm256_set1_epi32((int32_t)so_far), b = a;
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        a = _mm256_max_epi32(a, magnitude(load_product(half, x, m, i)));
        b = _mm256_max_epi32(b, magnitude(load_product(half, x, m, i + LANES)));
    }
    so_far = (uint32_t)highest_lane(_mm256_max_epi32(a, b));
    return stub_simd_baseline.largest(half, (const uint8_t *)x + 2 * i, m + i, n - i, so_far);
}

AVX2_INLINE __m256i load_raw(const void *x, size_t i) {
    return _mm256_loadu_si256((const __m256i *)(const void *)((const uint8_t *)x + 2 * i));
}

AVX2_INLINE int16_t highest_lane_16(__m256i v) {
    __m128i best = _mm_max_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    best = _mm_max_epi16(best, _mm_shuffle_epi32(best, _MM_SHUFFLE(1, 0, 3, 2)));
    best = _mm_max_epi16(best, _mm_shuffle_epi32(best, _MM_SHUFFLE(2, 3, 0, 1)));
    best = _mm_max_epi16(best, _mm_srli_epi32(best, 16));
    return (int16_t)_mm_extract_epi16(best, 0);
}

AVX2_INLINE uint32_t widen_bits(stub_half half, int16_t raw) {
    return stub_float_bits(half == STUB_HALF_F16 ? stub_f16_to_f32((uint16_t)raw) : stub_bf16_to_f32((uint16_t)raw));
}

/* Without factors the order of the 16-bit patterns is that of the values: widening the winner is enough. */
AVX2_INLINE uint32_t largest_raw(stub_half half, const void *x, size_t n, uint32_t so_far) {
    const __m256i mask = _mm256_set1_epi16(0x7FFF);
    __m256i a = _mm256_setzero_si256(), b = a;
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        a = _mm256_max_epi16(a, _mm256_and_si256(load_raw(x, i), mask));
        b = _mm256_max_epi16(b, _mm256_and_si256(load_raw(x, i + STEP / 2), mask));
    }
    const uint32_t found = widen_bits(half, highest_lane_16(_mm256_max_epi16(a, b)));
    so_far = found > so_far ? found : so_far;
    return stub_simd_baseline.largest(half, (const uint8_t *)x + 2 * i, NULL, n - i, so_far);
}

AVX2 static uint32_t avx2_largest(stub_half half, const void *x, const float *m, size_t n, uint32_t so_far) {
    if (!m) {
        return largest_raw(half, x, n, so_far);
    }
    return half == STUB_HALF_F16 ? largest_loop(STUB_HALF_F16, x, m, n, so_far)
                                 : largest_loop(STUB_HALF_BF16, x, m, n, so_far);
}

AVX2_INLINE __m256i order_key(__m256 v) {
    const __m256i bits = _mm256_castps_si256(v);
    return _mm256_xor_si256(bits, _mm256_srli_epi32(_mm256_srai_epi32(bits, 31), 1));
}

AVX2_INLINE void extremes_loop(stub_half half, const void *x, const float *m, size_t n, stub_extremes *found) {
    __m256i low = _mm256_set1_epi32(found->low), high = _mm256_set1_epi32(found->high);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m256i key = order_key(load_product(half, x, m, i));
        low = _mm256_min_epi32(low, key);
        high = _mm256_max_epi32(high, key);
    }
    found->high = highest_lane(high);
    found->low = ~highest_lane(_mm256_xor_si256(low, _mm256_set1_epi32(-1)));
    stub_simd_baseline.extremes(half, (const uint8_t *)x + 2 * i, m + i, n - i, found);
}

/* stub_order_key for 16-bit patterns; its own inverse. */
AVX2_INLINE __m256i order_key_16(__m256i raw) {
    return _mm256_xor_si256(raw, _mm256_srli_epi16(_mm256_srai_epi16(raw, 15), 1));
}

AVX2_INLINE int16_t key_bits_16(int16_t key) {
    return (int16_t)(key ^ (key >> 15 & 0x7FFF));
}

AVX2_INLINE void extremes_raw(stub_half half, const void *x, size_t n, stub_extremes *found) {
    if (n < STEP / 2) {
        stub_simd_baseline.extremes(half, x, NULL, n, found);
        return;
    }
    __m256i low = order_key_16(load_raw(x, 0)), high = low;
    size_t i = 0;
    for (; i + STEP / 2 <= n; i += STEP / 2) {
        const __m256i key = order_key_16(load_raw(x, i));
        low = _mm256_min_epi16(low, key);
        high = _mm256_max_epi16(high, key);
    }
    const __m256i ones = _mm256_set1_epi16(-1);
    const int16_t lowest = (int16_t)~highest_lane_16(_mm256_xor_si256(low, ones)), highest = highest_lane_16(high);
    const int32_t low_key = stub_order_key(widen_bits(half, key_bits_16(lowest)));
    const int32_t high_key = stub_order_key(widen_bits(half, key_bits_16(highest)));
    found->low = low_key < found->low ? low_key : found->low;
    found->high = high_key > found->high ? high_key : found->high;
    stub_simd_baseline.extremes(half, (const uint8_t *)x + 2 * i, NULL, n - i, found);
}

AVX2 static void avx2_extremes(stub_half half, const void *x, const float *m, size_t n, stub_extremes *found) {
    if (!m) {
        extremes_raw(half, x, n, found);
    } else if (half == STUB_HALF_F16) {
        extremes_loop(STUB_HALF_F16, x, m, n, found);
    } else {
        extremes_loop(STUB_HALF_BF16, x, m, n, found);
    }
}

AVX2_INLINE __m256 saturate(__m256 v, __m256 low, __m256 high) {
    v = _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
    return _mm256_max_ps(_mm256_min_ps(v, high), low);
}

AVX2_INLINE __m256i quantise_lanes(__m256 v, const stub_quantiser *by, bool bounded) {
    v = _mm256_add_ps(_mm256_mul_ps(v, _mm256_set1_ps(by->factor)), _mm256_set1_ps(by->offset));
    if (!bounded) {
        v = saturate(v, _mm256_set1_ps(-by->limit - 1.0f), _mm256_set1_ps(by->limit));
    }
    return _mm256_cvtps_epi32(v);
}

/* Four times eight small int32 to 32 int8; the packs work on 128-bit halves, the permutation puts those in order. */
AVX2_INLINE __m256i gather_bytes(__m256i a, __m256i b, __m256i c, __m256i d) {
    const __m256i mixed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    return _mm256_permutevar8x32_epi32(mixed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

AVX2_INLINE void quantise_loop(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                               bool bounded, int8_t *y) {
    const stub_quantiser constants = *by;
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        const __m256i a = quantise_lanes(load_product(half, x, m, i), &constants, bounded);
        const __m256i b = quantise_lanes(load_product(half, x, m, i + LANES), &constants, bounded);
        const __m256i c = quantise_lanes(load_product(half, x, m, i + 2 * LANES), &constants, bounded);
        const __m256i d = quantise_lanes(load_product(half, x, m, i + 3 * LANES), &constants, bounded);
        _mm256_storeu_si256((__m256i *)(void *)(y + i), gather_bytes(a, b, c, d));
    }
    stub_simd_baseline.quantise(half, (const uint8_t *)x + 2 * i, m ? m + i : NULL, n - i, by, y + i);
}

AVX2_INLINE void quantise_half(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                               int8_t *y) {
    if (m) {
        by->bounded ? quantise_loop(half, x, m, n, by, true, y) : quantise_loop(half, x, m, n, by, false, y);
    } else {
        by->bounded ? quantise_loop(half, x, NULL, n, by, true, y) : quantise_loop(half, x, NULL, n, by, false, y);
    }
}

AVX2 static void avx2_quantise(stub_half half, const void *x, const float *m, size_t n, const stub_quantiser *by,
                               int8_t *y) {
    if (half == STUB_HALF_F16) {
        quantise_half(STUB_HALF_F16, x, m, n, by, y);
    } else {
        quantise_half(STUB_HALF_BF16, x, m, n, by, y);
    }
}

AVX2_INLINE void widen_loop(stub_half half, const void *x, size_t n, float *y) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        _mm256_storeu_ps(y + i, load_half(half, x, i));
    }
    stub_simd_baseline.widen(half, (const uint8_t *)x + 2 * i, n - i, y + i);
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

AVX2_INLINE __m256 dequantise_lanes(const int8_t *x, const stub_dequantiser *by, bool twice, size_t i) {
    const __m256i integers = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(x + i)));
    const __m256 scale = _mm256_loadu_ps(by->scale + i);
    const __m256 sum = _mm256_add_ps(_mm256_cvtepi32_ps(integers), _mm256_loadu_ps(by->offset + i));
    const __m256 product = _mm256_mul_ps(sum, scale);
    return twice ? _mm256_mul_ps(product, scale) : product;
}

AVX2_INLINE void dequantise_loop(stub_half half, const int8_t *x, size_t n, const stub_dequantiser *by, bool twice,
                                 void *y) {
    const stub_dequantiser parameters = *by;
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        const __m256 a = dequantise_lanes(x, &parameters, twice, i);
        const __m256 b = dequantise_lanes(x, &parameters, twice, i + LANES);
        store_halves(half, a, b, y, i);
    }
    const stub_dequantiser rest = {by->offset + i, by->scale + i, by->limit, twice, true};
    stub_simd_baseline.dequantise(half, x + i, n - i, &rest, (uint8_t *)y + 2 * i);
}

/* Limits and NaNs are rare enough to leave them to the baseline. */
AVX2 static void avx2_dequantise(stub_half half, const int8_t *x, size_t n, const stub_dequantiser *by, void *y) {
    if (!by->finite || by->limit < INFINITY) {
        stub_simd_baseline.dequantise(half, x, n, by, y);
    } else if (half == STUB_HALF_F16) {
        by->twice ? dequantise_loop(STUB_HALF_F16, x, n, by, true, y)
                  : dequantise_loop(STUB_HALF_F16, x, n, by, false, y);
    } else {
        by->twice ? dequantise_loop(STUB_HALF_BF16, x, n, by, true, y)
                  : dequantise_loop(STUB_HALF_BF16, x, n, by, false, y);
    }
}

/* 32 int8 to 16 bytes: the odd elements' low nibbles move into the high nibbles beside them. */
AVX2 static void avx2_pack_int4(const int8_t *x, size_t n, uint8_t *y) {
    const __m256i nibble = _mm256_set1_epi16(0x000F), high_byte = _mm256_set1_epi16(0x00F0);
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        const __m256i pairs = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));
        const __m256i bytes =
            _mm256_or_si256(_mm256_and_si256(pairs, nibble), _mm256_and_si256(_mm256_srli_epi16(pairs, 4), high_byte));
        const __m128i packed = _mm_packus_epi16(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
        _mm_storeu_si128((__m128i *)(void *)(y + i / 2), packed);
    }
    stub_simd_baseline.pack_int4(x + i, n - i, y + i / 2);
}

AVX2 static void avx2_unpack_int4(const uint8_t *x, size_t n, int8_t *y) {
    const __m256i low_nibble = _mm256_set1_epi16(0x000F), high_nibble = _mm256_set1_epi16(0x0F00);
    const __m256i eight = _mm256_set1_epi8(8);
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        const __m256i bytes = _mm256_cvtepu8_epi16(load_16_bytes(x, i / 2));
        const __m256i nibbles = _mm256_or_si256(_mm256_and_si256(bytes, low_nibble),
                                                _mm256_and_si256(_mm256_slli_epi16(bytes, 4), high_nibble));
        const __m256i values = _mm256_sub_epi8(_mm256_xor_si256(nibbles, eight), eight);
        _mm256_storeu_si256((__m256i *)(void *)(y + i), values);
    }
    stub_simd_baseline.unpack_int4(x + i / 2, n - i, y + i);
}

const stub_simd stub_simd_avx2 = {
    .name = "avx2",
    .largest = avx2_largest,
    .extremes = avx2_extremes,
    .quantise = avx2_quantise,
    .dequantise = avx2_dequantise,
    .widen = avx2_widen,
    .pack_int4 = avx2_pack_int4,
    .unpack_int4 = avx2_unpack_int4,
};
#endif
