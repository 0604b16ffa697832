/* aclnnMultilabelMarginLoss: for each row the mean over its classes of max(0, 1 - x[label] + x[other]), summed over the
 * labels, which are the targets before the first -1, and the classes that are none. */
#include <stdlib.h>
#include <string.h>

#include "opapi/kernel.h"
#include "opapi/line_set.h"

enum { SELF, TARGET, REDUCTION, OUT, IS_TARGET, KEPT = 0, MEAN, SUM };

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, 2));
    STUB_REQUIRE(stub_check_same_shape(call, TARGET, SELF));
    STUB_REQUIRE(stub_check_same_shape(call, IS_TARGET, SELF));
    if (stub_last_dim(self) == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: self has no classes", call->op->name);
    }
    const uint32_t rank = self->rank == 2 && call->args[REDUCTION].integer == KEPT;
    return stub_check_shape(call, OUT, self->shape, rank, "one loss, or one for each row");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, TARGET, OUT, IS_TARGET};
    const int64_t reduction = call->args[REDUCTION].integer;
    const stub_dtype_rule rules[] = {{SELF, STUB_ON_ALL(STUB_FLOATS)},
                                     {TARGET, STUB_ON_ALL(STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, SELF));
    STUB_REQUIRE(stub_check_same_dtype(call, IS_TARGET, SELF));
    if (reduction < KEPT || reduction > SUM) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: reduction is %lld; allowed are 0 (none), 1 (mean), 2 (sum)",
                         call->op->name, (long long)reduction);
    }
    STUB_REQUIRE(check_shapes(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    const stub_call *call;
    double *losses;
} constants;

static double label_loss(const float *x, const float *is_target, float score, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const double margin = 1 - (double)score + x[i];
        sum += is_target[i] == 0 && !(margin <= 0) ? margin : 0;
    }
    return sum;
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const int64_t n = length[0], *const targets = array[1];
    float *const is_target = array[2];
    int64_t labels = 0;
    double sum = 0;
    memset(is_target, 0, (size_t)n * sizeof *is_target);
    for (; labels < n && targets[labels] >= 0; labels++) {
        if (targets[labels] >= n) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: target holds %lld; there are %lld classes",
                             by->call->op->name, (long long)targets[labels], (long long)n);
        }
        is_target[targets[labels]] = 1;
    }
    for (int64_t k = 0; k < labels; k++) {
        sum += label_loss(array[0], is_target, ((const float *)array[0])[targets[k]], n);
    }
    by->losses[position] = sum / (double)n;
    return ACLNN_SUCCESS;
}

static aclnnStatus store_losses(const stub_call *call, double *losses, int64_t rows) {
    stub_view out;
    stub_row at;
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const int64_t results = stub_tensor_numel(out.tensor);
    for (int64_t i = 1; results < rows && i < rows; i++) {
        losses[0] += losses[i];
    }
    losses[0] /= call->args[REDUCTION].integer == MEAN ? (double)rows : 1;
    stub_row_start(&at, &out, out.tensor->rank, 0);
    for (int64_t i = 0; i < results; i++, stub_row_next(&at)) {
        stub_store(ACL_DOUBLE, &losses[i], 1, out.tensor->dtype, out.base + at.offset * (out.bits / 8), 0);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const int64_t rows = self->rank == 2 ? self->shape[0] : 1;
    const uint32_t axis = stub_last_axes(call, SELF, 1);
    const constants by = {call, malloc((size_t)rows * sizeof(double))};
    stub_line_set set = {.call = call};
    if (!by.losses) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld losses", call->op->name, (long long)rows);
    }
    stub_line_input(&set, SELF, axis, ACL_FLOAT);
    stub_line_input(&set, TARGET, axis, ACL_INT64);
    stub_line_output(&set, IS_TARGET, axis, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    aclnnStatus status = stub_line_set_run(&set);
    status = status ? status : store_losses(call, by.losses, rows);
    free(by.losses);
    return status;
}

STUB_KERNEL(aclnnMultilabelMarginLoss, check, run)
