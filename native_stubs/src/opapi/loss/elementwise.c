/* Losses and gradients that are kept by element, of tensors of one shape: Huber's, the hinge, and aclnnMseLossGrad. */
#include <math.h>
#include <string.h>

#include "opapi/map.h"

/* c[0]: delta; or what a gradient is multiplied with. */
STUB_LOOP(huber_f32, {
    const float *const xs = in[0], *const ys = in[1];
    float *const rs = out[0];
    const float delta = (float)c[0];
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float error = fabsf(xs[i] - ys[i]);
        rs[i] = error <= delta ? 0.5f * error * error : delta * (error - 0.5f * delta);
    }
})
STUB_LOOP2(hinge_f32, float, float, (x * y > 1 ? 0 : 1 - y * x))
STUB_LOOP3(hinge_grad_f32, float, float, (1 - y * x > 0 ? -y * z : 0))
STUB_LOOP3(mse_grad_f32, float, float, x *(y - z) * (float)c[0])

typedef struct {
    stub_map map;
    uint32_t positive;  /* a number that must be positive */
    uint32_t reduction; /* a text: mean, or none and sum; 0: the operator has none */
} stub_kept;

static aclnnStatus check_numbers(const stub_call *call, const stub_kept *op) {
    const char *text = op->reduction != 0 ? call->args[op->reduction].text : "mean";
    if (op->positive != 0 && !(call->args[op->positive].real > 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %g; it must be positive", call->op->name,
                         call->op->params[op->positive].name, call->args[op->positive].real);
    }
    return text && (strcmp(text, "mean") == 0 || strcmp(text, "none") == 0 || strcmp(text, "sum") == 0)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: reduction is %s; allowed are none, mean and sum",
                           call->op->name, text ? text : "NULL");
}

static aclnnStatus stub_kept_check(const stub_call *call, stub_plan *plan, const stub_kept *op) {
    STUB_REQUIRE(stub_map_check(call, plan, &op->map));
    STUB_REQUIRE(check_numbers(call, op));
    for (uint32_t arg = 1; arg < call->op->count; arg++) {
        if (call->op->params[arg].kind == STUB_TENSOR) {
            STUB_REQUIRE(stub_check_same_dtype(call, arg, 0));
            STUB_REQUIRE(stub_check_same_shape(call, arg, 0));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus stub_kept_run(const stub_call *call, const stub_kept *op) {
    stub_view views[4];
    stub_operand in[3];
    uint32_t tensors = 0;
    double constant = op->positive != 0 ? call->args[op->positive].real : 2;
    for (uint32_t arg = 0; arg < call->op->count; arg++) {
        if (call->op->params[arg].kind == STUB_TENSOR) {
            STUB_REQUIRE(stub_view_open(call, arg, &views[tensors++]));
        }
    }
    if (op->reduction != 0 && strcmp(call->args[op->reduction].text, "mean") == 0) {
        constant /= (double)stub_tensor_numel(views[0].tensor);
    }
    for (uint32_t k = 0; k + 1 < tensors; k++) {
        in[k] = (stub_operand){.view = &views[k]};
    }
    const stub_view *const out = &views[tensors - 1];
    stub_map_apply(&op->map, ACL_FLOAT, in, tensors - 1, &out, 1, &constant);
    return ACLNN_SUCCESS;
}

#define FLOATS(name) {.loops = {[STUB_F32] = &name##_f32}, .allowed = STUB_FLOATS, .type = STUB_AS_FLOAT}

STUB_FAMILY_KERNEL(aclnnHuberLoss, stub_kept, {.map = FLOATS(huber), .positive = 2})
STUB_FAMILY_KERNEL(aclnnHingeLoss, stub_kept, {.map = FLOATS(hinge)})
STUB_FAMILY_KERNEL(aclnnHingeLossGrad, stub_kept, {.map = FLOATS(hinge_grad)})
STUB_FAMILY_KERNEL(aclnnMseLossGrad, stub_kept, {.map = FLOATS(mse_grad), .reduction = 3})
