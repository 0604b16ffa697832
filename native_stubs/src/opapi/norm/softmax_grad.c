/* aclnnSoftmaxGrad: the gradient of a softmax along the last axis, from its result. */
#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/norm/softmax_lines.h"

enum { RESULT, GRAD, OUT };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const int tensors[] = {RESULT, GRAD, OUT};
    STUB_REQUIRE(stub_norm_given(call, tensors, STUB_COUNT(tensors)));
    STUB_REQUIRE(stub_norm_dtype(call, RESULT, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtypes(call, tensors, STUB_COUNT(tensors), RESULT));
    STUB_REQUIRE(stub_check_rank(call, RESULT, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_norm_same_shapes(call, tensors, STUB_COUNT(tensors), RESULT));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, RESULT)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                        void *scratch) {
    (void)constants, (void)position, (void)scratch;
    stub_softmax_backward(array[GRAD], array[RESULT], (size_t)length[RESULT], array[OUT]);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const uint32_t axis = stub_last_axes(call, RESULT, 1);
    stub_line_set set = {.call = call};
    stub_line_input(&set, RESULT, axis, ACL_FLOAT);
    stub_line_input(&set, GRAD, axis, ACL_FLOAT);
    stub_line_output(&set, OUT, axis, ACL_FLOAT);
    set.lines.line = line;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnSoftmaxGrad, check, run)
