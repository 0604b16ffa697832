/* aclScalar: one value of a data type, kept as the bits that were passed. */
#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "nnopbase/descriptors.h"
#include "nnopbase/objects.h"

/* Data types that CANN accepts here, as bits of a set. The others have no C type a value could be passed in. */
static const uint64_t accepted =
    1ull << ACL_FLOAT | 1ull << ACL_FLOAT16 | 1ull << ACL_INT8 | 1ull << ACL_INT32 | 1ull << ACL_UINT8 |
    1ull << ACL_INT16 | 1ull << ACL_UINT16 | 1ull << ACL_UINT32 | 1ull << ACL_INT64 | 1ull << ACL_UINT64 |
    1ull << ACL_DOUBLE | 1ull << ACL_BOOL | 1ull << ACL_COMPLEX64 | 1ull << ACL_COMPLEX128 | 1ull << ACL_BF16 |
    1ull << ACL_HIFLOAT8 | 1ull << ACL_FLOAT8_E5M2 | 1ull << ACL_FLOAT8_E4M3FN | 1ull << ACL_FLOAT8_E8M0 |
    1ull << ACL_FLOAT6_E3M2 | 1ull << ACL_FLOAT6_E2M3 | 1ull << ACL_FLOAT4_E2M1 | 1ull << ACL_FLOAT4_E1M2;

static bool is_accepted(aclDataType dtype) {
    const int index = (int)dtype;
    return index >= 0 && index < 64 && (accepted >> index & 1) != 0;
}

/* Types of less than a byte are passed in one. */
static size_t value_size(aclDataType dtype) {
    return ((size_t)stub_dtype_bits(dtype) + 7) / 8;
}

aclScalar *aclCreateScalar(void *value, aclDataType dataType) {
    if (value == NULL) {
        stub_fail(ACLNN_ERR_PARAM_NULLPTR, "aclCreateScalar: value is NULL");
        return NULL;
    }
    if (!is_accepted(dataType)) {
        stub_fail(ACLNN_ERR_PARAM_INVALID,
                  "aclCreateScalar: a scalar cannot have the data type %s (%d); integers up to 64 bits, bool, floats "
                  "and COMPLEX64 / COMPLEX128 are allowed",
                  stub_dtype_name(dataType), (int)dataType);
        return NULL;
    }
    aclScalar *scalar = malloc(sizeof *scalar);
    if (scalar == NULL) {
        stub_fail(ACLNN_ERR_INNER, "aclCreateScalar: no host memory for a descriptor");
        return NULL;
    }
    *scalar = (aclScalar){.magic = STUB_MAGIC_SCALAR, .dtype = dataType};
    memcpy(scalar->value.bytes, value, value_size(dataType));
    return scalar;
}

aclnnStatus aclDestroyScalar(const aclScalar *scalar) {
    return stub_destroy(scalar, STUB_MAGIC_SCALAR, "aclDestroyScalar");
}
