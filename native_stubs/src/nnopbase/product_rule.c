/* See product_rule.h; the data types are in core/product.c. An operator that allows less says so in its own check. */
#include "nnopbase/product_rule.h"

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/product.h"

typedef struct {
    const stub_call *call;
    uint64_t lacks; /* data types, one bit each */
} product_rule;

static aclnnStatus refuse(const stub_call *call, uint32_t arg, const aclTensor *tensor) {
    char reason[128] = "", given[160];
    stub_product_has_dtype(tensor->dtype, reason, sizeof reason);
    return stub_fail(ACLNN_ERR_PARAM_INVALID,
                     "%s: the data type of %s (%s) is not supported on %s (ASCEND_STUB_SOC): %s. Convert it first",
                     call->op->name, call->op->params[arg].name, stub_describe(tensor, given, sizeof given),
                     stub_product_name(), reason);
}

static aclnnStatus check_tensor(const product_rule *rule, uint32_t arg, const aclTensor *tensor) {
    const bool lacked = tensor != NULL && (unsigned)tensor->dtype < 64 && (rule->lacks >> tensor->dtype & 1) != 0;
    return lacked ? refuse(rule->call, arg, tensor) : ACLNN_SUCCESS;
}

static aclnnStatus check_list(const product_rule *rule, uint32_t arg) {
    const aclTensorList *list = rule->call->args[arg].tensors;
    aclnnStatus status = ACLNN_SUCCESS;
    for (uint64_t i = 0; list != NULL && i < list->size && status == ACLNN_SUCCESS; i++) {
        status = check_tensor(rule, arg, list->items[i]);
    }
    return status;
}

aclnnStatus stub_check_product(const stub_call *call) {
    const product_rule rule = {call, stub_product_lacks()};
    aclnnStatus status = ACLNN_SUCCESS;
    for (uint32_t arg = 0; arg < call->op->count && status == ACLNN_SUCCESS; arg++) {
        if (call->op->params[arg].kind == STUB_TENSOR) {
            status = check_tensor(&rule, arg, call->args[arg].tensor);
        } else if (call->op->params[arg].kind == STUB_TENSOR_LIST) {
            status = check_list(&rule, arg);
        }
    }
    return status;
}
