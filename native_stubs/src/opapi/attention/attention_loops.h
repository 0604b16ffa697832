/* The hot loops of attention, on arrays of its own: rows are padded with zeros to whole vectors. */
#ifndef ASCEND_STUB_OPAPI_ATTENTION_ATTENTION_LOOPS_H
#define ASCEND_STUB_OPAPI_ATTENTION_ATTENTION_LOOPS_H

#include <stdint.h>

enum { STUB_LANES = 8 };

static inline int64_t stub_lanes_up(int64_t n) {
    return (n + STUB_LANES - 1) / STUB_LANES * STUB_LANES;
}

/* scores[r][c] = q[r] . k[c] for rows of `width` floats, a multiple of STUB_LANES. */
void stub_attention_dots(int64_t rows, int64_t columns, int64_t width, const float *q, const float *k, float *scores,
                         int64_t stride);
/* out[r] += sum over c of weights[r][c] * v[c]. */
void stub_attention_sums(int64_t rows, int64_t columns, int64_t width, const float *weights, int64_t stride,
                         const float *v, float *out);
/* The greatest of n numbers, n a multiple of STUB_LANES. */
float stub_attention_largest(const float *x, int64_t n);
/* x = exp(x - largest), 0 for -infinity; returns the sum. */
float stub_attention_exp(float *x, int64_t n, float largest);
/* int8 to float. */
void stub_attention_widen(const int8_t *x, int64_t n, float *out);
/* x = (x + offset) * scale; step 1: of each element, 0: of all. `offset` may be NULL. */
void stub_attention_scale(float *x, int64_t n, int64_t step, const float *scale, const float *offset);

#endif
