/* aclnnMoeGatingTopKSoftmax and V2: softmax over the experts in fp32 and the k likeliest ones of each token; of equal
 * ones the first. With renorm it is the softmax of the k largest. A finished token gets the expert that is none. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/ordering/order.h"

enum { X, FINISHED, K, Y, EXPERTS, ROWS };
enum { RENORM = 3, GIVES_SOFTMAX, V2_Y, V2_EXPERTS, V2_SOFTMAX };
enum { MOST_K = 1024 };

typedef struct {
    uint32_t y, experts, last; /* arguments: the outputs */
    bool v2;
} gating;

static aclnnStatus check_k(const stub_call *call) {
    const int64_t k = call->args[K].integer, experts = stub_last_dim(stub_tensor_arg(call, X));
    const int64_t most = experts < MOST_K ? experts : MOST_K;
    if (k >= 1 && k <= most) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: k is %lld; allowed are 1 to %lld, the number of experts",
                     call->op->name, (long long)k, (long long)most);
}

static aclnnStatus check_shapes(const stub_call *call, const gating *op) {
    const aclTensor *x = stub_tensor_arg(call, X);
    int64_t shape[STUB_MAX_RANK];
    for (uint32_t i = 0; i + 1 < x->rank; i++) {
        shape[i] = x->shape[i];
    }
    shape[x->rank - 1] = call->args[K].integer;
    STUB_REQUIRE(stub_check_shape(call, FINISHED, x->shape, x->rank - 1, "that of x without the experts"));
    STUB_REQUIRE(stub_check_shape(call, op->y, shape, x->rank, "that of x with k experts"));
    STUB_REQUIRE(stub_check_shape(call, op->experts, shape, x->rank, "that of x with k experts"));
    return op->v2 ? stub_check_same_shape(call, op->last, X)
                  : stub_check_shape(call, op->last, shape, x->rank, "that of x with k experts");
}

static bool gives_softmax(const stub_call *call, const gating *op) {
    return op->v2 && call->args[GIVES_SOFTMAX].flag && call->args[RENORM].integer == 0;
}

static aclnnStatus gating_check(const stub_call *call, stub_plan *plan, const gating *op) {
    const uint32_t tensors[] = {X, op->y, op->experts, op->last};
    const stub_dtypes int32 = STUB_DTYPE(ACL_INT32);
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_FLOATS)},
                                     {FINISHED, STUB_ON_ALL(STUB_BOOLS)},
                                     {op->experts, STUB_ON_ALL(int32)},
                                     {op->last, STUB_ON_ALL(op->v2 ? STUB_DTYPE(ACL_FLOAT) : int32)}};
    STUB_REQUIRE(stub_check_given(call, tensors, op->v2 && !gives_softmax(call, op) ? 3 : 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 4));
    STUB_REQUIRE(stub_check_same_dtype(call, op->y, X));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 3));
    STUB_REQUIRE(check_k(call));
    if (op->v2 && (call->args[RENORM].integer < 0 || call->args[RENORM].integer > 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: renorm is %lld; allowed are 0 and 1", call->op->name,
                         (long long)call->args[RENORM].integer);
    }
    STUB_REQUIRE(check_shapes(call, op));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    int64_t tokens, k;
    bool renorm, rows; /* the last output: row indices, or the softmax */
} gate;

static void softmax(float *x, int64_t n) {
    float largest = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    for (int64_t i = 0; i < n; i++) {
        x[i] = expf(x[i] - largest);
        sum += x[i];
    }
    for (int64_t i = 0; i < n; i++) {
        x[i] = (float)(x[i] / sum);
    }
}

static aclnnStatus choose(const void *constants, void *const *array, const int64_t *length, int64_t position,
                          void *scratch) {
    const gate *of = constants;
    float *x = array[0], *y = array[2];
    int64_t *experts = array[3];
    const bool finished = array[1] && *(uint8_t *)array[1];
    const int64_t n = length[0];
    stub_ordered *items = scratch;
    if (!of->renorm) {
        softmax(x, n);
    }
    stub_order_keys(STUB_F32, x, (size_t)n, true, items);
    stub_order_top(items, (size_t)n, (size_t)of->k, items + n);
    for (int64_t j = 0; j < of->k; j++) {
        y[j] = x[items[j].place];
        experts[j] = finished ? n : items[j].place;
        if (of->rows) {
            ((int64_t *)array[4])[j] = j * of->tokens + position;
        }
    }
    if (of->renorm) {
        softmax(y, of->k);
    }
    for (int64_t i = 0; array[4] && !of->rows && i < n; i++) {
        ((float *)array[4])[i] = x[i];
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus gating_run(const stub_call *call, const gating *op) {
    const uint32_t args[] = {X, FINISHED, op->y, op->experts, op->last};
    stub_view views[5];
    stub_lines lines = {.inputs = 2, .outputs = 3, .line = choose};
    for (uint32_t i = 0; i < 5; i++) {
        const aclTensor *tensor = stub_tensor_arg(call, args[i]);
        if (!tensor || (i == 4 && op->v2 && !gives_softmax(call, op))) {
            continue;
        }
        STUB_REQUIRE(stub_view_open(call, args[i], &views[i]));
        lines.operand[i] = (stub_line_operand){&views[i], i == 1 ? 0 : 1u << (tensor->rank - 1),
                                               i == 1                          ? ACL_BOOL
                                               : i == 3 || (i == 4 && !op->v2) ? ACL_INT64
                                                                               : ACL_FLOAT};
    }
    const int64_t experts = stub_last_dim(stub_tensor_arg(call, X));
    const gate of = {stub_tensor_numel(stub_tensor_arg(call, X)) / experts, call->args[K].integer,
                     op->v2 && call->args[RENORM].integer == 1, !op->v2};
    lines.constants = &of;
    lines.scratch = 2 * (size_t)experts * sizeof(stub_ordered);
    return stub_lines_run(call, &lines);
}

STUB_FAMILY_KERNEL(aclnnMoeGatingTopKSoftmax, gating, {Y, EXPERTS, ROWS, false})
STUB_FAMILY_KERNEL(aclnnMoeGatingTopKSoftmaxV2, gating, {V2_Y, V2_EXPERTS, V2_SOFTMAX, true})
