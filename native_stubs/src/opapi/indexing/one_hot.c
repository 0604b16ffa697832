/* aclnnOneHot: onValue at the place that an element names, offValue elsewhere; numbers beyond numClasses name none. */
#include <stdlib.h>

#include "opapi/indexing/places.h"

enum { SELF, CLASSES, ON, OFF, AXIS, OUT };

#define NUMBERED (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define VALUED (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT) | NUMBERED)

static uint32_t axis_of(const stub_call *call, uint32_t rank) {
    const int64_t axis = call->args[AXIS].integer;
    return axis == -1 ? rank : (uint32_t)axis;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, ON, OFF, OUT};
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(NUMBERED)}, {OUT, STUB_ON_ALL(VALUED)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, ON, OUT));
    STUB_REQUIRE(stub_check_same_dtype(call, OFF, OUT));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK - 1));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t axis = call->args[AXIS].integer, classes = call->args[CLASSES].integer;
    if (axis < -1 || axis > self->rank || classes < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: axis is %lld and numClasses %lld; allowed are axes -1 to %u, and 0 classes or more",
                         call->op->name, (long long)axis, (long long)classes, self->rank);
    }
    if (stub_tensor_numel(stub_tensor_arg(call, ON)) < 1 || stub_tensor_numel(stub_tensor_arg(call, OFF)) < 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: onValue and offValue must have an element", call->op->name);
    }
    stub_box shape = stub_box_planned(self);
    stub_box_insert(&shape, axis_of(call, self->rank), classes, 0);
    STUB_REQUIRE(stub_check_shape(call, OUT, shape.shape, shape.rank, "self with numClasses at axis"));
    plan->nothing_to_run = stub_box_size(&shape) == 0;
    return ACLNN_SUCCESS;
}

static void set_hot(const stub_box *out, int64_t classes, int64_t step, const int64_t *numbers, const uint8_t *on) {
    const int64_t size = stub_box_size(out), width = stub_box_width(out);
    for (int64_t i = 0; i < size; i++) {
        uint8_t *at = out->first;
        int64_t rest = i;
        for (uint32_t k = out->rank; k-- > 0; rest /= out->shape[k]) {
            at += rest % out->shape[k] * out->steps[k];
        }
        if (numbers[i] >= 0 && numbers[i] < classes) {
            stub_move(width, at + numbers[i] * step, width, on, width, 1);
        }
    }
}

static aclnnStatus run(const stub_call *call) {
    stub_box self, on, off, out;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, ON, &on));
    STUB_REQUIRE(stub_box_open(call, OFF, &off));
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    int64_t *numbers = malloc((size_t)stub_box_size(&self) * sizeof *numbers);
    if (numbers == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for self", call->op->name);
    }
    const stub_box dense = stub_box_over(numbers, ACL_INT64, self.shape, self.rank);
    const uint32_t axis = axis_of(call, self.rank);
    const int64_t step = out.steps[axis];
    stub_copy(&dense, &self);
    stub_fill(&out, off.dtype, off.first);
    stub_box_pick(&out, axis, 0);
    set_hot(&out, call->args[CLASSES].integer, step, numbers, on.first);
    free(numbers);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnOneHot, check, run)
