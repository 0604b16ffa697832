/* aclnnMoeInitRoutingV2: pairs of a token and one of its experts, numbered row-major in expertIdx and sorted by expert
 * (stable). Without dropping the tokens follow each other, as far as activeNum reaches; with it each expert has
 * expertCapacity places, what is too much is dropped (index -1), what is missing is zeros. aclnnMoeInitRoutingQuantV2
 * quantises the tokens, with one scale and offset, or each row with its own. */
#include <stdlib.h>

#include "opapi/moe/quantise.h"
#include "opapi/ordering/order.h"

enum { X, EXPERT_IDX, SCALE, OFFSET };
/* Behind the tensors, and behind the attributes. */
enum { ACTIVE_NUM, CAPACITY, EXPERTS, DROPS, COUNT_FLAG, BEFORE_FLAG, QUANT_MODE };
enum { EXPANDED_X, EXPANDED_ROW_IDX, COUNTS, BEFORE, ROW_SCALES };
enum { STATIC, DYNAMIC };

/* What the operators' signatures have in other places. */
typedef struct {
    uint32_t attributes, outputs;
    bool quantises;
} routing;

static int64_t number(const stub_call *call, const routing *op, uint32_t attribute) {
    return call->args[op->attributes + attribute].integer;
}

static bool drops(const stub_call *call, const routing *op) {
    return number(call, op, DROPS) == 1;
}

static bool gives_counts(const stub_call *call, const routing *op) {
    return !drops(call, op) && number(call, op, COUNT_FLAG) > 0;
}

static bool gives_before(const stub_call *call, const routing *op) {
    return drops(call, op) && call->args[op->attributes + BEFORE_FLAG].flag;
}

static aclnnStatus check_numbers(const stub_call *call, const routing *op) {
    static const struct {
        uint32_t arg;
        int64_t most;
    } ranges[] = {{ACTIVE_NUM, INT64_MAX}, {CAPACITY, INT64_MAX}, {EXPERTS, INT64_MAX}, {DROPS, 1}, {COUNT_FLAG, 2}};
    for (uint32_t i = 0; i < 5; i++) {
        const int64_t value = number(call, op, ranges[i].arg);
        if (value < 0 || value > ranges[i].most) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; it must not be negative%s", call->op->name,
                             call->op->params[op->attributes + ranges[i].arg].name, (long long)value,
                             ranges[i].most == 1   ? ", and at most 1"
                             : ranges[i].most == 2 ? ", and at most 2"
                                                   : "");
        }
    }
    const int64_t tokens = stub_tensor_arg(call, X)->shape[0];
    if (drops(call, op) && (number(call, op, CAPACITY) < 1 || number(call, op, EXPERTS) < 1 ||
                            (tokens > 0 && number(call, op, CAPACITY) > tokens))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: with dropPadMode 1 expertNum (%lld) must be positive and expertCapacity (%lld) from 1 to "
                         "%lld, the number of tokens",
                         call->op->name, (long long)number(call, op, EXPERTS), (long long)number(call, op, CAPACITY),
                         (long long)tokens);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const routing *op) {
    const int64_t *x = stub_tensor_arg(call, X)->shape, k = stub_tensor_arg(call, EXPERT_IDX)->shape[1];
    const int64_t pairs[] = {x[0], k}, count = x[0] * k, active = number(call, op, ACTIVE_NUM),
                  experts = number(call, op, EXPERTS);
    const int64_t flat[] = {active > 0 && active < count ? active : count, x[1]};
    const int64_t padded[] = {experts, number(call, op, CAPACITY), x[1]};
    STUB_REQUIRE(stub_check_shape(call, EXPERT_IDX, pairs, 2, "tokens of x, k"));
    STUB_REQUIRE(
        drops(call, op)
            ? stub_check_shape(call, op->outputs + EXPANDED_X, padded, 3, "expertNum, expertCapacity, columns of x")
            : stub_check_shape(call, op->outputs + EXPANDED_X, flat, 2, "pairs (activeNum at most), columns of x"));
    STUB_REQUIRE(stub_check_shape(call, op->outputs + EXPANDED_ROW_IDX, &count, 1, "elements of expertIdx"));
    if (gives_counts(call, op)) {
        STUB_REQUIRE(stub_check_shape(call, op->outputs + COUNTS, &experts, 1, "expertNum"));
    }
    return gives_before(call, op) ? stub_check_shape(call, op->outputs + BEFORE, &experts, 1, "expertNum")
                                  : ACLNN_SUCCESS;
}

