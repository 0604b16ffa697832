/* Phase one of aclnnQuantMatmulAllReduce and V2: CANN's checks in CANN's order, its tiling's among them. */
#include <string.h>

#include "core/context.h"
#include "opapi/matmul/quant_matmul_all_reduce.h"
#include "opapi/matmul/trans_matmul_weight.h"
#include "opapi/validate.h"
#include "opapi/view.h"

enum { STOP_ON_FAILURE = 1, LARGEST_AXIS = 65535, TEXT = 160 };

#define HALVES (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_BF16))
#define SCALES (STUB_DTYPE(ACL_UINT64) | STUB_DTYPE(ACL_INT64) | STUB_DTYPE(ACL_BF16) | STUB_DTYPE(ACL_FLOAT))

static const char *name_of(const stub_qmm_call *qmm) {
    return qmm->call->op->name;
}

static aclnnStatus check_given(const stub_qmm_call *qmm) {
    const uint32_t required[] = {QMM_X1, QMM_X2, qmm->output_arg, QMM_SCALE};
    return stub_check_given(qmm->call, required, 4);
}

/* A bfloat16 scale goes with a bfloat16 output only. */
static aclnnStatus check_scale_dtype(const stub_qmm_call *qmm) {
    const aclDataType scale = qmm->scale->dtype, output = qmm->output->dtype;
    if ((scale == ACL_BF16) == (output == ACL_BF16)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID,
                     "%s: dequantScale has data type %s and output has %s; ACL_BF16 output needs an ACL_BF16 scale, "
                     "ACL_FLOAT16 output one of ACL_UINT64, ACL_INT64 or, with a scale per token, ACL_FLOAT",
                     name_of(qmm), stub_dtype_name(scale), stub_dtype_name(output));
}

static aclnnStatus check_pertoken_dtype(const stub_qmm_call *qmm) {
    if (!qmm->pertoken) {
        return ACLNN_SUCCESS;
    }
    const stub_dtype_rule rule = {qmm->pertoken_arg, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))};
    STUB_REQUIRE(stub_check_dtypes(qmm->call, &rule, 1));
    if (qmm->output->dtype == ACL_BF16 || qmm->scale->dtype == ACL_FLOAT) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID,
                     "%s: dequantScale has data type %s; with pertokenScaleOptional and ACL_FLOAT16 output it must be "
                     "ACL_FLOAT",
                     name_of(qmm), stub_dtype_name(qmm->scale->dtype));
}

static aclnnStatus check_dtypes(const stub_qmm_call *qmm) {
    const stub_dtype_rule rules[] = {
        {QMM_X1, STUB_ON_ALL(STUB_DTYPE(ACL_INT8))},
        {QMM_X2, STUB_ON_ALL(STUB_DTYPE(ACL_INT8))},
        {QMM_SCALE, STUB_ON_ALL(SCALES)},
        {qmm->output_arg, STUB_ON_ALL(HALVES)},
        {QMM_BIAS, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))},
        {QMM_X3, STUB_ON_ALL(HALVES)},
    };
    STUB_REQUIRE(stub_check_dtypes(qmm->call, rules, sizeof rules / sizeof *rules));
    STUB_REQUIRE(stub_check_same_dtype(qmm->call, QMM_X3, qmm->output_arg));
    STUB_REQUIRE(check_scale_dtype(qmm));
    return check_pertoken_dtype(qmm);
}

static aclnnStatus check_attributes(const stub_qmm_call *qmm) {
    if (!qmm->reduce_op) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: reduceOp is NULL; it must be \"sum\"", name_of(qmm));
    }
    if (strcmp(qmm->reduce_op, "sum") != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: reduceOp is \"%.32s\"; it must be \"sum\"", name_of(qmm),
                         qmm->reduce_op);
    }
    if (qmm->stream_mode != STOP_ON_FAILURE) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: streamMode is %lld; it must be 1 (stop on failure)",
                         name_of(qmm), (long long)qmm->stream_mode);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_weight(const stub_qmm_call *qmm) {
    const int64_t k = stub_last_dim(qmm->x1);
    STUB_REQUIRE(stub_check_rank(qmm->call, QMM_X2, 2, 2));
    if (qmm->x2->shape[0] != k) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the last dimension of x1 is %lld, the first of x2 is %lld; x1 is [..., k] and x2 [k, n]",
                         name_of(qmm), (long long)k, (long long)qmm->x2->shape[0]);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_scale_shape(const stub_qmm_call *qmm, int64_t n) {
    const aclTensor *scale = qmm->scale;
    STUB_REQUIRE(stub_check_rank(qmm->call, QMM_SCALE, 1, 2));
    const bool fits =
        scale->rank == 1 ? scale->shape[0] == 1 || scale->shape[0] == n : scale->shape[0] == 1 && scale->shape[1] == n;
    char text[TEXT];
    if (fits) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID,
                     "%s: dequantScale is %s; with n = %lld its shape must be [1], [n] or [1, n]", name_of(qmm),
                     stub_describe(scale, text, sizeof text), (long long)n);
}

