/* aclnnMoeFinalizeRoutingV2Grad: each pair's row gets its token's gradient times its scale; a scale's own gradient is
 * the product of that gradient with the row, and with the expert's bias. Rows that were dropped count as zeros. */
#include <stdlib.h>

#include "opapi/moe/rows.h"

enum { GRAD, PLACES, EXPANDED, SCALES, EXPERTS, BIAS, MODE, ACTIVE, EXPERT_NUM, CAPACITY, EXPANDED_GRAD, SCALES_GRAD };

static aclnnStatus check_modes(const stub_call *call) {
    const int64_t mode = call->args[MODE].integer;
    if (mode != 0 && mode != 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dropPadMode is %lld; allowed are 0 and 1", call->op->name,
                         (long long)mode);
    }
    if (mode == 1 && (call->args[EXPERT_NUM].integer <= 0 || call->args[CAPACITY].integer <= 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: expertNum is %lld, expertCapacity %lld; with dropPadMode 1 both must be positive",
                         call->op->name, (long long)call->args[EXPERT_NUM].integer,
                         (long long)call->args[CAPACITY].integer);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call) {
    const stub_dtype_rule rules[] = {{GRAD, STUB_ON_ALL(STUB_FLOATS)},
                                     {PLACES, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
                                     {EXPERTS, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))}};
    const uint32_t alike[] = {EXPANDED, SCALES, BIAS, EXPANDED_GRAD, SCALES_GRAD};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    for (uint32_t i = 0; i < 5; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, alike[i], GRAD));
    }
    return ACLNN_SUCCESS;
}

/* Each expert's rows, or all of them up to activeNum. */
static aclnnStatus check_rows(const stub_call *call, uint32_t arg) {
    const int64_t pairs = stub_tensor_arg(call, PLACES)->shape[0], active = call->args[ACTIVE].integer,
                  columns = stub_tensor_arg(call, GRAD)->shape[1];
    const int64_t two[] = {active > 0 && active < pairs ? active : pairs, columns},
                  three[] = {call->args[EXPERT_NUM].integer, call->args[CAPACITY].integer, columns};
    return call->args[MODE].integer == 1 ? stub_check_shape(call, arg, three, 3, "expertNum, expertCapacity, columns")
                                         : stub_check_shape(call, arg, two, 2, "rows up to activeNum, columns");
}

static aclnnStatus check_shapes(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, GRAD, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, PLACES, 1, 1));
    STUB_REQUIRE(stub_check_rank(call, SCALES, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, BIAS, 2, 2));
    const aclTensor *grad = stub_tensor_arg(call, GRAD), *scales = stub_tensor_arg(call, SCALES),
                    *bias = stub_tensor_arg(call, BIAS);
    const int64_t k = scales ? scales->shape[1] : 1, tokens = grad->shape[0], pairs = tokens * k;
    const int64_t two[] = {tokens, k}, experts[] = {call->args[MODE].integer == 1 ? call->args[EXPERT_NUM].integer
                                                    : bias                        ? bias->shape[0]
                                                                                  : 0,
                                                    grad->shape[1]};
    STUB_REQUIRE(stub_check_shape(call, SCALES, two, 2, "tokens, topK"));
    STUB_REQUIRE(stub_check_shape(call, PLACES, &pairs, 1, "tokens * topK"));
    STUB_REQUIRE(check_rows(call, EXPANDED_GRAD));
    if (!scales) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_rows(call, EXPANDED));
    STUB_REQUIRE(stub_check_shape(call, SCALES_GRAD, two, 2, "that of scalesOptional"));
    STUB_REQUIRE(stub_check_shape(call, BIAS, experts, 2, "experts, columns of gradY"));
    return bias ? stub_check_shape(call, EXPERTS, two, 2, "tokens, topK") : ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {GRAD, PLACES, EXPANDED_GRAD}, scaled[] = {EXPANDED, SCALES_GRAD}, expert = EXPERTS;
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    if (stub_tensor_arg(call, SCALES)) {
        STUB_REQUIRE(stub_check_given(call, scaled, 2));
        STUB_REQUIRE(stub_tensor_arg(call, BIAS) ? stub_check_given(call, &expert, 1) : ACLNN_SUCCESS);
    }
    STUB_REQUIRE(check_modes(call));
    STUB_REQUIRE(check_types(call));
    STUB_REQUIRE(check_shapes(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, EXPANDED_GRAD)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t *places, *experts, *source;
    float *scales, *weights, *products;
} memory;

/* Row by row: where it comes from, and its weight. Places out of range were dropped. */
static void find_sources(const memory *of, int64_t pairs, int64_t k, int64_t rows) {
    for (int64_t r = 0; r < rows; r++) {
        of->source[r] = STUB_ROW_ZEROS;
    }
    for (int64_t i = 0; i < pairs; i++) {
        const int64_t r = of->places[i];
        if (r >= 0 && r < rows) {
            of->source[r] = i / k;
            of->weights[r] = of->scales ? of->scales[i] : 1;
        }
    }
}

static aclnnStatus scale_gradients(const stub_call *call, const memory *of, const stub_token_rows *grad, int64_t k) {
    stub_token_rows expanded, bias = {0};
    const bool biased = stub_tensor_arg(call, BIAS) != NULL;
    const int64_t pairs = grad->rows * k;
    STUB_REQUIRE(stub_token_rows_open(call, EXPANDED, &expanded));
    if (biased) {
        STUB_REQUIRE(stub_token_rows_open(call, BIAS, &bias));
        STUB_REQUIRE(stub_check_indices(call, EXPERTS, of->experts, pairs, 0, bias.rows));
    }
    for (int64_t i = 0; i < pairs; i++) {
        const int64_t r = of->places[i];
        of->products[i] = r >= 0 && r < expanded.rows ? stub_row_product(&expanded, r, grad, i / k) : 0;
        of->products[i] += biased ? stub_row_product(&bias, of->experts[i], grad, i / k) : 0;
    }
    return stub_write_floats(call, SCALES_GRAD, of->products);
}

static aclnnStatus distribute(const stub_call *call, memory *of) {
    stub_token_rows grad, out;
    STUB_REQUIRE(stub_token_rows_open(call, GRAD, &grad));
    STUB_REQUIRE(stub_token_rows_open(call, EXPANDED_GRAD, &out));
    STUB_REQUIRE(stub_read_integers(call, PLACES, &of->places));
    STUB_REQUIRE(stub_read_integers(call, EXPERTS, &of->experts));
    STUB_REQUIRE(stub_read_floats(call, SCALES, &of->scales));
    const int64_t pairs = stub_tensor_numel(stub_tensor_arg(call, PLACES)), k = grad.rows ? pairs / grad.rows : 1;
    of->source = stub_moe_memory(call, out.rows);
    of->weights = stub_moe_memory(call, out.rows);
    of->products = stub_moe_memory(call, pairs);
    if (!of->source || !of->weights || !of->products) {
        return ACLNN_ERR_INNER;
    }
    find_sources(of, pairs, k, out.rows);
    const stub_row_sum sum = {.out = &out, .from = &grad, .each = 1, .source = of->source, .weight = of->weights};
    stub_sum_rows(&sum);
    return of->scales ? scale_gradients(call, of, &grad, k) : ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    memory of = {0};
    const aclnnStatus status = distribute(call, &of);
    free(of.places), free(of.experts), free(of.source), free(of.scales), free(of.weights), free(of.products);
    return status;
}

STUB_KERNEL(aclnnMoeFinalizeRoutingV2Grad, check, run)
