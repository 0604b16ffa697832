/* Phases of the batch norms. */
#include "opapi/norm/batch_norm.h"

#include "opapi/view.h"

enum { NONE = STUB_NO_ARGUMENT, ALL_OUTPUTS = 0xFF };

/* Which outputs are wanted, as bits. */
static uint32_t wanted_outputs(const stub_call *call, const batch_norm *op) {
    uint64_t count = 0;
    const bool *mask = op->mask == NONE ? NULL : stub_argument_items(call, (uint32_t)op->mask, &count);
    uint32_t wanted = ALL_OUTPUTS;
    for (uint32_t i = 0; mask && i < count; i++) {
        wanted &= mask[i] ? ALL_OUTPUTS : ~(1u << i);
    }
    if (op->flags != NONE) { /* sumDy and sumDyXmu, gradWeight, gradBias */
        const stub_value *flag = call->args + op->flags;
        wanted = (flag[0].flag ? 3u : 0) | (flag[1].flag ? 4u : 0) | (flag[2].flag ? 8u : 0);
    }
    return wanted;
}

static bool is_training(const stub_call *call, const batch_norm *op) {
    return op->training == NONE || call->args[op->training].flag;
}

/* The argument of operand k, or NONE when it has none in this mode, or is an output that is not wanted. */
static int argument_of(const stub_call *call, const batch_norm *op, uint32_t k) {
    const batch_operand *operand = &op->operand[k];
    const bool wanted = k < op->inputs || (wanted_outputs(call, op) >> (k - op->inputs) & 1);
    return !wanted ? NONE : is_training(call, op) ? operand->arg : operand->inference;
}

static aclnnStatus check_channels(const stub_call *call, const batch_norm *op, int arg) {
    const aclTensor *x = stub_tensor_or_none(call, op->operand[0].arg);
    STUB_REQUIRE(stub_norm_dtype(call, arg, STUB_FLOATS));
    return arg == NONE ? ACLNN_SUCCESS
                       : stub_check_shape(call, (uint32_t)arg, &x->shape[1], 1, "one for each channel of the input");
}

static aclnnStatus check_operand(const stub_call *call, const batch_norm *op, uint32_t k) {
    const int arg = argument_of(call, op, k), first = op->operand[0].arg;
    if (!op->operand[k].optional) {
        STUB_REQUIRE(stub_norm_given(call, &arg, 1));
    }
    if (arg == NONE || !op->operand[k].full) {
        return check_channels(call, op, arg);
    }
    STUB_REQUIRE(stub_norm_dtype(call, arg, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtype(call, arg, first));
    return stub_check_same_shape(call, (uint32_t)arg, (uint32_t)first);
}

aclnnStatus batch_norm_check(const stub_call *call, stub_plan *plan, const batch_norm *op) {
    const uint32_t first = (uint32_t)op->operand[0].arg;
    STUB_REQUIRE(stub_check_given(call, &first, 1));
    STUB_REQUIRE(stub_norm_given(call, &op->counter, 1));
    STUB_REQUIRE(stub_check_rank(call, first, 2, STUB_MAX_RANK));
    for (uint32_t k = 0; k < op->inputs + op->outputs; k++) {
        STUB_REQUIRE(check_operand(call, op, k));
    }
    STUB_REQUIRE(check_channels(call, op, op->weight));
    STUB_REQUIRE(check_channels(call, op, op->bias));
    STUB_REQUIRE(stub_norm_dtype(call, op->counter, STUB_FLOATS | STUB_DTYPE(ACL_INT32)));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, first)) == 0;
    return ACLNN_SUCCESS;
}

static float count_of(stub_line_set *set, int counter) {
    const float *counts = stub_line_weight(set, counter);
    return counts ? stub_floats_sum(counts, (size_t)stub_tensor_numel(stub_tensor_or_none(set->call, counter))) : 0;
}

aclnnStatus batch_norm_run(const stub_call *call, const batch_norm *op) {
    stub_line_set set = {.call = call};
    const batch_constants by = {.weight = stub_line_weight(&set, op->weight),
                                .bias = stub_line_weight(&set, op->bias),
                                .epsilon = op->epsilon == NONE ? 0 : call->args[op->epsilon].real,
                                .momentum = op->momentum == NONE ? 0 : call->args[op->momentum].real,
                                .count = count_of(&set, op->counter),
                                .training = is_training(call, op)};
    for (uint32_t k = 0; k < op->inputs + op->outputs; k++) {
        const int arg = argument_of(call, op, k);
        const aclTensor *tensor = stub_tensor_or_none(call, arg);
        const uint32_t axes = op->operand[k].full && tensor ? stub_axes_from(0, tensor->rank) & ~2u : 0;
        if (k < op->inputs) {
            stub_line_input(&set, arg, axes, ACL_FLOAT);
        } else {
            stub_line_output(&set, arg, axes, ACL_FLOAT);
        }
    }
    set.lines.line = op->line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}
