/* aclnnMoeInitRouting: pairs of a token and one of its experts, sorted by expert (stable), and the tokens in that
 * order. rowIdx names a pair's place in what comes back; its token is that modulo the number of tokens.
 * aclnnMoeInitRoutingQuant quantises the tokens with one scale and offset. */
#include <stdlib.h>

#include "opapi/moe/quantise.h"
#include "opapi/ordering/order.h"

enum { X, ROW_IDX, EXPERT_IDX, ACTIVE_NUM, SCALE, OFFSET };

/* Places of the outputs. */
typedef struct {
    uint32_t x, rows, experts;
    bool quantises;
} routing;

static aclnnStatus check_shapes(const stub_call *call, const routing *op) {
    const int64_t *x = stub_tensor_arg(call, X)->shape, *experts = stub_tensor_arg(call, EXPERT_IDX)->shape;
    const int64_t active = call->args[ACTIVE_NUM].integer, pairs[] = {x[0], experts[1]};
    if (active < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: activeNum is %lld; it must not be negative", call->op->name,
                         (long long)active);
    }
    const int64_t count = x[0] * experts[1], expanded[] = {(active < x[0] ? active : x[0]) * experts[1], x[1]};
    STUB_REQUIRE(stub_check_shape(call, EXPERT_IDX, pairs, 2, "tokens of x, k"));
    STUB_REQUIRE(stub_check_same_shape(call, ROW_IDX, EXPERT_IDX));
    STUB_REQUIRE(stub_check_shape(call, op->x, expanded, 2, "min(tokens, activeNum) * k, columns of x"));
    STUB_REQUIRE(stub_check_shape(call, op->rows, &count, 1, "elements of expertIdx"));
    return stub_check_shape(call, op->experts, &count, 1, "elements of expertIdx");
}

static aclnnStatus routing_check(const stub_call *call, stub_plan *plan, const routing *op) {
    const uint32_t tensors[] = {X, ROW_IDX, EXPERT_IDX, op->x, op->rows, op->experts};
    const stub_dtypes int32 = STUB_DTYPE(ACL_INT32);
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_FLOATS)},
                                     {ROW_IDX, STUB_ON_ALL(int32)},
                                     {EXPERT_IDX, STUB_ON_ALL(int32)},
                                     {op->rows, STUB_ON_ALL(int32)},
                                     {op->experts, STUB_ON_ALL(int32)}};
    const stub_dtype_rule int8 = {op->x, STUB_ON_ALL(STUB_DTYPE(ACL_INT8))};
    STUB_REQUIRE(stub_check_given(call, tensors, 6));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 5));
    STUB_REQUIRE(op->quantises ? stub_check_dtypes(call, &int8, 1) : stub_check_same_dtype(call, op->x, X));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, EXPERT_IDX, 2, 2));
    STUB_REQUIRE(check_shapes(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, EXPERT_IDX)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t *experts, *rows, *places, *source;
    stub_ordered *items; /* two times the pairs */
} memory;

static aclnnStatus route(const stub_call *call, memory *of, int64_t n, const routing *op) {
    stub_token_rows x, expanded;
    STUB_REQUIRE(stub_token_rows_open(call, X, &x));
    STUB_REQUIRE(stub_token_rows_open(call, op->x, &expanded));
    STUB_REQUIRE(stub_read_integers(call, EXPERT_IDX, &of->experts));
    STUB_REQUIRE(stub_read_integers(call, ROW_IDX, &of->rows));
    STUB_REQUIRE(stub_check_indices(call, ROW_IDX, of->rows, n, 0, n));
    of->places = stub_moe_memory(call, n);
    of->source = stub_moe_memory(call, n);
    of->items = stub_moe_memory(call, 4 * n);
    if (!of->places || !of->source || !of->items) {
        return ACLNN_ERR_INNER;
    }
    stub_order_keys(STUB_I64, of->experts, (size_t)n, false, of->items);
    stub_order_sort(of->items, (size_t)n, of->items + n);
    for (int64_t i = 0; i < n; i++) {
        const int64_t row = of->rows[of->items[i].place];
        of->places[row] = i;
        of->source[i] = row % x.rows;
    }
    STUB_REQUIRE(stub_write_integers(call, op->rows, of->places));
    stub_order_pick(STUB_I64, of->experts, of->items, (size_t)n, of->places);
    STUB_REQUIRE(stub_write_integers(call, op->experts, of->places));
    if (!op->quantises) {
        stub_gather_rows(&x, of->source, &expanded);
        return ACLNN_SUCCESS;
    }
    stub_quantise_rows(&x, of->source, (float)call->args[SCALE].real, (float)call->args[OFFSET].real, &expanded);
    return ACLNN_SUCCESS;
}

static aclnnStatus routing_run(const stub_call *call, const routing *op) {
    memory of = {0};
    const aclnnStatus status = route(call, &of, stub_tensor_numel(stub_tensor_arg(call, EXPERT_IDX)), op);
    free(of.experts), free(of.rows), free(of.places), free(of.source), free(of.items);
    return status;
}

STUB_FAMILY_KERNEL(aclnnMoeInitRouting, routing, {4, 5, 6, false})
STUB_FAMILY_KERNEL(aclnnMoeInitRoutingQuant, routing, {6, 7, 8, true})
