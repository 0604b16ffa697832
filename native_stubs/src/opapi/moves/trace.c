/* aclnnTrace: the sum of a matrix's diagonal; FLOAT16 and BF16 in fp32, integers as INT64. */
#include "opapi/elements.h"
#include "opapi/moves/arrange.h"

enum { SELF, OUT };

static aclDataType result_type(aclDataType dtype) {
    const stub_class class_ = stub_class_of(dtype);
    return class_ == STUB_I64 || class_ == STUB_B8 ? ACL_INT64 : dtype;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {SELF, OUT};
    const stub_dtype_rule rule = {SELF, STUB_ON_ALL(STUB_NUMBERS | STUB_COMPLEXES)};
    (void)plan;
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    const aclDataType wanted = result_type(stub_tensor_arg(call, SELF)->dtype);
    const stub_dtype_rule out = {OUT, STUB_ON_ALL(STUB_DTYPE(wanted))};
    STUB_REQUIRE(stub_check_dtypes(call, &out, 1));
    STUB_REQUIRE(stub_check_rank(call, SELF, 2, 2));
    return stub_check_shape(call, OUT, NULL, 0, "a scalar");
}

#define SUM(T, as_)                                                                                                    \
    {                                                                                                                  \
        T sum = 0, x;                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            stub_load(self.dtype, self.first + i * step, 0, 1, as_, &x);                                               \
            sum += x;                                                                                                  \
        }                                                                                                              \
        stub_store(as_, &sum, 1, out.dtype, out.first, 16);                                                            \
        return ACLNN_SUCCESS;                                                                                          \
    }

static aclnnStatus run(const stub_call *call) {
    stub_box self, out;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    const int64_t n = self.shape[0] < self.shape[1] ? self.shape[0] : self.shape[1];
    const int64_t step = self.steps[0] + self.steps[1];
    switch (stub_class_of(result_type(self.dtype))) {
    case STUB_F32:
        SUM(float, ACL_FLOAT)
    case STUB_F64:
        SUM(double, ACL_DOUBLE)
    case STUB_C128:
        SUM(double complex, ACL_COMPLEX128)
    default:
        SUM(uint64_t, ACL_INT64)
    }
}

STUB_KERNEL(aclnnTrace, check, run)
