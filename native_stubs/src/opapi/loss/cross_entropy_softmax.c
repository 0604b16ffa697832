/* aclnnSoftmaxCrossEntropyWithLogits: the entropy of a softmax against given probabilities, and its gradient. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/loops.h"
#include "opapi/loss/cross_entropy.h"
#include "opapi/math.h"

enum { FEATURES, LABELS, LOSS, BACKPROP, ARGUMENTS };

STUB_VERSIONS(void, log_softmax, (const float *x, float *logs, int64_t n), {
    float largest = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        largest = x[i] > largest || x[i] != x[i] ? x[i] : largest;
    }
    STUB_EACH for (int64_t i = 0; i < n; i++) {
        logs[i] = STUB_EXP(x[i] - largest);
    }
    for (int64_t i = 0; i < n; i++) {
        sum += logs[i];
    }
    const float shift = (float)log(sum);
    STUB_EACH for (int64_t i = 0; i < n; i++) {
        logs[i] = x[i] - largest - shift;
    }
})

void stub_log_softmax(const float *x, float *logs, int64_t n) {
    STUB_BEST(log_softmax)(x, logs, n);
}

static aclnnStatus line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                        void *scratch) {
    (void)constants, (void)position;
    const float *y = array[LABELS];
    float *loss = array[LOSS], *slope = array[BACKPROP], *logs = scratch;
    stub_log_softmax(array[FEATURES], logs, length[FEATURES]);
    double sum = 0;
    for (int64_t i = 0; i < length[FEATURES]; i++) {
        sum -= (double)y[i] * logs[i];
        slope[i] = STUB_EXP(logs[i]) - y[i];
    }
    *loss = (float)sum;
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    for (uint32_t arg = FEATURES; arg < ARGUMENTS; arg++) {
        const stub_dtype_rule rule = {arg, STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_given(call, &arg, 1));
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_same_dtype(call, arg, FEATURES));
    }
    STUB_REQUIRE(stub_check_rank(call, FEATURES, 2, 2));
    const aclTensor *features = stub_tensor_arg(call, FEATURES);
    STUB_REQUIRE(stub_check_same_shape(call, LABELS, FEATURES));
    STUB_REQUIRE(stub_check_same_shape(call, BACKPROP, FEATURES));
    STUB_REQUIRE(stub_check_shape(call, LOSS, features->shape, 1, "the rows of features"));
    plan->nothing_to_run = features->shape[0] == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_view views[ARGUMENTS];
    stub_lines lines = {.inputs = 2, .outputs = 2, .line = line};
    for (uint32_t arg = FEATURES; arg < ARGUMENTS; arg++) {
        STUB_REQUIRE(stub_view_open(call, arg, &views[arg]));
        lines.operand[arg] = (stub_line_operand){&views[arg], arg == LOSS ? 0 : 1u << 1, ACL_FLOAT};
    }
    lines.scratch = (size_t)views[FEATURES].tensor->shape[1] * sizeof(float);
    return stub_lines_run(call, &lines);
}

STUB_KERNEL(aclnnSoftmaxCrossEntropyWithLogits, check, run)
