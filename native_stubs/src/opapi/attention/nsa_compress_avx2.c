/* Windows of aclnnNsaCompress in planes, for x86-64 with AVX2 and F16C: the same operations in the same order as the
 * portable version, which also does heads too narrow for a plane. No fused multiply-add. */
#include "opapi/attention/nsa_compress_loops.h"

#if defined(__x86_64__)
#include "opapi/attention/nsa_compress_avx2.h"

AVX2_INLINE void widen_plane(stub_half half, const uint8_t *x, float *y) {
    const __m128i raw = _mm_loadu_si128((const __m128i *)(const void *)x);
    const __m256i shifted = _mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16);
    _mm256_store_ps(y, half == STUB_HALF_F16 ? _mm256_cvtph_ps(raw) : _mm256_castsi256_ps(shifted));
}

AVX2_INLINE void widen_tokens(stub_half half, const stub_widening *work) {
    const size_t regular = work->planes - 1, plane_step = work->plane_step, last = work->last;
    const uint8_t *x = work->x;
    float *y = work->y;
    for (size_t token = 0; token < work->tokens; token += STUB_AHEAD_TOKENS) {
        stub_fetch_ahead(work->ahead);
        for (int i = 0; i < STUB_AHEAD_TOKENS; i++, x += work->step, y += LANES) {
            for (size_t plane = 0; plane < regular; plane++) {
                widen_plane(half, x + plane * LANES * sizeof(uint16_t), y + plane * plane_step);
            }
            widen_plane(half, x + last * sizeof(uint16_t), y + regular * plane_step);
        }
    }
}

AVX2 static void widen(const stub_widening *work) {
    if (work->columns < LANES) {
        stub_window_loops_baseline.widen(work);
    } else if (work->half == STUB_HALF_F16) {
        widen_tokens(STUB_HALF_F16, work);
    } else {
        widen_tokens(STUB_HALF_BF16, work);
    }
}

AVX2_INLINE __m256 product(const float *x, __m256 weight) {
    return _mm256_mul_ps(_mm256_load_ps(x), weight);
}

/* Tokens i and i + 4 of a group; the second one when it is there. */
AVX2_INLINE __m256 sum_pair(int pairs, int i, const float *x, int64_t spacing, const __m256 *weights) {
    const __m256 first = product(x + i * spacing, weights[i]);
    return i < pairs ? _mm256_add_ps(first, product(x + (i + 4) * spacing, weights[i + 4])) : first;
}

AVX2_INLINE __m256 sum_tokens(int pairs, const float *x, int64_t spacing, const __m256 *weights) {
    const __m256 even = _mm256_add_ps(sum_pair(pairs, 0, x, spacing, weights), sum_pair(pairs, 2, x, spacing, weights));
    const __m256 odd = _mm256_add_ps(sum_pair(pairs, 1, x, spacing, weights), sum_pair(pairs, 3, x, spacing, weights));
    return _mm256_add_ps(even, odd);
}

/* A constant number of planes from x on, side by side: loops with few rounds are badly foreseen. */
AVX2_INLINE void sum_windows(int pairs, bool more, int planes, const stub_plane_windows *work, const float *x,
                             const __m256 *weights, float *sums) {
    const int64_t spacing = (int64_t)work->group_count * LANES;
    const size_t step = work->window_step, plane_step = work->plane_step, plane_sums = work->windows * LANES;
    const float *const end = sums + plane_sums;
    stub_fetch_ahead(work->ahead);
    for (; sums < end; sums += LANES, x += step) {
        for (int plane = 0; plane < planes; plane++) {
            const __m256 sum = sum_tokens(pairs, x + (size_t)plane * plane_step, spacing, weights);
            float *to = sums + (size_t)plane * plane_sums;
            _mm256_store_ps(to, more ? _mm256_add_ps(_mm256_load_ps(to), sum) : sum);
        }
    }
}

AVX2 static void add(const float *addend, size_t n, float *sums) {
    for (size_t i = 0; i < n; i += LANES) {
        _mm256_store_ps(sums + i, _mm256_add_ps(_mm256_load_ps(sums + i), _mm256_load_ps(addend + i)));
    }
}

/* One group of all windows in all planes. With `more`, to the sums that are there. */
AVX2_INLINE void sum_group(int pairs, bool more, const stub_plane_windows *work, const float *x, const float *weights,
                           float *sums) {
    __m256 factors[STUB_GROUP_TOKENS];
    for (int i = 0; i < STUB_GROUP_TOKENS; i++) {
        factors[i] = _mm256_broadcast_ss(weights + i);
    }
    const size_t pair_step = 2 * work->plane_step, pair_sums = 2 * work->windows * LANES;
    for (size_t plane = 1; plane < work->planes; plane += 2, x += pair_step, sums += pair_sums) {
        sum_windows(pairs, more, 2, work, x, factors, sums);
    }
    if (work->planes % 2 != 0) {
        sum_windows(pairs, more, 1, work, x, factors, sums);
    }
}

/* Constant numbers of pairs make a loop for each. */
AVX2_INLINE void sum_pairs(int pairs, bool more, const stub_plane_windows *work, const float *x, const float *weights,
                           float *sums) {
    switch (pairs) {
    case 0:
        sum_group(0, more, work, x, weights, sums);
        break;
    case 1:
        sum_group(1, more, work, x, weights, sums);
        break;
    case 2:
        sum_group(2, more, work, x, weights, sums);
        break;
    case 3:
        sum_group(3, more, work, x, weights, sums);
        break;
    default:
        sum_group(STUB_GROUP_PAIRS, more, work, x, weights, sums);
        break;
    }
}

/* Two groups at a time, the second one onto the first. */
AVX2 static void sum_planes(const stub_plane_windows *work) {
    const size_t level = work->planes * work->windows * STUB_PLANE;
    const float *weights = work->weights;
    float *top = work->sums;
    for (size_t i = 0; i < work->group_count; i += 2, weights += 2 * STUB_GROUP_TOKENS, top += level) {
        const stub_token_group *first = &work->groups[i], *second = first + 1;
        sum_pairs(first->pairs, false, work, work->x + first->first * STUB_PLANE, weights, top);
        sum_pairs(second->pairs, true, work, work->x + second->first * STUB_PLANE, weights + STUB_GROUP_TOKENS, top);
        for (size_t done = second->completed; done > 1; done--, top -= level) {
            add(top, level, top - level);
        }
    }
}

AVX2_INLINE void round_rows(stub_half half, const float *x, size_t rows, uint8_t *y, int64_t y_step) {
    for (size_t row = 0; row < rows; row++, x += LANES, y += y_step) {
        const __m256 sum = _mm256_load_ps(x);
        const __m256i high = _mm256_srli_epi32(round_bf16(sum), 16);
        const __m128i bf16 = _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
        _mm_storeu_si128((__m128i *)(void *)y, half == STUB_HALF_F16 ? round_f16(sum) : bf16);
    }
}

AVX2 static void round_away(stub_half half, const float *x, size_t rows, size_t columns, uint8_t *y, int64_t y_step) {
    if (columns < LANES) {
        stub_window_loops_baseline.round(half, x, rows, columns, y, y_step);
    } else if (half == STUB_HALF_F16) {
        round_rows(STUB_HALF_F16, x, rows, y, y_step);
    } else {
        round_rows(STUB_HALF_BF16, x, rows, y, y_step);
    }
}

const stub_window_loops stub_window_loops_avx2 = {4, stub_sum_window_avx2, widen, sum_planes, round_away};
#endif
