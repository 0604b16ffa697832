/* The inner loops of aclnnDequantRopeQuantKvcache for x86-64 with AVX2 and F16C. No fused multiply-add. */
#include "opapi/attention/dequant_rope_loops.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "core/half.h"

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX2_INLINE static inline __attribute__((target("avx2,f16c"), always_inline))

enum { LANES = 8 };

AVX2_INLINE __m128i load_16_bytes(const void *x, size_t bytes) {
    return _mm_loadu_si128((const __m128i *)(const void *)((const uint8_t *)x + bytes));
}

AVX2_INLINE void store_16_bytes(void *y, size_t bytes, __m128i value) {
    _mm_storeu_si128((__m128i *)(void *)((uint8_t *)y + bytes), value);
}

AVX2_INLINE __m256i load_integers(const void *x, size_t i) {
    return _mm256_loadu_si256((const __m256i *)(const void *)((const uint8_t *)x + 4 * i));
}

AVX2_INLINE __m128i to_f16(__m256 v) {
    return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
}

AVX2_INLINE void dequantise_loop(const void *x, size_t d, const float *scale, const int32_t *integer_bias,
                                 const float *bias, __m256 activation, bool rounded, void *y) {
    for (size_t i = 0; i < d; i += LANES) {
        __m256i integers = load_integers(x, i);
        if (integer_bias) {
            integers = _mm256_add_epi32(integers, load_integers(integer_bias, i));
        }
        __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(integers), _mm256_loadu_ps(scale + i));
        v = _mm256_mul_ps(v, activation);
        v = bias ? _mm256_add_ps(v, _mm256_loadu_ps(bias + i)) : v;
        if (rounded) {
            store_16_bytes(y, 2 * i, to_f16(v));
        } else {
            _mm256_storeu_ps((float *)y + i, v);
        }
    }
}

AVX2_INLINE void dequantise_biased(const void *x, size_t d, const stub_rope_dequantiser *by, bool rounded, void *y) {
    const __m256 activation = _mm256_set1_ps(by->activation);
    if (by->integer_bias) {
        dequantise_loop(x, d, by->scale, by->integer_bias, NULL, activation, rounded, y);
    } else if (by->bias) {
        dequantise_loop(x, d, by->scale, NULL, by->bias, activation, rounded, y);
    } else {
        dequantise_loop(x, d, by->scale, NULL, NULL, activation, rounded, y);
    }
}

AVX2 static void dequantise(const void *x, size_t d, const stub_rope_dequantiser *by, bool rounded, void *y) {
    if (rounded) {
        dequantise_biased(x, d, by, true, y);
    } else {
        dequantise_biased(x, d, by, false, y);
    }
}

/* bf16 in the low half of each 32-bit lane. */
AVX2_INLINE __m256i round_bf16(__m256 v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd), 16);
}

AVX2_INLINE __m256 round_f16(__m256 v) {
    return _mm256_cvtph_ps(to_f16(v));
}

AVX2_INLINE __m256 load_lanes(stub_half half, bool from_floats, const void *x, size_t i) {
    if (from_floats) {
        return _mm256_loadu_ps((const float *)x + i);
    }
    const __m128i raw = load_16_bytes(x, 2 * i);
    return half == STUB_HALF_F16 ? _mm256_cvtph_ps(raw)
                                 : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16));
}

/* a * sine + b * cosine. */
AVX2_INLINE __m256 combine(stub_half half, __m256 a, const float *sine, __m256 b, const float *cosine) {
    const __m256 left = _mm256_mul_ps(a, _mm256_loadu_ps(sine)), right = _mm256_mul_ps(b, _mm256_loadu_ps(cosine));
    return half == STUB_HALF_F16 ? _mm256_add_ps(round_f16(left), round_f16(right)) : _mm256_add_ps(left, right);
}

/* Two eights at i and j as fp16, or as bf16 behind one pack, whose order of 128-bit halves the permutation sets right.
 * NaNs are left to the caller. */
AVX2_INLINE void store_pair(stub_half half, __m256 first, size_t i, __m256 second, size_t j, void *y) {
    if (half == STUB_HALF_F16) {
        store_16_bytes(y, 2 * i, to_f16(first));
        store_16_bytes(y, 2 * j, to_f16(second));
        return;
    }
    const __m256i mixed = _mm256_packus_epi32(round_bf16(first), round_bf16(second));
    const __m256i halves = _mm256_permute4x64_epi64(mixed, _MM_SHUFFLE(3, 1, 2, 0));
    store_16_bytes(y, 2 * i, _mm256_castsi256_si128(halves));
    store_16_bytes(y, 2 * j, _mm256_extracti128_si256(halves, 1));
}

