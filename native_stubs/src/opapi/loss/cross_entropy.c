/* aclnnCrossEntropyLoss: the cross entropy of logits and classes, weighted, smoothed; its gradient. The additional
 * z-loss is what the documents call not supported: its arguments have no effect. */
#include "opapi/loss/cross_entropy.h"

#include <stdlib.h>
#include <string.h>

#include "opapi/lines.h"
#include "opapi/loss/nll.h"
#include "opapi/math.h"

/* The arguments of both; a gradient's are one further. */
typedef struct {
    uint32_t scores, target, weight, reduction, ignored, smoothing, loss, rows;
} entropy;

static const entropy forward = {0, 1, 2, 3, 4, 5, 8, 9}, backward = {1, 2, 3, 6, 7, 8, 0, 10};

typedef enum { NONE, MEAN, SUM, UNKNOWN } reductions;

/* Absent: mean, as the documents' default. */
static reductions reduction_of(const stub_call *call, const entropy *at) {
    const char *text = call->args[at->reduction].text;
    return !text || strcmp(text, "mean") == 0 ? MEAN
           : strcmp(text, "sum") == 0         ? SUM
           : strcmp(text, "none") == 0        ? NONE
                                              : UNKNOWN;
}

static aclnnStatus check_types(const stub_call *call, const entropy *at) {
    const uint32_t required[] = {at->scores, at->target, at->loss, at->rows};
    STUB_REQUIRE(stub_check_given(call, required, 4));
    const stub_dtype_rule rules[] = {{at->scores, STUB_ON_ALL(STUB_FLOATS)},
                                     {at->target, STUB_ON_ALL(STUB_DTYPE(ACL_INT64) | STUB_DTYPE(ACL_INT32))},
                                     {at->weight, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_same_dtype(call, at->loss, at->scores));
    return stub_check_same_dtype(call, at->rows, at->scores);
}

static aclnnStatus check_attributes(const stub_call *call, const entropy *at) {
    if (reduction_of(call, at) == UNKNOWN) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is \"%s\"; allowed are mean, sum, none", call->op->name,
                         call->op->params[at->reduction].name, call->args[at->reduction].text);
    }
    const double smoothing = call->args[at->smoothing].real;
    if (!(smoothing >= 0 && smoothing <= 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: labelSmoothing is %g; allowed are 0 to 1", call->op->name,
                         smoothing);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan, const entropy *at) {
    STUB_REQUIRE(check_types(call, at));
    STUB_REQUIRE(check_attributes(call, at));
    STUB_REQUIRE(stub_check_rank(call, at->scores, 2, 2));
    const aclTensor *scores = stub_tensor_arg(call, at->scores);
    STUB_REQUIRE(stub_check_shape(call, at->target, &scores->shape[0], 1, "the rows of the scores"));
    STUB_REQUIRE(stub_check_shape(call, at->weight, &scores->shape[1], 1, "the classes"));
    STUB_REQUIRE(stub_check_same_shape(call, at->rows, at->scores));
    const int64_t one[] = {1};
    const bool keeps = reduction_of(call, at) == NONE;
    const uint32_t rank = keeps || stub_tensor_arg(call, at->loss)->rank > 0 ? 1 : 0;
    STUB_REQUIRE(stub_check_shape(call, at->loss, keeps ? &scores->shape[0] : one, rank,
                                  keeps ? "the rows of the scores" : "one element"));
    plan->nothing_to_run = scores->shape[0] == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus open_classes(const stub_call *call, const entropy *at, stub_classes *of) {
    *of = (stub_classes){.axis = 1, .ignored = call->args[at->ignored].integer};
    STUB_REQUIRE(stub_view_open(call, at->scores, &of->scores));
    STUB_REQUIRE(stub_view_open(call, at->target, &of->target));
    if (stub_tensor_arg(call, at->weight)) {
        STUB_REQUIRE(stub_view_open(call, at->weight, &of->weight));
    }
    of->positions = of->scores.tensor->shape[0];
    of->classes = of->scores.tensor->shape[1];
    return ACLNN_SUCCESS;
}

/* What the rows share, and what they leave for the sums. */
typedef struct {
    const stub_call *call;
    stub_classes of;
    stub_view gradient;
    float *of_class, *loss, *weight; /* of each class; of each row */
    double smoothing, total;         /* total: of the weights, what a mean divides by */
    bool keeps;
} job;

static aclnnStatus allocate(const stub_call *call, job *work) {
    const int64_t count = work->of.classes + 2 * work->of.positions;
    work->of_class = malloc((size_t)count * sizeof(float));
    if (!work->of_class) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its weights", call->op->name);
    }
    work->loss = work->of_class + work->of.classes;
    work->weight = work->loss + work->of.positions;
    for (int64_t i = 0; i < work->of.classes; i++) {
        work->of_class[i] = stub_classes_weight(&work->of, i);
    }
    return ACLNN_SUCCESS;
}

