/* Slices along an axis: aclnnIndexAdd, aclnnIndexAddV2, aclnnIndexCopy, aclnnInplaceIndexCopy. */
#include "opapi/indexing/writes.h"

enum { SELF, DIM, INDEX, SOURCE, ALPHA, MODE };

#define ADDED STUB_NUMBERS
#define COPIED (STUB_NUMBERS | STUB_COMPLEXES)

static bool is_one_element(const aclTensor *tensor) {
    return tensor->rank == 0 || (tensor->rank == 1 && tensor->shape[0] == 1);
}

/* Copies take () for (1,) as source, and the other way round. */
static bool copies_one(const stub_call *call) {
    return call->op->count < 6 && stub_tensor_arg(call, SELF)->rank <= 1 &&
           is_one_element(stub_tensor_arg(call, SOURCE)) && stub_tensor_numel(stub_tensor_arg(call, INDEX)) == 1;
}

/* source is self with index.size slices on the axis. A scalar index counts as one element. */
static aclnnStatus check_source(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *index = stub_tensor_arg(call, INDEX);
    STUB_REQUIRE(stub_check_axis(call, DIM, self->rank));
    STUB_REQUIRE(stub_check_rank(call, INDEX, 0, 1));
    stub_shape shape = {.rank = 0};
    stub_shape_add(&shape, self, 0, self->rank);
    if (self->rank > 0) {
        shape.dims[stub_axis(call->args[DIM].integer, self->rank)] = stub_tensor_numel(index);
    }
    if (self->rank == 0 && stub_tensor_numel(index) != 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: index has %lld elements for a scalar", call->op->name,
                         (long long)stub_tensor_numel(index));
    }
    if (copies_one(call)) {
        return ACLNN_SUCCESS;
    }
    return stub_check_shape(call, SOURCE, shape.dims, shape.rank, "self with as many slices as index has elements");
}

static aclnnStatus describe(const stub_call *call, stub_indexing *job) {
    const uint32_t axis = (uint32_t)stub_axis(call->args[DIM].integer, job->indexed.rank);
    const uint32_t rank = stub_tensor_arg(call, INDEX)->rank;
    if (rank == 0 && job->values.rank > 0) {
        stub_box_pick(&job->values, axis, 0);
    } else if (rank == 1 && job->values.rank == 0) {
        stub_box_insert(&job->values, 0, 1, 0);
    }
    return stub_index_axis(call, job, INDEX, axis, 0, false);
}

/* In its fast mode (0), V2 leaves alpha out, as its document says. */
static const stub_writes plain_add = {ADDED, INDEX, SOURCE, 6, STUB_ADD, check_source, describe, 0, 0};
static const stub_writes scaled_add = {ADDED, INDEX, SOURCE, 6, STUB_ADD, check_source, describe, ALPHA, 0};

static aclnnStatus check_v2(const stub_call *call, stub_plan *plan) {
    return stub_writes_check(call, plan, &scaled_add);
}

static aclnnStatus run_v2(const stub_call *call) {
    return stub_writes_run(call, call->args[MODE].integer == 0 ? &plain_add : &scaled_add);
}

STUB_FAMILY_KERNEL(aclnnIndexAdd, stub_writes, {ADDED, INDEX, SOURCE, 5, STUB_ADD, check_source, describe, ALPHA, 0})
STUB_KERNEL(aclnnIndexAddV2, check_v2, run_v2)
STUB_FAMILY_KERNEL(aclnnIndexCopy, stub_writes, {COPIED, INDEX, SOURCE, 4, STUB_SET, check_source, describe, 0, 0})
STUB_FAMILY_KERNEL(aclnnInplaceIndexCopy, stub_writes,
                   {COPIED, INDEX, SOURCE, SELF, STUB_SET, check_source, describe, 0, 0})
