/* Slices at an offset of its own for each batch, as KV caches are written: aclnnInplaceScatterUpdate, aclnnScatterList.
 */
#include <string.h>

#include "opapi/elements.h"
#include "opapi/indexing/places.h"

#define INDICES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define UPDATED (STUB_FLOATS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32))

#define LISTED                                                                                                         \
    (UPDATED | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT16) | STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32))

static int64_t read_index(const stub_box *index, int64_t row, int64_t column) {
    const uint8_t *at =
        index->first + (index->rank > 0 ? row * index->steps[0] : 0) + (index->rank > 1 ? column * index->steps[1] : 0);
    int64_t number;
    stub_load(index->dtype, at, 0, 1, ACL_INT64, &number);
    return number;
}

/* `slices` to the place of the axis that starts at `offset`. */
static aclnnStatus write_at(const stub_call *call, stub_box target, const stub_box *slices, uint32_t axis,
                            int64_t offset) {
    if (offset < 0 || offset > target.shape[axis] - slices->shape[axis]) {
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                         "%s: an index is %lld; %lld slices do not fit there into an axis of %lld", call->op->name,
                         (long long)offset, (long long)slices->shape[axis], (long long)target.shape[axis]);
    }
    stub_box_take(&target, axis, offset, slices->shape[axis], 1);
    stub_copy(&target, slices);
    return ACLNN_SUCCESS;
}

enum { DATA, UPDATE_INDICES, UPDATES, UPDATE_AXIS };

static aclnnStatus check_update_shapes(const stub_call *call) {
    const aclTensor *data = stub_tensor_arg(call, DATA), *updates = stub_tensor_arg(call, UPDATES);
    const aclTensor *indices = stub_tensor_arg(call, UPDATE_INDICES);
    const int axis = stub_axis(call->args[UPDATE_AXIS].integer, data->rank);
    bool fits = updates->rank == data->rank && axis > 0;
    for (uint32_t i = 0; fits && i < data->rank; i++) {
        fits = i == 0 || (int)i == axis ? updates->shape[i] <= data->shape[i] : updates->shape[i] == data->shape[i];
    }
    fits = fits && updates->shape[0] == (indices->rank == 0 ? 1 : indices->shape[0]) &&
           (indices->rank < 2 || indices->shape[1] == 2);
    return fits
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID,
                           "%s: updates must be data but for fewer on axis 0, one per index, and on axis %lld (not 0); "
                           "indices are [n] or [n, 2]",
                           call->op->name, (long long)call->args[UPDATE_AXIS].integer);
}

static aclnnStatus check_update(const stub_call *call, stub_plan *plan) {
    const uint32_t indices = UPDATE_INDICES;
    const stub_dtype_rule rule = {UPDATE_INDICES, STUB_ON_ALL(INDICES)};
    (void)plan;
    STUB_REQUIRE(stub_check_given(call, &indices, 1));
    STUB_REQUIRE(stub_check_move(call, DATA, UPDATES, UPDATED));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, DATA, 2, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, UPDATE_INDICES, 0, 2));
    return check_update_shapes(call);
}

/* A row of two-dimensional indices is (batch, offset). */
static aclnnStatus run_update(const stub_call *call) {
    stub_box data, indices, updates;
    STUB_REQUIRE(stub_box_open(call, DATA, &data));
    STUB_REQUIRE(stub_box_open(call, UPDATE_INDICES, &indices));
    STUB_REQUIRE(stub_box_open(call, UPDATES, &updates));
    const uint32_t axis = (uint32_t)stub_axis(call->args[UPDATE_AXIS].integer, data.rank);
    for (int64_t i = 0; i < updates.shape[0]; i++) {
        const int64_t batch = indices.rank == 2 ? read_index(&indices, i, 0) : i;
        stub_box target = data, slices = updates;
        if (batch < 0 || batch >= data.shape[0]) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: indices name batch %lld of %lld", call->op->name,
                             (long long)batch, (long long)data.shape[0]);
        }
        stub_box_pick(&target, 0, batch);
        stub_box_pick(&slices, 0, i);
        STUB_REQUIRE(write_at(call, target, &slices, axis - 1, read_index(&indices, i, 1)));
    }
    return ACLNN_SUCCESS;
}

enum { VARS, LIST_INDICES, LIST_UPDATES, MASK, REDUCE, LIST_AXIS };

static aclnnStatus check_var(const stub_call *call, uint64_t i, const aclTensor *var, uint32_t axis) {
    const aclTensor *updates = stub_tensor_arg(call, LIST_UPDATES);
    bool fits = var != NULL && var->dtype == updates->dtype && var->rank + 1 == updates->rank;
    for (uint32_t k = 0; fits && k < var->rank; k++) {
        fits = k + 1 == axis ? updates->shape[k + 1] <= var->shape[k] : updates->shape[k + 1] == var->shape[k];
    }
    return fits ? ACLNN_SUCCESS
                : stub_fail(var == NULL ? ACLNN_ERR_PARAM_NULLPTR : ACLNN_ERR_PARAM_INVALID,
                            "%s: varRef[%llu] must be a slice of updates in type and shape, but for a larger axis",
                            call->op->name, (unsigned long long)i);
}

