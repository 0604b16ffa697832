/* Elements that a condition chooses: aclnnMaskedSelect, aclnnInplaceMaskedScatter, aclnnNonzero, aclnnNonzeroV2. As on
 * an NPU the output is as large as it may become, and then told how much of it is found; what lies behind the last
 * element found is left alone. */
#include <stdlib.h>

#include "opapi/indexing/places.h"
#include "opapi/walk.h"

#define MASKS (STUB_BOOLS | STUB_DTYPE(ACL_UINT8))

/* A box's elements as flags in row-major order, and how many are set; NULL without memory. */
static uint8_t *read_flags(const stub_box *box, int64_t *count) {
    const int64_t size = stub_box_size(box);
    uint8_t *flags = malloc((size_t)(size > 0 ? size : 1));
    *count = 0;
    if (flags == NULL) {
        return NULL;
    }
    const stub_box dense = stub_box_over(flags, ACL_BOOL, box->shape, box->rank);
    stub_copy(&dense, box);
    for (int64_t i = 0; i < size; i++) {
        *count += flags[i];
    }
    return flags;
}

static aclnnStatus no_memory(const stub_call *call) {
    return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for the mask", call->op->name);
}

/* The address of the element at a row-major position. */
static uint8_t *element(const stub_box *box, int64_t position) {
    uint8_t *at = box->first;
    for (uint32_t i = box->rank; i-- > 0; position /= box->shape[i]) {
        at += position % box->shape[i] * box->steps[i];
    }
    return at;
}

enum { SELF, MASK, THIRD };

static aclnnStatus check_mask(const stub_call *call, int64_t *shape, int *rank) {
    const uint32_t mask = MASK;
    const stub_dtype_rule rule = {MASK, STUB_ON_ALL(MASKS)};
    STUB_REQUIRE(stub_check_given(call, &mask, 1));
    STUB_REQUIRE(stub_check_move(call, SELF, THIRD, STUB_NUMBERS));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, MASK, 0, STUB_MAX_RANK));
    const aclTensor *both[] = {stub_tensor_arg(call, SELF), stub_tensor_arg(call, MASK)};
    *rank = stub_broadcast(both, 2, shape);
    return *rank >= 0 ? ACLNN_SUCCESS
                      : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the shapes of %s and mask do not broadcast together",
                                  call->op->name, call->op->params[SELF].name);
}

static aclnnStatus check_select(const stub_call *call, stub_plan *plan) {
    int64_t shape[STUB_MAX_RANK], size = 1;
    int rank;
    STUB_REQUIRE(check_mask(call, shape, &rank));
    for (int i = 0; i < rank; i++) {
        size *= shape[i];
    }
    STUB_REQUIRE(stub_check_shape(call, THIRD, &size, 1, "one element for each of self and mask, broadcast"));
    plan->nothing_to_run = size == 0;
    plan->tells_shapes = true;
    return ACLNN_SUCCESS;
}

static aclnnStatus run_select(const stub_call *call) {
    stub_box self, mask, out;
    int64_t shape[STUB_MAX_RANK], count, at = 0;
    const aclTensor *both[] = {stub_tensor_arg(call, SELF), stub_tensor_arg(call, MASK)};
    const uint32_t rank = (uint32_t)stub_broadcast(both, 2, shape);
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, MASK, &mask));
    STUB_REQUIRE(stub_box_open(call, THIRD, &out));
    stub_box_expand(&self, shape, rank);
    stub_box_expand(&mask, shape, rank);
    uint8_t *flags = read_flags(&mask, &count);
    if (flags == NULL) {
        return no_memory(call);
    }
    const int64_t width = stub_box_width(&self);
    for (int64_t i = 0; at < count; i++) {
        if (flags[i] != 0) {
            stub_move(width, out.first + at++ * out.steps[0], width, element(&self, i), width, 1);
        }
    }
    free(flags);
    return stub_tell_shape(call, THIRD, &count, 1);
}

