/* aclnnMoeTokenPermute, its way back aclnnMoeTokenUnpermute, and the gradients that are sums over a token's pairs:
 * aclnnMoeTokenPermuteGrad, aclnnMoeInitRoutingV2Grad. Pairs are numbered row-major; sums are kept in fp32. */
#include <stdlib.h>

#include "opapi/moe/rows.h"
#include "opapi/ordering/order.h"

static aclnnStatus refuse_padding(const stub_call *call, uint32_t padded) {
    return call->args[padded].flag
               ? stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                           "%s: the stand-in has no kernel for paddedMode true (nor does CANN)", call->op->name)
               : ACLNN_SUCCESS;
}

enum { TOKENS, INDICES, NUM_OUT, PADDED, PERMUTED, SORTED };

#define INDEX_TYPES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define INT32 STUB_DTYPE(ACL_INT32)

/* 0 keeps all pairs, negative numbers leave out as many of the last ones. */
static int64_t kept(int64_t wanted, int64_t pairs) {
    const int64_t count = wanted > 0 ? wanted : wanted + pairs;
    return count < 0 ? 0 : count < pairs ? count : pairs;
}

static aclnnStatus permute_check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {TOKENS, INDICES, PERMUTED, SORTED};
    const stub_dtype_rule rules[] = {{TOKENS, STUB_ON_ALL(STUB_FLOATS | STUB_DTYPE(ACL_INT8))},
                                     {INDICES, STUB_ON_ALL(INDEX_TYPES)},
                                     {SORTED, STUB_ON_ALL(INT32)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_same_dtype(call, PERMUTED, TOKENS));
    STUB_REQUIRE(refuse_padding(call, PADDED));
    STUB_REQUIRE(stub_check_rank(call, TOKENS, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, INDICES, 1, 2));
    const aclTensor *tokens = stub_tensor_arg(call, TOKENS), *indices = stub_tensor_arg(call, INDICES);
    const int64_t pairs = stub_tensor_numel(indices),
                  two[] = {tokens->shape[0], indices->rank > 1 ? indices->shape[1] : 0};
    const int64_t result[] = {kept(call->args[NUM_OUT].integer, pairs), tokens->shape[1]};
    STUB_REQUIRE(stub_check_shape(call, INDICES, two, indices->rank, "tokens, topK"));
    STUB_REQUIRE(stub_check_shape(call, PERMUTED, result, 2, "numOutTokens pairs, columns of tokens"));
    STUB_REQUIRE(stub_check_shape(call, SORTED, &pairs, 1, "elements of indices"));
    plan->nothing_to_run = pairs == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t *indices, *places, *source;
    stub_ordered *items; /* two times the pairs */
    float *weights;
} memory;

static void release(memory *of) {
    free(of->indices), free(of->places), free(of->source), free(of->items), free(of->weights);
}

static aclnnStatus permute(const stub_call *call, memory *of) {
    stub_token_rows tokens, permuted;
    const int64_t n = stub_tensor_numel(stub_tensor_arg(call, INDICES));
    STUB_REQUIRE(stub_token_rows_open(call, TOKENS, &tokens));
    STUB_REQUIRE(stub_token_rows_open(call, PERMUTED, &permuted));
    STUB_REQUIRE(stub_read_integers(call, INDICES, &of->indices));
    of->places = stub_moe_memory(call, n);
    of->source = stub_moe_memory(call, n);
    of->items = stub_moe_memory(call, 4 * n);
    if (!of->places || !of->source || !of->items) {
        return ACLNN_ERR_INNER;
    }
    stub_order_keys(STUB_I64, of->indices, (size_t)n, false, of->items);
    stub_order_sort(of->items, (size_t)n, of->items + n);
    for (int64_t i = 0; i < n; i++) {
        of->places[of->items[i].place] = i;
        of->source[i] = of->items[i].place / (n / tokens.rows);
    }
    stub_gather_rows(&tokens, of->source, &permuted);
    return stub_write_integers(call, SORTED, of->places);
}

static aclnnStatus permute_run(const stub_call *call) {
    memory of = {0};
    const aclnnStatus status = permute(call, &of);
    release(&of);
    return status;
}

STUB_KERNEL(aclnnMoeTokenPermute, permute_check, permute_run)

/* The sums: arguments by number, 0 where there is none. `each` names how many pairs a token has. */
typedef struct {
    uint32_t from, places, probs, each, padded, shape, drops, out;
} pair_sum;

