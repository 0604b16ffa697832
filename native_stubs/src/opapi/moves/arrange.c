/* Both phases of operators whose output is another view of their input. */
#include "opapi/moves/arrange.h"

aclnnStatus stub_check_move(const stub_call *call, uint32_t from, uint32_t to, stub_dtypes allowed) {
    const uint32_t tensors[] = {from, to};
    const stub_dtype_rule rule = {from, STUB_ON_ALL(allowed)};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, to, from));
    STUB_REQUIRE(stub_check_rank(call, from, 0, STUB_MAX_RANK));
    return stub_check_rank(call, to, 0, STUB_MAX_RANK);
}

stub_box stub_box_planned(const aclTensor *tensor) {
    return stub_box_over(NULL, tensor->dtype, tensor->shape, tensor->rank);
}

aclnnStatus stub_read_ints(const stub_call *call, uint32_t arg, uint32_t low, uint32_t high, const int64_t **values,
                           uint32_t *count) {
    const char *name = call->op->params[arg].name;
    if (call->args[arg].ints == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this array is required", call->op->name, name);
    }
    uint64_t given;
    *values = stub_argument_items(call, arg, &given);
    *count = (uint32_t)given;
    if (given < low || given > high) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu numbers; allowed are %u to %u", call->op->name, name,
                         (unsigned long long)given, low, high);
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_read_axis(const stub_call *call, uint32_t arg, int64_t value, uint32_t rank, uint32_t *used,
                           uint32_t *axis) {
    const char *name = call->op->params[arg].name;
    const int found = stub_axis(value, rank);
    if (found < 0) {
        const int bound = rank > 0 ? (int)rank : 1;
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s names axis %lld; allowed are %d to %d", call->op->name, name,
                         (long long)value, -bound, bound - 1);
    }
    if ((*used >> found & 1) != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s names axis %d twice", call->op->name, name, found);
    }
    *used |= 1u << found;
    *axis = (uint32_t)found;
    return ACLNN_SUCCESS;
}

/* The axes of the output that the arranged box makes. */
static uint32_t joined_shape(const stub_box *box, uint32_t joined, int64_t *shape) {
    uint32_t rank = 0;
    for (uint32_t i = 0; i < box->rank; i++) {
        if (i > 0 && (joined >> i & 1) != 0) {
            shape[rank - 1] *= box->shape[i];
        } else {
            shape[rank++] = box->shape[i];
        }
    }
    return rank;
}

/* Splits the output's axes as the arranged box has them. */
static void split_like(stub_box *out, const stub_box *box, uint32_t joined) {
    for (uint32_t i = 1; i < box->rank; i++) {
        if ((joined >> i & 1) != 0) {
            stub_box_split(out, i - 1, box->shape[i - 1]);
        }
    }
}

aclnnStatus stub_arranged_check(const stub_call *call, stub_plan *plan, const stub_arranged *data) {
    const uint32_t out = call->op->count - 1;
    STUB_REQUIRE(stub_check_move(call, 0, out, data->allowed));
    stub_box box = stub_box_planned(stub_tensor_arg(call, 0));
    uint32_t joined = 0;
    STUB_REQUIRE(data->arrange(call, &box, &joined));
    int64_t shape[STUB_BOX_RANK];
    const uint32_t rank = joined_shape(&box, joined, shape);
    STUB_REQUIRE(stub_check_shape(call, out, shape, rank, "that which input and attributes give"));
    plan->nothing_to_run = stub_box_size(&box) == 0;
    return ACLNN_SUCCESS;
}

aclnnStatus stub_arranged_run(const stub_call *call, const stub_arranged *data) {
    stub_box box, out;
    uint32_t joined = 0;
    STUB_REQUIRE(stub_box_open(call, 0, &box));
    STUB_REQUIRE(stub_box_open(call, call->op->count - 1, &out));
    STUB_REQUIRE(data->arrange(call, &box, &joined));
    split_like(&out, &box, joined);
    stub_copy(&out, &box);
    return ACLNN_SUCCESS;
}
