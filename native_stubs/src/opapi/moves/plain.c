/* aclnnTensorMove, a copy as it is; aclnnDiagPart, the diagonal of a square matrix; aclnnExpandv, a broadcast. */
#include "opapi/kernel.h"
#include "opapi/moves/box.h"

enum { X, Y };

#define UNSIGNED (STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))
#define DIAGONAL (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_INT32))

typedef struct {
    stub_dtypes allowed;
    bool diagonal;
} plain;

static aclnnStatus plain_check(const stub_call *call, stub_plan *plan, const plain *op) {
    const uint32_t tensors[] = {X, Y};
    const stub_dtype_rule rule = {X, STUB_ON_ALL(op->allowed)};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, Y, X));
    STUB_REQUIRE(stub_check_rank(call, X, op->diagonal ? 2 : 0, op->diagonal ? 2 : STUB_MAX_RANK));
    const aclTensor *x = stub_tensor_arg(call, X);
    plan->nothing_to_run = stub_tensor_numel(x) == 0;
    if (!op->diagonal) {
        return stub_check_same_shape(call, Y, X);
    }
    const int64_t square[] = {x->shape[0], x->shape[0]};
    STUB_REQUIRE(stub_check_shape(call, X, square, 2, "a square"));
    return stub_check_shape(call, Y, x->shape, 1, "rows of x");
}

static aclnnStatus plain_run(const stub_call *call, const plain *op) {
    stub_box from, to;
    STUB_REQUIRE(stub_box_open(call, X, &from));
    STUB_REQUIRE(stub_box_open(call, Y, &to));
    if (op->diagonal) {
        from.steps[0] += from.steps[1];
        from.rank = 1;
    }
    stub_copy(&to, &from);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnTensorMove, plain, {.allowed = STUB_NUMBERS | UNSIGNED})
STUB_FAMILY_KERNEL(aclnnDiagPart, plain, {.allowed = DIAGONAL, .diagonal = true})

enum { SELF, SHAPE, EXPANDED };

#define EXPANDABLE                                                                                                     \
    (STUB_FLOATS | STUB_BOOLS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT16) |                 \
     STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_UINT32))

static aclnnStatus expand_check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, EXPANDED};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(EXPANDABLE)};
    const aclIntArray *shape = call->args[SHAPE].ints;
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    if (!shape) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: shape is NULL; it is required", call->op->name);
    }
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, EXPANDED, SELF));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    bool fits = shape->size >= self->rank && shape->size <= STUB_MAX_RANK;
    for (uint32_t i = 0; fits && i < self->rank; i++) {
        const int64_t size = self->shape[i], wanted = shape->values[shape->size - self->rank + i];
        fits = size == wanted || size == 1;
    }
    if (!fits) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self does not broadcast to the given shape", call->op->name);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, EXPANDED)) == 0;
    return stub_check_shape(call, EXPANDED, shape->values, (uint32_t)shape->size, "that of the argument shape");
}

static aclnnStatus expand_run(const stub_call *call) {
    stub_box from, to;
    STUB_REQUIRE(stub_box_open(call, SELF, &from));
    STUB_REQUIRE(stub_box_open(call, EXPANDED, &to));
    stub_box_expand(&from, to.shape, to.rank);
    stub_copy(&to, &from);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnExpandv, expand_check, expand_run)
