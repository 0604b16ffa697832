/* Statistics of several devices as one: aclnnSyncBatchNormGatherStats from sums, aclnnBatchNormGatherStatsWithCounts
 * from means and reciprocal standard deviations; both let running statistics follow. fp32 arithmetic, rounded once. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"

enum { NONE = STUB_NO_ARGUMENT };

typedef struct {
    int input, first, second, counts, running_mean, running_variance, momentum, epsilon, mean, rstd;
    bool from_sums;
    stub_dtypes allowed;
} gather;

/* Of the lines, one for each channel. */
enum { FIRST, SECOND, OLD_MEAN, OLD_VARIANCE, MEAN, RSTD, NEW_MEAN, NEW_VARIANCE };

typedef struct {
    const float *counts;
    float epsilon, momentum;
    bool from_sums;
} constants;

static aclnnStatus gather_check(const stub_call *call, stub_plan *plan, const gather *op) {
    const int required[] = {op->input, op->first, op->second, op->counts, op->mean, op->rstd};
    const int floats[] = {op->input, op->first, op->running_mean, op->running_variance, op->mean, op->rstd};
    const int channels[] = {op->running_mean, op->running_variance, op->mean, op->rstd};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(stub_norm_dtypes(call, floats, STUB_COUNT(floats), op->allowed));
    STUB_REQUIRE(stub_norm_same_dtype(call, op->second, op->first));
    STUB_REQUIRE(stub_norm_dtype(call, op->counts, op->allowed | (op->from_sums ? STUB_DTYPE(ACL_INT32) : 0)));
    STUB_REQUIRE(stub_check_rank(call, (uint32_t)op->first, 2, 2));
    const aclTensor *first = stub_tensor_or_none(call, op->first), *input = stub_tensor_or_none(call, op->input);
    STUB_REQUIRE(stub_check_same_shape(call, (uint32_t)op->second, (uint32_t)op->first));
    STUB_REQUIRE(stub_check_shape(call, (uint32_t)op->counts, first->shape, 1, "one for each device"));
    for (size_t i = 0; i < STUB_COUNT(channels); i++) {
        STUB_REQUIRE(stub_check_shape(call, (uint32_t)channels[i], first->shape + 1, 1, "one for each channel"));
    }
    if (first->shape[0] < 1 || (input && (input->rank < 2 || input->shape[1] != first->shape[1]))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s must have a device, and the channels of the input",
                         call->op->name, call->op->params[op->first].name);
    }
    plan->nothing_to_run = stub_tensor_numel(first) == 0;
    return ACLNN_SUCCESS;
}

/* Of one channel over all devices. */
typedef struct {
    double count, mean, variance;
} channel;

static channel from_sums(const constants *by, const float *sums, const float *squares, size_t devices) {
    double count = 0, sum = 0, square = 0;
    for (size_t i = 0; i < devices; i++) {
        count += (double)by->counts[i];
        sum += (double)sums[i];
        square += (double)squares[i];
    }
    return (channel){count, sum / count, square / count - sum / count * (sum / count)};
}

static channel from_statistics(const constants *by, const float *means, const float *rstds, size_t devices) {
    double count = 0, sum = 0, square = 0;
    for (size_t i = 0; i < devices; i++) {
        const double mean = (double)means[i], rstd = (double)rstds[i], n = (double)by->counts[i];
        count += n;
        sum += n * mean;
        square += n * (1 / (rstd * rstd) - (double)by->epsilon + mean * mean);
    }
    return (channel){count, sum / count, square / count - sum / count * (sum / count)};
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const size_t devices = (size_t)length[0];
    const channel all = by->from_sums ? from_sums(by, array[FIRST], array[SECOND], devices)
                                      : from_statistics(by, array[FIRST], array[SECOND], devices);
    *(float *)array[MEAN] = (float)all.mean;
    *(float *)array[RSTD] = (float)(1 / sqrt(all.variance + (double)by->epsilon));
    if (array[NEW_MEAN]) {
        *(float *)array[NEW_MEAN] = *(float *)array[OLD_MEAN] * (1 - by->momentum) + by->momentum * (float)all.mean;
    }
    if (array[NEW_VARIANCE]) {
        const double unbiased = all.variance * all.count / (all.count - 1);
        *(float *)array[NEW_VARIANCE] =
            *(float *)array[OLD_VARIANCE] * (1 - by->momentum) + by->momentum * (float)unbiased;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus gather_run(const stub_call *call, const gather *op) {
    stub_line_set set = {.call = call};
    const constants by = {.counts = stub_line_weight(&set, op->counts),
                          .epsilon = (float)call->args[op->epsilon].real,
                          .momentum = (float)call->args[op->momentum].real,
                          .from_sums = op->from_sums};
    stub_line_input(&set, op->first, 1, ACL_FLOAT);
    stub_line_input(&set, op->second, 1, ACL_FLOAT);
    stub_line_input(&set, op->running_mean, 0, ACL_FLOAT);
    stub_line_input(&set, op->running_variance, 0, ACL_FLOAT);
    stub_line_output(&set, op->mean, 0, ACL_FLOAT);
    stub_line_output(&set, op->rstd, 0, ACL_FLOAT);
    stub_line_output(&set, op->running_mean, 0, ACL_FLOAT);
    stub_line_output(&set, op->running_variance, 0, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_FAMILY_KERNEL(aclnnSyncBatchNormGatherStats, gather,
                   {.input = NONE,
                    .first = 0,
                    .second = 1,
                    .counts = 2,
                    .running_mean = 3,
                    .running_variance = 4,
                    .momentum = 5,
                    .epsilon = 6,
                    .mean = 7,
                    .rstd = 8,
                    .from_sums = true,
                    .allowed = STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16)})
STUB_FAMILY_KERNEL(aclnnBatchNormGatherStatsWithCounts, gather,
                   {.input = 0,
                    .first = 1,
                    .second = 2,
                    .running_mean = 3,
                    .running_variance = 4,
                    .momentum = 5,
                    .epsilon = 6,
                    .counts = 7,
                    .mean = 8,
                    .rstd = 9,
                    .allowed = STUB_FLOATS})
