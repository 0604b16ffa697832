/* Gradients of the gated activations with respect to both halves of x. fp32 arithmetic (Glu of DOUBLE: fp64), rounded
 * once. */
#include "opapi/glu/gelu.h"
#include "opapi/glu/halves.h"
#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/map.h"

enum { NONE = -1 };

typedef struct {
    int grad, x, gelu, dim, out;
    int parameter[2];
    int left, approximate;
    bool right;
    const stub_loops *loops[2]; /* exact, tanh */
    const stub_loops *wide;     /* for DOUBLE */
} gated_grad;

/* The two expressions see d, the gradient of the product, g, u, and a, the activated g of the forward pass (Geglu). */
#define GRADIENT(name, T_, prepare, gate_expression, up_expression)                                                    \
    STUB_LOOP(name, {                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const grads = in[0], *const gates = in[1], *const ups = in[2], *const saved = in[3] ? in[3] : in[0];  \
        T *const gate_grads = out[0], *const up_grads = out[1];                                                        \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const T d = grads[i], g = gates[i], u = ups[i], a = saved[i];                                              \
            (void)a;                                                                                                   \
            prepare;                                                                                                   \
            gate_grads[i] = (T)(gate_expression);                                                                      \
            up_grads[i] = (T)(up_expression);                                                                          \
        }                                                                                                              \
    })

GRADIENT(swiglu, float, const float s = stub_sigmoidf(g), d *(s + s * (1.0f - s) * g) * u, d * s * g)
GRADIENT(glu, float, const float s = stub_sigmoidf(g), d * s * (u - u * s), d *s)
GRADIENT(glu_wide, double, const double s = 1 / (1 + exp(-g)), d * s * (u - u * s), d *s)
GRADIENT(geglu, float, , d * u * stub_gelu_exact_slope(g), d *a)
GRADIENT(geglu_tanh, float, , d * u * stub_gelu_tanh_slope(g), d *a)

/* Of situ: beta * tanh(g / beta) * sigmoid(g), and linear * tanh(u / linear) where that is positive. */
STUB_INLINE float situ_gate_slope(float g, float beta) {
    const float t = stub_tanhf(g / beta), s = stub_sigmoidf(g);
    return s * ((1.0f - t * t) + beta * t * (1.0f - s));
}

STUB_INLINE float situ_gate(float g, float beta) {
    return beta * stub_tanhf(g / beta) * stub_sigmoidf(g);
}

STUB_INLINE float situ_up(float u, float linear) {
    return linear > 0 ? linear * stub_tanhf(u / linear) : u;
}

STUB_INLINE float situ_up_slope(float u, float linear) {
    const float t = stub_tanhf(u / linear);
    return linear > 0 ? 1.0f - t * t : 1.0f;
}

GRADIENT(situ, float, , d *situ_up(u, (float)c[1]) * situ_gate_slope(g, (float)c[0]),
         d *situ_gate(g, (float)c[0]) * situ_up_slope(u, (float)c[1]))

