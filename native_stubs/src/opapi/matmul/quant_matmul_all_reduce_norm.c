/* aclnnQuantMatmulAllReduceAddRmsNorm and its Inplace form: aclnnQuantMatmulAllReduce into normOut, then what follows
 * the sum over the ranks in the other AddRmsNorm operators. */
#include <string.h>

#include "opapi/kernel.h"
#include "opapi/matmul/quant_matmul_all_reduce.h"
#include "opapi/matmul/ranks.h"

enum { X1, X2, BIAS, SCALE, RESIDUAL, GAMMA, EPSILON, GROUP, REDUCE_OP, COMM_TURN, STREAM_MODE };
enum { PLAIN_GROUP = QMM_SCALE + 1, PLAIN_OUTPUT = PLAIN_GROUP + 4, PLAIN_ARGUMENTS };

/* The call as one of aclnnQuantMatmulAllReduce, in whose order the shared checks find the arguments. Rows of an x1 of
 * two dimensions are those of residual, which has three. */
typedef struct {
    stub_param params[PLAIN_ARGUMENTS];
    stub_value args[PLAIN_ARGUMENTS];
    stub_operator op;
    stub_call call;
    aclTensor x1;
    int64_t shape[3], strides[3];
    stub_qmm_call qmm;
} plain_call;

static const uint32_t sources[PLAIN_ARGUMENTS] = {[QMM_X1] = X1,
                                                  [QMM_X2] = X2,
                                                  [QMM_BIAS] = BIAS,
                                                  [QMM_X3] = RESIDUAL,
                                                  [QMM_SCALE] = SCALE,
                                                  [PLAIN_GROUP] = GROUP,
                                                  [PLAIN_GROUP + 1] = REDUCE_OP,
                                                  [PLAIN_GROUP + 2] = COMM_TURN,
                                                  [PLAIN_GROUP + 3] = STREAM_MODE};

static void reshape_x1(plain_call *plain, const aclTensor *residual) {
    const aclTensor *x1 = plain->args[QMM_X1].tensor;
    if (!x1 || !residual || x1->rank != 2 || residual->rank != 3 ||
        residual->shape[0] * residual->shape[1] != x1->shape[0]) {
        return;
    }
    const int64_t shape[] = {residual->shape[0], residual->shape[1], x1->shape[1]};
    const int64_t strides[] = {shape[1] * x1->strides[0], x1->strides[0], x1->strides[1]};
    memcpy(plain->shape, shape, sizeof shape);
    memcpy(plain->strides, strides, sizeof strides);
    plain->x1 = *x1;
    plain->x1.rank = 3;
    plain->x1.shape = plain->shape;
    plain->x1.strides = plain->strides;
    plain->args[QMM_X1].tensor = &plain->x1;
}

static void make_plain(const stub_call *call, uint32_t output, plain_call *plain) {
    for (uint32_t i = 0; i < PLAIN_ARGUMENTS; i++) {
        const uint32_t from = i == PLAIN_OUTPUT ? output : sources[i];
        plain->params[i] = call->op->params[from];
        plain->args[i] = call->args[from];
    }
    plain->args[QMM_X3].tensor = NULL;
    reshape_x1(plain, stub_tensor_arg(call, RESIDUAL));
    plain->op = *call->op;
    plain->op.params = plain->params;
    plain->op.count = PLAIN_ARGUMENTS;
    plain->call = *call;
    plain->call.op = &plain->op;
    plain->call.args = plain->args;
    plain->qmm = (stub_qmm_call){.call = &plain->call,
                                 .x1 = plain->args[QMM_X1].tensor,
                                 .x2 = plain->args[QMM_X2].tensor,
                                 .bias = plain->args[QMM_BIAS].tensor,
                                 .scale = plain->args[QMM_SCALE].tensor,
                                 .output = plain->args[PLAIN_OUTPUT].tensor,
                                 .output_arg = PLAIN_OUTPUT,
                                 .group = call->args[GROUP].text,
                                 .reduce_op = call->args[REDUCE_OP].text,
                                 .comm_turn = call->args[COMM_TURN].integer,
                                 .stream_mode = call->args[STREAM_MODE].integer};
}

static aclnnStatus normalised_check(const stub_call *call, stub_plan *plan, const stub_ranks *op) {
    plain_call plain;
    const uint32_t tensors[] = {RESIDUAL, op->output - 1};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_rank(call, RESIDUAL, 3, 3));
    make_plain(call, op->output - 1, &plain);
    STUB_REQUIRE(stub_ranks_check_norm(call, op));
    return stub_qmm_check(&plain.qmm, plan);
}

static aclnnStatus normalised_run(const stub_call *call, const stub_ranks *op) {
    plain_call plain;
    make_plain(call, op->output - 1, &plain);
    STUB_REQUIRE(stub_qmm_run(&plain.qmm));
    return stub_ranks_run_norm(call, op);
}

/* What the norm reads, by the numbers of the arguments from 1. The type that it asks of x1 is that of normOut. */
#define STUB_NORMALISED_KERNEL(operator_, y_, output_)                                                                 \
    static const stub_ranks data_of_##operator_ = {.x1 = (output_),                                                    \
                                                   .residual = RESIDUAL + 1,                                           \
                                                   .gamma = GAMMA + 1,                                                 \
                                                   .epsilon = EPSILON + 1,                                             \
                                                   .y = (y_),                                                          \
                                                   .output = (output_)};                                               \
    static aclnnStatus check_##operator_(const stub_call *call, stub_plan *plan) {                                     \
        return normalised_check(call, plan, &data_of_##operator_);                                                     \
    }                                                                                                                  \
    static aclnnStatus run_##operator_(const stub_call *call) {                                                        \
        return normalised_run(call, &data_of_##operator_);                                                             \
    }                                                                                                                  \
    STUB_KERNEL(operator_, check_##operator_, run_##operator_)

STUB_NORMALISED_KERNEL(aclnnQuantMatmulAllReduceAddRmsNorm, 12, 13)
STUB_NORMALISED_KERNEL(aclnnInplaceQuantMatmulAllReduceAddRmsNorm, RESIDUAL + 1, 12)
