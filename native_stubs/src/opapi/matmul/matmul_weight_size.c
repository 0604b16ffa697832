/* aclnnCalculateMatmulWeightSize and its V2: how many elements a matrix weight has once it is FRACTAL_NZ. Host only. */
#include <inttypes.h>

#include "aclnn/opdev/op_errno.h"
#include "aclnnop/aclnn_trans_matmul_weight.h"
#include "core/error.h"
#include "core/settings.h"
#include "nnopbase/descriptors.h"
#include "opapi/matmul/trans_matmul_weight.h"
#include "opapi/validate.h"

static aclnnStatus check_arguments(const char *function, const aclIntArray *shape, const uint64_t *size) {
    if (!shape || !size) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL", function,
                         shape ? "weightTensorSize" : "tensorShape");
    }
    uint64_t rank;
    return aclGetIntArraySize(shape, &rank);
}

static aclnnStatus check_rank(const char *function, const aclIntArray *shape, uint64_t highest) {
    if (shape->size >= STUB_NZ_MIN_RANK && shape->size <= highest) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: tensorShape has %" PRIu64 " dimensions; allowed are 2 to %" PRIu64,
                     function, shape->size, highest);
}

/* What the dimension `from_last` places from the end (1: the last one) is padded to a multiple of. dataType is not
 * validated: all but FLOAT16 and BF16 count as INT8. */
static int64_t block_of(aclDataType dtype, uint64_t from_last) {
    const bool half = dtype == ACL_FLOAT16 || dtype == ACL_BF16;
    return from_last > 2 ? 1 : from_last == 2 ? STUB_NZ_ROWS : STUB_NZ_ROW_BYTES / (half ? 2 : 1);
}

/* CANN multiplies whatever it is given; here a size that is none is refused. */
static aclnnStatus calculate(const char *function, const aclIntArray *shape, aclDataType dtype, uint64_t *size) {
    int64_t elements = 1;
    for (uint64_t i = 0; i < shape->size; i++) {
        const int64_t dim = shape->values[i], block = block_of(dtype, shape->size - i);
        int64_t padded;
        if (dim < 0 || __builtin_mul_overflow(stub_tiles(dim, block), block, &padded) ||
            __builtin_mul_overflow(elements, padded, &elements)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: tensorShape[%" PRIu64 "] is %lld; a dimension must not be negative, nor may the "
                             "number of elements pass 2^63 - 1",
                             function, i, (long long)dim);
        }
    }
    *size = (uint64_t)elements;
    return ACLNN_SUCCESS;
}

aclnnStatus aclnnCalculateMatmulWeightSize(const aclIntArray *tensorShape, uint64_t *weightTensorSize) {
    static const char function[] = "aclnnCalculateMatmulWeightSize";
    const stub_product product = stub_get_settings()->product;
    const bool many = product == STUB_PRODUCT_A2 || product == STUB_PRODUCT_A3;
    STUB_REQUIRE(check_arguments(function, tensorShape, weightTensorSize));
    STUB_REQUIRE(check_rank(function, tensorShape, many ? STUB_NZ_MAX_RANK : STUB_NZ_MIN_RANK));
    return calculate(function, tensorShape, ACL_FLOAT16, weightTensorSize);
}

static aclnnStatus check_not_empty(const char *function, const aclIntArray *shape) {
    for (uint64_t i = 0; i < shape->size; i++) {
        if (shape->values[i] == 0) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: tensorShape[%" PRIu64 "] is 0; empty weights are not allowed", function, i);
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus aclnnCalculateMatmulWeightSizeV2(const aclIntArray *tensorShape, aclDataType dataType,
                                             uint64_t *weightTensorSize) {
    static const char function[] = "aclnnCalculateMatmulWeightSizeV2";
    if (stub_get_settings()->product == STUB_PRODUCT_910) {
        return stub_fail(ACLNN_ERR_RUNTIME_ERROR, "%s: %s does not have this function", function, stub_product_name());
    }
    STUB_REQUIRE(check_arguments(function, tensorShape, weightTensorSize));
    STUB_REQUIRE(check_rank(function, tensorShape, STUB_NZ_MAX_RANK));
    STUB_REQUIRE(check_not_empty(function, tensorShape));
    return calculate(function, tensorShape, dataType, weightTensorSize);
}
