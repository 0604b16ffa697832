/* aclnnQuantize: out = round(x / scale + zero point), kept in the range of out, with one scale for all or one for each
 * index of an axis; fp32 arithmetic, each operation rounded once. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/axis_scales.h"
#include "opapi/quantisation/quantised.h"

enum { X, SCALES, ZERO_POINTS, DTYPE, AXIS, OUT };

#define TYPES (STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT32))

typedef struct {
    stub_axis_scales scales;
    const float *scale, *zero_point;
    double low, high;
} constants;

static aclnnStatus check_types(const stub_call *call) {
    const int required[] = {X, SCALES, OUT}, floats[] = {X, SCALES};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtypes(call, floats, STUB_COUNT(floats), STUB_FLOATS));
    if (stub_tensor_arg(call, X)->dtype != ACL_FLOAT) {
        STUB_REQUIRE(stub_norm_same_dtype(call, SCALES, X));
    }
    STUB_REQUIRE(stub_norm_dtype(call, ZERO_POINTS, TYPES | STUB_DTYPE(ACL_BF16)));
    STUB_REQUIRE(stub_norm_dtype(call, OUT, TYPES));
    const aclDataType out = stub_tensor_arg(call, OUT)->dtype;
    if (call->args[DTYPE].integer == (int64_t)out) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dtype is %lld, but out has data type %s (%d)", call->op->name,
                     (long long)call->args[DTYPE].integer, stub_dtype_name(out), (int)out);
}

/* -1: one scale for all. */
static int axis_of(const stub_call *call) {
    const bool single = stub_tensor_numel(stub_tensor_arg(call, SCALES)) == 1;
    return single ? -1 : stub_axis(call->args[AXIS].integer, stub_tensor_arg(call, X)->rank);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check_types(call));
    const aclTensor *x = stub_tensor_arg(call, X);
    STUB_REQUIRE(stub_check_rank(call, X, 1, STUB_MAX_RANK));
    STUB_REQUIRE(stub_check_axis(call, AXIS, x->rank));
    const int64_t one = 1, *length = axis_of(call) < 0 ? &one : &x->shape[axis_of(call)];
    STUB_REQUIRE(stub_check_shape(call, SCALES, length, 1, "1, or one for each index of axis"));
    STUB_REQUIRE(stub_check_same_shape(call, ZERO_POINTS, SCALES));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, X));
    plan->nothing_to_run = stub_tensor_numel(x) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "quantisation");
}

static int64_t bounded(const constants *by, float value) {
    const double nearest = value == value ? (double)rintf(value) : 0;
    return (int64_t)(nearest < by->low ? by->low : nearest > by->high ? by->high : nearest);
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const float *x = array[0];
    int64_t *out = array[1], at = stub_axis_scales_first(&by->scales, position);
    for (int64_t i = 0; i < length[0]; i++, at += stub_axis_scales_step(&by->scales)) {
        const float quotient = x[i] / by->scale[at];
        out[i] = bounded(by, by->zero_point ? quotient + by->zero_point[at] : quotient);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const aclDataType out = stub_tensor_arg(call, OUT)->dtype;
    stub_line_set set = {.call = call};
    const constants by = {.scales = stub_axis_scales_of(stub_tensor_arg(call, X), axis_of(call)),
                          .scale = stub_line_weight(&set, SCALES),
                          .zero_point = stub_line_weight(&set, ZERO_POINTS),
                          .low = out == ACL_UINT8  ? 0
                                 : out == ACL_INT8 ? -0x1p7
                                                   : -0x1p31,
                          .high = out == ACL_UINT8  ? 0x1p8 - 1
                                  : out == ACL_INT8 ? 0x1p7 - 1
                                                    : 0x1p31 - 1};
    stub_line_input(&set, X, stub_last_axes(call, X, 1), ACL_FLOAT);
    stub_line_output(&set, OUT, stub_last_axes(call, OUT, 1), out);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnQuantize, check, run)
