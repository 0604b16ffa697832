/* Gated activations: one half of x goes through an activation and is multiplied with the other half. fp32 arithmetic
 * (Glu of DOUBLE: fp64), rounded once. */
#include <string.h>

#include "opapi/glu/gelu.h"
#include "opapi/glu/halves.h"
#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/map.h"

enum { NONE = -1 };

/* Which argument says how gelu is computed. */
typedef enum { ONE_FORM, BY_NUMBER, BY_TEXT } form;

typedef struct {
    int x, dim, out;  /* without dim the last axis */
    int activated;    /* the second output: the activated half */
    int parameter[2]; /* numbers that the loops get, or a tensor with one element */
    int left;         /* the argument that says which half is activated */
    bool right;       /* without it: the second one */
    form form;
    int approximate;
    const stub_loops *loops[2]; /* exact, tanh */
    const stub_loops *wide;     /* for DOUBLE */
} gated;

/* The expression sees g, what is activated, and u, what is not, and gives the activated value. */
#define GATED(name, T_, ...)                                                                                           \
    STUB_LOOP(name, {                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const gates = in[0], *const ups = in[1];                                                              \
        T *const products = out[0];                                                                                    \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const T g = gates[i], u = ups[i];                                                                          \
            products[i] = (T)(__VA_ARGS__);                                                                            \
        }                                                                                                              \
    })

#define GEGLU(name, function)                                                                                          \
    STUB_LOOP(name, {                                                                                                  \
        const float *const gates = in[0], *const ups = in[1];                                                          \
        float *const products = out[0], *const values = out[1];                                                        \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const float value = function(gates[i]);                                                                    \
            products[i] = value * ups[i];                                                                              \
            values[i] = value;                                                                                         \
        }                                                                                                              \
    })

GATED(swiglu, float, stub_siluf(g) * u)
GATED(glu, float, u *stub_sigmoidf(g))
GATED(glu_wide, double, u / (1 + exp(-g)))
GATED(gelu_mul, float, stub_gelu_exact(g) * u)
GATED(gelu_tanh_mul, float, stub_gelu_tanh(g) * u)
GATED(fatrelu_mul, float, (g > (float)c[0] ? g : g != g ? g : 0.0f) * u)
/* c: beta, linearBeta. */
GATED(situ, float,
      (float)c[0] * stub_tanhf(g / (float)c[0]) * stub_sigmoidf(g) *
          (c[1] > 0 ? (float)c[1] * stub_tanhf(u / (float)c[1]) : u))
GEGLU(geglu, stub_gelu_exact)
GEGLU(geglu_tanh, stub_gelu_tanh)

static int64_t dim_of(const stub_call *call, const gated *op) {
    return op->dim == NONE ? -1 : call->args[op->dim].integer;
}

/* 0 exact, 1 tanh, others unknown. */
static int64_t form_of(const stub_call *call, const gated *op) {
    if (op->form != BY_TEXT) {
        return op->form == BY_NUMBER ? call->args[op->approximate].integer : 0;
    }
    const char *text = call->args[op->approximate].text;
    return !text || strcmp(text, "none") == 0 ? 0 : strcmp(text, "tanh") == 0 ? 1 : NONE;
}

static aclnnStatus check_parameters(const stub_call *call, const gated *op) {
    const int64_t given = form_of(call, op);
    if (given != 0 && given != 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s must be none (0) or tanh (1)", call->op->name,
                         call->op->params[op->approximate].name);
    }
    for (int i = 0; i < 2; i++) {
        const int arg = op->parameter[i];
        if (arg == NONE || call->op->params[arg].kind != STUB_TENSOR) {
            continue;
        }
        STUB_REQUIRE(stub_check_same_dtype(call, (uint32_t)arg, (uint32_t)op->x));
        if (stub_tensor_numel(stub_tensor_arg(call, (uint32_t)arg)) != 1) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s must have one element", call->op->name,
                             call->op->params[arg].name);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus gated_check(const stub_call *call, stub_plan *plan, const gated *op) {
    const uint32_t x = (uint32_t)op->x, out = (uint32_t)op->out;
    const uint32_t second = op->activated == NONE ? out : (uint32_t)op->activated;
    const uint32_t threshold = op->parameter[0] != NONE && call->op->params[op->parameter[0]].kind == STUB_TENSOR
                                   ? (uint32_t)op->parameter[0]
                                   : x;
    const uint32_t required[] = {x, threshold, out, second};
    const stub_dtype_rule rules[] = {{x, STUB_ON_ALL(op->wide ? STUB_REALS : STUB_FLOATS)},
                                     {out, STUB_ON_ALL(op->wide ? STUB_REALS : STUB_FLOATS)}};
    STUB_REQUIRE(stub_check_given(call, required, 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    if (!op->wide) { /* Glu casts its result */
        STUB_REQUIRE(stub_check_same_dtype(call, out, x));
    }
    STUB_REQUIRE(stub_check_same_dtype(call, second, out));
    STUB_REQUIRE(check_parameters(call, op));
    STUB_REQUIRE(stub_halves_check_axis(call, x, dim_of(call, op)));
    STUB_REQUIRE(stub_halves_check_half(call, out, x, dim_of(call, op)));
    STUB_REQUIRE(stub_halves_check_half(call, second, x, dim_of(call, op)));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, out)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus read_parameter(const stub_call *call, int arg, double *value) {
    if (arg == NONE) {
        return ACLNN_SUCCESS;
    }
    if (call->op->params[arg].kind != STUB_TENSOR) {
        *value = call->args[arg].real;
        return ACLNN_SUCCESS;
    }
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, (uint32_t)arg, &view));
    stub_load(view.tensor->dtype, view.base + view.tensor->offset * (view.bits / 8), 0, 1, ACL_DOUBLE, value);
    return ACLNN_SUCCESS;
}

