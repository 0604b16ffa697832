/* aclnnGroupedMatmulAdd: each group of rows of x [k, m] and weight [k, n] adds its product, transposed x by weight, to
 * the group's m rows of y, in fp32. The group list says where groups end. */
#include <stdlib.h>

#include "opapi/kernel.h"
#include "opapi/matmul/gemm.h"

enum { X, WEIGHT, ENDS, Y, TRANSPOSE_X, TRANSPOSE_WEIGHT, TYPE, SPLIT_K = 2 };

static aclnnStatus check_options(const stub_call *call) {
    const bool known = call->args[TRANSPOSE_X].flag && !call->args[TRANSPOSE_WEIGHT].flag;
    if (!known || call->args[TYPE].integer != SPLIT_K) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for %s (nor does CANN); transposeX is true, transposeWeight "
                         "false, groupType 2",
                         call->op->name, known ? "another groupType" : "other transpositions");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, X, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, ENDS, 1, 1));
    STUB_REQUIRE(stub_check_rank(call, Y, 2, 3));
    const int64_t *x = stub_tensor_arg(call, X)->shape, *weight = stub_tensor_arg(call, WEIGHT)->shape,
                  groups = stub_tensor_arg(call, ENDS)->shape[0];
    const int64_t like_x[] = {x[0], weight[1]}, two[] = {groups * x[1], weight[1]}, three[] = {groups, x[1], weight[1]};
    STUB_REQUIRE(stub_check_shape(call, WEIGHT, like_x, 2, "rows of x, columns of y"));
    return stub_tensor_arg(call, Y)->rank == 2 ? stub_check_shape(call, Y, two, 2, "groups * columns of x, columns")
                                               : stub_check_shape(call, Y, three, 3, "groups, columns of x, columns");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {X, WEIGHT, ENDS, Y};
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_HALVES)},
                                     {ENDS, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))},
                                     {Y, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    STUB_REQUIRE(stub_check_same_dtype(call, WEIGHT, X));
    STUB_REQUIRE(check_options(call));
    STUB_REQUIRE(check_shapes(call));
    plan->nothing_to_run =
        stub_tensor_numel(stub_tensor_arg(call, Y)) == 0 || stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    return ACLNN_SUCCESS;
}

static stub_matrix matrix_at(const stub_view *view, int64_t row) {
    const aclTensor *tensor = view->tensor;
    return (stub_matrix){.first = view->base + (tensor->offset + row * tensor->strides[0]) * (view->bits / 8),
                         .dtype = tensor->dtype,
                         .row = tensor->strides[0],
                         .column = tensor->strides[1]};
}

/* Adds a group's product to its rows of y. */
static void add_group(const stub_view *y, int64_t group, int64_t m, int64_t n, const float *product) {
    const aclTensor *tensor = y->tensor;
    const bool flat = tensor->rank == 2;
    const int64_t row = tensor->strides[tensor->rank - 2], column = tensor->strides[tensor->rank - 1];
    float *const first = (float *)(void *)y->base + tensor->offset + group * (flat ? m * row : tensor->strides[0]);
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            first[i * row + j * column] += product[i * n + j];
        }
    }
}

static aclnnStatus read_end(const stub_call *call, const stub_view *ends, int64_t group, int64_t start, int64_t rows,
                            int64_t *end) {
    const int64_t *const values = (const int64_t *)(const void *)ends->base + ends->tensor->offset;
    *end = values[group * ends->tensor->strides[0]];
    return *end >= start && *end <= rows
               ? ACLNN_SUCCESS
               : stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                           "%s: element %lld of groupList is %lld; it must be from %lld to %lld", call->op->name,
                           (long long)group, (long long)*end, (long long)start, (long long)rows);
}

static aclnnStatus add_groups(const stub_call *call, const stub_view *x, const stub_view *weight, const stub_view *ends,
                              const stub_view *y, float *product) {
    const int64_t rows = x->tensor->shape[0], m = x->tensor->shape[1], n = weight->tensor->shape[1];
    for (int64_t group = 0, start = 0, end; group < ends->tensor->shape[0]; group++, start = end) {
        STUB_REQUIRE(read_end(call, ends, group, start, rows, &end));
        const stub_matrix across = matrix_at(x, start);
        const stub_gemm gemm = {
            .m = m,
            .n = n,
            .k = end - start,
            .a = {.first = across.first, .dtype = across.dtype, .row = across.column, .column = across.row},
            .b = matrix_at(weight, start),
            .c = product,
            .c_row = n};
        if (end == start) {
            continue;
        }
        if (!stub_gemm_run(&gemm)) {
            return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a product", call->op->name);
        }
        add_group(y, group, m, n, product);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_view x, weight, ends, y;
    STUB_REQUIRE(stub_view_open(call, X, &x));
    STUB_REQUIRE(stub_view_open(call, WEIGHT, &weight));
    STUB_REQUIRE(stub_view_open(call, ENDS, &ends));
    STUB_REQUIRE(stub_view_open(call, Y, &y));
    float *product = malloc((size_t)(x.tensor->shape[1] * weight.tensor->shape[1]) * sizeof *product);
    if (!product) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for a product", call->op->name);
    }
    const aclnnStatus status = add_groups(call, &x, &weight, &ends, &y, product);
    free(product);
    return status;
}

STUB_KERNEL(aclnnGroupedMatmulAdd, check, run)
