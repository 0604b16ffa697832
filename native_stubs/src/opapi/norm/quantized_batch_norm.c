/* aclnnQuantizedBatchNorm: integers made floats by a scale and a zero point, normalised by channel with given
 * statistics, and quantised again: round(y / scale + zero point), half away from zero, kept in range. fp32. */
#include <math.h>

#include "opapi/made_view.h"
#include "opapi/map.h"
#include "opapi/norm/norm_checks.h"

enum { INPUT, MEAN, VARIANCE, IN_SCALE, IN_ZERO, OUT_SCALE, OUT_ZERO, WEIGHT, BIAS, EPSILON, OUTPUT };
/* Constants of the loop. */
enum { C_IN_SCALE, C_IN_ZERO, C_OUT_SCALE, C_OUT_ZERO, C_EPSILON, C_LEAST };

#define TYPES (STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT32))

/* in: x, mean, variance, weight and bias (or NULL). */
STUB_LOOP(normalise, {
    const float *const xs = in[0], *const mean = in[1], *const variance = in[2], *const weight = in[3],
                       *const bias = in[4];
    float *const rs = out[0];
    const float in_scale = (float)c[C_IN_SCALE], in_zero = (float)c[C_IN_ZERO], out_scale = (float)c[C_OUT_SCALE],
                out_zero = (float)c[C_OUT_ZERO], epsilon = (float)c[C_EPSILON], least = (float)c[C_LEAST],
                most = least < 0 ? -least - 1 : 255;
    for (size_t i = 0; i < n; i++) {
        const float factor = (weight ? weight[i] : 1) / sqrtf(variance[i] + epsilon);
        const float y = ((xs[i] - in_zero) * in_scale - mean[i]) * factor + (bias ? bias[i] : 0);
        const float value = roundf(y / out_scale + out_zero);
        rs[i] = value > most ? most : value < least ? least : value;
    }
})

static aclnnStatus check_scalars(const stub_call *call) {
    for (uint32_t arg = IN_SCALE; arg <= OUT_ZERO; arg++) {
        const aclScalar *scalar = call->args[arg].scalar;
        const aclDataType wanted = arg == IN_SCALE || arg == OUT_SCALE ? ACL_FLOAT : ACL_INT32;
        if (!scalar) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; this scalar is required", call->op->name,
                             call->op->params[arg].name);
        }
        if (scalar->dtype != wanted) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s; it must be %s", call->op->name,
                             call->op->params[arg].name, stub_dtype_name(scalar->dtype), stub_dtype_name(wanted));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_sizes(const stub_call *call) {
    const int channels[] = {MEAN, VARIANCE, WEIGHT, BIAS};
    STUB_REQUIRE(stub_check_rank(call, INPUT, 4, 4));
    STUB_REQUIRE(stub_check_same_shape(call, OUTPUT, INPUT));
    for (size_t i = 0; i < STUB_COUNT(channels); i++) {
        STUB_REQUIRE(stub_check_shape(call, (uint32_t)channels[i], &stub_tensor_arg(call, INPUT)->shape[1], 1,
                                      "one for each channel"));
    }
    return stub_tensor_numel(stub_tensor_arg(call, INPUT)) > 0
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: input is empty, which is not allowed", call->op->name);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    const int required[] = {INPUT, MEAN, VARIANCE, OUTPUT}, floats[] = {MEAN, VARIANCE, WEIGHT, BIAS};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(check_scalars(call));
    STUB_REQUIRE(stub_norm_dtype(call, INPUT, TYPES));
    STUB_REQUIRE(stub_norm_same_dtype(call, OUTPUT, INPUT));
    STUB_REQUIRE(stub_norm_dtypes(call, floats, STUB_COUNT(floats), STUB_DTYPE(ACL_FLOAT)));
    return check_sizes(call);
}

/* A tensor of [C] as [C, 1, 1]. */
static aclnnStatus open_channels(const stub_call *call, uint32_t arg, stub_made_view *made, stub_operand *operand) {
    stub_view view;
    if (!stub_tensor_arg(call, arg)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    stub_made_start(made, &view);
    stub_made_axis(made, view.tensor->shape[0], view.tensor->strides[0]);
    stub_made_axis(made, 1, 0);
    stub_made_axis(made, 1, 0);
    operand->view = &made->view;
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    static const stub_map map = {.loops = {[STUB_F32] = &normalise}};
    const uint32_t channels[] = {MEAN, VARIANCE, WEIGHT, BIAS};
    stub_view input, output;
    stub_made_view made[4];
    stub_operand in[5] = {{.view = &input}};
    const stub_view *const out = &output;
    STUB_REQUIRE(stub_view_open(call, INPUT, &input));
    STUB_REQUIRE(stub_view_open(call, OUTPUT, &output));
    for (uint32_t i = 0; i < 4; i++) {
        STUB_REQUIRE(open_channels(call, channels[i], &made[i], &in[i + 1]));
    }
    const aclDataType dtype = input.tensor->dtype;
    const double constants[] = {
        stub_number(call, IN_SCALE),  stub_number(call, IN_ZERO),
        stub_number(call, OUT_SCALE), stub_number(call, OUT_ZERO),
        call->args[EPSILON].real,     dtype == ACL_INT8 ? -128 : dtype == ACL_UINT8 ? 0 : -0x1p31};
    stub_map_apply(&map, ACL_FLOAT, in, 5, &out, 1, constants);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnQuantizedBatchNorm, check, run)
