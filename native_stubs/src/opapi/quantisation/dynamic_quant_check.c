/* Phase one of aclnnDynamicQuantV2: CANN's checks in CANN's order. dstType is not read, as in CANN 8.5 and later: the
 * data type of yOut decides. */
#include <string.h>

#include "opapi/quantisation/dynamic_quant.h"
#include "opapi/validate.h"
#include "opapi/view.h"

enum {
    X = DYNAMIC_QUANT_X,
    SMOOTH = DYNAMIC_QUANT_SMOOTH,
    GROUP = DYNAMIC_QUANT_GROUP,
    Y = DYNAMIC_QUANT_Y,
    SCALE = DYNAMIC_QUANT_SCALE,
    OFFSET = DYNAMIC_QUANT_OFFSET
};

enum { MOST_EXPERTS = 1024, INT4_PER_WORD = 8 };

#define FP16 STUB_DTYPE(ACL_FLOAT16)
#define HALVES (FP16 | STUB_DTYPE(ACL_BF16))
#define INT8 STUB_DTYPE(ACL_INT8)
#define INTEGERS (INT8 | STUB_DTYPE(ACL_INT4) | STUB_DTYPE(ACL_INT32))
#define FLOAT8 (STUB_DTYPE(ACL_HIFLOAT8) | STUB_DTYPE(ACL_FLOAT8_E5M2) | STUB_DTYPE(ACL_FLOAT8_E4M3FN))
#define FP32 STUB_DTYPE(ACL_FLOAT)
#define INDICES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))

/* In the order of stub_product: A2, A3, 310P, 910, 950. */
static const stub_dtype_rule input_rules[] = {
    {X, {HALVES, HALVES, FP16, FP16, HALVES}},
    {SMOOTH, {HALVES, HALVES, FP16, FP16, HALVES}},
};
static const stub_dtype_rule group_rule = {GROUP, {INDICES, INDICES, INDICES, INDICES, INDICES}};
static const stub_dtype_rule output_rules[] = {
    {Y, {INTEGERS, INTEGERS, INT8, INT8, INTEGERS | FLOAT8}},
    {SCALE, {FP32, FP32, FP32, FP32, FP32}},
    {OFFSET, {FP32, FP32, FP32, FP32, FP32}},
};
static const uint32_t required[] = {X, Y, SCALE};

static bool is_grouped(const stub_call *call) {
    return stub_tensor_arg(call, SMOOTH) && stub_tensor_arg(call, GROUP);
}

static aclnnStatus check_dtypes(const stub_call *call) {
    STUB_REQUIRE(stub_check_dtypes(call, input_rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, SMOOTH, X));
    if (is_grouped(call)) { /* without smooth factors CANN ignores the group altogether */
        STUB_REQUIRE(stub_check_dtypes(call, &group_rule, 1));
    }
    return stub_check_dtypes(call, output_rules, 3);
}

static aclnnStatus check_smooth(const stub_call *call) {
    if (is_grouped(call)) {
        return stub_check_rank(call, GROUP, 1, 1);
    }
    const int64_t columns = stub_last_dim(stub_tensor_arg(call, X));
    return stub_check_shape(call, SMOOTH, &columns, 1, "one factor per column of x");
}

static aclnnStatus check_packed_shape(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    const int64_t columns = stub_last_dim(x);
    int64_t dims[STUB_MAX_RANK];
    memcpy(dims, x->shape, x->rank * sizeof *dims);
    dims[x->rank - 1] = columns / INT4_PER_WORD;
    if (columns % INT4_PER_WORD != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the last dimension of x is %lld; with an INT32 yOut, whose words hold 8 int4 values, it "
                         "must be a multiple of 8",
                         call->op->name, (long long)columns);
    }
    return stub_check_shape(call, Y, dims, x->rank, "that of x with an eighth of the last dimension, 8 int4 in a word");
}

static aclnnStatus check_y_shape(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    const aclDataType dtype = stub_tensor_arg(call, Y)->dtype;
    if (dtype == ACL_INT32) {
        return check_packed_shape(call);
    }
    STUB_REQUIRE(stub_check_same_shape(call, Y, X));
    if (dtype == ACL_INT4 && stub_last_dim(x) % 2 != 0) {
        return stub_fail(
            ACLNN_ERR_PARAM_INVALID,
            "%s: the last dimension of x is %lld; with an INT4 yOut, two values in a byte, it must be even",
            call->op->name, (long long)stub_last_dim(x));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *x = stub_tensor_arg(call, X);
    STUB_REQUIRE(stub_check_rank(call, X, 2, STUB_MAX_RANK));
    STUB_REQUIRE(check_smooth(call));
    STUB_REQUIRE(check_y_shape(call));
    STUB_REQUIRE(stub_check_shape(call, SCALE, x->shape, x->rank - 1, "that of x without its last dimension"));
    return stub_check_same_shape(call, OFFSET, SCALE);
}

static aclnnStatus refuse_launch(const stub_call *call, const char *rule) {
    char smooth[160], group[160];
    return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: smoothScalesOptional is %s and groupIndexOptional is %s; %s",
                     call->op->name, stub_describe(stub_tensor_arg(call, SMOOTH), smooth, sizeof smooth),
                     stub_describe(stub_tensor_arg(call, GROUP), group, sizeof group), rule);
}

/* What CANN finds only while it prepares the launch, hence the other status. */
static aclnnStatus check_experts(const stub_call *call) {
    const aclTensor *smooth = stub_tensor_arg(call, SMOOTH), *group = stub_tensor_arg(call, GROUP);
    if (smooth->rank != 2 || smooth->shape[1] != stub_last_dim(stub_tensor_arg(call, X))) {
        return refuse_launch(call, "with a group, smoothScalesOptional must be [experts, last dimension of x]");
    }
    if (smooth->shape[0] != group->shape[0]) {
        return refuse_launch(call, "their first dimensions, the number of experts, must be equal");
    }
    if (group->shape[0] < 1 || group->shape[0] > MOST_EXPERTS) {
        return refuse_launch(call, "the number of experts must be 1 to 1024");
    }
    if (group->dtype != ACL_INT32) {
        return refuse_launch(call, "groupIndexOptional must be INT32");
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_launch(const stub_call *call) {
    if (is_grouped(call)) {
        STUB_REQUIRE(check_experts(call));
    }
    const stub_product product = stub_get_settings()->product;
    if (product != STUB_PRODUCT_A2 && product != STUB_PRODUCT_A3) {
        return stub_refuse_arithmetic(call, "dynamic quantisation");
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_dynamic_quant_v2_check(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_check_given(call, required, 3));
    STUB_REQUIRE(check_dtypes(call));
    STUB_REQUIRE(check_shapes(call));
    plan->nothing_to_run =
        stub_tensor_numel(stub_tensor_arg(call, X)) == 0 || stub_tensor_numel(stub_tensor_arg(call, SCALE)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : check_launch(call);
}
