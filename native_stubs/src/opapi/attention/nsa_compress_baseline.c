/* The inner loops of aclnnNsaCompress in portable C, in loops over the columns of a plane that compilers turn into
 * whatever vectors the target has by definition (SSE2, NEON). */
#include <string.h>

#include "opapi/attention/nsa_compress_loops.h"

#define INLINE static inline __attribute__((always_inline))

INLINE void widen_plane(stub_half half, const uint8_t *x, size_t columns, float *restrict y) {
    uint16_t raw[STUB_PLANE] = {0};
    memcpy(raw, x, columns * sizeof raw[0]);
    for (int i = 0; i < STUB_PLANE; i++) {
        y[i] = half == STUB_HALF_F16 ? stub_f16_to_f32(raw[i]) : stub_bf16_to_f32(raw[i]);
    }
}

INLINE void widen_tokens(stub_half half, size_t columns, const stub_widening *work) {
    const size_t regular = work->planes - 1, plane_step = work->plane_step;
    const uint8_t *x = work->x;
    float *y = work->y;
    for (size_t token = 0; token < work->tokens; token += STUB_AHEAD_TOKENS) {
        stub_fetch_ahead(work->ahead);
        for (int i = 0; i < STUB_AHEAD_TOKENS; i++, x += work->step, y += STUB_PLANE) {
            for (size_t plane = 0; plane < regular; plane++) {
                widen_plane(half, x + plane * STUB_PLANE * sizeof(uint16_t), columns, y + plane * plane_step);
            }
            widen_plane(half, x + work->last * sizeof(uint16_t), columns, y + regular * plane_step);
        }
    }
}

static void widen(const stub_widening *work) {
    if (work->columns < STUB_PLANE) {
        widen_tokens(work->half, work->columns, work);
    } else if (work->half == STUB_HALF_F16) {
        widen_tokens(STUB_HALF_F16, STUB_PLANE, work);
    } else {
        widen_tokens(STUB_HALF_BF16, STUB_PLANE, work);
    }
}

/* Tokens i and i + 4 of a group; the second one when it is there. */
INLINE float sum_pair(int pairs, int i, const float *x, int64_t spacing, const float *weights) {
    const float first = x[i * spacing] * weights[i];
    return i < pairs ? first + x[(i + 4) * spacing] * weights[i + 4] : first;
}

INLINE float sum_tokens(int pairs, const float *x, int64_t spacing, const float *weights) {
    return (sum_pair(pairs, 0, x, spacing, weights) + sum_pair(pairs, 2, x, spacing, weights)) +
           (sum_pair(pairs, 1, x, spacing, weights) + sum_pair(pairs, 3, x, spacing, weights));
}

static void add(const float *restrict addend, size_t n, float *restrict sums) {
    for (size_t i = 0; i < n; i++) {
        sums[i] += addend[i];
    }
}

INLINE float *sum_windows(int pairs, bool more, const stub_plane_windows *work, const float *x, const float *weights,
                          float *restrict sums) {
    const int64_t spacing = (int64_t)work->group_count * STUB_PLANE;
    stub_fetch_ahead(work->ahead);
    for (size_t window = 0; window < work->windows; window++, x += work->window_step, sums += STUB_PLANE) {
        for (int i = 0; i < STUB_PLANE; i++) {
            const float sum = sum_tokens(pairs, x + i, spacing, weights);
            sums[i] = more ? sums[i] + sum : sum;
        }
    }
    return sums;
}

/* One group of all windows in all planes. With `more`, to the sums that are there. */
INLINE void sum_group(int pairs, bool more, const stub_plane_windows *work, const float *x, const float *weights,
                      float *sums) {
    float factors[STUB_GROUP_TOKENS];
    memcpy(factors, weights, sizeof factors);
    for (size_t plane = 0; plane < work->planes; plane++, x += work->plane_step) {
        sums = sum_windows(pairs, more, work, x, factors, sums);
    }
}

/* Constant numbers of pairs make a loop for each. */
INLINE void sum_pairs(int pairs, bool more, const stub_plane_windows *work, const float *x, const float *weights,
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
static void sum_planes(const stub_plane_windows *work) {
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

INLINE void round_row(stub_half half, const float *x, size_t columns, uint8_t *y) {
    uint16_t out[STUB_PLANE];
    for (int i = 0; i < STUB_PLANE; i++) {
        const float broken = stub_break_tie(x[i]);
        out[i] = half == STUB_HALF_F16 ? stub_f32_to_f16(broken) : stub_f32_to_bf16(broken);
    }
    memcpy(y, out, columns * sizeof out[0]);
}

static void round_away(stub_half half, const float *x, size_t rows, size_t columns, uint8_t *y, int64_t y_step) {
    for (size_t row = 0; row < rows; row++, x += STUB_PLANE, y += y_step) {
        if (half == STUB_HALF_F16) {
            round_row(STUB_HALF_F16, x, columns, y);
        } else {
            round_row(STUB_HALF_BF16, x, columns, y);
        }
    }
}

const stub_window_loops stub_window_loops_baseline = {0, NULL, widen, sum_planes, round_away};
