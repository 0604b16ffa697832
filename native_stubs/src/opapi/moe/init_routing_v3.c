/* aclnnMoeInitRoutingV3, as far as CANN documents it: no dropping, counts of tokens (or pairs of expert and count) for
 * a range of experts, and rows that are copied, or quantised to int8 each by its own scale. */
#include <math.h>
#include <stdlib.h>

#include "opapi/moe/rows.h"
#include "opapi/ordering/order.h"

enum {
    X,
    EXPERT_IDX,
    SCALE,
    OFFSET,
    ACTIVE_NUM,
    CAPACITY,
    EXPERTS,
    DROPS,
    COUNT_TYPE,
    COUNT_FLAG,
    QUANT,
    RANGE,
    ROW_TYPE
};
enum { EXPANDED_X = 13, EXPANDED_ROW_IDX, COUNTS, EXPANDED_SCALE };
enum { NO_QUANT = -1, DYNAMIC = 1, COUNT = 1, KEY_VALUE = 2, GATHER = 0, MOST_EXPERTS = 10240 };

static int64_t number(const stub_call *call, uint32_t arg) {
    return call->args[arg].integer;
}

static aclnnStatus check_modes(const stub_call *call) {
    static const struct {
        uint32_t arg;
        int64_t low, high;
    } known[] = {{EXPERTS, 1, MOST_EXPERTS}, {DROPS, 0, 0}, {COUNT_TYPE, COUNT, KEY_VALUE}, {ROW_TYPE, 0, 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const int64_t value = number(call, known[i].arg);
        if (value < known[i].low || value > known[i].high) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; allowed are %lld to %lld", call->op->name,
                             call->op->params[known[i].arg].name, (long long)value, (long long)known[i].low,
                             (long long)known[i].high);
        }
    }
    if (number(call, QUANT) != NO_QUANT && number(call, QUANT) != DYNAMIC) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: quantMode is %lld; allowed are -1 (none) and 1 (dynamic)",
                         call->op->name, (long long)number(call, QUANT));
    }
    if (!call->args[COUNT_FLAG].flag) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: expertTokensNumFlag is false; only true is allowed",
                         call->op->name);
    }
    return ACLNN_SUCCESS;
}

/* The active experts: from, and the first one behind them. */
static aclnnStatus check_range(const stub_call *call, int64_t *from, int64_t *to) {
    uint64_t count = 0;
    const int64_t *given = stub_argument_items(call, RANGE, &count);
    *from = count == 2 ? given[0] : 0;
    *to = count == 2 ? given[1] : number(call, EXPERTS);
    if ((count != 0 && count != 2) || *from < 0 || *to <= *from || *to > number(call, EXPERTS)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: activeExpertRangeOptional must hold two numbers, 0 <= start < end <= expertNum (%lld)",
                         call->op->name, (long long)number(call, EXPERTS));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call) {
    const bool quantises = number(call, QUANT) == DYNAMIC;
    const stub_dtypes int8 = STUB_DTYPE(ACL_INT8), int32 = STUB_DTYPE(ACL_INT32), fp32 = STUB_DTYPE(ACL_FLOAT);
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(quantises ? STUB_FLOATS : STUB_FLOATS | int8)},
                                     {EXPERT_IDX, STUB_ON_ALL(int32)},
                                     {SCALE, STUB_ON_ALL(fp32)},
                                     {EXPANDED_ROW_IDX, STUB_ON_ALL(int32)},
                                     {COUNTS, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))},
                                     {EXPANDED_SCALE, STUB_ON_ALL(fp32)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 6));
    const stub_dtype_rule expanded = {EXPANDED_X, STUB_ON_ALL(int8)};
    return quantises ? stub_check_dtypes(call, &expanded, 1) : stub_check_same_dtype(call, EXPANDED_X, X);
}

