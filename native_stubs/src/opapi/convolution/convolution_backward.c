/* aclnnConvolutionBackward: each gradient is one of the convolution's products with its operands exchanged. */
#include "opapi/convolution/convolution_backward.h"

/* The sum over all images and positions, per channel: in double, in order. */
static void sum_channels(const stub_conv *conv, bool transposed, const float *result, float *sums) {
    const int64_t channels = transposed ? conv->large_channels : conv->small_channels;
    const int64_t plane = stub_conv_count(transposed ? conv->large : conv->small);
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t n = 0; n < conv->batch; n++) {
            for (int64_t i = 0; i < plane; i++) {
                sum += (double)result[(n * channels + c) * plane + i];
            }
        }
        sums[c] = (float)sum;
    }
}

static bool to_input(const stub_conv *conv, bool transposed, const float *result, const stub_conv_gradients *g,
                     aclDataType as) {
    stub_floats weight = {0}, gradient = {0};
    const bool done =
        stub_floats_read(&weight, g->weight, as) && stub_floats_room(&gradient, g->to_input) &&
        (transposed ? stub_conv_to_small : stub_conv_to_large)(conv, result, weight.numbers, NULL, gradient.numbers);
    if (done) {
        stub_floats_write(&gradient, g->to_input);
    }
    stub_floats_free(&weight);
    stub_floats_free(&gradient);
    return done;
}

static bool to_weight(const stub_conv *conv, bool transposed, const float *result, const stub_conv_gradients *g,
                      aclDataType as) {
    stub_floats input = {0}, gradient = {0};
    bool done = stub_floats_read(&input, g->input, as) && stub_floats_room(&gradient, g->to_weight);
    if (done) {
        const float *large = transposed ? result : input.numbers, *small = transposed ? input.numbers : result;
        done = stub_conv_to_weight(conv, large, small, gradient.numbers);
        stub_floats_write(&gradient, g->to_weight);
    }
    stub_floats_free(&input);
    stub_floats_free(&gradient);
    return done;
}

static bool to_bias(const stub_conv *conv, bool transposed, const float *result, const stub_conv_gradients *g) {
    stub_floats gradient;
    const bool done = stub_floats_room(&gradient, g->to_bias);
    if (done) {
        sum_channels(conv, transposed, result, gradient.numbers);
        stub_floats_write(&gradient, g->to_bias);
    }
    stub_floats_free(&gradient);
    return done;
}

aclnnStatus stub_conv_backward(const stub_call *call, const stub_conv *conv, bool transposed,
                               const stub_conv_gradients *g, aclDataType as) {
    stub_floats result;
    const bool done = stub_floats_read(&result, g->result, as) &&
                      (!g->to_input || to_input(conv, transposed, result.numbers, g, as)) &&
                      (!g->to_weight || to_weight(conv, transposed, result.numbers, g, as)) &&
                      (!g->to_bias || to_bias(conv, transposed, result.numbers, g));
    stub_floats_free(&result);
    return done ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its arrays", call->op->name);
}

enum {
    GRAD_OUTPUT,
    INPUT,
    WEIGHT,
    BIAS_SIZES,
    STRIDE,
    PADDING,
    DILATION,
    TRANSPOSED,
    OUTPUT_PADDING,
    GROUPS,
    OUTPUT_MASK,
    CUBE,
    GRAD_INPUT,
    GRAD_WEIGHT,
    GRAD_BIAS
};

static bool is_asked(const stub_call *call, uint32_t gradient) {
    uint64_t count = 0;
    const bool *mask = stub_argument_items(call, OUTPUT_MASK, &count);
    return mask[gradient - GRAD_INPUT];
}

static stub_conv_arguments arguments_of(const stub_call *call) {
    return (stub_conv_arguments){.input = INPUT,
                                 .weight = WEIGHT,
                                 .stride = STRIDE,
                                 .padding = PADDING,
                                 .dilation = DILATION,
                                 .extra = OUTPUT_PADDING,
                                 .transposed = call->args[TRANSPOSED].flag,
                                 .groups = call->args[GROUPS].integer};
}