/* All shapes, for a weight of n columns. */
static aclnnStatus check_shapes(const stub_qmm_call *qmm, int64_t n) {
    int64_t dims[3];
    const int64_t rows = stub_qmm_rows(qmm->x1);
    memcpy(dims, qmm->x1->shape, qmm->x1->rank * sizeof *dims);
    dims[qmm->x1->rank - 1] = n;
    STUB_REQUIRE(stub_check_shape(qmm->call, qmm->output_arg, dims, qmm->x1->rank, "that of x1 with n columns"));
    if (stub_tensor_numel(qmm->output) == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: output is empty; empty tensors are not allowed", name_of(qmm));
    }
    STUB_REQUIRE(stub_check_shape(qmm->call, QMM_BIAS, &n, 1, "one element per column of x2"));
    STUB_REQUIRE(stub_check_same_shape(qmm->call, QMM_X3, qmm->output_arg));
    STUB_REQUIRE(check_scale_shape(qmm, n));
    return qmm->pertoken ? stub_check_shape(qmm->call, qmm->pertoken_arg, &rows, 1, "one element per row of x1")
                         : ACLNN_SUCCESS;
}

/* The device would read any other strides as if there were none. */
static aclnnStatus check_weight_strides(const stub_qmm_call *qmm) {
    if (stub_qmm_is_nz(qmm->x2) || stub_qmm_is_transposed(qmm->x2) || stub_tensor_is_contiguous(qmm->x2)) {
        return ACLNN_SUCCESS;
    }
    const int64_t *strides = qmm->x2->strides;
    return stub_fail(ACLNN_ERR_PARAM_INVALID,
                     "%s: x2 has strides [%lld, %lld]; an NPU would ignore them and compute with the wrong elements. "
                     "x2 must be contiguous or the transpose of a contiguous [n, k] (strides [1, k]): copy it first",
                     name_of(qmm), (long long)strides[0], (long long)strides[1]);
}

/* CANN looks at no shape where the weight is FRACTAL_NZ; its kernels would read past an end. */
static aclnnStatus check_nz_shapes(const stub_qmm_call *qmm) {
    const int64_t n = stub_last_dim(qmm->output), k = stub_last_dim(qmm->x1);
    const bool transposed = stub_qmm_is_transposed(qmm->x2);
    const int64_t columns = transposed ? k : n, rows = transposed ? n : k;
    const int64_t tiles[] = {stub_tiles(columns, STUB_NZ_ROW_BYTES), stub_tiles(rows, STUB_NZ_ROWS), STUB_NZ_ROWS,
                             STUB_NZ_ROW_BYTES};
    if (check_shapes(qmm, n) != ACLNN_SUCCESS) {
        return ACLNN_ERR_INNER_TILING_ERROR;
    }
    if (memcmp(qmm->x2->storage, tiles, sizeof tiles) == 0) {
        return ACLNN_SUCCESS;
    }
    const int64_t *given = qmm->x2->storage;
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                     "%s: x2 has the FRACTAL_NZ storage [%lld, %lld, %lld, %lld]; %s weight with k = %lld and n = %lld "
                     "has [%lld, %lld, 16, 32]",
                     name_of(qmm), (long long)given[0], (long long)given[1], (long long)given[2], (long long)given[3],
                     transposed ? "a transposed" : "a", (long long)k, (long long)n, (long long)tiles[0],
                     (long long)tiles[1]);
}

