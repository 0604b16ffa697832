/* Phase one of the gradients of norms. */
#include <string.h>

#include "opapi/norm/norm_grad.h"

enum { NONE = STUB_NO_ARGUMENT };

bool stub_norm_grad_wants(const stub_call *call, const norm_grad *op, uint32_t output) {
    uint64_t count = 0;
    const bool *mask = op->mask == NONE ? NULL : stub_argument_items(call, (uint32_t)op->mask, &count);
    return !mask || output >= count || mask[output];
}

uint32_t stub_norm_grad_axes(const stub_call *call, const norm_grad *op) {
    uint64_t count = 0;
    if (op->dims == NONE) {
        return stub_norm_axes(call, op->gamma, op->x);
    }
    stub_argument_items(call, (uint32_t)op->dims, &count);
    return (uint32_t)count;
}

static aclnnStatus check_normalised_shape(const stub_call *call, const norm_grad *op) {
    uint64_t count = 0;
    const aclTensor *x = stub_tensor_or_none(call, op->x);
    if (op->dims == NONE) {
        return stub_norm_gamma_shape(call, op->gamma, op->x);
    }
    const int64_t *dims = stub_argument_items(call, (uint32_t)op->dims, &count);
    if (!dims) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: normalizedShape is NULL", call->op->name);
    }
    if (count < 1 || count > x->rank || memcmp(dims, x->shape + x->rank - count, count * sizeof *dims) != 0) {
        char given[160];
        const long long first = count > 0 ? (long long)dims[0] : 0;
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: normalizedShape has %llu lengths, the first %lld; it must be the last dimensions of "
                         "input (%s)",
                         call->op->name, (unsigned long long)count, first, stub_describe(x, given, sizeof given));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const norm_grad *op) {
    const int like_x[] = {op->dy, op->x2, op->extra, op->dx, op->dx2}, parameters[] = {op->dgamma, op->dbeta};
    const int statistics[] = {op->mean, op->rstd};
    STUB_REQUIRE(stub_norm_dtype(call, op->x, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtypes(call, like_x, STUB_COUNT(like_x), op->x));
    STUB_REQUIRE(stub_norm_same_or_float(call, op->gamma, op->x));
    STUB_REQUIRE(stub_norm_same_or_float(call, op->beta, op->x));
    for (size_t i = 0; i < STUB_COUNT(parameters); i++) {
        const aclTensor *gamma = stub_tensor_or_none(call, op->gamma);
        const aclDataType wanted = !op->like_gamma ? ACL_FLOAT
                                   : gamma         ? gamma->dtype
                                                   : stub_tensor_or_none(call, op->x)->dtype;
        STUB_REQUIRE(stub_norm_dtype(call, parameters[i], STUB_DTYPE(wanted)));
        STUB_REQUIRE(stub_norm_same_or_float(call, statistics[i], op->x));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_outputs(const stub_call *call, const norm_grad *op) {
    const int outputs[] = {op->dx, op->dgamma, op->dbeta};
    for (uint32_t i = 0; i < STUB_COUNT(outputs); i++) {
        if (stub_norm_grad_wants(call, op, i)) {
            STUB_REQUIRE(stub_norm_given(call, &outputs[i], 1));
        }
    }
    return ACLNN_SUCCESS;
}

/* Of a root mean square norm: the first dimensions of x, more or fewer ones (1) behind them. */
static aclnnStatus check_rstd(const stub_call *call, const norm_grad *op, uint32_t axes) {
    const aclTensor *rstd = stub_tensor_or_none(call, op->rstd), *x = stub_tensor_or_none(call, op->x);
    const uint32_t rows = x->rank - axes;
    if (op->mean != NONE) {
        return stub_norm_statistic_shape(call, op->rstd, op->x, axes);
    }
    for (uint32_t i = 0; i < rstd->rank || i < rows; i++) {
        if ((i < rstd->rank ? rstd->shape[i] : 1) != (i < rows ? x->shape[i] : 1)) {
            return stub_check_shape(call, (uint32_t)op->rstd, x->shape, rows, "that of x without the axes of gamma");
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus norm_grad_check(const stub_call *call, stub_plan *plan, const norm_grad *op) {
    const int required[] = {op->dy, op->x, op->x2, op->mean, op->rstd, op->dims == NONE ? op->gamma : NONE};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(check_outputs(call, op));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->x, 1, STUB_MAX_RANK));
    STUB_REQUIRE(check_normalised_shape(call, op));
    const int like_x[] = {op->dy, op->x2, op->extra, op->dx, op->dx2};
    const int last[] = {op->gamma, op->beta, op->dgamma, op->dbeta};
    const uint32_t axes = stub_norm_grad_axes(call, op);
    STUB_REQUIRE(stub_norm_same_shapes(call, like_x, STUB_COUNT(like_x), op->x));
    for (size_t i = 0; i < STUB_COUNT(last); i++) {
        STUB_REQUIRE(stub_norm_last_dims(call, last[i], op->x, axes));
    }
    STUB_REQUIRE(stub_norm_statistic_shape(call, op->mean, op->x, axes));
    STUB_REQUIRE(check_rstd(call, op, axes));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_or_none(call, op->x)) == 0;
    return ACLNN_SUCCESS;
}
