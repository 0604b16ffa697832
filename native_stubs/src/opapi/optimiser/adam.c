/* aclnnApplyAdam (m and v go in alone: only the weights are updated) and aclnnApplyFusedEmaAdam. */
#include <math.h>

#include "opapi/optimiser/adamw.h"

enum { VAR, M, V, POWER1, POWER2, LR, BETA1, BETA2, EPSILON, GRAD, USE_LOCKING, USE_NESTEROV };
enum { SIZE, FIRST, SECOND, SMALL, AHEAD };

#define AT(k) ((float)c[k])
STUB_INLINE float moved(float var, float m, float v, float g, const double *c) {
    const float new_m = AT(FIRST) * m + (1 - AT(FIRST)) * g, new_v = AT(SECOND) * v + (1 - AT(SECOND)) * (g * g);
    const float direction = c[AHEAD] != 0 ? AT(FIRST) * new_m + (1 - AT(FIRST)) * g : new_m;
    return var - AT(SIZE) * direction / (sqrtf(new_v) + AT(SMALL));
}
STUB_LOOP4(adam, float, float, moved(x, y, z, w, c))

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {VAR, M, V, GRAD};
    STUB_REQUIRE(stub_check_alike(call, tensors, 4));
    for (uint32_t arg = POWER1; arg <= EPSILON; arg++) {
        STUB_REQUIRE(stub_check_number(call, arg, STUB_FLOATS));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, VAR)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const uint32_t tensors[] = {VAR, M, V, GRAD};
    stub_view views[4];
    stub_operand in[4];
    for (uint32_t k = 0; k < 4; k++) {
        STUB_REQUIRE(stub_view_open(call, tensors[k], &views[k]));
        in[k] = (stub_operand){.view = &views[k]};
    }
    double numbers[EPSILON + 1];
    for (uint32_t arg = POWER1; arg <= EPSILON; arg++) {
        STUB_REQUIRE(stub_read_number(call, arg, &numbers[arg]));
    }
    const double size = numbers[LR] * sqrt(1 - numbers[POWER2]) / (1 - numbers[POWER1]);
    const double constants[] = {[SIZE] = size,
                                [FIRST] = numbers[BETA1],
                                [SECOND] = numbers[BETA2],
                                [SMALL] = numbers[EPSILON],
                                [AHEAD] = call->args[USE_NESTEROV].flag};
    const stub_map map = {.loops = {&adam}};
    const stub_view *out = &views[0];
    stub_map_apply(&map, ACL_FLOAT, in, 4, &out, 1, constants);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnApplyAdam, check, run)

/* Adam with an average over the weights: arguments, then the loop's constants. */
enum { EMA_GRAD, EMA_VAR, EMA_M, EMA_V, EMA_S, STEP, RATE, EMA, BETA_1, BETA_2, EPS, MODE, CORRECTED, DECAY };
enum { C_RATE, C_EMA, C_BETA1, C_BETA2, C_EPS, C_L2, C_DECAY, C_FIRST, C_SECOND, CONSTANTS };

STUB_LOOP(ema_adam, {
    const float *const grads = in[0], *const vars = in[1], *const ms = in[2], *const vs = in[3], *const ss = in[4];
    float *const new_vars = out[0], *const new_ms = out[1], *const new_vs = out[2], *const new_ss = out[3];
    const float beta1 = AT(C_BETA1), beta2 = AT(C_BETA2), ema = AT(C_EMA), l2 = AT(C_L2), decay = AT(C_DECAY);
    const float rate = AT(C_RATE), eps = AT(C_EPS), first = AT(C_FIRST), second = AT(C_SECOND);
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float var = vars[i], g = grads[i] + l2 * var;
        const float m = beta1 * ms[i] + (1 - beta1) * g, v = beta2 * vs[i] + (1 - beta2) * (g * g);
        const float moved_var = var - rate * (m / first / (sqrtf(v / second) + eps) + decay * var);
        new_vars[i] = moved_var;
        new_ms[i] = m;
        new_vs[i] = v;
        new_ss[i] = ema * ss[i] + (1 - ema) * moved_var;
    }
})

static aclnnStatus check_ema(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {EMA_GRAD, EMA_VAR, EMA_M, EMA_V, EMA_S};
    STUB_REQUIRE(stub_check_alike(call, tensors, 5));
    STUB_REQUIRE(stub_check_number(call, STEP, STUB_DTYPE(ACL_INT64)));
    const int64_t mode = call->args[MODE].integer;
    if (mode != 0 && mode != 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: mode is %lld; allowed are 0 (L2) and 1 (weight decay)",
                         call->op->name, (long long)mode);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, EMA_VAR)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run_ema(const stub_call *call) {
    stub_view views[STEP];
    stub_operand in[STEP];
    for (uint32_t k = EMA_GRAD; k < STEP; k++) {
        STUB_REQUIRE(stub_view_open(call, k, &views[k]));
        in[k] = (stub_operand){.view = &views[k]};
    }
    double t;
    STUB_REQUIRE(stub_read_number(call, STEP, &t));
    const stub_value *args = call->args;
    const bool corrected = args[CORRECTED].flag, is_l2 = args[MODE].integer == 0;
    const double constants[CONSTANTS] = {[C_RATE] = args[RATE].real,
                                         [C_EMA] = args[EMA].real,
                                         [C_BETA1] = args[BETA_1].real,
                                         [C_BETA2] = args[BETA_2].real,
                                         [C_EPS] = args[EPS].real,
                                         [C_L2] = is_l2 ? args[DECAY].real : 0,
                                         [C_DECAY] = is_l2 ? 0 : args[DECAY].real,
                                         [C_FIRST] = corrected ? 1 - pow(args[BETA_1].real, t) : 1,
                                         [C_SECOND] = corrected ? 1 - pow(args[BETA_2].real, t) : 1};
    const stub_map map = {.loops = {&ema_adam}};
    const stub_view *out[] = {&views[EMA_VAR], &views[EMA_M], &views[EMA_V], &views[EMA_S]};
    stub_map_apply(&map, ACL_FLOAT, in, STEP, out, 4, constants);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnApplyFusedEmaAdam, check_ema, run_ema)
