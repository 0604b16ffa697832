/* aclnnMaxUnpool2d and 3d: each element goes where its index says in an output plane of zeros; and their gradients, the
 * elements that lie there. Of elements with the same index the last one stays. */
#include <string.h>

#include "opapi/kernel.h"
#include "opapi/line_set.h"
#include "opapi/validate.h"

enum { NONE = STUB_NO_ARGUMENT };

/* Arguments by number. `small` and `indices` have the shape of the pooled planes, `large` that of outputSize. */
typedef struct {
    int small, indices, large, size, stride, padding, self; /* self: only looked at */
    uint32_t spatial;
    stub_dtypes allowed, index_types;
    bool gathers;
} unpool;

static aclnnStatus check_array(const stub_call *call, int arg, uint32_t count, int64_t least) {
    const aclIntArray *array = arg == NONE ? NULL : call->args[arg].ints;
    if (arg == NONE) {
        return ACLNN_SUCCESS;
    }
    if (!array) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; it is required", call->op->name,
                         call->op->params[arg].name);
    }
    bool fits = array->size == count;
    for (uint64_t i = 0; fits && i < count; i++) {
        fits = array->values[i] >= least;
    }
    return fits ? ACLNN_SUCCESS
                : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s must hold %u numbers, none of them below %lld",
                            call->op->name, call->op->params[arg].name, count, (long long)least);
}

static aclnnStatus check_shapes(const stub_call *call, const unpool *op) {
    const uint32_t small = (uint32_t)op->small, outer = 1 + (stub_tensor_arg(call, small)->rank > op->spatial + 1);
    const aclTensor *tensor = stub_tensor_arg(call, small);
    const aclIntArray *size = call->args[op->size].ints;
    int64_t dims[STUB_MAX_RANK] = {0}, given = 1, wanted = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        dims[i] = i < outer ? tensor->shape[i] : size->values[i - outer];
        given *= i < outer ? 1 : tensor->shape[i];
        wanted *= i < outer ? 1 : dims[i];
    }
    if (wanted < given) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: outputSize has %lld places for the %lld elements of a plane",
                         call->op->name, (long long)wanted, (long long)given);
    }
    STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->indices, small));
    if (op->self != NONE) {
        STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->self, small));
    }
    return stub_check_shape(call, (uint32_t)op->large, dims, tensor->rank, "outer dimensions, outputSize");
}

static aclnnStatus unpool_check(const stub_call *call, stub_plan *plan, const unpool *op) {
    const uint32_t tensors[] = {(uint32_t)op->small, (uint32_t)op->indices, (uint32_t)op->large, (uint32_t)op->self};
    const stub_dtype_rule rules[] = {{tensors[0], STUB_ON_ALL(op->allowed)},
                                     {tensors[1], STUB_ON_ALL(op->index_types)}};
    STUB_REQUIRE(stub_check_given(call, tensors, op->self == NONE ? 3 : 4));
    STUB_REQUIRE(check_array(call, op->size, op->spatial, op->gathers ? 0 : 1));
    STUB_REQUIRE(check_array(call, op->stride, op->spatial, 1));
    STUB_REQUIRE(check_array(call, op->padding, op->spatial, INT64_MIN));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, tensors[2], tensors[0]));
    STUB_REQUIRE(op->self == NONE ? ACLNN_SUCCESS : stub_check_same_dtype(call, tensors[3], tensors[0]));
    STUB_REQUIRE(stub_check_rank(call, tensors[0], op->spatial + 1, op->spatial + 2));
    STUB_REQUIRE(check_shapes(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, op->gathers ? tensors[0] : tensors[2])) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    const stub_call *call;
    const unpool *op;
    size_t width; /* of a number */
} constants;

static aclnnStatus check_index(const constants *by, int64_t index, int64_t bound) {
    return index >= 0 && index < bound
               ? ACLNN_SUCCESS
               : stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: indices holds %lld; it must be from 0 to %lld",
                           by->call->op->name, (long long)index, (long long)bound - 1);
}

/* elements, indices -> places. */
static aclnnStatus scatter(const void *data, void *const *array, const int64_t *length, int64_t position,
                           void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const uint8_t *from = array[0];
    const int64_t *index = array[1];
    uint8_t *to = array[2];
    memset(to, 0, (size_t)length[2] * by->width);
    for (int64_t i = 0; i < length[1]; i++) {
        STUB_REQUIRE(check_index(by, index[i], length[2]));
        memcpy(to + (size_t)index[i] * by->width, from + (size_t)i * by->width, by->width);
    }
    return ACLNN_SUCCESS;
}

/* places, indices -> elements. */
static aclnnStatus gather(const void *data, void *const *array, const int64_t *length, int64_t position,
                          void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const uint8_t *from = array[0];
    const int64_t *index = array[1];
    uint8_t *to = array[2];
    for (int64_t i = 0; i < length[1]; i++) {
        STUB_REQUIRE(check_index(by, index[i], length[0]));
        memcpy(to + (size_t)i * by->width, from + (size_t)index[i] * by->width, by->width);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus unpool_run(const stub_call *call, const unpool *op) {
    const aclTensor *small = stub_tensor_arg(call, (uint32_t)op->small);
    const uint32_t axes = stub_last_axes(call, op->small, op->spatial);
    const constants by = {call, op, stub_class_size(stub_class_of(small->dtype))};
    stub_line_set set = {.call = call};
    stub_line_input(&set, op->gathers ? op->large : op->small, axes, small->dtype);
    stub_line_input(&set, op->indices, axes, ACL_INT64);
    stub_line_output(&set, op->gathers ? op->small : op->large, axes, small->dtype);
    set.lines.line = op->gathers ? gather : scatter;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

#define REALS (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16))
#define INT64 STUB_DTYPE(ACL_INT64)
#define INDICES (INT64 | STUB_DTYPE(ACL_INT32))

STUB_FAMILY_KERNEL(aclnnMaxUnpool2d, unpool,
                   {.small = 0,
                    .indices = 1,
                    .size = 2,
                    .large = 3,
                    .stride = NONE,
                    .padding = NONE,
                    .self = NONE,
                    .spatial = 2,
                    .allowed = REALS | STUB_INTEGERS | STUB_DTYPE(ACL_DOUBLE),
                    .index_types = INDICES})
STUB_FAMILY_KERNEL(aclnnMaxUnpool3d, unpool,
                   {.small = 0,
                    .indices = 1,
                    .size = 2,
                    .stride = 3,
                    .padding = 4,
                    .large = 5,
                    .self = NONE,
                    .spatial = 3,
                    .allowed = REALS | STUB_INTEGERS | STUB_DTYPE(ACL_DOUBLE),
                    .index_types = INDICES})
STUB_FAMILY_KERNEL(aclnnMaxUnpool2dBackward, unpool,
                   {.large = 0,
                    .self = 1,
                    .indices = 2,
                    .size = 3,
                    .small = 4,
                    .stride = NONE,
                    .padding = NONE,
                    .spatial = 2,
                    .allowed = REALS | STUB_INTEGERS | STUB_BOOLS,
                    .index_types = INDICES,
                    .gathers = true})
STUB_FAMILY_KERNEL(aclnnMaxUnpool3dBackward, unpool,
                   {.large = 0,
                    .self = 1,
                    .indices = 2,
                    .size = 3,
                    .stride = 4,
                    .padding = 5,
                    .small = 6,
                    .spatial = 3,
                    .allowed = REALS | STUB_INTEGERS | STUB_DTYPE(ACL_DOUBLE),
                    .index_types = INT64,
                    .gathers = true})
