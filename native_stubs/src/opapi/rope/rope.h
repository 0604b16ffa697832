/* Rotary position embedding of one vector: its elements in pairs, each turned by the angle whose cosine and sine are at
 * the pair's places. */
#ifndef ASCEND_STUB_OPAPI_ROPE_ROPE_H
#define ASCEND_STUB_OPAPI_ROPE_ROPE_H

#include <stdint.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"

/* CANN's numbers of the modes. */
typedef enum {
    STUB_ROPE_HALF,            /* pairs (k, k + d/2) */
    STUB_ROPE_INTERLEAVE,      /* pairs (2k, 2k + 1) */
    STUB_ROPE_QUARTER,         /* halves by themselves */
    STUB_ROPE_INTERLEAVE_HALF, /* pairs (2k, 2k + 1), which become (k, k + d/2) */
    STUB_ROPE_MODES
} stub_rope_mode;

/* y[a] = x[a] cos[a] - x[b] sin[a], y[b] = x[b] cos[b] + x[a] sin[b]: x and y are different arrays. */
void stub_rope_turn(stub_rope_mode mode, int64_t d, const float *x, const float *cosines, const float *sines, float *y);
/* The gradient of x. */
void stub_rope_turn_back(stub_rope_mode mode, int64_t d, const float *dy, const float *cosines, const float *sines,
                         float *dx);
/* y with cosines 1 and sines 0, and with cosines 0 and sines 1: their gradients' factors. */
void stub_rope_factors(stub_rope_mode mode, int64_t d, const float *x, float *for_cosines, float *for_sines);

/* Vectors along x's last axis; cosines and sines are broadcast to its other axes. `out` may be x. */
aclnnStatus stub_rope_run(const stub_call *call, stub_rope_mode mode, const stub_view *x, const stub_view *cosines,
                          const stub_view *sines, const stub_view *out);

/* 561002: d must be even, and for quarters a multiple of 4. */
aclnnStatus stub_rope_check_size(const stub_call *call, uint32_t arg, stub_rope_mode mode);
/* 561002: cos and sin have x's shape, or 1 for some of the axes in front of the last. */
aclnnStatus stub_rope_check_broadcast(const stub_call *call, uint32_t x, uint32_t cosines, uint32_t sines);

#endif