static int64_t each_of(const stub_call *call, const pair_sum *op) {
    const aclTensor *probs = op->probs != 0 ? stub_tensor_arg(call, op->probs) : NULL;
    return op->each != 0 ? call->args[op->each].integer : probs ? probs->shape[1] : 1;
}

static aclnnStatus check_options(const stub_call *call, const pair_sum *op) {
    if (op->padded != 0) {
        STUB_REQUIRE(refuse_padding(call, op->padded));
    }
    if (op->shape != 0 && call->args[op->shape].ints) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for restoreShapeOptional (nor does CANN); pass NULL",
                         call->op->name);
    }
    const int64_t each = each_of(call, op), pairs = stub_tensor_arg(call, op->places)->shape[0];
    if (each <= 0 || pairs % each != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %lld pairs cannot be %lld for each token", call->op->name,
                         (long long)pairs, (long long)each);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus pair_sum_check(const stub_call *call, stub_plan *plan, const pair_sum *op) {
    const uint32_t tensors[] = {op->from, op->places, op->out};
    const stub_dtype_rule rules[] = {{op->from, STUB_ON_ALL(STUB_FLOATS)}, {op->places, STUB_ON_ALL(INT32)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, op->out, op->from));
    const bool drops = op->drops != 0 && call->args[op->drops].integer == 1;
    STUB_REQUIRE(stub_check_rank(call, op->from, drops ? 3 : 2, drops ? 3 : 2));
    STUB_REQUIRE(stub_check_rank(call, op->places, 1, 1));
    if (op->probs != 0 && stub_tensor_arg(call, op->probs)) {
        const stub_dtype_rule probs = {op->probs, STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_dtypes(call, &probs, 1));
        STUB_REQUIRE(stub_check_rank(call, op->probs, 2, 2));
    }
    STUB_REQUIRE(check_options(call, op));
    const int64_t k = each_of(call, op), tokens = stub_tensor_arg(call, op->places)->shape[0] / k;
    const int64_t result[] = {tokens, stub_last_dim(stub_tensor_arg(call, op->from))}, two[] = {tokens, k};
    if (op->probs != 0) {
        STUB_REQUIRE(stub_check_shape(call, op->probs, two, 2, "tokens, topK"));
    }
    STUB_REQUIRE(stub_check_shape(call, op->out, result, 2, "tokens, columns"));
    plan->nothing_to_run = tokens * result[1] == 0;
    return ACLNN_SUCCESS;
}

/* Pairs that the forward operator dropped lie at -1, or behind the end; they count as zeros. */
static aclnnStatus sum_pairs(const stub_call *call, const pair_sum *op, memory *of) {
    stub_token_rows from, out;
    const int64_t n = stub_tensor_numel(stub_tensor_arg(call, op->places));
    STUB_REQUIRE(stub_token_rows_open(call, op->from, &from));
    STUB_REQUIRE(stub_token_rows_open(call, op->out, &out));
    STUB_REQUIRE(stub_read_integers(call, op->places, &of->places));
    STUB_REQUIRE(op->probs != 0 ? stub_read_floats(call, op->probs, &of->weights) : ACLNN_SUCCESS);
    STUB_REQUIRE(stub_check_indices(call, op->places, of->places, n, -1, n > from.rows ? n : from.rows));
    for (int64_t i = 0; i < n; i++) {
        of->places[i] = of->places[i] < from.rows ? of->places[i] : STUB_ROW_ZEROS;
    }
    const stub_row_sum sum = {
        .out = &out, .from = &from, .each = each_of(call, op), .source = of->places, .weight = of->weights};
    stub_sum_rows(&sum);
    return ACLNN_SUCCESS;
}

static aclnnStatus pair_sum_run(const stub_call *call, const pair_sum *op) {
    memory of = {0};
    const aclnnStatus status = sum_pairs(call, op, &of);
    release(&of);
    return status;
}

STUB_FAMILY_KERNEL(aclnnMoeTokenUnpermute, pair_sum, {.places = 1, .probs = 2, .padded = 3, .shape = 4, .out = 5})
STUB_FAMILY_KERNEL(aclnnMoeTokenPermuteGrad, pair_sum, {.places = 1, .each = 2, .padded = 3, .out = 4})
STUB_FAMILY_KERNEL(aclnnMoeInitRoutingV2Grad, pair_sum, {.places = 1, .each = 2, .drops = 3, .out = 5})
