/* aclnnDequantBias: y = x * weightScale * activateScale, plus an INT32 bias before or a float one behind; fp32
 * arithmetic, each operation rounded once, then one rounding to the output. */
#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"

enum { X, WEIGHT_SCALE, ROW_SCALE, BIAS, OUTPUT_TYPE, OUT };

typedef struct {
    const float *weight_scale, *bias;
    const int64_t *integer_bias;
} constants;

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const int required[] = {X, WEIGHT_SCALE, OUT};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, X, STUB_DTYPE(ACL_INT32)));
    STUB_REQUIRE(stub_norm_dtype(call, WEIGHT_SCALE, STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_BF16)));
    STUB_REQUIRE(stub_norm_dtype(call, ROW_SCALE, STUB_DTYPE(ACL_FLOAT)));
    STUB_REQUIRE(stub_norm_dtype(call, BIAS, STUB_FLOATS | STUB_DTYPE(ACL_INT32)));
    const bool narrow = stub_tensor_arg(call, WEIGHT_SCALE)->dtype == ACL_BF16;
    STUB_REQUIRE(stub_norm_dtype(call, OUT, STUB_DTYPE(narrow ? ACL_BF16 : ACL_FLOAT16)));
    const aclTensor *x = stub_tensor_arg(call, X), *out = stub_tensor_arg(call, OUT);
    if (call->args[OUTPUT_TYPE].integer != (int64_t)out->dtype) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: outputDtype is %lld, but out has data type %s (%d)",
                         call->op->name, (long long)call->args[OUTPUT_TYPE].integer, stub_dtype_name(out->dtype),
                         (int)out->dtype);
    }
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_shape(call, WEIGHT_SCALE, &x->shape[1], 1, "one for each column of x"));
    STUB_REQUIRE(stub_check_shape(call, BIAS, &x->shape[1], 1, "one for each column of x"));
    STUB_REQUIRE(stub_check_shape(call, ROW_SCALE, x->shape, 1, "one for each row of x"));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, X));
    plan->nothing_to_run = stub_tensor_numel(x) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[0];
    const int64_t *x = array[0];
    float *y = array[2];
    for (size_t i = 0; i < n; i++) {
        y[i] = (float)(by->integer_bias ? x[i] + by->integer_bias[i] : x[i]);
    }
    stub_floats_normalise(y, 0, 1, by->weight_scale, NULL, n, y);
    if (array[1]) {
        stub_floats_normalise(y, 0, *(const float *)array[1], NULL, NULL, n, y);
    }
    if (by->bias) {
        stub_floats_add(y, by->bias, n, y);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *bias = stub_tensor_arg(call, BIAS);
    const bool integer = bias && bias->dtype == ACL_INT32;
    stub_line_set set = {.call = call};
    const constants by = {.weight_scale = stub_line_weight(&set, WEIGHT_SCALE),
                          .bias = stub_line_weight(&set, integer ? STUB_NO_ARGUMENT : BIAS),
                          .integer_bias = stub_line_weight_as(&set, integer ? BIAS : STUB_NO_ARGUMENT, ACL_INT64)};
    stub_line_input(&set, X, 2, ACL_INT64);
    stub_line_input(&set, ROW_SCALE, 0, ACL_FLOAT);
    stub_line_output(&set, OUT, 2, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnDequantBias, check, run)
