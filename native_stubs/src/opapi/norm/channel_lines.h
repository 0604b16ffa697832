/* Steps over the elements of one channel, that group, instance and batch norms are made of. */
#ifndef ASCEND_STUB_OPAPI_CHANNEL_LINES_H
#define ASCEND_STUB_OPAPI_CHANNEL_LINES_H

#include "opapi/floats.h"

/* y = (x - mean) * rstd * weight + bias. */
typedef struct {
    float mean, rstd, weight, bias;
} stub_channel;

void stub_channel_normalise(const float *x, const stub_channel *by, size_t n, float *y);
/* y / (1 + exp(-scale * y)) in place. */
void stub_channel_swish(float *y, float scale, size_t n);

#endif
