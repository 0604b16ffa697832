/* aclnnQuantMatmulAllReduce, V2 and V3 on Atlas A2: on every rank
 *
 *     y = half(fp32(x1 @ x2 + bias) * scale * pertoken)        int32 sums; each fp32 operation rounded once
 *     y = half(y + x3)                                         where there is an x3
 *
 * and the sum of the ranks' y, in the data type of output, on all of them. */
#include "opapi/matmul/quant_matmul_all_reduce.h"
#include "opapi/kernel.h"

#include "opapi/rows.h"
#include "opapi/validate.h"

int64_t stub_qmm_rows(const aclTensor *x1) {
    int64_t rows = 1;
    for (uint32_t i = 0; i + 1 < x1->rank; i++) {
        if (__builtin_mul_overflow(rows, x1->shape[i], &rows)) {
            return -1;
        }
    }
    return rows;
}

bool stub_qmm_is_nz(const aclTensor *x2) {
    return x2->format == ACL_FORMAT_FRACTAL_NZ && x2->storage_rank == 4;
}

bool stub_qmm_is_transposed(const aclTensor *x2) {
    const int64_t *dims = x2->shape, *strides = x2->strides;
    return x2->rank == 2 && strides[0] == 1 && strides[1] == dims[0] && !(dims[0] == 1 && dims[1] == 1);
}

stub_qmm_sizes stub_qmm_measure(const stub_qmm_call *qmm) {
    const bool transposed = stub_qmm_is_transposed(qmm->x2);
    stub_qmm_sizes sizes = {stub_qmm_rows(qmm->x1), stub_last_dim(qmm->x1), stub_last_dim(qmm->output),
                            STUB_WEIGHT_ROWS};
    if (stub_qmm_is_nz(qmm->x2)) {
        sizes.layout = transposed ? STUB_WEIGHT_NZ_TRANSPOSED : STUB_WEIGHT_NZ;
    } else if (transposed) {
        sizes.layout = STUB_WEIGHT_COLUMNS;
    }
    return sizes;
}

/* Ranks agree on all that the result depends on; k may differ from rank to rank. */
static stub_comm_operation operation_of(const stub_qmm_call *qmm) {
    const int64_t n = stub_last_dim(qmm->output), m = stub_tensor_numel(qmm->output) / n;
    return (stub_comm_operation){
        .name = qmm->call->op->name,
        .data_type = qmm->output->dtype == ACL_FLOAT16 ? HCCL_DATA_TYPE_FP16 : HCCL_DATA_TYPE_BFP16,
        .reduce_op = HCCL_REDUCE_SUM,
        .root = -1,
        .count = (uint64_t)(m * n),
        .dims = {m, n},
    };
}

/* From the workspace into an output with gaps. */
static void scatter(const stub_qmm_target *target) {
    const aclTensor *output = target->output.tensor;
    const size_t n = (size_t)stub_last_dim(output), rows = (size_t)stub_tensor_numel(output) / n;
    stub_row row;
    stub_row_start(&row, &target->output, output->rank - 1, 0);
    for (size_t i = 0; i < rows; i++) {
        stub_row_write(&row, 0, n, target->bytes + i * n * 2);
        stub_row_next(&row);
    }
}

aclnnStatus stub_qmm_run(const stub_qmm_call *qmm) {
    const stub_comm_operation operation = operation_of(qmm);
    const stub_call *call = qmm->call;
    stub_qmm_target target = {0};
    aclnnStatus status = stub_qmm_run_rank(qmm, &target);
    if (status != ACLNN_SUCCESS) {
        return stub_comm_fail(call->comm, call->ticket, &operation, status);
    }
    status = stub_comm_all_reduce(call->comm, call->ticket, &operation, target.address, target.address);
    if (status == ACLNN_SUCCESS && !stub_tensor_is_contiguous(qmm->output)) {
        scatter(&target);
    }
    return status;
}

/* What tells the versions apart: reduceOp, commTurn, streamMode and output follow the group in all of them. */
typedef struct {
    uint32_t group;
    bool pertoken, comm_scales;
} version;

static stub_qmm_call call_of(const stub_call *call, const version *of) {
    const stub_value *group = &call->args[of->group];
    const uint32_t output = of->group + 4;
    return (stub_qmm_call){
        .call = call,
        .x1 = stub_tensor_arg(call, QMM_X1),
        .x2 = stub_tensor_arg(call, QMM_X2),
        .bias = stub_tensor_arg(call, QMM_BIAS),
        .x3 = stub_tensor_arg(call, QMM_X3),
        .scale = stub_tensor_arg(call, QMM_SCALE),
        .pertoken = of->pertoken ? stub_tensor_arg(call, QMM_PERTOKEN) : NULL,
        .pertoken_arg = of->pertoken ? QMM_PERTOKEN : 0,
        .output = stub_tensor_arg(call, output),
        .output_arg = output,
        .group = group[0].text,
        .reduce_op = group[1].text,
        .comm_turn = group[2].integer,
        .stream_mode = group[3].integer,
    };
}

/* V3 without its scales is V2; with them the ranks would exchange int8. */
static aclnnStatus version_check(const stub_call *call, stub_plan *plan, const version *of) {
    const stub_qmm_call qmm = call_of(call, of);
    if (of->comm_scales && (stub_tensor_arg(call, QMM_COMM_SCALE_1) || stub_tensor_arg(call, QMM_COMM_SCALE_2))) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for quantised communication; commQuantScale1Optional and "
                         "commQuantScale2Optional must be NULL",
                         call->op->name);
    }
    return stub_qmm_check(&qmm, plan);
}

static aclnnStatus version_run(const stub_call *call, const version *of) {
    const stub_qmm_call qmm = call_of(call, of);
    return stub_qmm_run(&qmm);
}

STUB_FAMILY_KERNEL(aclnnQuantMatmulAllReduce, version, {.group = 5})
STUB_FAMILY_KERNEL(aclnnQuantMatmulAllReduceV2, version, {.group = 6, .pertoken = true})
STUB_FAMILY_KERNEL(aclnnQuantMatmulAllReduceV3, version, {.group = 8, .pertoken = true, .comm_scales = true})
