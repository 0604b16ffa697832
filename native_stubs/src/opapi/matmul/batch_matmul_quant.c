/* aclnnBatchMatmulQuant: int8 of x1 @ x2 + bias, in fp32 times a packed scale, and its offset, for each column; half to
 * even, kept in range. */
#include <math.h>
#include <stdlib.h>

#include "opapi/kernel.h"
#include "opapi/matmul/product.h"
#include "opapi/matmul/quant.h"
#include "opapi/whole.h"

enum { X1, X2, PARAMETERS, BIAS, TRANSPOSE_X1, TRANSPOSE_X2, OUT, MOST_RANK = 6, UNIT = 16 };

typedef struct {
    int64_t m, n, k;
} sizes;

static sizes sizes_of(const stub_call *call) {
    const aclTensor *x1 = stub_tensor_arg(call, X1), *x2 = stub_tensor_arg(call, X2);
    const int64_t *a = x1->shape + x1->rank - 2, *b = x2->shape + x2->rank - 2;
    const bool flips_a = call->args[TRANSPOSE_X1].flag, flips_b = call->args[TRANSPOSE_X2].flag;
    return (sizes){.m = a[flips_a], .n = b[!flips_b], .k = a[!flips_a]};
}

static aclnnStatus check_parameters(const stub_call *call, int64_t n) {
    STUB_REQUIRE(stub_check_rank(call, PARAMETERS, 1, 1));
    const int64_t given = stub_tensor_arg(call, PARAMETERS)->shape[0], wanted = (n + UNIT - 1) / UNIT * UNIT;
    if (given != 1 && given != wanted) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: quantParam has %lld elements; allowed are 1 and %lld",
                         call->op->name, (long long)given, (long long)wanted);
    }
    return stub_check_shape(call, BIAS, &n, 1, "columns of the product");
}

static aclnnStatus check_shapes(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, X1, 2, MOST_RANK));
    const uint32_t rank = stub_tensor_arg(call, X1)->rank;
    STUB_REQUIRE(stub_check_rank(call, X2, rank, rank));
    const sizes of = sizes_of(call);
    int64_t x2[MOST_RANK], out[MOST_RANK];
    for (uint32_t i = 0; i + 2 < rank; i++) {
        x2[i] = out[i] = stub_tensor_arg(call, X1)->shape[i];
    }
    x2[rank - 2] = call->args[TRANSPOSE_X2].flag ? of.n : of.k;
    x2[rank - 1] = call->args[TRANSPOSE_X2].flag ? of.k : of.n;
    out[rank - 2] = of.m;
    out[rank - 1] = of.n;
    STUB_REQUIRE(stub_check_shape(call, X2, x2, rank, "the batch of x1, and its inner length"));
    STUB_REQUIRE(check_parameters(call, of.n));
    STUB_REQUIRE(stub_check_shape(call, OUT, out, rank, "that of the product"));
    if (stub_tensor_numel(stub_tensor_arg(call, X1)) == 0 || stub_tensor_numel(stub_tensor_arg(call, X2)) == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x1 or x2 is empty, which is not allowed", call->op->name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    const uint32_t tensors[] = {X1, X2, PARAMETERS, OUT};
    const stub_dtypes half = STUB_DTYPE(ACL_FLOAT16);
    const stub_dtype_rule rules[] = {{X1, STUB_ON_ALL(half)},
                                     {X2, STUB_ON_ALL(half)},
                                     {BIAS, STUB_ON_ALL(half)},
                                     {PARAMETERS, STUB_ON_ALL(STUB_DTYPE(ACL_UINT64))},
                                     {OUT, STUB_ON_ALL(STUB_DTYPE(ACL_INT8))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 5));
    return check_shapes(call);
}

static aclnnStatus open_matrices(const stub_call *call, uint32_t arg, bool flips, stub_part *part) {
    stub_view view;
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    *part = stub_part_last(&view, view.tensor->rank - 2);
    if (flips) {
        stub_part_transpose(part);
    }
    return ACLNN_SUCCESS;
}

/* x1 @ x2 + bias to `sums`, row-major. */
static aclnnStatus multiply(const stub_call *call, sizes of, float *sums) {
    const aclTensor *x1 = stub_tensor_arg(call, X1);
    stub_batch_product product = {.m = of.m,
                                  .n = of.n,
                                  .k = of.k,
                                  .rank = x1->rank - 2,
                                  .out = {.first = (uint8_t *)sums, .dtype = ACL_FLOAT, .row = of.n, .column = 1},
                                  .alpha = 1};
    stub_view bias;
    int64_t step = of.m * of.n;
    for (uint32_t i = product.rank; i-- > 0; step *= x1->shape[i]) {
        product.batch[i] = x1->shape[i];
        product.out.batch[i] = step;
    }
    STUB_REQUIRE(open_matrices(call, X1, call->args[TRANSPOSE_X1].flag, &product.a));
    STUB_REQUIRE(open_matrices(call, X2, call->args[TRANSPOSE_X2].flag, &product.b));
    if (stub_tensor_arg(call, BIAS)) {
        STUB_REQUIRE(stub_view_open(call, BIAS, &bias));
        product.terms = 1;
        product.term[0] = (stub_term){.part = stub_part_of(&bias, STUB_NO_AXIS, 0, 0), .factor = 1};
    }
    return stub_batch_product_run(call, &product);
}

static aclnnStatus quantise(const stub_call *call, sizes of, int64_t numbers, float *sums, float *scales) {
    float *const offsets = scales + of.n;
    stub_view parameters, out;
    STUB_REQUIRE(stub_view_open(call, PARAMETERS, &parameters));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const stub_part part = stub_part_last(&parameters, 0);
    const int64_t given = parameters.tensor->shape[0];
    stub_quant_numbers(&part, part.first, given, of.n, scales);
    stub_quant_offsets(&part, part.first, given, of.n, offsets);
    for (int64_t i = 0; i < numbers; i++) {
        const float value = nearbyintf(sums[i] * scales[i % of.n] + offsets[i % of.n]);
        sums[i] = value > 127 ? 127 : value < -128 ? -128 : value;
    }
    stub_whole_store(&out, ACL_FLOAT, sums, numbers);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const sizes of = sizes_of(call);
    const int64_t numbers = stub_tensor_numel(stub_tensor_arg(call, OUT));
    float *sums = malloc((size_t)(numbers + 2 * of.n) * sizeof *sums);
    if (!sums) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the product", call->op->name);
    }
    aclnnStatus status = multiply(call, of, sums);
    status = status ? status : quantise(call, of, numbers, sums, sums + numbers);
    free(sums);
    return status;
}

STUB_KERNEL(aclnnBatchMatmulQuant, check, run)