static aclnnStatus check_shapes(const stub_call *call, int64_t experts) {
    const int64_t *x = stub_tensor_arg(call, X)->shape, k = stub_tensor_arg(call, EXPERT_IDX)->shape[1];
    const int64_t pairs[] = {x[0], k}, count = x[0] * k, expanded[] = {count, x[1]};
    const int64_t smooth[] = {experts, x[1]}, counts[] = {number(call, EXPERTS), 2};
    const bool quantises = number(call, QUANT) == DYNAMIC, values = number(call, COUNT_TYPE) == KEY_VALUE;
    if (number(call, ACTIVE_NUM) != count && number(call, ACTIVE_NUM) != -1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: activeNum is %lld; it must be %lld, the elements of expertIdx",
                         call->op->name, (long long)number(call, ACTIVE_NUM), (long long)count);
    }
    STUB_REQUIRE(stub_check_shape(call, EXPERT_IDX, pairs, 2, "tokens of x, k"));
    STUB_REQUIRE(quantises ? stub_check_shape(call, SCALE, smooth, 2, "active experts, columns of x")
                           : stub_check_shape(call, SCALE, x, 1, "tokens of x"));
    STUB_REQUIRE(stub_check_shape(call, EXPANDED_X, expanded, 2, "elements of expertIdx, columns of x"));
    STUB_REQUIRE(stub_check_shape(call, EXPANDED_ROW_IDX, &count, 1, "elements of expertIdx"));
    STUB_REQUIRE(stub_check_shape(call, COUNTS, values ? counts : &experts, values ? 2 : 1,
                                  values ? "expertNum, 2" : "the active experts"));
    return stub_check_shape(call, EXPANDED_SCALE, &count, 1, "elements of expertIdx");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, EXPERT_IDX, EXPANDED_X, EXPANDED_ROW_IDX, COUNTS, EXPANDED_SCALE};
    const bool has_scale = number(call, QUANT) == DYNAMIC || stub_tensor_arg(call, SCALE);
    int64_t from, to;
    STUB_REQUIRE(stub_check_given(call, tensors, has_scale ? 6 : 5));
    STUB_REQUIRE(check_modes(call));
    STUB_REQUIRE(check_types(call));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, EXPERT_IDX, 2, 2));
    STUB_REQUIRE(check_range(call, &from, &to));
    if (stub_tensor_arg(call, OFFSET)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for offsetOptional",
                         call->op->name);
    }
    STUB_REQUIRE(check_shapes(call, to - from));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, EXPERT_IDX)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t from, to, active; /* experts; pairs with one of them */
    int64_t *experts, *rows, *source, *counts;
    stub_ordered *items; /* two times the pairs */
    float *scale, *given;
} memory;

/* x * smooth, rounded to int8 by the row's own scale: largest / 127. */
static void quantise_row(const stub_token_rows *x, int64_t row, const float *smooth, float *scale, float *values,
                         const stub_token_rows *to, int64_t target) {
    float largest = 0;
    for (int64_t c = 0; c < x->columns; c += STUB_STRETCH) {
        const int64_t n = x->columns - c < STUB_STRETCH ? x->columns - c : STUB_STRETCH;
        stub_token_rows_load(x, row, c, n, values + c);
        for (int64_t i = c; i < c + n; i++) {
            values[i] *= smooth ? smooth[i] : 1;
            largest = fabsf(values[i]) > largest ? fabsf(values[i]) : largest;
        }
    }
    *scale = largest / 127;
    for (int64_t c = 0; c < x->columns; c += STUB_STRETCH) {
        const int64_t n = x->columns - c < STUB_STRETCH ? x->columns - c : STUB_STRETCH;
        for (int64_t i = c; i < c + n; i++) {
            values[i] = *scale > 0 ? rintf(values[i] / *scale) : 0;
        }
        stub_token_rows_store(to, target, c, n, values + c);
    }
}

