/* Phase one of the int8 and int4 matrix products. */
#include <string.h>

#include "opapi/matmul/quant_matmul.h"

enum { TEXT = 160, ALIGNED = 16 };

#define PACKED (STUB_DTYPE(ACL_UINT64) | STUB_DTYPE(ACL_INT64))
#define SCALES (PACKED | STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_BF16))
#define INTS (STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT4) | STUB_DTYPE(ACL_INT32))
#define RESULTS (STUB_HALVES | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32))
#define BIASES (STUB_DTYPE(ACL_INT32) | STUB_FLOATS)

/* ---- sizes ---- */

/* Rows and columns of a matrix, unpacked; of tiles the caller knows better. */
static void matrix_of(const aclTensor *tensor, bool transposed, int64_t *rows, int64_t *columns) {
    const stub_int4 by = stub_int4_of(tensor);
    *rows = transposed ? by.columns : by.rows;
    *columns = transposed ? by.rows : by.columns;
}

bool stub_quant_measure(const stub_call *call, const stub_quant_matmul *op, stub_quant_sizes *sizes) {
    const aclTensor *x1 = stub_quant_arg(call, op->x1), *x2 = stub_quant_arg(call, op->x2);
    const bool tiles = stub_is_nz(x2) && stub_nz_shows_tiles(x2);
    matrix_of(x1, stub_quant_flag(call, op->trans_x1), &sizes->m, &sizes->k);
    sizes->weight_inner = sizes->k;
    sizes->n = stub_last_dim(stub_quant_arg(call, op->out));
    if (!tiles) {
        matrix_of(x2, stub_quant_flag(call, op->trans_x2), &sizes->weight_inner, &sizes->n);
    }
    const uint32_t left = x1->rank - 2, right = x2->rank - (tiles ? 4 : 2);
    sizes->rank = left > right ? left : right;
    for (uint32_t i = 0; i < sizes->rank; i++) {
        const int64_t a = i + left >= sizes->rank ? x1->shape[i + left - sizes->rank] : 1;
        const int64_t b = i + right >= sizes->rank ? x2->shape[i + right - sizes->rank] : 1;
        if (a != b && a != 1 && b != 1) {
            return false;
        }
        sizes->batch[i] = a == 1 ? b : a;
    }
    return true;
}

/* ---- types ---- */

static aclnnStatus check_dtype(const stub_call *call, uint32_t number, stub_dtypes allowed) {
    const stub_dtype_rule rule = {number - 1, STUB_ON_ALL(allowed)};
    return number == 0 ? ACLNN_SUCCESS : stub_check_dtypes(call, &rule, 1);
}

static bool is_int8(const stub_call *call, uint32_t number) {
    return stub_quant_arg(call, number)->dtype == ACL_INT8;
}

