/* Norms with one quantisation behind, by a given scale: aclnnLayerNormQuant and aclnnGroupNormSiluQuant. fp32; values
 * to be quantised go through FLOAT16, and are rounded half to even, as the vendor's kernels have it. */
#include <math.h>

#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/made_view.h"
#include "opapi/norm/channel_lines.h"
#include "opapi/norm/norm_checks.h"

/* x * factor + offset as INT8. */
static void quantise(float *x, float factor, float offset, size_t n) {
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] * factor + offset;
    }
    stub_floats_round(ACL_FLOAT16, x, n);
    for (size_t i = 0; i < n; i++) {
        const float value = nearbyintf(x[i]);
        x[i] = value > 127 ? 127 : value < -128 ? -128 : value;
    }
}

enum { X, GAMMA, BETA, SCALE, ZERO, MODE, EPSILON, RES };

static aclnnStatus check_row(const stub_call *call, uint32_t arg) {
    const aclTensor *tensor = stub_tensor_arg(call, arg), *x = stub_tensor_arg(call, X);
    STUB_REQUIRE(stub_check_rank(call, arg, 1, STUB_MAX_RANK));
    return stub_tensor_numel(tensor) == stub_last_dim(x) && stub_last_dim(tensor) == stub_last_dim(x)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s must be one row of %lld elements, the last axis of x",
                           call->op->name, call->op->params[arg].name, (long long)stub_last_dim(x));
}

static aclnnStatus layer_check(const stub_call *call, stub_plan *plan) {
    const int required[] = {X, GAMMA, BETA, SCALE, RES}, alike[] = {GAMMA, BETA, SCALE};
    const int64_t one = 1;
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, X, STUB_HALVES));
    STUB_REQUIRE(stub_norm_same_dtypes(call, alike, STUB_COUNT(alike), X));
    STUB_REQUIRE(stub_norm_dtype(call, ZERO, STUB_DTYPE(ACL_INT8)));
    STUB_REQUIRE(stub_norm_dtype(call, RES, STUB_DTYPE(ACL_INT8)));
    STUB_REQUIRE(stub_check_rank(call, X, 1, STUB_MAX_RANK));
    STUB_REQUIRE(check_row(call, GAMMA));
    STUB_REQUIRE(check_row(call, BETA));
    STUB_REQUIRE(stub_check_shape(call, SCALE, &one, 1, "one element"));
    STUB_REQUIRE(stub_check_shape(call, ZERO, &one, 1, "one element"));
    STUB_REQUIRE(stub_check_same_shape(call, RES, X));
    if (call->args[MODE].integer != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: quantMode is %lld; allowed is 0 (by the given scale)",
                         call->op->name, (long long)call->args[MODE].integer);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    return ACLNN_SUCCESS;
}

typedef struct {
    const float *gamma, *beta, *scale, *zero;
    float epsilon;
    int64_t groups, channels, scales; /* of a group norm; scales: 1, or all channels */
    bool swishes;
} constants;

static aclnnStatus layer_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                              void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[0];
    const stub_moments moments = stub_floats_moments(array[0], n, by->epsilon);
    stub_floats_normalise(array[0], moments.mean, moments.rstd, by->gamma, by->beta, n, array[1]);
    quantise(array[1], by->scale[0] == 0 ? 1 : 1 / by->scale[0], by->zero ? by->zero[0] : 0, n);
    return ACLNN_SUCCESS;
}

static aclnnStatus layer_run(const stub_call *call) {
    stub_line_set set = {.call = call};
    const uint32_t axis = stub_last_axes(call, X, 1);
    const constants by = {.gamma = stub_line_weight(&set, GAMMA),
                          .beta = stub_line_weight(&set, BETA),
                          .scale = stub_line_weight(&set, SCALE),
                          .zero = stub_line_weight(&set, ZERO),
                          .epsilon = (float)call->args[EPSILON].real};
    stub_line_input(&set, X, axis, ACL_FLOAT);
    stub_line_output(&set, RES, axis, ACL_FLOAT);
    set.lines.line = layer_line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnLayerNormQuant, layer_check, layer_run)

enum { SELF, GROUP_GAMMA, GROUP_BETA, QUANT_SCALE, GROUP, GROUP_EPSILON, SILU, OUT, MEAN, RSTD };

