/* aclnnResize: to lengths that are the image's times scales. */
#include <math.h>
#include <string.h>

#include "opapi/images/resample.h"

enum { SELF, SCALES, MODE, OUT };

static aclnnStatus check_scales(const stub_call *call, const aclTensor *self, const aclTensor *out) {
    uint64_t count = 0;
    const float *scales = stub_argument_items(call, SCALES, &count);
    if (!scales || count != 4) {
        return stub_fail(scales ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: scales has %llu numbers; it must have 4, for N, C, H and W", call->op->name,
                         (unsigned long long)count);
    }
    for (uint32_t i = 0; i < 4; i++) {
        const double length = (double)self->shape[i], scale = (double)scales[i];
        const bool fits = i < 2 ? scale == 1 && out->shape[i] == self->shape[i]
                                : (double)out->shape[i] <= floor(length * (scale + 1e-5)) &&
                                      (double)out->shape[i] >= floor(length * (scale - 1e-5)) && out->shape[i] > 0;
        if (!fits) {
            return stub_fail(
                ACLNN_ERR_PARAM_INVALID,
                "%s: axis %u of self is %lld, scales has %g for it, and of out it is %lld; out must be the "
                "product, rounded down, and N and C must keep their lengths",
                call->op->name, i, (long long)self->shape[i], scale, (long long)out->shape[i]);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, OUT};
    const char *mode = call->args[MODE].text;
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT))};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, SELF));
    if (!mode || (strcmp(mode, "nearest") != 0 && strcmp(mode, "bilinear") != 0)) {
        return stub_fail(mode ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: mode is %s; allowed are nearest and bilinear", call->op->name, mode ? mode : "NULL");
    }
    STUB_REQUIRE(stub_check_image_formats(call, tensors, 2, false));
    STUB_REQUIRE(stub_check_rank(call, SELF, 4, 4));
    STUB_REQUIRE(stub_check_rank(call, OUT, 4, 4));
    STUB_REQUIRE(check_scales(call, stub_tensor_arg(call, SELF), stub_tensor_arg(call, OUT)));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

/* Positions follow from the lengths, not from the scales. */
static aclnnStatus run(const stub_call *call) {
    stub_view self, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const stub_filter filter = strcmp(call->args[MODE].text, "nearest") == 0 ? STUB_NEAREST : STUB_LINEAR;
    stub_taps taps[2] = {{0}};
    bool made = true;
    for (uint32_t i = 0; i < 2 && made; i++) {
        const int64_t inputs = self.tensor->shape[i + 2], outputs = out.tensor->shape[i + 2];
        made = stub_taps_make(&taps[i], filter, inputs, outputs, (double)inputs / (double)outputs, false);
    }
    const aclnnStatus status = made ? stub_resample(call, &self, &out, taps, 2)
                                    : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its taps", call->op->name);
    stub_taps_free(&taps[0]);
    stub_taps_free(&taps[1]);
    return status;
}

STUB_KERNEL(aclnnResize, check, run)
