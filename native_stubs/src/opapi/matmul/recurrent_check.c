/* Phase one of recurrent networks. */
#include <stdio.h>
#include <string.h>

#include "opapi/matmul/recurrent.h"

#define TYPES (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16))

stub_rnn_sizes stub_rnn_sizes_of(const stub_call *call, const stub_recurrent *op) {
    const int64_t *shape = stub_tensor_arg(call, STUB_RNN_INPUT)->shape;
    const aclTensor *weight = call->args[STUB_RNN_PARAMS].tensors->items[0];
    const bool batch_first = call->args[STUB_RNN_BATCH_FIRST].flag;
    return (stub_rnn_sizes){.steps = shape[batch_first],
                            .batch = shape[!batch_first],
                            .inputs = shape[2],
                            .size = weight->shape[0] / op->gates,
                            .layers = call->args[STUB_RNN_LAYERS].integer,
                            .directions = call->args[STUB_RNN_BIDIRECTIONAL].flag ? 2 : 1,
                            .tensors = call->args[STUB_RNN_HAS_BIAS].flag ? 4 : 2};
}

aclnnStatus stub_rnn_check_item(const stub_call *call, uint32_t arg, int64_t i, const int64_t *dims, uint32_t rank) {
    const aclTensor *item = call->args[arg].tensors->items[i];
    const aclDataType type = stub_tensor_arg(call, STUB_RNN_INPUT)->dtype;
    char text[128];
    if (item == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s[%lld] is NULL; it is required", call->op->name,
                         call->op->params[arg].name, (long long)i);
    }
    if (item->dtype == type && item->rank == rank && memcmp(item->shape, dims, rank * sizeof *dims) == 0) {
        return ACLNN_SUCCESS;
    }
    char wanted[64] = "";
    for (uint32_t k = 0, used = 0; k < rank && used < sizeof wanted; k++) {
        used += (uint32_t)snprintf(wanted + used, sizeof wanted - used, "%s%lld", k ? ", " : "", (long long)dims[k]);
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s[%lld] is %s; it must be %s [%s]", call->op->name,
                     call->op->params[arg].name, (long long)i, stub_describe(item, text, sizeof text),
                     stub_dtype_name(type), wanted);
}

aclnnStatus stub_rnn_check_list(const stub_call *call, uint32_t arg, int64_t count) {
    const aclTensorList *list = call->args[arg].tensors;
    if (list == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; it is required", call->op->name,
                         call->op->params[arg].name);
    }
    return list->size == (uint64_t)count
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu tensors; it has to have %lld", call->op->name,
                           call->op->params[arg].name, (unsigned long long)list->size, (long long)count);
}

static aclnnStatus check_params(const stub_call *call, const stub_recurrent *op) {
    const int64_t layers = call->args[STUB_RNN_LAYERS].integer;
    const int64_t each =
        (call->args[STUB_RNN_HAS_BIAS].flag ? 4 : 2) * (call->args[STUB_RNN_BIDIRECTIONAL].flag ? 2 : 1);
    if (layers < 1 || layers > INT32_MAX) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: numLayers is %lld; it must be positive", call->op->name,
                         (long long)layers);
    }
    STUB_REQUIRE(stub_rnn_check_list(call, STUB_RNN_PARAMS, layers * each));
    const aclTensor *first = call->args[STUB_RNN_PARAMS].tensors->items[0];
    if (first == NULL || first->rank != 2 || first->shape[0] % op->gates != 0) {
        return stub_fail(first ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: params[0] must be a matrix of %lld rows for each element of the state", call->op->name,
                         (long long)op->gates);
    }
    const stub_rnn_sizes sizes = stub_rnn_sizes_of(call, op);
    const int64_t rows = op->gates * sizes.size;
    for (int64_t i = 0; i < layers * each; i++) {
        const int64_t part = i % sizes.tensors, inputs = i < each ? sizes.inputs : sizes.directions * sizes.size;
        const int64_t dims[] = {rows, part == 0 ? inputs : sizes.size};
        STUB_REQUIRE(stub_rnn_check_item(call, STUB_RNN_PARAMS, i, dims, part < 2 ? 2 : 1));
    }
    return ACLNN_SUCCESS;
}

/* The states before the first step: a list of h and c, or h alone; absent or empty: zeros. */
static aclnnStatus check_states(const stub_call *call, const stub_recurrent *op, const int64_t dims[3]) {
    if (op->states == 1) {
        STUB_REQUIRE(stub_check_same_dtype(call, STUB_RNN_STATE, STUB_RNN_INPUT));
        return stub_check_shape(call, STUB_RNN_STATE, dims, 3, "layers and directions, batch, size of the state");
    }
    const aclTensorList *list = call->args[STUB_RNN_STATE].tensors;
    if (list == NULL || list->size == 0) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_rnn_check_list(call, STUB_RNN_STATE, op->states));
    for (uint32_t i = 0; i < op->states; i++) {
        STUB_REQUIRE(stub_rnn_check_item(call, STUB_RNN_STATE, i, dims, 3));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_outputs(const stub_call *call, const stub_recurrent *op, const stub_rnn_sizes *sizes) {
    const int64_t *input = stub_tensor_arg(call, STUB_RNN_INPUT)->shape, all = sizes->layers * sizes->directions;
    const int64_t output[] = {input[0], input[1], sizes->directions * sizes->size};
    const int64_t states[] = {all, sizes->batch, sizes->size}, saved[] = {sizes->steps, sizes->batch, sizes->size};
    STUB_REQUIRE(stub_check_same_dtype(call, STUB_RNN_OUTPUT, STUB_RNN_INPUT));
    STUB_REQUIRE(
        stub_check_shape(call, STUB_RNN_OUTPUT, output, 3, "those of input, directions times the state's size"));
    STUB_REQUIRE(check_states(call, op, states));
    for (uint32_t i = 0; i < op->states; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, op->outputs + i, STUB_RNN_INPUT));
        STUB_REQUIRE(
            stub_check_shape(call, op->outputs + i, states, 3, "layers and directions, batch, the state's size"));
    }
    for (uint32_t i = 0; i < op->saved && call->args[STUB_RNN_TRAIN].flag; i++) {
        STUB_REQUIRE(stub_rnn_check_list(call, op->lists + i, all));
        for (int64_t k = 0; k < all; k++) {
            STUB_REQUIRE(stub_rnn_check_item(call, op->lists + i, k, saved, 3));
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_recurrent_check(const stub_call *call, stub_plan *plan, const stub_recurrent *op) {
    const uint32_t tensors[] = {STUB_RNN_INPUT, STUB_RNN_OUTPUT, op->outputs, op->outputs + op->states - 1};
    const stub_dtype_rule rule = {STUB_RNN_INPUT, STUB_ON_ALL(TYPES)};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    if (stub_tensor_arg(call, STUB_RNN_BATCH_SIZES)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for sequences of different lengths (batchSizes)",
                         call->op->name);
    }
    STUB_REQUIRE(stub_check_rank(call, STUB_RNN_INPUT, 3, 3));
    STUB_REQUIRE(check_params(call, op));
    const stub_rnn_sizes sizes = stub_rnn_sizes_of(call, op);
    STUB_REQUIRE(check_outputs(call, op, &sizes));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, STUB_RNN_INPUT)) == 0 || sizes.size == 0;
    return ACLNN_SUCCESS;
}
