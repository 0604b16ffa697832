/* Softmax along the last axis of scaled and masked values: aclnnScaledMaskedSoftmax and its backward form. fp32
 * arithmetic, rounded once. */
#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/norm/softmax_lines.h"

/* What a masked element counts: CANN adds no infinity, so that a row without any other is uniform. */
#define MASKED (-10000.0f)

enum { X, MASK, SCALE, FIXED_TRIANGLE, Y };                            /* aclnnScaledMaskedSoftmax */
enum { GRAD, GRAD_Y, GRAD_MASK, GRAD_SCALE, GRAD_TRIANGLE, GRAD_OUT }; /* its backward form */

enum { LONGEST_ROW = 4096 };

static aclnnStatus check_mask(const stub_call *call, uint32_t mask, uint32_t x, uint32_t triangle) {
    const aclTensor *tensor = stub_tensor_arg(call, x), *given = stub_tensor_arg(call, mask);
    const stub_dtype_rule rule = {mask, STUB_ON_ALL(STUB_BOOLS)};
    if (call->args[triangle].flag) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is true; only false is supported", call->op->name,
                         call->op->params[triangle].name);
    }
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, x, 4, 4));
    STUB_REQUIRE(stub_check_rank(call, mask, 4, 4));
    if (tensor->shape[3] > LONGEST_ROW) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the last dimension of x is %lld; allowed are 1 to %d",
                         call->op->name, (long long)tensor->shape[3], (int)LONGEST_ROW);
    }
    int64_t dims[4];
    for (int i = 0; i < 4; i++) {
        dims[i] = i < 2 && given->shape[i] == 1 ? 1 : tensor->shape[i];
    }
    return stub_check_shape(call, mask, dims, 4, "that of the input, 1 allowed in the first two axes");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const int required[] = {X, MASK, Y};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, X, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtype(call, Y, X));
    STUB_REQUIRE(check_mask(call, MASK, X, FIXED_TRIANGLE));
    STUB_REQUIRE(stub_check_same_shape(call, Y, X));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position, (void)scratch;
    const float scale = *(const float *)data;
    const uint8_t *mask = array[1];
    float *x = array[0];
    for (int64_t i = 0; i < length[0]; i++) {
        x[i] = mask[i] ? MASKED : x[i] * scale;
    }
    stub_softmax_f32(x, (size_t)length[0], array[2]);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const float scale = (float)call->args[SCALE].real;
    stub_line_set set = {.call = call};
    stub_line_input(&set, X, stub_last_axes(call, X, 1), ACL_FLOAT);
    stub_line_input(&set, MASK, stub_last_axes(call, MASK, 1), ACL_BOOL);
    stub_line_output(&set, Y, stub_last_axes(call, Y, 1), ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &scale;
    return stub_line_set_run(&set);
}

static aclnnStatus check_grad(const stub_call *call, stub_plan *plan) {
    const int required[] = {GRAD, GRAD_Y, GRAD_MASK, GRAD_OUT}, same[] = {GRAD_Y, GRAD_OUT};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, GRAD, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtypes(call, same, STUB_COUNT(same), GRAD));
    STUB_REQUIRE(check_mask(call, GRAD_MASK, GRAD, GRAD_TRIANGLE));
    STUB_REQUIRE(stub_norm_same_shapes(call, same, STUB_COUNT(same), GRAD));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, GRAD)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus grad_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                             void *scratch) {
    (void)position, (void)scratch;
    const float scale = *(const float *)data;
    const uint8_t *mask = array[2];
    float *out = array[3];
    stub_softmax_backward(array[0], array[1], (size_t)length[0], out);
    for (int64_t i = 0; i < length[0]; i++) {
        out[i] = mask[i] ? 0 : out[i] * scale;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_grad(const stub_call *call) {
    const float scale = (float)call->args[GRAD_SCALE].real;
    stub_line_set set = {.call = call};
    stub_line_input(&set, GRAD, stub_last_axes(call, GRAD, 1), ACL_FLOAT);
    stub_line_input(&set, GRAD_Y, stub_last_axes(call, GRAD_Y, 1), ACL_FLOAT);
    stub_line_input(&set, GRAD_MASK, stub_last_axes(call, GRAD_MASK, 1), ACL_BOOL);
    stub_line_output(&set, GRAD_OUT, stub_last_axes(call, GRAD_OUT, 1), ACL_FLOAT);
    set.lines.line = grad_line;
    set.lines.constants = &scale;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnScaledMaskedSoftmax, check, run)
STUB_KERNEL(aclnnScaledMaskedSoftmaxBackward, check_grad, run_grad)
