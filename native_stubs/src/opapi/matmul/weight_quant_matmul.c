/* aclnnWeightQuantBatchMatmulV2, V3 and Nz: y = x @ ((weight + offset) * scale) + bias. Weights of int8 or int4 become
 * floats of the type of x first, each rounded once. */
#include <stdlib.h>

#include "opapi/kernel.h"
#include "opapi/matmul/antiquant.h"
#include "opapi/matmul/nz.h"
#include "opapi/matmul/quant.h"

enum { X, WEIGHT, SCALE, OFFSET, QUANT_SCALE, QUANT_OFFSET, BIAS, GROUP, TEXT = 160, GROUP_STEP = 32, LONGEST = 65535 };

/* V3 has innerPrecise before y. */
typedef struct {
    uint32_t y;
    bool nz; /* the weight must be FRACTAL_NZ, else it may be */
} weight_quant;

#define PACKED (STUB_DTYPE(ACL_INT4) | STUB_DTYPE(ACL_INT32))
#define LONG (STUB_DTYPE(ACL_UINT64) | STUB_DTYPE(ACL_INT64))

/* ---- phase one ---- */

static aclnnStatus refuse_kernel(const stub_call *call, const char *what) {
    return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for %s", call->op->name, what);
}

static aclnnStatus check_types(const stub_call *call, const weight_quant *op) {
    const stub_dtype_rule rules[] = {
        {X, STUB_ON_ALL(STUB_HALVES)},
        {WEIGHT, STUB_ON_ALL(STUB_DTYPE(ACL_INT8) | PACKED)},
        {SCALE, STUB_ON_ALL(STUB_HALVES | LONG)},
        {OFFSET, STUB_ON_ALL(STUB_HALVES | STUB_DTYPE(ACL_INT32))},
        {QUANT_SCALE, STUB_ON_ALL(STUB_DTYPE(ACL_UINT64))},
        {QUANT_OFFSET, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))},
        {op->y, STUB_ON_ALL(STUB_HALVES | STUB_DTYPE(ACL_INT8))},
    };
    STUB_REQUIRE(stub_check_dtypes(call, rules, sizeof rules / sizeof *rules));
    const aclDataType scale = stub_tensor_arg(call, SCALE)->dtype;
    if (stub_tensor_arg(call, QUANT_SCALE) || stub_tensor_arg(call, QUANT_OFFSET)) {
        return refuse_kernel(call, "quantised results; quantScaleOptional and quantOffsetOptional must be NULL");
    }
    if (scale == ACL_UINT64 || scale == ACL_INT64) {
        return refuse_kernel(call, "a packed antiquantScale");
    }
    STUB_REQUIRE(stub_check_same_dtype(call, SCALE, X));
    STUB_REQUIRE(stub_check_same_dtype(call, OFFSET, X));
    STUB_REQUIRE(stub_check_same_dtype(call, op->y, X));
    const bool wide = stub_tensor_arg(call, X)->dtype == ACL_BF16;
    const stub_dtype_rule bias = {BIAS, STUB_ON_ALL(wide ? STUB_DTYPE(ACL_FLOAT) : STUB_DTYPE(ACL_FLOAT16))};
    return stub_check_dtypes(call, &bias, 1);
}

typedef struct {
    int64_t m, k, n, group; /* rows that share a scale */
} sizes;

static sizes measure(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    const int64_t given = call->args[GROUP].integer;
    return (sizes){x->shape[0], x->shape[1], stub_int4_of(stub_tensor_arg(call, WEIGHT)).columns,
                   given > 0 ? given : x->shape[1]};
}

static aclnnStatus check_scale(const stub_call *call, const sizes *of) {
    const aclTensor *scale = stub_tensor_arg(call, SCALE);
    const int64_t given = call->args[GROUP].integer;
    if (given != 0 && (given < GROUP_STEP || given >= of->k || given % GROUP_STEP != 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: antiquantGroupSize is %lld; with k = %lld it must be 0, or a multiple of 32 below k",
                         call->op->name, (long long)given, (long long)of->k);
    }
    STUB_REQUIRE(stub_check_rank(call, SCALE, given ? 2 : 1, 2));
    const int64_t rows = scale->rank == 2 ? scale->shape[0] : 1, columns = stub_last_dim(scale);
    const int64_t groups = (of->k + of->group - 1) / of->group;
    char text[TEXT];
    if (rows != groups || (columns != of->n && (given || columns != 1))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: antiquantScale is %s; with n = %lld it must have %lld rows of n",
                         call->op->name, stub_describe(scale, text, sizeof text), (long long)of->n, (long long)groups);
    }
    return stub_tensor_arg(call, OFFSET) ? stub_check_same_shape(call, OFFSET, SCALE) : ACLNN_SUCCESS;
}

