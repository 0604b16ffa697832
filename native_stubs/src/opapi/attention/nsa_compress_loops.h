/* The inner loops of aclnnNsaCompress, in one version per instruction set that all give the same bits.
 *
 * The products of a window are added in the order of a device's binary tree: with A half of the smallest power of two
 * that is not below the number of tokens, token i takes token A + i in, A is halved, and so on to 1. The first three
 * levels of the tree make groups: with q = A / 4, group g is tokens g, g + q, .. g + 7q, those there are, and its sum
 * is ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). With the groups in the order of their bit-reversed numbers the rest of
 * the tree adds the sums of neighbours, then those, and so on. A group's eight weights stay in registers while they are
 * used for many columns of a window, or for many windows.
 *
 * Where a token is in few windows, those are summed one by one from the input as it lies. Else tokens are widened once,
 * into planes (a few columns of one token beside those of the next), and each group is summed for all windows. */
#ifndef ASCEND_STUB_OPAPI_NSA_COMPRESS_LOOPS_H
#define ASCEND_STUB_OPAPI_NSA_COMPRESS_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/half.h"
#include "opapi/attention/nsa_compress_ahead.h"
#include "opapi/simd.h"

enum {
    STUB_GROUP_TOKENS = 8,
    STUB_GROUP_PAIRS = 4,
    STUB_MOST_LEVELS = 48,   /* of the tree above the groups of the longest possible window */
    STUB_PLANE = 8,          /* columns of a plane, in any instruction set */
    STUB_DIRECT_UNIT = 16,   /* columns that are summed at least when they are summed as they lie, */
    STUB_DIRECT_COLUMNS = 32 /* and at most: a line */
};

/* A group of a window's tokens. */
typedef struct {
    int64_t first;    /* token */
    int pairs;        /* how many of tokens 4, 5, 6, 7 of the group there are */
    size_t completed; /* earlier sums, of 1, 2, 4 .. groups, that are added to this one: the newest, one by one */
} stub_token_group;

/* What the windows that are summed as they lie have in common. */
typedef struct {
    stub_half half;
    bool whole;     /* all groups have eight tokens */
    int64_t step;   /* from one token to the next, in bytes */
    size_t columns; /* STUB_DIRECT_UNIT to STUB_DIRECT_COLUMNS */
    size_t group_count;
    const stub_token_group *groups; /* in the order of summation */
} stub_direct_window;

/* Tokens to be widened: the columns of some planes. Plane p begins at column p * STUB_PLANE, but the last one at column
 * `last`, so that it ends where the head does. */
typedef struct {
    stub_half half;
    const uint8_t *x;
    int64_t step; /* from one token to the next, in bytes */
    size_t tokens, planes, last;
    size_t columns;    /* of a plane: STUB_PLANE, or fewer when a head has fewer */
    float *y;          /* [planes][tokens][STUB_PLANE] */
    size_t plane_step; /* from plane to plane of y, in floats */
    stub_ahead *ahead;
} stub_widening;

/* All windows in some planes. */
typedef struct {
    const float *x;                                  /* the first window's first token in the first plane */
    size_t windows, window_step, planes, plane_step; /* steps in floats */
    size_t group_count;
    const stub_token_group *groups; /* in the order of summation */
    const float *weights;
    float *sums; /* a stack of [planes][windows][STUB_PLANE]; the result is at the bottom */
    stub_ahead *ahead;
} stub_plane_windows;

/* Floats are aligned to STUB_PLANE, nothing else needs any alignment. Weights are STUB_GROUP_TOKENS for each group; of
 * those, missing tokens' are not used. Results round halves away from zero; a NaN becomes the one quiet NaN. */
typedef struct {
    /* Windows are summed as they lie where a token is in at most so many of them. */
    int64_t most_direct;
    void (*sum_window)(const stub_direct_window *window, const uint8_t *x, const float *weights, stub_ahead *ahead,
                       uint8_t *y);
    void (*widen)(const stub_widening *work);
    void (*sum_planes)(const stub_plane_windows *work);
    /* Rows of STUB_PLANE floats to rows of `columns` halves, y_step bytes apart. */
    void (*round)(stub_half half, const float *x, size_t rows, size_t columns, uint8_t *y, int64_t y_step);
} stub_window_loops;

extern const stub_window_loops stub_window_loops_baseline; /* sums no window as it lies */
#if defined(__x86_64__)
extern const stub_window_loops stub_window_loops_avx2; /* needs AVX2 and F16C */
void stub_sum_window_avx2(const stub_direct_window *window, const uint8_t *x, const float *weights, stub_ahead *ahead,
                          uint8_t *y);
#endif

/* A number just above each tie between two halves, and otherwise one that rounds alike: makes rounding half to even
 * round half away from zero. */
static inline float stub_break_tie(float value) {
    const uint32_t bits = stub_float_bits(value);
    return stub_bits_float(bits | ((bits & STUB_F32_MAGNITUDE) < STUB_F32_INFINITY));
}

#endif
