/* The gradients of a convolution. */
#ifndef ASCEND_STUB_OPAPI_CONVOLUTION_CONVOLUTION_BACKWARD_H
#define ASCEND_STUB_OPAPI_CONVOLUTION_CONVOLUTION_BACKWARD_H

#include "opapi/convolution/convolution.h"

/* Views [batch, channels, spatial axes]; gradients that are not asked for are NULL. */
typedef struct {
    const stub_view *result; /* the gradient of the convolution's result */
    const stub_view *input, *weight;
    const stub_view *to_input, *to_weight, *to_bias;
} stub_conv_gradients;

aclnnStatus stub_conv_backward(const stub_call *call, const stub_conv *conv, bool transposed,
                               const stub_conv_gradients *gradients, aclDataType as);

#endif
