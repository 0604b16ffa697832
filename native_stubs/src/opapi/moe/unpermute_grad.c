/* aclnnMoeTokenUnpermuteGrad: each pair's row gets its token's gradient times its probability; a probability's own
 * gradient is the product of the two rows, in fp32. */
#include <stdlib.h>

#include "opapi/moe/rows.h"

enum { PERMUTED, GRAD, PLACES, PROBS, PADDED, SHAPE, PERMUTED_GRAD, PROBS_GRAD };

static aclnnStatus check_options(const stub_call *call) {
    if (call->args[PADDED].flag || call->args[SHAPE].ints) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for %s (nor does CANN)",
                         call->op->name, call->args[PADDED].flag ? "paddedMode true" : "restoreShapeOptional");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {PERMUTED, GRAD, PLACES, PERMUTED_GRAD, PROBS_GRAD};
    const bool weighted = stub_tensor_arg(call, PROBS) != NULL;
    const stub_dtype_rule rules[] = {{PERMUTED, STUB_ON_ALL(STUB_FLOATS)},
                                     {PLACES, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
                                     {PROBS, STUB_ON_ALL(STUB_FLOATS)}};
    STUB_REQUIRE(stub_check_given(call, tensors, weighted ? 5 : 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_same_dtype(call, GRAD, PERMUTED));
    STUB_REQUIRE(stub_check_same_dtype(call, PERMUTED_GRAD, PERMUTED));
    STUB_REQUIRE(check_options(call));
    STUB_REQUIRE(stub_check_rank(call, PERMUTED, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, GRAD, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, PROBS, 2, 2));
    const int64_t tokens = stub_tensor_arg(call, GRAD)->shape[0],
                  k = weighted ? stub_tensor_arg(call, PROBS)->shape[1] : 1;
    const int64_t pairs = tokens * k, two[] = {tokens, k}, rows[] = {tokens, stub_tensor_arg(call, PERMUTED)->shape[1]};
    STUB_REQUIRE(stub_check_shape(call, GRAD, rows, 2, "tokens, columns of permutedTokens"));
    STUB_REQUIRE(stub_check_shape(call, PROBS, two, 2, "tokens, topK"));
    STUB_REQUIRE(stub_check_shape(call, PLACES, &pairs, 1, "tokens * topK"));
    STUB_REQUIRE(stub_check_same_shape(call, PERMUTED_GRAD, PERMUTED));
    if (weighted) {
        STUB_REQUIRE(stub_check_same_dtype(call, PROBS_GRAD, PROBS));
        STUB_REQUIRE(stub_check_shape(call, PROBS_GRAD, two, 2, "that of probsOptional"));
    }
    plan->nothing_to_run = pairs == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t *places, *source;
    float *probs, *weights, *products;
} memory;

static aclnnStatus distribute(const stub_call *call, memory *of) {
    stub_token_rows permuted, grad, out;
    STUB_REQUIRE(stub_token_rows_open(call, PERMUTED, &permuted));
    STUB_REQUIRE(stub_token_rows_open(call, GRAD, &grad));
    STUB_REQUIRE(stub_token_rows_open(call, PERMUTED_GRAD, &out));
    STUB_REQUIRE(stub_read_integers(call, PLACES, &of->places));
    STUB_REQUIRE(stub_read_floats(call, PROBS, &of->probs));
    const int64_t n = stub_tensor_numel(stub_tensor_arg(call, PLACES)), k = n / grad.rows;
    STUB_REQUIRE(stub_check_indices(call, PLACES, of->places, n, 0, n > out.rows ? n : out.rows));
    of->source = stub_moe_memory(call, out.rows);
    of->weights = stub_moe_memory(call, out.rows);
    of->products = stub_moe_memory(call, n);
    if (!of->source || !of->weights || !of->products) {
        return ACLNN_ERR_INNER;
    }
    for (int64_t r = 0; r < out.rows; r++) {
        of->source[r] = STUB_ROW_ZEROS;
    }
    for (int64_t i = 0; i < n; i++) {
        if (of->places[i] < out.rows) { /* others were dropped */
            of->source[of->places[i]] = i / k;
            of->weights[of->places[i]] = of->probs ? of->probs[i] : 1;
            of->products[i] = of->probs ? stub_row_product(&permuted, of->places[i], &grad, i / k) : 0;
        }
    }
    const stub_row_sum sum = {.out = &out, .from = &grad, .each = 1, .source = of->source, .weight = of->weights};
    stub_sum_rows(&sum);
    return of->probs ? stub_write_floats(call, PROBS_GRAD, of->products) : ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    memory of = {0};
    const aclnnStatus status = distribute(call, &of);
    free(of.places), free(of.source), free(of.probs), free(of.weights), free(of.products);
    return status;
}

STUB_KERNEL(aclnnMoeTokenUnpermuteGrad, check, run)
