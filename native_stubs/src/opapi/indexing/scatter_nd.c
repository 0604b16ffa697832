/* Slices at coordinates or along the first axis: aclnnScatterNd, aclnnScatterNdUpdate, aclnnTfScatterAdd,
 * aclnnInplacePut. */
#include "opapi/indexing/writes.h"

enum { SELF, INDICES, UPDATES, OUT };

#define COPIED_ND (STUB_FLOATS | STUB_BOOLS)
#define UPDATED_ND (STUB_FLOATS | STUB_BOOLS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT16) | STUB_INDICES)
#define TF_ADDED (STUB_FLOATS | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8))
#define PUT (STUB_NUMBERS | STUB_COMPLEXES)

/* updates: indices[:-1] + self[coordinates:]. */
static aclnnStatus check_nd(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *indices = stub_tensor_arg(call, INDICES);
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, INDICES, 1, STUB_MAX_RANK));
    const int64_t coordinates = stub_last_dim(indices);
    if (coordinates < 1 || coordinates > self->rank) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the last axis of indices has %lld; allowed are 1 to %u",
                         call->op->name, (long long)coordinates, self->rank);
    }
    stub_shape shape = {.rank = 0};
    stub_shape_add(&shape, indices, 0, indices->rank - 1);
    stub_shape_add(&shape, self, (uint32_t)coordinates, self->rank);
    return stub_check_shape(call, UPDATES, shape.dims, shape.rank, "indices[:-1] and the slices of self");
}

static aclnnStatus describe_nd(const stub_call *call, stub_indexing *job) {
    return stub_index_coordinates(call, job, INDICES, false);
}

/* updates: indices + self[1:]. */
static aclnnStatus check_rows(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *indices = stub_tensor_arg(call, INDICES);
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
    stub_shape shape = {.rank = 0};
    stub_shape_add(&shape, indices, 0, indices->rank);
    stub_shape_add(&shape, self, 1, self->rank);
    return stub_check_shape(call, UPDATES, shape.dims, shape.rank, "indices and the slices of varRef");
}

static aclnnStatus describe_rows(const stub_call *call, stub_indexing *job) {
    return stub_index_axis(call, job, INDICES, 0, 0, false);
}

static aclnnStatus check_put(const stub_call *call) {
    const int64_t index = stub_tensor_numel(stub_tensor_arg(call, INDICES));
    const int64_t source = stub_tensor_numel(stub_tensor_arg(call, UPDATES));
    return index == source ? ACLNN_SUCCESS
                           : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: index has %lld elements and source %lld",
                                       call->op->name, (long long)index, (long long)source);
}

/* source may have another shape than index: element by element, in row-major order. */
static aclnnStatus describe_put(const stub_call *call, stub_indexing *job) {
    stub_box index;
    const int64_t size = stub_box_size(&job->values);
    STUB_REQUIRE(stub_box_open(call, INDICES, &index));
    STUB_REQUIRE(stub_places_start(call, &job->places, index.shape, index.rank));
    STUB_REQUIRE(stub_places_add_flat(call, &job->places, INDICES, &index, &job->indexed, true));
    int64_t inner = size;
    for (uint32_t i = 0; i < job->values.rank; i++) {
        inner /= job->values.shape[i];
        stub_indexing_axis(job, job->values.shape[i], 0, job->values.steps[i], inner * (int64_t)sizeof(int64_t));
    }
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnScatterNd, stub_writes,
                   {COPIED_ND, INDICES, UPDATES, OUT, STUB_SET, check_nd, describe_nd, 0, 0})
STUB_FAMILY_KERNEL(aclnnScatterNdUpdate, stub_writes,
                   {UPDATED_ND, INDICES, UPDATES, SELF, STUB_SET, check_nd, describe_nd, 0, 0})
STUB_FAMILY_KERNEL(aclnnTfScatterAdd, stub_writes,
                   {TF_ADDED, INDICES, UPDATES, SELF, STUB_ADD, check_rows, describe_rows, 0, 0})
STUB_FAMILY_KERNEL(aclnnInplacePut, stub_writes, {PUT, INDICES, UPDATES, SELF, STUB_SET, check_put, describe_put, 0, 3})