static aclnnStatus check_mask(const stub_call *call) {
    uint64_t count = 0;
    const bool *mask = stub_argument_items(call, OUTPUT_MASK, &count);
    if (!mask || count != 3) {
        return stub_fail(mask ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: outputMask has %llu flags; it must have 3, for gradInput, gradWeight and gradBias",
                         call->op->name, (unsigned long long)count);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_gradients(const stub_call *call, const int64_t *result) {
    for (uint32_t i = GRAD_INPUT; i <= GRAD_BIAS; i++) {
        if (!is_asked(call, i)) {
            continue;
        }
        const stub_dtype_rule rule = {i, STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_given(call, &i, 1));
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        if (i == GRAD_BIAS) {
            STUB_REQUIRE(stub_check_shape(call, i, &result[1], 1, "a number for each channel of gradOutput"));
        } else {
            STUB_REQUIRE(stub_check_same_shape(call, i, i == GRAD_INPUT ? INPUT : WEIGHT));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_bias_sizes(const stub_call *call, int64_t channels) {
    uint64_t count = 0;
    const int64_t *sizes = stub_argument_items(call, BIAS_SIZES, &count);
    if (is_asked(call, GRAD_BIAS) && sizes && (count != 1 || sizes[0] != channels)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: biasSizes must be one number, %lld: the channels of gradOutput",
                         call->op->name, (long long)channels);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_output_padding(const stub_call *call) {
    uint64_t count = 0;
    const int64_t *padding = stub_argument_items(call, OUTPUT_PADDING, &count);
    for (uint64_t i = 0; !call->args[TRANSPOSED].flag && i < count; i++) {
        if (padding[i] != 0) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: outputPadding has the number %lld; it is for transposed",
                             call->op->name, (long long)padding[i]);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {GRAD_OUTPUT, INPUT, WEIGHT};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(check_mask(call));
    STUB_REQUIRE(check_output_padding(call));
    STUB_REQUIRE(stub_conv_check_types(call, tensors, 3, CUBE));
    const stub_conv_arguments arguments = arguments_of(call);
    stub_conv conv;
    STUB_REQUIRE(stub_conv_read(call, &arguments, &conv));
    const uint32_t rank = stub_tensor_arg(call, INPUT)->rank;
    int64_t shape[STUB_MAX_RANK];
    stub_conv_result(&conv, arguments.transposed, rank - 2, shape);
    STUB_REQUIRE(stub_check_shape(call, GRAD_OUTPUT, shape, rank, "that of the convolution of input with weight"));
    STUB_REQUIRE(check_bias_sizes(call, shape[1]));
    STUB_REQUIRE(check_gradients(call, shape));
    plan->nothing_to_run = !is_asked(call, GRAD_INPUT) && !is_asked(call, GRAD_WEIGHT) && !is_asked(call, GRAD_BIAS);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const stub_conv_arguments arguments = arguments_of(call);
    stub_conv conv;
    stub_view views[6];
    STUB_REQUIRE(stub_conv_read(call, &arguments, &conv));
    for (uint32_t i = 0; i < 3; i++) {
        STUB_REQUIRE(stub_view_open(call, GRAD_OUTPUT + i, &views[i]));
        if (is_asked(call, GRAD_INPUT + i)) {
            STUB_REQUIRE(stub_view_open(call, GRAD_INPUT + i, &views[3 + i]));
        }
    }
    const stub_conv_gradients gradients = {.result = &views[0],
                                           .input = &views[1],
                                           .weight = &views[2],
                                           .to_input = is_asked(call, GRAD_INPUT) ? &views[3] : NULL,
                                           .to_weight = is_asked(call, GRAD_WEIGHT) ? &views[4] : NULL,
                                           .to_bias = is_asked(call, GRAD_BIAS) ? &views[5] : NULL};
    return stub_conv_backward(call, &conv, arguments.transposed, &gradients, stub_conv_operand_type(call, CUBE));
}

STUB_KERNEL(aclnnConvolutionBackward, check, run)
