/* aclnnPrelu: one weight for all of self, or one for each index of its second axis. aclnnLogSigmoidForward, whose
 * buffer is of no use on these products. */
#include "opapi/map.h"
#include "opapi/math.h"

enum { SELF, WEIGHT, OUT };

STUB_LOOP2(prelu_f32, float, float, (x > 0 ? x : x * y))
STUB_LOOP1(log_sigmoid_f32, float, float, (x < 0 ? x : 0) - stub_log1pf(stub_expf(-fabsf(x))))

static const stub_map prelu = {.loops = {&prelu_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT};
static const stub_map log_sigmoid = {.loops = {&log_sigmoid_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT};

static int64_t channels_of(const aclTensor *self) {
    return self->rank > 1 ? self->shape[1] : 1;
}

static aclnnStatus check_prelu(const stub_call *call, stub_plan *plan) {
    static const uint32_t all[] = {SELF, WEIGHT, OUT};
    STUB_REQUIRE(stub_check_given(call, all, 3));
    static const stub_dtype_rule types[] = {
        {SELF, STUB_ON_ALL(STUB_FLOATS)}, {WEIGHT, STUB_ON_ALL(STUB_FLOATS)}, {OUT, STUB_ON_ALL(STUB_FLOATS)}};
    STUB_REQUIRE(stub_check_dtypes(call, types, 3));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, SELF));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t given = stub_tensor_numel(stub_tensor_arg(call, WEIGHT));
    if (given != 1 && given != channels_of(self)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: weight has %lld elements; it has to have 1 or %lld, the channels", call->op->name,
                         (long long)given, (long long)channels_of(self));
    }
    plan->nothing_to_run = stub_tensor_numel(self) == 0;
    return ACLNN_SUCCESS;
}

/* The weight with its elements along the second of self's axes. */
static void lay_along_channels(const aclTensor *self, aclTensor *weight, int64_t *shape, int64_t *strides) {
    const int64_t count = stub_tensor_numel(weight);
    int64_t step = 0;
    for (uint32_t i = 0; i < weight->rank; i++) {
        step = weight->shape[i] > 1 ? weight->strides[i] : step;
    }
    for (uint32_t i = 0; i < self->rank; i++) {
        shape[i] = i == 1 ? count : 1;
        strides[i] = i == 1 ? step : 0;
    }
    weight->rank = self->rank > 1 ? self->rank : 0;
    weight->shape = shape;
    weight->strides = strides;
}

static aclnnStatus run_prelu(const stub_call *call) {
    stub_view self, weight, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, WEIGHT, &weight));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    aclTensor along = *weight.tensor;
    int64_t shape[STUB_MAX_RANK], strides[STUB_MAX_RANK];
    lay_along_channels(self.tensor, &along, shape, strides);
    weight.tensor = &along;
    const stub_operand in[] = {{.view = &self}, {.view = &weight}};
    const stub_view *const outs[] = {&out};
    stub_map_apply(&prelu, ACL_FLOAT, in, 2, outs, 1, NULL);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnPrelu, check_prelu, run_prelu)

/* The call without its last argument. */
static stub_call without_buffer(const stub_call *call, stub_operator *op) {
    stub_call shorter = *call;
    *op = *call->op;
    op->count--;
    shorter.op = op;
    return shorter;
}

static aclnnStatus check_log_sigmoid(const stub_call *call, stub_plan *plan) {
    stub_operator op;
    const stub_call shorter = without_buffer(call, &op);
    return stub_map_check(&shorter, plan, &log_sigmoid);
}

static aclnnStatus run_log_sigmoid(const stub_call *call) {
    stub_operator op;
    const stub_call shorter = without_buffer(call, &op);
    return stub_map_run(&shorter, &log_sigmoid);
}

STUB_KERNEL(aclnnLogSigmoidForward, check_log_sigmoid, run_log_sigmoid)
