/* aclnnMoeTokenPermuteWithRoutingMap: tokens by a map that says for each token and expert whether the two meet.
 *
 * Rows are ordered by expert. Without padding every token has topK experts, and sortedIndices says where a pair of them
 * went; with padding every expert has `capacity` tokens, and sortedIndices says which. */
#include <stdlib.h>

#include "opapi/moe/rows.h"
#include "opapi/ordering/order.h"

#define MAP_TYPES (STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_BOOL))
#define INT32 STUB_DTYPE(ACL_INT32)

typedef struct {
    int64_t *map, *indices, *source, *start, *numbers;
    stub_ordered *items; /* two times as many as there are to sort */
    float *probs, *weights;
} memory;

static void release(memory *of) {
    free(of->map), free(of->indices), free(of->source), free(of->start), free(of->numbers);
    free(of->items), free(of->probs), free(of->weights);
}

/* 507015 unless the map has as many pairs as rows are wanted. */
static aclnnStatus check_pairs(const stub_call *call, uint32_t arg, const int64_t *map, int64_t n, int64_t wanted) {
    int64_t pairs = 0;
    for (int64_t i = 0; i < n; i++) {
        pairs += map[i] != 0;
    }
    return pairs == wanted ? ACLNN_SUCCESS
                           : stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                                       "%s: %s has %lld pairs of tokens and experts; the other tensors have %lld rows",
                                       call->op->name, call->op->params[arg].name, (long long)pairs, (long long)wanted);
}

/* items: the values and their places, in order. */
static aclnnStatus sort_values(const stub_call *call, const int64_t *values, int64_t n, bool descending, memory *of) {
    free(of->items);
    of->items = stub_moe_memory(call, 4 * n);
    if (!of->items) {
        return ACLNN_ERR_INNER;
    }
    stub_order_keys(STUB_I64, values, (size_t)n, descending, of->items);
    stub_order_sort(of->items, (size_t)n, of->items + n);
    return ACLNN_SUCCESS;
}

/* Rows per token, or per expert. */
static int64_t share_of(int64_t rows, int64_t of) {
    return of > 0 ? rows / of : 0;
}

enum { TOKENS, MAP, PROBS, NUM_OUT, PADDED, PERMUTED, PERMUTED_PROBS, SORTED };

static aclnnStatus check_wanted(const stub_call *call, int64_t most) {
    const int64_t wanted = call->args[NUM_OUT].integer;
    return wanted >= 0 && wanted <= most
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: numOutTokens is %lld; allowed are 0 to %lld, the map's size",
                           call->op->name, (long long)wanted, (long long)most);
}

static aclnnStatus permute_check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {TOKENS, MAP, PERMUTED, SORTED, PERMUTED_PROBS};
    const stub_dtype_rule rules[] = {
        {TOKENS, STUB_ON_ALL(STUB_FLOATS)}, {MAP, STUB_ON_ALL(MAP_TYPES)}, {SORTED, STUB_ON_ALL(INT32)}};
    STUB_REQUIRE(stub_check_given(call, tensors, stub_tensor_arg(call, PROBS) ? 5 : 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_same_dtype(call, PERMUTED, TOKENS));
    STUB_REQUIRE(stub_check_same_dtype(call, PROBS, TOKENS));
    STUB_REQUIRE(stub_check_rank(call, TOKENS, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, MAP, 2, 2));
    const int64_t *map = stub_tensor_arg(call, MAP)->shape, *tokens = stub_tensor_arg(call, TOKENS)->shape;
    const int64_t two[] = {map[0], tokens[1]}, unit = call->args[PADDED].flag ? map[1] : map[0];
    STUB_REQUIRE(stub_check_shape(call, TOKENS, two, 2, "tokens of routingMap, columns"));
    STUB_REQUIRE(stub_check_shape(call, PROBS, map, 2, "that of routingMap"));
    STUB_REQUIRE(check_wanted(call, map[0] * map[1]));
    const int64_t rows[] = {share_of(call->args[NUM_OUT].integer, unit) * unit, tokens[1]};
    STUB_REQUIRE(stub_check_shape(call, PERMUTED, rows, 2, "whole shares of numOutTokens, columns of tokens"));
    STUB_REQUIRE(stub_check_shape(call, SORTED, rows, 1, "rows of permuteTokensOut"));
    if (stub_tensor_arg(call, PROBS)) {
        STUB_REQUIRE(stub_check_same_dtype(call, PERMUTED_PROBS, TOKENS));
        STUB_REQUIRE(stub_check_shape(call, PERMUTED_PROBS, rows, 1, "rows of permuteTokensOut"));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, MAP)) * rows[0] * rows[1] == 0;
    return ACLNN_SUCCESS;
}

