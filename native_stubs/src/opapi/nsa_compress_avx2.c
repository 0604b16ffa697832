/* The sum over a window for x86-64 with AVX2 and F16C: the same operations in the same order as the portable version,
 * which also does the columns left over behind the last full step. No fused multiply-add. */
#include "opapi/nsa_compress.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX2_INLINE static inline __attribute__((target("avx2,f16c"), always_inline))

/* 32 columns at once, a cache line of each token, as long as there are as many, then 16. */
enum { PAIR_COLUMNS = 16, WIDE = 2, NARROW = 1 };

/* What the loops are made for; constants, so that each choice is a loop of its own. */
typedef struct {
    stub_half half;
    bool has_lone;
    int width; /* in units of PAIR_COLUMNS */
} kind;

/* Columns in units of 16: fp16 as two halves, bf16 as the even ones and the odd ones, which are widened without a
 * shuffle. */
typedef struct {
    __m256 v[2 * WIDE];
} columns;

AVX2_INLINE void widen(stub_half half, const uint8_t *x, __m256 *v) {
    if (half == STUB_HALF_F16) {
        v[0] = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)x));
        v[1] = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + PAIR_COLUMNS)));
    } else {
        const __m256i raw = _mm256_loadu_si256((const __m256i *)(const void *)x);
        v[0] = _mm256_castsi256_ps(_mm256_slli_epi32(raw, 16));
        v[1] = _mm256_castsi256_ps(_mm256_and_si256(raw, _mm256_set1_epi32((int32_t)0xFFFF0000)));
    }
}

AVX2_INLINE columns multiply(kind k, const uint8_t *x, const float *weight) {
    const __m256 factor = _mm256_broadcast_ss(weight);
    columns product = {0};
    for (int i = 0; i < k.width; i++) {
        widen(k.half, x + 2 * PAIR_COLUMNS * i, product.v + 2 * i);
    }
    for (int i = 0; i < 2 * k.width; i++) {
        product.v[i] = _mm256_mul_ps(product.v[i], factor);
    }
    return product;
}

AVX2_INLINE columns add(kind k, columns x, columns y) {
    for (int i = 0; i < 2 * k.width; i++) {
        x.v[i] = _mm256_add_ps(x.v[i], y.v[i]);
    }
    return x;
}

/* Fetches some of the next window's lines on the way: one for 16 columns. */
AVX2_INLINE columns sum_pair(kind k, const stub_token_pair *pair, const uint8_t *x, const float *weights,
                             const uint8_t *lines) {
    const columns first = multiply(k, x + pair->first, weights);
    for (int i = 0; i < k.width; i++) {
        _mm_prefetch((const char *)(lines + STUB_LINE * i), _MM_HINT_T0);
    }
    return k.has_lone && pair->lone ? first : add(k, first, multiply(k, x + pair->second, weights + 1));
}

AVX2_INLINE columns sum_2_pairs(kind k, const stub_token_pair *pair, const uint8_t *x, const float *weights,
                                const uint8_t *lines) {
    return add(k, sum_pair(k, pair, x, weights, lines),
               sum_pair(k, pair + 1, x, weights + 2, lines + STUB_LINE * k.width));
}

AVX2_INLINE columns sum_4_pairs(kind k, const stub_token_pair *pair, const uint8_t *x, const float *weights,
                                const uint8_t *lines) {
    return add(k, sum_2_pairs(k, pair, x, weights, lines),
               sum_2_pairs(k, pair + 2, x, weights + 4, lines + 2 * STUB_LINE * k.width));
}

AVX2_INLINE columns sum_8_pairs(kind k, const stub_token_pair *pair, const uint8_t *x, const float *weights,
                                const uint8_t *lines) {
    return add(k, sum_4_pairs(k, pair, x, weights, lines),
               sum_4_pairs(k, pair + 4, x, weights + 8, lines + 4 * STUB_LINE * k.width));
}

/* As the portable version's stack, with eight pairs at a time. */
AVX2_INLINE columns sum_pairs(kind k, const stub_window *window, const uint8_t *x, const float *weights,
                              const uint8_t *lines) {
    columns stack[STUB_MOST_LEVELS];
    size_t height = 0;
    for (size_t eight = 0;; eight++) {
        columns sum = sum_8_pairs(k, window->pairs + 8 * eight, x, weights + 16 * eight,
                                  lines + 8 * eight * STUB_LINE * (size_t)k.width);
        for (size_t done = eight; done & 1; done >>= 1) {
            sum = add(k, stack[--height], sum);
        }
        if (8 * (eight + 1) == window->pair_count) {
            return sum;
        }
        stack[height++] = sum;
    }
}

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

AVX2_INLINE void store(stub_half half, const __m256 *v, uint8_t *y) {
    if (half == STUB_HALF_F16) {
        _mm_storeu_si128((__m128i *)(void *)y, round_f16(v[0]));
        _mm_storeu_si128((__m128i *)(void *)(y + PAIR_COLUMNS), round_f16(v[1]));
    } else {
        const __m256i even = _mm256_srli_epi32(round_bf16(v[0]), 16);
        _mm256_storeu_si256((__m256i *)(void *)y, _mm256_blend_epi16(even, round_bf16(v[1]), 0xAA));
    }
}

AVX2_INLINE void sum_step(kind k, const stub_window *window, const uint8_t *x, const float *weights, stub_ahead *ahead,
                          uint8_t *y) {
    const uint8_t *lines = stub_lines_ahead(ahead, (size_t)k.width, x);
    const columns sum = sum_pairs(k, window, x, weights, lines);
    for (int i = 0; i < k.width; i++) {
        store(k.half, sum.v + 2 * i, y + 2 * PAIR_COLUMNS * i);
    }
}

AVX2_INLINE void sum_columns(stub_half half, bool has_lone, const stub_window *window, const uint8_t *x,
                             const float *weights, size_t n, stub_ahead *ahead, uint8_t *y) {
    size_t i = 0;
    for (; i + WIDE * PAIR_COLUMNS <= n; i += WIDE * PAIR_COLUMNS) {
        sum_step((kind){half, has_lone, WIDE}, window, x + 2 * i, weights, ahead, y + 2 * i);
    }
    if (i + PAIR_COLUMNS <= n) {
        sum_step((kind){half, has_lone, NARROW}, window, x + 2 * i, weights, ahead, y + 2 * i);
        i += PAIR_COLUMNS;
    }
    if (i < n) {
        stub_window_sum_baseline(window, x + 2 * i, weights, n - i, ahead, y + 2 * i);
    }
}

AVX2 void stub_window_sum_avx2(const stub_window *window, const uint8_t *x, const float *weights, size_t n,
                               stub_ahead *ahead, uint8_t *y) {
    if (window->half == STUB_HALF_F16) {
        window->has_lone ? sum_columns(STUB_HALF_F16, true, window, x, weights, n, ahead, y)
                         : sum_columns(STUB_HALF_F16, false, window, x, weights, n, ahead, y);
    } else {
        window->has_lone ? sum_columns(STUB_HALF_BF16, true, window, x, weights, n, ahead, y)
                         : sum_columns(STUB_HALF_BF16, false, window, x, weights, n, ahead, y);
    }
}
#endif
