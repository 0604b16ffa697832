/* The ways back of aclnnMoeTokenPermuteWithRoutingMap: aclnnMoeTokenUnpermuteWithRoutingMap, whose rows may be weighted
 * with probabilities, and the gradient. Each token is a sum of its rows, in fp32. */
#include <stdlib.h>

#include "opapi/moe/rows.h"
#include "opapi/ordering/order.h"

#define MAP_TYPES (STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_BOOL))
#define INT32 STUB_DTYPE(ACL_INT32)

typedef struct {
    int64_t *map, *indices, *source, *start, *tokens;
    stub_ordered *items;            /* two times as many as there are rows */
    float *probs, *weights, *terms; /* weights: of the rows; terms: of the sums' terms */
} memory;

static void release(memory *of) {
    free(of->map), free(of->indices), free(of->source), free(of->start), free(of->tokens);
    free(of->items), free(of->probs), free(of->weights), free(of->terms);
}

/* The rows of each token in turn: `source`, and `start`. */
static aclnnStatus sort_rows(const stub_call *call, int64_t rows, int64_t tokens, memory *of) {
    of->items = stub_moe_memory(call, 4 * rows);
    of->start = stub_moe_memory(call, tokens + 1);
    of->tokens = stub_moe_memory(call, rows);
    if (!of->items || !of->start || !of->tokens) {
        return ACLNN_ERR_INNER;
    }
    stub_order_keys(STUB_I64, of->indices, (size_t)rows, false, of->items);
    stub_order_sort(of->items, (size_t)rows, of->items + rows);
    for (int64_t i = 0; i < rows; i++) {
        of->source[i] = of->items[i].place;
        of->tokens[i] = of->indices[of->items[i].place];
        of->start[of->tokens[i] + 1] = i + 1;
    }
    for (int64_t t = 0; t < tokens; t++) {
        of->start[t + 1] = of->start[t + 1] > of->start[t] ? of->start[t + 1] : of->start[t];
    }
    return ACLNN_SUCCESS;
}

/* Every token of `out` becomes the sum of its rows of `from`, times of->weights. */
static aclnnStatus sum_tokens(const stub_call *call, uint32_t indices, const stub_token_rows *from,
                              const stub_token_rows *out, bool padded, memory *of) {
    const int64_t rows = stub_tensor_numel(stub_tensor_arg(call, indices));
    STUB_REQUIRE(stub_check_indices(call, indices, of->indices, rows, 0, padded ? out->rows : from->rows));
    of->source = stub_moe_memory(call, rows);
    of->terms = stub_moe_memory(call, rows);
    if (!of->source || !of->terms) {
        return ACLNN_ERR_INNER;
    }
    if (padded) {
        STUB_REQUIRE(sort_rows(call, rows, out->rows, of));
    }
    for (int64_t i = 0; i < rows; i++) {
        of->source[i] = padded ? of->source[i] : of->indices[i];
        of->terms[i] = of->weights ? of->weights[of->source[i]] : 1;
    }
    const stub_row_sum sum = {.out = out,
                              .from = from,
                              .each = rows / out->rows,
                              .start = of->start,
                              .source = of->source,
                              .weight = of->terms};
    stub_sum_rows(&sum);
    return ACLNN_SUCCESS;
}

/* Row r's place in the map (and in probabilities): the r-th that is set, expert by expert; or, with padding, its
 * token's at expert r / capacity. 507015 when there are not as many. */
static aclnnStatus find_places(const stub_call *call, uint32_t map, int64_t tokens, int64_t experts, int64_t rows,
                               bool padded, memory *of, int64_t *places) {
    int64_t found = 0;
    if (padded) {
        for (int64_t r = 0; r < rows; r++) {
            places[r] = of->indices[r] * experts + r / (rows / experts);
        }
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_read_integers(call, map, &of->map));
    for (int64_t i = 0; i < tokens * experts; i++) {
        const int64_t place = i % tokens * experts + i / tokens;
        if (of->map[place] != 0 && found++ < rows) {
            places[found - 1] = place;
        }
    }
    return found == rows ? ACLNN_SUCCESS
                         : stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                                     "%s: %s has %lld pairs of tokens and experts; the other tensors have %lld rows",
                                     call->op->name, call->op->params[map].name, (long long)found, (long long)rows);
}

static aclnnStatus check_share(const stub_call *call, int64_t rows, int64_t by) {
    return by > 0 && rows % by == 0 ? ACLNN_SUCCESS
                                    : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %lld rows cannot be shared out to %lld",
                                                call->op->name, (long long)rows, (long long)by);
}

enum { PERMUTED, INDICES, MAP, PROBS, PADDED, RESTORE, OUT, OUT_INDEX, TOKEN_ID, PERMUTED_PROBS };

