/* aclnnSignBitsPack: one bit per number, set where it is not negative, the first number in the lowest bit. What is
 * missing of the last byte counts as negative. aclnnSignBitsUnpack: bits become 1 and -1. */
#include "opapi/elements.h"
#include "opapi/moves/arrange.h"

#define HALF_OR_FLOAT (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT))

static aclnnStatus check_rows(const stub_call *call, uint32_t size_arg, uint32_t out, int64_t count) {
    const int64_t rows = call->args[size_arg].integer;
    if (rows < 1 || count % rows != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: size is %lld; it must divide %lld, the elements of out",
                         call->op->name, (long long)rows, (long long)count);
    }
    const int64_t shape[] = {rows, count / rows};
    return stub_check_shape(call, out, shape, 2, "size, and the rest");
}

static aclnnStatus check(const stub_call *call, uint32_t out, stub_dtypes from, stub_dtypes to) {
    const uint32_t tensors[] = {0, out};
    const stub_dtype_rule rules[] = {{0, STUB_ON_ALL(from)}, {out, STUB_ON_ALL(to)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    return stub_check_rank(call, 0, 1, 1);
}

enum { SELF, SIZE, PACKED = 2, DTYPE = 2, UNPACKED = 3 };

static aclnnStatus check_pack(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check(call, PACKED, HALF_OR_FLOAT, STUB_DTYPE(ACL_UINT8)));
    const int64_t count = stub_tensor_arg(call, SELF)->shape[0];
    plan->nothing_to_run = count == 0;
    return check_rows(call, SIZE, PACKED, (count + 7) / 8);
}

static uint8_t *row_of(const stub_box *box, int64_t i) {
    return box->first + i / box->shape[1] * box->steps[0] + i % box->shape[1] * box->steps[1];
}

static aclnnStatus run_pack(const stub_call *call) {
    stub_box self, out;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, PACKED, &out));
    for (int64_t i = 0; i < stub_box_size(&out); i++) {
        const int64_t left = self.shape[0] - 8 * i, n = left < 8 ? left : 8;
        float numbers[8];
        stub_load(self.dtype, self.first + 8 * i * self.steps[0], self.steps[0], (size_t)n, ACL_FLOAT, numbers);
        unsigned bits = 0;
        for (int64_t k = 0; k < n; k++) {
            bits |= (numbers[k] >= 0 ? 1u : 0u) << k;
        }
        *row_of(&out, i) = (uint8_t)bits;
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_unpack(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(check(call, UNPACKED, STUB_DTYPE(ACL_UINT8), HALF_OR_FLOAT));
    const aclTensor *out = stub_tensor_arg(call, UNPACKED);
    if (call->args[DTYPE].integer != (int64_t)out->dtype) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dtype is %lld and out has %s; they must be equal",
                         call->op->name, (long long)call->args[DTYPE].integer, stub_dtype_name(out->dtype));
    }
    const int64_t count = stub_tensor_arg(call, SELF)->shape[0];
    plan->nothing_to_run = count == 0;
    return check_rows(call, SIZE, UNPACKED, 8 * count);
}

static aclnnStatus run_unpack(const stub_call *call) {
    stub_box self, out;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, UNPACKED, &out));
    for (int64_t i = 0; i < stub_box_size(&out); i++) {
        const unsigned byte = self.first[i / 8 * self.steps[0]];
        float sign = (byte >> (i % 8) & 1) != 0 ? 1.0f : -1.0f;
        stub_store(ACL_FLOAT, &sign, 1, out.dtype, row_of(&out, i), 4);
    }
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnSignBitsPack, check_pack, run_pack)
STUB_KERNEL(aclnnSignBitsUnpack, check_unpack, run_unpack)
