/* aclnnBiasAdd: x plus one number for each channel; dataFormat says which axis that is. */
#include <string.h>

#include "opapi/made_view.h"
#include "opapi/map.h"

enum { X, BIAS, FORMAT, OUT };

#define TYPES (STUB_FLOATS | STUB_DTYPE(ACL_INT32))

/* The axis of the channels, -1 for an unknown format. NULL: NHWC. */
static int axis_of(const stub_call *call) {
    const char *format = call->args[FORMAT].text ? call->args[FORMAT].text : "NHWC";
    const int last = (int)stub_tensor_arg(call, X)->rank - 1;
    const bool first = strcmp(format, "NCHW") == 0 || strcmp(format, "NCDHW") == 0;
    return first ? 1 : strcmp(format, "NHWC") == 0 || strcmp(format, "NDHWC") == 0 ? last : -1;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, BIAS, OUT};
    const stub_dtype_rule rule = {X, STUB_ON_ALL(TYPES)};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, BIAS, X));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, X));
    STUB_REQUIRE(stub_check_rank(call, X, 2, STUB_MAX_RANK));
    const int axis = axis_of(call);
    if (axis < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dataFormat is %s; allowed are NHWC, NCHW, NDHWC and NCDHW",
                         call->op->name, call->args[FORMAT].text);
    }
    STUB_REQUIRE(stub_check_shape(call, BIAS, &stub_tensor_arg(call, X)->shape[axis], 1, "channels of x"));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    return stub_check_same_shape(call, OUT, X);
}

STUB_LOOP2(add_f32, float, float, x + y)
STUB_LOOP2(add_i64, uint64_t, uint64_t, x + y)

static aclnnStatus run(const stub_call *call) {
    static const stub_map map = {.loops = {[STUB_F32] = &add_f32, [STUB_I64] = &add_i64}};
    stub_view x, bias, out;
    stub_made_view made;
    STUB_REQUIRE(stub_view_open(call, X, &x));
    STUB_REQUIRE(stub_view_open(call, BIAS, &bias));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    stub_made_start(&made, &bias);
    stub_made_axis(&made, bias.tensor->shape[0], bias.tensor->strides[0]);
    for (uint32_t i = (uint32_t)axis_of(call) + 1; i < x.tensor->rank; i++) {
        stub_made_axis(&made, 1, 0);
    }
    const stub_operand in[] = {{.view = &x}, {.view = &made.view}};
    const stub_view *const to = &out;
    const aclDataType as = x.tensor->dtype == ACL_INT32 ? ACL_INT32 : ACL_FLOAT;
    stub_map_apply(&map, as, in, 2, &to, 1, NULL);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnBiasAdd, check, run)
