/* aclnnMoeInitRoutingV2: pairs of a token and one of its experts, numbered row-major in expertIdx and sorted by expert
 * (stable). Without dropping the tokens follow each other, as far as activeNum reaches; with it each expert has
 * expertCapacity places, what is too much is dropped (index -1), what is missing is zeros. */
#include <stdlib.h>

#include "opapi/moe/rows.h"
#include "opapi/ordering/order.h"

enum { X, EXPERT_IDX, ACTIVE_NUM, CAPACITY, EXPERTS, DROPS, COUNT_FLAG, BEFORE_FLAG };
enum { EXPANDED_X = 8, EXPANDED_ROW_IDX, COUNTS, BEFORE };

static int64_t number(const stub_call *call, uint32_t arg) {
    return call->args[arg].integer;
}

static bool drops(const stub_call *call) {
    return number(call, DROPS) == 1;
}

static bool gives_counts(const stub_call *call) {
    return !drops(call) && number(call, COUNT_FLAG) > 0;
}

static bool gives_before(const stub_call *call) {
    return drops(call) && call->args[BEFORE_FLAG].flag;
}

static aclnnStatus check_numbers(const stub_call *call) {
    static const struct {
        uint32_t arg;
        int64_t most;
    } ranges[] = {{ACTIVE_NUM, INT64_MAX}, {CAPACITY, INT64_MAX}, {EXPERTS, INT64_MAX}, {DROPS, 1}, {COUNT_FLAG, 2}};
    for (uint32_t i = 0; i < 5; i++) {
        const int64_t value = number(call, ranges[i].arg);
        if (value < 0 || value > ranges[i].most) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; it must not be negative%s", call->op->name,
                             call->op->params[ranges[i].arg].name, (long long)value,
                             ranges[i].most == 1   ? ", and at most 1"
                             : ranges[i].most == 2 ? ", and at most 2"
                                                   : "");
        }
    }
    const int64_t tokens = stub_tensor_arg(call, X)->shape[0];
    if (drops(call) &&
        (number(call, CAPACITY) < 1 || number(call, EXPERTS) < 1 || (tokens > 0 && number(call, CAPACITY) > tokens))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: with dropPadMode 1 expertNum (%lld) must be positive and expertCapacity (%lld) from 1 to "
                         "%lld, the number of tokens",
                         call->op->name, (long long)number(call, EXPERTS), (long long)number(call, CAPACITY),
                         (long long)tokens);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call) {
    const int64_t *x = stub_tensor_arg(call, X)->shape, k = stub_tensor_arg(call, EXPERT_IDX)->shape[1];
    const int64_t pairs[] = {x[0], k}, count = x[0] * k, active = number(call, ACTIVE_NUM),
                  experts = number(call, EXPERTS);
    const int64_t flat[] = {active > 0 && active < count ? active : count, x[1]};
    const int64_t padded[] = {experts, number(call, CAPACITY), x[1]};
    STUB_REQUIRE(stub_check_shape(call, EXPERT_IDX, pairs, 2, "tokens of x, k"));
    STUB_REQUIRE(drops(call) ? stub_check_shape(call, EXPANDED_X, padded, 3, "expertNum, expertCapacity, columns of x")
                             : stub_check_shape(call, EXPANDED_X, flat, 2, "pairs (activeNum at most), columns of x"));
    STUB_REQUIRE(stub_check_shape(call, EXPANDED_ROW_IDX, &count, 1, "elements of expertIdx"));
    if (gives_counts(call)) {
        STUB_REQUIRE(stub_check_shape(call, COUNTS, &experts, 1, "expertNum"));
    }
    return gives_before(call) ? stub_check_shape(call, BEFORE, &experts, 1, "expertNum") : ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, EXPERT_IDX, EXPANDED_X, EXPANDED_ROW_IDX}, counts = COUNTS, before = BEFORE;
    const stub_dtypes int32 = STUB_DTYPE(ACL_INT32);
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_FLOATS)},
                                     {EXPERT_IDX, STUB_ON_ALL(int32)},
                                     {EXPANDED_ROW_IDX, STUB_ON_ALL(int32)},
                                     {COUNTS, STUB_ON_ALL(int32)},
                                     {BEFORE, STUB_ON_ALL(int32)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_given(call, &counts, gives_counts(call)));
    STUB_REQUIRE(stub_check_given(call, &before, gives_before(call)));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 5));
    STUB_REQUIRE(stub_check_same_dtype(call, EXPANDED_X, X));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, EXPERT_IDX, 2, 2));
    STUB_REQUIRE(check_numbers(call));
    STUB_REQUIRE(check_shapes(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, EXPERT_IDX)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t *experts, *places, *source, *counts;
    stub_ordered *items; /* two times the pairs */
} memory;

