/* The inner loops of aclnnDequantRopeQuantKvcache, over the contiguous elements of one head, in one version per
 * instruction set that all give the same bits: each operation is rounded on its own, in the order given here. */
#ifndef ASCEND_STUB_OPAPI_DEQUANT_ROPE_LOOPS_H
#define ASCEND_STUB_OPAPI_DEQUANT_ROPE_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#include "opapi/simd.h"

/* Per element of the head; at most one of the two biases, the other NULL. */
typedef struct {
    const float *scale;
    const int32_t *integer_bias; /* added to the integer, modulo 2^32 */
    const float *bias;           /* added behind the scales */
    float activation;            /* 1 when there is none */
} stub_rope_dequantiser;

typedef enum { STUB_ROPE_F16, STUB_ROPE_BF16, STUB_ROPE_F32 } stub_rope_kind;

/* How a head is rotated: y[i] = x[i + d/2] * sine[i] + x[i] * cosine[i] in its first half, with x[i - d/2] in the
 * second; the caller has negated the first half of the sines. With fp16 tables every operation rounds to fp16; with
 * bf16 tables all is fp32. */
typedef struct {
    const float *cosine, *sine;
    stub_half half;   /* of the tables and of the result */
    bool from_floats; /* x is fp32, with bf16 tables only; else of type `half` */
} stub_rope_rotation;

/* d, the length of a head, is a multiple of 16. Untyped elements need no alignment. Narrowing rounds half to even and
 * makes every NaN the one quiet NaN. */
typedef struct {
    /* y = ((float)(x + integer_bias) * scale) * activation + bias, int32 to fp32 or, when `rounded`, to fp16 (of NaNs
     * only that they are NaNs is promised). */
    void (*dequantise)(const void *x, size_t d, const stub_rope_dequantiser *by, bool rounded, void *y);
    /* Gives y in type `half`, and with bf16 tables also in fp32, unrounded; what is NULL is not wanted. */
    void (*rotate)(const stub_rope_rotation *by, const void *x, size_t d, void *y, float *y_fp32);
    void (*narrow)(stub_half half, const float *x, size_t d, void *y);
    /* y = saturate(rint(x / scale + offset)), NaN gives 0; without the sum when offset is NULL. Any number of heads. */
    void (*quantise)(stub_rope_kind kind, const void *x, const float *scale, const float *offset, size_t n, int8_t *y);
} stub_rope_loops;

const stub_rope_loops *stub_get_rope_loops(void);

/* Processors fetch ahead within a page of memory only: asks for what follows the `bytes` at x a little later. */
static inline void stub_rope_prefetch(const uint8_t *x, size_t bytes) {
    enum { CACHE_LINE = 64, AHEAD = 2048 };
    for (size_t byte = 0; byte < bytes; byte += CACHE_LINE) {
        __builtin_prefetch(x + AHEAD + byte);
    }
}

extern const stub_rope_loops stub_rope_loops_baseline;
#if defined(__x86_64__)
extern const stub_rope_loops stub_rope_loops_avx2; /* needs AVX2 and F16C */
#endif

#endif