static aclnnStatus gated_run(const stub_call *call, const gated *op) {
    stub_view x, out, activated;
    stub_halves_part parts[2];
    double constants[STUB_MAX_CONSTANTS] = {0};
    STUB_REQUIRE(stub_view_open(call, (uint32_t)op->x, &x));
    STUB_REQUIRE(stub_view_open(call, (uint32_t)op->out, &out));
    if (op->activated != NONE) {
        STUB_REQUIRE(stub_view_open(call, (uint32_t)op->activated, &activated));
    }
    for (int i = 0; i < 2; i++) {
        STUB_REQUIRE(read_parameter(call, op->parameter[i], &constants[i]));
        stub_halves_take(&x, (uint32_t)stub_axis(dim_of(call, op), x.tensor->rank), i, &parts[i]);
    }
    const bool right = op->left == NONE ? op->right : !call->args[op->left].flag;
    const stub_operand in[] = {{.view = &parts[right].view}, {.view = &parts[!right].view}};
    const stub_view *const outs[] = {&out, &activated};
    const stub_map map = {.loops = {[STUB_F32] = op->loops[form_of(call, op)], [STUB_F64] = op->wide}};
    const aclDataType as = x.tensor->dtype == ACL_DOUBLE ? ACL_DOUBLE : ACL_FLOAT;
    stub_map_apply(&map, as, in, 2, outs, op->activated == NONE ? 1 : 2, constants);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(
    aclnnSwiGlu, gated,
    {.x = 0, .dim = 1, .out = 2, .activated = NONE, .parameter = {NONE, NONE}, .left = NONE, .loops = {&swiglu}})
STUB_FAMILY_KERNEL(aclnnGlu, gated,
                   {.x = 0,
                    .dim = 1,
                    .out = 2,
                    .activated = NONE,
                    .parameter = {NONE, NONE},
                    .left = NONE,
                    .right = true,
                    .loops = {&glu},
                    .wide = &glu_wide})
STUB_FAMILY_KERNEL(aclnnGeGlu, gated,
                   {.x = 0,
                    .dim = 1,
                    .out = 3,
                    .activated = 4,
                    .parameter = {NONE, NONE},
                    .left = NONE,
                    .right = true,
                    .form = BY_NUMBER,
                    .approximate = 2,
                    .loops = {&geglu, &geglu_tanh}})
STUB_FAMILY_KERNEL(aclnnGeGluV3, gated,
                   {.x = 0,
                    .dim = 1,
                    .out = 4,
                    .activated = 5,
                    .parameter = {NONE, NONE},
                    .left = 3,
                    .form = BY_NUMBER,
                    .approximate = 2,
                    .loops = {&geglu, &geglu_tanh}})
STUB_FAMILY_KERNEL(aclnnGeluMul, gated,
                   {.x = 0,
                    .dim = NONE,
                    .out = 2,
                    .activated = NONE,
                    .parameter = {NONE, NONE},
                    .left = NONE,
                    .form = BY_TEXT,
                    .approximate = 1,
                    .loops = {&gelu_mul, &gelu_tanh_mul}})
STUB_FAMILY_KERNEL(
    aclnnFatreluMul, gated,
    {.x = 0, .dim = NONE, .out = 2, .activated = NONE, .parameter = {1, NONE}, .left = NONE, .loops = {&fatrelu_mul}})
STUB_FAMILY_KERNEL(aclnnSituGlu, gated,
                   {.x = 0, .dim = 1, .out = 5, .activated = NONE, .parameter = {2, 3}, .left = 4, .loops = {&situ}})
