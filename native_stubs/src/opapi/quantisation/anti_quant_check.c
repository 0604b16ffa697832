/* Phase one of aclnnAscendAntiQuant: CANN's checks in CANN's order. */
#include <string.h>

#include "opapi/quantisation/anti_quant.h"
#include "opapi/validate.h"
#include "opapi/view.h"

enum {
    X = ANTI_QUANT_X,
    SCALE = ANTI_QUANT_SCALE,
    OFFSET = ANTI_QUANT_OFFSET,
    DST_TYPE = ANTI_QUANT_DST_TYPE,
    SQRT_MODE = ANTI_QUANT_SQRT_MODE,
    Y = ANTI_QUANT_Y
};

enum { INT4_PER_WORD = 8 };

#define NONE 0
#define INT8 STUB_DTYPE(ACL_INT8)
#define INTEGERS (INT8 | STUB_DTYPE(ACL_INT4) | STUB_DTYPE(ACL_INT32))
#define FLOAT8 (STUB_DTYPE(ACL_HIFLOAT8) | STUB_DTYPE(ACL_FLOAT8_E5M2) | STUB_DTYPE(ACL_FLOAT8_E4M3FN))
#define FP32 STUB_DTYPE(ACL_FLOAT)
#define PARAMETERS (FP32 | STUB_DTYPE(ACL_BF16))
#define FP16 STUB_DTYPE(ACL_FLOAT16)
#define HALVES (FP16 | STUB_DTYPE(ACL_BF16))

/* In the order of stub_product: A2, A3, 310P, 910, 950. */
static const stub_dtype_rule rules[] = {
    {X, {INTEGERS, INTEGERS, INT8, NONE, INTEGERS | FLOAT8}},
    {Y, {HALVES, HALVES, FP16, NONE, HALVES}},
    {SCALE, {PARAMETERS, PARAMETERS, FP32, NONE, PARAMETERS}},
    {OFFSET, {PARAMETERS, PARAMETERS, FP32, NONE, PARAMETERS}},
};
static const uint32_t required[] = {X, SCALE, Y};

static bool is_950(void) {
    return stub_get_settings()->product == STUB_PRODUCT_950;
}

static bool is_float8(const stub_call *call) {
    return FLOAT8 >> stub_tensor_arg(call, X)->dtype & 1;
}

static aclnnStatus check_dst_type(const stub_call *call) {
    const aclDataType y = stub_tensor_arg(call, Y)->dtype;
    if (call->args[DST_TYPE].integer == (int64_t)y) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dstType is %lld, but y has data type %s (%d); the two must be equal",
                     call->op->name, (long long)call->args[DST_TYPE].integer, stub_dtype_name(y), (int)y);
}

static aclnnStatus check_float8(const stub_call *call) {
    if (!is_float8(call)) {
        return ACLNN_SUCCESS;
    }
    if (stub_tensor_arg(call, SCALE)->dtype != ACL_FLOAT || call->args[SQRT_MODE].flag) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: an 8-bit floating point x needs a FLOAT scale and sqrtMode false", call->op->name);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_unpacked_shape(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    int64_t dims[STUB_MAX_RANK] = {INT4_PER_WORD};
    uint32_t rank = 1;
    if (x->rank > 0) {
        rank = x->rank;
        memcpy(dims, x->shape, rank * sizeof *dims);
        if (__builtin_mul_overflow(dims[rank - 1], INT4_PER_WORD, &dims[rank - 1])) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the last dimension of x is too large", call->op->name);
        }
    }
    return stub_check_shape(call, Y, dims, rank, "that of x with 8 times the last dimension, 8 int4 in a word");
}

static aclnnStatus check_y_shape(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    if (x->dtype == ACL_INT32) {
        return check_unpacked_shape(call);
    }
    STUB_REQUIRE(stub_check_same_shape(call, Y, X));
    if (x->dtype == ACL_INT4 && (x->rank == 0 || stub_last_dim(x) % 2 != 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: an INT4 x, two values in a byte, needs an even last dimension; it has rank %u, last "
                         "dimension %lld",
                         call->op->name, x->rank, (long long)stub_last_dim(x));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_parameters(const stub_call *call) {
    const aclTensor *scale = stub_tensor_arg(call, SCALE);
    const int64_t columns = stub_last_dim(stub_tensor_arg(call, Y));
    STUB_REQUIRE(stub_check_rank(call, SCALE, 1, 1));
    STUB_REQUIRE(stub_check_same_shape(call, OFFSET, SCALE));
    if (is_950() && scale->shape[0] == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: scale is empty; %s does not allow that", call->op->name,
                         stub_product_name());
    }
    if (scale->shape[0] != 1 && scale->shape[0] != columns) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: scale has %lld elements; it must have 1 or as many as the last dimension of y (%lld)",
                         call->op->name, (long long)scale->shape[0], (long long)columns);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_int4_layout(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    if (x->dtype != ACL_INT4 || stub_tensor_is_contiguous(x)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(
        ACLNN_ERR_PARAM_INVALID,
        "%s: an INT4 x must be contiguous (CANN 9.1 and later refuse other strides, earlier versions do not "
        "check); copy it first",
        call->op->name);
}

static aclnnStatus check_shapes(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, X, 0, STUB_MAX_RANK));
    STUB_REQUIRE(check_y_shape(call));
    if (is_950() && stub_tensor_arg(call, SCALE)->rank > 1) {
        return stub_refuse_arithmetic(call, "a scale of more than one dimension");
    }
    return check_parameters(call);
}

aclnnStatus stub_ascend_anti_quant_check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_check_given(call, required, 3));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 4));
    STUB_REQUIRE(stub_check_same_dtype(call, OFFSET, SCALE));
    STUB_REQUIRE(check_dst_type(call));
    STUB_REQUIRE(check_float8(call));
    STUB_REQUIRE(check_shapes(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    if (plan->nothing_to_run) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_int4_layout(call));
    return is_float8(call) ? stub_refuse_arithmetic(call, "an 8-bit floating point x") : ACLNN_SUCCESS;
}
