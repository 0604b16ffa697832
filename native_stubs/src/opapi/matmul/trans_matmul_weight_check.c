/* Phase one of aclnnTransMatmulWeight: CANN's checks in CANN's order, and what it writes into the caller's descriptor.
 */
#include <string.h>

#include "opapi/matmul/trans_matmul_weight.h"
#include "opapi/validate.h"
#include "opapi/view.h"

#define INT8 STUB_DTYPE(ACL_INT8)
#define FP16 STUB_DTYPE(ACL_FLOAT16)
#define MANY (FP16 | INT8 | STUB_DTYPE(ACL_BF16) | STUB_DTYPE(ACL_UINT8))
#define FLOAT8 (STUB_DTYPE(ACL_FLOAT8_E4M3FN) | STUB_DTYPE(ACL_HIFLOAT8))

/* In the order of stub_product: A2, A3, 310P, 910, 950. CANN's list for A2 and A3 has the 8-bit floats as well, which
 * these do not have (core/product.h). */
static const stub_dtype_rule rule = {0, {MANY, MANY, FP16 | INT8, FP16, MANY | FLOAT8}};
static const uint32_t required[] = {0};

static aclnnStatus check_format(const stub_call *call) {
    const aclTensor *weight = stub_tensor_arg(call, 0);
    char text[160];
    if (weight->format == ACL_FORMAT_ND) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID,
                     "%s: mmWeightRef (%s) has format %d; only ND (2) can be converted. Phase one of an earlier call "
                     "makes a tensor FRACTAL_NZ (29): convert once",
                     call->op->name, stub_describe(weight, text, sizeof text), (int)weight->format);
}

static uint32_t highest_rank(aclDataType dtype) {
    const stub_product product = stub_get_settings()->product;
    const bool many = product == STUB_PRODUCT_A2 || product == STUB_PRODUCT_A3 || dtype == ACL_INT8;
    return many ? STUB_NZ_MAX_RANK : STUB_NZ_MIN_RANK;
}

/* The storage's dimensions; the number of bytes, which the workspace must hold, in `bytes`. */
static aclnnStatus find_storage(const stub_call *call, int64_t dims[STUB_MAX_RANK], uint64_t *bytes) {
    const aclTensor *weight = stub_tensor_arg(call, 0);
    const uint32_t lead = weight->rank - 2;
    const int64_t width = stub_dtype_bits(weight->dtype) / 8, columns = STUB_NZ_ROW_BYTES / width;
    memcpy(dims, weight->shape, lead * sizeof *dims);
    dims[lead] = stub_tiles(weight->shape[lead + 1], columns);
    dims[lead + 1] = stub_tiles(weight->shape[lead], STUB_NZ_ROWS);
    dims[lead + 2] = STUB_NZ_ROWS;
    dims[lead + 3] = columns;
    int64_t size = width;
    for (uint32_t i = 0; i < lead + 4; i++) {
        if (__builtin_mul_overflow(size, dims[i], &size)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: mmWeightRef is too large to be padded", call->op->name);
        }
    }
    *bytes = (uint64_t)size;
    return ACLNN_SUCCESS;
}

aclnnStatus stub_trans_matmul_weight_check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_check_given(call, required, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(check_format(call));
    STUB_REQUIRE(stub_check_rank(call, 0, 0, STUB_MAX_RANK));
    const aclTensor *weight = stub_tensor_arg(call, 0);
    plan->nothing_to_run = stub_tensor_numel(weight) == 0;
    if (plan->nothing_to_run) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_check_rank(call, 0, STUB_NZ_MIN_RANK, highest_rank(weight->dtype)));
    int64_t dims[STUB_MAX_RANK];
    STUB_REQUIRE(find_storage(call, dims, &plan->workspace_size));
    return stub_tensor_change_storage(weight, ACL_FORMAT_FRACTAL_NZ, dims, weight->rank + 2,
                                      (size_t)plan->workspace_size);
}
