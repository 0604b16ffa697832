/* aclnnMoeGatingTopK: scores are sigmoids or a softmax; with the bias added they choose first groups of experts, then
 * the k experts; the weights are the scores without the bias, those of sigmoids divided by their sum. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/map.h"
#include "opapi/ordering/order.h"

enum { X, BIAS, K, K_GROUP, GROUPS, GROUP_MODE, RENORM, NORM_TYPE, GIVES_NORM, FACTOR, EPS, Y, EXPERTS, NORM };
enum { MOST_EXPERTS = 2048, GROUP_ALIGNMENT = 32 };

typedef struct {
    uint32_t arg;
    int64_t low, high;
} range;

static aclnnStatus check_ranges(const stub_call *call, const range *ranges, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const int64_t value = call->args[ranges[i].arg].integer;
        if (value < ranges[i].low || value > ranges[i].high) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; allowed are %lld to %lld", call->op->name,
                             call->op->params[ranges[i].arg].name, (long long)value, (long long)ranges[i].low,
                             (long long)ranges[i].high);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_numbers(const stub_call *call) {
    const int64_t experts = stub_last_dim(stub_tensor_arg(call, X)), groups = call->args[GROUPS].integer;
    const range first[] = {
        {GROUPS, 1, experts}, {K_GROUP, 1, groups}, {GROUP_MODE, 0, 1}, {RENORM, 0, 0}, {NORM_TYPE, 0, 1}};
    STUB_REQUIRE(check_ranges(call, first, 5));
    const int64_t each = experts / groups, padded = (each + GROUP_ALIGNMENT - 1) / GROUP_ALIGNMENT * GROUP_ALIGNMENT;
    if (experts % groups != 0 || experts > MOST_EXPERTS ||
        (groups > 1 && (each <= call->args[GROUP_MODE].integer || padded * groups > MOST_EXPERTS))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: x has %lld experts in groupCount %lld groups; groups must be equal, have more experts "
                         "than groupSelectMode, and padded to multiples of %d not exceed %d experts",
                         call->op->name, (long long)experts, (long long)groups, (int)GROUP_ALIGNMENT,
                         (int)MOST_EXPERTS);
    }
    const range last = {K, 1, call->args[K_GROUP].integer * each};
    return check_ranges(call, &last, 1);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, Y, EXPERTS, NORM};
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_FLOATS)},
                                     {EXPERTS, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
                                     {NORM, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))}};
    STUB_REQUIRE(stub_check_given(call, tensors, call->args[GIVES_NORM].flag ? 4 : 3));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_same_dtype(call, BIAS, X));
    STUB_REQUIRE(stub_check_same_dtype(call, Y, X));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(check_numbers(call));
    const int64_t *shape = stub_tensor_arg(call, X)->shape, chosen[] = {shape[0], call->args[K].integer};
    STUB_REQUIRE(stub_check_shape(call, BIAS, shape + 1, 1, "the experts of x"));
    STUB_REQUIRE(stub_check_shape(call, Y, chosen, 2, "tokens of x, k"));
    STUB_REQUIRE(stub_check_shape(call, EXPERTS, chosen, 2, "tokens of x, k"));
    if (call->args[GIVES_NORM].flag) {
        STUB_REQUIRE(stub_check_same_shape(call, NORM, X));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    return ACLNN_SUCCESS;
}

/* x becomes its scores. */
static void normalise(float *x, int64_t n, bool sigmoid) {
    float largest = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    for (int64_t i = 0; i < n; i++) {
        x[i] = sigmoid ? 1 / (1 + expf(-x[i])) : expf(x[i] - largest);
        sum += x[i];
    }
    for (int64_t i = 0; i < n && !sigmoid; i++) {
        x[i] = (float)(x[i] / sum);
    }
}

/* A group's largest score, or the sum of its two largest. */
static float group_score(const float *scores, int64_t n, bool of_two) {
    float first = -INFINITY, second = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        const float x = scores[i], loser = x > first ? first : x;
        first = x > first ? x : first;
        second = loser > second ? loser : second;
    }
    return of_two ? first + second : first;
}

/* Scores of the groups that are not chosen become -infinity. */
static void drop_groups(const stub_call *call, float *scores, int64_t n, stub_ordered *items) {
    const int64_t groups = call->args[GROUPS].integer, each = n / groups, chosen = call->args[K_GROUP].integer;
    float totals[MOST_EXPERTS];
    for (int64_t g = 0; g < groups; g++) {
        totals[g] = group_score(scores + g * each, each, call->args[GROUP_MODE].integer == 1);
    }
    stub_order_keys(STUB_F32, totals, (size_t)groups, true, items);
    stub_order_sort(items, (size_t)groups, items + n);
    for (int64_t i = chosen; i < groups; i++) {
        for (int64_t j = 0; j < each; j++) {
            scores[items[i].place * each + j] = -INFINITY;
        }
    }
}

static aclnnStatus choose(const void *constants, void *const *array, const int64_t *length, int64_t position,
                          void *scratch) {
    const stub_call *call = constants;
    const int64_t n = length[0], k = call->args[K].integer;
    float *x = array[0], *y = array[2], scores[MOST_EXPERTS], sum = 0;
    const float *bias = array[1];
    int64_t *experts = array[3];
    stub_ordered *items = scratch;
    (void)position;
    normalise(x, n, call->args[NORM_TYPE].integer == 1);
    for (int64_t i = 0; i < n; i++) {
        scores[i] = bias ? x[i] + bias[i] : x[i];
        if (array[4]) {
            ((float *)array[4])[i] = x[i];
        }
    }
    drop_groups(call, scores, n, items);
    stub_order_keys(STUB_F32, scores, (size_t)n, true, items);
    stub_order_top(items, (size_t)n, (size_t)k, items + n);
    for (int64_t j = 0; j < k; j++) {
        experts[j] = items[j].place;
        y[j] = x[items[j].place];
        sum += y[j];
    }
    const float divisor = call->args[NORM_TYPE].integer == 1 ? sum + (float)call->args[EPS].real : 1;
    for (int64_t j = 0; j < k; j++) {
        y[j] = y[j] / divisor * (float)call->args[FACTOR].real;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const uint32_t args[] = {X, BIAS, Y, EXPERTS, NORM};
    stub_view views[5];
    stub_lines lines = {.inputs = 2,
                        .outputs = 3,
                        .line = choose,
                        .constants = call,
                        .scratch = 2 * (size_t)stub_last_dim(stub_tensor_arg(call, X)) * sizeof(stub_ordered)};
    for (uint32_t i = 0; i < 5; i++) {
        if (stub_tensor_arg(call, args[i]) && (i < 4 || call->args[GIVES_NORM].flag)) {
            STUB_REQUIRE(stub_view_open(call, args[i], &views[i]));
            lines.operand[i] = (stub_line_operand){&views[i], i == 1 ? 1 : 2, i == 3 ? ACL_INT64 : ACL_FLOAT};
        }
    }
    return stub_lines_run(call, &lines);
}

STUB_KERNEL(aclnnMoeGatingTopK, check, run)
