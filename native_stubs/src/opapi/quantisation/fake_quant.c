/* Fake quantisation: q = round(x / scale) + zero point, out = (q kept in quantMin .. quantMax - zero point) * scale,
 * and a mask of the elements that were inside. fp32 arithmetic, rounded once to out. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/axis_scales.h"

enum { SELF, SCALE, ZERO_POINT, CHOICE, QUANT_MIN, QUANT_MAX, OUT, MASK };

typedef struct {
    bool per_channel; /* CHOICE is the axis; else whether anything is done at all */
} fake_quant;

typedef struct {
    stub_axis_scales scales;
    const float *scale;
    const int64_t *zero_point;
    float low, high;
    bool enabled;
} constants;

static aclnnStatus fake_quant_check(const stub_call *call, stub_plan *plan, const fake_quant *op) {
    const int all[] = {SELF, SCALE, ZERO_POINT, OUT, MASK}, floats[] = {SELF, SCALE};
    STUB_REQUIRE(stub_norm_given(call, all, STUB_COUNT(all)));
    STUB_REQUIRE(stub_norm_dtypes(call, floats, STUB_COUNT(floats), STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16)));
    STUB_REQUIRE(stub_norm_dtype(call, ZERO_POINT, STUB_DTYPE(ACL_INT32)));
    STUB_REQUIRE(stub_norm_same_dtype(call, OUT, SELF));
    STUB_REQUIRE(stub_norm_dtype(call, MASK, STUB_BOOLS));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    STUB_REQUIRE(stub_check_rank(call, SELF, 0, STUB_MAX_RANK));
    if (op->per_channel) {
        STUB_REQUIRE(stub_check_axis(call, CHOICE, self->rank));
    }
    const int64_t one = 1;
    const bool has_axis = op->per_channel && self->rank > 0;
    const int64_t *length = has_axis ? &self->shape[stub_axis(call->args[CHOICE].integer, self->rank)] : &one;
    STUB_REQUIRE(stub_check_shape(call, SCALE, length, 1, "1, or the length of the axis"));
    STUB_REQUIRE(stub_check_shape(call, ZERO_POINT, length, 1, "1, or the length of the axis"));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, SELF));
    STUB_REQUIRE(stub_check_same_shape(call, MASK, SELF));
    if (call->args[QUANT_MIN].integer > call->args[QUANT_MAX].integer) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: quantMin (%lld) is larger than quantMax (%lld)", call->op->name,
                         (long long)call->args[QUANT_MIN].integer, (long long)call->args[QUANT_MAX].integer);
    }
    plan->nothing_to_run = stub_tensor_numel(self) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const float *x = array[0];
    float *out = array[1];
    uint8_t *mask = array[2];
    int64_t at = stub_axis_scales_first(&by->scales, position);
    for (int64_t i = 0; i < length[0]; i++, at += stub_axis_scales_step(&by->scales)) {
        const float zero = (float)by->zero_point[at], value = rintf(x[i] / by->scale[at]) + zero;
        const float low = value < by->low ? by->low : value, kept = low > by->high ? by->high : low;
        out[i] = by->enabled ? (kept - zero) * by->scale[at] : x[i];
        mask[i] = !by->enabled || (value >= by->low && value <= by->high);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus fake_quant_run(const stub_call *call, const fake_quant *op) {
    const aclTensor *self = stub_tensor_arg(call, SELF);
    const bool has_axis = op->per_channel && self->rank > 0;
    stub_line_set set = {.call = call};
    const constants by = {
        .scales = stub_axis_scales_of(self, has_axis ? stub_axis(call->args[CHOICE].integer, self->rank) : -1),
        .scale = stub_line_weight(&set, SCALE),
        .zero_point = stub_line_weight_as(&set, ZERO_POINT, ACL_INT64),
        .low = (float)call->args[QUANT_MIN].integer,
        .high = (float)call->args[QUANT_MAX].integer,
        .enabled = op->per_channel || call->args[CHOICE].real != 0};
    stub_line_input(&set, SELF, stub_last_axes(call, SELF, 1), ACL_FLOAT);
    stub_line_output(&set, OUT, stub_last_axes(call, OUT, 1), ACL_FLOAT);
    stub_line_output(&set, MASK, stub_last_axes(call, MASK, 1), ACL_BOOL);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_FAMILY_KERNEL(aclnnFakeQuantPerTensorAffineCachemask, fake_quant, {.per_channel = false})
STUB_FAMILY_KERNEL(aclnnFakeQuantPerChannelAffineCachemask, fake_quant, {.per_channel = true})
