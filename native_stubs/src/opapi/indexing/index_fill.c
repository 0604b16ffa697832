/* aclnnIndexFill, aclnnIndexFillTensor and their in-place forms: one value in chosen slices. Negative indices count
 * from the end; those outside are passed over in a tensor, and refused in an array, which phase one can read. */
#include <stdlib.h>

#include "opapi/indexing/writes.h"

enum { SELF, DIM, INDEX, VALUE, OUT };

typedef struct {
    uint32_t out; /* argument; SELF: in place */
} stub_index_fills;

#define FILLED (STUB_FLOATS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64) | STUB_BOOLS)

static bool has_tensor(const stub_call *call) {
    return call->op->params[INDEX].kind == STUB_TENSOR;
}

static aclnnStatus check_array(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t *numbers;
    uint32_t count;
    STUB_REQUIRE(stub_read_ints(call, INDEX, 0, UINT32_MAX, &numbers, &count));
    const int64_t size = self->rank == 0 ? 1 : self->shape[stub_axis(call->args[DIM].integer, self->rank)];
    for (uint32_t i = 0; i < count && stub_tensor_numel(self) > 0; i++) {
        if (numbers[i] < -size || numbers[i] >= size) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: index has %lld; allowed are %lld to %lld", call->op->name,
                             (long long)numbers[i], (long long)-size, (long long)size - 1);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_index_fills_check(const stub_call *call, stub_plan *plan, const stub_index_fills *data) {
    const uint32_t index = INDEX;
    const stub_dtype_rule rule = {INDEX, STUB_ON_ALL(STUB_INDICES)};
    STUB_REQUIRE(stub_check_move(call, SELF, data->out, FILLED));
    STUB_REQUIRE(stub_check_same_shape(call, data->out, SELF));
    STUB_REQUIRE(stub_check_axis(call, DIM, stub_tensor_arg(call, SELF)->rank));
    if (has_tensor(call)) {
        STUB_REQUIRE(stub_check_given(call, &index, 1));
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, INDEX, 0, 1));
    } else {
        STUB_REQUIRE(check_array(call));
    }
    if (call->args[VALUE].scalar == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: value is NULL; this scalar is required", call->op->name);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

/* The index's numbers in a new array, NULL without memory. */
static int64_t *read_index(const stub_box *index, int64_t *count) {
    *count = stub_box_size(index);
    int64_t *numbers = malloc((size_t)(*count > 0 ? *count : 1) * sizeof *numbers);
    if (numbers != NULL) {
        const stub_box to = stub_box_over(numbers, ACL_INT64, index->shape, index->rank);
        stub_copy(&to, index);
    }
    return numbers;
}

static void fill_slices(const stub_call *call, const stub_box *out, const int64_t *numbers, int64_t count) {
    const aclScalar *value = call->args[VALUE].scalar;
    const uint32_t axis = (uint32_t)stub_axis(call->args[DIM].integer, out->rank);
    const int64_t size = out->rank == 0 ? 1 : out->shape[axis];
    for (int64_t i = 0; i < count; i++) {
        const int64_t at = numbers[i] < 0 ? numbers[i] + size : numbers[i];
        if (at < 0 || at >= size) {
            continue;
        }
        stub_box slice = *out;
        if (out->rank > 0) {
            stub_box_pick(&slice, axis, at);
        }
        stub_fill(&slice, value->dtype, value->value.bytes);
    }
}

static aclnnStatus fill_all(const stub_call *call, const stub_box *out) {
    if (!has_tensor(call)) {
        uint64_t given;
        const int64_t *numbers = stub_argument_items(call, INDEX, &given);
        fill_slices(call, out, numbers, (int64_t)given);
        return ACLNN_SUCCESS;
    }
    stub_box index;
    int64_t count;
    STUB_REQUIRE(stub_box_open(call, INDEX, &index));
    int64_t *numbers = read_index(&index, &count);
    if (numbers == NULL) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for the index", call->op->name);
    }
    fill_slices(call, out, numbers, count);
    free(numbers);
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_index_fills_run(const stub_call *call, const stub_index_fills *data) {
    stub_box self, out;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, data->out, &out));
    if (data->out != SELF) {
        stub_copy(&out, &self);
    }
    return fill_all(call, &out);
}

STUB_FAMILY_KERNEL(aclnnIndexFill, stub_index_fills, {OUT})
STUB_FAMILY_KERNEL(aclnnIndexFillTensor, stub_index_fills, {OUT})
STUB_FAMILY_KERNEL(aclnnInplaceIndexFill, stub_index_fills, {SELF})
STUB_FAMILY_KERNEL(aclnnInplaceIndexFillTensor, stub_index_fills, {SELF})
