/* Convolutions on float arrays. One shape describes a convolution and its two transposes: a large image with its
 * channels, a small one with its own, and weights [small channels, large channels / groups, kernel]. A transposed
 * convolution goes from the small image to the large one. */
#ifndef ASCEND_STUB_OPAPI_CONVOLUTION_CONV_H
#define ASCEND_STUB_OPAPI_CONVOLUTION_CONV_H

#include "opapi/images/floats.h"
#include "opapi/images/planes.h"

/* Three axes always; those that an operator has not are of length 1. */
typedef struct {
    int64_t batch, groups;
    int64_t large_channels, small_channels; /* all groups together */
    int64_t large[STUB_MAX_SPATIAL], small[STUB_MAX_SPATIAL], kernel[STUB_MAX_SPATIAL];
    int64_t stride[STUB_MAX_SPATIAL], before[STUB_MAX_SPATIAL], dilation[STUB_MAX_SPATIAL];
} stub_conv;

int64_t stub_conv_count(const int64_t lengths[STUB_MAX_SPATIAL]);

/* Arrays [batch, channels, spatial axes], row-major; bias: one number for each channel of the result, or NULL. On all
 * cores, sums in fp32. False without host memory. */
bool stub_conv_to_small(const stub_conv *conv, const float *large, const float *weight, const float *bias,
                        float *small);
bool stub_conv_to_large(const stub_conv *conv, const float *small, const float *weight, const float *bias,
                        float *large);
bool stub_conv_to_weight(const stub_conv *conv, const float *large, const float *small, float *weight);

#endif