/* `numbers`: the tokens of the rows; `start`: each row's place in the map. */
static aclnnStatus choose_pairs(const stub_call *call, int64_t tokens, int64_t experts, int64_t rows, memory *of) {
    STUB_REQUIRE(check_pairs(call, MAP, of->map, tokens * experts, rows));
    int64_t r = 0;
    for (int64_t i = 0; i < tokens * experts; i++) {
        const int64_t place = i % tokens * experts + i / tokens;
        if (of->map[place] != 0) {
            of->numbers[r] = i % tokens;
            of->start[r++] = place;
        }
    }
    STUB_REQUIRE(sort_values(call, of->numbers, rows, false, of));
    for (int64_t i = 0; i < rows; i++) {
        of->indices[i] = of->items[i].place;
        of->source[of->items[i].place] = i / (rows / tokens);
    }
    return ACLNN_SUCCESS;
}

/* Each expert's first tokens, the mapped ones before the others: the document's formula has no direction of the sort,
 * the vendor's kernel sorts downwards. */
static aclnnStatus choose_padded(const stub_call *call, int64_t tokens, int64_t experts, int64_t rows, memory *of) {
    const int64_t capacity = rows / experts;
    for (int64_t expert = 0; expert < experts; expert++) {
        for (int64_t t = 0; t < tokens; t++) {
            of->numbers[t] = of->map[t * experts + expert] != 0;
        }
        STUB_REQUIRE(sort_values(call, of->numbers, tokens, true, of));
        for (int64_t i = 0; i < capacity; i++) {
            const int64_t r = expert * capacity + i;
            of->indices[r] = of->source[r] = of->items[i].place;
            of->start[r] = of->items[i].place * experts + expert;
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus permute_probs(const stub_call *call, memory *of, int64_t rows) {
    STUB_REQUIRE(stub_read_floats(call, PROBS, &of->probs));
    if (!of->probs) {
        return ACLNN_SUCCESS;
    }
    for (int64_t r = 0; r < rows; r++) {
        of->weights[r] = of->probs[of->start[r]];
    }
    return stub_write_floats(call, PERMUTED_PROBS, of->weights);
}

static aclnnStatus permute(const stub_call *call, memory *of) {
    stub_token_rows tokens, permuted;
    STUB_REQUIRE(stub_token_rows_open(call, TOKENS, &tokens));
    STUB_REQUIRE(stub_token_rows_open(call, PERMUTED, &permuted));
    STUB_REQUIRE(stub_read_integers(call, MAP, &of->map));
    const int64_t experts = stub_tensor_arg(call, MAP)->shape[1], rows = permuted.rows;
    of->indices = stub_moe_memory(call, rows);
    of->source = stub_moe_memory(call, rows);
    of->start = stub_moe_memory(call, rows);
    of->weights = stub_moe_memory(call, rows);
    of->numbers = stub_moe_memory(call, rows > tokens.rows ? rows : tokens.rows);
    if (!of->indices || !of->source || !of->start || !of->weights || !of->numbers) {
        return ACLNN_ERR_INNER;
    }
    STUB_REQUIRE(call->args[PADDED].flag ? choose_padded(call, tokens.rows, experts, rows, of)
                                         : choose_pairs(call, tokens.rows, experts, rows, of));
    stub_gather_rows(&tokens, of->source, &permuted);
    STUB_REQUIRE(permute_probs(call, of, rows));
    return stub_write_integers(call, SORTED, of->indices);
}

static aclnnStatus permute_run(const stub_call *call) {
    memory of = {0};
    const aclnnStatus status = permute(call, &of);
    release(&of);
    return status;
}

STUB_KERNEL(aclnnMoeTokenPermuteWithRoutingMap, permute_check, permute_run)