static aclnnStatus quantise(const stub_call *call, memory *of, const stub_token_rows *x, const stub_token_rows *to) {
    float *values = stub_moe_memory(call, x->columns);
    if (!values) {
        return ACLNN_ERR_INNER;
    }
    for (int64_t i = 0; i < of->active; i++) {
        const int64_t expert = of->experts[of->items[i].place] - of->from;
        quantise_row(x, of->source[i], of->given ? of->given + expert * x->columns : NULL, &of->scale[i], values, to,
                     i);
    }
    free(values);
    return ACLNN_SUCCESS;
}

/* Active pairs come first; which pair is number i, or which number a pair has. */
static void sort_pairs(const stub_call *call, memory *of, int64_t n, int64_t k) {
    const bool gathers = number(call, ROW_TYPE) == GATHER;
    int64_t *keys = of->rows;
    for (int64_t i = 0; i < n; i++) {
        const bool active = of->experts[i] >= of->from && of->experts[i] < of->to;
        keys[i] = active ? of->experts[i] : INT64_MAX;
        of->active += active;
    }
    stub_order_keys(STUB_I64, keys, (size_t)n, false, of->items);
    stub_order_sort(of->items, (size_t)n, of->items + n);
    for (int64_t i = 0; i < n; i++) {
        const int64_t pair = of->items[i].place;
        of->rows[gathers ? pair : i] = i < of->active ? (gathers ? i : pair) : -1;
        of->source[i] = i < of->active ? pair / k : STUB_ROW_LEFT;
    }
}

static void count_pairs(const stub_call *call, memory *of) {
    int64_t found = 0;
    for (int64_t i = 0; i < of->active; i++) {
        const int64_t expert = of->experts[of->items[i].place];
        if (number(call, COUNT_TYPE) == COUNT) {
            of->counts[expert - of->from]++;
            continue;
        }
        found += i == 0 || expert != of->experts[of->items[i - 1].place];
        of->counts[2 * found - 2] = expert;
        of->counts[2 * found - 1]++;
    }
}

static aclnnStatus route(const stub_call *call, memory *of, int64_t n) {
    stub_token_rows x, expanded;
    STUB_REQUIRE(check_range(call, &of->from, &of->to));
    STUB_REQUIRE(stub_token_rows_open(call, X, &x));
    STUB_REQUIRE(stub_token_rows_open(call, EXPANDED_X, &expanded));
    STUB_REQUIRE(stub_read_integers(call, EXPERT_IDX, &of->experts));
    STUB_REQUIRE(stub_read_floats(call, SCALE, &of->given));
    of->rows = stub_moe_memory(call, n);
    of->source = stub_moe_memory(call, n);
    of->scale = stub_moe_memory(call, n);
    of->counts = stub_moe_memory(call, 2 * number(call, EXPERTS));
    of->items = stub_moe_memory(call, 4 * n);
    if (!of->rows || !of->source || !of->scale || !of->counts || !of->items) {
        return ACLNN_ERR_INNER;
    }
    sort_pairs(call, of, n, stub_tensor_arg(call, EXPERT_IDX)->shape[1]);
    count_pairs(call, of);
    STUB_REQUIRE(stub_write_integers(call, EXPANDED_ROW_IDX, of->rows));
    STUB_REQUIRE(stub_write_integers(call, COUNTS, of->counts));
    if (number(call, QUANT) == DYNAMIC) {
        STUB_REQUIRE(quantise(call, of, &x, &expanded));
        return stub_write_floats(call, EXPANDED_SCALE, of->scale);
    }
    stub_gather_rows(&x, of->source, &expanded);
    for (int64_t i = 0; of->given && i < of->active; i++) {
        of->scale[i] = of->given[of->source[i]];
    }
    return of->given ? stub_write_floats(call, EXPANDED_SCALE, of->scale) : ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    memory of = {0};
    const aclnnStatus status = route(call, &of, stub_tensor_numel(stub_tensor_arg(call, EXPERT_IDX)));
    free(of.experts), free(of.rows), free(of.source), free(of.counts), free(of.items), free(of.scale), free(of.given);
    return status;
}

STUB_KERNEL(aclnnMoeInitRoutingV3, check, run)
