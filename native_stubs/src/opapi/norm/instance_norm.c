/* aclnnInstanceNorm: every channel of every sample normalised on its own; the channels are axis 1 (NCHW) or the last
 * one (NHWC). fp32 arithmetic, rounded once. */
#include <string.h>

#include "opapi/kernel.h"
#include "opapi/norm/channel_lines.h"
#include "opapi/norm/norm_checks.h"

enum { X, GAMMA, BETA, FORMAT, EPSILON, Y, MEAN, VARIANCE };

typedef struct {
    const float *gamma, *beta;
    int64_t channels;
    float epsilon;
} constants;

static bool channels_are_last(const stub_call *call) {
    return strcmp(call->args[FORMAT].text, "NHWC") == 0;
}

static aclnnStatus check_format(const stub_call *call) {
    const char *format = call->args[FORMAT].text;
    if (format && (strcmp(format, "NHWC") == 0 || strcmp(format, "NCHW") == 0)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dataFormat is %s; allowed are NHWC and NCHW", call->op->name,
                     format ? format : "NULL");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const int all[] = {X, GAMMA, BETA, Y, MEAN, VARIANCE};
    STUB_REQUIRE(stub_norm_given(call, all, STUB_COUNT(all)));
    STUB_REQUIRE(stub_norm_dtype(call, X, STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16)));
    STUB_REQUIRE(stub_norm_same_dtypes(call, all, STUB_COUNT(all), X));
    STUB_REQUIRE(stub_check_rank(call, X, 4, 4));
    STUB_REQUIRE(check_format(call));
    const aclTensor *x = stub_tensor_arg(call, X);
    const bool last = channels_are_last(call);
    const int64_t channels = x->shape[last ? 3 : 1];
    const int64_t statistic[] = {x->shape[0], last ? 1 : channels, 1, last ? channels : 1};
    STUB_REQUIRE(stub_check_shape(call, GAMMA, &channels, 1, "one for each channel"));
    STUB_REQUIRE(stub_check_shape(call, BETA, &channels, 1, "one for each channel"));
    STUB_REQUIRE(stub_check_same_shape(call, Y, X));
    STUB_REQUIRE(stub_check_shape(call, MEAN, statistic, 4, "that of x with 1 for the spatial axes"));
    STUB_REQUIRE(stub_check_shape(call, VARIANCE, statistic, 4, "that of x with 1 for the spatial axes"));
    plan->nothing_to_run = stub_tensor_numel(x) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[0], c = (size_t)(position % by->channels);
    const stub_moments moments = stub_floats_moments(array[0], n, by->epsilon);
    const stub_channel channel = {moments.mean, moments.rstd, by->gamma[c], by->beta[c]};
    *(float *)array[2] = moments.mean;
    *(float *)array[3] = stub_floats_squares(array[0], moments.mean, n) / (float)n;
    stub_channel_normalise(array[0], &channel, n, array[1]);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const uint32_t axes = channels_are_last(call) ? 0x6 : 0xC;
    stub_line_set set = {.call = call};
    const constants by = {.gamma = stub_line_weight(&set, GAMMA),
                          .beta = stub_line_weight(&set, BETA),
                          .channels = stub_tensor_arg(call, GAMMA)->shape[0],
                          .epsilon = (float)call->args[EPSILON].real};
    stub_line_input(&set, X, axes, ACL_FLOAT);
    stub_line_output(&set, Y, axes, ACL_FLOAT);
    stub_line_output(&set, MEAN, axes, ACL_FLOAT);
    stub_line_output(&set, VARIANCE, axes, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnInstanceNorm, check, run)
