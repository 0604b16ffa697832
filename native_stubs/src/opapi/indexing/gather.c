/* Reading at places: aclnnGather, aclnnGatherV2, V3, Nd, aclnnIndexSelect, aclnnEmbedding, aclnnTake. */
#include "opapi/indexing/places.h"

/* How the index tensor is read; arguments by their numbers. */
typedef struct {
    stub_dtypes allowed;
    uint32_t index, out;
    aclnnStatus (*shape)(const stub_call *call, int64_t *shape, uint32_t *rank); /* of the output */
    aclnnStatus (*describe)(const stub_call *call, stub_indexing *job);
} stub_reads;

enum { SELF };

#define INDICES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define GATHERED (STUB_NUMBERS | STUB_UNSIGNED)
#define SELECTED (STUB_NUMBERS | STUB_COMPLEXES)

static aclnnStatus stub_reads_check(const stub_call *call, stub_plan *plan, const stub_reads *data) {
    const stub_dtype_rule rule = {data->index, STUB_ON_ALL(INDICES)};
    int64_t shape[2 * STUB_MAX_RANK];
    uint32_t rank = 0;
    STUB_REQUIRE(stub_check_given(call, &data->index, 1));
    STUB_REQUIRE(stub_check_move(call, SELF, data->out, data->allowed));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, data->index, 0, STUB_MAX_RANK));
    STUB_REQUIRE(data->shape(call, shape, &rank));
    STUB_REQUIRE(stub_check_shape(call, data->out, shape, rank, "that which self and indices give"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, data->out)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_reads_run(const stub_call *call, const stub_reads *data) {
    stub_indexing job = {0};
    STUB_REQUIRE(stub_box_open(call, SELF, &job.indexed));
    STUB_REQUIRE(stub_box_open(call, data->out, &job.values));
    const aclnnStatus status = data->describe(call, &job);
    if (status == ACLNN_SUCCESS) {
        stub_gather(&job);
    }
    stub_indexing_end(&job);
    return status;
}

static void append(int64_t *shape, uint32_t *rank, const aclTensor *tensor, uint32_t from, uint32_t end) {
    for (uint32_t i = from; i < end && i < tensor->rank; i++) {
        shape[(*rank)++] = tensor->shape[i];
    }
}

/* self[:axis] + index[batch:] + self[axis + 1:]. */
static void axis_shape(const stub_call *call, uint32_t index, uint32_t axis, uint32_t batch, int64_t *shape,
                       uint32_t *rank) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *given = stub_tensor_arg(call, index);
    append(shape, rank, self, 0, axis);
    append(shape, rank, given, batch, given->rank);
    append(shape, rank, self, axis + 1, self->rank);
}

enum { DIM = 1, INDEX, BATCH_DIMS, MODE };

static uint32_t axis_of(const stub_call *call) {
    return (uint32_t)stub_axis(call->args[DIM].integer, stub_tensor_arg(call, SELF)->rank);
}

static aclnnStatus along_shape(const stub_call *call, int64_t *shape, uint32_t *rank) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *index = stub_tensor_arg(call, INDEX);
    STUB_REQUIRE(stub_check_axis(call, DIM, self->rank));
    const uint32_t axis = axis_of(call), low = self->rank == 0 ? 0 : self->rank;
    STUB_REQUIRE(stub_check_rank(call, INDEX, self->rank == 1 ? 0 : low, self->rank == 0 ? 1 : low));
    const bool reads = stub_tensor_numel(index) != 0;
    for (uint32_t i = 0; reads && i < index->rank && i < self->rank; i++) {
        if (i == axis && self->shape[i] == 0) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: axis %u of self has no elements, and index has",
                             call->op->name, i);
        }
        if (i != axis && index->shape[i] > self->shape[i]) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: index has %lld on axis %u, self has only %lld",
                             call->op->name, (long long)index->shape[i], i, (long long)self->shape[i]);
        }
    }
    append(shape, rank, index, 0, index->rank);
    return ACLNN_SUCCESS;
}

static aclnnStatus along(const stub_call *call, stub_indexing *job) {
    return stub_index_along(call, job, INDEX, axis_of(call), true);
}

/* A scalar index counts as a vector of one. */
static aclnnStatus select_shape(const stub_call *call, int64_t *shape, uint32_t *rank) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *index = stub_tensor_arg(call, INDEX);
    STUB_REQUIRE(stub_check_axis(call, DIM, self->rank));
    if (index->rank > 0 || self->rank == 0) {
        axis_shape(call, INDEX, axis_of(call), 0, shape, rank);
        return ACLNN_SUCCESS;
    }
    append(shape, rank, self, 0, self->rank);
    shape[axis_of(call)] = 1;
    return ACLNN_SUCCESS;
}

static aclnnStatus select_axis(const stub_call *call, stub_indexing *job) {
    const uint32_t axis = axis_of(call);
    if (stub_tensor_arg(call, INDEX)->rank == 0 && job->values.rank > 0) {
        stub_box_pick(&job->values, axis, 0);
    }
    return stub_index_axis(call, job, INDEX, axis, 0, true);
}