static aclnnStatus check_quantisation(const stub_call *call, const routing *op) {
    const uint32_t required[] = {SCALE, OFFSET}, scales = op->outputs + ROW_SCALES;
    const int64_t mode = number(call, op, QUANT_MODE);
    const stub_dtypes floats = STUB_DTYPE(ACL_FLOAT);
    const stub_dtype_rule rules[] = {{op->outputs + EXPANDED_X, STUB_ON_ALL(STUB_DTYPE(ACL_INT8))},
                                     {SCALE, STUB_ON_ALL(floats)},
                                     {OFFSET, STUB_ON_ALL(floats)},
                                     {scales, STUB_ON_ALL(floats)}};
    if (mode != STATIC && mode != DYNAMIC) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: quantMode is %lld; allowed are 0 (static) and 1 (dynamic)",
                         call->op->name, (long long)mode);
    }
    STUB_REQUIRE(mode == STATIC ? stub_check_given(call, required, 2) : stub_check_given(call, &scales, 1));
    return stub_check_dtypes(call, rules, 4);
}

/* Of static quantisation one scale and one offset; of dynamic one row of factors, or one for each expert. */
static aclnnStatus check_scales(const stub_call *call, const routing *op) {
    const aclTensor *x = stub_tensor_arg(call, X), *scale = stub_tensor_arg(call, SCALE);
    const aclTensor *expanded = stub_tensor_arg(call, op->outputs + EXPANDED_X);
    const int64_t one = 1, rows = drops(call, op) ? expanded->shape[0] * expanded->shape[1] : expanded->shape[0];
    if (number(call, op, QUANT_MODE) == STATIC) {
        STUB_REQUIRE(stub_check_shape(call, SCALE, &one, 1, "one for all"));
        return stub_check_shape(call, OFFSET, &one, 1, "one for all");
    }
    STUB_REQUIRE(stub_check_rank(call, SCALE, 2, 2));
    const int64_t dims[] = {scale && scale->shape[0] == 1 ? 1 : number(call, op, EXPERTS), x->shape[1]};
    STUB_REQUIRE(stub_check_shape(call, SCALE, dims, 2, "1 or expertNum, columns of x"));
    return stub_check_shape(call, op->outputs + ROW_SCALES, &rows, 1, "rows of expandedXOut");
}

static aclnnStatus routing_check(const stub_call *call, stub_plan *plan, const routing *op) {
    const uint32_t tensors[] = {X, EXPERT_IDX, op->outputs + EXPANDED_X, op->outputs + EXPANDED_ROW_IDX},
                   counts = op->outputs + COUNTS, before = op->outputs + BEFORE;
    const stub_dtypes int32 = STUB_DTYPE(ACL_INT32);
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_FLOATS)},
                                     {EXPERT_IDX, STUB_ON_ALL(int32)},
                                     {op->outputs + EXPANDED_ROW_IDX, STUB_ON_ALL(int32)},
                                     {op->outputs + COUNTS, STUB_ON_ALL(int32)},
                                     {op->outputs + BEFORE, STUB_ON_ALL(int32)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_given(call, &counts, gives_counts(call, op)));
    STUB_REQUIRE(stub_check_given(call, &before, gives_before(call, op)));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 5));
    STUB_REQUIRE(op->quantises ? check_quantisation(call, op)
                               : stub_check_same_dtype(call, op->outputs + EXPANDED_X, X));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, EXPERT_IDX, 2, 2));
    STUB_REQUIRE(check_numbers(call, op));
    STUB_REQUIRE(check_shapes(call, op));
    STUB_REQUIRE(op->quantises ? check_scales(call, op) : ACLNN_SUCCESS);
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, EXPERT_IDX)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t *experts, *places, *source, *owner, *counts; /* owner: the expert of a row of the output */
    float *scales;
    stub_ordered *items; /* two times the pairs */
} memory;

static aclnnStatus open_memory(const stub_call *call, memory *of, const routing *op, int64_t n, int64_t rows) {
    STUB_REQUIRE(stub_read_integers(call, EXPERT_IDX, &of->experts));
    of->places = stub_moe_memory(call, n);
    of->source = stub_moe_memory(call, rows);
    of->owner = stub_moe_memory(call, rows);
    of->scales = stub_moe_memory(call, rows);
    of->counts = stub_moe_memory(call, number(call, op, EXPERTS));
    of->items = stub_moe_memory(call, 4 * n);
    return of->places && of->source && of->owner && of->scales && of->counts && of->items ? ACLNN_SUCCESS
                                                                                          : ACLNN_ERR_INNER;
}

/* Where pair `place`, number i in order, goes; experts beyond expertNum (finished tokens) get no place. */
static int64_t place_of(const stub_call *call, const memory *of, const routing *op, int64_t i, int64_t expert) {
    if (!drops(call, op)) {
        return i;
    }
    const int64_t capacity = number(call, op, CAPACITY);
    return expert < number(call, op, EXPERTS) && of->counts[expert] < capacity ? expert * capacity + of->counts[expert]
                                                                               : -1;
}

