/* aclnnConvTbc and its gradients: a convolution in time of [time, batch, channels] with weights [kernel, channels in,
 * channels out]. */
#include "opapi/convolution/convolution_backward.h"

static const uint32_t to_images[] = {1, 2, 0}, to_weights[] = {2, 1, 0};

/* `self` and `weight` as they are given; their sizes fit. */
static stub_conv shape_of(const aclTensor *self, const aclTensor *weight, int64_t pad) {
    const int64_t time = self->shape[0], kernel = weight->shape[0];
    return (stub_conv){.batch = self->shape[1],
                       .groups = 1,
                       .large_channels = self->shape[2],
                       .small_channels = weight->shape[2],
                       .large = {1, 1, time},
                       .small = {1, 1, time + 2 * pad - kernel + 1},
                       .kernel = {1, 1, kernel},
                       .stride = {1, 1, 1},
                       .before = {0, 0, pad},
                       .dilation = {1, 1, 1}};
}

static aclnnStatus check_sizes(const stub_call *call, uint32_t self, uint32_t weight, uint32_t bias, uint32_t pad) {
    STUB_REQUIRE(stub_check_rank(call, self, 3, 3));
    STUB_REQUIRE(stub_check_rank(call, weight, 3, 3));
    const aclTensor *x = stub_tensor_arg(call, self), *w = stub_tensor_arg(call, weight);
    const int64_t pads = call->args[pad].integer, shape[] = {w->shape[0], x->shape[2], w->shape[2]};
    STUB_REQUIRE(stub_check_shape(call, weight, shape, 3, "kernel, channels of the input, channels of the result"));
    STUB_REQUIRE(stub_check_shape(call, bias, &shape[2], 1, "a number for each channel of the result"));
    if (pads < 0 || pads > INT32_MAX || w->shape[0] < 1 || x->shape[0] + 2 * pads - w->shape[0] + 1 < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: pad is %lld; with time %lld and a kernel of %lld nothing is left", call->op->name,
                         (long long)pads, (long long)x->shape[0], (long long)w->shape[0]);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_result(const stub_call *call, uint32_t self, uint32_t weight, uint32_t pad, uint32_t result) {
    const stub_conv conv =
        shape_of(stub_tensor_arg(call, self), stub_tensor_arg(call, weight), call->args[pad].integer);
    const int64_t shape[] = {conv.small[2], conv.batch, conv.small_channels};
    return stub_check_shape(call, result, shape, 3, "time + 2 * pad - kernel + 1, batch, channels of the result");
}

enum { SELF, WEIGHT, BIAS, PAD, OUTPUT, CUBE };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, WEIGHT, BIAS, OUTPUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_conv_check_types(call, tensors, 4, CUBE));
    STUB_REQUIRE(check_sizes(call, SELF, WEIGHT, BIAS, PAD));
    for (uint32_t i = 1; i < 4; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], SELF));
    }
    STUB_REQUIRE(check_result(call, SELF, WEIGHT, PAD, OUTPUT));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUTPUT)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_view view, bias;
    stub_permuted self, weight, output;
    STUB_REQUIRE(stub_view_open(call, SELF, &view));
    stub_permute(&self, &view, to_images);
    STUB_REQUIRE(stub_view_open(call, WEIGHT, &view));
    stub_permute(&weight, &view, to_weights);
    STUB_REQUIRE(stub_view_open(call, OUTPUT, &view));
    stub_permute(&output, &view, to_images);
    STUB_REQUIRE(stub_view_open(call, BIAS, &bias));
    const stub_conv conv =
        shape_of(stub_tensor_arg(call, SELF), stub_tensor_arg(call, WEIGHT), call->args[PAD].integer);
    return stub_conv_run(call, &conv, false, &self.view, &weight.view, &bias, &output.view,
                         stub_conv_operand_type(call, CUBE));
}

STUB_KERNEL(aclnnConvTbc, check, run)

enum {
    BACK_RESULT,
    BACK_INPUT,
    BACK_WEIGHT,
    BACK_BIAS,
    BACK_PAD,
    BACK_CUBE,
    BACK_TO_INPUT,
    BACK_TO_WEIGHT,
    BACK_TO_BIAS
};

static aclnnStatus check_backward(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {BACK_RESULT,   BACK_INPUT,     BACK_WEIGHT, BACK_BIAS,
                                BACK_TO_INPUT, BACK_TO_WEIGHT, BACK_TO_BIAS};
    STUB_REQUIRE(stub_check_given(call, tensors, 7));
    STUB_REQUIRE(stub_conv_check_types(call, tensors, 7, BACK_CUBE));
    STUB_REQUIRE(check_sizes(call, BACK_INPUT, BACK_WEIGHT, BACK_BIAS, BACK_PAD));
    STUB_REQUIRE(check_result(call, BACK_INPUT, BACK_WEIGHT, BACK_PAD, BACK_RESULT));
    for (uint32_t i = 0; i < 3; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, BACK_INPUT + i, BACK_RESULT));
        STUB_REQUIRE(stub_check_same_dtype(call, BACK_TO_INPUT + i, BACK_INPUT + i));
        STUB_REQUIRE(stub_check_same_shape(call, BACK_TO_INPUT + i, BACK_INPUT + i));
    }
    (void)plan;
    return ACLNN_SUCCESS;
}

static aclnnStatus run_backward(const stub_call *call) {
    static const struct {
        uint32_t arg;
        const uint32_t *order;
    } tensors[] = {{BACK_RESULT, to_images},
                   {BACK_INPUT, to_images},
                   {BACK_WEIGHT, to_weights},
                   {BACK_TO_INPUT, to_images},
                   {BACK_TO_WEIGHT, to_weights}};
    stub_permuted views[5];
    stub_view bias;
    for (uint32_t i = 0; i < 5; i++) {
        stub_view view;
        STUB_REQUIRE(stub_view_open(call, tensors[i].arg, &view));
        stub_permute(&views[i], &view, tensors[i].order);
    }
    STUB_REQUIRE(stub_view_open(call, BACK_TO_BIAS, &bias));
    const stub_conv conv =
        shape_of(stub_tensor_arg(call, BACK_INPUT), stub_tensor_arg(call, BACK_WEIGHT), call->args[BACK_PAD].integer);
    const stub_conv_gradients gradients = {.result = &views[0].view,
                                           .input = &views[1].view,
                                           .weight = &views[2].view,
                                           .to_input = &views[3].view,
                                           .to_weight = &views[4].view,
                                           .to_bias = &bias};
    return stub_conv_backward(call, &conv, false, &gradients, stub_conv_operand_type(call, BACK_CUBE));
}

STUB_KERNEL(aclnnConvTbcBackward, check_backward, run_backward)