static aclnnStatus check_weight(const stub_call *call, const weight_quant *op, const sizes *of) {
    const aclTensor *weight = stub_tensor_arg(call, WEIGHT);
    const stub_int4 by = stub_int4_of(weight);
    stub_nz nz;
    if (by.rows != of->k) {
        char left[TEXT], right[TEXT];
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x (%s) and weight (%s) have different inner lengths",
                         call->op->name, stub_describe(stub_tensor_arg(call, X), left, sizeof left),
                         stub_describe(weight, right, sizeof right));
    }
    if (!stub_is_nz(weight)) {
        return op->nz ? stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: weight has format %d; it must be FRACTAL_NZ (29)",
                                  call->op->name, (int)weight->format)
                      : ACLNN_SUCCESS;
    }
    return by.is_packed ? refuse_kernel(call, "int4 weights in FRACTAL_NZ; pass weight as ND")
                        : stub_nz_find(call, WEIGHT, weight, of->k, of->n, -1, &nz);
}

static aclnnStatus check_bias(const stub_call *call, const sizes *of) {
    const aclTensor *bias = stub_tensor_arg(call, BIAS);
    const int64_t dims[] = {1, of->n};
    if (!bias) {
        return ACLNN_SUCCESS;
    }
    return bias->rank == 2 ? stub_check_shape(call, BIAS, dims, 2, "[1, n]")
                           : stub_check_shape(call, BIAS, dims + 1, 1, "[n]");
}

static aclnnStatus weight_quant_check(const stub_call *call, stub_plan *plan, const weight_quant *op) {
    const uint32_t required[] = {X, WEIGHT, SCALE, op->y};
    STUB_REQUIRE(stub_check_given(call, required, 4));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT, 2, 2));
    const sizes of = measure(call);
    if (of.m < 1 || of.k < 1 || of.n < 1 || of.k > LONGEST || of.n > LONGEST) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: m = %lld, k = %lld, n = %lld; k and n must be 1 to 65535, and m "
                         "at least 1",
                         call->op->name, (long long)of.m, (long long)of.k, (long long)of.n);
    }
    const int64_t dims[] = {of.m, of.n};
    STUB_REQUIRE(check_weight(call, op, &of));
    STUB_REQUIRE(check_scale(call, &of));
    STUB_REQUIRE(check_bias(call, &of));
    plan->nothing_to_run = false;
    return stub_check_shape(call, op->y, dims, 2, "[m, n]");
}

/* ---- phase two ---- */

static aclnnStatus open_weight(const stub_call *call, const sizes *of, stub_part *part, void **owned) {
    const aclTensor *weight = stub_tensor_arg(call, WEIGHT);
    stub_view view;
    stub_nz nz;
    if (stub_is_nz(weight)) {
        STUB_REQUIRE(stub_nz_find(call, WEIGHT, weight, of->k, of->n, -1, &nz));
        return stub_nz_open(call, WEIGHT, weight, &nz, 0, part, owned);
    }
    STUB_REQUIRE(stub_view_open(call, WEIGHT, &view));
    return stub_int4_open(call, WEIGHT, &view, 0, part, owned);
}

static aclnnStatus open_vector(const stub_call *call, uint32_t arg, stub_part *part) {
    stub_view view;
    if (!stub_tensor_arg(call, arg)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    *part = stub_part_last(&view, 0);
    return ACLNN_SUCCESS;
}

static aclnnStatus open_others(const stub_call *call, const weight_quant *op, stub_antiquant *by,
                               stub_batch_product *product) {
    STUB_REQUIRE(open_vector(call, SCALE, &by->scale));
    STUB_REQUIRE(open_vector(call, OFFSET, &by->offset));
    STUB_REQUIRE(open_vector(call, X, &product->a));
    STUB_REQUIRE(open_vector(call, op->y, &product->out));
    STUB_REQUIRE(open_vector(call, BIAS, &product->term[0].part));
    product->term[0].part.row = 0;
    product->term[0].factor = 1;
    product->terms = product->term[0].part.first != NULL;
    return ACLNN_SUCCESS;
}

static aclnnStatus weight_quant_run(const stub_call *call, const weight_quant *op) {
    const sizes of = measure(call);
    stub_antiquant by = {.k = of.k, .n = of.n, .group = of.group, .as = stub_tensor_arg(call, X)->dtype};
    stub_batch_product product = {.m = of.m, .n = of.n, .k = of.k, .alpha = 1};
    void *integers = NULL, *floats = NULL;
    STUB_REQUIRE(open_others(call, op, &by, &product));
    aclnnStatus status = open_weight(call, &of, &by.weight, &integers);
    if (status == ACLNN_SUCCESS) {
        status = stub_antiquant_run(call, &by, &product.b, &floats);
    }
    if (status == ACLNN_SUCCESS) {
        status = stub_batch_product_run(call, &product);
    }
    free(integers);
    free(floats);
    return status;
}

STUB_FAMILY_KERNEL(aclnnWeightQuantBatchMatmulV2, weight_quant, {.y = 8})
STUB_FAMILY_KERNEL(aclnnWeightQuantBatchMatmulV3, weight_quant, {.y = 9})
STUB_FAMILY_KERNEL(aclnnWeightQuantBatchMatmulNz, weight_quant, {.y = 8, .nz = true})