static aclnnStatus write_counts(const stub_call *call, memory *of, const routing *op) {
    STUB_REQUIRE(gives_before(call, op) ? stub_write_integers(call, op->outputs + BEFORE, of->counts) : ACLNN_SUCCESS);
    for (int64_t e = 1; number(call, op, COUNT_FLAG) == 1 && e < number(call, op, EXPERTS); e++) {
        of->counts[e] += of->counts[e - 1];
    }
    return gives_counts(call, op) ? stub_write_integers(call, op->outputs + COUNTS, of->counts) : ACLNN_SUCCESS;
}

static aclnnStatus quantise_alike(const stub_call *call, const memory *of, const stub_token_rows *x,
                                  const stub_token_rows *to) {
    float *scale = NULL, *offset = NULL;
    aclnnStatus status = stub_read_floats(call, SCALE, &scale);
    status = status == ACLNN_SUCCESS ? stub_read_floats(call, OFFSET, &offset) : status;
    if (status == ACLNN_SUCCESS) {
        stub_quantise_rows(x, of->source, *scale, *offset, to);
    }
    free(scale), free(offset);
    return status;
}

static aclnnStatus quantise_each(const stub_call *call, memory *of, const routing *op, const stub_token_rows *x,
                                 const stub_token_rows *to) {
    const aclTensor *given = stub_tensor_arg(call, SCALE);
    float *smooth;
    STUB_REQUIRE(stub_read_floats(call, SCALE, &smooth));
    for (int64_t r = 0; r < to->rows && given && given->shape[0] == 1; r++) {
        of->owner[r] = 0;
    }
    const stub_row_quantisation by = {x, to, of->source, of->owner, smooth, of->scales};
    aclnnStatus status =
        given ? stub_check_indices(call, EXPERT_IDX, of->owner, to->rows, 0, given->shape[0]) : ACLNN_SUCCESS;
    status = status == ACLNN_SUCCESS ? stub_quantise_rows_each(call, &by) : status;
    free(smooth);
    return status == ACLNN_SUCCESS ? stub_write_floats(call, op->outputs + ROW_SCALES, of->scales) : status;
}

static aclnnStatus route(const stub_call *call, memory *of, const routing *op, int64_t n) {
    stub_token_rows x, expanded;
    const int64_t k = stub_tensor_arg(call, EXPERT_IDX)->shape[1];
    STUB_REQUIRE(stub_token_rows_open(call, X, &x));
    STUB_REQUIRE(stub_token_rows_open(call, op->outputs + EXPANDED_X, &expanded));
    STUB_REQUIRE(open_memory(call, of, op, n, expanded.rows));
    STUB_REQUIRE(stub_check_indices(call, EXPERT_IDX, of->experts, n, 0, INT64_MAX));
    for (int64_t r = 0; r < expanded.rows; r++) {
        of->source[r] = STUB_ROW_ZEROS;
    }
    stub_order_keys(STUB_I64, of->experts, (size_t)n, false, of->items);
    stub_order_sort(of->items, (size_t)n, of->items + n);
    for (int64_t i = 0; i < n; i++) {
        const int64_t pair = of->items[i].place, expert = of->experts[pair], place = place_of(call, of, op, i, expert);
        of->places[pair] = place;
        if (place >= 0 && place < expanded.rows) {
            of->source[place] = pair / k;
            of->owner[place] = expert;
        }
        if (expert < number(call, op, EXPERTS)) {
            of->counts[expert]++;
        }
    }
    STUB_REQUIRE(stub_write_integers(call, op->outputs + EXPANDED_ROW_IDX, of->places));
    STUB_REQUIRE(write_counts(call, of, op));
    if (op->quantises) {
        return number(call, op, QUANT_MODE) == STATIC ? quantise_alike(call, of, &x, &expanded)
                                                      : quantise_each(call, of, op, &x, &expanded);
    }
    stub_gather_rows(&x, of->source, &expanded);
    return ACLNN_SUCCESS;
}

static aclnnStatus routing_run(const stub_call *call, const routing *op) {
    memory of = {0};
    const aclnnStatus status = route(call, &of, op, stub_tensor_numel(stub_tensor_arg(call, EXPERT_IDX)));
    free(of.experts), free(of.places), free(of.source), free(of.owner), free(of.scales);
    free(of.counts), free(of.items);
    return status;
}

STUB_FAMILY_KERNEL(aclnnMoeInitRoutingV2, routing, {2, 8, false})
STUB_FAMILY_KERNEL(aclnnMoeInitRoutingQuantV2, routing, {4, 11, true})