static aclnnStatus open_memory(const stub_call *call, memory *of, int64_t n, int64_t rows) {
    STUB_REQUIRE(stub_read_integers(call, EXPERT_IDX, &of->experts));
    of->places = stub_moe_memory(call, n);
    of->source = stub_moe_memory(call, rows);
    of->counts = stub_moe_memory(call, number(call, EXPERTS));
    of->items = stub_moe_memory(call, 4 * n);
    return of->places && of->source && of->counts && of->items ? ACLNN_SUCCESS : ACLNN_ERR_INNER;
}

/* Where pair `place`, number i in order, goes; experts beyond expertNum (finished tokens) get no place. */
static int64_t place_of(const stub_call *call, const memory *of, int64_t i, int64_t expert) {
    if (!drops(call)) {
        return i;
    }
    const int64_t capacity = number(call, CAPACITY);
    return expert < number(call, EXPERTS) && of->counts[expert] < capacity ? expert * capacity + of->counts[expert]
                                                                           : -1;
}

static aclnnStatus write_counts(const stub_call *call, memory *of) {
    STUB_REQUIRE(gives_before(call) ? stub_write_integers(call, BEFORE, of->counts) : ACLNN_SUCCESS);
    for (int64_t e = 1; number(call, COUNT_FLAG) == 1 && e < number(call, EXPERTS); e++) {
        of->counts[e] += of->counts[e - 1];
    }
    return gives_counts(call) ? stub_write_integers(call, COUNTS, of->counts) : ACLNN_SUCCESS;
}

static aclnnStatus route(const stub_call *call, memory *of, int64_t n) {
    stub_token_rows x, expanded;
    const int64_t k = stub_tensor_arg(call, EXPERT_IDX)->shape[1];
    STUB_REQUIRE(stub_token_rows_open(call, X, &x));
    STUB_REQUIRE(stub_token_rows_open(call, EXPANDED_X, &expanded));
    STUB_REQUIRE(open_memory(call, of, n, expanded.rows));
    STUB_REQUIRE(stub_check_indices(call, EXPERT_IDX, of->experts, n, 0, INT64_MAX));
    for (int64_t r = 0; r < expanded.rows; r++) {
        of->source[r] = STUB_ROW_ZEROS;
    }
    stub_order_keys(STUB_I64, of->experts, (size_t)n, false, of->items);
    stub_order_sort(of->items, (size_t)n, of->items + n);
    for (int64_t i = 0; i < n; i++) {
        const int64_t pair = of->items[i].place, expert = of->experts[pair], place = place_of(call, of, i, expert);
        of->places[pair] = place;
        if (place >= 0 && place < expanded.rows) {
            of->source[place] = pair / k;
        }
        if (expert < number(call, EXPERTS)) {
            of->counts[expert]++;
        }
    }
    STUB_REQUIRE(stub_write_integers(call, EXPANDED_ROW_IDX, of->places));
    STUB_REQUIRE(write_counts(call, of));
    stub_gather_rows(&x, of->source, &expanded);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    memory of = {0};
    const aclnnStatus status = route(call, &of, stub_tensor_numel(stub_tensor_arg(call, EXPERT_IDX)));
    free(of.experts), free(of.places), free(of.source), free(of.counts), free(of.items);
    return status;
}

STUB_KERNEL(aclnnMoeInitRoutingV2, check, run)
