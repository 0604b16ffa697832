/* Gradients of layer and root mean square norms: with h = (x - mean) * rstd and g = dy * gamma,
 * dx = (g - mean(g) - h * mean(g * h)) * rstd (a root mean square norm has no mean(g)), dgamma = sum(dy * h) and
 * dbeta = sum(dy) over the rows. fp32 arithmetic, rounded once. */
#include "opapi/norm/norm_grad.h"

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/made_view.h"

enum { NONE = STUB_NO_ARGUMENT };

/* Of both kinds of lines: these -> dx, dx2 of a row; dgamma, dbeta of a column. */
enum { DY, X, X2, MEAN, RSTD, EXTRA, FIRST, SECOND };

typedef struct {
    const float *gamma;
    float alpha;
} constants;

static void scale(float *x, float by, size_t n) {
    stub_floats_normalise(x, 0, by, NULL, NULL, n, x);
}

/* x becomes what was normalised. */
static void add_up(const constants *by, void *const *array, size_t n) {
    if (array[X2]) {
        scale(array[X], by->alpha, n);
        stub_floats_add(array[X], array[X2], n, array[X]);
    }
}

static void combine(const float *g, const float *h, float mean, float slope, float rstd, size_t n, float *dx) {
    for (size_t i = 0; i < n; i++) {
        dx[i] = (g[i] - mean - h[i] * slope) * rstd;
    }
}

static aclnnStatus row_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[X];
    const float rstd = *(const float *)array[RSTD], mean = array[MEAN] ? *(const float *)array[MEAN] : 0;
    float *h = array[X], *g = array[DY];
    add_up(by, array, n);
    stub_floats_normalise(h, mean, rstd, NULL, NULL, n, h);
    stub_floats_normalise(g, 0, 1, by->gamma, NULL, n, g);
    const float offset = array[MEAN] ? stub_floats_sum(g, n) / (float)n : 0,
                slope = stub_floats_dot(g, h, n) / (float)n;
    float *dx = array[SECOND] ? array[SECOND] : array[FIRST];
    combine(g, h, offset, slope, rstd, n, dx);
    if (array[EXTRA]) {
        stub_floats_add(dx, array[EXTRA], n, dx);
    }
    if (array[SECOND]) {
        stub_floats_normalise(dx, 0, by->alpha, NULL, NULL, n, array[FIRST]);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus column_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                               void *scratch) {
    (void)position, (void)scratch;
    const size_t n = (size_t)length[X];
    const float *dy = array[DY], *rstd = array[RSTD], *mean = array[MEAN];
    float *h = array[X];
    add_up(data, array, n);
    for (size_t i = 0; i < n; i++) {
        h[i] = (h[i] - (mean ? mean[i] : 0.0f)) * rstd[i];
    }
    if (array[FIRST]) {
        *(float *)array[FIRST] = stub_floats_dot(dy, h, n);
    }
    if (array[SECOND]) {
        *(float *)array[SECOND] = stub_floats_sum(dy, n);
    }
    return ACLNN_SUCCESS;
}

/* A statistic, whose axes line up with the first ones of x: an rstd may leave out the last of these, or have more. */
static void statistic_input(stub_line_set *set, int arg, uint32_t rows, stub_made_view *made) {
    stub_line_input(set, arg, 0, ACL_FLOAT);
    stub_line_operand *operand = &set->lines.operand[set->lines.inputs - 1];
    if (operand->view) {
        const aclTensor *tensor = operand->view->tensor;
        stub_made_start(made, operand->view);
        for (uint32_t i = 0; i < rows; i++) {
            stub_made_axis(made, i < tensor->rank ? tensor->shape[i] : 1, i < tensor->rank ? tensor->strides[i] : 0);
        }
        operand->view = &made->view;
    }
}

