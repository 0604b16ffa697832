/* Negative log likelihood of the classes that targets name, in one and two dimensions, and its gradient. */
#include <string.h>

#include "opapi/loss/nll.h"
#include "opapi/map.h"

enum { NONE, MEAN, SUM };

/* Where the arguments are; -1: there is no such argument. */
typedef struct {
    int gradient, scores, target, weight, reduction, ignored, total, out;
    bool in_two_dimensions;
} nll;

#define TARGETS (STUB_DTYPE(ACL_INT64) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_UINT8))

static aclnnStatus check_types(const stub_call *call, const nll *at) {
    const int floats[] = {at->scores, at->weight, at->total, at->out, at->gradient};
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        if (floats[i] < 0) {
            continue;
        }
        const uint32_t arg = (uint32_t)floats[i];
        const stub_dtype_rule rule = {arg, STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_given(call, &arg, 1));
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    }
    const uint32_t target = (uint32_t)at->target;
    const stub_dtype_rule rule = {target, STUB_ON_ALL(TARGETS)};
    STUB_REQUIRE(stub_check_given(call, &target, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    return stub_check_same_dtype(call, (uint32_t)at->out, (uint32_t)at->scores);
}

static uint32_t class_axis(const aclTensor *scores) {
    return scores->rank > 1 ? 1 : 0;
}

/* The scores' shape without the classes. */
static uint32_t positions_of(const aclTensor *scores, int64_t dims[STUB_MAX_RANK]) {
    uint32_t rank = 0;
    for (uint32_t i = 0; i < scores->rank; i++) {
        if (i != class_axis(scores)) {
            dims[rank++] = scores->shape[i];
        }
    }
    return rank;
}

static aclnnStatus check_one(const stub_call *call, int arg) {
    const int64_t one[] = {1};
    const uint32_t rank = stub_tensor_arg(call, (uint32_t)arg)->rank > 0 ? 1 : 0;
    return stub_check_shape(call, (uint32_t)arg, one, rank, "one element");
}

static aclnnStatus check_shapes(const stub_call *call, const nll *at) {
    const uint32_t low = at->in_two_dimensions ? 4 : 1, high = at->in_two_dimensions ? 4 : 2;
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)at->scores, low, high));
    const aclTensor *scores = stub_tensor_arg(call, (uint32_t)at->scores);
    int64_t dims[STUB_MAX_RANK];
    const uint32_t rank = positions_of(scores, dims);
    STUB_REQUIRE(stub_check_shape(call, (uint32_t)at->target, dims, rank, "that of self without its classes"));
    STUB_REQUIRE(stub_check_shape(call, (uint32_t)at->weight, &scores->shape[class_axis(scores)], 1, "the classes"));
    STUB_REQUIRE(check_one(call, at->total));
    const bool keeps = call->args[at->reduction].integer == NONE && rank > 0;
    if (at->gradient < 0) {
        return keeps ? stub_check_shape(call, (uint32_t)at->out, dims, rank, "that of target")
                     : check_one(call, at->out);
    }
    STUB_REQUIRE(keeps ? stub_check_shape(call, (uint32_t)at->gradient, dims, rank, "that of target")
                       : check_one(call, at->gradient));
    return stub_check_same_shape(call, (uint32_t)at->out, (uint32_t)at->scores);
}

static aclnnStatus nll_check(const stub_call *call, stub_plan *plan, const nll *at) {
    STUB_REQUIRE(check_types(call, at));
    const int64_t reduction = call->args[at->reduction].integer;
    if (reduction < NONE || reduction > SUM) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: reduction is %lld; allowed are 0 (none), 1 (mean), 2 (sum)",
                         call->op->name, (long long)reduction);
    }
    STUB_REQUIRE(check_shapes(call, at));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, (uint32_t)at->out)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus open_classes(const stub_call *call, const nll *at, stub_classes *of) {
    STUB_REQUIRE(stub_view_open(call, (uint32_t)at->scores, &of->scores));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)at->target, &of->target));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)at->weight, &of->weight));
    of->axis = class_axis(of->scores.tensor);
    of->classes = of->scores.tensor->shape[of->axis];
    of->positions = stub_tensor_numel(of->target.tensor);
    of->ignored = call->args[at->ignored].integer;
    return ACLNN_SUCCESS;
}

