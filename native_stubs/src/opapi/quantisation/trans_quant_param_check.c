/* Phase one of aclnnTransQuantParamV2 and V3: CANN's checks in CANN's order. out becomes UINT64, whatever it was. */
#include "opapi/quantisation/trans_quant_param.h"
#include "opapi/validate.h"

enum { SCALE = TRANS_QUANT_SCALE, OFFSET = TRANS_QUANT_OFFSET };

#define FP32 STUB_DTYPE(ACL_FLOAT)
#define PACKED (STUB_DTYPE(ACL_UINT64) | STUB_DTYPE(ACL_INT64))

static aclnnStatus check_dtypes(const stub_call *call, uint32_t out) {
    const stub_dtype_rule rules[] = {
        {SCALE, STUB_ON_ALL(FP32)}, {OFFSET, STUB_ON_ALL(FP32)}, {out, STUB_ON_ALL(PACKED)}};
    return stub_check_dtypes(call, rules, 3);
}

static aclnnStatus check_formats(const stub_call *call, uint32_t out) {
    const uint32_t args[] = {SCALE, OFFSET, out};
    for (uint32_t i = 0; i < 3; i++) {
        const aclTensor *tensor = stub_tensor_arg(call, args[i]);
        if (tensor && tensor->format != ACL_FORMAT_ND) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has format %d; it must be ND (2)", call->op->name,
                             call->op->params[args[i]].name, (int)tensor->format);
        }
    }
    return ACLNN_SUCCESS;
}

static bool is_row(const aclTensor *tensor, bool groups) {
    const int64_t *dims = tensor->shape;
    return (tensor->rank == 1 && dims[0] > 0) ||
           (tensor->rank == 2 && (dims[0] == 1 || (groups && dims[0] > 0)) && dims[1] > 0);
}

static aclnnStatus check_row(const stub_call *call, uint32_t arg, bool groups) {
    const aclTensor *tensor = stub_tensor_arg(call, arg);
    char text[160];
    if (!tensor || is_row(tensor, groups)) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s; allowed shapes are [n] and [%s, n], not empty",
                     call->op->name, call->op->params[arg].name, stub_describe(tensor, text, sizeof text),
                     groups ? "groups" : "1");
}

/* CANN compares only one-dimensional arrays, and never out: its kernel would run past an end there. */
static aclnnStatus check_counts(const stub_call *call, uint32_t out) {
    const aclTensor *offset = stub_tensor_arg(call, OFFSET);
    const int64_t scales = stub_tensor_numel(stub_tensor_arg(call, SCALE));
    const int64_t offsets = offset ? stub_tensor_numel(offset) : 1, count = scales > offsets ? scales : offsets;
    if (scales > 1 && offsets > 1 && scales != offsets) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: scale has %lld elements and offset has %lld; where both have more than one the numbers "
                         "must be equal",
                         call->op->name, (long long)scales, (long long)offsets);
    }
    const int64_t room = stub_tensor_numel(stub_tensor_arg(call, out));
    if (room < count) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: out has %lld elements; it needs %lld, one per scale or offset",
                         call->op->name, (long long)room, (long long)count);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_round_mode(const stub_call *call, int64_t mode) {
    if (mode == 0 || mode == 1) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: roundMode is %lld; allowed are 0 (cut off) and 1 (to nearest even)",
                     call->op->name, (long long)mode);
}

static aclnnStatus check(const stub_call *call, uint32_t out, int64_t round_mode) {
    const uint32_t required[] = {SCALE, out};
    STUB_REQUIRE(stub_check_given(call, required, 2));
    STUB_REQUIRE(check_dtypes(call, out));
    STUB_REQUIRE(check_formats(call, out));
    STUB_REQUIRE(check_row(call, SCALE, stub_get_settings()->product == STUB_PRODUCT_950));
    STUB_REQUIRE(check_row(call, OFFSET, false));
    STUB_REQUIRE(check_counts(call, out));
    STUB_REQUIRE(check_round_mode(call, round_mode));
    stub_tensor_change_dtype(stub_tensor_arg(call, out), ACL_UINT64);
    return ACLNN_SUCCESS;
}

aclnnStatus stub_trans_quant_param_v2_check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    return check(call, TRANS_QUANT_V2_OUT, 0);
}

aclnnStatus stub_trans_quant_param_v3_check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    return check(call, TRANS_QUANT_V3_OUT, call->args[TRANS_QUANT_ROUND_MODE].integer);
}
