/* One value everywhere, or on a diagonal: aclnnInplaceFillScalar, ...FillTensor, ...Zero, ...One, ...FillDiagonal,
 * aclnnEye. */
#include "opapi/moves/arrange.h"

enum { SELF, VALUE };

#define ONES STUB_NUMBERS
#define ZEROS (STUB_NUMBERS | STUB_COMPLEXES | STUB_DTYPE(ACL_UINT16))

typedef struct {
    stub_dtypes allowed;
    int64_t value; /* of operators without a value argument */
} stub_fills;

static aclnnStatus check_self(const stub_call *call, stub_plan *plan, stub_dtypes allowed) {
    const uint32_t self = SELF;
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(allowed)};
    STUB_REQUIRE(stub_check_given(call, &self, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus check_scalar(const stub_call *call, uint32_t arg) {
    return call->args[arg].scalar ? ACLNN_SUCCESS
                                  : stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this scalar is required",
                                              call->op->name, call->op->params[arg].name);
}

static aclnnStatus stub_fills_check(const stub_call *call, stub_plan *plan, const stub_fills *data) {
    return check_self(call, plan, data->allowed);
}

static aclnnStatus stub_fills_run(const stub_call *call, const stub_fills *data) {
    stub_box self;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    stub_fill(&self, ACL_INT64, &data->value);
    return ACLNN_SUCCESS;
}

static aclnnStatus check_fill_scalar(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_self(call, plan, STUB_MOVABLE));
    return check_scalar(call, VALUE);
}

static aclnnStatus fill_scalar(const stub_call *call) {
    const aclScalar *value = call->args[VALUE].scalar;
    stub_box self;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    stub_fill(&self, value->dtype, value->value.bytes);
    return ACLNN_SUCCESS;
}

static aclnnStatus check_fill_tensor(const stub_call *call, stub_plan *plan) {
    const uint32_t value = VALUE;
    const stub_dtype_rule rule = {VALUE, STUB_ON_ALL(STUB_MOVABLE)};
    STUB_REQUIRE(stub_check_given(call, &value, 1));
    STUB_REQUIRE(check_self(call, plan, STUB_NUMBERS | STUB_COMPLEXES));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, VALUE, 0, 1));
    if (stub_tensor_numel(stub_tensor_arg(call, VALUE)) != 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: value must have one element", call->op->name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus fill_tensor(const stub_call *call) {
    stub_box self, value;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, VALUE, &value));
    stub_fill(&self, value.dtype, value.first);
    return ACLNN_SUCCESS;
}

/* Two axes of any sizes, or more of one size. */
static aclnnStatus check_fill_diagonal(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_self(call, plan, STUB_NUMBERS));
    STUB_REQUIRE(check_scalar(call, VALUE));
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, STUB_MAX_RANK));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    for (uint32_t i = 1; self->rank > 2 && i < self->rank; i++) {
        if (self->shape[i] != self->shape[0]) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: selfRef has more than 2 dimensions, which must then be of one size", call->op->name);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus fill_diagonal(const stub_call *call) {
    enum { WRAP = 2 };
    const aclScalar *value = call->args[VALUE].scalar;
    stub_box self;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    const int64_t rows = self.shape[0], columns = self.shape[1];
    const bool wraps = call->args[WRAP].flag && self.rank == 2;
    int64_t step = 0;
    for (uint32_t i = 0; i < self.rank; i++) {
        step += self.steps[i];
    }
    stub_box diagonal = {.first = self.first, .dtype = self.dtype, .rank = 1, .steps = {step}};
    for (int64_t row = 0; row < rows && (row == 0 || wraps); row += columns + 1) {
        diagonal.shape[0] = rows - row < columns ? rows - row : columns;
        stub_fill(&diagonal, value->dtype, value->value.bytes);
        diagonal.first += (columns + 1) * self.steps[0];
    }
    return ACLNN_SUCCESS;
}

enum { EYE_N, EYE_M, EYE_OUT };

static aclnnStatus check_eye(const stub_call *call, stub_plan *plan) {
    const uint32_t out = EYE_OUT;
    const int64_t shape[] = {call->args[EYE_N].integer, call->args[EYE_M].integer};
    const stub_dtype_rule rule = {EYE_OUT, STUB_ON_ALL(STUB_FLOATS | STUB_INTEGERS | STUB_BOOLS)};
    STUB_REQUIRE(stub_check_given(call, &out, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    if (shape[0] < 0 || shape[1] < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: n is %lld and m is %lld; they must not be negative",
                         call->op->name, (long long)shape[0], (long long)shape[1]);
    }
    STUB_REQUIRE(stub_check_shape(call, EYE_OUT, shape, 2, "n and m"));
    plan->nothing_to_run = shape[0] == 0 || shape[1] == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus eye(const stub_call *call) {
    static const int64_t one = 1;
    stub_box out;
    STUB_REQUIRE(stub_box_open(call, EYE_OUT, &out));
    stub_fill_zero(&out);
    out.shape[0] = out.shape[0] < out.shape[1] ? out.shape[0] : out.shape[1];
    out.steps[0] += out.steps[1];
    out.rank = 1;
    stub_fill(&out, ACL_INT64, &one);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnInplaceZero, stub_fills, {ZEROS, 0})
STUB_FAMILY_KERNEL(aclnnInplaceOne, stub_fills, {ONES, 1})
STUB_KERNEL(aclnnInplaceFillScalar, check_fill_scalar, fill_scalar)
STUB_KERNEL(aclnnInplaceFillTensor, check_fill_tensor, fill_tensor)
STUB_KERNEL(aclnnInplaceFillDiagonal, check_fill_diagonal, fill_diagonal)
STUB_KERNEL(aclnnEye, check_eye, eye)
