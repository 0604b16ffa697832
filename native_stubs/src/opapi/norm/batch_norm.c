/* aclnnBatchNorm and its parts: statistics of the channels of x over all other axes, and what is normalised by them.
 *
 * On A2 and A3 aclnnBatchNorm's saveInvstd is the variance (with divisor n). The running variance takes in the one with
 * divisor n - 1. Without training, neither is written. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/norm/batch_norm.h"

enum { NONE = STUB_NO_ARGUMENT };

/* A running statistic takes in a new one. */
static void follow(const batch_constants *by, const float *running, float value, float *result) {
    if (result) {
        *result = (1.0f - (float)by->momentum) * *running + (float)by->momentum * value;
    }
}

static void write(float *result, float value) {
    if (result) {
        *result = value;
    }
}

static stub_channel channel_by(const batch_constants *by, int64_t channel, float mean, float rstd) {
    return (stub_channel){mean, rstd, stub_batch_weight(by, channel), by->bias ? by->bias[channel] : 0.0f};
}

/* x, runningMean, runningVar -> output, saveMean, saveInvstd, runningMean, runningVar. */
static aclnnStatus forward_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                                void *scratch) {
    (void)scratch;
    const batch_constants *by = data;
    const size_t n = (size_t)length[0];
    const float *x = array[0];
    float mean = array[1] ? *stub_batch_at(array, 1) : 0, variance = array[2] ? *stub_batch_at(array, 2) : 1;
    if (by->training) {
        mean = stub_floats_sum(x, n) / (float)n;
        const float squares = stub_floats_squares(x, mean, n);
        variance = squares / (float)n;
        follow(by, array[1], mean, array[6]);
        follow(by, array[2], squares / (float)(n > 1 ? n - 1 : 1), array[7]);
        write(array[4], mean);
        write(array[5], variance);
    }
    const stub_channel channel = channel_by(by, position, mean, 1.0f / sqrtf(variance + (float)by->epsilon));
    stub_channel_normalise(x, &channel, n, array[3]);
    return ACLNN_SUCCESS;
}

/* x, mean, invstd -> output. */
static aclnnStatus element_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                                void *scratch) {
    (void)scratch;
    const stub_channel channel = channel_by(data, position, *stub_batch_at(array, 1), *stub_batch_at(array, 2));
    stub_channel_normalise(array[0], &channel, (size_t)length[0], array[3]);
    return ACLNN_SUCCESS;
}

/* x -> mean, invstd. */
static aclnnStatus statistics_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                                   void *scratch) {
    (void)position, (void)scratch;
    const float epsilon = (float)((const batch_constants *)data)->epsilon;
    const stub_moments moments = stub_floats_moments(array[0], (size_t)length[0], epsilon);
    write(array[1], moments.mean);
    write(array[2], moments.rstd);
    return ACLNN_SUCCESS;
}

/* x -> sum, squareSum. */
static aclnnStatus sums_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                             void *scratch) {
    (void)data, (void)position, (void)scratch;
    write(array[1], stub_floats_sum(array[0], (size_t)length[0]));
    write(array[2], stub_floats_squares(array[0], 0, (size_t)length[0]));
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnBatchNorm, batch_norm,
                   {.inputs = 3,
                    .outputs = 5,
                    .operand = {BATCH_FULL(0), BATCH_OPTIONAL(3), BATCH_OPTIONAL(4), BATCH_FULL(8),
                                BATCH_TRAINED(9, NONE), BATCH_TRAINED(10, NONE), BATCH_TRAINED(3, NONE),
                                BATCH_TRAINED(4, NONE)},
                    .weight = 1,
                    .bias = 2,
                    .epsilon = 7,
                    .momentum = 6,
                    .training = 5,
                    .counter = NONE,
                    .mask = NONE,
                    .flags = NONE,
                    .line = forward_line})
STUB_FAMILY_KERNEL(aclnnBatchNormElemt, batch_norm,
                   {.inputs = 3,
                    .outputs = 1,
                    .operand = {BATCH_FULL(0), BATCH_CHANNELS(3), BATCH_CHANNELS(4), BATCH_FULL(6)},
                    .weight = 1,
                    .bias = 2,
                    .epsilon = NONE,
                    .momentum = NONE,
                    .training = NONE,
                    .counter = NONE,
                    .mask = NONE,
                    .flags = NONE,
                    .line = element_line})
STUB_FAMILY_KERNEL(aclnnBatchNormStats, batch_norm,
                   {.inputs = 1,
                    .outputs = 2,
                    .operand = {BATCH_FULL(0), BATCH_CHANNELS(2), BATCH_CHANNELS(3)},
                    .weight = NONE,
                    .bias = NONE,
                    .epsilon = 1,
                    .momentum = NONE,
                    .training = NONE,
                    .counter = NONE,
                    .mask = NONE,
                    .flags = NONE,
                    .line = statistics_line})
STUB_FAMILY_KERNEL(aclnnBatchNormReduce, batch_norm,
                   {.inputs = 1,
                    .outputs = 2,
                    .operand = {BATCH_FULL(0), BATCH_CHANNELS(1), BATCH_CHANNELS(2)},
                    .weight = NONE,
                    .bias = NONE,
                    .epsilon = NONE,
                    .momentum = NONE,
                    .training = NONE,
                    .counter = NONE,
                    .mask = NONE,
                    .flags = NONE,
                    .line = sums_line})
