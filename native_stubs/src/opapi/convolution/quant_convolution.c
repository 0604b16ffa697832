/* aclnnQuantConvolution: a convolution of INT8 volumes, each channel of its result times a scale, plus a bias. Atlas A2
 * and A3 have it in three dimensions, without groups. Sums are in fp32: exact up to 2^24, which is 1040 products of
 * the largest numbers. */
#include "opapi/convolution/convolution.h"

enum {
    INPUT,
    WEIGHT,
    BIAS,
    SCALE,
    OFFSET,
    STRIDE,
    PADDING,
    DILATION,
    TRANSPOSED,
    OUTPUT_PADDING,
    GROUPS,
    OFFSET_X,
    ROUND_MODE,
    OUTPUT
};

static const stub_conv_arguments arguments = {.input = INPUT,
                                              .weight = WEIGHT,
                                              .stride = STRIDE,
                                              .padding = PADDING,
                                              .dilation = DILATION,
                                              .extra = STUB_CONV_NONE,
                                              .groups = 1};

static aclnnStatus check_reserved(const stub_call *call) {
    const char *wrong = stub_tensor_arg(call, OFFSET)       ? "offset is given; it must be NULL"
                        : call->args[TRANSPOSED].flag       ? "transposed is true; it must be false"
                        : call->args[GROUPS].integer != 1   ? "groups is not 1, the only number allowed"
                        : call->args[OFFSET_X].integer != 0 ? "offsetx is not 0, the only number allowed"
                        : call->args[ROUND_MODE].text && *call->args[ROUND_MODE].text
                            ? "roundMode is given; it must be NULL"
                            : NULL;
    return wrong ? stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s on this product", call->op->name, wrong) : ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call) {
    const stub_dtypes bytes = STUB_DTYPE(ACL_INT8);
    const stub_dtype_rule rules[] = {{INPUT, STUB_ON_ALL(bytes)},
                                     {WEIGHT, STUB_ON_ALL(bytes)},
                                     {BIAS, STUB_ON_ALL(STUB_FLOATS)},
                                     {SCALE, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
                                     {OUTPUT, STUB_ON_ALL(STUB_HALVES)}};
    return stub_check_dtypes(call, rules, 5);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {INPUT, WEIGHT, SCALE, OUTPUT};
    stub_conv conv;
    int64_t shape[5];
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(check_types(call));
    STUB_REQUIRE(check_reserved(call));
    STUB_REQUIRE(stub_check_rank(call, INPUT, 5, 5));
    STUB_REQUIRE(stub_conv_read(call, &arguments, &conv));
    stub_conv_result(&conv, false, 3, shape);
    STUB_REQUIRE(stub_check_shape(call, SCALE, &shape[1], 1, "a number for each channel of the result"));
    STUB_REQUIRE(stub_check_shape(call, BIAS, &shape[1], 1, "a number for each channel of the result"));
    STUB_REQUIRE(stub_check_shape(call, OUTPUT, shape, 5, "the convolution's"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUTPUT)) == 0;
    return ACLNN_SUCCESS;
}

static void finish(const stub_conv *conv, const float *scale, const float *bias, float *result) {
    const int64_t plane = stub_conv_count(conv->small);
    for (int64_t i = 0; i < conv->batch * conv->small_channels * plane; i++) {
        const int64_t channel = i / plane % conv->small_channels;
        result[i] = result[i] * scale[channel] + (bias ? bias[channel] : 0);
    }
}

static bool compute(const stub_conv *conv, const stub_view *views, stub_floats *floats) {
    for (uint32_t i = 0; i < 4; i++) {
        if (views[i].tensor && !stub_floats_read(&floats[i], &views[i], ACL_FLOAT)) {
            return false;
        }
    }
    if (!stub_floats_room(&floats[4], &views[4]) ||
        !stub_conv_to_small(conv, floats[INPUT].numbers, floats[WEIGHT].numbers, NULL, floats[4].numbers)) {
        return false;
    }
    finish(conv, floats[SCALE].numbers, floats[BIAS].numbers, floats[4].numbers);
    stub_floats_write(&floats[4], &views[4]);
    return true;
}

static aclnnStatus run(const stub_call *call) {
    static const uint32_t args[] = {INPUT, WEIGHT, BIAS, SCALE, OUTPUT};
    stub_view views[5] = {{0}};
    stub_floats floats[5] = {{0}};
    stub_conv conv;
    for (uint32_t i = 0; i < 5; i++) {
        if (stub_tensor_arg(call, args[i])) {
            STUB_REQUIRE(stub_view_open(call, args[i], &views[i]));
        }
    }
    STUB_REQUIRE(stub_conv_read(call, &arguments, &conv));
    const bool done = compute(&conv, views, floats);
    for (uint32_t i = 0; i < 5; i++) {
        stub_floats_free(&floats[i]);
    }
    return done ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its arrays", call->op->name);
}

STUB_KERNEL(aclnnQuantConvolution, check, run)
