/* aclnnIndex: self[indices]. aclnnIndexPutImpl: self[indices] = values, or += values. */
#include <string.h>

#include "opapi/indexing/selection.h"

enum { SELF, INDICES, OUT, ACCUMULATE };
enum { VALUES = OUT };

#define INDEXED STUB_NUMBERS

static aclnnStatus check_list(const stub_call *call) {
    return call->args[INDICES].tensors != NULL
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: indices is NULL; this list is required", call->op->name);
}

/* The selection's shape, when no mask hides it. */
static aclnnStatus find_shape(const stub_call *call, const stub_selection *selection, int64_t *shape, uint32_t *rank) {
    const int found = stub_selection_shape(selection, stub_tensor_arg(call, SELF), shape);
    *rank = (uint32_t)(found < 0 ? 0 : found);
    return found >= 0 ? ACLNN_SUCCESS
                      : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self[indices] has more than %d axes", call->op->name,
                                  STUB_MAX_RANK);
}

static aclnnStatus check_index(const stub_call *call, stub_plan *plan) {
    stub_selection selection;
    int64_t shape[STUB_MAX_RANK];
    uint32_t rank;
    STUB_REQUIRE(check_list(call));
    STUB_REQUIRE(stub_check_move(call, SELF, OUT, INDEXED));
    STUB_REQUIRE(stub_selection_plan(call, INDICES, stub_tensor_arg(call, SELF), &selection));
    STUB_REQUIRE(find_shape(call, &selection, shape, &rank));
    if (!selection.has_mask) {
        STUB_REQUIRE(stub_check_shape(call, OUT, shape, rank, "that of self[indices]"));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus check_put(const stub_call *call, stub_plan *plan) {
    stub_selection selection;
    int64_t shape[STUB_MAX_RANK];
    uint32_t rank;
    STUB_REQUIRE(check_list(call));
    STUB_REQUIRE(stub_check_move(call, SELF, VALUES, INDEXED));
    STUB_REQUIRE(stub_selection_plan(call, INDICES, stub_tensor_arg(call, SELF), &selection));
    STUB_REQUIRE(find_shape(call, &selection, shape, &rank));
    plan->nothing_to_run =
        stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0 || stub_tensor_numel(stub_tensor_arg(call, VALUES)) == 0;
    return ACLNN_SUCCESS;
}

/* Whether the box can be read as that shape. */
static bool broadcasts(const stub_box *box, const int64_t *shape, uint32_t rank) {
    bool fits = box->rank <= rank;
    for (uint32_t i = 0; fits && i < box->rank; i++) {
        const int64_t size = box->shape[box->rank - 1 - i];
        fits = size == 1 || size == shape[rank - 1 - i];
    }
    return fits;
}

static aclnnStatus mismatch(const stub_call *call) {
    return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: the shape of %s does not fit what self[indices] has",
                     call->op->name, call->op->params[OUT].name);
}

static aclnnStatus describe(const stub_call *call, stub_indexing *job, stub_selection *selection, bool exact) {
    int64_t shape[STUB_MAX_RANK];
    uint32_t rank;
    STUB_REQUIRE(stub_selection_open(call, INDICES, stub_tensor_arg(call, SELF), selection));
    STUB_REQUIRE(find_shape(call, selection, shape, &rank));
    const bool same = job->values.rank == rank && memcmp(job->values.shape, shape, rank * sizeof *shape) == 0;
    if (exact ? !same : !broadcasts(&job->values, shape, rank)) {
        return mismatch(call);
    }
    stub_box_expand(&job->values, shape, rank);
    return stub_selection_describe(call, INDICES, selection, job);
}

static aclnnStatus run_index(const stub_call *call) {
    stub_indexing job = {0};
    stub_selection selection = {0};
    STUB_REQUIRE(stub_box_open(call, SELF, &job.indexed));
    STUB_REQUIRE(stub_box_open(call, OUT, &job.values));
    const aclnnStatus status = describe(call, &job, &selection, true);
    if (status == ACLNN_SUCCESS) {
        stub_gather(&job);
    }
    stub_indexing_end(&job);
    stub_selection_end(&selection);
    return status;
}

static aclnnStatus run_put(const stub_call *call) {
    stub_indexing job = {0};
    stub_selection selection = {0};
    stub_box self;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, VALUES, &job.values));
    aclnnStatus status = stub_scatter_start(call, &job, &self, call->args[ACCUMULATE].flag ? STUB_ADD : STUB_SET);
    status = status == ACLNN_SUCCESS ? describe(call, &job, &selection, false) : status;
    if (status == ACLNN_SUCCESS) {
        stub_scatter(&job, NULL);
    }
    stub_indexing_end(&job);
    stub_selection_end(&selection);
    return status;
}

STUB_KERNEL(aclnnIndex, check_index, run_index)
STUB_KERNEL(aclnnIndexPutImpl, check_put, run_put)
