/* aclnnDot: the sum of the products of two vectors; of integers, modulo their range. */
#include "opapi/kernel.h"
#include "opapi/matmul/product.h"

#include "opapi/elements.h"

enum { SELF, TENSOR, OUT };

#define INTEGERS (STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT32))

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, TENSOR, OUT};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_FLOATS | INTEGERS)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, TENSOR, SELF));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, SELF));
    STUB_REQUIRE(stub_check_rank(call, SELF, 1, 1));
    STUB_REQUIRE(stub_check_same_shape(call, TENSOR, SELF));
    plan->nothing_to_run = false;
    return stub_check_shape(call, OUT, NULL, 0, "that of a scalar");
}

static uint64_t sum_of_products(const stub_part *a, const stub_part *b, int64_t n) {
    int64_t left[STUB_STRETCH], right[STUB_STRETCH];
    uint64_t sum = 0;
    for (int64_t first = 0; first < n; first += STUB_STRETCH) {
        const size_t count = n - first < STUB_STRETCH ? (size_t)(n - first) : STUB_STRETCH;
        const int64_t size = stub_part_size(a);
        stub_load(a->dtype, a->first + first * a->column * size, a->column * size, count, ACL_INT64, left);
        stub_load(b->dtype, b->first + first * b->column * size, b->column * size, count, ACL_INT64, right);
        for (size_t i = 0; i < count; i++) {
            sum += (uint64_t)left[i] * (uint64_t)right[i];
        }
    }
    return sum;
}

static aclnnStatus run(const stub_call *call) {
    stub_view self, other, out;
    STUB_REQUIRE(stub_view_open(call, SELF, &self));
    STUB_REQUIRE(stub_view_open(call, TENSOR, &other));
    STUB_REQUIRE(stub_view_open(call, OUT, &out));
    const int64_t n = self.tensor->shape[0];
    stub_batch_product product = {.m = 1, .n = 1, .k = n, .alpha = 1};
    product.a = stub_part_last(&self, 0);
    product.b = stub_part_last(&other, 0);
    product.out = stub_part_of(&out, STUB_NO_AXIS, STUB_NO_AXIS, 0);
    if (stub_class_of(self.tensor->dtype) == STUB_I64) {
        uint64_t sum = sum_of_products(&product.a, &product.b, n);
        stub_store(ACL_INT64, &sum, 1, out.tensor->dtype, product.out.first, 0);
        return ACLNN_SUCCESS;
    }
    stub_part_transpose(&product.b);
    return stub_batch_product_run(call, &product);
}

STUB_KERNEL(aclnnDot, check, run)
