/* aclnnStridedSliceAssignV2: var[begin:end:stride, ..] = value, in place. */
#include "opapi/kernel.h"
#include "opapi/moves/box.h"

enum { VAR, VALUE, BEGIN, END, STRIDES, AXES };

typedef struct {
    int64_t begin[STUB_MAX_RANK], count[STUB_MAX_RANK], stride[STUB_MAX_RANK];
} slices;

static aclnnStatus check_arrays(const stub_call *call, uint32_t rank) {
    const aclIntArray *axes = call->args[AXES].ints;
    const uint64_t count = axes ? axes->size : rank;
    for (uint32_t arg = BEGIN; arg <= STRIDES; arg++) {
        const aclIntArray *numbers = call->args[arg].ints;
        if (numbers == NULL) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; it is required", call->op->name,
                             call->op->params[arg].name);
        }
        if (numbers->size != count || count > rank) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu numbers; it has to have %llu, one for each %s",
                             call->op->name, call->op->params[arg].name, (unsigned long long)numbers->size,
                             (unsigned long long)(count > rank ? rank : count),
                             axes ? "of axesOptional" : "axis of varRef");
        }
    }
    return ACLNN_SUCCESS;
}

static int64_t bounded(int64_t index, int64_t size) {
    const int64_t from_front = index < 0 ? index + size : index;
    return from_front < 0 ? 0 : from_front > size ? size : from_front;
}

static aclnnStatus read_axis(const stub_call *call, uint64_t i, const aclTensor *var, uint32_t *taken, slices *of) {
    const aclIntArray *axes = call->args[AXES].ints;
    const int64_t given = axes ? axes->values[i] : (int64_t)i, axis = given < 0 ? given + var->rank : given;
    const int64_t stride = call->args[STRIDES].ints->values[i];
    if (axis < 0 || axis >= var->rank || (*taken >> axis & 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: axesOptional[%llu] is %lld, which is %s", call->op->name,
                         (unsigned long long)i, (long long)given,
                         axis < 0 || axis >= var->rank ? "no axis of varRef" : "there twice");
    }
    if (stride < 1 || (axis == var->rank - 1 && stride != 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: strides[%llu] is %lld; strides are positive, the last axis's is 1", call->op->name,
                         (unsigned long long)i, (long long)stride);
    }
    *taken |= 1u << axis;
    of->stride[axis] = stride;
    of->begin[axis] = bounded(call->args[BEGIN].ints->values[i], var->shape[axis]);
    const int64_t length = bounded(call->args[END].ints->values[i], var->shape[axis]) - of->begin[axis];
    of->count[axis] = length > 0 ? (length - 1) / stride + 1 : 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus read_slices(const stub_call *call, slices *of) {
    const aclTensor *var = stub_tensor_arg(call, VAR);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < var->rank; i++) {
        of->begin[i] = 0;
        of->count[i] = var->shape[i];
        of->stride[i] = 1;
    }
    for (uint64_t i = 0; i < call->args[BEGIN].ints->size; i++) {
        STUB_REQUIRE(read_axis(call, i, var, &taken, of));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {VAR, VALUE};
    const stub_dtypes types = STUB_REALS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64);
    const stub_dtype_rule rule = {VAR, STUB_ON_ALL(types)};
    slices of;
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, VALUE, VAR));
    STUB_REQUIRE(stub_check_rank(call, VAR, 1, STUB_MAX_RANK));
    const aclTensor *var = stub_tensor_arg(call, VAR);
    STUB_REQUIRE(check_arrays(call, var->rank));
    STUB_REQUIRE(read_slices(call, &of));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, VALUE)) == 0;
    return stub_check_shape(call, VALUE, of.count, var->rank, "the lengths of the slices of varRef");
}

static aclnnStatus run(const stub_call *call) {
    stub_box var, value;
    slices of;
    STUB_REQUIRE(read_slices(call, &of));
    STUB_REQUIRE(stub_box_open(call, VAR, &var));
    STUB_REQUIRE(stub_box_open(call, VALUE, &value));
    for (uint32_t i = 0; i < var.rank; i++) {
        stub_box_take(&var, i, of.begin[i], of.count[i], of.stride[i]);
    }
    stub_copy(&var, &value);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnStridedSliceAssignV2, check, run)
