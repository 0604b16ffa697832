/* Gradients of batch norms. The variance that aclnnBatchNorm saves on A2 and A3 comes back as saveInvstd. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/norm/batch_norm.h"

enum { NONE = STUB_NO_ARGUMENT };

/* Of one channel: sum(dy) and sum(dy * (x - mean)). The latter centres x in place. */
typedef struct {
    float dy, dy_x;
} sums;

static sums sums_of(const float *dy, float *x, float mean, size_t n) {
    stub_floats_normalise(x, mean, 1, NULL, NULL, n, x);
    return (sums){stub_floats_sum(dy, n), stub_floats_dot(dy, x, n)};
}

static void write(float *result, float value) {
    if (result) {
        *result = value;
    }
}

/* dx = (dy - offset - (x - mean) * slope) * factor, of a centred x. */
static void combine(const float *dy, const float *centred, float offset, float slope, float factor, size_t n,
                    float *dx) {
    for (size_t i = 0; i < n; i++) {
        dx[i] = (dy[i] - offset - centred[i] * slope) * factor;
    }
}

/* dy, x, mean, variance -> gradInput, gradWeight, gradBias. */
static aclnnStatus backward_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                                 void *scratch) {
    (void)scratch;
    const batch_constants *by = data;
    const size_t n = (size_t)length[0];
    const float variance = array[3] ? *stub_batch_at(array, 3) : 1, mean = array[2] ? *stub_batch_at(array, 2) : 0;
    const float rstd = 1.0f / sqrtf(variance + (float)by->epsilon), factor = rstd * stub_batch_weight(by, position);
    const sums sum = sums_of(array[0], array[1], mean, n);
    if (array[4] && by->training) {
        const float count = (float)n;
        combine(array[0], array[1], sum.dy / count, rstd * rstd * (sum.dy_x / count), factor, n, array[4]);
    } else if (array[4]) {
        stub_floats_normalise(array[0], 0, factor, NULL, NULL, n, array[4]);
    }
    write(array[5], sum.dy_x * rstd);
    write(array[6], sum.dy);
    return ACLNN_SUCCESS;
}

/* dy, x, mean, invstd -> sumDy, sumDyXmu, gradWeight, gradBias. */
static aclnnStatus reduce_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                               void *scratch) {
    (void)data, (void)position, (void)scratch;
    const sums sum = sums_of(array[0], array[1], *stub_batch_at(array, 2), (size_t)length[0]);
    write(array[4], sum.dy);
    write(array[5], sum.dy_x);
    write(array[6], sum.dy_x * *stub_batch_at(array, 3));
    write(array[7], sum.dy);
    return ACLNN_SUCCESS;
}

/* dy, x, mean, invstd, sumDy, sumDyXmu -> gradInput. */
static aclnnStatus element_line(const void *data, void *const *array, const int64_t *length, int64_t position,
                                void *scratch) {
    (void)scratch;
    const batch_constants *by = data;
    const size_t n = (size_t)length[0];
    const float rstd = *stub_batch_at(array, 3);
    stub_floats_normalise(array[1], *stub_batch_at(array, 2), 1, NULL, NULL, n, array[1]);
    combine(array[0], array[1], *stub_batch_at(array, 4) / by->count,
            rstd * rstd * (*stub_batch_at(array, 5) / by->count), rstd * stub_batch_weight(by, position), n, array[6]);
    return ACLNN_SUCCESS;
}

STUB_FAMILY_KERNEL(aclnnBatchNormBackward, batch_norm,
                   {.inputs = 4,
                    .outputs = 3,
                    .operand = {BATCH_FULL(0), BATCH_FULL(1), BATCH_TRAINED(5, 3), BATCH_TRAINED(6, 4), BATCH_FULL(10),
                                BATCH_CHANNELS(11), BATCH_CHANNELS(12)},
                    .weight = 2,
                    .bias = NONE,
                    .epsilon = 8,
                    .momentum = NONE,
                    .training = 7,
                    .counter = NONE,
                    .mask = 9,
                    .flags = NONE,
                    .line = backward_line})
STUB_FAMILY_KERNEL(aclnnBatchNormReduceBackward, batch_norm,
                   {.inputs = 4,
                    .outputs = 4,
                    .operand = {BATCH_FULL(0), BATCH_FULL(1), BATCH_CHANNELS(2), BATCH_CHANNELS(3), BATCH_CHANNELS(8),
                                BATCH_CHANNELS(9), BATCH_CHANNELS(10), BATCH_CHANNELS(11)},
                    .weight = NONE,
                    .bias = NONE,
                    .epsilon = NONE,
                    .momentum = NONE,
                    .training = NONE,
                    .counter = NONE,
                    .mask = NONE,
                    .flags = 5,
                    .line = reduce_line})
STUB_FAMILY_KERNEL(aclnnBatchNormElemtBackward, batch_norm,
                   {.inputs = 6,
                    .outputs = 1,
                    .operand = {BATCH_FULL(0), BATCH_FULL(1), BATCH_CHANNELS(2), BATCH_CHANNELS(3), BATCH_CHANNELS(5),
                                BATCH_CHANNELS(6), BATCH_FULL(8)},
                    .weight = 4,
                    .bias = NONE,
                    .epsilon = NONE,
                    .momentum = NONE,
                    .training = NONE,
                    .counter = 7,
                    .mask = NONE,
                    .flags = NONE,
                    .line = element_line})
