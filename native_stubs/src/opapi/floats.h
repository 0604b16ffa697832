/* Loops over arrays of float that norms and quantisers are made of. Sums run in 16 lanes of fp32 that are added
 * pairwise at the end, the same on every instruction set. */
#ifndef ASCEND_STUB_OPAPI_FLOATS_H
#define ASCEND_STUB_OPAPI_FLOATS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_base.h"

float stub_floats_sum(const float *x, size_t n);
/* Of (x - mean)^2. */
float stub_floats_squares(const float *x, float mean, size_t n);
float stub_floats_dot(const float *x, const float *y, size_t n);
/* The largest |x|; a NaN is larger than infinity. */
float stub_floats_largest(const float *x, size_t n);
void stub_floats_add(const float *x, const float *y, size_t n, float *sum);
/* y = (x - mean) * factor * gamma + beta, each operation rounded; without the gamma and beta that are NULL. */
void stub_floats_normalise(const float *x, float mean, float factor, const float *gamma, const float *beta, size_t n,
                           float *y);
typedef struct {
    float mean, rstd; /* rstd: 1 / sqrt(variance + epsilon), the variance with divisor n */
} stub_moments;
stub_moments stub_floats_moments(const float *x, size_t n, float epsilon);
/* Each number rounded to what the type holds; FLOAT: as it is. */
void stub_floats_round(aclDataType as, float *x, size_t n);

#endif
