/* aclnnPreluBackward: where self is not positive, the gradient times the weight goes to self, times self to the weight;
 * the sums of the latter in fp64, rounded once. */
#include "opapi/lines.h"
#include "opapi/moves/numbers.h"

enum { GRAD, SELF, WEIGHT, GRAD_INPUT, GRAD_WEIGHT };

static int64_t channels_of(const aclTensor *self) {
    return self->rank > 1 ? self->shape[1] : 1;
}

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *grad = stub_tensor_arg(call, GRAD);
    const int64_t given = stub_tensor_numel(stub_tensor_arg(call, WEIGHT)), channels = channels_of(self);
    STUB_REQUIRE(stub_check_same_shape(call, GRAD_INPUT, SELF));
    if (given != 1 && (given != channels || self->rank == 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: weight has %lld elements; it has to have 1 or %lld, the channels", call->op->name,
                         (long long)given, (long long)channels);
    }
    STUB_REQUIRE(given == 1 ? stub_check_same_shape(call, GRAD_WEIGHT, WEIGHT)
                            : stub_check_shape(call, GRAD_WEIGHT, &channels, 1, "the channels of self"));
    for (uint32_t i = 0; i < grad->rank; i++) {
        const bool known = i < self->rank;
        const int64_t size = grad->shape[grad->rank - 1 - i];
        if (!known || (size != 1 && size != self->shape[self->rank - 1 - i])) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: gradOutput cannot be broadcast to the shape of self",
                             call->op->name);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    static const uint32_t all[] = {GRAD, SELF, WEIGHT, GRAD_INPUT, GRAD_WEIGHT};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, all, 5));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (uint32_t i = 0; i < 5; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, all[i], SELF));
        STUB_REQUIRE(stub_check_rank(call, all[i], 0, STUB_MAX_RANK));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return check_shapes(call);
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t count = stub_tensor_numel(self), weights = stub_tensor_numel(stub_tensor_arg(call, WEIGHT));
    int64_t inner = 1;
    for (uint32_t i = 2; i < self->rank; i++) {
        inner *= self->shape[i];
    }
    stub_numbers set = {.call = call};
    const float *grad = stub_numbers_read_to(&set, GRAD, ACL_FLOAT, self->shape, self->rank);
    const float *x = stub_numbers_read(&set, SELF, ACL_FLOAT), *weight = stub_numbers_read(&set, WEIGHT, ACL_FLOAT);
    float *to = stub_numbers_write(&set, GRAD_INPUT, ACL_FLOAT);
    double *sums = stub_numbers_write(&set, GRAD_WEIGHT, ACL_DOUBLE);
    for (int64_t i = 0; i < count && set.status == ACLNN_SUCCESS; i++) {
        const int64_t channel = weights == 1 ? 0 : i / inner % weights;
        const bool passes = x[i] > 0;
        to[i] = passes ? grad[i] : grad[i] * weight[channel];
        sums[channel] += passes ? 0 : (double)grad[i] * x[i];
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnPreluBackward, check, run)