/* What the tables of the documents allow together. */
static aclnnStatus check_combination(const stub_call *call, const stub_quant_matmul *op) {
    const aclTensor *scale = stub_quant_arg(call, op->scale), *bias = stub_quant_arg(call, op->bias);
    const bool token = stub_quant_arg(call, op->token) != NULL, offset = stub_quant_arg(call, op->offset) != NULL;
    const aclDataType out = stub_quant_arg(call, op->out)->dtype;
    const bool packed = !scale || scale->dtype == ACL_UINT64 || scale->dtype == ACL_INT64;
    const char *wrong = NULL;
    if (is_int8(call, op->x1) != is_int8(call, op->x2)) {
        wrong = "x1 and x2 must both be ACL_INT8, or both int4";
    } else if (!is_int8(call, op->x1) && (out == ACL_INT8 || out == ACL_INT32)) {
        wrong = "int4 products give ACL_FLOAT16 or ACL_BF16";
    } else if (packed && (token || out == ACL_BF16 || out == ACL_INT32)) {
        wrong = "a packed scale gives ACL_FLOAT16 or ACL_INT8, without a scale per token";
    } else if (!packed && (out == ACL_INT8 || (out == ACL_FLOAT16 && !token))) {
        wrong = "an unpacked scale gives ACL_BF16, ACL_INT32 or, with a scale per token, ACL_FLOAT16";
    } else if (!packed && scale->dtype == ACL_BF16 && out == ACL_FLOAT16) {
        wrong = "an ACL_BF16 scale does not give ACL_FLOAT16";
    } else if (out == ACL_INT32 && token) {
        wrong = "ACL_INT32 results have no scale per token";
    } else if (offset && out != ACL_INT8) {
        wrong = "an offset goes with ACL_INT8 results only";
    } else if (bias && bias->dtype != ACL_INT32 && (packed || out == ACL_INT32)) {
        wrong = "with this scale and result the bias is ACL_INT32";
    } else if (bias && bias->dtype != ACL_INT32 && bias->dtype != ACL_FLOAT && bias->dtype != out) {
        wrong = "a bias of halves has the type of the result";
    }
    return wrong ? stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x1 %s, x2 %s, scale %s, bias %s, out %s: %s", call->op->name,
                             stub_dtype_name(stub_quant_arg(call, op->x1)->dtype),
                             stub_dtype_name(stub_quant_arg(call, op->x2)->dtype),
                             scale ? stub_dtype_name(scale->dtype) : "by value",
                             bias ? stub_dtype_name(bias->dtype) : "none", stub_dtype_name(out), wrong)
                 : ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const stub_quant_matmul *op) {
    const bool old = op->half_only;
    STUB_REQUIRE(check_dtype(call, op->x1, old ? STUB_DTYPE(ACL_INT8) : INTS));
    STUB_REQUIRE(check_dtype(call, op->x2, old ? STUB_DTYPE(ACL_INT8) : INTS));
    STUB_REQUIRE(check_dtype(call, op->scale, old ? STUB_DTYPE(ACL_UINT64) : SCALES));
    STUB_REQUIRE(check_dtype(call, op->offset, STUB_DTYPE(ACL_FLOAT)));
    STUB_REQUIRE(check_dtype(call, op->token, STUB_DTYPE(ACL_FLOAT)));
    STUB_REQUIRE(check_dtype(call, op->bias, old ? STUB_DTYPE(ACL_INT32) : BIASES));
    STUB_REQUIRE(check_dtype(call, op->out, old ? STUB_DTYPE(ACL_FLOAT16) : RESULTS));
    return check_combination(call, op);
}

/* ---- shapes ---- */

static aclnnStatus check_factors(const stub_call *call, uint32_t number, int64_t n, int64_t padded) {
    const aclTensor *tensor = stub_quant_arg(call, number);
    char text[TEXT];
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_check_rank(call, number - 1, 1, 1));
    if (padded ? tensor->shape[0] == padded : tensor->shape[0] == n || tensor->shape[0] == 1) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s; with n = %lld its shape must be [%lld]%s", call->op->name,
                     call->op->params[number - 1].name, stub_describe(tensor, text, sizeof text), (long long)n,
                     (long long)(padded ? padded : n), padded ? "" : " or [1]");
}

static aclnnStatus check_bias(const stub_call *call, const stub_quant_matmul *op, const stub_quant_sizes *sizes) {
    const aclTensor *bias = stub_quant_arg(call, op->bias);
    if (!bias || bias->rank != 3) {
        return bias ? stub_check_shape(call, op->bias - 1, &sizes->n, 1, "one element for each column") : ACLNN_SUCCESS;
    }
    const int64_t dims[] = {sizes->rank == 1 ? sizes->batch[0] : -1, 1, sizes->n};
    return stub_check_shape(call, op->bias - 1, dims, 3, "[batch, 1, n], of results of 3 dimensions only");
}