/* Whether a NaN was among the sums. */
AVX2_INLINE bool rotate_loop(stub_half half, bool from_floats, const stub_rope_rotation *by, const void *x, size_t d,
                             void *y, float *y_fp32) {
    const float *cosine = by->cosine, *sine = by->sine;
    __m256 nans = _mm256_setzero_ps();
    for (size_t i = 0, j = d / 2; j < d; i += LANES, j += LANES) {
        const __m256 low = load_lanes(half, from_floats, x, i), high = load_lanes(half, from_floats, x, j);
        const __m256 first = combine(half, high, sine + i, low, cosine + i);
        const __m256 second = combine(half, low, sine + j, high, cosine + j);
        nans = _mm256_or_ps(nans, _mm256_cmp_ps(first, second, _CMP_UNORD_Q));
        if (y) {
            store_pair(half, first, i, second, j, y);
        }
        if (y_fp32) {
            _mm256_storeu_ps(y_fp32 + i, first);
            _mm256_storeu_ps(y_fp32 + j, second);
        }
    }
    return _mm256_movemask_ps(nans) != 0;
}

/* NaNs are rare enough to leave them to the baseline. */
AVX2 static void rotate(const stub_rope_rotation *by, const void *x, size_t d, void *y, float *y_fp32) {
    bool nans;
    if (by->half == STUB_HALF_F16) {
        nans = rotate_loop(STUB_HALF_F16, false, by, x, d, y, NULL);
    } else {
        nans = by->from_floats ? rotate_loop(STUB_HALF_BF16, true, by, x, d, y, y_fp32)
                               : rotate_loop(STUB_HALF_BF16, false, by, x, d, y, y_fp32);
    }
    if (nans) {
        stub_rope_loops_baseline.rotate(by, x, d, y, y_fp32);
    }
}

AVX2_INLINE bool narrow_loop(stub_half half, const float *x, size_t d, void *y) {
    __m256 nans = _mm256_setzero_ps();
    for (size_t i = 0, j = LANES; i < d; i += 2 * LANES, j += 2 * LANES) {
        const __m256 first = _mm256_loadu_ps(x + i), second = _mm256_loadu_ps(x + j);
        nans = _mm256_or_ps(nans, _mm256_cmp_ps(first, second, _CMP_UNORD_Q));
        store_pair(half, first, i, second, j, y);
    }
    return _mm256_movemask_ps(nans) != 0;
}

AVX2 static void narrow(stub_half half, const float *x, size_t d, void *y) {
    if (half == STUB_HALF_F16 ? narrow_loop(STUB_HALF_F16, x, d, y) : narrow_loop(STUB_HALF_BF16, x, d, y)) {
        stub_rope_loops_baseline.narrow(half, x, d, y);
    }
}

AVX2_INLINE __m256 load_kind(stub_rope_kind kind, const void *x, size_t i) {
    if (kind == STUB_ROPE_F32) {
        return _mm256_loadu_ps((const float *)x + i);
    }
    return load_lanes(kind == STUB_ROPE_F16 ? STUB_HALF_F16 : STUB_HALF_BF16, false, x, i);
}

AVX2_INLINE __m256i quantise_lanes(__m256 x, const float *scale, const float *offset, size_t i) {
    __m256 v = _mm256_div_ps(x, _mm256_loadu_ps(scale + i));
    if (offset) {
        v = _mm256_add_ps(v, _mm256_loadu_ps(offset + i));
    }
    v = _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
    v = _mm256_max_ps(_mm256_min_ps(v, _mm256_set1_ps(127.0f)), _mm256_set1_ps(-128.0f));
    return _mm256_cvtps_epi32(v);
}

/* 16 values at a time: two packs, of which the first leaves the quarters in the order 0 2 1 3. */
AVX2_INLINE void quantise_loop(stub_rope_kind kind, const void *x, const float *scale, const float *offset, size_t n,
                               int8_t *y) {
    for (size_t i = 0, j = LANES; i < n; i += 2 * LANES, j += 2 * LANES) {
        const __m256i mixed = _mm256_packs_epi32(quantise_lanes(load_kind(kind, x, i), scale, offset, i),
                                                 quantise_lanes(load_kind(kind, x, j), scale, offset, j));
        const __m256i words = _mm256_permute4x64_epi64(mixed, _MM_SHUFFLE(3, 1, 2, 0));
        store_16_bytes(y, i, _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    }
}

AVX2 static void quantise(stub_rope_kind kind, const void *x, const float *scale, const float *offset, size_t n,
                          int8_t *y) {
    if (kind == STUB_ROPE_F32) {
        quantise_loop(STUB_ROPE_F32, x, scale, offset, n, y);
    } else if (kind == STUB_ROPE_F16) {
        quantise_loop(STUB_ROPE_F16, x, scale, offset, n, y);
    } else {
        quantise_loop(STUB_ROPE_BF16, x, scale, offset, n, y);
    }
}

const stub_rope_loops stub_rope_loops_avx2 = {
    .dequantise = dequantise,
    .rotate = rotate,
    .narrow = narrow,
    .quantise = quantise,
};
#endif
