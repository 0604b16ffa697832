/* aclnnMoeFinalizeRouting and V2: each token's results from its experts come back and are summed up:
 * out[i] = x1[i] + x2[i] + sum over k of scales[i, k] * (expandedX[row] + bias[expert]), in fp32; the row of pair (i,
 * k) stands at k * tokens + i of expandedRowIdx, in modes 2 and 3 at i * K + k; -1: it was dropped, and counts as
 * zeros. */
#include <stdlib.h>

#include "opapi/moe/rows.h"

/* Arguments by number. */
typedef struct {
    uint32_t expanded, rows, x1, x2, bias, scales, experts, out;
    bool v2;
} finalize;

static int64_t mode_of(const stub_call *call, const finalize *op) {
    return op->v2 ? call->args[op->out - 1].integer : 0;
}

static int64_t each_of(const stub_call *call, const finalize *op) {
    const aclTensor *scales = stub_tensor_arg(call, op->scales);
    return scales ? scales->shape[1] : 1;
}

static aclnnStatus check_types(const stub_call *call, const finalize *op) {
    const stub_dtypes int32 = STUB_DTYPE(ACL_INT32);
    const stub_dtype_rule rules[] = {{op->expanded, STUB_ON_ALL(STUB_FLOATS)},
                                     {op->scales, STUB_ON_ALL(STUB_FLOATS)},
                                     {op->rows, STUB_ON_ALL(int32)},
                                     {op->experts, STUB_ON_ALL(int32)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 4));
    STUB_REQUIRE(stub_check_same_dtype(call, op->x1, op->expanded));
    STUB_REQUIRE(stub_check_same_dtype(call, op->x2, op->expanded));
    STUB_REQUIRE(stub_check_same_dtype(call, op->bias, op->expanded));
    return stub_check_same_dtype(call, op->out, op->expanded);
}

static aclnnStatus check_absent(const stub_call *call, const finalize *op) {
    const int64_t mode = mode_of(call, op);
    if (mode < 0 || mode > 3) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dropPadMode is %lld; allowed are 0 to 3", call->op->name,
                         (long long)mode);
    }
    if (!stub_tensor_arg(call, op->x1) && stub_tensor_arg(call, op->x2)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x2Optional is given and x1 is not", call->op->name);
    }
    if (stub_tensor_arg(call, op->bias) && !stub_tensor_arg(call, op->experts)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a bias is given and %s is not", call->op->name,
                         call->op->params[op->experts].name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const finalize *op) {
    const aclTensor *expanded = stub_tensor_arg(call, op->expanded), *out = stub_tensor_arg(call, op->out);
    const bool drops = mode_of(call, op) % 2 == 1;
    STUB_REQUIRE(stub_check_rank(call, op->expanded, drops ? 3 : 2, drops ? 3 : 2));
    STUB_REQUIRE(stub_check_rank(call, op->out, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, op->scales, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, op->bias, 2, 2));
    const int64_t h = stub_last_dim(expanded), tokens = out->shape[0], k = each_of(call, op), pairs = tokens * k;
    const int64_t result[] = {tokens, h}, two[] = {tokens, k};
    STUB_REQUIRE(stub_check_shape(call, op->out, result, 2, "tokens, columns of expandedX"));
    STUB_REQUIRE(stub_check_shape(call, op->x1, result, 2, "that of out"));
    STUB_REQUIRE(stub_check_shape(call, op->x2, result, 2, "that of out"));
    STUB_REQUIRE(stub_check_shape(call, op->scales, two, 2, "tokens, K"));
    STUB_REQUIRE(stub_check_shape(call, op->experts, two, 2, "tokens, K"));
    STUB_REQUIRE(stub_check_shape(call, op->rows, &pairs, 1, "tokens * K"));
    const aclTensor *bias = stub_tensor_arg(call, op->bias);
    const int64_t biases[] = {bias ? bias->shape[0] : 0, h};
    return stub_check_shape(call, op->bias, biases, 2, "experts, columns of expandedX");
}

static aclnnStatus finalize_check(const stub_call *call, stub_plan *plan, const finalize *op) {
    const uint32_t required[] = {op->expanded, op->rows, op->out, op->x1, op->bias, op->scales, op->experts};
    STUB_REQUIRE(stub_check_given(call, required, op->v2 ? 3 : 7));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_absent(call, op));
    STUB_REQUIRE(check_shapes(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, op->out)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t *rows, *source, *experts;
    float *scales;
} memory;

static aclnnStatus open_rows(const stub_call *call, const uint32_t *args, stub_token_rows *rows, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (stub_tensor_arg(call, args[i])) {
            STUB_REQUIRE(stub_token_rows_open(call, args[i], &rows[i]));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus combine(const stub_call *call, const finalize *op, memory *of) {
    enum { OUT, EXPANDED, X1, X2, BIAS, COUNT };
    const uint32_t args[COUNT] = {op->out, op->expanded, op->x1, op->x2, op->bias};
    stub_token_rows rows[COUNT];
    STUB_REQUIRE(open_rows(call, args, rows, COUNT));
    STUB_REQUIRE(stub_read_integers(call, op->rows, &of->rows));
    STUB_REQUIRE(stub_read_integers(call, op->experts, &of->experts));
    STUB_REQUIRE(stub_read_floats(call, op->scales, &of->scales));
    const int64_t tokens = rows[OUT].rows, k = each_of(call, op), pairs = tokens * k;
    STUB_REQUIRE(stub_check_indices(call, op->rows, of->rows, pairs, -1, rows[EXPANDED].rows));
    const bool biased = stub_tensor_arg(call, op->bias) != NULL;
    if (biased) {
        STUB_REQUIRE(stub_check_indices(call, op->experts, of->experts, pairs, 0, rows[BIAS].rows));
    }
    of->source = stub_moe_memory(call, pairs);
    if (!of->source) {
        return ACLNN_ERR_INNER;
    }
    for (int64_t pair = 0; pair < pairs; pair++) {
        of->source[pair] = of->rows[mode_of(call, op) >= 2 ? pair : pair % k * tokens + pair / k];
    }
    const stub_row_sum sum = {
        .out = &rows[OUT],
        .from = &rows[EXPANDED],
        .base = {stub_tensor_arg(call, op->x1) ? &rows[X1] : NULL, stub_tensor_arg(call, op->x2) ? &rows[X2] : NULL},
        .bias = biased ? &rows[BIAS] : NULL,
        .each = k,
        .source = of->source,
        .expert = of->experts,
        .weight = of->scales};
    stub_sum_rows(&sum);
    return ACLNN_SUCCESS;
}

static aclnnStatus finalize_run(const stub_call *call, const finalize *op) {
    memory of = {0};
    const aclnnStatus status = combine(call, op, &of);
    free(of.rows), free(of.source), free(of.experts), free(of.scales);
    return status;
}

STUB_FAMILY_KERNEL(aclnnMoeFinalizeRouting, finalize,
                   {.x1 = 1, .x2 = 2, .bias = 3, .scales = 4, .rows = 5, .experts = 6, .out = 7})
STUB_FAMILY_KERNEL(aclnnMoeFinalizeRoutingV2, finalize,
                   {.rows = 1, .x1 = 2, .x2 = 3, .bias = 4, .scales = 5, .experts = 6, .out = 8, .v2 = true})
