/* aclnnInplaceQuantScatter: self[i, .., indices[i] + j, :] = round(updates[i, .., j, :] / scale + zero point), in fp32,
 * half to even, kept in INT8. */
#include <math.h>

#include "opapi/moves/box.h"
#include "opapi/moves/numbers.h"

enum { SELF, INDICES, UPDATES, SCALES, ZERO_POINTS, AXIS, QUANT_AXIS, REDUCTION };
enum { LEAST_AXES = 3, UPDATE = 1, UNIT = 32 /* bytes of a row */ };

static aclnnStatus check_types(const stub_call *call) {
    const bool bf16 = stub_tensor_arg(call, UPDATES)->dtype == ACL_BF16;
    const stub_dtype_rule rules[] = {
        {SELF, STUB_ON_ALL(STUB_DTYPE(ACL_INT8))},
        {INDICES, STUB_ON_ALL(STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))},
        {UPDATES, STUB_ON_ALL(STUB_HALVES)},
        {SCALES, STUB_ON_ALL(bf16 ? STUB_DTYPE(ACL_BF16) : STUB_DTYPE(ACL_FLOAT))},
        {ZERO_POINTS, STUB_ON_ALL(bf16 ? STUB_DTYPE(ACL_BF16) : STUB_DTYPE(ACL_INT32))},
    };
    return stub_check_dtypes(call, rules, 5);
}

static aclnnStatus check_attributes(const stub_call *call, int64_t rank) {
    const struct {
        uint32_t arg;
        int64_t value, other;
    } allowed[] = {{AXIS, -2, rank - 2}, {QUANT_AXIS, -1, rank - 1}, {REDUCTION, UPDATE, UPDATE}};
    for (int i = 0; i < 3; i++) {
        const int64_t given = call->args[allowed[i].arg].integer;
        if (given != allowed[i].value && given != allowed[i].other) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; it must be %lld", call->op->name,
                             call->op->params[allowed[i].arg].name, (long long)given, (long long)allowed[i].value);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *updates = stub_tensor_arg(call, UPDATES);
    const uint32_t rank = self->rank;
    STUB_REQUIRE(stub_check_rank(call, INDICES, 1, 1));
    STUB_REQUIRE(stub_check_rank(call, UPDATES, rank, rank));
    int64_t dims[STUB_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        const bool shorter = (i == 0 || i == rank - 2) && updates->shape[i] < self->shape[i];
        dims[i] = shorter ? updates->shape[i] : self->shape[i];
    }
    STUB_REQUIRE(stub_check_shape(call, UPDATES, dims, rank, "that of selfRef, less along its first axis and axis -2"));
    STUB_REQUIRE(stub_check_shape(call, INDICES, dims, 1, "one for each of the first axis of updates"));
    for (uint32_t arg = SCALES; arg <= ZERO_POINTS; arg++) {
        const aclTensor *tensor = stub_tensor_arg(call, arg);
        if (tensor && stub_tensor_numel(tensor) != dims[rank - 1]) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %lld elements; the last axis of updates has %lld",
                             call->op->name, call->op->params[arg].name, (long long)stub_tensor_numel(tensor),
                             (long long)dims[rank - 1]);
        }
    }
    return dims[rank - 1] % UNIT == 0 ? ACLNN_SUCCESS
                                      : stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                                                  "%s: rows of selfRef have %lld bytes; %s needs a multiple of %d",
                                                  call->op->name, (long long)dims[rank - 1], stub_product_name(), UNIT);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, INDICES, UPDATES, SCALES};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(check_types(call));
    STUB_REQUIRE(stub_check_rank(call, SELF, LEAST_AXES, STUB_MAX_RANK));
    STUB_REQUIRE(check_attributes(call, stub_tensor_arg(call, SELF)->rank));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, UPDATES)) == 0;
    return check_shapes(call);
}

static void quantise(float *values, int64_t count, const float *scale, const float *zero, int64_t columns) {
    for (int64_t i = 0; i < count; i++) {
        const float value = values[i] / scale[i % columns] + (zero ? zero[i % columns] : 0), near = rintf(value);
        values[i] = near < -128 ? -128 : near > 127 ? 127 : near == near ? near : 0;
    }
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *updates = stub_tensor_arg(call, UPDATES);
    const uint32_t axis = self->rank - 2;
    const int64_t rows = updates->shape[0], count = stub_tensor_numel(updates);
    stub_numbers set = {.call = call};
    stub_box target;
    float *values = stub_numbers_read(&set, UPDATES, ACL_FLOAT);
    const float *scale = stub_numbers_read(&set, SCALES, ACL_FLOAT),
                *zero = stub_numbers_read(&set, ZERO_POINTS, ACL_FLOAT);
    const int64_t *indices = stub_numbers_read(&set, INDICES, ACL_INT64);
    stub_numbers_check_range(&set, INDICES, indices, rows, 0, self->shape[axis] - updates->shape[axis] + 1);
    if (set.status == ACLNN_SUCCESS) {
        quantise(values, count, scale, zero, updates->shape[axis + 1]);
        set.status = stub_box_open(call, SELF, &target);
    }
    for (int64_t i = 0; i < rows && set.status == ACLNN_SUCCESS; i++) {
        stub_box to = target;
        const stub_box from = stub_box_over(values + i * (count / rows), ACL_FLOAT, updates->shape + 1, axis + 1);
        stub_box_pick(&to, 0, i);
        stub_box_take(&to, axis - 1, indices[i], updates->shape[axis], 1);
        stub_copy(&to, &from);
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnInplaceQuantScatter, check, run)