static aclnnStatus check_list_attributes(const stub_call *call, uint64_t count) {
    const aclTensor *updates = stub_tensor_arg(call, LIST_UPDATES), *mask = stub_tensor_arg(call, MASK);
    const char *reduce = call->args[REDUCE].text;
    const int axis = stub_axis(call->args[LIST_AXIS].integer, updates->rank);
    if (reduce != NULL && strcmp(reduce, "update") != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: reduceOptional is %s; allowed is update", call->op->name,
                         reduce);
    }
    if (axis < 1 || updates->shape[0] != (int64_t)count) {
        return stub_fail(
            ACLNN_ERR_PARAM_INVALID,
            "%s: axis is %lld and updates are %lld; axis must not be 0, and there are %llu tensors in varRef",
            call->op->name, (long long)call->args[LIST_AXIS].integer, (long long)updates->shape[0],
            (unsigned long long)count);
    }
    const int64_t shape[] = {(int64_t)count, 2};
    const uint32_t rank = stub_tensor_arg(call, LIST_INDICES)->rank == 2 ? 2 : 1;
    STUB_REQUIRE(stub_check_shape(call, LIST_INDICES, shape, rank, "one, or [offset, length], per tensor of varRef"));
    return mask == NULL ? ACLNN_SUCCESS : stub_check_shape(call, MASK, shape, 1, "one per tensor of varRef");
}

static aclnnStatus check_list(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {LIST_INDICES, LIST_UPDATES};
    const stub_dtype_rule rules[] = {{LIST_INDICES, STUB_ON_ALL(INDICES)},
                                     {LIST_UPDATES, STUB_ON_ALL(LISTED)},
                                     {MASK, STUB_ON_ALL(STUB_DTYPE(ACL_UINT8))}};
    uint64_t count = 0;
    if (call->args[VARS].tensors == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: varRef is NULL; this list is required", call->op->name);
    }
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_rank(call, LIST_UPDATES, 2, STUB_MAX_RANK));
    const aclTensor *const *vars = stub_argument_items(call, VARS, &count);
    STUB_REQUIRE(check_list_attributes(call, count));
    const aclTensor *updates = stub_tensor_arg(call, LIST_UPDATES);
    for (uint64_t i = 0; i < count; i++) {
        STUB_REQUIRE(check_var(call, i, vars[i], (uint32_t)stub_axis(call->args[LIST_AXIS].integer, updates->rank)));
    }
    plan->nothing_to_run = stub_tensor_numel(updates) == 0;
    return ACLNN_SUCCESS;
}

/* A row of two-dimensional indices is (offset, length): only so many of the slices are written. */
static aclnnStatus shorten(const stub_call *call, const stub_box *indices, int64_t i, stub_box *slices, uint32_t axis) {
    const int64_t length = indices->rank == 2 ? read_index(indices, i, 1) : slices->shape[axis];
    if (length < 0 || length > slices->shape[axis]) {
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: indice has the length %lld; updates have %lld",
                         call->op->name, (long long)length, (long long)slices->shape[axis]);
    }
    stub_box_take(slices, axis, 0, length, 1);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_list(const stub_call *call) {
    stub_box var, indices, updates, mask = {0};
    uint64_t count;
    const aclTensor *const *vars = stub_argument_items(call, VARS, &count);
    STUB_REQUIRE(stub_box_open(call, LIST_INDICES, &indices));
    STUB_REQUIRE(stub_box_open(call, LIST_UPDATES, &updates));
    if (stub_tensor_arg(call, MASK) != NULL) {
        STUB_REQUIRE(stub_box_open(call, MASK, &mask));
    }
    const uint32_t axis = (uint32_t)stub_axis(call->args[LIST_AXIS].integer, updates.rank);
    for (uint64_t i = 0; i < count; i++) {
        if (mask.first != NULL && read_index(&mask, (int64_t)i, 0) == 0) {
            continue;
        }
        stub_box slices = updates;
        stub_box_pick(&slices, 0, (int64_t)i);
        STUB_REQUIRE(shorten(call, &indices, (int64_t)i, &slices, axis - 1));
        STUB_REQUIRE(stub_box_open_item(call, VARS, vars[i], &var));
        STUB_REQUIRE(write_at(call, var, &slices, axis - 1, read_index(&indices, (int64_t)i, 0)));
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnInplaceScatterUpdate, check_update, run_update)
STUB_KERNEL(aclnnScatterList, check_list, run_list)