/* The targets' weights, and whether each names a class. */
static aclnnStatus weigh(job *work) {
    for (int64_t row = 0; row < work->of.positions; row++) {
        int64_t class_;
        STUB_REQUIRE(stub_classes_at(work->call, &work->of, row, &class_));
        work->weight[row] = class_ < 0 ? 0 : work->of_class[class_];
        work->total += work->weight[row];
    }
    return ACLNN_SUCCESS;
}

/* (1 - s) * -w log p of the class + s / C * the sum over all classes. */
static aclnnStatus forward_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                                void *scratch) {
    (void)scratch;
    const job *work = constants;
    const float *logs = array[1];
    stub_log_softmax(array[0], array[1], length[0]);
    int64_t class_;
    STUB_REQUIRE(stub_classes_at(work->call, &work->of, position, &class_));
    double loss = class_ < 0 ? 0 : -(double)work->weight[position] * logs[class_] * (1 - work->smoothing);
    for (int64_t i = 0; class_ >= 0 && work->smoothing > 0 && i < length[0]; i++) {
        loss -= work->smoothing / (double)length[0] * work->of_class[i] * logs[i];
    }
    work->loss[position] = (float)loss;
    return ACLNN_SUCCESS;
}

static void put_losses(const job *work, const stub_view *out, reductions reduction) {
    const aclTensor *tensor = out->tensor;
    double sum = 0;
    for (int64_t row = 0; row < work->of.positions; row++) {
        sum += work->loss[row];
        if (reduction == NONE) {
            stub_element_set(out, tensor->offset + row * tensor->strides[0], work->loss[row]);
        }
    }
    if (reduction != NONE) {
        stub_element_set(out, tensor->offset, (float)(reduction == MEAN ? sum / work->total : sum));
    }
}

/* softmax - 1 at the class, times the gradient of its row. */
static aclnnStatus backward_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                                 void *scratch) {
    (void)scratch;
    const job *work = constants;
    const float *logs = array[0];
    float *slope = array[1];
    int64_t class_;
    STUB_REQUIRE(stub_classes_at(work->call, &work->of, position, &class_));
    const aclTensor *gradient = work->gradient.tensor;
    const float given =
        stub_element_get(&work->gradient, gradient->offset + (work->keeps ? position * gradient->strides[0] : 0));
    const float by = class_ < 0 ? 0 : given * work->weight[position] / (float)work->total;
    for (int64_t i = 0; i < length[0]; i++) {
        slope[i] = class_ < 0 ? 0 : STUB_EXP(logs[i]) * by;
    }
    if (class_ >= 0) {
        slope[class_] -= by;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_lines(const stub_call *call, const entropy *at, job *work,
                             aclnnStatus (*line)(const void *, void *const *, const int64_t *, int64_t, void *)) {
    stub_view rows;
    STUB_REQUIRE(stub_view_open(call, at->rows, &rows));
    const stub_lines lines = {.inputs = 1,
                              .outputs = 1,
                              .operand = {{&work->of.scores, 1u << 1, ACL_FLOAT}, {&rows, 1u << 1, ACL_FLOAT}},
                              .line = line,
                              .constants = work};
    return stub_lines_run(call, &lines);
}

static aclnnStatus forward_check(const stub_call *call, stub_plan *plan) {
    return check(call, plan, &forward);
}

static aclnnStatus forward_run(const stub_call *call) {
    job work = {.call = call, .smoothing = call->args[forward.smoothing].real};
    stub_view out;
    STUB_REQUIRE(open_classes(call, &forward, &work.of));
    STUB_REQUIRE(stub_view_open(call, forward.loss, &out));
    STUB_REQUIRE(allocate(call, &work));
    aclnnStatus status = weigh(&work);
    status = status == ACLNN_SUCCESS ? run_lines(call, &forward, &work, forward_line) : status;
    if (status == ACLNN_SUCCESS) {
        put_losses(&work, &out, reduction_of(call, &forward));
    }
    free(work.of_class);
    return status;
}

static aclnnStatus backward_check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check(call, plan, &backward));
    if (call->args[backward.smoothing].real != 0) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for labelSmoothing %g",
                         call->op->name, call->args[backward.smoothing].real);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus backward_run(const stub_call *call) {
    const reductions reduction = reduction_of(call, &backward);
    job work = {.call = call, .keeps = reduction == NONE};
    STUB_REQUIRE(open_classes(call, &backward, &work.of));
    STUB_REQUIRE(stub_view_open(call, backward.loss, &work.gradient));
    STUB_REQUIRE(allocate(call, &work));
    aclnnStatus status = weigh(&work);
    work.total = reduction == MEAN ? work.total : 1;
    status = status == ACLNN_SUCCESS ? run_lines(call, &backward, &work, backward_line) : status;
    free(work.of_class);
    return status;
}

STUB_KERNEL(aclnnCrossEntropyLoss, forward_check, forward_run)
STUB_KERNEL(aclnnCrossEntropyLossGrad, backward_check, backward_run)