static aclnnStatus run_rows(const stub_call *call, const norm_grad *op) {
    const uint32_t dims = stub_norm_grad_axes(call, op), axes = stub_last_axes(call, op->x, dims);
    const uint32_t rows = stub_tensor_or_none(call, op->x)->rank - dims;
    stub_made_view mean, rstd;
    stub_line_set set = {.call = call};
    const constants by = {stub_line_weight(&set, op->gamma),
                          op->alpha == NONE ? 1.0f : (float)call->args[op->alpha].real};
    stub_line_input(&set, op->dy, axes, ACL_FLOAT);
    stub_line_input(&set, op->x, axes, ACL_FLOAT);
    stub_line_input(&set, op->x2, axes, ACL_FLOAT);
    statistic_input(&set, op->mean, rows, &mean);
    statistic_input(&set, op->rstd, rows, &rstd);
    stub_line_input(&set, op->extra, axes, ACL_FLOAT);
    stub_line_output(&set, op->dx, axes, ACL_FLOAT);
    stub_line_output(&set, op->dx2, axes, ACL_FLOAT);
    set.lines.line = row_line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

/* All axes before the normalised ones: those of a line down a column. */
static uint32_t first_axes(const stub_call *call, const norm_grad *op, int arg) {
    const aclTensor *tensor = stub_tensor_or_none(call, arg);
    const uint32_t rows = stub_tensor_or_none(call, op->x)->rank - stub_norm_grad_axes(call, op);
    return tensor ? stub_axes_from(0, tensor->rank < rows ? tensor->rank : rows) : 0;
}

static aclnnStatus run_columns(const stub_call *call, const norm_grad *op) {
    stub_line_set set = {.call = call};
    const constants by = {NULL, op->alpha == NONE ? 1.0f : (float)call->args[op->alpha].real};
    const int inputs[] = {op->dy, op->x, op->x2, op->mean, op->rstd, NONE};
    for (size_t i = 0; i < STUB_COUNT(inputs); i++) {
        stub_line_input(&set, inputs[i], first_axes(call, op, inputs[i]), ACL_FLOAT);
    }
    stub_line_output(&set, stub_norm_grad_wants(call, op, 1) ? op->dgamma : NONE, 0, ACL_FLOAT);
    stub_line_output(&set, stub_norm_grad_wants(call, op, 2) ? op->dbeta : NONE, 0, ACL_FLOAT);
    set.lines.line = column_line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

aclnnStatus norm_grad_run(const stub_call *call, const norm_grad *op) {
    if (stub_norm_grad_wants(call, op, 0)) {
        STUB_REQUIRE(run_rows(call, op));
    }
    const bool columns = stub_norm_grad_wants(call, op, 1) || stub_norm_grad_wants(call, op, 2);
    return columns ? run_columns(call, op) : ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnLayerNormBackward, norm_grad,
                   {.dy = 0,
                    .x = 1,
                    .x2 = NONE,
                    .alpha = NONE,
                    .extra = NONE,
                    .mean = 3,
                    .rstd = 4,
                    .gamma = 5,
                    .beta = 6,
                    .dims = 2,
                    .mask = 7,
                    .dx = 8,
                    .dx2 = NONE,
                    .dgamma = 9,
                    .dbeta = 10,
                    .like_gamma = true})
STUB_FAMILY_KERNEL(aclnnRmsNormGrad, norm_grad,
                   {.dy = 0,
                    .x = 1,
                    .x2 = NONE,
                    .alpha = NONE,
                    .extra = NONE,
                    .mean = NONE,
                    .rstd = 2,
                    .gamma = 3,
                    .beta = NONE,
                    .dims = NONE,
                    .mask = NONE,
                    .dx = 4,
                    .dx2 = NONE,
                    .dgamma = 5,
                    .dbeta = NONE})
STUB_FAMILY_KERNEL(aclnnAddLayerNormGrad, norm_grad,
                   {.dy = 0,
                    .x = 1,
                    .x2 = 2,
                    .alpha = NONE,
                    .extra = 6,
                    .mean = 4,
                    .rstd = 3,
                    .gamma = 5,
                    .beta = NONE,
                    .dims = NONE,
                    .mask = NONE,
                    .dx = 7,
                    .dx2 = NONE,
                    .dgamma = 8,
                    .dbeta = 9})
STUB_FAMILY_KERNEL(aclnnDeepNormGrad, norm_grad,
                   {.dy = 0,
                    .x = 1,
                    .x2 = 2,
                    .alpha = 6,
                    .extra = NONE,
                    .mean = 4,
                    .rstd = 5,
                    .gamma = 3,
                    .beta = NONE,
                    .dims = NONE,
                    .mask = NONE,
                    .dx = 7,
                    .dx2 = 8,
                    .dgamma = 10,
                    .dbeta = 9})
