/* aclnnFusedSgd: gradient descent with momentum over lists of tensors. The gradients are left as they were scaled. */
#include "opapi/optimiser/adamw.h"
#include "opapi/optimiser/lists.h"

enum { PARAMS, GRADS, MOMENTA, GRAD_SCALE, DECAY, MOMENTUM, LR, DAMPENING, NESTEROV, MAXIMIZE, FIRST_STEP };
enum { C_SCALE, C_SIGN, C_DECAY, C_MOMENTUM, C_LR, C_FRESH, C_FIRST, C_NESTEROV, CONSTANTS };

#define AT(k) ((float)c[k])
STUB_LOOP(sgd, {
    const float *const params = in[0], *const grads = in[1], *const momenta = in[2];
    float *const new_params = out[0], *const new_grads = out[1], *const new_momenta = out[2];
    const float scale = AT(C_SCALE), sign = AT(C_SIGN), decay = AT(C_DECAY), keep = AT(C_MOMENTUM), rate = AT(C_LR);
    const float fresh = AT(C_FRESH), ahead = AT(C_NESTEROV) * AT(C_MOMENTUM);
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float scaled = grads[i] / scale, g = scaled * sign + decay * params[i];
        const float momentum = c[C_FIRST] != 0 ? g : (momenta ? keep * momenta[i] : 0) + fresh * g;
        const float direction = c[C_NESTEROV] != 0 ? g + ahead * momentum : momenta ? momentum : g;
        new_params[i] = params[i] - rate * direction;
        new_grads[i] = scaled;
        if (momenta) {
            new_momenta[i] = momentum;
        }
    }
})

static bool has_momenta(const stub_call *call) {
    return stub_item_count(call, MOMENTA) > 0;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    const uint32_t lists[] = {PARAMS, GRADS, MOMENTA};
    STUB_REQUIRE(stub_check_lists(call, lists, has_momenta(call) ? 3 : 2));
    return stub_tensor_arg(call, GRAD_SCALE) ? stub_check_number(call, GRAD_SCALE, STUB_FLOATS) : ACLNN_SUCCESS;
}

static aclnnStatus run_item(const stub_call *call, uint64_t index, const double *constants) {
    const uint32_t count = has_momenta(call) ? 3 : 2;
    stub_view views[3];
    stub_operand in[3] = {{0}};
    const stub_view *out[3];
    for (uint32_t arg = PARAMS; arg < count; arg++) {
        STUB_REQUIRE(stub_item_open(call, arg, index, &views[arg]));
        in[arg].view = out[arg] = &views[arg];
    }
    const stub_map map = {.loops = {&sgd}};
    stub_map_apply(&map, ACL_FLOAT, in, 3, out, count, constants);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const stub_value *args = call->args;
    double constants[CONSTANTS] = {[C_SCALE] = 1,
                                   [C_SIGN] = args[MAXIMIZE].flag ? -1 : 1,
                                   [C_DECAY] = args[DECAY].real,
                                   [C_MOMENTUM] = args[MOMENTUM].real,
                                   [C_LR] = args[LR].real,
                                   [C_FRESH] = 1 - args[DAMPENING].real,
                                   [C_FIRST] = args[FIRST_STEP].flag,
                                   [C_NESTEROV] = args[NESTEROV].flag};
    if (stub_tensor_arg(call, GRAD_SCALE)) {
        STUB_REQUIRE(stub_read_number(call, GRAD_SCALE, &constants[C_SCALE]));
    }
    for (uint64_t i = 0; i < stub_item_count(call, PARAMS); i++) {
        STUB_REQUIRE(run_item(call, i, constants));
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnFusedSgd, check, run)
