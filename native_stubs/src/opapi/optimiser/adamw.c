/* AdamW: aclnnApplyAdamW takes its numbers from tensors, aclnnApplyAdamWV2 by value. */
#include "opapi/optimiser/adamw.h"

#include <math.h>

aclnnStatus stub_check_alike(const stub_call *call, const uint32_t *args, uint32_t count) {
    STUB_REQUIRE(stub_check_given(call, args, count));
    for (uint32_t i = 0; i < count; i++) {
        const stub_dtype_rule rule = {args[i], STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, args[i], 0, STUB_MAX_RANK));
        STUB_REQUIRE(stub_check_same_dtype(call, args[i], args[0]));
        STUB_REQUIRE(stub_check_same_shape(call, args[i], args[0]));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_check_number(const stub_call *call, uint32_t arg, stub_dtypes allowed) {
    const stub_dtype_rule rule = {arg, STUB_ON_ALL(allowed)};
    STUB_REQUIRE(stub_check_given(call, &arg, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    const int64_t one[] = {1};
    const uint32_t rank = stub_tensor_arg(call, arg)->rank > 0 ? 1 : 0;
    return stub_check_shape(call, arg, one, rank, "one element");
}

aclnnStatus stub_read_number(const stub_call *call, uint32_t arg, double *number) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    const aclTensor *tensor = view.tensor;
    stub_load(tensor->dtype, view.base + tensor->offset * (view.bits / 8), 0, 1, ACL_DOUBLE, number);
    return ACLNN_SUCCESS;
}

enum { LR, BETA1, BETA2, DECAY, EPS, STEP_SIZE, ROOT, SCALE, CONSTANTS };

/* Rounded to float, as the product holds them. */
#define AT(k) ((float)c[k])
STUB_LOOP(adamw, {
    const float *const vars = in[0], *const ms = in[1], *const vs = in[2], *const grads = in[3], *const mosts = in[4];
    float *const new_vars = out[0], *const new_ms = out[1], *const new_vs = out[2], *const new_mosts = out[3];
    const float beta1 = AT(BETA1), beta2 = AT(BETA2), scale = AT(SCALE), keep = (float)(1 - c[LR] * c[DECAY]);
    const float rest1 = 1 - beta1, rest2 = 1 - beta2, eps = AT(EPS), root = AT(ROOT), size = AT(STEP_SIZE);
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float g = grads[i] * scale;
        const float m = beta1 * ms[i] + rest1 * g, v = beta2 * vs[i] + rest2 * (g * g);
        const float most = mosts && (mosts[i] > v || mosts[i] != mosts[i]) ? mosts[i] : v;
        new_vars[i] = vars[i] * keep - size * m / (sqrtf(most) / root + eps);
        new_ms[i] = m;
        new_vs[i] = v;
        if (mosts) {
            new_mosts[i] = most;
        }
    }
})

void stub_adamw_step(const stub_adamw *by, const stub_view *var, const stub_view *m, const stub_view *v,
                     const stub_view *most, const stub_view *most_out, const stub_view *grad) {
    const double constants[CONSTANTS] = {[LR] = by->lr,
                                         [BETA1] = by->beta1,
                                         [BETA2] = by->beta2,
                                         [DECAY] = by->decay,
                                         [EPS] = by->eps,
                                         [STEP_SIZE] = by->lr / (1 - by->power1),
                                         [ROOT] = sqrt(1 - by->power2),
                                         [SCALE] = by->scale};
    const stub_map map = {.loops = {&adamw}};
    const stub_operand in[] = {{.view = var}, {.view = m}, {.view = v}, {.view = grad}, {.view = most}};
    const stub_view *out[] = {var, m, v, most_out};
    stub_map_apply(&map, ACL_FLOAT, in, 5, out, most ? 4 : 3, constants);
}

/* The arguments that both have: tensors, then flags. */
typedef struct {
    uint32_t grad, most, amsgrad, maximize;
} places;

enum { VAR, M, V };
static const places by_tensors = {10, 11, 12, 13}, by_value = {4, 3, 11, 12};

static aclnnStatus check_tensors(const stub_call *call, stub_plan *plan, const places *at) {
    const uint32_t tensors[] = {VAR, M, V, at->grad, at->most};
    STUB_REQUIRE(stub_check_alike(call, tensors, call->args[at->amsgrad].flag ? 5 : 4));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, VAR)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus step(const stub_call *call, const places *at, stub_adamw *by) {
    stub_view views[5];
    const uint32_t tensors[] = {VAR, M, V, at->grad, at->most};
    const bool amsgrad = call->args[at->amsgrad].flag;
    for (uint32_t k = 0; k < (amsgrad ? 5 : 4); k++) {
        STUB_REQUIRE(stub_view_open(call, tensors[k], &views[k]));
    }
    by->scale = call->args[at->maximize].flag ? -1 : 1;
    /* Where the largest v only goes in, the documents say that v itself becomes it. */
    const bool in_v = call->op->params[at->most].role == STUB_IN;
    stub_adamw_step(by, &views[0], &views[1], &views[2], amsgrad ? &views[4] : NULL, in_v ? &views[2] : &views[4],
                    &views[3]);
    return ACLNN_SUCCESS;
}

enum { POWER1 = 3, POWER2, RATE, WEIGHT_DECAY, BETA_1, BETA_2, EPSILON, NUMBERS_END };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    for (uint32_t arg = POWER1; arg < NUMBERS_END; arg++) {
        STUB_REQUIRE(stub_check_number(call, arg, STUB_FLOATS));
    }
    return check_tensors(call, plan, &by_tensors);
}

static aclnnStatus run(const stub_call *call) {
    double numbers[NUMBERS_END];
    for (uint32_t arg = POWER1; arg < NUMBERS_END; arg++) {
        STUB_REQUIRE(stub_read_number(call, arg, &numbers[arg]));
    }
    stub_adamw by = {.lr = numbers[RATE],
                     .beta1 = numbers[BETA_1],
                     .beta2 = numbers[BETA_2],
                     .decay = numbers[WEIGHT_DECAY],
                     .eps = numbers[EPSILON],
                     .power1 = numbers[POWER1] * numbers[BETA_1],
                     .power2 = numbers[POWER2] * numbers[BETA_2]};
    return step(call, &by_tensors, &by);
}

enum { STEP = 5, LR_VALUE, BETA1_VALUE, BETA2_VALUE, DECAY_VALUE, EPS_VALUE };

static aclnnStatus check_v2(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_check_number(call, STEP, STUB_DTYPE(ACL_INT64) | STUB_DTYPE(ACL_FLOAT)));
    return check_tensors(call, plan, &by_value);
}

static aclnnStatus run_v2(const stub_call *call) {
    double t;
    STUB_REQUIRE(stub_read_number(call, STEP, &t));
    stub_adamw by = {.lr = call->args[LR_VALUE].real,
                     .beta1 = call->args[BETA1_VALUE].real,
                     .beta2 = call->args[BETA2_VALUE].real,
                     .decay = call->args[DECAY_VALUE].real,
                     .eps = call->args[EPS_VALUE].real};
    by.power1 = pow(by.beta1, t);
    by.power2 = pow(by.beta2, t);
    return step(call, &by_value, &by);
}

STUB_KERNEL(aclnnApplyAdamW, check, run)
STUB_KERNEL(aclnnApplyAdamWV2, check_v2, run_v2)