static aclnnStatus check_product(const stub_call *call, const stub_quant_matmul *op, stub_quant_sizes *sizes) {
    const bool broadcasts = stub_quant_measure(call, op, sizes);
    char left[TEXT], right[TEXT];
    if (!broadcasts || sizes->k != sizes->weight_inner) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x1 (%s) and x2 (%s) cannot be multiplied: %s", call->op->name,
                         stub_describe(stub_quant_arg(call, op->x1), left, sizeof left),
                         stub_describe(stub_quant_arg(call, op->x2), right, sizeof right),
                         broadcasts ? "the inner dimensions differ" : "the batches do not fit");
    }
    int64_t dims[STUB_MAX_RANK];
    memcpy(dims, sizes->batch, sizes->rank * sizeof *dims);
    dims[sizes->rank] = sizes->m;
    dims[sizes->rank + 1] = sizes->n;
    return stub_check_shape(call, op->out - 1, dims, sizes->rank + 2, "that of the product");
}

static aclnnStatus check_layout(const stub_call *call, const stub_quant_matmul *op, const stub_quant_sizes *sizes) {
    const aclTensor *x2 = stub_quant_arg(call, op->x2);
    stub_nz nz;
    if (!stub_is_nz(x2)) {
        return op->nz ? stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x2 has format %d; it must be FRACTAL_NZ (29)",
                                  call->op->name, (int)x2->format)
                      : ACLNN_SUCCESS;
    }
    if (x2->dtype != ACL_INT8) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for int4 weights in FRACTAL_NZ; pass x2 as ND",
                         call->op->name);
    }
    const bool transposed = stub_quant_flag(call, op->trans_x2);
    if (transposed && !stub_nz_shows_tiles(x2)) { /* the view is n x k */
        return stub_nz_find(call, op->x2 - 1, x2, sizes->n, sizes->k, true, &nz);
    }
    return stub_nz_find(call, op->x2 - 1, x2, sizes->k, sizes->n, transposed, &nz);
}

static aclnnStatus check_reserved(const stub_call *call, const stub_quant_matmul *op) {
    for (size_t i = 0; i < sizeof op->reserved / sizeof *op->reserved; i++) {
        if (stub_quant_arg(call, op->reserved[i])) {
            return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                             "%s: the stand-in has no kernel for quantisation with %s; it must be NULL", call->op->name,
                             call->op->params[op->reserved[i] - 1].name);
        }
    }
    if (op->group_size != 0 && call->args[op->group_size - 1].integer != 0) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for quantisation in groups (groupSize %lld); it must be 0",
                         call->op->name, (long long)call->args[op->group_size - 1].integer);
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_quant_matmul_check(const stub_call *call, stub_plan *plan, const stub_quant_matmul *op) {
    const uint32_t required[] = {op->x1 - 1, op->x2 - 1, op->out - 1, (op->scale ? op->scale : op->x1) - 1};
    STUB_REQUIRE(stub_check_given(call, required, 4));
    STUB_REQUIRE(check_reserved(call, op));
    STUB_REQUIRE(stub_check_rank(call, op->x1 - 1, 2, op->highest_rank));
    STUB_REQUIRE(stub_check_rank(call, op->x2 - 1, 2, op->highest_rank + 2));
    STUB_REQUIRE(check_types(call, op));
    stub_quant_sizes sizes = {0};
    STUB_REQUIRE(check_product(call, op, &sizes));
    STUB_REQUIRE(check_layout(call, op, &sizes));
    const int64_t padded = op->pads_scale ? (sizes.n + ALIGNED - 1) / ALIGNED * ALIGNED : 0;
    STUB_REQUIRE(check_factors(call, op->scale, sizes.n, padded));
    STUB_REQUIRE(check_factors(call, op->offset, sizes.n, 0));
    STUB_REQUIRE(check_bias(call, op, &sizes));
    if (stub_quant_arg(call, op->token)) {
        STUB_REQUIRE(stub_check_shape(call, op->token - 1, &sizes.m, 1, "one element for each row of x1"));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_quant_arg(call, op->out)) == 0;
    return ACLNN_SUCCESS;
}
