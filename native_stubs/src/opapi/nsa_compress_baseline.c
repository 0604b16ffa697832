/* The sum over a window in portable C, in loops over neighbouring columns that compilers turn into whatever vectors the
 * target has by definition (SSE2, NEON). */
#include <string.h>

#include "opapi/nsa_compress.h"

enum { COLUMNS = 4 * STUB_AHEAD_STEP };

static inline float widen(stub_half half, const uint8_t *x, size_t column) {
    uint16_t raw;
    memcpy(&raw, x + column * sizeof raw, sizeof raw);
    return half == STUB_HALF_F16 ? stub_f16_to_f32(raw) : stub_bf16_to_f32(raw);
}

static inline void multiply(stub_half half, const uint8_t *x, float weight, size_t n, float *restrict sum) {
    for (size_t i = 0; i < n; i++) {
        sum[i] = widen(half, x, i) * weight;
    }
}

static inline void multiply_pair(stub_half half, const uint8_t *x, const uint8_t *x2, const float *weights, size_t n,
                                 float *restrict sum) {
    const float weight = weights[0], weight2 = weights[1];
    for (size_t i = 0; i < n; i++) {
        sum[i] = widen(half, x, i) * weight + widen(half, x2, i) * weight2;
    }
}

static void add(const float *restrict addend, size_t n, float *restrict sum) {
    for (size_t i = 0; i < n; i++) {
        sum[i] += addend[i];
    }
}

/* sums[0] becomes the window's sum. Pair k's sum lands on a stack, where each trailing one bit of k adds the two sums
 * on top: those of equally many pairs. */
static inline void sum_pairs(stub_half half, const stub_window *window, const uint8_t *x, const float *weights,
                             size_t n, float sums[][COLUMNS]) {
    size_t height = 0;
    for (size_t k = 0; k < window->pair_count; k++) {
        const stub_token_pair *pair = &window->pairs[k];
        if (pair->lone) {
            multiply(half, x + pair->first, weights[2 * k], n, sums[height]);
        } else {
            multiply_pair(half, x + pair->first, x + pair->second, weights + 2 * k, n, sums[height]);
        }
        for (size_t done = k; done & 1; done >>= 1) {
            height--;
            add(sums[height + 1], n, sums[height]);
        }
        height++;
    }
}

static void round_away(stub_half half, const float *sums, size_t n, uint8_t *y) {
    uint16_t out[COLUMNS];
    if (half == STUB_HALF_F16) {
        for (size_t i = 0; i < n; i++) {
            out[i] = stub_f32_to_f16(stub_break_tie(sums[i]));
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            out[i] = stub_f32_to_bf16(stub_break_tie(sums[i]));
        }
    }
    memcpy(y, out, n * sizeof out[0]);
}

void stub_window_sum_baseline(const stub_window *window, const uint8_t *x, const float *weights, size_t n,
                              stub_ahead *ahead, uint8_t *y) {
    float sums[STUB_MOST_LEVELS][COLUMNS];
    for (size_t done = 0; done < n; done += COLUMNS) {
        const size_t count = n - done < COLUMNS ? n - done : (size_t)COLUMNS;
        const uint8_t *columns = x + done * sizeof(uint16_t);
        stub_fetch_ahead(ahead, COLUMNS / STUB_AHEAD_STEP * ahead->lines_per_step);
        if (window->half == STUB_HALF_F16) {
            sum_pairs(STUB_HALF_F16, window, columns, weights, count, sums);
        } else {
            sum_pairs(STUB_HALF_BF16, window, columns, weights, count, sums);
        }
        round_away(window->half, sums[0], count, y + done * sizeof(uint16_t));
    }
}
