/* aclnnNsaCompress: what its two phases and its inner loops share. */
#ifndef ASCEND_STUB_OPAPI_NSA_COMPRESS_H
#define ASCEND_STUB_OPAPI_NSA_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/half.h"
#include "nnopbase/call.h"
#include "opapi/simd.h"

/* Arguments in the order of the prototype. */
enum {
    NSA_COMPRESS_INPUT,
    NSA_COMPRESS_WEIGHT,
    NSA_COMPRESS_SEQUENCES,
    NSA_COMPRESS_LAYOUT,
    NSA_COMPRESS_BLOCK,
    NSA_COMPRESS_STRIDE,
    NSA_COMPRESS_SEQUENCES_TYPE,
    NSA_COMPRESS_OUTPUT
};

aclnnStatus stub_nsa_compress_check(const stub_call *call, stub_plan *plan);

/* Windows of `block` tokens, `stride` apart, that a sequence holds. */
static inline int64_t stub_nsa_compress_windows(int64_t length, int64_t block, int64_t stride) {
    return length < block ? 0 : (length - block) / stride + 1;
}

/* The order in which the products of a window are added: a device's binary tree, in which, with A half of the smallest
 * power of two that is not below the number of tokens, token i takes token A + i in, A is halved, and so on to 1. Put
 * into the order of bit-reversed numbers, the A pairs are added as neighbours, then the sums of neighbours, and so on.
 *
 * A pair is where its two tokens lie, in bytes from the window's first one. The second one is missing (lone) in the
 * last pairs of a window whose length is no power of two. */
typedef struct {
    int64_t first, second;
    bool lone;
} stub_token_pair;

typedef struct {
    stub_half half;
    const stub_token_pair *pairs;
    size_t pair_count; /* a power of two, at least STUB_FEWEST_PAIRS */
    bool has_lone;
} stub_window;

/* A window has a multiple of 16 tokens; levels of the tree above the pairs of the longest possible one. */
enum { STUB_FEWEST_PAIRS = 8, STUB_MOST_LEVELS = 48 };

/* Tokens that the next window needs, as runs of neighbouring bytes. The order of summation jumps from token to token,
 * which no processor foresees: the loops ask for these lines while they work, in the order of memory. */
typedef struct {
    const uint8_t *run;
    size_t at, run_bytes; /* of the run */
    int64_t run_step;     /* from one run to the next, in bytes */
    size_t lines_left, lines_per_step;
} stub_ahead;

enum { STUB_AHEAD_STEP = 16 /* columns */, STUB_LINE = 64 };

static inline void stub_fetch_ahead(stub_ahead *ahead, size_t lines) {
    lines = lines < ahead->lines_left ? lines : ahead->lines_left;
    ahead->lines_left -= lines;
    for (; lines > 0; lines--) {
        __builtin_prefetch(ahead->run + ahead->at);
        ahead->at += STUB_LINE;
        if (ahead->at >= ahead->run_bytes) {
            ahead->at = 0;
            ahead->run += ahead->run_step;
        }
    }
}

/* The place of the lines of some steps, for a loop that fetches them one by one between its other work. `here` when
 * there are none, or when they are in more than one run and had to be fetched now. */
static inline const uint8_t *stub_lines_ahead(stub_ahead *ahead, size_t steps, const uint8_t *here) {
    const size_t count = steps * ahead->lines_per_step;
    if (ahead->lines_left < count || ahead->at + count * STUB_LINE >= ahead->run_bytes) {
        stub_fetch_ahead(ahead, count);
        return here;
    }
    const uint8_t *lines = ahead->run + ahead->at;
    ahead->lines_left -= count;
    ahead->at += count * STUB_LINE;
    return lines;
}

/* n sums over a window of one head: y[c] = sum of x[token][c] * weights[token], x from the first token's place on.
 * `weights` has two numbers for each pair. Halves away from zero; a NaN becomes the one quiet NaN. */
typedef void stub_window_sum(const stub_window *window, const uint8_t *x, const float *weights, size_t n,
                             stub_ahead *ahead, uint8_t *y);

stub_window_sum stub_window_sum_baseline;
#if defined(__x86_64__)
stub_window_sum stub_window_sum_avx2; /* needs AVX2 and F16C */
#endif

/* A number just above each tie between two halves, and otherwise one that rounds alike: makes rounding half to even
 * round half away from zero. */
static inline float stub_break_tie(float value) {
    const uint32_t bits = stub_float_bits(value);
    return stub_bits_float(bits | ((bits & STUB_F32_MAGNITUDE) < STUB_F32_INFINITY));
}

#endif