static aclnnStatus check_limits(const stub_qmm_call *qmm) {
    const stub_qmm_sizes sizes = stub_qmm_measure(qmm);
    const bool columns = sizes.layout == STUB_WEIGHT_ROWS || sizes.layout == STUB_WEIGHT_NZ;
    if (sizes.m < 1 || sizes.m > INT32_MAX || sizes.k < 1 || sizes.k > LARGEST_AXIS ||
        (columns && sizes.n > LARGEST_AXIS)) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: m = %lld, k = %lld, n = %lld; allowed are m from 1 to 2147483647, k from 1 to 65535 and, "
                         "unless x2 is transposed, n up to 65535",
                         name_of(qmm), (long long)sizes.m, (long long)sizes.k, (long long)sizes.n);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_tiling(const stub_qmm_call *qmm) {
    if (stub_get_settings()->product != STUB_PRODUCT_A2) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has this operator as Atlas A2, not as %s; choose a product with "
                         "ASCEND_STUB_SOC",
                         name_of(qmm), stub_product_name());
    }
    if (qmm->comm_turn != 0) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: commTurn is %lld; it must be 0", name_of(qmm),
                         (long long)qmm->comm_turn);
    }
    if (qmm->scale->dtype == ACL_FLOAT && !qmm->pertoken) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: an ACL_FLOAT dequantScale needs pertokenScaleOptional (aclnnQuantMatmulAllReduceV2); "
                         "without it, pack the scale with aclnnTransQuantParamV2",
                         name_of(qmm));
    }
    if (stub_qmm_is_nz(qmm->x2)) {
        STUB_REQUIRE(check_nz_shapes(qmm));
    } else if (qmm->x2->format == ACL_FORMAT_FRACTAL_NZ) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                         "%s: x2 has format FRACTAL_NZ and a storage shape of %u dimensions; it must have 4",
                         name_of(qmm), qmm->x2->storage_rank);
    }
    return check_limits(qmm);
}

static aclnnStatus check_rank_count(const stub_qmm_call *qmm, const stub_comm *comm) {
    const uint32_t ranks = stub_comm_size(comm);
    if (ranks <= 8 && (ranks & (ranks - 1)) == 0) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: the communicator \"%s\" has %u ranks; %s allows 1, 2, 4 and 8",
                     name_of(qmm), stub_comm_name(comm), ranks, stub_product_name());
}

static aclnnStatus find_communicator(const stub_qmm_call *qmm, stub_plan *plan) {
    stub_context *context;
    if (!qmm->group || !*qmm->group) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: group is %s; pass what HcclGetCommName wrote", name_of(qmm),
                         qmm->group ? "empty" : "NULL");
    }
    if (stub_context_current(&context) != 0) {
        return ACLNN_ERR_RUNTIME_ERROR;
    }
    plan->comm = stub_comm_find(stub_context_device(context), qmm->group);
    return plan->comm ? check_rank_count(qmm, plan->comm) : ACLNN_ERR_INNER_TILING_ERROR;
}

/* CANN refuses a strided x1 only when it launches, although the document does not allow it. */
static void plan_launch(const stub_qmm_call *qmm, stub_plan *plan) {
    const uint64_t bytes = (uint64_t)stub_tensor_numel(qmm->output) * 2;
    plan->workspace_size = stub_tensor_is_contiguous(qmm->output) ? 0 : bytes;
    if (!stub_tensor_is_contiguous(qmm->x1)) {
        plan->refusal = "x1 is not contiguous; copy it first";
    }
}

aclnnStatus stub_qmm_check(const stub_qmm_call *qmm, stub_plan *plan) {
    STUB_REQUIRE(check_given(qmm));
    STUB_REQUIRE(check_dtypes(qmm));
    STUB_REQUIRE(check_attributes(qmm));
    STUB_REQUIRE(stub_check_rank(qmm->call, QMM_X1, 2, 3));
    if (!stub_qmm_is_nz(qmm->x2)) {
        STUB_REQUIRE(check_weight(qmm));
        STUB_REQUIRE(check_shapes(qmm, qmm->x2->shape[1]));
        STUB_REQUIRE(check_weight_strides(qmm));
    }
    STUB_REQUIRE(check_tiling(qmm));
    STUB_REQUIRE(find_communicator(qmm, plan));
    plan_launch(qmm, plan);
    if (qmm->scale->dtype == ACL_INT64) {
        stub_tensor_change_dtype(qmm->scale, ACL_UINT64);
    }
    return ACLNN_SUCCESS;
}
