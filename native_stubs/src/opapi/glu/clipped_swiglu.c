/* aclnnClippedSwiglu, its second version and gradient: a clamped to at most limit, b to -limit .. limit, then
 * a * sigmoid(alpha * a) * (b + bias); or, in clampMode 1, silu(a) clamped, times the clamped b.
 *
 * A line is all of x from axis dim on, in two halves or in turns. The group counts the rows before dim that are
 * computed; of the others the gradient is 0 by document, and the output is left open by it: 0 as well. fp32 arithmetic,
 * rounded once. */
#include "opapi/glu/halves.h"
#include "opapi/kernel.h"
#include "opapi/math.h"
#include "opapi/norm/norm_checks.h"

enum { NONE = STUB_NO_ARGUMENT };

typedef struct {
    int grad, x, group, dim, alpha, limit, bias, interleaved, mode, out;
} clipped_swiglu;

/* Of the lines: x, the gradient -> out. */
enum { X, GRAD, OUT };

typedef struct {
    float alpha, limit, bias;
    bool interleaved, after;
    int64_t rows; /* that are computed */
} constants;

static aclnnStatus check_attributes(const stub_call *call, const clipped_swiglu *op) {
    if (!(call->args[op->limit].real > 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: limit is %g; it must be positive", call->op->name,
                         call->args[op->limit].real);
    }
    if (op->mode != NONE && (call->args[op->mode].integer & ~INT64_C(1)) != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: clampMode is %lld; allowed are 0 and 1", call->op->name,
                         (long long)call->args[op->mode].integer);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus clipped_swiglu_check(const stub_call *call, stub_plan *plan, const clipped_swiglu *op) {
    const int required[] = {op->grad, op->x, op->out}, like_x[] = {op->grad, op->out};
    const uint32_t x = (uint32_t)op->x, half = (uint32_t)(op->grad == NONE ? op->out : op->grad);
    const int64_t dim = call->args[op->dim].integer;
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, op->x, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtypes(call, like_x, STUB_COUNT(like_x), op->x));
    STUB_REQUIRE(stub_norm_dtype(call, op->group, STUB_DTYPE(ACL_INT64)));
    STUB_REQUIRE(check_attributes(call, op));
    STUB_REQUIRE(stub_halves_check_axis(call, x, dim));
    STUB_REQUIRE(stub_halves_check_half(call, half, x, dim));
    if (op->grad != NONE) {
        STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->out, x));
    }
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->group, 1, 1));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, x)) == 0;
    return ACLNN_SUCCESS;
}

static float within(float x, float limit) {
    return x > limit ? limit : x < -limit ? -limit : x;
}

static float below(float x, float limit) {
    return x > limit ? limit : x;
}

static float forward(const constants *by, float a, float b) {
    if (by->after) {
        return below(stub_siluf(a), by->limit) * within(b, by->limit);
    }
    const float gate = below(a, by->limit);
    return gate * stub_sigmoidf(by->alpha * gate) * (within(b, by->limit) + by->bias);
}

/* Gradients of forward with clampMode 0; 0 where a clamp holds. */
static void backward(const constants *by, float dy, float a, float b, float *da, float *db) {
    const float gate = below(a, by->limit), up = within(b, by->limit), s = stub_sigmoidf(by->alpha * gate);
    *da = a > by->limit ? 0.0f : dy * (up + by->bias) * s * (1.0f + by->alpha * gate * (1.0f - s));
    *db = b > by->limit || b < -by->limit ? 0.0f : dy * gate * s;
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const float *x = array[X], *dy = array[GRAD];
    float *out = array[OUT];
    const int64_t half = length[X] / 2, step = by->interleaved ? 2 : 1, other = by->interleaved ? 1 : half;
    const bool computed = position < by->rows;
    for (int64_t i = 0; i < half; i++) {
        const int64_t at = i * step;
        if (dy) {
            backward(by, computed ? dy[i] : 0.0f, x[at], x[at + other], &out[at], &out[at + other]);
        } else {
            out[i] = computed ? forward(by, x[at], x[at + other]) : 0.0f;
        }
    }
    return ACLNN_SUCCESS;
}

static int64_t computed_rows(stub_line_set *set, int group) {
    const int64_t *counts = stub_line_weight_as(set, group, ACL_INT64);
    int64_t rows = counts ? 0 : INT64_MAX;
    for (int64_t i = 0; counts && i < stub_tensor_numel(stub_tensor_or_none(set->call, group)); i++) {
        rows += counts[i];
    }
    return rows;
}

static aclnnStatus clipped_swiglu_run(const stub_call *call, const clipped_swiglu *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x);
    const uint32_t axes = stub_axes_from((uint32_t)stub_axis(call->args[op->dim].integer, x->rank), x->rank);
    stub_line_set set = {.call = call};
    const constants by = {.alpha = (float)call->args[op->alpha].real,
                          .limit = (float)call->args[op->limit].real,
                          .bias = (float)call->args[op->bias].real,
                          .interleaved = call->args[op->interleaved].flag,
                          .after = op->mode != NONE && call->args[op->mode].integer == 1,
                          .rows = computed_rows(&set, op->group)};
    stub_line_input(&set, op->x, axes, ACL_FLOAT);
    stub_line_input(&set, op->grad, axes, ACL_FLOAT);
    stub_line_output(&set, op->out, axes, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_FAMILY_KERNEL(aclnnClippedSwiglu, clipped_swiglu,
                   {.grad = NONE,
                    .x = 0,
                    .group = 1,
                    .dim = 2,
                    .alpha = 3,
                    .limit = 4,
                    .bias = 5,
                    .interleaved = 6,
                    .mode = NONE,
                    .out = 7})
STUB_FAMILY_KERNEL(aclnnClippedSwigluV2, clipped_swiglu,
                   {.grad = NONE,
                    .x = 0,
                    .group = 1,
                    .dim = 2,
                    .alpha = 3,
                    .limit = 4,
                    .bias = 5,
                    .interleaved = 6,
                    .mode = 7,
                    .out = 8})
STUB_FAMILY_KERNEL(aclnnClippedSwigluGrad, clipped_swiglu,
                   {.grad = 0,
                    .x = 1,
                    .group = 2,
                    .dim = 3,
                    .alpha = 4,
                    .limit = 5,
                    .bias = 6,
                    .interleaved = 7,
                    .mode = NONE,
                    .out = 8})