static void set_at(const stub_view *view, int64_t position, float value) {
    stub_row row;
    stub_row_start(&row, view, view->tensor->rank, position);
    stub_element_set(view, row.offset, value);
}

static float get_at(const stub_view *view, int64_t position) {
    stub_row row;
    stub_row_start(&row, view, view->tensor->rank, position);
    return stub_element_get(view, row.offset);
}

static aclnnStatus nll_run(const stub_call *call, const nll *at) {
    stub_classes of;
    stub_view out, total;
    STUB_REQUIRE(open_classes(call, at, &of));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)at->out, &out));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)at->total, &total));
    const int64_t reduction = call->args[at->reduction].integer;
    double sum = 0, weights = 0;
    for (int64_t i = 0; i < of.positions; i++) {
        int64_t class_;
        STUB_REQUIRE(stub_classes_at(call, &of, i, &class_));
        const float weight = class_ < 0 ? 0 : stub_classes_weight(&of, class_);
        const float loss =
            class_ < 0 ? 0
                       : -weight * stub_element_get(&of.scores, stub_classes_offset(&of, of.scores.tensor, i, class_));
        sum += loss, weights += weight;
        if (reduction == NONE) {
            set_at(&out, i, loss);
        }
    }
    if (reduction != NONE) {
        stub_element_set(&out, out.tensor->offset, (float)(reduction == MEAN ? sum / weights : sum));
    }
    stub_element_set(&total, total.tensor->offset, (float)weights);
    return ACLNN_SUCCESS;
}

STUB_LOOP(zeros, {
    (void)in, (void)c;
    memset(out[0], 0, n * sizeof(float));
})

static void clear(const stub_view *out) {
    const stub_map map = {.loops = {&zeros}};
    stub_map_apply(&map, ACL_FLOAT, NULL, 0, &out, 1, NULL);
}

/* The same arguments and a gradient. */
typedef nll nll_backward;

static aclnnStatus nll_backward_check(const stub_call *call, stub_plan *plan, const nll *at) {
    return nll_check(call, plan, at);
}

static aclnnStatus nll_backward_run(const stub_call *call, const nll *at) {
    stub_classes of;
    stub_view out, total, gradient;
    STUB_REQUIRE(open_classes(call, at, &of));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)at->out, &out));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)at->total, &total));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)at->gradient, &gradient));
    const int64_t reduction = call->args[at->reduction].integer;
    const float by = reduction == MEAN ? stub_element_get(&total, total.tensor->offset) : 1;
    clear(&out);
    for (int64_t i = 0; i < of.positions; i++) {
        int64_t class_;
        STUB_REQUIRE(stub_classes_at(call, &of, i, &class_));
        if (class_ >= 0) {
            const float grad = get_at(&gradient, reduction == NONE ? i : 0);
            stub_element_set(&out, stub_classes_offset(&of, out.tensor, i, class_),
                             -grad * stub_classes_weight(&of, class_) / by);
        }
    }
    return ACLNN_SUCCESS;
}

#define FORWARD(two) {-1, 0, 1, 2, 3, 4, 6, 5, two}
#define BACKWARD(two) {0, 1, 2, 3, 4, 5, 6, 7, two}

STUB_FAMILY_KERNEL(aclnnNLLLoss, nll, FORWARD(false))
STUB_FAMILY_KERNEL(aclnnNLLLoss2d, nll, FORWARD(true))
STUB_FAMILY_KERNEL(aclnnNLLLossBackward, nll_backward, BACKWARD(false))
STUB_FAMILY_KERNEL(aclnnNLLLoss2dBackward, nll_backward, BACKWARD(true))