static aclnnStatus check_given(const stub_call *call) {
    const uint32_t tensors[] = {PERMUTED, INDICES, OUT}, sorted[] = {OUT_INDEX, TOKEN_ID}, map[] = {MAP};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    if (!stub_tensor_arg(call, PROBS) && !call->args[RESTORE].ints) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: probsOptional and restoreShapeOptional are both NULL",
                         call->op->name);
    }
    if (call->args[PADDED].flag) {
        return stub_check_given(call, sorted, 2);
    }
    return stub_tensor_arg(call, PROBS) ? stub_check_given(call, map, 1) : ACLNN_SUCCESS;
}

static aclnnStatus check_restored(const stub_call *call, const int64_t out[2]) {
    const aclIntArray *shape = call->args[RESTORE].ints;
    if (!shape || (shape->size == 2 && shape->values[0] == out[0] && shape->values[1] == out[1])) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: restoreShapeOptional must be [%lld, %lld], the shape of %s",
                     call->op->name, (long long)out[0], (long long)out[1], call->op->params[OUT].name);
}

static aclnnStatus unpermute_check_shapes(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, PERMUTED, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, INDICES, 1, 1));
    STUB_REQUIRE(stub_check_rank(call, OUT, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, PROBS, 2, 2));
    const aclTensor *probs = stub_tensor_arg(call, PROBS), *permuted = stub_tensor_arg(call, PERMUTED);
    const int64_t *out = stub_tensor_arg(call, OUT)->shape, rows = permuted->shape[0];
    const int64_t two[] = {probs ? probs->shape[0] : out[0], permuted->shape[1]};
    const bool padded = call->args[PADDED].flag;
    STUB_REQUIRE(stub_check_shape(call, OUT, two, 2, "tokens, columns of permutedTokens"));
    STUB_REQUIRE(check_restored(call, out));
    STUB_REQUIRE(stub_check_shape(call, INDICES, &rows, 1, "rows of permutedTokens"));
    if (probs) {
        STUB_REQUIRE(stub_check_shape(call, MAP, probs->shape, 2, "that of probsOptional"));
        STUB_REQUIRE(stub_check_shape(call, PERMUTED_PROBS, &rows, 1, "rows of permutedTokens"));
    }
    if (padded) {
        STUB_REQUIRE(stub_check_shape(call, OUT_INDEX, &rows, 1, "rows of permutedTokens"));
        STUB_REQUIRE(stub_check_shape(call, TOKEN_ID, &rows, 1, "rows of permutedTokens"));
    }
    return padded && !probs ? ACLNN_SUCCESS : check_share(call, rows, padded ? probs->shape[1] : out[0]);
}

static aclnnStatus unpermute_check(const stub_call *call, stub_plan *plan) {
    const stub_dtype_rule rules[] = {{PERMUTED, STUB_ON_ALL(STUB_FLOATS)},
                                     {INDICES, STUB_ON_ALL(INT32)},
                                     {MAP, STUB_ON_ALL(MAP_TYPES)},
                                     {PROBS, STUB_ON_ALL(STUB_FLOATS)}};
    STUB_REQUIRE(check_given(call));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 4));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, PERMUTED));
    STUB_REQUIRE(stub_check_same_dtype(call, PERMUTED_PROBS, PROBS));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT_INDEX, INDICES));
    STUB_REQUIRE(stub_check_same_dtype(call, TOKEN_ID, INDICES));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, PERMUTED)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : unpermute_check_shapes(call);
}

/* of->weights: the probability of each row. */
static aclnnStatus pick_probs(const stub_call *call, int64_t rows, memory *of) {
    const int64_t *shape = stub_tensor_arg(call, PROBS)->shape;
    int64_t *places = stub_moe_memory(call, rows);
    of->weights = stub_moe_memory(call, rows);
    aclnnStatus status = places && of->weights ? ACLNN_SUCCESS : ACLNN_ERR_INNER;
    status = status ? status : stub_read_floats(call, PROBS, &of->probs);
    status = status ? status : find_places(call, MAP, shape[0], shape[1], rows, call->args[PADDED].flag, of, places);
    for (int64_t r = 0; status == ACLNN_SUCCESS && r < rows; r++) {
        of->weights[r] = of->probs[places[r]];
    }
    free(places);
    return status;
}

static aclnnStatus unpermute(const stub_call *call, memory *of) {
    const bool padded = call->args[PADDED].flag;
    stub_token_rows from, out;
    STUB_REQUIRE(stub_token_rows_open(call, PERMUTED, &from));
    STUB_REQUIRE(stub_token_rows_open(call, OUT, &out));
    STUB_REQUIRE(stub_read_integers(call, INDICES, &of->indices));
    STUB_REQUIRE(stub_check_indices(call, INDICES, of->indices, from.rows, 0, padded ? out.rows : from.rows));
    STUB_REQUIRE(stub_tensor_arg(call, PROBS) ? pick_probs(call, from.rows, of) : ACLNN_SUCCESS);
    STUB_REQUIRE(sum_tokens(call, INDICES, &from, &out, padded, of));
    if (padded) {
        STUB_REQUIRE(stub_write_integers(call, OUT_INDEX, of->source));
        STUB_REQUIRE(stub_write_integers(call, TOKEN_ID, of->tokens));
    }
    return of->weights ? stub_write_floats(call, PERMUTED_PROBS, of->weights) : ACLNN_SUCCESS;
}