static aclnnStatus gated_grad_check(const stub_call *call, stub_plan *plan, const gated_grad *op) {
    const uint32_t grad = (uint32_t)op->grad, x = (uint32_t)op->x, out = (uint32_t)op->out;
    const uint32_t gelu = op->gelu == NONE ? grad : (uint32_t)op->gelu;
    const uint32_t required[] = {grad, x, gelu, out};
    const int64_t dim = call->args[op->dim].integer;
    const stub_dtype_rule rule = {x, STUB_ON_ALL(op->wide ? STUB_REALS : STUB_FLOATS)};
    STUB_REQUIRE(stub_check_given(call, required, 4));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, grad, x));
    STUB_REQUIRE(stub_check_same_dtype(call, gelu, x));
    STUB_REQUIRE(stub_check_same_dtype(call, out, x));
    if (op->approximate != NONE && (call->args[op->approximate].integer & ~INT64_C(1)) != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: approximate is %lld; allowed are 0 (none) and 1 (tanh)",
                         call->op->name, (long long)call->args[op->approximate].integer);
    }
    STUB_REQUIRE(stub_halves_check_axis(call, x, dim));
    STUB_REQUIRE(stub_halves_check_half(call, grad, x, dim));
    STUB_REQUIRE(stub_halves_check_half(call, gelu, x, dim));
    STUB_REQUIRE(stub_check_same_shape(call, out, x));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, x)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus gated_grad_run(const stub_call *call, const gated_grad *op) {
    stub_view grad, x, gelu, out;
    stub_halves_part parts[2], outs[2];
    double constants[STUB_MAX_CONSTANTS] = {0};
    STUB_REQUIRE(stub_view_open(call, (uint32_t)op->grad, &grad));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)op->x, &x));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)op->out, &out));
    if (op->gelu != NONE) {
        STUB_REQUIRE(stub_view_open(call, (uint32_t)op->gelu, &gelu));
    }
    const uint32_t axis = (uint32_t)stub_axis(call->args[op->dim].integer, x.tensor->rank);
    for (int i = 0; i < 2; i++) {
        constants[i] = op->parameter[i] == NONE ? 0 : call->args[op->parameter[i]].real;
        stub_halves_take(&x, axis, i, &parts[i]);
        stub_halves_take(&out, axis, i, &outs[i]);
    }
    const bool right = op->left == NONE ? op->right : !call->args[op->left].flag;
    const stub_operand in[] = {{.view = &grad},
                               {.view = &parts[right].view},
                               {.view = &parts[!right].view},
                               {.view = op->gelu == NONE ? NULL : &gelu}};
    const stub_view *const halves[] = {&outs[right].view, &outs[!right].view};
    const int64_t form = op->approximate == NONE ? 0 : call->args[op->approximate].integer;
    const stub_map map = {.loops = {[STUB_F32] = op->loops[form], [STUB_F64] = op->wide}};
    stub_map_apply(&map, x.tensor->dtype == ACL_DOUBLE ? ACL_DOUBLE : ACL_FLOAT, in, 4, halves, 2, constants);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnSwiGluGrad, gated_grad,
                   {.grad = 0,
                    .x = 1,
                    .gelu = NONE,
                    .dim = 2,
                    .out = 3,
                    .parameter = {NONE, NONE},
                    .left = NONE,
                    .approximate = NONE,
                    .loops = {&swiglu}})
STUB_FAMILY_KERNEL(aclnnGluBackward, gated_grad,
                   {.grad = 0,
                    .x = 1,
                    .gelu = NONE,
                    .dim = 2,
                    .out = 3,
                    .parameter = {NONE, NONE},
                    .left = NONE,
                    .approximate = NONE,
                    .right = true,
                    .loops = {&glu},
                    .wide = &glu_wide})
STUB_FAMILY_KERNEL(aclnnGeGluBackward, gated_grad,
                   {.grad = 0,
                    .x = 1,
                    .gelu = 2,
                    .dim = 3,
                    .out = 5,
                    .parameter = {NONE, NONE},
                    .left = NONE,
                    .approximate = 4,
                    .right = true,
                    .loops = {&geglu, &geglu_tanh}})
STUB_FAMILY_KERNEL(aclnnGeGluV3Backward, gated_grad,
                   {.grad = 0,
                    .x = 1,
                    .gelu = 2,
                    .dim = 3,
                    .out = 6,
                    .parameter = {NONE, NONE},
                    .left = 5,
                    .approximate = 4,
                    .loops = {&geglu, &geglu_tanh}})
STUB_FAMILY_KERNEL(aclnnSituGluGrad, gated_grad,
                   {.grad = 0,
                    .x = 1,
                    .gelu = NONE,
                    .dim = 2,
                    .out = 6,
                    .parameter = {3, 4},
                    .left = 5,
                    .approximate = NONE,
                    .loops = {&situ}})
