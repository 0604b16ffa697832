/* What the convolution operators share: their tensors and attributes, as a stub_conv. */
#ifndef ASCEND_STUB_OPAPI_CONVOLUTION_CONVOLUTION_H
#define ASCEND_STUB_OPAPI_CONVOLUTION_CONVOLUTION_H

#include "opapi/convolution/conv.h"

enum { STUB_CONV_NONE = UINT32_MAX, STUB_CUBE_FP16 = 2 };

/* Numbers of arguments; `extra` (outputPadding) may be STUB_CONV_NONE. */
typedef struct {
    uint32_t input, weight, stride, padding, dilation, extra;
    bool transposed;
    int64_t groups;
} stub_conv_arguments;

/* The convolution of the two tensors, with the size of the result (the small image, or the large one of a transposed
 * convolution). 161002 for attributes, channels and sizes that do not fit. */
aclnnStatus stub_conv_read(const stub_call *call, const stub_conv_arguments *arguments, stub_conv *conv);
/* The result's shape, [batch, channels, spatial axes]; `spatial` axes. */
void stub_conv_result(const stub_conv *conv, bool transposed, uint32_t spatial, int64_t *shape);

/* FLOAT16, BF16 and FLOAT for each tensor (those that are given); cubeMathType 0 to 3, and 2 (FLOAT16) not for BF16. */
aclnnStatus stub_conv_check_types(const stub_call *call, const uint32_t *tensors, uint32_t count, uint32_t cube);
/* FLOAT16 where cubeMathType asks for it: what the products' operands are rounded to. Else FLOAT: HFLOAT32 is a
 * permission to round, and this stand-in does not use it. */
aclDataType stub_conv_operand_type(const stub_call *call, uint32_t cube);

/* Views of one operator, as arrays of float; run between read and free. 0, or 561101 with a text. */
aclnnStatus stub_conv_run(const stub_call *call, const stub_conv *conv, bool transposed, const stub_view *input,
                          const stub_view *weight, const stub_view *bias, const stub_view *output, aclDataType as);

/* The same view with its axes in another order. */
typedef struct {
    stub_view view;
    aclTensor tensor;
    int64_t shape[STUB_MAX_RANK], strides[STUB_MAX_RANK];
} stub_permuted;
void stub_permute(stub_permuted *permuted, const stub_view *view, const uint32_t *order);

#endif
