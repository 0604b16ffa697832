/* Phase one of upsampling, and what a call's attributes mean for each axis. */
#include <math.h>

#include "opapi/images/upsample.h"

enum { SELF, OUTPUT_SIZE, INPUT_SIZE };

static bool is_backward(const stub_call *call) {
    return call->op->params[INPUT_SIZE].kind == STUB_INT_ARRAY;
}

/* Nearest and volumes use their scales all together or not at all; the other operators each by itself. */
static void read_scales(const stub_call *call, const stub_upsample *data, stub_upsample_call *found) {
    uint32_t count = 0, positive = 0;
    for (uint32_t i = 0; i < call->op->count; i++) {
        if (call->op->params[i].kind == STUB_REAL && count < data->axes) {
            const double scale = call->args[i].real;
            found->scales[count++] = scale > 0 ? scale : 0;
            positive += scale > 0;
        } else if (call->op->params[i].kind == STUB_FLAG) {
            found->corners = call->args[i].flag;
        }
    }
    const bool together = data->filter == STUB_NEAREST || data->axes == 3;
    for (uint32_t i = 0; i < data->axes && together && positive < data->axes; i++) {
        found->scales[i] = 0;
    }
}

/* An image that keeps its length, or doubles it, does so exactly, whatever the scale (nearest). */
static double step_of(const stub_upsample *data, const stub_upsample_call *found, uint32_t axis) {
    const int64_t in = found->inputs[axis], out = found->outputs[axis];
    if (found->corners) {
        return out > 1 ? (double)(in - 1) / (double)(out - 1) : 0;
    }
    const bool exact = data->filter == STUB_NEAREST && (in == out || 2 * in == out);
    return found->scales[axis] > 0 && !exact ? 1 / found->scales[axis] : (double)in / (double)out;
}

void stub_upsample_read(const stub_call *call, const stub_upsample *data, stub_upsample_call *found) {
    const bool backward = is_backward(call);
    *found = (stub_upsample_call){.out = call->op->count - 1, .backward = backward};
    read_scales(call, data, found);
    const aclTensor *image = stub_tensor_arg(call, backward ? found->out : SELF);
    uint64_t count;
    const int64_t *outputs = stub_argument_items(call, OUTPUT_SIZE, &count);
    for (uint32_t i = 0; i < data->axes; i++) {
        found->inputs[i] = stub_spatial_shape(image, data->axes)[i];
        found->outputs[i] = outputs[i];
        found->steps[i] = step_of(data, found, i);
    }
}

static aclnnStatus check_dtypes(const stub_call *call, const stub_upsample *data, uint32_t out) {
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(data->allowed)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    if (data->wide_is_last && self->dtype == ACL_DOUBLE && !stub_is_channels_last(self)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is DOUBLE, which is for the format NHWC alone",
                         call->op->name, call->op->params[SELF].name);
    }
    return stub_check_same_dtype(call, out, SELF);
}

static aclnnStatus check_shapes(const stub_call *call, const stub_upsample *data, uint32_t out) {
    const uint32_t axes = data->axes, images[] = {SELF, out};
    STUB_REQUIRE(stub_check_rank(call, SELF, axes + 2, axes + 2));
    STUB_REQUIRE(stub_check_rank(call, out, axes + 2, axes + 2));
    STUB_REQUIRE(stub_check_image_formats(call, images, 2, data->takes_last));
    STUB_REQUIRE(stub_check_lengths(call, OUTPUT_SIZE, axes, 1));
    uint64_t count;
    const int64_t *lengths = stub_argument_items(call, OUTPUT_SIZE, &count);
    if (!is_backward(call)) {
        return stub_check_image(call, out, stub_tensor_arg(call, SELF), lengths, axes,
                                "that of the input with outputSize as its spatial lengths");
    }
    STUB_REQUIRE(stub_check_lengths(call, INPUT_SIZE, axes + 2, 0));
    const int64_t *shape = stub_argument_items(call, INPUT_SIZE, &count);
    STUB_REQUIRE(stub_check_shape(call, out, shape, axes + 2, "inputSize"));
    return stub_check_image(call, SELF, stub_tensor_arg(call, out), lengths, axes,
                            "inputSize with outputSize as its spatial lengths");
}

static aclnnStatus check_spatial(const stub_call *call, const stub_upsample *data, const aclTensor *image) {
    for (uint32_t i = 0; i < data->axes; i++) {
        if (stub_spatial_shape(image, data->axes)[i] < 1) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: an image without elements along a spatial axis cannot be %s",
                             call->op->name, "resampled: give every spatial axis a length of 1 or more");
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_negative(const stub_call *call) {
    for (uint32_t i = 0; i < call->op->count; i++) {
        if (call->op->params[i].kind == STUB_REAL && call->args[i].real < 0) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %g; it must be positive, or 0 for: from the sizes",
                             call->op->name, call->op->params[i].name, call->args[i].real);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_scale(const stub_call *call, const stub_upsample *data, const stub_upsample_call *found,
                               uint32_t axis) {
    const double scale = found->scales[axis], inputs = (double)found->inputs[axis];
    const double outputs = (double)found->outputs[axis];
    if (data->agrees && scale > 0 &&
        (floor(inputs * (scale + 1e-4)) < outputs || floor(inputs * scale - 1e-4) > outputs)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: scale %g makes %g positions of %g, outputSize says %g; the two must agree",
                         call->op->name, scale, floor(inputs * scale), inputs, outputs);
    }
    const double factor = found->backward ? scale : found->steps[axis];
    if (data->most > 0 && factor > data->most) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: outputSize and scales lead to a factor of %g; at most %g is allowed", call->op->name,
                         factor, data->most);
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_upsample_check(const stub_call *call, stub_plan *plan, const stub_upsample *data) {
    const uint32_t out = call->op->count - 1, tensors[] = {SELF, out};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(check_dtypes(call, data, out));
    STUB_REQUIRE(check_shapes(call, data, out));
    STUB_REQUIRE(check_spatial(call, data, stub_tensor_arg(call, is_backward(call) ? out : SELF)));
    if (data->no_negative) {
        STUB_REQUIRE(check_negative(call));
    }
    stub_upsample_call found;
    stub_upsample_read(call, data, &found);
    for (uint32_t i = 0; i < data->axes; i++) {
        STUB_REQUIRE(check_scale(call, data, &found, i));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, out)) == 0;
    return ACLNN_SUCCESS;
}
