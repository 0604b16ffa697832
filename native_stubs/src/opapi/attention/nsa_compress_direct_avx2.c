/* Windows of aclnnNsaCompress as they lie, for x86-64 with AVX2 and F16C. No fused multiply-add. */
#include "opapi/attention/nsa_compress_loops.h"

#if defined(__x86_64__)
#include "opapi/attention/nsa_compress_avx2.h"

/* A unit is two vectors: of bf16 the even columns and the odd ones, which are widened without a shuffle, of fp16 the
 * first eight and the others. A second unit may overlap the first. */
enum { UNIT = STUB_DIRECT_UNIT, COLUMNS = STUB_DIRECT_COLUMNS };

/* What the loops are made for; constants, so that each choice is a loop of its own. */
typedef struct {
    stub_half half;
    bool whole;
} kind;

AVX2_INLINE __m256 load(stub_half half, const uint8_t *x, int vector) {
    if (half == STUB_HALF_F16) {
        return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + UNIT * vector)));
    }
    const __m256i raw = _mm256_loadu_si256((const __m256i *)(const void *)x);
    const __m256i odd = _mm256_and_si256(raw, _mm256_set1_epi32((int32_t)0xFFFF0000));
    return _mm256_castsi256_ps(vector == 0 ? _mm256_slli_epi32(raw, 16) : odd);
}

/* Tokens i and i + 4 of a group; the second one when it is there. */
AVX2_INLINE __m256 sum_pair(kind k, int pairs, int i, const uint8_t *x, int64_t spacing, const __m256 *weights,
                            int vector) {
    const __m256 first = _mm256_mul_ps(load(k.half, x + i * spacing, vector), weights[i]);
    if (!k.whole && i >= pairs) {
        return first;
    }
    return _mm256_add_ps(first, _mm256_mul_ps(load(k.half, x + (i + 4) * spacing, vector), weights[i + 4]));
}

AVX2_INLINE __m256 sum_tokens(kind k, int pairs, const uint8_t *x, int64_t spacing, const __m256 *weights, int vector) {
    const __m256 even = _mm256_add_ps(sum_pair(k, pairs, 0, x, spacing, weights, vector),
                                      sum_pair(k, pairs, 2, x, spacing, weights, vector));
    const __m256 odd = _mm256_add_ps(sum_pair(k, pairs, 1, x, spacing, weights, vector),
                                     sum_pair(k, pairs, 3, x, spacing, weights, vector));
    return _mm256_add_ps(even, odd);
}

/* Where the second unit begins, if there is one. */
static inline size_t second_unit(const stub_direct_window *window) {
    return (window->columns - UNIT) * sizeof(uint16_t);
}

/* With `more`, to the sums that are there. */
AVX2_INLINE void sum_group(kind k, bool more, const stub_direct_window *window, const stub_token_group *group,
                           const uint8_t *x, const float *weights, float *sums) {
    const int64_t spacing = (int64_t)window->group_count * window->step;
    const float *const end = sums + window->columns;
    __m256 factors[STUB_GROUP_TOKENS];
    for (int i = 0; i < STUB_GROUP_TOKENS; i++) {
        factors[i] = _mm256_broadcast_ss(weights + i);
    }
    x += group->first * window->step;
    for (; sums < end; sums += UNIT, x += second_unit(window)) {
        for (int i = 0; i < 2; i++) {
            const __m256 sum = sum_tokens(k, group->pairs, x, spacing, factors, i);
            float *to = sums + LANES * i;
            _mm256_store_ps(to, more ? _mm256_add_ps(_mm256_load_ps(to), sum) : sum);
        }
    }
}

AVX2_INLINE void add(const float *addend, float *sums) {
    for (int i = 0; i < COLUMNS; i += LANES) {
        _mm256_store_ps(sums + i, _mm256_add_ps(_mm256_load_ps(sums + i), _mm256_load_ps(addend + i)));
    }
}

AVX2_INLINE void store_unit(stub_half half, const float *sums, uint8_t *y) {
    const __m256 first = _mm256_load_ps(sums), second = _mm256_load_ps(sums + LANES);
    if (half == STUB_HALF_F16) {
        _mm_storeu_si128((__m128i *)(void *)y, round_f16(first));
        _mm_storeu_si128((__m128i *)(void *)(y + UNIT), round_f16(second));
    } else {
        const __m256i even = _mm256_srli_epi32(round_bf16(first), 16);
        _mm256_storeu_si256((__m256i *)(void *)y, _mm256_blend_epi16(even, round_bf16(second), 0xAA));
    }
}

/* Two groups at a time, the second one onto the first. */
AVX2_INLINE void sum_groups(kind k, const stub_direct_window *window, const uint8_t *x, const float *weights,
                            stub_ahead *ahead, uint8_t *y) {
    _Alignas(32) float stack[STUB_MOST_LEVELS][COLUMNS];
    const stub_token_group *group = window->groups, *const end = group + window->group_count;
    float *top = stack[0];
    do {
        stub_fetch_ahead(ahead);
        sum_group(k, false, window, group, x, weights, top);
        sum_group(k, true, window, group + 1, x, weights + STUB_GROUP_TOKENS, top);
        for (size_t done = group[1].completed; done > 1; done--, top -= COLUMNS) {
            add(top, top - COLUMNS);
        }
        top += COLUMNS;
        weights += 2 * STUB_GROUP_TOKENS;
        group += 2;
    } while (group < end);
    store_unit(k.half, stack[0], y);
    if (window->columns > UNIT) {
        store_unit(k.half, stack[0] + UNIT, y + second_unit(window));
    }
}

AVX2 void stub_sum_window_avx2(const stub_direct_window *window, const uint8_t *x, const float *weights,
                               stub_ahead *ahead, uint8_t *y) {
    if (window->half == STUB_HALF_F16) {
        window->whole ? sum_groups((kind){STUB_HALF_F16, true}, window, x, weights, ahead, y)
                      : sum_groups((kind){STUB_HALF_F16, false}, window, x, weights, ahead, y);
    } else {
        window->whole ? sum_groups((kind){STUB_HALF_BF16, true}, window, x, weights, ahead, y)
                      : sum_groups((kind){STUB_HALF_BF16, false}, window, x, weights, ahead, y);
    }
}
#endif
