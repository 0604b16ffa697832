/* aclnnSoftmax and aclnnLogSoftmax along one axis, and their backward forms. fp32 arithmetic (DOUBLE: fp64), rounded
 * once. */
#include "opapi/kernel.h"
#include "opapi/line_set.h"
#include "opapi/norm/softmax_lines.h"

typedef struct {
    void (*run_f32)(void *const *array, size_t n, void *scratch);
    void (*run_f64)(void *const *array, size_t n, void *scratch);
    bool needs_scratch; /* a number for each element */
} softmax;

enum { SELF, DIM, OUT };

static aclnnStatus softmax_check(const stub_call *call, stub_plan *plan, const softmax *op) {
    (void)op;
    const uint32_t tensors[] = {SELF, OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(STUB_REALS)}, {OUT, STUB_ON_ALL(STUB_REALS)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, DIM, stub_tensor_arg(call, SELF)->rank));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, SELF));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

static uint32_t axis_bit(const stub_call *call, uint32_t dim, uint32_t tensor) {
    const uint32_t rank = stub_tensor_arg(call, tensor)->rank;
    return rank == 0 ? 0 : 1u << stub_axis(call->args[dim].integer, rank);
}

static aclnnStatus line_f32(const void *op, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    (void)position;
    ((const softmax *)op)->run_f32(array, (size_t)length[0], scratch);
    return ACLNN_SUCCESS;
}

static aclnnStatus line_f64(const void *op, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    (void)position;
    ((const softmax *)op)->run_f64(array, (size_t)length[0], scratch);
    return ACLNN_SUCCESS;
}

static aclnnStatus softmax_run(const stub_call *call, const softmax *op) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const bool wide = self->dtype == ACL_DOUBLE;
    const uint32_t axis = axis_bit(call, DIM, SELF);
    const int64_t length = self->rank == 0 ? 1 : self->shape[stub_axis(call->args[DIM].integer, self->rank)];
    stub_line_set set = {.call = call};
    stub_line_input(&set, SELF, axis, wide ? ACL_DOUBLE : ACL_FLOAT);
    stub_line_output(&set, OUT, axis, wide ? ACL_DOUBLE : ACL_FLOAT);
    set.lines.in_place = true;
    set.lines.line = wide ? line_f64 : line_f32;
    set.lines.constants = op;
    set.lines.scratch = op->needs_scratch ? (size_t)length * sizeof(double) : 0;
    return stub_line_set_run(&set);
}

static void plain_f32(void *const *array, size_t n, void *scratch) {
    (void)scratch;
    stub_softmax_f32(array[0], n, array[1]);
}

static void plain_f64(void *const *array, size_t n, void *scratch) {
    (void)scratch;
    stub_softmax_f64(array[0], n, array[1]);
}

static void log_f32(void *const *array, size_t n, void *scratch) {
    stub_log_softmax_f32(array[0], n, scratch, array[1]);
}

static void log_f64(void *const *array, size_t n, void *scratch) {
    stub_log_softmax_f64(array[0], n, scratch, array[1]);
}

STUB_FAMILY_KERNEL(aclnnSoftmax, softmax, {plain_f32, plain_f64, false})
STUB_FAMILY_KERNEL(aclnnLogSoftmax, softmax, {log_f32, log_f64, true})

typedef struct {
    void (*run)(const float *grad, const float *output, size_t n, float *result);
} softmax_grad;

enum { GRAD, OUTPUT, GRAD_DIM, RESULT };

static aclnnStatus softmax_grad_check(const stub_call *call, stub_plan *plan, const softmax_grad *op) {
    (void)op;
    const uint32_t tensors[] = {GRAD, OUTPUT, RESULT};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    const stub_dtype_rule rules[] = {{GRAD, STUB_ON_ALL(STUB_FLOATS)}, {RESULT, STUB_ON_ALL(STUB_FLOATS)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, OUTPUT, GRAD));
    STUB_REQUIRE(stub_check_rank(call, GRAD, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, GRAD_DIM, stub_tensor_arg(call, GRAD)->rank));
    STUB_REQUIRE(stub_check_same_shape(call, OUTPUT, GRAD));
    STUB_REQUIRE(stub_check_same_shape(call, RESULT, GRAD));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, GRAD)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus grad_line(const void *op, void *const *array, const int64_t *length, int64_t position,
                             void *scratch) {
    (void)position, (void)scratch;
    ((const softmax_grad *)op)->run(array[0], array[1], (size_t)length[0], array[2]);
    return ACLNN_SUCCESS;
}

static aclnnStatus softmax_grad_run(const stub_call *call, const softmax_grad *op) {
    const uint32_t axis = axis_bit(call, GRAD_DIM, GRAD);
    stub_line_set set = {.call = call};
    stub_line_input(&set, GRAD, axis, ACL_FLOAT);
    stub_line_input(&set, OUTPUT, axis, ACL_FLOAT);
    stub_line_output(&set, RESULT, axis, ACL_FLOAT);
    set.lines.in_place = true;
    set.lines.line = grad_line;
    set.lines.constants = op;
    return stub_line_set_run(&set);
}

STUB_FAMILY_KERNEL(aclnnSoftmaxBackward, softmax_grad, {stub_softmax_backward})
STUB_FAMILY_KERNEL(aclnnLogSoftmaxBackward, softmax_grad, {stub_log_softmax_backward})
