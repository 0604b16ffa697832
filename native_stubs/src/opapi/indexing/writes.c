/* Both phases of operators that write values at places. */
#include "opapi/indexing/writes.h"

aclnnStatus stub_writes_check(const stub_call *call, stub_plan *plan, const stub_writes *data) {
    const uint32_t tensors[] = {data->index, data->values};
    const stub_dtype_rule rule = {data->index, STUB_ON_ALL(STUB_INDICES)};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_move(call, 0, data->out, data->allowed));
    STUB_REQUIRE(stub_check_same_dtype(call, data->values, 0));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, data->index, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_rank(call, data->values, 0, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_same_shape(call, data->out, 0));
    if (data->alpha != 0 && call->args[data->alpha].scalar == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this scalar is required", call->op->name,
                         call->op->params[data->alpha].name);
    }
    STUB_REQUIRE(data->check(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, 0)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus describe(const stub_call *call, stub_indexing *job, const stub_writes *data) {
    stub_box out;
    const bool adds = data->accumulate != 0 && call->args[data->accumulate].flag;
    STUB_REQUIRE(stub_box_open(call, data->out, &out));
    STUB_REQUIRE(stub_box_open(call, data->values, &job->values));
    STUB_REQUIRE(stub_scatter_start(call, job, &out, adds ? STUB_ADD : data->reduction));
    return data->describe(call, job);
}

aclnnStatus stub_writes_run(const stub_call *call, const stub_writes *data) {
    stub_indexing job = {0};
    if (data->out != 0) {
        stub_box self, out;
        STUB_REQUIRE(stub_box_open(call, 0, &self));
        STUB_REQUIRE(stub_box_open(call, data->out, &out));
        stub_copy(&out, &self);
    }
    if (stub_tensor_numel(stub_tensor_arg(call, data->values)) == 0) {
        return ACLNN_SUCCESS;
    }
    const aclnnStatus status = describe(call, &job, data);
    if (status == ACLNN_SUCCESS) {
        stub_scatter(&job, data->alpha == 0 ? NULL : call->args[data->alpha].scalar);
    }
    stub_indexing_end(&job);
    return status;
}