static aclnnStatus check_group(const stub_call *call) {
    const int64_t groups = call->args[GROUP].integer, channels = stub_tensor_arg(call, SELF)->shape[1];
    const int64_t statistic[] = {stub_tensor_arg(call, SELF)->shape[0], groups}, one = 1;
    if (groups <= 0 || channels % groups != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: group is %lld; it must be positive and divide the %lld channels",
                         call->op->name, (long long)groups, (long long)channels);
    }
    const bool single = stub_tensor_numel(stub_tensor_arg(call, QUANT_SCALE)) == 1;
    STUB_REQUIRE(stub_check_shape(call, GROUP_GAMMA, &channels, 1, "one for each channel"));
    STUB_REQUIRE(stub_check_shape(call, GROUP_BETA, &channels, 1, "one for each channel"));
    STUB_REQUIRE(stub_check_shape(call, QUANT_SCALE, single ? &one : &channels, 1, "one, or one for each channel"));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, SELF));
    STUB_REQUIRE(stub_check_shape(call, MEAN, statistic, 2, "[samples, groups]"));
    return stub_check_shape(call, RSTD, statistic, 2, "[samples, groups]");
}

static aclnnStatus group_check(const stub_call *call, stub_plan *plan) {
    const int required[] = {SELF, QUANT_SCALE, OUT, MEAN, RSTD}, alike[] = {GROUP_GAMMA, GROUP_BETA, MEAN, RSTD};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtype(call, SELF, STUB_HALVES));
    STUB_REQUIRE(stub_norm_same_dtypes(call, alike, STUB_COUNT(alike), SELF));
    STUB_REQUIRE(stub_norm_dtype(call, QUANT_SCALE, STUB_DTYPE(ACL_FLOAT)));
    STUB_REQUIRE(stub_norm_dtype(call, OUT, STUB_DTYPE(ACL_INT8)));
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, STUB_MAX_RANK));
    STUB_REQUIRE(check_group(call));
    if (!(call->args[GROUP_EPSILON].real > 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: eps is %g; it must be positive", call->op->name,
                         call->args[GROUP_EPSILON].real);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus group_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                              void *scratch) {
    (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[0], run = n / (size_t)by->channels;
    const stub_moments moments = stub_floats_moments(array[0], n, by->epsilon);
    for (int64_t c = 0; c < by->channels; c++) {
        const int64_t at = position % by->groups * by->channels + c;
        const stub_channel channel = {moments.mean, moments.rstd, by->gamma ? by->gamma[at] : 1.0f,
                                      by->beta ? by->beta[at] : 0.0f};
        float *y = (float *)array[1] + (size_t)c * run;
        stub_channel_normalise((const float *)array[0] + (size_t)c * run, &channel, run, y);
        if (by->swishes) {
            stub_channel_swish(y, 1, run);
        }
        quantise(y, 1 / by->scale[by->scales > 1 ? at : 0], 0, run);
    }
    *(float *)array[2] = moments.mean;
    *(float *)array[3] = moments.rstd;
    return ACLNN_SUCCESS;
}

static aclnnStatus split_channels(const stub_call *call, uint32_t arg, int64_t groups, stub_made_view *made) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    return stub_made_split(made, &view, 1, groups)
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                           "%s: the stand-in has no kernel for 8 dimensions in %s with gaps between the last two",
                           call->op->name, call->op->params[arg].name);
}

static aclnnStatus group_run(const stub_call *call) {
    stub_line_set set = {.call = call};
    stub_made_view self, out;
    const int64_t groups = call->args[GROUP].integer;
    STUB_REQUIRE(split_channels(call, SELF, groups, &self));
    STUB_REQUIRE(split_channels(call, OUT, groups, &out));
    const constants by = {.gamma = stub_line_weight(&set, GROUP_GAMMA),
                          .beta = stub_line_weight(&set, GROUP_BETA),
                          .scale = stub_line_weight(&set, QUANT_SCALE),
                          .epsilon = (float)call->args[GROUP_EPSILON].real,
                          .groups = groups,
                          .channels = stub_tensor_arg(call, SELF)->shape[1] / groups,
                          .scales = stub_tensor_numel(stub_tensor_arg(call, QUANT_SCALE)),
                          .swishes = call->args[SILU].flag};
    stub_line_input_view(&set, &self.view, stub_axes_from(2, self.tensor.rank), ACL_FLOAT);
    stub_line_output_view(&set, &out.view, stub_axes_from(2, out.tensor.rank), ACL_FLOAT);
    stub_line_output(&set, MEAN, 0, ACL_FLOAT);
    stub_line_output(&set, RSTD, 0, ACL_FLOAT);
    set.lines.line = group_line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnGroupNormSiluQuant, group_check, group_run)