static aclnnStatus check_scatter(const stub_call *call, stub_plan *plan) {
    int64_t shape[STUB_MAX_RANK];
    int rank;
    STUB_REQUIRE(check_mask(call, shape, &rank));
    STUB_REQUIRE(stub_check_shape(call, SELF, shape, (uint32_t)rank, "mask must broadcast to it"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run_scatter(const stub_call *call) {
    stub_box self, mask, source;
    int64_t count, at = 0;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, MASK, &mask));
    STUB_REQUIRE(stub_box_open(call, THIRD, &source));
    stub_box_expand(&mask, self.shape, self.rank);
    uint8_t *flags = read_flags(&mask, &count);
    if (flags == NULL) {
        return no_memory(call);
    }
    const int64_t width = stub_box_width(&self), given = stub_box_size(&source);
    for (int64_t i = 0; count <= given && at < count; i++) {
        if (flags[i] != 0) {
            stub_move(width, element(&self, i), width, element(&source, at++), width, 1);
        }
    }
    free(flags);
    return count <= given
               ? ACLNN_SUCCESS
               : stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: mask has %lld true elements, source only %lld",
                           call->op->name, (long long)count, (long long)given);
}

enum { NONZERO_OUT = 1 };

/* V2's output is the transposed one: a row per axis, and rows are as long as what is found. */
typedef struct {
    stub_dtypes allowed;
    bool rows_are_axes;
} stub_nonzeros;

static aclnnStatus stub_nonzeros_check(const stub_call *call, stub_plan *plan, const stub_nonzeros *data) {
    const uint32_t tensors[] = {SELF, NONZERO_OUT};
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(data->allowed)},
                                     {NONZERO_OUT, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t size = stub_tensor_numel(self);
    STUB_REQUIRE(stub_check_rank(call, NONZERO_OUT, 2, 2));
    const int64_t *given = stub_tensor_arg(call, NONZERO_OUT)->shape;
    const int64_t room = given[data->rows_are_axes ? 1 : 0];
    const int64_t shape[] = {data->rows_are_axes ? self->rank : room, data->rows_are_axes ? room : self->rank};
    STUB_REQUIRE(stub_check_shape(call, NONZERO_OUT, shape, 2, "one coordinate for each axis of self"));
    plan->nothing_to_run = size == 0 || self->rank == 0;
    plan->tells_shapes = true;
    return ACLNN_SUCCESS;
}

/* Bytes from a coordinate to that of the next axis. */
static int64_t axis_step(const stub_call *call, const stub_box *out, int64_t count, const stub_nonzeros *data) {
    const bool dense = stub_tensor_is_contiguous(stub_tensor_arg(call, NONZERO_OUT));
    return !data->rows_are_axes ? out->steps[1] : dense ? count * stub_box_width(out) : out->steps[0];
}

static aclnnStatus stub_nonzeros_run(const stub_call *call, const stub_nonzeros *data) {
    stub_box self, out;
    int64_t count, at = 0;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, NONZERO_OUT, &out));
    uint8_t *flags = read_flags(&self, &count);
    if (flags == NULL) {
        return no_memory(call);
    }
    const int64_t room = out.shape[data->rows_are_axes ? 1 : 0];
    if (count > room) {
        free(flags);
        return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: self has %lld elements that are not 0, out room for %lld",
                         call->op->name, (long long)count, (long long)room);
    }
    const int64_t next = out.steps[data->rows_are_axes ? 1 : 0], axis = axis_step(call, &out, count, data);
    for (int64_t i = 0; at < count; i++) {
        int64_t rest = i;
        for (uint32_t k = self.rank; flags[i] != 0 && k-- > 0; rest /= self.shape[k]) {
            const int64_t index = rest % self.shape[k];
            stub_move(8, out.first + at * next + k * axis, 8, (const uint8_t *)&index, 8, 1);
        }
        at += flags[i];
    }
    free(flags);
    const int64_t found[] = {data->rows_are_axes ? self.rank : count, data->rows_are_axes ? count : self.rank};
    return stub_tell_shape(call, NONZERO_OUT, found, 2);
}

STUB_KERNEL(aclnnMaskedSelect, check_select, run_select)
STUB_KERNEL(aclnnInplaceMaskedScatter, check_scatter, run_scatter)
STUB_FAMILY_KERNEL(aclnnNonzero, stub_nonzeros, {STUB_NUMBERS, false})
STUB_FAMILY_KERNEL(aclnnNonzeroV2, stub_nonzeros, {STUB_NUMBERS | STUB_UNSIGNED, true})
