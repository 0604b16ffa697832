/* aclnnGroupQuant: y = round(x * scale + offset) with a row of scales for each group of x's rows, and one offset; fp32
 * arithmetic, each operation rounded once. */
#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/experts.h"
#include "opapi/quantisation/quantised.h"

enum { X, SCALE, GROUP, OFFSET, DST_TYPE, Y };

typedef struct {
    stub_quantised y;
    stub_experts experts;
    const float *scale, *offset;
} constants;

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X), *group = stub_tensor_arg(call, GROUP);
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, GROUP, 1, 1));
    const int64_t dims[] = {group->shape[0], x->shape[1]};
    STUB_REQUIRE(stub_check_shape(call, SCALE, dims, 2, "[groups, columns of x]"));
    const aclTensor *offset = stub_tensor_arg(call, OFFSET);
    if (group->shape[0] < 1 || (offset && stub_tensor_numel(offset) != 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: there must be a group, and one element in offsetOptional",
                         call->op->name);
    }
    return stub_quantised_check(call, Y, x->shape, x->rank, STUB_QUANTISED);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const int required[] = {X, SCALE, GROUP, Y}, floats[] = {X, SCALE, OFFSET};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtypes(call, floats, STUB_COUNT(floats), STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_dtype(call, OFFSET, SCALE));
    STUB_REQUIRE(stub_norm_dtype(call, GROUP, STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64)));
    STUB_REQUIRE(check_shapes(call));
    const aclDataType y = stub_tensor_arg(call, Y)->dtype;
    if (call->args[DST_TYPE].integer != (int64_t)y) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dstType is %lld, but y has data type %s (%d)", call->op->name,
                         (long long)call->args[DST_TYPE].integer, stub_dtype_name(y), (int)y);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "quantisation");
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[0];
    const float *scale = by->scale + stub_expert_of(&by->experts, position) * length[0];
    stub_floats_normalise(array[0], 0, 1, scale, NULL, n, array[0]);
    if (by->offset) {
        stub_floats_normalise(array[0], -*by->offset, 1, NULL, NULL, n, array[0]);
    }
    stub_quantised_put(&by->y, STUB_ROUND, array[0], n, array[1]);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_line_set set = {.call = call};
    constants by = {.experts = stub_experts_load(&set, GROUP, false),
                    .scale = stub_line_weight(&set, SCALE),
                    .offset = stub_line_weight(&set, OFFSET)};
    stub_line_input(&set, X, stub_last_axes(call, X, 1), ACL_FLOAT);
    stub_quantised_output(&set, Y, 1, &by.y);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnGroupQuant, check, run)
