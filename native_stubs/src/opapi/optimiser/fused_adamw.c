/* aclnnFusedAdamw: AdamW over lists of tensors. */
#include <math.h>

#include "opapi/optimiser/adamw.h"
#include "opapi/optimiser/lists.h"

static aclnnStatus read_optional(const stub_call *call, uint32_t arg, double absent, double *number) {
    *number = absent;
    return stub_tensor_arg(call, arg) ? stub_read_number(call, arg, number) : ACLNN_SUCCESS;
}

enum {
    PARAMS,
    GRADS,
    AVERAGES,
    SQUARES,
    LARGEST,
    STEPS,
    GRAD_SCALE,
    FOUND_INF,
    LR,
    BETA1,
    BETA2,
    DECAY,
    EPS,
    AMSGRAD,
    MAXIMIZE
};

static aclnnStatus adamw_check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    const uint32_t lists[] = {PARAMS, GRADS, AVERAGES, SQUARES, LARGEST};
    STUB_REQUIRE(stub_check_lists(call, lists, call->args[AMSGRAD].flag ? 5 : 4));
    for (uint32_t arg = GRAD_SCALE; arg <= FOUND_INF; arg++) {
        if (stub_tensor_arg(call, arg)) {
            STUB_REQUIRE(stub_check_number(call, arg, STUB_DTYPE(ACL_FLOAT)));
        }
    }
    uint64_t count;
    const aclTensor *const *steps = stub_argument_items(call, STEPS, &count);
    const stub_dtypes allowed = STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_INT64);
    for (uint64_t i = 0; i < stub_item_count(call, PARAMS); i++) {
        if (i >= count || !steps[i] || stub_tensor_numel(steps[i]) != 1 || (allowed >> steps[i]->dtype & 1) == 0) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: stateSteps[%llu] must be a tensor of one FLOAT or INT64 element", call->op->name,
                             (unsigned long long)i);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus adamw_item(const stub_call *call, uint64_t index, double scale) {
    const bool amsgrad = call->args[AMSGRAD].flag;
    stub_view views[STEPS + 1];
    for (uint32_t arg = PARAMS; arg <= STEPS; arg++) {
        if (arg != LARGEST || amsgrad) {
            STUB_REQUIRE(stub_item_open(call, arg, index, &views[arg]));
        }
    }
    const stub_view *step = &views[STEPS];
    double t;
    stub_load(step->tensor->dtype, step->base + step->tensor->offset * (step->bits / 8), 0, 1, ACL_DOUBLE, &t);
    const stub_value *args = call->args;
    const stub_adamw by = {.lr = args[LR].real,
                           .beta1 = args[BETA1].real,
                           .beta2 = args[BETA2].real,
                           .decay = args[DECAY].real,
                           .eps = args[EPS].real,
                           .power1 = pow(args[BETA1].real, t),
                           .power2 = pow(args[BETA2].real, t),
                           .scale = args[MAXIMIZE].flag ? -1 / scale : 1 / scale};
    const stub_view *most = amsgrad ? &views[LARGEST] : NULL;
    stub_adamw_step(&by, &views[PARAMS], &views[AVERAGES], &views[SQUARES], most, most, &views[GRADS]);
    return ACLNN_SUCCESS;
}

static aclnnStatus adamw_run(const stub_call *call) {
    double scale, found;
    STUB_REQUIRE(read_optional(call, GRAD_SCALE, 1, &scale));
    STUB_REQUIRE(read_optional(call, FOUND_INF, 0, &found));
    for (uint64_t i = 0; found != 1 && i < stub_item_count(call, PARAMS); i++) {
        STUB_REQUIRE(adamw_item(call, i, scale));
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnFusedAdamw, adamw_check, adamw_run)
