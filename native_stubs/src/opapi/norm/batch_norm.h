/* The family of batch norms: an operator is its operands, each of the shape of x or one number for each channel
 * (axis 1), and a function of one channel. fp32 arithmetic, rounded once. */
#ifndef ASCEND_STUB_OPAPI_BATCH_NORM_H
#define ASCEND_STUB_OPAPI_BATCH_NORM_H

#include "opapi/norm/channel_lines.h"
#include "opapi/norm/norm_checks.h"

typedef struct {
    int arg;
    int inference; /* what takes the place of arg when the operator is not training */
    bool full, optional;
} batch_operand;

/* What the function of a channel gets. */
typedef struct {
    const float *weight, *bias; /* of all channels, or NULL */
    double epsilon, momentum;
    float count; /* the sum of the counter's elements */
    bool training;
} batch_constants;

typedef struct {
    uint32_t inputs, outputs;
    batch_operand operand[STUB_MAX_LINES]; /* operand 0 is x or the gradient */
    int weight, bias, epsilon, momentum, training, counter;
    int mask;  /* an array: which outputs are wanted */
    int flags; /* the first of inputG, weightG, biasG, which say the same */
    aclnnStatus (*line)(const void *constants, void *const *array, const int64_t *length, int64_t position,
                        void *scratch);
} batch_norm;

aclnnStatus batch_norm_check(const stub_call *call, stub_plan *plan, const batch_norm *op);
aclnnStatus batch_norm_run(const stub_call *call, const batch_norm *op);

static inline float *stub_batch_at(void *const *array, int k) {
    return array[k];
}

static inline float stub_batch_weight(const batch_constants *by, int64_t channel) {
    return by->weight ? by->weight[channel] : 1.0f;
}

#define BATCH_FULL(arg_) {.arg = (arg_), .inference = (arg_), .full = true}
#define BATCH_CHANNELS(arg_) {.arg = (arg_), .inference = (arg_)}
#define BATCH_OPTIONAL(arg_) {.arg = (arg_), .inference = (arg_), .optional = true}
#define BATCH_TRAINED(arg_, inference_) {.arg = (arg_), .inference = (inference_), .optional = true}

#endif
