/* aclnnGroupedBiasAddGrad and V2: the gradient of a bias that the rows of a group share is the sum of their gradients,
 * in fp32. Groups are given by where they end or by their lengths, or are the first axis. */
#include <stdlib.h>

#include "opapi/moe/rows.h"

enum { GRAD, GROUPS, MOST_GROUPS = 2048, ENDS = 0, COUNTS = 1 };

/* The numbers of arguments; a version without groupIdxType has ends. */
typedef struct {
    uint32_t type, out;
} bias_grad;

static int64_t type_of(const stub_call *call, const bias_grad *op) {
    return op->type != 0 ? call->args[op->type].integer : ENDS;
}

static aclnnStatus check_groups(const stub_call *call) {
    const aclTensor *groups = stub_tensor_arg(call, GROUPS);
    const stub_dtype_rule rule = {GROUPS, STUB_ON_ALL(STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, GROUPS, 1, 1));
    STUB_REQUIRE(stub_check_rank(call, GRAD, groups ? 2 : 3, groups ? 2 : 3));
    if (groups && groups->shape[0] > MOST_GROUPS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: groupIdxOptional has %lld groups; at most %d are allowed",
                         call->op->name, (long long)groups->shape[0], MOST_GROUPS);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus bias_grad_check(const stub_call *call, stub_plan *plan, const bias_grad *op) {
    const uint32_t tensors[] = {GRAD, op->out};
    const stub_dtype_rule floats = {GRAD, STUB_ON_ALL(STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &floats, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, op->out, GRAD));
    STUB_REQUIRE(check_groups(call));
    const aclTensor *grad = stub_tensor_arg(call, GRAD), *groups = stub_tensor_arg(call, GROUPS);
    const int64_t out[] = {groups ? groups->shape[0] : grad->shape[0], stub_last_dim(grad)};
    STUB_REQUIRE(stub_check_shape(call, op->out, out, 2, "groups, columns of gradY"));
    const int64_t type = type_of(call, op);
    if (type != ENDS && type != COUNTS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: groupIdxType is %lld; allowed are 0 (ends) and 1 (lengths)",
                         call->op->name, (long long)type);
    }
    plan->nothing_to_run = out[0] * out[1] == 0;
    return ACLNN_SUCCESS;
}

/* starts[g]: the first row of group g; one more than there are groups. */
static aclnnStatus find_starts(const stub_call *call, const bias_grad *op, int64_t groups, int64_t rows,
                               const int64_t *given, int64_t *starts) {
    for (int64_t g = 0; g < groups; g++) {
        const int64_t most = type_of(call, op) == COUNTS ? rows - starts[g] : rows,
                      least = type_of(call, op) == COUNTS || !given ? 0 : starts[g];
        const int64_t number = given ? given[g] : (g + 1) * (rows / groups);
        if (number < least || number > most) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                             "%s: element %lld of groupIdxOptional is %lld; gradY has %lld rows, and groups ascend",
                             call->op->name, (long long)g, (long long)number, (long long)rows);
        }
        starts[g + 1] = given && type_of(call, op) == COUNTS ? starts[g] + number : number;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus sum_groups(const stub_call *call, const bias_grad *op, int64_t **given, int64_t **starts,
                              int64_t **source) {
    stub_token_rows grad, out;
    STUB_REQUIRE(stub_token_rows_open(call, GRAD, &grad));
    STUB_REQUIRE(stub_token_rows_open(call, op->out, &out));
    STUB_REQUIRE(stub_read_integers(call, GROUPS, given));
    *starts = stub_moe_memory(call, out.rows + 1);
    *source = stub_moe_memory(call, grad.rows);
    if (!*starts || !*source) {
        return ACLNN_ERR_INNER;
    }
    STUB_REQUIRE(find_starts(call, op, out.rows, grad.rows, *given, *starts));
    for (int64_t r = 0; r < grad.rows; r++) {
        (*source)[r] = r;
    }
    const stub_row_sum sum = {
        .out = &out, .from = &grad, .each = grad.rows / out.rows, .start = *starts, .source = *source};
    stub_sum_rows(&sum);
    return ACLNN_SUCCESS;
}

static aclnnStatus bias_grad_run(const stub_call *call, const bias_grad *op) {
    int64_t *given = NULL, *starts = NULL, *source = NULL;
    const aclnnStatus status = sum_groups(call, op, &given, &starts, &source);
    free(given), free(starts), free(source);
    return status;
}

STUB_FAMILY_KERNEL(aclnnGroupedBiasAddGrad, bias_grad, {.out = 2})
STUB_FAMILY_KERNEL(aclnnGroupedBiasAddGradV2, bias_grad, {.type = 2, .out = 3})
