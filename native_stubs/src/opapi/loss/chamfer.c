/* aclnnChamferDistanceBackward: each point's squared distance to its nearest one in the other set pulls at both. Sums
 * in fp64. */
#include <stdlib.h>

#include "opapi/kernel.h"
#include "opapi/whole.h"

enum { POINTS, INDICES = 2, GRADS = 4, RESULTS = 6, SETS = 2, PLANE = 2 };

#define TYPES (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16))

static aclnnStatus check_set(const stub_call *call, uint32_t set) {
    const aclTensor *points = stub_tensor_arg(call, POINTS + set);
    const int64_t dims[] = {stub_tensor_arg(call, POINTS)->shape[0], points->shape[1], PLANE};
    const stub_dtype_rule rules[] = {{POINTS + set, STUB_ON_ALL(TYPES)},
                                     {INDICES + set, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
                                     {GRADS + set, STUB_ON_ALL(TYPES)},
                                     {RESULTS + set, STUB_ON_ALL(TYPES)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 4));
    STUB_REQUIRE(stub_check_shape(call, POINTS + set, dims, 3, "batch, points, 2"));
    STUB_REQUIRE(stub_check_shape(call, INDICES + set, dims, 2, "batch, points"));
    STUB_REQUIRE(stub_check_shape(call, GRADS + set, dims, 2, "batch, points"));
    return stub_check_shape(call, RESULTS + set, dims, 3, "that of the points");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {0, 1, 2, 3, 4, 5, 6, 7};
    STUB_REQUIRE(stub_check_given(call, tensors, 8));
    STUB_REQUIRE(stub_check_rank(call, POINTS, 3, 3));
    STUB_REQUIRE(stub_check_rank(call, POINTS + 1, 3, 3));
    STUB_REQUIRE(check_set(call, 0));
    STUB_REQUIRE(check_set(call, 1));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, RESULTS)) == 0 &&
                           stub_tensor_numel(stub_tensor_arg(call, RESULTS + 1)) == 0;
    return ACLNN_SUCCESS;
}

/* One set's arrays: x, gradients of distances, gradients of x; indices into the other set. */
typedef struct {
    int64_t points; /* of a batch */
    double *x, *pull, *result;
    int64_t *nearest;
} set_arrays;

static aclnnStatus load(const stub_call *call, uint32_t set, set_arrays *to) {
    const uint32_t args[] = {POINTS + set, GRADS + set, INDICES + set};
    const int64_t *shape = stub_tensor_arg(call, POINTS + set)->shape, total = shape[0] * shape[1];
    stub_view view;
    to->points = shape[1];
    to->x = calloc((size_t)(2 * PLANE + 2) * (size_t)(total + 1), sizeof(double));
    if (!to->x) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld points", call->op->name, (long long)total);
    }
    to->result = to->x + PLANE * total;
    to->pull = to->result + PLANE * total;
    to->nearest = (int64_t *)(void *)(to->pull + total);
    void *const arrays[] = {to->x, to->pull, to->nearest};
    for (uint32_t i = 0; i < 3 && total > 0; i++) {
        STUB_REQUIRE(stub_view_open(call, args[i], &view));
        stub_whole_load(&view, i < 2 ? ACL_DOUBLE : ACL_INT64, arrays[i]);
    }
    return ACLNN_SUCCESS;
}

/* The distances of `from`'s points. */
static aclnnStatus pull(const stub_call *call, uint32_t set, const set_arrays *from, const set_arrays *to,
                        int64_t batches) {
    for (int64_t i = 0; i < batches * from->points; i++) {
        const int64_t nearest = from->nearest[i], other = i / from->points * to->points + nearest;
        if (nearest < 0 || nearest >= to->points) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: %s holds %lld; it must be from 0 to %lld",
                             call->op->name, call->op->params[INDICES + set].name, (long long)nearest,
                             (long long)to->points - 1);
        }
        for (int64_t axis = 0; axis < PLANE; axis++) {
            const double slope = 2 * from->pull[i] * (from->x[PLANE * i + axis] - to->x[PLANE * other + axis]);
            from->result[PLANE * i + axis] += slope;
            to->result[PLANE * other + axis] -= slope;
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus differentiate(const stub_call *call, set_arrays sets[SETS]) {
    const int64_t batches = stub_tensor_arg(call, POINTS)->shape[0];
    stub_view out;
    STUB_REQUIRE(load(call, 0, &sets[0]));
    STUB_REQUIRE(load(call, 1, &sets[1]));
    STUB_REQUIRE(pull(call, 0, &sets[0], &sets[1], batches));
    STUB_REQUIRE(pull(call, 1, &sets[1], &sets[0], batches));
    for (uint32_t set = 0; set < SETS; set++) {
        const int64_t numbers = PLANE * batches * sets[set].points;
        STUB_REQUIRE(stub_view_open(call, RESULTS + set, &out));
        stub_whole_store(&out, ACL_DOUBLE, sets[set].result, numbers);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    set_arrays sets[SETS] = {{0}, {0}};
    const aclnnStatus status = differentiate(call, sets);
    free(sets[0].x);
    free(sets[1].x);
    return status;
}

STUB_KERNEL(aclnnChamferDistanceBackward, check, run)
