/* The inner loops for x86-64 with AVX2 and F16C that measure a row: its largest magnitude, its smallest and largest
 * value. */
#include "opapi/simd.h"

#if defined(__x86_64__)
#include "core/half.h"
#include "opapi/simd_avx2.h"

AVX2_INLINE __m256i magnitude(__m256 v) {
    return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32((int32_t)STUB_F32_MAGNITUDE));
}

AVX2_INLINE int32_t highest_lane(__m256i v) {
    __m128i best = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    best = _mm_max_epi32(best, _mm_shuffle_epi32(best, _MM_SHUFFLE(1, 0, 3, 2)));
    best = _mm_max_epi32(best, _mm_shuffle_epi32(best, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(best);
}

AVX2_INLINE __m256i larger_magnitudes(__m256i so_far, stub_half half, const void *x, const float *m, size_t i) {
    return _mm256_max_epi32(so_far, magnitude(load_product(half, x, m, i)));
}

AVX2_INLINE uint32_t largest_loop(stub_half half, const void *x, const float *m, size_t n, uint32_t so_far) {
    if (n < 2 * LANES) {
        return stub_simd_baseline.largest(half, x, m, n, so_far);
    }
    __m256i a = _mm256_set1_epi32((int32_t)so_far), b = a;
    for (size_t i = 0; i + 2 * LANES <= n; i += 2 * LANES) {
        a = larger_magnitudes(a, half, x, m, i);
        b = larger_magnitudes(b, half, x, m, i + LANES);
    }
    a = larger_magnitudes(a, half, x, m, n - 2 * LANES);
    b = larger_magnitudes(b, half, x, m, n - LANES);
    return (uint32_t)highest_lane(_mm256_max_epi32(a, b));
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
    if (n < STEP) {
        return stub_simd_baseline.largest(half, x, NULL, n, so_far);
    }
    const __m256i mask = _mm256_set1_epi16(0x7FFF);
    __m256i a = _mm256_and_si256(load_raw(x, n - STEP), mask), b = _mm256_and_si256(load_raw(x, n - STEP / 2), mask);
    for (size_t i = 0; i + STEP <= n; i += STEP) {
        a = _mm256_max_epi16(a, _mm256_and_si256(load_raw(x, i), mask));
        b = _mm256_max_epi16(b, _mm256_and_si256(load_raw(x, i + STEP / 2), mask));
    }
    const uint32_t found = widen_bits(half, highest_lane_16(_mm256_max_epi16(a, b)));
    return found > so_far ? found : so_far;
}

AVX2 uint32_t stub_avx2_largest(stub_half half, const void *x, const float *m, size_t n, uint32_t so_far) {
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

typedef struct {
    __m256i low, high;
} lane_extremes;

AVX2_INLINE void include(lane_extremes *found, __m256i key) {
    found->low = _mm256_min_epi32(found->low, key);
    found->high = _mm256_max_epi32(found->high, key);
}

AVX2_INLINE void extremes_loop(stub_half half, const void *x, const float *m, size_t n, stub_extremes *found) {
    if (n < LANES) {
        stub_simd_baseline.extremes(half, x, m, n, found);
        return;
    }
    lane_extremes lanes = {_mm256_set1_epi32(found->low), _mm256_set1_epi32(found->high)};
    for (size_t i = 0; i + LANES <= n; i += LANES) {
        include(&lanes, order_key(load_product(half, x, m, i)));
    }
    include(&lanes, order_key(load_product(half, x, m, n - LANES)));
    found->high = highest_lane(lanes.high);
    found->low = ~highest_lane(_mm256_xor_si256(lanes.low, _mm256_set1_epi32(-1)));
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
    __m256i low = order_key_16(load_raw(x, n - STEP / 2)), high = low;
    for (size_t i = 0; i + STEP / 2 <= n; i += STEP / 2) {
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
}

AVX2 void stub_avx2_extremes(stub_half half, const void *x, const float *m, size_t n, stub_extremes *found) {
    if (!m) {
        extremes_raw(half, x, n, found);
    } else if (half == STUB_HALF_F16) {
        extremes_loop(STUB_HALF_F16, x, m, n, found);
    } else {
        extremes_loop(STUB_HALF_BF16, x, m, n, found);
    }
}
#endif