/* A scalar index counts as a vector of one. */
static aclnnStatus index_select_shape(const stub_call *call, int64_t *shape, uint32_t *rank) {
    STUB_REQUIRE(stub_check_rank(call, INDEX, 0, 1));
    STUB_REQUIRE(stub_check_axis(call, DIM, stub_tensor_arg(call, SELF)->rank));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    append(shape, rank, self, 0, self->rank);
    if (self->rank > 0) {
        shape[axis_of(call)] = stub_tensor_numel(stub_tensor_arg(call, INDEX));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus index_select(const stub_call *call, stub_indexing *job) {
    const uint32_t axis = axis_of(call);
    if (stub_tensor_arg(call, INDEX)->rank == 0 && job->values.rank > 0) {
        stub_box_pick(&job->values, axis, 0);
    }
    if (job->values.rank == 0 && stub_tensor_arg(call, INDEX)->rank == 1) {
        stub_box_insert(&job->values, 0, 1, 0);
    }
    return stub_index_axis(call, job, INDEX, axis, 0, false);
}

static uint32_t batch_of(const stub_call *call) {
    const int64_t batch = call->args[BATCH_DIMS].integer, rank = stub_tensor_arg(call, INDEX)->rank;
    return (uint32_t)(batch < 0 ? batch + rank : batch);
}

static aclnnStatus batched_shape(const stub_call *call, int64_t *shape, uint32_t *rank) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *index = stub_tensor_arg(call, INDEX);
    STUB_REQUIRE(stub_check_axis(call, DIM, self->rank));
    const stub_product product = stub_get_settings()->product;
    if ((product == STUB_PRODUCT_A2 || product == STUB_PRODUCT_A3) &&
        (axis_of(call) != 0 || call->args[BATCH_DIMS].integer != 0 || call->args[MODE].integer != 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: dim is %lld, batchDims %lld, mode %lld; %s has dim 0, batchDims 0, mode 1 alone",
                         call->op->name, (long long)call->args[DIM].integer, (long long)call->args[BATCH_DIMS].integer,
                         (long long)call->args[MODE].integer, stub_product_name());
    }
    const uint32_t batch = batch_of(call);
    bool fits = batch <= index->rank && batch <= axis_of(call);
    for (uint32_t i = 0; fits && i < batch; i++) {
        fits = self->shape[i] == index->shape[i];
    }
    if (!fits) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: batchDims is %lld; self and index must have that many first axes in common, before dim",
                         call->op->name, (long long)call->args[BATCH_DIMS].integer);
    }
    axis_shape(call, INDEX, axis_of(call), batch, shape, rank);
    return ACLNN_SUCCESS;
}

static aclnnStatus select_batched(const stub_call *call, stub_indexing *job) {
    return stub_index_axis(call, job, INDEX, axis_of(call), batch_of(call), false);
}

enum { EMBEDDING_INDICES = 1 };

static aclnnStatus embedding_shape(const stub_call *call, int64_t *shape, uint32_t *rank) {
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, 2));
    axis_shape(call, EMBEDDING_INDICES, 0, 0, shape, rank);
    return ACLNN_SUCCESS;
}

static aclnnStatus embed(const stub_call *call, stub_indexing *job) {
    return stub_index_axis(call, job, EMBEDDING_INDICES, 0, 0, false);
}

static aclnnStatus take_shape(const stub_call *call, int64_t *shape, uint32_t *rank) {
    append(shape, rank, stub_tensor_arg(call, 1), 0, STUB_MAX_RANK);
    if (stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0 && stub_tensor_numel(stub_tensor_arg(call, 1)) != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self is empty, and index is not", call->op->name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus take(const stub_call *call, stub_indexing *job) {
    stub_box index;
    STUB_REQUIRE(stub_box_open(call, 1, &index));
    STUB_REQUIRE(stub_places_start(call, &job->places, index.shape, index.rank));
    STUB_REQUIRE(stub_places_add_flat(call, &job->places, 1, &index, &job->indexed, false));
    for (uint32_t i = 0; i < index.rank; i++) {
        stub_indexing_axis(job, index.shape[i], 0, job->values.steps[i], job->places.steps[i]);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus nd_shape(const stub_call *call, int64_t *shape, uint32_t *rank) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *indices = stub_tensor_arg(call, 1);
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, 1, 1, STUB_MAX_RANK));
    const int64_t coordinates = stub_last_dim(indices);
    if (coordinates < 1 || coordinates > self->rank) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the last axis of indices has %lld; allowed are 1 to %u, the axes of self", call->op->name,
                         (long long)coordinates, self->rank);
    }
    append(shape, rank, indices, 0, indices->rank - 1);
    append(shape, rank, self, (uint32_t)coordinates, self->rank);
    return ACLNN_SUCCESS;
}

static aclnnStatus gather_nd(const stub_call *call, stub_indexing *job) {
    return stub_index_coordinates(call, job, 1, call->args[2].flag);
}

#define GATHERED_ND (STUB_FLOATS | STUB_BOOLS | INDICES | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8))

STUB_FAMILY_KERNEL(aclnnGather, stub_reads, {GATHERED, INDEX, 3, along_shape, along})
STUB_FAMILY_KERNEL(aclnnGatherV2, stub_reads, {SELECTED, INDEX, 3, select_shape, select_axis})
STUB_FAMILY_KERNEL(aclnnGatherV3, stub_reads, {SELECTED, INDEX, 5, batched_shape, select_batched})
STUB_FAMILY_KERNEL(aclnnIndexSelect, stub_reads, {STUB_MOVABLE, INDEX, 3, index_select_shape, index_select})
STUB_FAMILY_KERNEL(aclnnEmbedding, stub_reads, {SELECTED, EMBEDDING_INDICES, 2, embedding_shape, embed})
STUB_FAMILY_KERNEL(aclnnTake, stub_reads, {STUB_MOVABLE, 1, 2, take_shape, take})
STUB_FAMILY_KERNEL(aclnnGatherNd, stub_reads, {GATHERED_ND, 1, 3, nd_shape, gather_nd})