static aclnnStatus unpermute_run(const stub_call *call) {
    memory of = {0};
    const aclnnStatus status = unpermute(call, &of);
    release(&of);
    return status;
}

STUB_KERNEL(aclnnMoeTokenUnpermuteWithRoutingMap, unpermute_check, unpermute_run)

enum { GRAD, PROBS_GRAD, SORTED, GRAD_MAP, EXPERTS, TOKENS, DROPS, TOKENS_OUT, PROBS_OUT };

static bool has_probs(const stub_call *call) {
    return stub_tensor_arg(call, PROBS_GRAD) && stub_tensor_arg(call, PROBS_OUT);
}

static aclnnStatus grad_check_shapes(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, GRAD, 2, 2));
    const int64_t *grad = stub_tensor_arg(call, GRAD)->shape, experts = call->args[EXPERTS].integer,
                  tokens = call->args[TOKENS].integer;
    const int64_t out[] = {tokens, grad[1]}, map[] = {tokens, experts};
    STUB_REQUIRE(stub_check_shape(call, SORTED, grad, 1, "rows of permutedTokenOutputGrad"));
    STUB_REQUIRE(stub_check_shape(call, PROBS_GRAD, grad, 1, "rows of permutedTokenOutputGrad"));
    STUB_REQUIRE(stub_check_shape(call, GRAD_MAP, map, 2, "tokensNum, numExperts"));
    STUB_REQUIRE(stub_check_shape(call, TOKENS_OUT, out, 2, "tokensNum, columns of permutedTokenOutputGrad"));
    STUB_REQUIRE(stub_check_shape(call, PROBS_OUT, map, 2, "tokensNum, numExperts"));
    return check_share(call, grad[0], call->args[DROPS].flag ? experts : tokens);
}

static aclnnStatus grad_check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {GRAD, SORTED, TOKENS_OUT}, map = GRAD_MAP;
    const stub_dtype_rule rules[] = {
        {GRAD, STUB_ON_ALL(STUB_FLOATS)}, {GRAD_MAP, STUB_ON_ALL(MAP_TYPES)}, {SORTED, STUB_ON_ALL(INT32)}};
    for (uint32_t arg = EXPERTS; arg <= TOKENS; arg++) {
        if (call->args[arg].integer <= 0) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; it must be positive", call->op->name,
                             call->op->params[arg].name, (long long)call->args[arg].integer);
        }
    }
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_tensor_arg(call, PROBS_GRAD) ? stub_check_given(call, &map, 1) : ACLNN_SUCCESS);
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_same_dtype(call, PROBS_GRAD, GRAD));
    STUB_REQUIRE(stub_check_same_dtype(call, TOKENS_OUT, GRAD));
    STUB_REQUIRE(stub_check_same_dtype(call, PROBS_OUT, GRAD));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, GRAD)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : grad_check_shapes(call);
}

static aclnnStatus grad_probs(const stub_call *call, int64_t rows, memory *of) {
    const int64_t tokens = call->args[TOKENS].integer, experts = call->args[EXPERTS].integer;
    STUB_REQUIRE(stub_read_floats(call, PROBS_GRAD, &of->probs));
    of->weights = stub_moe_memory(call, tokens * experts);
    if (!of->weights) {
        return ACLNN_ERR_INNER;
    }
    STUB_REQUIRE(find_places(call, GRAD_MAP, tokens, experts, rows, call->args[DROPS].flag, of, of->source));
    for (int64_t r = 0; r < rows; r++) {
        of->weights[of->source[r]] = of->probs[r];
    }
    return stub_write_floats(call, PROBS_OUT, of->weights);
}

static aclnnStatus differentiate(const stub_call *call, memory *of) {
    stub_token_rows from, out;
    STUB_REQUIRE(stub_token_rows_open(call, GRAD, &from));
    STUB_REQUIRE(stub_token_rows_open(call, TOKENS_OUT, &out));
    STUB_REQUIRE(stub_read_integers(call, SORTED, &of->indices));
    STUB_REQUIRE(sum_tokens(call, SORTED, &from, &out, call->args[DROPS].flag, of));
    return has_probs(call) ? grad_probs(call, from.rows, of) : ACLNN_SUCCESS;
}

static aclnnStatus grad_run(const stub_call *call) {
    memory of = {0};
    const aclnnStatus status = differentiate(call, &of);
    release(&of);
    return status;
}

STUB_KERNEL(aclnnMoeTokenPermuteWithRoutingMapGrad, grad_check, grad_run)
