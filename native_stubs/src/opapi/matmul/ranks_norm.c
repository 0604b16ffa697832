/* aclnnMatmulAllReduceAddRmsNorm and its likes: what follows the sum over the ranks. The sum is in normOut; y is it and
 * the residual, rounded, and its norm is taken of the rounded y. */
#include <math.h>

#include "opapi/lines.h"
#include "opapi/loops.h"
#include "opapi/matmul/ranks.h"

aclnnStatus stub_ranks_check_norm(const stub_call *call, const stub_ranks *op) {
    if (op->gamma == 0) {
        return ACLNN_SUCCESS;
    }
    const uint32_t tensors[] = {op->residual - 1, op->gamma - 1, op->y - 1};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    for (int i = 0; i < 3; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], op->x1 - 1));
    }
    const int64_t n = stub_last_dim(stub_ranks_arg(call, op->output));
    const double epsilon = call->args[op->epsilon - 1].real;
    STUB_REQUIRE(stub_check_same_shape(call, op->residual - 1, op->output - 1));
    STUB_REQUIRE(stub_check_same_shape(call, op->y - 1, op->output - 1));
    STUB_REQUIRE(stub_check_shape(call, op->gamma - 1, &n, 1, "one element for each column"));
    return epsilon > 0 && epsilon < 1 ? ACLNN_SUCCESS
                                      : stub_fail(ACLNN_ERR_PARAM_INVALID,
                                                  "%s: epsilon is %g; it must be between 0 "
                                                  "and 1",
                                                  call->op->name, epsilon);
}

typedef struct {
    aclDataType dtype;
    float epsilon;
} constants_of;

STUB_VERSIONS(void, add, (size_t n, const float *x, const float *residual, float *y), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        y[i] = x[i] + residual[i];
    }
})

STUB_VERSIONS(void, scale, (size_t n, const float *y, const float *gamma, float by, float *norm), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        norm[i] = y[i] * by * gamma[i];
    }
})

static aclnnStatus line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                        void *scratch) {
    enum { SUM, RESIDUAL, GAMMA, Y, NORM };
    const constants_of *by = constants;
    const size_t n = (size_t)length[Y];
    const float *y = array[Y];
    double squares = 0;
    (void)position, (void)scratch;
    STUB_BEST(add)(n, array[SUM], array[RESIDUAL], array[Y]);
    stub_round(by->dtype, array[Y], n);
    for (size_t i = 0; i < n; i++) {
        squares += (double)y[i] * y[i];
    }
    const float rms = sqrtf((float)(squares / (double)n) + by->epsilon);
    STUB_BEST(scale)(n, y, array[GAMMA], 1.0f / rms, array[NORM]);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_ranks_run_norm(const stub_call *call, const stub_ranks *op) {
    if (op->gamma == 0) {
        return ACLNN_SUCCESS;
    }
    const uint32_t args[] = {op->output - 1, op->residual - 1, op->gamma - 1, op->y - 1, op->output - 1};
    stub_view views[5];
    stub_lines lines = {.inputs = 3, .outputs = 2, .line = line};
    for (uint32_t i = 0; i < 5; i++) {
        STUB_REQUIRE(stub_view_open(call, args[i], &views[i]));
        lines.operand[i] = (stub_line_operand){&views[i], 1u << (views[i].tensor->rank - 1), ACL_FLOAT};
    }
    const constants_of constants = {views[0].tensor->dtype, (float)call->args[op->epsilon - 1].real};
    lines.constants = &constants;
    return stub_lines_run(call, &lines);
}

#define NORMALISED                                                                                                     \
    .kind = STUB_RANKS_ALL_REDUCE, .x1 = 1, .x2 = 2, .bias = 3, .residual = 4, .gamma = 5, .epsilon = 6, .group = 7,   \
    .reduce_op = 8, .comm_turn = 9, .stream_mode = 10
STUB_FAMILY_KERNEL(aclnnMatmulAllReduceAddRmsNorm, stub_ranks, {NORMALISED, .y = 11, .output = 12})
STUB_FAMILY_KERNEL(aclnnInplaceMatmulAllReduceAddRmsNorm, stub_ranks, {NORMALISED, .y = 4, .output = 11})
#define OF_QUANTISED_WEIGHTS                                                                                           \
    .kind = STUB_RANKS_ALL_REDUCE, .x1 = 1, .x2 = 2, .bias = 3, .scale = 4, .offset = 5, .residual = 6, .gamma = 7,    \
    .epsilon = 8, .group = 9, .reduce_op = 10, .comm_turn = 11, .stream_mode = 12, .group_size = 13
STUB_FAMILY_KERNEL(aclnnWeightQuantMatmulAllReduceAddRmsNorm, stub_ranks, {OF_QUANTISED_WEIGHTS, .y = 14, .output = 15})
STUB_FAMILY_KERNEL(aclnnInplaceWeightQuantMatmulAllReduceAddRmsNorm, stub_ranks,
                   {OF_QUANTISED_WEIGHTS, .y = 6, .output = 14})
